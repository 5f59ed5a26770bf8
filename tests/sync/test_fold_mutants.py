"""The checks are checked: every named mistake in the fold is caught by at least one of them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from fold_checks import CHECKS
from fold_histories import grow
from fold_mutants import MUTANTS

HISTORIES_MAX = 60
"""How many histories a mutant may survive. Most are caught by the first few."""


def steps_of(seed: int) -> list[int]:
    random = Random(seed)
    return [random.getrandbits(16) for _ in range(18)]


@pytest.mark.parametrize("name", MUTANTS)
def test_the_mutant_is_caught(name: str, monkeypatch: pytest.MonkeyPatch, figure: Callable[[str], None]) -> None:
    for seed in range(HISTORIES_MAX):
        history = grow(steps_of(seed))
        with monkeypatch.context() as patch:
            MUTANTS[name](patch, history)
            for check in CHECKS:
                try:
                    check(history)
                except AssertionError as error:
                    said = str(error).partition("\n")[0][:60]
                    figure(f"mutant {name:24} caught at history {seed:2} by {check.__name__}: {said}")
                    return
    pytest.fail(f"{name} survived {HISTORIES_MAX} histories")


def test_no_check_fails_without_a_mutant() -> None:
    for seed in range(10):
        history = grow(steps_of(seed))
        for check in CHECKS:
            check(history)
