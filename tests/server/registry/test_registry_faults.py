"""Every fault switch over real HTTP, and that asking first keeps each delivery to one application."""

from __future__ import annotations

from pathlib import Path

import pytest
from registry_world import HOUSES, A, B, World, delivery, withdrawal, world_in

from server.registry.adapter import Accepted, Delivery, Duplicate, Refused, Rejected, RetryLater, Uncertain, Unknown
from server.registry.mapping import Step, circuit_after, settle, step_after
from server.registry.reference.faults import BadSwitch, Faults, Switch, switch_from_text, switches_from_json
from server.registry.reference.ledger import Ledger
from sync.delivery import move
from sync.pacing import Circuit, may_pass, next_midnight_wib_ms

NIK = "1903015507820001"


def test_reject_strikes_the_named_household_only_and_gives_a_dead_letter(world: World) -> None:
    world.switch(reject={"households": [A], "code": "nik_not_found", "field": "/record/persons/0/nik"})
    rejected, accepted = world.client.push([delivery(A, 1, NIK), delivery(B, 1)])
    assert rejected == Rejected("nik_not_found", "/record/persons/0/nik", "ditolak (saklar uji)")
    assert isinstance(accepted, Accepted)
    assert step_after(rejected, 0).event == "rejected"
    world.switch()
    assert isinstance(world.client.send(delivery(A, 1, NIK)), Accepted), "a no is not remembered: retry works"


def test_drop_before_applies_nothing_and_looks_uncertain(world: World) -> None:
    world.switch(drop_before={"per_key": 1})
    sent = delivery(A, 1, NIK)
    assert isinstance(world.client.send(sent), Uncertain)
    assert settle(world.client, sent, 0) == Step("unknown")
    assert isinstance(world.client.send(sent), Accepted)


@pytest.mark.parametrize("switch", ["drop_answer", "error_after"])
def test_an_answer_lost_after_applying_is_found_by_asking_and_never_applied_twice(world: World, switch: str) -> None:
    world.switch(**{switch: {"per_key": 1, "status": 502}})
    sent, gone = delivery(A, 1, NIK), withdrawal(A, 2)
    for one in (sent, gone):
        assert isinstance(world.client.send(one), Uncertain)
        step = settle(world.client, one, 0)
        assert step.event == "accepted" and step.receipt is not None and step.receipt.version == one.version
        assert isinstance(world.client.send(one), Duplicate), "even unasked, the key stops a second application"
    assert world.applications() == [(A, 1, "deliver"), (A, 2, "withdraw")]


def test_a_delayed_answer_is_uncertain_and_was_applied(world: World) -> None:
    world.switch(delay={"ms": 800, "per_key": 1})
    sent = delivery(A, 1, NIK)
    assert isinstance(world.new_client(read_s=0.2).send(sent), Uncertain)
    assert settle(world.client, sent, 0).event == "accepted"


def test_too_many_names_a_time_and_the_circuit_keeps_it(world: World) -> None:
    world.switch(too_many={"retry_after_s": 7, "per_key": 1})
    outcome = world.client.send(delivery(A, 1, NIK))
    assert outcome == RetryLater(7, "HTTP 429 too_many")
    circuit = circuit_after(Circuit(), outcome, 1_000)
    assert not may_pass(circuit, 7_999) and may_pass(circuit, 8_000)
    assert isinstance(world.client.send(delivery(A, 1, NIK)), Accepted)


@pytest.mark.parametrize(("status", "expected"), [(500, Uncertain), (502, Uncertain), (503, RetryLater)])
def test_server_errors_apply_nothing(world: World, status: int, expected: type) -> None:
    world.switch(server_error={"status": status})
    assert type(world.client.send(delivery(A, 1, NIK))) is expected
    assert world.applications() == []


def test_a_used_up_quota_waits_until_midnight_wib(world: World) -> None:
    world.switch(quota_used_up={})
    outcome = world.client.send(delivery(A, 1, NIK))
    assert isinstance(outcome, RetryLater) and outcome.quota
    now = world.clock.now_ms()
    assert step_after(outcome, now).not_before_ms == next_midnight_wib_ms(now)
    assert circuit_after(Circuit(), outcome, now).until_ms == next_midnight_wib_ms(now)


def test_an_answer_that_says_duplicate_at_once_counts_as_accepted(world: World) -> None:
    world.switch(say_duplicate={})
    outcome = world.client.send(delivery(A, 1, NIK))
    assert isinstance(outcome, Duplicate) and step_after(outcome, 0).event == "accepted"


def test_a_registry_that_forgot_its_keys_is_asked_by_version_and_content(world: World) -> None:
    world.switch(forget_keys={}, drop_answer={"per_key": 1})
    sent, gone = delivery(A, 1, NIK), withdrawal(A, 2)
    for one in (sent, gone):
        assert isinstance(world.client.send(one), Uncertain)
        assert world.client.ask(one.idempotency_key) == Unknown()
        step = settle(world.client, one, 0)
        assert (step.event, step.note) == ("accepted", "the key was forgotten; version and content stand")
        assert isinstance(world.client.send(one), Duplicate)
    assert len(world.applications()) == 2


def test_a_version_someone_else_used_is_sent_again_and_numbered_anew(world: World) -> None:
    world.client.send(delivery(A, 1, NIK, ref="sebelum pemulihan"))
    restored = delivery(A, 1, NIK, ref="sesudah pemulihan")
    assert settle(world.client, restored, 0) == Step("unknown", "the registry is at version 1", last_version=1)
    step = step_after(world.client.send(restored), 0)
    assert (step.event, step.last_version) == ("stale", 1)


