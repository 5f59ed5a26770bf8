"""kill -9 between any two steps of an erasure: afterwards the person is whole or gone, and the next run ends it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from erasure_world import NIK, Erasing
from server_world import World

from server.flows import erasure
from server.flows.erasure_ledger import LEDGER_FILE, read_ledger
from server.store import events
from server.store.copying import copy_all
from server.store.migrations import open_store

SCRIPT = Path(__file__).with_name("erasing_process.py")
KILLS = 14


def run(erasing: Erasing, step: str) -> tuple[int, str]:
    """The erasure in a process of its own; its exit code and what it said."""
    words = [erasing.world.store.address, str(erasing.home), erasing.house, erasing.key, step]
    done = subprocess.run([sys.executable, str(SCRIPT), *words], capture_output=True, text=True, env=os.environ)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr[-2000:]
    return done.returncode, done.stdout.strip()


@pytest.fixture
def fresh(world: Any, new_address: Callable[[], str], tmp_path: Path) -> Callable[[], Erasing]:
    """`fresh()`: the same family in a database and a folder of its own."""
    first = Erasing(world, tmp_path)
    first.family()
    first.world.push(b'{ "NIK": "' + NIK.encode() + b'", "rusak": ')

    def copy() -> Erasing:
        made = Erasing.__new__(Erasing)
        made.__dict__ |= first.__dict__
        made.home = tmp_path / f"home{len(list(tmp_path.iterdir()))}"
        made.home.mkdir()
        made.ledger = made.home / LEDGER_FILE
        address = str(made.home / "padan.db") if world.store.engine == "sqlite" else new_address()
        store = open_store(address)
        copy_all(first.db, store.db)
        made.world = World(store, home=made.home)
        return made

    return copy


def test_killed_between_any_two_steps_it_is_finished_by_the_next_run(
    fresh: Callable[[], Erasing], figure: Callable[[str], None]
) -> None:
    code, said = run(fresh(), "-")
    assert code == 0
    steps = int(said)
    rng = random.Random(5)
    points = sorted({0, 1, steps - 1, *rng.sample(range(steps), KILLS)})
    begun = 0
    for point in points:
        erasing = fresh()
        code, _ = run(erasing, str(point))
        assert code == -signal.SIGKILL, point
        keys = erasing.world.keys
        ledger = read_ledger(erasing.ledger, keys.public_keys)
        done = events.count(erasing.db, "erasure")
        # All of it or nothing: never a record without the log, or half a family.
        assert {person["key"] for person in erasing.data()["persons"]} == (
            {erasing.other} if done else {erasing.key, erasing.other}
        ), point
        assert done <= len(ledger.entries), "emptied before it stood in the ledger"
        erasing.healthy()
        begun += len(ledger.entries)
        if ledger.entries:
            erasure.finish(erasing.db, keys, erasing.ledger, erasing.world.now_ms)
        else:
            assert run(erasing, "-")[0] == 0
        assert [person["key"] for person in erasing.data()["persons"]] == [erasing.other]
        assert read_ledger(erasing.ledger, keys.public_keys).unfinished == ()
        assert erasing.traces() == [], point
        assert events.count(erasing.db, "erasure") == 1
        erasing.healthy()
        erasing.world.store.close()
    figure(f"{len(points)} kills in {steps} steps of an erasure, {begun} after it was begun: each was finished")
