"""A form changes while the campaign runs: what is shown before, what is stored, what is folded again."""

from __future__ import annotations

import json

import pytest
from form_edits import (
    CLOCK,
    FIRST,
    FORM,
    RENAMED_FORM,
    SECOND,
    THIRD,
    Person,
    a_person,
    approve,
    changed,
    identical,
    prepared,
    preview,
    publish,
    record,
)
from server_world import VILLAGE, World

from field_forms.diff import ADDED, CHANGED, CHOICE, QUESTION, REMOVED, RENAMED
from field_forms.form_problem import FormRefused
from schemas.event import Assertion
from schemas.problems import ProblemError
from schemas.question import Choice
from server.flows.form_preview import preview_publication, preview_retirement
from server.flows.form_standing import forms_standing
from server.flows.publish_form import (
    current_version,
    publish_form,
    published_sheet,
    retire_version,
)
from server.store import fold_queue, forms, install_forms
from server.store.copying import digests


@pytest.fixture(autouse=True)
def without_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("field_forms.check.CORE", {"h": {}, "e": {}})


def test_what_changes_is_told_question_by_question(world: World, person: Person) -> None:
    form = world.form
    presence = next(row.field for row in form.rows if row.name == "presence")
    assert presence is not None
    choices = (
        Choice("1", "Ada", "Present"),
        Choice("3", "Pindah", "Moved", aliases=("2",)),
        Choice("9", "Lain", "Other"),
    )
    new = changed(
        form, SECOND, address={"name": "alamat", "aliases": ("address",), "deliver": "jalan"},
        assessment=None, birth_date={"policy": "latest", "sensitivity": "specific"}, presence={"choices": choices},
    )  # fmt: skip
    diff = preview(world, new, "assessment").diff
    assert (diff.old_version, diff.new_version) == (FIRST, SECOND)
    assert [each.name for each in diff.of(QUESTION, REMOVED)] == ["assessment"]
    assert [(each.old, each.new) for each in diff.of(QUESTION, RENAMED)] == [("address", "alamat")]
    assert {(each.name, each.column, each.old, each.new) for each in diff.of(QUESTION, CHANGED)} == {
        ("alamat", "deliver", "alamat", "jalan"), ("birth_date", "policy", "evidence", "latest"),
        ("birth_date", "sensitivity", "personal", "specific"),
    }  # fmt: skip
    assert [(each.how, each.code, each.old, each.new) for each in diff.of(CHOICE)] == [
        (ADDED, "9", "", ""), (CHANGED, "1", "Tinggal", "Ada"), (RENAMED, "3", "2", "3"),
    ]  # fmt: skip


def test_a_preview_changes_nothing(world: World, person: Person) -> None:
    household = world.uuid()
    world.push(world.sealed(household, {"address": "Dusun I"}, a_person(world, household, person)))
    approve(world, household)
    before = digests(world.db)
    found = preview(world, changed(world.form, SECOND, **RENAMED_FORM))
    assert (found.problems, found.same, found.households) == ((), False, 1)
    preview_retirement(world.db, world.keys, (FORM, FIRST), CLOCK)
    assert digests(world.db) == before


def test_the_consequences_are_counted_from_the_store(world: World, person: Person) -> None:
    homes = [world.uuid() for _ in range(6)]
    for number, household in enumerate(homes):
        answers = {"address": f"Dusun {number}"} | ({"assessment": "layak"} if number < 4 else {})
        world.push(world.sealed(household, answers, a_person(world, household, person)))
    for household in homes[:3]:
        approve(world, household)
    approve(world, homes[3], ratify=False)
    removed = preview(world, changed(world.form, SECOND, assessment=None), "assessment")
    assert [(held.name, held.households) for held in removed.held] == [("assessment", 4)]
    assert (removed.ratify_again.value, removed.ratify_again.of, removed.ratify_again.exact) == (0, 3, True)
    assert (removed.trial.folded, removed.trial.values) == (6, 0)

    undelivered = preview(world, changed(world.form, SECOND, assessment={"deliver": ""}))
    assert (undelivered.ratify_again.value, undelivered.approve_again.value) == (3, 0)
    assert undelivered.trial.states == 3
    assert set(undelivered.trial.examples) <= set(homes[:3])

    voided = preview(world, changed(world.form, SECOND, assessment={"relevant": "false()"}))
    assert (voided.ratify_again.value, voided.approve_again.value) == (3, 1)
    assert voided.trial.values == 4

    renamed = preview(world, changed(world.form, SECOND, **RENAMED_FORM))
    assert (renamed.ratify_again.value, renamed.approve_again.value) == (0, 0)
    assert (renamed.trial.rewritten, renamed.trial.values, renamed.trial.states) == (6, 0, 0)

    sampled = preview(world, changed(world.form, SECOND, assessment={"deliver": ""}), sample=2)
    assert (sampled.ratify_again.exact, sampled.ratify_again.value, sampled.trial.folded) == (False, 3, 2)


