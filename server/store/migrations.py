"""The one numbered, forward-only list of changes to the database, and the opening of a database at this version.

A migration is never edited after a release; a change is a new one at the end, tested on a file of the release before.
"""

from __future__ import annotations

import os
import secrets
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlite_utils import Database as UtilsDatabase
from sqlite_utils import Migrations

from server.clock import SystemClock
from server.store import schema_0001, schema_0007
from server.store.database import APPLICATION_ID, NewerDatabase, NotMigrated, Store

STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("0001_first", schema_0001.STATEMENTS),
    ("0007_tablets", schema_0007.STATEMENTS),
)
"""`(name, statements)`, oldest first."""


def known_names() -> list[str]:
    """The migrations this program knows, oldest first."""
    return [name for name, _ in STEPS]


def pending(store: Store) -> list[str]:
    """Migrations the file still lacks. Raises `NewerDatabase` when it has some that this program does not know."""
    applied = [each.name for each in _migrations().applied(store.db.utils)]
    unknown = [name for name in applied if name not in known_names()]
    if unknown:
        raise NewerDatabase(
            f"{store.path}: written by a newer version of Padan (it has {unknown[-1]!r}; this version knows up to "
            f"{known_names()[-1]!r}). Install that version; this one leaves the file as it is."
        )
    return [name for name in known_names() if name not in applied]


def migrate(store: Store) -> list[str]:
    """Bring the file to this version in one transaction; the names applied. A new file gets its identity."""
    names = pending(store)
    if not names:
        return []
    db = store.db
    with db.transaction():
        _migrations().apply(db.utils)
        db.raw.execute(f"pragma application_id = {APPLICATION_ID}")
        _give_identity(store)
    return names


def open_store(
    path: str | os.PathLike[str], *, create: bool = True, upgrade: bool = True, auto_checkpoint: bool = True
) -> Store:
    """Open the database, creating and migrating it when asked to.

    Raises `NotMigrated` for an older file with `upgrade=False`, `NewerDatabase` for a newer one, `FileNotFoundError`
    where there is none and `create` is False.
    """
    if not create and not Path(path).exists():
        raise FileNotFoundError(f"{os.fspath(path)}: there is no database here; run `padan migrate` to make one")
    if create and not Path(path).exists():
        # Keys and token hashes live in it: nobody else on the machine may read it.
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    store = Store(path, auto_checkpoint=auto_checkpoint)
    names = pending(store)
    if names and not upgrade:
        raise NotMigrated(f"{store.path}: lacks {', '.join(names)}; run `padan migrate`")
    migrate(store)
    return store


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


def _give_identity(store: Store) -> None:
    db = store.db
    if db.value("select value from meta where name = 'server_id'") is not None:
        return
    db.run("insert into meta (name, value) values ('server_id', :id)", {"id": str(uuid.uuid4())})
    db.run(
        "insert into epochs (epoch, id, began_ms, reason) values (1, :id, :now, 'new')",
        {"id": secrets.token_hex(8), "now": SystemClock().now_ms()},
    )
