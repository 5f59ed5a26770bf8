"""Photos on the tablet: each under its SHA-256 in a folder beside the officer's file, and what has become of it.

    kept        only on this tablet
    received    the server has it whole; the tablet keeps its own until a verified backup has it
    dropped     safe in a verified backup, removed here
    refused     the server does not take it (`problem` says why); tried again in each sync
    spoiled     the bytes here no longer give the hash: the tablet's storage is damaged

A file stays as long as a draft or a sealed event that was not erased names it. Knows neither network nor forms.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from field_forms.client.store import DURABLE, RECEIVED, Store

KEPT, DROPPED, REFUSED, SPOILED = "kept", "dropped", "refused", "spoiled"
FOLDER = "photos"
PIECE_BYTES = 1024 * 1024
COPYING_S = 3_600


class FileTooLarge(ValueError):
    """More bytes than the server takes; nothing was kept."""


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A photo: `mime` is a guess by its name, `problem` a code of docs/problems.md or empty."""

    sha256: str
    bytes: int
    mime: str
    state: str
    problem: str


@dataclass(frozen=True, slots=True)
class FileCounts:
    """How many files and bytes are only here, and how many the server has."""

    waiting: int
    waiting_bytes: int
    received: int
    refused: int


class FileStore:
    """The photos of one officer."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._folder = store.path.parent / FOLDER

    def keep(self, source: Path, mime: str, bytes_max: int) -> KeptFile:
        """Copy a file in, synced, under its hash. Raises `OSError`, `FileTooLarge`."""
        self._folder.mkdir(exist_ok=True, mode=0o700)
        part = self._folder / f".{secrets.token_hex(8)}.part"
        digest, size = hashlib.sha256(), 0
        try:
            with source.open("rb") as read, os.fdopen(os.open(part, _NEW, 0o600), "wb") as written:
                while piece := read.read(PIECE_BYTES):
                    size += len(piece)
                    if size > bytes_max:
                        raise FileTooLarge(f"{source.name}: lebih besar dari {bytes_max // 1024**2} MB")
                    digest.update(piece)
                    written.write(piece)
                written.flush()
                os.fsync(written.fileno())
            part.rename(self.path(digest.hexdigest()))
            _sync(self._folder)
        finally:
            part.unlink(missing_ok=True)
        with self._store.transaction() as conn:
            # One that was dropped, refused or spoiled and is taken anew is a new file.
            conn.execute(
                "insert into files (sha256, bytes, mime, state, problem) values (?, ?, ?, 'kept', '')"
                " on conflict (sha256) do update set state = 'kept', problem = ''"
                " where files.state in ('dropped', 'refused', 'spoiled')",
                (digest.hexdigest(), size, mime),
            )
        return KeptFile(digest.hexdigest(), size, mime, KEPT, "")

    def path(self, sha256: str) -> Path:
        """Where a file lies, or would."""
        return self._folder / sha256

    def get(self, sha256: str) -> KeptFile | None:
        """One file, or None."""
        rows = self._files("where sha256 = ?", (sha256,))
        return rows[0] if rows else None

    def to_send(self) -> list[KeptFile]:
        """Files that only this tablet has, of events that the server has; the smallest first."""
        return self._files(
            f"where state in ('kept', 'refused') and sha256 in ({_NAMED} and e.state in (?, ?))"
            " order by bytes, sha256",
            (RECEIVED, DURABLE),
        )

    def to_drop(self, limit: int) -> list[KeptFile]:
        """Files that the server has, of events that are all in a backup: to be asked whether they are too."""
        return self._files(
            f"where state = 'received' and sha256 in ({_NAMED}) and sha256 not in ({_NAMED} and e.state <> ?)"
            f" and sha256 not in ({_IN_DRAFTS}) order by bytes desc, sha256 limit ?",
            (DURABLE, limit),
        )

    def mark(self, sha256: str, state: str, problem: str = "") -> None:
        """What became of a file."""
        with self._store.transaction() as conn:
            conn.execute("update files set state = ?, problem = ? where sha256 = ?", (state, problem, sha256))

    def drop(self, sha256: str) -> None:
        """It is safe in a backup: remove it here. The row goes first, so that no row names a file that is gone."""
        self.mark(sha256, DROPPED)
        self.path(sha256).unlink(missing_ok=True)

    def doubt_all(self) -> None:
        """The server was restored: whether it still has the files is asked again."""
        with self._store.transaction() as conn:
            conn.execute("update files set state = 'kept' where state = 'received'")

    def sweep(self, now_ms: int) -> int:
        """Remove files that no draft and no living event names; how many."""
        conn = self._store.conn
        unnamed = {row["sha256"] for row in conn.execute(_UNNAMED)}
        if unnamed:
            with self._store.transaction():
                unnamed = {row["sha256"] for row in conn.execute(_UNNAMED)}
                conn.executemany("delete from files where sha256 = ?", [(sha256,) for sha256 in unnamed])
        known = {row["sha256"] for row in conn.execute("select sha256 from files")}
        # What has no row at all was copied in by a program that was killed before it could say so, or is being copied.
        gone = [
            path
            for path in self._entries()
            if path.name in unnamed or (path.name not in known and _is_old(path, now_ms))
        ]
        for path in gone:
            path.unlink(missing_ok=True)
        return len(gone)

    def is_whole(self, sha256: str) -> bool:
        """Whether the bytes here still give the hash."""
        digest = hashlib.sha256()
        try:
            with self.path(sha256).open("rb") as file:
                while piece := file.read(PIECE_BYTES):
                    digest.update(piece)
        except OSError:
            return False
        return digest.hexdigest() == sha256

    def troubled(self) -> list[KeptFile]:
        """Files of sealed events that the server did not take, or whose bytes are damaged here."""
        return self._files(f"where state in ('refused', 'spoiled') and sha256 in ({_NAMED}) order by sha256", ())

    def counts(self) -> FileCounts:
        """Files of sealed events."""
        found = self._files(f"where sha256 in ({_NAMED})", ())
        waiting = [each for each in found if each.state in (KEPT, REFUSED)]
        return FileCounts(
            waiting=len(waiting),
            waiting_bytes=sum(each.bytes for each in waiting),
            received=sum(each.state in (RECEIVED, DROPPED) for each in found),
            refused=sum(each.state in (REFUSED, SPOILED) for each in found),
        )

    def _entries(self) -> Iterable[Path]:
        return sorted(self._folder.iterdir()) if self._folder.is_dir() else []

    def _files(self, where: str, values: tuple[object, ...]) -> list[KeptFile]:
        rows = self._store.conn.execute(f"select sha256, bytes, mime, state, problem from files {where}", values)
        return [KeptFile(*row) for row in rows]


def _is_old(path: Path, now_ms: int) -> bool:
    try:
        return now_ms / 1000 - path.stat().st_mtime > COPYING_S
    except FileNotFoundError:
        return False


def _sync(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL
_NAMED = "select f.sha256 from event_files f join events e on e.ref = f.ref where e.state <> 'erased'"
_IN_DRAFTS = (
    "select json_extract(answer, '$.file.sha256') from draft_answers where json_extract(answer, '$.file') is not null"
    # What was left behind when a draft was carried over to another version of its form is still the officer's.
    " union all select json_extract(l.value, '$.answer.file.sha256') from drafts, json_each(fixed, '$.left_behind') l"
    " where json_extract(l.value, '$.answer.file') is not null"
)
_UNNAMED = f"select sha256 from files where sha256 not in ({_NAMED}) and sha256 not in ({_IN_DRAFTS})"
