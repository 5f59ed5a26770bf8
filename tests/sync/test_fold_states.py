"""The state of a household and its digests: a pure function too."""

from __future__ import annotations

from typing import Any

import pytest
from fold_world import World, house, key, record, records, said

from schemas.event import Event
from sync.case import ORDER, STATES
from sync.fold import Record

K = key(1)


@pytest.fixture
def world() -> World:
    return World()


def receipt(world: World, of: Record, outcome: str, version: int = 1, digest: str | None = None) -> Event:
    body = {
        "outcome": outcome,
        "version": version,
        "idempotency_key": "k",
        "delivery_digest": digest or of.delivery_digest,
    }
    return world.event("receipt", int(of.household_id[:8], 16), by="padan", body=body)


def test_a_household_walks_the_whole_way(world: World) -> None:
    events = [world.prelist(h={"address": "Jl. A", "rt": "01"})]
    walk = [record(*events).state]

    def step(event: Event) -> None:
        events.append(event)
        walk.append(record(*events).state)

    step(world.event("assignment", by="siti", body={"officer": "ani"}))
    step(world.submit(h={"assessment": "1"}))
    step(other := world.submit(h={"assessment": "2"}, by="edo"))
    step(world.point("void", other))
    step(world.review("return", record(*events)))
    step(world.submit(h={"income": 5}, saw=events))
    step(world.review("approve", record(*events)))
    step(world.ratify(record(*events)))
    step(receipt(world, record(*events), "delivered"))
    step(receipt(world, record(*events), "accepted"))
    assert walk == [
        "listed", "assigned", "submitted", "conflict", "submitted", "returned", "in_review", "approved", "ratified",
        "delivered", "accepted",
    ]  # fmt: skip


def test_the_registrys_no_is_a_state_of_its_own(world: World) -> None:
    events = approved(world)
    events.append(world.ratify(record(*events)))
    assert record(*events, receipt(world, record(*events), "rejected")).state == "rejected"


def test_a_withdrawn_delivery_is_ratified_and_no_more(world: World) -> None:
    events = approved(world)
    events.append(world.ratify(record(*events)))
    events.append(receipt(world, record(*events), "accepted"))
    assert record(*events, receipt(world, record(*events), "withdrawn", 2)).state == "ratified"


def approved(world: World, *, digest: str | None = None) -> list[Event]:
    form = world.submit(h={"income": 5}, p={K: {"m_name": "Ani"}})
    shown = record(form)
    return [form, world.review("approve", shown, digest=digest or shown.data_digest)]


def test_an_approval_of_another_digest_approves_nothing(world: World) -> None:
    assert record(*approved(world, digest="0" * 64)).state == "in_review"


def test_every_head_must_be_an_approval(world: World) -> None:
    events = approved(world)
    assert record(*events).state == "approved"
    blind = world.review("return", record(events[0]), saw=[events[0]])
    assert record(*events, blind).state == "returned"
    assert record(*events, blind, world.submit(h={"assets": 1}, saw=[blind])).state == "in_review"


def test_a_return_is_answered_only_by_a_live_form_that_saw_it(world: World) -> None:
    form = world.submit(h={"income": 5})
    back = world.review("return", record(form))
    answer = world.submit(h={"income": 6}, saw=[form, back])
    assert record(form, back, world.submit(h={"income": 6}, saw=[form])).state == "returned"
    assert record(form, back, answer).state == "in_review"
    assert record(form, back, answer, world.point("void", answer)).state == "returned"


def test_a_return_that_a_later_review_saw_is_no_head(world: World) -> None:
    form = world.submit(h={"income": 5})
    back = world.review("return", record(form))
    approve = world.review("approve", record(form, back))
    assert record(form, back, approve).state == "approved"
    assert record(form, back, approve, world.point("undo", approve)).state == "returned"


def test_an_open_return_is_listed_with_its_comments_and_due_date(world: World) -> None:
    form = world.submit(h={"income": 5})
    body = {"verdict": "return", "data_digest": record(form).data_digest, "due": "2026-12-01"}
    back = world.event("review", by="siti", body=body, text={"comments": {"h/income": "cek lagi"}, "note": "segera"})
    assert record(form, back).trail["returns"] == [
        {"ref": back.ref, "actor": "siti", "due": "2026-12-01", "comments": {"h/income": "cek lagi"}, "note": "segera"}
    ]


