"""`merged = fold(set of events, engine_version)`: the heart. The same set gives the same bytes.

No clock, no network, no order of arrival, no float, no locale, no random number. Strata: liveness (`liveness`),
households (`components`), roster (`roster`), fields (`causality`, `policy`), record (`record`, `case`); identity by
NIK (`identity`) stands beside them and works over what the records claim.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from schemas.canonical import canonical_bytes_unchecked
from schemas.event import Event
from schemas.form import Dictionary
from sync.claims import place_claims
from sync.components import clusters, find_components
from sync.identity import NikClaim, NikVerdict
from sync.liveness import LIVE, conditions
from sync.record import Scene, build_record

ENGINE_VERSION = 1
"""Goes up when the same events give other bytes; `padan rebuild` then regrows every record."""


@dataclass(frozen=True)
class Record:
    """The merged record of one family."""

    household_id: str
    """Canonical id."""
    home_region: str
    area: str
    aliases: tuple[str, ...]
    state: str
    data: dict[str, Any]
    trail: dict[str, Any]
    claims: tuple[NikClaim, ...]
    verdicts: tuple[NikVerdict, ...]

    @property
    def data_digest(self) -> str:
        """SHA-256 over values and roster."""
        return str(self.data["data_digest"])

    @property
    def delivery_digest(self) -> str:
        """SHA-256 over the delivered columns."""
        return str(self.data["delivery_digest"])

    @cached_property
    def data_bytes(self) -> bytes:
        """Canonical JSON of `data`: what is stored and served."""
        return canonical_bytes_unchecked(self.data)

    @cached_property
    def trail_bytes(self) -> bytes:
        """Canonical JSON of `trail`."""
        return canonical_bytes_unchecked(self.trail)


def fold(
    events: Iterable[Event], dictionary: Dictionary, households: Collection[str] | None = None
) -> tuple[Record, ...]:
    """Fold the events of one cluster into the records of its canonical households, sorted by id.

    `households`: the ids of the cluster (`components.clusters` says which belong together); by default the cluster is
    every id that can be reached, for a set of events that is one cluster. Repeated events count once.
    """
    by_ref = {event.ref: event for event in events}
    if households is None:
        households = _whole_cluster(by_ref.values())
    condition = conditions(by_ref)
    components = find_components(by_ref, condition, households)
    live = [by_ref[ref] for ref in sorted(by_ref) if condition[ref].status == LIVE]
    placed = place_claims(live, components, dictionary)
    scene = Scene(by_ref, condition, components, live, dictionary)
    records = []
    for name in sorted(components.members):
        built = build_record(scene, name, placed[name], ENGINE_VERSION)
        if built is not None:
            records.append(Record(**built))
    return tuple(records)


def fold_everything(events: Iterable[Event], dictionary: Dictionary) -> tuple[Record, ...]:
    """Fold any set of events, cluster by cluster; for tests, tools and small sets."""
    records: list[Record] = []
    for households, members in sorted(clusters({event.ref: event for event in events}.values()).items()):
        records += fold(members, dictionary, households)
    return tuple(sorted(records, key=lambda record: record.household_id))


def _whole_cluster(events: Iterable[Event]) -> tuple[str, ...]:
    found = clusters(events)
    if len(found) > 1:
        raise ValueError(f"these events are {len(found)} clusters; name the households to fold")
    return next(iter(found), ())
