"""A backup is made while the server works, each photo once, and counts only when it was read back and found whole."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from backup_world import PASSPHRASE, Photos, Vault, flip
from server_world import VILLAGE, World

from server.backups import folder as folder_module
from server.backups.age_files import decrypt_file, new_key, unlock_keys
from server.backups.problem import SetDamaged
from server.flows import backup, backup_verify
from server.store import backups, events, identity, snapshots
from server.store.migrations import known_names, open_store


def test_a_backup_is_verified_and_becomes_the_watermark(vault: Vault) -> None:
    assert vault.durable() is None
    done = vault.make()
    _, epoch = identity.current_epoch(vault.db)
    assert vault.durable() == {"epoch": epoch, "positions": {"19.03": 16}}
    assert (done.checked.folded > 0, done.checked.manifest.counts["events"]) == (True, 16)
    assert vault.leftovers() == []
    vault.filled(3)
    assert vault.durable() == {"epoch": epoch, "positions": {"19.03": 16}}, "what came later is in no backup"
    vault.make()
    assert vault.durable() == {"epoch": epoch, "positions": {"19.03": 20}}


def test_what_is_in_the_set_is_the_whole_database(vault: Vault, tmp_path: Path) -> None:
    done = vault.make(full=True)
    decrypt_file(vault.file(done.set_name), tmp_path / "out.db", [vault.key], packed=True)
    copy = open_store(tmp_path / "out.db")
    for table in ("log", "parts", "filings", "households", "server_keys", "installs", "forms", "cases", "nik_rows"):
        assert copy.db.value(f"select count(*) from {table}") == vault.db.value(f"select count(*) from {table}"), table
    assert snapshots.extent(copy.db) == snapshots.extent(vault.db)
    assert backups.keys(copy.db) == backups.keys(vault.db), "a restored server goes on backing up"
    copy.close()


def test_the_files_tell_nothing_about_anybody(vault: Vault) -> None:
    done = vault.make()
    manifest = vault.manifest(done.set_name)
    assert manifest["positions"].values() and manifest["schema"] == known_names()
    for path in vault.place.path.rglob("*"):
        if path.is_file():
            raw = path.read_bytes()
            assert b"WARGA" not in raw and b"Mawar" not in raw and b"1903015507" not in raw, path
            assert path.stat().st_mode & 0o077 == 0, path


def test_writers_go_on_while_a_backup_is_made(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """The longest wait of a push during the copy, and during all that comes after it, stays short."""
    world, waits, over = vault.world, [], threading.Event()

    def push_on() -> None:
        while not over.is_set():
            began = time.monotonic()
            world.push(world.sealed(world.uuid(), {"address": "Jl. Sibuk"}))
            waits.append(time.monotonic() - began)
        world.store.release()

    slow = snapshots.extent

    def slowly(db: Any) -> Any:
        time.sleep(0.2)
        return slow(db)

    monkeypatch.setattr(snapshots, "extent", slowly)
    thread = threading.Thread(target=push_on)
    thread.start()
    while len(waits) < 5:
        time.sleep(0.01)
    done = vault.make()
    over.set()
    thread.join()
    assert len(waits) > 20 and max(waits) < 2.0
    covered = vault.manifest(done.set_name)["counts"]["events"]
    assert 16 < covered < events.count(vault.db)


def test_beginning_the_wal_anew_does_not_wait_long_for_a_backup_that_reads(tmp_path: Path) -> None:
    store = open_store(tmp_path / "padan.db")
    reader = sqlite3.connect(tmp_path / "padan.db", isolation_level=None)
    reader.execute("begin")
    reader.execute("select count(*) from log").fetchone()
    identity.set_setting(store.db, "a", "b")
    began = time.monotonic()
    store.db.checkpoint(restart=True)
    assert time.monotonic() - began < 1.0
    assert store.db.value("pragma busy_timeout") == 10_000
    reader.close()
    store.close()


def test_each_photo_is_encrypted_once_and_listed_by_every_set(vault: Vault) -> None:
    vault.photos = Photos(b"rumah", b"kartu" * 100_000)
    first = vault.make()
    assert (first.blobs_new, first.blobs_lacking, sorted(vault.photos.read)) == (2, 0, sorted(vault.photos.kept))
    before = {sha256: path.stat().st_mtime_ns for sha256, path in vault.place.stored_blobs()}
    vault.photos.read.clear()
    extra = Photos(b"atap")
    vault.photos.kept |= extra.kept
    second = vault.make()
    assert (second.blobs_new, vault.photos.read) == (1, list(extra.kept))
    after = {sha256: path.stat().st_mtime_ns for sha256, path in vault.place.stored_blobs()}
    assert {sha256: after[sha256] for sha256 in before} == before
    assert second.checked.blobs == 3
    assert backups.durable_blobs(vault.db, sorted(vault.photos.kept)) == set(vault.photos.kept)
    assert backups.durable_blobs(vault.db, ["0" * 64]) == set()


def test_a_photo_that_the_server_lost_costs_no_backup_and_is_not_called_safe(vault: Vault) -> None:
    vault.photos = Photos(b"rumah", b"kartu")
    gone, wrong = sorted(vault.photos.kept)
    del vault.photos.kept[gone]
    vault.photos.lost.add(gone)
    vault.photos.kept[wrong] = b"not what its name says"
    done = vault.make()
    assert (done.blobs_new, done.blobs_lacking, done.checked.blobs) == (0, 2, 0)
    assert backups.durable_blobs(vault.db, [gone, wrong]) == set()
    assert vault.durable() is not None
    assert list(vault.place.stored_blobs()) == []


def test_a_photo_that_is_damaged_in_the_folder_is_written_again(vault: Vault) -> None:
    vault.photos = Photos(b"rumah", b"kartu")
    vault.make()
    hurt, whole = sorted(vault.photos.kept)
    vault.place.blob_path(hurt).write_bytes(b"cut")
    done = vault.make()
    assert (done.blobs_new, done.checked.spoiled) == (1, ())
    flip(vault.place.blob_path(hurt))
    again = vault.make(full=True)
    assert again.checked.spoiled == (hurt,) and again.blobs_lacking == 1, "same size: seen when every byte is read"
    assert backups.durable_blobs(vault.db, [hurt, whole]) == {whole}
    last = vault.make(full=True)
    assert last.checked.spoiled == ()
    assert backups.durable_blobs(vault.db, [hurt, whole]) == {hurt, whole}


def test_photos_that_a_restored_server_does_not_know_are_read_before_they_count(vault: Vault) -> None:
    vault.photos = Photos(b"rumah", b"kartu")
    vault.make()
    hurt, whole = sorted(vault.photos.kept)
    backups.forget_blobs(vault.db, [hurt, whole])
    flip(vault.place.blob_path(hurt))
    vault.photos.read.clear()
    done = vault.make()
    assert (vault.photos.read, done.blobs_new) == ([hurt], 1)
    assert backups.durable_blobs(vault.db, [hurt, whole]) == {hurt, whole}


def test_a_set_is_named_before_it_is_verified_but_does_not_count_unless_it_is(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spoiled between the writing and the reading back: told, not recorded, not told to any tablet."""
    publish = folder_module.BackupFolder.publish

    def spoiled(place: Any, name: str) -> Path:
        path = publish(place, name)
        flip(path / "snapshot.db.gz.age")
        return path

    monkeypatch.setattr(folder_module.BackupFolder, "publish", spoiled)
    with pytest.raises(SetDamaged):
        vault.make()
    assert vault.durable() is None and vault.states() == {} and vault.leftovers() == []
    (name,) = vault.place.names()
    assert not vault.place.is_marked_verified(name)
    monkeypatch.undo()
    vault.make()
    assert vault.durable() is not None


