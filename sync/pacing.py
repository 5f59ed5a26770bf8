"""When to send next: back-off with full jitter, Retry-After, the daily quota, and the circuit of a destination.

Times are integers: milliseconds since 1970-01-01 UTC (`*_ms`) or seconds (`*_s`). `now_ms` and the random number
come in as arguments. WIB is UTC+7 all year (no daylight saving).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

DAY_MS = 86_400_000
WIB_OFFSET_MS = 7 * 3_600_000

BACKOFF_BASE_S = 5
BACKOFF_CAP_S = 3_600
"""An outage of a night is seen within the hour of its end; 2,000 waiting rows then spread over that hour."""
RETRY_AFTER_CAP_S = 86_400
"""A registry that asks for more than a day is asked again after a day."""

CIRCUIT_FAILURES_MAX = 5
CIRCUIT_OPEN_S = 60
CIRCUIT_OPEN_CAP_S = 1_800

CLOSED, OPEN, HALF_OPEN = "closed", "open", "half_open"


def backoff_s(attempt: int, random_permille: int) -> int:
    """Seconds to wait after failed attempt 1, 2, 3, ...: uniform in 0..min(cap, base * 2^(attempt-1)) (full jitter).

    `random_permille`: 0..1000, drawn by the caller. At least 1 s, so that a row is never due at once again.
    """
    if attempt < 1 or not 0 <= random_permille <= 1000:
        raise ValueError("attempt starts at 1 and random_permille lies in 0..1000")
    ceiling = min(BACKOFF_CAP_S, BACKOFF_BASE_S << min(attempt - 1, 30))
    return max(1, ceiling * random_permille // 1000)


def next_try_ms(now_ms: int, attempt: int, random_permille: int, retry_after_s: int | None) -> int:
    """When a row is due again. `Retry-After` is a floor; a tenth of jitter on top spreads the rows it holds back."""
    wait_ms = backoff_s(attempt, random_permille) * 1000
    if retry_after_s is not None:
        asked_ms = min(retry_after_s, RETRY_AFTER_CAP_S) * 1000
        wait_ms = max(wait_ms, asked_ms + asked_ms * random_permille // 10_000)
    return now_ms + wait_ms


def retry_after_s(header: str | None, now_ms: int) -> int | None:
    """Seconds of a `Retry-After` header (RFC 9110, 10.2.3: seconds or a date), or None if absent or unreadable."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]), RETRY_AFTER_CAP_S)
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    seconds = int(when.timestamp()) - now_ms // 1000
    return max(0, min(seconds, RETRY_AFTER_CAP_S))


def wib_date(now_ms: int) -> str:
    """The date in WIB, `YYYY-MM-DD`: the day to which a daily quota belongs."""
    return datetime.fromtimestamp((now_ms + WIB_OFFSET_MS) // 1000, UTC).strftime("%Y-%m-%d")


def next_midnight_wib_ms(now_ms: int) -> int:
    """The next 00:00 WIB, strictly after `now_ms`: when a used-up quota is fresh again."""
    day = (now_ms + WIB_OFFSET_MS) // DAY_MS
    return (day + 1) * DAY_MS - WIB_OFFSET_MS


@dataclass(frozen=True, slots=True)
class Circuit:
    """The circuit of one destination; stored as a row, so that all workers see the same one.

    `until_ms`: while open, when one probe may pass; while half open, until when the probe is waited for.
    """

    state: str = CLOSED
    failures: int = 0
    opened_times: int = 0
    until_ms: int = 0
    reason: str = ""


def may_pass(circuit: Circuit, now_ms: int) -> bool:
    """Whether a row may be claimed now. While open or half open, one probe after `until_ms`."""
    return circuit.state == CLOSED or now_ms >= circuit.until_ms


def on_claim(circuit: Circuit, now_ms: int, probe_wait_s: int) -> Circuit:
    """The circuit after a claim that `may_pass` allowed; an open one becomes half open and lets no second one by."""
    if circuit.state == CLOSED:
        return circuit
    return replace(circuit, state=HALF_OPEN, until_ms=now_ms + probe_wait_s * 1000)


def on_success(circuit: Circuit) -> Circuit:
    """After any answer that shows the destination at work (a rejection of one record included)."""
    del circuit
    return Circuit()


def on_failure(circuit: Circuit, now_ms: int, reason: str) -> Circuit:
    """After no answer or a server error: opens after `CIRCUIT_FAILURES_MAX` in a row, at once when half open."""
    failures = circuit.failures + 1
    if circuit.state == CLOSED and failures < CIRCUIT_FAILURES_MAX:
        return replace(circuit, failures=failures, reason=reason)
    return _opened(circuit, now_ms, failures, reason)


def on_refusal(circuit: Circuit, now_ms: int, reason: str) -> Circuit:
    """After 401 or 403 (key, clock, address not allowed): opens at once; sending on would only lock us out."""
    return _opened(circuit, now_ms, circuit.failures + 1, reason)


def on_wait(circuit: Circuit, until_ms: int, reason: str) -> Circuit:
    """After 429 or 503 with a time, or a used-up quota: nothing passes before `until_ms`."""
    return replace(circuit, state=OPEN, until_ms=max(until_ms, circuit.until_ms), reason=reason)


def _opened(circuit: Circuit, now_ms: int, failures: int, reason: str) -> Circuit:
    times = circuit.opened_times + 1
    wait_s = min(CIRCUIT_OPEN_CAP_S, CIRCUIT_OPEN_S << min(times - 1, 10))
    return Circuit(OPEN, failures, times, now_ms + wait_s * 1000, reason)
