"""Erasing a person: the event, the parts, and everything that follows; once decided, done to the end.

1. Plan (`erasure_plan.py`), without a lock. 2. Under the write lock, if nothing came in meanwhile: the ledger's line,
on the disk; then, in one transaction, the event, the parts, what stands beside the log, and the records folded anew.
3. Photos. 4. The database file written anew. 5. The ledger says that it is finished. Killed anywhere, `finish` goes
on; a restored backup is brought up by `replay` before it answers (docs/decisions/0031 to 0033).
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.canonical import canonical_bytes_unchecked
from schemas.envelope import check_envelope
from schemas.event import DEVICE_KINDS, Part, ref_of, seal
from schemas.ids import uuid7
from schemas.problems import ProblemError
from server.auth.keys import ServerKeys
from server.clock import Clock, rfc3339_s
from server.flows import dictionary as dictionaries
from server.flows import erasure_traces as traces
from server.flows import screening
from server.flows.erasure_fold import fold_now
from server.flows.erasure_ledger import Entry, LedgerUnreadable, Taken, read_ledger, write_entry, write_finished
from server.flows.erasure_plan import Plan, Subject, Wish, make_plan, same_as_planned, subject_of
from server.flows.photos import strike
from server.store import erasures, events, identity
from server.store.appending import Appender
from server.store.database import Connection
from server.store.erasures import FileName
from sync import erasure as rules
from sync.erasure import Marks
from sync.intake import sealed_from

Forget = Callable[[Sequence[FileName]], int]
"""Drops the bytes, images and half-sent pieces of photos, named `(sha256, ref, path)`; how many files are gone."""
Progress = Callable[[str], None]
"""Told which step begins."""

PLANS_MAX = 5
"""So often a plan is made anew because something came in meanwhile."""
REWRITE_BYTES_MAX = 2 * 1024**3
"""A file up to this is written anew at once (100 MB a second here); a larger one at night, while tablets sleep."""
LOG_TRIES, LOG_WAIT_S = 50, 0.2
_ALSO_MAX = 15


@dataclass(frozen=True, slots=True)
class Order:
    """Why and by whom: the legal basis (a code of `sync.erasure.BASES`), the reason in words, the number of the letter,
    the account, its area."""

    actor: str
    area: str
    basis: str
    reason: str
    number: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one erasure. `fresh` is False where it had been carried out already."""

    ref: str
    fresh: bool
    parts: int = 0
    deliveries: int = 0
    kept: int = 0
    closed_boxes: int = 0
    households: int = 0


@dataclass(frozen=True, slots=True)
class Finished:
    """What `finish` did: files forgotten, whether the database file was written anew, and why not yet."""

    refs: tuple[str, ...] = ()
    files: int = 0
    rewritten: bool = False
    waits: str = ""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did: erasures carried out on this database, those it had already, lines that can't be read."""

    applied: tuple[str, ...]
    known: int
    unreadable: tuple[int, ...]


def nothing_kept(names: Sequence[FileName]) -> int:
    """`Forget` where no photos are stored here."""
    return 0


def erase(
    db: Connection,
    keys: ServerKeys,
    clock: Clock,
    subject: Subject,
    order: Order,
    ledger_path: Path,
    *,
    wish: Wish | None = None,
    progress: Progress = lambda step: None,
) -> Done:
    """Carry out an erasure up to and with the records; `finish` does the rest. Committed when this returns.

    Raises `ProblemError` (bad_request) where nothing is left to erase, or where the order itself names the person;
    `LedgerUnreadable` where the ledger can't be written. Then nothing was changed.
    """
    for _ in range(PLANS_MAX):
        progress("plan")
        subject, seen = subject_of(db, subject.households, subject.keys, subject.whole)
        plan = make_plan(db, keys, subject, seen, wish)
        if not _anything(db, plan):
            raise ProblemError("bad_request", "Tidak ada lagi yang dapat dihapus dari orang ini di server.")
        _names_nobody(order, plan.marks)
        refs = {each.ref for each in plan.taken}
        kept = traces.find_kept(db, keys, plan.marks, subject.whole, refs)
        progress("empty")
        with db.transaction():
            if not same_as_planned(db, plan):
                continue
            now_ms = clock.now_ms()
            entry = _entry(db, keys, plan, kept, _envelope(keys, plan, order, now_ms))
            write_entry(ledger_path, entry, keys)
            return _apply(db, keys, entry, (), plan.marks, kept, now_ms)
    raise ProblemError("busy", "Isian baru terus masuk untuk keluarga ini; coba lagi sebentar lagi.")


def replay(db: Connection, keys: ServerKeys, ledger_path: Path, now_ms: int) -> Replayed:
    """Carry out every erasure of the ledger that this database does not know: a backup from before it was restored.

    Called before the server answers. Ends with the database file written anew where anything was emptied. Raises
    `LedgerUnreadable`; then nothing was changed. Safe to repeat, and to be killed anywhere.
    """
    ledger = read_ledger(ledger_path, keys.public_keys)
    applied = [entry.ref for entry in ledger.entries if _carry_out(db, keys, entry, now_ms).fresh]
    if applied:
        _rewrite(db)
    return Replayed(tuple(applied), len(ledger.entries) - len(applied), ledger.unreadable)


