"""Conflicts that are about events rather than values: one id with two contents, disputed homes of a form, forms
filled while two families were linked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from schemas.event import Event
from sync.case import FIELD_KINDS
from sync.components import Components
from sync.roster import Conflict

FORM_PATH = "h/_form"
"""Path by which conflicts and verdicts name a whole form."""


def household_conflicts(
    counted: Sequence[Event], events: Mapping[str, Event], components: Components, canonical: str
) -> list[Conflict]:
    """Equivocation, reattach conflicts and forms filled while linked, of one family."""
    return [
        *_equivocations(counted),
        *_reattached_twice(events, components, canonical),
        *_filled_while_linked(counted, events, components, canonical),
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


def _reattached_twice(events: Mapping[str, Event], components: Components, canonical: str) -> list[Conflict]:
    """A form that two supervisors moved to different families counts under neither; all of them show it."""
    conflicts = []
    for ref, place in sorted(components.reattached.items()):
        if place is not None:
            continue
        moves = [e for e in events.values() if e.kind == "reattach" and e.body["target"] == ref]
        homes = {components.of(hid) for event in moves for hid in event.filed_under}
        if canonical in homes:
            lines = tuple(
                {"ref": e.ref, "path": FORM_PATH, "value": e.body["to"]} for e in sorted(moves, key=lambda e: e.ref)
            )
            conflicts.append(Conflict("reattach", lines, more={"form": ref}))
    return conflicts


def _filled_while_linked(
    counted: Sequence[Event], events: Mapping[str, Event], components: Components, canonical: str
) -> list[Conflict]:
    """A form whose context names another household that was joined by a now dead link."""
    parted: dict[str, set[str]] = defaultdict(set)
    for event in events.values():
        if event.kind == "link":
            for hid in event.body["households"]:
                parted[hid] |= {
                    other for other in event.body["households"] if components.of(other) != components.of(hid)
                }
    own = set(components.members[canonical])
    strangers = set().union(*(parted.get(hid, set()) for hid in own)) - own
    if not strangers:
        return []
    return [
        Conflict(
            "filled_while_linked",
            ({"ref": event.ref, "path": FORM_PATH},),
            more={"households": sorted(strangers & set(event.context.values()))},
        )
        for event in counted
        if event.kind in FIELD_KINDS
        and event.ref not in components.reattached
        and strangers & set(event.context.values())
    ]
