"""The one numbered, forward-only list of changes to the database, and the opening of a database at this version.

A migration is never edited after a release; a change is a new one at the end, tested on a database of the release
before. On SQLite sqlite-utils keeps the list of what was applied, on PostgreSQL a table of ours does; the statements
are the same.
"""

from __future__ import annotations

import os
import secrets
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlite_utils import Database as UtilsDatabase
from sqlite_utils import Migrations

from server.address import is_postgres, shown
from server.clock import SystemClock, rfc3339_s
from server.store import schema_0001, schema_0002, schema_0003, schema_0004, schema_0005, schema_0007
from server.store.database import Connection, NewerDatabase, NotMigrated, NotOurs, Store
from server.store.sqlite import APPLICATION_ID, SqliteConnection

STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("0001_first", schema_0001.STATEMENTS),
    ("0002_blobs", schema_0002.STATEMENTS),
    ("0003_backups", schema_0003.STATEMENTS),
    ("0004_erasures", schema_0004.STATEMENTS),
    ("0005_forms", schema_0005.STATEMENTS),
    ("0007_tablets", schema_0007.STATEMENTS),
)
"""`(name, statements)`, oldest first."""

_POSTGRES_LIST = "_padan_migrations"


def known_names() -> list[str]:
    """The migrations this program knows, oldest first."""
    return [name for name, _ in STEPS]


def applied_names(store: Store) -> list[str]:
    """The migrations a database has been through, oldest first. Raises `NewerDatabase` as `pending` does."""
    lacking = pending(store)
    return [name for name in known_names() if name not in lacking]


def pending(store: Store) -> list[str]:
    """Migrations the database still lacks. Raises `NewerDatabase` when it has some that this program does not know."""
    applied = _applied(store.db)
    unknown = [name for name in applied if name not in known_names()]
    if unknown:
        raise NewerDatabase(
            f"{store}: written by a newer version of Padan (it has {unknown[-1]!r}; this version knows up to "
            f"{known_names()[-1]!r}). Install that version; this one leaves the database as it is."
        )
    return [name for name in known_names() if name not in applied]


def migrate(store: Store) -> list[str]:
    """Bring the database to this version in one transaction; the names applied. A new one gets its identity."""
    if not pending(store):
        return []
    db = store.db
    with db.transaction():
        # Asked again under the lock: another process may have been faster.
        names = pending(store)
        _apply(db, names)
        _give_identity(db)
    return names


def open_store(
    address: str | os.PathLike[str], *, create: bool = True, upgrade: bool = True, auto_checkpoint: bool = True
) -> Store:
    """Open the database, creating and migrating it when asked to. A PostgreSQL database must be there, empty at first.

    Raises `NotMigrated` for an older one with `upgrade=False`, `NewerDatabase` for a newer one, `FileNotFoundError`
    where there is none and `create` is False.
    """
    name = os.fspath(address)
    if not is_postgres(name) and not Path(name).exists():
        if not create:
            raise FileNotFoundError(f"{name}: there is no database here; run `padan migrate` to make one")
        # Keys and token hashes live in it: nobody else on the machine may read it.
        os.close(os.open(name, os.O_CREAT | os.O_WRONLY, 0o600))
    store = Store(name, auto_checkpoint=auto_checkpoint)
    names = pending(store)
    if names and not upgrade:
        raise NotMigrated(f"{shown(name)}: lacks {', '.join(names)}; run `padan migrate`")
    migrate(store)
    return store


def _applied(db: Connection) -> list[str]:
    if isinstance(db, SqliteConnection):
        return [each.name for each in _migrations().applied(db.utils)]
    if db.value("select to_regclass(:name) is null", {"name": _POSTGRES_LIST}):
        if db.tables():
            raise NotOurs("This PostgreSQL database has tables of another program; give Padan an empty one of its own.")
        return []
    return [row[0] for row in db.all(f"select name from {_POSTGRES_LIST} order by name")]


def _apply(db: Connection, names: Sequence[str]) -> None:
    if isinstance(db, SqliteConnection):
        _migrations().apply(db.utils)
        db.run(f"pragma application_id = {APPLICATION_ID}")
        return
    db.define([f"create table if not exists {_POSTGRES_LIST} (name text primary key, applied_at text not null)"])
    for name, statements in STEPS:
        if name in names:
            db.define(statements)
            db.run(
                f"insert into {_POSTGRES_LIST} (name, applied_at) values (:name, :now)",
                {"name": name, "now": rfc3339_s(SystemClock().now_ms())},
            )


def _migrations() -> Migrations:
    found = Migrations("padan")
    for name, statements in STEPS:
        found(name=name)(_step(statements))
    return found


def _step(statements: Sequence[str]) -> Callable[[UtilsDatabase], None]:
    def apply(db: UtilsDatabase) -> None:
        for statement in statements:
            db.conn.execute(statement)

    return apply


def _give_identity(db: Connection) -> None:
    if db.value("select value from meta where name = 'server_id'") is not None:
        return
    db.run("insert into meta (name, value) values ('server_id', :id)", {"id": str(uuid.uuid4())})
    db.run(
        "insert into epochs (epoch, id, began_ms, reason) values (1, :id, :now, 'new')",
        {"id": secrets.token_hex(8), "now": SystemClock().now_ms()},
    )
