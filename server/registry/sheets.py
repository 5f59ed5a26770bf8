"""Deliveries as two flat tables, `households` and `persons`, written as CSV or XLSX. Every cell is text.

No value is made into a number, a date, a formula or a link: a NIK that starts with 0 keeps it.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xlsxwriter

from schemas.canonical import canonical_bytes
from server.registry.adapter import Delivery

_ABOUT = ("idempotency_key", "action", "household_id", "version")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of texts."""

    name: str
    header: tuple[str, ...]
    rows: list[list[str]]


def sheets_of(deliveries: Sequence[Delivery]) -> tuple[Sheet, Sheet]:
    """The tables `households` (one row a delivery) and `persons` (`standing` yes or no)."""
    households: list[dict[str, str]] = []
    persons: list[dict[str, str]] = []
    for delivery in deliveries:
        about = dict(zip(_ABOUT, _about(delivery), strict=True))
        payload = delivery.payload or {}
        where = {"home_region": delivery.home_region, "area": str(payload.get("area", "")), "reason": delivery.reason}
        households.append(about | where | _cells(payload))
        for person in payload.get("persons", ()):
            persons.append(about | _person(person, "yes") | _cells(person))
        for person in payload.get("left", ()):
            persons.append(about | _person(person, "no"))
    first = (*_ABOUT, "home_region", "area", "reason")
    second = (*_ABOUT, "person_key", "standing", "nik", "nik_note", "presence")
    return _sheet("households", first, households), _sheet("persons", second, persons)


def write_csv(folder: Path, sheets: Sequence[Sheet]) -> None:
    """One `<name>.csv` a table: UTF-8 with a byte order mark (spreadsheets need it), commas, CRLF."""
    for sheet in sheets:
        with (folder / f"{sheet.name}.csv").open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(sheet.header)
            writer.writerows(sheet.rows)


def write_xlsx(folder: Path, sheets: Sequence[Sheet]) -> None:
    """One `batch.xlsx` with a sheet a table."""
    book = xlsxwriter.Workbook(
        str(folder / "batch.xlsx"),
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_numbers": False,
            "strings_to_urls": False,
        },
    )
    for sheet in sheets:
        page = book.add_worksheet(sheet.name)
        for number, row in enumerate([list(sheet.header), *sheet.rows]):
            for column, text in enumerate(row):
                page.write_string(number, column, text)
    book.close()


WRITERS: Mapping[str, Callable[[Path, Sequence[Sheet]], None]] = {"csv": write_csv, "xlsx": write_xlsx}


def _about(delivery: Delivery) -> tuple[str, str, str, str]:
    return delivery.idempotency_key, delivery.action, delivery.household_id, str(delivery.version)


def _person(person: Mapping[str, Any], standing: str) -> dict[str, str]:
    return {
        "person_key": person["key"],
        "standing": standing,
        "nik": person.get("nik", ""),
        "nik_note": person.get("nik_note", ""),
        "presence": _text(person.get("presence")),
    }


def _cells(part: Mapping[str, Any]) -> dict[str, str]:
    """Delivered columns as `q_<column>`, so that none can clash with ours; states in one cell `states`."""
    cells = {f"q_{column}": _text(value) for column, value in part.get("values", {}).items()}
    states = part.get("states", {})
    if states:
        cells["states"] = " ".join(f"{column}={state}" for column, state in sorted(states.items()))
    return cells


def _text(value: Any) -> str:
    """A cell: lists of choices as in XLSForm, split by a space; a place as canonical JSON."""
    if value is None:
        return ""
    if isinstance(value, list):
        return " ".join(str(one) for one in value)
    return canonical_bytes(value).decode() if isinstance(value, dict) else str(value)


def _sheet(name: str, first: tuple[str, ...], rows: list[dict[str, str]]) -> Sheet:
    more = sorted({column for row in rows for column in row} - set(first))
    header = (*first, *more)
    return Sheet(name, header, [[row.get(column, "") for column in header] for row in rows])
