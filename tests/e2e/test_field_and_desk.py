"""What officers and supervisors meet on a working day, from the tablet through the desk to the registry and back."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import e2e_field as field
import pytest
from e2e_world import World, a_world

from field_forms.client.opening import OpeningProblem
from server.flows import families, review

pytestmark = pytest.mark.xdist_group("e2e-days")
FIRST, SECOND = "petugas-1", "petugas-2"
PAPER = {"number": "BA-1", "date": "2026-11-21"}


@pytest.fixture
def world(tmp_path: Path, new_address: Callable[[], str]) -> Iterator[World]:
    with a_world(tmp_path, 7, 6, new_address()) as found:
        yield found


def assigned(world: World, officer: str = FIRST, at: int = 0) -> str:
    """A listed family with two members or more, on the officer's tablet."""
    fit = [truth for truth in world.truths if len(truth["members"]) > 1]
    household = str(fit[at]["household_id"])
    review.assign(world.desk(), household, [officer])
    synced(world, officer)
    return household


def synced(world: World, *officers: str) -> None:
    world.fold()
    for officer in officers:
        assert world.tablets[officer].sync().complete
    world.fold()
    for officer in officers:
        assert world.tablets[officer].sync().complete


def visited(world: World, household: str, officer: str = FIRST, **answers: str) -> str:
    """Everybody is at home; the ref."""
    client = world.tablets[officer]
    draft = client.open_draft(household)
    home = {"visit_outcome": "02", "outcome_note": "kartu belum lengkap", "notice_ack": "1", "resp_name": "Rusli"}
    home |= {"resp_relation": "1", "address": "Dusun I", "rt": "001", "rw": "001"} | answers
    client.answer_all(draft, {f"h/{name}": value for name, value in home.items()})
    client.answer_all(draft, {f"p/{key}/presence": "1" for key in draft.persons})
    assert field.complete(client, draft, random.Random(1))
    ref = client.seal(draft)
    synced(world, officer)
    return ref


def ratified(world: World, household: str) -> None:
    for _ in range(5):
        for conflict in world.record(household)["conflicts"]:
            review.decide(world.desk(), household, conflict["path"], take=conflict["heads"][0]["ref"])
            world.fold()
    if world.record(household)["state"] in ("submitted", "in_review"):
        review.approve(world.desk(), household)
        world.fold()
    if world.record(household)["state"] == "approved":
        review.ratify(world.desk(), [household], PAPER)
        world.fold()
    assert world.record(household)["state"] in ("ratified", "accepted")


def delivered(world: World) -> dict[str, int]:
    """What stands in the registry after the worker has had its time: household id -> version."""
    for _ in range(3):
        world.work()
        world.clock.advance_ms(2_000_000)
    with sqlite3.connect(f"file:{world.folder / 'registry.db'}?mode=ro", uri=True) as db:
        return dict(db.execute("select household_id, version from records where withdrawn = 0"))


def reported(world: World, household: str, kind: str, persons: list[str], **answers: str) -> Any:
    client = world.tablets[FIRST]
    draft = client.open_change(household, kind, persons=persons)
    said = {"event_date": draft.filled.today, "reporter": "Ketua RT", "doc_seen": "1"} | answers
    client.answer_all(draft, {f"e/{name}": value for name, value in said.items()})
    assert field.complete(client, draft, random.Random(1))
    client.seal(draft)
    return draft


def test_the_new_family_of_a_split_can_be_visited_before_and_after_the_sync(world: World) -> None:
    household, client = assigned(world), world.tablets[FIRST]
    leaver = sorted(client.open_draft(household).persons)[-1]
    fresh = reported(world, household, "split", [leaver]).fixed["change"]["to"]
    assert list(client.open_draft(fresh).persons) == [leaver]
    assert leaver not in client.open_draft(household).persons
    synced(world, FIRST)
    assert list(client.open_draft(fresh).persons) == [leaver]
    visited(world, fresh)
    assert [person["key"] for person in world.record(fresh)["persons"]] == [leaver]
    (moved,) = [person for person in world.record(household)["persons"] if person["key"] == leaver]
    assert moved["moved_to"] == fresh


