"""Outbox rows: one per version of a household that goes to the registry. A row's states are `sync/delivery.py`'s.

Every change is one guarded update: it happens only from the state the table of moves allows, and, for a leased row,
only by the holder of the newest lease token. False means "not any more": somebody else was faster.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from server.store.database import Connection, Row, marks
from sync import delivery


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One version on its way. `payload`: the bytes that are sent, frozen; `places`: what they take in the registry."""

    home_region: str
    household_id: str
    idempotency_key: str
    action: str
    version: int
    delivery_digest: str
    payload: bytes = field(repr=False)
    places: tuple[str, ...] = field(repr=False)
    state: str = "pending"
    attempts: int = 0
    due_ms: int = 0
    lease_holder: str | None = None
    lease_token: int = 0
    lease_until_ms: int = 0
    problem_code: str | None = None
    problem: str | None = None
    receipt_ref: str | None = None
    written_ms: int = 0
    changed_ms: int = 0

    @property
    def key(self) -> dict[str, str]:
        """Its primary key as parameters."""
        return {"region": self.home_region, "household": self.household_id, "key": self.idempotency_key}


def write(db: Connection, row: OutboxRow, now_ms: int) -> bool:
    """Write a new row, due at `row.due_ms`; False where the key is known: the same version was written before."""
    return bool(
        db.run(
            """insert into outbox (home_region, household_id, idempotency_key, action, version, delivery_digest,
                 payload, places, state, attempts, due_ms, lease_token, lease_until_ms, written_ms, changed_ms)
               values (:region, :household, :key, :action, :version, :digest, :payload, :places, :state, 0, :due, 0,
                 0, :now, :now)
               on conflict (home_region, household_id, idempotency_key) do nothing""",
            {
                **row.key,
                "action": row.action,
                "version": row.version,
                "digest": row.delivery_digest,
                "payload": row.payload,
                "places": json.dumps(list(row.places)),
                "state": delivery.move("", "written").target,
                "due": row.due_ms,
                "now": now_ms,
            },
        )
    )


def drop_superseded(db: Connection, row: OutboxRow) -> bool:
    """Make room for a row whose key was superseded before it was ever applied (a form changed there and back)."""
    return bool(
        db.run(
            """delete from outbox where home_region = :region and household_id = :household
               and idempotency_key = :key and state = 'superseded'""",
            row.key,
        )
    )


def claim(
    db: Connection, holder: str, now_ms: int, lease_ms: int, limit: int, *, asking_only: bool = False
) -> list[OutboxRow]:
    """Lease the rows that are due, oldest first, at most one per household: pending ones to send, uncertain to ask."""
    claimed: list[OutboxRow] = []
    sending = "0 = 1" if asking_only else "o.state = 'pending'"
    with db.transaction():
        rows = db.all(
            f"""select o.* from outbox o where o.due_ms <= :now and (o.state = 'uncertain' or ({sending}
                 and not exists (select 1 from outbox f where f.home_region = o.home_region
                   and f.household_id = o.household_id and f.state in ('sending', 'uncertain', 'asking'))))
               order by o.due_ms, o.written_ms, o.household_id, o.version limit :limit""",
            {"now": now_ms, "limit": limit * 2},
        )
        taken: set[tuple[str, str]] = set()
        for row in map(_row, rows):
            place = (row.home_region, row.household_id)
            if place in taken or len(claimed) == limit:
                continue
            taken.add(place)
            db.run(
                """update outbox set state = :target, attempts = attempts + 1, lease_holder = :holder,
                     lease_token = lease_token + 1, lease_until_ms = :until, changed_ms = :now
                   where home_region = :region and household_id = :household and idempotency_key = :key""",
                {
                    **row.key,
                    "target": delivery.move(row.state, "claimed").target,
                    "holder": holder,
                    "until": now_ms + lease_ms,
                    "now": now_ms,
                },
            )
            fresh = load(db, row.home_region, row.household_id, row.idempotency_key)
            claimed += [fresh] if fresh is not None else []
    return claimed


