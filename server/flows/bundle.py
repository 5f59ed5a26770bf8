"""A tablet's backup file at the server: its sealed boxes taken in as if a tablet had deposited them.

One JSON object a line (docs/protocol.md, "Backup file"); a line that cannot be read costs nothing but itself, and a
file that was cut off is taken as far as it goes. Drafts are the officer's own and stay closed. Safe to repeat.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from server.auth.keys import ServerKeys
from server.flows.deposits import deposit_from
from server.store.database import Connection

FORMAT = 1


class NoBundle(ValueError):
    """The file is no backup file of a tablet; the message says so."""


@dataclass(slots=True)
class Taken:
    """What became of a file. `statuses`: of its events; `unopened`: boxes that no key of this server opens."""

    boxes: int = 0
    unopened: int = 0
    unsigned: int = 0
    drafts: bool = False
    cut_off: bool = True
    unreadable_lines: int = 0
    statuses: Counter[str] = field(default_factory=Counter)


def import_bundle(db: Connection, keys: ServerKeys, lines: Iterable[str], *, by: str, now_ms: int) -> Taken:
    """Take in every box of a file. Raises `NoBundle` where the first line says that it is none."""
    rows = iter(lines)
    head = _read(next(rows, ""))
    if head is None or head.get("padan_bundle") != FORMAT:
        raise NoBundle("this is no backup file of a tablet")
    taken = Taken()
    for line in rows:
        if not line.strip():
            continue
        row = _read(line)
        if row is None:
            taken.unreadable_lines += 1
        elif "end" in row:
            taken.cut_off = False
        elif "drafts" in row:
            taken.drafts = True
        elif "box" in row:
            _take(db, keys, row["box"], taken, by, now_ms)
    return taken


def _take(db: Connection, keys: ServerKeys, box: Any, taken: Taken, by: str, now_ms: int) -> None:
    done = deposit_from(db, keys, by, box, now_ms)
    taken.boxes += 1
    taken.unopened += not done.opened
    taken.unsigned += done.problem == "box_unsigned"
    taken.statuses.update(answer.status for answer in done.answers)


def _read(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
