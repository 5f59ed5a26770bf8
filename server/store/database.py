"""Opening the database, and the one `Connection` through which every store module speaks to it.

All SQL is in the subset that SQLite and PostgreSQL share, with named parameters (`:name`). What differs between
engines stands here and in `migrations.py`, nowhere else. This module knows no table but the engine's own.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlite_utils

APPLICATION_ID = 0x5041444E
"""`PADN`, in the header of each of our files: another program's database is refused."""

PAGE_BYTES = 16_384
"""Rows of 4-5 KB fit several to a page; 4 KB pages would spill each into overflow pages."""

CACHE_KIB = 16_384
BUSY_TIMEOUT_MS = 10_000

Params = Mapping[str, Any]
Row = sqlite3.Row


class StoreError(Exception):
    """The database could not do it; the message says what happened and what to do. Nothing was half written."""


class StoreFull(StoreError):
    """No room left on the disk (or the file's page limit was reached). The transaction was rolled back."""


class StoreBusy(StoreError):
    """Another writer kept the lock for longer than the busy timeout; trying again is safe."""


class NewerDatabase(StoreError):
    """The file was written by a newer version of this program."""


class NotMigrated(StoreError):
    """The file is older than this program and nobody asked to bring it up to date."""


class NotOurs(StoreError):
    """The file is no database of Padan, or it is damaged."""


class Connection:
    """One thread's connection. Store functions take it as their first argument, `db`."""

    def __init__(self, path: Path, *, auto_checkpoint: bool = True) -> None:
        self.path = path
        raw = sqlite3.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000, cached_statements=512)
        raw.row_factory = sqlite3.Row
        try:
            _prepare(raw, auto_checkpoint)
        except sqlite3.Error as error:
            raw.close()
            raise _explained(error, path) from error
        self.raw = raw
        self.utils = sqlite_utils.Database(raw, execute_plugins=False)

    def all(self, sql: str, params: Params | None = None) -> list[Row]:
        """All rows of a query."""
        try:
            return self.raw.execute(sql, params or {}).fetchall()
        except sqlite3.Error as error:
            raise _explained(error, self.path) from error

    def one(self, sql: str, params: Params | None = None) -> Row | None:
        """The first row of a query, or None."""
        try:
            row: Row | None = self.raw.execute(sql, params or {}).fetchone()
        except sqlite3.Error as error:
            raise _explained(error, self.path) from error
        return row

    def value(self, sql: str, params: Params | None = None) -> Any:
        """The first column of the first row, or None."""
        row = self.one(sql, params)
        return None if row is None else row[0]

    def stream(self, sql: str, params: Params | None = None, size: int = 500) -> Iterator[Row]:
        """The rows of a query, `size` held in memory at a time."""
        try:
            cursor = self.raw.execute(sql, params or {})
            while rows := cursor.fetchmany(size):
                yield from rows
        except sqlite3.Error as error:
            raise _explained(error, self.path) from error

    def run(self, sql: str, params: Params | None = None) -> int:
        """Execute a statement; the number of rows it changed."""
        try:
            return self.raw.execute(sql, params or {}).rowcount
        except sqlite3.Error as error:
            raise _explained(error, self.path) from error

    def many(self, sql: str, rows: Iterable[Params]) -> None:
        """Execute a statement once per row."""
        try:
            self.raw.executemany(sql, rows)
        except sqlite3.Error as error:
            raise _explained(error, self.path) from error

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Take the write lock, then commit, or roll back on any exception. Inside another one: a savepoint.

        The lock is taken at once: a deferred BEGIN that reads first fails as soon as anyone else has written.
        """
        try:
            if self.raw.in_transaction:
                with self.utils.atomic():
                    yield self
                return
            self.raw.execute("begin immediate")
            try:
                yield self
                self.raw.execute("commit")
            except BaseException:
                if self.raw.in_transaction:
                    self.raw.execute("rollback")
                raise
        except sqlite3.Error as error:
            raise _explained(error, self.path) from error

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Several reads of one state of the database. Inside a transaction: that transaction's."""
        if self.raw.in_transaction:
            yield self
            return
        self.raw.execute("begin")
        try:
            yield self
        finally:
            if self.raw.in_transaction:
                self.raw.execute("commit")

    def checkpoint(self, *, restart: bool = False) -> None:
        """Write the WAL back into the file as far as readers allow; a thread of its own calls this in `serve`.

        `restart`: also wait for readers and writers, so that the WAL is begun anew; under steady load it would grow.
        """
        self.run(f"pragma wal_checkpoint({'restart' if restart else 'passive'})")

    def close(self) -> None:
        """Close the connection; an open transaction is rolled back."""
        self.raw.close()


