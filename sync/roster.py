"""Stratum 2: the roster. Which person keys are one person, who belongs to the household now, who moved where.

Verdicts of supervisors come first; automatic pairing is timid: it needs a single value in each compared field, and a
connected set that would hold two persons of one form is left alone and reported.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from schemas.event import Event
from schemas.form import Dictionary
from sync.causality import Claim, find_heads, register_heads
from sync.claims import plain_value, read_nik
from sync.components import Components, Joined, moves_of
from sync.names import compatible, normal_name

NAME, NIK, BIRTH_DATE, SEX = "m_name", "nik", "birth_date", "sex"
"""Core questions the pairing compares."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """An open conflict of a household: what kind, about what, and the claims it is between."""

    kind: str
    heads: tuple[Mapping[str, Any], ...]
    path: str = ""
    keys: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As the record shows it."""
        out: dict[str, Any] = {"kind": self.kind, "heads": [dict(head) for head in self.heads], **self.more}
        if self.path:
            out["path"] = self.path
        if self.keys:
            out["keys"] = list(self.keys)
        return out


@dataclass(frozen=True, slots=True)
class Roster:
    """Groups of person keys that are one person (named by `key`), lines of who moved, and conflicts."""

    groups: Mapping[str, tuple[str, ...]]
    moved: Mapping[str, str]
    """group key -> household id or `outside`"""
    conflicts: tuple[Conflict, ...]


def build_roster(
    canonical: str,
    persons: Mapping[str, Mapping[str, Sequence[Claim]]],
    filed: Sequence[Event],
    components: Components,
    dictionary: Dictionary,
) -> Roster:
    """The roster of one household. `filed`: live events filed under it, sorted by ref.

    Of an erased person of whom nothing is said any more, moves and verdicts are left, which name a key: those put
    nobody into the roster."""
    erased = {key for event in filed if event.kind == "erasure" for key in event.body["persons"]}
    gone = frozenset(erased - persons.keys())
    members = _membership(canonical, filed, components, gone)
    verdicts = _pair_verdicts([event for event in filed if event.kind == "verdict"], gone)
    everybody = sorted(persons.keys() | {key for key, to in members.places.items() if to == canonical})
    left = {key: to for key, to in members.places.items() if to != canonical and key in persons}
    groups, conflicts = _group([key for key in everybody if key not in left], persons, verdicts, dictionary)
    if left:
        _follow(left, members, _group(everybody, persons, verdicts, dictionary)[0], persons)
        groups, conflicts = _group([key for key in everybody if key not in left], persons, verdicts, dictionary)
    found = [*members.conflicts, *verdicts.conflicts, *conflicts]
    for name, group in sorted(groups.items()):
        found += _replaced(name, group, persons, dictionary)
    return Roster(groups, left, tuple(found))


def _group(
    keys: Sequence[str],
    persons: Mapping[str, Mapping[str, Sequence[Claim]]],
    verdicts: _PairVerdicts,
    dictionary: Dictionary,
) -> tuple[dict[str, tuple[str, ...]], list[Conflict]]:
    """Group these keys: verdicts first, then what looks like one person."""
    conflicts: list[Conflict] = []
    bases: Mapping[str, tuple[str, ...]] = {key: (key,) for key in keys}
    if verdicts.same:
        bases, conflicts = _joined_by_verdict(keys, verdicts)
    looks = {name: _Look.of(group, persons, dictionary) for name, group in bases.items()}
    joined, ambiguous = _automatic(looks, bases, verdicts.different, persons, dictionary)
    groups = {}
    for members in joined.values():
        group = sorted(key for member in members for key in bases[member])
        groups[_named_by(group, persons)] = tuple(group)
    return groups, [*conflicts, *ambiguous]


