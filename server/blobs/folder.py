"""Photos in a folder: the default. Files by hash in two levels of folders, readable by their owner only.

    uploads/<name>                  what is being sent
    original/ab/cd/<sha256>         as it came, verified; never served
    shown/ab/cd/<sha256>.view.jpg   written anew by us (`.thumb.jpg` beside it)
    damaged/<sha256>                no longer gives its hash

A write counts when file and folder are synced. An upload is locked while it is written or verified, across processes,
so that no byte changes between the hash and the name. Several machines may share the folder if its file system locks.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from server.blobs.storage import SIZES, Kept, StorageBusy, UploadGone

LOCK_WAIT_S = 10.0
LOCK_POLL_S = 0.02
PIECE_BYTES = 1024 * 1024
_NAME = re.compile(r"[0-9a-f]{64}\Z")


class FolderBlobs:
    """Bytes of photos below one folder, which is made when it is first needed."""

    def __init__(self, root: Path, lock_wait_s: float = LOCK_WAIT_S) -> None:
        self.root = root
        self._uploads = root / "uploads"
        self._lock_wait_s = lock_wait_s

    def received(self, upload: str) -> int:
        try:
            return self._upload(upload).stat().st_size
        except FileNotFoundError:
            return 0

    def append(self, upload: str, offset: int, data: bytes) -> None:
        path = self._upload(upload)
        _make(self._uploads)
        try:
            with self._locked(path, os.O_RDWR | (0 if offset else os.O_CREAT)) as file:
                size = os.fstat(file).st_size
                if size < offset:
                    raise UploadGone(upload)
                _write(file, data, offset)
                os.fsync(file)
                if size == 0:
                    _sync(self._uploads)
        except FileNotFoundError as error:
            raise UploadGone(upload) from error

    def publish(self, upload: str, sha256: str, size: int) -> bool:
        path, target = self._upload(upload), self._original(sha256)
        _make(target.parent)
        try:
            with self._locked(path, os.O_RDWR) as file:
                # What lies behind the end is of a request that was written and never noted.
                if os.fstat(file).st_size > size:
                    os.ftruncate(file, size)
                    os.fsync(file)
                right = os.fstat(file).st_size == size and _digest(file) == sha256
                if right:
                    path.rename(target)
                    _sync(target.parent)
                else:
                    path.unlink()
                _sync(self._uploads)
        except FileNotFoundError as error:
            raise UploadGone(upload) from error
        return right

    def discard(self, upload: str) -> None:
        self._upload(upload).unlink(missing_ok=True)

    def uploads(self) -> Iterator[Kept]:
        yield from _entries(self._uploads)

    def size(self, sha256: str) -> int | None:
        try:
            return self._original(sha256).stat().st_size
        except FileNotFoundError:
            return None

    def open(self, sha256: str) -> BinaryIO:
        return self._original(sha256).open("rb")

    def files(self) -> Iterator[Kept]:
        for first in _folders(self.root / "original"):
            for second in _folders(first):
                yield from _entries(second)

    def remove(self, sha256: str) -> None:
        for path in (self._original(sha256), *(self._image(sha256, size) for size in SIZES)):
            with suppress(FileNotFoundError):
                path.unlink()
                _sync(path.parent)

    def set_aside(self, sha256: str) -> None:
        aside = self.root / "damaged"
        _make(aside)
        self._original(sha256).rename(aside / sha256)
        _sync(aside)

    def put_image(self, sha256: str, size: str, data: bytes) -> None:
        path = self._image(sha256, size)
        _make(path.parent)
        # Beside its place and under another name until it is whole; a leftover of a kill is written over.
        part = path.with_suffix(".part")
        file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            _write(file, data, 0)
            os.fsync(file)
        finally:
            os.close(file)
        part.rename(path)
        _sync(path.parent)

    def image(self, sha256: str, size: str) -> bytes:
        return self._image(sha256, size).read_bytes()

    def free_bytes(self) -> int:
        return shutil.disk_usage(self._nearest()).free

    def writable(self) -> bool:
        return os.access(self._nearest(), os.W_OK | os.X_OK)

    def _nearest(self) -> Path:
        """The folder, or the first above it that is there."""
        return next(path for path in (self.root, *self.root.parents) if path.is_dir())

    def _upload(self, name: str) -> Path:
        return self._uploads / _checked(name)

    def _original(self, sha256: str) -> Path:
        return self.root / "original" / _checked(sha256)[:2] / sha256[2:4] / sha256

    def _image(self, sha256: str, size: str) -> Path:
        if size not in SIZES:
            raise ValueError(f"{size!r} is no size of an image")
        return self.root / "shown" / _checked(sha256)[:2] / sha256[2:4] / f"{sha256}.{size}.jpg"

    @contextmanager
    def _locked(self, path: Path, flags: int) -> Iterator[int]:
        """The file, open and locked, and still the one that bears the name."""
        until = time.monotonic() + self._lock_wait_s
        while True:
            file = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                if _lock(file) and _bears(path, file):
                    yield file
                    return
            finally:
                os.close(file)
            if time.monotonic() > until:
                raise StorageBusy(path.name)
            time.sleep(LOCK_POLL_S)


def _checked(name: str) -> str:
    if not _NAME.match(name):
        raise ValueError("a name here is 64 hex digits")
    return name


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _bears(path: Path, file: int) -> bool:
    """Whether the open file still has that name: it may have been published while the lock was waited for."""
    try:
        return os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(file))
    except FileNotFoundError:
        return False


def _write(file: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, offset)
        view, offset = view[written:], offset + written


def _digest(file: int) -> str:
    digest, offset = hashlib.sha256(), 0
    while piece := os.pread(file, PIECE_BYTES, offset):
        digest.update(piece)
        offset += len(piece)
    return digest.hexdigest()


def _make(folder: Path) -> None:
    """Make a folder and those above it; each new one is synced into the one it lies in."""
    if folder.is_dir():
        return
    _make(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    _sync(folder.parent)


def _sync(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(Path(entry.path) for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []


def _entries(folder: Path) -> Iterator[Kept]:
    """The files of one folder; what bears no name of ours is left alone."""
    try:
        found = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in found:
        with suppress(FileNotFoundError):
            facts = entry.stat(follow_symlinks=False)
            if entry.is_file(follow_symlinks=False) and _NAME.match(entry.name):
                yield Kept(entry.name, facts.st_size, facts.st_mtime_ns // 1_000_000)
