"""From events to claims: which event says what about which register, and in which household that counts.

Stratum 0's rules for values are here (answers to old versions are read as answers to the present ones, a value of the
wrong type takes out that assertion only) and the placing rules of strata 1 to 3: reattached forms, persons who moved,
decisions found by the pairs they cover.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from schemas.answers import value_error
from schemas.bodies import OUTSIDE
from schemas.canonical import canonical_bytes_unchecked
from schemas.event import VALUE_KINDS, Assertion, Event, Part
from schemas.form import Dictionary, Field
from schemas.nik import parse_nik
from schemas.paths import EVENT_PART, person_key_of, split_path
from sync.causality import Claim, Pair, Said, claim_key
from sync.components import Components, moves_of
from sync.names import normal_name
from sync.upcasting import as_compared, by_present_name, known, upcast

Home = tuple[str, str | None]
"""Canonical household id and person key (None: the household) under which a claim is filed."""

read_nik = lru_cache(maxsize=4_096)(parse_nik)
"""`parse_nik`, remembered: the fold reads each number several times."""

NOTHING: frozenset[Any] = frozenset()
DECIDING_KINDS = frozenset({"decision", "verdict"})
NUMBER_FIELDS = frozenset({"nik", "no_kk"})
"""Compared without spaces, dots and dashes."""


@dataclass(slots=True)
class Household:
    """What counts under one canonical id."""

    household: dict[str, list[Claim]] = field(default_factory=lambda: defaultdict(list))
    """register -> claims"""
    persons: dict[str, dict[str, list[Claim]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    """person key -> register -> claims"""
    flags: list[dict[str, str]] = field(default_factory=list)
    ineffective: list[dict[str, Any]] = field(default_factory=list)

    def add(self, claim: Claim, key: str | None) -> None:
        """File a claim under the household (None) or a person key, by its register."""
        register = claim.pair[1].rpartition("/")[2]
        (self.household if key is None else self.persons[key])[register].append(claim)


def scope_of(part: str) -> str:
    """Scope of a part in the dictionary: `h`, `p` or `e`."""
    return part[:1]


def place_claims(live: Iterable[Event], components: Components, dictionary: Dictionary) -> dict[str, Household]:
    """canonical household id -> what counts there. `live`: the live events of the cluster, sorted by ref."""
    found = {name: Household() for name in components.members}
    located: dict[Pair, frozenset[Home]] = {}
    deciding: list[Claim] = []
    for event in live:
        if event.kind not in VALUE_KINDS:
            continue
        if components.counts_nowhere(event):
            continue
        moved = moves_of(event)
        place = components.place(event)
        for part in event.parts:
            if part.name == EVENT_PART or not part.assertions:
                continue
            key = person_key_of(part.name)
            to = moved.get(key, OUTSIDE) if key is not None else OUTSIDE
            target = place if to == OUTSIDE else components.of(to)
            for claim in _claims(event, part, dictionary, found[target].flags if target else []):
                if claim.decides:
                    deciding.append(claim)
                elif target is not None:
                    located[claim.pair] = frozenset({(target, key)})
                    found[target].add(claim, key)
    _place_deciding(deciding, located, found, components)
    return found


def _claims(event: Event, part: Part, dictionary: Dictionary, flags: list[dict[str, str]]) -> list[Claim]:
    scope = scope_of(part.name)
    registers: dict[str, dict[str, Assertion]] = {}
    compared: dict[str, list[Said]] = {}
    for given, assertion in by_present_name(part.assertions, scope, dictionary):
        name, type, register, changed = known(dictionary, scope, given)
        if not type:
            flags.append({"code": "unknown_question", "path": f"{part.name}/{given}"})
        elif assertion.state is None:
            read = upcast(dictionary, scope, given, assertion) if changed else assertion
            if read is None or (read.state is None and not usable(type, read.value)):
                flags.append({"code": "wrong_type", "path": f"{part.name}/{name}"})
                continue
            assertion = read
        if name in registers.setdefault(register, {}):
            flags.append({"code": "asked_twice", "path": f"{part.name}/{given}"})
            continue
        registers[register][name] = assertion
        value = None if assertion.state is not None else _plain(type, name, assertion.value)
        compared.setdefault(register, []).append((name, *as_compared(assertion, value)))
    covers = _covers(event, part.name, dictionary) if event.kind in DECIDING_KINDS else None
    claims = []
    for register, fields in registers.items():
        corrects = [item.corrects for item in fields.values() if item.corrects]
        claims.append(
            Claim(
                event=event,
                pair=(event.ref, f"{part.name}/{register}"),
                fields=fields,
                evidence=min([item.evidence for item in fields.values()]),
                corrects=frozenset(corrects) if corrects else NOTHING,
                covers=None if covers is None else covers.get(register, NOTHING),
                key=claim_key(compared[register]),
            )
        )
    return claims


def usable(type: str, value: Any) -> bool:
    """Whether the value is of that type of question. Most answers are a few codes, said over and over."""
    return _usable(type, value) if isinstance(value, str | int) else value_error(_any_question(type), value) is None


@lru_cache(maxsize=16_384, typed=True)
def _usable(type: str, value: str | int) -> bool:
    return value_error(_any_question(type), value) is None


@lru_cache(maxsize=64)
def _any_question(type: str) -> Field:
    return Field("any", "h", type)


def plain_value(dictionary: Dictionary, scope: str, name: str, value: Any) -> str | bytes:
    """The value as it is compared, with what means nothing folded away: case and white space of text, dots in a NIK.
    Text stays text, anything else is canonical bytes: so 1 and true, which Python takes for equal, are not."""
    return _plain(known(dictionary, scope, name)[1], name, value)


def _plain(type: str, name: str, value: Any) -> str | bytes:
    if not isinstance(value, str):
        return canonical_bytes_unchecked(value)
    if name in NUMBER_FIELDS:
        return read_nik(value).text
    return normal_name(value) if type == "text" else value


def register_pair(pair: Mapping[str, str], dictionary: Dictionary) -> Pair:
    """A covered pair with its path brought to the register: naming one field of a unit names the unit."""
    part, name = split_path(pair["path"])
    return (pair["ref"], f"{part}/{dictionary.register(scope_of(part), name)}")


def _covers(event: Event, part: str, dictionary: Dictionary) -> dict[str, frozenset[Pair]]:
    """register -> pairs covered there, of the household or of persons as the part is."""
    found: dict[str, set[Pair]] = defaultdict(set)
    for raw in event.body["covers"]:
        pair = register_pair(raw, dictionary)
        other, register = split_path(pair[1])
        if scope_of(other) == scope_of(part):
            found[register].add(pair)
    return {register: frozenset(pairs) for register, pairs in found.items()}


def _place_deciding(
    deciding: list[Claim],
    located: dict[Pair, frozenset[Home]],
    found: Mapping[str, Household],
    components: Components,
) -> None:
    """A decision is found by the pairs it covers, never by a key. It may cover an earlier decision, so those that
    are covered go first; refs are hashes over what they point at: so there is always one that can be placed."""
    waiting = {claim.pair: claim for claim in sorted(deciding, key=lambda claim: claim.pair)}
    while waiting:
        for pair, claim in list(waiting.items()):
            covers = claim.covers or frozenset()
            if any(other in waiting for other in covers if other != pair):
                continue
            del waiting[pair]
            homes = frozenset(home for other in covers for home in located.get(other, ()))
            if claim.event.kind == "verdict":
                homes = _own_homes(claim, homes, components.place(claim.event))
            located[pair] = homes
            places = {name for name, _ in homes}
            if places and claim.event.kind == "decision":
                places |= _lay_elsewhere(claim, located, components)
            if len(places) == 1:
                keys = frozenset(key for _, key in homes if key is not None)
                found[places.pop()].add(claim._replace(about=keys), min(keys, default=None))
                continue
            for name in places or {components.place(claim.event) or ""}:
                if name in found:
                    found[name].ineffective.append({"ref": claim.ref, "path": claim.path})


def _lay_elsewhere(claim: Claim, located: Mapping[Pair, Any], components: Components) -> set[str]:
    """Families of what it covers that is not found here: dead, or of a family that is folded apart. The decision's
    own context says whose it was."""
    context = claim.event.context
    homes = {context[pair[0]] for pair in claim.covers or () if pair not in located and pair[0] in context}
    return {components.of(hid) or hid for hid in homes}


def _own_homes(claim: Claim, homes: frozenset[Home], place: str | None) -> frozenset[Home]:
    """A verdict names the pairs of several families, but what it says is about the person of its own part in the
    household it is filed under first. The pairs may stand under another key of that person."""
    if place is None:
        return NOTHING  # filed first under a family that is folded apart: it says nothing about this one's person
    key = person_key_of(split_path(claim.path)[0])
    near = frozenset(home for home in homes if home[0] == place) or homes
    own = frozenset(home for home in near if home[1] == key)
    return own or frozenset((name, key) for name, _ in near)
