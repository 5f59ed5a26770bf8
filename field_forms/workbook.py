"""Reads an Excel workbook as its author left it: cells as text, and for what is no text where it stands and what to do.

Values only: formats, colours and formulas are Excel's. A number stays the number that is shown (`1.0` is 1, `01` by its
format is 01); a date, an error and a formula without a result are told. Not judged here: what a cell says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile, ZipFile

import openpyxl
from openpyxl.utils import range_boundaries
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.xml.functions import fromstring, iterparse

FILE_BYTES_MAX = 20 * 1024 * 1024
"""A form of 20,000 rows is under 2 MB; pictures pasted into the sheet make the rest."""

UNPACKED_BYTES_MAX = 300 * 1024 * 1024
EMPTY_ROWS_MAX = 2_000
"""So many rows without a word are the end: Excel keeps a million rows that somebody once coloured."""

DIGITS_MAX = 15
"""What Excel keeps of a number; longer ones it rounds without a word."""

_ZEROS = re.compile(r"0{2,}\Z")
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


class WorkbookUnreadable(ValueError):
    """The file is no workbook; the sentence says what it is and what to do."""


class Odd(NamedTuple):
    """A cell that is no text: `kind` is `date`, `time`, `error`, `formula` or `digits`; `text` as far as it goes."""

    kind: str
    text: str


class Merged(NamedTuple):
    """A merged area over several rows, numbered from 1."""

    first_row: int
    last_row: int
    first_column: int
    last_column: int


Cells = list[str | Odd]


@dataclass(slots=True)
class Page:
    """One sheet: its title as written, rows from row 1, and areas merged over several rows."""

    title: str
    rows: list[Cells] = field(default_factory=list)
    merged: tuple[Merged, ...] = ()


def read_pages(path: Path) -> list[Page]:
    """Every sheet of the workbook, hidden ones too. Raises `WorkbookUnreadable`."""
    _check_file(path)
    try:
        values = openpyxl.load_workbook(path, read_only=True, data_only=True)
        written = openpyxl.load_workbook(path, read_only=True, data_only=False)
    except (BadZipFile, InvalidFileException, KeyError, OSError, ValueError, SyntaxError) as error:
        raise WorkbookUnreadable(f"bukan buku kerja XLSX, atau rusak / not a workbook ({error})") from None
    try:
        merged = _merged_areas(path)
        return [
            Page(page.title, list(_rows(page, written[page.title])), tuple(merged.get(page.title, ())))
            for page in values.worksheets
        ]
    except (BadZipFile, KeyError, ValueError, SyntaxError, EOFError) as error:
        raise WorkbookUnreadable(f"buku kerja rusak; buka di Excel dan simpan ulang ({error})") from None
    finally:
        values.close()
        written.close()


def column_letter(index: int) -> str:
    """`A` for 0, `AA` for 26: where a column stands that has no heading."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _check_file(path: Path) -> None:
    if path.name.startswith("~$"):
        raise WorkbookUnreadable("ini berkas sementara Excel; pilih berkas aslinya (tanpa ~$ di depan)")
    size = path.stat().st_size
    if size > FILE_BYTES_MAX:
        raise WorkbookUnreadable(f"berkas {size // 1024**2} MB; hapus gambar dan lembar lain, paling besar 20 MB")
    with path.open("rb") as file:
        if file.read(4) == b"\xd0\xcf\x11\xe0":
            raise WorkbookUnreadable(
                "berkas terkunci kata sandi atau Excel lama (.xls); buka di Excel, lepas kata sandinya, simpan sebagai "
                "Excel Workbook (.xlsx)"
            )
    try:
        with ZipFile(path) as packed:
            if sum(each.file_size for each in packed.infolist()) > UNPACKED_BYTES_MAX:
                raise WorkbookUnreadable("isi berkas terlalu besar; salin ketiga lembar ke buku kerja baru")
    except BadZipFile as error:
        raise WorkbookUnreadable(f"bukan buku kerja XLSX / not a workbook ({error})") from None


def _rows(page: Any, written: Any) -> Iterator[Cells]:
    page.reset_dimensions()
    written.reset_dimensions()
    waiting: list[Cells] = []
    for shown, typed in zip_longest(page.iter_rows(), written.iter_rows(), fillvalue=()):
        row = [_cell(cell, other) for cell, other in zip_longest(shown, typed)]
        if any(row):
            yield from waiting
            waiting = []
            yield row
            continue
        waiting.append([])
        if len(waiting) > EMPTY_ROWS_MAX:
            return


def _cell(cell: Any, typed: Any) -> str | Odd:
    value = None if cell is None else cell.value
    if value is None:
        formula = None if typed is None else typed.value
        return Odd("formula", str(formula)) if isinstance(formula, str) and formula.startswith("=") else ""
    if getattr(cell, "data_type", "") == "e":
        return Odd("error", str(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        midnight = value.time() == time()
        return Odd("date", value.date().isoformat()) if midnight else Odd("date", value.isoformat(" ", "minutes"))
    if isinstance(value, date):
        return Odd("date", value.isoformat())
    if isinstance(value, time | timedelta):
        return Odd("time", str(value))
    if isinstance(value, int | float):
        return _number(value, getattr(cell, "number_format", "") or "")
    return str(value)


def _number(value: int | float, shown_as: str) -> str | Odd:
    """A number as it is shown: a spreadsheet makes `1` a number and may give it back as 1.0."""
    if value != value or abs(value) >= 10**DIGITS_MAX:
        return Odd("digits", str(int(value)) if value == value else "")
    text = str(int(value)) if value == int(value) else f"{value:.15g}"
    return text.zfill(len(shown_as)) if _ZEROS.match(shown_as) and text.isdecimal() else text


def _merged_areas(path: Path) -> dict[str, list[Merged]]:
    """Sheet -> areas merged over several rows. Read from the file itself: reading row by row knows of none."""
    with ZipFile(path) as packed:
        links = {
            link.get("Id"): link.get("Target", "") for link in fromstring(packed.read("xl/_rels/workbook.xml.rels"))
        }
        found: dict[str, list[Merged]] = {}
        for sheet in fromstring(packed.read("xl/workbook.xml")).iter(f"{_MAIN}sheet"):
            target = links.get(sheet.get(_LINK), "")
            inside = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            if inside in packed.namelist():
                with packed.open(inside) as file:
                    areas = [each.get("ref", "") for _, each in iterparse(file) if each.tag == f"{_MAIN}mergeCell"]
                found[sheet.get("name", "")] = [area for ref in areas if (area := _area(ref))]
    return found


def _area(ref: str) -> Merged | None:
    left, top, right, bottom = (edge or 0 for edge in range_boundaries(ref))
    return Merged(top, bottom, left, right) if bottom > top else None


def fill_down(rows: Sequence[Cells], area: Merged, column: int) -> None:
    """Write the word of a merged area into each of its rows, in one column (from 0)."""
    top = rows[area.first_row - 1]
    word = top[column] if column < len(top) else ""
    for row in rows[area.first_row : area.last_row]:
        row += [""] * (column + 1 - len(row))
        row[column] = row[column] or word
