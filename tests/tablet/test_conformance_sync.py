"""What the tablet makes of the server's answers is what the Python client makes of them: pushes, pages, records opened.

As in test_conformance.py, the tablet's own modules answer in node.
"""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from conformance_cases import REGION, SEED, VILLAGE, Ask, Cases, by_python

from field_forms.client import feed as python_feed
from field_forms.client import opening as python_opening
from field_forms.client.pace import Pace
from field_forms.client.standing import HELD_WORDS
from field_forms.client.store import Sealed
from field_forms.client.store_feed import KnownHousehold
from field_forms.client.sync_run import newest_in_use
from schemas.event import ref_of
from sync.intake import HOLD_REASONS, KEPT_REASONS


@pytest.fixture(scope="module")
def envelopes() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Sealed events, twice each."""
    return [(each, each) for each in (by_python(Cases(seed).to_seal()) for seed in range(2))]


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
        {"epoch": "e2", "positions": {}, "earlier": {"e1": {REGION: 7}}},
        {"epoch": "e2", "positions": {REGION: 9}, "earlier": {"e1": {REGION: 6}}},
        {"epoch": "e2", "positions": {REGION: 9}, "earlier": {}},
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
    for retired in (["10"], ["9", "10"]):
        forms.append([{"id": "a", "version": v} | ({"retired": True} if v in retired else {}) for v in ("9", "10")])
    found = typescript("newest", forms)
    assert found == [dict(newest_in_use(each)) for each in forms]
    assert found[-2:] == [{"a": "9"}, {"a": "10"}]


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
            "parts": [{"ref": "cd", "part": "h"}, {"ref": "cd", "part": "p/h4/p2"}],
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
    assert [(each["ref"], each["part"]) for each in answer["erasedParts"]] == page.erased_parts
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
            return python_opening.opening_on(known, own, EveryQuestion(), self.ids)  # type: ignore[arg-type]


class EveryQuestion:
    """Words of a form that asks everything under the name it has."""

    form = None

    def question(self, scope: str, name: str) -> SimpleNamespace:
        return SimpleNamespace(name=name)

    def path(self, path: str) -> str:
        return path

    def answer(self, part: str, name: str, value: Any) -> tuple[str, Any]:
        return f"{part}/{name}", value


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
