"""A database comes back from a set: whole, in a new epoch, where nothing stood before; or nothing comes at all."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import postgres
import pytest
from backup_world import DAY_MS, Vault, brought_back, flip
from server_world import World

from server.auth.keys import load_keys
from server.backups import age_files
from server.backups.age_files import new_key
from server.backups.problem import BackupProblem, SetDamaged
from server.flows.audit import verify
from server.flows.backup_watch import durable
from server.flows.deliver_judge import frozen
from server.flows.rebuild import rebuild
from server.flows.restore import choose, refuse_occupied, restore, set_aside
from server.store import backups, events, identity, leases, migrations, restores
from server.store.database import Store, StoreBusy
from server.store.migrations import open_store


@pytest.fixture
def restored(vault: Vault, target: Path) -> Iterator[Store]:
    """A server as it was at its last backup, restored while the old one had gone on."""
    vault.make()
    vault.filled(4)
    brought_back(vault, target)
    store = open_store(target, create=False)
    yield store
    store.close()


def test_everything_of_the_backup_is_there_and_proves_itself(vault: Vault, restored: Store) -> None:
    db = restored.db
    assert events.count(db) == 16 and events.count(vault.db) == 22
    assert verify(db).broken == ()
    keys = load_keys(db, vault.clock.now_ms())
    assert keys == vault.world.keys, "the keys come with it: old signatures hold, old boxes open"
    assert rebuild(db, keys, check=True, shuffle_seed=3, now_ms=vault.clock.now_ms()).identical
    assert identity.server_id(db) == identity.server_id(vault.db)
    assert restored.path.stat().st_mode & 0o077 == 0
    assert [each.name for each in restored.path.parent.iterdir() if each.name.startswith(".")] == []


def test_a_new_epoch_begins_and_delivery_waits(vault: Vault, restored: Store) -> None:
    _, old = identity.current_epoch(vault.db)
    number, new = identity.current_epoch(restored.db)
    assert new != old and number == 2
    assert frozen(restored.db) and not frozen(vault.db)
    (done,) = restores.all_restores(restored.db)
    assert (done.epoch, done.from_epoch, done.positions) == (new, old, {"19.03": 16})


def test_the_set_it_came_from_is_its_watermark(vault: Vault, restored: Store) -> None:
    assert durable(restored.db) == vault.durable()
    assert vault.durable() is not None


def test_it_can_be_backed_up_at_once_into_the_same_folder(vault: Vault, restored: Store) -> None:
    home = restored.path.parent
    again = Vault.__new__(Vault)
    again.world, again.clock, again.key, again.photos = World(restored, home=home), vault.clock, vault.key, None
    again.plan = type(vault.plan)(vault.plan.folder, home, vault.plan.keep, vault.plan.hours)
    again.filled(1).make()
    _, new = identity.current_epoch(restored.db)
    told = again.durable()
    assert told is not None and told["epoch"] == new
    assert told["earlier"] == {identity.epoch_ids(restored.db)[1]: {"19.03": 16}}


def test_nobodys_turn_is_taken_over(vault: Vault, target: Path) -> None:
    leases.acquire(vault.db, "reconcile", "a process that is gone", vault.clock.now_ms() + 10 * DAY_MS, DAY_MS)
    vault.make()
    brought_back(vault, target)
    store = open_store(target)
    assert leases.acquire(store.db, "backup", "new", vault.clock.now_ms(), 1000) is not None
    assert leases.acquire(store.db, "reconcile", "new", vault.clock.now_ms(), 1000) is not None
    store.close()


def test_a_key_that_came_after_the_set_is_in_use_afterwards(vault: Vault, target: Path) -> None:
    name = vault.make().set_name
    fresh = new_key()
    restore(vault.place, name, [fresh, vault.key], str(target), target.parent, vault.clock)
    store = open_store(target)
    assert [key.recipient for key in backups.keys(store.db)] == [fresh.recipient, vault.key.recipient]
    store.close()


# --- which set ---


def test_the_newest_verified_set_is_meant_and_any_can_be_named(vault: Vault) -> None:
    names = [vault.make().set_name for _ in range(3)]
    assert choose(vault.place, "terbaru") == choose(vault.place, "latest") == names[-1]
    vault.file(names[-1], "verified.json").unlink()
    assert choose(vault.place, "terbaru") == names[-2]
    vault.file(names[-2], "manifest.json").unlink()
    assert choose(vault.place, "terbaru") == names[0]
    assert choose(vault.place, names[-1]) == names[-1]
    for wrong in ("kemarin", "../../etc", names[0][:-1]):
        with pytest.raises(BackupProblem, match="bukan nama cadangan"):
            choose(vault.place, wrong)
    vault.file(names[0], "verified.json").unlink()
    assert choose(vault.place, "terbaru") == names[-1], "better an unverified one than none"


def test_an_empty_folder_has_nothing_to_bring_back(vault: Vault) -> None:
    with pytest.raises(BackupProblem, match="tidak ada cadangan"):
        choose(vault.place, "terbaru")


# --- nothing is overwritten, nothing half ---


@pytest.mark.parametrize("end", ["", "-wal", "-shm"])
def test_nothing_that_stands_there_is_overwritten(vault: Vault, target: Path, end: str) -> None:
    vault.make()
    target.parent.mkdir()
    there = Path(f"{target}{end}")
    there.write_bytes(b"somebody's own")
    with pytest.raises(BackupProblem, match="sudah ada, dan tidak ditimpa"):
        brought_back(vault, target)
    assert there.read_bytes() == b"somebody's own"
    assert [each.name for each in target.parent.iterdir()] == [there.name]


def test_what_stood_there_is_moved_aside_whole(tmp_path: Path) -> None:
    path = tmp_path / "padan.db"
    store = open_store(path)
    identity.set_setting(store.db, "hanya", "di-wal")
    copies = {end: Path(f"{path}{end}").read_bytes() for end in ("", "-wal", "-shm")}
    store.close()
    for end, raw in copies.items():
        Path(f"{path}{end}").write_bytes(raw)  # as after a power cut
    aside = set_aside(path, 1_795_000_000_000)
    assert aside is not None and aside.name == "padan.db.sebelum-pulih-20261118T110640Z"
    assert not path.exists() and not Path(f"{path}-wal").exists()
    found = sqlite3.connect(aside)
    assert found.execute("select value from meta where name = 'hanya'").fetchone() == ("di-wal",)
    found.close()
    refuse_occupied(str(path))
    assert set_aside(path, 1_795_000_000_000) is None, "nothing there, nothing moved"


def test_a_database_in_use_is_not_moved_from_under_its_server(tmp_path: Path) -> None:
    open_store(tmp_path / "padan.db").close()
    words = (
        "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute('select 1 from log').fetchone(); input('x')"
    )
    program = [sys.executable, "-c", words, str(tmp_path / "padan.db")]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None and server.stdin is not None
        assert server.stdout.read(1) == b"x"
        with pytest.raises(StoreBusy):
            set_aside(tmp_path / "padan.db", 1)
        assert (tmp_path / "padan.db").exists()
        server.stdin.close()
    assert set_aside(tmp_path / "padan.db", 1) is not None


def test_a_damaged_database_can_be_moved_aside_too(tmp_path: Path) -> None:
    for end, raw in (("", b"rusak" * 1000), ("-wal", b"wal"), ("-shm", b"shm")):
        Path(f"{tmp_path / 'padan.db'}{end}").write_bytes(raw)
    aside = set_aside(tmp_path / "padan.db", 1)
    assert aside is not None
    assert sorted(each.name for each in tmp_path.iterdir()) == [aside.name, f"{aside.name}-shm", f"{aside.name}-wal"]


@pytest.mark.parametrize("what", ["snapshot.db.gz.age", "manifest.json", "blobs.txt.gz"])
def test_from_a_spoiled_set_nothing_comes(vault: Vault, target: Path, what: str) -> None:
    name = vault.make().set_name
    flip(vault.file(name, what), at=-15)
    with pytest.raises(SetDamaged):
        brought_back(vault, target, name)
    assert not target.exists()
    assert not target.parent.exists() or list(target.parent.iterdir()) == []


def test_the_wrong_key_brings_nothing(vault: Vault, target: Path) -> None:
    name = vault.make().set_name
    with pytest.raises(SetDamaged, match="kunci lain"):
        restore(vault.place, name, [new_key()], str(target), target.parent, vault.clock)
    assert not target.exists()


def test_a_full_disk_leaves_nothing_half(vault: Vault, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vault.make()
    usage = shutil.disk_usage(vault.plan.folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type(usage)(usage.total, usage.total - 1024, 1024))
    with pytest.raises(BackupProblem, match=r"perlu \d+ MiB, tersisa 0 MiB"):
        brought_back(vault, target)
    monkeypatch.undo()

    def full(path: Path) -> Any:
        return open("/dev/full", "wb", 1024)

    monkeypatch.setattr(age_files, "create", full)
    with pytest.raises(BackupProblem, match="No space left"):
        brought_back(vault, target)
    monkeypatch.undo()
    monkeypatch.setattr(os, "rename", _refused)
    with pytest.raises(OSError, match="no room"):
        brought_back(vault, target)
    monkeypatch.undo()
    assert not target.exists() and list(target.parent.iterdir()) == []
    brought_back(vault, target)
    assert target.exists()


def _refused(*_: Any) -> None:
    raise OSError("no room")


# --- older and newer ---


def test_a_backup_of_a_newer_version_is_refused_in_words(vault: Vault, target: Path) -> None:
    name = vault.make().set_name
    found = vault.place.manifest(name).manifest
    newer = replace(found, schema=[*found.schema, "0999_later"], program="9.9.9")
    vault.file(name, "manifest.json").write_bytes(newer.written(vault.key))
    with pytest.raises(BackupProblem, match=r"Padan 9.9.9 yang lebih baru \(0999_later\). Pasang versi itu"):
        brought_back(vault, target, name)
    assert not target.exists()


def test_a_set_that_lacks_later_migrations_gets_them(
    vault: Vault, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault.make()
    steps = (
        *migrations.STEPS,
        ("0998_more", ("create table more_of_it (name text primary key) strict",)),
    )
    monkeypatch.setattr(migrations, "STEPS", steps)
    done = brought_back(vault, target)
    assert done.migrated == ("0998_more",)
    store = open_store(target)
    assert "more_of_it" in store.db.tables()
    store.close()


# --- what lies beside ---


def test_the_record_of_who_opened_what_comes_back_and_overwrites_nothing(vault: Vault, target: Path) -> None:
    (vault.world.home / "access.log").write_text("satu\n")
    name = vault.make().set_name
    brought_back(vault, target)
    assert (target.parent / "access.log").read_text() == "satu\n"
    target.unlink()
    (target.parent / "access.log").write_text("lain\n")
    brought_back(vault, target)
    assert (target.parent / "access.log").read_text() == "lain\n"
    assert (target.parent / f"access.log.dari-{name}").read_text() == "satu\n"
    target.unlink()
    (target.parent / "access.log").write_text("satu\ndua\n")
    (target.parent / f"access.log.dari-{name}").unlink()
    brought_back(vault, target)
    assert sorted(each.name for each in target.parent.iterdir()) == ["access.log", "padan.db"]


def test_a_restore_into_postgresql(vault: Vault, tmp_path: Path, not_run: Any) -> None:
    """From whatever engine it was made, into the other."""
    if postgres.missing():
        not_run(postgres.missing())
    name = vault.make().set_name
    home = tmp_path / "home"
    with postgres.database(migrated=False) as address:
        restore(vault.place, name, [vault.key], address, home, vault.clock)
        store = open_store(address)
        assert events.count(store.db) == 16 and verify(store.db).broken == ()
        assert frozen(store.db) and durable(store.db) == vault.durable()
        keys = load_keys(store.db, vault.clock.now_ms())
        assert rebuild(store.db, keys, check=True, shuffle_seed=2, now_ms=1).identical
        store.close()
        with pytest.raises(BackupProblem, match="sudah berisi data"):
            restore(vault.place, name, [vault.key], address, home, vault.clock)
    assert list(home.iterdir()) == []
