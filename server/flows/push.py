"""Taking in what a tablet sends: judge each item, append what is an event, keep what is not, answer per item.

One transaction for the whole push, committed before the answer; no fold is waited for. The first half (`prepare`)
reads, hashes and verifies without the write lock; the second (`commit`) holds it, and can commit several prepared
pushes together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from schemas.canonical import canonical_bytes_unchecked
from schemas.envelope import EnvelopeProblem, check_envelope
from schemas.json_text import RawItem
from schemas.receipt import Place, claimed_places, receipt_json
from schemas.signing import EVENT, from_base64, verify
from server.auth.keys import ServerKeys
from server.clock import parse_rfc3339_ms
from server.flows.append import hold_event, known_hashes
from server.flows.screening import erased_in, screen
from server.store import devices, events, forms, households, unreadable
from server.store.appending import Appender, complete
from server.store.database import Connection
from server.store.erasures import ErasedPart, note_parts
from server.store.identity import campaign_closes_ms
from server.store.restores import Claim, note_claims
from sync import intake
from sync.intake import Duplicate, Equivocation, Held, Known, Receipt, Sealed, Sender, TooLarge, Unreadable

SERVER = "server"
ERASED_DETAIL = "Somebody in it was erased: of what was said of that person only the hash is kept."


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one item, in the words of docs/protocol.md: stored, duplicate, held, equivocation, too_large."""

    status: str
    id: str | None = None
    ref: str | None = None
    receipt: Receipt | None = None
    beside: tuple[Place, ...] = ()
    """What was written together with it in the same epoch: its stamp, its holds, its rows in other regions."""
    reasons: tuple[str, ...] = ()
    detail: str = ""
    fork: bool = False
    kept: str | None = None
    """SHA-256 under which the bytes of a held item are kept when it is no event."""

    def to_json(self) -> dict[str, Any]:
        """As it travels; absent members are left out."""
        out: dict[str, Any] = {"status": self.status}
        if self.receipt is not None:
            out["receipt"] = receipt_json(self.receipt.epoch, self.receipt.position, self.beside)
        for name in ("id", "ref", "detail", "kept"):
            if getattr(self, name):
                out[name] = getattr(self, name)
        if self.reasons:
            out["reasons"] = list(self.reasons)
        if self.fork:
            out["fork"] = True
        return out


@dataclass(frozen=True, slots=True)
class Prepared:
    """One item, read and verified: what needs no lock."""

    item: RawItem
    read: intake.Read
    sender: Sender
    signed_by: str | None = None
    stamp: Sealed | None = None
    bad_stamp: Unreadable | None = None


@dataclass(slots=True)
class _Facts:
    """What the store knows about a whole push; kept up to date while its items are judged one after the other."""

    hashes: dict[tuple[str, str], dict[str, Receipt]]
    regions: dict[str, str]
    areas: dict[str, str]
    assigned: dict[frozenset[str], set[str]]
    sequences: dict[tuple[str, str], dict[int, set[str]]]
    published: frozenset[tuple[str, str]]
    closes_ms: int | None
    screened: Mapping[str, Sealed]
    emptied: Mapping[str, frozenset[str]]
    late: Sequence[ErasedPart]


def push(db: Connection, sender: Sender, items: Sequence[RawItem], keys: ServerKeys, now_ms: int) -> list[Answer]:
    """Take in the items of one request, in order; an answer for each. Committed when this returns."""
    prepared = prepare(db, sender, items, keys)
    with db.transaction():
        return commit(db, prepared, keys, now_ms)


def sender_of(db: Connection, install: str) -> Sender | None:
    """Who an install is: the officers it was ever enrolled for, and their areas; None for an unknown one."""
    found = devices.install_of(db, install)
    if found is None:
        return None
    officers = frozenset({found.officer, *devices.officers_of_install(db, install)})
    scopes: set[str] = set()
    for name in officers:
        officer = devices.officer_of(db, name)
        if officer is not None and officer.active:
            scopes.update(officer.scopes)
    return Sender(install, officers, tuple(sorted(scopes)), found.revoked_ms is not None)


def prepare(db: Connection, sender: Sender, items: Sequence[RawItem], keys: ServerKeys) -> list[Prepared]:
    """Read, hash and verify; takes no lock."""
    installs: dict[str, bytes | None] = {}
    return [_prepare(db, sender, item, keys, installs) for item in items]


def commit(db: Connection, prepared: Sequence[Prepared], keys: ServerKeys, now_ms: int) -> list[Answer]:
    """Judge and write, inside the caller's transaction. All items' effects are there, or, on an exception, none."""
    facts = _facts(db, prepared, keys)
    appender = Appender(db, now_ms)
    answers = []
    for item in prepared:
        if isinstance(item.read, TooLarge):
            detail = f"{item.read.size} bytes; the limit of one event is {item.read.limit}"
            answers.append(Answer("too_large", item.read.claimed_id, detail=detail))
        elif isinstance(item.read, Unreadable):
            answers.append(_keep(db, item.read, item.sender, now_ms))
        else:
            answers.append(_take(db, item, item.read, facts, appender, keys, now_ms))
    appender.flush()
    fresh = {answer.ref for answer in answers if answer.receipt is not None and answer.status != "duplicate"}
    note_parts(db, [part for part in facts.late if part.ref in fresh])
    _note_claims(db, prepared, now_ms)
    return answers


