"""The yardsticks without a server: the same bytes into SQLite and PostgreSQL by hand, as durable as Padan writes them.

One table of bytes, or the same with a row for the household and for each NIK, by which a merge must be able to find
it. One commit a batch.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.material import Visit

_SUBMISSIONS = "insert into submissions (id, content) values (?, ?)"
_KEYS = "insert into keys (key, id) values (?, ?)"


class RawSqlite:
    """Python's `sqlite3`: WAL, `synchronous=FULL`, pages of 16 KB."""

    def __init__(self, path: Path, *, keys: bool) -> None:
        self._keys, self._number = keys, 0
        self._raw = sqlite3.connect(path, isolation_level=None)
        for pragma in ("page_size = 16384", "journal_mode = wal", "synchronous = full", "cache_size = -16384"):
            self._raw.execute(f"pragma {pragma}")
        self._raw.execute("create table submissions (id text primary key, content blob not null) strict")
        self._raw.execute(
            "create table keys (key text not null, id text not null, primary key (key, id)) strict, without rowid"
        )

    def insert(self, batch: Sequence[Visit]) -> None:
        """A batch, in one transaction."""
        submissions, keys = _rows(batch, self._number)
        self._number += len(batch)
        self._raw.execute("begin immediate")
        self._raw.executemany(_SUBMISSIONS, submissions)
        if self._keys:
            self._raw.executemany(_KEYS, keys)
        self._raw.execute("commit")

    def close(self) -> None:
        """Close the file."""
        self._raw.close()


class RawPostgres:
    """psycopg 3 in a pipeline, `synchronous_commit` on."""

    def __init__(self, address: str, *, keys: bool) -> None:
        import psycopg

        self._keys, self._number = keys, 0
        self._raw: Any = psycopg.connect(address, autocommit=True)
        self._raw.execute("create table submissions (id text primary key, content bytea not null)")
        self._raw.execute("create table keys (key text not null, id text not null, primary key (key, id))")

    def insert(self, batch: Sequence[Visit]) -> None:
        """A batch, in one transaction."""
        submissions, keys = _rows(batch, self._number)
        self._number += len(batch)
        with self._raw.transaction(), self._raw.cursor() as cursor:
            cursor.executemany(_SUBMISSIONS.replace("?", "%s"), submissions)
            if self._keys:
                cursor.executemany(_KEYS.replace("?", "%s"), keys)

    def close(self) -> None:
        """Close the connection."""
        self._raw.close()


def _rows(batch: Sequence[Visit], number: int) -> tuple[list[tuple[str, bytes]], list[tuple[str, str]]]:
    ids = [(f"{visit.household_id}/{place}", visit) for place, visit in enumerate(batch, number)]
    keys = {(key, each) for each, visit in ids for key in (visit.household_id, *visit.niks)}
    return [(each, visit.wire) for each, visit in ids], sorted(keys)
