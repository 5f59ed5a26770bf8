"""The engine beyond one machine: PostgreSQL through psycopg 3 (extra `padan[postgres]`). The SQL is SQLite's.

Four things differ and are settled here: parameters are written `%(name)s`; columns are `text collate "C"`, `bigint` and
`bytea`, so that every order and comparison is that of SQLite; the one write lock is an advisory lock of the
transaction; a connection can be cut off.

The lock is released after the commit has become visible, so that whoever takes it next sees everything that was written
under it, and a feed position is never visible before a smaller one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import count
from typing import Any

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import TransactionStatus
from psycopg.rows import RowMaker

from server.address import shown
from server.store.database import (
    BUSY_TIMEOUT_MS,
    MOVED,
    POSTGRES,
    Connection,
    Params,
    Row,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreMoved,
    StoreUnreachable,
)

WRITE_LOCK = 0x5041444E
"""Number of the advisory lock (`PADN`); a database of its own is asked for, so nothing else takes it."""

CONNECT_TIMEOUT_S = 5
SILENCE_MAX_MS = 20_000
"""A server that is gone without a word is given up after this."""

_cursors = count()
_NAME = re.compile(r"('(?:[^']|'')*')|(?<![:\w]):([a-z_][a-z_0-9]*)")
"""A literal, which is left alone, or the name of a parameter."""

_TYPES = {"text": 'text collate "C"', "integer": "bigint", "blob": "bytea"}
_TYPE = re.compile(r"(?<=[a-z_0-9] )(text|integer|blob)\b")
_TABLE_OPTIONS = re.compile(r"\)\s*(strict)?(,\s*without rowid)?\s*$")


class _Row(tuple[Any, ...]):
    """A row as `sqlite3.Row` gives it: by place, by name, and as its values."""

    __slots__ = ()
    _places: dict[str, int] = {}

    def __getitem__(self, key: Any) -> Any:
        return tuple.__getitem__(self, self._places[key] if isinstance(key, str) else key)

    def keys(self) -> list[str]:
        return list(self._places)


class _WholeNumber(Dumper):
    """A truth value where SQLite keeps 0 or 1."""

    oid = psycopg.adapters.types["int8"].oid

    def dump(self, obj: Any) -> bytes:
        return b"1" if obj else b"0"


class PostgresConnection(Connection):
    """A connection to a PostgreSQL database. Raises `StoreUnreachable` where it can't be made."""

    engine = POSTGRES

    def __init__(self, address: str) -> None:
        self._shown = shown(address)
        self._depth = 0
        try:
            self.raw = psycopg.connect(
                address,
                autocommit=True,
                row_factory=_rows,
                connect_timeout=CONNECT_TIMEOUT_S,
                application_name="padan",
                tcp_user_timeout=SILENCE_MAX_MS,
                keepalives_idle=30,
                keepalives_interval=5,
            )
        except psycopg.Error as error:
            raise self._explained(error) from error
        self.raw.adapters.register_dumper(bool, _WholeNumber)

    def all(self, sql: str, params: Params | None = None) -> list[Row]:
        try:
            return self.raw.execute(_translated(sql), params or {}).fetchall()
        except psycopg.Error as error:
            raise self._explained(error) from error

    def one(self, sql: str, params: Params | None = None) -> Row | None:
        try:
            return self.raw.execute(_translated(sql), params or {}).fetchone()
        except psycopg.Error as error:
            raise self._explained(error) from error

    def stream(self, sql: str, params: Params | None = None, size: int = 500) -> Iterator[Row]:
        """See `Connection.stream`. A cursor of the server needs a transaction; outside of one it is a snapshot's."""
        try:
            with self.snapshot(), self.raw.cursor(name=f"padan_{next(_cursors)}") as cursor:
                cursor.execute(_translated(sql), params or {})
                while rows := cursor.fetchmany(size):
                    yield from rows
        except psycopg.Error as error:
            raise self._explained(error) from error

    def run(self, sql: str, params: Params | None = None) -> int:
        try:
            return self.raw.execute(_translated(sql), params or {}).rowcount
        except psycopg.Error as error:
            raise self._explained(error) from error

    def many(self, sql: str, rows: Iterable[Params]) -> None:
        try:
            with self.raw.cursor() as cursor:
                cursor.executemany(_translated(sql), rows)
        except psycopg.Error as error:
            raise self._explained(error) from error

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
        try:
            with self.raw.cursor() as cursor, cursor.copy(f"copy {table} ({', '.join(columns)}) from stdin") as copy:
                for row in rows:
                    copy.write_row(tuple(row))
        except psycopg.Error as error:
            raise self._explained(error) from error

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """See `Connection.transaction`. READ COMMITTED under the lock: each statement sees all that was committed."""
        try:
            if self._depth:
                with self._inside(), self.raw.transaction():
                    yield self
                return
            with self._inside():
                try:
                    self.raw.execute(_BEGIN, prepare=False)
                    yield self
                    self.raw.execute("commit", prepare=False)
                except BaseException:
                    self._roll_back()
                    raise
        except psycopg.Error as error:
            raise self._explained(error) from error

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        if self._depth:
            yield self
            return
        try:
            with self._inside():
                self.raw.execute("begin isolation level repeatable read read only", prepare=False)
                try:
                    yield self
                finally:
                    self._roll_back()
        except psycopg.Error as error:
            raise self._explained(error) from error

    @property
    def in_transaction(self) -> bool:
        return self._depth > 0

    @property
    def usable(self) -> bool:
        return not self.raw.closed

    def define(self, statements: Sequence[str]) -> None:
        for statement in statements:
            self.run(_definition(statement))

    def close_tables(self, tables: Sequence[str]) -> None:
        self.run(
            f"create or replace function padan_moved() returns trigger language plpgsql as "
            f"$$ begin raise exception '{MOVED}'; end $$"
        )
        for table in tables:
            self.run(
                f"create trigger moved_{table} before insert or update or delete on {table} "
                "for each statement execute function padan_moved()"
            )

    def open_tables(self, tables: Sequence[str]) -> None:
        for table in tables:
            self.run(f"drop trigger if exists moved_{table} on {table}")

    def tables(self) -> list[str]:
        rows = self.all("select tablename from pg_tables where schemaname = current_schema() order by tablename")
        return [row[0] for row in rows if not row[0].startswith("_padan_")]

    def bytes_on_disk(self) -> int:
        return int(self.value("select pg_database_size(current_database())"))

    def rewrite(self) -> bool:
        """See `Connection.rewrite`. What its write-ahead log, an archive of it and base backups still hold is the
        database server's: docs/operations.md, "Erasing a person"."""
        self.run(f"set lock_timeout = {BUSY_TIMEOUT_MS}")
        try:
            for table in self.tables():
                self.run(f"vacuum (full) {table}")
            self.run("checkpoint")
        finally:
            self.run("reset lock_timeout")
        return True

    def close(self) -> None:
        self.raw.close()

    @contextmanager
    def _inside(self) -> Iterator[None]:
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    def _roll_back(self) -> None:
        """Leave the transaction, if the connection still lives; a cut one has been rolled back by the server."""
        if not self.raw.closed and self.raw.info.transaction_status != TransactionStatus.IDLE:
            try:
                self.raw.execute("rollback", prepare=False)
            except psycopg.Error:
                self.raw.close()

    def _explained(self, error: psycopg.Error) -> Exception:
        state = error.sqlstate or ""
        if MOVED in str(error):
            return StoreMoved(f"{self._shown}: {MOVED}; start the server with that one.")
        if state in ("53100", "53200") or "No space left" in str(error):
            return StoreFull(f"{self._shown}: the database server has no room left; nothing of this step was written.")
        if state in ("55P03", "40P01", "40001"):
            return StoreBusy(f"{self._shown}: another program is writing to the database; try again.")
        if state.startswith(("08", "57P", "53")) or (not state and isinstance(error, psycopg.OperationalError)):
            if state.startswith(("08", "57P")) or not state:
                self._give_up()
            return StoreUnreachable(
                f"{self._shown}: the database server does not answer ({state or type(error).__name__}). Does it run, "
                "and are address, account and password right? What was sent can be sent again."
            )
        if state == "42501":
            return StoreError(f"{self._shown}: this account may not do that in the database ({state}).")
        return error

    def _give_up(self) -> None:
        raw = getattr(self, "raw", None)
        if raw is not None:
            raw.close()


_BEGIN = f"begin; set local lock_timeout = {BUSY_TIMEOUT_MS}; select pg_advisory_xact_lock({WRITE_LOCK})"


@lru_cache(maxsize=4096)
def _translated(sql: str) -> str:
    return _NAME.sub(lambda found: found[1] or f"%({found[2]})s", sql.replace("%", "%%"))


def _definition(statement: str) -> str:
    """A statement that makes a table, a column or an index, in the words of PostgreSQL."""
    if statement.lstrip().startswith("alter table"):
        return _TYPE.sub(lambda found: _TYPES[found[0]], statement)
    if not statement.lstrip().startswith("create table"):
        return statement
    return _TYPE.sub(lambda found: _TYPES[found[0]], _TABLE_OPTIONS.sub(")", statement))


@lru_cache(maxsize=1024)
def _row_class(columns: tuple[str, ...]) -> type[_Row]:
    return type("Row", (_Row,), {"__slots__": (), "_places": {name: place for place, name in enumerate(columns)}})


def _rows(cursor: psycopg.Cursor[Any]) -> RowMaker[Any]:
    found = _row_class(tuple(column.name for column in cursor.description or ()))
    return found