def _joined_by_verdict(
    keys: Sequence[str], verdicts: _PairVerdicts
) -> tuple[Mapping[str, tuple[str, ...]], list[Conflict]]:
    """Base groups by `same_person`. Where a chain of them joins two who are `different_persons`, none is used."""
    base = Joined()
    for pair in verdicts.same:
        if all(key in keys for key in pair):
            base.join(pair)
    result: dict[str, tuple[str, ...]] = {}
    conflicts = []
    for name, group in base.sets(keys).items():
        clash = [pair for pair in combinations(group, 2) if frozenset(pair) in verdicts.different]
        if not clash:
            result[name] = group
            continue
        result.update({key: (key,) for key in group})
        pairs = {frozenset(pair) for pair in combinations(group, 2)}
        lines = tuple(
            {"ref": event.ref, "path": f"p/{group[0]}/_person", "value": event.body["type"]}
            for event in verdicts.events
            if any(frozenset(two) in pairs for two in _persons_of(event))
        )
        conflicts.append(Conflict("roster_verdict", lines, keys=group))
    return result, conflicts


def _follow(
    left: dict[str, str],
    members: _Membership,
    groups: Mapping[str, Sequence[str]],
    persons: Mapping[str, Mapping[str, Sequence[Claim]]],
) -> None:
    """A move of one key moves the person: the other keys of the group too, as far as the mover had seen them."""
    for group in groups.values():
        for key in [key for key in group if key in left]:
            seen = set.intersection(*({event.ref, *event.context} for event in members.heads[key]))
            for other in group:
                refs = {claim.ref for claims in persons[other].values() for claim in claims if not claim.decides}
                if other not in members.places and refs and refs <= seen:
                    left.setdefault(other, left[key])


CLOSED_BY: Mapping[str, frozenset[str]] = {
    "roster_ambiguous": frozenset({"same_person", "different_persons"}),
    "person_replaced": frozenset({"replacement_confirmed", "different_persons"}),
    "filled_while_linked": frozenset({"keep_filled"}),
}
"""Kind of conflict -> types of verdict that close it. The other kinds close by what their registers say."""


@dataclass(frozen=True, slots=True)
class _Membership:
    """`places`: person key -> canonical household id (or `outside`) where the heads agree. `heads` by person key."""

    places: Mapping[str, str]
    heads: Mapping[str, Sequence[Event]]
    conflicts: Sequence[Conflict]


def _membership(
    canonical: str, filed: Iterable[Event], components: Components, gone: frozenset[str]
) -> _Membership:
    """`member_of` is a register folded from the events filed here; heads that differ are a conflict."""
    register: dict[str, list[Event]] = defaultdict(list)
    for event in filed:
        if event.kind not in ("change", "verdict"):
            continue
        moves = moves_of(event)
        # A form that was moved to another family says nothing about this one, unless it moves somebody here.
        if moves and components.left(event, canonical):
            moves = {key: to for key, to in moves.items() if components.of(to) == canonical}
            moves = {} if components.counts_nowhere(event) else moves
        for key in moves.keys() - gone:
            register[key].append(event)
    places: dict[str, str] = {}
    found: dict[str, Sequence[Event]] = {}
    conflicts = []
    for key in sorted(register):
        heads = found[key] = register_heads(register[key])
        targets = {}
        for event in heads:
            to = moves_of(event)[key]
            # Other families are named as the mover named them: what they are joined with is not known everywhere.
            targets[event.ref] = canonical if components.of(to) == canonical else to
        if len(set(targets.values())) > 1:
            lines = tuple(
                {"ref": ref, "path": f"p/{key}/member_of", "value": to} for ref, to in sorted(targets.items())
            )
            conflicts.append(
                Conflict(
                    "membership_conflict",
                    lines,
                    f"p/{key}/member_of",
                    (key,),
                    {"households": sorted(set(targets.values()))},
                )
            )
        else:
            places[key] = next(iter(targets.values()))
    return _Membership(places, found, conflicts)


@dataclass(frozen=True, slots=True)
class _PairVerdicts:
    """Pairs of person keys that verdicts join and part, the verdicts, and pairs on which two of them disagree."""

    same: Sequence[tuple[str, ...]]
    different: set[frozenset[str]]
    events: Sequence[Event]
    conflicts: Sequence[Conflict]


