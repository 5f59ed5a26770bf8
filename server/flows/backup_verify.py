"""Is a set of backup files what it should be? Read back from its folder, decrypted, opened, compared, folded.

Nothing is believed that was not read from the files themselves. What is found wrong is raised as `SetDamaged`, in
words. The one place that decides whether tablets may be told `durable`.
"""

from __future__ import annotations

import gzip
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from schemas.ids import uuid7
from server.auth.keys import load_keys
from server.backups.age_files import BackupKey, decrypt_file, sha256_of
from server.backups.folder import BackupFolder
from server.backups.manifest import BLOBS, SNAPSHOT, File, Manifest
from server.backups.problem import BackupProblem, SetDamaged
from server.flows import audit, dictionary
from server.flows.cluster import Cluster, fold_cluster, load_cluster
from server.flows.rebuild import differences, rebuild
from server.store import households, snapshots
from server.store.database import Connection, NewerDatabase, Store, StoreError
from server.store.migrations import applied_names, known_names
from sync.fold import ENGINE_VERSION

SAMPLE_HOUSEHOLDS = 200
SAMPLE_BLOBS = 25
FREE_BYTES_MARGIN = 64 * 1024**2

Told = Callable[[str, int, int], None]
"""Step, bytes done, bytes expected (0: not known)."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What was seen of a set that is whole. `folded`: households whose record was made afresh and is the same.

    `spoiled`: SHA-256 of photos that are missing or damaged, `blobs_hashed`: of how many every byte was read. A lost
    photo does not undo the set: its database can be brought back all the same.
    """

    manifest: Manifest
    manifest_sha256: str
    folded: int
    blobs: int
    blobs_hashed: int
    spoiled: tuple[str, ...]
    full: bool
    bytes: int


def silent(step: str, done: int, expected: int) -> None:
    """Tells nobody."""


def verify_set(
    folder: BackupFolder,
    name: str,
    keys: Sequence[BackupKey],
    work: Path,
    *,
    live: Connection | None = None,
    full: bool = False,
    sample: int = SAMPLE_HOUSEHOLDS,
    hash_blobs: frozenset[str] = frozenset(),
    told: Told = silent,
) -> Checked:
    """Raise `SetDamaged` unless the set is whole; `BackupProblem` where it can't be found out.

    `work`: a folder for the decrypted copy, which is gone afterwards. `live`: the database it is a backup of; its log
    must go through the head of each chain. `hash_blobs`: those of its blobs whose every byte must be read, beside a
    sample (all with `full`).
    """
    found = folder.manifest(name)
    manifest = found.manifest
    if not found.proved_by(keys):
        raise SetDamaged(f"{name}: manifest diubah, atau dibuat dengan kunci lain.")
    path = folder.set_path(name)
    for what, file in manifest.files.items():
        if what != SNAPSHOT:
            check_bytes(path / file.name, file)
    needed = blob_list(folder, manifest)
    hashed, spoiled = _blobs(folder, needed, keys, hash_blobs, full, told)
    refuse_newer(manifest)
    snapshot = manifest.files[SNAPSHOT]
    check_room(work, snapshot.plain_bytes)
    with opened_copy(path / snapshot.name, snapshot, keys, work, told) as store:
        folded = check_database(store, manifest, live=live, full=full, sample=sample, told=told)
    return Checked(manifest, found.sha256, folded, len(needed), hashed, spoiled, full, manifest.size)


def check_bytes(path: Path, file: File) -> None:
    """Raise `SetDamaged` unless the file is byte for byte the one that was written."""
    try:
        size, digest = sha256_of(path)
    except OSError as error:
        raise SetDamaged(f"{path}: tidak ada atau tidak terbaca ({error.strerror}).") from error
    if (size, digest) != (file.bytes, file.sha256):
        raise SetDamaged(f"{path}: isinya bukan yang ditulis ({size} byte ada, {file.bytes} seharusnya).")


def unpack(
    path: Path, file: File, keys: Sequence[BackupKey], target: Path, told: Told = silent, step: str = ""
) -> None:
    """Decrypt one file of a set to a new file, and raise `SetDamaged` unless both are what was written."""
    try:
        measured = decrypt_file(path, target, keys, packed=True, told=lambda done: told(step, done, file.plain_bytes))
    except FileNotFoundError as error:
        raise SetDamaged(f"{path}: tidak ada.") from error
    except OSError as error:
        raise BackupProblem(
            f"{error.filename or target}: {error.strerror}; kosongkan tempat atau periksa diska."
        ) from error
    if File.of(file.name, measured) != file:
        raise SetDamaged(f"{path}: isinya bukan yang ditulis.")