def test_corroboration_that_changes_no_byte_reopens_nothing(world: World) -> None:
    events = approved(world)
    events.append(world.ratify(record(*events)))
    same = world.submit(h={"income": 5}, saw=events, by="edo")
    assert record(*events, same).state == "ratified"


def test_a_change_in_a_delivered_column_asks_for_approval_and_ratification_again(world: World) -> None:
    events = approved(world)
    events.append(world.ratify(record(*events)))
    events.append(world.submit(h={"income": 6}, saw=events))
    assert record(*events).state == "in_review"
    events.append(world.review("approve", record(*events)))
    assert record(*events).state == "approved"


def test_a_change_outside_the_delivered_columns_asks_for_approval_only(world: World) -> None:
    events = approved(world)
    events.append(world.ratify(record(*events)))
    events.append(world.submit(h={"assets": 6}, saw=events))
    events.append(world.review("approve", record(*events)))
    assert record(*events).state == "ratified"


@pytest.mark.parametrize(
    ("name", "value", "data", "delivery"),
    [("income", 6, True, True), ("assets", 6, True, False), ("visit_outcome", "01", True, False)],
)
def test_digests_change_with_what_they_are_over(
    world: World, name: str, value: Any, data: bool, delivery: bool
) -> None:
    form = world.submit(h={"income": 5})
    one, two = record(form), record(form, world.submit(h={name: value}, saw=[form]))
    assert (one.data_digest != two.data_digest, one.delivery_digest != two.delivery_digest) == (data, delivery)


def test_digests_are_not_over_flags_conflicts_or_state(world: World) -> None:
    form = world.submit(h={"income": 5})
    more = [world.event("assignment", by="siti", body={"officer": "x"}), world.submit(h={}, by="edo")]
    assert record(form).data_digest == record(form, *more).data_digest


def test_only_persons_present_are_delivered(world: World) -> None:
    here = world.submit(p={K: {"m_name": "Ani", "presence": "1"}})
    gone = world.submit(p={key(2): {"m_name": "Edo", "presence": "3"}}, saw=[here])
    assert record(here).delivery_digest == record(here, gone).delivery_digest
    assert record(here).data_digest != record(here, gone).data_digest


def test_heads_of_assignments_say_who_works_it(world: World) -> None:
    first = world.event("assignment", by="siti", body={"officer": "ani"})
    both = world.event("assignment", by="tuti", body={"officer": "edo"})
    last = world.event("assignment", by="siti", body={"officer": "tono"}, saw=[first, both])
    assert record(world.prelist(), first, both).data["assigned"] == ["ani", "edo"]
    assert record(world.prelist(), first, both, last).data["assigned"] == ["tono"]


def test_a_conflict_is_no_reason_to_call_an_unvisited_household_anything_but_listed(world: World) -> None:
    assert record(world.prelist(h={"assessment": "1"}), world.prelist(h={"assessment": "2"})).state == "listed"


def test_the_table_of_states_names_each_state_once_and_the_order_knows_it() -> None:
    names = [state.name for state in STATES]
    assert sorted(names) == sorted(set(names)) == sorted(ORDER)


def test_a_review_of_one_id_counts_for_the_linked_family(world: World) -> None:
    one, two = world.submit(1, h={"income": 5}), world.submit(2, h={"assets": 6})
    link = world.link(1, 2)
    joined = record(one, two, link)
    assert record(one, two, link, world.review("approve", joined)).state == "approved"
    parted = records(one, two, link, world.review("approve", joined), world.unlink(link))
    assert parted[2].state == "submitted"
    assert parted[1].state == "in_review"


def test_declined_is_the_respondents_word_and_changes_the_digest(world: World) -> None:
    form = world.submit(h={"income": 5})
    assert (
        record(form).data_digest
        != record(form, world.submit(h={"income": said(state="declined")}, saw=[form])).data_digest
    )


def test_a_record_keeps_the_region_and_the_ids_it_was_first_recorded_under(world: World) -> None:
    found = record(world.prelist(1), world.prelist(2), world.link(1, 2))
    assert (found.home_region, found.household_id, found.aliases) == ("19.03", house(1), (house(2),))
