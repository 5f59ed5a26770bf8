"""Delivery to the registry, for the worker and the command line: a tick, dead letters, pausing, a dry run.

The sweep (`deliver_prepare`) writes rows, the sender (`deliver_send`) exchanges them, `reconcile` compares. All of it
may run in several processes at once; what keeps them apart are leases, reservations and keys, never the schedule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from schemas.problems import ProblemError
from server.flows.deliver_judge import PAUSED, Dispatch, Judgement, frozen, judge, paused
from server.flows.deliver_prepare import ORDERED, order_withdrawal, sweep
from server.flows.deliver_send import Sent, Wire, send_round
from server.flows.receipts import content_of
from server.store import delivery_queue, households, identity, leases, outbox, reservations, standings
from server.store.database import Connection
from server.store.events import regions
from server.store.outbox import OutboxRow
from sync.delivery import RATIFIED_STATES, REASONS
from sync.delivery_payload import is_emptied
from sync.pacing import Circuit

ROUNDS_MAX = 200
DEAD = ("rejected",)


UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Of the registry's answer "taken": whom it names."""


@dataclass(frozen=True, slots=True)
class Ticked:
    """What one tick did."""

    looked_at: int = 0
    claimed: int = 0
    accepted: int = 0
    rejected: int = 0
    uncertain: int = 0
    dropped: int = 0

    def __bool__(self) -> bool:
        return bool(self.looked_at or self.claimed)


@dataclass(frozen=True, slots=True)
class Overview:
    """Delivery as an operator sees it. `frozen`: restored, reconciliation not clean yet. `paused`: why, or empty."""

    rows: dict[str, int]
    standing: int
    queue: int
    frozen: bool
    paused: str
    circuit: Circuit
    next_due_ms: int | None


def tick(db: Connection, dispatch: Dispatch, line: Wire, holder: str, rounds: int = ROUNDS_MAX) -> Ticked:
    """Sweep what changed and send what is due, until nothing is left now or `rounds` are over."""
    looked = sweep_all(db, dispatch, rounds)
    total = Ticked(looked)
    for _ in range(rounds):
        sent = send_round(db, dispatch, line, holder)
        total = _with(total, sent)
        if not sent.claimed:
            break
    return total


def sweep_all(db: Connection, dispatch: Dispatch, rounds: int = ROUNDS_MAX) -> int:
    """Sweep until nothing is due; how many households were looked at."""
    looked = 0
    for _ in range(rounds):
        swept = sweep(db, dispatch)
        looked += swept.looked_at
        if not swept.more:
            break
    return looked


def overview(db: Connection, destination: str) -> Overview:
    """Where delivery stands."""
    return Overview(
        outbox.counts(db),
        standings.count(db),
        delivery_queue.length(db),
        frozen(db),
        paused(db),
        leases.circuit(db, destination),
        outbox.next_due_ms(db),
    )


def dead_letters(db: Connection, limit: int = 200) -> list[OutboxRow]:
    """Rows the registry said no to, with its words; oldest first."""
    return outbox.in_states(db, DEAD, limit)


def retry(db: Connection, dispatch: Dispatch, household_id: str | None = None) -> int:
    """Send dead letters again, of one household or all: same key, same payload. How many."""
    now_ms = dispatch.clock.now_ms()
    done = 0
    with db.transaction():
        for row in outbox.in_states(db, DEAD, 100_000):
            # Of an emptied one nothing is left to send; the sweep writes the record as it is now.
            if (household_id is None or row.household_id == household_id) and not is_emptied(content_of(row)):
                done += outbox.move(db, row, "retried", now_ms, due_ms=now_ms)
    return done


def pause(db: Connection, reason: str) -> None:
    """Send nothing until `resume`; what is uncertain is still asked for."""
    identity.set_setting(db, PAUSED, reason or "paused")


def resume(db: Connection) -> None:
    """Send again."""
    identity.set_setting(db, PAUSED, "")


def withdraw(db: Connection, dispatch: Dispatch, household_id: str) -> None:
    """Take a household back from the registry on an operator's order. Raises `ProblemError` where it may not be.

    A record that is ratified would be delivered anew at once: its ratification is undone first.
    """
    region = households.region_of(db, household_id)
    if region is None:
        raise ProblemError("not_found", f"Keluarga {household_id} tidak ada.")
    found = judge(db, dispatch, region, household_id)
    if "not_ratified" not in found.codes:
        raise ProblemError("wrong_state", "Keluarga ini disahkan; batalkan (undo) pengesahannya lebih dahulu.")
    if not order_withdrawal(db, dispatch, region, found.household_id, ORDERED):
        raise ProblemError("wrong_state", "Tidak ada yang dapat ditarik: tidak ada di registri, atau sedang dikirim.")


def dry_run(db: Connection, dispatch: Dispatch, household_id: str) -> dict[str, Any]:
    """What would be done with one household now, and why not. Nothing is written, no NIK is shown."""
    region = households.region_of(db, household_id)
    if region is None:
        raise ProblemError("not_found", f"Keluarga {household_id} tidak ada.")
    return _explained(db, judge(db, dispatch, region, household_id))


def dry_run_all(db: Connection, dispatch: Dispatch) -> Iterator[dict[str, Any]]:
    """The same for every ratified household."""
    for region in regions(db):
        for state in sorted(RATIFIED_STATES):
            after = ""
            while page := households.page(db, region, state=state, after_id=after, limit=200):
                for record in page:
                    yield _explained(db, judge(db, dispatch, region, record.household_id))
                after = page[-1].household_id


def waits_for(db: Connection, household_id: str) -> list[str]:
    """The families that hold a NIK or a person that this one wants to deliver: known here, or told by the registry.

    They have the same person: a verdict, or moving the person, settles whose it is."""
    region = households.region_of(db, household_id) or ""
    waiting = delivery_queue.waiting_of(db, [household_id]).get(household_id)
    places = [*waiting.wanted, waiting.blocked_on] if waiting is not None else []
    found = set(reservations.holders(db, places).values())
    for row in outbox.of_household(db, region, household_id):
        if row.state == "waiting_reservation" and row.problem_code == "taken":
            found |= set(UUID.findall(row.problem or ""))
    return sorted(found - {household_id})


def _explained(db: Connection, found: Judgement) -> dict[str, Any]:
    blockers = waits_for(db, found.household_id)
    standing = found.standing.get(found.household_id)
    if found.unsettled:
        action = "wait"
    elif found.withdraw:
        action = "withdraw"
    else:
        action = "none" if found.reasons else "wait" if blockers else "deliver"
    return {
        "household_id": found.household_id,
        "action": action,
        "withdraw": list(found.withdraw),
        "version": found.version,
        "standing": standing.standing.version if standing and standing.standing.stands() else None,
        "reasons": [{"code": each.code, "about": each.about, "text": REASONS[each.code]} for each in found.reasons],
        "waits_for": [] if found.reasons else blockers,
        "persons": len(found.payload["persons"]) if found.payload else 0,
        "rows": [{"state": row.state, "version": row.version, "problem": row.problem} for row in found.rows],
    }


def _with(total: Ticked, sent: Sent) -> Ticked:
    return Ticked(
        total.looked_at,
        total.claimed + sent.claimed,
        total.accepted + sent.accepted,
        total.rejected + sent.rejected,
        total.uncertain + sent.uncertain,
        total.dropped + sent.dropped,
    )
