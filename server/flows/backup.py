"""Making a backup: snapshot, encrypt, new photos, manifest, rename; then all is read back, and only then does it count.

Any number of processes may try: a lease lets one at it, and a thread keeps the lease while the work goes on. A run that
is cut off anywhere leaves no half set that looks whole, and the next one removes what it left. Which files go
afterwards is `backup_prune.py`'s matter.
"""

from __future__ import annotations

import secrets
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import structlog

from server.backups import ledger
from server.backups.age_files import BackupKey, create, encrypt_file, sync
from server.backups.folder import MANIFEST, set_name
from server.backups.manifest import ACCESS_LOG, BLOBS, SNAPSHOT, File, Manifest
from server.backups.plan import Plan
from server.backups.problem import BackupProblem
from server.clock import Clock, rfc3339_s
from server.flows.backup_blobs import BlobSource, WrittenBlobs, write_blob_list, write_blobs
from server.flows.backup_prune import prune
from server.flows.backup_verify import Checked, Told, check_room, remove_database, silent, verify_set
from server.store import backups, households, identity, leases, snapshots
from server.store.database import Connection, Store, StoreError
from server.store.leases import Lease
from server.store.migrations import applied_names

LEASE = "backup"
LEASE_MS = 5 * 60_000
HEARTBEAT_S = 60.0
ACCESS_LOG_NAME = "access.log"
_log = structlog.get_logger("padan.backup")


@dataclass(frozen=True, slots=True)
class Done:
    """A backup that was made and verified. `blobs_new`: photos that were not in the folder before; `blobs_lacking`:
    those that the server itself could not read."""

    set_name: str
    bytes: int
    checked: Checked
    blobs_new: int
    blobs_lacking: int


class Busy(BackupProblem):
    """Another process is making a backup."""


def backup_keys(db: Connection) -> list[BackupKey]:
    """The server's backup keys, the one in use first."""
    return [BackupKey(key.recipient, key.identity) for key in backups.keys(db)]


def ready_keys(db: Connection, plan: Plan) -> list[BackupKey]:
    """The keys, once it is sure that the folder is ours and can be opened again. Raises `BackupProblem`."""
    keys, place = backup_keys(db), plan.place
    if not keys:
        raise BackupProblem("Cadangan belum disiapkan. Jalankan: padan backup init")
    if not place.reachable():
        raise BackupProblem(f"{plan.folder}: folder cadangan tidak ada. Apakah diskanya terpasang?")
    if place.owner() != identity.server_id(db):
        raise BackupProblem(f"{plan.folder}: folder ini milik server lain ({place.owner()}). Pakai folder lain.")
    if not place.has_keys():
        raise BackupProblem(f"{plan.folder}: berkas kunci tidak ada. Jalankan: padan backup init")
    return keys


def make_backup(
    store: Store,
    plan: Plan,
    clock: Clock,
    holder: str,
    *,
    source: BlobSource | None = None,
    full: bool = False,
    told: Told = silent,
) -> Done:
    """Make a set, read it back, and note it as verified. Raises `BackupProblem`, `SetDamaged`, `Busy`.

    `source`: where the photos are read from; None where there are none."""
    db = store.db
    keys = ready_keys(db, plan)
    with at_work(store, clock, holder) as lease, _disk_told(plan):
        plan.place.sweep()
        with work_folder(plan.work):
            name, written = _write_set(db, plan, clock, keys, source, told)
            checked = verify_set(
                plan.place, name, keys, plan.work, live=db, full=full, hash_blobs=written.fresh, told=told
            )
        _record(db, lease, checked, written, clock.now_ms())
        note = {"manifest_sha256": checked.manifest_sha256, "at": rfc3339_s(clock.now_ms()), "full": full}
        plan.place.mark_verified(name, note)
        ledger.copy_out(plan.place, keys, plan.home)
        prune(db, plan, clock.now_ms())
    _log.info("backup_verified", rows=checked.manifest.counts["events"], households=checked.folded)
    return Done(name, checked.bytes, checked, len(written.fresh), written.lacking + len(checked.spoiled))


