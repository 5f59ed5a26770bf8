"""Properties of the production fold over random histories: 300 each, 2,000 under `make proof` (or PADAN_PROOF=1)."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import pytest
from fold_checks import CHECKS, folded
from fold_histories import WANTED, History, features, grow
from hypothesis import given, settings
from hypothesis import strategies as st

# One worker: the shares are counted over the histories that all checks have grown.
pytestmark = pytest.mark.xdist_group("fold-properties")

STEPS = st.lists(st.integers(0, 2**16 - 1), min_size=8, max_size=20)
PROOF = settings.get_profile("proof") if os.environ.get("PADAN_PROOF") == "1" else settings()
LEAST_SHARE = 0.05
SEEDS = range(40)
TURNS = 3

occurring: Counter[str] = Counter()
"""Histories in which a feature occurs, over all that were grown here."""


@lru_cache(maxsize=4096)
def history_of(steps: tuple[int, ...]) -> History:
    """Grow once, count once."""
    history = grow(steps)
    occurring.update(features(history))
    occurring["histories"] += 1
    return history


def _spread(turn: int, steps: list[int]) -> tuple[int, ...]:
    so_far = hashlib.sha256(b"%d" % turn)
    found = []
    for step in steps:
        so_far.update(b" %d" % step)
        found.append(int.from_bytes(so_far.digest()[:2], "big"))
    return tuple(found)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_of_every_history(check: Callable[[History], None]) -> None:
    # Examples are the same on each run; turned a little, so that the checks do not all look at the same histories, and
    # spread by what came before: what draws them likes small numbers, repeats, and numbers that stand in any module
    # that is loaded, which would grow the same few features again and again, others in each selection of tests.
    turn = CHECKS.index(check) % TURNS

    @PROOF
    @given(STEPS)
    def holds(steps: list[int]) -> None:
        check(history_of(_spread(turn, steps)))

    holds()


def test_every_feature_occurs_in_a_share_of_the_histories(figure: Callable[[str], None]) -> None:
    if occurring["histories"] < len(SEEDS):  # run alone, or by another worker
        for seed in range(200):
            history_of(tuple(hashlib.sha256(b"%d %d" % (seed, n)).digest()[0] * 257 + n for n in range(14)))
    shares = {name: occurring[name] / occurring["histories"] for name in WANTED}
    told = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
    figure(f"shares of {occurring['histories']} histories: {told}")
    assert {name: share for name, share in shares.items() if share < LEAST_SHARE} == {}


def digest_of_many() -> str:
    """One digest over the bytes of many folds."""
    total = hashlib.sha256()
    for seed in SEEDS:
        steps = [int.from_bytes(hashlib.sha256(b"%d %d" % (seed, n)).digest()[:2], "big") for n in range(14)]
        for each in folded(grow(steps).events):
            total.update(each.data_bytes + each.trail_bytes)
    return total.hexdigest()


def test_two_hash_seeds_give_the_same_bytes(root: Path) -> None:
    code = "import test_fold_properties as t; print(t.digest_of_many())"
    paths = os.pathsep.join((str(root), str(root / "tests" / "sync")))
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": paths},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert runs[0] == runs[1]
    assert len(runs[0].strip()) == 64