def test_what_the_preview_foretells_is_what_happens(world: World, person: Person) -> None:
    homes = [world.uuid() for _ in range(4)]
    for household in homes:
        world.push(world.sealed(household, {"address": "A", "assessment": "layak"}, a_person(world, household, person)))
    for household in homes[:2]:
        approve(world, household)
    new = changed(world.form, SECOND, assessment={"deliver": ""}, **RENAMED_FORM)
    told = preview(world, new)
    states = dict(world.db.all("select household_id, state from households"))  # type: ignore[arg-type]
    publish(world, new)
    after = dict(world.db.all("select household_id, state from households"))  # type: ignore[arg-type]
    assert sum(states[each] != after[each] for each in homes) == told.trial.states == told.ratify_again.value == 2
    assert all(record(world, each)["household"]["alamat"] == {"value": "A"} for each in homes)
    assert identical(world)


def test_answers_that_a_rule_cannot_read_are_counted_before(world: World) -> None:
    for text in ("36", "kira-kira 40", "54,5"):
        world.push(world.sealed(world.uuid(), {"assessment": text}))
    world.fold()
    new = changed(
        world.form, SECOND,
        assessment={"name": "nilai", "type": "decimal", "aliases": ("assessment",),
                    "upcast": (("assessment", "number"),)},
    )  # fmt: skip
    (held,) = preview(world, new).held
    assert (held.name, held.households, held.unread) == ("assessment", 3, 1)
    publish(world, new)
    cells = [json.loads(row["data"])["household"]["nilai"] for row in world.db.all("select data from households")]
    assert sorted(map(str, cells)) == [
        "{'kept': [{'question': 'assessment', 'value': 'kira-kira 40'}]}", "{'value': '36'}", "{'value': '54.5'}",
    ]  # fmt: skip
    assert identical(world)


def test_a_refused_form_is_told_with_its_reasons_and_counts_nothing(world: World) -> None:
    found = preview(world, changed(world.form, SECOND, assessment=None))
    assert [problem.code for problem in found.problems] == ["published_missing"]
    assert found.trial.folded == 0
    with pytest.raises(FormRefused):
        publish(world, changed(world.form, SECOND, assessment=None))
    assert len(forms.published_forms(world.db)) == 1


def test_publishing_what_is_published_says_so(world: World) -> None:
    publish(world, changed(world.form, SECOND, **RENAMED_FORM))
    again = prepared(changed(world.form, SECOND, **RENAMED_FORM))
    assert preview_publication(world.db, world.keys, again, CLOCK).same
    done = publish_form(world.db, again, now_ms=world.now_ms, by="t")
    assert (done.fresh, done.queued) == (False, 0)


def test_what_was_shown_is_what_is_published_or_nothing(world: World) -> None:
    """Somebody else publishes between the look and the yes."""
    seen = preview(world, changed(world.form, THIRD, **RENAMED_FORM)).seen
    publish(world, changed(world.form, SECOND, birth_date={"sensitivity": "specific"}))
    with pytest.raises(ProblemError) as caught:
        publish_form(world.db, prepared(changed(world.form, THIRD, **RENAMED_FORM)), now_ms=1, by="t", seen=seen)
    assert caught.value.code == "changed_meanwhile"
    assert current_version(world.db, FORM) == SECOND


