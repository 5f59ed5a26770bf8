"""What the erasure of a person, or of a whole household, takes. It reads only: the dry run is this and no more.

The person is followed through every household (moves, verdicts, other keys of the same person) and every event, dead
and held ones too. What may be the same person somewhere else, by NIK, is named and left to people.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.form import Dictionary
from schemas.nik import parse_nik
from schemas.paths import EVENT_PART, person_key_of, person_part
from server.auth.keys import ServerKeys
from server.flows import dictionary as dictionaries
from server.flows.erasure_ledger import Taken
from server.store import erasures, events, households, niks
from server.store.database import Connection
from server.store.erasures import FileName
from server.store.events import StoredEvent
from sync import erasure
from sync.erasure import ABOUT_FIELDS, Marks

Pair = tuple[str, str]
"""`(home_region, household id)`."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asked for beside the person: `words` by which the person is known too, paths (`h/remark`) that go
    in any case (`also`) or stay (`keep`), and whether photos of the household stay."""

    words: tuple[str, ...] = ()
    also: frozenset[str] = frozenset()
    keep: frozenset[str] = frozenset()
    keep_photos: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """Who is erased: person keys, and household ids that go whole; and every household whose events tell of them."""

    keys: frozenset[str]
    whole: frozenset[str]
    households: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Left:
    """A text of these households that does not name the person in a way that is recognised: for people to read."""

    ref: str
    path: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything an erasure takes. `touched`: households under which an event is filed that loses something.
    `filed`: events of each household when it was made; `ends`: where the log of each region ended, `(epoch, position)`.
    """

    subject: Subject
    marks: Marks = field(repr=False)
    taken: tuple[Taken, ...]
    files: tuple[FileName, ...]
    left: tuple[Left, ...]
    elsewhere: tuple[tuple[str, str], ...]
    """`(household id, person key)` of others with the person's NIK."""
    touched: tuple[Pair, ...]
    filed: Mapping[Pair, int]
    ends: Mapping[str, tuple[int, int]]

    @property
    def events(self) -> int:
        """How many events lose something."""
        return len({each.ref for each in self.taken})


def subject_of(
    db: Connection, start: Iterable[Pair], keys: Iterable[str], whole: Iterable[str] = ()
) -> tuple[Subject, frozenset[tuple[str, str]]]:
    """Follow the person keys from some households to all: where an event bears a part of one, and who is one person
    with them there. Also `(home_region, ref)` of every event that bears such a part."""
    known, found, looked = set(keys), dict.fromkeys(start), set[str]()
    seen: set[tuple[str, str]] = set()
    while fresh := known - looked:
        looked |= fresh
        for region in events.regions(db):
            for ref in erasures.refs_with_part(db, region, [person_part(key) for key in sorted(fresh)]):
                seen.add((region, ref))
                event = events.by_ref(db, region, ref)
                found |= dict.fromkeys(_filed(event) if event is not None else ())
        for region, household in list(found):
            record = households.load(db, household, region)
            if record is None:
                continue
            found |= dict.fromkeys((region, each) for each in (record.household_id, *record.aliases))
            for person in json.loads(record.data)["persons"]:
                if known & set(person["keys"]):
                    known |= set(person["keys"])
    return Subject(frozenset(known), frozenset(whole), tuple(sorted(found))), frozenset(seen)


def make_plan(
    db: Connection, keys: ServerKeys, subject: Subject, seen: frozenset[tuple[str, str]], wish: Wish | None = None
) -> Plan:
    """What goes of every event that tells of the subject. In one snapshot."""
    wish = wish or Wish()
    with db.snapshot():
        told = _events(db, subject, seen)
        filed = {pair: events.count_filed(db, *pair) for pair in subject.households}
        ends = {row["home_region"]: (row["epoch"], row["position"]) for row in events.heads(db)}
        dictionary = dictionaries.current(db)
        takers = [_Taker(event, subject, dictionary) for event in told]
        own = [content for taker in takers for content in taker.own_contents()]
        others = {name for taker in takers for name in taker.other_names()}
        marks = erasure.marks_of(subject.keys, own, dictionary, others).with_words(wish.words)
        for taker in takers:
            taker.look(marks, wish)
        taken = [each for taker in takers for each in taker.taken()]
        files = {name for taker in takers for name in taker.files(wish)}
        left = [each for taker in takers for each in taker.left()]
        losing = {(each.home_region, each.ref) for each in taken}
        touched = {pair for event in told if (event.home_region, event.ref) in losing for pair in _filed(event)}
        return Plan(
            subject,
            marks,
            tuple(taken),
            tuple(sorted(files)),
            tuple(left),
            _elsewhere(db, keys, marks),
            tuple(sorted(touched)),
            filed,
            ends,
        )


def same_as_planned(db: Connection, plan: Plan) -> bool:
    """Whether nothing came in since the plan was made. Inside the transaction that carries it out."""
    if any(events.count_filed(db, *pair) != count for pair, count in plan.filed.items()):
        return False
    names = [person_part(key) for key in sorted(plan.subject.keys)]
    for row in events.heads(db):
        ended = plan.ends.get(row["home_region"], (0, 0))
        moved = ended != (row["epoch"], row["position"])
        if names and moved and erasures.refs_with_part(db, row["home_region"], names, after=ended):
            return False
    return True


