"""Saying hello and pushing: stamps, receipts, and what becomes of everything a tablet should not have sent."""

from __future__ import annotations

import copy
import json

import pytest
from api_world import ELSEWHERE, HOUSEHOLD, INSTALL, JSON, OTHER_VILLAGE
from engine_kit import nearly_full

from schemas import limits, signing
from schemas.signing import TIME, from_base64, time_message
from server.flows import people
from server.store import events, fold_queue
from server.store.database import StoreFull

OTHER = "bbbbbbbb-0000-4000-8000-000000000002"


def public_keys(hello):
    return {key["id"]: from_base64(key["key"]) for key in hello["signing_keys"]}


def test_the_time_of_hello_is_signed_with_a_key_the_tablet_knows(api):
    hello = api.call("GET", "/v1/hello", "deposit").get_json()
    time = hello["time"]
    message = time_message(hello["server_id"], hello["epoch"], time["time"])
    assert signing.verify(public_keys(hello)[time["key"]], TIME, message, time["signature"])
    assert not signing.verify(public_keys(hello)[time["key"]], TIME, message + b" ", time["signature"])
    assert hello["durable"] is None


def test_both_tokens_of_a_tablet_are_told_the_same_scope(api):
    api.assigned()
    one, other = (api.call("GET", "/v1/hello", token).get_json() for token in ("deposit", "read"))
    assert one["scope"] == other["scope"]
    assert one["feed_head"] == other["feed_head"] == {"19.03": 1}


def test_a_newly_sealed_ref_gets_a_stamp_that_travels_with_the_event(api):
    envelope = api.sealed()
    ref = envelope["payload_hash"][:32]
    named = {"ref": ref, "household_id": HOUSEHOLD, "home_region": "19.03"}
    hello = api.call("POST", "/v1/hello", "deposit", json={"refs": [named]}).get_json()
    stamp = hello["stamps"][ref]
    assert stamp["head"]["body"] == {"target": ref, "time": hello["time"]["time"]}
    assert signing.event_signature_holds(public_keys(hello), stamp)
    assert [result["status"] for result in api.push(envelope | {"stamp": stamp})] == ["stored"]
    assert events.count(api.world.db, "stamp") == 1


def test_a_stamp_of_somebody_else_is_kept_apart_and_the_event_is_stored(api):
    envelope, forged = api.sealed(), api.world.stamped(api.sealed(), "2020-01-01T00:00:00Z")["stamp"]
    assert [result["status"] for result in api.push(envelope | {"stamp": forged})] == ["stored"]
    assert events.count(api.world.db, "stamp") == 0


def test_what_is_acknowledged_is_in_the_log_and_waits_to_be_folded(api):
    envelope = api.sealed()
    (result,) = api.push(envelope)
    assert result["status"] == "stored"
    assert result["receipt"]["epoch"] == api.call("GET", "/v1/hello", "deposit").get_json()["epoch"]
    assert result["ref"] == envelope["payload_hash"][:32]
    assert fold_queue.length(api.world.db) == 1
    assert api.woken == 1


def test_resending_answers_the_first_receipt_again(api):
    envelope = api.sealed()
    (first,) = api.push(envelope)
    (again,) = api.push(envelope)
    assert again["status"] == "duplicate"
    assert again["receipt"] == first["receipt"]


def test_one_id_with_two_contents_is_kept_twice(api):
    one = api.sealed()
    two = api.sealed(answers={"address": "Jl. Lain 9"}, id=one["head"]["id"])
    assert [result["status"] for result in api.push(one, two)] == ["stored", "equivocation"]


def test_a_cloned_tablet_is_told_and_its_event_stored(api):
    results = api.push(api.sealed(seq=5), api.sealed(ELSEWHERE, seq=5))
    assert [(result["status"], result.get("fork", False)) for result in results] == [
        ("stored", False),
        ("stored", True),
    ]


def held(api, envelope):
    good = api.sealed(answers={"address": "Jl. Sehat 3"})
    bad_result, good_result = api.push(envelope, good)
    assert good_result["status"] == "stored"
    assert bad_result["status"] == "held"
    return bad_result


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"area": OTHER_VILLAGE}, "out_of_area"),
        ({"actor": "budi"}, "other_actor"),
        ({"install": OTHER}, "other_install"),
        ({"form": {"id": "kecil", "version": "9999999999", "hash": "0" * 64}}, "unknown_form"),
        ({"context": {f"{n:032x}": HOUSEHOLD for n in range(limits.CONTEXT_MAX + 1)}}, "context_too_large"),
    ],
)
def test_what_should_not_be_folded_is_stored_and_held_with_its_reason(api, more, reason):
    result = held(api, api.sealed(**more))
    assert reason in result["reasons"]
    assert result["receipt"]["position"] >= 1
    assert events.count(api.world.db, "hold") == len(result["reasons"])


def test_a_context_of_ten_thousand_refs_is_an_event_over_the_size_limit_or_held(api):
    envelope = api.sealed(context={f"{n:032x}": HOUSEHOLD for n in range(10_000)})
    result = api.push(envelope)[0]
    assert result["status"] in {"held", "too_large"}
    assert events.count(api.world.db, "submission") == (result["status"] == "held")


def test_an_event_over_the_size_limit_is_named_and_blocks_no_other(api):
    envelope = api.sealed(answers={"address": "x" * limits.EVENT_BYTES_MAX})
    results = api.push(envelope, api.sealed())
    assert [result["status"] for result in results] == ["too_large", "stored"]
    assert str(limits.EVENT_BYTES_MAX) in results[0]["detail"]


