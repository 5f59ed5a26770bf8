"""Reads the sheets of a form: a folder of CSV files, an XLSX workbook, or pyxform's Markdown.

A sheet is text cells by column, with the number of the row as its author sees it. Headings are brought to one spelling
(field_forms/headings.py), cells freed of what a spreadsheet does to words (field_forms/spelling.py). A cell that is no
text is told with its place; what the cells mean is for field_forms/rows.py and field_forms/check.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from field_forms.form_problem import FormProblem, SheetUnreadable
from field_forms.headings import ENGLISH, INDONESIAN, NOTE_MARK, heading_of, looks_like_headings
from field_forms.spelling import cleaned, respelt
from field_forms.text_tables import csv_grid, markdown_grids, text_of
from field_forms.workbook import Cells, Merged, Odd, WorkbookUnreadable, column_letter, fill_down, read_pages

TABLES = ("survey", "choices", "settings")
UNUSED_TABLES = ("external_choices", "entities", "osm")
"""Sheets of other XLSForm programs whose content Padan would lose."""

ROWS_MAX = 20_000
COLUMNS_MAX = 200
CELL_CHARACTERS_MAX = 8_000
TITLE_ROWS_MAX = 10
"""Rows above the heading that may hold a title."""


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row: its number in the file and its cells that are not empty."""

    number: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


@dataclass(frozen=True, slots=True)
class Sheet:
    """The sheets of one form. `source` is what it was read from, for messages."""

    source: str
    survey: tuple[SheetRow, ...]
    choices: tuple[SheetRow, ...]
    settings: tuple[SheetRow, ...]
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    heading_rows: Mapping[str, int] = field(default_factory=dict)
    """Sheet -> the row its heading stands in, where that is not the first."""
    problems: tuple[FormProblem, ...] = ()
    """Cells that could not be read."""
    notes: tuple[FormProblem, ...] = ()
    """Cells that were read as something else than is written; nothing has to be done about them."""

    def rows(self, table: str) -> tuple[SheetRow, ...]:
        """Rows of `survey`, `choices` or `settings`."""
        found: tuple[SheetRow, ...] = getattr(self, table)
        return found

    def heading_row(self, table: str) -> int:
        """The row in which the heading of a sheet stands."""
        return self.heading_rows.get(table, 1)

    def setting(self, name: str) -> str:
        """A cell of the settings, or the empty text."""
        return self.settings[0][name] if self.settings else ""

    def to_json(self) -> dict[str, Any]:
        """JSON object: for each sheet its columns and its rows, `[number, cells]`."""
        return {
            table: {
                "columns": list(self.columns[table]),
                "heading": self.heading_row(table),
                "rows": [[row.number, dict(row.cells)] for row in self.rows(table)],
            }
            for table in TABLES
        } | {"source": self.source}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Sheet:
        """The sheets of `to_json`."""
        rows = {table: tuple(SheetRow(number, cells) for number, cells in data[table]["rows"]) for table in TABLES}
        return cls(
            source=data["source"],
            survey=rows["survey"],
            choices=rows["choices"],
            settings=rows["settings"],
            columns={table: tuple(data[table]["columns"]) for table in TABLES},
            heading_rows={table: at for table in TABLES if (at := data[table]["heading"]) != 1},
        )


def read_sheet(path: Path) -> Sheet:
    """The sheets of a folder of CSV files, an `.xlsx` or a `.md`. Raises `SheetUnreadable`."""
    if not path.exists():
        raise SheetUnreadable(f"{path}: tidak ada / not there")
    if path.is_dir():
        return _sheet(str(path), {name: _Table(csv_grid(path / f"{name}.csv")) for name in TABLES})
    kind = path.suffix.lower()
    if kind in (".xlsx", ".xlsm"):
        return _sheet(str(path), _xlsx_tables(path))
    if kind == ".md":
        grids = markdown_grids(text_of(path))
        return _sheet(str(path), {name: _Table(grid) for name, grid in grids.items()})
    hint = "; buka di Excel lalu simpan sebagai Excel Workbook (.xlsx)" if kind in (".xls", ".ods", ".numbers") else ""
    raise SheetUnreadable(
        f"{path}: berkas formulir harus .xlsx, .md, atau folder berisi survey.csv / not a form file{hint}"
    )


