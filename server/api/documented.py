"""How an endpoint is described in the OpenAPI file: who may call it, its body, its answer, its problems."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

from flask import request
from flask_smorest import Blueprint
from marshmallow import Schema

from schemas.problems import MEDIA_TYPE, ProblemError
from server.api.shapes import ProblemShape

JSON, NDJSON, XML = "application/json", "application/x-ndjson", "application/xml"
AREA_PATTERN = r"^[0-9]{2}(\.[0-9]{2}(\.[0-9]{2}(\.[0-9]{4})?)?)?$"
BEARER: list[dict[str, list[str]]] = [{"bearer": []}]

BINARY = {"type": "string", "format": "binary"}

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Bytes:
    """A body that is no JSON."""

    media_type: str


@dataclass(frozen=True, slots=True)
class Headers:
    """An answer without a body: 204, and name -> `(what it says, schema)` of its headers."""

    named: Mapping[str, tuple[str, dict[str, Any]]]


def endpoint(
    blueprint: Blueprint,
    method: str,
    path: str,
    *,
    answer: type[Schema] | Bytes | Headers,
    or_lines: bool = False,
    body: type[Schema] | Bytes | None = None,
    query: Sequence[dict[str, Any]] = (),
    parameters: Sequence[dict[str, Any]] = (),
    problems: Sequence[int] = (),
    open_to_all: bool = False,
) -> Callable[[View], View]:
    """Route an endpoint and describe it. A query parameter that is not described is refused; the rest is checked by the
    endpoint, and its answer is left as it is. `parameters`: those of the path and of headers."""
    doc: dict[str, Any] = {"security": [] if open_to_all else BEARER}
    if isinstance(body, Bytes):
        doc["requestBody"] = {"required": True, "content": {body.media_type: {"schema": BINARY}}}
    elif body is not None:
        doc["requestBody"] = {"required": True, "content": {JSON: {"schema": body}}}
    if or_lines and isinstance(answer, type):
        listed = {"$ref": f"#/components/schemas/{answer.__name__.removesuffix('Schema')}"}
        content = {JSON: {"schema": listed}, NDJSON: {"schema": {"type": "string"}}}
        doc["responses"] = {"200": {"description": "OK", "content": content}}
    if query or parameters:
        doc["parameters"] = [*query, *parameters]
    known = frozenset(each["name"] for each in query)
    statuses = {
        *problems,
        422,
        *(() if open_to_all else (401, 403)),
        *((400, 413, 415, 422) if body is not None else ()),
    }

    def decorate(view: View) -> View:
        @wraps(view)
        def strict(*args: Any, **kwargs: Any) -> Any:
            _known_parameters(known)
            return view(*args, **kwargs)

        routed: View = blueprint.doc(**doc)(strict)
        routed = _answered(blueprint, answer)(routed)
        for status in sorted({*statuses, 503}):
            routed = blueprint.alt_response(status, schema=ProblemShape, content_type=MEDIA_TYPE)(routed)
        routed = blueprint.route(path, methods=[method])(routed)
        return routed

    return decorate


def _answered(blueprint: Blueprint, answer: type[Schema] | Bytes | Headers) -> Callable[[View], View]:
    if isinstance(answer, Headers):
        described = {name: {"description": about, "schema": schema} for name, (about, schema) in answer.named.items()}
        found: Callable[[View], View] = blueprint.response(204, headers=described)
    elif isinstance(answer, Bytes):
        found = blueprint.response(200, BINARY, content_type=answer.media_type)
    else:
        found = blueprint.response(200, answer)
    return found


def _known_parameters(known: frozenset[str]) -> None:
    # A filter with a typing error would otherwise give everything, and look as if it had worked.
    wrong = [name for name in request.args if name not in known or len(request.args.getlist(name)) > 1]
    if wrong:
        errors = [{"where": name[:60], "message": "Unknown, or given twice."} for name in sorted(wrong)[:10]]
        raise ProblemError(
            "invalid", f"Query parameters that may be given, each once: {', '.join(sorted(known))}.", errors=errors
        )


def text_query(name: str, about: str, longest: int = 20_000) -> dict[str, Any]:
    """A query parameter that is text."""
    schema = {"type": "string", "minLength": 1, "maxLength": longest}
    return {"name": name, "in": "query", "required": False, "description": about, "schema": schema}


def code_query(name: str, about: str, pattern: str) -> dict[str, Any]:
    """A query parameter of a fixed form."""
    return {"name": name, "in": "query", "required": False, "description": about, "schema": _pattern(pattern)}


def choice_query(name: str, about: str, choices: Sequence[str]) -> dict[str, Any]:
    """A query parameter that is one of a few words."""
    schema = {"type": "string", "enum": list(choices)}
    return {"name": name, "in": "query", "required": False, "description": about, "schema": schema}


def path_code(name: str, about: str, pattern: str) -> dict[str, Any]:
    """A part of the path that is of a fixed form."""
    return {"name": name, "in": "path", "required": True, "description": about, "schema": _pattern(pattern)}


def header_number(name: str, about: str, most: int, *, required: bool) -> dict[str, Any]:
    """A header that is a whole number."""
    schema = {"type": "integer", "minimum": 0, "maximum": most}
    return {"name": name, "in": "header", "required": required, "description": about, "schema": schema}


def _pattern(pattern: str) -> dict[str, Any]:
    return {"type": "string", "pattern": pattern}


def limit_query(most: int, default: int) -> dict[str, Any]:
    """The query parameter `limit`."""
    schema = {"type": "integer", "minimum": 1, "maximum": most, "default": default}
    return {"name": "limit", "in": "query", "required": False, "description": "Items a page.", "schema": schema}
