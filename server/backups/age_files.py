"""Encrypting files in the age format (age-encryption.org/v1), streamed: memory stays flat whatever the size.

What is written here opens with any age program: `age -d -i KEY FILE | gunzip`. That is the way back when all of Padan
is gone. A file counts as written once it was synced to the disk.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import pyrage

from server.backups.problem import BackupProblem, SetDamaged, WrongPassphrase

PIECE_BYTES = 256 * 1024
GZIP_LEVEL = 6
GZIP_BITS = 31
"""zlib's way of saying: with the head and tail of a gzip file."""

Bytes = Callable[[int], None]
"""Told how many bytes of the plain file are done."""


@dataclass(frozen=True, slots=True)
class BackupKey:
    """Whoever has `identity` reads the backups; `recipient` only writes them."""

    recipient: str
    identity: str

    def __repr__(self) -> str:
        return f"BackupKey({self.recipient!r})"


@dataclass(frozen=True, slots=True)
class Measured:
    """Size and SHA-256 of a file as it lies there, and of what is inside."""

    bytes: int
    sha256: str
    plain_bytes: int
    plain_sha256: str


def new_key() -> BackupKey:
    """A new pair of keys."""
    identity = pyrage.x25519.Identity.generate()
    return BackupKey(str(identity.to_public()), str(identity))


def encrypt_file(
    source: Path, target: Path, recipient: str, *, pack: bool, told: Bytes = lambda done: None
) -> Measured:
    """Write `source` encrypted to the new file `target`; `pack`: compressed first. Synced when this returns.

    Raises `OSError` where the disk refuses; `target` is then to be thrown away.
    """
    with source.open("rb") as plain:
        return encrypt_stream(plain, target, recipient, pack=pack, told=told)


def encrypt_stream(
    plain: BinaryIO, target: Path, recipient: str, *, pack: bool, told: Bytes = lambda done: None
) -> Measured:
    """As `encrypt_file`, from an open file."""
    reader = _Packing(plain, told) if pack else _Reading(plain, told)
    with create(target) as file:
        writer = _Writing(file)
        _stream(pyrage.encrypt_io, reader, writer, [pyrage.x25519.Recipient.from_str(recipient)])
        sync(file)
    return Measured(writer.bytes, writer.digest.hexdigest(), reader.bytes, reader.digest.hexdigest())


def decrypt_file(
    source: Path, target: Path | None, keys: Sequence[BackupKey], *, packed: bool, told: Bytes = lambda done: None
) -> Measured:
    """Read `source` whole, from the disk where the system allows, and write what is inside to the new file `target`.

    Without `target` it is only measured. Raises `SetDamaged` where it is cut short, changed, or for another key.
    """
    with open_uncached(source) as file, _maybe(target) as plain:
        reader = _Reading(file)
        writer = _Unpacking(plain, told) if packed else _Writing(plain, told)
        try:
            _stream(pyrage.decrypt_io, reader, writer, [pyrage.x25519.Identity.from_str(key.identity) for key in keys])
            writer.end()
        except (pyrage.DecryptError, zlib.error) as error:
            raise SetDamaged(f"{source}: tidak dapat dibuka: rusak, terpotong, atau untuk kunci lain.") from error
        if plain is not None:
            sync(plain)
        return Measured(reader.bytes, reader.digest.hexdigest(), writer.bytes, writer.digest.hexdigest())


def lock_keys(keys: Sequence[BackupKey], passphrase: str) -> bytes:
    """The key file: the identities, encrypted with a passphrase (scrypt, about a second of work for each guess)."""
    text = "".join(f"# {key.recipient}\n{key.identity}\n" for key in keys)
    locked: bytes = pyrage.passphrase.encrypt(text.encode(), passphrase, armored=True)
    return locked


def unlock_keys(locked: bytes, passphrase: str) -> list[BackupKey]:
    """The keys of a key file. Raises `WrongPassphrase`."""
    try:
        text = pyrage.passphrase.decrypt(locked, passphrase).decode()
    except (pyrage.DecryptError, OSError) as error:
        raise WrongPassphrase("Frasa sandi tidak cocok dengan berkas kunci, atau berkas kunci rusak.") from error
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    identities = [pyrage.x25519.Identity.from_str(line) for line in lines]
    return [BackupKey(str(each.to_public()), str(each)) for each in identities]


def encrypt_bytes(content: bytes, recipient: str) -> bytes:
    """A small file as a whole."""
    made: bytes = pyrage.encrypt(
        gzip.compress(content, GZIP_LEVEL, mtime=0), [pyrage.x25519.Recipient.from_str(recipient)]
    )
    return made


def decrypt_bytes(content: bytes, keys: Sequence[BackupKey]) -> bytes:
    """What `encrypt_bytes` was given. Raises `SetDamaged`."""
    try:
        identities = [pyrage.x25519.Identity.from_str(key.identity) for key in keys]
        return gzip.decompress(pyrage.decrypt(content, identities))
    except (pyrage.DecryptError, OSError, EOFError, zlib.error) as error:
        raise SetDamaged("berkas rusak, terpotong, atau untuk kunci lain") from error


