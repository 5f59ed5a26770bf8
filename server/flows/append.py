"""Appending events that this server made itself: decisions, holds, prelist rows, receipts. Signed, judged for
duplicates only, appended and queued for folding, all or nothing in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.event import seal
from schemas.ids import hold_id
from server.auth.keys import ServerKeys
from server.flows.screening import screen
from server.store import events
from server.store.appending import Appender
from server.store.database import Connection
from sync.intake import Receipt, Sealed, sealed_from

INTAKE_ACTOR = "padan"


@dataclass(frozen=True, slots=True)
class Appended:
    """An event of our own in the log. `fresh` is False where the very same event was there already."""

    ref: str
    receipt: Receipt
    fresh: bool


def append_own(db: Connection, envelopes: Iterable[Mapping[str, Any]], keys: ServerKeys, now_ms: int) -> list[Appended]:
    """Sign and append envelopes sealed by our own code. Repeating it appends nothing and gives the same receipts."""
    sealed: Sequence[Sealed] = [sealed_from(keys.signed(envelope)) for envelope in envelopes]
    with db.transaction():
        sealed = screen(db, keys, sealed, frozenset(item.payload_hash for item in sealed)).events
        known = known_hashes(db, sealed)
        appender = Appender(db, now_ms)
        out = []
        for item in sealed:
            mine = known.setdefault((item.home_region, item.id), {})
            fresh = item.payload_hash not in mine
            if fresh:
                mine[item.payload_hash] = appender.add(item)
            out.append(Appended(item.ref, mine[item.payload_hash], fresh))
        appender.flush()
    return out


def known_hashes(db: Connection, items: Sequence[Sealed]) -> dict[tuple[str, str], dict[str, Receipt]]:
    """`(home_region, event id)` -> payload hash -> receipt, for the ids of these events that are known."""
    ids: dict[str, list[str]] = {}
    for item in items:
        ids.setdefault(item.home_region, []).append(item.id)
    return {
        (region, event_id): hashes
        for region, wanted in ids.items()
        for event_id, hashes in events.hashes_by_id(db, region, list(dict.fromkeys(wanted))).items()
    }


def hold_event(target: Sealed, reason: str, keys: ServerKeys) -> Sealed:
    """The `hold` of an event, filed wherever the event is. Nothing of time or chance is in it: the same event held
    for the same reason again is the same hold."""
    head = target.head
    envelope = seal(
        id=hold_id(target.ref, reason),
        kind="hold",
        household_id=head["household_id"],
        home_region=head["home_region"],
        actor=INTAKE_ACTOR,
        area=head["area"],
        also=[(item["household_id"], item["home_region"]) for item in head["also"]],
        body={"target": target.ref, "reason": reason},
        parts=[],
        salts={},
    )
    return sealed_from(keys.signed(envelope))
