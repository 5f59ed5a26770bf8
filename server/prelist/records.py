"""One row of cells as what it says of a family and of a person, with what is wrong with it. Pure; no area is looked up.

Cells are cleaned of control characters and of white space around them, and nothing more: an answer that can't be read
as one is kept as a remark, never guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime

from schemas.areas import name_key
from schemas.limits import TEXT_CHARACTERS_MAX
from schemas.nik import parse_kk, parse_nik
from schemas.prelist import PrelistMember
from schemas.prelist_problems import ERROR, NOTE, WARNING, RowProblem
from server.prelist.headings import Columns, filled_width
from server.prelist.mapping import ColumnMapping
from server.prelist.sources import Row

FAMILY_ID_CHARACTERS_MAX = 64
NAME_CHARACTERS_MAX = 60
"""Permendagri 73/2022: a name has at most 60 characters."""

# NUL, other control characters, lone surrogates: nothing that can be stored or hashed.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_TEXT_FORMULA = re.compile(r'="([^"]*)"\Z')
_CODE_AND_WORDS = re.compile(r"\s*([0-9]{1,2})\s*[/.)-]\s*(.+)\Z", re.DOTALL)
_RT_RW = re.compile(r"\bRT\s*\.?\s*/?\s*([0-9]{1,3})\b(?:.{0,4}?\bRW\s*\.?\s*([0-9]{1,3})\b)?", re.IGNORECASE)
_NUMBERS_ONLY = re.compile(r"\(?[0-9]{1,2}\)?\Z")
_IDENTITY = ("family_id", "nik", "no_kk", "member_id", "village_code")


@dataclass(frozen=True, slots=True)
class Record:
    """One row read. `family` holds what should be the same in all rows of a family, by column key."""

    row: int
    sheet: str
    family_id: str
    family: dict[str, str]
    member: PrelistMember | None
    problems: tuple[RowProblem, ...] = ()


@dataclass(slots=True)
class RowReader:
    """Reads the rows of one sheet after its columns were located."""

    mapping: ColumnMapping
    columns: Columns
    sheet: str
    _problems: list[RowProblem] = field(default_factory=list)
    _row: int = 0

    def read(self, row: Row) -> Record | None:
        """The record of a row, or None for an empty row and for one that only numbers the columns."""
        if not any(cell.strip() for cell in row.cells) or self._numbers_columns(row):
            return None
        self._problems, self._row = [], row.number
        cells = {key: self._cell(key, row, index) for key, index in self.columns.indexes.items()}
        self._width(row)
        family_id = self._family_id(cells.get("family_id", ""), row)
        member = self._member(cells, row)
        family = {key: cells.get(key, "") for key in ("village", "village_code", "kecamatan", "address")}
        family |= self._rt_rw(cells)
        family["desil"] = self._desil(cells.get("desil", ""))
        family["no_kk"] = self._no_kk(cells.get("no_kk", ""), row)
        family |= {key: text for key, text in cells.items() if key.startswith("h/")}
        return Record(row.number, self.sheet, family_id, family, member, tuple(self._problems))

    def _problem(self, key: str, code: str, severity: str, found: str = "", hint: str = "") -> None:
        column = self.columns.names.get(key, "")
        self._problems.append(RowProblem(self._row, column, code, severity, found, hint, self.sheet))

    def _cell(self, key: str, row: Row, index: int) -> str:
        text = row.cells[index] if index < len(row.cells) else ""
        cleaned = _CONTROL.sub("", text)
        if cleaned != text:
            self._problem(key, "cell_cleaned", NOTE)
        cleaned = " ".join(cleaned.split())
        if key in _IDENTITY:
            formula = _TEXT_FORMULA.match(cleaned)
            cleaned = (formula.group(1) if formula else cleaned).lstrip("'").strip()
        if len(cleaned) > TEXT_CHARACTERS_MAX:
            self._problem(key, "cell_too_long", ERROR, str(TEXT_CHARACTERS_MAX))
            return ""
        return cleaned

    def _width(self, row: Row) -> None:
        if filled_width(row) > self.columns.width:
            self._problem("", "row_wide", WARNING)
        needed = max(self.columns.indexes[key] for key in ("family_id", "name", "nik"))
        if len(row.cells) <= needed:
            self._problem("", "row_short", WARNING)

    def _family_id(self, text: str, row: Row) -> str:
        if not text:
            self._problem("family_id", "family_id_empty", ERROR)
        elif self.columns.indexes["family_id"] in row.lost or "nik_scientific" in parse_nik(text).malformed:
            # Two families that lost different digits would become one.
            self._problem("family_id", "family_id_digits_lost", ERROR, text)
            return ""
        elif len(text) > FAMILY_ID_CHARACTERS_MAX:
            self._problem("family_id", "family_id_long", ERROR, str(FAMILY_ID_CHARACTERS_MAX))
            return ""
        return text

    def _member(self, cells: dict[str, str], row: Row) -> PrelistMember | None:
        name, nik = cells.get("name", ""), parse_nik(cells.get("nik", ""))
        if not name and not nik.text:
            self._problem("name", "member_empty", WARNING)
            return None
        if not name:
            self._problem("name", "name_empty", WARNING)
        elif len(name) > NAME_CHARACTERS_MAX:
            self._problem("name", "name_long", WARNING)
        if not nik.text:
            self._problem("nik", "nik_missing", WARNING)
        elif self.columns.indexes["nik"] in row.lost:
            self._problem("nik", "nik_digits_lost", WARNING)
        else:
            for code in nik.malformed:
                self._problem("nik", code, WARNING)
        born, remarks = self._birth_date(cells.get("birth_date", ""))
        return PrelistMember(
            row=row.number,
            name=name,
            nik_text=nik.text,
            sex=self._code("sex", cells.get("sex", "")),
            relation=self._code("relation", cells.get("relation", "")),
            birth_date=born,
            birth_place=cells.get("birth_place", ""),
            member_id=cells.get("member_id", ""),
            extra={key[2:]: text for key, text in cells.items() if key.startswith("p/") and text},
            remarks=remarks,
        )

    def _code(self, key: str, text: str) -> str:
        """The code of `3/Anak`, `Anak` or `3`. Where number and words disagree the words win: numberings differ."""
        if not text:
            return ""
        table = self.mapping.values.get(key, {})
        pair = _CODE_AND_WORDS.match(text)
        number, words = pair.groups() if pair else ("", text)
        by_words, by_number = table.get(name_key(words)), table.get(number)
        if by_words is None and by_number is None:
            self._problem(key, f"{key}_unknown", WARNING, text)
            return ""
        if by_words is not None and by_number is not None and by_words != by_number:
            self._problem(key, "code_differs", WARNING, text)
        return by_words or by_number or ""

    def _birth_date(self, text: str) -> tuple[str, dict[str, str]]:
        if not text:
            return "", {}
        for form in self.mapping.dates:
            try:
                born = datetime.strptime(text, form).date()  # noqa: DTZ007 - a birth date has no time zone
            except ValueError:
                continue
            if date(1900, 1, 1) <= born:
                return born.isoformat(), {}
        self._problem("birth_date", "birth_date_unknown", WARNING, text)
        return "", {"listed_birth_date": text}

    def _desil(self, text: str) -> str:
        if not text:
            return ""
        number = text.removesuffix(".0")
        if number.isascii() and number.isdigit() and 1 <= int(number) <= 10:
            return str(int(number))
        self._problem("desil", "desil_unknown", WARNING, text)
        return ""

    def _no_kk(self, text: str, row: Row) -> str:
        card = parse_kk(text)
        if not card.text:
            return ""
        if self.columns.indexes["no_kk"] in row.lost:
            self._problem("no_kk", "kk_digits_lost", WARNING)
        else:
            for code in card.malformed:
                self._problem("no_kk", code, WARNING)
        return card.text

    def _rt_rw(self, cells: dict[str, str]) -> dict[str, str]:
        """RT and RW from their own columns, else as the address names them; the address itself stays whole."""
        found = _RT_RW.search(cells.get("address", ""))
        rt, rw = found.groups() if found else ("", "")
        return {"rt": cells.get("rt") or rt or "", "rw": cells.get("rw") or rw or ""}

    def _numbers_columns(self, row: Row) -> bool:
        """A row such as `(1) (2) (3)` under the headings."""
        filled = [cell.strip() for cell in row.cells if cell.strip()]
        close = row.number <= max(self.columns.row + 1, self.mapping.first_row)
        return close and len(filled) > 3 and all(_NUMBERS_ONLY.match(cell) for cell in filled)

