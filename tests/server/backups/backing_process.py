"""Makes backups, or restores one, for ever and says on standard output what it begins and ends; the tests kill it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from backup_world import Photos

from server.backups.folder import BackupFolder
from server.backups.plan import Plan
from server.backups.retention import Keep
from server.clock import SystemClock
from server.flows.backup import backup_keys, make_backup
from server.flows.restore import choose, restore
from server.store.migrations import open_store


def back_up(database: str, folder: str) -> None:
    """One backup after the other, each with a few photos that are new."""
    store = open_store(database)
    plan = Plan(Path(folder), Path(database).parent, Keep(1, 0, 0), (2,))
    number = 0
    while True:
        number += 1
        photos = Photos(*[f"{number} {each}".encode() * 3_000 for each in range(3)])
        print("begin", flush=True)
        # Each process is another holder: the turn of one that was killed has run out in the meantime of the test.
        store.db.run("update leases set until_ms = 0")
        done = make_backup(store, plan, SystemClock(), "killed", source=photos)
        print("done", done.set_name, flush=True)


def bring_back(database: str, folder: str, target: str) -> None:
    """One restore; then nothing, until it is killed."""
    store = open_store(database)
    place = BackupFolder(Path(folder))
    print("begin", flush=True)
    restore(place, choose(place, "terbaru"), backup_keys(store.db), target, Path(target).parent, SystemClock())
    print("done", flush=True)


if __name__ == "__main__":
    {"backup": back_up, "restore": bring_back}[sys.argv[1]](*sys.argv[2:])
