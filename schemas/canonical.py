"""Canonical JSON and the digests over it. Two programs that agree on a value agree on its bytes.

Rules (docs/protocol.md, "Canonical JSON"): object keys are ASCII and sorted, no white space, UTF-8 without
escapes beyond those JSON demands, integers of at most 53 bits, no floats, no NUL, no lone surrogates. A
JavaScript client gets the same bytes from `JSON.stringify` with sorted keys.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

import orjson

INTEGER_MAX = 2**53 - 1
DEPTH_MAX = 32
_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
_SURROGATE = re.compile("[\ud800-\udfff]")


class NotCanonical(ValueError):
    """The value cannot be written as canonical JSON; the message says where and why."""


def canonical_bytes(value: Any) -> bytes:
    """The canonical UTF-8 bytes of a JSON value. Raises `NotCanonical`."""
    check_canonical(value)
    return canonical_bytes_unchecked(value)


def canonical_bytes_unchecked(value: Any) -> bytes:
    """As `canonical_bytes`, for values that were made or checked by our own code. orjson gives the bytes of the
    standard library's encoder for every such value (tests/schemas/test_canonical.py), five times as fast."""
    return orjson.dumps(value, option=_OPTIONS)


def sha256_hex(data: bytes) -> str:
    """SHA-256 as 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def check_canonical(value: Any) -> None:
    """Raise `NotCanonical` unless the value, at every depth, keeps the rules above."""
    if not _is_canonical(value, 0):
        _find_fault(value, "$", 0)


def _is_canonical(value: Any, depth: int) -> bool:
    """The same rules as `_find_fault` without naming a place: intake asks this of every answer of every event."""
    kind = type(value)
    if kind is str:
        return "\x00" not in value and (value.isascii() or not _SURROGATE.search(value))
    if kind is int:
        return bool(-INTEGER_MAX <= value <= INTEGER_MAX)
    if kind is dict:
        if depth >= DEPTH_MAX:
            return False
        for key, item in value.items():
            if type(key) is not str or not key.isascii() or "\x00" in key or not _is_canonical(item, depth + 1):
                return False
        return True
    if kind is list:
        return depth < DEPTH_MAX and all(_is_canonical(item, depth + 1) for item in value)
    return value is None or kind is bool


def _find_fault(value: Any, where: str, depth: int) -> None:
    if depth > DEPTH_MAX:
        raise NotCanonical(f"{where}: nested deeper than {DEPTH_MAX}")
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, str):
        check_text(value, where)
    elif isinstance(value, int):
        if abs(value) > INTEGER_MAX:
            raise NotCanonical(f"{where}: integer beyond 53 bits; write it as a string")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str) or not key.isascii() or "\x00" in key:
                raise NotCanonical(f"{where}: key {key!r} is not ASCII text")
            _find_fault(item, f"{where}.{key}", depth + 1)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _find_fault(item, f"{where}[{index}]", depth + 1)
    else:
        raise NotCanonical(f"{where}: {type(value).__name__} is not allowed; write decimals as strings")


def check_text(text: str, where: str = "$") -> None:
    """Raise `NotCanonical` for a NUL or a lone surrogate."""
    if "\x00" in text:
        raise NotCanonical(f"{where}: NUL character")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise NotCanonical(f"{where}: lone surrogate at character {error.start}") from None
