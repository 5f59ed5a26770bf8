"""The device feed: own work in full, neighbours as a name, nobody else's family; no gap, no loss, and a clear reset."""

from __future__ import annotations

import json

import pytest
from api_world import ELSEWHERE, HOUSEHOLD, INSTALL, NEIGHBOUR, OTHER_VILLAGE

from schemas.event import envelope_hash
from server.flows import people

NIK, OTHER_NIK = "1903014107900001", "1903015508910002"
OWN, THEIRS, FAR = (
    "a" * 8 + "-0000-4000-8000-00000000000a",
    "b" * 8 + "-0000-4000-8000-00000000000b",
    "c" * 8 + "-0000-4000-8000-00000000000c",
)


def person(household, one, name, nik=None):
    return {f"{household}/{one}": {"m_name": name, "presence": "1"} | ({"nik": nik} if nik else {})}


def read(api, limit=100, cursor=None, token="read"):
    items = []
    while True:
        query = f"?limit={limit}" + (f"&cursor={cursor}" if cursor else "")
        page = api.call("GET", "/v1/feed" + query, token).get_json()
        items += page["items"]
        cursor = page["cursor"]
        if not page["more"]:
            return items, cursor


def by_id(items, kind="household"):
    return {item["household_id"]: item for item in items if item["kind"] == kind}


@pytest.fixture
def village(api):
    """An assigned family, a neighbour, and a family of another village."""
    api.push(
        api.sealed(HOUSEHOLD, persons=person(HOUSEHOLD, OWN, "SITI AMINAH", NIK)),
        api.sealed(
            NEIGHBOUR, {"address": "Jl. Rahasia 7"}, persons=person(NEIGHBOUR, THEIRS, "BUDI SANTOSO", OTHER_NIK)
        ),
    )
    api.world.push(api.world.sealed(ELSEWHERE, {"address": "Jl. Jauh 1"}, area=OTHER_VILLAGE))
    api.assigned()
    return api


def test_an_assigned_family_comes_in_full_with_what_stands_behind_it(village):
    full = by_id(read(village)[0])[HOUSEHOLD]
    assert full["level"] == "full"
    assert full["data"]["persons"][0]["fields"]["nik"] == {"value": NIK}
    assert {entry["kind"] for entry in full["trail"]["refs"]} == {"submission", "assignment"}
    (envelope,) = full["events"]
    assert envelope["head"]["kind"] == "assignment"
    assert village.world.keys.made_here(envelope) and envelope_hash(envelope) == envelope["payload_hash"]


def test_the_rest_of_the_village_is_a_name_and_an_rt_with_the_nik_masked(village):
    items = read(village)[0]
    brief = by_id(items)[NEIGHBOUR]
    assert brief["level"] == "brief" and brief["name"] == "BUDI SANTOSO"
    assert brief["niks"] == ["************0002"]
    text = json.dumps(items)
    assert OTHER_NIK not in text and "Rahasia" not in text
    assert ELSEWHERE not in text


def test_the_newest_version_comes_once_and_nothing_is_left_out_between_pages(village):
    for number in range(30):
        village.push(village.sealed(HOUSEHOLD if number % 3 else NEIGHBOUR, {"address": f"Jl. {number}"}))
        village.world.fold()
    everything, end = read(village, limit=100)
    in_small_pages, same_end = read(village, limit=1)
    assert everything == in_small_pages and end == same_end
    assert sorted(item["household_id"] for item in everything) == [HOUSEHOLD, NEIGHBOUR]
    assert read(village, cursor=end)[0] == []
    village.push(village.sealed(NEIGHBOUR, {"address": "Jl. Baru"}))
    village.world.fold()
    assert [item["household_id"] for item in read(village, cursor=end)[0]] == [NEIGHBOUR]


def test_of_a_nik_in_two_families_a_tablet_learns_the_kind_and_its_own_person_only(village):
    village.push(village.sealed(NEIGHBOUR, persons=person(NEIGHBOUR, FAR, "SITI AMINAH", NIK)))
    village.world.fold()
    full = by_id(read(village)[0])[HOUSEHOLD]
    (case,) = full["identity"]
    assert case["kind"] == "nik_two_households"
    assert case["persons"] == [f"{HOUSEHOLD}/{OWN}"]
    assert NEIGHBOUR not in json.dumps(full) and FAR not in json.dumps(full)


def test_parts_about_another_family_travel_as_their_hash_only(village):
    verdict = village.world.staff(
        "verdict",
        HOUSEHOLD,
        {"type": "different_persons", "covers": [{"ref": "0" * 32, "path": f"p/{HOUSEHOLD}/{OWN}/nik"}]},
        also=[(NEIGHBOUR, "19.03")],
        persons={},
    )
    envelope = village.world.sealed(
        HOUSEHOLD,
        {"address": "Jl. Putusan 1"},
        person(NEIGHBOUR, THEIRS, "RAHASIA SEKALI"),
        kind="verdict",
        body=verdict["head"]["body"],
        actor="pengawas",
        also=[(NEIGHBOUR, "19.03")],
    )
    del envelope["transport"]
    assert village.push(village.world.keys.signed(envelope))[0]["status"] == "stored"
    village.world.fold()
    full = by_id(read(village)[0])[HOUSEHOLD]
    (found,) = [each for each in full["events"] if each["payload_hash"] == envelope["payload_hash"]]
    parts = {part["name"]: part for part in found["parts"]}
    assert parts["h"]["assertions"]["address"]["value"] == "Jl. Putusan 1"
    assert parts[f"p/{NEIGHBOUR}/{THEIRS}"].keys() == {"name", "hash"}
    assert envelope_hash(found) == envelope["payload_hash"]
    assert "RAHASIA SEKALI" not in json.dumps(full["events"])


