"""Bringing a database back from a set of backup files, into a place where there is none.

Everything is done to a copy beside its place: proved, brought to this version, a new epoch begun, erasures done again.
Only then, in one step, does it stand where a server would find it. Cut off anywhere, there is no database, or a whole
one. Nothing is ever overwritten or deleted; what stood there is moved aside on the operator's word.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from server.address import is_postgres, shown
from server.auth.keys import ServerKeys, load_keys
from server.backups import ledger
from server.backups.age_files import BackupKey
from server.backups.folder import BackupFolder, sync_folder
from server.backups.manifest import ACCESS_LOG, SNAPSHOT, Manifest
from server.backups.problem import BackupProblem, SetDamaged
from server.blobs.storage import BlobStorage
from server.clock import Clock, rfc3339_s
from server.flows.backup_verify import (
    Told,
    blob_list,
    check_database,
    check_room,
    refuse_newer,
    remove_database,
    silent,
    unpack,
)
from server.flows.restore_blobs import ReturnedPhotos, bring_photos
from server.store import backups, identity, leases, restores, snapshots
from server.store.copying import copy_all, is_empty
from server.store.database import Connection, NotOurs, Store, StoreError
from server.store.migrations import applied_names, open_store
from server.store.restores import Restore
from server.store.sqlite import whole_file

LATEST = ("terbaru", "latest")
ACCESS_LOG_NAME = "access.log"
_SIDE = ("", "-wal", "-shm")

Replay = Callable[[Connection, ServerKeys, Path, int], int]
"""Does the erasures of a ledger again, records included: database, keys, the ledger's file, now; how many were still to
be done."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done. `migrated`: changes applied because the set was older than this program. `erased`: erasures done
    again. `photos`: what became of the photos; None where no place for them was given. `epoch`: the new one."""

    set_name: str
    manifest: Manifest
    epoch: str
    migrated: tuple[str, ...]
    erased: int
    photos: ReturnedPhotos | None


def choose(folder: BackupFolder, wanted: str) -> str:
    """The name of the set that is meant: itself, or the newest that was verified, else the newest that can be read."""
    if wanted not in LATEST:
        folder.set_path(wanted)
        return wanted
    names = [name for name in reversed(folder.names()) if _readable(folder, name)]
    verified = [name for name in names if folder.is_marked_verified(name)]
    if not names:
        raise BackupProblem(f"{folder.path}: tidak ada cadangan di folder ini.")
    return (verified or names)[0]


def restore(
    folder: BackupFolder,
    name: str,
    keys: Sequence[BackupKey],
    target: str,
    home: Path,
    clock: Clock,
    *,
    replay: Replay | None = None,
    storage: BlobStorage | None = None,
    told: Told = silent,
) -> Restored:
    """Put the database of a set at `target` (a file that is not there, or an empty PostgreSQL database). Raises
    `SetDamaged`, `BackupProblem`, `StoreError`; then there is nothing at `target`.

    `home`: the folder of what is kept beside the database. `storage`: where the photos go.
    """
    found = folder.manifest(name)
    if not found.proved_by(keys):
        raise SetDamaged(f"{name}: manifest diubah, atau dibuat dengan kunci lain.")
    manifest = found.manifest
    refuse_newer(manifest)
    refuse_occupied(target)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    work = home / ".restore"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(mode=0o700)
    try:
        snapshot = manifest.files[SNAPSHOT]
        check_room(work, 2 * snapshot.plain_bytes)
        listed = blob_list(folder, manifest)
        ledger.bring_back(folder, keys, home)
        copy = work / "padan.db"
        unpack(folder.set_path(name) / snapshot.name, snapshot, keys, copy, told, "membuka cadangan")
        migrated = _proved_and_migrated(copy, manifest, told)
        epoch, erased = _made_ready(copy, manifest, found.sha256, keys, home, clock, replay, told)
        if ACCESS_LOG in manifest.files:
            _bring_access_log(folder, manifest, keys, work, home)
        photos = _bring_photos(copy, storage, folder, listed, keys, work, clock, told)
        told("menempatkan", 0, 0)
        _put(copy, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Restored(name, manifest, epoch, migrated, erased, photos)


def refuse_occupied(target: str) -> None:
    """Raise `BackupProblem` where something is at the place already."""
    if is_postgres(target):
        store = Store(target)
        try:
            there = "log_heads" in store.db.tables() and not is_empty(store.db)
        finally:
            store.close()
        if there:
            raise BackupProblem(f"{shown(target)}: sudah berisi data. Sediakan basis data baru yang kosong.")
        return
    occupied = [f"{target}{end}" for end in _SIDE if Path(f"{target}{end}").exists()]
    if occupied:
        raise BackupProblem(
            f"{occupied[0]}: sudah ada, dan tidak ditimpa. Ulangi dengan --aside untuk memindahkannya ke samping."
        )


def set_aside(database: Path, now_ms: int) -> Path | None:
    """Give an existing database another name beside its own; that name. Raises `StoreBusy` while a server uses it."""
    if not any(Path(f"{database}{end}").exists() for end in _SIDE):
        return None
    if database.exists():
        with suppress(NotOurs):  # damaged: it is moved with all that lies beside it, as it is
            whole_file(database)
    moment = rfc3339_s(now_ms).replace("-", "").replace(":", "")
    aside = database.with_name(f"{database.name}.sebelum-pulih-{moment}")
    for end in _SIDE:
        here, there = Path(f"{database}{end}"), Path(f"{aside}{end}")
        if there.exists():
            raise BackupProblem(f"{there}: sudah ada; ulangi sedetik lagi.")
        if here.exists():
            os.rename(here, there)
    sync_folder(database.parent)
    return aside


def _readable(folder: BackupFolder, name: str) -> bool:
    try:
        folder.manifest(name)
    except SetDamaged:
        return False
    return True


def _proved_and_migrated(copy: Path, manifest: Manifest, told: Told) -> tuple[str, ...]:
    """What was decrypted is the database that the manifest tells of; then it is brought to this version."""
    try:
        store = Store(copy)
        wrong = snapshots.damage(store)
    except StoreError as error:
        raise SetDamaged(f"{manifest.set}: di dalamnya bukan basis data Padan yang utuh ({error}).") from error
    if wrong:
        raise SetDamaged(f"{manifest.set}: basis data di dalamnya rusak: {wrong[0]}")
    try:
        check_database(store, manifest, told=told)
    finally:
        store.close()
    store = open_store(copy, create=False)
    try:
        applied = applied_names(store)
    finally:
        store.close()
    return tuple(name for name in applied if name not in manifest.schema)


def _made_ready(
    copy: Path,
    manifest: Manifest,
    manifest_sha256: str,
    keys: Sequence[BackupKey],
    home: Path,
    clock: Clock,
    replay: Replay | None,
    told: Told,
) -> tuple[str, int]:
    """A new epoch, what the restore came from, nobody's turn, the keys of the key file; erasures done again."""
    store = Store(copy)
    try:
        db, now_ms = store.db, clock.now_ms()
        heads = {region: head.position for region, head in snapshots.extent(db).heads.items()}
        with db.transaction():
            epoch = identity.begin_epoch(db, now_ms, f"restore {manifest.set}")
            restores.note_restore(db, Restore(epoch, manifest.set, manifest.epoch, heads, manifest.created_ms, now_ms))
            backups.record(
                db,
                manifest.set,
                created_ms=manifest.created_ms,
                epoch=manifest.epoch,
                positions=manifest.positions,
                manifest_sha256=manifest_sha256,
                size=manifest.size,
                now_ms=now_ms,
            )
            leases.end_all(db)
            known = {key.recipient for key in backups.keys(db)}
            for key in reversed(keys):
                if key.recipient not in known:
                    backups.add_key(db, key.recipient, key.identity, now_ms)
        told("penghapusan diulang", 0, 0)
        server_keys = load_keys(db, now_ms)
        erased = replay(db, server_keys, home / ledger.LEDGER_FILE, now_ms) if replay is not None else 0
        return epoch, erased
    finally:
        store.close()


