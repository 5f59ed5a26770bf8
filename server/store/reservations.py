"""Places in the registry: one row per NIK (or key of a person without one), held by at most one household.

A place is personal data: it stands in rows and never in a log.
"""

from __future__ import annotations

from collections.abc import Sequence

from server.store.database import Connection, chunks, marks


def reserve(db: Connection, place: str, region: str, household_id: str, now_ms: int) -> str | None:
    """Take a place, in a transaction of its own; None when it is ours now (or was), else the household that has it."""
    with db.transaction():
        db.run(
            """insert into reservations (place, home_region, household_id, reserved_ms)
               values (:place, :region, :household, :now) on conflict (place) do nothing""",
            {"place": place, "region": region, "household": household_id, "now": now_ms},
        )
        holder = str(db.value("select household_id from reservations where place = :place", {"place": place}))
    return None if holder == household_id else holder


def release(db: Connection, household_id: str, places: Sequence[str]) -> int:
    """Give places back, those only that this household holds; how many."""
    released = 0
    for chunk in chunks(places):
        listed, params = marks("p", chunk)
        released += db.run(
            f"delete from reservations where household_id = :household and place in ({listed})",
            {"household": household_id, **params},
        )
    return released


def rename(db: Connection, household_id: str, place: str, name: str) -> int:
    """Hold a place under another name: that of an erased person under a digest, until the registry lets it go."""
    return db.run(
        "update reservations set place = :name where place = :place and household_id = :household",
        {"name": name, "place": place, "household": household_id},
    )


def held_by(db: Connection, region: str, household_id: str) -> tuple[str, ...]:
    """The places a household holds, ascending."""
    rows = db.all(
        "select place from reservations where home_region = :region and household_id = :household order by place",
        {"region": region, "household": household_id},
    )
    return tuple(row["place"] for row in rows)


def holders(db: Connection, places: Sequence[str]) -> dict[str, str]:
    """Place -> household, for those of the places that are taken."""
    found: dict[str, str] = {}
    for chunk in chunks(places):
        listed, params = marks("p", chunk)
        rows = db.all(f"select place, household_id from reservations where place in ({listed})", params)
        found.update({row["place"]: row["household_id"] for row in rows})
    return found


def households(db: Connection) -> list[tuple[str, str]]:
    """`(home_region, household id)` of all that hold a place; the sweep looks for orphans among them."""
    rows = db.all("select distinct home_region, household_id from reservations order by home_region, household_id")
    return [(row["home_region"], row["household_id"]) for row in rows]


def count(db: Connection) -> int:
    """How many places are taken."""
    return int(db.value("select count(*) from reservations"))
