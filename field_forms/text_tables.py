"""Sheets that are kept as text: a CSV file for each, or pyxform's Markdown with all of them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from field_forms.form_problem import SheetUnreadable

Grid = list[list[str]]


def text_of(path: Path) -> str:
    """A UTF-8 file, with or without its mark. Raises `SheetUnreadable`."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SheetUnreadable(f"{path}: bukan UTF-8 (byte {error.start}); simpan ulang sebagai UTF-8") from None


def csv_grid(path: Path) -> Grid:
    """Cells of a CSV file, comma or semicolon; nothing where there is no file. Raises `SheetUnreadable`."""
    if not path.is_file():
        return []
    text = text_of(path)
    first = text.partition("\n")[0]
    comma = "," if first.count(",") >= first.count(";") else ";"
    try:
        return list(csv.reader(io.StringIO(text), delimiter=comma, strict=True))
    except csv.Error as error:
        raise SheetUnreadable(f"{path}: {error}") from None


def markdown_grids(text: str) -> dict[str, Grid]:
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