def test_a_birth_is_on_the_tablets_of_all_who_work_on_the_family(world: World) -> None:
    household = assigned(world)
    review.assign(world.desk(), household, [FIRST, SECOND])
    synced(world, FIRST, SECOND)
    before = len(world.record(household)["persons"])
    reported(world, household, "birth", [], subject_name="AISYAH", subject_sex="2", subject_relation="3")
    synced(world, FIRST, SECOND)
    assert len(world.record(household)["persons"]) == before + 1
    known = world.tablets[SECOND].household(household)
    assert known is not None and known.data == world.record(household)
    assert "AISYAH" in {person["fields"]["m_name"].get("value") for person in known.data["persons"]}


def test_a_family_given_to_another_officer_leaves_the_first_tablet_but_for_its_name(world: World) -> None:
    household = assigned(world)
    area = str(world.record(household)["area"])
    review.assign(world.desk(), household, [SECOND])
    synced(world, FIRST, SECOND)
    first, second = (world.tablets[name].household(household) for name in (FIRST, SECOND))
    assert second is not None and second.data == world.record(household)
    assert (first is not None) == (area in world.scopes[FIRST])
    assert first is None or (first.level == "brief" and first.data == {} and first.label)
    with pytest.raises(OpeningProblem):
        world.tablets[FIRST].open_draft(household)


def test_a_death_after_delivery_goes_through_approval_and_stands_as_a_new_version(world: World) -> None:
    household = assigned(world)
    visited(world, household)
    ratified(world, household)
    assert delivered(world) == {household: 1}
    dead = sorted(world.tablets[FIRST].open_draft(household).persons)[-1]
    reported(world, household, "death", [dead], death_cause="1")
    synced(world, FIRST)
    assert world.record(household)["state"] in ("submitted", "in_review")
    assert delivered(world) == {household: 1}
    ratified(world, household)
    assert delivered(world) == {household: 2}
    with sqlite3.connect(f"file:{world.folder / 'registry.db'}?mode=ro", uri=True) as db:
        assert dead not in {key for (key,) in db.execute("select person_key from persons")}


def test_a_form_opened_before_two_families_are_joined_and_sealed_after_counts_in_the_joined_one(world: World) -> None:
    one, two = assigned(world), assigned(world, at=1)
    client = world.tablets[FIRST]
    draft = client.open_draft(max(one, two))
    families.link(world.desk(), [one, two])
    synced(world, FIRST)
    home = {"visit_outcome": "02", "outcome_note": "belum lengkap", "notice_ack": "1", "resp_name": "Rusli"}
    home |= {"resp_relation": "1", "address": "Jl. Lama", "rt": "001", "rw": "001"}
    client.answer_all(draft, {f"h/{name}": value for name, value in home.items()})
    client.answer_all(draft, {f"p/{key}/presence": "1" for key in draft.persons})
    assert field.complete(client, draft, random.Random(1))
    ref = client.seal(draft)
    synced(world, FIRST)
    joined = world.record(one)
    assert joined["household_id"] == min(one, two) and joined["aliases"] == [max(one, two)]
    assert (ref, "live") in {(line["ref"], line["status"]) for line in world.trail(one)["refs"]}
    assert client.open_draft(max(one, two)).household_id == min(one, two)


def test_after_an_unlink_both_delivered_families_stand_again_and_nobody_stands_twice(world: World) -> None:
    one, two = assigned(world), assigned(world, at=1)
    for household in (one, two):
        visited(world, household)
        ratified(world, household)
    assert delivered(world) == {one: 1, two: 1}
    families.link(world.desk(), [one, two])
    world.fold()
    joined = str(world.record(one)["household_id"])
    ratified(world, joined)
    assert delivered(world).keys() == {joined}
    families.unlink(world.desk(), joined, [])
    world.fold()
    for household in (one, two):
        ratified(world, household)
    assert delivered(world).keys() == {one, two}


def test_a_returned_form_is_corrected_approved_and_delivered_anew(world: World) -> None:
    household = assigned(world)
    visited(world, household)
    ratified(world, household)
    assert delivered(world) == {household: 1}
    review.return_to_officer(world.desk(), household, {"h/address": "rumah yang mana?"}, due="2026-12-01")
    synced(world, FIRST)
    (told,) = world.tablets[FIRST].returned()
    assert told.comments == {"h/address": "rumah yang mana?"}
    visited(world, household, address="Dusun II, belakang mushala")
    assert world.tablets[FIRST].returned() == []
    ratified(world, household)
    assert delivered(world) == {household: 2}