def test_a_family_returned_with_comments_brings_them_along(village):
    digest = village.call("GET", f"/v1/households/{HOUSEHOLD}", "pull").get_json()["data"]["data_digest"]
    ref = read(village)[0][0]["trail"]["refs"][0]["ref"]
    review = village.world.sealed(
        HOUSEHOLD, {}, kind="review", actor="pengawas", context={ref: HOUSEHOLD},
        body={"verdict": "return", "data_digest": digest, "due": "2026-12-01"},
    )  # fmt: skip
    del review["transport"]
    village.push(village.world.keys.signed(review))
    village.world.fold()
    full = by_id(read(village)[0])[HOUSEHOLD]
    assert full["data"]["state"] == "returned"
    assert full["trail"]["returns"][0]["due"] == "2026-12-01"


def test_a_family_that_is_no_longer_assigned_is_a_neighbour_again(village):
    _, cursor = read(village)
    refs = {entry["ref"]: HOUSEHOLD for entry in read(village)[0][0]["trail"]["refs"]}
    village.world.staff("assignment", HOUSEHOLD, {"officer": "budi"}, context=refs)
    village.world.fold()
    items = read(village, cursor=cursor)[0]
    assert by_id(items)[HOUSEHOLD]["level"] == "brief"


def test_a_family_of_another_village_is_removed_when_it_is_taken_from_the_officer(village):
    village.assigned(ELSEWHERE, OTHER_VILLAGE)
    items, cursor = read(village)
    assert by_id(items)[ELSEWHERE]["level"] == "full"
    refs = {entry["ref"]: ELSEWHERE for entry in by_id(items)[ELSEWHERE]["trail"]["refs"]}
    village.world.staff("assignment", ELSEWHERE, {"officer": "budi"}, context=refs, area=OTHER_VILLAGE)
    village.world.fold()
    items = read(village, cursor=cursor)[0]
    assert [(item["kind"], item["household_id"]) for item in items] == [("removed", ELSEWHERE)]


def test_joined_families_leave_an_alias_behind(village):
    _, cursor = read(village)
    village.world.staff("link", HOUSEHOLD, {"households": [HOUSEHOLD, NEIGHBOUR]}, also=[(NEIGHBOUR, "19.03")])
    village.world.fold()
    items = read(village, cursor=cursor)[0]
    assert by_id(items, "alias")[NEIGHBOUR]["canonical_id"] == HOUSEHOLD
    assert by_id(items)[HOUSEHOLD]["data"]["aliases"] == [NEIGHBOUR]


def test_what_was_erased_is_said_so_that_tablets_forget_it(village):
    _, cursor = read(village)
    key = f"{HOUSEHOLD}/{OWN}"
    village.world.staff("erasure", HOUSEHOLD, {"persons": [key]})
    village.world.fold()
    gone = by_id(read(village, cursor=cursor)[0], "erased")[HOUSEHOLD]
    assert gone["persons"] == [key] and gone["household"] is False


def test_a_cursor_of_another_scope_or_epoch_asks_for_a_fresh_start(village, problem):
    _, cursor = read(village)
    people.add_officer(village.world.db, "siti", "Siti", ["19.03.01.1001", OTHER_VILLAGE], village.clock.now_ms())
    body = problem(village.call("GET", f"/v1/feed?cursor={cursor}", "read"), 409, "reset")
    assert body["why"] == "scope"
    assert ELSEWHERE in by_id(read(village)[0])
    _, cursor = read(village)
    village.world.db.run("insert into epochs (epoch, id, began_ms, reason) values (2, 'new', 0, 'restore')")
    body = problem(village.call("GET", f"/v1/feed?cursor={cursor}", "read"), 409, "reset")
    assert body["why"] == "epoch" and body["epoch"] == "new"


def test_a_cursor_cannot_be_made_up_or_taken_from_another_door(village, problem):
    _, cursor = read(village)
    changed = cursor[:-2] + ("A" if cursor[-2] != "A" else "B") + cursor[-1]
    for text in (changed, "", "x", "%00", "é", cursor[:20], "A" * 5000):
        problem(village.call("GET", f"/v1/feed?cursor={text}", "read"), 400, "bad_cursor")
    pulled = village.call("GET", "/v1/households", "pull").get_json()["cursor"]
    problem(village.call("GET", f"/v1/feed?cursor={pulled}", "read"), 409, "reset")


@pytest.mark.parametrize("limit", ["0", "-1", "101", "x", "1.0", "", "１", "9" * 30])
def test_a_limit_that_is_none_is_refused(village, problem, limit):
    problem(village.call("GET", f"/v1/feed?limit={limit}", "read"), 422, "invalid")


def test_another_officer_of_the_village_sees_a_neighbour_where_this_one_sees_all(village):
    other = village.enrol(INSTALL.replace("1", "2"), b"q" * 32, village.code("budi")).get_json()["read_token"]
    assert by_id(read(village, token=other)[0])[HOUSEHOLD]["level"] == "brief"
