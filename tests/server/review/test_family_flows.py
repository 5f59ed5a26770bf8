"""Void, undo, admit, waive, reattach, link, unlink, move, split: filed where their target is, undone to the byte."""

from __future__ import annotations

from typing import Any

import pytest
from review_world import FAR_VILLAGE, NIK, OTHER_NIK, OTHER_REGION, OTHER_VILLAGE, REGION, VILLAGE, refused

from schemas.event import Assertion
from server.auth.rights import SUPERVISOR
from server.flows import families, review
from server.flows.rebuild import rebuild


def filed(bureau: Any, ref: str) -> set[str]:
    head = bureau.stored(ref).head
    return {head["household_id"], *(item["household_id"] for item in head["also"])}


@pytest.fixture(autouse=True)
def stored_equals_a_fresh_fold(bureau: Any) -> Any:
    """Whatever a test did: the caches are what the log says."""
    yield
    bureau.world.fold()
    found: list[Any] = []
    rebuild(bureau.db, bureau.world.keys, check=True, shuffle_seed=3, now_ms=bureau.world.now_ms, report=found.append)
    assert [str(each) for each in found] == []


def test_a_void_takes_a_form_out_and_undoing_it_restores_the_bytes(bureau: Any) -> None:
    household, _, second = bureau.conflict()
    before = bureau.record(household).data
    void = bureau.did(families.void(bureau.desk, household, second[:10]))
    assert (bureau.kinds(household), bureau.value(household, "assessment")) == ([], "layak")
    assert "sudah" in refused("wrong_state", families.void, bureau.desk, household, second)
    bureau.did(families.undo(bureau.desk, household, void))
    assert bureau.record(household).data == before
    refused("wrong_state", families.undo, bureau.desk, household, void)


def test_the_row_of_a_list_can_be_voided(bureau: Any) -> None:
    household = bureau.world.uuid()
    row = bureau.listed(household, {"address": "salah"})
    void = bureau.did(families.void(bureau.desk, household, row))
    assert bureau.value(household, "address") is None
    bureau.did(families.undo(bureau.desk, household, void))
    assert bureau.value(household, "address") == "salah"


def test_void_and_undo_say_which_of_them_is_meant(bureau: Any) -> None:
    household, first, second = bureau.conflict()
    decision = bureau.did(review.decide(bureau.desk, household, "assessment", take=second))
    assert "review undo" in refused("bad_request", families.void, bureau.desk, household, decision)
    assert "review void" in refused("bad_request", families.undo, bureau.desk, household, first)


def test_a_ref_is_known_by_eight_digits_or_more_and_only_on_its_own_record(bureau: Any) -> None:
    household, first, _ = bureau.conflict()
    _other, theirs, _ = bureau.conflict()
    refused("bad_request", families.void, bureau.desk, household, first[:7])
    refused("bad_request", families.void, bureau.desk, household, "")
    refused("not_found", families.void, bureau.desk, household, theirs)


def test_a_pointer_is_filed_under_everything_its_target_is_filed_under(bureau: Any, person: Any) -> None:
    one, two = bureau.world.uuid(), bureau.world.uuid()
    key = bureau.person(one)
    bureau.visit(one, {"address": "x"}, {key: person("SITI", NIK)})
    bureau.visit(two, {"address": "y"})
    before = {each: bureau.record(each).data for each in (one, two)}
    move = bureau.did(families.move(bureau.desk, one, key, two))
    assert filed(bureau, move) == {one, two}
    # voided from either family's page
    void = bureau.did(families.void(bureau.desk, two, move))
    assert filed(bureau, void) == {one, two}
    assert {each: bureau.record(each).data for each in (one, two)} == before
    bureau.did(families.undo(bureau.desk, one, void))
    assert bureau.data(one)["persons"][0]["moved_to"] == two


