"""Alive, ready, and what is measured. Outside /v1 and without a token: nothing here tells about a person."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from flask import Blueprint, Response, current_app
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from schemas.problems import ProblemError
from server.api.measured import EXTENSION as MEASURES
from server.api.measured import Measures
from server.api.services import services
from server.store import blobs, cases, events, fold_queue, forms, households, unreadable, uploads
from server.store.database import StoreError

blueprint = Blueprint("health", __name__)

FREE_BYTES_MIN = 256 * 1024**2
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
    mine = services()
    checks = {"database": False, "forms": False, "disk": False, "photos": False}
    try:
        checks["database"] = mine.db.value("select 1") == 1
        checks["forms"] = bool(forms.published_forms(mine.db))
    except StoreError:
        checks["database"] = False
    checks["photos"] = mine.blobs.writable()
    checks["disk"] = _free_bytes(mine.settings.home) > FREE_BYTES_MIN
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


def _gauge(registry: CollectorRegistry, name: str, about: str, value: int) -> None:
    Gauge(name, about, registry=registry).set(value)


def _free_bytes(folder: Path) -> int:
    """Free bytes where the folder lies; 0 where it can't be asked."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0
