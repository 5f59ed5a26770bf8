"""Reads and writes the sheets of a form: a folder of CSV files, an XLSX workbook, or pyxform's Markdown.

A sheet is text cells by column, with the number of the row as its author sees it. Nothing is judged here beyond
"can it be read"; what the cells mean is for field_forms/rows.py and field_forms/check.py.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import openpyxl
import xlsxwriter
from openpyxl.utils.exceptions import InvalidFileException

TABLES = ("survey", "choices", "settings")
ROWS_MAX = 20_000
COLUMNS_MAX = 200
CELL_CHARACTERS_MAX = 8_000


class SheetUnreadable(ValueError):
    """The file is not a form's sheets; the message says which file and why."""


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row: its number in the file (the heading is row 1) and its cells that are not empty."""

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

    def rows(self, table: str) -> tuple[SheetRow, ...]:
        """Rows of `survey`, `choices` or `settings`."""
        found: tuple[SheetRow, ...] = getattr(self, table)
        return found

    def setting(self, name: str) -> str:
        """A cell of the settings, or the empty text."""
        return self.settings[0][name] if self.settings else ""


def read_sheet(path: Path) -> Sheet:
    """The sheets of a folder of CSV files, an `.xlsx` or a `.md`. Raises `SheetUnreadable`."""
    if not path.exists():
        raise SheetUnreadable(f"{path}: tidak ada / not there")
    if path.is_dir():
        return _from_grids(str(path), {name: _csv_grid(path / f"{name}.csv") for name in TABLES})
    if path.suffix.lower() == ".xlsx":
        return _from_grids(str(path), _xlsx_grids(path))
    if path.suffix.lower() == ".md":
        return _from_grids(str(path), _markdown_grids(_text_of(path)))
    raise SheetUnreadable(f"{path}: berkas formulir harus .xlsx, .md, atau folder berisi survey.csv / not a form file")


def write_workbook(sheet: Sheet, path: Path) -> None:
    """The sheets as an XLSForm workbook. Every cell is text, so that a spreadsheet leaves `01` as it is."""
    with xlsxwriter.Workbook(str(path), {"strings_to_numbers": False, "strings_to_formulas": False}) as book:
        text, bold = book.add_format({"num_format": "@"}), book.add_format({"bold": True, "num_format": "@"})
        for table in TABLES:
            page = book.add_worksheet(table)
            columns = sheet.columns[table]
            page.set_column(0, max(len(columns) - 1, 0), 22, text)
            page.freeze_panes(1, 2)
            for index, name in enumerate(columns):
                page.write_string(0, index, name, bold)
            for row in sheet.rows(table):
                for index, name in enumerate(columns):
                    if row[name]:
                        page.write_string(row.number - 1, index, row[name], text)


Grid = list[list[str]]


def _from_grids(source: str, grids: Mapping[str, Grid]) -> Sheet:
    tables: dict[str, tuple[SheetRow, ...]] = {}
    columns: dict[str, tuple[str, ...]] = {}
    for table in TABLES:
        if table == "choices" and not grids.get(table):
            tables[table], columns[table] = (), ()  # a form without lists is a form
            continue
        if table not in grids or not grids[table]:
            raise SheetUnreadable(f"{source}: lembar {table} tidak ada / sheet {table} is missing")
        heading = [cell.strip() for cell in grids[table][0]]
        named = [name for name in heading if name]
        twice = next((name for name in named if named.count(name) > 1), None)
        if twice is not None:
            raise SheetUnreadable(f"{source}, lembar {table}: kolom {twice} ada dua kali / column stands twice")
        columns[table] = tuple(named)
        tables[table] = tuple(_rows(source, table, heading, grids[table][1:]))
    return Sheet(source, tables["survey"], tables["choices"], tables["settings"], columns)


def _rows(source: str, table: str, heading: list[str], grid: Grid) -> list[SheetRow]:
    if len(grid) > ROWS_MAX or len(heading) > COLUMNS_MAX:
        raise SheetUnreadable(f"{source}, lembar {table}: lebih dari {ROWS_MAX} baris atau {COLUMNS_MAX} kolom")
    rows = []
    for number, cells in enumerate(grid, start=2):
        given = {name: cell.strip() for name, cell in zip(heading, cells, strict=False) if name and cell.strip()}
        beyond = [cell for cell in cells[len(heading) :] if cell.strip()]
        if beyond or any(cell.strip() for name, cell in zip(heading, cells, strict=False) if not name):
            raise SheetUnreadable(f"{source}, lembar {table} baris {number}: isi di kolom tanpa judul")
        for name, cell in given.items():
            if len(cell) > CELL_CHARACTERS_MAX or "\x00" in cell:
                raise SheetUnreadable(f"{source}, lembar {table} baris {number}, kolom {name}: isi tidak dapat dipakai")
        if given:
            rows.append(SheetRow(number, given))
    return rows


def _text_of(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SheetUnreadable(f"{path}: bukan UTF-8 (byte {error.start}); simpan ulang sebagai UTF-8") from None


def _csv_grid(path: Path) -> Grid:
    if not path.is_file():
        return []
    text = _text_of(path)
    first = text.partition("\n")[0]
    comma = "," if first.count(",") >= first.count(";") else ";"
    try:
        return list(csv.reader(io.StringIO(text), delimiter=comma, strict=True))
    except csv.Error as error:
        raise SheetUnreadable(f"{path}: {error}") from None


def _xlsx_grids(path: Path) -> dict[str, Grid]:
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, OSError, ValueError) as error:
        raise SheetUnreadable(f"{path}: bukan buku kerja XLSX / not a workbook ({error})") from None
    try:
        return {
            page.title: [
                [_cell(value) for value in row] for row in page.iter_rows(values_only=True, max_row=ROWS_MAX + 2)
            ]
            for page in book.worksheets
            if page.title in TABLES
        }
    finally:
        book.close()


def _cell(value: Any) -> str:
    """A cell as text. A spreadsheet makes `1` a number and may give it back as 1.0."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _markdown_grids(text: str) -> dict[str, Grid]:
    """pyxform's Markdown: `| survey |` starts a sheet, and every row of it starts with an empty cell."""
    grids: dict[str, Grid] = {}
    table = ""
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped.startswith("|"):
            continue
        inner = stripped[1:].removesuffix("|").replace("\\|", "\x00")
        cells = [cell.replace("\x00", "|").strip() for cell in inner.split("|")]
        if cells[0]:
            table = cells[0]
            grids[table] = []
        elif table and not (any(cells) and all(set(cell) <= {"-", ":"} for cell in cells[1:])):
            grids[table].append(cells[1:])
    return grids
