"""The erasure ledger beside the backups: a copy that is newer than every set, so that no old set brings anybody back.

The ledger itself is a file of signed lines beside the database (docs/operations.md, "Backups"). Here lines are only
counted as the same or not the same; what they mean, and whether their signatures hold, is for whoever replays them.
Lines that say that an erasure was *finished* are about one machine and stay on it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from server.backups.age_files import BackupKey, decrypt_bytes, encrypt_bytes
from server.backups.folder import LEDGER, BackupFolder, replace_file
from server.backups.problem import BackupProblem, SetDamaged

LEDGER_FILE = "erasures.jsonl"


def copy_out(place: BackupFolder, keys: Sequence[BackupKey], home: Path) -> bool:
    """Bring the copy in the folder up to date; whether there was anything to bring. Lines are added, never dropped."""
    own = _lines(home / LEDGER_FILE)
    if not own:
        return False
    try:
        there = kept_lines(place, keys)
    except SetDamaged:
        there = []  # a copy that can't be read is replaced by what we have
    fresh = [line for line in own if line not in set(there)]
    if not fresh:
        return False
    place.put_ledger(encrypt_bytes(b"".join(line + b"\n" for line in [*there, *fresh]), keys[0].recipient))
    return True


def bring_back(place: BackupFolder, keys: Sequence[BackupKey], home: Path) -> int:
    """Add to the ledger beside a restored database what the copy in the folder knows and it does not; how many lines.

    Raises `BackupProblem` where the copy can't be read: somebody could come back whom it names.
    """
    try:
        there = kept_lines(place, keys)
    except SetDamaged as error:
        raise BackupProblem(
            f"{place.path / LEDGER}: buku penghapusan tidak terbaca ({error}). Tanpa buku itu orang yang sudah dihapus "
            "dapat kembali. Bila memang rusak dan tidak ada salinan lain, pindahkan berkas itu, lalu ulangi."
        ) from error
    path = home / LEDGER_FILE
    known = set(_lines(path))
    fresh = [line for line in there if line not in known]
    if fresh:
        before = path.read_bytes() if path.exists() else b""
        torn = b"" if not before or before.endswith(b"\n") else b"\n"
        replace_file(path, before + torn + b"".join(line + b"\n" for line in fresh))
    return len(fresh)


def kept_lines(place: BackupFolder, keys: Sequence[BackupKey]) -> list[bytes]:
    """The lines of the copy in the folder. Raises `SetDamaged`."""
    sealed = place.ledger()
    return [] if sealed is None else [line for line in decrypt_bytes(sealed, keys).split(b"\n") if line]


def _lines(path: Path) -> list[bytes]:
    """Whole lines about erasures; one that was cut off while it was written tells of nothing that was done."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return []
    return [line for line in raw.split(b"\n")[:-1] if line and not _is_of_one_machine(line)]


def _is_of_one_machine(line: bytes) -> bool:
    try:
        return "finished" in json.loads(json.loads(line)["body"])
    except (ValueError, TypeError, KeyError):
        return False
