"""What lies where in the folder of backups, and how it gets there: written under another name, synced, renamed last.

    padan-backup.json       whose folder it is
    kunci.age               the backup key, locked with the passphrase
    BACA-SAYA.txt           for whoever finds the folder
    sets/NAME/              manifest.json and the files it names
    blobs/ab/SHA256.age     each photo once, for all sets
    erasures.jsonl.gz.age   the newest copy of the erasure ledger; belongs to no set

A name that begins with a point is something unfinished: it is no set, and the next run removes it. This module never
decides what may go (`retention.py`, `server/flows/backup_prune.py`).
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from server.backups.age_files import create, sync
from server.backups.manifest import ReadManifest, read_manifest
from server.backups.problem import BackupProblem, SetDamaged
from server.clock import rfc3339_s

MARK, KEY_FILE, README, LEDGER = "padan-backup.json", "kunci.age", "BACA-SAYA.txt", "erasures.jsonl.gz.age"
MANIFEST, VERIFIED = "manifest.json", "verified.json"
SET_NAME = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}\Z")
_PART, _GONE = ".part-", ".gone-"
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")

README_TEXT = """\
Cadangan Padan / backups of Padan.

Isinya tersandi (age-encryption.org/v1). Untuk memulihkan: pasang Padan, lalu
    padan restore terbaru --from FOLDER-INI
dan masukkan frasa sandi dari lembar kunci. Jangan mengubah, memindahkan satu per satu, atau menghapus isi folder ini.

Encrypted. To restore: install Padan, then `padan restore latest --from THIS-FOLDER` and the passphrase. Without Padan:
    age -d kunci.age > kunci.txt
    age -d -i kunci.txt sets/NAME/snapshot.db.gz.age | gunzip > padan.db     (a SQLite database)
