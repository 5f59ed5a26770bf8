"""A ratified household reaches the registry once in effect, whatever goes wrong on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from delivery_world import NIKS, Delivering, delivering_in

from server.flows import deliver
from server.store import delivery_queue, events, outbox, reservations

FAULTS: dict[str, dict[str, Any]] = {
    "drop_before": {"per_key": 3},
    "drop_answer": {"per_key": 2},
    "too_many": {"per_key": 2, "retry_after_s": 7},
    "server_error": {"status": 500, "per_key": 2},
    "error_after": {"status": 502, "per_key": 2},
    "forget_keys": {},
    "quota_used_up": {"total": 3},
    "say_duplicate": {},
    "delay": {"ms": 1300, "total": 2},
}


def test_a_ratified_household_is_delivered_once_and_becomes_accepted(scene: Delivering) -> None:
    household = scene.ratified(NIKS[0], None)
    scene.run()
    assert scene.applications() == [(household, 1, "deliver")]
    assert scene.state(household) == "accepted"
    assert scene.rows(household) == [("deliver", 1, "accepted")]
    scene.run()
    assert len(scene.applications()) == 1


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_under_each_fault_every_household_is_applied_exactly_once(scene: Delivering, name: str) -> None:
    ids = [scene.ratified(NIKS[number], None) for number in range(5)]
    if name == "forget_keys":
        scene.ledger.forget_keys()
        scene.switch(forget_keys={}, drop_answer={"per_key": 1})
    else:
        scene.switch(**{name: FAULTS[name]})
    scene.run(until_idle=120)
    assert sorted(scene.applications()) == sorted((each, 1, "deliver") for each in ids)
    assert {scene.state(each) for each in ids} == {"accepted"}
    assert scene.twice() == 0
    assert outbox.counts(scene.db) == {"accepted": 5}
    if name not in ("say_duplicate", "forget_keys"):
        assert scene.faults.as_json()["struck"].get(name), "the fault struck at all"


def test_all_faults_together_still_give_each_household_once(scene: Delivering) -> None:
    ids = [scene.ratified(NIKS[number]) for number in range(6)]
    scene.switch(
        drop_before={"permille": 300, "per_key": 2},
        drop_answer={"permille": 400, "per_key": 2},
        too_many={"permille": 200, "per_key": 1},
        error_after={"permille": 300, "per_key": 1, "status": 502},
        forget_keys={},
    )
    scene.run(until_idle=200)
    assert sorted(scene.applications()) == sorted((each, 1, "deliver") for each in ids)
    assert scene.twice() == 0


def test_a_rejected_record_is_a_dead_letter_with_the_registrys_words_until_it_is_retried(scene: Delivering) -> None:
    household, other = scene.ratified(NIKS[0]), scene.ratified(NIKS[1])
    scene.switch(reject={"households": [household], "code": "nik_unknown", "field": "/record/persons/0/nik"})
    scene.run()
    assert (scene.state(household), scene.state(other)) == ("rejected", "accepted")
    (letter,) = deliver.dead_letters(scene.db)
    assert (letter.household_id, letter.problem_code) == (household, "nik_unknown")
    assert letter.problem == "/record/persons/0/nik: ditolak (saklar uji)"
    scene.switch()
    scene.run()
    assert scene.state(household) == "rejected", "nobody retried it"
    assert deliver.retry(scene.db, scene.dispatch, household) == 1
    scene.run()
    assert scene.state(household) == "accepted"
    assert deliver.dead_letters(scene.db) == []


def test_a_corrected_record_takes_the_place_of_its_dead_letter(scene: Delivering) -> None:
    household = scene.ratified(NIKS[0])
    scene.switch(reject={"households": [household], "total": 1})
    scene.run()
    assert scene.state(household) == "rejected"
    scene.visit(household, {"address": "Jl. Melati"})
    scene.ratify(household)
    scene.run()
    assert scene.state(household) == "accepted"
    assert sorted(state for _, _, state in scene.rows(household)) == ["accepted", "superseded"]
    assert scene.applications() == [(household, 1, "deliver")]


def test_retry_after_is_honoured_for_the_whole_destination(scene: Delivering) -> None:
    for number in range(3):
        scene.ratified(NIKS[number])
    scene.switch(too_many={"total": 1, "retry_after_s": 600})
    scene.tick()
    before = len(scene.applications())
    fourth = scene.ratified(NIKS[3])
    scene.clock.advance_ms(599_000)
    assert scene.tick().claimed == 0
    assert len(scene.applications()) == before
    scene.clock.advance_ms(2_000)
    scene.run()
    assert len(scene.applications()) == 4
    assert scene.state(fourth) == "accepted"


def test_a_used_up_quota_waits_for_midnight_in_western_indonesia(world: Any, tmp_path: Path) -> None:
    with delivering_in(world, tmp_path, daily_quota=2) as scene:
        for number in range(3):
            scene.ratified(NIKS[number])
        scene.tick()
        assert len(scene.applications()) == 2
        midnight = deliver.overview(scene.db, "registry").circuit.until_ms
        assert (midnight + 7 * 3_600_000) % 86_400_000 == 0
        scene.clock.set_ms(midnight - 1_000)
        assert scene.tick().claimed == 0
        scene.clock.set_ms(midnight + 1_000)
        scene.run()
        assert len(scene.applications()) == 3


def test_a_dead_destination_opens_the_circuit_and_a_single_probe_closes_it(scene: Delivering) -> None:
    for number in range(8):
        scene.ratified(NIKS[number])
    scene.switch(drop_before={}, server_error={"status": 500, "reads": True})
    scene.tick()
    circuit = deliver.overview(scene.db, "registry").circuit
    assert circuit.state == "open" and circuit.opened_times == 1
    scene.clock.set_ms(circuit.until_ms + 1)
    assert scene.tick().claimed == 1
    assert deliver.overview(scene.db, "registry").circuit.opened_times == 2
    scene.switch()
    scene.run(until_idle=100)
    assert len(scene.applications()) == 8
    assert deliver.overview(scene.db, "registry").circuit.state == "closed"


def test_without_the_right_secret_nothing_is_hammered(scene: Delivering, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        scene.ratified(NIKS[number])
    monkeypatch.setattr("delivery_world.SECRET", b"rahasia-yang-keliru")
    scene.tick()
    assert deliver.overview(scene.db, "registry").circuit.state == "open"
    assert scene.tick().claimed == 0
    monkeypatch.undo()
    scene.run()
    assert len(scene.applications()) == 3


def test_a_paused_delivery_sends_nothing(scene: Delivering) -> None:
    household = scene.ratified(NIKS[0])
    deliver.pause(scene.db, "registri diperbaiki")
    scene.run()
    assert scene.applications() == []
    assert scene.rows(household) == [("deliver", 1, "pending")]
    deliver.resume(scene.db)
    scene.run()
    assert scene.state(household) == "accepted"


def test_what_is_not_ratified_is_not_delivered_and_holds_no_place(scene: Delivering) -> None:
    household = scene.household(NIKS[0])
    scene.run()
    assert (scene.applications(), reservations.count(scene.db)) == ([], 0)
    scene.ratify(household)
    scene.tick_without_sending()
    assert scene.rows(household) == [("deliver", 1, "pending")]
    scene.visit(household, {"address": "Jl. Lain"})
    scene.run()
    assert scene.applications() == []
    assert scene.rows(household) == [("deliver", 1, "superseded")]
    assert reservations.count(scene.db) == 0


def test_no_nik_and_no_name_stands_in_the_open_part_of_a_receipt(scene: Delivering) -> None:
    household = scene.ratified(NIKS[0])
    scene.run()
    (receipt,) = events.filed_under(scene.db, "19.03", household, ["receipt"])
    assert receipt.head["body"]["outcome"] == "accepted"
    assert NIKS[0] not in str(receipt.head)
    assert scene.world.keys.made_here(receipt.envelope())


def test_a_tick_with_nothing_new_looks_at_nothing(scene: Delivering) -> None:
    for number in range(4):
        scene.ratified(NIKS[number])
    scene.run()
    assert delivery_queue.length(scene.db) == 0
    assert not scene.tick()
    scene.household(NIKS[9])
    assert scene.tick().looked_at == 0, "a household that is not ratified is none of delivery's"
