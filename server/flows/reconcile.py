"""Reconciliation: what stands in the registry against what our receipts say, region by region.

By digest first; rows are fetched only where the digests differ. What stands there without a receipt of ours (a
restored server lost it) is asked for, and the receipt becomes an event. What only a person can explain is named.
After an epoch change delivery is frozen until this is clean (docs/registry.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from schemas.canonical import sha256_hex
from server.flows import receipts
from server.flows.append import append_own
from server.flows.deliver_judge import SETTLED_EPOCH, Dispatch, Judgement, frozen, judge, payload_bytes
from server.registry.adapter import Adapter, LastVersion, NotOffered, Receipt, RegionDigest
from server.store import delivery_queue, events, identity, outbox, reservations, standings
from server.store.database import Connection
from sync.delivery import DELIVER, IN_FLIGHT, Standing, region_digest
from sync.delivery_payload import disputed_persons, is_emptied
from sync.reconcile import Differences, Row, differences

CLEAN, DIFFERENT, NO_ANSWER, NOT_OFFERED = "clean", "different", "no_answer", "not_offered"


@dataclass(frozen=True, slots=True)
class Reconciled:
    """One region. `learned`: receipts that were fetched. `in_flight`: ids left out because their outcome is open."""

    region: str
    outcome: str
    ours: int = 0
    theirs: int = 0
    learned: int = 0
    in_flight: int = 0
    left: Differences = field(default_factory=Differences)
    note: str = ""


def reconcile(
    db: Connection, dispatch: Dispatch, adapter: Adapter, *, rebuild: bool = False, accept: bool = False
) -> list[Reconciled]:
    """Compare every region; thaw delivery when a restored server is clean everywhere.

    `rebuild`, and always after an epoch change: what stands is first made again from the receipts in the log.
    `accept`, on an operator's order: what stands there with content that none of our records has is taken as it is,
    and delivery goes on although something differs. Our own version is sent on top once it is ratified anew: a
    version that was delivered before has spent its key.
    """
    was_frozen = frozen(db)
    if rebuild or was_frozen:
        for region in events.regions(db):
            rebuild_from_receipts(db, dispatch, region)
    found = [_region(db, dispatch, adapter, region, accept) for region in events.regions(db)]
    # Something may have been accepted between the two readings: what differs is read once more.
    found = [
        _region(db, dispatch, adapter, each.region, accept) if each.outcome == DIFFERENT else each for each in found
    ]
    good = {CLEAN, DIFFERENT, NOT_OFFERED} if accept else {CLEAN}
    if was_frozen and all(each.outcome in good and not each.in_flight for each in found):
        thaw(db)
    return found


def send_again(db: Connection, dispatch: Dispatch, found: Sequence[Reconciled]) -> int:
    """Send again what the registry lost, under the same key and version, on an operator's order. How many."""
    now_ms = dispatch.clock.now_ms()
    sent = 0
    with db.transaction():
        for each in found:
            for household in (*each.left.missing_there, *each.left.older_there):
                stored = standings.of(db, each.region, [household]).get(household)
                key = stored.idempotency_key if stored is not None else ""
                row = outbox.load(db, each.region, household, key)
                good = row is not None and row.state == "accepted" and row.action == DELIVER
                if good and row is not None and not is_emptied(receipts.content_of(row)):
                    sent += outbox.move(db, row, "lost_there", now_ms, due_ms=now_ms)
    return sent


def thaw(db: Connection) -> None:
    """Let delivery go on after a restore, and look at every ratified household again."""
    _, name = identity.current_epoch(db)
    with db.transaction():
        identity.set_setting(db, SETTLED_EPOCH, name)
        delivery_queue.follow_from_start(db)


def rebuild_from_receipts(db: Connection, dispatch: Dispatch, region: str) -> int:
    """Make standings and the places of what stands again from the signed receipts of a region; how many stand."""
    by_household: dict[str, list[events.StoredEvent]] = {}
    for stored in events.of_kind(db, region, "receipt"):
        if dispatch.keys.made_here(stored.envelope()):
            by_household.setdefault(stored.head["household_id"], []).append(stored)
    found = [
        standing
        for _, lines in sorted(by_household.items())
        if (standing := receipts.standing_from(line.event() for line in lines)) is not None
    ]
    now_ms = dispatch.clock.now_ms()
    with db.transaction():
        standings.forget(db, region)
        for standing in found:
            standings.put(db, region, standing)
            _take_places(db, region, standing, now_ms)
    return sum(standing.standing.stands() for standing in found)


