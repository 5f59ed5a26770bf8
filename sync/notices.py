"""Conflicts that are about events rather than values: one id with two contents, disputed homes of a form, forms
filled while two families were linked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from schemas.event import Event
from sync.case import FIELD_KINDS
from sync.causality import register_heads
from sync.components import Components
from sync.liveness import HELD, LIVE, Condition
from sync.roster import Conflict

FORM_PATH = "h/_form"
"""Path by which conflicts and verdicts name a whole form."""


def household_conflicts(
    counted: Sequence[Event],
    events: Mapping[str, Event],
    condition: Mapping[str, Condition],
    components: Components,
    canonical: str,
) -> list[Conflict]:
    """Equivocation, reattach conflicts and forms filled while linked, of one family."""
    return [
        *_equivocations(counted),
        *_reattached_twice(events, condition, components, canonical),
        *_filled_while_linked(counted, events, condition, components, canonical),
    ]


def _equivocations(counted: Sequence[Event]) -> list[Conflict]:
    """One id sent with two contents: both are folded, a void of one closes it."""
    by_id: dict[str, list[str]] = defaultdict(list)
    for event in counted:
        if event.kind in FIELD_KINDS:
            by_id[event.id].append(event.ref)
    return [
        Conflict("equivocation", tuple({"ref": ref, "path": FORM_PATH} for ref in sorted(refs)), more={"id": id})
        for id, refs in sorted(by_id.items())
        if len(refs) > 1
    ]


def _reattached_twice(
    events: Mapping[str, Event], condition: Mapping[str, Condition], components: Components, canonical: str
) -> list[Conflict]:
    """A form that two supervisors moved to different families counts under neither; all of them show it."""
    conflicts = []
    for ref, place in sorted(components.reattached.items()):
        if place is not None:
            continue
        moves = [
            event
            for event in events.values()
            if event.kind == "reattach" and event.body["target"] == ref and condition[event.ref].status == LIVE
        ]
        homes = {components.of(hid) for event in moves for hid in event.filed_under}
        if canonical in homes:
            lines = tuple(
                {"ref": e.ref, "path": FORM_PATH, "value": e.body["to"]} for e in sorted(moves, key=lambda e: e.ref)
            )
            conflicts.append(Conflict("reattach", lines, more={"form": ref}))
    return conflicts


def _filled_while_linked(
    counted: Sequence[Event],
    events: Mapping[str, Event],
    condition: Mapping[str, Condition],
    components: Components,
    canonical: str,
) -> list[Conflict]:
    """A form whose context names another household that was joined, directly or by way of a third, by a link that is
    dead now."""
    links = [event for event in events.values() if event.kind == "link" and condition[event.ref].status != HELD]
    if not links:
        return []
    own = components.members[canonical]
    conflicts = []
    for event in counted:
        if event.kind not in FIELD_KINDS or event.ref in components.reattached:
            continue
        # A move or a split names the other family on purpose: it is filed under both.
        other = set(event.context.values()).difference(own, event.filed_under)
        strangers = other & _once_joined(own, (link for link in links if not link.saw(event.ref))) if other else other
        if strangers:
            line = {"ref": event.ref, "path": FORM_PATH}
            conflicts.append(Conflict("filled_while_linked", (line,), more={"households": sorted(strangers)}))
    return conflicts


def _once_joined(own: Iterable[str], links: Iterable[Event]) -> set[str]:
    """Ids that these links, dead or not, join with the family's own. A link that saw the form came after it."""
    found = set(own)
    waiting = [set(link.body["households"]) for link in links]
    while touching := [ids for ids in waiting if ids & found]:
        waiting = [ids for ids in waiting if ids not in touching]
        found.update(*touching)
    return found


def double_visit(counted: Sequence[Event]) -> bool:
    """Whether two officers visited without either having the other's form: a signal of quality, never a conflict."""
    heads = register_heads(event for event in counted if event.kind == "submission")
    return len({event.actor for event in heads}) > 1
