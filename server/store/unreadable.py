"""What could not be read as an event: its bytes, for ever, under their SHA-256, with the reason. Outside the log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from server.store.database import Connection
from sync.intake import Unreadable


@dataclass(frozen=True, slots=True)
class KeptItem:
    """A kept item without its bytes."""

    sha256: str
    reason: str
    detail: str
    install: str | None
    officer: str | None
    claimed_id: str | None
    area: str | None
    received_ms: int
    size: int


def keep(db: Connection, item: Unreadable, install: str, officer: str, now_ms: int) -> bool:
    """Keep the bytes; False where they are kept already."""
    return bool(
        db.run(
            """insert into unreadable (sha256, bytes, reason, detail, install, officer, claimed_id, home_region, area,
                 received_ms)
               values (:sha256, :bytes, :reason, :detail, :install, :officer, :claimed, :region, :area, :now)
               on conflict (sha256) do nothing""",
            {
                "sha256": item.sha256,
                "bytes": item.raw,
                "reason": item.reason,
                "detail": item.detail,
                "install": install,
                "officer": officer,
                "claimed": item.claimed_id,
                "region": item.home_region,
                "area": item.area,
                "now": now_ms,
            },
        )
    )


def open_items(db: Connection, limit: int = 200) -> list[KeptItem]:
    """Kept items that nobody settled, oldest first."""
    rows = db.all(
        """select sha256, reason, detail, install, officer, claimed_id, area, received_ms, length(bytes) as size
           from unreadable where settled_ms is null order by received_ms, sha256 limit :limit""",
        {"limit": limit},
    )
    return [KeptItem(*row) for row in rows]


def content(db: Connection, sha256: str) -> bytes | None:
    """The bytes as they came."""
    raw = db.value("select bytes from unreadable where sha256 = :sha256", {"sha256": sha256})
    return None if raw is None else bytes(raw)


def contents(db: Connection) -> Iterator[tuple[str, bytes]]:
    """`(sha256, bytes)` of everything that is kept and was not emptied, streamed."""
    for row in db.stream("select sha256, bytes from unreadable where length(bytes) > 0 order by sha256", size=50):
        yield row["sha256"], bytes(row["bytes"])


def empty(db: Connection, sha256: str, detail: str) -> int:
    """Drop the bytes and what was said of them; that they came stays known, so that they are not taken in again."""
    return db.run(
        "update unreadable set bytes = :none, detail = :detail, claimed_id = null where sha256 = :sha256",
        {"sha256": sha256, "none": b"", "detail": detail},
    )


def settle(db: Connection, sha256: str, actor: str, now_ms: int) -> bool:
    """Take an item off the list; its bytes stay."""
    return bool(
        db.run(
            """update unreadable set settled_ms = :now, settled_by = :actor
               where sha256 = :sha256 and settled_ms is null""",
            {"sha256": sha256, "actor": actor, "now": now_ms},
        )
    )


def count(db: Connection) -> int:
    """How many items are kept."""
    return int(db.value("select count(*) from unreadable"))