class Store:
    """Where the database is. Hands each thread a connection of its own."""

    def __init__(self, path: str | os.PathLike[str], *, auto_checkpoint: bool = True) -> None:
        self.path = Path(path)
        self._auto_checkpoint = auto_checkpoint
        self._local = threading.local()
        self._open: list[Connection] = []
        self._lock = threading.Lock()

    @property
    def db(self) -> Connection:
        """This thread's connection."""
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = Connection(self.path, auto_checkpoint=self._auto_checkpoint)
            self._local.connection = connection
            with self._lock:
                self._open.append(connection)
        return connection

    def release(self) -> None:
        """Close this thread's connection; for threads that end."""
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is not None:
            self._local.connection = None
            with self._lock:
                self._open.remove(connection)
            connection.close()

    def close(self) -> None:
        """Close this thread's connection and forget those of others (they close with their threads)."""
        self.release()
        with self._lock:
            self._open.clear()


def marks(name: str, values: Sequence[Any]) -> tuple[str, dict[str, Any]]:
    """`(":name0,:name1", {"name0": ..., ...})` for an `in (...)` list of known length."""
    params = {f"{name}{index}": value for index, value in enumerate(values)}
    return ",".join(f":{key}" for key in params), params


def chunks(values: Sequence[Any], size: int = 500) -> Iterator[Sequence[Any]]:
    """Slices short enough for one statement's parameters."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _prepare(raw: sqlite3.Connection, auto_checkpoint: bool) -> None:
    raw.execute(f"pragma busy_timeout = {BUSY_TIMEOUT_MS}")
    known = raw.execute("pragma application_id").fetchone()[0]
    if known not in (0, APPLICATION_ID):
        raise sqlite3.DatabaseError("file belongs to another program")
    if known == 0:
        if raw.execute("select count(*) from sqlite_master").fetchone()[0]:
            raise sqlite3.DatabaseError("file belongs to another program")
        raw.execute(f"pragma page_size = {PAGE_BYTES}")
    raw.execute("pragma journal_mode = wal")
    raw.execute("pragma synchronous = full")
    raw.execute("pragma foreign_keys = on")
    raw.execute(f"pragma cache_size = -{CACHE_KIB}")
    if not auto_checkpoint:
        raw.execute("pragma wal_autocheckpoint = 0")


def _explained(error: sqlite3.Error, path: Path) -> Exception:
    name = getattr(error, "sqlite_errorname", "") or ""
    text = str(error)
    if name == "SQLITE_FULL" or "disk is full" in text:
        return StoreFull(f"{path}: the disk is full; nothing of this step was written. Free some space and try again.")
    if name.startswith("SQLITE_IOERR"):
        return StoreFull(f"{path}: the disk refused to write ({name}); nothing of this step was written.")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreBusy(f"{path}: another program is writing to the database; try again.")
    if name in ("SQLITE_NOTADB", "SQLITE_CORRUPT") or "another program" in text:
        return NotOurs(f"{path}: this is no database of Padan, or it is damaged ({text}). Restore a backup.")
    if name == "SQLITE_CANTOPEN":
        return StoreError(f"{path}: cannot be opened; does the folder exist and may this account write there?")
    if name.startswith("SQLITE_READONLY"):
        return StoreError(f"{path}: may not be written by this account.")
    return error
