"""kill -9 in the middle of a backup or a restore: no half set looks whole, no half database stands anywhere."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from backup_world import Vault
from server_world import World

from server.flows.backup import backup_keys
from server.flows.backup_verify import verify_set
from server.store import backups
from server.store.migrations import open_store

SCRIPT = Path(__file__).with_name("backing_process.py")
BACKUP_KILLS, RESTORE_KILLS = 16, 12


@pytest.fixture
def large(tmp_path: Path) -> Vault:
    """A database that takes half a second to back up."""
    (tmp_path / "server").mkdir()
    world = World(open_store(tmp_path / "server" / "padan.db"), home=tmp_path / "server")
    vault = Vault(world, tmp_path / "cadangan")
    for _ in range(150):
        world.push(*[world.sealed(world.uuid(), {"address": f"Jl. {world.uuid()} " * 20}) for _ in range(20)])
    world.fold()
    return vault


def test_a_killed_backup_leaves_no_half_set(large: Vault, tmp_path: Path, figure: Callable[[str], None]) -> None:
    rng = random.Random(5)
    path = str(large.world.store.path)
    cut = {"unfinished set": 0, "decrypted copy": 0, "not recorded": 0}
    for kill in range(BACKUP_KILLS):
        _killed("backup", [path, str(large.plan.folder)], tmp_path / f"out{kill}", rng.uniform(0.02, 0.9))
        left = large.leftovers()
        cut["unfinished set"] += any(each.startswith(".part-") for each in left)
        cut["decrypted copy"] += "backup-work" in left
        cut["not recorded"] += bool(set(large.place.names()) - large.states().keys())
        for row in backups.all_backups(large.db):
            assert row.state == "good"
    work = tmp_path / "work"
    work.mkdir()
    keys = backup_keys(large.db)
    for name in large.place.names():
        # Every set that has its name is whole, also those that nobody came to read back.
        assert verify_set(large.place, name, keys, work).spoiled == (), name
    large.db.run("update leases set until_ms = 0")
    large.make()
    assert large.leftovers() == []
    assert large.look().damaged == 0
    figure(f"{BACKUP_KILLS} kills of a backup: {cut}; no half set looked whole")
    assert cut["unfinished set"] > 0 and cut["decrypted copy"] > 0


def test_a_killed_restore_leaves_a_whole_database_or_none(
    large: Vault, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    large.make()
    rng = random.Random(6)
    path, folder = str(large.world.store.path), str(large.plan.folder)
    events = large.db.value("select count(*) from log")
    none = 0
    for kill in range(RESTORE_KILLS):
        target = tmp_path / f"new{kill}" / "padan.db"
        target.parent.mkdir()
        _killed("restore", [path, folder, str(target)], tmp_path / f"out{kill}", rng.uniform(0.0, 1.2))
        if not target.exists():
            none += 1
            _ran_to_its_end("restore", [path, folder, str(target)], tmp_path / f"again{kill}")
        assert {each.name for each in target.parent.iterdir()} - {".restore"} == {"padan.db"}
        store = open_store(target)
        assert store.db.damage() == [] and store.db.value("select count(*) from log") == events
        assert store.db.value("select count(*) from epochs") == 2 and len(backups.all_backups(store.db)) == 1
        store.close()
    figure(
        f"{RESTORE_KILLS} kills of a restore: {none} times no database, else a whole one; a second try always worked"
    )
    assert none > 0


def _killed(what: str, arguments: list[str], out: Path, after_s: float) -> None:
    with out.open("wb") as sink:
        process = subprocess.Popen([sys.executable, str(SCRIPT), what, *arguments], stdout=sink, stderr=sink)
        while out.stat().st_size == 0:
            assert process.poll() is None
            time.sleep(0.002)
        time.sleep(after_s)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert "Traceback" not in out.read_text(), out.read_text()


def _ran_to_its_end(what: str, arguments: list[str], out: Path) -> None:
    with out.open("wb") as sink:
        done = subprocess.run([sys.executable, str(SCRIPT), what, *arguments], stdout=sink, stderr=sink, timeout=60)
    assert done.returncode == 0, out.read_text()
