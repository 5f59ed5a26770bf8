"""Tokens of people and offices: the staff's and the central pull's. Known by their SHA-256 only; scopes are JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from server.store.database import Connection, Row


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token: whose, for what, for which areas. Times in ms."""

    token_hash: str
    subject: str
    purpose: str
    scopes: tuple[str, ...]
    created_ms: int
    expires_ms: int | None
    revoked_ms: int | None
    last_used_ms: int | None

    def good_at(self, now_ms: int) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_ms is None and (self.expires_ms is None or now_ms < self.expires_ms)


_COLUMNS = "token_hash, subject, purpose, scopes, created_ms, expires_ms, revoked_ms, last_used_ms"


def add_token(
    db: Connection,
    token_hash: str,
    subject: str,
    purpose: str,
    scopes: Iterable[str],
    *,
    now_ms: int,
    expires_ms: int | None,
) -> None:
    """Save a new token's hash."""
    db.run(
        "insert into access_tokens (token_hash, subject, purpose, scopes, created_ms, expires_ms)"
        " values (:hash, :subject, :purpose, :scopes, :now, :expires)",
        {
            "hash": token_hash,
            "subject": subject,
            "purpose": purpose,
            "scopes": json.dumps(sorted(set(scopes))),
            "now": now_ms,
            "expires": expires_ms,
        },
    )


def token_by_hash(db: Connection, token_hash: str) -> AccessToken | None:
    """The token with that hash, or None."""
    row = db.one(f"select {_COLUMNS} from access_tokens where token_hash = :hash", {"hash": token_hash})
    return None if row is None else _token(row)


def tokens_of(db: Connection, subject: str | None = None) -> list[AccessToken]:
    """All tokens, or one subject's, oldest first."""
    where = "" if subject is None else " where subject = :subject"
    rows = db.all(f"select {_COLUMNS} from access_tokens{where} order by created_ms", {"subject": subject})
    return [_token(row) for row in rows]


def revoke_tokens(db: Connection, subject: str, purpose: str, now_ms: int) -> int:
    """Revoke every good token of a subject for a purpose; how many."""
    return db.run(
        "update access_tokens set revoked_ms = :now where subject = :subject and purpose = :purpose"
        " and revoked_ms is null",
        {"subject": subject, "purpose": purpose, "now": now_ms},
    )


def _token(row: Row) -> AccessToken:
    return AccessToken(row[0], row[1], row[2], tuple(json.loads(row[3])), *tuple(row)[4:])
