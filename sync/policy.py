"""Policies: from the heads of a register to a value or a conflict. One table; the sheet's column names its rows.

Every rule is about heads (undominated claims); dominance itself is in `sync/causality.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from schemas.form import Field
from schemas.paths import split_path
from sync.causality import KEPT, Claim, Heads, cell
from sync.intervals import Interval, wholly_before
from sync.location import within_50_m

Answer = dict[str, Any]
"""`{"value": ...}` or `{"state": ...}` or `{"values": [...]}`, with `kept` beside or instead of them for answers to
older versions that cannot be read; made afresh for each outcome."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Either `answers` by field, chosen from `chosen` by `rule`, or a conflict between `conflict`."""

    answers: Mapping[str, Answer]
    rule: str
    chosen: tuple[Claim, ...] = ()
    conflict: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """What a policy needs to know of a register: its fields, and the times between which each event was made."""

    fields: tuple[Field, ...]
    interval: Callable[[str], Interval]

    def any_code(self, claim: Claim, codes: Callable[[Field], Iterable[str]]) -> bool:
        """Whether the claim gives one of the codes that a field's column lists."""
        for question in self.fields:
            item = claim.fields.get(question.name)
            if item is not None and item.state is None and item.value in tuple(codes(question)):
                return True
        return False

    def withstands(self, old: Claim, new: Claim) -> bool:
        """Whether `old` stays though `new` saw it: deceased, moved, duplicate are not taken back without a
        supervisor, and "no respondent" takes the place of no other outcome."""
        for question in self.fields:
            was, now = _code(old, question.name), _code(new, question.name)
            if was is not None and was in question.sticky and now != was:
                return True
            if was is not None and was not in question.yields and now in question.yields:
                return True
        return False


def resolve(policy: str, found: Heads, question: Question) -> Outcome:
    """Apply the policy's row of the table to the heads. `found.heads` is not empty."""
    return POLICIES.get(policy, _ask)(found, question)


def _ask(found: Heads, question: Question) -> Outcome:
    return _agree(found, found.heads, "ask")


def _evidence(found: Heads, question: Question) -> Outcome:
    """Highest wins; a tie with different values is a conflict. Against a decision stands what saw it and is weaker,
    and a concurrent head that is not weaker."""
    strength = found.strength
    decisions = [claim for claim in found.heads if claim.decides]
    floor = min((strength[claim.pair] for claim in decisions), default=-1)
    if not decisions:
        floor = max(strength[claim.pair] for claim in found.heads)
    asked = tuple(
        claim
        for claim in found.heads
        if claim.decides or strength[claim.pair] >= floor or any(claim.saw(decision) for decision in decisions)
    )
    return _agree(found, asked, "evidence")


def _latest(found: Heads, question: Question) -> Outcome:
    """Causal successor; else drop heads whose interval lies wholly before another head's. A decision stands at the
    times of what it covers: else settling two visits would bring a third, older one back."""
    if len(found.heads) == 1:
        return _agree(found, found.heads, "latest")
    settled = {pair for claim in found.heads for pair in claim.covers or ()}
    visits = [claim for claim in found.all if not claim.decides and (claim in found.heads or claim.pair in settled)]
    times = {claim.pair: question.interval(claim.ref) for claim in visits}
    left = tuple(
        claim
        for claim in found.heads
        if claim.decides or not any(wholly_before(times[claim.pair], times[other.pair]) for other in visits)
    )
    return _agree(found, left, "latest")


def _status(found: Heads, question: Question) -> Outcome:
    """As `ask`; "no respondent" yields to any other outcome."""
    firm = tuple(
        claim for claim in found.heads if claim.decides or not question.any_code(claim, lambda each: each.yields)
    )
    return _agree(found, firm or found.heads, "status")


