"""Decisions and verdicts: what they close, what reopens, when they have no effect."""

from __future__ import annotations

import pytest
from fold_world import World, conflict_kinds, key, nik, record, records, said, shown

from schemas.event import Event

K, L = key(1), key(2)


@pytest.fixture
def world() -> World:
    return World()


def torn(world: World, field: str = "assessment", one: object = "1", two: object = "2", **more: int) -> list[Event]:
    """Two officers who disagree."""
    return [world.submit(h={field: one}, by="ani", **more), world.submit(h={field: two}, by="edo", **more)]


def test_a_decision_closes_the_conflict_whose_heads_it_covers(world: World) -> None:
    both = torn(world)
    done = world.decide([(each, "h/assessment") for each in both], h={"assessment": "2"}, saw=both)
    found = record(*both, done)
    assert shown(found, "assessment") == "2"
    assert found.trail["values"]["h/assessment"]["rule"] == "decision"


def test_a_decision_that_covers_one_of_two_heads_closes_nothing(world: World) -> None:
    both = torn(world)
    done = world.decide([(both[0], "h/assessment")], h={"assessment": "2"}, saw=both)
    third = world.submit(h={"assessment": "1"}, by="tono")
    assert shown(record(*both, done), "assessment") == "2"  # the other head says the same
    assert shown(record(*both, done, third), "assessment") == "CONFLICT"


def test_a_decision_dominates_only_what_it_covers_not_what_it_saw(world: World) -> None:
    both = torn(world)
    third = world.submit(h={"assessment": "1"}, by="tono")
    done = world.decide([(each, "h/assessment") for each in both], h={"assessment": "2"}, saw=[*both, third])
    assert shown(record(*both, third, done), "assessment") == "CONFLICT"


def test_a_decision_is_found_by_what_it_covers_under_whatever_key_it_is_written(world: World) -> None:
    both = [
        world.submit(p={L: {"m_name": "Budi"}}, by="ani"),
        world.submit(p={L: {"m_name": "Bodi"}}, by="edo"),
    ]
    done = world.decide([(each, f"p/{L}/m_name") for each in both], p={K: {"m_name": "Budi"}}, saw=both)
    found = record(*both, done)
    assert shown(found, "m_name", L) == "Budi"
    assert [person["key"] for person in found.data["persons"]] == [L]


def test_a_decision_carries_the_highest_evidence_of_what_it_covers(world: World) -> None:
    both = [
        world.submit(p={K: {"m_name": "Budi"}}, by="ani", evidence=3),
        world.submit(p={K: {"m_name": "Bodi"}}, by="edo", evidence=1),
    ]
    done = world.decide([(each, f"p/{K}/m_name") for each in both], p={K: {"m_name": "Bodi"}}, saw=both, evidence=0)
    assert record(*both, done).trail["values"][f"p/{K}/m_name"]["evidence"] == 3


def test_a_later_assertion_that_saw_the_decision_and_is_not_weaker_dominates_it(world: World) -> None:
    both = torn(world)
    done = world.decide([(each, "h/assessment") for each in both], h={"assessment": "2"}, saw=both)
    later = world.submit(h={"assessment": "1"}, saw=[*both, done], by="tono")
    assert shown(record(*both, done, later), "assessment") == "1"


@pytest.mark.parametrize("field", ["assessment", "no_kk"])
def test_a_later_assertion_that_saw_the_decision_and_is_weaker_is_a_conflict(world: World, field: str) -> None:
    both = torn(world, field, "1", "2", evidence=3)
    done = world.decide([(each, f"h/{field}") for each in both], h={field: "2"}, saw=both)
    later = world.submit(h={field: "1"}, saw=[*both, done], by="tono", evidence=1)
    found = record(*both, done, later)
    assert shown(found, field) == "CONFLICT"
    assert {head["ref"] for head in found.data["conflicts"][0]["heads"]} == {done.ref, later.ref}


def test_a_concurrent_different_head_reopens(world: World) -> None:
    both = torn(world, evidence=3)
    done = world.decide([(each, "h/assessment") for each in both], h={"assessment": "2"}, saw=both)
    assert shown(record(*both, done, world.submit(h={"assessment": "1"}, by="tono")), "assessment") == "CONFLICT"