def _prepare(
    db: Connection, sender: Sender, item: RawItem, keys: ServerKeys, installs: dict[str, bytes | None]
) -> Prepared:
    read = intake.read(item)
    if not isinstance(read, Sealed):
        return Prepared(item, read, sender)
    read = intake.with_origin(read, sender.install)
    signed_by = None
    if read.signature is not None:
        if keys.made_here(item.value):
            signed_by = SERVER
        elif _signed_by_install(db, read, installs):
            signed_by = read.install
        else:
            read = replace(read, signature=None)
    if signed_by not in (None, SERVER, sender.install):
        sender = sender_of(db, signed_by or "") or sender
    stamp, bad_stamp = _stamp(item.value.get("stamp"), read, keys)
    return Prepared(item, read, sender, signed_by, stamp, bad_stamp)


def _signed_by_install(db: Connection, read: Sealed, installs: dict[str, bytes | None]) -> bool:
    name = read.install or ""
    if name not in installs:
        found = devices.install_of(db, name)
        installs[name] = None if found is None else from_base64(found.public_key)
    public, value = installs[name], (read.signature or {}).get("value")
    return public is not None and verify(public, EVENT, bytes.fromhex(read.payload_hash), value)


def _stamp(raw: Any, target: Sealed, keys: ServerKeys) -> tuple[Sealed | None, Unreadable | None]:
    """The stamp that came with an event, if it is ours and of this event; else what is kept of it."""
    if raw is None:
        return None, None
    try:
        check_envelope(raw)
        sealed = intake.sealed_from(raw)
        fits = (
            sealed.kind == "stamp"
            and sealed.head["body"]["target"] == target.ref
            and sealed.filed == target.filed
            and sealed.payload_hash == raw["payload_hash"]
            and keys.made_here(raw)
        )
    except EnvelopeProblem:
        fits = False
    if fits:
        return replace(sealed, transport=None, install=None, seq=None), None
    kept = intake.unreadable(RawItem(canonical_bytes_unchecked(raw), raw), "bad_stamp", f"came with {target.ref}")
    return None, kept if isinstance(kept, Unreadable) else None


def _facts(db: Connection, prepared: Sequence[Prepared], keys: ServerKeys) -> _Facts:
    sealed = [item.read for item in prepared if isinstance(item.read, Sealed)]
    stamps = [item.stamp for item in prepared if item.stamp is not None]
    by_region: dict[str, set[str]] = {}
    numbers: dict[tuple[str, str], set[int]] = {}
    for item in sealed:
        by_region.setdefault(item.home_region, set()).add(item.household_id)
        if item.install is not None and item.seq is not None:
            numbers.setdefault((item.home_region, item.install), set()).add(item.seq)
    areas: dict[str, str] = {}
    assigned: dict[frozenset[str], set[str]] = {}
    for region, ids in by_region.items():
        areas.update(households.areas_of(db, region, sorted(ids)))
        for officers in {item.sender.officers for item in prepared}:
            assigned.setdefault(officers, set()).update(
                households.assigned_to(db, region, sorted(officers), sorted(ids))
            )
    everything = sorted({household for item in sealed for _, household in item.filed})
    trusted = [item.read for item in prepared if item.signed_by == SERVER and isinstance(item.read, Sealed)]
    screened = screen(db, keys, sealed, frozenset(item.payload_hash for item in trusted))
    return _Facts(
        hashes=known_hashes(db, [*sealed, *stamps]),
        regions=events.regions_of(db, everything),
        areas=areas,
        assigned=assigned,
        sequences={key: events.sequences_used(db, key[0], key[1], sorted(wanted)) for key, wanted in numbers.items()},
        published=frozenset((form.id, form.version) for form in forms.published_forms(db)),
        closes_ms=campaign_closes_ms(db),
        screened={item.payload_hash: item for item in screened.events},
        emptied=screened.emptied,
        late=screened.late,
    )


