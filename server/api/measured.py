"""What is counted and written down about each request: route, status, time, sizes. Never what was asked or answered."""

from __future__ import annotations

import secrets
from typing import Any

import structlog
from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram

from server.clock import Clock

EXTENSION = "padan-measures"
ROUTE_NONE = "none"
BUCKETS_S = (0.005, 0.02, 0.05, 0.1, 0.3, 1.0, 3.0, 10.0)
QUIET_ROUTES = frozenset({"/healthz", "/readyz", "/metrics"})
_log = structlog.get_logger("padan.api")


class Measures:
    """Counters of one process; a registry of its own, so that several apps in one process do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "padan_requests", "Requests answered.", ["route", "method", "status"], registry=self.registry
        )
        self.duration = Histogram(
            "padan_request_seconds", "Time to the answer.", ["route"], registry=self.registry, buckets=BUCKETS_S
        )
        self.items = Counter("padan_push_items", "Items of pushes and deposits.", ["status"], registry=self.registry)
        self.refused = Counter("padan_problems", "Requests answered with a problem.", ["code"], registry=self.registry)


def measure(app: Flask, clock: Clock) -> Measures:
    """Count and log every request of the app."""
    measures = Measures()
    app.extensions[EXTENSION] = measures

    def begin() -> None:
        g.began_ms = clock.monotonic_ms()
        g.request_id = secrets.token_hex(6)

    def end(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule is not None else ROUTE_NONE
        took_ms = clock.monotonic_ms() - g.get("began_ms", clock.monotonic_ms())
        measures.requests.labels(route, _method(), response.status_code).inc()
        measures.duration.labels(route).observe(took_ms / 1000)
        response.headers["X-Request-Id"] = g.get("request_id", "")
        if route not in QUIET_ROUTES:
            _log.info(
                "request",
                request_id=g.get("request_id", ""),
                method=_method(),
                route=route,
                status=response.status_code,
                duration_ms=took_ms,
                bytes_in=request.content_length or 0,
                code=g.get("problem_code"),
            )
        return response

    app.before_request(begin)
    app.after_request(end)
    return measures


def count_items(app: Flask, statuses: list[str]) -> None:
    """Count what became of the items of a push."""
    measures: Measures = app.extensions[EXTENSION]
    for status in statuses:
        measures.items.labels(status).inc()


def note_problem(app: Flask, code: str) -> None:
    """Count a problem and let the line of the log name it."""
    g.problem_code = code
    measures: Any = app.extensions.get(EXTENSION)
    if measures is not None:
        measures.refused.labels(code).inc()


def _method() -> str:
    # A method is whatever the client wrote: only known ones become a label.
    known = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
    return request.method if request.method in known else "other"
