"""Identity by NIK across households: a test for each row of "Identity rules" in docs/merge.md."""

from __future__ import annotations

from itertools import permutations

import pytest
from fold_world import VILLAGE, World, conflict_kinds, house, key, nik, record, records, said, shown

from schemas import limits
from schemas.event import Event
from sync.fold import Record
from sync.identity import NikCase, NikClaim, adjudicate, nik_key

K = key(1)


@pytest.fixture
def world() -> World:
    return World()


def case_of(found: dict[int, Record], number: str) -> NikCase | None:
    """The case of one NIK over all records."""
    claims = [claim for each in found.values() for claim in each.claims if claim.nik == number]
    return adjudicate(claims, [verdict for each in found.values() for verdict in each.verdicts])


def two_visits(world: World, one: dict[str, str], two: dict[str, str]) -> list[Event]:
    return [world.submit(1, p={K: one}), world.submit(2, p={key(1, 2): two}, by="edo")]


BUDI = {"m_name": "Budi Santoso", "birth_date": "1980-05-10", "nik": nik(1)}


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ("12345", "nik_length"),
        (nik(1, 32), "nik_day"),
        (nik(1, 10, 13), "nik_month"),
        (nik(0), "nik_serial"),
        ("7" * 16, "nik_all_same"),
    ],
)
def test_a_malformed_nik_is_kept_flagged_and_no_key(world: World, bad: str, code: str) -> None:
    found = record(world.submit(p={K: {"nik": bad}}))
    item = found.data["persons"][0]["fields"]["nik"]
    assert (item["value"], found.claims) == (bad, ())
    assert code in item["flags"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"birth_date": "1981-05-10"}, "nik_birth_date_differs"),
        ({"sex": "2"}, "nik_sex_differs"),
        ({"nik": "3171" + nik(1)[4:]}, "nik_prefix_elsewhere"),
    ],
)
def test_a_nik_that_disagrees_is_a_warning_and_never_more(world: World, fields: dict[str, str], code: str) -> None:
    found = record(world.submit(p={K: {"nik": nik(1), **fields}}))
    assert code in found.data["persons"][0]["fields"]["nik"]["flags"]
    assert conflict_kinds(found) == []
    assert len(found.claims) == 1


def test_one_nik_in_two_households_waits_for_a_verdict(world: World) -> None:
    case = case_of(records(*two_visits(world, BUDI, {**BUDI, "m_name": "Budi S."})), nik(1))
    assert case is not None
    assert (case.kind, case.stops, case.households) == ("nik_two_households", True, (house(1), house(2)))
    assert case.suggestion is None


def test_one_nik_in_two_households_suggests_a_move_to_the_later_disjoint_visit(world: World) -> None:
    late = world.submit(1, p={K: BUDI}, not_before="2026-03-01T00:00:00Z")
    early = world.submit(2, p={key(1, 2): BUDI}, not_before="2026-01-01T00:00:00Z")
    ends = [world.stamp(late, "2026-03-02T00:00:00Z"), world.stamp(early, "2026-01-02T00:00:00Z")]
    case = case_of(records(late, early, *ends), nik(1))
    assert case is not None
    assert case.suggestion == ("moved", house(2), house(1))


@pytest.mark.parametrize("other", [{"m_name": "Sutinah"}, {"birth_date": "1990-01-01"}])
def test_one_nik_and_different_people_is_a_collision_without_an_automatic_loser(
    world: World, other: dict[str, str]
) -> None:
    events = two_visits(world, BUDI, {**BUDI, **other})
    found = records(*events)
    case = case_of(found, nik(1))
    assert case is not None
    assert (case.kind, case.stops, case.suggestion) == ("nik_collision", True, None)
    assert [shown(found[n], "nik", key(1, n)) for n in (1, 2)] == [nik(1), nik(1)]


def test_after_two_people_with_one_nik_both_are_disputed_while_the_heads_are_covered(world: World) -> None:
    events = two_visits(world, BUDI, {**BUDI, "m_name": "Sutinah"})
    case = case_of(records(*events), nik(1))
    assert case is not None
    ruling = world.verdict("two_people", case.pairs, also=[2], saw=events)
    settled = case_of(records(*events, ruling), nik(1))
    assert settled is not None
    assert (settled.settled, settled.stops, settled.disputed) == ("two_people", False, True)
    third = world.submit(3, p={key(1, 3): BUDI})
    reopened = case_of(records(*events, ruling, third), nik(1))
    assert reopened is not None
    assert (reopened.settled, reopened.stops) == ("", True)