def _persons_of(event: Event) -> Iterable[tuple[str, str]]:
    return combinations(sorted(set(event.body.get("persons", ()))), 2)


def _pair_verdicts(verdicts: Iterable[Event], gone: frozenset[str]) -> _PairVerdicts:
    """Verdicts about pairs of person keys; each pair is a register of its own."""
    register: dict[frozenset[str], list[Event]] = defaultdict(list)
    events = [event for event in verdicts if event.body["type"] in ("same_person", "different_persons")]
    for event in events:
        for two in _persons_of(event):
            if gone.isdisjoint(two):
                register[frozenset(two)].append(event)
    same: list[tuple[str, ...]] = []
    different: set[frozenset[str]] = set()
    conflicts = []
    for pair, about in sorted(register.items(), key=lambda item: sorted(item[0])):
        heads = register_heads(about)
        types = {event.body["type"] for event in heads}
        keys = tuple(sorted(pair))
        if types == {"same_person"}:
            same.append(keys)
        elif types == {"different_persons"}:
            different.add(pair)
        else:
            lines = tuple({"ref": e.ref, "path": f"p/{keys[0]}/_person", "value": e.body["type"]} for e in heads)
            conflicts.append(Conflict("roster_verdict", lines, keys=keys))
    return _PairVerdicts(same, different, events, conflicts)


@dataclass(frozen=True, slots=True)
class _Look:
    """What pairing compares of one base group; None where it has no single value."""

    nik: str | None
    nik_unclear: bool
    name: str | None
    birth_date: str | None
    sex: str | None
    refs: frozenset[str]

    @staticmethod
    def of(keys: Sequence[str], persons: Mapping[str, Mapping[str, Sequence[Claim]]], dictionary: Dictionary) -> _Look:
        values = {}
        refs = set()
        for key in keys:
            refs |= {claim.ref for claims in persons[key].values() for claim in claims if not claim.decides}
        for name in (NIK, NAME, BIRTH_DATE, SEX):
            values[name] = _own_values(name, keys, persons, dictionary)
        nik = _single(values[NIK])
        return _Look(
            nik=read_nik(nik).key if nik is not None else None,
            nik_unclear=len(values[NIK]) > 1,
            name=_single(values[NAME]),
            birth_date=_single(values[BIRTH_DATE]),
            sex=_single(values[SEX]),
            refs=frozenset(refs),
        )

    def pairs_with(self, other: _Look) -> bool:
        """Equal valid NIK and compatible names; or, where one has no valid NIK, equal name, birth date and sex."""
        if self.name is None or other.name is None or self.nik_unclear or other.nik_unclear:
            return False
        if self.nik is not None and other.nik is not None:
            return self.nik == other.nik and compatible(self.name, other.name)
        mine = (normal_name(self.name), self.birth_date, self.sex)
        return None not in mine and mine == (normal_name(other.name), other.birth_date, other.sex)


def _own_values(
    name: str, keys: Sequence[str], persons: Mapping[str, Mapping[str, Sequence[Claim]]], dictionary: Dictionary
) -> tuple[str | None, ...]:
    """What the group's own heads of one core question say, each different answer once; None for a state."""
    register = dictionary.register("p", name)
    claims = [claim for key in keys for claim in persons[key].get(register, ()) if claim.about.issubset(keys)]
    if not claims:
        return ()
    question = dictionary.field("p", name)
    found: dict[tuple[str, str], str | None] = {}
    for claim in find_heads(claims, question.policy if question else "ask").heads:
        item = claim.fields.get(name)
        if item is not None:
            plain = plain_value(dictionary, "p", name, item.value)
            text = item.value if item.state is None and isinstance(item.value, str) else None
            found.setdefault((item.state or "", str(plain)), text)
    return tuple(found[key] for key in sorted(found))


