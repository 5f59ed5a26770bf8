"""Outbox rows, places in the registry and leases: only one at a time, and a sleeper is found out."""

from __future__ import annotations

import dataclasses
import threading
from typing import Any

import pytest

from server.store import leases, outbox, reservations
from server.store.database import Store
from server.store.outbox import OutboxRow
from sync.delivery import DELIVER, MOVES, IllegalMove
from sync.pacing import OPEN, Circuit

REGION = "19.03"


def row(household: str = "h1", key: str = "k1", version: int = 1, due_ms: int = 0) -> OutboxRow:
    return OutboxRow(REGION, household, key, DELIVER, version, "d" * 64, b"{}", ("1903014107900001",), due_ms=due_ms)


def test_a_version_is_written_once(store: Store) -> None:
    assert outbox.write(store.db, row(), 1)
    assert not outbox.write(store.db, dataclasses.replace(row(), payload=b"other"), 2)
    (found,) = outbox.of_household(store.db, REGION, "h1")
    assert (found.payload, found.state, found.places) == (b"{}", "pending", ("1903014107900001",))


def test_one_row_of_a_household_is_in_flight(store: Store) -> None:
    for household, key in (("h1", "a"), ("h1", "b"), ("h2", "c")):
        outbox.write(store.db, row(household, key), 1)
    first = outbox.claim(store.db, "w1", 10, 1_000, 10)
    assert sorted(each.household_id for each in first) == ["h1", "h2"]
    assert outbox.claim(store.db, "w2", 10, 1_000, 10) == []
    mine = next(each for each in first if each.household_id == "h1")
    assert outbox.move(store.db, mine, "no_answer", 11, due_ms=50, problem=("timeout", "no answer"))
    assert outbox.claim(store.db, "w2", 49, 1_000, 10) == []
    (asking,) = outbox.claim(store.db, "w2", 50, 1_000, 10)
    assert (asking.state, asking.idempotency_key, asking.attempts) == ("asking", mine.idempotency_key, 2)


def test_a_row_is_not_claimed_before_it_is_due(store: Store) -> None:
    outbox.write(store.db, row(due_ms=100), 1)
    assert outbox.next_due_ms(store.db) == 100
    assert outbox.claim(store.db, "w", 99, 1_000, 10) == []
    assert len(outbox.claim(store.db, "w", 100, 1_000, 10)) == 1


def test_a_worker_whose_lease_was_taken_over_writes_nothing(store: Store) -> None:
    outbox.write(store.db, row(), 1)
    (slow,) = outbox.claim(store.db, "slow", 10, 100, 1)
    (found,) = outbox.expired(store.db, 111)
    assert outbox.move(store.db, found, "lease_expired", 111)
    (fast,) = outbox.claim(store.db, "fast", 112, 100, 1)
    assert not outbox.move(store.db, slow, "accepted", 113)
    assert not outbox.renew(store.db, slow, 999)
    assert outbox.move(store.db, fast, "accepted", 114, receipt_ref="r" * 32)
    (done,) = outbox.of_household(store.db, REGION, "h1")
    assert (done.state, done.receipt_ref, done.lease_holder) == ("accepted", "r" * 32, None)


def test_a_move_the_table_does_not_know_is_a_bug(store: Store) -> None:
    outbox.write(store.db, row(), 1)
    (found,) = outbox.of_household(store.db, REGION, "h1")
    with pytest.raises(IllegalMove):
        outbox.move(store.db, found, "accepted", 2)
    assert outbox.counts(store.db) == {"pending": 1}


def test_every_state_of_the_table_can_be_stored_and_listed(store: Store) -> None:
    for number, state in enumerate(sorted({move.target for move in MOVES})):
        outbox.write(store.db, row(f"h{number}"), 1)
        store.db.run("update outbox set state = :s where household_id = :h", {"s": state, "h": f"h{number}"})
        assert [each.state for each in outbox.in_states(store.db, (state,))] == [state]


def test_a_place_is_held_by_one_household_however_many_ask_at_once(store: Store) -> None:
    answers: list[str | None] = []

    def ask(household: str) -> None:
        answers.append(reservations.reserve(store.db, "1903014107900001", REGION, household, 1))
        store.release()

    threads = [threading.Thread(target=ask, args=(f"h{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(None) == 1
    assert reservations.count(store.db) == 1


def test_places_are_given_back_by_their_holder_only(store: Store) -> None:
    assert reservations.reserve(store.db, "a", REGION, "h1", 1) is None
    assert reservations.reserve(store.db, "a", REGION, "h1", 2) is None
    assert reservations.reserve(store.db, "a", REGION, "h2", 3) == "h1"
    assert reservations.release(store.db, "h2", ["a"]) == 0
    assert reservations.holders(store.db, ["a", "b"]) == {"a": "h1"}
    assert reservations.held_by(store.db, REGION, "h1") == ("a",)
    assert reservations.release(store.db, "h1", ["a", "b"]) == 1
    assert reservations.reserve(store.db, "a", REGION, "h2", 4) is None


def test_a_lease_passes_on_with_a_greater_token(store: Store) -> None:
    first = leases.acquire(store.db, "sweep", "w1", 0, 100)
    assert first is not None
    assert leases.acquire(store.db, "sweep", "w2", 99, 100) is None
    renewed = leases.acquire(store.db, "sweep", "w1", 50, 100)
    assert renewed is not None and renewed.token == first.token
    second = leases.acquire(store.db, "sweep", "w2", 151, 100)
    assert second is not None and second.token > first.token
    assert (leases.holds(store.db, first), leases.holds(store.db, second)) == (False, True)
    assert not leases.give_up(store.db, first)
    assert leases.give_up(store.db, second)
    third = leases.acquire(store.db, "sweep", "w1", 152, 100)
    assert third is not None and third.token > second.token


def test_an_own_lease_that_ran_out_gets_a_new_token(store: Store) -> None:
    first = leases.acquire(store.db, "sweep", "w1", 0, 100)
    again = leases.acquire(store.db, "sweep", "w1", 200, 100)
    assert first is not None and again is not None
    assert again.token > first.token


def test_the_circuit_of_a_destination_is_shared(store: Store) -> None:
    assert leases.circuit(store.db, "registry") == Circuit()
    opened = Circuit(OPEN, 5, 1, 1_000, "no_answer")
    leases.save_circuit(store.db, "registry", opened)
    assert leases.circuit(store.db, "registry") == opened


def test_a_daily_quota_counts_to_its_limit(store: Store) -> None:
    used: list[Any] = [leases.use_quota(store.db, "registry", "2026-11-21", 2) for _ in range(3)]
    assert used == [True, True, False]
    assert leases.use_quota(store.db, "registry", "2026-11-22", 2)


def test_the_last_run_of_a_job_is_known(store: Store) -> None:
    leases.job_started(store.db, "sweep", 1)
    leases.job_finished(store.db, "sweep", 2, "ok", "3 rows")
    assert [tuple(each) for each in leases.job_runs(store.db)] == [("sweep", 1, 2, "ok", "3 rows")]
