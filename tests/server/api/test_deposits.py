"""Deposits: work of a lost or revoked tablet, in boxes that only the server opens; nothing in them is lost."""

from __future__ import annotations

import json

import pytest
from api_world import INSTALL, INSTALL_KEY

from schemas import limits
from schemas.sealing import deposit_content, seal_box
from schemas.signing import from_base64
from server.flows import people
from server.flows.deposits import open_waiting
from server.store import deposits, events

OTHER, OTHER_KEY = "bbbbbbbb-0000-4000-8000-000000000002", b"k" * 32


def box_of(api, *envelopes, install=INSTALL, key=INSTALL_KEY, body=None):
    hello = api.call("GET", "/v1/hello", "deposit").get_json()
    text = body if body is not None else json.dumps({"items": list(envelopes)})
    recipient = from_base64(hello["sealing_key"]["key"])
    return seal_box(deposit_content(install, text, key), recipient, api.world.random.randbytes(32))


def hand_in(api, box, token="deposit"):
    answer = api.call("POST", "/v1/deposits", token, json={"box": box})
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def test_a_revoked_tablet_hands_in_its_unsent_work_which_is_stored_and_held(api):
    box = box_of(api, api.sealed(), api.sealed(answers={"address": "Jl. Dua 2"}))
    people.revoke(api.world.db, INSTALL, "hilang", api.clock.now_ms())
    answer = hand_in(api, box)
    assert answer["opened"] is True
    assert [(result["status"], result["reasons"]) for result in answer["results"]] == [("held", ["revoked"])] * 2


def test_another_tablet_may_bring_the_box_and_the_work_counts_as_its_makers(api):
    box = box_of(api, api.sealed())
    bringer = api.enrol(OTHER, OTHER_KEY, api.code("budi")).get_json()["deposit_token"]
    answer = hand_in(api, box, bringer)
    assert [result["status"] for result in answer["results"]] == ["stored"]


@pytest.mark.parametrize("key", [OTHER_KEY, b"x" * 32])
def test_a_box_without_the_makers_signature_is_opened_and_its_events_held(api, key):
    api.enrol(OTHER, OTHER_KEY, api.code("budi"))
    answer = hand_in(api, box_of(api, api.sealed(), key=key))
    assert answer["problem"] == "box_unsigned"
    (result,) = answer["results"]
    assert result["status"] == "held" and "other_actor" in result["reasons"]


def test_a_box_that_cannot_be_opened_is_kept_until_its_key_is_back(api):
    box = box_of(api, api.sealed())
    (row,) = api.world.db.all("select name, secret from server_keys where purpose = 'sealing'")
    mine = api.app.extensions["padan"]
    known = dict(mine.keys.sealing_keys)
    mine.keys.sealing_keys.clear()
    answer = hand_in(api, box)
    assert (answer["opened"], answer["problem"], answer["results"]) == (False, "box_unreadable", [])
    assert len(deposits.unopened(api.world.db)) == 1
    mine.keys.sealing_keys.update(known)
    assert known == {row["name"]: bytes(row["secret"])}
    assert open_waiting(api.world.db, mine.keys, api.clock.now_ms()) == 1
    assert events.count(api.world.db, "submission") == 1


@pytest.mark.parametrize(
    "box",
    [
        {},
        {"v": 1},
        {"v": 1, "key": "a", "ephemeral": "!", "sealed": 7},
        {"any": ["thing", 1.5, "\u00e9\0\ud800", 10**30]},
    ],
)
def test_what_is_no_box_is_kept_as_it_came(api, box):
    answer = hand_in(api, box)
    assert (answer["opened"], answer["problem"]) == (False, "box_unreadable")
    assert deposits.deposit_known(api.world.db, answer["kept"])


@pytest.mark.parametrize("body", ["garbage", '{"items":7}', "[" * 10_000])
def test_a_box_with_garbage_in_it_is_kept(api, body):
    answer = hand_in(api, box_of(api, body=body))
    assert (answer["opened"], answer["problem"]) == (False, "box_unreadable")


def test_one_broken_item_in_a_box_does_not_block_the_others(api):
    text = (
        '{"items":['
        + json.dumps(api.sealed())
        + ',{"broken":},'
        + json.dumps(api.sealed(answers={"address": "B"}))
        + "]}"
    )
    answer = hand_in(api, box_of(api, body=text))
    assert [result["status"] for result in answer["results"]] == ["stored", "held", "stored"]


def test_handing_a_box_in_twice_changes_nothing(api):
    box = box_of(api, api.sealed())
    first, again = hand_in(api, box), hand_in(api, box)
    assert first["kept"] == again["kept"]
    assert [result["status"] for result in again["results"]] == ["duplicate"]
    assert deposits.deposits_by(api.world.db, INSTALL) == 1


def test_a_tablet_has_a_quota_of_boxes_but_may_repeat_one(api, problem, monkeypatch):
    monkeypatch.setattr(limits, "DEPOSITS_PER_INSTALL_MAX", 2)
    boxes = [box_of(api, api.sealed()) for _ in range(3)]
    for box in boxes[:2]:
        hand_in(api, box)
    answer = api.call("POST", "/v1/deposits", "deposit", json={"box": boxes[2]})
    body = problem(answer, 429, "quota")
    assert body["limit"] == 2 and int(answer.headers["Retry-After"]) > 0
    hand_in(api, boxes[0])
