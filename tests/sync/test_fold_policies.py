"""Every policy, unit and correction rule of docs/merge.md, one sentence a test."""

from __future__ import annotations

import pytest
from fold_world import World, conflict_kinds, key, nik, record, said, shown

K = key(1)


@pytest.fixture
def world() -> World:
    return World()


def named(name: str, **more: str) -> dict[str, dict[str, str]]:
    return {K: {"m_name": name, **more}}


def test_the_highest_evidence_wins_under_evidence(world: World) -> None:
    weak = world.submit(p=named("Budi"), evidence=1, by="ani")
    strong = world.submit(p=named("Budiman"), evidence=3, by="edo")
    assert shown(record(weak, strong), "m_name", K) == "Budiman"


def test_a_tie_with_different_values_is_a_conflict(world: World) -> None:
    found = record(world.submit(p=named("Budi"), by="ani"), world.submit(p=named("Budiman"), by="edo"))
    assert shown(found, "m_name", K) == "CONFLICT"
    assert found.state == "conflict"


def test_equal_values_corroborate_and_are_never_a_conflict(world: World) -> None:
    found = record(world.submit(p=named("Budi"), by="ani"), world.submit(p=named("  BUDI "), by="edo"))
    assert conflict_kinds(found) == []


def test_a_nik_with_dots_equals_the_same_digits_and_stays_text(world: World) -> None:
    dotted = f"{nik(7)[:6]}.{nik(7)[6:12]}.{nik(7)[12:]}"
    found = record(world.submit(p=named("Budi", nik=nik(7))), world.submit(p=named("Budi", nik=dotted), by="edo"))
    assert conflict_kinds(found) == []
    assert isinstance(shown(found, "nik", K), str)


def test_a_weaker_assertion_does_not_replace_what_it_saw(world: World) -> None:
    first = world.submit(p=named("Budi"), evidence=3)
    later = world.submit(p=named("Bodi"), evidence=1, saw=[first])
    found = record(first, later)
    assert shown(found, "m_name", K) == "Budi"
    assert len(found.trail["values"][f"p/{K}/m_name"]["heads"]) == 2


def test_a_not_weaker_assertion_replaces_what_it_saw(world: World) -> None:
    first = world.submit(p=named("Budi"), evidence=3)
    found = record(first, world.submit(p=named("Bodi"), evidence=3, saw=[first]))
    assert shown(found, "m_name", K) == "Bodi"
    assert len(found.trail["values"][f"p/{K}/m_name"]["heads"]) == 1


def test_a_correction_carries_the_evidence_of_what_it_corrects(world: World) -> None:
    first = world.submit(p=named("Budi"), evidence=4)
    fixed = world.change("correction", p={K: {"m_name": said("Bodi", 1, corrects=first)}}, saw=[first])
    found = record(first, fixed)
    assert shown(found, "m_name", K) == "Bodi"
    assert found.trail["values"][f"p/{K}/m_name"]["evidence"] == 4


def test_a_correction_counts_only_if_what_it_corrects_is_in_its_context(world: World) -> None:
    first = world.submit(p=named("Budi"), evidence=4)
    found = record(first, world.change("correction", p={K: {"m_name": said("Bodi", 1, corrects=first)}}))
    assert shown(found, "m_name", K) == "Budi"


def test_a_correction_of_a_void_form_carries_its_own_evidence(world: World) -> None:
    first = world.submit(p=named("Budi"), evidence=4)
    fixed = world.change("correction", p={K: {"m_name": said("Bodi", 1, corrects=first)}}, saw=[first])
    other = world.submit(p=named("Beni"), evidence=2, by="edo")
    assert shown(record(first, fixed, other, world.point("void", first)), "m_name", K) == "Beni"


def test_evidence_5_is_not_corrected_by_a_tablet(world: World) -> None:
    checked = world.event("verification", p=named("Budi"), evidence=5, by="padan", body={"source": "dukcapil"})
    fixed = world.change("correction", p={K: {"m_name": said("Bodi", 3, corrects=checked)}}, saw=[checked])
    assert shown(record(checked, fixed), "m_name", K) == "Budi"


def test_evidence_5_is_corrected_by_a_verification_and_by_a_decision(world: World) -> None:
    checked = world.event("verification", p=named("Budi"), evidence=5, by="padan", body={"source": "dukcapil"})
    again = world.event(
        "verification", p=named("Bodi"), evidence=5, by="padan", saw=[checked], body={"source": "dukcapil"}
    )
    assert shown(record(checked, again), "m_name", K) == "Bodi"
    decision = world.decide([(checked, f"p/{K}/m_name")], p=named("Badu"), saw=[checked])
    assert shown(record(checked, decision), "m_name", K) == "Badu"


