"""The ledger of erasures: a file outside the database and outside its backups, one JSON object a line.

A line is on the disk before the first part is emptied; so an erasure that was begun is finished, and a backup from
before it brings nobody back. No name and no number of a person stands in it: refs, keys of persons, places in parts,
salted digests. Each line bears the server's signature: who can write to the file can't make the server empty anything.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.canonical import canonical_bytes
from schemas.signing import LEDGER, from_base64, verify
from server.auth.keys import ServerKeys
from server.store.erasures import FileName

LEDGER_FILE = "erasures.jsonl"
"""In `settings.home`, beside the database and not in it (docs/operations.md, "Erasing a person")."""
VERSION = 1


class LedgerUnreadable(Exception):
    """The ledger can't be read or written; the message says which line or why, and what to do. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A part that goes, of an event in the log of a region; `pointers` None: all of it."""

    home_region: str
    ref: str
    part: str
    pointers: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One erasure, enough to do it again. `envelope`: the erasure event, sealed and signed.

    `households`: `(home_region, household id)` whose records change. `files`: photos, `(sha256, ref, path)`. `items`:
    salted digests of emptied bytes and boxes, with the `salt`."""

    server_id: str
    ref: str
    envelope: Mapping[str, Any]
    persons: tuple[str, ...]
    whole: tuple[str, ...]
    households: tuple[tuple[str, str], ...]
    parts: tuple[Taken, ...]
    files: tuple[FileName, ...] = ()
    items: tuple[str, ...] = ()
    salt: str = ""


@dataclass(frozen=True, slots=True)
class Ledger:
    """What stands in the file: the erasures, oldest first, those of them that were not finished on this machine, and
    the numbers of lines that can't be read. A line is cut off where the machine stopped while it was written, before
    anything was emptied; any other unreadable line is damage."""

    entries: tuple[Entry, ...] = ()
    unfinished: tuple[Entry, ...] = ()
    unreadable: tuple[int, ...] = ()


def read_ledger(path: Path, public_keys: Mapping[str, bytes]) -> Ledger:
    """Read the file and verify it by the server's public keys; an empty ledger where there is none. Raises
    `LedgerUnreadable`."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return Ledger()
    except OSError as error:
        raise LedgerUnreadable(f"{path}: tidak dapat dibaca ({error.strerror}).") from error
    entries: dict[str, Entry] = {}
    finished: set[str] = set()
    unreadable = []
    for number, line in enumerate(raw.split(b"\n"), start=1):
        body = _verified(path, number, line, public_keys) if line else None
        if body is None:
            unreadable += [number] if line else []
        elif "finished" in body:
            finished.add(body["finished"])
        else:
            entry = _entry(body)
            entries[entry.ref] = entry
    left = tuple(entry for entry in entries.values() if entry.ref not in finished)
    return Ledger(tuple(entries.values()), left, tuple(unreadable))


def write_entry(path: Path, entry: Entry, keys: ServerKeys) -> None:
    """Put an erasure into the ledger; it is on the disk when this returns. Raises `LedgerUnreadable`."""
    _append(path, _body(entry), keys)


def write_finished(path: Path, ref: str, keys: ServerKeys) -> None:
    """Note that nothing is left to be done for an erasure on this machine."""
    _append(path, {"v": VERSION, "finished": ref}, keys)


def _append(path: Path, body: Mapping[str, Any], keys: ServerKeys) -> None:
    raw = canonical_bytes(dict(body))
    line = json.dumps({"body": raw.decode(), "signature": keys.sign(LEDGER, raw)}, ensure_ascii=False).encode()
    try:
        with os.fdopen(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "r+b", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            # A line that was cut off stays what it is, an unreadable line of its own.
            torn = size > 0 and os.pread(file.fileno(), 1, size - 1) != b"\n"
            wanted = (b"\n" if torn else b"") + line + b"\n"
            if os.write(file.fileno(), wanted) != len(wanted):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file.fileno())
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise LedgerUnreadable(
            f"{path}: tidak dapat ditulis ({error.strerror}). Tidak ada yang dihapus; perbaiki, lalu ulangi."
        ) from error


def _verified(path: Path, number: int, line: bytes, public_keys: Mapping[str, bytes]) -> dict[str, Any] | None:
    """The body of a line; None for one that can't be read. Raises for one that another server signed."""
    try:
        outer = json.loads(line)
        raw = outer["body"].encode()
        body = json.loads(raw)
        signature = outer["signature"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    good = from_base64(signature) is not None and any(
        verify(public, LEDGER, raw, signature) for public in public_keys.values()
    )
    if not good:
        raise LedgerUnreadable(
            f"{path} baris {number}: bukan tulisan server ini. Pakai buku penghapusan milik basis data ini, "
            "atau keluarkan baris itu bila memang bukan miliknya."
        )
    if body.get("v") != VERSION:
        raise LedgerUnreadable(f"{path} baris {number}: ditulis oleh Padan yang lebih baru; perbarui Padan.")
    return dict(body)


def _body(entry: Entry) -> dict[str, Any]:
    return {
        "v": VERSION,
        "server_id": entry.server_id,
        "ref": entry.ref,
        "envelope": dict(entry.envelope),
        "persons": list(entry.persons),
        "whole": list(entry.whole),
        "households": [list(pair) for pair in entry.households],
        "parts": [
            [each.home_region, each.ref, each.part, None if each.pointers is None else list(each.pointers)]
            for each in entry.parts
        ],
        "files": [list(name) for name in entry.files],
        "items": list(entry.items),
        "salt": entry.salt,
    }


def _entry(body: Mapping[str, Any]) -> Entry:
    return Entry(
        body["server_id"],
        body["ref"],
        body["envelope"],
        tuple(body["persons"]),
        tuple(body["whole"]),
        tuple((region, household) for region, household in body["households"]),
        tuple(Taken(r, ref, part, None if p is None else tuple(p)) for r, ref, part, p in body["parts"]),
        tuple((sha256, ref, path) for sha256, ref, path in body["files"]),
        tuple(body["items"]),
        body["salt"],
    )