def _bring_photos(
    copy: Path,
    storage: BlobStorage | None,
    folder: BackupFolder,
    listed: Mapping[str, int],
    keys: Sequence[BackupKey],
    work: Path,
    clock: Clock,
    told: Told,
) -> ReturnedPhotos | None:
    if storage is None:
        return None
    store = Store(copy)
    try:
        return bring_photos(store.db, storage, folder, listed, keys, work, clock.now_ms(), told)
    finally:
        store.close()


def _bring_access_log(
    folder: BackupFolder, manifest: Manifest, keys: Sequence[BackupKey], work: Path, home: Path
) -> None:
    """The record of who opened what comes back as well; beside one that is there already, under a name of its own."""
    file = manifest.files[ACCESS_LOG]
    fresh = work / ACCESS_LOG_NAME
    unpack(folder.set_path(manifest.set) / file.name, file, keys, fresh)
    place = home / ACCESS_LOG_NAME
    if place.exists():
        if place.read_bytes().startswith(fresh.read_bytes()):
            return
        place = home / f"{ACCESS_LOG_NAME}.dari-{manifest.set}"
    os.replace(fresh, place)
    sync_folder(home)


def _put(copy: Path, target: str) -> None:
    """The finished database stands where it belongs, in one step."""
    if is_postgres(target):
        source, store = Store(copy), open_store(target)
        try:
            copy_all(source.db, store.db)
        finally:
            source.close()
            store.close()
        return
    whole_file(copy)
    place = Path(target)
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with copy.open("rb+") as file:
        os.fsync(file.fileno())
    refuse_occupied(target)
    if copy.stat().st_dev == place.parent.stat().st_dev:
        os.rename(copy, place)
    else:
        _carry(copy, place)
    sync_folder(place.parent)


def _carry(copy: Path, place: Path) -> None:
    """Onto another disk: under another name first."""
    near = place.with_name(f".{place.name}.part")
    remove_database(near)
    os.close(os.open(near, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with copy.open("rb") as source, near.open("rb+") as file:
        shutil.copyfileobj(source, file, 1024**2)
        file.flush()
        os.fsync(file.fileno())
    os.rename(near, place)