def test_latest_takes_the_causal_successor_whatever_its_evidence(world: World) -> None:
    first = world.submit(h={"income": 5}, evidence=4)
    assert shown(record(first, world.submit(h={"income": 6}, evidence=1, saw=[first])), "income") == 6


def test_latest_drops_a_head_whose_interval_lies_wholly_before_anothers(world: World) -> None:
    old = world.submit(h={"income": 5}, not_before="2026-01-01T00:00:00Z")
    new = world.submit(h={"income": 6}, not_before="2026-02-01T00:00:00.5Z", by="edo")
    stamps = [world.stamp(old, "2026-01-05T00:00:00Z"), world.stamp(new, "2026-02-05T00:00:00Z")]
    assert shown(record(old, new, *stamps), "income") == 6


@pytest.mark.parametrize(
    ("start", "end"),
    [(None, "2026-01-05T00:00:00Z"), ("2026-01-01T00:00:00Z", None), ("2026-01-09T00:00:00Z", "2026-01-05T00:00:00Z")],
)
def test_an_open_or_reversed_interval_is_disjoint_from_nothing(
    world: World, start: str | None, end: str | None
) -> None:
    old = world.submit(h={"income": 5}, not_before=start)
    new = world.submit(h={"income": 6}, not_before="2026-02-01T00:00:00Z", by="edo")
    stamps = [world.stamp(new, "2026-02-05T00:00:00Z"), *([world.stamp(old, end)] if end else [])]
    assert shown(record(old, new, *stamps), "income") == "CONFLICT"


def test_overlapping_intervals_leave_a_conflict(world: World) -> None:
    old = world.submit(h={"income": 5}, not_before="2026-01-01T00:00:00Z")
    new = world.submit(h={"income": 6}, not_before="2026-01-03T00:00:00Z", by="edo")
    stamps = [world.stamp(old, "2026-01-05T00:00:00Z"), world.stamp(new, "2026-01-06T00:00:00Z")]
    assert shown(record(old, new, *stamps), "income") == "CONFLICT"


def test_the_smallest_stamp_ends_the_interval(world: World) -> None:
    old = world.submit(h={"income": 5}, not_before="2026-01-01T00:00:00Z")
    new = world.submit(h={"income": 6}, not_before="2026-02-01T00:00:00Z", by="edo")
    stamps = [world.stamp(old, f"2026-0{month}-05T00:00:00Z") for month in (3, 1, 4)]
    assert shown(record(old, new, *stamps, world.stamp(new, "2026-02-05T00:00:00Z")), "income") == 6


def test_a_set_is_the_union_of_its_heads(world: World) -> None:
    found = record(world.submit(h={"programmes": ["1"]}), world.submit(h={"programmes": ["2", "3"]}, by="edo"))
    assert shown(found, "programmes") == ["1", "2", "3"]


def test_an_element_is_removed_by_an_assertion_that_saw_it(world: World) -> None:
    first = world.submit(h={"programmes": ["1", "2"]}, evidence=4)
    assert shown(record(first, world.submit(h={"programmes": ["2"]}, saw=[first])), "programmes") == ["2"]


def test_an_exclusive_choice_beside_another_is_a_conflict(world: World) -> None:
    found = record(world.submit(h={"programmes": ["0"]}), world.submit(h={"programmes": ["1"]}, by="edo"))
    assert shown(found, "programmes") == "CONFLICT"


def test_status_differing_heads_are_a_conflict(world: World) -> None:
    found = record(world.submit(h={"visit_outcome": "01"}), world.submit(h={"visit_outcome": "02"}, by="edo"))
    assert shown(found, "visit_outcome") == "CONFLICT"


@pytest.mark.parametrize("code", ["05", "07"])
def test_taking_back_moved_or_duplicate_is_a_conflict_even_when_its_author_saw_it(world: World, code: str) -> None:
    gone = world.submit(h={"visit_outcome": code, "outcome_note": "RT"})
    back = world.submit(h={"visit_outcome": "01"}, saw=[gone], by="edo")
    assert shown(record(gone, back), "visit_outcome") == "CONFLICT"
    done = world.decide([(gone, "h/visit_outcome"), (back, "h/outcome")], h={"visit_outcome": "01"}, saw=[gone, back])
    assert shown(record(gone, back, done), "visit_outcome") == "01"


