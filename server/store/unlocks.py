"""Unlock codes of tablets, known here by their SHA-256 only. Decides nothing."""

from __future__ import annotations

from dataclasses import dataclass

from server.store.database import Connection


@dataclass(frozen=True, slots=True)
class UnlockCode:
    """A code for one install. Times in ms; `used_ms` is the first use."""

    install: str
    expires_ms: int
    used_ms: int | None


def add_code(db: Connection, code_hash: str, install: str, *, expires_ms: int, now_ms: int, created_by: str) -> None:
    """Save a new code's hash."""
    db.run(
        "insert into unlock_codes (code_hash, install, expires_ms, created_ms, created_by)"
        " values (:hash, :install, :expires, :now, :by)",
        {"hash": code_hash, "install": install, "expires": expires_ms, "now": now_ms, "by": created_by},
    )


def code_of(db: Connection, code_hash: str) -> UnlockCode | None:
    """The code with that hash, or None."""
    row = db.one("select install, expires_ms, used_ms from unlock_codes where code_hash = :hash", {"hash": code_hash})
    return None if row is None else UnlockCode(*row)


def use_code(db: Connection, code_hash: str, now_ms: int) -> None:
    """Note the use of a code; the first keeps its time."""
    db.run(
        "update unlock_codes set used_ms = coalesce(used_ms, :now) where code_hash = :hash",
        {"hash": code_hash, "now": now_ms},
    )
