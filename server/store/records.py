"""Writing what a fold gave: records, aliases, officers, removals, and the feed position of each.

One rule: whatever a reader of the feed may have been sent and must now see otherwise gets a new position. Nothing
is written where nothing changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from server.store.database import Connection
from server.store.households import StoredRecord, aliases_of, load_exact
from server.store.packing import pack


def next_feed_position(db: Connection, region: str) -> int:
    """The next position of a region's feed; only inside the transaction that uses it."""
    db.run(
        """insert into feed_heads (home_region, position) values (:region, 1)
           on conflict (home_region) do update set position = feed_heads.position + 1""",
        {"region": region},
    )
    return int(db.value("select position from feed_heads where home_region = :region", {"region": region}))


def replace(db: Connection, region: str, fresh: Sequence[StoredRecord], ids: Sequence[str]) -> list[str]:
    """Make the records stored under `ids` (a whole cluster's, in one region) equal to `fresh`; the ids that changed."""
    old = {record.household_id: record for record in load_exact(db, region, ids)}
    new = {record.household_id: record for record in fresh}
    changed = []
    for household, record in sorted(new.items()):
        before = old.get(household)
        if before is None or _differs(before, record):
            _write(db, record)
            changed.append(household)
        if before is not None:
            _tell_left(db, before, record)
        if before is None or before.officers != record.officers:
            _write_officers(db, record)
    targets = {alias: record for record in fresh for alias in record.aliases}
    present = aliases_of(db, region, ids)
    for household in sorted(old.keys() - new.keys()):
        _drop(db, region, household)
        if household not in targets or targets[household].area != old[household].area:
            # Whoever sees the old area only is not sent the alias, which lies where the canonical household lies.
            _write_removal(db, region, household, old[household].area, "")
        for officer in old[household].officers:
            # Who works on it from elsewhere may not be sent the alias either, now or once the family is another's.
            _write_removal(db, region, household, old[household].area, officer)
        changed.append(household)
    for alias, record in sorted(targets.items()):
        if present.get(alias) != record.household_id:
            _write_alias(db, alias, record)
            changed.append(alias)
    for alias in sorted(present.keys() - targets.keys()):
        db.run(
            "delete from aliases where home_region = :region and household_id = :id", {"region": region, "id": alias}
        )
        changed.append(alias)
    return changed


def area_of(db: Connection, region: str, household_id: str) -> str:
    """Present area of a canonical household; empty where it has no record."""
    found = db.value(
        "select area from households where home_region = :region and household_id = :id",
        {"region": region, "id": household_id},
    )
    return "" if found is None else str(found)


def bump(db: Connection, region: str, household_id: str) -> None:
    """Give a household's feed row a new position without a change of its bytes (a NIK conflict beside it)."""
    if db.value(
        "select 1 from households where home_region = :region and household_id = :id",
        {"region": region, "id": household_id},
    ):
        db.run(
            """update households set feed_position = :position
               where home_region = :region and household_id = :id""",
            {"region": region, "id": household_id, "position": next_feed_position(db, region)},
        )


def _differs(old: StoredRecord, new: StoredRecord) -> bool:
    return _columns(old) != _columns(new)


def _columns(record: StoredRecord) -> Mapping[str, object]:
    return {
        "region": record.home_region,
        "id": record.household_id,
        "area": record.area,
        "state": record.state,
        "data": record.data,
        "trail": record.trail,
        "data_digest": record.data_digest,
        "delivery_digest": record.delivery_digest,
        "aliases": json.dumps(list(record.aliases), separators=(",", ":")),
        "conflicts": record.conflicts,
        "awaiting": record.awaiting,
        "engine": record.engine,
    }


def _write(db: Connection, record: StoredRecord) -> None:
    db.run(
        """insert into households (home_region, household_id, area, state, data, trail, data_digest, delivery_digest,
             aliases, conflicts, awaiting, engine, feed_position)
           values (:region, :id, :area, :state, :data, :trail, :data_digest, :delivery_digest, :aliases, :conflicts,
             :awaiting, :engine, :position)
           on conflict (home_region, household_id) do update set area = excluded.area, state = excluded.state,
             data = excluded.data, trail = excluded.trail, data_digest = excluded.data_digest,
             delivery_digest = excluded.delivery_digest, aliases = excluded.aliases, conflicts = excluded.conflicts,
             awaiting = excluded.awaiting, engine = excluded.engine, feed_position = excluded.feed_position""",
        {
            **_columns(record),
            "trail": pack(record.trail),
            "position": next_feed_position(db, record.home_region),
        },
    )
    db.run(
        """delete from feed_removals
           where home_region = :region and household_id = :id and area = :area and officer = ''""",
        {"region": record.home_region, "id": record.household_id, "area": record.area},
    )


def _tell_left(db: Connection, before: StoredRecord, record: StoredRecord) -> None:
    if before.area != record.area:
        _write_removal(db, record.home_region, record.household_id, before.area, "")
    for officer in sorted(set(before.officers) - set(record.officers)):
        _write_removal(db, record.home_region, record.household_id, before.area, officer)


def _write_removal(db: Connection, region: str, household: str, area: str, officer: str) -> None:
    db.run(
        """insert into feed_removals (home_region, household_id, area, officer, feed_position)
           values (:region, :id, :area, :officer, :position)
           on conflict (home_region, household_id, area, officer)
           do update set feed_position = excluded.feed_position""",
        {
            "region": region,
            "id": household,
            "area": area,
            "officer": officer,
            "position": next_feed_position(db, region),
        },
    )


def _write_officers(db: Connection, record: StoredRecord) -> None:
    key = {"region": record.home_region, "id": record.household_id}
    db.run("delete from household_officers where home_region = :region and household_id = :id", key)
    db.many(
        """insert into household_officers (home_region, officer, household_id) values (:region, :officer, :id)
           on conflict (home_region, officer, household_id) do nothing""",
        [{**key, "officer": officer} for officer in record.officers],
    )
    for officer in record.officers:
        db.run(
            """delete from feed_removals
               where home_region = :region and household_id = :id and officer = :officer""",
            {**key, "officer": officer},
        )


def _write_alias(db: Connection, alias: str, record: StoredRecord) -> None:
    db.run(
        """insert into aliases (home_region, household_id, canonical_id, area, feed_position)
           values (:region, :alias, :id, :area, :position)
           on conflict (home_region, household_id) do update set canonical_id = excluded.canonical_id,
             area = excluded.area, feed_position = excluded.feed_position""",
        {
            "region": record.home_region,
            "alias": alias,
            "id": record.household_id,
            "area": record.area,
            "position": next_feed_position(db, record.home_region),
        },
    )


def _drop(db: Connection, region: str, household: str) -> None:
    key = {"region": region, "id": household}
    db.run("delete from households where home_region = :region and household_id = :id", key)
    db.run("delete from household_officers where home_region = :region and household_id = :id", key)