def test_wrong_nik_here_leaves_the_nik_to_the_other(world: World) -> None:
    events = two_visits(world, BUDI, {**BUDI, "m_name": "Sutinah"})
    case = case_of(records(*events), nik(1))
    assert case is not None
    ruling = world.verdict("wrong_nik", case.pairs, p={K: {"nik": said(state="cleared")}}, persons=[K], also=[2])
    found = records(*events, ruling)
    assert (shown(found[1], "nik", K), case_of(found, nik(1))) == ("!cleared", None)


def test_moved_leaves_the_person_in_one_household(world: World) -> None:
    events = two_visits(world, BUDI, BUDI)
    case = case_of(records(*events), nik(1))
    assert case is not None
    ruling = world.verdict("moved", case.pairs, persons=[K], moves={K: 2}, also=[2], saw=events)
    found = records(*events, ruling)
    assert found[1].data["persons"][0]["moved_to"] == house(2)
    assert found[1].claims == ()


def test_one_person_with_two_niks_is_a_conflict_in_the_field(world: World) -> None:
    found = record(world.submit(p={K: BUDI}), world.submit(p={K: {"nik": nik(2)}}, by="edo"))
    assert conflict_kinds(found) == ["field"]
    assert sorted(claim.nik for claim in found.claims) == [nik(1), nik(2)]


def test_without_a_nik_the_person_id_carries_identity(world: World) -> None:
    first = world.submit(p={K: {"m_name": "Budi"}})
    found = record(first, world.submit(p={K: {"phone": "0811"}}, saw=[first]))
    assert [person["key"] for person in found.data["persons"]] == [K]
    assert found.claims == ()


def test_one_nik_on_more_than_50_persons_is_one_hot_case_with_a_count() -> None:
    claims = [NikClaim(nik(1), house(n), "19.03", key(1, n), (("0" * 32, "p"),), visited=True) for n in range(51)]
    case = adjudicate(claims)
    assert case is not None
    assert limits.NIK_HOT_PERSONS == 50
    assert (case.kind, case.count, case.pairs) == ("nik_hot", 51, ())
    below = adjudicate(claims[:50])
    assert below is not None
    assert below.kind == "nik_collision"


@pytest.mark.parametrize("card", ["123", "1903011005800001"])
def test_a_family_card_is_never_a_key(world: World, card: str) -> None:
    found = records(world.submit(1, h={"no_kk": card}), world.submit(2, h={"no_kk": card}))
    assert [conflict_kinds(found[n]) for n in (1, 2)] == [[], []]
    assert (card != "123") or "kk_length" in found[1].data["household"]["no_kk"]["flags"]


def test_a_nik_that_equals_the_family_card_is_flagged(world: World) -> None:
    found = record(world.submit(h={"no_kk": nik(1)}, p={K: {"nik": nik(1)}}))
    assert "nik_is_kk" in found.data["persons"][0]["fields"]["nik"]["flags"]


def test_an_unvisited_prelist_row_warns_and_does_not_hold_anothers_delivery(world: World) -> None:
    case = case_of(records(world.prelist(1, p={K: BUDI}), world.submit(2, p={key(1, 2): BUDI})), nik(1))
    assert case is not None
    assert (case.kind, case.stops) == ("nik_two_households", False)


@pytest.mark.parametrize(("presence", "claimed"), [("1", True), ("5", True), ("2", False), ("3", False)])
def test_only_persons_present_claim_a_nik(world: World, presence: str, claimed: bool) -> None:
    assert bool(record(world.submit(p={K: {**BUDI, "presence": presence}})).claims) is claimed


def test_superseded_niks_claim_nothing(world: World) -> None:
    first = world.submit(p={K: BUDI})
    found = record(first, world.submit(p={K: {"nik": nik(2)}}, saw=[first]))
    assert [claim.nik for claim in found.claims] == [nik(2)]


def test_identity_never_edits_a_households_bytes_and_never_enters_state(world: World) -> None:
    one, two = two_visits(world, BUDI, {**BUDI, "m_name": "Sutinah"})
    assert records(one, two)[1].data_bytes == record(one).data_bytes
    assert records(one, two)[1].state == "submitted"


def test_the_order_of_claims_and_verdicts_means_nothing(world: World) -> None:
    events = two_visits(world, BUDI, {**BUDI, "m_name": "Sutinah"})
    events.append(world.submit(3, p={key(1, 3): BUDI}, by="tono"))
    found = records(*events)
    claims = [claim for each in found.values() for claim in each.claims]
    assert len({adjudicate(each) for each in permutations(claims)}) == 1


def test_a_claim_survives_the_index(world: World) -> None:
    (claim,) = record(world.submit(p={K: BUDI}, area=VILLAGE)).claims
    assert NikClaim.from_json(claim.nik, claim.household_id, claim.home_region, claim.to_json()) == claim


def test_the_index_shows_no_nik() -> None:
    row = nik_key(nik(1), b"secret")
    assert (len(row), nik(1) in row, row == nik_key(nik(1), b"other")) == (64, False, False)
