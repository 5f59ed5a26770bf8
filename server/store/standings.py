"""What stands in the registry under each household id, as the last receipt says. A cache of receipt events."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from server.store.database import Connection, chunks, marks
from sync.delivery import Standing
from sync.reconcile import Row as Line


@dataclass(frozen=True, slots=True)
class Stored:
    """A standing with the digest of what was delivered and the key under which."""

    household_id: str
    standing: Standing
    content_digest: str
    idempotency_key: str
    places: tuple[str, ...] = field(default=(), repr=False)
    """Places in the registry that it takes; empty where nobody could say (a receipt without its part)."""


def of(db: Connection, region: str, households: Iterable[str]) -> dict[str, Stored]:
    """The standings of these ids, withdrawn ones too."""
    found: dict[str, Stored] = {}
    for chunk in chunks(sorted(set(households))):
        listed, params = marks("h", chunk)
        rows = db.all(
            f"select * from standings where home_region = :region and household_id in ({listed})",
            {"region": region, **params},
        )
        for row in rows:
            disputed = frozenset(json.loads(row["disputed"]))
            standing = Standing(row["version"], row["delivery_digest"], bool(row["withdrawn"]), disputed)
            found[row["household_id"]] = Stored(
                row["household_id"],
                standing,
                row["content_digest"],
                row["idempotency_key"],
                tuple(json.loads(row["places"])),
            )
    return found


def put(db: Connection, region: str, stored: Stored) -> None:
    """Note a receipt; one of an older version than the one known changes nothing."""
    db.run(
        """insert into standings (home_region, household_id, version, withdrawn, delivery_digest, content_digest,
             disputed, places, idempotency_key)
           values (:region, :household, :version, :withdrawn, :delivery, :content, :disputed, :places, :key)
           on conflict (home_region, household_id) do update set version = excluded.version,
             withdrawn = excluded.withdrawn, delivery_digest = excluded.delivery_digest,
             content_digest = excluded.content_digest, disputed = excluded.disputed,
             places = excluded.places, idempotency_key = excluded.idempotency_key
           where excluded.version >= standings.version""",
        {
            "region": region,
            "household": stored.household_id,
            "version": stored.standing.version,
            "withdrawn": int(stored.standing.withdrawn),
            "delivery": stored.standing.delivery_digest,
            "content": stored.content_digest,
            "disputed": json.dumps(sorted(stored.standing.disputed)),
            "places": json.dumps(list(stored.places)),
            "key": stored.idempotency_key,
        },
    )


def put_places(db: Connection, region: str, household: str, places: Sequence[str]) -> None:
    """Say otherwise which places a household takes in the registry: an erased person's under a digest."""
    db.run(
        "update standings set places = :places where home_region = :region and household_id = :household",
        {"region": region, "household": household, "places": json.dumps(sorted(places))},
    )


def lines(db: Connection, region: str) -> list[Line]:
    """`(household id, version, content digest)` of all that stands in a region."""
    rows = db.all(
        """select household_id, version, content_digest from standings
           where home_region = :region and withdrawn = 0 order by household_id""",
        {"region": region},
    )
    return [(row["household_id"], row["version"], row["content_digest"]) for row in rows]


def forget(db: Connection, region: str, households: Sequence[str] | None = None) -> None:
    """Drop a region's standings, or those of some ids; they are made anew from receipts or from the registry."""
    if households is None:
        db.run("delete from standings where home_region = :region", {"region": region})
        return
    db.many(
        "delete from standings where home_region = :region and household_id = :household",
        [{"region": region, "household": household} for household in households],
    )


def count(db: Connection) -> int:
    """How many households stand in the registry, as far as our receipts say."""
    return int(db.value("select count(*) from standings where withdrawn = 0"))
