"""Pushes events for ever and says on standard output, line by line, what was acknowledged; `test_kill.py` kills it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from server_world import World

from server.store.migrations import open_store


def main(path: str, seed: int) -> None:
    """Push batches of three, each event about a household of its own, and fold in between."""
    world = World(open_store(path), seed)
    number = 0
    while True:
        number += 1
        sent = [world.sealed(world.uuid(), {"address": f"{seed} {number} {n}"}) for n in range(3)]
        print("begin", flush=True)
        answers = world.push(*sent)
        print("acknowledged", *(answer.ref for answer in answers), flush=True)
        if number % 2 == 0:
            world.fold()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
