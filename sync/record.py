"""Strata 3 and 4: the record of one family, from the claims that count there. `data` is what is judged and
delivered; `trail` is how it came about and what the next event's context must name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from schemas.event import Event
from schemas.form import Dictionary, Field
from sync.case import FIELD_KINDS, assigned_officers, gather, open_returns, state_of
from sync.causality import Claim, Heads, Pair, cell, find_heads
from sync.claims import Household, read_nik, register_pair
from sync.components import Components, moves_without_effect
from sync.digest import data_digest, delivery_digest, present
from sync.identity import VERDICT_TYPES, NikClaim, NikVerdict
from sync.intervals import UNKNOWN, Interval, intervals
from sync.liveness import HELD, LIVE, Condition
from sync.notices import double_visit, household_conflicts
from sync.policy import Outcome, Question, representative, resolve
from sync.relevance import age_at, evaluate_record, kk_flags, nik_flags
from sync.roster import CLOSED_BY, Conflict, Roster, build_roster
from sync.upcasting import change_lines, return_lines

AREA_KINDS = FIELD_KINDS | {"prelist"}
ALONE_IS_THE_VALUE = frozenset({"evidence", "latest", "status", "set", "location", "ask"})
CONTEXT_FREE_KINDS = frozenset({"stamp", "hold", "receipt"})
"""Kinds that no later event needs to have seen: they stand in no register."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The cluster a record is made from."""

    events: Mapping[str, Event]
    condition: Mapping[str, Condition]
    components: Components
    live: Sequence[Event]
    dictionary: Dictionary


def build_record(scene: Scene, canonical: str, placed: Household, engine: int) -> dict[str, Any] | None:
    """The arguments of a `Record`, or None where nothing live or dead is filed under the ids of this family."""
    ids = scene.components.members[canonical]
    filed_all = [
        event
        for _, event in sorted(scene.events.items())
        if any(hid in ids for hid in event.filed_under) or scene.components.place(event) == canonical
    ]
    if not filed_all:
        return None
    builder = _Builder(scene, canonical, ids, filed_all, placed)
    builder.merge()
    return builder.result(engine)