def _region(db: Connection, dispatch: Dispatch, adapter: Adapter, region: str, accept: bool) -> Reconciled:
    ours = standings.lines(db, region)
    theirs = adapter.digest(region)
    if isinstance(theirs, RegionDigest) and theirs.digest == region_digest(ours) and theirs.count == len(ours):
        return Reconciled(region, CLEAN, len(ours), theirs.count, in_flight=len(_in_flight(db, region)))
    full = adapter.digest(region, rows=True)
    if not isinstance(full, RegionDigest):
        outcome = NOT_OFFERED if isinstance(full, NotOffered) else NO_ANSWER
        return Reconciled(region, outcome, len(ours), note=getattr(full, "reason", "") or getattr(full, "what", ""))
    if region_digest(full.rows) != full.digest:
        return Reconciled(region, NO_ANSWER, len(ours), full.count, note="the rows do not fit the digest")
    busy = _in_flight(db, region)
    there = [row for row in full.rows if row[0] not in busy]
    first = differences(_without(ours, busy), there)
    learned = sum(
        _learn(db, dispatch, adapter, region, household, accept)
        for household in (*first.missing_there, *first.unknown_here, *first.newer_there)
    )
    left = differences(_without(standings.lines(db, region), busy), there)
    outcome = CLEAN if left.clean() else DIFFERENT
    return Reconciled(region, outcome, len(ours), full.count, learned, len(busy), left)


def _learn(db: Connection, dispatch: Dispatch, adapter: Adapter, region: str, household: str, accept: bool) -> bool:
    """Fetch the registry's last receipt of a household id that we have none of, and keep it as an event.

    Not where the content is none of ours: the events behind it are still to come back, and sending our older version
    on top would undo what was corrected. `accept` does it all the same.
    """
    last = adapter.last_version(household)
    if not isinstance(last, LastVersion) or last.receipt is None:
        return False
    known = standings.of(db, region, [household]).get(household)
    if known is not None and known.standing.version >= last.version:
        return False
    found = judge(db, dispatch, region, household)
    stored = _standing_of(found, household, last, last.receipt)
    if stored is None:
        if not accept:
            return False
        stored = standings.Stored(
            household, Standing(last.version, ""), last.content_digest, last.receipt.idempotency_key
        )
    outcome = "withdrawn" if last.withdrawn else "accepted"
    envelope = receipts.receipt_envelope(dispatch, (region, household, found.area), outcome, stored, last.receipt)
    now_ms = dispatch.clock.now_ms()
    with db.transaction():
        append_own(db, [envelope], dispatch.keys, now_ms)
        receipts.note_standing(db, region, stored)
        _take_places(db, region, stored, now_ms)
    return True


def _standing_of(found: Judgement, household: str, last: LastVersion, receipt: Receipt) -> standings.Stored | None:
    """What a receipt of the registry stands for, if a row or the present record has that very content."""
    key = receipt.idempotency_key
    if last.withdrawn:
        return standings.Stored(household, Standing(last.version, "", True), "", key)
    for row in found.rows:
        same = row.household_id == household and row.action == DELIVER
        if same and receipts.content_digest_of(row) == last.content_digest:
            disputed = disputed_persons(receipts.content_of(row))
            standing = Standing(last.version, row.delivery_digest, False, disputed)
            return standings.Stored(household, standing, last.content_digest, key, row.places)
    ours = found.payload if found.household_id == household else None
    if ours is not None and sha256_hex(payload_bytes(found)) == last.content_digest:
        standing = Standing(last.version, found.delivery_digest, False, disputed_persons(ours))
        return standings.Stored(household, standing, last.content_digest, key, found.places)
    return None


def _take_places(db: Connection, region: str, stored: standings.Stored, now_ms: int) -> None:
    """The registry shows these persons here: whoever holds a place without a receipt gives it up."""
    if not stored.standing.stands():
        return
    for place in stored.places:
        holder = reservations.reserve(db, place, region, stored.household_id, now_ms)
        if holder is not None and place not in _confirmed(db, holder):
            reservations.release(db, holder, [place])
            reservations.reserve(db, place, region, stored.household_id, now_ms)


def _confirmed(db: Connection, household: str) -> set[str]:
    region = events.regions_of(db, [household]).get(household, "")
    stored = standings.of(db, region, [household]).get(household)
    return set(stored.places) if stored is not None and stored.standing.stands() else set()


def _in_flight(db: Connection, region: str) -> set[str]:
    rows = outbox.in_states(db, tuple(sorted(IN_FLIGHT)), 100_000)
    return {row.household_id for row in rows if row.home_region == region}


def _without(rows: Sequence[Row], left_out: set[str]) -> list[Row]:
    return [row for row in rows if row[0] not in left_out]
