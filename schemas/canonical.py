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
_KINDS = frozenset((str, int, dict, list, bool, type(None)))
_KEY_KINDS = {str}
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
    if not _is_canonical(value):
        _find_fault(value, "$", 0)


def _is_canonical(value: Any) -> bool:
    """The same rules as `_find_fault` without naming a place: intake asks this of every answer of every event.

    Goes down level by level and looks at all texts of a level at once, joined.
    """
    level = [value]
    for _ in range(DEPTH_MAX + 1):
        kinds = set(map(type, level))
        if not kinds <= _KINDS:
            return False
        if int in kinds and not all(-INTEGER_MAX <= item <= INTEGER_MAX for item in level if type(item) is int):
            return False
        if str in kinds:
            texts = "".join([item for item in level if type(item) is str])
            if "\x00" in texts or not (texts.isascii() or not _SURROGATE.search(texts)):
                return False
        if not (dict in kinds or list in kinds):
            return True
        keys: list[Any] = []
        deeper: list[Any] = []
        for item in level:
            if type(item) is dict:
                keys += item
                deeper += item.values()
            elif type(item) is list:
                deeper += item
        if keys:
            if set(map(type, keys)) != _KEY_KINDS:
                return False
            names = "".join(keys)
            if not names.isascii() or "\x00" in names:
                return False
        level = deeper
    return not level


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