def test_a_claimed_hash_that_does_not_match_is_kept_with_its_reason(api):
    envelope = copy.deepcopy(api.sealed())
    envelope["parts"][0]["assertions"]["address"]["value"] = "Jl. Palsu 1"
    assert held(api, envelope)["reasons"] == ["hash_mismatch"]


def test_a_region_that_contradicts_the_household_is_kept_with_its_reason(api):
    api.push(api.sealed())
    assert held(api, api.sealed(home_region="19.04"))["reasons"] == ["region_contradicts"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("decision", {"covers": [{"ref": "0" * 32, "path": "h/address"}]}),
        ("admit", {"target": "0" * 32}),
        ("stamp", {"target": "0" * 32, "time": "2026-11-21T01:02:03Z"}),
        ("ratification", {"delivery_digest": "0" * 64, "minutes": {"number": "1", "date": "2026-11-21"}}),
    ],
)
def test_a_tablet_cannot_decide_but_may_hand_back_what_the_server_signed(api, kind, body):
    envelope = api.sealed(kind=kind, body=body, answers={})
    envelope["parts"] = []
    unsigned = api.world.sealed(HOUSEHOLD, kind=kind, body=body, actor="siti", install=INSTALL)
    assert held(api, unsigned)["reasons"] == ["not_a_device_kind"]
    forged = unsigned | {"signature": {"key": "0" * 16, "value": "AAAA"}}
    assert held(api, forged)["reasons"] == ["not_a_device_kind"]
    own = {name: value for name, value in unsigned.items() if name != "transport"}
    assert api.push(api.world.keys.signed(own))[0]["status"] == "stored"


@pytest.mark.parametrize(
    ("field", "value", "flag"),
    [("nik", "19030141079000012", "nik_length"), ("birth_date", "1990-02-31", "wrong_type")],
)
def test_a_seventeen_digit_nik_and_the_31st_of_february_come_in_and_are_flagged(api, field, value, flag):
    persons = {f"{HOUSEHOLD}/{OTHER}": {"m_name": "SITI", "presence": "1", field: value}}
    assert api.push(api.sealed(persons=persons))[0]["status"] == "stored"
    api.world.fold()
    data = api.call("GET", f"/v1/households/{HOUSEHOLD}", "pull").get_json()["data"]
    (member,) = data["persons"]
    flags = member["fields"].get(field, {}).get("flags", []) + [each["code"] for each in data["flags"]]
    assert flag in flags
    assert data["household"]["address"] == {"value": "Jl. Melati 1"}


def test_work_of_a_tablet_that_was_cut_off_is_not_pushed_but_deposited(api, problem):
    people.revoke(api.world.db, INSTALL, "hilang", api.clock.now_ms())
    body = json.dumps({"items": [api.sealed()]})
    problem(api.call("POST", "/v1/events", "deposit", data=body, headers=JSON), 403, "revoked")


def test_have_names_what_is_missing_and_what_was_erased(api):
    here, gone, never = (api.sealed(household) for household in (HOUSEHOLD, ELSEWHERE, HOUSEHOLD))
    api.push(here, gone)
    events.erase_part(api.world.db, "19.03", gone["payload_hash"][:32], "h")
    pairs = [[each["head"]["id"], each["payload_hash"]] for each in (here, gone, never)]
    for token in ("deposit", "read"):
        answer = api.call("POST", "/v1/have", token, json={"items": pairs}).get_json()
        assert answer == {"missing": [pairs[2]], "erased": [pairs[1]], "parts": {gone["payload_hash"]: ["h"]}}


def test_when_too_many_write_at_once_the_rest_is_told_to_come_back(api, problem):
    mine = api.app.extensions["padan"]
    object.__setattr__(mine, "writer_wait_s", 0.01)
    taken = 0
    while mine.writers.acquire(blocking=False):
        taken += 1
    waits = set()
    for _ in range(12):
        answer = api.call("POST", "/v1/events", "deposit", json={"items": [api.sealed()]})
        problem(answer, 503, "busy")
        waits.add(int(answer.headers["Retry-After"]))
    assert len(waits) > 1
    assert events.count(api.world.db, "submission") == 0
    for _ in range(taken):
        mine.writers.release()
    assert api.push(api.sealed())[0]["status"] == "stored"


def test_a_full_disk_is_said_and_nothing_is_half_written(api, problem):
    items = [api.sealed(answers={"address": "x" * 100_000}) for _ in range(10)]
    with nearly_full(api.world.db, 1):
        answer = api.call("POST", "/v1/events", "deposit", json={"items": items})
        problem(answer, 507, "disk_full")
        assert int(answer.headers["Retry-After"]) >= 30
        assert events.count(api.world.db) == 0
    assert {result["status"] for result in api.push(*items)} == {"stored"}


def test_a_fault_of_the_server_has_a_number_and_tells_nothing_else(api, problem, monkeypatch):
    def broken(*_args, **_kwargs):
        raise RuntimeError("NIK 1903014107900001 of SITI AMINAH")

    monkeypatch.setattr("server.api.sync.push", broken)
    answer = api.call("POST", "/v1/events", "deposit", json={"items": []})
    body = problem(answer, 500, "internal")
    assert "1903014107900001" not in answer.text and "SITI" not in answer.text
    assert body["incident"] == answer.headers["X-Request-Id"]
    monkeypatch.setattr("server.api.sync.push", lambda *_: (_ for _ in ()).throw(StoreFull("full")))
    problem(api.call("POST", "/v1/events", "deposit", json={"items": []}), 507, "disk_full")