def test_a_death_is_not_taken_back_by_a_tablet(world: World) -> None:
    dead = world.submit(p=named("Budi", presence="2"))
    assert shown(record(dead, world.submit(p={K: {"presence": "1"}}, saw=[dead])), "presence", K) == "CONFLICT"


def test_more_detail_about_the_same_sticky_outcome_takes_nothing_back(world: World) -> None:
    gone = world.submit(h={"visit_outcome": "05", "outcome_note": "ke kota"})
    more = world.submit(h={"visit_outcome": "05", "outcome_note": "ke Jakarta"}, saw=[gone])
    assert shown(record(gone, more), "outcome_note") == "ke Jakarta"


def test_no_respondent_yields_to_any_other_outcome(world: World) -> None:
    nobody = world.submit(h={"visit_outcome": "03"}, evidence=4)
    found = record(nobody, world.submit(h={"visit_outcome": "01"}, by="edo"))
    assert shown(found, "visit_outcome") == "01"


def test_no_respondent_yields_also_to_an_outcome_it_saw(world: World) -> None:
    done = world.submit(h={"visit_outcome": "01"})
    assert shown(record(done, world.submit(h={"visit_outcome": "03"}, saw=[done])), "visit_outcome") == "01"


def test_no_respondent_stands_where_there_is_no_other(world: World) -> None:
    found = record(world.submit(h={"visit_outcome": "03"}), world.submit(h={"visit_outcome": "03"}, by="edo"))
    assert shown(found, "visit_outcome") == "03"


def point(north: int, east: int = 0, accuracy: int = 50) -> dict[str, int]:
    """A point so many micro-degrees away."""
    return {"lat": -2_900_000 + north, "lon": 108_200_000 + east, "acc_dm": accuracy}


def test_points_within_50_m_give_the_best_accuracy(world: World) -> None:
    found = record(
        world.submit(h={"gps_home": point(0, accuracy=90)}), world.submit(h={"gps_home": point(449)}, by="edo")
    )
    assert shown(found, "gps_home") == point(449)


def test_points_of_one_accuracy_give_the_smallest_ref(world: World) -> None:
    both = [world.submit(h={"gps_home": point(0)}), world.submit(h={"gps_home": point(9)}, by="edo")]
    first = min(both, key=lambda event: event.ref)
    assert shown(record(*both), "gps_home") == first.parts[0].assertions["gps_home"].value


def test_points_over_50_m_apart_are_a_conflict(world: World) -> None:
    found = record(world.submit(h={"gps_home": point(0)}), world.submit(h={"gps_home": point(450)}, by="edo"))
    assert shown(found, "gps_home") == "CONFLICT"


def test_all_points_must_lie_within_50_m_of_one_another(world: World) -> None:
    chain = [world.submit(h={"gps_home": point(n * 300)}, by=f"officer{n}") for n in range(3)]
    assert shown(record(*chain), "gps_home") == "CONFLICT"


def test_a_decided_point_keeps_its_place_among_points_nearby(world: World) -> None:
    far = [world.submit(h={"gps_home": point(0)}), world.submit(h={"gps_home": point(900)}, by="edo")]
    settled = world.decide([(each, "h/gps_home") for each in far], h={"gps_home": point(900)}, saw=far)
    near = world.submit(h={"gps_home": point(905, accuracy=1)}, by="tono")
    assert shown(record(*far, settled, near), "gps_home") == point(900)


def test_a_refusal_beside_a_point_is_a_conflict(world: World) -> None:
    found = record(
        world.submit(h={"gps_home": point(0)}), world.submit(h={"gps_home": said(state="declined")}, by="edo")
    )
    assert shown(found, "gps_home") == "CONFLICT"


def test_keep_all_keeps_all_ordered_by_ref(world: World) -> None:
    first = world.submit(h={"remark": "rumah kosong"})
    second = world.submit(h={"remark": "ada anjing"}, saw=[first])
    texts = {first.ref: "rumah kosong", second.ref: "ada anjing"}
    assert shown(record(first, second), "remark") == [texts[ref] for ref in sorted(texts)]


def test_a_derived_value_is_computed_and_a_mismatch_is_a_flag(world: World) -> None:
    found = record(world.submit(h={"rooms": 3, "rooms_twice": 7}))
    assert found.data["household"]["rooms_twice"] == {"value": 6, "flags": ["derived_mismatch"]}


