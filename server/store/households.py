"""Merged households: the fold's output, kept as the very bytes that are served. A cache of the log.

`data` and `trail` are never parsed and written again here; the trail is packed in the file. Each write takes the next
feed position of its region, so that whoever asks "what changed since" reads in order and misses nothing; positions are
given inside the transaction that holds the write lock.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.store.database import Connection, Row, chunks, marks
from server.store.packing import unpack


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One merged household as it is stored."""

    home_region: str
    household_id: str
    area: str
    state: str
    data: bytes
    trail: bytes
    data_digest: str
    delivery_digest: str
    aliases: tuple[str, ...]
    conflicts: int
    awaiting: int
    engine: int
    feed_position: int = 0
    officers: tuple[str, ...] = ()


def region_of(db: Connection, household_id: str) -> str | None:
    """Home region of a household id, or None for one that was never heard of."""
    found = db.value("select home_region from known_households where household_id = :id", {"id": household_id})
    return None if found is None else str(found)


def resolve(db: Connection, region: str, household_id: str) -> str:
    """The canonical id of a household id's present component; the id itself where it is canonical or unknown."""
    found = db.value(
        "select canonical_id from aliases where home_region = :region and household_id = :id",
        {"region": region, "id": household_id},
    )
    return household_id if found is None else str(found)


def load(db: Connection, household_id: str, region: str | None = None) -> StoredRecord | None:
    """The record to which an id resolves, or None. Without a region it is looked up."""
    region = region or region_of(db, household_id)
    if region is None:
        return None
    row = db.one(
        "select * from households where home_region = :region and household_id = :id",
        {"region": region, "id": resolve(db, region, household_id)},
    )
    return None if row is None else record_from(row)


def load_exact(db: Connection, region: str, household_ids: Sequence[str]) -> list[StoredRecord]:
    """The records stored under exactly these ids, with their officers; for the fold and its check."""
    found = []
    for chunk in chunks(sorted(set(household_ids))):
        listed, params = marks("h", chunk)
        params["region"] = region
        officers: dict[str, list[str]] = {}
        for row in db.all(
            f"""select household_id, officer from household_officers
                where home_region = :region and household_id in ({listed})""",
            params,
        ):
            officers.setdefault(row["household_id"], []).append(row["officer"])
        rows = db.all(
            f"""select * from households where home_region = :region and household_id in ({listed})
                order by household_id""",
            params,
        )
        found += [record_from(row, tuple(sorted(officers.get(row["household_id"], ())))) for row in rows]
    return found


def areas_of(db: Connection, region: str, household_ids: Sequence[str]) -> dict[str, str]:
    """Present area of each of the ids that has a record or is the alias of one."""
    found: dict[str, str] = {}
    for chunk in chunks(household_ids):
        listed, params = marks("h", chunk)
        params["region"] = region
        for table in ("aliases", "households"):
            rows = db.all(
                f"select household_id, area from {table} where home_region = :region and household_id in ({listed})",
                params,
            )
            found.update({row["household_id"]: row["area"] for row in rows})
    return found


def assigned_to(db: Connection, region: str, officers: Sequence[str], household_ids: Sequence[str]) -> set[str]:
    """Those of the ids that are assigned to one of the officers, by their own id or as an alias."""
    found: set[str] = set()
    if not officers:
        return found
    names, name_params = marks("o", sorted(officers))
    for chunk in chunks(household_ids):
        listed, params = marks("h", chunk)
        rows = db.all(
            f"""select household_id from household_officers
                where home_region = :region and officer in ({names}) and household_id in ({listed})
                union
                select a.household_id from aliases a join household_officers o
                on o.home_region = a.home_region and o.household_id = a.canonical_id
                where a.home_region = :region and o.officer in ({names}) and a.household_id in ({listed})""",
            {"region": region, **name_params, **params},
        )
        found.update(row["household_id"] for row in rows)
    return found


