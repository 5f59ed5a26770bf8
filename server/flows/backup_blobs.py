"""Photos in a backup: each encrypted once under its hash, never copied again, and listed by every set that needs it."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import structlog

from server.backups.age_files import BackupKey, Measured, create, encrypt_stream, sync
from server.backups.folder import BackupFolder
from server.backups.manifest import File
from server.backups.problem import SetDamaged
from server.blobs.storage import BlobStorage
from server.flows.backup_verify import Told, check_blob
from server.store import backups, blobs
from server.store.database import Connection, Store

_log = structlog.get_logger("padan.backup")


class BlobSource(Protocol):
    """Where the server keeps its photos."""

    def whole(self, db: Connection) -> Iterable[str]:
        """SHA-256 of every photo that has arrived whole, as this database says."""
        ...

    def open(self, sha256: str) -> BinaryIO:
        """Its bytes. Raises `OSError` where they are not there."""
        ...


@dataclass(frozen=True, slots=True)
class StoredPhotos:
    """The photos as they came, from where the server keeps them; what is shown of them can be made again."""

    storage: BlobStorage

    def whole(self, db: Connection) -> Iterable[str]:
        """See `BlobSource`."""
        return blobs.whole(db)

    def open(self, sha256: str) -> BinaryIO:
        """See `BlobSource`."""
        return self.storage.open(sha256)


@dataclass(frozen=True, slots=True)
class WrittenBlobs:
    """`sizes`: SHA-256 -> bytes of the encrypted file, of all that the set can bring back. `fresh`: those written in
    this run, every byte still to be read back. `lacking`: how many the server itself could not read."""

    fresh: frozenset[str]
    sizes: Mapping[str, int]
    lacking: int


def write_blobs(
    db: Connection,
    snapshot: Path,
    place: BackupFolder,
    source: BlobSource | None,
    keys: Sequence[BackupKey],
    told: Told,
) -> WrittenBlobs:
    """Bring into the folder what the snapshot needs and is not there in its size. What can't be read is left out, told,
    and tried again by the next backup: one lost photo must not cost the backup of all else."""
    if source is None:
        return WrittenBlobs(frozenset(), {}, 0)
    store = Store(snapshot)
    try:
        wanted = sorted(source.whole(store.db))
    finally:
        store.close()
    known = backups.good_blobs(db)
    sizes: dict[str, int] = {}
    fresh: set[str] = set()
    for number, sha256 in enumerate(wanted):
        told("foto", number, len(wanted))
        size = _there(place, sha256, known.get(sha256), keys)
        if size is None:
            size = _write(place, source, sha256, keys[0])
            if size is None:
                continue
            fresh.add(sha256)
        sizes[sha256] = size
    lacking = len(wanted) - len(sizes)
    if lacking:
        _log.warning("backup_lacks_photos", rows=lacking)
    return WrittenBlobs(frozenset(fresh), sizes, lacking)


def write_blob_list(path: Path, sizes: Mapping[str, int]) -> File:
    """The list of a set's photos, a line each: SHA-256 and size of the encrypted file."""
    text = "".join(f"{name} {size}\n" for name, size in sorted(sizes.items())).encode()
    packed = gzip.compress(text, mtime=0)
    with create(path) as file:
        file.write(packed)
        sync(file)
    measured = Measured(len(packed), _digest(packed), len(text), _digest(text))
    return File.of(path.name, measured)


def _there(place: BackupFolder, sha256: str, known_size: int | None, keys: Sequence[BackupKey]) -> int | None:
    """Size of the encrypted file where it is there and whole; one we do not know (a restore came between) is read."""
    path = place.blob_path(sha256)
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return None
    if size == known_size:
        return size
    try:
        check_blob(place, sha256, keys)
    except SetDamaged:
        return None
    return size


def _write(place: BackupFolder, source: BlobSource, sha256: str, key: BackupKey) -> int | None:
    """Encrypt one photo; its size in the folder, None where the server's own file is gone or is another's."""
    try:
        plain = source.open(sha256)
    except OSError:
        return None
    with plain:
        unfinished = place.begin_blob(sha256)
        measured = encrypt_stream(plain, unfinished, key.recipient, pack=False)
    if measured.plain_sha256 != sha256:
        unfinished.unlink()
        return None
    place.publish_blob(sha256)
    return measured.bytes


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
