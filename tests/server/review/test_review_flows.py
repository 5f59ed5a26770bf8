"""Assigning, approving, returning, settling, ratifying: one event each, on top of what was shown."""

from __future__ import annotations

from typing import Any

import pytest
from review_world import FAR_VILLAGE, NIK, OTHER_NIK, OTHER_REGION, OTHER_VILLAGE, REGION, refused

from server.auth.rights import DISTRICT_ADMIN, SUPERVISOR
from server.flows import review
from server.store import cases, niks

PAPER = {"number": "BA-01", "date": "2026-11-21"}


def nik_case(bureau: Any, household: str) -> Any:
    found = cases.open_cases(bureau.db, bureau.record(household).home_region, household_id=household)
    return next(case.detail for case in found if case.source == cases.NIK)


def test_the_context_of_an_act_is_everything_behind_what_was_shown(bureau: Any) -> None:
    household, first, second = bureau.conflict()
    shown = bureau.desk.show(household)
    late = bureau.visit(household, {"address": "Jl. Baru"})
    ref = bureau.desk.record("assignment", [shown], {"officer": "petugas1"})
    context = {item["ref"] for item in bureau.stored(ref).head["context"]}
    assert context == {first, second}
    assert late not in context


def test_an_approval_names_the_digest_that_was_shown_and_brings_the_state(bureau: Any) -> None:
    household = bureau.world.uuid()
    bureau.visit(household, {"assessment": "layak"})
    shown = bureau.record(household)
    ref = bureau.did(review.approve(bureau.desk, household, shown.data_digest[:12]))
    assert bureau.stored(ref).head["body"]["data_digest"] == shown.data_digest
    assert bureau.record(household).state == "approved"
    assert "sudah disetujui" in refused("wrong_state", review.approve, bureau.desk, household)


def test_approving_what_is_in_conflict_unfilled_or_changed_is_refused(bureau: Any) -> None:
    household, _, _ = bureau.conflict()
    assert "field" in refused("conflict_open", review.approve, bureau.desk, household)
    listed = bureau.world.uuid()
    bureau.listed(listed)
    refused("wrong_state", review.approve, bureau.desk, listed)
    filled = bureau.world.uuid()
    bureau.visit(filled, {"assessment": "layak"})
    seen = bureau.record(filled).data_digest
    bureau.visit(filled, {"assessment": "tidak"}, saw=True)
    refused("changed_meanwhile", review.approve, bureau.desk, filled, seen[:12])
    for too_short in ("", seen[:7]):
        refused("bad_request", review.approve, bureau.desk, filled, too_short)


def test_many_are_approved_as_they_were_looked_at_and_one_that_changed_stops_no_other(bureau: Any) -> None:
    good, changed = bureau.world.uuid(), bureau.world.uuid()
    for household in (good, changed):
        bureau.visit(household, {"assessment": "layak"})
    bureau.conflict()
    bureau.listed(bureau.world.uuid())
    ready = review.ready_to_approve(bureau.desk, REGION)
    assert {each.household_id for each in ready} == {good, changed}
    bureau.visit(changed, {"assessment": "tidak"}, saw=True)
    outcomes = {each.household_id: each for each in bureau.did(review.approve_many(bureau.desk, ready))}
    assert bureau.record(good).state == "approved" and outcomes[good].ref
    assert bureau.record(changed).state == "submitted" and "berubah" in outcomes[changed].problem


def test_a_return_carries_comments_on_questions_that_exist_and_a_real_date(bureau: Any) -> None:
    household = bureau.world.uuid()
    bureau.visit(household, {"address": "x"})
    comments = {"address": "rumah yang mana?"}
    bureau.did(review.return_to_officer(bureau.desk, household, comments, note="mohon", due="2026-12-01"))
    (line,) = bureau.trail(household)["returns"]
    assert (line["comments"], line["due"], line["note"]) == ({"h/address": "rumah yang mana?"}, "2026-12-01", "mohon")
    assert bureau.record(household).state == "returned"
    bureau.visit(household, {"address": "Jl. Mawar 3"}, saw=True)
    assert bureau.record(household).state == "in_review"
    for wrong in ({"h/alamat": "x"}, {f"p/{bureau.person(household)}/nik": "x"}):
        refused("bad_request", review.return_to_officer, bureau.desk, household, wrong)
    refused("bad_request", review.return_to_officer, bureau.desk, household, {})
    assert "tanggal" in refused(
        "bad_request", review.return_to_officer, bureau.desk, household, {"address": "x"}, due="31-12-2026"
    )
    refused("bad_request", review.return_to_officer, bureau.desk, household, {"address": "x"}, due="2026-02-30")