def _single(values: Sequence[str | None]) -> str | None:
    return values[0] if len(values) == 1 else None


def _automatic(
    looks: Mapping[str, _Look],
    bases: Mapping[str, Sequence[str]],
    different: set[frozenset[str]],
    persons: Mapping[str, Mapping[str, Sequence[Claim]]],
    dictionary: Dictionary,
) -> tuple[Mapping[str, tuple[str, ...]], list[Conflict]]:
    """Join base groups that look like one person, set by set; a set that cannot be one person is left apart."""

    def parted(a: str, b: str) -> bool:
        return any(frozenset((one, two)) in different for one in bases[a] for two in bases[b])

    joined = Joined()
    for a, b in combinations(sorted(bases), 2):
        if not parted(a, b) and looks[a].pairs_with(looks[b]):
            joined.join((a, b))
    sets = joined.sets(bases)
    result: dict[str, tuple[str, ...]] = {}
    conflicts = []
    for name, members in sets.items():
        clash = any(looks[a].refs & looks[b].refs or parted(a, b) for a, b in combinations(members, 2))
        if not clash:
            result[name] = members
            continue
        result.update({member: (member,) for member in members})
        keys = tuple(sorted(key for member in members for key in bases[member]))
        conflicts.append(Conflict("roster_ambiguous", _name_lines(keys, persons, dictionary), keys=keys))
    return result, conflicts


def _name_lines(
    keys: Iterable[str], persons: Mapping[str, Mapping[str, Sequence[Claim]]], dictionary: Dictionary
) -> tuple[Mapping[str, Any], ...]:
    register = dictionary.register("p", NAME)
    lines = [
        line
        for key in keys
        if persons[key].get(register)
        for claim in find_heads(persons[key][register], "ask").heads
        for line in claim.to_json()
    ]
    return tuple(sorted(lines, key=lambda line: (line["ref"], line["path"])))


def _named_by(keys: Sequence[str], persons: Mapping[str, Mapping[str, Sequence[Claim]]]) -> str:
    """A group is named by the smallest key that was listed, else by the smallest key."""
    listed = [
        key
        for key in keys
        if any(claim.event.kind == "prelist" for claims in persons[key].values() for claim in claims)
    ]
    return min(listed, default=keys[0])


def _replaced(
    name: str,
    keys: Sequence[str],
    persons: Mapping[str, Mapping[str, Sequence[Claim]]],
    dictionary: Dictionary,
) -> list[Conflict]:
    """An event that changes NIK and name to incompatible values: another person was written over this one."""

    def claims(question: str) -> list[Claim]:
        register = dictionary.register("p", question)
        return [claim for key in keys for claim in persons[key].get(register, ()) if _text(claim, question)]

    niks = claims(NIK)
    if len(niks) < 2:
        return []
    names = claims(NAME)
    lines: list[Mapping[str, Any]] = []
    for new_nik in niks:
        if new_nik.decides or not read_nik(_text(new_nik, NIK)).valid:
            continue
        for new_name in (claim for claim in names if claim.ref == new_nik.ref):
            other_nik = any(_differs(new_nik, old) for old in niks)
            other_name = any(
                new_name.saw(old) and not compatible(_text(old, NAME), _text(new_name, NAME)) for old in names
            )
            if other_nik and other_name:
                lines += [*new_nik.to_json(), *new_name.to_json()]
    if not lines:
        return []
    ordered = tuple(sorted(lines, key=lambda line: (line["ref"], line["path"])))
    return [Conflict("person_replaced", ordered, f"p/{name}/nik", (name,))]


def _differs(new: Claim, old: Claim) -> bool:
    before, after = read_nik(_text(old, NIK)), read_nik(_text(new, NIK))
    return new.saw(old) and before.valid and before.text != after.text


def _text(claim: Claim, name: str) -> str:
    item = claim.fields.get(name)
    return item.value if item is not None and item.state is None and isinstance(item.value, str) else ""
