"""Looking after backups that were made: are they still there and still what they were; is a new one due?

What is missing or changed stops counting at once: `durable` in `hello` falls back to the newest set that is still good.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import structlog

from server.backups import ledger
from server.backups.age_files import BackupKey
from server.backups.folder import BackupFolder
from server.backups.manifest import Manifest
from server.backups.plan import Plan
from server.backups.problem import SetDamaged
from server.flows.backup_verify import blobs_not_there, check_bytes
from server.store import backups, identity, leases
from server.store.backups import DAMAGED, GOOD, MISSING, Backup
from server.store.database import Connection

HASH_EVERY_MS = 7 * 24 * 3_600_000
BLOBS_EVERY_MS = 20 * 3_600_000
RETRY_MS = 55 * 60_000
"""After a failure it is tried again about once an hour."""

AHEAD_MS = 2 * 3_600_000
"""A backup from further in the future than this was made while the clock was wrong."""

JOB = "backup"
_log = structlog.get_logger("padan.backup")


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look found: sets by state, which changed, how many were read whole, photos that are not there."""

    good: int
    missing: int
    damaged: int
    changed: tuple[str, ...]
    hashed: int
    blobs_spoiled: int


def durable(db: Connection) -> dict[str, Any] | None:
    """What tablets are told: how far the newest backup goes that is still good; None where there is none.

    `{"epoch", "positions": {region: position}, "earlier": {epoch: {region: position}}}`: a receipt of one of the epochs
    named, at or below the position of its region, is of an event that this backup can bring back.
    """
    newest = backups.newest_good(db)
    if newest is None:
        return None
    earlier = {epoch: dict(found) for epoch, found in newest.positions.items() if epoch != newest.epoch}
    told: dict[str, Any] = {"epoch": newest.epoch, "positions": dict(newest.positions.get(newest.epoch, {}))}
    return told | ({"earlier": earlier} if earlier else {})


def is_due(db: Connection, plan: Plan, now_ms: int) -> bool:
    """Whether the backup of the last hour named in the plan is still to be made, and not one that just failed."""
    newest = backups.newest_good(db)
    if newest is not None and plan.slot_ms(now_ms) <= newest.created_ms <= now_ms + AHEAD_MS:
        return False
    last = next((row for row in leases.job_runs(db) if row["job"] == JOB), None)
    failed = last is not None and last["outcome"] == "failed" and last["finished_ms"] is not None
    return not (failed and last is not None and 0 <= now_ms - last["finished_ms"] < RETRY_MS)


def look(db: Connection, plan: Plan, now_ms: int, *, hash_all: bool = False) -> Looked:
    """Look at every set on record: is it there, in its size; one a call (or all) is read byte by byte, each weekly.

    The copy of the erasure ledger in the folder is brought up to date as well: it may not be older than an hour.
    """
    place = plan.place
    reachable = place.reachable() and place.owner() == identity.server_id(db)
    changed: list[str] = []
    hashed = 0
    counts = {GOOD: 0, MISSING: 0, DAMAGED: 0}
    rows = backups.all_backups(db)
    oldest = min((row for row in rows if row.state == GOOD), key=lambda row: row.hashed_ms, default=None)
    for row in rows:
        state, problem = row.state, row.problem
        if row.state != DAMAGED:
            state, problem = _state(place, row) if reachable else (MISSING, f"{place.path}: folder tidak terjangkau")
        due = row is oldest and now_ms - row.hashed_ms >= HASH_EVERY_MS
        if state == GOOD and (due or hash_all or row.state == MISSING):
            state, problem = _bytes(place, row)
            if state == GOOD:
                backups.note_hashed(db, row.set_name, now_ms)
                hashed += 1
        if backups.set_state(db, row.set_name, state, problem, now_ms):
            changed.append(row.set_name)
            _log.warning("backup_state_changed", reason=state, rows=row.number)
        counts[state] += 1
    spoiled = 0
    if reachable:
        spoiled = _look_at_blobs(db, place, now_ms, hash_all)
        keys = [BackupKey(key.recipient, key.identity) for key in backups.keys(db)]
        if keys:
            ledger.copy_out(place, keys, plan.home)
    return Looked(counts[GOOD], counts[MISSING], counts[DAMAGED], tuple(changed), hashed, spoiled)


def _state(place: BackupFolder, row: Backup) -> tuple[str, str]:
    """By names and sizes only."""
    try:
        path = place.set_path(row.set_name)
        if not path.is_dir():
            return MISSING, f"{path}: tidak ada"
        for file in _manifest(place, row).files.values():
            size = (path / file.name).stat().st_size
            if size != file.bytes:
                return DAMAGED, f"{path / file.name}: {size} byte ada, {file.bytes} seharusnya"
    except SetDamaged as error:
        return DAMAGED, str(error)
    except FileNotFoundError as error:
        return DAMAGED, f"{error.filename}: tidak ada"
    except OSError as error:
        return MISSING, f"{error.filename}: tidak terbaca ({error.strerror})"
    return GOOD, ""


def _bytes(place: BackupFolder, row: Backup) -> tuple[str, str]:
    """By every byte."""
    try:
        for file in _manifest(place, row).files.values():
            check_bytes(place.set_path(row.set_name) / file.name, file)
    except SetDamaged as error:
        return DAMAGED, str(error)
    return GOOD, ""


def _manifest(place: BackupFolder, row: Backup) -> Manifest:
    found = place.manifest(row.set_name)
    if found.sha256 != row.manifest_sha256:
        raise SetDamaged(f"{place.set_path(row.set_name)}: manifest bukan yang dicatat saat diperiksa.")
    return found.manifest


def _look_at_blobs(db: Connection, place: BackupFolder, now_ms: int, now: bool) -> int:
    """Once a day: photos that are not there in their size do not count, and the next backup writes them again."""
    oldest_ms = backups.blobs_checked_ms(db)
    if oldest_ms is None or (now_ms - oldest_ms < BLOBS_EVERY_MS and not now):
        return 0
    gone = blobs_not_there(place, backups.good_blobs(db))
    with db.transaction():
        backups.blobs_spoiled(db, gone, now_ms)
        backups.note_blobs_checked(db, now_ms)
    if gone:
        _log.warning("backup_lacks_photos", rows=len(gone))
    return len(gone)
