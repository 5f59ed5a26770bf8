"""The tablet's TypeScript and Python agree to the byte: canonical JSON, hashes, signatures, boxes, what answers mean.

Cases are made here from fixed seeds, answered by the tablet's own modules in node, and compared with Python's.
"""

from __future__ import annotations

import base64
import json
import random
import string
import uuid
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

from field_forms.client import feed as python_feed
from field_forms.client import opening as python_opening
from field_forms.client.pace import Pace
from field_forms.client.standing import HELD_WORDS
from field_forms.client.store import Sealed, _without_part
from field_forms.client.store_feed import KnownHousehold
from field_forms.client.sync_run import _newest
from schemas.canonical import NotCanonical, canonical_bytes
from schemas.envelope import check_envelope
from schemas.event import Assertion, Part, envelope_hash, ref_of, seal
from schemas.sealing import deposit_content, open_box, seal_box, sealing_public_key
from schemas.signing import TIME, key_id, public_key, sign, sign_event, time_message
from sync.intake import HOLD_REASONS, KEPT_REASONS

Ask = Callable[[str, list[Any]], list[Any]]
SEED = 20261125
REGION, VILLAGE = "19.03", "19.03.01.1001"
TEXTS = (
    "",
    "Jl. Melati 1",
    'a "quoted" \\ back',
    "\t\n\r\b\f\x01\x1f",
    "é ü ñ",
    "\u2028\u2029",
    "😀 𝔘",
    "/",
    "9171010101900001",
)


class Cases:
    """Random JSON and random events, the same in each run."""

    def __init__(self, seed: int = SEED) -> None:
        self.chance = random.Random(seed)

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))

    def hex(self, count: int) -> str:
        return self.chance.randbytes(count).hex()

    def value(self, depth: int = 0) -> Any:
        kind = self.chance.randrange(8 if depth < 4 else 5)
        if kind == 0:
            return self.chance.choice([None, True, False])
        if kind == 1:
            return self.chance.choice([0, -1, 2**53 - 1, -(2**53) + 1, self.chance.randrange(-(10**9), 10**9)])
        if kind in (2, 3, 4):
            return self.chance.choice(TEXTS) + "".join(self.chance.choices(string.printable + "éπ漢🙂", k=5))
        if kind in (5, 6):
            keys = [
                "".join(self.chance.choices(string.ascii_letters + string.digits + ' _.-/"\\~', k=3)) for _ in range(4)
            ]
            return {key: self.value(depth + 1) for key in keys}
        return [self.value(depth + 1) for _ in range(self.chance.randrange(4))]

    def to_seal(self) -> dict[str, Any]:
        """What both sides are given to seal."""
        household = self.uuid()
        names = ["h", *(f"p/{household}/{self.uuid()}" for _ in range(self.chance.randrange(4)))]
        parts = [
            {
                "name": name,
                "assertions": {
                    f"q{n}": self.assertion() for n in self.chance.sample(range(20), self.chance.randrange(1, 6))
                },
                "text": {} if self.chance.random() < 0.7 else {"note": self.chance.choice(TEXTS)},
            }
            for name in names
        ]
        return {
            "id": self.uuid(),
            "kind": "submission",
            "household_id": household,
            "home_region": REGION,
            "form": {"id": "verifikasi_keluarga", "version": "2026112101", "hash": self.hex(32)},
            "actor": "psm01",
            "area": VILLAGE,
            "context": [{"ref": self.hex(16), "household_id": self.uuid()} for _ in range(self.chance.randrange(5))],
            "also": [{"household_id": self.uuid(), "home_region": REGION} for _ in range(self.chance.randrange(3))],
            "not_before": self.chance.choice([None, "2026-11-25T01:02:03Z"]),
            "attachments": {"h/photo_front": {"sha256": self.hex(32), "bytes": 12345, "mime": "image/jpeg"}},
            "body": {},
            "parts": parts,
            "salts": {name: self.hex(16) for name in names},
        }

    def assertion(self) -> dict[str, Any]:
        """An answer, a state, or a correction."""
        kind = self.chance.randrange(4)
        if kind == 0:
            return {"evidence": 2, "state": self.chance.choice(["declined", "unknown", "cleared"])}
        if kind == 1:
            return {"evidence": 3, "value": {"lat": -2987654, "lon": 106456789, "acc_dm": 80}, "corrects": self.hex(16)}
        return {"evidence": self.chance.randrange(5), "value": self.chance.choice([*TEXTS, 7, ["1", "3"]])}


