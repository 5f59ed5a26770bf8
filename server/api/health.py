"""Alive, ready, and what is measured. Outside /v1 and without a token: nothing here tells about a person."""

from __future__ import annotations

import json

from flask import Blueprint, Response, current_app
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from schemas.problems import ProblemError
from server.api.gauges import Gauges
from server.api.measured import EXTENSION as MEASURES
from server.api.measured import Measures
from server.api.services import services

blueprint = Blueprint("health", __name__)

NOT_READY_RETRY_AFTER_S = 30


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
    measures: Measures = current_app.extensions[MEASURES]
    text = generate_latest(Gauges(services()).read()) + generate_latest(measures.registry)
    return Response(text, content_type=CONTENT_TYPE_LATEST)
