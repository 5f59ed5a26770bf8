"""The embedded engine: one SQLite file, through sqlite-utils. WAL, every commit synced to the disk, STRICT tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlite_utils

from server.store.database import (
    BUSY_TIMEOUT_MS,
    MOVED,
    SQLITE,
    Connection,
    NotOurs,
    Params,
    Row,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreMoved,
)

APPLICATION_ID = 0x5041444E
"""`PADN`, in the header of each of our files: another program's database is refused."""

MAGIC, HEADER_BYTES, APPLICATION_ID_AT = b"SQLite format 3\x00", 100, 68
"""How a file of SQLite begins (sqlite.org, "Database File Format")."""

PAGE_BYTES = 16_384
"""Rows of 4-5 KB fit several to a page; 4 KB pages would spill each into overflow pages."""

CACHE_KIB = 16_384
_CHANGES = ("insert", "update", "delete")
RESTART_WAIT_MS = 200
"""Beginning the WAL anew holds up writers until the last reader has left. A backup reads for a minute: no longer."""

COPY_STEPS = 20_000
"""Steps of SQLite between two reports of a copy's progress: some thousand rows."""


class SqliteConnection(Connection):
    """A connection to a file; the file is made where there is none."""

    engine = SQLITE

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
        self._closed = False

    def all(self, sql: str, params: Params | None = None) -> list[Row]:
        try:
            return self.raw.execute(sql, params or {}).fetchall()
        except sqlite3.Error as error:
            raise _explained(error, self.path) from error

    def one(self, sql: str, params: Params | None = None) -> Row | None:
        try:
            row: Row | None = self.raw.execute(sql, params or {}).fetchone()
        except sqlite3.Error as error:
            raise _explained(error, self.path) from error
        return row

    def stream(self, sql: str, params: Params | None = None, size: int = 500) -> Iterator[Row]:
        try:
            cursor = self.raw.execute(sql, params or {})
            while rows := cursor.fetchmany(size):
                yield from rows
        except sqlite3.Error as error:
            raise _explained(error, self.path) from error

    def run(self, sql: str, params: Params | None = None) -> int:
        try:
            return self.raw.execute(sql, params or {}).rowcount
        except sqlite3.Error as error:
            raise _explained(error, self.path) from error

    def many(self, sql: str, rows: Iterable[Params]) -> None:
        try:
            self.raw.executemany(sql, rows)
        except sqlite3.Error as error:
            raise _explained(error, self.path) from error

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
        values = ",".join("?" * len(columns))
        try:
            sql = f"insert into {table} ({', '.join(columns)}) values ({values})"
            self.raw.executemany(sql, (tuple(row) for row in rows))
        except sqlite3.Error as error:
            raise _explained(error, self.path) from error

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """See `Connection.transaction`. The lock is taken at once: a deferred BEGIN that reads first fails as soon as
        anyone else has written."""
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
        if self.raw.in_transaction:
            yield self
            return
        self.raw.execute("begin")
        try:
            yield self
        finally:
            if self.raw.in_transaction:
                self.raw.execute("commit")

    @property
    def in_transaction(self) -> bool:
        return self.raw.in_transaction

    @property
    def usable(self) -> bool:
        return not self._closed

    def define(self, statements: Sequence[str]) -> None:
        for statement in statements:
            self.run(statement)

    def close_tables(self, tables: Sequence[str]) -> None:
        for table in tables:
            for change in _CHANGES:
                self.run(
                    f"create trigger moved_{table}_{change} before {change} on {table} "
                    f"begin select raise(abort, '{MOVED}'); end"
                )

    def open_tables(self, tables: Sequence[str]) -> None:
        for table in tables:
            for change in _CHANGES:
                self.run(f"drop trigger if exists moved_{table}_{change}")

    def tables(self) -> list[str]:
        rows = self.all("select name from sqlite_master where type = 'table' order by name")
        return [row[0] for row in rows if not row[0].startswith(("sqlite_", "_sqlite_"))]

    def bytes_on_disk(self) -> int:
        pages, size = self.value("pragma page_count"), self.value("pragma page_size")
        return int(pages) * int(size)

    def bytes_of_log(self) -> int:
        try:
            return Path(f"{self.path}-wal").stat().st_size
        except FileNotFoundError:
            return 0

    def checkpoint(self, *, restart: bool = False) -> None:
        if not restart:
            self.run("pragma wal_checkpoint(passive)")
            return
        self.run(f"pragma busy_timeout = {RESTART_WAIT_MS}")
        try:
            self.run("pragma wal_checkpoint(restart)")
        finally:
            self.run(f"pragma busy_timeout = {BUSY_TIMEOUT_MS}")

    def copy_into(self, path: Path, progress: Callable[[int, int], None]) -> None:
        """Write everything as it stands now into an empty file. Readers and writers go on meanwhile.

        What was deleted is left out: no byte of it lies in the free pages of the copy.
        """
        expected = self.bytes_on_disk()
        self.raw.set_progress_handler(lambda: progress(path.stat().st_size, expected), COPY_STEPS)
        try:
            self.run("vacuum into :path", {"path": str(path)})
        finally:
            self.raw.set_progress_handler(None, 0)

    def damage(self) -> list[str]:
        """What is wrong with the file itself, page by page and index by index; nothing where it is whole."""
        found = [str(row[0]) for row in self.all("pragma integrity_check(20)")]
        return [] if found == ["ok"] else found

    def overwrite_freed(self) -> None:
        self.run("pragma secure_delete = on")

    def rewrite(self) -> bool:
        # The copy would else lie in the system's folder for temporary files, perhaps on another disk.
        folder = str(self.path.resolve().parent).replace("'", "''")
        self.run(f"pragma temp_store_directory = '{folder}'")
        self.run("vacuum")
        return self.empty_log()

    def empty_log(self) -> bool:
        row = self.one("pragma wal_checkpoint(truncate)")
        return row is not None and row[0] == 0

    def close(self) -> None:
        self._closed = True
        self.raw.close()


def whole_file(path: Path) -> None:
    """Write back what lies beside a database file, so that the file alone is all of it; it is then left closed.

    Raises `StoreBusy` while any other connection is open, `NotOurs` where it is damaged or none of ours: such a file is
    not even opened, for SQLite would tidy away what lies beside it. Not for a file that this very process has open:
    closing it a second time would take its locks away.
    """
    with path.open("rb") as file:
        head = file.read(HEADER_BYTES)
    if not head.startswith(MAGIC) or int.from_bytes(head[APPLICATION_ID_AT : APPLICATION_ID_AT + 4]) != APPLICATION_ID:
        raise NotOurs(f"{path}: this is no database of Padan, or it is damaged.")
    raw = sqlite3.connect(path, isolation_level=None, timeout=1.0)
    try:
        # Leaving WAL needs the file for oneself: it is refused while anybody else has it open.
        if raw.execute("pragma journal_mode = delete").fetchone()[0] != "delete":
            raise StoreBusy(f"{path}: another program has the database open.")
    except sqlite3.Error as error:
        raise _explained(error, path) from error
    finally:
        raw.close()


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
    if MOVED in text:
        return StoreMoved(f"{path}: {MOVED}; start the server with that one.")
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
