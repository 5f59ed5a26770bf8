"""The files of an export: CSV written row by row, each hashed while it is written, all put in place at the end.

Nothing here reads the database or decides who may see what; `server/flows/export.py` does.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from schemas.problems import ProblemError
from server.export.codebook import Column
from server.export.masking import harmless, hidden, masked_text, names_a_number
from server.export.wide import TABLES, WideRow

PART = ".part"
MANIFEST = "manifest.json"
KAMUS = "kamus.csv"
REST = "lainnya"
"""Answers to questions that no published form has, as JSON: nothing is left out."""

NUMERIC = frozenset({"integer", "decimal", "calculate"})
KAMUS_COLUMNS = (
    "berkas", "kolom", "pertanyaan", "label", "label_en", "jenis", "kode", "kode_en", "kepekaan", "disamarkan",
    "formulir", "versi",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Written:
    """A file of the export."""

    sha256: str
    bytes: int
    rows: int


class CsvFolder:
    """A folder that becomes an export: files bear another name until `finish`, and go away where that is not
    reached."""

    def __init__(self, folder: Path, columns: Sequence[Column], unmask: bool) -> None:
        self._folder = folder
        self._unmask = unmask
        self._columns = columns
        self._tables = {table: [column for column in columns if column.table == table] for table in TABLES}
        self._known = {table: {(c.question, c.axis) for c in self._tables[table]} for table in TABLES}
        self._files: dict[str, _HashedCsv] = {}

    def __enter__(self) -> CsvFolder:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if any(self._folder.iterdir()):
                raise ProblemError("bad_request", f"{self._folder}: folder tidak kosong. Pilih folder lain.")
            for table in TABLES:
                self._files[f"{table}.csv"] = _HashedCsv(self._folder / f"{table}.csv")
                self._files[f"{table}.csv"].row([*(column.name for column in self._tables[table]), REST])
        except OSError as error:
            raise _told(self._folder, error) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for file in self._files.values():
            file.abandon()
        if isinstance(error, OSError):
            raise _told(self._folder, error) from error

    def write(self, row: WideRow) -> None:
        """One row."""
        cells = [self._cell(column, row) for column in self._tables[row.table]]
        rest = {
            name: value for (name, axis), value in row.answers.items() if (name, axis) not in self._known[row.table]
        }
        self._files[f"{row.table}.csv"].row([*cells, self._rest(rest)])

    def finish(self, facts: Mapping[str, Any]) -> dict[str, Written]:
        """Write kamus.csv and the manifest, and give every file its name."""
        kamus = self._files[KAMUS] = _HashedCsv(self._folder / KAMUS)
        kamus.row(list(KAMUS_COLUMNS))
        for column in self._columns:
            kamus.row([harmless(text) for text in self._described(column)])
        written = {name: file.close() for name, file in self._files.items()}
        files = {name: {"sha256": w.sha256, "bytes": w.bytes, "rows": w.rows} for name, w in sorted(written.items())}
        manifest = json.dumps({**facts, "files": files}, ensure_ascii=False, indent=2) + "\n"
        for file in self._files.values():
            file.put_in_place()
        _write_private(self._folder / MANIFEST, manifest)
        return written

    def _cell(self, column: Column, row: WideRow) -> str:
        if not column.question:
            value = row.fixed.get(column.name)
            return "" if value is None else harmless(str(value), isinstance(value, int))
        value = row.answers.get((column.question, column.axis))
        if value is None:
            return ""
        text = str(value)
        if not self._unmask and not column.axis:
            text = self._masked(column, value, text)
        return harmless(text, isinstance(value, int) or bool(column.axis) or column.type in NUMERIC)

    def _masked(self, column: Column, value: Any, text: str) -> str:
        if _is_number_column(column):
            return " | ".join(hidden(each) for each in text.split(" | "))
        return masked_text(text, column.sensitivity) if isinstance(value, str) and column.type == "text" else text

    def _rest(self, answers: Mapping[str, Any]) -> str:
        if not answers:
            return ""
        if not self._unmask:
            answers = {
                name: hidden(str(value)) if names_a_number(name) else masked_text(str(value), "personal")
                for name, value in answers.items()
            }
        return json.dumps(answers, ensure_ascii=False, sort_keys=True)

    def _described(self, column: Column) -> list[str]:
        hides = "ya" if not self._unmask and _is_number_column(column) else "tidak"
        return [
            f"{column.table}.csv", column.name, column.question, column.label_id, column.label_en, column.type,
            column.codes_json, column.codes_en_json, column.sensitivity, hides, column.form, column.version,
        ]  # fmt: skip


class _HashedCsv:
    """A CSV file (RFC 4180, UTF-8) that knows its digest; readable by its owner only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_name(path.name + PART)
        handle = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(handle, "wb")
        self._digest = hashlib.sha256()
        self._bytes = 0
        self._rows = -1  # the headings are no row
        self._writer = csv.writer(self)

    def write(self, line: str) -> None:
        """A line of the csv module."""
        raw = line.encode("utf-8")
        self._file.write(raw)
        self._digest.update(raw)
        self._bytes += len(raw)

    def row(self, cells: Sequence[str]) -> None:
        """One row."""
        self._writer.writerow(cells)
        self._rows += 1

    def close(self) -> Written:
        """Everything on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return Written(self._digest.hexdigest(), self._bytes, self._rows)

    def put_in_place(self) -> None:
        """Give the file its name."""
        os.replace(self._part, self._path)

    def abandon(self) -> None:
        """Remove what has no name yet."""
        try:
            self._file.close()
        finally:
            self._part.unlink(missing_ok=True)


def _is_number_column(column: Column) -> bool:
    return column.type in ("text", "calculate") and names_a_number(column.question)


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def _told(folder: Path, error: OSError) -> ProblemError:
    return ProblemError("export_failed", f"{folder}: {error.strerror or type(error).__name__}.")
