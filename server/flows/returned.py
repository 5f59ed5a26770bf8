"""After a restore: which places of the log that was lost came back, and which nobody could return.

Each event had a place (region, epoch, position). The restored set ends at one; whoever hands back what came later says
where it had stood. What lies between the end of the set and the last place that anybody told of, and was told of by
nobody, is lost: this module lists it. What came after the last told place is known to nobody at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from server.store import devices, events, restores
from server.store.database import Connection
from server.store.restores import Restore

NEIGHBOURS = 20
"""So many events on either side of a gap are asked for a time."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Places from `first` to `last`. `since`, `until`: signed server times of what stood next to them; empty where none
    of the neighbours bears one."""

    first: int
    last: int
    since: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """One region's places in one lost epoch. `restored_to`: where the set ends; `told_to`: the last place told of.

    `gaps`: the places between the two that nobody told of.
    """

    home_region: str
    epoch: str
    restored_to: int
    told_to: int
    returned: int
    gaps: tuple[Gap, ...]

    @property
    def missing(self) -> int:
        """How many places nobody told of."""
        return sum(gap.last - gap.first + 1 for gap in self.gaps)


@dataclass(frozen=True, slots=True)
class Account:
    """What became of the places after one restore. `silent`: tablets that have not been heard of since."""

    restore: Restore
    stretches: tuple[Stretch, ...]
    silent: tuple[str, ...]


def account(db: Connection) -> Account | None:
    """The account of the newest restore; None where this database never was restored."""
    with db.snapshot():
        done = restores.all_restores(db)
        if not done:
            return None
        told: dict[tuple[str, str], dict[int, str]] = {}
        for claim in restores.claimed(db):
            told.setdefault((claim.epoch, claim.home_region), {})[claim.position] = claim.ref
        ends = {each.from_epoch: each.positions for each in done}
        stretches = []
        for (epoch, region), places in sorted(told.items()):
            found = stretch(region, epoch, _end(db, ends, epoch, region, list(places)), list(places))
            dated = tuple(_dated(db, region, gap, places) for gap in found.gaps)
            stretches.append(replace(found, gaps=dated))
        silent = [
            each.install
            for each in devices.installs(db)
            if each.revoked_ms is None and (each.last_contact_ms or 0) < done[-1].restored_ms
        ]
    return Account(done[-1], tuple(stretches), tuple(silent))


def stretch(region: str, epoch: str, restored_to: int, positions: Sequence[int]) -> Stretch:
    """The account of one region and epoch, from the places that were told."""
    beyond = sorted({position for position in positions if position > restored_to})
    told_to = beyond[-1] if beyond else restored_to
    return Stretch(region, epoch, restored_to, told_to, len(beyond), tuple(_gaps(restored_to, beyond)))


def _gaps(after: int, positions: Iterable[int]) -> list[Gap]:
    found = []
    for position in positions:
        if position > after + 1:
            found.append(Gap(after + 1, position - 1))
        after = position
    return found


def _end(
    db: Connection, ends: Mapping[str, Mapping[str, int]], epoch: str, region: str, positions: Sequence[int]
) -> int:
    """Where the restored log of a region ends, as far as an epoch goes.

    An epoch that this database never knew (it lived after the set was made, and was itself lost) begins nobody knows
    where: only what lies between places that were told can be said.
    """
    if epoch in ends:
        return ends[epoch].get(region, 0)
    known = restores.last_positions(db, epoch)
    return known[region] if region in known else min(positions) - 1


def _dated(db: Connection, region: str, gap: Gap, places: Mapping[int, str]) -> Gap:
    """When it was, about: by the stamps that stood nearest before and after."""
    before = sorted((position for position in places if position < gap.first), reverse=True)
    after = sorted(position for position in places if position > gap.last)
    return replace(gap, since=_time(db, region, before, places), until=_time(db, region, after, places))


def _time(db: Connection, region: str, positions: Iterable[int], places: Mapping[int, str]) -> str:
    for position in islice(positions, NEIGHBOURS):
        found = events.by_ref(db, region, places[position])
        if found is not None and found.kind == "stamp":
            return str(found.head["body"]["time"])
    return ""
