"""Erases one person and is killed at a step: `erasing_process.py ADDRESS HOME HOUSEHOLD KEY STEP` (`-` is never).

A step is anything that changes the database or the ledger. At the end it says on standard output how many there were.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from server_world import NOW_MS, REGION, VILLAGE, World

from server.clock import FixedClock
from server.flows import erasure
from server.flows.erasure_ledger import LEDGER_FILE
from server.flows.erasure_plan import subject_of
from server.store.migrations import open_store


class Steps:
    """Counts, and kills the process before the step that was named."""

    def __init__(self, last: int | None) -> None:
        self.count, self._last = 0, last

    def watch(self, owner: Any, *names: str) -> None:
        for name in names:
            setattr(owner, name, self._counted(getattr(owner, name)))

    def _counted(self, real: Any) -> Any:
        def step(*args: Any, **more: Any) -> Any:
            if self.count == self._last:
                if real is _write:
                    real(args[0], bytes(args[1])[: len(args[1]) // 2])  # half a line of the ledger
                os.kill(os.getpid(), signal.SIGKILL)
            self.count += 1
            return real(*args, **more)

        return step


_write = os.write


def main(address: str, home: Path, household: str, key: str, last: str) -> None:
    """The erasure from beginning to end."""
    world = World(open_store(address), home=home)
    db = world.db
    steps = Steps(None if last == "-" else int(last))
    steps.watch(db, "run", "many", "rewrite", "empty_log")
    steps.watch(os, "write", "fsync")
    ledger = home / LEDGER_FILE
    erasure.finish(db, world.keys, ledger, NOW_MS)
    subject, _ = subject_of(db, [(REGION, household)], [key])
    order = erasure.Order("admin", VILLAGE, "request", "Permintaan tertulis")
    erasure.erase(db, world.keys, FixedClock(NOW_MS), subject, order, ledger)
    erasure.finish(db, world.keys, ledger, NOW_MS)
    print(steps.count)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
