"""Workbooks as people leave them: made by the export, then treated as a form author with Excel treats them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import openpyxl
from openpyxl.worksheet.worksheet import Worksheet

from field_forms.built import source_folder
from field_forms.sheet import read_sheet
from field_forms.write_workbook import write_workbook

Book = openpyxl.Workbook
Habit = Callable[[Book], None]


def workbook(path: Path, *habits: Habit, form: str = "verifikasi_keluarga") -> Path:
    """The form as a workbook, after somebody worked on it."""
    write_workbook(read_sheet(source_folder(form)), path)
    book = openpyxl.load_workbook(path)
    for habit in habits:
        habit(book)
    book.save(path)
    return path


def column(page: Worksheet, heading: str) -> int:
    """Number (from 1) of a column by its heading."""
    return next(cell.column for cell in page[1] if cell.value == heading)


def cell(book: Book, sheet: str, name: str, heading: str) -> Any:
    """The cell of a question (or of the first choice of a list) in a column."""
    page = book[sheet]
    row = 2
    if sheet != "settings":
        at = column(page, "list_name" if sheet == "choices" else "name")
        row = next(number for number in range(2, page.max_row + 1) if page.cell(number, at).value == name)
    return page.cell(row, column(page, heading))


def put(sheet: str, name: str, heading: str, value: Any, number_format: str = "General") -> Habit:
    """Type something into a cell."""

    def habit(book: Book) -> None:
        found = cell(book, sheet, name, heading)
        found.value, found.number_format = value, number_format

    return habit


def retitled(sheet: str, heading: str, written: str) -> Habit:
    """Write a heading otherwise."""

    def habit(book: Book) -> None:
        page = book[sheet]
        page.cell(1, column(page, heading)).value = written

    return habit


def with_cached_formula(path: Path, sheet: str, ref: str, formula: str, value: str) -> Path:
    """A formula with the result that Excel saved beside it; openpyxl writes none."""
    book = openpyxl.load_workbook(path)
    number = book.sheetnames.index(sheet) + 1
    book[sheet][ref] = f"={formula}"
    book.save(path)
    with ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    name = f"xl/worksheets/sheet{number}.xml"
    old = f"<f>{formula}</f><v />".encode()
    assert old in parts[name] or f"<f>{formula}</f><v></v>".encode() in parts[name]
    new = f"<f>{formula}</f><v>{value}</v>".encode()
    parts[name] = parts[name].replace(old, new).replace(f"<f>{formula}</f><v></v>".encode(), new)
    start = parts[name].index(f'r="{ref}"'.encode())
    head = parts[name][start : start + 60]
    parts[name] = parts[name].replace(
        head, head.replace(b'r="' + ref.encode() + b'"', b'r="' + ref.encode() + b'" t="str"', 1)
    )
    with ZipFile(path, "w", ZIP_DEFLATED) as packed:
        for each, content in parts.items():
            packed.writestr(each, content)
    return path
