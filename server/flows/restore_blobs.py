"""Photos come back from a backup: each that the restored database calls whole is on the disk again, or counts as
missing, so that a tablet that still has it sends it once more.

Cut off anywhere it can be repeated: what lies there already is not read again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from server.backups.age_files import BackupKey, decrypt_file
from server.backups.folder import BackupFolder
from server.backups.problem import BackupProblem, SetDamaged
from server.blobs.storage import BlobStorage, UploadGone, upload_name
from server.flows.backup_verify import Told
from server.flows.blob_upkeep import compare_with_disk, remove_forgotten
from server.flows.photos import LOST, lose
from server.store import blobs as files
from server.store.database import Connection

RESTORING = "restore"
"""Whose upload the bytes are while they are written."""
PIECE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ReturnedPhotos:
    """How many photos came out of the backup, how many lay here already, and how many neither has."""

    brought: int = 0
    here: int = 0
    lacking: int = 0


def bring_photos(
    db: Connection,
    storage: BlobStorage,
    folder: BackupFolder,
    listed: Mapping[str, int],
    keys: Sequence[BackupKey],
    work: Path,
    now_ms: int,
    told: Told,
) -> ReturnedPhotos:
    """Bring into `storage` what this database needs and is not there. `listed`: SHA-256 of what the set
    names -> bytes of its encrypted file.

    Erasures were done again before: what they took is not wanted any more, and is removed where it lies here. What came
    after the backup and lies here is noted, so that a tablet that offers its form again need not send it. Raises
    `BackupProblem` where there is no room, `OSError` where the disk refuses; repeating goes on."""
    remove_forgotten(db, storage)
    compare_with_disk(db, storage, now_ms)
    wanted = list(files.whole(db))
    need = sum(listed.get(sha256, 0) for sha256 in wanted if storage.size(sha256) is None)
    if need > storage.free_bytes():
        raise BackupProblem(f"Untuk foto diperlukan {need // 1024**2} MiB; kosongkan tempat, lalu ulangi.")
    brought = here = lacking = 0
    for number, sha256 in enumerate(wanted):
        told("foto", number, len(wanted))
        if storage.size(sha256) is not None:
            here += 1
        elif sha256 in listed and _bring(storage, folder, sha256, keys, work):
            _arrived_again(db, storage, sha256, now_ms)
            brought += 1
        else:
            lose(db, sha256, now_ms, LOST)
            lacking += 1
    return ReturnedPhotos(brought, here, lacking)


def _arrived_again(db: Connection, storage: BlobStorage, sha256: str, now_ms: int) -> None:
    """What is shown of it is no part of a backup and is made again."""
    with db.transaction():
        files.move(db, sha256, files.WHOLE, files.MISSING, now_ms)
        files.arrived(db, sha256, storage.size(sha256) or 0, now_ms)


def _bring(storage: BlobStorage, folder: BackupFolder, sha256: str, keys: Sequence[BackupKey], work: Path) -> bool:
    """One photo out of the folder of backups; False where it is gone or damaged there."""
    plain, upload = work / "photo", upload_name(sha256, RESTORING)
    plain.unlink(missing_ok=True)
    try:
        source = folder.blob_path(sha256)
        if not source.is_file():
            return False
        size = decrypt_file(source, plain, keys, packed=False).plain_bytes
        storage.discard(upload)
        offset = 0
        with plain.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                storage.append(upload, offset, piece)
                offset += len(piece)
        return storage.publish(upload, sha256, size)
    except (SetDamaged, UploadGone):
        return False
    finally:
        plain.unlink(missing_ok=True)