def erased_again(db: Connection, keys: ServerKeys, ledger_path: Path, now_ms: int) -> int:
    """As `replay`, for a restore: how many were still to be done. Raises `LedgerUnreadable` for any line that can't be
    read as well: somebody could come back whom it names."""
    done = replay(db, keys, ledger_path, now_ms)
    if done.unreadable:
        lines = ", ".join(map(str, done.unreadable))
        raise LedgerUnreadable(f"{ledger_path}: baris {lines} tidak terbaca atau tanda tangannya tidak cocok.")
    return len(done.applied)


def finish(
    db: Connection,
    keys: ServerKeys,
    ledger_path: Path,
    now_ms: int,
    *,
    forget: Forget = nothing_kept,
    at_once: bool = False,
    progress: Progress = lambda step: None,
) -> Finished:
    """Bring every erasure that was begun to its end. `at_once`: write the file anew however large it is."""
    ledger = read_ledger(ledger_path, keys.public_keys)
    if not ledger.unfinished:
        return Finished()
    for entry in ledger.unfinished:
        _carry_out(db, keys, entry, now_ms)
    files = sum(forget(entry.files) for entry in ledger.unfinished if entry.files)
    if db.bytes_on_disk() > REWRITE_BYTES_MAX and not at_once:
        db.empty_log()
        return Finished(files=files, waits="large")
    progress("rewrite")
    if not _rewrite(db):
        return Finished(files=files, waits="readers")
    for entry in ledger.unfinished:
        write_finished(ledger_path, entry.ref, keys)
    return Finished(tuple(entry.ref for entry in ledger.unfinished), files, True)


def _carry_out(db: Connection, keys: ServerKeys, entry: Entry, now_ms: int) -> Done:
    """Apply an entry of the ledger to a database that may not know it."""
    if entry.server_id != identity.server_id(db) or not keys.made_here(entry.envelope):
        return Done(entry.ref, False)
    with db.transaction():
        if _in_log(db, entry):
            return Done(entry.ref, False)
        names = {f"p/{key}" for key in entry.persons}
        own = [content for taken in entry.parts if taken.part in names for content in _content(db, taken)]
        marks = rules.marks_of(entry.persons, own, dictionaries.current(db))
        refs = {each.ref for each in entry.parts}
        kept = traces.find_kept(db, keys, marks, entry.whole, refs)
        return _apply(db, keys, entry, _unlisted(db, entry), marks, kept, now_ms)


def _apply(
    db: Connection,
    keys: ServerKeys,
    entry: Entry,
    late: Sequence[Taken],
    marks: Marks,
    kept: traces.Kept,
    now_ms: int,
) -> Done:
    """Everything that an erasure does to the database, in the caller's transaction: all of it or nothing."""
    db.overwrite_freed()
    pairs = sorted({*entry.households, *_filed(entry)})
    for taken in (*entry.parts, *late):
        _take(db, keys, taken)
    for region in sorted({region for region, _ in pairs}):
        erasures.note_subjects(db, region, [*entry.persons, *entry.whole], entry.ref)
    erasures.note_parts(
        db, [erasures.ErasedPart(t.home_region, t.ref, t.part, t.pointers, entry.ref) for t in (*entry.parts, *late)]
    )
    erasures.note_files(db, entry.files, entry.ref)
    for sha256 in sorted({sha256 for sha256, _, _ in entry.files}):
        strike(db, sha256, (), now_ms)
    if entry.salt:
        identity.set_setting(db, screening.SALT, entry.salt)
    new = traces.find_kept(
        db, keys, marks, entry.whole, {each.ref for each in entry.parts}, but=kept.looked_at
    )
    digests = [screening.item_digest(db, sha) for found in (kept, new) for sha in (*found.items, *found.boxes)]
    erasures.note_items(db, [*entry.items, *digests], entry.ref)
    emptied = traces.empty_kept(db, kept) + traces.empty_kept(db, new)
    rows = traces.empty_deliveries(db, keys, pairs, marks, entry.whole, now_ms)
    appender = Appender(db, now_ms)
    appender.add(sealed_from(entry.envelope))
    appender.flush()
    fold_now(db, keys, pairs, now_ms)
    return Done(entry.ref, True, len(entry.parts) + len(late), rows, emptied, kept.closed + new.closed, len(pairs))


def _take(db: Connection, keys: ServerKeys, taken: Taken) -> None:
    if taken.pointers is None:
        events.erase_part(db, taken.home_region, taken.ref, taken.part)
    else:
        for content in _content(db, taken):
            left = screening.remains_of(taken.ref, taken.part, content, taken.pointers, keys)
            assert left.content is not None and left.remains is not None
            erasures.keep_remains(db, taken.home_region, taken.ref, taken.part, left.content, left.remains)
    erasures.forget_transport(db, taken.home_region, taken.ref)


