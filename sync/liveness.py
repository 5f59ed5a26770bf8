"""Stratum 0: which events count. *Live* = neither dead nor held (docs/merge.md, "The strata").

Whatever points at events points at refs, and a ref is a hash over what it points at: so the recursion ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from schemas.event import DEVICE_KINDS, ENVELOPE_VERSION, HOLDABLE_KINDS, KINDS, UNDOABLE_KINDS, VOIDABLE_KINDS, Event

LIVE, DEAD, HELD = "live", "dead", "held"

TARGETS: Mapping[str, frozenset[str]] = {
    "void": VOIDABLE_KINDS,
    "undo": UNDOABLE_KINDS,
    "unlink": frozenset({"link"}),
    "reattach": DEVICE_KINDS,
    "hold": HOLDABLE_KINDS,
    "admit": HOLDABLE_KINDS,
}
"""Kind of event -> kinds it may name. One that names another kind is itself held."""


@dataclass(frozen=True, slots=True)
class Condition:
    """`status` is live, dead or held; `reason` says why an event is held."""

    status: str
    reason: str = ""


def conditions(events: Mapping[str, Event]) -> dict[str, Condition]:
    """The condition of each event, by ref."""
    pointers = _Pointers(events)
    found: dict[str, Condition] = {}
    for ref in sorted(events):
        stack = [ref]
        while stack:
            top = stack[-1]
            waiting = [other for other in pointers.on(top) if other not in found and other not in stack]
            if top not in found and waiting:
                stack.extend(waiting)
                continue
            stack.pop()
            if top not in found:
                found[top] = pointers.judge(top, found)
    return found


class _Pointers:
    """Who names whom, split by what the naming does."""

    def __init__(self, events: Mapping[str, Event]) -> None:
        self.events = events
        self.killers: dict[str, list[str]] = defaultdict(list)
        self.holders: dict[str, list[str]] = defaultdict(list)
        self.admitters: dict[str, list[str]] = defaultdict(list)
        for ref in sorted(events):
            event = events[ref]
            if event.kind in ("void", "undo"):
                self.killers[event.body["target"]].append(ref)
            elif event.kind == "unlink":
                for link in event.body["links"]:
                    self.killers[link].append(ref)
            elif event.kind == "hold":
                self.holders[event.body["target"]].append(ref)
            elif event.kind == "admit":
                self.admitters[event.body["target"]].append(ref)

    def on(self, ref: str) -> list[str]:
        """Refs whose condition decides this one's."""
        return [*self.killers.get(ref, ()), *self.holders.get(ref, ()), *self.admitters.get(ref, ())]

    def judge(self, ref: str, found: Mapping[str, Condition]) -> Condition:
        def live(refs: list[str]) -> list[str]:
            return [other for other in refs if other in found and found[other].status == LIVE]

        if live(self.killers.get(ref, [])):
            return Condition(DEAD)
        reason = _unusable(self.events[ref], self.events)
        if reason:
            return Condition(HELD, reason)
        holds = live(self.holders.get(ref, []))
        if holds and not live(self.admitters.get(ref, [])):
            return Condition(HELD, min(str(self.events[hold].body["reason"]) for hold in holds))
        return Condition(LIVE)


def _unusable(event: Event, events: Mapping[str, Event]) -> str:
    """Why the event is held by itself: not readable by this engine, or pointing at what it may not point at."""
    if event.kind not in KINDS or event.version > ENVELOPE_VERSION:
        return "unreadable"
    if event.kind in TARGETS:
        reason = _wrong_target(event, TARGETS[event.kind], events)
        if not reason and event.kind == "reattach" and event.body["to"] not in event.filed_under:
            reason = "filed_too_narrowly"
        return reason
    if event.kind == "link":
        if any(region != event.home_region for region in event.also.values()):
            return "link_across_regions"
        if not event.filed_under.issuperset(event.body["households"]):
            return "filed_too_narrowly"
    return ""


def _wrong_target(event: Event, kinds: frozenset[str], events: Mapping[str, Event]) -> str:
    for ref in event.body["links"] if event.kind == "unlink" else (event.body["target"],):
        target = events.get(ref)
        if target is None:
            continue
        if target.kind not in kinds:
            return "wrong_target"
        if not target.filed_under <= event.filed_under:
            # A household that shares the target but not the pointer would fold it as live: two truths.
            return "filed_too_narrowly"
    return ""
