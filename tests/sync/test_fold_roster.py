"""Who is in the household: pairing of keys, verdicts, moves (stratum 2 of docs/merge.md)."""

from __future__ import annotations

from typing import Any

import pytest
from fold_world import DICTIONARY, World, conflict_kinds, house, key, nik, record, records, said, shown

from sync.fold import Record, fold

K, L, M = key(1), key(2), key(3)
LOOK = {"m_name": "Siti Aminah", "birth_date": "1980-05-10", "sex": "2"}


@pytest.fixture
def world() -> World:
    return World()


def groups(of: Record) -> list[list[str]]:
    return [person["keys"] for person in of.data["persons"] if "moved_to" not in person]


def pair(world: World, one: dict[str, Any], two: dict[str, Any]) -> Record:
    """Two officers who each recorded one member under a key of their own."""
    return record(world.submit(p={K: one}, by="ani"), world.submit(p={L: two}, by="edo"))


def test_equal_valid_nik_and_compatible_names_are_one_person(world: World) -> None:
    found = pair(world, {"m_name": "Moh. Yusup", "nik": nik(1)}, {"m_name": "Muhammad Yusuf", "nik": nik(1)})
    assert groups(found) == [[K, L]]


def test_equal_nik_with_incompatible_names_stay_apart(world: World) -> None:
    found = pair(world, {"m_name": "Sutinah", "nik": nik(1)}, {"m_name": "Marwoto", "nik": nik(1)})
    assert groups(found) == [[K], [L]]


def test_a_malformed_nik_is_no_key(world: World) -> None:
    found = pair(world, {"m_name": "Siti Aminah", "nik": "1" * 16}, {"m_name": "Siti Aminah", "nik": "1" * 16})
    assert groups(found) == [[K], [L]]


def test_without_a_valid_nik_equal_name_birth_date_and_sex_are_one_person(world: World) -> None:
    assert groups(pair(world, LOOK, {**LOOK, "m_name": "siti  aminah", "nik": nik(1, 50)})) == [[K, L]]


@pytest.mark.parametrize("other", [{"m_name": "St. Aminah"}, {"birth_date": "1981-05-10"}, {"sex": "1"}])
def test_without_a_valid_nik_one_difference_keeps_them_apart(world: World, other: dict[str, str]) -> None:
    assert groups(pair(world, LOOK, {**LOOK, **other})) == [[K], [L]]


def test_two_different_valid_niks_keep_them_apart(world: World) -> None:
    assert groups(pair(world, {**LOOK, "nik": nik(1)}, {**LOOK, "nik": nik(2)})) == [[K], [L]]


@pytest.mark.parametrize("second", ["other name", "refused"])
def test_only_groups_with_one_head_in_each_compared_field_are_paired(world: World, second: str) -> None:
    name = "Siti Aminih" if second == "other name" else said(state="declined")
    tie = world.submit(p={K: {"m_name": name}}, by="tono")
    one = world.submit(p={K: {**LOOK, "nik": nik(1, 50)}}, by="ani")
    two = world.submit(p={L: {**LOOK, "nik": nik(1, 50)}}, by="edo")
    assert groups(record(one, two)) == [[K, L]]
    assert groups(record(one, two, tie)) == [[K], [L]]


def test_pairing_looks_at_heads_not_at_what_was_said_once(world: World) -> None:
    first = world.submit(p={K: {**LOOK, "nik": nik(1, 50)}}, by="ani")
    fixed = world.submit(p={K: {"nik": nik(2, 50)}}, saw=[first], by="ani")
    other = world.submit(p={L: {**LOOK, "nik": nik(1, 50)}}, by="edo")
    assert groups(record(first, other)) == [[K, L]]
    assert groups(record(first, fixed, other)) == [[K], [L]]


def test_a_group_is_named_by_its_smallest_listed_key(world: World) -> None:
    found = record(world.prelist(p={L: LOOK}), world.submit(p={K: LOOK}))
    assert found.data["persons"][0]["key"] == L


def test_values_of_all_keys_of_a_person_are_merged_together(world: World) -> None:
    listed = world.prelist(p={K: {**LOOK, "phone": "0811"}})
    found = record(listed, world.submit(p={L: {**LOOK, "phone": "0822"}}, saw=[listed]))
    assert shown(found, "phone", K) == "0822"