@contextmanager
def at_work(store: Store, clock: Clock, holder: str) -> Iterator[Lease]:
    """Hold the turn at the folder of backups; a thread keeps it meanwhile. Raises `Busy` where another has it."""
    lease = leases.acquire(store.db, LEASE, holder, clock.now_ms(), LEASE_MS)
    if lease is None:
        raise Busy("Cadangan sedang dibuat oleh proses lain; tunggu sampai selesai.")
    over = threading.Event()
    thread = threading.Thread(target=_keep, args=(store, clock, holder, over), name="padan-backup-lease", daemon=True)
    thread.start()
    try:
        yield lease
    finally:
        over.set()
        thread.join()
        leases.give_up(store.db, lease)


@contextmanager
def work_folder(path: Path) -> Iterator[Path]:
    """An empty folder that only this account may read, gone afterwards. What a cut-off run left in it goes first."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True, mode=0o700)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _keep(store: Store, clock: Clock, holder: str, over: threading.Event) -> None:
    while not over.wait(HEARTBEAT_S):
        with suppress(StoreError):  # the database is busy: there are four more tries before the lease ends
            leases.acquire(store.db, LEASE, holder, clock.now_ms(), LEASE_MS)
    store.release()


@contextmanager
def _disk_told(plan: Plan) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = error.filename or plan.folder
        raise BackupProblem(
            f"{where}: {error.strerror or error}. Kosongkan tempat atau periksa diska, lalu ulangi."
        ) from error


def _write_set(
    db: Connection, plan: Plan, clock: Clock, keys: Sequence[BackupKey], source: BlobSource | None, told: Told
) -> tuple[str, WrittenBlobs]:
    key, created_ms = keys[0], clock.now_ms()
    name = set_name(created_ms, secrets.token_hex(2))
    size = db.bytes_on_disk()
    check_room(plan.work, size)
    check_room(plan.folder, size // 2)
    copy = plan.work / "snapshot.db"
    snapshots.write_snapshot(db, copy, lambda done, expected: told("menyalin basis data", done, expected))
    manifest = _manifest_of(copy, name, created_ms, key)
    part = plan.place.begin(name)
    plain = copy.stat().st_size
    measured = encrypt_file(
        copy,
        part / "snapshot.db.gz.age",
        key.recipient,
        pack=True,
        told=lambda done: told("mengenkripsi", done, plain),
    )
    files = {SNAPSHOT: File.of("snapshot.db.gz.age", measured)}
    blobs = write_blobs(db, copy, plan.place, source, keys, told)
    files[BLOBS] = write_blob_list(part / "blobs.txt.gz", blobs.sizes)
    access_log = plan.home / ACCESS_LOG_NAME
    if access_log.is_file():
        measured = encrypt_file(access_log, part / "access.log.gz.age", key.recipient, pack=True)
        files[ACCESS_LOG] = File.of("access.log.gz.age", measured)
    remove_database(copy)
    counts = {**manifest.counts, "blobs": len(blobs.sizes), "blobs_lacking": blobs.lacking}
    with create(part / MANIFEST) as file:
        file.write(replace(manifest, files=files, counts=counts).written(key))
        sync(file)
    plan.place.publish(name)
    return name, blobs


def _manifest_of(copy: Path, name: str, created_ms: int, key: BackupKey) -> Manifest:
    """What is to be said of a snapshot, read off the snapshot itself."""
    store = Store(copy)
    try:
        db = store.db
        extent = snapshots.extent(db)
        _, epoch = identity.current_epoch(db)
        return Manifest(
            set=name,
            created_ms=created_ms,
            created=rfc3339_s(created_ms),
            program=version("padan"),
            schema=applied_names(store),
            server_id=identity.server_id(db),
            epoch=epoch,
            recipient=key.recipient,
            positions=extent.positions,
            chains={region: head.chain for region, head in extent.heads.items()},
            counts={"events": extent.events, "households": households.count(db)},
        )
    finally:
        store.close()


def _record(db: Connection, lease: Lease, checked: Checked, blobs: WrittenBlobs, now_ms: int) -> None:
    manifest = checked.manifest
    with db.transaction():
        if not leases.holds(db, lease):
            raise Busy("Giliran diambil proses lain; cadangan ini tidak dihitung.")
        backups.record(
            db,
            manifest.set,
            created_ms=manifest.created_ms,
            epoch=manifest.epoch,
            positions=manifest.positions,
            manifest_sha256=checked.manifest_sha256,
            size=checked.bytes,
            now_ms=now_ms,
        )
        whole = {sha256: size for sha256, size in blobs.sizes.items() if sha256 not in checked.spoiled}
        backups.note_blobs(db, manifest.set, whole, now_ms)
        backups.blobs_spoiled(db, checked.spoiled, now_ms)
