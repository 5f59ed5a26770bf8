"""A version is taken out of use and brought back: what tablets open, what records say."""

from __future__ import annotations

import pytest
from form_edits import (
    CLOCK,
    FIRST,
    FORM,
    RENAMED_FORM,
    SECOND,
    approve,
    changed,
    identical,
    publish,
    record,
)
from server_world import World

from field_forms.diff import QUESTION, RENAMED
from schemas.problems import ProblemError
from server.flows import dictionary as dictionaries
from server.flows.form_preview import preview_retirement
from server.flows.hello import listed_forms
from server.flows.publish_form import (
    restore_version,
    retire_version,
)
from server.store import forms


@pytest.fixture(autouse=True)
def without_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("field_forms.check.CORE", {"h": {}, "e": {}})


def test_a_bad_version_is_retired_and_the_one_before_is_in_use_again(world: World) -> None:
    household = world.uuid()
    world.push(world.sealed(household, {"address": "A", "assessment": "layak"}))
    approve(world, household)
    before = record(world, household)
    bad = changed(world.form, SECOND, assessment={"deliver": ""}, **RENAMED_FORM)
    publish(world, bad)
    assert record(world, household)["state"] == "approved"
    filled = world.sealed(world.uuid(), {"alamat": "B"}, form={"id": FORM, "version": SECOND, "hash": bad.hash})
    world.push(filled)
    world.fold()
    told = preview_retirement(world.db, world.keys, (FORM, SECOND), CLOCK)
    assert [(each.old, each.new) for each in told.diff.of(QUESTION, RENAMED)] == [("alamat", "address")]
    assert (told.diff.old_version, told.diff.new_version) == (SECOND, FIRST)

    done = retire_version(world.db, (FORM, SECOND), reason="deliver terhapus", now_ms=world.now_ms, by="t")
    assert (done.current, done.queued) == (FIRST, 2)
    world.fold()
    assert record(world, household) == before
    assert record(world, filled["head"]["household_id"])["household"]["address"] == {"value": "B"}
    assert [form.get("retired", False) for form in listed_forms(world.db)] == [False, True]
    late = world.sealed(world.uuid(), {"alamat": "C"}, form={"id": FORM, "version": SECOND, "hash": bad.hash})
    assert world.push(late)[0].status == "stored"
    world.fold()
    assert identical(world)

    assert restore_version(world.db, (FORM, SECOND), now_ms=world.now_ms, by="t").current == SECOND
    world.fold()
    assert record(world, household)["household"]["alamat"] == {"value": "A"}
    assert identical(world)


@pytest.mark.parametrize(
    ("version", "reason", "words"),
    [
        ((FORM, FIRST), "salah", "satu-satunya"),
        ((FORM, "1"), "salah", "tidak pernah terbit"),
        ((FORM, FIRST), " ", "alasannya"),
    ],
)
def test_the_last_version_in_use_stays(world: World, version: tuple[str, str], reason: str, words: str) -> None:
    with pytest.raises(ProblemError, match=words):
        retire_version(world.db, version, reason=reason, now_ms=1, by="t")
    with pytest.raises(ProblemError, match="tidak sedang ditarik"):
        restore_version(world.db, (FORM, FIRST), now_ms=1, by="t")
    assert forms.retired(world.db) == frozenset()


def test_retiring_twice_is_told(world: World) -> None:
    publish(world, changed(world.form, SECOND, **RENAMED_FORM))
    retire_version(world.db, (FORM, SECOND), reason="salah", now_ms=1, by="t")
    with pytest.raises(ProblemError, match="sudah ditarik"):
        retire_version(world.db, (FORM, SECOND), reason="salah", now_ms=2, by="t")
    restore_version(world.db, (FORM, SECOND), now_ms=3, by="t")
    retire_version(world.db, (FORM, SECOND), reason="salah lagi", now_ms=4, by="t")
    assert forms.retirements(world.db)[FORM, SECOND].reason == "salah lagi"


def test_a_dictionary_of_another_day_does_not_come_back_with_its_versions(world: World) -> None:
    publish(world, changed(world.form, SECOND, **RENAMED_FORM))
    for _ in range(2):
        assert dictionaries.current(world.db).present_name("h", "address") == "alamat"
        retire_version(world.db, (FORM, SECOND), reason="x", now_ms=world.now_ms, by="t")
        assert dictionaries.current(world.db).present_name("h", "alamat") == "address"
        restore_version(world.db, (FORM, SECOND), now_ms=world.now_ms, by="t")
        world.now_ms += 1