def move(
    db: Connection,
    row: OutboxRow,
    event: str,
    now_ms: int,
    *,
    due_ms: int | None = None,
    problem: tuple[str, str] | None = None,
    version: int | None = None,
    payload: bytes | None = None,
    receipt_ref: str | None = None,
) -> bool:
    """Move a row on. Raises `IllegalMove` for what the table does not know; False where the row, or its lease, has
    changed since it was read. `problem`: `(code, sentence)`, without personal data; left out, it is cleared."""
    target = delivery.move(row.state, event).target
    code, text = problem or (None, None)
    return bool(
        db.run(
            """update outbox set state = :target, due_ms = coalesce(:due, due_ms), problem_code = :code,
                 problem = :text, version = coalesce(:version, version), payload = coalesce(:payload, payload),
                 receipt_ref = coalesce(:receipt, receipt_ref), lease_holder = null, lease_until_ms = 0,
                 changed_ms = :now
               where home_region = :region and household_id = :household and idempotency_key = :key
                 and state = :origin and lease_token = :token""",
            {
                **row.key,
                "target": target,
                "due": due_ms,
                "code": code,
                "text": text,
                "version": version,
                "payload": payload,
                "receipt": receipt_ref,
                "origin": row.state,
                "token": row.lease_token,
                "now": now_ms,
            },
        )
    )


def note_receipt(db: Connection, row: OutboxRow, receipt_ref: str) -> None:
    """Keep which event says what the registry answered."""
    db.run(
        """update outbox set receipt_ref = :ref where home_region = :region and household_id = :household
           and idempotency_key = :key""",
        {**row.key, "ref": receipt_ref},
    )


def empty(db: Connection, row: OutboxRow, payload: bytes, places: Sequence[str]) -> None:
    """Put what an erasure left in the place of a row's payload and places; its state and its lease stay."""
    db.run(
        """update outbox set payload = :payload, places = :places, problem = null where home_region = :region
           and household_id = :household and idempotency_key = :key""",
        {**row.key, "payload": payload, "places": json.dumps(list(places))},
    )


def renew(db: Connection, row: OutboxRow, until_ms: int) -> bool:
    """Keep a lease for longer; False where it was taken over."""
    return bool(
        db.run(
            """update outbox set lease_until_ms = :until where home_region = :region and household_id = :household
               and idempotency_key = :key and state = :state and lease_token = :token""",
            {**row.key, "until": until_ms, "state": row.state, "token": row.lease_token},
        )
    )


def expired(db: Connection, now_ms: int, limit: int = 100) -> list[OutboxRow]:
    """Leased rows whose worker is gone; the reaper moves each with `lease_expired`."""
    rows = db.all(
        """select * from outbox where state in ('sending', 'asking') and lease_until_ms < :now
           order by lease_until_ms limit :limit""",
        {"now": now_ms, "limit": limit},
    )
    return [_row(row) for row in rows]


def load(db: Connection, region: str, household_id: str, key: str) -> OutboxRow | None:
    """One row."""
    row = db.one(
        """select * from outbox where home_region = :region and household_id = :household
           and idempotency_key = :key""",
        {"region": region, "household": household_id, "key": key},
    )
    return None if row is None else _row(row)


def of_household(db: Connection, region: str, household_id: str) -> list[OutboxRow]:
    """All rows of a household id, oldest version first."""
    rows = db.all(
        """select * from outbox where home_region = :region and household_id = :household
           order by version, written_ms, idempotency_key""",
        {"region": region, "household": household_id},
    )
    return [_row(row) for row in rows]


def in_states(db: Connection, states: tuple[str, ...], limit: int = 200) -> list[OutboxRow]:
    """Rows in some states, those that changed longest ago first: dead letters, waiting for a reservation."""
    listed, params = marks("s", states)
    rows = db.all(
        f"select * from outbox where state in ({listed}) order by changed_ms, household_id limit :limit",
        {**params, "limit": limit},
    )
    return [_row(row) for row in rows]


def counts(db: Connection) -> dict[str, int]:
    """State -> rows."""
    return {row["state"]: row["n"] for row in db.all("select state, count(*) as n from outbox group by state")}


def oldest_ms(db: Connection, states: Sequence[str]) -> int | None:
    """Since when the row that is longest in one of these states is in it; None where there is none."""
    listed, params = marks("s", states)
    found = db.value(f"select min(changed_ms) from outbox where state in ({listed})", params)
    return None if found is None else int(found)


def next_due_ms(db: Connection) -> int | None:
    """When the next row is due, ms since 1970; None where nothing waits."""
    found = db.value("select min(due_ms) from outbox where state in ('pending', 'uncertain')")
    return None if found is None else int(found)


def _row(row: Row) -> OutboxRow:
    values: dict[str, Any] = {name: row[name] for name in OutboxRow.__slots__ if name != "places"}
    return OutboxRow(**values, places=tuple(json.loads(row["places"])))