def test_what_touches_two_families_needs_a_right_on_both(bureau: Any, person: Any) -> None:
    one, two = bureau.world.uuid(), bureau.world.uuid()
    bureau.world.enrol("tablet-1", "petugas1", REGION)
    key = bureau.person(one)
    bureau.visit(one, {"address": "x"}, {key: person("SITI", NIK)})
    bureau.visit(two, {"address": "y"}, area=OTHER_VILLAGE)
    narrow = bureau.desk_of("kecamatan", SUPERVISOR, "19.03.01")
    assert OTHER_VILLAGE in refused("forbidden", families.move, narrow, one, key, two)
    refused("forbidden", families.link, narrow, [one, two])
    move = bureau.did(families.move(bureau.desk, one, key, two))
    assert OTHER_VILLAGE in refused("forbidden", families.void, narrow, one, move)
    form = bureau.visit(one, {"address": "z"}, saw=True)
    refused("forbidden", families.reattach, narrow, one, form, two)


def test_a_form_moved_to_two_families_at_once_is_settled_from_any_of_them(bureau: Any) -> None:
    """Two supervisors who do not see each other's act: the record of each family names both moves."""
    one, two, three = (bureau.world.uuid() for _ in range(3))
    for household in (one, two, three):
        bureau.visit(household, {"address": household[:8]})
    form = bureau.visit(one, {"assessment": "salah rumah"})
    bureau.world.fold()
    first = families.reattach(bureau.desk, one, form, two)
    second = families.reattach(bureau.desk, one, form, three)
    bureau.world.fold()
    for household in (one, two, three):
        (conflict,) = [each for each in bureau.data(household)["conflicts"] if each["kind"] == "reattach"]
        assert {head["ref"] for head in conflict["heads"]} == {first, second}
    bureau.did(families.undo(bureau.desk, three, first))
    assert bureau.value(three, "assessment") == "salah rumah"
    assert [each for each in bureau.data(two)["conflicts"] if each["kind"] == "reattach"] == []
    refused("not_found", families.undo, bureau.desk, two, "f" * 32)


def test_a_held_form_is_admitted_and_the_admission_can_be_undone(bureau: Any) -> None:
    household = bureau.world.uuid()
    bureau.visit(household, {"address": "x"})
    held = bureau.visit(household, {"assessment": "luar"}, area=OTHER_VILLAGE)
    before = bureau.record(household).data
    assert bureau.trail(household)["held"][0]["reason"] == "out_of_area"
    refused("not_found", families.admit, bureau.desk, household, "0" * 8)
    admit = bureau.did(families.admit(bureau.desk, household, held[:8]))
    assert bureau.value(household, "assessment") == "luar"
    refused("not_found", families.admit, bureau.desk, household, held)
    bureau.did(families.undo(bureau.desk, household, admit))
    assert bureau.record(household).data == before


def test_what_is_held_for_a_fault_of_its_own_is_not_admitted(bureau: Any) -> None:
    household, first, _ = bureau.conflict()
    bureau.world.staff("undo", household, {"target": first})
    bureau.world.fold()
    (line,) = bureau.trail(household)["held"]
    assert "wrong_target" in refused("wrong_state", families.admit, bureau.desk, household, line["ref"])


def test_a_missing_event_is_waived(bureau: Any) -> None:
    household = bureau.world.uuid()
    missing = "ab" * 16
    bureau.visit(household, {"address": "x"}, context={missing: household})
    assert [line["ref"] for line in bureau.data(household)["awaiting"]] == [missing]
    refused("not_found", families.waive, bureau.desk, household, "cd" * 16)
    refused("bad_request", families.waive, bureau.desk, household, "")
    bureau.did(families.waive(bureau.desk, household, missing[:8]))
    assert bureau.data(household)["awaiting"] == []


