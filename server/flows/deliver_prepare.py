"""The sweep: from what changed to rows of the outbox. It sends nothing.

Each household is judged, its places are reserved one by one, and the row is written only if nothing changed since
the judgement. A crash anywhere leaves the household queued; doing it again takes nothing twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from schemas.canonical import canonical_bytes_unchecked
from server.flows import receipts
from server.flows.deliver_judge import Dispatch, Judgement, frozen, judge, payload_bytes
from server.store import delivery_queue, fold_queue, households, outbox, reservations, standings
from server.store.database import Connection
from server.store.delivery_queue import Waiting
from server.store.events import regions
from server.store.outbox import OutboxRow
from sync import delivery
from sync.delivery import DELIVER, IN_FLIGHT, RATIFIED_STATES, WITHDRAW
from sync.delivery_payload import veiled_place
from sync.reservation import cycle_breakers, plan_reservations, release_after_taken, waits_for

FEED_STEP = 2_000
BATCH = 100
SOON_MS = 3_000
"""A household whose fold or NIK row still waits is looked at again after this."""
LATER_MS = 15 * 60_000
"""One that waits for somebody else, if nobody wakes it before."""
CYCLE_HOUSEHOLDS_MAX = 1_000

LINKED, GONE, CYCLE, ORDERED = "linked", "gone", "cycle", "ordered"
"""Why something is withdrawn. The first two are taken back when they no longer hold."""
KEY_SPENT = "key_spent"
"""This very version was applied before and something else stands since: it needs another ratification."""
UNSENT = frozenset({"pending", "waiting_reservation"})
OPEN = UNSENT | IN_FLIGHT | {"rejected"}


@dataclass(frozen=True, slots=True)
class Swept:
    """What one round did. `waiting` households wait for somebody else; `more` says that there is work left now."""

    looked_at: int = 0
    waiting: int = 0
    more: bool = False


@dataclass(frozen=True, slots=True)
class _Wait:
    """Leave the household in the queue: until when, on whom, for which places."""

    ms: int
    blocked_on: str = ""
    wanted: tuple[str, ...] = ()


def sweep(db: Connection, dispatch: Dispatch, limit: int = BATCH) -> Swept:
    """Follow the feed and look at up to `limit` households. Several workers may do this at once."""
    read = sum(delivery_queue.follow_feed(db, region, RATIFIED_STATES, FEED_STEP) for region in regions(db))
    rows = delivery_queue.due(db, dispatch.clock.now_ms(), limit)
    blocked = []
    for row in rows:
        wait = _look_at(db, dispatch, row)
        if wait is None:
            delivery_queue.done(db, row)
            continue
        delivery_queue.wait(db, row, dispatch.clock.now_ms() + wait.ms, wait.blocked_on, wait.wanted)
        if wait.wanted:
            blocked.append(row.household_id)
    if blocked:
        _break_cycles(db, dispatch, blocked)
    return Swept(len(rows), len(blocked), bool(read) or len(rows) == limit)


def order_withdrawal(db: Connection, dispatch: Dispatch, region: str, household_id: str, reason: str) -> bool:
    """Write the row that takes back what stands under an id; False where nothing stands or it is on its way."""
    found = judge(db, dispatch, region, household_id)
    now_ms = dispatch.clock.now_ms()
    with db.transaction():
        stored = standings.of(db, region, [household_id]).get(household_id)
        rows = outbox.of_household(db, region, household_id)
        if stored is None or not stored.standing.stands() or any(row.state in IN_FLIGHT for row in rows):
            return False
        if any(row.action == WITHDRAW and row.state in OPEN for row in rows):
            return False
        _supersede(db, [row for row in rows if row.state in OPEN - IN_FLIGHT], now_ms)
        return _write_withdrawal(db, dispatch, found, stored, reason, now_ms)


def sweep_orphans(db: Connection, dispatch: Dispatch) -> int:
    """Release places that neither stand nor are needed by an open row: a worker died between taking and writing."""
    released = 0
    for region, household in reservations.households(db):
        with db.transaction():
            rows = outbox.of_household(db, region, household)
            kept = _standing_places(db, region, household) | _places_of(row for row in rows if row.state in OPEN)
            waiting = delivery_queue.is_queued(db, region, household)
            held = reservations.held_by(db, region, household)
            orphans = set(held) - kept
            if orphans and not waiting:
                released += reservations.release(db, household, sorted(orphans))
                delivery_queue.wake(db, orphans)
    return released


def _look_at(db: Connection, dispatch: Dispatch, row: Waiting) -> _Wait | None:
    if frozen(db):
        return _Wait(LATER_MS, "frozen")
    found = judge(db, dispatch, row.home_region, row.household_id)
    now_ms = dispatch.clock.now_ms()
    if found.unsettled:
        return _Wait(SOON_MS)
    if any(each.state in IN_FLIGHT for each in found.rows):
        return _Wait(LATER_MS, f"h:{found.household_id}")
    with db.transaction():
        if not _still(db, found):
            return _Wait(0)
        _drop_needless_withdrawals(db, found, now_ms)
        if found.withdraw:
            _withdraw_first(db, dispatch, found, now_ms)
            return None
        if any(each.action == WITHDRAW and each.state in OPEN for each in _fresh_rows(db, found)):
            return _Wait(LATER_MS, f"h:{found.household_id}")
        if found.reasons:
            _not_now(db, found, now_ms)
            return None
        same = next((each for each in found.rows if each.idempotency_key == found.key), None)
        if same is not None and same.state in ("pending", "rejected"):
            return None
        if same is not None and _not_yet(same, now_ms):
            return _Wait(same.due_ms - now_ms, f"h:{same.household_id}")
        if same is not None and same.state not in ("waiting_reservation", "superseded"):
            return _Wait(LATER_MS, KEY_SPENT)
        _supersede(db, [each for each in found.rows if each.state in UNSENT | {"rejected"} and each != same], now_ms)
        _tidy(db, found, set(found.places))
    return _reserve_and_write(db, dispatch, found)


def _not_yet(row: OutboxRow, now_ms: int) -> bool:
    """The registry itself said "taken": asked again only after a while."""
    return row.state == "waiting_reservation" and row.problem_code == "taken" and row.due_ms > now_ms


def _not_now(db: Connection, found: Judgement, now_ms: int) -> None:
    """The record may not be delivered now: what is on its way stops, or gives way."""
    standing = found.standing.get(found.household_id)
    stands_by = standing.idempotency_key if standing is not None and "unchanged" in found.codes else ""
    # A row with the key of what stands is on its way because the registry lost it.
    unsent = [
        row for row in found.rows if row.state in UNSENT and row.action == DELIVER and row.idempotency_key != stands_by
    ]
    if found.codes == {"identity_conflict"}:
        about = ", ".join(sorted({reason.about for reason in found.reasons if reason.code == "identity_conflict"}))
        for row in unsent:
            if row.state == "pending" and row.idempotency_key == found.key:
                outbox.move(db, row, "stopped", now_ms, problem=("identity_conflict", f"waits for a verdict: {about}"))
            elif row.idempotency_key != found.key:
                _supersede(db, [row], now_ms)
    else:
        _supersede(db, unsent, now_ms)
    _tidy(db, found, set())


def _withdraw_first(db: Connection, dispatch: Dispatch, found: Judgement, now_ms: int) -> None:
    """An id that must not stand any more goes before anything else of the family is sent."""
    _supersede(db, [row for row in found.rows if row.state in UNSENT and row.action == DELIVER], now_ms)
    _tidy(db, found, set())
    for household in found.withdraw:
        reason = LINKED if household != found.household_id else GONE
        _write_withdrawal(db, dispatch, found, found.standing[household], reason, now_ms)


def _write_withdrawal(
    db: Connection, dispatch: Dispatch, found: Judgement, stored: standings.Stored, reason: str, now_ms: int
) -> bool:
    version = stored.standing.version
    key = delivery.withdrawal_key(dispatch.campaign, stored.household_id, version, found.events)
    content = canonical_bytes_unchecked({"area": found.area, "reason": reason})
    row = OutboxRow(found.home_region, stored.household_id, key, WITHDRAW, version + 1, "", content, (), due_ms=now_ms)
    return _write(db, row, now_ms)


def _drop_needless_withdrawals(db: Connection, found: Judgement, now_ms: int) -> None:
    """A link was undone, or a record came back, before the withdrawal was sent."""
    for row in found.rows:
        if row.action == WITHDRAW and row.state in OPEN - IN_FLIGHT and row.household_id not in found.withdraw:
            reason = receipts.content_of(row)["reason"]
            stands = found.standing.get(row.household_id)
            if reason in (LINKED, GONE) or stands is None or not stands.standing.stands():
                _supersede(db, [row], now_ms)


def _reserve_and_write(db: Connection, dispatch: Dispatch, found: Judgement) -> _Wait | None:
    """Reserve each place in a transaction of its own, then write the row; if one is taken, give back all."""
    region, household = found.pair
    plan = plan_reservations(found.places, reservations.held_by(db, region, household))
    taken_now: list[str] = []
    for place in plan.reserve:
        blocker = _taken_by_another(db, dispatch, place, found.pair)
        if blocker is not None:
            with db.transaction():
                standing = _standing_places(db, region, household)
                mine = {*taken_now, *plan.keep}
                freed = release_after_taken(mine, standing)
                reservations.release(db, household, freed)
                # Itself not: it would wake, take them and give them back for ever.
                delivery_queue.wake(db, freed, but=household)
            return _Wait(LATER_MS, blocker, found.places)
        taken_now.append(place)
    now_ms = dispatch.clock.now_ms()
    with db.transaction():
        held = set(reservations.held_by(db, region, household))
        if not _still(db, found) or not set(found.places) <= held:
            return _Wait(0)
        rows = _fresh_rows(db, found)
        if any(row.state in IN_FLIGHT for row in rows):
            return _Wait(LATER_MS, f"h:{household}")
        same = next((row for row in rows if row.idempotency_key == found.key), None)
        if same is not None and same.state == "waiting_reservation":
            outbox.move(db, same, "reserved", now_ms, due_ms=now_ms)
            return None
        if same is not None and same.state != "superseded":
            return _Wait(0)
        fresh = OutboxRow(
            region,
            household,
            found.key,
            DELIVER,
            found.version,
            found.delivery_digest,
            payload_bytes(found),
            found.places,
            due_ms=now_ms,
        )
        _write(db, fresh, now_ms)
    return None


def _taken_by_another(db: Connection, dispatch: Dispatch, place: str, pair: tuple[str, str]) -> str | None:
    """Take a place; the name under which another household holds it, where one does. Somebody who was erased there
    may still stand in the registry: that place is held under a digest."""
    veiled = veiled_place(dispatch.keys.nik_digest(place))
    if reservations.holders(db, [veiled]).get(veiled, pair[1]) != pair[1]:
        return veiled
    return None if reservations.reserve(db, place, *pair, dispatch.clock.now_ms()) is None else place


def _break_cycles(db: Connection, dispatch: Dispatch, blocked: Iterable[str]) -> int:
    """Where ready records wait for each other in a circle, the smallest id of it is withdrawn first."""
    wanted: dict[str, Waiting] = {}
    holders: dict[str, str] = {}
    look = set(blocked)
    while look and len(wanted) < CYCLE_HOUSEHOLDS_MAX:
        fresh = delivery_queue.waiting_of(db, look)
        wanted |= fresh
        found = reservations.holders(db, sorted({place for row in fresh.values() for place in row.wanted}))
        holders |= found
        look = set(found.values()) - wanted.keys()
        if not fresh:
            break
    edges = waits_for({each: row.wanted for each, row in wanted.items()}, holders)
    return sum(order_withdrawal(db, dispatch, wanted[each].home_region, each, CYCLE) for each in cycle_breakers(edges))


def _write(db: Connection, row: OutboxRow, now_ms: int) -> bool:
    """Write a row; one with the same key that was superseded before it was ever applied makes room."""
    outbox.drop_superseded(db, row)
    return outbox.write(db, row, now_ms)


def _still(db: Connection, found: Judgement) -> bool:
    """Whether the record is the one that was judged: same bytes, same family, nothing waiting to be folded."""
    record = households.load(db, found.household_id, found.home_region)
    position = 0 if record is None else record.feed_position
    waiting = any(fold_queue.generation(db, (found.home_region, each)) is not None for each in found.ids)
    same_id = record is None or record.household_id == found.household_id
    return position == found.feed_position and same_id and not waiting


def _supersede(db: Connection, rows: Iterable[OutboxRow], now_ms: int) -> None:
    for row in rows:
        outbox.move(db, row, "superseded", now_ms)


def _tidy(db: Connection, found: Judgement, wanted: Collection[str]) -> None:
    """Release what no id of the family needs: neither standing, nor in an open row, nor wanted by the next version."""
    for household in found.ids:
        open_rows = (row for row in outbox.of_household(db, found.home_region, household) if row.state in OPEN)
        kept = _standing_places(db, found.home_region, household) | _places_of(open_rows)
        if household == found.household_id:
            kept |= set(wanted)
        free = sorted(set(reservations.held_by(db, found.home_region, household)) - kept)
        reservations.release(db, household, free)
        delivery_queue.wake(db, free)


def _standing_places(db: Connection, region: str, household: str) -> set[str]:
    stored = standings.of(db, region, [household]).get(household)
    return set(stored.places) if stored is not None and stored.standing.stands() else set()


def _places_of(rows: Iterable[OutboxRow]) -> set[str]:
    return {place for row in rows for place in row.places}


def _fresh_rows(db: Connection, found: Judgement) -> list[OutboxRow]:
    return [row for each in found.ids for row in outbox.of_household(db, found.home_region, each)]
