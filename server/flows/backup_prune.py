"""Taking away backups that are not kept any more, and photos that no set needs. The newest verified set always stays.

A set goes from the record first, so that no tablet is told of it, then from the folder. What is damaged or was never
verified stays a while for people to look at. Whoever calls this holds the turn (`backup.at_work`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from server.backups.folder import BackupFolder
from server.backups.plan import Plan
from server.backups.problem import SetDamaged
from server.backups.retention import kept
from server.flows.backup_verify import blob_list
from server.store import backups, identity
from server.store.database import Connection

STRAY_MS = 7 * 24 * 3_600_000
"""How long a set that was never verified, or is damaged, is left in the folder beside newer good ones."""

_log = structlog.get_logger("padan.backup")


@dataclass(frozen=True, slots=True)
class Pruned:
    """Names of the sets that went, and how many photos."""

    sets: tuple[str, ...]
    blobs: int


def prune(db: Connection, plan: Plan, now_ms: int) -> Pruned:
    """Remove what the plan does not keep; nothing at all while the newest verified set is not there."""
    place = plan.place
    newest = backups.newest_good(db)
    if newest is None or newest.set_name not in place.names():
        return Pruned((), 0)
    known = {row.set_name: row for row in backups.all_backups(db)}
    whole: dict[str, int] = {}
    strays: dict[str, int] = {}
    for name in _own_sets(db, place):
        row = known.get(name)
        # Without a row: a set made after the one that this database was restored from.
        good = place.is_marked_verified(name) if row is None else row.state == backups.GOOD
        (whole if good else strays)[name] = made_ms(name) if row is None else row.created_ms
    stays = kept(whole, plan.keep) | {newest.set_name}
    goes = [name for name in whole if name not in stays]
    goes += [name for name, made in strays.items() if made < min(now_ms - STRAY_MS, newest.created_ms)]
    for name in sorted(goes):
        backups.set_state(db, name, backups.PRUNED, "", now_ms)
        place.remove(name)
    oldest = min((whole[name] for name in stays if name in whole), default=newest.created_ms)
    for row in known.values():
        if row.state == backups.MISSING and row.created_ms < oldest:
            backups.set_state(db, row.set_name, backups.PRUNED, row.problem, now_ms)
    pruned = Pruned(tuple(sorted(goes)), _prune_blobs(db, place))
    if goes or pruned.blobs:
        _log.info("backup_pruned", rows=len(goes))
    return pruned


def made_ms(name: str) -> int:
    """When a set was begun, by its name."""
    moment = datetime.strptime(name.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return int(moment.timestamp()) * 1000


def _own_sets(db: Connection, place: BackupFolder) -> list[str]:
    """Sets of this server, and those that can't say whose they are."""
    mine = identity.server_id(db)
    own = []
    for name in place.names():
        try:
            if place.manifest(name).manifest.server_id != mine:
                continue
        except SetDamaged:
            pass
        own.append(name)
    return own


def _prune_blobs(db: Connection, place: BackupFolder) -> int:
    """Remove photos that no set lists; none at all while a list can't be read."""
    needed: set[str] = set()
    for name in place.names():
        try:
            needed.update(blob_list(place, place.manifest(name).manifest))
        except SetDamaged:
            return 0
    goes = [(sha256, path) for sha256, path in place.stored_blobs() if sha256 not in needed]
    backups.forget_blobs(db, [sha256 for sha256, _ in goes])
    for _, path in goes:
        path.unlink()
    return len(goes)
