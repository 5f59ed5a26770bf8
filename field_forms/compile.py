"""Compiles the sheets of a form: a `FormDefinition` for everything of Padan's, and pyxform's XForm for tablets.

The definition is deterministic and its hash does not depend on pyxform: an upgrade of it changes the XForm, never
what an event was filled on. The columns of Padan's own do not reach pyxform. Files of choices (villages.csv,
prelist.csv) are only named with the columns they need; the app supplies them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from pyxform.errors import PyXFormError
from pyxform.xls2xform import convert

from field_forms.check import check_reading
from field_forms.engine_support import unsupported
from field_forms.form_problem import FormProblem, FormRefused
from field_forms.headings import is_own_column
from field_forms.rows import definition_of, read_rows
from field_forms.sheet import TABLES, Sheet
from field_forms.succession import Retired
from schemas.form import FormDefinition

_ROW = re.compile(r"\[row : (\d+)\]\s*")
_PADAN_SETTINGS = frozenset({"part", "removed"})
_EXTRAS = ("parameters", "appearance", "default")


@dataclass(frozen=True, slots=True)
class CompiledForm:
    """A form ready to be stored: its definition and its XForm (XML)."""

    definition: FormDefinition
    xform: str


def compile_form(sheet: Sheet, published: Iterable[FormDefinition] = (), retired: Retired = ()) -> CompiledForm:
    """Compile a sheet. Raises `FormRefused` with every problem, also against what is published."""
    reading = read_rows(sheet)
    problems = check_reading(reading, published, retired)
    told = {(problem.sheet, problem.row, problem.column) for problem in problems}
    problems += [each for each in unsupported(sheet) if (each.sheet, each.row, each.column) not in told]
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
    tables = _tables(sheet)
    try:
        return str(convert(xlsform=tables, form_name="data").xform)
    except PyXFormError as error:
        problem = _pyxform_problem(str(error))
        raise FormRefused([problem if problem.row else replace(problem, row=_row_to_blame(sheet, problem))]) from error


def _tables(sheet: Sheet, bare: int = 0) -> dict[str, Any]:
    """The sheets as pyxform takes them; of row `bare` of the survey only what makes it a question."""
    tables: dict[str, Any] = {}
    for table in TABLES:
        columns = [name for name in sheet.columns[table] if not is_own_column(name) and name not in _PADAN_SETTINGS]
        rows: list[dict[str, str]] = []
        for row in sheet.rows(table):
            # rows at their places, so that the row numbers in pyxform's messages are the sheet's
            rows += [{} for _ in range(row.number - 2 - len(rows))]
            dropped = _EXTRAS if table == "survey" and row.number == bare else ()
            rows.append({name: row[name] for name in columns if row[name] and name not in dropped})
        tables[table] = rows
        tables[f"{table}_header"] = [dict.fromkeys(columns)]
    return tables


def _row_to_blame(sheet: Sheet, problem: FormProblem) -> int:
    """pyxform does not always say where: the row without whose extras it says something else, or 0."""
    for row in sheet.survey:
        if any(row[name] for name in _EXTRAS):
            try:
                convert(xlsform=_tables(sheet, row.number), form_name="data")
            except PyXFormError as error:
                if _pyxform_problem(str(error)).reason == problem.reason:
                    continue
            return row.number
    return 0


def _pyxform_problem(message: str) -> FormProblem:
    match = _ROW.search(message)
    reason = " ".join(_ROW.sub("", message).split())
    return FormProblem("pyxform", f"tidak dapat dijadikan XForm: {reason}", "survey", int(match[1]) if match else 0)
