"""What a reader holds who applies the feed item after item: at the end exactly what a fresh reader holds."""

from __future__ import annotations

import threading

import pytest
from api_world import ELSEWHERE, HOUSEHOLD, NEIGHBOUR, OTHER_VILLAGE
from server_world import REGION, VILLAGE

from server.flows import people
from server.store.feed import head


def applied(items, held=None):
    """Household id -> level, as a client that applies each item in turn has it."""
    held = dict(held or {})
    for item in items:
        if item["kind"] == "household":
            held[item["household_id"]] = item.get("level", "full")
        elif item["kind"] in ("removed", "alias"):
            held.pop(item["household_id"], None)
    return held


def read(api, cursor=None, *, path="/v1/feed", token="read", limit=100):
    items = []
    while True:
        query = f"?limit={limit}" + (f"&cursor={cursor}" if cursor else "")
        page = api.call("GET", path + query, token).get_json()
        items += page["items"]
        cursor = page["cursor"]
        if not page["more"]:
            return items, cursor


@pytest.fixture
def village(api):
    """Two families of the officer's village, one of them assigned."""
    api.push(api.sealed(HOUSEHOLD), api.sealed(NEIGHBOUR))
    api.assigned()
    return api


def recorded(api, household, area):
    """A form about a household in an area, folded."""
    api.world.enrol("tablet-1", "petugas1", VILLAGE, OTHER_VILLAGE)
    answers = api.world.push(api.world.sealed(household, {"address": f"Jl. {area}"}, area=area))
    assert [answer.status for answer in answers] == ["stored"]
    api.world.fold()


def seen(api, household):
    """The context of somebody who saw everything of a household."""
    answer = api.call("GET", f"/v1/households/{household}", "pull").get_json()
    return {entry["ref"]: entry["household_id"] for entry in answer["trail"]["refs"]}


def test_a_family_taken_from_an_officer_stays_on_the_list_of_the_village(village):
    items, cursor = read(village)
    held = applied(items)
    assert held == {HOUSEHOLD: "full", NEIGHBOUR: "brief"}
    village.world.staff("assignment", HOUSEHOLD, {"officer": "budi"}, context=seen(village, HOUSEHOLD))
    village.world.fold()
    assert applied(read(village, cursor)[0], held) == {HOUSEHOLD: "brief", NEIGHBOUR: "brief"}


@pytest.mark.parametrize(("path", "token"), [("/v1/feed", "read"), ("/v1/households", "pull")])
def test_a_family_that_moves_between_two_areas_of_the_reader_stays(village, path, token):
    people.add_officer(village.world.db, "siti", "Siti", [REGION], village.clock.now_ms())
    recorded(village, ELSEWHERE, OTHER_VILLAGE)
    items, cursor = read(village, path=path, token=token)
    held = applied(items)
    recorded(village, ELSEWHERE, VILLAGE)
    everything, _ = read(village, path=path, token=token)
    assert {item["area"] for item in everything if item["household_id"] == ELSEWHERE} == {VILLAGE}
    assert applied(read(village, cursor, path=path, token=token)[0], held) == applied(everything)
    assert ELSEWHERE in applied(everything)


def test_a_family_that_leaves_the_readers_area_is_removed(village):
    people.add_officer(village.world.db, "siti", "Siti", [OTHER_VILLAGE], village.clock.now_ms())
    recorded(village, ELSEWHERE, OTHER_VILLAGE)
    items, cursor = read(village)
    held = applied(items)
    assert ELSEWHERE in held
    recorded(village, ELSEWHERE, VILLAGE)
    later, _ = read(village, cursor)
    assert ("removed", ELSEWHERE) in [(item["kind"], item["household_id"]) for item in later]
    assert applied(later, held) == applied(read(village)[0])
    assert ELSEWHERE not in applied(later, held)


def test_whoever_is_assigned_a_family_elsewhere_hears_of_it_being_joined_to_another(village):
    village.world.push(village.world.sealed(ELSEWHERE, {"address": "Jl. Jauh 1"}, actor="petugas1"))
    village.world.fold()
    village.assigned(ELSEWHERE)
    people.add_officer(village.world.db, "siti", "Siti", [OTHER_VILLAGE], village.clock.now_ms())
    items, cursor = read(village)
    held = applied(items)
    assert {HOUSEHOLD, ELSEWHERE} <= held.keys()
    village.world.staff("link", HOUSEHOLD, {"households": [HOUSEHOLD, ELSEWHERE]}, also=[(ELSEWHERE, REGION)])
    village.world.fold()
    later, _ = read(village, cursor)
    assert applied(later, held) == applied(read(village)[0])
    assert {"alias"} <= {item["kind"] for item in later}


def test_a_family_that_was_joined_and_then_given_to_another_officer_leaves_the_tablet(village):
    village.world.push(village.world.sealed(ELSEWHERE, {"address": "Jl. Jauh 1"}, actor="petugas1"))
    village.world.fold()
    village.assigned(ELSEWHERE)
    people.add_officer(village.world.db, "siti", "Siti", [OTHER_VILLAGE], village.clock.now_ms())
    items, cursor = read(village)
    held = applied(items)
    assert held[ELSEWHERE] == "full"
    village.world.staff("link", HOUSEHOLD, {"households": [HOUSEHOLD, ELSEWHERE]}, also=[(ELSEWHERE, REGION)])
    village.world.fold()
    village.world.staff("assignment", HOUSEHOLD, {"officer": "budi"}, context=seen(village, HOUSEHOLD))
    village.world.fold()
    assert applied(read(village, cursor)[0], held) == applied(read(village)[0]) == {}


@pytest.mark.parametrize(("path", "token"), [("/v1/feed", "read"), ("/v1/households", "pull")])
def test_pages_read_while_others_write_leave_nothing_out(village, path, token):
    """A reader goes on and on through small pages while a writer changes families; in the end it holds the last."""
    households = [village.world.uuid() for _ in range(12)]
    failed = []

    def write():
        try:
            for number in range(60):
                envelope = village.world.sealed(households[number % 12], {"address": f"Jl. {number}"}, area=VILLAGE)
                village.world.push(envelope)
                village.world.fold()
        except Exception as error:
            failed.append(error)
        finally:
            village.world.store.release()

    writer = threading.Thread(target=write)
    writer.start()
    held, cursor, last = {}, None, 0
    while True:
        over = not writer.is_alive()
        items, cursor = read(village, cursor, path=path, token=token, limit=3)
        for item in items:
            if "position" in item:
                assert item["position"] > last
                last = item["position"]
        held = applied(items, held)
        if over:
            break
    writer.join()
    assert failed == []
    assert held == applied(read(village, path=path, token=token)[0])
    assert {*households} <= held.keys()
    assert last in (0, head(village.world.db, REGION))