def test_a_decision_covers_what_was_shown_and_undoing_it_restores_the_bytes_of_data(bureau: Any) -> None:
    household, first, second = bureau.conflict()
    before = bureau.record(household).data
    ref = bureau.did(review.decide(bureau.desk, household, "assessment", take=second[:8]))
    covers = {item["ref"] for item in bureau.stored(ref).head["body"]["covers"]}
    assert covers == {first, second}
    assert bureau.value(household, "assessment") == "tidak layak"
    from server.flows import families

    bureau.did(families.undo(bureau.desk, household, ref))
    assert bureau.record(household).data == before


def test_a_value_that_came_after_the_screen_reopens_the_question(bureau: Any) -> None:
    household, _, second = bureau.conflict()
    bureau.did(review.decide(bureau.desk, household, "h/assessment", take=second))
    bureau.visit(household, {"assessment": "ragu"})
    assert bureau.kinds(household) == ["field"]


def test_a_value_written_by_a_supervisor_needs_a_reason_and_the_type_of_its_question(bureau: Any) -> None:
    household, _, _ = bureau.conflict()
    refused("bad_request", review.decide, bureau.desk, household, "assessment", answers={"assessment": "lain"})
    refused(
        "bad_request", review.decide, bureau.desk, household, "assessment", answers={"address": "x"}, comment="sebab"
    )
    refused(
        "bad_request", review.decide, bureau.desk, household, "assessment", answers={"assessment": 3}, comment="sebab"
    )
    refused(
        "bad_request",
        review.decide,
        bureau.desk,
        household,
        "assessment",
        states={"assessment": "lupa"},
        comment="sebab",
    )
    refused("not_found", review.decide, bureau.desk, household, "address", take="0" * 8)
    refused("bad_request", review.decide, bureau.desk, household, "assessment", take="0")
    refused("not_found", review.decide, bureau.desk, household, "assessment", take="0" * 8)
    bureau.did(
        review.decide(bureau.desk, household, "assessment", states={"assessment": "unknown"}, comment="tak jelas")
    )
    assert bureau.data(household)["household"]["assessment"] == {"state": "unknown"}


def test_a_choice_that_the_list_does_not_have_is_not_decided(bureau: Any, person: Any) -> None:
    household = bureau.world.uuid()
    key = bureau.person(household)
    bureau.visit(household, {}, {key: person(presence="1")})
    bureau.visit(household, {}, {key: person(presence="2")})
    path = f"p/{key}/presence"
    said = refused("bad_request", review.decide, bureau.desk, household, path, answers={"presence": "9"}, comment="x")
    assert "1, 2" in said
    bureau.did(review.decide(bureau.desk, household, path, answers={"presence": "1"}, comment="ditemui"))
    assert bureau.kinds(household) == []


def test_assigning_takes_the_household_from_whoever_had_it(bureau: Any) -> None:
    household = bureau.world.uuid()
    bureau.listed(household)
    bureau.world.enrol("tablet-2", "petugas2", REGION)
    bureau.did(review.assign(bureau.desk, household, ["petugas1"]))
    assert bureau.data(household)["assigned"] == ["petugas1"]
    bureau.did(review.assign(bureau.desk, household, ["petugas2", "petugas1", "petugas2"], "2026-12-01"))
    assert bureau.data(household)["assigned"] == ["petugas1", "petugas2"]
    assert "siapa" in refused("not_found", review.assign, bureau.desk, household, ["petugas1", "siapa"])
    refused("not_found", review.assign, bureau.desk, household, [])
    refused("bad_request", review.assign, bureau.desk, household, ["petugas1"], "besok")


