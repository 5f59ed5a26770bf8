"""Whole campaigns by seed, on the real server, field clients, delivery and mirror. A seed is a bug report.

`PADAN_E2E_SEEDS=200` runs the first 200 seeds, `PADAN_E2E_SEEDS=17,23` those.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from e2e_campaign import Campaign
from e2e_checks import check_everything
from e2e_world import a_world

FAMILIES, STEPS, SEEDS = 12, 160, 3
pytestmark = pytest.mark.xdist_group("e2e")


def seeds() -> list[int]:
    wanted = os.environ.get("PADAN_E2E_SEEDS", str(SEEDS))
    return [int(each) for each in wanted.split(",") if each] if "," in wanted else list(range(int(wanted)))


@pytest.mark.parametrize("seed", seeds())
def test_after_any_campaign_everything_is_there_once_and_agrees(
    tmp_path: Path, new_address: Callable[[], str], seed: int
) -> None:
    print("seed", seed)
    with a_world(tmp_path, seed, FAMILIES, new_address()) as world:
        campaign = Campaign(world)
        for _ in range(STEPS):
            campaign.step()
        campaign.settle()
        print(dict(sorted(campaign.done.items())))
        print(dict(sorted(campaign.refused.items())))
        check_everything(world)
