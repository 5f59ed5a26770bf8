"""Opening a database, its transactions, and what happens when the disk is full or the file is not for us."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from engine_kit import nearly_full, only_sqlite

from server.flows.audit import verify
from server.store import events
from server.store import postgres as postgres_engine
from server.store.database import NewerDatabase, NotMigrated, NotOurs, Store, StoreBusy, StoreError, StoreFull
from server.store.identity import set_setting, setting
from server.store.migrations import known_names, migrate, open_store, pending


def test_a_new_database_is_durable_private_and_has_an_identity(tmp_path: Path) -> None:
    path = tmp_path / "padan.db"
    db = open_store(path).db
    pragmas = {
        name: db.value(f"pragma {name}") for name in ("journal_mode", "synchronous", "page_size", "foreign_keys")
    }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "page_size": 16_384, "foreign_keys": 1}
    assert path.stat().st_mode & 0o077 == 0
    server_id = setting(db, "server_id")
    assert open_store(path).db.value("select value from meta where name = 'server_id'") == server_id


@pytest.mark.parametrize(**only_sqlite)
def test_every_table_that_grows_is_strict_and_keyed_first_by_its_region(store: Store) -> None:
    apart = {
        "meta", "epochs", "known_households", "unreadable", "nik_claims", "nik_rows", "nik_queue", "server_keys",
        "officers", "enrolments", "installs", "install_officers", "staff", "access_tokens", "deposits", "forms",
        "imports", "reservations", "leases", "circuits", "quotas", "job_runs", "erased_subjects", "erased_items",
        "erased_files", "backups", "backup_keys", "backup_blobs", "restores", "unlock_codes",
        "form_retirements", "form_sheets", "install_forms",
        "blobs", "blob_names", "blob_uploads",
    }  # fmt: skip
    rows = store.db.all("select name, sql from sqlite_master where type = 'table' and name not like '_sqlite%'")
    for row in rows:
        if row["name"].startswith("sqlite_"):
            continue
        assert "strict" in row["sql"], row["name"]
        key = {column["pk"]: column["name"] for column in store.db.all(f"pragma table_info({row['name']})")}
        assert (key[1] == "home_region") != (row["name"] in apart), row["name"]


def test_a_failed_transaction_leaves_nothing_and_a_failed_inner_one_only_itself(store: Store) -> None:
    db = store.db
    with pytest.raises(ZeroDivisionError), db.transaction():
        set_setting(db, "one", "1")
        raise ZeroDivisionError
    assert setting(db, "one") is None
    with db.transaction():
        set_setting(db, "one", "1")
        with pytest.raises(ZeroDivisionError), db.transaction():
            set_setting(db, "two", "2")
            raise ZeroDivisionError
    assert (setting(db, "one"), setting(db, "two")) == ("1", None)


def test_two_writers_that_read_first_wait_for_each_other(store: Store) -> None:
    """A deferred BEGIN would fail at once here: its snapshot is old when it wants to write."""
    set_setting(store.db, "n", "0")

    def add() -> None:
        for _ in range(25):
            with store.db.transaction():
                set_setting(store.db, "n", str(int(setting(store.db, "n") or 0) + 1))
        store.release()

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert setting(store.db, "n") == "100"


def test_a_writer_that_waits_too_long_is_told_to_try_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Store(store.address)
    with other.db.transaction():
        if store.engine == "sqlite":
            store.db.run("pragma busy_timeout = 10")
        else:
            monkeypatch.setattr(postgres_engine, "_BEGIN", postgres_engine._BEGIN.replace("10000", "10"))
        with pytest.raises(StoreBusy, match="try again"), store.db.transaction():
            pass
    other.close()
    with store.db.transaction():
        set_setting(store.db, "free", "again")


def test_each_thread_has_a_connection_of_its_own(store: Store) -> None:
    seen: list[Any] = [store.db, store.db]
    thread = threading.Thread(target=lambda: seen.append(store.db))
    thread.start()
    thread.join()
    assert seen[0] is seen[1]
    assert seen[2] is not seen[0]


def test_a_full_disk_loses_nothing_and_says_so(world: Any) -> None:
    world.push(world.sealed(world.uuid(), {"address": "x"}))
    db = world.db
    stored = 1
    with nearly_full(db, 7):
        with pytest.raises(StoreFull, match=r"nothing of this step was written"):
            for _ in range(50):
                world.push(*[world.sealed(world.uuid(), {"address": "x" * 2_000}) for _ in range(5)])
                stored += 5
        assert not db.in_transaction
        assert events.count(db) == stored == db.value("select count(*) from log")
        assert verify(db).broken == ()
    assert world.push(world.sealed(world.uuid(), {"address": "x"}))[0].receipt.position == stored + 1


def test_a_newer_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "padan.db"
    store = open_store(path)
    store.db.run(
        "insert into _sqlite_migrations (migration_set, name, applied_at) values ('padan', '0999_later', '2030-01-01')"
    )
    store.close()
    before = path.read_bytes()
    for open_it in (lambda: open_store(path), lambda: open_store(path, upgrade=False)):
        with pytest.raises(NewerDatabase, match=r"0999_later.*Install that version"):
            open_it()
    assert path.read_bytes() == before


def test_an_older_database_waits_for_migrate(tmp_path: Path) -> None:
    path = tmp_path / "padan.db"
    store = Store(path)
    assert pending(store) == known_names()
    store.close()
    with pytest.raises(NotMigrated, match="padan migrate"):
        open_store(path, upgrade=False)
    store = Store(path)
    assert migrate(store) == known_names()
    assert migrate(store) == []


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import server.store.migrations as module

    path = tmp_path / "padan.db"
    monkeypatch.setattr(module, "STEPS", (*module.STEPS, ("9999_broken", ("create table log (x text)",))))
    with pytest.raises(sqlite3.OperationalError):
        open_store(path)
    monkeypatch.undo()
    store = Store(path)
    assert store.db.all("select name from sqlite_master") == []
    assert migrate(store) == known_names()


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    theirs = sqlite3.connect(path)
    theirs.execute("create table t (x)")
    theirs.commit()
    theirs.close()
    with pytest.raises(NotOurs):
        open_store(path)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    path.write_text("Daftar belanja " * 100)
    with pytest.raises(NotOurs):
        open_store(path)
    assert path.read_text().startswith("Daftar belanja")


def test_a_missing_folder_or_database_is_told(tmp_path: Path) -> None:
    with pytest.raises((StoreError, FileNotFoundError)):
        open_store(tmp_path / "nowhere" / "padan.db")
    with pytest.raises(FileNotFoundError, match="padan migrate"):
        open_store(tmp_path / "padan.db", create=False)