def _take(
    db: Connection,
    item: Prepared,
    sealed: Sealed,
    facts: _Facts,
    appender: Appender,
    keys: ServerKeys,
    now_ms: int,
) -> Answer:
    judgement = intake.judge(sealed, item.sender, _known(item, sealed, facts, now_ms))
    if isinstance(judgement, Held):
        kept = intake.unreadable(item.item, judgement.reason, judgement.detail)
        if isinstance(kept, TooLarge):
            return Answer("too_large", sealed.id, sealed.ref, detail=judgement.detail)
        return _keep(db, kept, item.sender, now_ms)
    if item.bad_stamp is not None:
        unreadable.keep(db, item.bad_stamp, item.sender.install, _name(item.sender), now_ms)
    if isinstance(judgement, Duplicate):
        if item.signed_by == SERVER:
            appender.flush()  # the first copy may stand in this very push
            complete(db, facts.screened[sealed.payload_hash], now_ms)
        _append_stamp(item, facts, appender)
        return Answer("duplicate", sealed.id, sealed.ref, judgement.receipt, _stamp_beside(item, judgement, facts))
    before = len(appender.written)
    receipt = _append(facts.screened[sealed.payload_hash], facts, appender)
    for reason in judgement.holds:
        hold = hold_event(sealed, reason, keys)
        if hold.payload_hash not in facts.hashes.get((hold.home_region, hold.id), {}):
            _append(hold, facts, appender)
    _append_stamp(item, facts, appender)
    if judgement.fork and sealed.install == item.sender.install:
        devices.note_fork(db, item.sender.install, now_ms)
    status = "held" if judgement.holds else "equivocation" if isinstance(judgement, Equivocation) else "stored"
    own = (sealed.home_region, receipt.position, sealed.ref)
    beside = tuple(place for place in appender.written[before:] if place != own)
    detail = ERASED_DETAIL if sealed.payload_hash in facts.emptied else ""
    return Answer(status, sealed.id, sealed.ref, receipt, beside, judgement.holds, detail, fork=judgement.fork)


def _known(item: Prepared, sealed: Sealed, facts: _Facts, now_ms: int) -> Known:
    used: Mapping[int, set[str]] = facts.sequences.get((sealed.home_region, sealed.install or ""), {})
    hashes = used.get(sealed.seq, set()) if sealed.seq is not None else set()
    return Known(
        hashes=facts.hashes.get((sealed.home_region, sealed.id), {}),
        regions=facts.regions,
        areas=facts.areas,
        assigned=frozenset(facts.assigned.get(item.sender.officers, ())),
        sequence_used=bool(hashes - {sealed.payload_hash}),
        closed=_closed(facts.closes_ms, item.stamp, now_ms),
        forms=facts.published,
        signed_by=item.signed_by,
        erased=facts.emptied.get(sealed.payload_hash, frozenset()),
    )


def _closed(closes_ms: int | None, stamp: Sealed | None, now_ms: int) -> bool:
    """The stamp says when the finished form was first heard of; without one, only this moment is known."""
    if closes_ms is None or now_ms <= closes_ms:
        return False
    return stamp is None or parse_rfc3339_ms(stamp.head["body"]["time"]) > closes_ms


def _append(sealed: Sealed, facts: _Facts, appender: Appender) -> Receipt:
    receipt = appender.add(sealed)
    facts.hashes.setdefault((sealed.home_region, sealed.id), {})[sealed.payload_hash] = receipt
    for region, household in sealed.filed:
        facts.regions.setdefault(household, region)
    if sealed.install is not None and sealed.seq is not None:
        used = facts.sequences.setdefault((sealed.home_region, sealed.install), {})
        used.setdefault(sealed.seq, set()).add(sealed.payload_hash)
    return receipt


def _append_stamp(item: Prepared, facts: _Facts, appender: Appender) -> None:
    stamp = item.stamp
    if stamp is not None and stamp.payload_hash not in facts.hashes.get((stamp.home_region, stamp.id), {}):
        _append(stamp, facts, appender)


def _stamp_beside(item: Prepared, first: Duplicate, facts: _Facts) -> tuple[Place, ...]:
    """The stamp of an event that is known already, where it stands in the same epoch: the first answer was lost."""
    stamp = item.stamp
    known = facts.hashes.get((stamp.home_region, stamp.id), {}).get(stamp.payload_hash) if stamp is not None else None
    if stamp is None or known is None or known.epoch != first.receipt.epoch:
        return ()
    return ((stamp.home_region, known.position, stamp.ref),)


def _note_claims(db: Connection, prepared: Sequence[Prepared], now_ms: int) -> None:
    """After a restore: where events that are handed back had stood in the log that was lost."""
    claims = []
    for item in prepared:
        if isinstance(item.read, Sealed) and "receipt" in item.item.value:
            epoch, places = claimed_places(item.item.value["receipt"], item.read.ref, item.read.home_region)
            claims += [Claim(region, epoch, position, ref) for region, position, ref in places]
    if claims:
        note_claims(db, claims, now_ms)


def _keep(db: Connection, item: Unreadable, sender: Sender, now_ms: int) -> Answer:
    kept = replace(item, raw=b"", detail=ERASED_DETAIL) if erased_in(db, item.raw) else item
    unreadable.keep(db, kept, sender.install, _name(sender), now_ms)
    return Answer("held", item.claimed_id, reasons=(item.reason,), detail=item.detail, kept=item.sha256)


def _name(sender: Sender) -> str:
    return min(sender.officers, default="")