def test_ratifying_is_all_or_none_each_household_once_with_its_digest(bureau: Any) -> None:
    ready, other, waiting = (bureau.world.uuid() for _ in range(3))
    for household in (ready, other, waiting):
        bureau.visit(household, {"assessment": "layak"})
    for household in (ready, other):
        bureau.did(review.approve(bureau.desk, household))
    count = bureau.count()
    assert waiting in refused("wrong_state", review.ratify, bureau.desk, [ready, waiting], PAPER)
    for paper in ({"number": " ", "date": "2026-11-21"}, {"number": "1", "date": "kemarin"}):
        refused("bad_request", review.ratify, bureau.desk, [ready], paper)
    assert bureau.count() == count
    refs = bureau.did(review.ratify(bureau.desk, [ready, other, ready], PAPER, PAPER, "gelombang 1"))
    assert len(refs) == 2
    body = bureau.stored(refs[0]).head["body"]
    assert body["delivery_digest"] == bureau.record(ready).delivery_digest
    assert (body["minutes"], body["decree"], body["batch"]) == (PAPER, PAPER, "gelombang 1")
    assert bureau.record(ready).state == bureau.record(other).state == "ratified"


def two_homes(
    bureau: Any, person: Any, second_name: str = "SITI AMINAH", **elsewhere: Any
) -> tuple[str, str, str, str]:
    one, two = bureau.world.uuid(), bureau.world.uuid()
    here, there = bureau.person(one), bureau.person(two)
    bureau.visit(one, {"address": "x"}, {here: person("SITI AMINAH", NIK)})
    bureau.visit(two, {"address": "y"}, {there: person(second_name, NIK)}, **elsewhere)
    return one, two, here, there


def test_moved_leaves_one_person_in_the_new_family_and_settles_the_nik(bureau: Any, person: Any) -> None:
    one, two, here, there = two_homes(bureau, person)
    case = nik_case(bureau, one)
    assert case["kind"] == "nik_two_households"
    ref = bureau.did(review.settle_nik(bureau.desk, case, "moved", person=(one, here), to=two, comment="pindah"))
    assert {item["household_id"] for item in bureau.stored(ref).head["also"]} == {two}
    assert bureau.data(one)["persons"][0]["moved_to"] == two
    (found,) = bureau.data(two)["persons"]
    assert set(found["keys"]) == {here, there}
    assert found["fields"]["m_name"]["value"] == "SITI AMINAH"
    assert cases.open_cases(bureau.db, REGION) == []


def test_wrong_nik_empties_it_on_the_named_person_only(bureau: Any, person: Any) -> None:
    one, two, _here, there = two_homes(bureau, person, "BUDI SANTOSO")
    case = nik_case(bureau, one)
    assert case["kind"] == "nik_collision"
    refused("bad_request", review.settle_nik, bureau.desk, case, "wrong_nik")
    refused("bad_request", review.settle_nik, bureau.desk, case, "wrong_nik", person=(one, there))
    bureau.did(review.settle_nik(bureau.desk, case, "wrong_nik", person=(two, there)))
    assert bureau.data(two)["persons"][0]["fields"]["nik"] == {"state": "cleared"}
    assert bureau.data(one)["persons"][0]["fields"]["nik"]["value"] == NIK
    assert cases.open_cases(bureau.db, REGION) == []


def test_two_people_with_one_nik_are_settled_as_such(bureau: Any, person: Any) -> None:
    one, _, _, _ = two_homes(bureau, person, "BUDI SANTOSO")
    bureau.did(review.settle_nik(bureau.desk, nik_case(bureau, one), "two_people"))
    (row,) = niks.rows_of_household(bureau.db, REGION, one)
    assert row["settled"] == "two_people"


