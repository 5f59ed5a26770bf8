"""What stands in the registry is what our receipts say, also after a restore from an old backup."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from delivery_world import NIKS, REGION, Delivering
from engine_kit import copied

from server.auth.keys import load_keys
from server.flows import deliver, reconcile
from server.flows.reconcile import CLEAN, DIFFERENT, NO_ANSWER, Reconciled
from server.store import events, identity, outbox, reservations, standings
from server.store.database import Store
from sync.reconcile import Differences


def compare(scene: Delivering, **how: Any) -> Reconciled:
    adapter = scene.adapter()
    (found,) = reconcile.reconcile(scene.db, scene.dispatch, adapter, **how)
    scene.world.fold()
    return found


@contextmanager
def restored(scene: Delivering, store: Store) -> Iterator[Delivering]:
    """The server as it comes up from a backup: another epoch, the same keys, the same registry."""
    with store.db.transaction():
        identity.begin_epoch(store.db, scene.clock.now_ms(), "restore")
    world = scene.world
    old_store, old_keys = world.store, world.keys
    world.store, world.keys = store, load_keys(store.db, 0)
    try:
        yield replace(scene, dispatch=replace(scene.dispatch, keys=world.keys))
    finally:
        world.store, world.keys = old_store, old_keys


Backups = Callable[[Delivering], Store]


@pytest.fixture
def backup_of(tmp_path: Path) -> Iterator[Backups]:
    with ExitStack() as kept:
        yield lambda scene: kept.enter_context(copied(scene.world.store, tmp_path))


def test_after_deliveries_and_withdrawals_both_sides_say_the_same(scene: Delivering) -> None:
    first, _, _ = scene.two_linked()
    scene.run()
    scene.ratify(first)
    scene.run()
    found = compare(scene)
    assert (found.outcome, found.ours, found.theirs) == (CLEAN, 1, 1)


def test_what_stands_and_its_places_are_made_again_from_receipts_alone(scene: Delivering) -> None:
    scene.two_linked()
    scene.run()
    third = scene.ratified(NIKS[4], None)
    scene.run()
    before = {each: standings.of(scene.db, REGION, [each]) for each in scene.persons}
    places = {each: reservations.held_by(scene.db, REGION, each) for each in scene.persons}
    assert len(places[third]) == 2
    for table in ("standings", "reservations"):
        scene.db.run(f"delete from {table}")
    assert reconcile.rebuild_from_receipts(scene.db, scene.dispatch, REGION) == 2
    assert {each: standings.of(scene.db, REGION, [each]) for each in scene.persons} == before
    assert {each: reservations.held_by(scene.db, REGION, each) for each in scene.persons} == places


def test_a_restored_server_sends_nothing_until_it_knows_what_stands(scene: Delivering, backup_of: Backups) -> None:
    ids = [scene.ratified(NIKS[number]) for number in range(3)]
    backup = backup_of(scene)
    scene.run()
    applied = scene.applications()
    refs = {scene.ref_of_receipt(each) for each in ids}
    keys = {row.idempotency_key for each in ids for row in outbox.of_household(scene.db, REGION, each)}
    with restored(scene, backup) as again:
        assert deliver.overview(again.db, "registry").frozen
        again.run()
        assert again.applications() == applied
        assert outbox.counts(again.db) == {}
        found = compare(again)
        assert (found.outcome, found.learned) == (CLEAN, 3)
        assert not deliver.overview(again.db, "registry").frozen
        assert {again.state(each) for each in ids} == {"accepted"}
        again.run()
        assert again.applications() == applied, "each stands already"
        receipts = [event for each in ids for event in events.filed_under(again.db, REGION, each, ["receipt"])]
        assert {event.head["body"]["idempotency_key"] for event in receipts} == keys
        assert {again.ref_of_receipt(each) for each in ids} == refs, "the very same receipts"


def test_a_restored_server_goes_on_from_the_registrys_version(scene: Delivering, backup_of: Backups) -> None:
    household = scene.ratified(NIKS[0])
    backup = backup_of(scene)
    scene.run()
    with restored(scene, backup) as again:
        compare(again)
        again.visit(household, {"address": "Jl. Melati"})
        again.ratify(household)
        again.run()
        assert again.applications() == [(household, 1, "deliver"), (household, 2, "deliver")]


def test_a_correction_that_the_backup_lacks_is_not_undone_by_the_restored_server(
    scene: Delivering, backup_of: Backups
) -> None:
    household = scene.ratified(NIKS[0])
    scene.run()
    backup = backup_of(scene)
    scene.visit(household, {"address": "Jl. Melati"})
    scene.ratify(household)
    scene.run()
    everything = events.filed_under(scene.db, REGION, household)
    with restored(scene, backup) as again:
        found = compare(again)
        assert (found.outcome, found.left) == (DIFFERENT, Differences(newer_there=(household,)))
        assert deliver.overview(again.db, "registry").frozen
        again.run()
        assert again.applications() == [(household, 1, "deliver"), (household, 2, "deliver")]
        # The tablets hand back what they were sent, receipts included.
        for event in everything:
            if event.kind in ("submission", "review", "ratification", "receipt"):
                (answer,) = again.world.push(json.loads(json.dumps(event.envelope())))
                assert answer.status in ("stored", "duplicate"), answer
        again.world.fold()
        assert compare(again).outcome == CLEAN
        again.run()
        assert again.standing() == {household: 2}
        assert len(again.applications()) == 2
        assert again.state(household) == "accepted"


def test_an_operator_may_take_what_stands_and_only_what_is_ratified_anew_is_sent_on_top(
    scene: Delivering, backup_of: Backups
) -> None:
    household = scene.ratified(NIKS[0])
    scene.run()
    backup = backup_of(scene)
    scene.visit(household, {"address": "Jl. Melati"})
    scene.ratify(household)
    scene.run()
    with restored(scene, backup) as again:
        compare(again)
        assert compare(again, accept=True).learned == 1
        again.run()
        assert len(again.applications()) == 2, "the old version was delivered once; its key is spent"
        again.ratify(household)
        again.run()
        assert again.applications()[2:] == [(household, 3, "deliver")]
        assert compare(again).outcome == CLEAN


def test_what_the_registry_lost_is_named_and_sent_again_on_order(scene: Delivering) -> None:
    household, other = scene.ratified(NIKS[0]), scene.ratified(NIKS[1])
    scene.run()
    scene.lose_in_registry(household)
    found = compare(scene)
    assert (found.outcome, found.left) == (DIFFERENT, Differences(missing_there=(household,)))
    scene.run()
    assert scene.standing() == {other: 1}, "nothing is sent again by itself"
    assert reconcile.send_again(scene.db, scene.dispatch, [found]) == 1
    scene.run()
    assert scene.standing() == {household: 1, other: 1}
    assert compare(scene).outcome == CLEAN
    assert scene.state(household) == "accepted"


def test_another_content_under_the_same_version_is_left_to_people(scene: Delivering) -> None:
    household = scene.ratified(NIKS[0])
    scene.run()
    with sqlite3.connect(scene.file) as db:
        db.execute("update records set content_digest = ?", ("0" * 64,))
    found = compare(scene)
    assert (found.outcome, found.left) == (DIFFERENT, Differences(other_content=(household,)))


def test_a_registry_that_does_not_answer_thaws_nothing(scene: Delivering, backup_of: Backups) -> None:
    scene.ratified(NIKS[0])
    backup = backup_of(scene)
    with restored(scene, backup) as again:
        again.switch(server_error={"status": 503, "reads": True})
        assert compare(again, accept=True).outcome == NO_ANSWER
        assert deliver.overview(again.db, "registry").frozen


def test_a_row_in_flight_is_neither_clean_nor_different(scene: Delivering) -> None:
    household = scene.ratified(NIKS[0])
    scene.switch(drop_answer={"total": 1})
    scene.tick()
    assert scene.rows(household) == [("deliver", 1, "uncertain")]
    found = compare(scene)
    assert (found.outcome, found.in_flight, found.learned) == (CLEAN, 1, 0)
