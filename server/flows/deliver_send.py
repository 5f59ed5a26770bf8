"""Claiming due rows, sending or asking, and writing the result: only the holder of the newest lease token writes.

Threads speak to the registry and nothing else; all reading and writing of the database is done by the caller's
thread. What a dead worker sent is unknown: its rows become `uncertain`, and the registry is asked first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace

from server.flows import receipts
from server.flows.deliver_judge import Dispatch, Pair, frozen, paused
from server.log import get_logger
from server.registry.adapter import Adapter, Delivery, Handed
from server.registry.mapping import Step, settle, step_after
from server.store import delivery_queue, fold_queue, households, leases, niks, outbox
from server.store.database import Connection
from server.store.outbox import OutboxRow
from sync.delivery import DELIVER, NOT_APPLIED, RATIFIED_STATES
from sync.delivery_payload import is_emptied
from sync.pacing import (
    CLOSED,
    OPEN,
    Circuit,
    may_pass,
    next_try_ms,
    on_claim,
    on_failure,
    on_refusal,
    on_success,
    on_wait,
)

IN_FLIGHT_MAX = 16
LEASE_MS = 180_000
"""Longer than the slowest exchange: connecting 5 s and answering 40 s, twice when asking."""
PROBE_WAIT_S = 120
NOT_YET_MS = 3_000
TAKEN_WAIT_MS = 15 * 60_000
STALE_AT_ONCE = 3
"""So often a row is numbered anew and sent again at once; after that with back-off."""

NewAdapter = Callable[[], Adapter]
_log = get_logger()


@dataclass(frozen=True, slots=True)
class Sent:
    """What one round did. `dropped`: results that came after the lease was taken over."""

    claimed: int = 0
    accepted: int = 0
    rejected: int = 0
    uncertain: int = 0
    later: int = 0
    dropped: int = 0


class Wire:
    """The registry as a few threads reach it: one adapter each, since adapters are not shared between threads."""

    def __init__(self, new_adapter: NewAdapter, threads: int = IN_FLIGHT_MAX) -> None:
        self._new, self._local, self._lock = new_adapter, threading.local(), threading.Lock()
        self._adapters: list[Adapter] = []
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="padan-delivery")
        self.batches = self.adapter().name == "file"
        """A file adapter takes many deliveries at once and makes one batch of them."""

    def adapter(self) -> Adapter:
        """This thread's adapter."""
        found: Adapter | None = getattr(self._local, "adapter", None)
        if found is None:
            found = self._local.adapter = self._new()
            with self._lock:
                self._adapters.append(found)
        return found

    def steps(self, dispatch: Dispatch, rows: Sequence[OutboxRow]) -> Iterator[tuple[OutboxRow, Step, bool]]:
        """Send or ask for each row; as the answers come: the row, the step, whether it is with people now."""
        sending = [row for row in rows if row.state == "sending"]
        asking = [row for row in rows if row.state == "asking"]
        futures = {self._pool.submit(self._ask, dispatch, row): [row] for row in asking}
        groups = [sending] if self.batches and sending else [[row] for row in sending]
        futures |= {self._pool.submit(self._send, dispatch, group): group for group in groups}
        for future in as_completed(futures):
            for row, (step, with_people) in zip(futures[future], future.result(), strict=True):
                yield row, step, with_people

    def close(self) -> None:
        """End the threads and their connections."""
        self._pool.shutdown()
        for adapter in self._adapters:
            close = getattr(adapter, "close", None)
            if close is not None:
                close()

    def _send(self, dispatch: Dispatch, rows: Sequence[OutboxRow]) -> list[tuple[Step, bool]]:
        outcomes = self.adapter().push([delivery_of(dispatch, row) for row in rows])
        now_ms = dispatch.clock.now_ms()
        return [(step_after(outcome, now_ms), isinstance(outcome, Handed)) for outcome in outcomes]

    def _ask(self, dispatch: Dispatch, row: OutboxRow) -> list[tuple[Step, bool]]:
        step = settle(self.adapter(), delivery_of(dispatch, row), dispatch.clock.now_ms())
        return [(step, step.event == "no_answer" and step.retry_after_s is not None)]


