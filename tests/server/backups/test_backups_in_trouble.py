"""A backup that can't be made: another is at it, the disk is full, the folder is not there. What was there stays."""

from __future__ import annotations

import errno
import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from backup_world import Vault

from server.backups import age_files
from server.backups.problem import BackupProblem
from server.flows import backup
from server.flows.backup import Busy, at_work
from server.store import leases, snapshots
from server.store.database import Store, StoreFull


def test_one_process_at_a_time_and_a_dead_one_blocks_nobody_for_long(vault: Vault) -> None:
    leases.acquire(vault.db, "backup", "another", vault.clock.now_ms(), 5 * 60_000)
    with pytest.raises(Busy, match="oleh proses lain"):
        vault.make()
    assert vault.place.names() == []
    vault.clock.advance_ms(5 * 60_000)
    vault.make()
    assert leases.acquire(vault.db, "backup", "another", vault.clock.now_ms(), 1000) is not None


def test_the_turn_is_kept_while_the_work_goes_on(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "HEARTBEAT_S", 0.02)
    with at_work(vault.world.store, vault.clock, "uji"):
        for _ in range(5):
            vault.clock.advance_ms(4 * 60_000)
            until = time.monotonic() + 5
            while vault.db.value("select until_ms from leases where name = 'backup'") < vault.clock.now_ms() + 250_000:
                assert time.monotonic() < until
                time.sleep(0.01)
            assert leases.acquire(vault.db, "backup", "another", vault.clock.now_ms(), 1000) is None


def test_who_lost_the_turn_records_nothing(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was stopped for an hour in the middle."""
    verify = backup.verify_set

    def slept(*args: Any, **kwargs: Any) -> Any:
        found = verify(*args, **kwargs)
        vault.clock.advance_ms(3_600_000)
        assert leases.acquire(vault.db, "backup", "another", vault.clock.now_ms(), 1000) is not None
        return found

    monkeypatch.setattr(backup, "verify_set", slept)
    with pytest.raises(Busy, match="tidak dihitung"):
        vault.make()
    assert vault.durable() is None


def test_what_a_cut_off_run_left_is_removed_by_the_next(vault: Vault) -> None:
    (vault.place.begin("20200101T000000Z-abcdef") / "snapshot.db.gz.age").write_bytes(b"half")
    vault.place.begin_blob("d" * 64).write_bytes(b"half")
    vault.plan.work.mkdir()
    (vault.plan.work / "snapshot.db").write_bytes(b"decrypted")
    assert vault.leftovers() != []
    vault.make()
    assert vault.leftovers() == []
    assert list(vault.place.stored_blobs()) == []


@pytest.mark.parametrize("where", ["snapshot.db", "snapshot.db.gz.age", "manifest.json", "verify.db"])
def test_a_full_disk_is_told_and_leaves_what_was_there(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    vault.make()
    before = (vault.place.names(), vault.durable())
    _full_disk_at(monkeypatch, where)
    with pytest.raises((BackupProblem, StoreFull), match=r"No space left|disk is full"):
        vault.make()
    monkeypatch.undo()
    assert vault.durable() == before[1]
    assert set(before[0]) <= set(vault.place.names())
    vault.make()
    assert vault.leftovers() == []


def test_too_little_room_is_said_before_anything_is_written(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(vault.plan.folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type(usage)(usage.total, usage.total - 1024, 1024))
    with pytest.raises(BackupProblem, match=r"perlu \d+ MiB, tersisa 0 MiB. Kosongkan tempat"):
        vault.make()
    assert vault.place.names() == [] and vault.leftovers() == []


def test_a_folder_that_is_not_ready_is_told_in_words(vault: Vault) -> None:
    vault.place.path.joinpath("kunci.age").rename(vault.place.path / "elsewhere")
    with pytest.raises(BackupProblem, match="berkas kunci tidak ada"):
        vault.make()
    vault.place.path.joinpath("padan-backup.json").write_text(json.dumps({"server_id": "another"}))
    with pytest.raises(BackupProblem, match="milik server lain"):
        vault.make()
    shutil.rmtree(vault.plan.folder)
    with pytest.raises(BackupProblem, match="Apakah diskanya terpasang"):
        vault.make()
    vault.db.run("delete from backup_keys")
    with pytest.raises(BackupProblem, match="padan backup init"):
        vault.make()


def test_the_stand_in_for_a_full_disk_strikes_where_it_should(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    _full_disk_at(monkeypatch, "no such file")
    vault.make()
    assert isinstance(vault.world.store, Store)


def _full_disk_at(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """Writing that one file ends with ENOSPC."""

    create = age_files.create

    class Full:
        def __init__(self, path: Path) -> None:
            self._file = create(path)

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self._file.close()

        def write(self, _: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self) -> None:
            self._file.close()

        def flush(self) -> None:
            self._file.flush()

        def fileno(self) -> int:
            return self._file.fileno()

    def created(path: Path) -> Any:
        return Full(path) if path.name == where else create(path)

    def no_copy(db: Any, path: Path, progress: Any = None) -> None:
        path.write_bytes(b"half")
        raise StoreFull(f"{path}: the disk is full; nothing of this step was written.")

    if where == "snapshot.db":
        monkeypatch.setattr(snapshots, "write_snapshot", no_copy)
    for module in (age_files, backup):
        monkeypatch.setattr(module, "create", created)
