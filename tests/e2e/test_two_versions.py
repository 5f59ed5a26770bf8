"""A Dinsos changes its form in Excel while tablets are out: two versions side by side, from tablet to registry."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import e2e_field as field
import pytest
from e2e_checks import check_everything
from e2e_forms import VISIT
from e2e_world import REGION, World, a_world

from field_forms.client.draft import Draft
from server.flows import review
from server.flows.form_standing import VersionStanding, forms_standing
from server.flows.publish_form import current_version
from server.store import cases

pytestmark = pytest.mark.xdist_group("e2e-days")
EARLY, LATE = "petugas-1", "petugas-2"


@pytest.fixture
def world(tmp_path: Path, new_address: Callable[[], str]) -> Iterator[World]:
    with a_world(tmp_path, 7, 4, new_address()) as found:
        yield found


def assigned(world: World, *officers: str, at: int = 0) -> str:
    household = str(world.truths[at]["household_id"])
    review.assign(world.desk(), household, list(officers))
    world.fold()
    return household


def synced(world: World, *officers: str) -> None:
    for officer in officers:
        assert world.tablets[officer].sync().complete
    world.fold()


def opened(world: World, officer: str, household: str, **answers: Any) -> Draft:
    """A visit with everybody at home, filled in as far as its version of the form wants it, not sealed."""
    client = world.tablets[officer]
    draft = client.open_draft(household)
    home = {"visit_outcome": "02", "outcome_note": "kartu belum lengkap", "notice_ack": "1", "resp_name": "Rusli"}
    home |= {"resp_relation": "1", "address": "Dusun I", "rt": "001", "rw": "001"}
    client.answer_all(draft, {f"h/{name}": value for name, value in (home | answers).items()})
    client.answer_all(draft, {f"p/{key}/presence": "1" for key in draft.persons})
    assert field.complete(client, draft, random.Random(1))
    return draft


def published(world: World, *acts: str) -> None:
    for act in acts:
        world.clock.advance_ms(1_000)
        assert world.publish_next_version() == act
    world.fold()


def said(world: World, household: str) -> dict[str, Any]:
    """What the record says under every name that the questions ever had."""
    names = ("floor_area_m2", "luas_are", "wall_type", "dinding", "sumur_pemilik")
    fields: dict[str, Any] = world.record(household)["household"]
    return {name: fields[name]["value"] for name in names if "value" in fields.get(name, {})}


def standing(world: World, version: str) -> VersionStanding:
    versions = forms_standing(world.store.db).versions
    return next(each for each in versions if (each.form_id, each.version) == (VISIT, version))


def test_what_was_drafted_before_and_filled_in_after_a_publication_is_one_record_in_the_present_words(
    world: World,
) -> None:
    first = current_version(world.store.db, VISIT)
    here, there = assigned(world, EARLY), assigned(world, LATE, at=1)
    synced(world, EARLY, LATE)
    sealed_early = opened(world, EARLY, here, floor_area_m2=36, wall_type="3")
    world.tablets[EARLY].seal(sealed_early)
    draft = opened(world, EARLY, here, floor_area_m2=48, wall_type="1")

    published(world, "added", "renamed")
    third = current_version(world.store.db, VISIT)
    synced(world, LATE)
    late = opened(world, LATE, there, luas_are="0.5", dinding="2", sumur_pemilik="milik sendiri")
    assert (late.form.version, draft.form.version) == (third, first)
    world.tablets[LATE].seal(late)

    synced(world, EARLY, LATE)
    assert said(world, here) == {"luas_are": "0.36", "dinding": "3"}
    assert said(world, there) == {"luas_are": "0.5", "dinding": "2", "sumur_pemilik": "milik sendiri"}
    assert (standing(world, first).drafts, standing(world, third).tablets) == (1, 2)
    again = world.tablets[EARLY].draft(draft.id)
    assert again.form.version == first, "nobody is made to change"
    world.tablets[EARLY].seal(again)
    synced(world, EARLY)
    assert said(world, here) == {"luas_are": "0.48", "dinding": "1"}, "the later visit, read by the rule of the sheet"
    assert not cases.open_cases(world.store.db, REGION, limit=100)
    settled(world, here, there)


def test_two_officers_on_two_versions_conflict_as_on_one_and_one_decision_settles_it(world: World) -> None:
    household = assigned(world, EARLY, LATE)
    synced(world, EARLY, LATE)
    old = opened(world, EARLY, household, floor_area_m2=50, wall_type="1")
    published(world, "added", "renamed")
    synced(world, LATE)
    new = opened(world, LATE, household, luas_are="0.5", dinding="2")
    world.tablets[EARLY].seal(old)
    world.tablets[LATE].seal(new)
    synced(world, EARLY, LATE)
    paths = {conflict["path"] for conflict in world.record(household)["conflicts"]}
    assert "h/dinding" in paths, "one said 1 on the old version, the other 2 on the new"
    assert not paths & {"h/wall_type", "h/luas_are", "h/floor_area_m2"}, "50 m2 and 0.5 are are the same answer"
    for path in sorted(paths):
        heads = next(each["heads"] for each in world.record(household)["conflicts"] if each["path"] == path)
        review.decide(world.desk(), household, path, take=heads[0]["ref"])
        world.fold()
    assert world.record(household)["conflicts"] == []
    before = said(world, household)["dinding"]
    published(world, "retired")
    assert (said(world, household)["wall_type"], world.record(household)["conflicts"]) == (before, [])
    published(world, "restored")
    assert (said(world, household)["dinding"], world.record(household)["conflicts"]) == (before, [])
    settled(world, household)


def test_a_withdrawn_version_opens_nothing_new_and_what_was_filled_in_on_it_counts_under_the_former_names(
    world: World,
) -> None:
    here, there = assigned(world, EARLY), assigned(world, LATE, at=1)
    published(world, "added", "renamed")
    second, third = str(int(current_version(world.store.db, VISIT)) - 1), current_version(world.store.db, VISIT)
    synced(world, EARLY, LATE)
    world.tablets[EARLY].seal(opened(world, EARLY, here, luas_are="0.36", dinding="3"))
    kept = opened(world, LATE, there, luas_are="0.48", dinding="1")
    published(world, "retired")
    synced(world, EARLY, LATE)
    assert said(world, here) == {"luas_are": "0.36", "wall_type": "3"}, "no rule leads back from are to square metres"
    fresh = world.tablets[LATE].open_draft(there)
    assert (fresh.form.version, kept.form.version) == (second, third)
    world.tablets[LATE].discard(fresh)
    world.tablets[LATE].seal(kept)
    synced(world, LATE)
    assert said(world, there) == {"luas_are": "0.48", "wall_type": "1"}
    published(world, "restored")
    assert said(world, here) == {"luas_are": "0.36", "dinding": "3"}
    settled(world, here, there)


def settled(world: World, *households: str) -> None:
    """All is approved, ratified, delivered and pulled, and nothing is lost or told twice."""
    for household in households:
        for act in (review.approve, _ratify):
            act(world.desk(), household)
            world.fold()
    for _ in range(3):
        world.work()
        world.clock.advance_ms(2_000_000)
    world.fold()
    synced(world, *world.tablets)
    synced(world, *world.tablets)
    world.pull()
    assert {world.record(each)["state"] for each in households} == {"accepted"}
    check_everything(world)


def _ratify(desk: Any, household: str) -> None:
    review.ratify(desk, [household], {"number": "BA-1", "date": "2026-11-21"})