def test_a_concurrent_equal_head_reopens_nothing(world: World) -> None:
    both = torn(world)
    done = world.decide([(each, "h/assessment") for each in both], h={"assessment": "2"}, saw=both)
    assert shown(record(*both, done, world.submit(h={"assessment": "2"}, by="tono")), "assessment") == "2"


@pytest.mark.parametrize(("evidence", "expected"), [(1, "Budi"), (3, "CONFLICT"), (4, "CONFLICT")])
def test_under_evidence_a_concurrent_head_reopens_only_if_not_weaker(
    world: World, evidence: int, expected: str
) -> None:
    both = [world.submit(p={K: {"m_name": name}}, by=name, evidence=3) for name in ("Budi", "Bodi")]
    done = world.decide([(each, f"p/{K}/m_name") for each in both], p={K: {"m_name": "Budi"}}, saw=both)
    third = world.submit(p={K: {"m_name": "Badu"}}, by="tono", evidence=evidence)
    assert shown(record(*both, done, third), "m_name", K) == expected


def test_two_decisions_on_the_same_refs_are_a_conflict(world: World) -> None:
    both = torn(world)
    covers = [(each, "h/assessment") for each in both]
    rulings = [world.decide(covers, h={"assessment": code}, saw=both, by=f"s{code}") for code in "12"]
    found = record(*both, *rulings)
    assert {head["ref"] for head in found.data["conflicts"][0]["heads"]} == {each.ref for each in rulings}
    last = world.decide([(each, "h/assessment") for each in rulings], h={"assessment": "1"}, saw=[*both, *rulings])
    assert shown(record(*both, *rulings, last), "assessment") == "1"


def test_a_decision_undone_leaves_the_conflict_and_the_bytes_as_they_were(world: World) -> None:
    both = torn(world)
    done = world.decide([(each, "h/assessment") for each in both], h={"assessment": "2"}, saw=both)
    before, after = record(*both), record(*both, done, world.point("undo", done))
    assert before.data_bytes == after.data_bytes
    assert before.trail_bytes != after.trail_bytes


def test_a_decision_naming_one_question_of_a_unit_covers_the_unit(world: World) -> None:
    both = [world.submit(h={"address": f"Jl. {by}", "rt": "01"}, by=by) for by in ("ani", "edo")]
    done = world.decide([(each, "h/rt") for each in both], h={"address": "Jl. ani", "rt": "01"}, saw=both)
    assert conflict_kinds(record(*both, done)) == []


def test_after_an_unlink_a_decision_over_both_families_has_no_effect_and_is_listed(world: World) -> None:
    one, two = world.submit(1, h={"assessment": "1"}), world.submit(2, h={"assessment": "2"}, by="edo")
    link = world.link(1, 2, saw=[one, two])
    seen = [one, two, link]
    done = world.decide([(one, "h/assessment"), (two, "h/assessment")], h={"assessment": "2"}, saw=seen, also=[2])
    assert shown(records(*seen, done)[1], "assessment") == "2"
    parted = records(*seen, done, world.unlink(link))
    assert [shown(parted[number], "assessment") for number in (1, 2)] == ["1", "2"]
    for number in (1, 2):
        assert {"ref": done.ref, "path": "h/assessment"} in parted[number].trail["ineffective"]


def test_a_decision_over_two_families_that_were_never_linked_has_no_effect_wherever_it_is_folded(world: World) -> None:
    one, two = world.submit(1, h={"assessment": "1"}), world.submit(2, h={"assessment": "2"}, by="edo")
    done = world.decide([(one, "h/assessment"), (two, "h/assessment")], h={"assessment": "2"}, saw=[one, two], also=[2])
    apart = records(one, two, done)
    assert [shown(apart[number], "assessment") for number in (1, 2)] == ["1", "2"]
    assert [each.trail["ineffective"] for each in apart.values()] == [[{"ref": done.ref, "path": "h/assessment"}]] * 2


