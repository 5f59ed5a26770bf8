"""How fast to send and how long to wait: batch size by measured speed, and full-jitter back-off. Numbers only.

Clock, waiting and randomness are handed in, so that a test runs a day of outages in no time.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from schemas.limits import EVENTS_PER_PUSH_MAX

BATCH_MIN = 10
BATCH_MAX = EVENTS_PER_PUSH_MAX
BATCH_TARGET_S = 5.0
"""A batch should take about this long: longer ones are lost whole when the line drops, shorter ones waste turns."""
BATCH_BYTES_MAX = 2_000_000
"""Half of what the server inflates at most, so that a batch of long forms still fits."""
PIECE_BYTES_FIRST = 65_536
PIECE_BYTES_MIN = 16_384
"""At 64 kbit/s it takes two seconds; a request about it weighs half a kilobyte."""
PIECE_BYTES_STEP = 4_096
PIECE_TARGET_S = 4.0
BACKOFF_BASE_S = 1.0
BACKOFF_CAP_S = 60.0
ATTEMPTS_MAX = 6
"""Failures in a row after which a sync stops and says so; the next one goes on where it stopped."""
RETRY_AFTER_MAX_S = 300.0
"""A longer wait ends the sync instead: nobody watches a progress bar for an hour."""


class Clock(Protocol):
    """Time as the tablet knows it; never trusted by anyone."""

    def now_ms(self) -> int:
        """Milliseconds since 1970, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that only go forward."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's own."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class GaveUp(Exception):
    """Enough failures in a row; nothing was lost. `wait_s`: what the server asked for, if it did."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


@dataclass(slots=True)
class Pace:
    """Number of events of the next batch. Grows by half while batches are quick, follows the measured speed down."""

    size: int = BATCH_MIN

    def measured(self, items: int, seconds: float) -> None:
        """A batch went through."""
        if items <= 0:
            return
        fitting = int(items * BATCH_TARGET_S / max(seconds, 0.001))
        self.size = max(BATCH_MIN, min(BATCH_MAX, fitting, self.size + self.size // 2))

    def failed(self) -> None:
        """A batch did not go through: try less at once."""
        self.size = max(BATCH_MIN, self.size // 2)


@dataclass(slots=True)
class FilePace:
    """Bytes of the next piece of a photo. Grows by half while nothing breaks; once a line broke, which can cost a whole
    piece, it halves, and from then on grows by little steps."""

    most: int
    size: int = PIECE_BYTES_FIRST
    broken: bool = False

    def measured(self, size: int, seconds: float) -> None:
        """A piece went through."""
        fitting = int(size * PIECE_TARGET_S / max(seconds, 0.001))
        step = PIECE_BYTES_STEP if self.broken else self.size // 2
        self.size = max(PIECE_BYTES_MIN, min(self.most, fitting, self.size + step))

    def failed(self) -> None:
        """A piece did not go through."""
        self.broken = True
        self.size = max(PIECE_BYTES_MIN, min(self.most, self.size) // 2)


class Backoff:
    """Waits between failures: uniform in 0..min(cap, base x 2^n), or what the server asked for and a little more."""

    def __init__(self, sleep: Callable[[float], None], rng: random.Random, attempts_max: int = ATTEMPTS_MAX) -> None:
        self._sleep = sleep
        self._rng = rng
        self._attempts_max = attempts_max
        self._failures = 0

    def succeeded(self) -> None:
        """The next failure is a first one again."""
        self._failures = 0

    def wait(self, reason: str, retry_after_s: float | None = None) -> None:
        """Wait once. Raises `GaveUp` after too many failures in a row, or where the server asks for a long wait."""
        self._failures += 1
        if self._failures >= self._attempts_max:
            raise GaveUp(reason, retry_after_s)
        if retry_after_s is not None:
            if retry_after_s > RETRY_AFTER_MAX_S:
                raise GaveUp(reason, retry_after_s)
            # A little later than asked, each tablet another little: they were all told the same.
            self._sleep(retry_after_s + self._rng.uniform(0, min(5.0, 1.0 + retry_after_s / 10)))
            return
        self._sleep(self._rng.uniform(0, min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2 ** (self._failures - 1))))
