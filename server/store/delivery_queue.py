"""Households that delivery must look at again, and how far it has read the feed. Driven by changes, never by a scan.

Who looks takes the row with its generation and removes it only if it still bears it, so that a change meanwhile is
not lost. A household that waits for a place stays, `blocked_on` that place, and is woken when the place is free.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from server.store.database import Connection, Row, chunks, marks

_OPEN = "('pending', 'waiting_reservation', 'sending', 'uncertain', 'asking', 'rejected')"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row of the queue. `wanted`: the places that its next version needs, where it waits for one of them."""

    home_region: str
    household_id: str
    generation: int
    blocked_on: str = field(repr=False)
    wanted: tuple[str, ...] = field(repr=False)


def follow_feed(db: Connection, region: str, states: Collection[str], step: int) -> int:
    """Queue what changed in the next `step` feed positions of a region; how many positions were read.

    Only what may be or has been delivered is queued: records in one of `states`, and ids that stand in the registry
    or have an open row, whether they are canonical, an alias by now, or gone.
    """
    with db.transaction():
        head = db.value("select position from feed_heads where home_region = :region", {"region": region}) or 0
        after = db.value("select position from delivery_cursors where home_region = :region", {"region": region}) or 0
        upto = min(head, after + step)
        if upto <= after:
            return 0
        listed, params = marks("s", sorted(states))
        params |= {"region": region, "after": after, "upto": upto}
        known = f"""(exists (select 1 from standings s where s.home_region = t.home_region
                       and s.household_id = t.household_id and s.withdrawn = 0)
                     or exists (select 1 from outbox o where o.home_region = t.home_region
                       and o.household_id = t.household_id and o.state in {_OPEN}))"""
        window = "t.home_region = :region and t.feed_position > :after and t.feed_position <= :upto"
        rows = db.all(
            f"""select t.household_id as id from households t where {window} and (t.state in ({listed}) or {known})
                union select t.canonical_id from aliases t where {window} and {known}
                union select t.household_id from feed_removals t where {window} and t.officer = '' and {known}""",
            params,
        )
        put(db, [(region, row["id"]) for row in rows])
        db.run(
            """insert into delivery_cursors (home_region, position) values (:region, :upto)
               on conflict (home_region) do update set position = excluded.position""",
            {"region": region, "upto": upto},
        )
        return int(upto - after)


def follow_from_start(db: Connection) -> None:
    """Look at everything again: what was learned from the registry may change what is to be sent."""
    db.run("delete from delivery_cursors")
    db.run("update delivery_queue set due_ms = 0, generation = generation + 1")


def put(db: Connection, pairs: Iterable[tuple[str, str]], due_ms: int = 0) -> None:
    """Let these households be looked at, at once or at a time."""
    db.many(
        """insert into delivery_queue (home_region, household_id, generation, due_ms, blocked_on, wanted)
           values (:region, :household, 1, :due, '', '')
           on conflict (home_region, household_id) do update set generation = delivery_queue.generation + 1,
             due_ms = excluded.due_ms""",
        [{"region": region, "household": household, "due": due_ms} for region, household in sorted(set(pairs))],
    )


def due(db: Connection, now_ms: int, limit: int) -> list[Waiting]:
    """Those whose time has come."""
    rows = db.all(
        "select * from delivery_queue where due_ms <= :now order by due_ms, home_region, household_id limit :limit",
        {"now": now_ms, "limit": limit},
    )
    return [_waiting(row) for row in rows]


def is_queued(db: Connection, region: str, household_id: str) -> bool:
    """Whether a household is to be looked at."""
    sql = "select 1 from delivery_queue where home_region = :region and household_id = :household"
    return db.value(sql, {"region": region, "household": household_id}) is not None


def done(db: Connection, row: Waiting) -> None:
    """Take a household off, unless it was queued again meanwhile."""
    db.run(
        """delete from delivery_queue where home_region = :region and household_id = :household
           and generation = :generation""",
        _key(row),
    )


def wait(db: Connection, row: Waiting, until_ms: int, blocked_on: str, wanted: Collection[str] = ()) -> None:
    """Leave a household waiting, unless it was queued again meanwhile."""
    db.run(
        """update delivery_queue set due_ms = :until, blocked_on = :blocker, wanted = :wanted
           where home_region = :region and household_id = :household and generation = :generation""",
        {**_key(row), "until": until_ms, "blocker": blocked_on, "wanted": json.dumps(sorted(wanted)) if wanted else ""},
    )


def forget_wishes(db: Connection, pairs: Iterable[tuple[str, str]]) -> None:
    """Drop for whom and for which places these households wait, and let them be looked at again: an erasure."""
    db.many(
        """update delivery_queue set blocked_on = '', wanted = '', due_ms = 0, generation = generation + 1
           where home_region = :region and household_id = :household""",
        [{"region": region, "household": household} for region, household in sorted(set(pairs))],
    )


def wake(db: Connection, blockers: Iterable[str], but: str = "") -> None:
    """Let everybody who waits for one of these be looked at now; `but` is the household that gave them back itself."""
    db.many(
        """update delivery_queue set due_ms = 0, generation = generation + 1
           where blocked_on = :blocker and blocked_on <> '' and household_id <> :but""",
        [{"blocker": blocker, "but": but} for blocker in sorted(set(blockers))],
    )


def waiting_of(db: Connection, households: Collection[str]) -> dict[str, Waiting]:
    """Those of the households that wait for a place, by id."""
    found: dict[str, Waiting] = {}
    for chunk in chunks(sorted(households)):
        listed, params = marks("h", chunk)
        for row in db.all(f"select * from delivery_queue where wanted <> '' and household_id in ({listed})", params):
            found[row["household_id"]] = _waiting(row)
    return found


def blocked(db: Connection, limit: int) -> list[Waiting]:
    """Households that wait for somebody else, for people to see."""
    rows = db.all(
        "select * from delivery_queue where blocked_on <> '' order by home_region, household_id limit :limit",
        {"limit": limit},
    )
    return [_waiting(row) for row in rows]


def length(db: Connection) -> int:
    """How many households wait to be looked at, or for somebody else."""
    return int(db.value("select count(*) from delivery_queue"))


def next_due_ms(db: Connection) -> int | None:
    """When the next is due, ms since 1970; None where nothing waits."""
    found = db.value("select min(due_ms) from delivery_queue")
    return None if found is None else int(found)


def _key(row: Waiting) -> dict[str, object]:
    return {"region": row.home_region, "household": row.household_id, "generation": row.generation}


def _waiting(row: Row) -> Waiting:
    wanted = tuple(json.loads(row["wanted"])) if row["wanted"] else ()
    return Waiting(row["home_region"], row["household_id"], row["generation"], row["blocked_on"], wanted)