def test_asking_can_fail_too_and_then_nothing_is_concluded(world: World) -> None:
    sent = delivery(A, 1, NIK)
    world.client.send(sent)
    world.switch(drop_before={"reads": True})
    assert settle(world.client, sent, 0).event == "no_answer"
    world.switch(too_many={"reads": True})
    assert settle(world.client, sent, 0).event == "retry_later"
    assert settle(world.new_client(secret=b"bukan-rahasia-itu"), sent, 0).event == "refused"


def test_a_refusal_opens_the_circuit_and_a_rejection_does_not() -> None:
    assert not may_pass(circuit_after(Circuit(), Refused("signature_invalid", ""), 0), 0)
    assert circuit_after(Circuit(failures=3), Rejected("x", "", ""), 0) == Circuit()


def test_a_crash_between_applying_and_answering_leaves_one_application(tmp_path: Path) -> None:
    """The registry ends after its commit; the worker ends too; both come back and the worker asks first."""
    sent = delivery(A, 1, NIK)
    with world_in(tmp_path) as world:
        world.switch(drop_answer={})
        assert isinstance(world.client.send(sent), Uncertain)
    with world_in(tmp_path) as world:
        assert settle(world.client, sent, 0).event == "accepted"
        assert isinstance(world.client.send(sent), Duplicate)
        assert world.applications() == [(A, 1, "deliver")]


def test_a_storm_of_faults_ends_with_each_delivered_once_and_the_same_seed_strikes_the_same(tmp_path: Path) -> None:
    def run(folder: Path, seed: int) -> tuple[list[str], dict[str, int]]:
        folder.mkdir()
        story: list[str] = []
        with world_in(folder, seed=seed) as world:
            world.switch(
                drop_answer={"permille": 300},
                drop_before={"permille": 200, "reads": True},
                too_many={"permille": 200},
                server_error={"permille": 200, "status": 500},
                say_duplicate={"permille": 300},
                forget_keys={},
            )
            for number, house in enumerate(HOUSES):
                deliver_until_known(world, delivery(house, 1, f"19030155078200{number:02d}"), story)
            assert sorted(world.applications()) == [(house, 1, "deliver") for house in HOUSES]
            struck = world.faults.as_json()["struck"]
        return story, struck

    first, struck = run(tmp_path / "1", seed=7)
    assert {"drop_answer", "drop_before", "too_many", "server_error"} <= set(struck)
    assert run(tmp_path / "2", seed=7)[0] == first
    assert run(tmp_path / "3", seed=8)[0] != first


def deliver_until_known(world: World, sent: Delivery, story: list[str]) -> None:
    """The worker's walk over the state table: claim, send or ask, write the result; every move must be in the table."""
    state = "pending"
    for _ in range(100):
        state = move(state, "claimed").target
        step = settle(world.client, sent, 0) if state == "asking" else step_after(world.client.send(sent), 0)
        state = move(state, step.event).target
        story.append(step.event)
        if state == "accepted":
            return
    raise AssertionError(f"never delivered: {story[-10:]}")


def test_switches_are_set_and_shown_while_it_runs_by_who_has_the_secret(world: World) -> None:
    reply = world.client._exchange("PUT", "/v1/admin/faults", {"switches": {"reject": {"total": 1}}})
    assert reply.status == 200 and reply.body["switches"]["reject"]["total"] == 1  # type: ignore[union-attr]
    outcomes = world.client.push([delivery(A, 1), delivery(B, 1)])
    assert [type(outcome) for outcome in outcomes] == [Rejected, Accepted]
    shown = world.client._exchange("GET", "/v1/admin/faults")
    assert shown.body["struck"] == {"reject": 1}  # type: ignore[union-attr]
    bad = world.client._exchange("PUT", "/v1/admin/faults", {"switches": {"explode": {}}})
    assert bad.status == 422 and "explode" in bad.body["detail"]  # type: ignore[union-attr]


def test_forget_keys_forgets_what_was_remembered(world: World) -> None:
    sent = delivery(A, 1, NIK)
    world.client.send(sent)
    world.client._exchange("PUT", "/v1/admin/faults", {"switches": {"forget_keys": {}}})
    assert world.client.ask(sent.idempotency_key) == Unknown()


def test_a_switch_is_written_on_the_command_line_as_in_json() -> None:
    text = "reject:households=a+b,code=x,per_key=2,reads=true"
    members = {"households": ["a", "b"], "code": "x", "per_key": 2, "reads": True}
    assert dict([switch_from_text(text)]) == switches_from_json({"reject": members})
    assert switch_from_text("delay") == ("delay", Switch())


@pytest.mark.parametrize(
    "bad", ["explode", "delay:ms", "delay:ms=soon", "delay:colour=red", "reject:permille=-1", "too_many:reads=1,x=1"]
)
def test_a_switch_that_cannot_be_read_is_named(bad: str) -> None:
    with pytest.raises(BadSwitch, match=bad.split(":")[0]):
        switch_from_text(bad)


def test_the_share_struck_is_the_share_asked_for() -> None:
    faults = Faults(3, {"delay": Switch(permille=250)})
    struck = sum(faults.strikes("delay", f"key{n}", A) is not None for n in range(2_000))
    assert 400 < struck < 600


def test_a_ledger_refuses_to_hold_a_nik_twice_even_past_its_own_check(tmp_path: Path) -> None:
    import sqlite3

    ledger = Ledger(tmp_path / "r.db")
    ledger._db.execute("insert into persons values ('a/1', 'a', ?)", (NIK,))
    with pytest.raises(sqlite3.IntegrityError):
        ledger._db.execute("insert into persons values ('b/1', 'b', ?)", (NIK,))
    ledger.close()