@contextmanager
def opened_copy(path: Path, file: File, keys: Sequence[BackupKey], work: Path, told: Told = silent) -> Iterator[Store]:
    """The database of a set, decrypted into `work` and opened; the copy is removed again."""
    copy = work / "verify.db"
    remove_database(copy)
    try:
        unpack(path, file, keys, copy, told, "membaca ulang")
        try:
            store = Store(copy)
            wrong = snapshots.damage(store)
        except StoreError as error:
            raise SetDamaged(f"{path}: di dalamnya bukan basis data Padan yang utuh ({error}).") from error
        if wrong:
            raise SetDamaged(f"{path}: basis data di dalamnya rusak: {wrong[0]}")
        try:
            yield store
        finally:
            store.close()
    finally:
        remove_database(copy)


def check_database(
    store: Store,
    manifest: Manifest,
    *,
    live: Connection | None = None,
    full: bool = False,
    sample: int = SAMPLE_HOUSEHOLDS,
    told: Told = silent,
) -> int:
    """Raise `SetDamaged` unless a decrypted database is what its manifest says, its log is that of `live`, and what is
    stored is what a fresh fold gives; how many households were folded."""
    try:
        names = applied_names(store)
    except NewerDatabase as error:
        raise BackupProblem(str(error)) from error
    if list(manifest.schema) != names:
        raise SetDamaged(f"{manifest.set}: basis data di dalamnya berbeda versi dari manifest.")
    extent = snapshots.extent(store.db)
    chains = {region: head.chain for region, head in extent.heads.items()}
    if chains != dict(manifest.chains) or extent.positions != {k: dict(v) for k, v in manifest.positions.items()}:
        raise SetDamaged(f"{manifest.set}: rantai di dalamnya bukan yang dicatat di manifest.")
    if not extent.gapless:
        raise SetDamaged(f"{manifest.set}: ada baris buku besar yang hilang.")
    if live is not None:
        for region, head in extent.heads.items():
            if head.position and snapshots.chain_at(live, region, head.epoch, head.position) != head.chain:
                raise SetDamaged(f"{manifest.set}: rantai {region} bukan rantai basis data ini.")
    if names != known_names():
        return 0  # an older database: its log is proved by the chains; a fold needs it brought up to date first
    if full:
        return _all_of_it(store, manifest, told)
    return _fold_sample(store, manifest, sample, told)


def remove_database(path: Path) -> None:
    """Remove a database file of our own making, with what SQLite keeps beside it."""
    for each in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        each.unlink(missing_ok=True)


def check_room(folder: Path, needed_bytes: int) -> None:
    """Raise `BackupProblem` where a disk has no room for so much."""
    free = shutil.disk_usage(folder).free
    if free < needed_bytes + FREE_BYTES_MARGIN:
        need, there = (needed_bytes + FREE_BYTES_MARGIN) // 1024**2 + 1, free // 1024**2
        raise BackupProblem(f"{folder}: perlu {need} MiB, tersisa {there} MiB. Kosongkan tempat, lalu ulangi.")


def refuse_newer(manifest: Manifest) -> None:
    """Raise `BackupProblem` for a set whose database this program does not know."""
    unknown = [name for name in manifest.schema if name not in known_names()]
    if unknown:
        raise BackupProblem(
            f"{manifest.set}: dibuat Padan {manifest.program} yang lebih baru ({unknown[-1]}). Pasang versi itu dahulu."
        )


def blob_list(folder: BackupFolder, manifest: Manifest) -> Mapping[str, int]:
    """SHA-256 of each blob that a set needs -> bytes of its encrypted file. Raises `SetDamaged`."""
    file = manifest.files.get(BLOBS)
    if file is None:
        return {}
    path = folder.set_path(manifest.set) / file.name
    check_bytes(path, file)
    try:
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        return {sha256: int(size) for sha256, size in (line.split() for line in lines)}
    except (OSError, EOFError, ValueError) as error:
        raise SetDamaged(f"{path}: daftar foto tidak terbaca.") from error


