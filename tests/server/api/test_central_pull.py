"""The central pull: every record once in its newest version, as the bytes that are stored, in one's areas."""

from __future__ import annotations

import json

import pytest
from api_world import ELSEWHERE, HOUSEHOLD, NEIGHBOUR, OTHER_VILLAGE

from server.auth.callers import Caller
from server.flows import people
from server.flows.pull import ndjson_page, pull_page
from server.store.database import StoreBusy

NDJSON = {"Accept": "application/x-ndjson"}
OWN = "aaaaaaaa-0000-4000-8000-00000000000a"


def pull(api, query="", token="pull"):
    lines, cursor = [], None
    while True:
        at = f"&cursor={cursor}" if cursor else ""
        answer = api.call("GET", f"/v1/households?{query}{at}", token, headers=NDJSON)
        assert answer.mimetype == "application/x-ndjson", answer.text
        *page, last = answer.data.splitlines()
        lines += page
        last = json.loads(last)
        assert last["kind"] == "page"
        cursor = last["cursor"]
        if not last["more"]:
            return [json.loads(line) for line in lines], cursor


@pytest.fixture
def campaign(api):
    """Three families, one of them in another village."""
    api.push(api.sealed(HOUSEHOLD, persons={f"{HOUSEHOLD}/{OWN}": {"m_name": "SITI", "presence": "1"}}))
    api.push(api.sealed(NEIGHBOUR))
    api.world.enrol("tablet-2", "budi", OTHER_VILLAGE)
    far = api.world.sealed(ELSEWHERE, {"address": "Jl. Jauh 1"}, area=OTHER_VILLAGE, actor="budi", install="tablet-2")
    api.world.push(far, install="tablet-2")
    api.assigned()
    return api


def test_a_record_leaves_as_the_very_bytes_that_are_stored(campaign):
    stored = {
        row["household_id"]: bytes(row["data"])
        for row in campaign.world.db.all("select household_id, data from households")
    }
    raw = campaign.call("GET", "/v1/households", "pull", headers=NDJSON).data
    assert len(stored) == 3
    assert all(b',"data":' + data + b"}\n" in raw for data in stored.values())
    as_json = campaign.call("GET", "/v1/households", "pull")
    assert all(b',"data":' + data + b"}" in as_json.data for data in stored.values())
    assert as_json.get_json()["more"] is False


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_a_page_that_is_written_as_it_is_read_is_the_page(campaign, monkeypatch, limit):
    whole = campaign.call("GET", f"/v1/households?limit={limit}", "pull", headers=NDJSON).data
    monkeypatch.setattr("server.flows.pull.LINES_PER_STEP", 1)
    assert campaign.call("GET", f"/v1/households?limit={limit}", "pull", headers=NDJSON).data == whole
    assert len(whole.splitlines()) == min(limit, 3) + 1


def test_a_page_that_breaks_while_it_is_written_has_no_last_line(campaign, monkeypatch):
    """So that whoever reads it knows that it is not whole, and asks again from where it began."""
    monkeypatch.setattr("server.flows.pull.LINES_PER_STEP", 1)
    world, steps = campaign.world, []

    def breaks(after, most):
        steps.append(most)
        if len(steps) == 3:
            raise StoreBusy("the disk is away")
        central = Caller("pull", "pusat", ("19",), None)
        return pull_page(world.db, world.keys, central, after, most)

    written = []
    with pytest.raises(StoreBusy):
        written.extend(ndjson_page(breaks, None, 100))  # an extend that breaks keeps what came before
    assert len(written) == 2 and b'"kind":"page"' not in b"".join(written)


def test_pages_of_one_give_what_one_page_gives(campaign):
    everything, cursor = pull(campaign)
    assert pull(campaign, "limit=1") == (everything, cursor)
    assert pull(campaign, f"cursor={cursor}")[0] == []
    campaign.push(campaign.sealed(NEIGHBOUR, {"address": "Jl. Baru 2"}))
    campaign.world.fold()
    assert [line["household_id"] for line in pull(campaign, f"cursor={cursor}")[0]] == [NEIGHBOUR]


def test_the_area_of_a_token_is_all_it_gets(campaign, problem):
    narrow = people.issue_token(
        campaign.world.db, "kecamatan", "pull", ["19.03.02"], now_ms=campaign.clock.now_ms(), days=1
    )
    found = {line["household_id"] for line in pull(campaign, token=narrow)[0]}
    assert found == {line["household_id"] for line in pull(campaign, "area=19.03.02")[0]}
    assert found == {ELSEWHERE}
    body = problem(campaign.call("GET", "/v1/households?area=19.03.01", narrow), 403, "out_of_scope")
    assert body["areas"] == ["19.03.02"]
    problem(campaign.call("GET", f"/v1/households/{HOUSEHOLD}", narrow), 404, "household_unknown")
    other = people.issue_token(campaign.world.db, "lain", "pull", ["73.22"], now_ms=campaign.clock.now_ms(), days=1)
    assert pull(campaign, token=other)[0] == []


