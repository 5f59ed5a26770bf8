"""Households that wait to be folded, one row each however many events came.

A row carries the *generation* of its region, a number that only grows. Who folds takes the generation with the
events and removes the row only if it still bears it: an event that arrives meanwhile raises it and is not lost.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from server.store.database import Connection, Row

Pair = tuple[str, str]
"""`(home_region, household_id)`."""


def put(db: Connection, pairs: Collection[Pair], now_ms: int) -> None:
    """Queue households at the present generation of their region. The caller has raised it in this transaction.

    One that waited only to be folded again (a form was published) comes forward."""
    db.many(
        """insert into fold_queue (home_region, household_id, generation, queued_ms)
           select :region, :household, generation, :now from log_heads where home_region = :region
           on conflict (home_region, household_id) do update
           set generation = excluded.generation, failures = 0, problem = null, not_before_ms = 0, refold = 0,
             queued_ms = case when fold_queue.refold = 1 then excluded.queued_ms else fold_queue.queued_ms end""",
        [{"region": region, "household": household, "now": now_ms} for region, household in sorted(pairs)],
    )


def put_again(db: Connection, pairs: Iterable[Pair], now_ms: int) -> int:
    """Queue households without a new event (parts that came in later); how many."""
    wanted = set(pairs)
    for region in sorted({region for region, _ in wanted}):
        raise_generation(db, region)
    put(db, wanted, now_ms)
    return len(wanted)


def put_all(db: Connection, now_ms: int) -> int:
    """Queue every household there is, behind all that something happened to; how many."""
    db.run("update log_heads set generation = generation + 1")
    return db.run(
        """insert into fold_queue (home_region, household_id, generation, queued_ms, refold)
           select k.home_region, k.household_id, h.generation, :now, 1
           from known_households k join log_heads h on h.home_region = k.home_region where true
           on conflict (home_region, household_id) do update
           set generation = excluded.generation, failures = 0, problem = null, not_before_ms = 0""",
        {"now": now_ms},
    )


def raise_generation(db: Connection, region: str) -> None:
    """Make every fold of this region that is under way notice that it is out of date."""
    db.run("update log_heads set generation = generation + 1 where home_region = :region", {"region": region})


def oldest(db: Connection, limit: int, now_ms: int, skip: int = 0) -> list[Pair]:
    """The households that wait longest, those first that something happened to; leaving out those whose fold failed a
    moment ago, and the first `skip`."""
    rows = db.all(
        """select home_region, household_id from fold_queue where not_before_ms <= :now
           order by refold, queued_ms limit :limit offset :skip""",
        {"limit": limit, "now": now_ms, "skip": skip},
    )
    return [(row["home_region"], row["household_id"]) for row in rows]


def generation(db: Connection, pair: Pair) -> int | None:
    """The generation under which a household is queued, or None."""
    found = db.value(
        "select generation from fold_queue where home_region = :region and household_id = :household",
        {"region": pair[0], "household": pair[1]},
    )
    return None if found is None else int(found)


def done(db: Connection, seen: Iterable[tuple[Pair, int]]) -> None:
    """Take households off the queue, each only if it still bears the generation that was folded."""
    db.many(
        """delete from fold_queue
           where home_region = :region and household_id = :household and generation = :generation""",
        [{"region": pair[0], "household": pair[1], "generation": number} for pair, number in seen],
    )


def failed(db: Connection, pair: Pair, problem: str, again_ms: int) -> None:
    """Keep a household queued whose fold raised: it is tried again later and shown by `padan doctor`."""
    db.run(
        """update fold_queue set failures = failures + 1, problem = :problem, not_before_ms = :again
           where home_region = :region and household_id = :household""",
        {"region": pair[0], "household": pair[1], "problem": problem[:300], "again": again_ms},
    )


def failures(db: Connection) -> list[Row]:
    """Households whose fold raised."""
    return db.all("select home_region, household_id, failures, problem from fold_queue where failures > 0")


def length(db: Connection, at_most: int = 1_000_000_000) -> int:
    """How many households wait; counting stops at `at_most`."""
    return int(db.value("select count(*) from (select 1 from fold_queue limit :most) as q", {"most": at_most}))


def fresh(db: Connection, at_most: int) -> int:
    """How many wait because something happened to them; counting stops at `at_most`."""
    found = db.value(
        "select count(*) from (select 1 from fold_queue where refold = 0 limit :most) as q", {"most": at_most}
    )
    return int(found)


def oldest_ms(db: Connection) -> int | None:
    """Since when the oldest waits that something happened to, ms since 1970."""
    found = db.value("select min(queued_ms) from fold_queue where refold = 0")
    return None if found is None else int(found)
