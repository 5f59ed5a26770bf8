"""One cluster: reading it whole from the log, folding it, and what the store should then hold for it.

Shared by the fold, which writes that, and by `rebuild --check`, which compares it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.canonical import canonical_bytes_unchecked, sha256_hex
from schemas.event import Event
from schemas.form import Dictionary
from server.store import events, fold_queue, niks
from server.store.database import Connection
from server.store.households import StoredRecord
from sync.components import joins_clusters
from sync.fold import ENGINE_VERSION, Record, fold

Pair = tuple[str, str]
"""`(home_region, household id)`."""

NikDigest = Callable[[str], str]
Reorder = Callable[[list[Event]], None]


@dataclass(frozen=True, slots=True)
class Cluster:
    """Households that must be folded together, and every event filed under any of them."""

    events: Mapping[str, Event]
    filed: Mapping[Pair, int]
    """Each household and how many events are filed under it: grows with every event, so it says if the read is old."""
    generations: Mapping[Pair, int | None]

    @property
    def ids(self) -> tuple[str, ...]:
        """The household ids, sorted."""
        return tuple(sorted(household for _, household in self.filed))

    @property
    def regions(self) -> tuple[str, ...]:
        """Their home regions, sorted; one, unless somebody tried to join families of two."""
        return tuple(sorted({region for region, _ in self.filed}))


@dataclass(frozen=True, slots=True)
class Target:
    """What the derived tables should hold about one household id of a cluster."""

    record: StoredRecord | None
    claims: Mapping[tuple[str, str], str]
    verdicts: Mapping[str, str]
    cases: Mapping[str, tuple[str, str]]


def load_cluster(db: Connection, pair: Pair) -> Cluster:
    """Follow link, unlink and reattach events, live or not, from one household to all that must be folded with it."""
    found: dict[str, Event] = {}
    filed: dict[Pair, int] = {}
    waiting = [pair]
    with db.snapshot():
        while waiting:
            region, household = waiting.pop()
            if (region, household) in filed:
                continue
            stored = events.filed_under(db, region, household)
            filed[region, household] = len(stored)
            for row in stored:
                if row.ref in found:
                    continue
                event = row.event()
                found[row.ref] = event
                if joins_clusters(event):
                    waiting.append((event.home_region, event.household_id))
                    waiting += [(other_region, other) for other, other_region in event.also.items()]
        generations = {each: fold_queue.generation(db, each) for each in filed}
    return Cluster(found, filed, generations)


def still_current(db: Connection, cluster: Cluster) -> bool:
    """Whether nothing arrived for the cluster, and nobody asked for it again, since it was read."""
    return all(
        events.count_filed(db, *pair) == number and fold_queue.generation(db, pair) == cluster.generations[pair]
        for pair, number in cluster.filed.items()
    )


def fold_cluster(
    cluster: Cluster, dictionary: Dictionary, nik_digest: NikDigest, reorder: Reorder | None = None
) -> dict[Pair, Target]:
    """Fold a cluster; what the store should hold for each of its households. `reorder` shuffles the events first."""
    ordered = list(cluster.events.values())
    if reorder is not None:
        reorder(ordered)
    targets = {pair: Target(None, {}, {}, {}) for pair in cluster.filed}
    for record in fold(ordered, dictionary, cluster.ids):
        targets[record.home_region, record.household_id] = Target(
            stored_record(record),
            {(nik_digest(claim.nik), claim.person_key): niks.claim_text(claim) for claim in record.claims},
            {verdict.ref: niks.verdict_text(verdict) for verdict in record.verdicts},
            cases_of(record.data, record.trail),
        )
    return targets


def stored_record(record: Record) -> StoredRecord:
    """A record as the table of households keeps it: the very bytes that are served."""
    return StoredRecord(
        home_region=record.home_region,
        household_id=record.household_id,
        area=record.area,
        state=record.state,
        data=record.data_bytes,
        trail=record.trail_bytes,
        data_digest=record.data_digest,
        delivery_digest=record.delivery_digest,
        aliases=record.aliases,
        conflicts=len(record.data["conflicts"]),
        awaiting=len(record.data["awaiting"]),
        engine=ENGINE_VERSION,
        officers=tuple(sorted(record.data["assigned"])),
    )


def cases_of(data: Mapping[str, Any], trail: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Key -> `(kind, detail)` of what a record leaves to people: conflicts, missing refs, held events."""
    lines = [(conflict["kind"], conflict) for conflict in data["conflicts"]]
    if data["awaiting"]:
        lines.append(("awaiting", {"kind": "awaiting", "refs": data["awaiting"]}))
    lines += [("held", line) for line in trail["held"]]
    lines += [("ineffective", line) for line in trail["ineffective"]]
    found: dict[str, tuple[str, str]] = {}
    seen: Counter[str] = Counter()
    for kind, detail in lines:
        named = {name: detail.get(name) for name in ("path", "keys", "ref")}
        key = sha256_hex(canonical_bytes_unchecked({"kind": kind, **named}))[:32]
        seen[key] += 1
        if seen[key] > 1:
            key = f"{key}-{seen[key]}"
        found[key] = (kind, canonical_bytes_unchecked(detail).decode())
    return found


def nik_case(row: Mapping[str, Any]) -> tuple[str, str]:
    """`(kind, detail)` of a NIK's row as a work list keeps it; of a very common NIK it says no more than that."""
    shown = {name: value for name, value in row.items() if name != "nik_digest"}
    if row["kind"] == "nik_hot":
        shown |= {"households": [], "count": 0}
    return row["kind"], canonical_bytes_unchecked(shown).decode()
