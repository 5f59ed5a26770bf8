"""Causality and dominance: which assertions are left standing. No clock, no order of arrival.

`a` saw `b` iff `b`'s ref is in `a`'s context, taken as written; no closure is computed (docs/merge.md).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from schemas.event import EVIDENCE_VERIFIED, Assertion, Event

IGNORES_EVIDENCE = frozenset({"latest", "set", "keep_all"})
"""Policies under which seeing an assertion is enough to replace it."""

KEPT = "kept"
"""In place of a state: an answer to an older version that the present one has no way to read. It is no value, but it
stands where it stood: it dominates and is dominated, and what was said is shown."""

Said = tuple[str, str | None, str | bytes | None]
"""Question, state, plain value."""

Pair = tuple[str, str]
"""`(ref, register path)`: what a decision covers and what a conflict consists of."""


class Claim(NamedTuple):
    """What one event says about one register (a field, or the fields of a unit). A tuple: a fold makes hundreds, and
    a frozen dataclass costs three times as much to make."""

    event: Event
    pair: Pair
    """How decisions and conflicts name it: the event's ref, and its part and register, e.g. `h/address_unit`."""
    fields: Mapping[str, Assertion]
    evidence: int
    corrects: frozenset[str] = frozenset()
    covers: frozenset[Pair] | None = None
    """For decisions and verdicts: the pairs it settles. None for everybody else."""
    key: Hashable = b""
    """What is compared: equal keys are equal values."""
    about: frozenset[str] = frozenset()
    """For decisions: the person keys whose values it covers. Outside one person it has no effect."""

    @property
    def ref(self) -> str:
        """Ref of the event that says it."""
        return self.pair[0]

    @property
    def path(self) -> str:
        """Part and register, e.g. `h/address_unit` or `p/<hid>/<pid>/nik`."""
        return self.pair[1]

    @property
    def decides(self) -> bool:
        """Whether it settles others by naming them."""
        return self.covers is not None

    def saw(self, other: Claim) -> bool:
        """Whether this claim's event was made on top of the other's."""
        return other.pair[0] in self.event.context

    def to_json(self) -> list[dict[str, Any]]:
        """One line for each field, as conflicts show them."""
        part = self.path.rpartition("/")[0]
        lines = []
        for name in sorted(self.fields):
            said = cell(self.fields[name])
            lines.append({"ref": self.ref, "path": f"{part}/{name}", "evidence": self.evidence, **said})
        return lines


def cell(item: Assertion) -> dict[str, Any]:
    """What a record shows of an assertion: `value`, `state`, or `kept` with the question as it was asked."""
    if item.state is None:
        return {"value": item.value}
    return {"kept": [item.value]} if item.state == KEPT else {"state": item.state}


@dataclass(frozen=True, slots=True)
class Heads:
    """The undominated claims of a register with the evidence each carries, and all live ones by ref."""

    heads: tuple[Claim, ...]
    strength: Mapping[Pair, int] = field(default_factory=dict)
    all: tuple[Claim, ...] = ()


def claim_key(said: list[Said]) -> Hashable:
    """What claims are compared by: the plain values (`claims.plain_value`) and states of all their questions."""
    return tuple(sorted(said, key=lambda each: each[0])) if len(said) > 1 else said[0]


def find_heads(
    claims: Sequence[Claim],
    policy: str,
    withstands: Callable[[Claim, Claim], bool] = lambda old, new: False,
) -> Heads:
    """The claims no other one dominates.

    A decision dominates exactly the pairs it covers. Anybody else dominates what it saw and is not weaker than
    (`latest`, `set`: what it saw). Under `status`, `withstands(old, new)` says what a decision only can replace.
    """
    strength = strengths(claims)
    if len(claims) == 1:
        alone = (claims[0],)
        return Heads(alone, strength, alone)
    ordered = sorted(claims, key=_by_pair)

    def dominates(a: Claim, b: Claim) -> bool:
        if a.covers is not None:
            return b.pair in a.covers
        if not a.saw(b):
            return False
        if policy in IGNORES_EVIDENCE:
            return True
        if policy == "status" and withstands(b, a):
            return False
        return strength[a.pair] >= strength[b.pair]

    heads = []
    for b in ordered:
        for a in ordered:
            if a is not b and dominates(a, b):
                break
        else:
            heads.append(b)
    return Heads(tuple(heads), strength, tuple(ordered))


def _by_pair(claim: Claim) -> Pair:
    return claim.pair


def strengths(claims: Sequence[Claim]) -> dict[Pair, int]:
    """Evidence each claim carries. A decision carries the highest of what it covers; a correction the higher of its
    own and of what it corrects, if it saw that; 5 is corrected by a verification or a decision only."""
    if not any(claim.covers is not None or claim.corrects for claim in claims):
        return {claim.pair: claim.evidence for claim in claims}
    by_pair = {claim.pair: claim for claim in claims}
    found: dict[Pair, int] = {}
    corrected: dict[str, list[Claim]] = {}
    for claim in by_pair.values():
        corrected.setdefault(claim.ref, []).append(claim)

    def leans_on(claim: Claim) -> list[Claim]:
        if claim.covers is not None:
            return [by_pair[pair] for pair in sorted(claim.covers) if pair in by_pair and pair != claim.pair]
        return [other for ref in sorted(claim.corrects) if claim.event.saw(ref) for other in corrected.get(ref, ())]

    for start in by_pair.values():
        stack = [start]
        while stack:
            claim = stack[-1]
            below = leans_on(claim)
            open_ones = [other for other in below if other.pair not in found and other not in stack]
            if claim.pair not in found and open_ones:
                stack.extend(open_ones)
                continue
            stack.pop()
            found.setdefault(claim.pair, _strength(claim, [found.get(other.pair, 0) for other in below]))
    return found


def _strength(claim: Claim, below: Sequence[int]) -> int:
    if claim.covers is not None:
        return max(below, default=claim.evidence)
    if claim.event.kind != "verification":
        below = [value for value in below if value < EVIDENCE_VERIFIED]
    return max([claim.evidence, *below])


def register_heads(events: Iterable[Event]) -> tuple[Event, ...]:
    """Heads of a register of whole events (reviews, ratifications, assignments): those no later one saw."""
    ordered = sorted(events, key=lambda event: event.ref)
    return tuple(e for e in ordered if not any(other.saw(e.ref) for other in ordered))