def page(
    db: Connection,
    region: str,
    *,
    area_prefix: str | None = None,
    state: str | None = None,
    officer: str | None = None,
    after_id: str = "",
    limit: int = 100,
) -> list[StoredRecord]:
    """Records of a region in order of id, for lists: by area (a code and all beneath it), state, officer."""
    wanted = ["h.home_region = :region", "h.household_id > :after"]
    params: dict[str, Any] = {"region": region, "after": after_id, "limit": limit}
    if area_prefix and area_prefix != region:
        wanted.append("(h.area = :area or (h.area >= :area_low and h.area < :area_high))")
        params.update({"area": area_prefix, "area_low": area_prefix + ".", "area_high": area_prefix + "/"})
    if state is not None:
        wanted.append("h.state = :state")
        params["state"] = state
    if officer is not None:
        wanted.append(
            """exists (select 1 from household_officers o where o.home_region = h.home_region
               and o.officer = :officer and o.household_id = h.household_id)"""
        )
        params["officer"] = officer
    rows = db.all(
        f"select h.* from households h where {' and '.join(wanted)} order by h.household_id limit :limit", params
    )
    return [record_from(row) for row in rows]


def stream(db: Connection, region: str) -> Iterator[StoredRecord]:
    """All records of a region in order of id, in constant memory."""
    for row in db.stream(
        "select * from households where home_region = :region order by household_id", {"region": region}, size=100
    ):
        yield record_from(row)


def first(db: Connection, limit: int, states: Sequence[str] = ()) -> list[tuple[str, str]]:
    """`(home_region, household id)` of the first records in order of id, of all or of those in one of the states. Ids
    are random: so these are as good as drawn."""
    listed, params = marks("s", states)
    where = f"where state in ({listed})" if states else ""
    rows = db.all(
        f"select home_region, household_id from households {where} order by household_id limit :limit",
        {**params, "limit": limit},
    )
    return [(row["home_region"], row["household_id"]) for row in rows]


def all_data(db: Connection) -> Iterator[bytes]:
    """The bytes of every record, in no order and in constant memory."""
    for row in db.stream("select data from households", size=200):
        yield bytes(row["data"])


def counts_by_state(db: Connection, region: str | None = None) -> dict[str, int]:
    """State -> number of households."""
    where = "" if region is None else "where home_region = :region"
    rows = db.all(f"select state, count(*) as n from households {where} group by state", {"region": region})
    return {row["state"]: row["n"] for row in rows}


def count(db: Connection) -> int:
    """How many merged households are stored."""
    return int(db.value("select count(*) from households"))


def unfiled(db: Connection) -> Iterator[tuple[str, str]]:
    """Records of households that no event was ever filed under; there should be none."""
    rows = db.stream(
        """select h.home_region, h.household_id from households h
           where not exists (select 1 from known_households k
             where k.household_id = h.household_id and k.home_region = h.home_region)"""
    )
    for row in rows:
        yield row["home_region"], row["household_id"]


def drop_unfiled(db: Connection, region: str, household_id: str) -> None:
    """Remove such a record and what hangs on it."""
    for table in ("households", "household_officers", "nik_claims", "nik_verdicts", "cases"):
        db.run(
            f"delete from {table} where home_region = :region and household_id = :id",
            {"region": region, "id": household_id},
        )


def aliases_of(db: Connection, region: str, household_ids: Sequence[str]) -> dict[str, str]:
    """Alias -> canonical id, for those of the ids that are aliases."""
    found: dict[str, str] = {}
    for chunk in chunks(sorted(set(household_ids))):
        listed, params = marks("h", chunk)
        params["region"] = region
        rows = db.all(
            f"""select household_id, canonical_id from aliases
                where home_region = :region and household_id in ({listed})""",
            params,
        )
        found.update({row["household_id"]: row["canonical_id"] for row in rows})
    return found


def record_from(row: Row | Mapping[str, Any], officers: tuple[str, ...] = ()) -> StoredRecord:
    """A row of the table as a record."""
    return StoredRecord(
        home_region=row["home_region"],
        household_id=row["household_id"],
        area=row["area"],
        state=row["state"],
        data=row["data"],
        trail=unpack(row["trail"]),
        data_digest=row["data_digest"],
        delivery_digest=row["delivery_digest"],
        aliases=tuple(json.loads(row["aliases"])),
        conflicts=row["conflicts"],
        awaiting=row["awaiting"],
        engine=row["engine"],
        feed_position=row["feed_position"],
        officers=officers,
    )