def sha256_of(path: Path) -> tuple[int, str]:
    """Size and SHA-256 of a file as it lies there, read from the disk where the system allows."""
    digest, size = hashlib.sha256(), 0
    with open_uncached(path) as file:
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
            size += len(piece)
    return size, digest.hexdigest()


def create(path: Path) -> BinaryIO:
    """A new file that only its owner may read. Raises `FileExistsError`."""
    return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb", PIECE_BYTES)


def sync(file: BinaryIO) -> None:
    """Make sure that what was written is on the disk."""
    file.flush()
    os.fsync(file.fileno())


def open_uncached(path: Path) -> BinaryIO:
    """Open for reading; what the system still holds in memory of it is let go, so that the disk itself is asked."""
    file = path.open("rb", PIECE_BYTES)
    if hasattr(os, "posix_fadvise"):
        with suppress(OSError):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return file


class _maybe:
    """The new file, or None where none is wanted."""

    def __init__(self, path: Path | None) -> None:
        self._file = None if path is None else create(path)

    def __enter__(self) -> BinaryIO | None:
        return self._file

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()


class _Side(Protocol):
    """One end of a stream. `failed`: what the disk said; the library hands on its words only."""

    failed: OSError | None


def _stream(call: Callable[..., None], reader: _Side, writer: _Side, keys: Sequence[object]) -> None:
    try:
        call(reader, writer, keys)
    except (pyrage.EncryptError, pyrage.DecryptError, OSError) as error:
        failed = reader.failed or writer.failed
        if failed is not None:
            raise failed from error
        if isinstance(error, pyrage.EncryptError):
            raise BackupProblem(f"Tidak dapat dienkripsi: {error}") from error
        if isinstance(error, OSError):
            raise pyrage.DecryptError(str(error)) from error  # a file that ends too early, or was changed
        raise


class _Reading:
    """A file, measured while it is read."""

    def __init__(self, file: BinaryIO, told: Bytes = lambda done: None) -> None:
        self._file, self._told = file, told
        self.bytes, self.digest = 0, hashlib.sha256()
        self.failed: OSError | None = None

    def read(self, size: int = -1) -> bytes:
        piece = self._piece(size)
        self.digest.update(piece)
        self.bytes += len(piece)
        return piece

    def _piece(self, size: int) -> bytes:
        try:
            return self._file.read(size)
        except OSError as error:
            self.failed = error
            raise


class _Packing(_Reading):
    """A file, measured while it is read, and handed on compressed."""

    def __init__(self, file: BinaryIO, told: Bytes) -> None:
        super().__init__(file, told)
        self._packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_BITS)
        self._ready = bytearray()
        self._over = False

    def read(self, size: int = -1) -> bytes:
        while not self._over and len(self._ready) < max(size, 1):
            piece = super().read(PIECE_BYTES)
            self._ready += self._packer.compress(piece) if piece else self._packer.flush()
            self._over = not piece
            self._told(self.bytes)
        given = bytes(self._ready[:size] if size >= 0 else self._ready)
        del self._ready[: len(given)]
        return given


class _Writing:
    """A file, or nothing, measured while it is written."""

    def __init__(self, file: BinaryIO | None, told: Bytes = lambda done: None) -> None:
        self._file, self._told = file, told
        self.bytes, self.digest = 0, hashlib.sha256()
        self.failed: OSError | None = None

    def write(self, piece: bytes) -> int:
        self._put(piece)
        return len(piece)

    def flush(self) -> None:
        """The file is flushed and synced once, at its end."""

    def end(self) -> None:
        """All pieces were given."""
        self._told(self.bytes)

    def _put(self, piece: bytes) -> None:
        self.digest.update(piece)
        self.bytes += len(piece)
        if self._file is not None:
            try:
                self._file.write(piece)
            except OSError as error:
                self.failed = error
                raise


class _Unpacking(_Writing):
    """What comes is decompressed, then measured and written."""

    def __init__(self, file: BinaryIO | None, told: Bytes) -> None:
        super().__init__(file, told)
        self._unpacker = zlib.decompressobj(GZIP_BITS)
        self._broken: zlib.error | None = None
        self._since = 0

    def write(self, piece: bytes) -> int:
        if self._broken is None:
            try:
                self._put(self._unpacker.decompress(piece))
            except zlib.error as error:
                self._broken = error  # told at the end: the library would hide it
        self._since += len(piece)
        if self._since > PIECE_BYTES:
            self._since = 0
            self._told(self.bytes)
        return len(piece)

    def end(self) -> None:
        if self._broken is not None:
            raise self._broken
        if not self._unpacker.eof:
            raise zlib.error("the compressed data ends too early")
        super().end()