def test_a_verdict_over_two_kabupaten_needs_both_and_stands_in_both_logs(bureau: Any, person: Any) -> None:
    bureau.world.enrol("tablet-9", "petugas9", OTHER_REGION)
    far = {"home_region": OTHER_REGION, "area": FAR_VILLAGE, "actor": "petugas9", "install": "tablet-9"}
    one, two = bureau.world.uuid(), bureau.world.uuid()
    here, there = bureau.person(one), bureau.person(two)
    bureau.visit(one, {"address": "x"}, {here: person("SITI AMINAH", NIK)})
    envelope = bureau.world.sealed(two, {"address": "y"}, {there: person("SITI AMINAH", NIK)}, **far)
    (answer,) = bureau.world.push(envelope, install="tablet-9")
    assert answer.status == "stored"
    bureau.world.fold()
    case = nik_case(bureau, one)
    said = refused("forbidden", review.settle_nik, bureau.desk, case, "moved", person=(one, here), to=two)
    assert FAR_VILLAGE in said
    province = bureau.desk_of("provinsi", DISTRICT_ADMIN, "19")
    ref = bureau.did(review.settle_nik(province, case, "moved", person=(one, here), to=two))
    for region in (REGION, OTHER_REGION):
        assert bureau.stored(ref, region).head["body"]["type"] == "moved"
    assert bureau.data(one)["persons"][0]["moved_to"] == two
    assert len(bureau.data(two)["persons"]) == 1
    assert cases.open_cases(bureau.db, REGION) == cases.open_cases(bureau.db, OTHER_REGION) == []


def test_verdicts_on_the_roster_join_and_part_members(bureau: Any, person: Any) -> None:
    household = bureau.world.uuid()
    one, two = bureau.person(household), bureau.person(household)
    bureau.visit(household, {}, {one: person("SITI", NIK), two: person("AMINAH", OTHER_NIK)})
    bureau.did(review.pair_persons(bureau.desk, household, [one, two], "same_person"))
    (found,) = bureau.data(household)["persons"]
    assert set(found["keys"]) == {one, two}
    refused("bad_request", review.pair_persons, bureau.desk, household, [one], "same_person")
    refused("bad_request", review.pair_persons, bureau.desk, household, [one, bureau.person(household)], "same_person")
    refused("not_found", review.settle, bureau.desk, household, "same_person")


def test_an_ambiguous_roster_is_settled_by_a_verdict(bureau: Any, person: Any) -> None:
    household = bureau.world.uuid()
    one, two = bureau.person(household), bureau.person(household)
    twins = person("SITI AMINAH", NIK)
    bureau.visit(household, {}, {one: twins, two: twins})
    assert bureau.kinds(household) == ["roster_ambiguous"]
    bureau.did(review.settle(bureau.desk, household, "different_persons"))
    assert bureau.kinds(household) == []
    assert len(bureau.data(household)["persons"]) == 2


@pytest.mark.parametrize("scope", [OTHER_REGION, OTHER_VILLAGE])
def test_out_of_scope_nothing_is_shown_and_nothing_done(bureau: Any, scope: str) -> None:
    household, _, second = bureau.conflict()
    stranger = bureau.desk_of("lain", SUPERVISOR, scope)
    count = bureau.count()
    refused("forbidden", stranger.show, household)
    refused("forbidden", review.decide, stranger, household, "assessment", take=second)
    refused("forbidden", review.return_to_officer, stranger, household, {}, note="x")
    assert bureau.count() == count


def test_what_is_meant_is_found_by_the_beginning_of_an_id_or_the_family_id(bureau: Any) -> None:
    household = "aaaaaaaa-1111-4111-8111-111111111111"
    twin = "aaaaaaaa-2222-4222-8222-222222222222"
    bureau.visit(household, {"address": "x"})
    assert bureau.desk.show("aaaaaaaa").household_id == household
    assert bureau.desk.show("AAAAAAAA-11").household_id == household
    refused("not_found", bureau.desk.show, "aaaaaaa")
    refused("not_found", bureau.desk.show, "bbbbbbbb")
    refused("not_found", bureau.desk.show, "%aaaaaaa")
    bureau.visit(twin, {"address": "x"})
    assert twin in refused("bad_request", bureau.desk.show, "aaaaaaaa")
    assert bureau.desk.show("aaaaaaaa-2").household_id == twin
