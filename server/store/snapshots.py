"""A copy of the whole database in one SQLite file, as it stood at one moment; and what is read off such a copy.

The file is the same whatever engine the database runs on: SQLite copies itself, from any other engine the tables are
copied row by row. Writers go on meanwhile. Nothing here knows of backups.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from server.store.copying import copy_all
from server.store.database import Connection, Store
from server.store.identity import epoch_ids
from server.store.migrations import open_store
from server.store.sqlite import SqliteConnection

Progress = Callable[[int, int], None]
"""`(bytes done, bytes expected)`; the second is an estimate."""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of one region's log: number of the epoch, position, chain in hex."""

    epoch: int
    position: int
    chain: str


@dataclass(frozen=True, slots=True)
class Extent:
    """How far each log goes: by epoch id and region, and the head of each region's chain."""

    positions: dict[str, dict[str, int]]
    heads: dict[str, Head]
    events: int
    gapless: bool


def write_snapshot(db: Connection, path: Path, progress: Progress = lambda done, expected: None) -> None:
    """Write the database as it stands now to a new file, readable by its owner only. Raises `StoreError`."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    if isinstance(db, SqliteConnection):
        db.copy_into(path, progress)
        return
    expected = db.bytes_on_disk()
    target = open_store(path)
    try:
        copy_all(db, target.db, lambda _table, _rows: progress(target.db.bytes_on_disk(), expected))
    finally:
        target.close()


def damage(copy: Store) -> list[str]:
    """What is wrong with a snapshot's file; nothing where it is whole. Raises `StoreError` where it is no database."""
    db = copy.db
    return db.damage() if isinstance(db, SqliteConnection) else []


def extent(db: Connection) -> Extent:
    """How far the logs go. `gapless`: every position from 1 to the head of its region is there."""
    names = epoch_ids(db)
    positions: dict[str, dict[str, int]] = {}
    counted: dict[str, int] = {}
    with db.snapshot():
        rows = db.all(
            """select home_region, epoch, max(position) as last, count(*) as rows_there from log
               group by home_region, epoch order by home_region, epoch"""
        )
        heads = {
            row["home_region"]: Head(row["epoch"], row["position"], bytes(row["chain"]).hex())
            for row in db.all("select home_region, epoch, position, chain from log_heads order by home_region")
        }
    for row in rows:
        positions.setdefault(names[row["epoch"]], {})[row["home_region"]] = row["last"]
        counted[row["home_region"]] = counted.get(row["home_region"], 0) + row["rows_there"]
    gapless = counted == {region: head.position for region, head in heads.items() if head.position}
    return Extent(positions, heads, sum(counted.values()), gapless)


def chain_at(db: Connection, region: str, epoch: int, position: int) -> str | None:
    """The chain of one row of the log in hex; None where there is no such row."""
    chain = db.value(
        "select chain from log where home_region = :region and epoch = :epoch and position = :position",
        {"region": region, "epoch": epoch, "position": position},
    )
    return None if chain is None else bytes(chain).hex()


def household_near(db: Connection, start: str) -> tuple[str, str] | None:
    """`(home_region, household id)` of the first household id from `start` on, going round at the end."""
    for place in (start, ""):
        row = db.one(
            """select home_region, household_id from known_households where household_id >= :start
               order by household_id limit 1""",
            {"start": place},
        )
        if row is not None:
            return row["home_region"], row["household_id"]
    return None
