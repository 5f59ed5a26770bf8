"""Random histories: officers with tablets that know part of what happened, and supervisors who decide.

A history is grown from a list of numbers, one a step, so that a failing one shrinks by leaving steps out. Contexts are
taken from the trail of a fold over what the tablet had, as a real client takes them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from random import Random
from typing import Any

from fold_world import DICTIONARY, World, house, key, nik, said

from schemas.event import STAFF_KINDS, VOIDABLE_KINDS, Event
from sync.fold import Record, fold_everything
from sync.intervals import comparable

HOUSES = (1, 2, 3)
USUAL = (1, 1, 1, 1, 2, 2, 3)
"""Where most happens, so that histories of one family grow long enough to become difficult."""
OFFICERS = ("ani", "edo", "tono")
SUPERVISORS = ("siti", "tuti")
LOOKS: Sequence[dict[str, Any]] = (
    {"m_name": "Budi Santoso", "birth_date": "1980-05-10", "sex": "1"},
    {"m_name": "Budi Santosa", "birth_date": "1980-05-10", "sex": "1"},
    {"m_name": "Sutinah", "birth_date": "1982-01-01", "sex": "2"},
)
NIKS = (nik(1), nik(2), nik(1, 41, 1, 82), "1" * 16)
VALUES: dict[str, Sequence[Any]] = {
    "income": (1, 2, 3, "banyak"),
    "assets": (1, 2),
    "assessment": ("1", "2"),
    "assessment_why": ("atap", "lantai"),
    "no_kk": (nik(5), nik(6)),
    "programmes": (["0"], ["1"], ["1", "2"], ["3"]),
    "remark": ("a", "b", "c"),
    "rooms": (1, 2),
    "visit_date": ("2026-05-01", "2026-05-20"),
    "gps_home": tuple({"lat": -2_900_000 + n, "lon": 108_200_000, "acc_dm": 50 + n} for n in (0, 20, 900)),
}


@dataclass
class History:
    """What is in the log at the end, and what each tablet had on the way. `lost`: sealed, and never arrived."""

    steps: tuple[int, ...]
    world: World
    sealed: list[Event] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    had: dict[str, set[str]] = field(default_factory=dict)
    features: set[str] = field(default_factory=set)

    @property
    def events(self) -> list[Event]:
        """The log, in the order of sealing."""
        return [event for event in self.sealed if event.ref not in self.lost]

    def add(self, event: Event, by: str) -> Event:
        """Seal: the maker has it at once."""
        self.sealed.append(event)
        self.had.setdefault(by, set()).add(event.ref)
        return event

    def view(self, who: str) -> dict[str, Record]:
        """The records a tablet shows, by each id of the family. Supervisors sit at the server and see the log."""
        known = self.had.get(who, set())
        events = self.events if who in SUPERVISORS else [each for each in self.sealed if each.ref in known]
        return {hid: each for each in fold_everything(events, DICTIONARY) for hid in (each.household_id, *each.aliases)}

    def context(self, who: str, *houses: int) -> dict[str, str]:
        """What an event made now names: the refs of the records shown."""
        shown = self.view(who)
        found: dict[str, str] = {}
        for number in houses:
            if house(number) in shown:
                found |= {line["ref"]: line["household_id"] for line in shown[house(number)].trail["refs"]}
        return found


def grow(steps: Iterable[int]) -> History:
    """The history of these steps."""
    numbers = tuple(steps)
    history = History(numbers, World("history"))
    for number in HOUSES:
        person = {**LOOKS[0], "nik": NIKS[0]} if number == 1 else LOOKS[number - 1]
        history.add(
            history.world.prelist(number, h={"income": 1, "no_kk": nik(5)}, p={key(1, number): person}), "import"
        )
    for who in OFFICERS:
        history.had[who] = {event.ref for event in history.sealed}
    for number in numbers:
        random = Random(number)
        random.choice(STEPS)(history, random)
    return history


def visit(history: History, random: Random, number: int | None = None, who: str | None = None) -> Event:
    """A form, on top of what the tablet shows; sometimes on an old draft."""
    who = who or random.choice(OFFICERS)
    number = number or random.choice(USUAL)
    context = history.context(who, number)
    if random.random() < 0.15:
        context = {ref: hid for ref, hid in context.items() if random.random() < 0.7}
    answers = {name: random.choice(VALUES[name]) for name in random.sample(sorted(VALUES), random.randint(1, 4))}
    if random.random() < 0.5:
        answers |= {"visit_outcome": random.choice(("01", "02", "03", "05")), "outcome_note": random.choice("xy")}
    if random.random() < 0.3:
        answers |= {"address": random.choice(("A", "B")), "rt": random.choice(("1", "2"))}
    if random.random() < 0.1:
        answers["assets"] = said(state=random.choice(("declined", "unknown")))
    person: dict[str, Any] = dict(random.choice(LOOKS)) if random.random() < 0.5 else {}
    person |= {"nik": random.choice(NIKS)} if random.random() < 0.6 else {}
    person |= {"presence": random.choice(("1", "2", "3"))} if random.random() < 0.3 else {}
    person |= {"phone": random.choice(("0811", "0822"))} if random.random() < 0.5 else {}
    persons = {key(random.choice((1, 1, 2, 3)), number): person} if person else {}
    start = random.randint(1, 20)
    form = history.world.submit(
        number, answers, persons, by=who, saw=context, evidence=random.choice((0, 1, 3, 3, 3, 4)),
        not_before=f"2026-01-{start:02d}T00:00:00Z" if random.random() < 0.8 else None,
    )  # fmt: skip
    history.add(form, who)
    if random.random() < 0.6:
        history.add(history.world.stamp(form, f"2026-01-{start + random.randint(0, 6):02d}T12:00:00Z"), "padan")
    return form


def synchronise(history: History, random: Random) -> None:
    """A tablet gets what the server has, or the feed breaks off half way."""
    who = random.choice(OFFICERS)
    part = 1.0 if random.random() < 0.6 else 0.5
    history.had[who] |= {event.ref for event in history.events if random.random() < part}


def correct(history: History, random: Random) -> None:
    """An officer corrects an answer of a form that the tablet has."""
    who = random.choice(OFFICERS)
    known = [e for e in history.sealed if e.ref in history.had[who] and e.kind == "submission" and e.parts]
    if not known:
        return
    target = random.choice(known)
    number = int(target.household_id[:8], 16)
    part = random.choice([part for part in target.parts if part.assertions])
    name = random.choice(sorted(part.assertions))
    value = random.choice([*VALUES.get(name, ()), target_value(target, part.name, name)])
    answer = {name: said(value, 1, corrects=target) if value is not None else said(state="cleared", corrects=target)}
    saw = history.context(who, number) | {target.ref: target.household_id}
    home = {"h": answer} if part.name == "h" else {"p": {part.name[2:]: answer}}
    history.add(history.world.change("correction", number, by=who, saw=saw, **home), who)


def target_value(event: Event, part: str, name: str) -> Any:
    """What an event says."""
    return next(each for each in event.parts if each.name == part).assertions[name].value


def decide(history: History, random: Random) -> Event | None:
    """A supervisor settles an open field conflict, or rules on what is settled."""
    who = random.choice(SUPERVISORS)
    shown = sorted(history.view(who).values(), key=lambda each: each.household_id)
    random.shuffle(shown)
    for each in shown:
        fields = [conflict for conflict in each.data["conflicts"] if conflict["kind"] == "field"]
        if fields:
            return history.add(ruling(history.world, each, random.choice(fields), random, who), who)
    return None


def ruling(world: World, shown: Record, conflict: dict[str, Any], random: Random, who: str) -> Event:
    """A decision for one of the heads."""
    heads = conflict["heads"]
    chosen = random.choice(heads)["ref"]
    own = [head for head in heads if head["ref"] == chosen]
    answers = {head["path"].rpartition("/")[2]: said(head.get("value"), 1, state=head.get("state")) for head in own}
    part = conflict["path"].rpartition("/")[0]
    context = {line["ref"]: line["household_id"] for line in shown.trail["refs"]}
    home = {"h": answers} if part == "h" else {"p": {part[2:]: answers}}
    body = {"covers": [dict(pair) for pair in sorted({(("ref", h["ref"]), ("path", h["path"])) for h in heads})]}
    number, also = int(shown.household_id[:8], 16), [int(hid[:8], 16) for hid in shown.aliases]
    return world.event("decision", number, by=who, saw=context, also=also, body=body, area="19.03", **home)


def link(history: History, random: Random) -> Event:
    """Two ids become one family."""
    two = random.sample(HOUSES, 2)
    return history.add(history.world.link(*two, saw=history.context("siti", *two), by="siti"), "siti")


def unlink(history: History, random: Random) -> None:
    """All links, or one, are taken back."""
    links = [event for event in history.events if event.kind == "link"]
    if links:
        chosen = links if random.random() < 0.5 else [random.choice(links)]
        history.add(history.world.unlink(*chosen, saw=history.context("siti", *HOUSES)), "siti")


def fill_while_linked(history: History, random: Random) -> None:
    """Link, sync, visit, unlink."""
    joined = link(history, random)
    who = random.choice(OFFICERS)
    history.had[who] |= {event.ref for event in history.events}
    visit(history, random, int(joined.household_id[:8], 16), who)
    if random.random() < 0.7:
        history.add(history.world.unlink(joined, saw=history.context("siti", *HOUSES)), "siti")


def point_at(kind: str) -> Callable[[History, Random], None]:
    """void, undo, hold or admit of something."""
    kinds = {"void": VOIDABLE_KINDS, "undo": STAFF_KINDS - {"erasure"}, "hold": VOIDABLE_KINDS, "admit": VOIDABLE_KINDS}

    def step(history: History, random: Random) -> None:
        # A wrong target now and then: it is held, and nothing happens.
        wanted = kinds[kind] if random.random() < 0.95 else STAFF_KINDS | VOIDABLE_KINDS
        targets = [event for event in history.events if event.kind in wanted and event.kind != "prelist"]
        if targets:
            target = random.choice(targets)
            numbers = [int(hid[:8], 16) for hid in sorted(target.filed_under)]
            more = {"body": {"reason": "late"}} if kind == "hold" else {}
            context = history.context("siti", *numbers)
            history.add(history.world.point(kind, target, saw=context, **more), "siti")

    return step


def equivocate(history: History, random: Random) -> None:
    """A restored tablet sends one id with a second content."""
    forms = [event for event in history.events if event.kind == "submission"]
    if forms:
        first = random.choice(forms)
        number = int(first.household_id[:8], 16)
        income = {"income": random.choice((1, 2, 3)), "remark": str(len(history.sealed))}
        again = history.world.submit(number, income, by=first.actor, saw=dict(first.context), id=first.id)
        history.add(again, first.actor)


def lose(history: History, random: Random) -> None:
    """A form that somebody saw never reaches the server."""
    forms = [event.ref for event in history.events if event.kind in ("submission", "change")]
    seen = [ref for ref in forms if any(ref in event.context for event in history.events)]
    if seen:
        history.lost.add(random.choice(seen))


def reattach(history: History, random: Random) -> None:
    """A form goes to another family; the supervisors may disagree."""
    forms = [event for event in history.events if event.kind == "submission"]
    if forms:
        target = random.choice(forms)
        to = random.choice(HOUSES)
        numbers = sorted({int(hid[:8], 16) for hid in target.filed_under} | {to})
        who = random.choice(SUPERVISORS)
        history.add(history.world.reattach(target, to, saw=history.context(who, *numbers), by=who), who)


def twins(history: History, random: Random) -> None:
    """One form with two members who look alike, another with a third."""
    number = random.choice(USUAL)
    look = random.choice(LOOKS)
    who, other = random.sample(OFFICERS, 2)
    both = {key(4, number): look, key(5, number): look}
    history.add(history.world.submit(number, p=both, by=who, saw=history.context(who, number)), who)
    history.add(history.world.submit(number, p={key(6, number): look}, by=other), other)


def settle_roster(history: History, random: Random) -> None:
    """A supervisor rules on an ambiguous roster, a replaced person or a form filled while linked."""
    kinds = {
        "roster_ambiguous": "different_persons",
        "person_replaced": "replacement_confirmed",
        "filled_while_linked": "keep_filled",
    }
    for shown in sorted(history.view("siti").values(), key=lambda each: each.household_id):
        for conflict in shown.data["conflicts"]:
            if conflict["kind"] in kinds:
                covers = sorted({(head["ref"], head["path"]) for head in conflict["heads"]})
                persons = {"persons": conflict["keys"]} if conflict.get("keys") else {}
                context = {line["ref"]: line["household_id"] for line in shown.trail["refs"]}
                numbers = [int(hid[:8], 16) for hid in (shown.household_id, *shown.aliases)]
                more = {"household": numbers[0], "also": numbers[1:], "saw": context, **persons}
                history.add(history.world.verdict(kinds[conflict["kind"]], covers, **more), "siti")
                return


def move(history: History, random: Random) -> None:
    """A member moves out, or to another family with the values known."""
    who = random.choice(OFFICERS)
    number, to = random.sample(HOUSES, 2)
    member = key(random.choice((1, 1, 2)), number)
    if random.random() < 0.3:
        event = history.world.change(
            "move_out", number, moves={member: "outside"}, by=who, saw=history.context(who, number)
        )
    else:
        values = {member: {**random.choice(LOOKS), "phone": "0833"}}
        saw = history.context(who, number, to)
        event = history.world.change("split", number, p=values, moves={member: to}, also=[to], by=who, saw=saw)
    history.add(event, who)


def review(history: History, random: Random) -> None:
    """Approve or return; ratify where it is approved."""
    shown = history.view("siti").get(house(random.choice(USUAL)))
    if shown is not None:
        make = history.world.ratify if shown.state == "approved" else history.world.review
        verdict = () if shown.state == "approved" else (random.choice(("approve", "approve", "return")),)
        history.add(make(*verdict, shown), "siti")


def assign(history: History, random: Random) -> None:
    """Give it to an officer."""
    number = random.choice(HOUSES)
    body = {"officer": random.choice(OFFICERS)}
    history.add(
        history.world.event("assignment", number, by="siti", saw=history.context("siti", number), body=body), "siti"
    )


STEPS: Sequence[Callable[[History, Random], Any]] = (
    *[visit] * 8, synchronise, synchronise, correct, correct, decide, decide, decide, link, unlink, fill_while_linked,
    point_at("void"), point_at("void"), point_at("undo"), point_at("undo"), point_at("hold"), point_at("admit"),
    equivocate, lose, lose, reattach, twins, twins, settle_roster, settle_roster, settle_roster, move, review, review,
    assign,
)  # fmt: skip


def features(history: History) -> set[str]:
    """What occurs in a history, read from its events and not from the steps that made it."""
    events = history.events
    kinds = Counter(event.kind for event in events)
    found = {kind for kind in ("decision", "undo", "void", "reattach", "hold", "verdict") if kinds[kind]}
    if kinds["link"] and kinds["unlink"]:
        found.add("link and unlink")
    links = {event.ref for event in events if event.kind == "link"}
    if any(event.kind == "submission" and links & event.context.keys() for event in events):
        found.add("a submission filled while linked")
    forms = [event for event in events if event.kind in ("submission", "change")]
    if len({event.id for event in forms}) < len(forms):
        found.add("equivocation")
    items = [item for event in forms for part in event.parts for item in part.assertions.values()]
    if any(item.corrects for item in items):
        found.add("correction")
    arrived = {event.ref for event in events}
    if any(ref not in arrived for event in events for ref in event.context):
        found.add("missing context")
    if any(event.body.get("moves") for event in events):
        found.add("move")
    stamps = {event.body["target"]: event.body["time"] for event in events if event.kind == "stamp"}
    spans = [(event, event.not_before, stamps.get(event.ref)) for event in forms]
    if any(start is None or end is None for _, start, end in spans):
        found.add("open intervals")
    closed = [(event, comparable(start), comparable(end)) for event, start, end in spans if start and end]
    if any(
        a[1] <= b[2] and b[1] <= a[2] and a[0].household_id == b[0].household_id for a, b in combinations(closed, 2)
    ):
        found.add("overlapping intervals")
    for each in fold_everything(events, DICTIONARY):
        for conflict in each.data["conflicts"]:
            if conflict["kind"] == "roster_ambiguous":
                found.add("ambiguous roster")
            if conflict.get("policy") == "evidence":
                found.add("tie")
    return found


WANTED = (
    "decision", "undo", "link and unlink", "a submission filled while linked", "void", "equivocation", "correction",
    "missing context", "tie", "open intervals", "overlapping intervals", "ambiguous roster", "reattach", "move", "hold",
    "verdict",
)  # fmt: skip
