"""What only PostgreSQL has: a connection that can be cut, SQL that is translated, an order that must be SQLite's."""

from __future__ import annotations

import threading
from typing import Any

import postgres
import pytest

from server.address import shown
from server.store.database import NotOurs, Store, StoreBusy, StoreUnreachable
from server.store.identity import set_setting, setting
from server.store.migrations import known_names, migrate, open_store, pending
from server.store.postgres import _definition, _translated

only_postgres = pytest.mark.parametrize("engine", ["postgres"], indirect=True)


def test_names_of_parameters_are_translated_and_nothing_else() -> None:
    sql = "select a::text, '%' from t where b = :b1 and c = :c_2 and d like '10:30%'"
    assert _translated(sql) == "select a::text, '%%' from t where b = %(b1)s and c = %(c_2)s and d like '10:30%%'"


def test_tables_get_the_types_that_order_and_compare_as_sqlite_does() -> None:
    made = _definition("create table t (a text not null, n integer, b blob, primary key (a)) strict, without rowid")
    assert made == 'create table t (a text collate "C" not null, n bigint, b bytea, primary key (a))'
    assert _definition("create index i on t (a) where a <> ''") == "create index i on t (a) where a <> ''"


def test_a_password_is_never_shown() -> None:
    assert (
        shown("postgresql://padan:rahasia@db.desa:5433/padan?sslmode=require")
        == "postgresql://padan@db.desa:5433/padan"
    )
    assert shown("/var/lib/padan/padan.db") == "/var/lib/padan/padan.db"


@only_postgres
def test_a_connection_that_was_cut_is_replaced_and_what_was_committed_is_there(store: Store) -> None:
    set_setting(store.db, "one", "1")
    before = store.db
    _cut(store)
    with pytest.raises(StoreUnreachable, match=r"does not answer.*can be sent again"):
        setting(store.db, "one")
    assert setting(store.db, "one") == "1"
    assert store.db is not before


@only_postgres
def test_a_transaction_that_was_cut_leaves_nothing_and_the_lock_is_free(store: Store) -> None:
    with pytest.raises(StoreUnreachable), store.db.transaction():
        set_setting(store.db, "one", "1")
        _cut(store)
        set_setting(store.db, "two", "2")
    with store.db.transaction():
        assert (setting(store.db, "one"), setting(store.db, "two")) == (None, None)


@only_postgres
def test_a_commit_that_was_cut_is_unreachable_not_done(store: Store) -> None:
    with pytest.raises(StoreUnreachable), store.db.transaction():
        set_setting(store.db, "one", "1")
        _cut(store)
    assert setting(store.db, "one") is None


@only_postgres
def test_a_snapshot_sees_one_state_while_others_write(store: Store) -> None:
    set_setting(store.db, "n", "1")
    with store.db.snapshot():
        assert setting(store.db, "n") == "1"
        _in_a_thread(store, lambda: set_setting(store.db, "n", "2"))
        assert setting(store.db, "n") == "1"
        assert [row["value"] for row in store.db.stream("select value from meta where name = 'n'")] == ["1"]
    assert setting(store.db, "n") == "2"


@only_postgres
def test_two_that_bring_a_new_database_up_to_date_at_once_do_no_harm(engine: str) -> None:
    with postgres.database(migrated=False) as address:
        errors: list[BaseException] = []

        def bring() -> None:
            try:
                open_store(address).close()
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=bring) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        store = Store(address)
        assert (pending(store), migrate(store)) == ([], [])
        applied = [row["name"] for row in store.db.all("select name from _padan_migrations order by name")]
        assert applied == known_names()
        assert store.db.value("select count(*) from epochs") == 1
        store.close()


@only_postgres
def test_a_database_of_another_program_is_refused(engine: str) -> None:
    with postgres.database(migrated=False) as address:
        store = Store(address)
        store.db.run("create table theirs (a integer)")
        with pytest.raises(NotOurs, match="empty one of its own"):
            open_store(address)
        assert store.db.tables() == ["theirs"]
        store.close()


@only_postgres
def test_a_server_that_is_not_there_is_said_in_words(engine: str, tmp_path: Any) -> None:
    with pytest.raises(StoreUnreachable, match="Does it run"):
        open_store(f"postgresql://padan:rahasia@/padan?host={tmp_path}")
    assert issubclass(StoreUnreachable, StoreBusy), "a tablet is told to come back"


def test_texts_are_ordered_as_bytes_whatever_the_engine(store: Store) -> None:
    """A locale's order would put "é" beside "e" and forget hyphens; feeds, ranges of areas and minima need bytes."""
    texts = ["a", "B", "é", "e", "z", "a-b", "ab", "a.b", "a/b", "19.03.", "19.03/", "19.030", "", " "]
    for text in texts:
        set_setting(store.db, f"order {text}", text)
    found = [row[0] for row in store.db.all("select value from meta where name like 'order %' order by value")]
    assert found == sorted(texts, key=lambda text: text.encode())
    assert store.db.value("select min(value) from meta where name like 'order %' and value > 'a'") == "a-b"
    inside = "select value from meta where value >= '19.03.' and value < '19.03/' order by value"
    assert [row[0] for row in store.db.all(inside)] == ["19.03."]


def test_a_row_is_read_by_name_by_place_and_as_values(store: Store) -> None:
    row = store.db.one("select 'x' as name, 1 as n, 2 as m")
    assert row is not None
    assert (row["name"], row[1], row["m"], tuple(row), list(row.keys())) == ("x", 1, 2, ("x", 1, 2), ["name", "n", "m"])
    with pytest.raises((IndexError, KeyError)):
        row["nothing"]


def test_bytes_whole_numbers_and_truth_come_back_as_they_were(store: Store) -> None:
    raw, big = bytes(range(256)), 2**53
    store.db.run(
        "insert into unreadable (sha256, bytes, reason, detail, received_ms) values (:a, :b, 'r', 'd % :x', :n)",
        {"a": "0" * 64, "b": raw, "n": big},
    )
    row = store.db.one("select bytes, received_ms, detail from unreadable")
    assert row is not None
    assert (row["bytes"], row["received_ms"], row["detail"]) == (raw, big, "d % :x")
    officer = "insert into officers (officer, name, scopes, active, created_ms) values ('a', 'A', '[]', :t, 0)"
    store.db.run(officer, {"t": True})
    assert store.db.value("select active from officers") == 1


def _cut(store: Store) -> None:
    """End the connection of this thread from outside."""
    number = store.db.value("select pg_backend_pid()")
    _in_a_thread(store, lambda: store.db.value("select pg_terminate_backend(:n, 5000)", {"n": number}))


def _in_a_thread(store: Store, do: Any) -> None:
    def run() -> None:
        do()
        store.release()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