@contextmanager
def wire(new_adapter: NewAdapter, threads: int = IN_FLIGHT_MAX) -> Iterator[Wire]:
    """A `Wire` that is closed at the end."""
    made = Wire(new_adapter, threads)
    try:
        yield made
    finally:
        made.close()


def send_round(db: Connection, dispatch: Dispatch, line: Wire, holder: str, limit: int | None = None) -> Sent:
    """Claim what is due, exchange it, write the results. Nothing claimed: nothing is due, or nothing may pass now."""
    many = limit or (1_000 if line.batches else IN_FLIGHT_MAX)
    rows = claim(db, dispatch, holder, many)
    counts = {"accepted": 0, "rejected": 0, "no_answer": 0}
    later = dropped = 0
    for row, step, with_people in line.steps(dispatch, rows):
        if not write_result(db, dispatch, row, step, with_people):
            dropped += 1
        elif step.event in counts:
            counts[step.event] += 1
        else:
            later += 1
    return Sent(len(rows), counts["accepted"], counts["rejected"], counts["no_answer"], later, dropped)


def claim(db: Connection, dispatch: Dispatch, holder: str, limit: int = IN_FLIGHT_MAX) -> list[OutboxRow]:
    """Lease due rows that may still be sent. While frozen or paused only what is uncertain, to ask."""
    now_ms = dispatch.clock.now_ms()
    with db.transaction():
        reap(db, now_ms)
        circuit = leases.circuit(db, dispatch.destination)
        if not may_pass(circuit, now_ms):
            return []
        probing = circuit.state != CLOSED
        asking_only = frozen(db) or bool(paused(db))
        claimed = outbox.claim(db, holder, now_ms, LEASE_MS, 1 if probing else limit, asking_only=asking_only)
        ready = [row for row in claimed if row.state == "asking" or _still_ready(db, row, now_ms)]
        if ready and probing:
            leases.save_circuit(db, dispatch.destination, on_claim(circuit, now_ms, PROBE_WAIT_S))
    return ready


def reap(db: Connection, now_ms: int) -> int:
    """Rows whose worker is gone become uncertain."""
    rows = outbox.expired(db, now_ms)
    for row in rows:
        outbox.move(db, row, "lease_expired", now_ms, due_ms=now_ms, problem=("lease_expired", "the worker is gone"))
    return len(rows)


def write_result(db: Connection, dispatch: Dispatch, row: OutboxRow, step: Step, with_people: bool = False) -> bool:
    """Write what an exchange gave, in one transaction with its receipt; False where the lease was taken over."""
    now_ms = dispatch.clock.now_ms()
    with db.transaction():
        row = _as_left(db, row)
        if not _moved(db, dispatch, row, step, now_ms):
            _log.warning("delivery_result_dropped", household_id=row.household_id, code=step.event)
            return False
        if step.event == "accepted":
            assert step.receipt is not None
            applied = replace(row, version=step.receipt.version)
            outbox.note_receipt(db, row, receipts.accepted(db, dispatch, applied, step.receipt, now_ms))
        elif step.event == "rejected":
            outbox.note_receipt(db, row, receipts.rejected(db, dispatch, row, step.code, now_ms))
        elif with_people and row.state == "sending":
            receipts.handed(db, dispatch, row, now_ms)
        if step.event in ("rejected", "taken", "unknown"):
            delivery_queue.put(db, [(row.home_region, row.household_id)])
        _drop_emptied(db, row, now_ms)
        before = leases.circuit(db, dispatch.destination)
        after = learned(before, step, with_people, now_ms)
        if after != before:
            leases.save_circuit(db, dispatch.destination, after)
    return True


def learned(circuit: Circuit, step: Step, with_people: bool, now_ms: int) -> Circuit:
    """What the circuit learns from a step.

    While it is open no probe has been let through: what comes in then was sent before it opened. Such a result may
    make the wait longer (`Retry-After`), but neither closes the circuit nor counts as one more failure.
    """
    wait_until = step.not_before_ms
    if wait_until is None and step.event == "retry_later" and step.retry_after_s is not None:
        wait_until = now_ms + step.retry_after_s * 1000
    if step.event == "retry_later" and wait_until is not None:
        return on_wait(circuit, wait_until, step.note)
    if circuit.state == OPEN:
        return circuit
    if step.event == "refused":
        return on_refusal(circuit, now_ms, f"{step.code}: {step.note}")
    if step.event == "retry_later" or (step.event == "no_answer" and not with_people):
        return on_failure(circuit, now_ms, step.note)
    return on_success(circuit)