def test_a_set_that_would_hold_two_persons_of_one_form_is_left_apart_and_reported(world: World) -> None:
    twins = world.prelist(p={K: LOOK, L: LOOK})
    found = record(twins, world.submit(p={M: LOOK}))
    assert groups(found) == [[K], [L], [M]]
    assert conflict_kinds(found) == ["roster_ambiguous"]


def test_a_verdict_settles_an_ambiguous_roster(world: World) -> None:
    twins, third = world.prelist(p={K: LOOK, L: LOOK}), world.submit(p={M: LOOK})
    covers = [(head["ref"], head["path"]) for head in record(twins, third).data["conflicts"][0]["heads"]]
    apart = world.verdict("different_persons", covers, persons=[K, L, M])
    assert conflict_kinds(record(twins, third, apart)) == []
    same = world.verdict("same_person", covers, persons=[L, M])
    found = record(twins, third, same)
    assert (groups(found), conflict_kinds(found)) == ([[K], [L, M]], [])
    fourth = world.submit(p={key(4): LOOK}, by="edo")
    assert "roster_ambiguous" in conflict_kinds(record(twins, third, same, fourth))


def test_verdicts_on_pairs_come_before_automatic_pairing(world: World) -> None:
    one, two = world.submit(p={K: LOOK}), world.submit(p={L: LOOK}, by="edo")
    cover = [(one.ref, f"p/{K}/m_name")]
    assert groups(record(one, two, world.verdict("different_persons", cover, persons=[K, L]))) == [[K], [L]]
    two = world.submit(p={L: {"m_name": "Marwoto"}}, by="edo")
    assert groups(record(one, two, world.verdict("same_person", cover, persons=[K, L]))) == [[K, L]]


def test_two_verdicts_that_disagree_are_a_conflict_until_one_saw_the_other(world: World) -> None:
    one, two = world.submit(p={K: {"m_name": "Ani"}}), world.submit(p={L: {"m_name": "Edo"}})
    cover = [(one.ref, f"p/{K}/m_name")]
    same = world.verdict("same_person", cover, persons=[K, L])
    apart = world.verdict("different_persons", cover, persons=[K, L])
    found = record(one, two, same, apart)
    assert (groups(found), conflict_kinds(found)) == ([[K], [L]], ["roster_verdict"])
    last = world.verdict("same_person", cover, persons=[K, L], saw=[same, apart])
    assert groups(record(one, two, same, apart, last)) == [[K, L]]


def test_a_chain_of_verdicts_that_joins_two_who_are_different_is_not_used(world: World) -> None:
    forms = [world.submit(p={who: {"m_name": name}}, by=name) for who, name in ((K, "Ani"), (L, "Edo"), (M, "Tini"))]
    cover = [(forms[0].ref, f"p/{K}/m_name")]
    chain = [world.verdict("same_person", cover, persons=two) for two in ([K, L], [L, M])]
    apart = world.verdict("different_persons", cover, persons=[K, M])
    assert groups(record(*forms, *chain)) == [[K, L, M]]
    found = record(*forms, *chain, apart)
    assert (groups(found), conflict_kinds(found)) == ([[K], [L], [M]], ["roster_verdict"])


def test_an_event_that_changes_nik_and_name_to_incompatible_values_is_reported(world: World) -> None:
    listed = world.prelist(p={K: {"m_name": "Budi", "nik": nik(1)}})
    assert conflict_kinds(
        record(listed, world.submit(p={K: {"m_name": "Sutinah", "nik": nik(2)}}, saw=[listed], evidence=3))
    ) == ["person_replaced"]


@pytest.mark.parametrize("new", [{"m_name": "Budi S", "nik": nik(2)}, {"m_name": "Sutinah", "nik": nik(1)}])
def test_a_new_nik_or_a_new_name_alone_replaces_nobody(world: World, new: dict[str, str]) -> None:
    listed = world.prelist(p={K: {"m_name": "Budi", "nik": nik(1)}})
    assert conflict_kinds(record(listed, world.submit(p={K: new}, saw=[listed], evidence=3))) == []


# --- membership


def family(world: World) -> list[Any]:
    return [world.prelist(1, p={K: LOOK}, h={"income": 1}), world.prelist(2), world.prelist(3)]


