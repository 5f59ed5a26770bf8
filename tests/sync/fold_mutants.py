"""Named mistakes in the fold, each applied to the production code: a check that catches none of them checks nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from fold_histories import History
from fold_world import DICTIONARY

import sync.case
import sync.causality
import sync.claims
import sync.fold
import sync.policy
import sync.record
import sync.roster
from schemas.event import Event
from sync.causality import Claim, Heads
from sync.policy import Outcome

Mutant = Callable[[pytest.MonkeyPatch, History], None]


def self_context(patch: pytest.MonkeyPatch, history: History) -> None:
    """Everybody is taken to have seen what they sealed before, on whatever tablet."""
    numbers, saw = history.world.numbers, Claim.saw

    def own_too(claim: Claim, other: Claim) -> bool:
        mine, theirs = numbers[claim.ref], numbers[other.ref]
        return saw(claim, other) or (mine[0] == theirs[0] and theirs[1] < mine[1])

    patch.setattr(Claim, "saw", own_too)


def dead_dominator(patch: pytest.MonkeyPatch, history: History) -> None:
    """A form that was voided gives no value any more, and still dominates what it saw."""
    dead: dict[str, Event] = {}
    conditions = sync.fold.conditions

    def remember(events: Mapping[str, Event]) -> Any:
        found = conditions(events)
        dead.clear()
        dead.update({ref: events[ref] for ref, each in found.items() if each.status == "dead"})
        return found

    find_heads = sync.causality.find_heads

    def without_what_the_dead_saw(claims: Any, policy: str, *rest: Any) -> Heads:
        found = find_heads(claims, policy, *rest)
        left = tuple(
            c for c in found.heads if not any(c.ref in each.context and _asserts(each, c) for each in dead.values())
        )
        return replace(found, heads=left or found.heads[:1])

    patch.setattr(sync.fold, "conditions", remember)
    patch.setattr(sync.record, "find_heads", without_what_the_dead_saw)


def _asserts(event: Event, claim: Claim) -> bool:
    part, _, register = claim.path.rpartition("/")
    return any(
        p.name == part and any(DICTIONARY.register(part[0], n) == register for n in p.assertions) for p in event.parts
    )


def evidence_ignored(patch: pytest.MonkeyPatch, history: History) -> None:
    """Whoever saw a value replaces it, however weak the ground."""
    every = frozenset({"evidence", "ask", "status", "location", "latest", "set", "keep_all"})
    patch.setattr(sync.causality, "IGNORES_EVIDENCE", every)


def prune_to_heads(patch: pytest.MonkeyPatch, history: History) -> None:
    """Merging as events come, and forgetting those that are no head of anything."""
    fold = sync.fold.fold

    def pruning(events: Iterable[Event], dictionary: Any, households: Any = None) -> Any:
        kept: list[Event] = []
        for event in events:
            if event in kept:
                continue
            kept.append(event)
            found = fold(kept, dictionary, households)
            heads = {ref for each in found for line in each.trail["values"].values() for ref in line["heads"]}
            kept = [each for each in kept if each.ref in heads or each.kind not in ("submission", "change", "prelist")]
        return fold(kept, dictionary, households)

    patch.setattr(sync.fold, "fold", pruning)


def closure_computed(patch: pytest.MonkeyPatch, history: History) -> None:
    """What was seen by what was seen counts as seen."""

    def closed(events: Mapping[str, Event]) -> dict[str, Event]:
        contexts = {ref: dict(event.context) for ref, event in events.items()}
        for _ in events:
            for seen in contexts.values():
                for ref in list(seen):
                    seen.update(contexts.get(ref, {}))
        return {ref: replace(event, context=contexts[ref]) for ref, event in events.items()}

    _rewrite_events(patch, closed)


def version_vector(patch: pytest.MonkeyPatch, history: History) -> None:
    """Who knows one's fifth event is taken to know the four before it."""
    numbers = history.world.numbers

    def vectors(events: Mapping[str, Event]) -> dict[str, Event]:
        made = {}
        for ref, event in events.items():
            newest: dict[str, int] = defaultdict(int)
            for seen in event.context:
                if seen in numbers:
                    actor, number = numbers[seen]
                    newest[actor] = max(newest[actor], number)
            known = {o.ref: o.household_id for o in events.values() if numbers[o.ref][1] <= newest[numbers[o.ref][0]]}
            made[ref] = replace(event, context={**known, **event.context})
        return made

    _rewrite_events(patch, vectors)


def _rewrite_events(patch: pytest.MonkeyPatch, rewrite: Callable[[Mapping[str, Event]], dict[str, Event]]) -> None:
    fold = sync.fold.fold

    def rewritten(events: Iterable[Event], dictionary: Any, households: Any = None) -> Any:
        return fold(rewrite({event.ref: event for event in events}).values(), dictionary, households)

    patch.setattr(sync.fold, "fold", rewritten)


def roster_by_stale_nik(patch: pytest.MonkeyPatch, history: History) -> None:
    """Members are paired by any NIK they once had."""
    values = sync.roster._own_values

    def once(name: str, keys: Any, persons: Any, dictionary: Any) -> Any:
        if name != "nik":
            return values(name, keys, persons, dictionary)
        claims = sorted((c for key in keys for c in persons[key].get("nik", ())), key=lambda c: c.pair)
        said = [c.fields["nik"].value for c in claims if c.fields["nik"].state is None]
        return tuple(said[:1])

    patch.setattr(sync.roster, "_own_values", once)


def receive_time_tie_break(patch: pytest.MonkeyPatch, history: History) -> None:
    """Of two that disagree the last to arrive wins."""
    arrived: dict[str, int] = {}
    fold, agree = sync.fold.fold, sync.policy._agree

    def noting(events: Iterable[Event], dictionary: Any, households: Any = None) -> Any:
        events = list(events)
        arrived.clear()
        arrived.update({event.ref: number for number, event in enumerate(events)})
        return fold(events, dictionary, households)

    def last_wins(found: Heads, claims: Any, rule: str) -> Outcome:
        return agree(found, (max(claims, key=lambda claim: arrived[claim.ref]),), rule)

    patch.setattr(sync.fold, "fold", noting)
    patch.setattr(sync.policy, "_agree", last_wins)


def decision_by_key(patch: pytest.MonkeyPatch, history: History) -> None:
    """A decision settles whatever stands under its path, not what it names."""
    find_heads = sync.causality.find_heads

    def by_key(claims: Any, policy: str, *rest: Any) -> Heads:
        every = frozenset(claim.pair for claim in claims if claim.covers is None)
        return find_heads([c if c.covers is None else c._replace(covers=every) for c in claims], policy, *rest)

    patch.setattr(sync.record, "find_heads", by_key)


def return_ignored(patch: pytest.MonkeyPatch, history: History) -> None:
    """A return leaves the state as it was."""
    patch.setattr(sync.case, "open_returns", lambda counted, filed: [])


MUTANTS: Mapping[str, Mutant] = {
    each.__name__: each
    for each in (
        self_context, dead_dominator, evidence_ignored, prune_to_heads, closure_computed, roster_by_stale_nik,
        receive_time_tie_break, decision_by_key, return_ignored, version_vector,
    )
}  # fmt: skip
