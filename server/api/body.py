"""The body of a request: bounded as sent and while inflating, so that no body costs more memory than the limits say."""

from __future__ import annotations

import zlib
from typing import Any

from flask import request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from schemas import limits
from schemas.json_text import JsonProblem, RawItem, read_items, read_json
from schemas.problems import ProblemError

GZIP_WINDOW = 16 + zlib.MAX_WBITS
CHUNK_BYTES = 65_536


def json_body(*, most: int = limits.BODY_BYTES_MAX, any_text: bool = False) -> Any:
    """The body, `most` bytes at the most, as a JSON value. Raises `ProblemError`.

    `any_text`: as in `schemas.json_text.read_json`.
    """
    try:
        return read_json(raw_body(most), any_text=any_text)
    except JsonProblem as problem:
        raise ProblemError(problem.code, f"{problem.where}: {problem}") from problem


def item_list(member: str, most: int) -> list[RawItem]:
    """The items of `{"<member>": [...]}`, each with its bytes; one broken item never blocks the others."""
    try:
        items = read_items(raw_body(), member)
    except JsonProblem as problem:
        raise ProblemError(problem.code, f"{problem.where}: {problem}") from problem
    if len(items) > most:
        raise ProblemError("invalid", f"{len(items)} items; the limit of one request is {most}.")
    return items


def raw_body(most: int = limits.BODY_BYTES_MAX) -> bytes:
    """The inflated bytes. Raises `ProblemError` for a wrong type, a body over the limit, broken or truncated gzip."""
    if request.mimetype not in ("application/json", ""):
        raise ProblemError("unsupported_media_type", f"Send application/json, not {request.mimetype[:60]}.")
    encoding = request.headers.get("Content-Encoding", "identity").lower()
    if encoding not in ("identity", "gzip", ""):
        raise ProblemError("unsupported_encoding", "Send it plain or as gzip.")
    sent = _read(limits.BODY_COMPRESSED_BYTES_MAX if encoding == "gzip" else most)
    return inflate(sent, most) if encoding == "gzip" else sent


def inflate(data: bytes, most: int) -> bytes:
    """gzip bytes inflated, `most` bytes at the most. Raises `ProblemError` (bad_gzip, body_too_large)."""
    out, pending = bytearray(), data
    decoder = zlib.decompressobj(GZIP_WINDOW)
    try:
        while pending:
            out += decoder.decompress(pending, most + 1 - len(out))
            if len(out) > most:
                raise ProblemError("body_too_large", f"Inflated it is over {most} bytes.")
            pending = decoder.unconsumed_tail
            if decoder.eof:
                if not decoder.unused_data:
                    break
                pending, decoder = decoder.unused_data, zlib.decompressobj(GZIP_WINDOW)
    except zlib.error as error:
        raise ProblemError("bad_gzip", "The gzip data is damaged.") from error
    if not decoder.eof and data:
        raise ProblemError("bad_gzip", "The gzip data ends too early.")
    return bytes(out)


def _read(most: int) -> bytes:
    if request.content_length is not None and request.content_length > most:
        raise ProblemError("body_too_large", f"{request.content_length} bytes; the limit is {most}.")
    try:
        data = request.stream.read(most + 1)
    except ClientDisconnected as error:
        raise ProblemError("cut_off", "The body ended before its announced length.") from error
    except RequestEntityTooLarge as error:
        raise ProblemError("body_too_large", f"The limit is {most} bytes.") from error
    if len(data) > most:
        raise ProblemError("body_too_large", f"The limit is {most} bytes.")
    if request.content_length is not None and len(data) < request.content_length:
        raise ProblemError("cut_off", f"{len(data)} of {request.content_length} bytes arrived.")
    return data