def test_forms_on_every_version_are_taken_to_the_end(world: World) -> None:
    """Sealed before, drafted before and sealed after, retired meanwhile: nothing is held for its version."""
    old = world.form
    third = changed(old, THIRD, address={"name": "jalan", "aliases": ("alamat",)})
    first, second = old, changed(old, SECOND, **RENAMED_FORM)
    sealed = [
        world.sealed(world.uuid(), {name: f"Dusun {version}"},
                     form={"id": FORM, "version": form.version, "hash": form.hash})
        for form, name, version in ((first, "address", 1), (second, "alamat", 2), (third, "jalan", 3))
    ]  # fmt: skip
    publish(world, second)
    publish(world, third)
    retire_version(world.db, (FORM, SECOND), reason="salah", now_ms=world.now_ms, by="t")
    answers = world.push(*sealed)
    assert [answer.status for answer in answers] == ["stored"] * 3
    world.fold()
    found = [json.loads(row["data"])["household"] for row in world.db.all("select data from households")]
    assert sorted(each["jalan"]["value"] for each in found) == ["Dusun 1", "Dusun 2", "Dusun 3"]
    assert identical(world)


def test_a_decision_made_before_a_renaming_settles_after_it(world: World) -> None:
    household = world.uuid()
    one, other = (world.sealed(household, {"assessment": said}) for said in ("layak", "tidak"))
    world.push(one, other)
    world.fold()
    refs = [each["payload_hash"][:32] for each in (one, other)]
    covers = [{"ref": ref, "path": "h/assessment"} for ref in refs]
    world.staff("decision", household, {"covers": covers}, answers={"assessment": Assertion("layak")},
                context=dict.fromkeys(refs, household))  # fmt: skip
    publish(world, changed(world.form, SECOND, assessment={"name": "penilaian", "aliases": ("assessment",)}))
    found = record(world, household)
    assert (found["household"]["penilaian"], found["conflicts"]) == ({"value": "layak"}, [])
    assert identical(world)


def test_tablets_tell_what_they_work_with_and_drafts_on_old_versions_are_counted(world: World) -> None:
    world.enrol("tablet-2", "petugas2", VILLAGE)
    world.enrol("tablet-3", "petugas2", VILLAGE)
    install_forms.tell(world.db, "tablet-2", [(FORM, FIRST, 3)], 1)
    publish(world, changed(world.form, SECOND, **RENAMED_FORM))
    install_forms.tell(world.db, "tablet-3", [(FORM, FIRST, 1), (FORM, SECOND, 2)], 1)
    standing = {each.version: (each.current, each.tablets, each.drafts) for each in forms_standing(world.db).versions}
    assert standing == {FIRST: (False, 1, 4), SECOND: (True, 1, 2)}
    told = preview(world, changed(world.form, THIRD, address={"name": "jalan", "aliases": ("alamat",)})).tablets
    assert (told.told, told.with_old_drafts, told.old_drafts) == (2, 2, 6)
    assert told.all >= 2


def test_the_sheets_of_what_is_published_are_kept_as_they_were(world: World) -> None:
    form = changed(world.form, SECOND, **RENAMED_FORM)
    publish(world, form)
    kept = published_sheet(world.db, FORM, SECOND)
    assert kept is not None
    given = prepared(form).sheet
    assert (kept.survey, kept.choices, kept.settings, kept.columns) == (
        given.survey, given.choices, given.settings, dict(given.columns),
    )  # fmt: skip
    assert published_sheet(world.db, FORM, FIRST) is None


def test_what_comes_in_goes_before_what_is_only_folded_again(world: World) -> None:
    old = [world.uuid() for _ in range(5)]
    for household in old:
        world.push(world.sealed(household, {"address": "A"}))
    world.fold()
    publish_form(world.db, prepared(changed(world.form, SECOND, **RENAMED_FORM)), now_ms=world.now_ms, by="t")
    assert fold_queue.oldest_ms(world.db) is None, "nobody waits for what a publication queued"
    world.now_ms += 1_000
    new = world.uuid()
    world.push(world.sealed(new, {"address": "B"}), world.sealed(old[3], {"address": "C"}))
    assert {household for _, household in fold_queue.oldest(world.db, 2, world.now_ms)} == {new, old[3]}
    assert fold_queue.oldest_ms(world.db) == world.now_ms
    assert (fold_queue.fresh(world.db, 10), fold_queue.length(world.db)) == (2, 6)
    world.fold()
    assert identical(world)
