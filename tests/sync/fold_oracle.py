"""The rule of the contract, written a second time and as slowly as it reads: who counts, who dominates whom.

It shares no code with sync/ but the table of compatible names. Sets instead of registers, recursion, no stacks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fold_world import DICTIONARY

from schemas.event import Event
from sync.names import compatible

SAW_IS_ENOUGH = {"latest", "set", "keep_all"}
ROSTER_VALUES = {"prelist", "submission", "change", "decision", "verification"}


@dataclass(frozen=True)
class Said:
    """One event's word on one register of one household or person."""

    event: Event
    part: str
    register: str
    household: str
    """canonical id where it counts"""

    @property
    def fields(self) -> dict[str, Any]:
        """The assertions it consists of."""
        part = next(part for part in self.event.parts if part.name == self.part)
        scope = self.part[0]
        return {
            n: a
            for n, a in part.assertions.items()
            if DICTIONARY.register(scope, n) == self.register and usable(scope, n, a)
        }

    @property
    def stated(self) -> int:
        """Evidence of its own: of a unit the lowest."""
        return min(item.evidence for item in self.fields.values())

    @property
    def plain(self) -> tuple[Any, ...]:
        """The value as it is compared."""
        return tuple(sorted((name, item.state, _plain(item.value)) for name, item in self.fields.items()))


def usable(scope: str, name: str, item: Any) -> bool:
    """Whether the value is of the question's type; in these histories only income is ever wrong."""
    return item.state is not None or name != "income" or isinstance(item.value, int)


def _plain(value: Any) -> str:
    return " ".join(value.lower().split()) if isinstance(value, str) else repr(value)


class Truth:
    """What the contract says of a set of events."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.events = {event.ref: event for event in events}
        self.status = lru_cache(maxsize=None)(self._status)
        self.live = [event for ref, event in sorted(self.events.items()) if self.status(ref) == "live"]

    def _status(self, ref: str) -> str:
        event = self.events[ref]

        def alive(kind: str) -> list[Event]:
            return [
                e
                for e in self.events.values()
                if e.kind == kind and self._names(e, ref) and self.status(e.ref) == "live"
            ]

        if alive("void") or alive("undo") or alive("unlink"):
            return "dead"
        if self._points_wrongly(event) or (alive("hold") and not alive("admit")):
            return "held"
        return "live"

    @staticmethod
    def _names(event: Event, ref: str) -> bool:
        return ref == event.body.get("target") or ref in event.body.get("links", ())

    def _points_wrongly(self, event: Event) -> bool:
        target = self.events.get(event.body.get("target", ""))
        forms = {"submission", "change"}
        if target is None or event.kind not in {"void", "undo", "hold", "admit", "reattach"}:
            return False
        staff = target.kind not in forms | {"prelist", "verification", "hold", "stamp", "receipt", "erasure"}
        allowed = {
            "void": target.kind in forms | {"prelist", "verification"},
            "undo": staff,
            "hold": staff or target.kind in forms | {"prelist", "verification"},
            "admit": staff or target.kind in forms | {"prelist", "verification"},
            "reattach": target.kind in forms,
        }
        return not allowed[event.kind]

    def family(self, hid: str) -> frozenset[str]:
        """All ids joined with this one by live links."""
        found = {hid}
        while True:
            more = {
                h
                for e in self.live
                if e.kind == "link" and found & set(e.body["households"])
                for h in e.body["households"]
            }
            if more <= found:
                return frozenset(found)
            found |= more

    def canonical(self, hid: str) -> str:
        """The smallest listed id, else the smallest."""
        ids = self.family(hid)
        return min({e.household_id for e in self.live if e.kind == "prelist"} & ids or ids)

    def home(self, event: Event) -> str | None:
        """Where a form counts; None where supervisors disagree."""
        to = {self.canonical(e.body["to"]) for e in self.live if e.kind == "reattach" and e.body["target"] == event.ref}
        return self.canonical(event.household_id) if not to else to.pop() if len(to) == 1 else None

    def said(self) -> list[Said]:
        """Every live word of forms and lists that counts somewhere, with the household where it does."""
        found = []
        for event in self.live:
            home = self.home(event)
            if event.kind not in ROSTER_VALUES - {"decision"} or home is None:
                continue
            moves = {each["person"]: each["to"] for each in event.body.get("moves", ())}
            for part in event.parts:
                to = moves.get(part.name[2:], "outside")
                place = home if to == "outside" else self.canonical(to)
                scope = part.name[0]
                for name in sorted(
                    {DICTIONARY.register(scope, n) for n, a in part.assertions.items() if usable(scope, n, a)}
                ):
                    found.append(Said(event, part.name, name, place))
        return found

    def rulings(self) -> list[tuple[Event, str, str, frozenset[tuple[str, str, str]]]]:
        """Live decisions: event, part, register, and what they cover as (ref, part, register)."""
        found = []
        for event in self.live:
            if event.kind == "decision":
                pairs = [(pair["ref"], *pair["path"].rsplit("/", 1)) for pair in event.body["covers"]]
                for part in event.parts:
                    scope = part.name[0]
                    for register in sorted({DICTIONARY.register(scope, name) for name in part.assertions}):
                        covers = frozenset(
                            (ref, where, register)
                            for ref, where, name in pairs
                            if where[0] == scope and DICTIONARY.register(scope, name) == register
                        )
                        found.append((event, part.name, register, covers))
        return found


def looks_alike(a: Mapping[str, set[Any]], b: Mapping[str, set[Any]]) -> bool:
    """Whether two members pair by what their own heads say: question -> the different answers."""

    def one(look: Mapping[str, set[Any]], name: str) -> Any:
        answers = look[name]
        return next(iter(answers)) if len(answers) == 1 else None

    def number(look: Mapping[str, set[Any]]) -> str | None:
        text = one(look, "nik") or ""
        return text if len(text) == 16 and len(set(text)) > 1 else None

    if len(a["nik"]) > 1 or len(b["nik"]) > 1 or not one(a, "m_name") or not one(b, "m_name"):
        return False
    if number(a) and number(b):
        return number(a) == number(b) and compatible(one(a, "m_name"), one(b, "m_name"))
    compared = ("m_name", "birth_date", "sex")
    return all(one(a, name) and one(a, name) == one(b, name) for name in compared)


@dataclass(frozen=True)
class Word:
    """A claim of one register of one person or household: a `Said`, or a ruling with what it covers."""

    said: Said
    covers: frozenset[tuple[str, str, str]] | None = None

    @property
    def name(self) -> tuple[str, str, str]:
        """How a decision names it."""
        return (self.said.event.ref, self.said.part, self.said.register)


def weight(word: Word, words: Mapping[tuple[str, str, str], Word]) -> int:
    """Evidence it carries among these words."""
    if word.covers is not None:
        below = [weight(words[name], words) for name in word.covers if name in words]
        return max(below, default=word.said.stated)
    corrected = {item.corrects for item in word.said.fields.values() if item.corrects} & word.said.event.context.keys()
    lent = [weight(other, words) for other in words.values() if other.said.event.ref in corrected]
    return max([word.said.stated, *(each for each in lent if each < 5)])


def dominates(a: Word, b: Word, policy: str, words: Mapping[tuple[str, str, str], Word]) -> bool:
    """A decision: what it covers. Anybody else: what it saw and is not weaker than; some policies ask for less."""
    if a.name == b.name:
        return False
    if a.covers is not None:
        return b.name in a.covers
    if b.said.event.ref not in a.said.event.context:
        return False
    return policy in SAW_IS_ENOUGH or weight(a, words) >= weight(b, words)
