"""Writes the sheets of a form as a workbook that a form author opens in Excel, changes, and publishes back.

Every cell is text, so that a spreadsheet leaves `01` as it is; columns with a few possible words offer them; a sheet
`petunjuk`, which is not read back, says what each column is for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xlsxwriter

from field_forms.meanings import COLUMNS, RULES
from field_forms.sheet import TABLES, Sheet
from schemas.question import POLICIES, SENSITIVITIES

OFFERED = {"policy": list(POLICIES), "sensitivity": list(SENSITIVITIES), "required": ["yes"], "readonly": ["yes"]}
SPARE_ROWS = 200
GUIDE = "petunjuk"


def write_workbook(sheet: Sheet, path: Path) -> None:
    """Write the sheets. Raises `OSError` where the file cannot be written."""
    with xlsxwriter.Workbook(str(path), {"strings_to_numbers": False, "strings_to_formulas": False}) as book:
        text, bold = book.add_format({"num_format": "@"}), book.add_format({"bold": True, "num_format": "@"})
        for table in TABLES:
            page = book.add_worksheet(table)
            columns = list(sheet.columns[table])
            columns += [name for name in ("aliases", "upcast") if name in COLUMNS[table] and name not in columns]
            page.set_column(0, max(len(columns) - 1, 0), 22, text)
            page.freeze_panes(1, 2)
            rows = sheet.rows(table)
            last = (rows[-1].number if rows else 1) + SPARE_ROWS
            for index, name in enumerate(columns):
                page.write_string(0, index, name, bold)
                page.write_comment(0, index, COLUMNS[table].get(name.partition("::")[0], name))
                if name in OFFERED:
                    offer: dict[str, Any] = {"validate": "list", "source": OFFERED[name], "error_type": "warning"}
                    page.data_validation(1, index, last, index, offer)
            for row in rows:
                for index, name in enumerate(columns):
                    if row[name]:
                        page.write_string(row.number - 1, index, row[name], text)
        _guide(book, bold)


def _guide(book: Any, bold: Any) -> None:
    page = book.add_worksheet(GUIDE)
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    page.set_column(0, 1, 24)
    page.set_column(2, 2, 100, wrapped)
    lines: list[tuple[str, str, str]] = [("lembar", "kolom", "artinya (lembar ini tidak dibaca Padan)")]
    lines += [(table, name, said) for table, columns in COLUMNS.items() for name, said in columns.items()]
    lines += [("upcast", example, said) for example, said in RULES.values()]
    for number, line in enumerate(lines):
        for index, cell in enumerate(line):
            page.write_string(number, index, cell, bold if number == 0 else None)