def by_python(given: dict[str, Any]) -> dict[str, Any]:
    """The same event sealed by schemas/event.py."""
    parts = [
        Part(each["name"], {name: Assertion.from_json(raw) for name, raw in each["assertions"].items()}, each["text"])
        for each in given["parts"]
    ]
    context = {each["ref"]: each["household_id"] for each in given["context"]}
    also = [(each["household_id"], each["home_region"]) for each in given["also"]]
    kept = {name: given[name] for name in given.keys() - {"parts", "context", "also"}}
    return seal(parts=parts, context=context, also=also, **kept)


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
    assert without == [_without_part(case["envelope"], case["name"]) for case in asked]
    assert typescript("hash", without) == [python["payload_hash"] for _, python in envelopes]
    assert typescript("withoutPart", [{"envelope": envelopes[0][1], "name": "p/nobody"}]) == [None]


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


def test_answers_of_a_push_lead_to_the_same_states(typescript: Ask) -> None:
    receipt = {"epoch": "e1", "position": 7}
    results = [
        {"status": "stored", "receipt": receipt}, {"status": "duplicate", "receipt": receipt}, {"status": "retry"},
        {"status": "held", "receipt": receipt, "reasons": ["out_of_area", "late"]}, {"status": "too_large"},
        {"status": "held", "reasons": ["bad_envelope"], "detail": "x"}, {"status": "equivocation", "receipt": receipt},
        {"status": "new_word", "receipt": receipt}, {"status": "new_word", "detail": "what"}, {"status": "refused"},
    ]  # fmt: skip
    for result, answer in zip(results, typescript("settle", results), strict=True):
        expected = python_feed.settle(result)
        if expected is None:
            assert answer is None
        else:
            state, status, reasons, got = expected
            assert (answer["state"], answer["status"], answer["receipt"]) == (state, status, got)
            assert " ".join(answer["reasons"]) == (reasons or "")


def test_the_durable_mark_is_read_the_same(typescript: Ask) -> None:
    receipt = {"epoch": "e1", "position": 7}
    marks = [None, {"epoch": "e1", "positions": {REGION: 7}}, {"epoch": "e1", "positions": {REGION: 6}}]
    marks += [
        {"epoch": "e2", "positions": {REGION: 9}},
        {"epoch": "e1", "positions": {"19.05": 9}},
        {"epoch": "e1", "positions": {}},
    ]
    marks = [mark if mark is None or "positions" in mark else None for mark in marks]
    cases = [{"receipt": receipt, "region": REGION, "durable": mark} for mark in marks]
    assert typescript("durable", cases) == [python_feed.is_durable(receipt, REGION, mark) for mark in marks]


def test_pace_and_back_off_are_the_same_numbers(typescript: Ask) -> None:
    chance = random.Random(SEED)
    runs = [
        [(chance.choice([-1, 10, 15, 50]), chance.choice([0.1, 2.0, 9.0, 60.0])) for _ in range(12)] for _ in range(20)
    ]
    for steps, answer in zip(runs, typescript("pace", runs), strict=True):
        pace, sizes = Pace(), []
        for items, seconds in steps:
            if items < 0:
                pace.failed()
            else:
                pace.measured(items, seconds)
            sizes.append(pace.size)
        assert answer == sizes
    quick, asked, long, unheard = typescript("backoff", [[None] * 6, [20, 60], [900], [-1, None, None, None]])
    assert quick == {"slept": [500, 1000, 2000, 4000, 8000], "gaveUp": True}
    assert asked["gaveUp"] is False and 20_000 < asked["slept"][0] < 23_000
    assert long == {"slept": [], "gaveUp": True}
    assert unheard == {"slept": [500, 1000], "gaveUp": True}, "before the first answer it is told sooner"


