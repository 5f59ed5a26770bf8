"""The tablet's TypeScript and Python agree to the byte: canonical JSON, hashes, signatures, boxes, closed values.

Cases are made here from fixed seeds, answered by the tablet's own modules in node, and compared with Python's.
"""

from __future__ import annotations

import base64
import json
import string
from typing import Any

import pytest
from conformance_cases import Ask, Cases, by_python

from field_forms.client.store_erasure import _without
from schemas.canonical import NotCanonical, canonical_bytes
from schemas.envelope import check_envelope
from schemas.event import envelope_hash
from schemas.sealing import deposit_content, open_box, seal_box, sealing_public_key
from schemas.signing import TIME, key_id, public_key, sign, sign_event, time_message


@pytest.fixture(scope="module")
def envelopes(typescript: Ask) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Pairs of (sealed by the tablet, sealed by Python)."""
    cases = [Cases(seed).to_seal() for seed in range(60)]
    return list(zip(typescript("seal", cases), map(by_python, cases), strict=True))


def test_canonical_json_is_the_same_bytes(typescript: Ask) -> None:
    values = [Cases(seed).value() for seed in range(300)]
    assert typescript("canonical", values) == [canonical_bytes(value).decode() for value in values]


def test_what_python_refuses_to_write_the_tablet_refuses_too(typescript: Ask) -> None:
    deep: Any = "x"
    for _ in range(34):
        deep = [deep]
    wrong = [1.5, 2**53, "a\x00b", "\ud800", "x\udfff", {"é": 1}, {"a\x00": 1}, [{"x": 0.1}], deep]
    for value in wrong:
        with pytest.raises(NotCanonical):
            canonical_bytes(value)
    assert typescript("canonical", wrong) == [{"refused": "NotCanonical"}] * len(wrong)


def test_sealed_events_are_the_same_to_the_last_hash(envelopes: list[Any]) -> None:
    for tablet, python in envelopes:
        assert tablet == python
        check_envelope(tablet)
        assert envelope_hash(tablet) == tablet["payload_hash"]


def test_the_tablet_hashes_what_python_sealed_with_parts_that_are_only_hashes(
    typescript: Ask, envelopes: list[Any]
) -> None:
    names = [python["parts"][0]["name"] for _, python in envelopes]
    asked = [{"envelope": python, "name": name} for (_, python), name in zip(envelopes, names, strict=True)]
    without = typescript("withoutPart", asked)
    assert without == [_without(case["envelope"], [case["name"]]) for case in asked]
    assert typescript("hash", without) == [python["payload_hash"] for _, python in envelopes]
    assert typescript("withoutPart", [{"envelope": envelopes[0][1], "name": "p/nobody"}]) == [None]


def test_several_persons_and_parts_go_out_of_one_event_at_once(typescript: Ask, envelopes: list[Any]) -> None:
    """Of two who are erased in one page of the feed neither may come back with the other's write."""
    python = next(each for _, each in envelopes if sum(part["name"].startswith("p/") for part in each["parts"]) > 1)
    keys = [part["name"][2:] for part in python["parts"] if part["name"].startswith("p/")]
    named = [{"ref": python["payload_hash"][:32], "part": "h"}, {"ref": "0" * 32, "part": f"p/{keys[0]}"}]
    (left,) = typescript("withoutParts", [{"envelope": python, "persons": keys[1:], "parts": named}])
    assert left == _without(python, [*(f"p/{key}" for key in keys[1:]), "h"])
    assert "salt" in next(part for part in left["parts"] if part["name"] == f"p/{keys[0]}")
    (same,) = typescript("withoutParts", [{"envelope": python, "persons": [], "parts": []}])
    assert same is None


def test_signatures_are_the_same(typescript: Ask, envelopes: list[Any]) -> None:
    cases = [{"key": Cases(seed).hex(32), "envelope": pair[1]} for seed, pair in enumerate(envelopes)]
    for case, answer in zip(cases, typescript("sign", cases), strict=True):
        private = bytes.fromhex(case["key"])
        assert answer.pop("public") == public_key(private).hex()
        assert answer == sign_event(private, case["envelope"])


