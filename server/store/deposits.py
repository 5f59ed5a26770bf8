"""Sealed boxes as they came, kept whether or not they could be opened."""

from __future__ import annotations

from collections.abc import Iterator

from server.store.database import Connection


def save_deposit(db: Connection, sha256: str, depositor: str, box: bytes, now_ms: int) -> bool:
    """Keep a box; False when the same bytes are here already."""
    return bool(
        db.run(
            "insert into deposits (sha256, depositor, box, received_ms) values (:sha, :depositor, :box, :now)"
            " on conflict (sha256) do nothing",
            {"sha": sha256, "depositor": depositor, "box": box, "now": now_ms},
        )
    )


def settle_deposit(db: Connection, sha256: str, *, opened_ms: int | None, problem: str | None) -> None:
    """Note that a box was opened, or why not."""
    db.run(
        "update deposits set opened_ms = :opened, problem = :problem where sha256 = :sha",
        {"sha": sha256, "opened": opened_ms, "problem": problem},
    )


def deposits_by(db: Connection, depositor: str) -> int:
    """How many boxes an install has handed in."""
    count: int = db.value("select count(*) from deposits where depositor = :depositor", {"depositor": depositor})
    return count


def unopened(db: Connection) -> list[tuple[str, str, bytes]]:
    """`(sha256, depositor, box)` of what could not be opened yet; a restored key may open it."""
    rows = db.all(
        """select sha256, depositor, box from deposits where opened_ms is null and length(box) > 0
           order by received_ms, sha256"""
    )
    return [(row[0], row[1], bytes(row[2])) for row in rows]


def boxes(db: Connection) -> Iterator[tuple[str, bytes]]:
    """`(sha256, box)` of every box that was not emptied, streamed."""
    for row in db.stream("select sha256, box from deposits where length(box) > 0 order by sha256", size=10):
        yield row["sha256"], bytes(row["box"])


def empty_box(db: Connection, sha256: str) -> int:
    """Drop what is in a box: its events stand in the log, without what was erased. The box stays known."""
    return db.run("update deposits set box = :none where sha256 = :sha", {"sha": sha256, "none": b""})


def deposit_known(db: Connection, sha256: str) -> bool:
    """Whether these very bytes are here already."""
    return db.value("select 1 from deposits where sha256 = :sha", {"sha": sha256}) is not None