def test_whoever_filters_by_state_is_told_when_a_family_leaves_it(campaign):
    found, cursor = pull(campaign, "state=submitted")
    assert {line["household_id"] for line in found if line["kind"] == "household"} == {HOUSEHOLD, NEIGHBOUR, ELSEWHERE}
    whole = campaign.call("GET", f"/v1/households/{HOUSEHOLD}", "pull").get_json()
    digest, ref = whole["data"]["data_digest"], whole["trail"]["refs"][0]["ref"]
    campaign.world.staff("review", HOUSEHOLD, {"verdict": "return", "data_digest": digest}, context={ref: HOUSEHOLD})
    campaign.world.fold()
    (line,) = pull(campaign, f"state=submitted&cursor={cursor}")[0]
    assert (line["kind"], line["household_id"]) == ("removed", HOUSEHOLD)
    assert [line["household_id"] for line in pull(campaign, "state=returned")[0] if line["kind"] == "household"] == [
        HOUSEHOLD
    ]


def test_joined_families_come_as_one_record_and_an_alias_that_resolves(campaign):
    _, cursor = pull(campaign)
    campaign.world.staff("link", HOUSEHOLD, {"households": [HOUSEHOLD, NEIGHBOUR]}, also=[(NEIGHBOUR, "19.03")])
    campaign.world.fold()
    lines = pull(campaign, f"cursor={cursor}")[0]
    assert {(line["kind"], line["household_id"]) for line in lines} == {("household", HOUSEHOLD), ("alias", NEIGHBOUR)}
    answer = campaign.call("GET", f"/v1/households/{NEIGHBOUR}", "pull").get_json()
    assert (answer["household_id"], answer["asked_for"]) == (HOUSEHOLD, NEIGHBOUR)


def test_an_erasure_is_said_after_the_record_that_lacks_it(campaign):
    _, cursor = pull(campaign)
    key = f"{HOUSEHOLD}/{OWN}"
    campaign.world.staff("erasure", HOUSEHOLD, {"persons": [key]})
    campaign.world.fold()
    lines = pull(campaign, f"cursor={cursor}")[0]
    assert [line["kind"] for line in lines] == ["household", "erased"]
    assert lines[1]["persons"] == [key]


def test_a_household_shows_who_said_each_value(campaign):
    found = campaign.call("GET", f"/v1/households/{HOUSEHOLD}", "pull").get_json()
    said = found["trail"]["values"]["h/address"]
    assert (said["actor"], said["evidence"], said["rule"]) == ("siti", 1, "latest")


@pytest.mark.parametrize("household", ["x", OWN, HOUSEHOLD.upper(), "%00", "é"])
def test_a_household_that_is_none_is_unknown(campaign, problem, household):
    if household == HOUSEHOLD.upper():
        household = "ABCDEFAB-1111-4111-8111-111111111111"
    problem(campaign.call("GET", f"/v1/households/{household}", "pull"), 404, "household_unknown")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("limit=0", 422, "invalid"),
        ("limit=10001", 422, "invalid"),
        ("area=1903", 422, "invalid"),
        ("area=", 422, "invalid"),
        ("area=12", 403, "out_of_scope"),
        ("state=gone", 422, "invalid"),
        ("cursor=x", 400, "bad_cursor"),
        ("areas=19.03.01", 422, "invalid"),
        ("state=submitted&state=returned", 422, "invalid"),
    ],
)
def test_a_wrong_filter_is_named(campaign, problem, query, status, code):
    problem(campaign.call("GET", f"/v1/households?{query}", "pull"), status, code)


def test_a_cursor_is_good_for_the_filters_it_was_given_under(campaign, problem):
    _, cursor = pull(campaign)
    problem(campaign.call("GET", f"/v1/households?area=19.03.01&cursor={cursor}", "pull"), 409, "reset")


@pytest.mark.parametrize(
    ("accept", "mimetype"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("application/json;q=0.5, application/x-ndjson", "application/x-ndjson"),
    ],
)
def test_the_accept_header_chooses_between_json_and_ndjson(campaign, accept, mimetype):
    headers = {"Accept": accept} if accept else {}
    assert campaign.call("GET", "/v1/households", "pull", headers=headers).mimetype == mimetype


def test_what_cannot_be_given_is_said(campaign, problem):
    problem(campaign.call("GET", "/v1/households", "pull", headers={"Accept": "text/csv"}), 406, "not_acceptable")