def test_a_move_takes_the_person_out_of_one_family_and_into_the_other_with_the_values(world: World) -> None:
    homes = family(world)
    move = world.change("move_in", 2, p={K: {**LOOK, "presence": "1"}}, moves={K: 2}, also=[1], saw=homes)
    found = {n: fold([*homes, move], DICTIONARY, [house(n)])[0] for n in (1, 2)}
    assert found[1].data["persons"] == [{"key": K, "keys": [K], "fields": {}, "moved_to": house(2)}]
    assert shown(found[2], "m_name", K) == "Siti Aminah"


def test_later_assertions_in_the_old_household_do_not_follow(world: World) -> None:
    homes = family(world)
    move = world.change("move_in", 2, p={K: LOOK}, moves={K: 2}, also=[1], saw=homes)
    late = world.submit(1, p={K: {"phone": "0811"}}, saw=homes)
    found = records(*homes, move, late)
    assert shown(found[2], "phone", K) is None
    assert found[1].trail["values"][f"p/{K}/phone"] == {"rule": "moved", "heads": [late.ref]}


def test_who_moved_without_values_is_still_listed_in_the_new_household(world: World) -> None:
    homes = family(world)
    found = records(*homes, world.verdict("moved", [(homes[0].ref, f"p/{K}/nik")], moves={K: 2}, also=[2]))
    assert groups(found[2]) == [[K]]
    assert found[1].data["persons"][0]["moved_to"] == house(2)


def test_who_moves_outside_keeps_a_line_where_they_were(world: World) -> None:
    homes = family(world)
    found = records(*homes, world.change("move_out", 1, moves={K: "outside"}, saw=homes))
    assert found[1].data["persons"] == [{"key": K, "keys": [K], "fields": {}, "moved_to": "outside"}]


def test_who_comes_back_is_here_again(world: World) -> None:
    homes = family(world)
    gone = world.change("move_out", 1, moves={K: "outside"}, saw=homes)
    back = world.change("move_in", 1, p={K: LOOK}, moves={K: 1}, saw=[*homes, gone])
    assert groups(records(*homes, gone, back)[1]) == [[K]]


def test_different_heads_of_membership_are_a_conflict_in_all_families_that_were_told(world: World) -> None:
    homes = family(world)
    moves = [world.change("split", 1, p={K: LOOK}, moves={K: to}, also=[2, 3], saw=homes) for to in (2, 3)]
    found = {n: fold([*homes, *moves], DICTIONARY, [house(n)])[0] for n in (1, 2, 3)}
    assert [conflict_kinds(found[n]) for n in (1, 2, 3)] == [["membership_conflict"]] * 3
    ruling = world.verdict("moved", [(moves[0].ref, f"p/{K}/member_of")], moves={K: 2}, also=[2, 3], saw=moves)
    settled = {n: fold([*homes, *moves, ruling], DICTIONARY, [house(n)])[0] for n in (1, 2, 3)}
    assert [conflict_kinds(settled[n]) for n in (1, 2, 3)] == [[], [], []]
    assert (groups(settled[2]), groups(settled[3])) == ([[K]], [])


def test_a_move_takes_the_other_keys_of_the_person_along_as_far_as_it_saw_them(world: World) -> None:
    homes = family(world)
    anew = world.submit(1, p={L: LOOK}, saw=[])
    move = world.change("move_out", 1, moves={K: "outside"}, saw=[*homes, anew])
    assert groups(records(*homes, anew, move)[1]) == []
    later = world.submit(1, p={M: LOOK}, saw=[*homes, anew, move])
    assert groups(records(*homes, anew, move, later)[1]) == [[M]]


def test_a_move_to_a_family_under_which_it_is_not_filed_has_no_effect_and_is_listed(world: World) -> None:
    homes = family(world)
    move = world.change("split", 1, moves={K: 2}, saw=homes)
    found = records(*homes, move)[1]
    assert groups(found) == [[K]]
    assert found.trail["ineffective"] == [{"ref": move.ref, "path": f"p/{K}/member_of"}]


def test_a_move_on_a_form_that_was_reattached_says_nothing_about_the_first_family(world: World) -> None:
    homes = family(world)
    move = world.change("move_out", 1, moves={K: "outside"}, saw=homes)
    assert groups(records(*homes, move, world.reattach(move, 2))[1]) == [[K]]


def test_linking_the_two_families_brings_the_moved_person_together(world: World) -> None:
    homes = family(world)
    move = world.change("move_in", 2, p={K: LOOK}, moves={K: 2}, also=[1], saw=homes)
    found = records(*homes, move, world.link(1, 2))
    assert groups(found[1]) == [[K]]
