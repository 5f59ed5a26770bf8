"""The data dictionary of every export: each column with its labels, codes, sensitivity, and the form it comes from.

Made from the published forms alone; a question added to a sheet is a column here with nothing to be done.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from schemas.form import Dictionary, FormDefinition
from schemas.question import SCOPES, Field
from server.export.wide import ANGGOTA, FIXED, TABLE_OF_SCOPE, TABLES, Axis, axes_of

AXIS_LABELS: Mapping[str, tuple[str, str]] = {
    "": ("", ""), "lat": (" (lintang)", " (latitude)"), "lon": (" (bujur)", " (longitude)"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table. `question` is empty for the columns every row has; `codes` maps code to label."""

    table: str
    name: str
    question: str
    axis: str
    type: str
    label_id: str
    label_en: str
    codes: Mapping[str, str]
    codes_en: Mapping[str, str]
    sensitivity: str
    form: str
    version: str

    @property
    def codes_json(self) -> str:
        """Codes with their Indonesian labels; empty where any answer is possible."""
        return json.dumps(self.codes, ensure_ascii=False) if self.codes else ""

    @property
    def codes_en_json(self) -> str:
        """The same in English."""
        return json.dumps(self.codes_en, ensure_ascii=False) if self.codes_en else ""


class Names:
    """Column names of a table: each its own, also where case does not count and where a question has the name of a
    column that every row has."""

    def __init__(self, table: str, taken: Mapping[Axis, str] | None = None) -> None:
        self._known = dict(taken or {})
        self._used = {name.lower() for name in (*FIXED[table], *self._known.values())}

    def name(self, question: str, axis: str = "") -> str:
        """The column of a question; the same one each time."""
        found = self._known.get((question, axis))
        if found is None:
            found = wanted = f"{question}_{axis}" if axis else question
            count = 1
            while found.lower() in self._used:
                count += 1
                found = f"{wanted}_{count}"
            self._known[question, axis] = found
            self._used.add(found.lower())
        return found


def columns_of(
    forms: Iterable[FormDefinition],
    names: Mapping[str, Names] | None = None,
    retired: Collection[tuple[str, str]] = (),
) -> tuple[Column, ...]:
    """Every column of every table: those that all rows have, then one for each question in the sheet's order.
    `retired`: `(id, version)` of those among the forms that tablets open no more."""
    definitions = tuple(forms)
    dictionary = Dictionary.of(definitions, retired)
    newest = _newest_versions(definitions)
    names = names or {table: Names(table) for table in TABLES}
    found = [column for table in TABLES for column in fixed_columns(table)]
    for scope in SCOPES:
        table = TABLE_OF_SCOPE[scope]
        for field in dictionary.fields(scope):
            for axis in axes_of(field.type):
                version = newest.get((field.form, field.scope, field.name), "")
                found.append(_column(table, names[table].name(field.name, axis), axis, field, version))
    return tuple(sorted(found, key=lambda column: TABLES.index(column.table)))


def fixed_columns(table: str) -> Iterator[Column]:
    """The columns every row of a table has."""
    for name, (label_id, label_en) in FIXED[table].items():
        sensitivity = "personal" if table == ANGGOTA else "internal"
        yield Column(table, name, "", "", "", label_id, label_en, {}, {}, sensitivity, "", "")


def _column(table: str, name: str, axis: str, field: Field, version: str) -> Column:
    more_id, more_en = AXIS_LABELS[axis]
    return Column(
        table=table,
        name=name,
        question=field.name,
        axis=axis,
        type="decimal" if axis else field.type,
        label_id=(field.label_id or field.name) + more_id,
        label_en=(field.label_en or field.label_id or field.name) + more_en,
        codes={choice.name: choice.label_id for choice in field.choices},
        codes_en={choice.name: choice.label_en or choice.label_id for choice in field.choices},
        sensitivity=field.sensitivity,
        form=field.form,
        version=version,
    )


def _newest_versions(forms: Iterable[FormDefinition]) -> dict[tuple[str, str, str], str]:
    """(form, scope, question) -> the newest version that asks it."""
    found: dict[tuple[str, str, str], str] = {}
    for form in sorted(forms, key=lambda each: each.order):
        for field in form.fields:
            found[form.id, field.scope, field.name] = form.version
    return found
