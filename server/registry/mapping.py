"""From what an adapter answered to what happens to the outbox row. No network, no SQL, no clock.

The worker asks here for the event of the state table (`sync.delivery.MOVES`) and for what the circuit should learn.
"""

from __future__ import annotations

from dataclasses import dataclass

from server.registry.adapter import (
    Accepted,
    Adapter,
    Asked,
    Delivery,
    Duplicate,
    Handed,
    LastVersion,
    NotOffered,
    Outcome,
    Receipt,
    Refused,
    Rejected,
    RetryLater,
    Stale,
    Taken,
    Uncertain,
    Unknown,
)
from sync.pacing import Circuit, next_midnight_wib_ms, on_failure, on_refusal, on_success, on_wait

WAIT_FOR_PEOPLE_S = 900
"""How often the folder of answers is looked into for one batch."""


@dataclass(frozen=True, slots=True)
class Step:
    """What to write to the row: `event` of the state table, and what goes with it. `note` is for the operator."""

    event: str
    note: str = ""
    code: str = ""
    receipt: Receipt | None = None
    retry_after_s: int | None = None
    not_before_ms: int | None = None
    last_version: int | None = None


def step_after(outcome: Outcome | Asked, now_ms: int) -> Step:
    """The step an outcome of `push`, or an answer to a question, asks for."""
    match outcome:
        case Accepted(receipt) | Duplicate(receipt):
            return Step("accepted", receipt=receipt)
        case Rejected(code, field, message):
            return Step("rejected", f"{field}: {message}" if field else message, code)
        case Taken(holder):
            return Step("taken", f"the registry holds a NIK of this record under household {holder}", "taken")
        case Stale(last_version):
            note = f"the registry is at version {last_version}"
            return Step("stale", note, "stale_version", last_version=last_version)
        case RetryLater(after_s, reason, quota):
            until = next_midnight_wib_ms(now_ms) if quota else None
            return Step("retry_later", reason, retry_after_s=after_s, not_before_ms=until)
        case Refused(code, message):
            return Step("refused", message, code)
        case Uncertain(reason):
            return Step("no_answer", reason)
        case Handed(batch):
            note = f"in batch {batch}; the agency's answer is awaited"
            return Step("no_answer", note, retry_after_s=WAIT_FOR_PEOPLE_S)
        case Unknown():
            return Step("unknown")


def settle(adapter: Adapter, delivery: Delivery, now_ms: int) -> Step:
    """What became of an uncertain delivery. Asks by key; if the key is forgotten, by version and content.

    A registry that forgot its keys still knows what stands: the same version with the same content is ours, and it
    is not sent again. A higher version means that ours can never be applied any more.
    """
    asked = adapter.ask(delivery.idempotency_key)
    if not isinstance(asked, Unknown):
        return step_after(asked, now_ms)
    last = adapter.last_version(delivery.household_id)
    if isinstance(last, LastVersion):
        return _judged_by_version(last, delivery)
    return Step("unknown") if isinstance(last, NotOffered) else step_after(last, now_ms)


def circuit_after(circuit: Circuit, outcome: Outcome | Asked, now_ms: int) -> Circuit:
    """What the circuit of the destination learns from an outcome."""
    match outcome:
        case Refused(code, message):
            return on_refusal(circuit, now_ms, f"{code}: {message}")
        case Uncertain(reason):
            return on_failure(circuit, now_ms, reason)
        case RetryLater(after_s, reason, quota):
            if quota:
                return on_wait(circuit, next_midnight_wib_ms(now_ms), reason)
            if after_s is None:
                return on_failure(circuit, now_ms, reason)
            return on_wait(circuit, now_ms + after_s * 1000, reason)
        case _:
            return on_success(circuit)


def _judged_by_version(last: LastVersion, delivery: Delivery) -> Step:
    if last.version < delivery.version:
        return Step("unknown")
    ours = last.version == delivery.version and last.content_digest == delivery.content_digest
    if ours and last.receipt is not None:
        return Step("accepted", "the key was forgotten; version and content stand", receipt=last.receipt)
    # "unknown" makes it due again; the registry then answers `stale_version` and it is numbered anew.
    return Step("unknown", f"the registry is at version {last.version}", last_version=last.version)
