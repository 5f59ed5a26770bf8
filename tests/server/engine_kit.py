"""What a test does to a database that each engine does in its own way: fill its disk, copy it, read all of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import postgres

from server.store.copying import copy_all, tables
from server.store.database import POSTGRES, Connection, Store
from server.store.migrations import open_store

only_sqlite = {"argnames": "engine", "argvalues": ["sqlite"], "indirect": True}
"""`@pytest.mark.parametrize(**only_sqlite)`: a test of what only SQLite has (its plans, its file)."""

_FULL = """create function padan_test_full() returns trigger language plpgsql as $$
  begin
    if (select count(*) from log) >= {most} then raise exception 'no space left' using errcode = '53100'; end if;
    return new;
  end $$"""


@contextmanager
def nearly_full(db: Connection, pages: int) -> Iterator[None]:
    """Let the disk be full after some more pages (a few rows of the log on PostgreSQL, which has no such limit)."""
    if db.engine == POSTGRES:
        most = int(db.value("select count(*) from log")) + pages
        db.run(_FULL.format(most=most))
        db.run("create trigger padan_test_full before insert on log for each row execute function padan_test_full()")
    else:
        db.value(f"pragma max_page_count = {db.value('pragma page_count') + pages}")
    try:
        yield
    finally:
        if db.engine == POSTGRES:
            db.run("drop trigger padan_test_full on log")
            db.run("drop function padan_test_full()")
        else:
            db.value("pragma max_page_count = 1073741823")


@contextmanager
def copied(store: Store, folder: Path) -> Iterator[Store]:
    """A copy of a database as it stands, on the same engine."""
    if store.engine == POSTGRES:
        with postgres.database() as address:
            copy = open_store(address)
            copy_all(store.db, copy.db)
            yield copy
            copy.close()
        return
    path = folder / f"copy-{len(list(folder.glob('copy-*')))}.db"
    target = sqlite3.connect(path)
    store.db.raw.backup(target)  # type: ignore[attr-defined]
    target.close()
    copy = open_store(path)
    yield copy
    copy.close()


def everything(db: Connection) -> str:
    """Every value of every row of every table, as text; of bytes what can be read of them."""
    lines = []
    for table in tables():
        for row in db.all(f"select * from {table}"):
            lines.append(" ".join(v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in row))
    return "\n".join(lines)
