"""Alive, ready, and what is measured. Outside /v1 and without a token: nothing here tells about a person."""

from __future__ import annotations

import json
import math

from flask import Blueprint, Response, current_app
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from schemas.problems import ProblemError
from server.api.measured import EXTENSION as MEASURES
from server.api.measured import Measures
from server.api.services import services
from server.store import backups, blobs, cases, events, fold_queue, households, unreadable, uploads

blueprint = Blueprint("health", __name__)

NOT_READY_RETRY_AFTER_S = 30
_BLOB_AGES = {
    blobs.MISSING: "padan_blob_missing_age_seconds",
    blobs.WAITING: "padan_blob_waiting_age_seconds",
}


@blueprint.get("/healthz")
def healthz() -> Response:
    """The process answers."""
    return Response('{"status":"ok"}', mimetype="application/json")


@blueprint.get("/readyz")
def readyz() -> Response:
    """Each subsystem by itself; 503 where one is not ready."""
    checks = services().readiness.checks()
    ready = all(checks.values())
    if not ready:
        raise ProblemError("not_ready", retry_after=NOT_READY_RETRY_AFTER_S, checks=checks)
    return Response(json.dumps({"status": "ok", "checks": checks}), mimetype="application/json")


@blueprint.get("/metrics")
def metrics() -> Response:
    """Prometheus text. Gauges are read from the store when asked: every process shows the same."""
    mine = services()
    registry = CollectorRegistry()
    _gauge(registry, "padan_log_events", "Rows of the log.", events.count(mine.db))
    _gauge(registry, "padan_households", "Merged households.", households.count(mine.db))
    _gauge(registry, "padan_fold_queue", "Households waiting to be folded.", fold_queue.length(mine.db))
    oldest = fold_queue.oldest_ms(mine.db)
    age_s = 0 if oldest is None else max(0, mine.clock.now_ms() - oldest) // 1000
    _gauge(registry, "padan_fold_queue_age_seconds", "Age of the oldest of them.", age_s)
    _gauge(registry, "padan_fold_failures", "Households that could not be folded.", len(fold_queue.failures(mine.db)))
    _gauge(registry, "padan_unreadable_items", "Items kept as bytes.", unreadable.count(mine.db))
    newest = backups.newest_good(mine.db)
    backup_age_s = math.inf if newest is None else max(0, mine.clock.now_ms() - newest.created_ms) // 1000
    _gauge(registry, "padan_backup_age_seconds", "Age of the newest good backup.", backup_age_s)
    good = len(backups.all_backups(mine.db, states=(backups.GOOD,)))
    _gauge(registry, "padan_backups_good", "Verified backups that are still whole.", good)
    bad = len(backups.all_backups(mine.db, states=(backups.MISSING, backups.DAMAGED)))
    _gauge(registry, "padan_backups_bad", "Backups that are missing or damaged.", bad)
    by_state = Gauge("padan_households_by_state", "Merged households by state.", ["state"], registry=registry)
    for state, count in households.counts_by_state(mine.db).items():
        by_state.labels(state).set(count)
    by_kind = Gauge("padan_open_cases", "Open cases by kind.", ["kind"], registry=registry)
    for kind, count in cases.counts(mine.db).items():
        by_kind.labels(kind).set(count)
    by_stage = Gauge("padan_blobs", "Photos and files by state.", ["state"], registry=registry)
    for state, count in blobs.counts(mine.db).items():
        by_stage.labels(state).set(count)
    for state in (blobs.MISSING, blobs.WAITING):
        since = blobs.oldest_ms(mine.db, state)
        age_s = 0 if since is None else max(0, mine.clock.now_ms() - since) // 1000
        _gauge(registry, _BLOB_AGES[state], f"Age of the oldest file that is {state}.", age_s)
    unfinished = uploads.unfinished_bytes(mine.db)
    _gauge(registry, "padan_blob_unfinished_bytes", "Bytes of uploads that were begun and not finished.", unfinished)
    measures: Measures = current_app.extensions[MEASURES]
    text = generate_latest(registry) + generate_latest(measures.registry)
    return Response(text, content_type=CONTENT_TYPE_LATEST)


def _gauge(registry: CollectorRegistry, name: str, about: str, value: float) -> None:
    Gauge(name, about, registry=registry).set(value)
