"""What may be delivered, under which key, and the states of an outbox row."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.delivery import (
    FINAL,
    IN_FLIGHT,
    MOVES,
    REASONS,
    STATES,
    Around,
    IllegalMove,
    Standing,
    content_digest,
    idempotency_key,
    ids_to_withdraw,
    move,
    next_version,
    reasons_against,
    region_digest,
    withdrawal_key,
)
from sync.delivery_payload import build_payload

HOUSE = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"
COLUMNS = {"household": {"address": "alamat"}, "person": {"name": "nama", "nik": "nik", "presence": "presence"}}
NIK = "1903015507820001"


def person(number: int, nik: str = "", presence: str = "1", **more: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {"name": {"value": f"ORANG {number}"}, "presence": {"value": presence}}
    fields["nik"] = {"value": nik} if nik else {"state": "unknown"}
    return {"key": f"{HOUSE}/{number}", "keys": [f"{HOUSE}/{number}"], "fields": fields, **more}


def record(*persons: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "household_id": HOUSE,
        "home_region": "19.03",
        "area": "19.03.01.1001",
        "aliases": [],
        "state": "ratified",
        "household": {"address": {"value": "Jl. Raya"}},
        "persons": list(persons),
        "conflicts": [],
        "awaiting": [],
        "data_digest": "d" * 64,
        "delivery_digest": "e" * 64,
        **more,
    }


def payload_of(data: dict[str, Any], notes: dict[str, set[str]] | None = None) -> dict[str, Any]:
    return build_payload(data, COLUMNS, notes or {}, lambda nik: len(nik) == 16 and nik.isdigit())


def codes(data: dict[str, Any], around: Around | None = None) -> list[str]:
    return [reason.code for reason in reasons_against(data, payload_of(data), around or Around())]


def test_a_ratified_record_without_open_matters_is_deliverable() -> None:
    assert codes(record(person(1, NIK))) == []


@pytest.mark.parametrize(
    ("data", "around", "expected"),
    [
        (record(state="approved"), Around(), "not_ratified"),
        (record(conflicts=[{"kind": "field"}]), Around(), "open_conflict"),
        (record(awaiting=["a" * 32]), Around(), "awaiting"),
        (record(), Around(identity_conflicts=["nik_collision"]), "identity_conflict"),
        (record(person(1, NIK), person(2, NIK)), Around(), "nik_twice"),
        (record(), Around(standing_aliases=[OTHER]), "alias_standing"),
        (record(state="accepted"), Around(standing=Standing(3, "e" * 64)), "unchanged"),
        (record(), Around(frozen=True), "frozen"),
    ],
)
def test_each_reason_holds_delivery_alone(data: dict[str, Any], around: Around, expected: str) -> None:
    assert codes(data, around) == [expected]
    assert expected in REASONS


def test_a_withdrawn_record_or_changed_columns_are_delivered_again() -> None:
    assert codes(record(), Around(standing=Standing(3, "e" * 64, withdrawn=True))) == []
    assert codes(record(), Around(standing=Standing(3, "f" * 64))) == []


def test_a_verdict_that_disputes_a_nik_makes_a_new_delivery_though_no_value_changed() -> None:
    data = record(person(1, NIK), state="accepted")
    before = Around(standing=Standing(1, "e" * 64))
    disputed = payload_of(data, {f"{HOUSE}/1": {"nik_disputed"}})
    assert reasons_against(data, disputed, before) == ()
    after = Around(standing=Standing(2, "e" * 64, disputed=frozenset({f"{HOUSE}/1"})))
    assert [reason.code for reason in reasons_against(data, disputed, after)] == ["unchanged"]


def test_reasons_never_carry_a_nik() -> None:
    data = record(person(1, NIK), person(2, NIK))
    assert NIK not in repr(reasons_against(data, payload_of(data), Around()))


def test_the_payload_has_delivered_columns_of_those_who_live_there_and_names_the_others() -> None:
    data = record(
        person(1, NIK),
        person(2, presence="2"),
        person(3, moved_to=OTHER),
        household={
            "address": {"value": "Jl. Raya"},
            "remarks": {"value": "rahasia"},
        },
    )
    payload = payload_of(data)
    assert payload["values"] == {"alamat": "Jl. Raya"}
    assert [(one["key"], one["nik"]) for one in payload["persons"]] == [(f"{HOUSE}/1", NIK)]
    assert payload["persons"][0]["values"] == {"nama": "ORANG 1"}
    assert [one["key"] for one in payload["left"]] == [f"{HOUSE}/2", f"{HOUSE}/3"]
    assert payload["left"][1]["moved_to"] == OTHER
    assert "rahasia" not in repr(payload)


@pytest.mark.parametrize(
    ("nik", "notes", "expected"),
    [
        (NIK, {}, (NIK, None)),
        (NIK, {f"{HOUSE}/1": {"nik_disputed"}}, ("", "nik_disputed")),
        ("19030", {}, ("", "nik_malformed")),
        ("", {}, ("", "nik_unknown")),
    ],
)
def test_the_nik_is_delivered_or_empty_with_a_note(nik: str, notes: dict[str, set[str]], expected: Any) -> None:
    one = payload_of(record(person(1, nik)), notes)["persons"][0]
    assert (one["nik"], one.get("nik_note")) == expected


def test_what_is_not_relevant_is_not_delivered_and_a_state_is_no_value() -> None:
    hidden = record(household={"address": {"value": "x", "irrelevant": True}})
    assert payload_of(hidden)["values"] == {}
    declined = record(household={"address": {"state": "declined"}})
    assert (payload_of(declined)["values"], payload_of(declined)["states"]) == ({}, {"alamat": "declined"})


def test_a_dispute_on_any_key_of_a_joined_person_counts() -> None:
    joined = person(1, NIK) | {"keys": [f"{HOUSE}/1", f"{OTHER}/9"]}
    assert payload_of(record(joined), {f"{OTHER}/9": {"nik_disputed"}})["persons"][0]["nik"] == ""


KIND = st.sampled_from(["submission", "decision", "void", "receipt", "hold", "stamp"])
EVENTS = st.lists(st.tuples(st.text("0123456789abcdef", min_size=32, max_size=32), KIND), max_size=8)


@given(EVENTS, st.randoms(use_true_random=False))
def test_the_key_is_the_same_in_any_order_and_with_repeats(events: list[tuple[str, str]], random: Any) -> None:
    shuffled = events + events[:2]
    random.shuffle(shuffled)
    assert idempotency_key("c", HOUSE, "e" * 64, events) == idempotency_key("c", HOUSE, "e" * 64, shuffled)


@given(EVENTS, KIND)
def test_only_receipts_holds_and_stamps_leave_the_key_as_it_is(events: list[tuple[str, str]], kind: str) -> None:
    before = idempotency_key("c", HOUSE, "e" * 64, events)
    after = idempotency_key("c", HOUSE, "e" * 64, [*events, ("x" * 32, kind)])
    assert (before == after) == (kind in {"receipt", "hold", "stamp"})


def test_a_value_that_goes_back_to_a_gets_a_key_of_its_own() -> None:
    first, second, third = ("1" * 32, "submission"), ("2" * 32, "submission"), ("3" * 32, "submission")
    keys = {
        idempotency_key("c", HOUSE, "a" * 64, [first]),
        idempotency_key("c", HOUSE, "b" * 64, [first, second]),
        idempotency_key("c", HOUSE, "a" * 64, [first, second, third]),
        idempotency_key("d", HOUSE, "a" * 64, [first]),
        idempotency_key("c", OTHER, "a" * 64, [first]),
        withdrawal_key("c", HOUSE, 1, [first]),
        withdrawal_key("c", HOUSE, 2, [first]),
    }
    assert len(keys) == 7


def test_a_linked_id_and_a_cycle_breaker_and_an_emptied_record_are_withdrawn() -> None:
    standings = {OTHER: Standing(2, "e" * 64), HOUSE: Standing(1, "e" * 64)}
    assert ids_to_withdraw(HOUSE, True, standings) == (OTHER,)
    assert ids_to_withdraw(HOUSE, True, standings, {HOUSE}) == (HOUSE, OTHER)
    assert ids_to_withdraw(HOUSE, False, {HOUSE: Standing(1, "e" * 64)}) == (HOUSE,)
    assert ids_to_withdraw(HOUSE, True, {OTHER: Standing(3, "", withdrawn=True)}) == ()


def test_digests_name_content_and_ignore_order() -> None:
    assert content_digest({"a": 1, "b": 2}) == content_digest({"b": 2, "a": 1})
    rows = [(HOUSE, 1, "a"), (OTHER, 2, "b")]
    assert region_digest(rows) == region_digest(rows[::-1]) != region_digest(rows[:1])
    assert (next_version(None), next_version(0), next_version(4)) == (1, 1, 5)


def test_every_state_is_reachable_and_only_final_ones_have_no_way_out() -> None:
    names = {state.name for state in STATES}
    assert {one.target for one in MOVES} == names
    assert {one.origin for one in MOVES} - {""} == names - FINAL
    assert len({(one.origin, one.event) for one in MOVES}) == len(MOVES)


def test_what_may_have_been_sent_is_never_superseded_and_never_sent_again_unasked() -> None:
    for one in MOVES:
        if one.target == "superseded":
            assert one.origin not in IN_FLIGHT
        if one.origin == "uncertain":
            assert one.target == "asking"
    assert move("sending", "lease_expired").target == "uncertain"
    assert move("sending", "no_answer").target == "uncertain"
    assert move("asking", "unknown").target == "pending"


def test_a_move_the_table_does_not_know_is_refused_with_the_ones_it_knows() -> None:
    with pytest.raises(IllegalMove, match=r"'accepted'.*'claimed'.*replaced, withdrawn"):
        move("accepted", "claimed")
