"""The one place that asks what time it is. Everything below the command line and the app is handed a `Clock`.

Times are integers in milliseconds since 1970-01-01 UTC (`*_ms`), and RFC 3339 text in UTC where a file or the wire
wants text. No local time: WIB days are `sync.pacing`'s matter.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """What a flow needs to know of time."""

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""
        ...

    def monotonic_ms(self) -> int:
        """Milliseconds that never go back; only differences mean something."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000


class FixedClock:
    """A clock that stands still until it is told to go on; for tests and rehearsals."""

    def __init__(self, start: int | str) -> None:
        """`start`: milliseconds, or RFC 3339 text."""
        self._now_ms = parse_rfc3339_ms(start) if isinstance(start, str) else start
        self._monotonic_ms = 0

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic_ms(self) -> int:
        return self._monotonic_ms

    def advance_ms(self, step_ms: int) -> None:
        """Let `step_ms` pass. Raises `ValueError` when negative: time is set back with `set_ms`."""
        if step_ms < 0:
            raise ValueError("time passes forwards; use set_ms to set the wall clock back")
        self._now_ms += step_ms
        self._monotonic_ms += step_ms

    def set_ms(self, now_ms: int) -> None:
        """Set the wall clock alone, forwards or back, as a person or NTP does."""
        self._now_ms = now_ms


def rfc3339_s(moment_ms: int) -> str:
    """`2026-11-21T01:02:03Z`; the fraction of a second is cut off."""
    return (EPOCH + timedelta(milliseconds=moment_ms)).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_ms(moment_ms: int) -> str:
    """`2026-11-21T01:02:03.456Z`."""
    return f"{rfc3339_s(moment_ms)[:-1]}.{moment_ms % 1000:03d}Z"


def parse_rfc3339_ms(text: str) -> int:
    """Milliseconds of an RFC 3339 time with any offset. Raises `ValueError` where it is none, or names no offset."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or len(text) < len("2026-11-21T01:02Z"):
        raise ValueError(f"not an RFC 3339 time with an offset: {text!r}")
    return (moment - EPOCH) // timedelta(milliseconds=1)
