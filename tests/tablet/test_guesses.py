"""What a million guesses cost at the cost that the app chose on this machine; docs/security.md reads it from here."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from argon2.low_level import Type, hash_secret_raw
from tablet_world import Campaign
from walk import Officer

PINS = 1_000_000
ROUNDS = 3


def test_a_million_guesses_cost_what_the_handbook_says(
    campaign: Campaign, officer: Callable[..., Officer], figure: Callable[[str], None]
) -> None:
    psm = officer()
    psm.script = ""  # the tablet as it is, with all its memory
    psm.enrol(campaign.code())
    psm.tab("Menu")
    psm.press("Bantuan dan diagnosa")
    psm.text("MiB x")
    found = re.search(r"PIN, (\d+) MiB x (\d+)", psm.page.locator("#diagnosis").inner_text())
    assert found is not None
    mebibytes, passes = int(found[1]), int(found[2])
    assert mebibytes == 64 and passes >= 1, "less memory is for tablets that have less than two gigabytes"
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        hash_secret_raw(
            b"482915",
            b"s" * 16,
            time_cost=passes,
            memory_cost=mebibytes * 1024,
            parallelism=1,
            hash_len=32,
            type=Type.ID,
        )
        took.append(time.perf_counter() - began)
    one_ms = round(1000 * min(took))
    hours = PINS * min(took) / 3600
    figure(f"a million guesses: {mebibytes} MiB x {passes}, {one_ms} ms each on one core, {hours:.0f} core-hours")
    assert hours > 5, "a six-digit PIN would fall within the hour on one machine"