def _content(db: Connection, taken: Taken) -> list[Mapping[str, Any]]:
    """What stands in a part now; nothing where it is not here, or empty."""
    event = events.by_ref(db, taken.home_region, taken.ref)
    raw = None if event is None else event.parts.get(taken.part, (None, None))[1]
    return [] if raw is None else [json.loads(raw)]


def _unlisted(db: Connection, entry: Entry) -> list[Taken]:
    """Forms with a part of the person that came in after the ledger's line was written and before it was carried out:
    the machine was off in between. They are met as any form that had not heard of the erasure."""
    listed = {(each.home_region, each.ref) for each in entry.parts}
    names = [f"p/{key}" for key in entry.persons]
    found = []
    for region in events.regions(db) if names else ():
        for ref in erasures.refs_with_part(db, region, names):
            event = events.by_ref(db, region, ref)
            if (region, ref) in listed or event is None or event.kind not in DEVICE_KINDS:
                continue
            if entry.ref not in {line["ref"] for line in event.head["context"]}:
                found += [Taken(region, ref, name, None) for name in sorted(event.parts) if name in names]
    return found


def _anything(db: Connection, plan: Plan) -> bool:
    """Whether something of the plan is still there: a part with content, or a file nobody was told to forget."""
    if set(plan.files) - erasures.files_among(db, plan.files):
        return True
    return any(_content(db, taken) for taken in plan.taken)


def _names_nobody(order: Order, marks: Marks) -> None:
    """The order stays for ever: it may not name whom it is about."""
    for text in (order.reason, order.number):
        if any(key in text for key in marks.keys) or rules.named_in(text, marks, sentence=True):
            raise ProblemError(
                "bad_request", "Alasan atau nomor surat memuat nama atau nomor orang itu; tulis tanpa menyebutnya."
            )


def _envelope(keys: ServerKeys, plan: Plan, order: Order, now_ms: int) -> dict[str, Any]:
    """The sealed and signed event: whom, on what basis, and which answers of others it took."""
    first, *rest = _filing(plan)
    covers = {
        (taken.ref, rules.path_of(taken.part, pointer)) for taken in plan.taken for pointer in taken.pointers or ()
    }
    covers |= {
        (taken.ref, f"{taken.part}/_all")
        for taken in plan.taken
        if taken.pointers is None and taken.part.removeprefix("p/") not in plan.subject.keys
    }
    body: dict[str, Any] = {
        "persons": sorted(plan.subject.keys),
        "basis": order.basis,
        "covers": [{"ref": ref, "path": path} for ref, path in sorted(covers)],
    }
    if plan.subject.whole:
        body["household"] = True
    text = {"reason": order.reason} | ({"number": order.number} if order.number else {})
    envelope = seal(
        id=uuid7(now_ms, secrets.token_bytes(10)),
        kind="erasure",
        household_id=first[1],
        home_region=first[0],
        actor=order.actor,
        area=order.area,
        also=[(household, region) for region, household in rest],
        parts=[Part("e", {}, text)],
        salts={"e": secrets.token_hex(16)},
        not_before=rfc3339_s(now_ms),
        body=body,
    )
    check_envelope(envelope)
    return keys.signed(envelope)


def _filing(plan: Plan) -> list[tuple[str, str]]:
    """Where the event is filed: under every household whose events it empties, the one that goes whole first. Beyond
    what an event can name, the others are folded all the same."""
    pairs = sorted(plan.subject.households, key=lambda pair: (pair[1] not in plan.subject.whole, pair))
    return pairs[: _ALSO_MAX + 1]


def _filed(entry: Entry) -> Iterable[tuple[str, str]]:
    return sealed_from(entry.envelope).filed


def _in_log(db: Connection, entry: Entry) -> bool:
    return all(events.by_ref(db, region, entry.ref) is not None for region, _ in _filed(entry))


def _entry(db: Connection, keys: ServerKeys, plan: Plan, kept: traces.Kept, envelope: Mapping[str, Any]) -> Entry:
    salt = identity.setting(db, screening.SALT)
    if salt is None:
        salt = secrets.token_hex(16)
        identity.set_setting(db, screening.SALT, salt)
    return Entry(
        identity.server_id(db),
        ref_of(envelope["payload_hash"]),
        json.loads(canonical_bytes_unchecked(envelope)),
        tuple(sorted(plan.subject.keys)),
        tuple(sorted(plan.subject.whole)),
        tuple(sorted({*plan.subject.households, *plan.touched})),
        plan.taken,
        plan.files,
        tuple(sorted(screening.item_digest(db, sha) for sha in (*kept.items, *kept.boxes))),
        salt,
    )


def _rewrite(db: Connection) -> bool:
    """Write the database anew; its log is emptied as soon as nobody reads an old state of it."""
    if db.rewrite():
        return True
    pause = threading.Event()
    for _ in range(LOG_TRIES):
        pause.wait(LOG_WAIT_S)
        if db.empty_log():
            return True
    return False
