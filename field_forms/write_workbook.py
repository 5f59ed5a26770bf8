"""Writes the sheets of a form as a workbook that a form author opens in Excel, changes, and publishes back."""

from __future__ import annotations

from pathlib import Path

import xlsxwriter

from field_forms.sheet import TABLES, Sheet


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
