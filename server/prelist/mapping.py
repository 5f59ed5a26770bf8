"""Which column of a list says what: a small TOML file. Two come with Padan: `p3ke` (the workbook) and `generic` (CSV).

    name = "p3ke"                 # what the operator calls it
    source = "p3ke"               # part of every household id made from the list; never change it
    heading_rows = [1, 12]        # the headings stand in one of these rows
    first_row = 13                # data from here on
    evidence = 0                  # 0-5, what such a list proves; 0 = listed
    dates = ["%Y-%m-%d"]          # forms of a birth date, tried in this order
    columns.nik = {column = "I", headings = ["NIK"]}
    columns.kecamatan = {headings = ["Kecamatan"], optional = true}   # no fixed letter: found by its heading
    household.wall_type = {headings = ["Jenis dinding"], optional = true}   # any question of the form
    person.mother_name = {headings = ["Nama ibu"], optional = true}
    values.sex = {"L" = "1", "P" = "2"}
    values.relation = {"kepala keluarga" = "1"}
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from schemas.areas import name_key
from schemas.paths import field_problem
from server.prelist.sources import column_index

COLUMNS = (
    "family_id",
    "village",
    "village_code",
    "kecamatan",
    "address",
    "rt",
    "rw",
    "desil",
    "no_kk",
    "name",
    "nik",
    "sex",
    "relation",
    "birth_date",
    "birth_place",
    "member_id",
)
NEEDED = ("family_id", "name", "nik")
FOLDER = Path(__file__).resolve().parent / "mappings"
HEADING_ROWS_MAX = 100
_KEYS = {"name", "source", "heading_rows", "first_row", "evidence", "dates", "columns", "household", "person", "values"}
_SPEC_KEYS = {"column", "headings", "optional"}


class MappingError(ValueError):
    """A column mapping that can't be used; the message names the file and the key."""


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """Where one kind of cell stands: a fixed column whose heading is checked, or wherever a heading says so."""

    headings: tuple[str, ...]
    column: int | None = None
    optional: bool = False

    def fits(self, heading: str) -> bool:
        """Whether a heading is one of those expected; case, spaces and signs do not count."""
        return bool(heading) and name_key(heading) in {name_key(each) for each in self.headings}


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """A checked mapping. Keys of `columns` are `COLUMNS`, or `h/<field>` and `p/<field>` for other questions."""

    name: str
    source: str
    columns: Mapping[str, ColumnSpec]
    heading_rows: tuple[int, int] = (1, 1)
    first_row: int = 2
    evidence: int = 0
    dates: tuple[str, ...] = ("%Y-%m-%d",)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def builtin_mappings() -> list[str]:
    """Names of the mappings that come with Padan."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_mapping(name_or_path: str) -> ColumnMapping:
    """A mapping that comes with Padan, by name, or one of the operator's, by path. Raises `MappingError`."""
    if name_or_path in builtin_mappings():
        path = FOLDER / f"{name_or_path}.toml"
    else:
        path = Path(name_or_path)
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(builtin_mappings())
        raise MappingError(f"{name_or_path}: no such mapping; give a TOML file or one of {known}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MappingError(f"{path}: {error}") from error
    return read_mapping(raw, str(path))


def read_mapping(raw: Mapping[str, Any], where: str = "mapping") -> ColumnMapping:
    """Check a mapping as TOML gives it. Raises `MappingError`."""
    _only(raw, _KEYS, where)
    columns = {key: _spec(spec, f"{where}, columns.{key}") for key, spec in _table(raw, "columns", where).items()}
    _only(columns, set(COLUMNS), f"{where}, columns")
    for key in NEEDED:
        if key not in columns or columns[key].optional:
            raise MappingError(f"{where}: columns.{key} is needed and may not be optional")
    if "village" not in columns and "village_code" not in columns:
        raise MappingError(f"{where}: columns.village or columns.village_code is needed")
    for part, table in (("h", "household"), ("p", "person")):
        for key, spec in _table(raw, table, where).items():
            problem = field_problem(key)
            if problem is not None:
                raise MappingError(f"{where}, {table}: {problem}")
            columns[f"{part}/{key}"] = _spec(spec, f"{where}, {table}.{key}")
    first, last = _rows(raw.get("heading_rows", [1, 1]), where)
    first_row, evidence = raw.get("first_row", last + 1), raw.get("evidence", 0)
    if type(first_row) is not int or first_row <= last:
        raise MappingError(f"{where}: first_row must be a whole number after the heading rows")
    if type(evidence) is not int or not 0 <= evidence <= 5:
        raise MappingError(f"{where}: evidence must be 0 to 5")
    return ColumnMapping(
        name=_word(raw, "name", where),
        source=_word(raw, "source", where),
        columns=columns,
        heading_rows=(first, last),
        first_row=first_row,
        evidence=evidence,
        dates=tuple(_texts(raw.get("dates", ["%Y-%m-%d"]), f"{where}, dates")),
        values=_values(_table(raw, "values", where), where),
    )


def _spec(raw: Any, where: str) -> ColumnSpec:
    if not isinstance(raw, dict):
        raise MappingError(f"{where}: must be a table such as {{headings = [...]}}")
    _only(raw, _SPEC_KEYS, where)
    headings = tuple(_texts(raw.get("headings"), f"{where}.headings"))
    if not headings:
        raise MappingError(f"{where}: needs at least one heading")
    try:
        column = column_index(raw["column"]) if "column" in raw else None
    except (ValueError, AttributeError) as error:
        raise MappingError(f"{where}.column: {error}") from error
    optional = raw.get("optional", False)
    if not isinstance(optional, bool):
        raise MappingError(f"{where}.optional: must be true or false")
    return ColumnSpec(headings, column, optional)


def _values(raw: Mapping[str, Any], where: str) -> dict[str, dict[str, str]]:
    _only(raw, {"sex", "relation"}, f"{where}, values")
    for key, table in raw.items():
        if not isinstance(table, dict) or not all(isinstance(code, str) for code in table.values()):
            raise MappingError(f"{where}, values.{key}: must map words to codes, both as text")
    return {key: {name_key(word): code for word, code in table.items()} for key, table in raw.items()}


def _rows(raw: Any, where: str) -> tuple[int, int]:
    good = isinstance(raw, list) and len(raw) == 2 and all(type(item) is int for item in raw)
    if not good or not 1 <= raw[0] <= raw[1] <= HEADING_ROWS_MAX:
        raise MappingError(f"{where}: heading_rows must be the first and the last row, such as [1, 12]")
    return raw[0], raw[1]


def _table(raw: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    table = raw.get(key, {})
    if not isinstance(table, dict):
        raise MappingError(f"{where}: {key} must be a table")
    return table


def _texts(raw: Any, where: str) -> list[str]:
    if not isinstance(raw, list) or not all(isinstance(item, str) and item for item in raw):
        raise MappingError(f"{where}: must be a list of texts")
    return raw


def _word(raw: Mapping[str, Any], key: str, where: str) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or not value or len(value) > 40 or not value.replace("_", "").isalnum():
        raise MappingError(f"{where}: {key} must be a word of at most 40 letters, digits and underscores")
    return value


def _only(raw: Mapping[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(raw.keys() - known)
    if unknown:
        raise MappingError(f"{where}: unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}")
