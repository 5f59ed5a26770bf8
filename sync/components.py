"""Stratum 1: households. Which ids are one family now, and under which of them each event counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from schemas.bodies import OUTSIDE
from schemas.event import Event
from sync.liveness import LIVE, Condition

JOINING_KINDS = frozenset({"link", "unlink", "reattach"})
"""Events that can join or part clusters: a household's cluster is the closure over where these are filed."""


@dataclass(frozen=True, slots=True)
class Components:
    """Canonical id of each household id of a cluster, and the other way round."""

    canonical: Mapping[str, str]
    members: Mapping[str, tuple[str, ...]]
    reattached: Mapping[str, str | None]
    """ref of a moved form -> the household it counts under; None where two supervisors disagree."""

    def of(self, household_id: str) -> str | None:
        """Canonical id of a household id, or None for an id of another cluster."""
        return self.canonical.get(household_id)

    def place(self, event: Event) -> str | None:
        """Canonical id under which the event counts; None where it counts nowhere in this cluster."""
        if event.ref not in self.reattached:
            return self.canonical.get(event.household_id)
        target = self.reattached[event.ref]
        return None if target is None else self.canonical.get(target)

    def counts_nowhere(self, event: Event) -> bool:
        """Whether supervisors disagree on where the form belongs: until that is settled it counts under no family."""
        return event.ref in self.reattached and self.reattached[event.ref] is None

    def left(self, event: Event, canonical: str) -> bool:
        """Whether the event is filed under this family and counts elsewhere or nowhere, being reattached."""
        return event.ref in self.reattached and self.place(event) != canonical


class Joined:
    """Disjoint sets over texts; the smallest text names its set."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def find(self, item: str) -> str:
        """The name of the set that holds `item`."""
        root = item
        while (above := self._parent.setdefault(root, root)) != root:
            root = above
        while self._parent[item] != root:
            self._parent[item], item = root, self._parent[item]
        return root

    def join(self, items: Iterable[str]) -> None:
        """Make one set of the sets that hold `items`."""
        roots = sorted({self.find(item) for item in items})
        for root in roots[1:]:
            self._parent[root] = roots[0]

    def sets(self, items: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Name -> sorted members, for the given items."""
        found: dict[str, list[str]] = defaultdict(list)
        for item in sorted(set(items)):
            found[self.find(item)].append(item)
        return {name: tuple(members) for name, members in found.items()}


def joins_clusters(event: Event) -> bool:
    """Whether the households this event is filed under must be folded together."""
    return event.kind in JOINING_KINDS and len(event.filed_under) > 1


def clusters(events: Iterable[Event]) -> dict[tuple[str, ...], list[Event]]:
    """Split a set of events into clusters: sorted household ids -> the events filed under any of them.

    An event filed under two families that are not joined (a split, a verdict) stands in both.
    """
    everything = list(events)
    joined = Joined()
    ids: set[str] = set()
    for event in everything:
        ids |= event.filed_under
        if joins_clusters(event):
            joined.join(event.filed_under)
    sets = joined.sets(ids)
    found: dict[tuple[str, ...], list[Event]] = {members: [] for members in sets.values()}
    for event in everything:
        for members in {sets[joined.find(hid)] for hid in event.filed_under}:
            found[members].append(event)
    return found


def find_components(
    events: Mapping[str, Event], condition: Mapping[str, Condition], household_ids: Collection[str]
) -> Components:
    """Components joined by live links. Canonical: the smallest id with a live prelist event, else the smallest."""
    joined = Joined()
    reattach: dict[str, set[str]] = defaultdict(set)
    listed: set[str] = set()
    for ref in sorted(events):
        if condition[ref].status != LIVE:
            continue
        event = events[ref]
        if event.kind == "link":
            joined.join([hid for hid in event.body["households"] if hid in event.filed_under])
        elif event.kind == "reattach":
            reattach[event.body["target"]].add(event.body["to"])
        elif event.kind == "prelist":
            listed.add(event.household_id)
    members, canonical = {}, {}
    for group in joined.sets(household_ids).values():
        name = min((hid for hid in group if hid in listed), default=group[0])
        members[name] = group
        canonical.update(dict.fromkeys(group, name))
    places = {
        ref: min(to) if len({canonical.get(hid, hid) for hid in to}) == 1 else None for ref, to in reattach.items()
    }
    return Components(canonical, members, places)


def moves_of(event: Event) -> dict[str, str]:
    """person key -> household id (or `outside`) to which the event moves that person. A move to a household under
    which the event is not filed has no effect: that household would never hear of it."""
    moves = event.body.get("moves")
    if not moves:
        return {}
    return {move["person"]: move["to"] for move in moves if move["to"] == OUTSIDE or move["to"] in event.filed_under}


def moves_without_effect(events: Iterable[Event]) -> list[dict[str, str]]:
    """Moves to a household under which the event is not filed: no effect, and listed."""
    return [
        {"ref": event.ref, "path": f"p/{move['person']}/member_of"}
        for event in events
        for move in event.body.get("moves", ())
        if move["person"] not in moves_of(event)
    ]
