"""The one `Connection` through which every store module speaks to the database, whatever the engine, and the `Store`
that hands each thread its own.

All SQL is in the subset that SQLite and PostgreSQL share, with named parameters (`:name`). What differs between
engines stands in `sqlite.py` and `postgres.py`, nowhere else. This module knows no table.
"""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from server.address import is_postgres, shown

BUSY_TIMEOUT_MS = 10_000
"""So long a writer waits for the lock."""

SQLITE, POSTGRES = "sqlite", "postgres"
MOVED = "padan: this campaign was moved to another database"

Params = Mapping[str, Any]


class Row(Protocol):
    """A row: by name of the column or by its place, and as an iterable of its values."""

    def __getitem__(self, key: str | int, /) -> Any: ...

    def __iter__(self) -> Iterator[Any]: ...

    def keys(self) -> list[str]:
        """The columns, in order."""
        ...


class StoreError(Exception):
    """The database could not do it; the message says what happened and what to do. Nothing was half written."""


class StoreFull(StoreError):
    """No room left on the disk (or the file's page limit was reached). The transaction was rolled back."""


class StoreBusy(StoreError):
    """Another writer kept the lock for longer than the busy timeout; trying again is safe."""


class StoreUnreachable(StoreBusy):
    """The database server does not answer or went away. Whether a commit under way was done is unknown; sending the
    same again is safe."""


class StoreMoved(StoreBusy):
    """The campaign was moved to another database; this one takes nothing any more."""


class NewerDatabase(StoreError):
    """The database was written by a newer version of this program."""


class NotMigrated(StoreError):
    """The database is older than this program and nobody asked to bring it up to date."""


class NotOurs(StoreError):
    """The database is none of Padan's, or it is damaged."""


class Connection(ABC):
    """One thread's connection. Store functions take it as their first argument, `db`."""

    engine: str
    """`sqlite` or `postgres`."""

    @abstractmethod
    def all(self, sql: str, params: Params | None = None) -> list[Row]:
        """All rows of a query."""

    @abstractmethod
    def one(self, sql: str, params: Params | None = None) -> Row | None:
        """The first row of a query, or None."""

    def value(self, sql: str, params: Params | None = None) -> Any:
        """The first column of the first row, or None."""
        row = self.one(sql, params)
        return None if row is None else row[0]

    @abstractmethod
    def stream(self, sql: str, params: Params | None = None, size: int = 500) -> Iterator[Row]:
        """The rows of a query, `size` held in memory at a time."""

    @abstractmethod
    def run(self, sql: str, params: Params | None = None) -> int:
        """Execute a statement; the number of rows it changed."""

    @abstractmethod
    def many(self, sql: str, rows: Iterable[Params]) -> None:
        """Execute a statement once per row."""

    @abstractmethod
    def load(self, table: str, columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
        """Put many rows into a table, the fastest way that the engine has; values in the order of the columns."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[Connection]:
        """Take the write lock, then commit, or roll back on any exception. Inside another one: a savepoint.

        There is one write lock, on either engine: what is read inside stays true until the commit, and positions are
        given out in the order in which they become visible.
        """

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[Connection]:
        """Several reads of one state of the database. Inside a transaction: that transaction's."""

    @property
    @abstractmethod
    def in_transaction(self) -> bool:
        """Whether a transaction or a snapshot is open."""

    @property
    @abstractmethod
    def usable(self) -> bool:
        """Whether it can be asked anything; a connection that was cut is replaced by its `Store`."""

    @abstractmethod
    def define(self, statements: Sequence[str]) -> None:
        """Make tables and indexes, in the words of SQLite (`strict`, `without rowid`, `text`, `integer`, `blob`)."""

    @abstractmethod
    def close_tables(self, tables: Sequence[str]) -> None:
        """Let every change of these tables fail with `StoreMoved` from now on, whoever asks for it."""

    @abstractmethod
    def open_tables(self, tables: Sequence[str]) -> None:
        """Let these tables be changed again."""

    @abstractmethod
    def tables(self) -> list[str]:
        """The tables there are, the engine's own left out."""

    @abstractmethod
    def bytes_on_disk(self) -> int:
        """How large the database is."""

    def bytes_of_log(self) -> int:
        """How much lies beside the database that is not written into it yet; 0 where the engine sees to that itself."""
        return 0

    def checkpoint(self, *, restart: bool = False) -> None:  # noqa: B027 - most engines do it by themselves
        """Write what is in a log back into the file, where the engine leaves that to us; a thread of `serve` does it.

        `restart`: also wait for readers and writers, so that the log is begun anew; under steady load it would grow.
        """

    def overwrite_freed(self) -> None:  # noqa: B027 - an engine that can't leaves it to `rewrite`
        """From now on, overwrite with zeros what this connection deletes. Not enough by itself: pages that were put
        together leave copies behind (docs/decisions/0033); `rewrite` is."""

    @abstractmethod
    def rewrite(self) -> bool:
        """Write everything anew, without anything that was ever deleted. Writers wait meanwhile. False where a reader
        kept an old state alive: call `empty_log` again. Raises `StoreFull`, `StoreBusy`."""

    def empty_log(self) -> bool:
        """Write the engine's log back and cut it to nothing; False where a reader is in the way."""
        return True

    @abstractmethod
    def close(self) -> None:
        """Close the connection; an open transaction is rolled back."""


class Store:
    """Where the database is. Hands each thread a connection of its own."""

    def __init__(self, address: str | os.PathLike[str], *, auto_checkpoint: bool = True) -> None:
        self.address = os.fspath(address)
        self.engine = POSTGRES if is_postgres(self.address) else SQLITE
        self._auto_checkpoint = auto_checkpoint
        self._local = threading.local()
        self._open: list[Connection] = []
        self._lock = threading.Lock()

    def __str__(self) -> str:
        return shown(self.address)

    @property
    def path(self) -> Path:
        """The file of a SQLite database. Raises `StoreError` for a database that is none."""
        if self.engine != SQLITE:
            raise StoreError(f"{self}: this database is no file")
        return Path(self.address)

    @property
    def db(self) -> Connection:
        """This thread's connection; a new one where the last was cut off."""
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is not None and not connection.usable:
            self.release()
            connection = None
        if connection is None:
            connection = self._connect()
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

    def _connect(self) -> Connection:
        if self.engine == POSTGRES:
            try:
                from server.store.postgres import PostgresConnection
            except ImportError as error:
                raise StoreError(f"{self}: PostgreSQL needs one more package: pip install 'padan[postgres]'") from error
            return PostgresConnection(self.address)
        from server.store.sqlite import SqliteConnection

        return SqliteConnection(self.path, auto_checkpoint=self._auto_checkpoint)


def marks(name: str, values: Sequence[Any]) -> tuple[str, dict[str, Any]]:
    """`(":name0,:name1", {"name0": ..., ...})` for an `in (...)` list of known length."""
    params = {f"{name}{index}": value for index, value in enumerate(values)}
    return ",".join(f":{key}" for key in params), params


def chunks(values: Sequence[Any], size: int = 500) -> Iterator[Sequence[Any]]:
    """Slices short enough for one statement's parameters."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