def test_differing_statements_of_a_derived_value_are_no_conflict(world: World) -> None:
    found = record(world.submit(h={"rooms_twice": 7}), world.submit(h={"rooms_twice": 8}, by="edo"))
    assert conflict_kinds(found) == []
    assert found.data["household"]["rooms_twice"]["flags"] == ["derived_mismatch"]


def test_ask_differing_heads_are_a_conflict_whatever_their_evidence(world: World) -> None:
    found = record(
        world.submit(h={"assessment": "1"}, evidence=4), world.submit(h={"assessment": "2"}, by="edo", evidence=0)
    )
    assert shown(found, "assessment") == "CONFLICT"


def test_a_question_no_version_knows_is_asked_about_and_flagged(world: World) -> None:
    found = record(world.submit(h={"shoe_size": 40}), world.submit(h={"shoe_size": 41}, by="edo"))
    assert shown(found, "shoe_size") == "CONFLICT"
    assert {"code": "unknown_question", "path": "h/shoe_size"} in found.data["flags"]


def test_a_unit_is_chosen_together_so_that_no_merge_states_what_nobody_said(world: World) -> None:
    first = world.submit(h={"address": "Jl. A", "rt": "01"})
    second = world.submit(h={"address": "Jl. B", "rt": "02"}, saw=[first])
    found = record(first, second)
    assert (shown(found, "address"), shown(found, "rt")) == ("Jl. B", "02")
    tied = record(first, world.submit(h={"address": "Jl. A", "rt": "03"}, by="edo"))
    assert (shown(tied, "address"), shown(tied, "rt")) == ("CONFLICT", "CONFLICT")


def test_a_unit_has_one_evidence_its_lowest(world: World) -> None:
    first = world.submit(h={"address": said("Jl. A", 3), "rt": said("01", 3)})
    second = world.submit(h={"address": said("Jl. B", 3), "rt": said("02", 1)}, saw=[first])
    assert shown(record(first, second), "address") == "CONFLICT"


def test_an_untouched_answer_asserts_nothing_and_overwrites_nothing(world: World) -> None:
    first = world.submit(h={"income": 5, "assets": 1})
    found = record(first, world.submit(h={"assets": 2}, saw=[first]), world.submit(h={"income": 9}, saw=[first]))
    assert (shown(found, "income"), shown(found, "assets")) == (9, 2)


def test_a_value_of_the_wrong_type_takes_out_that_assertion_only(world: World) -> None:
    found = record(world.submit(h={"income": "banyak", "assets": 2}))
    assert (shown(found, "income"), shown(found, "assets")) == (None, 2)
    assert {"code": "wrong_type", "path": "h/income"} in found.data["flags"]


def test_a_broken_constraint_keeps_the_value_and_flags_it(world: World) -> None:
    found = record(world.submit(h={"income": 100000001}))
    assert found.data["household"]["income"] == {"value": 100000001, "flags": ["constraint"]}


def test_a_state_stands_where_a_value_could(world: World) -> None:
    assert shown(record(world.submit(h={"income": said(state="declined")})), "income") == "!declined"


def test_what_is_not_relevant_is_kept_marked_and_not_delivered(world: World) -> None:
    first = world.submit(h={"assessment": "2", "assessment_why": "atap bocor"})
    later = world.submit(h={"assessment": "1"}, saw=[first])
    never_said = record(world.submit(h={"assessment": "1"}))
    found = record(first, later)
    assert found.data["household"]["assessment_why"] == {"value": "atap bocor", "irrelevant": True}
    assert found.delivery_digest == never_said.delivery_digest


def test_ages_are_as_at_the_visit(world: World) -> None:
    found = record(world.submit(h={"visit_date": "2026-05-09"}, p=named("Budi", birth_date="1980-05-10")))
    assert found.data["persons"][0]["age"] == 45


def test_answers_of_a_change_are_kept_with_it_and_never_merged(world: World) -> None:
    accident = world.change("work_accident", e={"acc_story": "jatuh"})
    again = world.change("work_accident", e={"acc_story": "terpeleset"}, by="edo")
    found = record(accident, again)
    assert conflict_kinds(found) == []
    assert {line["fields"]["acc_story"]["value"] for line in found.data["changes"]} == {"jatuh", "terpeleset"}


def test_two_officers_at_one_household_are_one_record_and_a_signal(world: World) -> None:
    found = record(world.submit(h={"income": 5}, by="ani"), world.submit(h={"assets": 5}, by="edo"))
    assert {"code": "double_visit"} in found.data["flags"]
    assert (shown(found, "income"), shown(found, "assets")) == (5, 5)