def delivery_of(dispatch: Dispatch, row: OutboxRow) -> Delivery:
    """The row as it goes out."""
    content = receipts.content_of(row)
    delivers = row.action == DELIVER
    return Delivery(
        row.action,
        row.household_id,
        row.home_region,
        row.version,
        row.idempotency_key,
        dispatch.campaign,
        receipts.content_digest_of(row),
        content if delivers else None,
        "" if delivers else content["reason"],
    )


def _moved(db: Connection, dispatch: Dispatch, row: OutboxRow, step: Step, now_ms: int) -> bool:
    """Move the row as the step says. `outbox.move` changes nothing under an older token."""
    problem = None if step.event in ("accepted", "unknown") else (step.code or step.event, step.note)
    if step.event in ("accepted", "rejected"):
        return outbox.move(db, row, step.event, now_ms, problem=problem)
    if step.event == "stale":
        assert step.last_version is not None
        due = now_ms if row.attempts <= STALE_AT_ONCE else _next_try(dispatch, row, step, now_ms)
        return outbox.move(db, row, "stale", now_ms, due_ms=due, version=step.last_version + 1, problem=problem)
    if step.event == "taken":
        return outbox.move(db, row, "taken", now_ms, due_ms=now_ms + TAKEN_WAIT_MS, problem=problem)
    if step.event == "unknown":
        return outbox.move(db, row, "unknown", now_ms, due_ms=now_ms)
    return outbox.move(db, row, step.event, now_ms, due_ms=_next_try(dispatch, row, step, now_ms), problem=problem)


def _as_left(db: Connection, row: OutboxRow) -> OutboxRow:
    """The row without the places of somebody who was erased while it was under way."""
    now = outbox.load(db, row.home_region, row.household_id, row.idempotency_key)
    if now is None or not is_emptied(receipts.content_of(now)):
        return row
    return replace(row, payload=now.payload, places=now.places)


def _drop_emptied(db: Connection, row: OutboxRow, now_ms: int) -> None:
    """Nothing of a row is left to send after an erasure: it gives way, and the sweep writes the record as it is now."""
    now = outbox.load(db, row.home_region, row.household_id, row.idempotency_key)
    if now is not None and now.state in NOT_APPLIED and is_emptied(receipts.content_of(now)):
        outbox.move(db, now, "superseded", now_ms)
        delivery_queue.put(db, [(row.home_region, row.household_id)])


def _next_try(dispatch: Dispatch, row: OutboxRow, step: Step, now_ms: int) -> int:
    due = next_try_ms(now_ms, max(1, row.attempts), dispatch.permille(), step.retry_after_s)
    return due if step.not_before_ms is None else max(due, step.not_before_ms)


def _still_ready(db: Connection, row: OutboxRow, now_ms: int) -> bool:
    """Whether what was judged when the row was written still holds; else it goes back, and the sweep looks again."""
    pair = (row.home_region, row.household_id)
    if not is_emptied(receipts.content_of(row)) and _fit(db, row, pair):
        return True
    outbox.move(db, row, "retry_later", now_ms, due_ms=now_ms + NOT_YET_MS, problem=("changed", "looked at again"))
    delivery_queue.put(db, [pair])
    _drop_emptied(db, row, now_ms)
    return False


def _fit(db: Connection, row: OutboxRow, pair: Pair) -> bool:
    region, household = pair
    if fold_queue.generation(db, pair) is not None:
        return False
    record = households.load(db, household, region)
    if row.action != DELIVER:
        reason = receipts.content_of(row)["reason"]
        return reason != "linked" or (record is not None and record.household_id != household)
    return (
        record is not None
        and record.household_id == household
        and record.state in RATIFIED_STATES
        and record.delivery_digest == row.delivery_digest
        and not record.conflicts
        and not record.awaiting
        and not niks.pending(db, region, household)
        and not any(case["stops"] for case in niks.rows_of_household(db, region, household))
    )
