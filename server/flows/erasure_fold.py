"""Folding households inside the transaction that changed them: an erased person is in no record when it commits."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from server.auth.keys import ServerKeys
from server.flows import dictionary as dictionaries
from server.flows.cluster import Pair, Target, fold_cluster, load_cluster
from server.flows.fold import apply_targets, settle_niks
from server.store import fold_queue, niks
from server.store.database import Connection

_log = structlog.get_logger("padan.fold")


def fold_now(db: Connection, keys: ServerKeys, pairs: Iterable[Pair], now_ms: int) -> None:
    """Fold the clusters of these households and the NIKs they touched, in the caller's transaction.

    A cluster that can't be folded loses its record and stays queued: what stood in it may not stay.
    """
    dictionary = dictionaries.current(db)
    done: set[Pair] = set()
    touched: set[str] = set()
    for pair in pairs:
        if pair in done:
            continue
        fold_queue.put_again(db, [pair], now_ms)
        cluster = load_cluster(db, pair)
        done |= cluster.filed.keys()
        for region, household in cluster.filed:
            touched |= {digest for digest, _ in niks.claims_of(db, region, household)}
        try:
            targets = fold_cluster(cluster, dictionary, keys.nik_digest)
        except Exception as error:
            _log.error("fold_failed", household_id=pair[1], error=type(error).__name__)
            apply_targets(db, cluster, {each: Target(None, {}, {}, {}) for each in cluster.filed}, now_ms)
            continue
        apply_targets(db, cluster, targets, now_ms)
        fold_queue.done(db, [(each, number) for each, number in cluster.generations.items() if number is not None])
    while any(niks.is_queued(db, digest) for digest in touched):
        settle_niks(db, now_ms)
