"""Time is handed in, in milliseconds, and written as RFC 3339 in UTC."""

from __future__ import annotations

import pytest

from server.clock import FixedClock, SystemClock, parse_rfc3339_ms, rfc3339_ms, rfc3339_s


@pytest.mark.parametrize("moment", [0, 1, 999, 1_795_222_923_456, -1, 253_402_300_799_999])
def test_a_moment_survives_being_written_and_read(moment: int) -> None:
    assert parse_rfc3339_ms(rfc3339_ms(moment)) == moment


def test_seconds_are_cut_and_not_rounded() -> None:
    assert rfc3339_s(parse_rfc3339_ms("2026-11-21T01:02:03.999Z")) == "2026-11-21T01:02:03Z"


def test_wib_and_utc_name_the_same_moment() -> None:
    assert parse_rfc3339_ms("2026-11-21T08:02:03+07:00") == parse_rfc3339_ms("2026-11-21T01:02:03Z")


@pytest.mark.parametrize("text", ["2026-11-21T01:02:03", "2026-11-21", "yesterday", "", "2026-02-31T00:00:00Z"])
def test_a_time_without_offset_or_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_rfc3339_ms(text)


def test_a_wall_clock_set_back_leaves_the_monotonic_one_alone() -> None:
    clock = FixedClock("2026-11-21T01:02:03Z")
    clock.advance_ms(1500)
    clock.set_ms(0)
    assert (clock.now_ms(), clock.monotonic_ms()) == (0, 1500)
    with pytest.raises(ValueError):
        clock.advance_ms(-1)


def test_the_machines_clock_goes_on() -> None:
    clock = SystemClock()
    first = clock.monotonic_ms()
    assert clock.now_ms() > 1_600_000_000_000
    assert clock.monotonic_ms() >= first
