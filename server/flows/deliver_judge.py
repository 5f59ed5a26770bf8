"""What should happen to one household in the registry, judged from what is stored. Reads only; nothing is written.

The rules are `sync.delivery`'s; here they are fed: record, NIK cases, what stands, what is on its way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.canonical import canonical_bytes_unchecked
from schemas.form import Dictionary
from schemas.nik import parse_nik
from server.auth.keys import ServerKeys
from server.clock import Clock
from server.flows import dictionary as dictionaries
from server.store import fold_queue, households, identity, niks, outbox, standings
from server.store.database import Connection
from server.store.households import StoredRecord
from server.store.outbox import OutboxRow
from sync import delivery
from sync.delivery import Around, Reason, reasons_against
from sync.delivery_payload import NOTE_DISPUTED, build_payload
from sync.reservation import wanted_places

SETTLED_EPOCH = "delivery_epoch"
"""Name of the value that holds the epoch whose reconciliation was clean."""
PAUSED = "delivery_paused"

Pair = tuple[str, str]
"""`(home_region, household id)`."""


REGISTRY = "registry"
"""The one destination there is."""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """What delivery works with: keys, campaign, clock, a draw in 0..1000 for the jitter, the destination's name."""

    keys: ServerKeys
    campaign: str
    clock: Clock
    permille: Callable[[], int]
    destination: str = REGISTRY


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found about the family a household id resolves to.

    `unsettled`: a fold or a NIK's row of it still waits, so nothing is decided. `withdraw`: ids that go first.
    `reasons`: why the canonical record is not delivered now. `key` and `payload` belong to a delivery.
    """

    home_region: str
    household_id: str
    ids: tuple[str, ...]
    area: str
    feed_position: int
    unsettled: bool
    withdraw: tuple[str, ...]
    reasons: tuple[Reason, ...]
    delivery_digest: str = ""
    key: str = ""
    version: int = 0
    payload: Mapping[str, Any] | None = field(default=None, repr=False)
    places: tuple[str, ...] = field(default=(), repr=False)
    events: tuple[tuple[str, str], ...] = ()
    standing: Mapping[str, standings.Stored] = field(default_factory=dict)
    rows: tuple[OutboxRow, ...] = ()

    @property
    def pair(self) -> Pair:
        """`(home_region, canonical id)`."""
        return (self.home_region, self.household_id)

    @property
    def codes(self) -> frozenset[str]:
        """Codes of the reasons."""
        return frozenset(reason.code for reason in self.reasons)


def frozen(db: Connection) -> bool:
    """Whether the server was restored and reconciliation with the registry is not clean yet."""
    number, name = identity.current_epoch(db)
    settled = identity.setting(db, SETTLED_EPOCH)
    return settled != name and not (number == 1 and settled is None)


def paused(db: Connection) -> str:
    """Why an operator paused delivery; empty while it runs."""
    return identity.setting(db, PAUSED) or ""


def judge(db: Connection, dispatch: Dispatch, region: str, household_id: str) -> Judgement:
    """Judge the family of one household id, from one state of the database."""
    with db.snapshot():
        record = households.load(db, household_id, region)
        ids = (household_id,) if record is None else (record.household_id, *record.aliases)
        stored = standings.of(db, region, ids)
        rows = tuple(row for each in ids for row in outbox.of_household(db, region, each))
        unsettled = any(fold_queue.generation(db, (region, each)) is not None for each in ids)
        if record is None:
            gone = _to_withdraw(household_id, False, stored)
            reason = Reason("not_ratified", "no record")
            return Judgement(
                region, household_id, ids, region, 0, unsettled, gone, (reason,), standing=stored, rows=rows
            )
        unsettled = unsettled or niks.pending(db, region, record.household_id)
        cases = niks.rows_of_household(db, region, record.household_id)
        return _judged(db, dispatch, record, ids, stored, rows, unsettled, cases)


def _judged(
    db: Connection,
    dispatch: Dispatch,
    record: StoredRecord,
    ids: tuple[str, ...],
    stored: Mapping[str, standings.Stored],
    rows: tuple[OutboxRow, ...],
    unsettled: bool,
    cases: list[dict[str, Any]],
) -> Judgement:
    canonical = record.household_id
    data, trail = json.loads(record.data), json.loads(record.trail)
    events = tuple((line["ref"], line["kind"]) for line in trail["refs"])
    notes = {
        person: [NOTE_DISPUTED]
        for case in cases
        if case["settled"] == "two_people"
        for household, person in case["persons"]
        if household == canonical
    }
    payload = build_payload(data, columns_of(dictionaries.current(db)), notes, lambda nik: parse_nik(nik).valid)
    standing = stored[canonical].standing if canonical in stored else None
    # A record of which nothing live says anything any more is gone, though its dead events keep it in the store.
    says_something = bool(trail["values"])
    around = Around(
        identity_conflicts=[case["kind"] for case in cases if case["stops"]],
        standing=standing,
        standing_aliases=[each for each in record.aliases if each in stored and stored[each].standing.stands()],
        frozen=frozen(db),
        empty=not says_something,
    )
    return Judgement(
        record.home_region,
        canonical,
        ids,
        record.area,
        record.feed_position,
        unsettled,
        _to_withdraw(canonical, says_something, stored),
        reasons_against(data, payload, around),
        record.delivery_digest,
        delivery.idempotency_key(dispatch.campaign, canonical, record.delivery_digest, events),
        delivery.next_version(standing.version if standing else None),
        payload,
        wanted_places(payload),
        events,
        stored,
        rows,
    )


def columns_of(dictionary: Dictionary) -> dict[str, dict[str, str]]:
    """The delivered columns by scope, as `build_payload` wants them."""
    return {
        scope: {question.name: question.deliver for question in dictionary.delivered(short)}
        for scope, short in (("household", "h"), ("person", "p"))
    }


def payload_bytes(judgement: Judgement) -> bytes:
    """The payload as it is frozen in the row."""
    return canonical_bytes_unchecked(judgement.payload)


def _to_withdraw(canonical: str, exists: bool, stored: Mapping[str, standings.Stored]) -> tuple[str, ...]:
    return delivery.ids_to_withdraw(canonical, exists, {each: found.standing for each, found in stored.items()})
