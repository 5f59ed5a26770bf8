"""The readable tables of the mirror, `keluarga`, `anggota` and `perubahan`: a column per question, with `kamus` beside
them. Columns are added as questions appear, in the published forms or in the data; no code knows a question.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from schemas.form import Dictionary, FormDefinition
from server.export.codebook import AXIS_LABELS, Column, Names, columns_of
from server.export.wide import FIXED, TABLE_OF_SCOPE, TABLES, Axis, rows_of

KINDS = {str: "text", int: "integer", float: "decimal"}


class WideTables:
    """The wide tables of an open mirror, with the columns they have at present."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw
        self._columns: dict[str, dict[Axis, str]] = {table: {} for table in TABLES}
        query = "select tabel, pertanyaan, sumbu, kolom from kamus where pertanyaan <> ''"
        for table, question, axis, column in raw.execute(query):
            self._columns[table][question, axis] = column
        self._names = {table: Names(table, self._columns[table]) for table in TABLES}
        self._inserts = {table: self._insert_statement(table) for table in TABLES}

    def learn(self, forms: Iterable[FormDefinition], retired: Collection[tuple[str, str]] = ()) -> None:
        """Columns and `kamus` of all questions of the published forms, in the sheet's order. The column of a question
        that was renamed takes its new name, with what is in it."""
        definitions = tuple(forms)
        self._rename(Dictionary.of(definitions, retired))
        for order, column in enumerate(columns_of(definitions, self._names, retired)):
            if column.question:
                self._add(column.table, (column.question, column.axis), column.name)
            self._describe(column, order)

    def replace(self, record: Mapping[str, Any], identity: Sequence[Mapping[str, Any]]) -> None:
        """The rows of one household, in place of those it had."""
        self.drop(record["household_id"])
        for row in rows_of(record, identity):
            known = self._columns[row.table]
            for axis, value in row.answers.items():
                if axis not in known:
                    self._meet(row.table, axis, value)
            values = [row.fixed.get(name) for name in FIXED[row.table]]
            values += [_stored(axis, row.answers.get(axis)) for axis in known]
            self._raw.execute(self._inserts[row.table], values)

    def drop(self, household_id: str) -> None:
        """Remove the rows of one household."""
        for table in TABLES:
            self._raw.execute(f"delete from {table} where household_id = ?", (household_id,))

    def _rename(self, dictionary: Dictionary) -> None:
        for scope, table in TABLE_OF_SCOPE.items():
            for (question, axis), old in list(self._columns[table].items()):
                line = dictionary.line(scope, question)
                present = dictionary.present_name(scope, question)
                if line is None or present == question:
                    continue
                taken = self._columns[table].get((present, axis))
                if line.steps:  # read by a rule: what stands here goes with its household's next row
                    full = f"select 1 from {table} where {_quoted(old)} is not null limit 1"
                    if self._raw.execute(full).fetchone() is None:
                        self._drop_column(table, (question, axis))
                elif taken is None:
                    new = self._names[table].name(present, axis)
                    self._raw.execute(f"alter table {table} rename column {_quoted(old)} to {_quoted(new)}")
                    self._forget(table, (question, axis))
                    self._columns[table][present, axis] = new
                else:
                    self._raw.execute(
                        f"update {table} set {_quoted(taken)} = coalesce({_quoted(taken)}, {_quoted(old)})"
                    )
                    self._drop_column(table, (question, axis))
            self._names[table] = Names(table, self._columns[table])
            self._inserts[table] = self._insert_statement(table)

    def _drop_column(self, table: str, axis: Axis) -> None:
        self._raw.execute(f"alter table {table} drop column {_quoted(self._columns[table][axis])}")
        self._forget(table, axis)

    def _forget(self, table: str, axis: Axis) -> None:
        column = self._columns[table].pop(axis)
        self._raw.execute("delete from kamus where tabel = ? and kolom = ?", (table, column))

    def _meet(self, table: str, axis: Axis, value: Any) -> None:
        """A question that no published form explained so far: a column all the same."""
        question, suffix = axis
        name = self._names[table].name(question, suffix)
        self._add(table, axis, name)
        more_id, more_en = AXIS_LABELS[suffix]
        kind = "decimal" if suffix else KINDS.get(type(value), "text")
        unknown = Column(
            table, name, question, suffix, kind, question + more_id, question + more_en, {}, {}, "personal", "", ""
        )
        self._describe(unknown, 1_000_000)

    def _add(self, table: str, axis: Axis, name: str) -> None:
        if axis in self._columns[table]:
            return
        self._raw.execute(f"alter table {table} add column {_quoted(name)}")
        self._columns[table][axis] = name
        self._inserts[table] = self._insert_statement(table)

    def _describe(self, column: Column, order: int) -> None:
        self._raw.execute(
            """insert or replace into kamus (tabel, kolom, pertanyaan, sumbu, label, label_en, jenis, kode, kepekaan,
                 formulir, versi, urutan)
               values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            (
                column.table,
                column.name,
                column.question,
                column.axis,
                column.label_id,
                column.label_en,
                column.type,
                column.codes_json,
                column.sensitivity,
                column.form,
                column.version,
                order,
            ),
        )

    def _insert_statement(self, table: str) -> str:
        names = [*FIXED[table], *self._columns[table].values()]
        listed = ", ".join(_quoted(name) for name in names)
        return f"insert or replace into {table} ({listed}) values ({', '.join('?' * len(names))})"


def _stored(axis: Axis, value: Any) -> Any:
    """Degrees as a number, so that a map can be drawn; all else as it was answered."""
    return float(value) if axis[1] and value is not None else value


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