def test_a_database_that_is_not_what_its_log_says_is_not_called_safe(vault: Vault) -> None:
    """The copy is good and the database is not: its backup would bring the damage back."""
    vault.db.run(
        "update households set state = 'listed' where household_id = (select min(household_id) from households)"
    )
    with pytest.raises(SetDamaged, match="bukan yang dikatakan buku besar"):
        vault.make(full=True)
    assert vault.durable() is None


def test_a_hole_in_the_log_is_seen(vault: Vault) -> None:
    vault.db.run("delete from log where position = 5")
    with pytest.raises(SetDamaged, match="baris buku besar yang hilang"):
        vault.make()


def test_a_changed_hash_in_the_log_is_seen_by_the_full_proof(vault: Vault) -> None:
    vault.db.run("update parts set content = :content where position = 5 and name = 'h'", {"content": b"{}"})
    with pytest.raises(SetDamaged, match="buku besar rusak"):
        vault.make(full=True)


def test_a_record_that_waits_to_be_folded_is_no_damage(vault: Vault) -> None:
    vault.world.push(vault.world.sealed(vault.world.uuid(), {"address": "belum diolah"}))
    done = vault.make(full=True)
    assert done.checked.manifest.counts["events"] == 17


def test_another_servers_set_is_not_ours(vault: Vault, tmp_path: Path) -> None:
    """Somebody encrypts a database of his own for our public key and lays it into our folder."""
    theirs = World(open_store(tmp_path / "theirs.db"), seed=9, home=tmp_path / "theirs")
    theirs.home.mkdir()
    forger = Vault(theirs, tmp_path / "folder-of-theirs")
    forger.key = type(vault.key)(vault.key.recipient, new_key().identity)
    backups.add_key(theirs.db, forger.key.recipient, forger.key.identity, 2)
    forger.clock.set_ms(vault.clock.now_ms() + 1000)
    with pytest.raises(SetDamaged):
        forger.filled(2).make()
    (name,) = forger.place.names()
    shutil.copytree(forger.place.set_path(name), vault.place.sets / name)
    with pytest.raises(SetDamaged, match="diubah, atau dibuat dengan kunci lain"):
        backup_verify.verify_set(vault.place, name, [vault.key], tmp_path, live=vault.db)
    theirs.store.close()


