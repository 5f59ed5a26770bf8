"""What a restored server keeps of its restore: from which set it came, and which lost positions were handed back.

A position stands for one row of a log that is gone. Who hands an event back says where it had stood (its old receipt);
that is believed for the report of what is still missing, and for nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from server.store.database import Connection
from server.store.identity import current_epoch


@dataclass(frozen=True, slots=True)
class Restore:
    """One restore. `positions`: where the log of each region ended in the set; `epoch` began with the restore."""

    epoch: str
    set_name: str
    from_epoch: str
    positions: Mapping[str, int]
    created_ms: int
    restored_ms: int


@dataclass(frozen=True, slots=True)
class Claim:
    """An event stood at this position of a region's log, in an epoch before this one."""

    home_region: str
    epoch: str
    position: int
    ref: str


def note_restore(db: Connection, restore: Restore) -> None:
    """Keep what a restore came from."""
    db.run(
        """insert into restores (epoch, set_name, from_epoch, positions, created_ms, restored_ms)
           values (:epoch, :name, :from_epoch, :positions, :created, :restored)""",
        {
            "epoch": restore.epoch,
            "name": restore.set_name,
            "from_epoch": restore.from_epoch,
            "positions": json.dumps(dict(restore.positions), sort_keys=True),
            "created": restore.created_ms,
            "restored": restore.restored_ms,
        },
    )


def all_restores(db: Connection) -> list[Restore]:
    """Every restore this database has been through, oldest first."""
    rows = db.all("select * from restores order by restored_ms, epoch")
    return [
        Restore(
            row["epoch"],
            row["set_name"],
            row["from_epoch"],
            json.loads(row["positions"]),
            row["created_ms"],
            row["restored_ms"],
        )
        for row in rows
    ]


def note_claims(db: Connection, claims: Iterable[Claim], now_ms: int) -> None:
    """Keep where events stood that were handed back; receipts of the present epoch say nothing new."""
    _, present = current_epoch(db)
    rows = [
        {"region": c.home_region, "epoch": c.epoch, "position": c.position, "ref": c.ref, "now": now_ms}
        for c in claims
        if c.epoch != present
    ]
    if rows:
        db.many(
            """insert into returned_positions (home_region, epoch, position, ref, told_ms)
               values (:region, :epoch, :position, :ref, :now)
               on conflict (home_region, epoch, position, ref) do nothing""",
            rows,
        )


def claimed(db: Connection) -> list[Claim]:
    """Where everything stood that was handed back, in order of the places."""
    rows = db.all(
        """select home_region, epoch, position, ref from returned_positions
           order by epoch, home_region, position, ref"""
    )
    return [Claim(row["home_region"], row["epoch"], row["position"], row["ref"]) for row in rows]


def last_positions(db: Connection, epoch: str) -> dict[str, int]:
    """Home region -> last position of one epoch in this log."""
    rows = db.all(
        """select l.home_region, max(l.position) as last from log l
           where l.epoch = (select e.epoch from epochs e where e.id = :epoch)
           group by l.home_region""",
        {"epoch": epoch},
    )
    return {row["home_region"]: row["last"] for row in rows}
