"""The rows of a file, read once, in a temporary file without a name beside it; and which families stand in two places.

Parsing a workbook is the slow part, and a family that comes back further down is only known at the end: so the rows
are kept in between. The temporary file is gone when it is closed or the process ends, and holds no more than the list.
"""

from __future__ import annotations

import json
import tempfile
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import IO

from schemas.prelist_problems import RowProblem
from server.prelist.headings import Columns, HeadingsMissing, locate
from server.prelist.mapping import ColumnMapping
from server.prelist.sources import Row, Sheet, open_sheets, sheet_skipped


@dataclass(frozen=True, slots=True)
class Table:
    """One sheet with its columns, and how many of its rows were kept."""

    name: str
    columns: Columns
    rows: int


@dataclass(slots=True)
class Spool:
    """Use it in a `with` statement: it reads the whole file on entry. Raises `PrelistUnreadable`."""

    path: Path
    mapping: ColumnMapping
    tables: list[Table] = field(default_factory=list)
    noticed: list[RowProblem] = field(default_factory=list)
    returning: dict[int, int] = field(default_factory=dict)
    """Hash of family id -> in how many places it stands, for those standing in more than one."""
    _file: IO[str] | None = None
    _places: array[int] = field(default_factory=lambda: array("q"))
    _last: str = ""

    def __enter__(self) -> Spool:
        self._file = _temporary(self.path.parent)
        try:
            self._read()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def rows(self) -> Iterator[tuple[Table, Iterator[Row]]]:
        """The kept rows, table by table; each must be read to its end before the next."""
        if self._file is None:
            raise RuntimeError("a spool is read inside its with statement")
        self._file.seek(0)
        for table in self.tables:
            yield table, map(_row, islice(self._file, table.rows))

    def places_of(self, family_id: str) -> int:
        """In how many places of the file a family stands; too many, never too few."""
        return self.returning.get(_family_hash(family_id), 1)

    def _read(self) -> None:
        sheets, self.noticed = open_sheets(self.path)
        missing: HeadingsMissing | None = None
        for sheet in sheets:
            first = list(islice(sheet.rows, self.mapping.heading_rows[1] + 1))
            place = f"{self.path.name}, lembar {sheet.name}" if sheet.name else self.path.name
            try:
                columns = locate(first, self.mapping, place)
            except HeadingsMissing as error:
                missing = missing or error
                self.noticed.append(sheet_skipped(sheet))
                continue
            self.tables.append(Table(sheet.name, columns, self._keep(sheet, first, columns)))
        if missing is not None and not self.tables:
            raise missing
        previous = None
        for value in sorted(self._places):
            if value == previous:
                self.returning[value] = self.returning.get(value, 1) + 1
            previous = value
        self._places = array("q")

    def _keep(self, sheet: Sheet, first: list[Row], columns: Columns) -> int:
        assert self._file is not None
        kept, first_row, index = 0, max(self.mapping.first_row, columns.row + 1), columns.indexes["family_id"]
        for row in chain(first, sheet.rows):
            if row.number < first_row or not any(cell and not cell.isspace() for cell in row.cells):
                continue
            # Escaped, a row is one line whatever its cells hold.
            self._file.write(json.dumps([row.number, row.cells, sorted(row.lost)]) + "\n")
            kept += 1
            family_id = row.cells[index].strip() if index < len(row.cells) else ""
            if family_id and family_id != self._last:
                self._last = family_id
                self._places.append(_family_hash(family_id))
        return kept


def _row(line: str) -> Row:
    number, cells, lost = json.loads(line)
    return Row(number, tuple(cells), frozenset(lost))


def _family_hash(family_id: str) -> int:
    """Cells that give the same family id must hash alike, however they are written (`="1"`, `'1`)."""
    return hash("".join(letter for letter in family_id if letter.isalnum()))


def _temporary(folder: Path) -> IO[str]:
    """Beside the list itself, so that its people lie on no other disk; elsewhere where that can't be written."""
    try:
        return tempfile.TemporaryFile("w+", encoding="ascii", dir=folder)
    except OSError:
        return tempfile.TemporaryFile("w+", encoding="ascii")
