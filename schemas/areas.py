"""Dotted area codes of the Ministry of Home Affairs (`19`, `19.03`, `19.03.01`, `19.03.01.1001`) and their table.

Two digits province, two kabupaten or kota, two kecamatan, four desa or kelurahan. BPS numbers the same areas
otherwise with as many digits, hence the dots: an undotted code is never an area code here. A *scope* is an area
code that stands for all beneath it, or `NATION` for everything. The first six digits of a NIK are a kecamatan
code without its dots.

Pure: the table is built from rows that somebody else reads (field_forms/areas/).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator

NATION = "ID"
"""The scope that covers every area. A word, so that an empty text never opens the whole country."""
PROVINCE, REGENCY, DISTRICT, VILLAGE = 1, 2, 3, 4
REGION_LENGTH = 5

_CODE = re.compile(r"[0-9]{2}(\.[0-9]{2}(\.[0-9]{2}(\.[0-9]{4})?)?)?\Z")
_KIND_WORDS = re.compile(
    r"^(desa adat|desa|kelurahan|kel|ds|dsn|nagari|gampong|kampung|pekon|kecamatan|kec|kabupaten|kab|kota)\b\.?\s*"
)
_NOT_LETTERS = re.compile(r"[^a-z0-9]+")


def is_area(code: object) -> bool:
    """Whether this is a dotted area code of any level. Says nothing about whether the area exists."""
    return isinstance(code, str) and _CODE.match(code) is not None


def is_scope(scope: object) -> bool:
    """Whether this can be a scope: an area code, or `NATION`."""
    return scope == NATION or is_area(scope)


def level_of(code: str) -> int:
    """1 province, 2 kabupaten or kota, 3 kecamatan, 4 desa or kelurahan. Raises ValueError for anything else."""
    if not is_area(code):
        raise ValueError(f"{code!r} is not a dotted area code such as 19.03.01.1001")
    return code.count(".") + 1


def parent_of(code: str) -> str | None:
    """The area this one lies in, or None for a province."""
    return code.rpartition(".")[0] or None


def covers(scope: str, code: str) -> bool:
    """Whether an area lies in a scope: a prefix at a dot. `19.03` covers itself and `19.03.01.1001`, not `19.031`."""
    if scope == NATION:
        return is_area(code)
    return bool(scope) and (code == scope or code.startswith(scope + "."))


def covered_by_any(scopes: Iterable[str], code: str) -> bool:
    """Whether an area lies in at least one of the scopes."""
    return any(covers(scope, code) for scope in scopes)


def region_of(code: str) -> str:
    """The kabupaten or kota of an area: `19.03` of `19.03.01.1001`. Raises ValueError for a province or no code."""
    if level_of(code) < REGENCY:
        raise ValueError(f"{code!r} is a province; a region is a kabupaten or kota such as 19.03")
    return code[:REGION_LENGTH]


def nik_prefix_of(code: str) -> str:
    """The six digits with which NIKs first registered in this kecamatan (or a village of it) begin."""
    if level_of(code) < DISTRICT:
        raise ValueError(f"{code!r} is not a kecamatan or a village")
    return code[:8].replace(".", "")


def name_key(name: str) -> str:
    """A name as it is compared first: lower case, letters and digits only."""
    return _NOT_LETTERS.sub("", name.casefold())


def loose_name_key(name: str) -> str:
    """A name as it is compared when `name_key` finds nothing: without a leading `Desa`, `Kel.`, `Kec.`, `Kota`."""
    text = name.casefold().strip()
    return name_key(_KIND_WORDS.sub("", text)) or name_key(text)


class AreaTable:
    """All areas of the country by code. Immutable once built."""

    __slots__ = ("_by_name", "_codes", "_districts", "_names")

    def __init__(self, rows: Iterable[tuple[str, str]]) -> None:
        """`rows` are (code, name), in any order. Raises ValueError for a bad code, a repeated one, a missing parent."""
        names: dict[str, str] = {}
        for code, name in rows:
            if not is_area(code):
                raise ValueError(f"{code!r} ({name}) is not a dotted area code")
            if code in names:
                raise ValueError(f"{code} stands twice: {names[code]} and {name}")
            names[code] = name
        for code in names:
            parent = parent_of(code)
            if parent is not None and parent not in names:
                raise ValueError(f"{code} ({names[code]}) lies in {parent}, which is not in the table")
        self._names = names
        self._codes = sorted(names)
        self._districts = frozenset(nik_prefix_of(code) for code in names if code.count(".") == DISTRICT - 1)
        self._by_name: dict[str, tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]] = {}

    def __contains__(self, code: object) -> bool:
        return code in self._names

    def __len__(self) -> int:
        return len(self._names)

    @property
    def districts(self) -> frozenset[str]:
        """Every kecamatan as six digits, as NIKs begin with."""
        return self._districts

    def name(self, code: str) -> str | None:
        """The name of an area, or None where the table has no such code."""
        return self._names.get(code)

    def path(self, code: str) -> tuple[str, ...]:
        """Names from the province down to the area itself. Names alone are not unique: always show the path."""
        pieces = code.split(".")
        steps = (".".join(pieces[: index + 1]) for index in range(len(pieces)))
        return tuple(self._names.get(step, step) for step in steps)

    def label(self, code: str) -> str:
        """The path for people, smallest area first: `Toboali, Toboali, Kabupaten Bangka Selatan, ...`."""
        return ", ".join(reversed(self.path(code)))

    def children(self, code: str | None = None) -> list[str]:
        """Codes of the areas directly beneath one, sorted; the provinces where none is given."""
        if code is None:
            return [each for each in self._codes if "." not in each]
        depth = code.count(".") + 1
        return [each for each in self.within(code) if each.count(".") == depth]

    def within(self, scope: str) -> Iterator[str]:
        """Codes beneath a scope at every level, sorted, the area itself not among them."""
        if scope == NATION:
            yield from self._codes
            return
        prefix = scope + "."
        for index in range(bisect_left(self._codes, prefix), len(self._codes)):
            if not self._codes[index].startswith(prefix):
                return
            yield self._codes[index]

    def villages(self, scope: str) -> list[str]:
        """Codes of all villages in a scope, sorted; a village's own code gives itself."""
        if scope in self._names and scope.count(".") == VILLAGE - 1:
            return [scope]
        return [code for code in self.within(scope) if code.count(".") == VILLAGE - 1]

    def find_villages(self, region: str, village: str, district: str | None = None) -> tuple[str, ...]:
        """Codes of the villages of that name in a kabupaten, sorted; several where the name is not unique there.

        `district` (a kecamatan's name or code) narrows the search. Names are compared by `name_key`, then, where that
        finds nothing, by `loose_name_key`.
        """
        exact, loose = self._names_in(region)
        found = exact.get(name_key(village)) or loose.get(loose_name_key(village), ())
        district = (district or "").strip()
        if not district:
            return found
        if is_area(district):
            return tuple(code for code in found if covers(district, code))
        wanted = (name_key(district), loose_name_key(district))
        return tuple(
            code for code in found if wanted[0] == name_key(self._names[code[:8]])
        ) or tuple(code for code in found if wanted[1] == loose_name_key(self._names[code[:8]]))

    def _names_in(self, region: str) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
        index = self._by_name.get(region)
        if index is None:
            exact: dict[str, list[str]] = {}
            loose: dict[str, list[str]] = {}
            for code in self.villages(region):
                exact.setdefault(name_key(self._names[code]), []).append(code)
                loose.setdefault(loose_name_key(self._names[code]), []).append(code)
            index = (
                {key: tuple(codes) for key, codes in exact.items()},
                {key: tuple(codes) for key, codes in loose.items()},
            )
            self._by_name[region] = index
        return index