def test_a_log_that_is_not_a_piece_of_the_live_one_is_refused(vault: Vault, tmp_path: Path) -> None:
    done = vault.make()
    work = tmp_path / "work"
    work.mkdir()
    assert backup_verify.verify_set(vault.place, done.set_name, [vault.key], work, live=vault.db).folded
    vault.db.run("update log set chain = :x where position = 16", {"x": b"another"})
    with pytest.raises(SetDamaged, match="bukan rantai basis data ini"):
        backup_verify.verify_set(vault.place, done.set_name, [vault.key], work, live=vault.db)
    assert list(work.iterdir()) == []


def test_after_a_new_key_old_sets_open_with_the_old_one(vault: Vault, tmp_path: Path) -> None:
    first = vault.make()
    fresh = new_key()
    backups.add_key(vault.db, fresh.recipient, fresh.identity, vault.clock.now_ms())
    second = vault.make()
    keys = backup.backup_keys(vault.db)
    assert [key.recipient for key in keys] == [fresh.recipient, vault.key.recipient]
    assert vault.manifest(second.set_name)["recipient"] == fresh.recipient
    for name in (first.set_name, second.set_name):
        assert backup_verify.verify_set(vault.place, name, keys, tmp_path).manifest.set == name
    with pytest.raises(SetDamaged):
        backup_verify.verify_set(vault.place, first.set_name, [fresh], tmp_path)


def test_the_key_file_and_the_folder_are_enough(world: World, tmp_path: Path) -> None:
    """As on a new machine: nothing of the old one but the folder and the passphrase."""
    vault = Vault(world, tmp_path / "cadangan", key_file=True).filled(2)
    done = vault.make()
    keys = unlock_keys(vault.place.locked_keys(), PASSPHRASE)
    checked = backup_verify.verify_set(vault.place, done.set_name, keys, tmp_path)
    assert checked.manifest.counts["households"] == 2


def test_the_record_of_who_opened_what_is_in_the_set(vault: Vault, tmp_path: Path) -> None:
    (vault.world.home / "access.log").write_text('{"staff": "pengawas"}\n')
    done = vault.make()
    decrypt_file(vault.file(done.set_name, "access.log.gz.age"), tmp_path / "log", [vault.key], packed=True)
    assert (tmp_path / "log").read_text() == '{"staff": "pengawas"}\n'


def test_a_deleted_row_leaves_no_trace_in_the_copy(tmp_path: Path) -> None:
    """What was erased lies on in the free pages of a database file; a backup must not carry it away."""
    store = open_store(tmp_path / "padan.db")
    store.db.value("pragma secure_delete = off")
    for number in range(200):
        identity.set_setting(store.db, f"x{number}", f"RAHASIA {number} " * 100)
    for number in range(200):
        identity.drop_setting(store.db, f"x{number}")
    store.db.checkpoint()
    assert b"RAHASIA" in (tmp_path / "padan.db").read_bytes()
    snapshots.write_snapshot(store.db, tmp_path / "copy.db")
    assert b"RAHASIA" not in (tmp_path / "copy.db").read_bytes()
    store.close()


def test_positions_of_earlier_epochs_are_told_as_well(vault: Vault) -> None:
    _, first = identity.current_epoch(vault.db)
    second = identity.begin_epoch(vault.db, vault.clock.now_ms(), "restore")
    vault.world.push(vault.world.sealed(vault.world.uuid(), {"address": "baru"}))
    vault.world.push(
        vault.world.sealed(vault.world.uuid(), {"address": "baru"}, home_region="19.05", area="19.05.01.1001")
    )
    vault.world.fold()
    vault.make()
    told = vault.durable()
    assert told is not None
    assert told["epoch"] == second
    assert told["earlier"] == {first: {"19.03": 16}}
    assert told["positions"]["19.03"] == 17 and told["positions"]["19.05"] >= 1
    assert VILLAGE.startswith("19.03")


def test_a_fold_of_the_sample_reads_the_copy_and_not_the_live_database(vault: Vault) -> None:
    done = vault.make()
    digest = hashlib.sha256(vault.file(done.set_name).read_bytes()).hexdigest()
    assert digest == vault.manifest(done.set_name)["files"]["snapshot"]["sha256"]
    vault.db.run("delete from households")
    work = vault.world.home / "work"
    work.mkdir()
    assert (
        backup_verify.verify_set(vault.place, done.set_name, [vault.key], work, live=vault.db, full=True).folded == 12
    )