def test_a_form_at_the_wrong_family_is_moved_once_and_back_again(bureau: Any) -> None:
    wrong, right = bureau.world.uuid(), bureau.world.uuid()
    bureau.visit(wrong, {"address": "x"})
    bureau.visit(right, {"address": "y"})
    form = bureau.visit(wrong, {"assessment": "layak"})
    before = {each: bureau.record(each).data for each in (wrong, right)}
    ref = bureau.did(families.reattach(bureau.desk, wrong, form, right))
    assert filed(bureau, ref) == {wrong, right}
    assert (bureau.value(wrong, "assessment"), bureau.value(right, "assessment")) == (None, "layak")
    third = bureau.world.uuid()
    bureau.visit(third, {"address": "z"})
    assert ref[:12] in refused("wrong_state", families.reattach, bureau.desk, wrong, form, third)
    bureau.did(families.undo(bureau.desk, right, ref))
    assert {each: bureau.record(each).data for each in (wrong, right)} == before
    refused("bad_request", families.reattach, bureau.desk, wrong, form, wrong)
    row = bureau.listed(wrong)
    refused("bad_request", families.reattach, bureau.desk, wrong, row, right)


def test_link_and_unlink_restore_the_bytes_of_both(bureau: Any) -> None:
    one, two, three = sorted(bureau.world.uuid() for _ in range(3))
    for household in (one, two, three):
        bureau.visit(household, {"address": "sama"})
    before = {each: bureau.record(each).data for each in (one, two, three)}
    first = bureau.did(families.link(bureau.desk, [one, two]))
    second = bureau.did(families.link(bureau.desk, [two, three]))
    assert bureau.data(three)["aliases"] == [two, three]
    refused("bad_request", families.link, bureau.desk, [one, three])
    refused("not_found", families.unlink, bureau.desk, one, ["0" * 8])
    refused("bad_request", families.unlink, bureau.desk, one, [first[:3]])
    bureau.did(families.unlink(bureau.desk, three, [second[:8]]))
    assert bureau.record(three).data == before[three]
    assert bureau.data(one)["aliases"] == [two]
    bureau.did(families.link(bureau.desk, [two, three]))
    unlink = bureau.did(families.unlink(bureau.desk, two, []))
    assert len(bureau.stored(unlink).head["body"]["links"]) == 2
    assert filed(bureau, unlink) == {one, two, three}
    assert {each: bureau.record(each).data for each in (one, two, three)} == before
    refused("not_found", families.unlink, bureau.desk, one, [])


def test_undoing_a_link_restores_the_bytes_too(bureau: Any) -> None:
    one, two = bureau.world.uuid(), bureau.world.uuid()
    for household in (one, two):
        bureau.visit(household, {"address": household})
    before = {each: bureau.record(each).data for each in (one, two)}
    link = bureau.did(families.link(bureau.desk, [one, two]))
    bureau.did(families.undo(bureau.desk, two, link))
    assert {each: bureau.record(each).data for each in (one, two)} == before


def test_families_of_two_kabupaten_are_not_linked(bureau: Any) -> None:
    one, two = bureau.world.uuid(), bureau.world.uuid()
    bureau.visit(one, {"address": "x"})
    bureau.world.enrol("tablet-9", "petugas9", OTHER_REGION)
    far = bureau.world.sealed(two, {"address": "y"}, home_region=OTHER_REGION, area=FAR_VILLAGE, actor="petugas9")
    bureau.world.push(far, install="tablet-9")
    bureau.world.fold()
    province = bureau.desk_of("provinsi", SUPERVISOR, "19")
    assert "kabupaten" in refused("bad_request", families.link, province, [one, two])


def test_a_move_carries_the_values_on_their_evidence(bureau: Any) -> None:
    one, two = bureau.world.uuid(), bureau.world.uuid()
    key = bureau.person(one)
    answers = {"m_name": Assertion("SITI AMINAH", evidence=3), "nik": Assertion(NIK, evidence=4), "presence": "1"}
    bureau.visit(one, {"address": "x"}, {key: answers})
    bureau.visit(two, {"address": "y"})
    bureau.did(families.move(bureau.desk, one, key.split("/")[1][:8], two, "ikut anak"))
    (gone,) = bureau.data(one)["persons"]
    assert (gone["moved_to"], gone["fields"]) == (two, {})
    (arrived,) = bureau.data(two)["persons"]
    assert arrived["fields"]["nik"]["value"] == NIK
    values = bureau.trail(two)["values"]
    assert (values[f"p/{key}/nik"]["evidence"], values[f"p/{key}/m_name"]["evidence"]) == (4, 3)
    refused("not_found", families.move, bureau.desk, one, key, two)
    refused("bad_request", families.move, bureau.desk, two, key, two)
    bureau.did(families.move(bureau.desk, two, key, "outside"))
    assert bureau.data(two)["persons"][0]["moved_to"] == "outside"


