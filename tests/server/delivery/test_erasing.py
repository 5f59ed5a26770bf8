"""A delivered person who is erased: the registry gets a version without the person, and nothing here names them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from delivery_world import NIKS, REGION, Delivering

from server.flows import deliver, erasure, reconcile
from server.flows.deliver_judge import Dispatch
from server.flows.erasure_plan import subject_of
from server.store import delivery_queue, events, outbox, reservations, standings
from sync.delivery_payload import is_emptied, veiled_place

ORDER = erasure.Order("admin", "19.03.01.1001", "request", "Permintaan tertulis")


def erase(scene: Delivering, household: str, *keys: str, whole: bool = False) -> erasure.Done:
    ids = (household,) if whole else ()
    subject, _ = subject_of(scene.db, [(REGION, household)], keys, ids)
    ledger = Path(scene.file).parent / "erasures.jsonl"
    done = erasure.erase(scene.db, scene.world.keys, scene.clock, subject, ORDER, ledger)
    erasure.finish(scene.db, scene.world.keys, ledger, scene.world.now_ms)
    return done


def key_of(scene: Delivering, household: str, nik: str) -> str:
    (key,) = [key for key, said in scene.persons[household].items() if said.get("nik") == nik]
    return key


def stored_with(scene: Delivering, text: str) -> list[str]:
    """Tables of our own database in which a text stands."""
    found = []
    for table in scene.db.tables():
        for row in scene.db.all(f"select * from {table}"):
            cells = [bytes(cell) if isinstance(cell, bytes | memoryview) else str(cell).encode() for cell in row]
            if any(text.encode() in cell for cell in cells):
                found.append(table)
    return sorted(set(found))


def in_registry(scene: Delivering) -> set[str]:
    return {row[0] for row in scene.registry("select nik from persons")}


def test_the_registry_keeps_the_person_until_the_version_without_is_ratified(scene: Delivering) -> None:
    household = scene.ratified(NIKS[0], NIKS[1])
    scene.run()
    gone = key_of(scene, household, NIKS[1])
    assert stored_with(scene, NIKS[1]) == ["households", "outbox", "parts", "reservations", "standings"]
    done = erase(scene, household, gone)
    assert (done.deliveries, stored_with(scene, NIKS[1])) == (1, [])
    assert stored_with(scene, scene.persons[household][gone]["m_name"]) == []
    scene.run()
    assert scene.state(household) == "in_review"
    assert in_registry(scene) == {NIKS[0], NIKS[1]}
    scene.ratify(household)
    scene.run()
    assert scene.applications() == [(household, 1, "deliver"), (household, 2, "deliver")]
    assert in_registry(scene) == {NIKS[0]}
    assert reservations.held_by(scene.db, REGION, household) == (NIKS[0],)
    assert scene.state(household) == "accepted"
    assert scene.rows(household) == [("deliver", 1, "replaced"), ("deliver", 2, "accepted")]


def test_or_the_household_is_withdrawn_on_an_operators_order(scene: Delivering) -> None:
    household = scene.ratified(NIKS[0], NIKS[1])
    scene.run()
    erase(scene, household, key_of(scene, household, NIKS[1]))
    deliver.withdraw(scene.db, scene.dispatch, household)
    scene.run()
    assert scene.standing() == {}
    assert reservations.count(scene.db) == 0


def test_the_place_stays_taken_until_the_registry_lets_the_person_go(scene: Delivering) -> None:
    first = scene.ratified(NIKS[0], NIKS[1])
    scene.run()
    erase(scene, first, key_of(scene, first, NIKS[1]))
    veiled = veiled_place(scene.world.keys.nik_digest(NIKS[1]))
    assert set(reservations.held_by(scene.db, REGION, first)) == {NIKS[0], veiled}
    second = scene.ratified(NIKS[1])
    scene.run()
    assert second not in scene.standing()
    assert deliver.waits_for(scene.db, second) == [first]
    scene.ratify(first)
    scene.run()
    assert scene.standing() == {first: 2, second: 1}
    assert scene.twice() == 0


def test_a_whole_household_is_taken_back_by_itself(scene: Delivering) -> None:
    household = scene.ratified(NIKS[0])
    scene.run()
    erase(scene, household, *scene.persons[household], whole=True)
    scene.run()
    assert scene.standing() == {}
    assert scene.applications() == [(household, 1, "deliver"), (household, 2, "withdraw")]
    assert stored_with(scene, NIKS[0]) == []


def test_what_was_not_sent_is_never_sent(scene: Delivering) -> None:
    household = scene.ratified(NIKS[0], NIKS[1])
    scene.tick_without_sending()
    assert scene.rows(household) == [("deliver", 1, "pending")]
    erase(scene, household, key_of(scene, household, NIKS[1]))
    assert scene.rows(household) == [("deliver", 1, "superseded")]
    scene.run()
    assert scene.applications() == []
    scene.ratify(household)
    scene.run()
    assert in_registry(scene) == {NIKS[0]}


@pytest.mark.parametrize("lost", ["answer", "request"])
def test_what_is_under_way_is_asked_for_and_not_sent_again(scene: Delivering, lost: str) -> None:
    household = scene.ratified(NIKS[0], NIKS[1])
    scene.switch(**{"drop_answer" if lost == "answer" else "drop_before": {"total": 1}})
    scene.tick_without_sending()
    assert scene.send_only() == 1
    assert scene.rows(household) == [("deliver", 1, "uncertain")]
    erase(scene, household, key_of(scene, household, NIKS[1]))
    scene.run()
    expected = "accepted" if lost == "answer" else "superseded"
    assert scene.rows(household) == [("deliver", 1, expected)]
    assert [row[1] for row in scene.applications()] == ([1] if lost == "answer" else [])
    assert stored_with(scene, NIKS[1]) == []
    scene.ratify(household)
    scene.run()
    assert in_registry(scene) == {NIKS[0]}
    assert scene.twice() == 0


def test_a_worker_that_was_sending_while_the_person_was_erased_writes_no_number(
    scene: Delivering, monkeypatch: pytest.MonkeyPatch
) -> None:
    from server.flows import deliver_send

    household = scene.ratified(NIKS[0], NIKS[1])
    gone = key_of(scene, household, NIKS[1])
    real = deliver_send.write_result

    def late(db: Any, dispatch: Dispatch, row: Any, step: Any, with_people: bool = False) -> bool:
        if row.action == "deliver" and not events.count(db, "erasure"):
            erase(scene, household, gone)
        return real(db, dispatch, row, step, with_people)

    monkeypatch.setattr(deliver_send, "write_result", late)
    scene.tick()
    assert stored_with(scene, NIKS[1]) == []
    assert scene.rows(household) == [("deliver", 1, "accepted")]
    row = outbox.of_household(scene.db, REGION, household)[0]
    assert is_emptied(json.loads(row.payload))
    assert standings.of(scene.db, REGION, [household])[household].standing.version == 1
    scene.ratify(household)
    scene.run()
    assert in_registry(scene) == {NIKS[0]}


def test_a_refused_delivery_with_the_person_is_not_retried(scene: Delivering) -> None:
    household = scene.ratified(NIKS[0], NIKS[1])
    scene.switch(reject={"total": 1})
    scene.tick()
    assert scene.rows(household) == [("deliver", 1, "rejected")]
    erase(scene, household, key_of(scene, household, NIKS[1]))
    assert deliver.retry(scene.db, scene.dispatch) == 0
    assert scene.rows(household) == [("deliver", 1, "superseded")]


def test_what_stands_can_still_be_made_again_from_receipts_without_the_person(scene: Delivering) -> None:
    household = scene.ratified(NIKS[0], NIKS[1])
    scene.run()
    before = standings.of(scene.db, REGION, [household])[household]
    erase(scene, household, key_of(scene, household, NIKS[1]))
    (receipt,) = events.filed_under(scene.db, REGION, household, ["receipt"])
    assert json.loads(receipt.parts["h"][1] or b"")["text"]["places"] == [NIKS[0]]
    assert reconcile.rebuild_from_receipts(scene.db, scene.dispatch, REGION) == 1
    after = standings.of(scene.db, REGION, [household])[household]
    assert (after.places, after.content_digest) == ((NIKS[0],), before.content_digest)
    found = reconcile.reconcile(scene.db, scene.dispatch, scene.adapter())
    assert [each.outcome for each in found] == [reconcile.CLEAN]
    scene.lose_in_registry(household)
    lost = reconcile.reconcile(scene.db, scene.dispatch, scene.adapter())
    assert reconcile.send_again(scene.db, scene.dispatch, lost) == 0


def test_a_family_that_waited_for_a_place_forgets_for_which(scene: Delivering) -> None:
    first = scene.ratified(NIKS[1])
    scene.run()
    second = scene.ratified(NIKS[2])
    with scene.db.transaction():
        delivery_queue.put(scene.db, [(REGION, second)])
        (row,) = [each for each in delivery_queue.due(scene.db, 1, 10) if each.household_id == second]
        delivery_queue.wait(scene.db, row, 2**40, NIKS[2], [NIKS[2]])
    erase(scene, second, key_of(scene, second, NIKS[2]))
    assert stored_with(scene, NIKS[2]) == []
    assert first in scene.standing()
