"""From what a list says of a village to its area code inside one kabupaten; never to a village that was only guessed.

Names are not unique, not even within a kabupaten: without the kecamatan or the code such a family is not taken in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import get_close_matches

from schemas.areas import VILLAGE, AreaTable, covers, is_area, level_of

_UNDOTTED = re.compile(r"[0-9]{10}\Z")


@dataclass(frozen=True, slots=True)
class Found:
    """A village's code, or the code of a problem with what was found and a hint."""

    area: str = ""
    problem: str = ""
    found: str = ""
    hint: str = ""


@dataclass(slots=True)
class Villages:
    """Finds villages within one region; each spelling once."""

    areas: AreaTable
    region: str
    _known: dict[tuple[str, str, str], Found] = field(default_factory=dict)

    def find(self, name: str, code: str = "", kecamatan: str = "") -> Found:
        """The village of a row: by its code where there is one, else by its name (and kecamatan) in the region."""
        key = (name, code, kecamatan)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._find(name.strip(), code.strip(), kecamatan.strip())
        return found

    def _find(self, name: str, code: str, kecamatan: str) -> Found:
        if not code and (is_area(name) or _UNDOTTED.match(name)):
            name, code = "", name
        if code:
            return self._by_code(code)
        if not name:
            return Found(problem="village_empty")
        codes = self.areas.find_villages(self.region, name, kecamatan)
        if len(codes) == 1:
            return Found(area=codes[0])
        shown = f"{name} (Kec. {kecamatan})" if kecamatan else name
        if codes:
            hint = "; ".join(f"{each} {self._short(each)}" for each in codes)
            return Found(problem="village_ambiguous", found=shown, hint=hint)
        return Found(problem="village_unknown", found=shown, hint=self._near(name))

    def _by_code(self, code: str) -> Found:
        if _UNDOTTED.match(code):
            return Found(problem="village_undotted", found=code)
        if not is_area(code) or level_of(code) != VILLAGE or code not in self.areas:
            return Found(problem="village_unknown", found=code)
        if not covers(self.region, code):
            return Found(problem="village_elsewhere", found=f"{code} {self.areas.label(code)}")
        return Found(area=code)

    def _near(self, name: str) -> str:
        """Villages of nearly that name, or of that name under another kecamatan, for people to look at."""
        same = self.areas.find_villages(self.region, name)
        if not same:
            names = {(self.areas.name(code) or "").casefold(): code for code in self.areas.villages(self.region)}
            same = tuple(names[each] for each in get_close_matches(name.casefold(), names, n=3, cutoff=0.75))
        shown = "; ".join(f"{code} {self._short(code)}" for code in same)
        return f". Mungkin: {shown}" if shown else ""

    def _short(self, code: str) -> str:
        _, _, kecamatan, village = self.areas.path(code)
        return f"{village}, Kec. {kecamatan}"