class _Taker:
    """One event, and what goes of it: whole parts are known at once, single answers after `look`."""

    def __init__(self, event: StoredEvent, subject: Subject, dictionary: Dictionary) -> None:
        self._event = event
        self._subject = subject
        self._dictionary = dictionary
        self._contents: dict[str, Mapping[str, Any] | None] = {
            name: None if raw is None else json.loads(raw) for name, (_, raw) in event.parts.items()
        }
        body = event.head["body"]
        self._own = erasure.own_parts(event.kind, body, event.parts, subject.keys)
        self._whole = set(self._own)
        ids = {household for _, household in _filed(event)}
        if event.kind != "erasure" and event.head["household_id"] in subject.whole:
            # Of an event that stands in another family too, what is said of that family's people stays.
            stays = set() if ids <= subject.whole else {name for name in event.parts if person_key_of(name) is not None}
            self._whole |= event.parts.keys() - stays
        self._named: dict[str, tuple[str, ...]] = {}

    def look(self, marks: Marks, wish: Wish) -> None:
        """Look for the person in what is said of others."""
        for name, content in self._contents.items():
            if content is None or name in self._whole or self._event.kind == "erasure":
                continue
            pointers = set(erasure.mentions(name, content, marks, self._dictionary))
            pointers |= {f"a/{question}" for question in content["assertions"] if f"{name}/{question}" in wish.also}
            if f"{name}/_text" in wish.also:
                pointers |= {f"t/{key}" for key in content.get("text", {})}
            kept = sorted(each for each in pointers if erasure.path_of(name, each) not in wish.keep)
            if kept:
                self._named[name] = tuple(kept)
        about = self._named.get(EVENT_PART, ()) if self._event.kind == "change" else ()
        if any(pointer.partition("/")[2] in ABOUT_FIELDS for pointer in about):
            self._whole.add(EVENT_PART)
            del self._named[EVENT_PART]

    def own_contents(self) -> list[Mapping[str, Any]]:
        """What is said of the person's own self."""
        return [content for name in self._own if (content := self._contents[name]) is not None]

    def other_names(self) -> list[str]:
        """Names of those of whom nothing goes."""
        others = [name for name in self._contents if person_key_of(name) is not None and name not in self._whole]
        return [said for name in others for said in erasure.names_said(self._contents[name] or {}, self._dictionary)]

    def taken(self) -> list[Taken]:
        """The parts that go, wholly or partly. One that is empty already is named too: it may not be filled again."""
        region, ref = self._event.home_region, self._event.ref
        whole = [Taken(region, ref, name, None) for name in sorted(self._whole)]
        return whole + [Taken(region, ref, name, pointers) for name, pointers in sorted(self._named.items())]

    def files(self, wish: Wish) -> list[FileName]:
        """Photos and signatures that go. Pictures of the household in a form that tells of the person may show the
        person, or the family card with everybody's numbers: nobody can search them."""
        found = []
        tells = bool(self._whole or self._named) and not wish.keep_photos
        for path, item in self._event.head["attachments"].items():
            part = path.rpartition("/")[0]
            if part in self._whole or (tells and person_key_of(part) is None and path not in wish.keep):
                found.append((str(item["sha256"]), self._event.ref, path))
        return found

    def left(self) -> list[Left]:
        """Free text that stays, for people to read."""
        found = []
        for name, content in self._contents.items():
            if content is None or name in self._whole:
                continue
            gone = self._named.get(name, ())
            for question, item in content["assertions"].items():
                known, said = self._dictionary.field(name[:1], question), item.get("value")
                free = known is None or known.policy in erasure.FREE_POLICIES
                if free and isinstance(said, str) and " " in said.strip() and f"a/{question}" not in gone:
                    found.append(Left(self._event.ref, f"{name}/{question}", said))
            for key, said in content.get("text", {}).items():
                if isinstance(said, str) and " " in said.strip() and f"t/{key}" not in gone:
                    found.append(Left(self._event.ref, f"{name}/_text", said))
        return found


def _events(db: Connection, subject: Subject, seen: Iterable[tuple[str, str]]) -> list[StoredEvent]:
    """Every event filed under the subject's households or bearing a part of a person of it, each once a region."""
    found: dict[tuple[str, str], StoredEvent] = {}
    for region, household in subject.households:
        for event in events.filed_under(db, region, household):
            found[region, event.ref] = event
    for region, ref in sorted(seen):
        event_ = found.get((region, ref)) or events.by_ref(db, region, ref)
        if event_ is not None:
            found[region, ref] = event_
    return [found[key] for key in sorted(found)]


def _filed(event: StoredEvent) -> list[Pair]:
    head = event.head
    own = [(str(head["home_region"]), str(head["household_id"]))]
    return own + [(str(item["home_region"]), str(item["household_id"])) for item in head["also"]]


def _elsewhere(db: Connection, keys: ServerKeys, marks: Marks) -> tuple[tuple[str, str], ...]:
    """Others who claim a NIK of the person: the same person on another list, or somebody with the wrong number."""
    found = set()
    for number in sorted(marks.numbers):
        if parse_nik(number).valid:
            claims, _ = niks.gather(db, keys.nik_digest(number))
            found |= {claim.person for claim in claims if claim.person_key not in marks.keys}
    return tuple(sorted(found))
