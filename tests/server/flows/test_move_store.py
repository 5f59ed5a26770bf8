"""`padan migrate-store`: a running campaign goes to another engine whole, and the old database takes nothing more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import postgres
import pytest
from click.testing import CliRunner, Result
from server_world import World

from server.cli import command_named
from server.commands._opening import open_server
from server.flows import move_store
from server.flows.audit import verify
from server.flows.move_store import move, moved_to, reopen
from server.store import events, identity
from server.store.copying import digests
from server.store.database import Store, StoreError, StoreMoved
from server.store.migrations import open_store


@pytest.fixture
def target(world: Any, tmp_path: Path, not_run: Any) -> Iterator[Store]:
    """An empty database of the other engine."""
    if world.store.engine == "postgres":
        found = open_store(tmp_path / "target.db")
        yield found
        found.close()
        return
    if postgres.missing():
        not_run(postgres.missing())
    with postgres.database() as address:
        found = open_store(address)
        yield found
        found.close()


@pytest.fixture
def campaign(world: Any, person: Any) -> Any:
    """Events of several kinds, folded, one waiting, one unreadable, one held."""
    for number in range(6):
        household = world.uuid()
        key = f"{household}/{world.uuid()}"
        world.push(
            world.sealed(household, {"address": f"Jl. Ångström {number}"}, {key: person(nik="1903014107900001")})
        )
    world.push(b'{"nothing": "of ours"}')
    world.push(world.sealed(world.uuid(), {"address": "luar"}, area="19.05.01.1001"))
    world.fold()
    world.push(world.sealed(world.uuid(), {"address": "menunggu"}))
    return world


def test_everything_is_there_and_the_same_on_the_other_engine(campaign: Any, target: Store) -> None:
    before = digests(campaign.db)
    outcome = move(campaign.store, target, campaign.now_ms)
    assert outcome.good and outcome.rows > 40
    after = digests(target.db)
    assert {name for name in before if before[name] != after[name]} <= {
        "fold_queue", "households", "feed_heads", "nik_claims", "nik_queue", "nik_rows", "log_heads", "cases"
    }, "only what was folded before the copy differs"  # fmt: skip
    assert identity.server_id(target.db) == identity.server_id(campaign.db)
    assert verify(target.db).heads == verify(campaign.db).heads
    again = World(target, seed=5, home=campaign.home)
    answer = again.push(again.sealed(again.uuid(), {"address": "baru"}))[0]
    assert answer.receipt is not None and answer.receipt.position == events.count(campaign.db) + 1


def test_the_old_database_takes_nothing_any_more_whoever_still_has_it_open(campaign: Any, target: Store) -> None:
    move(campaign.store, target, campaign.now_ms)
    with pytest.raises(StoreMoved, match="moved to another database"):
        campaign.push(campaign.sealed(campaign.uuid(), {"address": "terlambat"}))
    assert moved_to(campaign.db) == str(target)
    with pytest.raises(StoreError, match="was moved to"):
        move(campaign.store, target, campaign.now_ms)
    reopen(campaign.store)
    assert campaign.push(campaign.sealed(campaign.uuid(), {"address": "kembali"}))[0].status == "stored"


def test_a_move_that_was_cut_off_is_run_again(campaign: Any, target: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    class Cut(Exception):
        pass

    def cut(*_: Any, **__: Any) -> None:
        raise Cut

    monkeypatch.setattr(move_store, "copy_all", cut)
    with pytest.raises(Cut):
        move(campaign.store, target, campaign.now_ms)
    monkeypatch.undo()
    monkeypatch.setattr(move_store, "rebuild", cut)
    with pytest.raises(Cut):
        move(campaign.store, target, campaign.now_ms)
    assert moved_to(campaign.db) is None
    monkeypatch.undo()
    assert move(campaign.store, target, campaign.now_ms).good


def test_what_is_not_the_same_is_named_and_the_old_database_goes_on(campaign: Any, target: Store) -> None:
    other = World(target, seed=9, home=campaign.home)
    other.push(other.sealed(other.uuid(), {"address": "punya orang lain"}))
    outcome = move(campaign.store, target, campaign.now_ms)
    assert not outcome.good and {"log", "meta", "parts"} <= set(outcome.differing)
    assert campaign.push(campaign.sealed(campaign.uuid(), {"address": "jalan terus"}))[0].status == "stored"


def test_by_command_with_a_way_back(campaign: Any, target: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in campaign.environ().items():
        monkeypatch.setenv(name, value)

    def padan(*words: str) -> Result:
        return CliRunner().invoke(click.Group("padan", commands=[command_named("migrate-store")]), list(words))

    assert padan("migrate-store", target.address).exit_code == 1, "asked, and nobody said yes"
    done = padan("migrate-store", target.address, "--yes")
    assert done.exit_code == 0 and "Sama di kedua sisi" in done.stdout, done.output
    with pytest.raises(StoreMoved, match="PADAN_DATABASE"):
        open_server()
    assert padan("migrate-store", target.address, "--undo").exit_code == 0
    open_server().store.close()