def test_a_member_with_an_open_conflict_is_not_moved(bureau: Any, person: Any) -> None:
    one, two = bureau.world.uuid(), bureau.world.uuid()
    key = bureau.person(one)
    bureau.visit(one, {}, {key: person("SITI AMINAH")})
    bureau.visit(one, {}, {key: person("ROHANI")})
    bureau.visit(two, {"address": "y"})
    assert "m_name" in refused("conflict_open", families.move, bureau.desk, one, key, two)


def test_a_disputed_membership_is_settled_in_all_families_concerned(bureau: Any, person: Any) -> None:
    home, left, right = (bureau.world.uuid() for _ in range(3))
    key = bureau.person(home)
    bureau.visit(home, {"address": "x"}, {key: person("SITI", NIK)})
    for household in (left, right):
        bureau.visit(household, {"address": household})
    shown = bureau.desk.show(home)
    for household in (left, right):
        target = bureau.desk.show(household)
        body = {"type": "move_in", "person": key, "moves": [{"person": key, "to": household}]}
        bureau.desk.record("change", [shown, target], body)
    bureau.world.fold()
    assert bureau.kinds(home) == ["membership_conflict"]
    stays = bureau.did(families.move(bureau.desk, home, key, home))
    assert filed(bureau, stays) == {home, left, right}
    for household in (home, left, right):
        assert bureau.kinds(household) == [], household
    assert bureau.data(home)["persons"][0]["fields"]["nik"]["value"] == NIK


def test_a_split_makes_a_family_in_the_same_kabupaten(bureau: Any, person: Any) -> None:
    household = bureau.world.uuid()
    keys = [bureau.person(household) for _ in range(2)]
    bureau.visit(household, {}, {keys[0]: person("SITI", NIK), keys[1]: person("BUDI", OTHER_NIK)})
    refused("bad_request", families.split, bureau.desk, household, [])
    refused("bad_request", families.split, bureau.desk, household, keys)
    refused("not_found", families.split, bureau.desk, household, [bureau.person(household)])
    ref, fresh = bureau.did(families.split(bureau.desk, household, [keys[1], keys[1]]))
    assert filed(bureau, ref) == {household, fresh}
    record = bureau.record(fresh)
    assert (record.home_region, record.area) == (REGION, VILLAGE)
    (arrived,) = bureau.data(fresh)["persons"]
    assert arrived["fields"]["nik"]["value"] == OTHER_NIK
    here = [each for each in bureau.data(household)["persons"] if "moved_to" not in each]
    assert [each["key"] for each in here] == [keys[0]]


def test_a_form_filled_while_linked_is_kept_or_moved(bureau: Any) -> None:
    one, two = sorted(bureau.world.uuid() for _ in range(2))
    for household in (one, two):
        bureau.visit(household, {"address": "sama"})
    link = bureau.did(families.link(bureau.desk, [one, two]))
    form = bureau.visit(one, {"assessment": "layak"}, saw=True)
    bureau.did(families.undo(bureau.desk, one, link))
    assert bureau.kinds(one) == ["filled_while_linked"]
    refused("not_found", review.settle, bureau.desk, one, "keep_filled", path="0" * 32)
    bureau.did(review.settle(bureau.desk, one, "keep_filled", path=form[:8]))
    assert bureau.kinds(one) == []


def test_one_id_with_two_contents_is_closed_by_voiding_one(bureau: Any) -> None:
    household, event_id = bureau.world.uuid(), bureau.world.uuid()
    bureau.visit(household, {"assessment": "layak"}, id=event_id)
    second = bureau.visit(household, {"assessment": "tidak"}, id=event_id)
    assert "equivocation" in bureau.kinds(household)
    bureau.did(families.void(bureau.desk, household, second))
    assert bureau.kinds(household) == []
