"""Back-off, Retry-After, quota until 00:00 WIB, circuit."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.pacing import (
    BACKOFF_CAP_S,
    CIRCUIT_FAILURES_MAX,
    CIRCUIT_OPEN_CAP_S,
    CLOSED,
    DAY_MS,
    HALF_OPEN,
    OPEN,
    RETRY_AFTER_CAP_S,
    Circuit,
    backoff_s,
    may_pass,
    next_midnight_wib_ms,
    next_try_ms,
    on_claim,
    on_failure,
    on_refusal,
    on_success,
    on_wait,
    retry_after_s,
    wib_date,
)


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@given(st.integers(1, 10_000), st.integers(0, 1000))
def test_backoff_lies_between_a_second_and_a_growing_ceiling(attempt: int, permille: int) -> None:
    assert 1 <= backoff_s(attempt, permille) <= min(BACKOFF_CAP_S, 5 * 2 ** (min(attempt, 20) - 1))
    assert backoff_s(attempt, permille) <= backoff_s(attempt + 1, permille)


def test_backoff_spreads_over_the_whole_ceiling() -> None:
    assert {backoff_s(4, permille) for permille in range(1001)} == set(range(1, 41))
    with pytest.raises(ValueError, match="attempt"):
        backoff_s(0, 500)


@given(st.integers(0, 1000), st.integers(0, 10**9))
def test_a_row_is_never_due_before_the_registry_asked_for(permille: int, after: int) -> None:
    now = ms("2026-11-21T01:00:00Z")
    assert next_try_ms(now, 1, permille, after) >= now + min(after, RETRY_AFTER_CAP_S) * 1000


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("7", 7),
        (" 0 ", 0),
        ("Sat, 21 Nov 2026 01:00:30 GMT", 30),
        ("Sat, 21 Nov 2026 00:00:00 GMT", 0),
        ("soon", None),
        ("-3", None),
        ("²", None),
        ("9" * 400, RETRY_AFTER_CAP_S),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(header: str | None, expected: int | None) -> None:
    assert retry_after_s(header, ms("2026-11-21T01:00:00Z")) == expected


@pytest.mark.parametrize(
    ("now", "midnight", "day"),
    [
        ("2026-11-21T16:59:59Z", "2026-11-21T17:00:00Z", "2026-11-21"),
        ("2026-11-21T17:00:00Z", "2026-11-22T17:00:00Z", "2026-11-22"),
        ("2026-12-31T20:00:00Z", "2027-01-01T17:00:00Z", "2027-01-01"),
    ],
)
def test_a_quota_is_fresh_at_midnight_wib(now: str, midnight: str, day: str) -> None:
    assert next_midnight_wib_ms(ms(now)) == ms(midnight)
    assert wib_date(ms(now)) == day


@given(st.integers(0, 4_102_444_800_000))
def test_midnight_wib_is_ahead_within_a_day_and_begins_a_new_date(now: int) -> None:
    midnight = next_midnight_wib_ms(now)
    assert now < midnight <= now + DAY_MS
    assert wib_date(midnight) > wib_date(midnight - 1) == wib_date(now)
    assert datetime.fromtimestamp(midnight / 1000, UTC).strftime("%H:%M:%S") == "17:00:00"


def test_a_circuit_opens_after_failures_in_a_row_and_lets_one_probe_by() -> None:
    circuit = Circuit()
    for _ in range(CIRCUIT_FAILURES_MAX):
        assert may_pass(circuit, 0)
        circuit = on_failure(circuit, 0, "timeout")
    assert circuit.state == OPEN and not may_pass(circuit, circuit.until_ms - 1)
    probe = circuit.until_ms
    assert may_pass(circuit, probe)
    circuit = on_claim(circuit, probe, probe_wait_s=60)
    assert circuit.state == HALF_OPEN and not may_pass(circuit, probe)
    assert may_pass(circuit, probe + 60_000), "a probe whose worker died does not block for ever"
    assert on_success(circuit) == Circuit()


def test_a_failed_probe_opens_for_longer_up_to_a_cap() -> None:
    circuit, waits = on_refusal(Circuit(), 0, "signature_invalid"), []
    for _ in range(12):
        now = circuit.until_ms
        circuit = on_failure(on_claim(circuit, now, 60), now, "still")
        waits.append(circuit.until_ms - now)
    assert waits == sorted(waits) and waits[-1] == CIRCUIT_OPEN_CAP_S * 1000


def test_success_in_between_resets_the_count_and_a_refusal_opens_at_once() -> None:
    circuit = on_success(on_failure(Circuit(), 0, "x"))
    assert (circuit.state, circuit.failures) == (CLOSED, 0)
    assert on_refusal(Circuit(), 0, "clock").state == OPEN


def test_a_wait_holds_until_its_time_and_is_never_shortened() -> None:
    circuit = on_wait(on_wait(Circuit(), 5_000, "quota"), 2_000, "busy")
    assert not may_pass(circuit, 4_999) and may_pass(circuit, 5_000)
