"""Copying a whole database into an empty one, of the same engine or the other: every table, row by row, unchanged.

One state of the source is read, one transaction of the target is written, in constant memory. Used for moving to
another engine and for snapshots; it knows the tables from the migrations and nothing of what they mean.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from server.store.database import Connection, Row, StoreError
from server.store.migrations import STEPS

BATCH_ROWS = 500
"""Rows of a log with a large form weigh some 15 KB: a few MB at a time."""

Progress = Callable[[str, int], None]
_TABLE = re.compile(r"create table (\w+) \(")
_KEY = re.compile(r"primary key \(([\w, ]+)\)|(\w+) \w+ primary key")


def tables() -> dict[str, tuple[str, ...]]:
    """Table -> columns of its primary key, in the order of their making: one that is referred to comes first."""
    found: dict[str, tuple[str, ...]] = {}
    for _, statements in STEPS:
        for statement in statements:
            name, key = _TABLE.search(statement), _KEY.search(statement)
            if name is not None:
                if key is None:
                    raise LookupError(f"table {name[1]} has no primary key")
                found[name[1]] = tuple(part.strip() for part in (key[1] or key[2]).split(","))
    return found


def copy_all(source: Connection, target: Connection, progress: Progress = lambda _table, _rows: None) -> dict[str, int]:
    """Copy every table of the source into a migrated target without rows of its own; table -> rows.

    What a migration put into the new target (its identity) is replaced. Raises `StoreError` where the target has a log.
    """
    copied: dict[str, int] = {}
    with source.snapshot(), target.transaction():
        if not is_empty(target):
            raise StoreError("The target is not empty: it has a log or officers of its own. Give an empty database.")
        for table in reversed(tables()):
            target.run(f"delete from {table}")
        for table in tables():
            copied[table] = _copy(source, target, table, progress)
    return copied


def is_empty(db: Connection) -> bool:
    """Whether a database has neither a log nor officers: migrated, and nothing else."""
    return not (db.value("select 1 from log limit 1") or db.value("select 1 from officers limit 1"))


def digests(db: Connection, progress: Progress = lambda _table, _rows: None) -> dict[str, tuple[int, str]]:
    """Table -> `(rows, SHA-256 over all rows in the order of the key)`; the same on either engine."""
    found: dict[str, tuple[int, str]] = {}
    with db.snapshot():
        for table, key in tables().items():
            digest, count = hashlib.sha256(), 0
            for row in db.stream(f"select * from {table} order by {', '.join(key)}", size=BATCH_ROWS):
                digest.update(_row_bytes(row))
                count += 1
                if count % BATCH_ROWS == 0:
                    progress(table, count)
            found[table] = (count, digest.hexdigest())
            progress(table, count)
    return found


def _copy(source: Connection, target: Connection, table: str, progress: Progress) -> int:
    rows = source.stream(f"select * from {table}", size=BATCH_ROWS)
    count = 0
    for batch in _batches(rows):
        target.load(table, batch[0].keys(), batch)
        count += len(batch)
        progress(table, count)
    return count


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, BATCH_ROWS)):
        yield batch


def _row_bytes(row: Row) -> bytes:
    """A row as bytes that tell every value apart, in the order of the names of its columns."""
    out = bytearray()
    for name in sorted(row.keys()):
        value = row[name]
        raw = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
        kind = b"n" if value is None else b"b" if isinstance(value, bytes) else b"i" if isinstance(value, int) else b"t"
        out += kind + len(raw).to_bytes(8, "big") + raw
    return bytes(out)
