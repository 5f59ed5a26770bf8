"""Folding what waits: households first, then the NIKs they touched.

A cluster is read and folded without the write lock. Its result is written only if nothing came in meanwhile, and
the queue rows go in the same transaction: a crash anywhere leaves it queued, and folding again gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from schemas.form import Dictionary
from server.auth.keys import ServerKeys
from server.flows import dictionary as dictionaries
from server.flows.cluster import Cluster, Pair, Target, fold_cluster, load_cluster, nik_case, still_current
from server.store import cases, events, fold_queue, niks, records
from server.store.database import Connection
from sync.identity import adjudicate

BATCH_HOUSEHOLDS = 32
"""Clusters written in one transaction: one fsync for all, the lock held for a few ms."""

SLICES = 8
"""Of so many slices at the head of a long queue each process takes one."""

BATCH_NIKS = 64
COUNT_MAX = 1_000
"""A round costs the same however many wait."""

RETRY_MS = 60_000
_log = structlog.get_logger("padan.fold")


@dataclass(frozen=True, slots=True)
class Folded:
    """What one round did. `waiting`: households and NIKs that are left, counted up to `COUNT_MAX` each."""

    households: int = 0
    niks: int = 0
    failed: int = 0
    waiting: int = 0


def fold_all(
    db: Connection, keys: ServerKeys, now_ms: int, progress: Callable[[int], None] = lambda households: None
) -> Folded:
    """Fold until nothing waits but what failed. `progress` is told how many households are done."""
    households = niks_done = failed = 0
    while True:
        done = fold_some(db, keys, now_ms)
        households, niks_done, failed = households + done.households, niks_done + done.niks, failed + done.failed
        if not (done.households or done.niks or done.failed):
            return Folded(households, niks_done, failed, done.waiting)
        progress(households)


def fold_beside(db: Connection, keys: ServerKeys, now_ms: int, waiting: int, draw: Callable[[int], int]) -> Folded:
    """One round of a process that may not be the only one: where much waits, each takes a slice of its own by chance.

    Two that take the same do no harm: the second finds it done. `waiting`: as the last round said; `draw(n)`: 0 to n-1.
    What came in is never passed over for what is only folded again, after a form was published.
    """
    head = SLICES * BATCH_HOUSEHOLDS
    fresh = fold_queue.fresh(db, head + 1) if waiting > head else 0
    skip = draw(SLICES) * BATCH_HOUSEHOLDS if waiting > head and not 0 < fresh <= head else 0
    return fold_some(db, keys, now_ms, skip=skip)


def fold_some(db: Connection, keys: ServerKeys, now_ms: int, limit: int = BATCH_HOUSEHOLDS, skip: int = 0) -> Folded:
    """One round: at most `limit` queued households, then the NIKs that wait. Call it again while it did anything."""
    published = dictionaries.published(db)
    dictionary = dictionaries.current(db)
    work: list[tuple[Cluster, dict[Pair, Target]]] = []
    covered: set[Pair] = set()
    failed = 0
    for pair in fold_queue.oldest(db, limit, now_ms, skip):
        if pair in covered:
            continue
        try:
            cluster, targets = _fold(db, pair, dictionary, keys)
        except Exception as error:
            # One household must not stop the others; it stays queued, is tried again and shown by `padan doctor`.
            failed += 1
            fold_queue.failed(db, pair, f"{type(error).__name__}: {error}", now_ms + RETRY_MS)
            _log.error("fold_failed", household_id=pair[1], error=type(error).__name__)
            continue
        covered |= cluster.filed.keys()
        work.append((cluster, targets))
    written = 0
    if work:
        with db.transaction():
            if dictionaries.published(db) == published:
                written = sum(_write(db, cluster, targets, now_ms) for cluster, targets in work)
    settled = settle_niks(db, now_ms)
    waiting = fold_queue.length(db, COUNT_MAX) + niks.count_queued(db, COUNT_MAX)
    return Folded(written, settled, failed, waiting)


def _fold(db: Connection, pair: Pair, dictionary: Dictionary, keys: ServerKeys) -> tuple[Cluster, dict[Pair, Target]]:
    cluster = load_cluster(db, pair)
    return cluster, fold_cluster(cluster, dictionary, keys.nik_digest)


def _write(db: Connection, cluster: Cluster, targets: Mapping[Pair, Target], now_ms: int) -> int:
    if not still_current(db, cluster):
        return 0
    apply_targets(db, cluster, targets, now_ms)
    fold_queue.done(db, [(pair, number) for pair, number in cluster.generations.items() if number is not None])
    return 1


def apply_targets(db: Connection, cluster: Cluster, targets: Mapping[Pair, Target], now_ms: int) -> list[str]:
    """Make the derived tables of a cluster equal to its fold; the household ids that changed."""
    changed: list[str] = []
    for region in cluster.regions:
        here = {household: target for (place, household), target in targets.items() if place == region}
        fresh = [target.record for target in here.values() if target.record is not None]
        changed += records.replace(db, region, fresh, sorted(here))
        for household, target in sorted(here.items()):
            niks.queue(db, niks.replace(db, region, household, target.claims, target.verdicts))
            area = "" if target.record is None else target.record.area
            cases.replace(db, region, household, cases.RECORD, area, target.cases, now_ms)
            cases.follow_area(db, region, household, area)
    return changed


def settle_niks(db: Connection, now_ms: int, limit: int = BATCH_NIKS) -> int:
    """Compute the rows of NIKs that wait; how many. A changed row moves the feed rows of all who claim the NIK."""
    if not niks.queued(db, 1):
        return 0
    with db.transaction():
        digests = niks.queued(db, limit)
        for digest in digests:
            _settle_nik(db, digest, now_ms)
            niks.unqueue(db, digest)
    return len(digests)


def fresh_row(db: Connection, digest: str) -> dict[str, Any] | None:
    """What the index should say of one NIK."""
    claims, verdicts = niks.gather(db, digest)
    case = adjudicate(claims, verdicts)
    return None if case is None else case.to_json()


def _settle_nik(db: Connection, digest: str, now_ms: int) -> None:
    old, new = niks.row_of(db, digest), fresh_row(db, digest)
    if old == new:
        return
    niks.write_row(db, digest, new)
    claimants = niks.households_of(db, digest)
    present = {household for _, household in claimants}
    gone = sorted(set((old or {}).get("households", ())) - present)
    regions = events.regions_of(db, gone)
    everyone = sorted({*claimants, *((regions[household], household) for household in gone if household in regions)})
    before = set((old or {}).get("households", ()))
    for region, household in everyone:
        if _shows(old) != _shows(new) or (household in before) != (household in present):
            records.bump(db, region, household)
            _replace_case(db, region, household, digest, new if household in present else None, now_ms)


def _shows(row: Mapping[str, Any] | None) -> Any:
    """What a household is shown of a NIK's row: of a very common NIK not every newcomer moves all others."""
    if row is None:
        return None
    return nik_case(row) if row["kind"] == "nik_hot" else row


def _replace_case(
    db: Connection, region: str, household: str, digest: str, row: Mapping[str, Any] | None, now_ms: int
) -> None:
    found = {} if row is None or row["settled"] else {digest: nik_case(row)}
    area = records.area_of(db, region, household)
    cases.replace(db, region, household, cases.NIK, area, found, now_ms, only_key=digest)


def drain(db: Connection, keys: ServerKeys, now_ms: int, pairs: Sequence[Pair]) -> None:
    """Fold these households now, whatever else waits; for commands that answer with the record they changed."""
    dictionary = dictionaries.current(db)
    for pair in pairs:
        while fold_queue.generation(db, pair) is not None:
            cluster, targets = _fold(db, pair, dictionary, keys)
            with db.transaction():
                _write(db, cluster, targets, now_ms)
    while settle_niks(db, now_ms):
        pass