"""


class BackupFolder:
    """One folder of backups. It may lie on another disk that is not there at times."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sets = path / "sets"
        self.blobs = path / "blobs"

    def reachable(self) -> bool:
        """Whether the folder is there and is one of ours."""
        return (self.path / MARK).is_file()

    def owner(self) -> str | None:
        """Id of the server whose backups these are; None for an empty or absent folder."""
        try:
            found: str = json.loads((self.path / MARK).read_bytes())["server_id"]
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BackupProblem(f"{self.path / MARK}: tidak terbaca ({type(error).__name__}).") from error
        return found

    def make(self, server_id: str) -> None:
        """Make the folder this server's. Raises `BackupProblem` where it is another's, or holds something else."""
        owner = self.owner()
        if owner is not None and owner != server_id:
            raise BackupProblem(f"{self.path}: folder ini milik server lain ({owner}). Pakai folder lain.")
        for folder in (self.path, self.sets, self.blobs):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if owner is None:
            others = [each.name for each in self.path.iterdir() if each not in (self.sets, self.blobs)]
            if others:
                raise BackupProblem(f"{self.path}: folder ini sudah berisi {others[0]}. Pakai folder kosong.")
            replace_file(self.path / README, README_TEXT.encode())
            replace_file(self.path / MARK, (json.dumps({"format": 1, "server_id": server_id}) + "\n").encode())

    # Keys and ledger

    def locked_keys(self) -> bytes:
        """The key file. Raises `BackupProblem` where there is none."""
        try:
            return (self.path / KEY_FILE).read_bytes()
        except OSError as error:
            raise BackupProblem(f"{self.path / KEY_FILE}: berkas kunci tidak ada atau tidak terbaca.") from error

    def has_keys(self) -> bool:
        """Whether there is a key file."""
        return (self.path / KEY_FILE).is_file()

    def put_keys(self, locked: bytes) -> None:
        """Write the key file, or replace it whole."""
        replace_file(self.path / KEY_FILE, locked)

    def ledger(self) -> bytes | None:
        """The copy of the erasure ledger as it lies there, encrypted; None where there is none."""
        try:
            return (self.path / LEDGER).read_bytes()
        except FileNotFoundError:
            return None

    def put_ledger(self, content: bytes) -> None:
        """Write the copy of the erasure ledger, or replace it whole."""
        replace_file(self.path / LEDGER, content)

    # Sets

    def names(self) -> list[str]:
        """Names of the whole sets, oldest first."""
        try:
            return sorted(each.name for each in self.sets.iterdir() if SET_NAME.match(each.name) and each.is_dir())
        except FileNotFoundError:
            return []

    def set_path(self, name: str) -> Path:
        """The folder of one set. Raises `BackupProblem` for a name that is none."""
        if not SET_NAME.match(name):
            raise BackupProblem(f"{name!r} bukan nama cadangan; lihat: padan backup list")
        return self.sets / name

    def manifest(self, name: str) -> ReadManifest:
        """What a set says of itself. Raises `SetDamaged`."""
        path = self.set_path(name) / MANIFEST
        try:
            found = read_manifest(path.read_bytes(), str(path))
        except OSError as error:
            raise SetDamaged(f"{path}: tidak ada atau tidak terbaca ({type(error).__name__}).") from error
        if found.manifest.set != name:
            raise SetDamaged(f"{path}: ini manifest cadangan {found.manifest.set}, bukan {name}.")
        return found

    def begin(self, name: str) -> Path:
        """An empty folder in which a set is put together; not yet a set."""
        path = self.sets / (_PART + name)
        path.mkdir(mode=0o700)
        return path

    def publish(self, name: str) -> Path:
        """What was put together becomes a set, at once and whole."""
        part, path = self.sets / (_PART + name), self.set_path(name)
        sync_folder(part)
        os.rename(part, path)
        sync_folder(self.sets)
        return path

    def mark_verified(self, name: str, content: dict[str, object]) -> None:
        """Leave a note in the set that it was read back and found whole; for people, nothing is decided by it alone."""
        replace_file(self.set_path(name) / VERIFIED, (json.dumps(content, sort_keys=True) + "\n").encode())

    def is_marked_verified(self, name: str) -> bool:
        """Whether that note is there."""
        return (self.set_path(name) / VERIFIED).is_file()

    def remove(self, name: str) -> None:
        """Remove a set; from the first moment on it is none."""
        gone = self.sets / (_GONE + name)
        os.rename(self.set_path(name), gone)
        sync_folder(self.sets)
        shutil.rmtree(gone)

    def sweep(self) -> int:
        """Remove what was left unfinished by a run that was cut off; how many. Only while no other run is at work."""
        left = [each for each in self._entries(self.sets) if each.name.startswith((_PART, _GONE))]
        for each in left:
            shutil.rmtree(each)
        unfinished = [each for folder in self._entries(self.blobs) for each in self._entries(folder)
                      if each.name.startswith(".")]  # fmt: skip
        for each in unfinished:
            each.unlink()
        return len(left) + len(unfinished)

    # Blobs

    def blob_path(self, sha256: str) -> Path:
        """Where the encrypted bytes of a blob lie, or would."""
        if not _SHA256.match(sha256):
            raise BackupProblem(f"{sha256!r} bukan sidik SHA-256")
        return self.blobs / sha256[:2] / f"{sha256}.age"

    def begin_blob(self, sha256: str) -> Path:
        """The unfinished name under which a blob is written."""
        folder = self.blob_path(sha256).parent
        folder.mkdir(exist_ok=True, mode=0o700)
        unfinished = folder / f".{sha256}"
        unfinished.unlink(missing_ok=True)
        return unfinished

    def publish_blob(self, sha256: str) -> None:
        """A written and synced blob gets its name."""
        path = self.blob_path(sha256)
        os.replace(path.parent / f".{sha256}", path)
        sync_folder(path.parent)

    def stored_blobs(self) -> Iterator[tuple[str, Path]]:
        """`(SHA-256, file)` of every blob that is there."""
        for folder in sorted(self._entries(self.blobs)):
            for each in sorted(self._entries(folder)):
                if each.suffix == ".age" and _SHA256.match(each.stem):
                    yield each.stem, each

    def free_bytes(self) -> int:
        """Room on the disk of the folder."""
        return shutil.disk_usage(self.path).free

    @staticmethod
    def _entries(folder: Path) -> list[Path]:
        try:
            return list(folder.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []


def set_name(created_ms: int, random_hex: str) -> str:
    """A name that sorts by the moment, to the millisecond: `20261121T190000Z-042a3f`."""
    moment = rfc3339_s(created_ms).replace("-", "").replace(":", "")
    return f"{moment}-{created_ms % 1000:03d}{random_hex[:3]}"


def replace_file(path: Path, content: bytes) -> None:
    """Write a small file so that at any moment the old or the new one is there whole."""
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.unlink(missing_ok=True)
    with create(unfinished) as file:
        file.write(content)
        sync(file)
    os.replace(unfinished, path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make sure that a name given in a folder is on the disk. Some network file systems can't be asked for it."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        with suppress(OSError):
            os.close(number)