def test_the_newest_version_of_each_form_is_the_same(typescript: Ask) -> None:
    forms = [
        [{"id": "a", "version": v} for v in versions]
        for versions in (["2026010101", "2026112101", "2025010101"], ["9", "10"], ["x1", "3", "x2"], [])
    ]
    assert typescript("newest", forms) == [dict(_newest(each)) for each in forms]


def test_a_feed_page_is_sorted_the_same(typescript: Ask, envelopes: list[Any]) -> None:
    whole, spoiled = envelopes[0][1], {**envelopes[1][1], "payload_hash": "0" * 64}
    full = {
        "kind": "household", "level": "full", "household_id": "h1", "home_region": REGION, "area": VILLAGE,
        "data": {"household_id": "h1", "aliases": ["h0"], "household": {}, "persons": []}, "trail": {}, "identity": [],
        "events": [whole, spoiled],
    }  # fmt: skip
    items = [
        full,
        {"kind": "household", "level": "brief", "household_id": "h2", "home_region": REGION, "name": "X", "rt": "1"},
        {"kind": "alias", "household_id": "h0", "home_region": REGION, "canonical_id": "h1"},
        {"kind": "removed", "household_id": "h3", "home_region": REGION},
        {
            "kind": "erased",
            "household_id": "h4",
            "home_region": REGION,
            "persons": ["h4/p1"],
            "refs": ["ab"],
            "household": True,
        },
        {"kind": "of a later version", "household_id": "h5", "home_region": REGION},
    ]
    page = python_feed.read_page(items)
    (answer,) = typescript("page", [items])
    assert [each["household_id"] for each in answer["households"]] == [each.household_id for each in page.households]
    assert [tuple(each) for each in answer["joined"]] == page.joined
    assert answer["removed"] == page.removed and answer["erasedPersons"] == page.erased_persons
    assert answer["erasedEvents"] == page.erased_events
    assert [ref_of(each["payload_hash"]) for each in answer["events"]] == [each[0] for each in page.events]


def test_a_record_is_opened_with_own_forms_laid_over_it_the_same(typescript: Ask) -> None:
    histories = [History(seed) for seed in range(40)]
    answers = typescript("opening", [each.case for each in histories])
    for history, answer in zip(histories, answers, strict=True):
        expected = history.by_python()
        assert {each["ref"]: each["household_id"] for each in answer["context"]} == expected.context
        assert [each["ref"] for each in answer["context"]] == sorted(expected.context)
        data = answer["shown"]["data"]
        persons = [person for person in data["persons"] if not person.get("moved_to")]
        assert [person["key"] for person in persons] == list(expected.persons)
        shown = {f"h/{name}": cell for name, cell in data["household"].items()}
        for person in persons:
            shown |= {f"p/{person['key']}/{name}": cell for name, cell in person["fields"].items()}
        shown = {path: cell for path, cell in shown.items() if "value" in cell or "state" in cell}
        present = {path: cell for path, cell in expected.prefill.items() if _of(path, expected.persons)}
        assert shown == present
        assert (answer["visits"], answer["listed"]) == (expected.visits, expected.listed)
        for path, (ref, evidence) in expected.sources.items():
            if path in present:
                told = answer["shown"]["trail"]["values"][path]
                assert (told["ref"], told.get("evidence", 1)) == (ref, evidence)


def _of(path: str, persons: tuple[str, ...]) -> bool:
    part = path.rpartition("/")[0]
    return part == "h" or part.removeprefix("p/") in persons


