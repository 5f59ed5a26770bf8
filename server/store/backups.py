"""Backups that were verified, with the positions each covers, and the keys they are encrypted under.

A row is written only once the written files were read back and found whole. Whether they still are is looked at again
and again; what is missing or damaged stays on record and no longer counts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.store.database import Connection, Row, chunks, marks

GOOD, MISSING, DAMAGED, PRUNED = "good", "missing", "damaged", "pruned"

Positions = Mapping[str, Mapping[str, int]]
"""Epoch id -> home region -> last position of that epoch in the log."""


@dataclass(frozen=True, slots=True)
class Backup:
    """One verified backup. `epoch` is the one it was made in; times in ms."""

    number: int
    set_name: str
    created_ms: int
    epoch: str
    positions: Positions
    manifest_sha256: str
    bytes: int
    state: str
    problem: str
    verified_ms: int
    checked_ms: int
    hashed_ms: int


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A pair of keys in the age format, both as text."""

    recipient: str
    identity: str
    retired: bool


def record(
    db: Connection,
    set_name: str,
    *,
    created_ms: int,
    epoch: str,
    positions: Positions,
    manifest_sha256: str,
    size: int,
    now_ms: int,
) -> None:
    """Note a backup as verified now; one that is known already is good again."""
    db.run(
        """insert into backups (number, set_name, created_ms, epoch, positions, manifest_sha256, bytes, state, problem,
             verified_ms, checked_ms, hashed_ms)
           values ((select coalesce(max(b.number), 0) + 1 from backups b), :name, :created, :epoch, :positions,
             :sha256, :bytes, 'good', '', :now, :now, :now)
           on conflict (set_name) do update set state = 'good', problem = '', bytes = excluded.bytes,
             manifest_sha256 = excluded.manifest_sha256, positions = excluded.positions,
             verified_ms = excluded.verified_ms, checked_ms = excluded.checked_ms, hashed_ms = excluded.hashed_ms""",
        {
            "name": set_name,
            "created": created_ms,
            "epoch": epoch,
            "positions": json.dumps(positions, sort_keys=True),
            "sha256": manifest_sha256,
            "bytes": size,
            "now": now_ms,
        },
    )


def newest_good(db: Connection) -> Backup | None:
    """The newest backup that is still known to be whole."""
    row = db.one("select * from backups where state = 'good' order by number desc limit 1")
    return None if row is None else _backup(row)


def all_backups(db: Connection, *, states: Sequence[str] = (GOOD, MISSING, DAMAGED)) -> list[Backup]:
    """Backups in these states, newest first."""
    listed, params = marks("s", list(states))
    rows = db.all(f"select * from backups where state in ({listed}) order by number desc", params)
    return [_backup(row) for row in rows]


def set_state(db: Connection, set_name: str, state: str, problem: str, now_ms: int) -> bool:
    """Note what a look at the files found; whether that is something new."""
    params = {"name": set_name, "state": state, "problem": problem, "now": now_ms}
    changed = db.run(
        """update backups set state = :state, problem = :problem, checked_ms = :now
           where set_name = :name and (state <> :state or problem <> :problem)""",
        params,
    )
    if not changed:
        db.run("update backups set checked_ms = :now where set_name = :name", params)
    return bool(changed)


def note_hashed(db: Connection, set_name: str, now_ms: int) -> None:
    """Every byte of the set was read and is as it was."""
    db.run("update backups set hashed_ms = :now where set_name = :name", {"name": set_name, "now": now_ms})


def note_blobs(db: Connection, set_name: str, sizes: Mapping[str, int], now_ms: int) -> None:
    """These blobs are in the folder, seen whole, and this verified backup names them. `sizes`: of the encrypted
    files."""
    number = db.value("select number from backups where set_name = :name", {"name": set_name})
    rows = [{"sha256": sha256, "bytes": size, "number": number, "now": now_ms} for sha256, size in sizes.items()]
    for chunk in chunks(rows):
        db.many(
            """insert into backup_blobs (sha256, bytes, number, state, checked_ms)
               values (:sha256, :bytes, :number, 'good', :now)
               on conflict (sha256) do update set bytes = excluded.bytes, state = 'good',
                 checked_ms = excluded.checked_ms,
                 number = case when backup_blobs.state = 'good' then backup_blobs.number else excluded.number end""",
            chunk,
        )


def good_blobs(db: Connection) -> dict[str, int]:
    """SHA-256 -> size of the encrypted file, of every blob that is known to be whole in the folder."""
    rows = db.stream("select sha256, bytes from backup_blobs where state = 'good'")
    return {row["sha256"]: row["bytes"] for row in rows}


def blobs_checked_ms(db: Connection) -> int | None:
    """When the blobs in the folder were last looked at; None where there are none."""
    found = db.value("select min(checked_ms) from backup_blobs where state = 'good'")
    return None if found is None else int(found)


def note_blobs_checked(db: Connection, now_ms: int) -> None:
    """All of them were looked at."""
    db.run("update backup_blobs set checked_ms = :now where state = 'good'", {"now": now_ms})


def blobs_spoiled(db: Connection, sha256s: Sequence[str], now_ms: int) -> None:
    """These are missing or damaged in the folder: they do not count, and the next backup writes them again."""
    db.many(
        "update backup_blobs set state = 'damaged', checked_ms = :now where sha256 = :sha256",
        [{"sha256": sha256, "now": now_ms} for sha256 in sha256s],
    )


def forget_blobs(db: Connection, sha256s: Sequence[str]) -> None:
    """These were removed from the folder: no set needs them."""
    db.many("delete from backup_blobs where sha256 = :sha256", [{"sha256": sha256} for sha256 in sha256s])


def durable_blobs(db: Connection, sha256s: Sequence[str]) -> set[str]:
    """Those of the blobs that the newest good backup can bring back."""
    found: set[str] = set()
    newest = newest_good(db)
    for chunk in chunks(sha256s) if newest is not None else ():
        listed, params = marks("s", chunk)
        rows = db.all(
            f"""select sha256 from backup_blobs where sha256 in ({listed}) and state = 'good' and number <= :newest""",
            {**params, "newest": newest.number if newest is not None else 0},
        )
        found.update(row["sha256"] for row in rows)
    return found


def keys(db: Connection) -> list[StoredKey]:
    """All keys, the one in use first. Old sets need the old ones."""
    rows = db.all(
        """select recipient, identity, retired_ms from backup_keys
           order by case when retired_ms is null then 0 else 1 end, created_ms desc, recipient"""
    )
    return [StoredKey(row["recipient"], row["identity"], row["retired_ms"] is not None) for row in rows]


def add_key(db: Connection, recipient: str, identity: str, now_ms: int) -> None:
    """Take a key into use; those before are kept for what was encrypted under them."""
    with db.transaction():
        db.run("update backup_keys set retired_ms = :now where retired_ms is null", {"now": now_ms})
        db.run(
            """insert into backup_keys (recipient, identity, created_ms) values (:recipient, :identity, :now)
               on conflict (recipient) do update set retired_ms = null""",
            {"recipient": recipient, "identity": identity, "now": now_ms},
        )


def _backup(row: Row) -> Backup:
    values: dict[str, Any] = {name: row[name] for name in row.keys()}  # noqa: SIM118  a Row iterates over its values
    return Backup(**values | {"positions": json.loads(row["positions"])})