def test_a_deposit_is_the_same_and_each_side_opens_the_others_box(typescript: Ask) -> None:
    cases = [
        {
            "install": Cases(seed).uuid(),
            "body": json.dumps({"items": [Cases(seed).value()]}),
            "key": Cases(seed).hex(32),
        }
        for seed in range(20)
    ]
    contents = typescript("deposit", cases)
    assert contents == [
        deposit_content(case["install"], case["body"], bytes.fromhex(case["key"])).decode() for case in cases
    ]
    server = b"s" * 32
    recipient = sealing_public_key(server)
    asked = [
        {"content": text.encode().hex(), "recipient": recipient.hex(), "oneTime": Cases(seed + 500).hex(32)}
        for seed, text in enumerate(contents)
    ]
    boxes = typescript("sealBox", asked)
    for case, box in zip(asked, boxes, strict=True):
        assert box == seal_box(bytes.fromhex(case["content"]), recipient, bytes.fromhex(case["oneTime"]))
        assert open_box(box, {key_id(recipient): server}).hex() == case["content"]
    assert typescript("openBox", [{"box": box, "key": server.hex()} for box in boxes]) == [
        case["content"] for case in asked
    ]


def test_the_recovery_box_holds_the_data_key_for_the_server_only(typescript: Ask) -> None:
    server = b"r" * 32
    recipient = sealing_public_key(server)
    install = Cases().uuid()
    case = {"dataKey": "11" * 32, "install": install, "sealingKey": base64.b64encode(recipient).decode()}
    (answer,) = typescript("recovery", [case])
    content = json.loads(open_box(answer["box"], {key_id(recipient): server}))
    assert content == {
        "purpose": answer["purpose"], "install": install, "data_key": base64.b64encode(b"\x11" * 32).decode()
    }  # fmt: skip
    from server.flows.unlock import PURPOSE

    assert answer["purpose"] == PURPOSE


def test_the_servers_signed_time_is_believed_and_a_forged_one_is_not(typescript: Ask) -> None:
    private, server = b"t" * 32, {"server_id": Cases().uuid(), "epoch": "9f1c2ab34d5e6f70"}
    name = key_id(public_key(private))
    keys = [{"id": name, "key": base64.b64encode(public_key(private)).decode()}]
    time = "2026-11-25T01:02:03Z"
    signature = sign(private, TIME, time_message(server["server_id"], server["epoch"], time))
    said = {"time": time, "key": name, "signature": signature}
    cases = [
        {"said": said, "server": server, "keys": keys},
        {"said": said | {"time": "2036-11-25T01:02:03Z"}, "server": server, "keys": keys},
        {"said": said, "server": server | {"epoch": "0000000000000000"}, "keys": keys},
        {"said": said | {"key": "other"}, "server": server, "keys": keys},
    ]
    assert typescript("time", cases) == [True, False, False, False]


def test_values_are_closed_for_their_place_only_and_keys_tell_nothing(typescript: Ask) -> None:
    case = {"dataKey": "22" * 32, "text": "ROHANI 1903014107900001"}
    first, again, other = typescript("cipher", [case, case, case | {"dataKey": "23" * 32}])
    assert first["back"] == case["text"] and first["elsewhere"] == "refused"
    assert first["key"] == again["key"] != other["key"], "the same record is found again, by its own key only"
    assert first["closed"] != again["closed"], "the same value is never closed twice the same way"
    assert len(first["key"]) == 32 and set(first["key"]) <= set(string.hexdigits)


def test_wrong_pins_wait_longer_and_longer(typescript: Ask) -> None:
    waits = typescript("wait", list(range(14)))
    assert waits[:4] == [0, 0, 0, 0] and waits[4] == 30
    assert waits == sorted(waits) and waits[-1] == 3600


def test_pins_that_everybody_guesses_are_refused(typescript: Ask) -> None:
    pins = [
        "12345",
        "111111",
        "123456",
        "654321",
        "121212",
        "123123",
        "135790",
        "482915",
        "9" * 33,
        "kata sandi panjang",
    ]
    assert typescript("pin", pins) == ["short", "same", "row", "row", "row", "row", None, None, "long", None]