class _Builder:
    """Works through the strata for one family; each step reads what the one before left."""

    def __init__(
        self, scene: Scene, canonical: str, ids: tuple[str, ...], filed_all: list[Event], placed: Household
    ) -> None:
        self.scene = scene
        self.canonical = canonical
        self.ids = ids
        self.filed_all = filed_all
        self.filed = [event for event in filed_all if scene.condition[event.ref].status == LIVE]
        self.counted = [event for event in self.filed if scene.components.place(event) == canonical]
        self.placed = placed
        self.times = intervals(scene.live)
        self.conflicts: list[Conflict] = []
        self.flags = list(placed.flags)
        self.ineffective = [*placed.ineffective, *moves_without_effect(self.counted)]
        self.origins: dict[str, dict[str, Any]] = {}
        self.household: dict[str, dict[str, Any]] = {}
        self.persons: list[dict[str, Any]] = []
        self.claims: list[NikClaim] = []

    def merge(self) -> None:
        """Strata 2 to 4 up to values, roster and conflicts."""
        dictionary = self.scene.dictionary
        roster = build_roster(self.canonical, self.placed.persons, self.filed, self.scene.components, dictionary)
        self.conflicts += roster.conflicts
        for register in sorted(self.placed.household):
            self._merge_register("h", "h", register, self.placed.household[register], self.household)
        for key in sorted(roster.groups):
            self.persons.append(self._person(key, roster))
        self.persons += [self._gone(key, to) for key, to in sorted(roster.moved.items())]
        here = [person for person in self.persons if "moved_to" not in person]
        today = self._visit_date()
        evaluate_record(dictionary, self.household, [person["fields"] for person in here], today)
        for person in here:
            self._finish_person(person, today)
        self._flag("no_kk", self.household, kk_flags(self.household, self._region_and_area()[1]))
        self.conflicts += household_conflicts(
            self.counted, self.scene.events, self.scene.condition, self.scene.components, self.canonical
        )
        if double_visit(self.counted):
            self.flags.append({"code": "double_visit"})
        self.conflicts = self._open(self.conflicts)

    def result(self, engine: int) -> dict[str, Any]:
        """Everything a `Record` holds."""
        digest = data_digest(self.household, self.persons, self.scene.dictionary)
        delivered = delivery_digest(self.household, self.persons, self.scene.dictionary)
        facts = gather(self.canonical, self.counted, self.filed, len(self.conflicts), digest, delivered)
        region, area = self._region_and_area()
        state = state_of(facts)
        data = {
            "household_id": self.canonical,
            "home_region": region,
            "area": area,
            "aliases": [hid for hid in self.ids if hid != self.canonical],
            "state": state,
            "assigned": assigned_officers(self.filed),
            "household": self.household,
            "persons": self.persons,
            "changes": change_lines(self.counted, self.scene.dictionary),
            "conflicts": [conflict.to_json() for conflict in self.conflicts],
            "flags": sorted(self.flags, key=lambda flag: (flag["code"], flag.get("path", ""))),
            "awaiting": self._awaiting(),
            "data_digest": digest,
            "delivery_digest": delivered,
        }
        return {
            "household_id": self.canonical,
            "home_region": region,
            "area": area,
            "aliases": tuple(data["aliases"]),
            "state": state,
            "data": data,
            "trail": self._trail(engine),
            "claims": tuple(sorted(self.claims, key=lambda claim: (claim.nik, claim.person_key))),
            "verdicts": self._nik_verdicts(),
        }

    def _merge_register(
        self, scope: str, part: str, register: str, claims: Sequence[Claim], into: dict[str, dict[str, Any]]
    ) -> Heads:
        fields = _fields_of(self.scene.dictionary, scope, register)
        policy = fields[0].policy if fields else "ask"
        if len(claims) == 1 and policy in ALONE_IS_THE_VALUE:
            return self._only(f"{part}/{register}", policy, claims[0], into)
        question = Question(fields, self._interval)
        found = find_heads(claims, policy, question.withstands)
        outcome = resolve(policy, found, question)
        path = f"{part}/{register}"
        if outcome.conflict:
            lines = tuple(line for claim in outcome.conflict for line in claim.to_json())
            keys = (part[2:],) if part.startswith("p/") else ()
            self.conflicts.append(Conflict("field", lines, path, keys, {"policy": policy}))
            for name in sorted({name for claim in outcome.conflict for name in claim.fields}):
                into[name] = {"conflict": True}
        else:
            into.update(outcome.answers)
        self.origins[path] = _origin(found, outcome)
        return found

    def _only(self, path: str, policy: str, claim: Claim, into: dict[str, dict[str, Any]]) -> Heads:
        """What one event alone says is the value: the shortest way to what every policy would answer."""
        rule = "decision" if claim.decides else policy
        into.update({name: cell(item) for name, item in claim.fields.items()})
        line = {"rule": rule, "heads": [claim.ref], "ref": claim.ref, "actor": claim.event.actor}
        self.origins[path] = line | {"evidence": claim.evidence}
        return Heads((claim,), {claim.pair: claim.evidence}, (claim,))

    def _interval(self, ref: str) -> Interval:
        return self.times.get(ref, UNKNOWN)

    def _person(self, key: str, roster: Roster) -> dict[str, Any]:
        keys = roster.groups[key]
        fields: dict[str, dict[str, Any]] = {}
        registers: dict[str, list[Claim]] = defaultdict(list)
        for each in keys:
            for register, claims in self.placed.persons[each].items():
                registers[register] += claims
        heads = {}
        for register in sorted(registers):
            claims = self._effective(registers[register], keys)
            if claims:
                heads[register] = self._merge_register("p", f"p/{key}", register, claims, fields)
        self._claim_nik(key, heads, fields)
        return {"key": key, "keys": list(keys), "fields": fields}

    def _gone(self, key: str, to: str) -> dict[str, Any]:
        """The line of a person who moved. What was said here is not merged any more; the trail still leads to it."""
        for register, claims in self.placed.persons[key].items():
            heads = sorted({claim.ref for claim in find_heads(claims, "ask").heads})
            self.origins[f"p/{key}/{register}"] = {"rule": "moved", "heads": heads}
        return {"key": key, "keys": [key], "fields": {}, "moved_to": to}

    def _effective(self, claims: Sequence[Claim], keys: Sequence[str]) -> list[Claim]:
        """Without decisions over several keys that are no longer one person: those have no effect and are listed."""
        out = []
        for claim in claims:
            if claim.about.issubset(keys):
                out.append(claim)
            else:
                self.ineffective.append({"ref": claim.ref, "path": claim.path})
        return out

    def _claim_nik(self, key: str, heads: Mapping[str, Heads], fields: Mapping[str, Mapping[str, Any]]) -> None:
        """NIK claims over current heads, of persons present."""
        dictionary = self.scene.dictionary
        said = heads.get(dictionary.register("p", "nik"))
        if said is None or not present({"fields": fields}):
            return
        by_nik: dict[str, list[Claim]] = defaultdict(list)
        for claim in said.heads:
            item = claim.fields.get("nik")
            if item is not None and item.state is None and read_nik(item.value).valid:
                by_nik[read_nik(item.value).text].append(claim)
        region, _ = self._region_and_area()
        for nik, claims in sorted(by_nik.items()):
            times = [self.times[claim.ref] for claim in claims if claim.ref in self.times]
            closed = [time for time in times if time.closed]
            self.claims.append(
                NikClaim(
                    nik=nik,
                    household_id=self.canonical,
                    home_region=region,
                    person_key=key,
                    pairs=tuple(sorted(claim.pair for claim in claims)),
                    names=_texts(heads.get(dictionary.register("p", "m_name")), "m_name"),
                    birth_dates=_texts(heads.get(dictionary.register("p", "birth_date")), "birth_date"),
                    visited=any(event.kind in FIELD_KINDS for event in self.counted),
                    start=min((t.start or "" for t in closed), default=None) if len(closed) == len(times) else None,
                    end=max((t.end or "" for t in closed), default=None) if len(closed) == len(times) else None,
                )
            )

    def _finish_person(self, person: dict[str, Any], today: str | None) -> None:
        fields = person["fields"]
        no_kk = self.household.get("no_kk", {}).get("value")
        self._flag("nik", fields, nik_flags(fields, self._region_and_area()[1], today, no_kk))
        age = age_at(fields.get("birth_date", {}).get("value"), today)
        if age is not None:
            person["age"] = age

    @staticmethod
    def _flag(name: str, fields: dict[str, dict[str, Any]], codes: Sequence[str]) -> None:
        if codes:
            fields[name]["flags"] = sorted({*fields[name].get("flags", ()), *codes})

    def _visit_date(self) -> str | None:
        """The latest visit: all visits of a household are kept."""
        said = self.household.get("visit_date", {})
        return max((text for text in said.get("values", [said.get("value")]) if isinstance(text, str)), default=None)

    def _region_and_area(self) -> tuple[str, str]:
        """home_region is part of the id for good; the area is the merged village, else that of the list, else of the
        forms: never of staff events, whose area is the desk's."""
        own = [event.home_region for event in self.filed_all if event.household_id == self.canonical]
        # Two regions for one id cannot both be right; the smallest is as good as any, and intake holds the second.
        region = min(own) if own else min(e.also[hid] for e in self.filed_all for hid in self.ids if hid in e.also)
        village = self.household.get("village_code", {}).get("value")
        if isinstance(village, str) and village.count(".") == 3:
            return region, village
        prelist = [event.area for event in self.filed if event.kind == "prelist" and event.household_id in self.ids]
        areas = prelist or [event.area for event in self.counted if event.kind in FIELD_KINDS]
        areas = areas or [event.area for event in self.filed_all if event.kind in AREA_KINDS]
        return region, min(areas, default=region)

    def _open(self, conflicts: list[Conflict]) -> list[Conflict]:
        """Without those a verdict closes: only while the heads are a subset of what it covers."""
        covers = [
            (e.body["type"], frozenset(register_pair(pair, self.scene.dictionary) for pair in e.body["covers"]))
            for e in self.filed
            if e.kind == "verdict"
        ]
        left = [
            conflict
            for conflict in conflicts
            if not any(
                kind in CLOSED_BY.get(conflict.kind, ()) and self._pairs(conflict) <= pairs for kind, pairs in covers
            )
        ]
        return sorted(left, key=lambda each: (each.kind, each.path, each.keys, sorted(self._pairs(each))))

    def _pairs(self, conflict: Conflict) -> frozenset[Pair]:
        """What a verdict must cover to close the conflict."""
        return frozenset(
            register_pair({"ref": head["ref"], "path": head["path"]}, self.scene.dictionary) for head in conflict.heads
        )

    def _awaiting(self) -> list[dict[str, str]]:
        """Refs of this family that somebody saw and that have not arrived; refs of another family never count."""
        waived = {event.body["target"] for event in self.filed if event.kind == "waive"}
        missing = {
            (ref, hid)
            for event in self.filed
            if not self.scene.components.left(event, self.canonical)
            for ref, hid in event.context.items()
            if hid in self.ids and ref not in self.scene.events and ref not in waived
        }
        return [{"ref": ref, "household_id": hid} for ref, hid in sorted(missing)]

    def _nik_verdicts(self) -> tuple[NikVerdict, ...]:
        return tuple(
            NikVerdict(
                e.ref,
                e.body["type"],
                frozenset(register_pair(pair, self.scene.dictionary) for pair in e.body["covers"]),
            )
            for e in self.filed
            if e.kind == "verdict" and e.body["type"] in VERDICT_TYPES
        )

    def _trail(self, engine: int) -> dict[str, Any]:
        refs = [
            {
                "ref": event.ref,
                "household_id": event.household_id if event.household_id in self.ids else self._filed_as(event),
                "id": event.id,
                "kind": event.kind,
                "actor": event.actor,
                "status": self.scene.condition[event.ref].status,
            }
            for event in self.filed_all
            if event.kind not in CONTEXT_FREE_KINDS
        ]
        held = [
            {"ref": event.ref, "kind": event.kind, "reason": self.scene.condition[event.ref].reason}
            for event in self.filed_all
            if self.scene.condition[event.ref].status == HELD
        ]
        return {
            "engine": engine,
            "refs": refs,
            "values": self.origins,
            "returns": return_lines(open_returns(self.counted, self.filed), self.scene.dictionary),
            "held": held,
            "ineffective": sorted(self.ineffective, key=lambda line: (line["ref"], line["path"])),
        }

    def _filed_as(self, event: Event) -> str:
        """The id of this family under which the event stands here; for a form that was moved here, the canonical."""
        return min((hid for hid in event.also if hid in self.ids), default=self.canonical)


@lru_cache(maxsize=4_096)
def _fields_of(dictionary: Dictionary, scope: str, register: str) -> tuple[Field, ...]:
    """The questions of a register, in the sheet's order."""
    names = dictionary.unit_fields(scope, register) or (register,)
    return tuple(known for name in names if (known := dictionary.field(scope, name)) is not None)


def _origin(found: Heads, outcome: Outcome) -> dict[str, Any]:
    """Who said it, on which evidence, and which rule chose it."""
    heads = found.heads
    refs = [heads[0].ref] if len(heads) == 1 else sorted({claim.ref for claim in heads})
    line: dict[str, Any] = {"rule": outcome.rule, "heads": refs}
    if outcome.chosen:
        best = representative(outcome.chosen, found)
        line |= {"ref": best.ref, "actor": best.event.actor, "evidence": found.strength[best.pair]}
    return line


def _texts(found: Heads | None, name: str) -> tuple[str, ...]:
    values: dict[Hashable, str] = {}
    for claim in found.heads if found else ():
        item = claim.fields.get(name)
        if item is not None and item.state is None and isinstance(item.value, str):
            values.setdefault(claim.key, item.value)
    return tuple(sorted(values.values()))
