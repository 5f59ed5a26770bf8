"""Cursors of feed and pull: opaque and signed. Inside: epoch, scope digest, position in each region."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass

from schemas.problems import ProblemError

_MAC_BYTES = 16


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a reader is: region -> feed position. Empty at the beginning."""

    epoch: str
    scope: str
    positions: Mapping[str, int]


def write_cursor(cursor: Cursor, key: bytes) -> str:
    """The cursor as it travels."""
    raw = json.dumps([cursor.epoch, cursor.scope, dict(sorted(cursor.positions.items()))], separators=(",", ":"))
    return base64.urlsafe_b64encode(_mac(key, raw.encode()) + raw.encode()).rstrip(b"=").decode()


def read_cursor(text: str | None, key: bytes, epoch: str, scope: str) -> Cursor:
    """The cursor of a request; without one, the beginning.

    Raises `ProblemError`: `bad_cursor` where it is not ours, `reset` where it is of another epoch or scope."""
    if text is None:
        return Cursor(epoch, scope, {})
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        mac, body = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, _mac(key, body)):
            raise ValueError
        was_epoch, was_scope, positions = json.loads(body)
    except (ValueError, TypeError):
        raise ProblemError("bad_cursor", "The cursor was not given out by this server.") from None
    if was_epoch != epoch or was_scope != scope:
        reason = "epoch" if was_epoch != epoch else "scope"
        raise ProblemError(
            "reset",
            f"The {reason} changed; start again without a cursor.",
            why=reason,
            epoch=epoch,
            scope_digest=scope.partition("/")[0],
        )
    return Cursor(epoch, scope, positions)


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.new(key, body, hashlib.sha256).digest()[:_MAC_BYTES]
