"""Spoiling one thing on purpose, on copies of the files: a check that cannot fail proves nothing."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

KINDS = ("drop", "twice", "flip", "stale-mirror")


@dataclass(frozen=True, slots=True)
class Files:
    """The files that each figure is taken from: the log, the stored records, those a rebuild checks, and the rest."""

    logged: Path
    records: Path
    rebuilt: Path
    mirror: Path
    registry: Path


def spoil(home: Path, kind: str | None, files: Files) -> Files:
    """Copies with exactly one thing wrong; the files themselves where nothing is asked for."""
    if kind is None:
        return files
    folder = home / "sabotage"
    folder.mkdir(exist_ok=True)
    if kind == "drop":
        return replace(files, logged=_spoiled(files.logged, folder, _drop))
    if kind == "twice":
        return replace(files, registry=_spoiled(files.registry, folder, _twice))
    if kind == "flip":
        return replace(files, rebuilt=_spoiled(files.rebuilt, folder, _flip))
    if kind == "stale-mirror":
        return replace(files, mirror=_spoiled(files.mirror, folder, _stale))
    raise ValueError(f"sabotage {kind!r} is unknown; there is {', '.join(KINDS)}")


def _spoiled(file: Path, folder: Path, damage: Callable[[sqlite3.Connection], None]) -> Path:
    copy = folder / file.name
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    with closing(sqlite3.connect(copy)) as connection, connection:
        damage(connection)
    shutil.copymode(file, copy)
    return copy


def _drop(db: sqlite3.Connection) -> None:
    """One submission vanishes from the log."""
    row = db.execute("select home_region, epoch, position from log where kind = 'submission' limit 1").fetchone()
    for table in ("log", "parts", "filings"):
        db.execute(f"delete from {table} where home_region = ? and epoch = ? and position = ?", row)


def _twice(db: sqlite3.Connection) -> None:
    """One person stands in a second record of the registry."""
    rows = db.execute("select household_id, payload from records where withdrawn = 0 order by household_id").fetchall()
    first = next(json.loads(payload) for _, payload in rows if any(p["nik"] for p in json.loads(payload)["persons"]))
    person = next(p for p in first["persons"] if p["nik"])
    household, payload = next(row for row in rows if row[0] != first["household_id"])
    second = json.loads(payload)
    second["persons"].append({**person, "key": household + "/" + "0" * 36, "keys": []})
    db.execute("update records set payload = ? where household_id = ?", (json.dumps(second), household))


def _flip(db: sqlite3.Connection) -> None:
    """One byte of one stored record."""
    household, data = db.execute("select household_id, data from households order by household_id limit 1").fetchone()
    spoiled = bytearray(data)
    at = spoiled.index(b'"address"') + 3 if b'"address"' in spoiled else len(spoiled) // 2
    spoiled[at] ^= 1
    db.execute("update households set data = ? where household_id = ?", (bytes(spoiled), household))


def _stale(db: sqlite3.Connection) -> None:
    """The mirror missed one change."""
    household, data = db.execute("select household_id, data from households order by household_id limit 1").fetchone()
    text = data if isinstance(data, str) else bytes(data).decode()
    older = json.dumps({**json.loads(text), "state": "listed"}, sort_keys=True, separators=(",", ":"))
    db.execute("update households set data = ? where household_id = ?", (older, household))
