"""Every error of the API as `application/problem+json` with a code of the catalogue; nothing else leaves /v1."""

from __future__ import annotations

import json
import secrets
from typing import Any

import structlog
from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from schemas.problems import CATALOGUE, MEDIA_TYPE, ProblemError, problem_json
from server.api.measured import note_problem
from server.api.services import services
from server.store.database import StoreBusy, StoreError, StoreFull

_log = structlog.get_logger("padan.api")

BY_STATUS = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "body_too_large",
    415: "unsupported_media_type",
    422: "invalid",
    429: "quota",
    503: "busy",
}
STORE_RETRY_AFTER_S = 30


def spread(seconds: int) -> int:
    """Somewhere between `seconds` and twice that: tablets told to come back must not all come back at once."""
    return seconds + secrets.randbelow(seconds + 1)


def problem_response(error: ProblemError, headers: dict[str, str] | None = None) -> Response:
    """The answer for a problem."""
    note_problem(current_app, error.code)
    response = Response(
        json.dumps(error.to_json(), ensure_ascii=False), status=error.problem.status or 400, mimetype=MEDIA_TYPE
    )
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    if error.problem.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    response.headers.extend(headers or {})
    return response


def register_errors(app: Flask) -> None:
    """Answer every exception of the app."""
    app.register_error_handler(ProblemError, problem_response)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(StoreError, _store)
    app.register_error_handler(Exception, _unforeseen)


def _http(error: HTTPException) -> Response:
    code = BY_STATUS.get(error.code or 500, "bad_request" if (error.code or 500) < 500 else "internal")
    problem = CATALOGUE[code]
    body = problem_json(problem, str(error.description or "")[:300]) | {"status": error.code or problem.status}
    note_problem(current_app, code)
    response = Response(json.dumps(body, ensure_ascii=False), status=error.code or problem.status, mimetype=MEDIA_TYPE)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def _store(error: StoreError) -> Response:
    if isinstance(error, StoreFull):
        services().readiness.note_full()
    code = "disk_full" if isinstance(error, StoreFull) else "busy" if isinstance(error, StoreBusy) else "internal"
    _log.error("store_failed", error=type(error).__name__)
    if code == "internal":
        return _incident(error)
    return problem_response(ProblemError(code, retry_after=spread(STORE_RETRY_AFTER_S)))


def _unforeseen(error: Exception) -> Response:
    return _incident(error)


def _incident(error: Exception) -> Response:
    incident = g.get("request_id") or secrets.token_hex(6)
    _log.error("request_failed", request_id=incident, route=_route(), exc_info=error)
    return problem_response(ProblemError("internal", incident=incident))


def _route() -> Any:
    return request.url_rule.rule if request.url_rule is not None else ""