@dataclass(slots=True)
class _Table:
    rows: Sequence[Sequence[str | Odd]]
    merged: tuple[Merged, ...] = ()


def _sheet(source: str, tables: Mapping[str, _Table]) -> Sheet:
    rows: dict[str, tuple[SheetRow, ...]] = {}
    columns: dict[str, tuple[str, ...]] = {}
    at: dict[str, int] = {}
    problems: list[FormProblem] = []
    notes: list[FormProblem] = []
    for table in TABLES:
        found = tables.get(table)
        if table == "choices" and (found is None or not any(any(row) for row in found.rows)):
            rows[table], columns[table] = (), ()  # a form without lists is a form
            continue
        if found is None or not any(any(row) for row in found.rows):
            raise SheetUnreadable(f"{source}: lembar {table} tidak ada / sheet {table} is missing")
        reader = _TableReader(source, table, found)
        rows[table] = tuple(reader.rows())
        columns[table], at[table] = reader.columns, reader.heading_row
        problems += reader.problems
        notes += reader.notes
    told = {table: number for table, number in at.items() if number != 1}
    return Sheet(
        source, rows["survey"], rows["choices"], _one_language(rows["settings"]), columns, told, tuple(problems),
        tuple(notes),
    )  # fmt: skip


class _TableReader:
    """One sheet: finds its heading, then reads row by row."""

    def __init__(self, source: str, table: str, found: _Table) -> None:
        self.source = source
        self.table = table
        self.problems: list[FormProblem] = []
        self.notes: list[FormProblem] = []
        top = [[cleaned(text) for text in _texts(row)] for row in found.rows[:TITLE_ROWS_MAX]]
        first = next((number for number, texts in enumerate(top) if looks_like_headings(table, texts)), 0)
        self.heading_row = first + 1
        self._heading = [heading_of(table, cleaned(text)) for text in _texts(found.rows[first])]
        self.columns = tuple(name for name in self._heading if name and not name.startswith(NOTE_MARK))
        twice = next((name for name in self.columns if self.columns.count(name) > 1), None)
        if twice is not None:
            raise SheetUnreadable(f"{source}, lembar {table}: kolom {twice} ada dua kali / column stands twice")
        self._rows: list[Cells] = [list(row) for row in found.rows]
        self._unmerge(found.merged)

    def rows(self) -> Iterator[SheetRow]:
        """Rows beneath the heading that say something."""
        filled = 0
        for number, cells in enumerate(self._rows[self.heading_row :], start=self.heading_row + 1):
            given = self._row(number, cells)
            if given:
                filled += 1
                yield SheetRow(number, given)
        if filled > ROWS_MAX or len(self.columns) > COLUMNS_MAX:
            raise SheetUnreadable(
                f"{self.source}, lembar {self.table}: lebih dari {ROWS_MAX} baris atau {COLUMNS_MAX} kolom"
            )

    def _row(self, number: int, cells: Cells) -> dict[str, str]:
        given: dict[str, str] = {}
        for index, raw in enumerate(cells):
            if raw == "":
                continue
            name = self._heading[index] if index < len(self._heading) else ""
            if name.startswith(NOTE_MARK):
                continue
            if not name:
                if not isinstance(raw, Odd) and not cleaned(raw):
                    continue
                reason = "isi di kolom tanpa judul; beri judul kolom itu, hapus isinya, atau beri judul yang diawali #"
                self._problem("no_heading", reason, number, column_letter(index))
                continue
            text = self._text(number, name, raw)
            if text:
                given[name] = text
        return given

    def _text(self, number: int, column: str, raw: str | Odd) -> str:
        if isinstance(raw, Odd):
            return self._odd(number, column, raw)
        if len(raw) > CELL_CHARACTERS_MAX or "\x00" in raw:
            place = f"{self.source}, lembar {self.table} baris {number}, kolom {column}"
            raise SheetUnreadable(
                f"{place}: isi tidak dapat dipakai (lebih dari {CELL_CHARACTERS_MAX} huruf, atau biner)"
            )
        plain = cleaned(raw)
        text = respelt(column, plain) if self.table == "survey" else plain
        if text != plain and text.casefold() != plain.casefold().replace(" ", "_"):
            self.notes.append(
                FormProblem("read_as", f"{_short(plain)} dibaca sebagai {_short(text)}", self.table, number, column)
            )
        return text

    def _odd(self, number: int, column: str, odd: Odd) -> str:
        if column == "default" and odd.kind == "date" and " " not in odd.text:
            return odd.text
        reasons = {
            "date": f"Excel mengubah isi sel menjadi tanggal ({odd.text}); format kolom sebagai Text, lalu tulis ulang",
            "time": f"Excel mengubah isi sel menjadi jam ({odd.text}); format kolom sebagai Text, lalu tulis ulang",
            "error": f"sel berisi galat {odd.text}; hapus rumusnya dan tulis isinya",
            "formula": "rumus belum punya hasil; buka di Excel dan simpan, atau salin lalu tempel sebagai nilai",
            "digits": "angka lebih dari 15 digit dibulatkan Excel; format sel sebagai Text, lalu tulis ulang",
        }
        self._problem(f"cell_{odd.kind}", reasons[odd.kind], number, column)
        return ""

    def _unmerge(self, areas: Iterable[Merged]) -> None:
        """A list name merged over its choices means each of them. Any other merged word stands in one row only."""
        for area in areas:
            inside = [
                (index, name)
                for index, name in enumerate(self._heading)
                if area.first_column <= index + 1 <= area.last_column
            ]
            top = self._rows[area.first_row - 1] if area.first_row <= len(self._rows) else []
            if area.first_row <= self.heading_row or not any(cell for cell in top[area.first_column - 1 :][:1]):
                continue
            for index, name in inside[:1]:
                if self.table == "choices" and name == "list_name":
                    fill_down(self._rows, area, index)
                elif name and not name.startswith(NOTE_MARK):
                    where = f"{column_letter(index)}{area.first_row}:{column_letter(index)}{area.last_row}"
                    reason = (
                        f"sel {where} digabung, sehingga hanya baris pertamanya yang berisi; pisahkan (Merge & Center, "
                        "Unmerge Cells) dan isi setiap barisnya"
                    )
                    self._problem("merged", reason, area.first_row, name)

    def _problem(self, code: str, reason: str, number: int, column: str) -> None:
        self.problems.append(FormProblem(code, reason, self.table, number, column))


