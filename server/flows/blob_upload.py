"""Taking in the bytes of photos, piece by piece: how far a tablet has come, and the next piece.

Only what the tablet's own events name, each tablet for itself, nothing acknowledged before it is on the disk, and
nothing counted as arrived before length and SHA-256 are right (docs/protocol.md, "Photos and files").
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from schemas import limits
from schemas.problems import ProblemError
from server.auth.callers import Caller
from server.blobs.storage import BlobStorage, StorageBusy, UploadGone, upload_name
from server.store import backups, devices, uploads
from server.store import blobs as files
from server.store.database import Connection

BUSY_RETRY_AFTER_S = 5
FULL_RETRY_AFTER_S = 300
QUOTA_RETRY_AFTER_S = 86_400
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS})


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an upload is: `offset` of `length` bytes are on the disk; `complete`: verified and kept. `durable`: in a
    verified backup, so that the tablet may let go of its own. `noted`: bytes that the database knows of."""

    offset: int
    length: int
    complete: bool
    durable: bool = False
    noted: int = 0


@dataclass(frozen=True, slots=True)
class _Sender:
    """A tablet that sends one file."""

    install: str
    officers: frozenset[str]
    sha256: str
    length: int

    @property
    def upload(self) -> str:
        return upload_name(self.sha256, self.install)


def standing(db: Connection, storage: BlobStorage, caller: Caller, sha256: str, now_ms: int) -> Standing:
    """How far the caller's upload is. Raises `ProblemError` (blob_unknown)."""
    return _standing(db, storage, _sender(db, caller, sha256), now_ms)


def receive(
    db: Connection,
    storage: BlobStorage,
    caller: Caller,
    sha256: str,
    offset: int,
    data: bytes,
    now_ms: int,
    *,
    length: int | None = None,
) -> Standing:
    """Take in the bytes from `offset` on. What the answer says is on the disk. `length`: the whole, as the tablet says.

    Raises `ProblemError`: blob_unknown, blob_too_large, offset_mismatch (`offset` says where to go on), invalid (more
    bytes than the event names), quota, disk_full, busy, blob_mismatch (all of it was thrown away)."""
    sender = _sender(db, caller, sha256)
    if sender.length > limits.BLOB_BYTES_MAX:
        raise ProblemError(
            "blob_too_large",
            f"{sender.length} bytes; the limit of one file is {limits.BLOB_BYTES_MAX}.",
            limit_bytes=limits.BLOB_BYTES_MAX,
        )
    if length not in (None, sender.length):
        raise ProblemError("invalid", f"The event says {sender.length} bytes, not {length}.")
    now = _standing(db, storage, sender, now_ms)
    if offset != now.offset:
        raise _elsewhere(now)
    if now.complete:
        return now
    after = offset + len(data)
    if after > sender.length:
        raise ProblemError("invalid", f"The event says {sender.length} bytes; these would make it {after}.")
    _refuse_over_quota(db, storage, sender, len(data))
    try:
        with _disk():
            storage.append(sender.upload, offset, data)
        if after == sender.length:
            return _finished(db, storage, sender, now_ms)
    except UploadGone as error:
        # Another request of this tablet was faster and has finished it.
        now = _standing(db, storage, sender, now_ms)
        if now.complete:
            return now
        raise _elsewhere(now) from error
    if not uploads.advance(db, sha256, sender.install, now.noted, after, now_ms):
        raise _elsewhere(_standing(db, storage, sender, now_ms))
    return Standing(after, sender.length, False)


def is_durable(db: Connection, sha256: str) -> bool:
    """Whether the newest good backup holds the file; as in `hello`, nothing is called safe before there is one."""
    return sha256 in backups.durable_blobs(db, [sha256])


def _standing(db: Connection, storage: BlobStorage, sender: _Sender, now_ms: int) -> Standing:
    found = uploads.upload_of(db, sender.sha256, sender.install)
    if found is None:
        return Standing(0, sender.length, False)
    if found.done_ms is not None:
        return _complete(db, sender)
    with _disk():
        # A restored disk may hold less than was noted; what was written and never noted does not count.
        here = min(found.received, storage.received(sender.upload))
        published = here == 0 < found.received and storage.size(sender.sha256) == sender.length
    if published:
        # The server was killed between the name of the file and its row: the bytes had been verified.
        _keep(db, sender, now_ms)
        return _complete(db, sender)
    return Standing(here, sender.length, False, noted=found.received)


def _finished(db: Connection, storage: BlobStorage, sender: _Sender, now_ms: int) -> Standing:
    with _disk():
        right = storage.publish(sender.upload, sender.sha256, sender.length)
    if not right:
        uploads.begin_again(db, sender.sha256, sender.install, now_ms)
        raise ProblemError("blob_mismatch", f"{sender.length} bytes came; they do not give {sender.sha256[:16]}...")
    _keep(db, sender, now_ms)
    return _complete(db, sender)


def _keep(db: Connection, sender: _Sender, now_ms: int) -> None:
    with db.transaction():
        uploads.finish(db, sender.sha256, sender.install, sender.length, now_ms)
        files.arrived(db, sender.sha256, sender.length, now_ms)
        files.prove(db, sender.sha256, sender.install, sender.officers, now_ms)


def _sender(db: Connection, caller: Caller, sha256: str) -> _Sender:
    if caller.install is None:
        raise ProblemError("wrong_token", "Only a tablet sends files.")
    install = caller.install.install
    officers = frozenset({caller.install.officer, *devices.officers_of_install(db, install)})
    length = files.named_length(db, sha256, install, officers)
    if length is None:
        raise ProblemError("blob_unknown")
    return _Sender(install, officers, sha256, length)


def _refuse_over_quota(db: Connection, storage: BlobStorage, sender: _Sender, more: int) -> None:
    limit = limits.BLOB_UNFINISHED_BYTES_PER_INSTALL_MAX
    if uploads.unfinished_bytes(db, sender.install) + more > limit:
        raise ProblemError(
            "quota",
            f"A tablet may have {limit} bytes of unfinished files here; finish one, or wait until they expire.",
            retry_after=QUOTA_RETRY_AFTER_S,
            limit=limit,
        )
    with _disk():
        if storage.free_bytes() - more < limits.BLOB_FREE_BYTES_MIN:
            # Forms need little room and matter more: photos stop first.
            raise ProblemError("disk_full", "There is no more room for photos.", retry_after=FULL_RETRY_AFTER_S)


def _complete(db: Connection, sender: _Sender) -> Standing:
    return Standing(sender.length, sender.length, True, is_durable(db, sender.sha256))


def _elsewhere(now: Standing) -> ProblemError:
    return ProblemError("offset_mismatch", f"The upload stands at {now.offset}.", offset=now.offset)


@contextmanager
def _disk() -> Iterator[None]:
    """What the disk refuses, in the words of the protocol."""
    try:
        yield
    except StorageBusy as error:
        raise ProblemError(
            "busy", "Another request of this tablet writes the same file.", retry_after=BUSY_RETRY_AFTER_S
        ) from error
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise ProblemError("disk_full", "The disk refuses to write.", retry_after=FULL_RETRY_AFTER_S) from error
