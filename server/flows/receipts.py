"""Receipts: what the registry said, as a signed event of the log, and what follows from it in the tables of delivery.

A receipt is made from what was sent and what was answered only, no time or chance of ours in it: asked again, or by
a restored server, the same answer gives the same event. What is personal (places, which may be NIKs) stands in the
part, so that reservations can be made again from receipts and a person can be erased.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from schemas.canonical import canonical_bytes_unchecked, sha256_hex
from schemas.envelope import check_envelope
from schemas.event import Event, Part, seal
from schemas.ids import derived_uuid
from server.flows.append import append_own
from server.flows.deliver_judge import Dispatch
from server.registry.adapter import Receipt
from server.store import delivery_queue, outbox, reservations, standings
from server.store.database import Connection
from server.store.outbox import OutboxRow
from sync.delivery import DELIVER, WITHDRAW, Standing
from sync.delivery_payload import ERASED, disputed_persons, is_emptied, is_veiled
from sync.reservation import release_after_receipt

ACTOR = "padan"
_CODE = re.compile(r"[a-z0-9_]{1,40}\Z")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z\Z")


def content_of(row: OutboxRow) -> Mapping[str, Any]:
    """The payload of a delivery, or the area and reason of a withdrawal."""
    content: Mapping[str, Any] = json.loads(row.payload)
    return content


def content_digest_of(row: OutboxRow) -> str:
    """How both sides name what was sent; empty for a withdrawal."""
    if row.action != DELIVER:
        return ""
    content = content_of(row)
    return str(content[ERASED]) if is_emptied(content) else sha256_hex(row.payload)


def accepted(db: Connection, dispatch: Dispatch, row: OutboxRow, receipt: Receipt, now_ms: int) -> str:
    """Everything that follows from the registry's yes, in the caller's transaction; the ref of the receipt event."""
    content = content_of(row)
    delivered = row.action == DELIVER
    disputed = disputed_persons(content) if delivered else frozenset()
    stored = standings.Stored(
        row.household_id,
        Standing(receipt.version, row.delivery_digest, not delivered, disputed),
        content_digest_of(row),
        row.idempotency_key,
        row.places,
    )
    envelope = receipt_envelope(
        dispatch,
        (row.home_region, row.household_id, content["area"]),
        "accepted" if delivered else "withdrawn",
        stored,
        receipt,
    )
    ref = append_own(db, [envelope], dispatch.keys, now_ms)[0].ref
    note_standing(db, row.home_region, stored)
    for other in outbox.of_household(db, row.home_region, row.household_id):
        if other.state == "accepted" and other.idempotency_key != row.idempotency_key:
            taken_back = not delivered and other.action == DELIVER
            outbox.move(db, other, "withdrawn" if taken_back else "replaced", now_ms)
    return ref


def rejected(db: Connection, dispatch: Dispatch, row: OutboxRow, code: str, now_ms: int) -> str:
    """Note the registry's no; its words stay with the row, for people."""
    stored = _unapplied(row)
    envelope = receipt_envelope(dispatch, _where(row), "rejected", stored, None, code)
    return append_own(db, [envelope], dispatch.keys, now_ms)[0].ref


def handed(db: Connection, dispatch: Dispatch, row: OutboxRow, now_ms: int) -> str:
    """Note that it was given to people in a batch, without a last word yet."""
    envelope = receipt_envelope(dispatch, _where(row), "delivered", _unapplied(row), None)
    return append_own(db, [envelope], dispatch.keys, now_ms)[0].ref


def note_standing(db: Connection, region: str, stored: standings.Stored) -> None:
    """Keep what a receipt says, release the places that it no longer takes, and wake who waits for them."""
    pair = (region, stored.household_id)
    standings.put(db, region, stored)
    held = reservations.held_by(db, *pair)
    free = release_after_receipt(held, () if stored.standing.withdrawn else stored.places)
    reservations.release(db, stored.household_id, free)
    delivery_queue.wake(db, [*free, f"h:{stored.household_id}"])
    delivery_queue.put(db, [pair])


def receipt_envelope(
    dispatch: Dispatch,
    where: tuple[str, str, str],
    outcome: str,
    stored: standings.Stored,
    receipt: Receipt | None,
    code: str = "",
) -> dict[str, Any]:
    """The sealed event. `where`: home region, household id, area."""
    region, household, area = where
    body: dict[str, Any] = {
        "outcome": outcome,
        "version": stored.standing.version,
        "idempotency_key": stored.idempotency_key,
        "registry": dispatch.destination,
    }
    if stored.standing.delivery_digest:
        body["delivery_digest"] = stored.standing.delivery_digest
    if receipt is not None and 0 < len(receipt.number) <= 200:
        body["number"] = receipt.number
    if receipt is not None and _TIME.match(receipt.applied_at):
        body["time"] = receipt.applied_at
    if code:
        body["code"] = code if _CODE.match(code) else "rejected"
    text = {
        "content_digest": stored.content_digest,
        "disputed": sorted(stored.standing.disputed),
        "places": [place for place in stored.places if not is_veiled(place)],
    }
    event_id = derived_uuid("receipt", household, canonical_bytes_unchecked([body, text]).decode())
    envelope = seal(
        id=event_id,
        kind="receipt",
        household_id=household,
        home_region=region,
        actor=ACTOR,
        area=area,
        parts=[Part("h", {}, text)],
        salts={"h": dispatch.keys.import_salt(event_id, "h")},
        body=body,
    )
    check_envelope(envelope)
    return envelope


def standing_from(events: Iterable[Event]) -> standings.Stored | None:
    """What the receipts of one household id say stands: the newest version that was applied."""
    applied = [event for event in events if event.body["outcome"] in ("accepted", "withdrawn")]
    if not applied:
        return None
    # Of one version, the receipt that names what was delivered says more than one fetched without its content.
    last = max(applied, key=lambda event: (event.body["version"], "delivery_digest" in event.body, event.ref))
    text: Mapping[str, Any] = next((part.text for part in last.parts if part.name == "h"), {})
    return standings.Stored(
        last.household_id,
        Standing(
            last.body["version"],
            last.body.get("delivery_digest", ""),
            last.body["outcome"] == "withdrawn",
            frozenset(text.get("disputed", ())),
        ),
        text.get("content_digest", ""),
        last.body["idempotency_key"],
        tuple(text.get("places", ())),
    )


def _where(row: OutboxRow) -> tuple[str, str, str]:
    return row.home_region, row.household_id, content_of(row)["area"]


def _unapplied(row: OutboxRow) -> standings.Stored:
    standing = Standing(row.version, row.delivery_digest, row.action == WITHDRAW)
    return standings.Stored(row.household_id, standing, content_digest_of(row), row.idempotency_key)
