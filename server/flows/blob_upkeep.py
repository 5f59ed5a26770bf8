"""Keeping photos in order: names read from the log again, what lies on the disk compared with what is known, bytes that
nobody needs removed, every hash computed again.

What an event names never expires. Everything here can be repeated, and be cut off anywhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import structlog

from schemas import limits
from server.blobs.storage import BlobStorage, Kept, upload_name
from server.flows.photos import lose, strike
from server.store import blobs as files
from server.store import events, uploads
from server.store.blobs import MIME_CHARACTERS_MAX, Name
from server.store.database import Connection, Row
from server.store.erasures import FileName
from server.store.identity import epoch_ids, set_setting, setting

DAY_MS = 86_400_000
LEFTOVER_MS = DAY_MS
"""An upload that no row knows of: written by a request that was killed before it could note it."""

BATCH = 200
PAGE_ROWS = 500
PIECE_BYTES = 1024 * 1024
DAMAGED = "damaged_on_disk"
NAMED = "blobs_named"
"""Setting: the names of all events are in their table. Absent in a database of a version without photos."""

Progress = Callable[[int, int | None], None]
_NO_ATTACHMENTS = b'"attachments":{}'
_log = structlog.get_logger("padan.photos")


@dataclass(frozen=True, slots=True)
class Expired:
    """What was removed: uploads without progress, files that no event names, files that were forgotten."""

    uploads: int = 0
    unnamed: int = 0
    forgotten: int = 0

    def __bool__(self) -> bool:
        return bool(self.uploads or self.unnamed or self.forgotten)


@dataclass(frozen=True, slots=True)
class Verified:
    """Files whose every byte was read: how many, how many bytes, and which are damaged or not there."""

    files: int
    bytes: int
    damaged: tuple[str, ...]
    lost: tuple[str, ...]


def name_all_once(db: Connection, now_ms: int) -> int:
    """After an upgrade from a version without photos: read the names from the log. Else nothing."""
    if setting(db, NAMED) is not None:
        return 0
    found = name_all(db, now_ms)
    set_setting(db, NAMED, "1")
    return found


def name_all(db: Connection, now_ms: int, progress: Progress = lambda _done, _all: None) -> int:
    """Read from the log which events name which files; how many names the table lacked."""
    before, total, done = files.count_names(db), events.count(db), 0
    for region in events.regions(db):
        for epoch in sorted(epoch_ids(db)):
            after = 0
            # Page by page: while a row is written none may be streamed.
            while page := list(islice(events.log_rows(db, region, epoch, after), PAGE_ROWS)):
                found = [name for row in page if _NO_ATTACHMENTS not in row["head"] for name in _names(row, region)]
                if found:
                    _name(db, found, now_ms)
                after, done = page[-1]["position"], done + len(page)
                progress(done, total)
    return files.count_names(db) - before


def compare_with_disk(
    db: Connection, storage: BlobStorage, now_ms: int, progress: Progress = lambda _done, _all: None
) -> int:
    """Note files that lie on the disk and count as missing (a restored database), and since when others are unnamed.
    How many missing ones were found."""
    found = 0
    for number, kept in enumerate(storage.files(), 1):
        blob = files.blob_of(db, kept.name)
        if blob is None:
            files.find_unnamed(db, kept.name, kept.bytes, now_ms)
        elif blob.state in files.LACKING and files.arrived(db, kept.name, kept.bytes, now_ms):
            found += 1
        if number % BATCH == 0:
            progress(number, None)
    return found


def expire(db: Connection, storage: BlobStorage, now_ms: int) -> Expired:
    """Remove what nobody needs: see schemas/limits.py for how long each is kept."""
    return Expired(
        uploads=_expire_uploads(db, storage, now_ms) + _drop_leftovers(db, storage, now_ms),
        unnamed=_expire_unnamed(db, storage, now_ms),
        forgotten=remove_forgotten(db, storage),
    )


def forget(
    db: Connection, storage: BlobStorage, sha256: str, *, struck: Iterable[tuple[str, str]] = (), now_ms: int
) -> bool:
    """A person was erased: remove the bytes of a photo or signature, all images and unfinished uploads of it, unless
    another living event still names it. True when nothing of it is left.

    A name is taken out where its part of the event was erased, and where `struck`, pairs `(ref, path)`, says so: for a
    photo of the household that shows the person. Safe to repeat. Inside a transaction the bytes stay until
    `remove_forgotten`, which the worker does hourly: a rolled back erasure must not have removed them."""
    inside = db.in_transaction
    if not strike(db, sha256, struck, now_ms):
        return False
    if files.blob_of(db, sha256) is None:
        return storage.size(sha256) is None
    if not inside:
        _remove(db, storage, sha256)
    return True


def forget_all(db: Connection, storage: BlobStorage, names: Iterable[FileName], now_ms: int) -> int:
    """As `forget`, of files as an erasure names them, `(sha256, ref, path)`; how many are gone."""
    by_file: dict[str, list[tuple[str, str]]] = {}
    for sha256, ref, path in names:
        by_file.setdefault(sha256, []).append((ref, path))
    return sum(forget(db, storage, sha256, struck=pairs, now_ms=now_ms) for sha256, pairs in sorted(by_file.items()))


def remove_forgotten(db: Connection, storage: BlobStorage) -> int:
    """Remove the bytes of whatever was forgotten and still lies here."""
    removed = 0
    for blob in _all_in(db, files.FORGOTTEN):
        if storage.size(blob.sha256) is not None or uploads.installs_of(db, blob.sha256):
            _remove(db, storage, blob.sha256)
            removed += 1
    return removed


def verify(
    db: Connection, storage: BlobStorage, now_ms: int, *, mend: bool, progress: Progress = lambda _done, _all: None
) -> Verified:
    """Read every file whole and compute its hash again. `mend`: what is damaged is set aside and counts as missing, so
    that a tablet that still has it sends it again."""
    damaged, lost, count, size = [], [], 0, 0
    total = sum(number for state, number in files.counts(db).items() if state in files.WHOLE)
    for sha256 in files.whole(db):
        try:
            right, read = _rehashed(storage, sha256)
        except FileNotFoundError:
            lost.append(sha256)
            if mend:
                lose(db, sha256, now_ms, DAMAGED)
        else:
            size += read
            if not right:
                damaged.append(sha256)
                if mend:
                    storage.set_aside(sha256)
                    lose(db, sha256, now_ms, DAMAGED)
        count += 1
        progress(count, total)
    return Verified(count, size, tuple(damaged), tuple(lost))


def _name(db: Connection, names: list[Name], now_ms: int) -> None:
    with db.transaction():
        files.name(db, names, now_ms)
        for sha256 in {each.sha256 for each in names}:
            strike(db, sha256, (), now_ms)  # what was erased before the names were read anew stays out


def _names(row: Row, region: str) -> Iterator[Name]:
    head: dict[str, Any] = json.loads(row["head"])
    if head["home_region"] != region:
        return
    for path, item in head["attachments"].items():
        yield Name(
            sha256=item["sha256"],
            home_region=region,
            ref=row["ref"],
            path=files.stored_path(path),
            household_id=head["household_id"],
            area=head["area"],
            actor=head["actor"],
            install=row["install"],
            bytes=item["bytes"],
            mime=item["mime"][:MIME_CHARACTERS_MAX],
        )


def _expire_uploads(db: Connection, storage: BlobStorage, now_ms: int) -> int:
    before_ms, count = now_ms - limits.BLOB_UNFINISHED_DAYS * DAY_MS, 0
    while old := uploads.unchanged_since(db, before_ms, BATCH):
        for each in old:
            uploads.drop(db, each.sha256, each.install)
            storage.discard(upload_name(each.sha256, each.install))
            count += 1
    return count


def _drop_leftovers(db: Connection, storage: BlobStorage, now_ms: int) -> int:
    known = {upload_name(sha256, install) for sha256, install in uploads.open_uploads(db)}
    old = [each for each in storage.uploads() if each.name not in known and _is_old(each, now_ms)]
    for each in old:
        storage.discard(each.name)
    return len(old)


def _is_old(kept: Kept, now_ms: int) -> bool:
    return kept.changed_ms < now_ms - LEFTOVER_MS


def _expire_unnamed(db: Connection, storage: BlobStorage, now_ms: int) -> int:
    before_ms, count = now_ms - limits.BLOB_UNNAMED_DAYS * DAY_MS, 0
    for blob in _all_in(db, files.UNNAMED):
        if blob.since_ms >= before_ms:
            break
        # The row goes first: an event that comes this moment finds no bytes and asks for them.
        if files.drop_unnamed(db, blob.sha256):
            storage.remove(blob.sha256)
            count += 1
    return count


def _all_in(db: Connection, state: str) -> Iterator[files.Blob]:
    """Every file in a state, longest in it first."""
    after = (-1, "")
    while page := files.in_state(db, state, BATCH, after):
        yield from page
        after = (page[-1].since_ms, page[-1].sha256)


def _remove(db: Connection, storage: BlobStorage, sha256: str) -> None:
    for install in uploads.installs_of(db, sha256):
        storage.discard(upload_name(sha256, install))
    storage.remove(sha256)
    uploads.drop(db, sha256)
    _log.info("photo_removed", reason=files.FORGOTTEN)


def _rehashed(storage: BlobStorage, sha256: str) -> tuple[bool, int]:
    digest, read = hashlib.sha256(), 0
    with storage.open(sha256) as file:
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
            read += len(piece)
    return digest.hexdigest() == sha256, read