def _one_language(rows: tuple[SheetRow, ...]) -> tuple[SheetRow, ...]:
    """`default_language` in the spelling of the headings, for pyxform takes another one for another language."""
    if not rows or not rows[0]["default_language"]:
        return rows
    heading = heading_of("survey", f"label::{rows[0]['default_language']}").partition("::")[2]
    known = heading if heading in (INDONESIAN, ENGLISH) else rows[0]["default_language"]
    return (SheetRow(rows[0].number, {**rows[0].cells, "default_language": known}), *rows[1:])


def _texts(row: Sequence[str | Odd]) -> list[str]:
    return [cell.text if isinstance(cell, Odd) else cell for cell in row]


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def _xlsx_tables(path: Path) -> dict[str, _Table]:
    try:
        pages = read_pages(path)
    except WorkbookUnreadable as error:
        raise SheetUnreadable(f"{path}: {error}") from None
    found: dict[str, _Table] = {}
    for page in pages:
        name = page.title.strip().lower()
        if name in UNUSED_TABLES and any(any(row) for row in page.rows):
            raise SheetUnreadable(
                f"{path}: lembar {page.title!r} tidak dipakai Padan; pindahkan isinya ke choices, lalu hapus"
            )
        if name in TABLES:
            if name in found:
                raise SheetUnreadable(
                    f"{path}: lembar {name} ada dua (satu mungkin tersembunyi); ganti nama salah satunya"
                )
            found[name] = _Table(page.rows, page.merged)
    return found
