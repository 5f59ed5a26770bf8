"""How an endpoint is described in the OpenAPI file: who may call it, its body, its answer, its problems."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema

from schemas.problems import MEDIA_TYPE
from server.api.shapes import ProblemShape

BEARER = [{"bearer": []}]


def described(
    blueprint: Blueprint,
    *,
    answer: type[Schema],
    body: type[Schema] | None = None,
    query: Sequence[dict[str, Any]] = (),
    problems: Sequence[int] = (),
    open_to_all: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Describe an endpoint; checks nothing (the endpoint does) and leaves its answer as it is."""
    doc: dict[str, Any] = {"security": [] if open_to_all else BEARER}
    if body is not None:
        doc["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    if query:
        doc["parameters"] = list(query)
    statuses = {*problems, *(() if open_to_all else (401, 403)), *((400, 413, 415, 422) if body is not None else ())}

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        described_view = blueprint.doc(**doc)(view)
        described_view = blueprint.response(200, answer)(described_view)
        for status in sorted({*statuses, 503}):
            described_view = blueprint.alt_response(status, schema=ProblemShape, content_type=MEDIA_TYPE)(
                described_view
            )
        return described_view

    return decorate


def text_query(name: str, about: str, longest: int = 20_000) -> dict[str, Any]:
    """A query parameter that is text."""
    schema = {"type": "string", "minLength": 1, "maxLength": longest}
    return {"name": name, "in": "query", "required": False, "description": about, "schema": schema}


def limit_query(most: int, default: int) -> dict[str, Any]:
    """The query parameter `limit`."""
    schema = {"type": "integer", "minimum": 1, "maximum": most, "default": default}
    return {"name": "limit", "in": "query", "required": False, "description": "Items a page.", "schema": schema}
