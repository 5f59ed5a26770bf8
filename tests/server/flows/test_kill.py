"""kill -9 in the middle of pushes and folds, in a process of its own: what was acknowledged is there afterwards."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from server_world import NOW_MS, World

from server.flows.audit import verify
from server.flows.fold import fold_all
from server.flows.rebuild import rebuild
from server.store import events
from server.store.migrations import open_store

KILLS = 12
SCRIPT = Path(__file__).with_name("pushing_process.py")


def test_nothing_acknowledged_is_lost_when_the_process_is_killed(
    tmp_path: Path, new_address: Callable[[], str]
) -> None:
    path = new_address()
    World(open_store(path)).store.close()
    seed = 7
    rng = random.Random(seed)
    acknowledged: set[str] = set()
    in_the_middle = 0
    for kill in range(KILLS):
        out = tmp_path / f"out{kill}"
        with out.open("wb") as sink:
            process = subprocess.Popen([sys.executable, str(SCRIPT), path, str(kill + 1)], stdout=sink)
            while out.stat().st_size == 0:
                assert process.poll() is None
                time.sleep(0.005)
            time.sleep(rng.uniform(0.01, 0.15))
            process.send_signal(signal.SIGKILL)
            process.wait()
        lines = [line.split() for line in out.read_text().splitlines() if line]
        in_the_middle += lines[-1][0] == "begin"
        for line in lines:
            if line[0] == "acknowledged" and len(line) == 4:
                acknowledged.update(line[1:])
    store = open_store(path)
    db = store.db
    assert {ref for ref in acknowledged if events.by_ref(db, "19.03", ref) is None} == set()
    assert verify(db).broken == ()
    assert events.count(db) == db.value("select count(*) from log") >= len(acknowledged) > 0
    world_keys = World.keys_of(store)
    fold_all(db, world_keys, NOW_MS)
    done = rebuild(db, world_keys, check=True, shuffle_seed=seed, now_ms=NOW_MS)
    assert (done.identical, done.waiting) == (True, 0)
    print(f"{in_the_middle} of {KILLS} kills fell between begin and acknowledgement")
    store.close()