def test_a_decision_over_two_keys_that_are_no_longer_one_person_has_no_effect_and_is_listed(world: World) -> None:
    same = {"birth_date": "1980-05-10", "sex": "1", "m_name": "Budi"}
    one = world.prelist(p={K: {**same, "phone": "0811"}})
    two = world.submit(p={L: {**same, "phone": "0822"}}, evidence=0)
    done = world.decide([(one, f"p/{K}/phone"), (two, f"p/{L}/phone")], p={K: {"phone": "0822"}}, saw=[one, two])
    joined = record(one, two, done)
    assert shown(joined, "phone", K) == "0822"
    parted = record(one, two, done, world.verdict("different_persons", [(one.ref, f"p/{K}/m_name")], persons=[K, L]))
    assert [shown(parted, "phone", person) for person in (K, L)] == ["0811", "0822"]
    assert {"ref": done.ref, "path": f"p/{K}/phone"} in parted.trail["ineffective"]


def test_a_decision_whose_forms_are_all_void_has_no_effect_and_is_listed(world: World) -> None:
    both = torn(world)
    done = world.decide([(each, "h/assessment") for each in both], h={"assessment": "2"}, saw=both)
    found = record(*both, done, *(world.point("void", each) for each in both))
    assert shown(found, "assessment") is None
    assert found.trail["ineffective"] == [{"ref": done.ref, "path": "h/assessment"}]


def test_a_verdict_wrong_nik_clears_the_nik_of_the_named_person_only(world: World) -> None:
    mine = world.submit(1, p={K: {"m_name": "Budi", "nik": nik(1)}})
    theirs = world.submit(2, p={key(1, 2): {"m_name": "Tini", "nik": nik(1)}})
    covers = [(mine.ref, f"p/{K}/nik"), (theirs.ref, f"p/{key(1, 2)}/nik")]
    ruling = world.verdict(
        "wrong_nik", covers, p={K: {"nik": said(state="cleared")}}, persons=[K], saw=[mine, theirs], also=[2]
    )
    found = records(mine, theirs, ruling)
    assert shown(found[1], "nik", K) == "!cleared"
    assert shown(found[2], "nik", key(1, 2)) == nik(1)
    assert found[1].claims == ()


def test_a_verdict_wrong_nik_reaches_the_nik_under_another_key_of_the_person(world: World) -> None:
    look = {"m_name": "Budi", "birth_date": "1980-05-10", "sex": "1"}
    listed = world.prelist(1, p={K: look})
    found_anew = world.submit(1, p={L: {**look, "nik": nik(1)}})
    theirs = world.submit(2, p={key(1, 2): {"m_name": "Tini", "nik": nik(1)}})
    covers = [(found_anew.ref, f"p/{L}/nik"), (theirs.ref, f"p/{key(1, 2)}/nik")]
    ruling = world.verdict("wrong_nik", covers, p={K: {"nik": said(state="cleared")}}, persons=[K], also=[2])
    found = records(listed, found_anew, theirs, ruling)
    assert found[1].data["persons"][0]["keys"] == [K, L]
    assert shown(found[1], "nik", K) == "!cleared"
    assert found[1].trail["ineffective"] == []


def test_a_verdict_closes_its_conflict_only_while_the_heads_are_a_subset_of_what_it_covers(world: World) -> None:
    listed = world.prelist(p={K: {"m_name": "Budi", "nik": nik(1)}})
    wrote_over = world.submit(p={K: {"m_name": "Sutinah", "nik": nik(2)}}, saw=[listed], evidence=3)
    open_one = record(listed, wrote_over)
    assert conflict_kinds(open_one) == ["person_replaced"]
    covers = [(head["ref"], head["path"]) for head in open_one.data["conflicts"][0]["heads"]]
    ruling = world.verdict("replacement_confirmed", covers, persons=[K], saw=[listed, wrote_over])
    assert conflict_kinds(record(listed, wrote_over, ruling)) == []
    again = world.submit(p={K: {"m_name": "Marwoto", "nik": nik(3)}}, saw=[listed, wrote_over, ruling], evidence=3)
    assert conflict_kinds(record(listed, wrote_over, ruling, again)) == ["person_replaced"]
