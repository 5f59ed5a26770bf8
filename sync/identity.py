"""Stratum 5: identity by NIK, across households. It reads claims and verdicts; it never edits a household.

A row stands for one NIK. Rows are kept under a hash of the NIK (`nik_key`) and joined to a record when it is read.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from schemas import limits
from sync.causality import Pair
from sync.intervals import Interval, wholly_before
from sync.names import compatible

RULE = "nik/1"
"""Version of the rule by which a NIK becomes a key; part of the key."""

VERDICT_TYPES = frozenset({"moved", "wrong_nik", "two_people", "same_household"})


@dataclass(frozen=True, slots=True)
class NikClaim:
    """One person of one canonical household under one valid NIK, over the current heads."""

    nik: str
    household_id: str
    home_region: str
    person_key: str
    pairs: tuple[Pair, ...]
    names: tuple[str, ...] = ()
    birth_dates: tuple[str, ...] = ()
    visited: bool = False
    start: str | None = None
    end: str | None = None

    @property
    def person(self) -> tuple[str, str]:
        """Who claims, in any household."""
        return (self.household_id, self.person_key)

    def to_json(self) -> dict[str, Any]:
        """As it is kept in the index."""
        return {
            "person": self.person_key,
            "pairs": [list(pair) for pair in self.pairs],
            "names": list(self.names),
            "birth_dates": list(self.birth_dates),
            "visited": self.visited,
            "start": self.start,
            "end": self.end,
        }

    @staticmethod
    def from_json(nik: str, household_id: str, home_region: str, raw: dict[str, Any]) -> NikClaim:
        """Read what `to_json` wrote."""
        return NikClaim(
            nik,
            household_id,
            home_region,
            raw["person"],
            tuple((ref, path) for ref, path in raw["pairs"]),
            tuple(raw["names"]),
            tuple(raw["birth_dates"]),
            raw["visited"],
            raw["start"],
            raw["end"],
        )


@dataclass(frozen=True, slots=True)
class NikVerdict:
    """A live verdict about a NIK, as far as adjudication needs it."""

    ref: str
    type: str
    pairs: frozenset[Pair]


@dataclass(frozen=True, slots=True)
class NikCase:
    """What is to be settled about one NIK. `stops`: delivery of the households waits for a verdict."""

    kind: str
    households: tuple[str, ...]
    persons: tuple[tuple[str, str], ...]
    pairs: tuple[Pair, ...]
    settled: str
    """Type of the verdict that settles it, or empty."""
    stops: bool
    suggestion: tuple[str, str, str] | None = None
    """`("moved", person's old household, new household)`"""
    count: int = 0

    @property
    def disputed(self) -> bool:
        """Whether the NIK is delivered empty: two people hold it."""
        return self.settled == "two_people"

    def to_json(self) -> dict[str, Any]:
        """As the index keeps it and a record shows it."""
        return {
            "kind": self.kind,
            "households": list(self.households),
            "persons": [list(person) for person in self.persons],
            "heads": [{"ref": ref, "path": path} for ref, path in self.pairs],
            "settled": self.settled,
            "stops": self.stops,
            "suggestion": list(self.suggestion) if self.suggestion else None,
            "count": self.count,
        }


def nik_key(nik: str, secret: bytes) -> str:
    """Key of a NIK's row: HMAC-SHA256 over rule and NIK, 64 hex digits. The index itself shows no NIK."""
    return hmac.new(secret, f"{RULE}:{nik}".encode(), hashlib.sha256).hexdigest()


def adjudicate(claims: Iterable[NikClaim], verdicts: Iterable[NikVerdict] = ()) -> NikCase | None:
    """The case of one NIK, or None where one person or nobody claims it. Order of the arguments means nothing."""
    ordered = sorted(claims, key=lambda claim: (claim.person, claim.pairs))
    persons = tuple(dict.fromkeys(claim.person for claim in ordered))
    if len(persons) < 2:
        return None
    households = tuple(sorted({claim.household_id for claim in ordered}))
    pairs = tuple(sorted({pair for claim in ordered for pair in claim.pairs}))
    visited = {claim.person for claim in ordered if claim.visited}
    if len(persons) > limits.NIK_HOT_PERSONS:
        return NikCase("nik_hot", households, (), (), "", len(visited) > 1, count=len(persons))
    alike = all(_one_person(a, b) for a, b in combinations(ordered, 2) if a.person != b.person)
    kind = "nik_two_households" if alike and len(households) > 1 else "nik_collision"
    settled = _settled(pairs, verdicts)
    return NikCase(
        kind,
        households,
        persons,
        pairs,
        settled,
        # An unvisited prelist row warns and does not hold another's delivery.
        stops=not settled and len(visited) > 1,
        suggestion=_suggest(ordered) if kind == "nik_two_households" else None,
        count=len(persons),
    )


def _one_person(a: NikClaim, b: NikClaim) -> bool:
    """Compatible name and birth date; a birth date nobody stated contradicts nothing."""
    names = all(compatible(one, two) for one in a.names for two in b.names) and bool(a.names and b.names)
    dates = not a.birth_dates or not b.birth_dates or set(a.birth_dates) == set(b.birth_dates)
    return names and dates


def _settled(pairs: Sequence[Pair], verdicts: Iterable[NikVerdict]) -> str:
    """A verdict settles while the heads are a subset of what it covers; the smallest ref names it."""
    fitting = sorted((v.ref, v.type) for v in verdicts if v.type in VERDICT_TYPES and set(pairs) <= v.pairs)
    return fitting[0][1] if fitting else ""


def _suggest(claims: Sequence[NikClaim]) -> tuple[str, str, str] | None:
    """`moved`, to the later disjoint visit, where there are two households and time tells them apart."""
    if len({claim.household_id for claim in claims}) != 2:
        return None
    for a in claims:
        for b in claims:
            if a.household_id != b.household_id and wholly_before(Interval(a.start, a.end), Interval(b.start, b.end)):
                return ("moved", a.household_id, b.household_id)
    return None