def blobs_not_there(folder: BackupFolder, needed: Mapping[str, int]) -> list[str]:
    """Those of the blobs that do not lie there in their size. Reads no byte of them."""
    return [sha256 for sha256, size in needed.items() if not _is_there(folder.blob_path(sha256), size)]


def _is_there(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False


def check_blob(folder: BackupFolder, sha256: str, keys: Sequence[BackupKey]) -> None:
    """Raise `SetDamaged` unless what is encrypted there has the hash it is named by."""
    path = folder.blob_path(sha256)
    try:
        measured = decrypt_file(path, None, keys, packed=False)
    except OSError as error:
        raise SetDamaged(f"{path}: foto tidak terbaca ({error.strerror}).") from error
    if measured.plain_sha256 != sha256:
        raise SetDamaged(f"{path}: foto bukan yang ditulis.")


def _blobs(
    folder: BackupFolder,
    needed: Mapping[str, int],
    keys: Sequence[BackupKey],
    wanted: frozenset[str],
    full: bool,
    told: Told,
) -> tuple[int, tuple[str, ...]]:
    """How many were read whole, and which are missing or damaged."""
    spoiled = set(blobs_not_there(folder, needed))
    there = sorted(needed.keys() - spoiled)
    chance = secrets.SystemRandom()
    chosen = there if full else sorted({*wanted & set(there), *chance.sample(there, min(SAMPLE_BLOBS, len(there)))})
    for number, sha256 in enumerate(chosen):
        told("memeriksa foto", number, len(chosen))
        try:
            check_blob(folder, sha256, keys)
        except SetDamaged:
            spoiled.add(sha256)
    return len(chosen), tuple(sorted(spoiled))


def _fold_sample(store: Store, manifest: Manifest, sample: int, told: Told) -> int:
    """Fold some households afresh, drawn by chance, and compare them byte for byte with what is stored."""
    db = store.db
    keys = load_keys(db, manifest.created_ms)
    words = dictionary.current(db)
    done: set[tuple[str, str]] = set()
    for number in range(sample):
        told("mengolah contoh", number, sample)
        # A UUID drawn by chance; its time part is drawn as well.
        pair = snapshots.household_near(db, uuid7(secrets.randbits(48), secrets.token_bytes(10)))
        if pair is None or pair in done:
            continue
        done.add(pair)
        cluster = load_cluster(db, pair)
        try:
            targets = fold_cluster(cluster, words, keys.nik_digest)
        except Exception as error:
            raise SetDamaged(
                f"{manifest.set}: keluarga {pair[1]} tidak dapat diolah ({type(error).__name__})."
            ) from error
        if not _comparable(db, cluster):
            continue
        for difference in differences(db, cluster, targets):
            raise SetDamaged(
                f"{manifest.set}: catatan tersimpan bukan yang dikatakan buku besar ({difference}). "
                "Jalankan `padan rebuild --check` pada basis data ini."
            )
    return len(done)


def _comparable(db: Connection, cluster: Cluster) -> bool:
    """Not what waited to be folded, nor what an older engine folded: there the stored record may say something else."""
    if any(number is not None for number in cluster.generations.values()):
        return False
    for region in cluster.regions:
        here = [household for place, household in cluster.filed if place == region]
        if any(record.engine != ENGINE_VERSION for record in households.load_exact(db, region, sorted(here))):
            return False
    return True


def _all_of_it(store: Store, manifest: Manifest, told: Told) -> int:
    db = store.db
    told("memeriksa buku besar", 0, 0)
    verified = audit.verify(db)
    if verified.broken:
        raise SetDamaged(f"{manifest.set}: buku besar rusak: {verified.broken[0]}")
    said: list[str] = []
    outcome = rebuild(
        db,
        load_keys(db, manifest.created_ms),
        check=True,
        shuffle_seed=secrets.randbits(30),
        now_ms=manifest.created_ms,
        report=lambda each: said.append(str(each)),
        progress=lambda done, total: told("mengolah semua", done, total),
    )
    if not outcome.identical:
        raise SetDamaged(f"{manifest.set}: catatan tersimpan bukan yang dikatakan buku besar ({said[0]}).")
    return outcome.households