class History:
    """A household of the feed and own sealed forms over it: moves in and out, newcomers, aliases."""

    def __init__(self, seed: int) -> None:
        cases = Cases(seed)
        chance = cases.chance
        home, other = cases.uuid(), cases.uuid()
        keys = [f"{home}/{cases.uuid()}" for _ in range(chance.randrange(1, 4))]
        persons = [
            {"key": key, "keys": [key, f"{other}/{cases.uuid()}"], "fields": {"m_name": {"value": key[-4:]}}}
            for key in keys
        ]
        if chance.random() < 0.3:
            persons[0] = {**persons[0], "moved_to": other, "fields": {}}
        refs = [{"ref": cases.hex(16), "household_id": home, "kind": kind} for kind in ("prelist", "submission")]
        values = {"h/rt": {"ref": refs[0]["ref"], "evidence": 0}}
        self.item = {
            "kind": "household", "level": "full", "household_id": home, "home_region": REGION, "area": VILLAGE,
            "data": {
                "household_id": home, "home_region": REGION, "area": VILLAGE, "aliases": [other] * chance.randrange(2),
                "household": {"rt": {"value": "001"}, "rw": {"conflict": True}}, "persons": persons,
            },
            "trail": {"refs": refs, "values": values},
        }  # fmt: skip
        self.ids = {home, *self.item["data"]["aliases"]}
        self.own = []
        for seq in range(chance.randrange(3)):
            given = cases.to_seal() | {"household_id": chance.choice([home, home, other])}
            movers = chance.sample(keys, 1) if chance.random() < 0.5 else []
            to = chance.choice(["outside", home, other])
            given["parts"] = [
                {"name": "h", "assertions": {"rt": {"value": f"00{seq + 2}", "evidence": 1}}, "text": {}},
                *(
                    {"name": f"p/{key}", "assertions": {"sex": {"value": "1", "evidence": 2}}, "text": {}}
                    for key in [*chance.sample(keys, 1), f"{home}/{cases.uuid()}", *movers]
                ),
            ]
            given["parts"] = list({each["name"]: each for each in given["parts"]}.values())
            given["salts"] = {each["name"]: cases.hex(16) for each in given["parts"]}
            if movers:
                given |= {
                    "kind": "change",
                    "body": {"type": "move_out", "moves": [{"person": key, "to": to} for key in movers]},
                }
            self.own.append((seq + 1, by_python(given)))

    @property
    def case(self) -> dict[str, Any]:
        """As the tablet is given it."""
        own = [
            {
                "standing": {
                    "seq": seq, "ref": ref_of(each["payload_hash"]), "kind": each["head"]["kind"],
                    "householdId": each["head"]["household_id"],
                },
                "envelope": each,
            }
            for seq, each in self.own
        ]  # fmt: skip
        return {"item": self.item, "own": own, "ids": sorted(self.ids)}

    def by_python(self) -> python_opening.Opening:
        """The reference, with every question carried over."""
        known = KnownHousehold(self.item["household_id"], REGION, VILLAGE, "full", "", self.item)
        own = [
            Sealed(
                seq,
                each["head"]["id"],
                ref_of(each["payload_hash"]),
                each["head"]["household_id"],
                "sealed",
                each,
                {},
                None,
                None,
                None,
                None,
                1,
            )
            for seq, each in self.own
        ]
        with mock.patch.object(python_opening, "carried_over", lambda form, name: True):
            return python_opening.opening_on(known, own, None, self.ids)  # type: ignore[arg-type]


def test_held_forms_have_the_same_reasons(typescript: Ask) -> None:
    pushed = {"ref": "r1", "status": "held", "reasons": ["out_of_area"]}
    cases = [
        {"standing": pushed, "trail": None},
        {"standing": pushed, "trail": {"refs": [{"ref": "r1", "status": "live"}], "held": []}},
        {
            "standing": pushed,
            "trail": {"refs": [{"ref": "r1", "status": "held"}], "held": [{"ref": "r1", "reasons": ["late"]}]},
        },
        {
            "standing": {**pushed, "status": "stored", "reasons": []},
            "trail": {"held": [{"ref": "r1", "reason": "revoked"}]},
        },
        {"standing": {**pushed, "status": "stored", "reasons": []}, "trail": {}},
    ]
    assert typescript("held", cases) == [["out_of_area"], [], ["late"], ["revoked"], []]


def test_every_reason_has_its_words_on_the_tablet(root: Any) -> None:
    for language in ("id", "en"):
        words = (root / f"field_forms/tablet/src/words/{language}.ts").read_text(encoding="utf-8")
        assert [
            reason for reason in {*HOLD_REASONS, *KEPT_REASONS, "bad_stamp"} if f"      {reason}: " not in words
        ] == []
    indonesian = (root / "field_forms/tablet/src/words/id.ts").read_text(encoding="utf-8")
    assert [text for text in HELD_WORDS.values() if text not in indonesian] == []


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
