"""A sheet as its author would change it: a cell, a row more, a row less, a choice, the next version."""

from __future__ import annotations

from dataclasses import replace

from field_forms.form_problem import FormProblem
from field_forms.sheet import Sheet, SheetRow

LABEL = "label::Bahasa Indonesia (id)"


def edited(sheet: Sheet, name: str, table: str = "survey", /, **cells: str) -> Sheet:
    """The sheet with some cells of one row changed; `type_` for the type."""
    rows = list(sheet.rows(table))
    index = next(i for i, row in enumerate(rows) if name in (row["name"], row["form_id"]))
    changed = dict(rows[index].cells) | {key.rstrip("_"): cell for key, cell in cells.items()}
    rows[index] = SheetRow(rows[index].number, {key: cell for key, cell in changed.items() if cell})
    return replace(sheet, **{table: tuple(rows)})


def without(sheet: Sheet, name: str) -> Sheet:
    return replace(sheet, survey=tuple(row for row in sheet.survey if row["name"] != name))


def added(sheet: Sheet, **cells: str) -> Sheet:
    given = {key.rstrip("_"): cell for key, cell in cells.items()}
    return replace(sheet, survey=(*sheet.survey, SheetRow(sheet.survey[-1].number + 1, given)))


def newer(sheet: Sheet, version: str = "2026112102") -> Sheet:
    return edited(sheet, "verifikasi_keluarga", "settings", version=version)


def row_of(sheet: Sheet, name: str) -> int:
    return next(row.number for row in sheet.survey if row["name"] == name)


def only(problems: list[FormProblem], code: str) -> FormProblem:
    found = [problem for problem in problems if problem.code == code]
    assert len(found) == 1, [str(problem) for problem in problems]
    return found[0]


def with_choice(sheet: Sheet, list_name: str, code: str, label: str, **cells: str) -> Sheet:
    """One choice more at the end of the sheet."""
    row = SheetRow(sheet.choices[-1].number + 1, {"list_name": list_name, "name": code, LABEL: label, **cells})
    return replace(sheet, choices=(*sheet.choices, row))


def choice_edited(sheet: Sheet, list_name: str, code: str, **cells: str) -> Sheet:
    """Some cells of one choice changed; `label` for its label."""
    rows = list(sheet.choices)
    index = next(i for i, row in enumerate(rows) if (row["list_name"], row["name"]) == (list_name, code))
    changed = dict(rows[index].cells) | {LABEL if key == "label" else key: cell for key, cell in cells.items()}
    rows[index] = SheetRow(rows[index].number, changed)
    return replace(sheet, choices=tuple(rows))


def without_choice(sheet: Sheet, list_name: str, code: str) -> Sheet:
    """Without one choice."""
    kept = tuple(row for row in sheet.choices if (row["list_name"], row["name"]) != (list_name, code))
    return replace(sheet, choices=kept)
