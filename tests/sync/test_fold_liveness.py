"""Which events count, which ids are one family, and where a form belongs: strata 0 and 1 of docs/merge.md."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fold_world import DICTIONARY, World, conflict_kinds, house, record, records, shown

from schemas.event import Event
from sync.fold import Record, fold, fold_everything


@pytest.fixture
def world() -> World:
    return World()


def status(of: Record, event: Event) -> str:
    return next(line["status"] for line in of.trail["refs"] if line["ref"] == event.ref)


def reasons(of: Record) -> dict[str, str]:
    return {line["ref"]: line["reason"] for line in of.trail["held"]}


def test_a_void_takes_a_form_out_and_its_undo_brings_it_back(world: World) -> None:
    first, form = world.prelist(h={"income": 1}), world.submit(h={"income": 5})
    void = world.point("void", form)
    undo = world.point("undo", void)
    assert status(record(first, form, void), form) == "dead"
    assert shown(record(first, form, void), "income") == 1
    assert record(first, form, void, undo).data_bytes == record(first, form).data_bytes


def test_an_undo_of_an_undo_undoes_it(world: World) -> None:
    form = world.submit(h={"income": 5})
    void = world.point("void", form)
    undo = world.point("undo", void)
    again = world.point("undo", undo)
    assert shown(record(form, void, undo, again), "income") is None
    assert shown(record(form, void, undo, again, world.point("undo", again)), "income") == 5


def test_dead_events_neither_give_values_nor_dominate(world: World) -> None:
    first = world.submit(h={"assessment": "1"})
    second = world.submit(h={"assessment": "2"}, saw=[first])
    assert shown(record(first, second, world.point("void", second)), "assessment") == "1"


def test_held_events_neither_give_values_nor_dominate_and_are_shown(world: World) -> None:
    first = world.submit(h={"assessment": "1"})
    second = world.submit(h={"assessment": "2"}, saw=[first])
    found = record(first, second, world.hold(second, "out_of_area"))
    assert shown(found, "assessment") == "1"
    assert reasons(found) == {second.ref: "out_of_area"}


def test_one_live_admit_lets_the_held_event_in_whatever_the_number_of_holds(world: World) -> None:
    form = world.submit(h={"income": 5})
    holds = [world.hold(form, "late"), world.hold(form, "out_of_area")]
    admit = world.point("admit", form)
    assert shown(record(form, *holds, admit), "income") == 5
    assert shown(record(form, *holds, admit, world.point("undo", admit)), "income") is None


def test_a_void_form_that_is_also_held_is_dead(world: World) -> None:
    form = world.submit(h={"income": 5})
    assert status(record(form, world.hold(form), world.point("void", form)), form) == "dead"


@pytest.mark.parametrize("kind", ["void", "undo", "hold", "admit", "reattach"])
def test_a_wrong_target_kind_is_itself_held(world: World, kind: str) -> None:
    form = world.submit(h={"income": 5})
    wrong = {
        "void": world.event("assignment", by="siti", body={"officer": "ani"}),
        "undo": form,
        "hold": world.stamp(form, "2026-01-01T00:00:00Z"),
        "admit": world.stamp(form, "2026-01-01T00:00:00Z"),
        "reattach": world.prelist(),
    }[kind]
    pointer = world.reattach(wrong, 1) if kind == "reattach" else world.point(kind, wrong, body={"reason": "late"})
    found = record(form, wrong, pointer)
    assert reasons(found)[pointer.ref] == "wrong_target"
    assert shown(found, "income") == 5


def test_a_pointer_filed_more_narrowly_than_its_target_is_held_so_that_two_families_tell_one_truth(
    world: World,
) -> None:
    split = world.change("split", 1, also=[2])
    void = world.point("void", split, also=[])
    found = {r.household_id: r for household in (1, 2) for r in fold([split, void], DICTIONARY, [house(household)])}
    assert reasons(found[house(1)])[void.ref] == "filed_too_narrowly"
    assert status(found[house(1)], split) == status(found[house(2)], split) == "live"


def test_an_event_of_a_newer_version_is_held_as_unreadable(world: World) -> None:
    form = replace(world.submit(h={"income": 5}), version=99)
    found = record(world.prelist(), form)
    assert reasons(found) == {form.ref: "unreadable"}


def test_a_link_makes_one_record_and_an_unlink_restores_both_byte_for_byte(world: World) -> None:
    one, two = world.prelist(1, h={"income": 1}), world.prelist(2, h={"assets": 2})
    link = world.link(1, 2, saw=[one, two])
    joined = record(one, two, link)
    assert (joined.aliases, shown(joined, "income"), shown(joined, "assets")) == ((house(2),), 1, 2)
    before, after = records(one, two), records(one, two, link, world.unlink(link))
    assert [after[n].data_bytes for n in (1, 2)] == [before[n].data_bytes for n in (1, 2)]


def test_an_undone_link_parts_too_and_a_second_link_holds(world: World) -> None:
    one, two = world.prelist(1), world.prelist(2)
    links = [world.link(1, 2), world.link(1, 2)]
    assert len(records(one, two, *links, world.point("undo", links[0]))) == 1
    assert len(records(one, two, *links, world.unlink(*links))) == 2


def test_the_canonical_id_is_the_smallest_listed_else_the_smallest(world: World) -> None:
    forms = [world.submit(number, h={"income": number}) for number in (1, 2, 3)]
    link = world.link(1, 2, 3)
    assert record(*forms, link).household_id == house(1)
    assert record(*forms, link, world.prelist(3), listed := world.prelist(2)).household_id == house(2)
    assert record(*forms, link, world.prelist(3), listed, world.point("void", listed)).household_id == house(3)


def test_a_link_across_regions_is_held(world: World) -> None:
    one, two = world.prelist(1), world.prelist(2)
    link = replace(world.link(1, 2), also={house(2): "19.71"})
    assert len(records(one, two, link)) == 2


def test_a_reattached_form_counts_only_under_its_target_and_stands_in_its_trail(world: World) -> None:
    wrong, right = world.prelist(1, h={"income": 1}), world.prelist(2, h={"income": 2})
    form = world.submit(1, h={"income": 9}, saw=[wrong])
    found = records(wrong, right, form, world.reattach(form, 2))
    assert shown(found[1], "income") == 1
    assert shown(found[2], "income") == "CONFLICT"
    assert {"ref": form.ref, "household_id": house(2)}.items() <= next(
        line for line in found[2].trail["refs"] if line["ref"] == form.ref
    ).items()


def test_two_reattaches_to_different_targets_are_a_conflict_and_it_counts_under_neither(world: World) -> None:
    homes = [world.prelist(number) for number in (1, 2, 3)]
    form = world.submit(1, h={"income": 9})
    moves = [world.reattach(form, 2), world.reattach(form, 3)]
    found = records(*homes, form, *moves)
    assert [shown(found[number], "income") for number in (1, 2, 3)] == [None, None, None]
    assert [conflict_kinds(found[number]) for number in (1, 2, 3)] == [["reattach"]] * 3
    settled = records(*homes, form, *moves, world.point("undo", moves[0]))
    assert [shown(settled[number], "income") for number in (1, 2, 3)] == [None, None, 9]


def test_two_reattaches_to_ids_of_one_family_agree(world: World) -> None:
    form = world.submit(1, h={"income": 9})
    events = [world.prelist(n) for n in (1, 2, 3)] + [form, world.reattach(form, 2), world.reattach(form, 3)]
    found = records(*events, world.link(2, 3))
    assert (conflict_kinds(found[2]), shown(found[2], "income")) == ([], 9)


def test_a_form_filled_while_two_families_were_linked_waits_after_the_unlink(world: World) -> None:
    one, two = world.prelist(1), world.prelist(2)
    link = world.link(1, 2, saw=[one, two])
    form = world.submit(1, h={"income": 9}, saw=[one, two, link])
    unlink = world.unlink(link)
    events = [one, two, link, form, unlink]
    assert conflict_kinds(records(one, two, link, form)[1]) == []
    parted = records(*events)
    assert (conflict_kinds(parted[1]), conflict_kinds(parted[2])) == (["filled_while_linked"], [])
    head = parted[1].data["conflicts"][0]["heads"][0]
    kept = world.verdict("keep_filled", [(head["ref"], head["path"])])
    assert conflict_kinds(records(*events, kept)[1]) == []
    moved = records(*events, world.reattach(form, 2))
    assert (conflict_kinds(moved[1]), conflict_kinds(moved[2]), shown(moved[2], "income")) == ([], [], 9)
    assert conflict_kinds(records(*events, world.link(1, 2))[1]) == []


def test_a_form_filled_while_linked_by_way_of_a_third_family_waits_too(world: World) -> None:
    homes = [world.prelist(number) for number in (1, 2, 3)]
    links = [world.link(1, 2), world.link(2, 3)]
    form = world.submit(1, h={"income": 9}, saw=[homes[0], homes[2]])
    found = records(*homes, *links, form, world.unlink(links[0]))
    assert conflict_kinds(found[1]) == ["filled_while_linked"]


def test_one_id_with_two_contents_is_folded_twice_and_closed_by_a_void(world: World) -> None:
    one = world.submit(h={"income": 1}, id="00000000-0000-4000-8000-00000000000a")
    two = world.submit(h={"assets": 2}, id=one.id)
    found = record(one, two)
    assert (shown(found, "income"), shown(found, "assets"), conflict_kinds(found)) == (1, 2, ["equivocation"])
    assert conflict_kinds(record(one, two, world.point("void", one))) == []


def test_a_missing_ref_is_awaited_and_a_supervisor_may_give_up(world: World) -> None:
    lost = world.submit(h={"income": 1})
    form = world.submit(h={"income": 2}, saw=[lost])
    found = record(form)
    assert found.data["awaiting"] == [{"ref": lost.ref, "household_id": house(1)}]
    assert record(form, lost).data["awaiting"] == []
    assert record(form, world.point("waive", lost)).data["awaiting"] == []


@pytest.mark.parametrize("condition", ["void", "hold"])
def test_a_ref_has_arrived_in_any_condition(world: World, condition: str) -> None:
    lost = world.submit(h={"income": 1})
    form = world.submit(h={"income": 2}, saw=[lost])
    pointer = world.hold(lost) if condition == "hold" else world.point("void", lost)
    assert record(form, lost, pointer).data["awaiting"] == []


def test_refs_of_another_family_are_never_awaited(world: World) -> None:
    assert record(world.submit(1, h={"income": 2}, saw=[world.submit(2)])).data["awaiting"] == []


def test_what_a_supervisor_saw_is_awaited_too(world: World) -> None:
    form, lost = world.submit(h={"assessment": "1"}), world.submit(h={"assessment": "2"})
    done = world.decide([(form, "h/assessment"), (lost, "h/assessment")], h={"assessment": "2"}, saw=[form, lost])
    assert record(form, done).data["awaiting"] == [{"ref": lost.ref, "household_id": house(1)}]


def test_the_area_is_that_of_the_list_or_the_forms_and_never_the_desks(world: World) -> None:
    form = world.submit(h={"income": 1}, area="19.03.02.2001")
    assert record(form, world.event("assignment", by="siti", area="19", body={"officer": "a"})).area == "19.03.02.2001"


def test_events_of_two_families_are_folded_family_by_family(world: World) -> None:
    found = fold_everything([world.prelist(1), world.prelist(2), world.change("split", 1, also=[2])], DICTIONARY)
    assert [each.household_id for each in found] == [house(1), house(2)]
    with pytest.raises(ValueError, match="2 clusters"):
        fold([world.prelist(1), world.prelist(2)], DICTIONARY)
