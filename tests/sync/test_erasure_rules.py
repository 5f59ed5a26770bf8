"""By what a person is found in what was said of others, what is left, and that nobody else's answers change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from fold_histories import grow
from fold_world import DICTIONARY, World, house, key, nik
from hypothesis import given
from hypothesis import strategies as st

from schemas.bodies import ERASURE_BASES
from schemas.event import Assertion, Event, Part
from sync.erasure import BASES, Marks, marks_of, mentions, named_in, number_of, own_parts, path_of, without
from sync.fold import Record, fold_everything

# One worker: the last test counts what the properties before it have seen.
pytestmark = pytest.mark.xdist_group("erasure-properties")

KEY, STAYS = key(1), key(2)
MARKS = Marks(frozenset({KEY}), ("Siti Aminah",), frozenset({nik(1), "81298765432"}), ("Budi Santoso", "Siti Rahayu"))


@pytest.mark.parametrize(
    ("text", "sentence", "named"),
    [
        ("Siti Aminah", False, True),
        ("SITI  AMINAH", False, True),
        ("Hj. St. Aminah", False, True),
        ("Aminah", False, True),
        ("Siti Aminnah", False, True),
        ("Rumah Bu Siti Aminah, RT 3", False, True),
        ("Budi Santoso", False, False),
        ("Siti Rahayu", False, False),
        ("Jl. Aminah Raya 5", False, False),
        ("bu aminah sedang sakit", True, True),
        ("siti sedang sakit", True, False),
        ("sedang sakit", True, False),
        ("", True, False),
        (nik(1), False, True),
        ("NIK 1903 0110 0580 0001.", False, True),
        (f"hubungi 0812-9876-5432 atau {nik(2)}", False, True),
        ("+62 812 9876 5432", False, True),
        (nik(2), False, False),
        ("001", False, False),
    ],
)
def test_a_text_names_the_person_or_does_not(text: str, sentence: bool, named: bool) -> None:
    assert named_in(text, MARKS, sentence=sentence) is named


def test_a_name_that_is_all_shared_words_is_still_found() -> None:
    marks = Marks(frozenset({KEY}), ("Siti",), others=("Siti Rahayu",))
    assert marks.words == {"siti"}
    assert named_in("Siti pergi", marks, sentence=True)
    assert not named_in("Siti Rahayu", marks, sentence=True)


def test_marks_are_what_the_person_is_called_and_the_numbers() -> None:
    content = {
        "assertions": {"m_name": {"value": "Rusli"}, "nik": {"value": nik(3)}, "phone": {"value": "0812 345 678"}}
    }
    more = {"assertions": {"rooms": {"value": 3}, "nik": {"state": "declined"}}}
    made = marks_of([KEY], [content, more], DICTIONARY)
    assert (made.names, made.numbers) == (("Rusli",), {nik(3), "812345678"})
    wider = made.with_words(["Pak Lilik", "0813-1111-2222"])
    assert (wider.names, wider.numbers) == (("Rusli", "Pak Lilik"), {nik(3), "812345678", "81311112222"})
    assert [number_of(text) for text in ("12345", "RT 003", "", "+62812345678")] == ["", "", "", "812345678"]


def test_answers_and_texts_that_name_the_person_are_pointed_at_and_taken_out() -> None:
    content = {
        "assertions": {
            "outcome_note": {"value": "ditemui bu Aminah", "evidence": 2},
            "address": {"value": "Jl. Mawar", "evidence": 1},
            "no_kk": {"value": nik(1), "evidence": 3, "corrects": "0" * 32},
            "income": {"value": 5, "evidence": 1},
            "unknown_one": {"value": {"list": ["x", "Siti Aminah"]}, "evidence": 1},
        },
        "text": {
            "comments": {f"p/{KEY}/nik": "foto", "h/rt": "kurang"},
            "note": "Aminah",
            "places": ["1", nik(1), KEY],
        },
    }
    found = mentions("h", content, MARKS, DICTIONARY)
    assert found == (
        "a/no_kk",
        "a/outcome_note",
        "a/unknown_one",
        f"t/comments/p~1{KEY.replace('/', '~1')}~1nik",
        "t/note",
        "t/places/1",
        "t/places/2",
    )
    left = without(content, found)
    assert left["assertions"] == {
        "outcome_note": {"state": "cleared", "evidence": 2},
        "address": {"value": "Jl. Mawar", "evidence": 1},
        "no_kk": {"state": "cleared", "evidence": 3, "corrects": "0" * 32},
        "income": {"value": 5, "evidence": 1},
        "unknown_one": {"state": "cleared", "evidence": 1},
    }
    assert left["text"] == {"comments": {"h/rt": "kurang"}, "places": ["1"]}
    assert mentions("h", left, MARKS, DICTIONARY) == ()
    assert [path_of("h", pointer) for pointer in ("a/no_kk", "t/note")] == ["h/no_kk", "h/_text"]


def test_a_namesake_keeps_the_own_name_and_loses_the_others_number() -> None:
    content = {"assertions": {"m_name": {"value": "Siti Aminah"}, "nik": {"value": nik(1)}}}
    assert mentions(f"p/{STAYS}", content, MARKS, DICTIONARY) == ("a/nik",)


def test_pointers_to_what_is_not_there_change_nothing() -> None:
    content = {"assertions": {"rt": {"value": "1", "evidence": 1}}, "text": {"list": ["a"], "note": "b"}}
    assert without(content, ["a/rw", "t/list/7", "t/list/x", "t/note/deeper", "t/none/1", "t/list/0/x"]) == content


@pytest.mark.parametrize(
    ("kind", "body", "parts", "whole"),
    [
        ("submission", {}, ["h", f"p/{KEY}", f"p/{STAYS}"], [f"p/{KEY}"]),
        ("change", {"type": "death", "person": KEY}, ["e", "h"], ["e"]),
        ("change", {"type": "death", "person": STAYS}, ["e", f"p/{KEY}"], [f"p/{KEY}"]),
        ("change", {"type": "split", "moves": [{"person": KEY, "to": "x"}]}, ["e"], ["e"]),
        ("change", {"type": "split", "moves": [{"person": KEY}, {"person": STAYS}]}, ["e"], []),
        ("change", {"type": "birth"}, ["e"], []),
        ("decision", {"covers": [{"ref": "r", "path": f"p/{KEY}/nik"}]}, ["h", f"p/{STAYS}"], [f"p/{STAYS}"]),
        ("decision", {"covers": [{"ref": "r", "path": "h/rt"}, {"ref": "r", "path": f"p/{KEY}/nik"}]}, ["h"], []),
        ("verdict", {"covers": [{"ref": "r", "path": f"p/{KEY}/nik"}]}, [f"p/{STAYS}"], []),
    ],
)
def test_which_parts_of_an_event_are_about_the_person(kind: str, body: Any, parts: list[str], whole: list[str]) -> None:
    assert own_parts(kind, body, parts, frozenset({KEY})) == whole


def test_every_legal_basis_has_its_words() -> None:
    assert set(BASES) == ERASURE_BASES


def test_one_who_moved_in_and_was_erased_is_not_left_as_an_empty_line() -> None:
    world = World()
    first = world.submit(1, p={KEY: {"m_name": "Ani"}, STAYS: {"m_name": "Budi"}})
    moved = world.change("move_in", 1, p={KEY: {"m_name": "Ani"}}, moves={KEY: 2}, also=[2], saw=[first])
    there = world.submit(2, {"rt": "1"})
    gone = world.event("erasure", 1, also=[2], body={"persons": [KEY]})
    emptied = [*map(emptied_of(KEY), (first, moved, there)), gone]
    told = {each.household_id: each for each in fold_everything(emptied, DICTIONARY)}
    assert told[house(2)].data["persons"] == []
    assert [person["key"] for person in told[house(1)].data["persons"]] == [STAYS]
    again = world.submit(2, p={KEY: {"m_name": "Ani"}}, saw=[gone])
    back = {each.household_id: each for each in fold_everything([*emptied, again], DICTIONARY)}
    assert [person["key"] for person in back[house(2)].data["persons"]] == [KEY]


def emptied_of(*keys: str) -> Callable[[Event], Event]:
    """An event as it is folded after the erasure of these keys."""

    def empty(event: Event) -> Event:
        whole = own_parts(event.kind, event.body, [part.name for part in event.parts], frozenset(keys))
        parts = tuple(Part(part.name, {}, {}, erased=True) if part.name in whole else part for part in event.parts)
        return replace(event, parts=parts)

    return empty


SEEN: Counter[str] = Counter()


@given(st.lists(st.integers(0, 2**16 - 1), min_size=6, max_size=16), st.integers(0, 2**16))
def test_erasing_a_person_changes_no_answer_of_anybody_else(steps: list[int], choice: int) -> None:
    history = grow(tuple(steps))
    before = {each.household_id: each for each in fold_everything(history.events, DICTIONARY)}
    everybody = sorted({key_ for each in before.values() for p in each.data["persons"] for key_ in p["keys"]})
    if not everybody:
        return
    gone = followed(before, everybody[choice % len(everybody)])
    erasure = history.world.event("erasure", 1, also=[2, 3], body={"persons": sorted(gone)})
    emptied = [*map(emptied_of(*gone), history.events), erasure]
    after = {each.household_id: each for each in fold_everything(emptied, DICTIONARY)}
    assert after.keys() == before.keys()
    SEEN["histories"] += 1
    for name, was in before.items():
        now = after[name]
        assert now.data["household"] == was.data["household"]
        assert not gone & {key_ for person in now.data["persons"] for key_ in person["keys"]}
        SEEN["erased"] += bool(gone & {key_ for person in was.data["persons"] for key_ in person["keys"]})
        stays = {tuple(p["keys"]): p for p in was.data["persons"] if not gone & set(p["keys"])}
        left = {tuple(p["keys"]): p for p in now.data["persons"]}
        if touches_roster(was, gone):
            continue  # who looked like the person may now be paired with somebody else, or no longer wait for it
        SEEN["compared"] += len(stays)
        assert {keys: facts(p) for keys, p in left.items()} == {keys: facts(p) for keys, p in stays.items()}


SAYS = {("remark", "a"): "Sutinah sakit", ("outcome_note", "x"): "Budi Santoso", ("address", "A"): "Rumah Sutinah"}
"""What histories say in letters, as sentences that name their people."""


@given(st.lists(st.integers(0, 2**16 - 1), min_size=6, max_size=16), st.integers(0, 2**16))
def test_of_what_others_said_only_the_answers_that_name_the_person_change(steps: list[int], choice: int) -> None:
    events = [speaking(event) for event in grow(tuple(steps)).events]
    before = {each.household_id: each for each in fold_everything(events, DICTIONARY)}
    everybody = sorted({key_ for each in before.values() for p in each.data["persons"] for key_ in p["keys"]})
    if not everybody:
        return
    gone = followed(before, everybody[choice % len(everybody)])
    own = [part for event in events for part in event.parts if part.name.removeprefix("p/") in gone]
    others = {
        str(part.assertions["m_name"].value)
        for event in events
        for part in event.parts
        if part.name.startswith("p/") and part.name[2:] not in gone and "m_name" in part.assertions
    }
    marks = marks_of(gone, [part.content() for part in own], DICTIONARY, others)
    pointed: set[tuple[str, str]] = set()
    emptied = []
    for event in map(emptied_of(*gone), events):
        parts = []
        for part in event.parts:
            pointers = () if part.erased else mentions(part.name, part.content(), marks, DICTIONARY)
            pointed |= {(part.name, DICTIONARY.register(part.name[:1], each[2:])) for each in pointers}
            left = without(part.content(), pointers)
            answers = {name: Assertion.from_json(item) for name, item in left["assertions"].items()}
            parts.append(Part(part.name, answers, left["text"], part.erased))
        emptied.append(replace(event, parts=tuple(parts)))
    for name, now in {each.household_id: each for each in fold_everything(emptied, DICTIONARY)}.items():
        was = before[name].data["household"]
        changed = {field for field in was if now.data["household"].get(field) != was[field]}
        assert {("h", DICTIONARY.register("h", field)) for field in changed} <= pointed
        assert set(was) == set(now.data["household"])
        SEEN["pointed"] += bool(changed)


def speaking(event: Event) -> Event:
    """The event with sentences in the place of letters."""
    parts = [
        replace(
            part,
            assertions={
                name: replace(item, value=SAYS.get((name, str(item.value)), item.value))
                for name, item in part.assertions.items()
            },
        )
        for part in event.parts
    ]
    return replace(event, parts=tuple(parts))


def test_the_property_looked_at_enough() -> None:
    if not SEEN:
        test_erasing_a_person_changes_no_answer_of_anybody_else()
        test_of_what_others_said_only_the_answers_that_name_the_person_change()
    assert SEEN["erased"] >= SEEN["histories"] // 2
    assert SEEN["compared"] > SEEN["histories"]
    assert SEEN["pointed"] >= 20


def followed(records: Mapping[str, Record], start: str) -> set[str]:
    """Every key of the same person, in any household."""
    found = {start}
    while True:
        more = {
            key_
            for each in records.values()
            for person in each.data["persons"]
            if found & set(person["keys"])
            for key_ in person["keys"]
        }
        if more <= found:
            return found
        found |= more


def touches_roster(record: Record, gone: set[str]) -> bool:
    """Whether the person stood in an ambiguity, or anything between persons was said of the person."""
    named = {key_ for conflict in record.data["conflicts"] for key_ in conflict.get("keys", ())}
    return bool(named & gone)


def facts(person: Mapping[str, Any]) -> Any:
    """What enters the data digest, and the age."""
    return person["fields"], person.get("moved_to"), person.get("age")