def _set(found: Heads, question: Question) -> Outcome:
    """Union; an exclusive choice beside another is a conflict, and so is what a decision did not see."""
    name = question.fields[0].name if question.fields else split_path(found.heads[0].path)[1]
    # A unit is chosen together: lists of different visits cannot be mixed inside one.
    alone = len(question.fields) > 1 or len({claim.key for claim in found.heads}) == 1
    if alone or any(claim.decides for claim in found.heads):
        return _agree(found, found.heads, "set")
    codes: set[str] = set()
    for claim in found.heads:
        item = claim.fields.get(name)
        if item is not None and item.state is None:
            codes |= set(item.value if isinstance(item.value, list) else [item.value])
    exclusive = question.fields[0].exclusive if question.fields else ()
    if len(codes) > 1 and any(code in codes for code in exclusive):
        return Outcome({}, "set", conflict=found.heads)
    if not codes:
        return _agree(found, (representative(found.heads, found),), "set")
    return Outcome({name: {"value": sorted(codes)} | _kept(found.heads, name)}, "set", chosen=found.heads)


def _location(found: Heads, question: Question) -> Outcome:
    """All heads within 50 m of one another: a decision's point, else the best accuracy, then the smallest ref; else
    a conflict. A head without a point (declined, unknown) is near nothing."""
    name = next((field.name for field in question.fields if field.type == "geopoint"), "")
    points = [
        (claim, item.value)
        for claim in found.heads
        if (item := claim.fields.get(name)) is not None and item.state is None
    ]
    if len(points) < len(found.heads) or len(points) == 1:
        return _agree(found, found.heads, "location")
    if not all(within_50_m(here, there) for (_, here), (_, there) in combinations(points, 2)):
        return Outcome({}, "location", conflict=found.heads)
    best, _ = min(points, key=lambda point: (not point[0].decides, point[1]["acc_dm"], point[0].pair))
    return Outcome(_answers(best), "decision" if best.decides else "location", chosen=(best,))


def _keep_all(found: Heads, question: Question) -> Outcome:
    """All live ones, ordered by ref: a remark is never replaced."""
    answers: dict[str, Answer] = {}
    names = sorted({name for claim in found.all for name in claim.fields})
    for name in names:
        items = [claim.fields[name] for claim in found.all if name in claim.fields]
        answers[name] = {"values": [item.value for item in items if item.state is None]} | _kept(found.all, name)
    return Outcome(answers, "keep_all", chosen=found.all)


def _derived(found: Heads, question: Question) -> Outcome:
    """What clients stated for a computed value: never a conflict, the fold computes its own beside it
    (`relevance`) and flags a mismatch."""
    best = representative(found.heads, found)
    flags = {"flags": ["derived_mismatch"]} if len({claim.key for claim in found.heads}) > 1 else {}
    return Outcome({name: {**answer, **flags} for name, answer in _answers(best).items()}, "derived", chosen=(best,))


POLICIES: Mapping[str, Callable[[Heads, Question], Outcome]] = {
    "evidence": _evidence,
    "latest": _latest,
    "status": _status,
    "set": _set,
    "location": _location,
    "keep_all": _keep_all,
    "derived": _derived,
    "ask": _ask,
}


def _code(claim: Claim, name: str) -> Any:
    """The value a claim gives for one question; None for a state or nothing."""
    item = claim.fields.get(name)
    return None if item is None or item.state is not None else item.value


def _agree(found: Heads, claims: Sequence[Claim], rule: str) -> Outcome:
    """Equal values corroborate; different ones are a conflict between all of these."""
    if len(claims) == 1:
        return Outcome(_answers(claims[0]), "decision" if claims[0].decides else rule, chosen=tuple(claims))
    if len({claim.key for claim in claims}) > 1:
        return Outcome({}, rule, conflict=tuple(sorted(claims, key=lambda claim: claim.pair)))
    best = representative(claims, found)
    if best.decides:
        rule = "decision"
    return Outcome(_answers(best), rule, chosen=tuple(sorted(claims, key=lambda claim: claim.pair)))


def representative(claims: Sequence[Claim], found: Heads) -> Claim:
    """Whose spelling is shown where all agree: a decision's, else the strongest, then the smallest ref."""
    if len(claims) == 1:
        return claims[0]
    return min(claims, key=lambda claim: (not claim.decides, -found.strength[claim.pair], claim.pair))


def _answers(claim: Claim) -> dict[str, Answer]:
    return {name: cell(item) for name, item in claim.fields.items()}


def _kept(claims: Iterable[Claim], name: str) -> Answer:
    """What the claims say of a question that cannot be read any more, beside the values of the others."""
    items = [claim.fields[name] for claim in claims if name in claim.fields]
    said = [item.value for item in items if item.state == KEPT]
    return {"kept": said} if said else {}
