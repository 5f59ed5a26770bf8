"""Compiles the sheets of a form: a `FormDefinition` for everything of Padan's, and pyxform's XForm for tablets.

The definition is deterministic and its hash does not depend on pyxform: an upgrade of it changes the XForm, never
what an event was filled on. The columns of Padan's own do not reach pyxform. Files of choices (villages.csv,
prelist.csv) are only named with the columns they need; the app supplies them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pyxform.errors import PyXFormError
from pyxform.xls2xform import convert

from field_forms.check import check_reading
from field_forms.form_problem import FormProblem, FormRefused
from field_forms.rows import definition_of, is_own_column, read_rows
from field_forms.sheet import TABLES, Sheet
from field_forms.succession import Retired
from schemas.form import FormDefinition

_ROW = re.compile(r"\[row : (\d+)\]\s*")
_PADAN_SETTINGS = frozenset({"part", "removed"})


@dataclass(frozen=True, slots=True)
class CompiledForm:
    """A form ready to be stored: its definition and its XForm (XML)."""

    definition: FormDefinition
    xform: str


def compile_form(sheet: Sheet, published: Iterable[FormDefinition] = (), retired: Retired = ()) -> CompiledForm:
    """Compile a sheet. Raises `FormRefused` with every problem, also against what is published."""
    reading = read_rows(sheet)
    problems = check_reading(reading, published, retired)
    if problems:
        raise FormRefused(problems)
    return CompiledForm(definition_of(reading), _xform(sheet))


def check_form(sheet: Sheet, published: Iterable[FormDefinition] = (), retired: Retired = ()) -> list[FormProblem]:
    """Every reason not to publish a sheet; an empty list is a form that can be published."""
    try:
        compile_form(sheet, published, retired)
    except FormRefused as refused:
        return list(refused.problems)
    return []


def _xform(sheet: Sheet) -> str:
    tables: dict[str, Any] = {}
    for table in TABLES:
        columns = [name for name in sheet.columns[table] if not is_own_column(name) and name not in _PADAN_SETTINGS]
        rows: list[dict[str, str]] = []
        for row in sheet.rows(table):
            # rows at their places, so that the row numbers in pyxform's messages are the sheet's
            rows += [{} for _ in range(row.number - 2 - len(rows))]
            rows.append({name: row[name] for name in columns if row[name]})
        tables[table] = rows
        tables[f"{table}_header"] = [dict.fromkeys(columns)]
    try:
        return str(convert(xlsform=tables, form_name="data").xform)
    except PyXFormError as error:
        raise FormRefused([_pyxform_problem(str(error))]) from error


def _pyxform_problem(message: str) -> FormProblem:
    match = _ROW.search(message)
    reason = " ".join(_ROW.sub("", message).split())
    return FormProblem("pyxform", f"tidak dapat dijadikan XForm: {reason}", "survey", int(match[1]) if match else 0)
