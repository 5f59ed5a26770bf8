"""The checks are checked: every named mistake in the fold is caught by at least one of them."""

from __future__ import annotations

from random import Random

import pytest
from fold_checks import CHECKS
from fold_histories import grow
from fold_mutants import MUTANTS

HISTORIES_MAX = 60
"""How many histories a mutant may survive. Most are caught by the first few."""

caught: dict[str, tuple[int, str, str]] = {}


def steps_of(seed: int) -> list[int]:
    random = Random(seed)
    return [random.getrandbits(16) for _ in range(18)]


@pytest.mark.parametrize("name", MUTANTS)
def test_the_mutant_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(HISTORIES_MAX):
        history = grow(steps_of(seed))
        with monkeypatch.context() as patch:
            MUTANTS[name](patch, history)
            for check in CHECKS:
                try:
                    check(history)
                except AssertionError as error:
                    caught[name] = (seed, check.__name__, str(error).partition("\n")[0])
                    return
    pytest.fail(f"{name} survived {HISTORIES_MAX} histories")


def test_no_check_fails_without_a_mutant() -> None:
    for seed in range(10):
        history = grow(steps_of(seed))
        for check in CHECKS:
            check(history)


def test_the_table_of_mutants(capsys: pytest.CaptureFixture[str]) -> None:
    if not caught:
        pytest.skip("run together with the mutants")
    with capsys.disabled():
        print()
        for name, (seed, check, message) in caught.items():
            print(f"  {name:24} history {seed:3}  {check}: {message[:90]}")
