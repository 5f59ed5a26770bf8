"""What must hold of every history. Each check raises AssertionError; Hypothesis and the mutants run the same ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from fold_histories import History, ruling
from fold_oracle import Said, Truth, Word, dominates, looks_alike, weight
from fold_world import DICTIONARY

import sync.fold as engine
from schemas.event import Event, event_from_envelope
from sync.components import clusters
from sync.fold import Record

ROSTER_QUESTIONS = {"m_name", "nik", "birth_date", "sex", "presence"}


def folded(events: Sequence[Event]) -> tuple[Record, ...]:
    """The production fold, found anew on each call: a mutant may stand in its place."""
    return engine.fold_everything(events, DICTIONARY)


def all_bytes(events: Sequence[Event]) -> dict[str, tuple[bytes, bytes]]:
    return {each.household_id: (each.data_bytes, each.trail_bytes) for each in folded(events)}


def data_bytes(events: Sequence[Event]) -> dict[str, bytes]:
    return {each.household_id: each.data_bytes for each in folded(events)}


def any_order_any_duplication_any_split_gives_equal_bytes(history: History) -> None:
    events, random = history.events, Random(len(history.events))
    expected = all_bytes(events)
    for _ in range(2):
        mixed = [*events, *random.choices(events, k=3)]
        random.shuffle(mixed)
        assert all_bytes(mixed) == expected, "another order or a duplicate gives other bytes"
    travelled = [event_from_envelope(json.loads(json.dumps(history.world.envelopes[event.ref]))) for event in events]
    assert all_bytes(travelled[::-1]) == expected, "what travelled gives other bytes"
    apart = {}
    for households, members in clusters(events).items():
        apart |= {
            r.household_id: (r.data_bytes, r.trail_bytes) for r in engine.fold(members[::-1], DICTIONARY, households)
        }
    assert apart == expected, "folded family by family it gives other bytes"


def clocks_of_tablets_change_no_value(history: History) -> None:
    wrong = {"install": "x", "seq": 9, "wall": "2016-01-01T00:00:00Z", "mono": 0, "tz": "+12:00", "app": "0"}
    travelled = [event_from_envelope({**history.world.envelopes[e.ref], "transport": wrong}) for e in history.events]
    assert all_bytes(travelled) == all_bytes(history.events)
    years = [replace(e, not_before=e.not_before and "2016" + e.not_before[4:]) for e in history.events]
    for before, after in zip(folded(history.events), folded(years), strict=True):
        assert _timeless(before) == _timeless(after), "a time changed something that is not `latest`"


def _timeless(of: Record) -> Any:
    def keep(scope: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        known = {name: DICTIONARY.field(scope, name) for name in fields}
        return {
            n: v for n, v in fields.items() if known[n] is not None and known[n].policy not in ("latest", "derived")
        }

    persons = [(p["keys"], keep("p", p["fields"])) for p in of.data["persons"]]
    return keep("h", of.data["household"]), persons


def identity_numbers_are_text(history: History) -> None:
    for each in folded(history.events):
        for fields in (each.data["household"], *(person["fields"] for person in each.data["persons"])):
            for name in ("nik", "no_kk"):
                assert isinstance(fields.get(name, {}).get("value", ""), str)


def nothing_stored_is_missing(history: History) -> None:
    """Every event stands in a trail with its right condition; every live word is under a path of the record."""
    truth = Truth(history.events)
    found = {each.household_id: each for each in folded(history.events)}
    for event in history.events:
        if event.kind in ("stamp", "hold", "receipt"):
            continue
        for hid in event.filed_under:
            lines = [line for line in found[truth.canonical(hid)].trail["refs"] if line["ref"] == event.ref]
            assert [line["status"] for line in lines] == [truth.status(event.ref)], f"{event.kind} {event.ref}"
    for each in found.values():
        held = {line["ref"] for line in each.trail["held"]}
        ours = {e.ref for e in history.events if set(e.filed_under) & {each.household_id, *each.aliases}}
        assert held >= {ref for ref in ours if truth.status(ref) == "held"}
    for word in truth.said():
        record = found[word.household]
        assert _group_path(record, word) in record.trail["values"], f"{word.event.ref} {word.part}/{word.register}"
    for event in truth.live:
        if truth.home(event) is None:
            assert any(
                c["kind"] == "reattach" and c["form"] == event.ref for r in found.values() for c in r.data["conflicts"]
            )


def _group_path(record: Record, word: Said) -> str:
    if word.part == "h":
        return f"h/{word.register}"
    person = next((p for p in record.data["persons"] if word.part[2:] in p["keys"]), None)
    return f"p/{person['key'] if person else '?'}/{word.register}"


def words_by_path(history: History, truth: Truth) -> dict[tuple[str, str], dict[tuple[str, str, str], Word]]:
    """(household, path of the record) -> the words that are about it, rulings placed by what they cover."""
    found = {each.household_id: each for each in folded(history.events)}
    where: dict[tuple[str, str, str], set[tuple[str, str]]] = {}
    words: dict[tuple[str, str], dict[tuple[str, str, str], Word]] = {}
    for said in truth.said():
        word = Word(said)
        path = (said.household, _group_path(found[said.household], said))
        where[word.name] = {path}
        words.setdefault(path, {})[word.name] = word
    rulings = truth.rulings()
    for _ in rulings:  # a ruling may cover a ruling: as many rounds as there are
        for event, part, register, covers in rulings:
            paths = {path for name in covers for path in where.get(name, ())}
            where[event.ref, part, register] = paths
    for event, part, register, covers in rulings:
        paths = where[event.ref, part, register]
        unknown = {event.context[name[0]] for name in covers if name not in where and name[0] in event.context}
        if len(paths) == 1 and {truth.canonical(hid) for hid in unknown} <= {home for home, _ in paths}:
            (path,) = paths
            ruled = Word(Said(event, part, register, path[0]), covers)
            words[path][ruled.name] = ruled
    return words


def heads_are_lawful(history: History) -> None:
    """A word leaves the heads only through one that may dominate it; what is dominated is no head."""
    truth = Truth(history.events)
    found = {each.household_id: each for each in folded(history.events)}
    for (household, path), words in words_by_path(history, truth).items():
        line = found[household].trail["values"][path]
        if line["rule"] == "moved":
            continue
        scope, register = path[0], path.rpartition("/")[2]
        names = DICTIONARY.unit_fields(scope, register) or (register,)
        question = DICTIONARY.field(scope, names[0])
        policy = question.policy if question else "ask"
        heads = set(line["heads"])
        for word in words.values():
            above = [other for other in words.values() if dominates(other, word, policy, words)]
            ref = word.said.event.ref
            same_event = [other for other in words.values() if other.said.event.ref == ref]
            assert above or ref in heads, f"{ref} left the heads of {path} and nobody may dominate it"
            if above and policy != "status" and len(same_event) == 1:
                assert ref not in heads, f"{ref} is a head of {path} and is dominated"
        _value_is_lawful(
            found[household], path, policy, [w for w in words.values() if w.said.event.ref in heads], words
        )


def _value_is_lawful(record: Record, path: str, policy: str, heads: Sequence[Word], words: Mapping[Any, Word]) -> None:
    """Equal heads are a value; under `evidence` and `ask`, unequal ones are what the contract says."""
    torn = [c for c in record.data["conflicts"] if c["kind"] == "field" and c["path"] == path]
    values = {head.said.plain for head in heads}
    if len(values) == 1:
        assert not torn, f"{path}: heads that agree are no conflict"
    elif any(head.covers is not None for head in heads):
        return
    elif policy == "ask":
        assert torn, f"{path}: heads that differ are a conflict"
    elif policy == "evidence":
        most = max(weight(head, words) for head in heads)
        best = {head.said.plain for head in heads if weight(head, words) == most}
        assert bool(torn) == (len(best) > 1), f"{path}: a tie is a conflict, the strongest wins"
        assert torn or record.trail["values"][path]["evidence"] == most


def members_are_paired_by_what_stands(history: History) -> None:
    """Groups are the connected sets of members whose own heads look alike, unless one form holds two of a set."""
    truth = Truth(history.events)
    words: dict[tuple[str, str, str], list[Said]] = {}
    for said in truth.said():
        words.setdefault((said.household, said.part, said.register), []).append(said)
    for each in folded(history.events):
        ids = {each.household_id, *each.aliases}
        ours = [event for event in truth.live if ids & event.filed_under]
        ruled = {pair["path"].rpartition("/")[2] for e in ours for pair in e.body.get("covers", ())}
        persons = [e for e in ours if e.body.get("moves") or e.body.get("type") in ("same_person", "different_persons")]
        if persons or ruled & ROSTER_QUESTIONS:
            continue  # rulings on persons have examples of their own
        parts = sorted({part for home, part, _ in words if home == each.household_id and part != "h"})
        looks = {p: {q: _own_heads(words.get((each.household_id, p, q), [])) for q in ROSTER_QUESTIONS} for p in parts}
        forms = {
            p: {s.event.ref for (h, q, _), all_ in words.items() if (h, q) == (each.household_id, p) for s in all_}
            for p in parts
        }
        expected: set[frozenset[str]] = set()
        for part in parts:
            group = {part}
            while more := {q for q in parts if q not in group and any(looks_alike(looks[q], looks[p]) for p in group)}:
                group |= more
            clash = any(p < q and forms[p] & forms[q] for p in group for q in group)
            expected.add(frozenset({part}) if clash else frozenset(group))
            assert not clash or any(c["kind"] == "roster_ambiguous" for c in each.data["conflicts"])
        found = {frozenset(f"p/{key}" for key in person["keys"]) for person in each.data["persons"]}
        assert found == expected, "members are grouped otherwise than by what stands"


def _own_heads(said: Sequence[Said]) -> set[Any]:
    """The different answers among the heads of one question of one key; its state where it has no value."""
    words = {word.name: word for word in map(Word, said)}
    left = [w for w in words.values() if not any(dominates(o, w, "evidence", words) for o in words.values())]
    return {answer for word in left for _, state, answer in word.said.plain for answer in [state or answer]}


def states_follow_reviews(history: History) -> None:
    """`returned`: a head return that no live form saw."""
    truth = Truth(history.events)
    for each in folded(history.events):
        ids = {each.household_id, *each.aliases}
        reviews = [e for e in truth.live if e.kind == "review" and e.household_id in ids]
        heads = [e for e in reviews if not any(e.ref in other.context for other in reviews)]
        forms = [e for e in truth.live if e.kind in ("submission", "change") and truth.home(e) == each.household_id]
        owed = [e for e in heads if e.body["verdict"] == "return" and not any(e.ref in f.context for f in forms)]
        assert (each.state == "returned") == bool(owed)


def an_event_changes_only_what_it_touches(history: History) -> None:
    events = history.events
    last = events[-1]
    joined = next(set(ids) for ids, members in clusters(events).items() if last in members)
    for ids, members in clusters(events).items():
        joined |= set(ids) if last in members else set()
    before, after = all_bytes(events[:-1]), all_bytes(events)
    for household in before.keys() | after.keys():
        if household not in joined:
            assert before.get(household) == after.get(household), "an event changed another family"
    full = history.context("siti", 1)
    form = history.world.submit(1, {"assets": 7}, by="ani", saw=full)
    one, two = _around(events, "h/assets"), _around([*events, form], "h/assets")
    assert one == two, "an answer about assets changed something else"


def _around(events: Sequence[Event], path: str) -> Any:
    """Everything of the records but one register and what follows from it."""
    found = {}
    for each in folded(events):
        data = dict(each.data)
        data["household"] = {n: v for n, v in data["household"].items() if f"h/{DICTIONARY.register('h', n)}" != path}
        data["persons"] = [dict(person) for person in data["persons"]]
        if path.startswith("p/"):
            for person in data["persons"]:
                register = path.rpartition("/")[2]
                person["fields"] = {
                    n: v for n, v in person["fields"].items() if DICTIONARY.register("p", n) != register
                }
        data["conflicts"] = [
            c for c in data["conflicts"] if c.get("path") != path and c["kind"] != "filled_while_linked"
        ]
        data["flags"] = [flag for flag in data["flags"] if flag["code"] != "double_visit"]
        dropped = ("state", "data_digest", "delivery_digest")
        found[each.household_id] = {name: value for name, value in data.items() if name not in dropped}
    return found


def a_decision_closes_just_what_it_covers(history: History) -> None:
    events = history.events
    for each in folded(events):
        for torn in each.data["conflicts"]:
            register = torn.get("path", "").rpartition("/")[2]
            if torn["kind"] != "field" or register in ROSTER_QUESTIONS | {"assessment", "rooms", "visit_date"}:
                continue
            done = ruling(history.world, each, torn, Random(1), "siti")
            after = next(r for r in folded([*events, done]) if r.household_id == each.household_id)
            left = [c for c in after.data["conflicts"] if c["kind"] == "field" and c["path"] == torn["path"]]
            assert not left, f"the decision on {torn['path']} closed nothing"
            assert _around(events, torn["path"]) == _around([*events, done], torn["path"]), "it changed something else"
            return


def link_and_unlink_restore_the_bytes(history: History) -> None:
    events, world = history.events, history.world
    before = data_bytes(events)
    joined = world.link(1, 2, saw=history.context("siti", 1, 2))
    assert data_bytes([*events, joined, world.unlink(joined)]) == before


def decide_and_undo_restore_the_bytes(history: History) -> None:
    events, world = history.events, history.world
    before = data_bytes(events)
    for each in folded(events):
        for torn in (c for c in each.data["conflicts"] if c["kind"] == "field"):
            done = ruling(world, each, torn, Random(2), "siti")
            assert data_bytes([*events, done, world.point("undo", done)]) == before
            return


def void_and_undo_restore_the_bytes(history: History) -> None:
    events, world = history.events, history.world
    forms = [event for event in events if event.kind in ("submission", "change", "prelist")]
    target = forms[len(events) % len(forms)]
    void = world.point("void", target)
    assert data_bytes([*events, void, world.point("undo", void)]) == data_bytes(events)


CHECKS: Sequence[Callable[[History], None]] = (
    any_order_any_duplication_any_split_gives_equal_bytes,
    nothing_stored_is_missing,
    heads_are_lawful,
    members_are_paired_by_what_stands,
    states_follow_reviews,
    an_event_changes_only_what_it_touches,
    a_decision_closes_just_what_it_covers,
    link_and_unlink_restore_the_bytes,
    decide_and_undo_restore_the_bytes,
    void_and_undo_restore_the_bytes,
    clocks_of_tablets_change_no_value,
    identity_numbers_are_text,
)
