"""Officers, enrolment codes and installs (tablets). Codes and tokens are known here by their SHA-256 only.

This module decides nothing: whether a code may be used, or an install may read, is for the flows and the table of
rights.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from server.store.database import Connection, Row


@dataclass(frozen=True, slots=True)
class Officer:
    """Somebody who visits households. `scopes`: area codes."""

    officer: str
    name: str
    scopes: tuple[str, ...]
    active: bool


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A one-time code. Times in ms."""

    code_hash: str
    officer: str
    expires_ms: int
    used_ms: int | None
    install: str | None


@dataclass(frozen=True, slots=True)
class Install:
    """One installation of the app on one tablet. `public_key`: base64, Ed25519."""

    install: str
    officer: str
    public_key: str
    enrolled_ms: int
    revoked_ms: int | None
    revoke_reason: str | None
    last_contact_ms: int | None
    forked_ms: int | None


def save_officer(db: Connection, officer: str, name: str, scopes: Iterable[str], now_ms: int) -> None:
    """Add an officer, or change name and scopes of a known one."""
    db.run(
        "insert into officers (officer, name, scopes, active, created_ms) values (:officer, :name, :scopes, 1, :now)"
        " on conflict (officer) do update set name = excluded.name, scopes = excluded.scopes, active = 1",
        {"officer": officer, "name": name, "scopes": json.dumps(sorted(set(scopes))), "now": now_ms},
    )


def officer_of(db: Connection, officer: str) -> Officer | None:
    """The officer, or None."""
    row = db.one("select officer, name, scopes, active from officers where officer = :officer", {"officer": officer})
    if row is None:
        return None
    return Officer(row["officer"], row["name"], tuple(json.loads(row["scopes"])), bool(row["active"]))


def add_enrolment(
    db: Connection, code_hash: str, officer: str, *, expires_ms: int, now_ms: int, created_by: str
) -> None:
    """Save a new code's hash."""
    db.run(
        "insert into enrolments (code_hash, officer, expires_ms, created_ms, created_by)"
        " values (:hash, :officer, :expires, :now, :by)",
        {"hash": code_hash, "officer": officer, "expires": expires_ms, "now": now_ms, "by": created_by},
    )


def enrolment(db: Connection, code_hash: str) -> Enrolment | None:
    """The code with that hash, or None."""
    row = db.one(
        "select code_hash, officer, expires_ms, used_ms, install from enrolments where code_hash = :hash",
        {"hash": code_hash},
    )
    return None if row is None else Enrolment(*row)


def use_enrolment(db: Connection, code_hash: str, install: str, now_ms: int) -> None:
    """Mark a code as used by an install; the first use keeps its time."""
    db.run(
        "update enrolments set used_ms = coalesce(used_ms, :now), install = :install where code_hash = :hash",
        {"hash": code_hash, "install": install, "now": now_ms},
    )


def save_install(
    db: Connection, install: str, officer: str, public_key: str, *, deposit_hash: str, read_hash: str, now_ms: int
) -> None:
    """Add an install or give a known one new tokens; it is in good standing afterwards."""
    db.run(
        "insert into installs (install, officer, public_key, deposit_hash, read_hash, enrolled_ms)"
        " values (:install, :officer, :public_key, :deposit, :read, :now)"
        " on conflict (install) do update set officer = excluded.officer, deposit_hash = excluded.deposit_hash,"
        " read_hash = excluded.read_hash, revoked_ms = null, revoke_reason = null",
        {
            "install": install,
            "officer": officer,
            "public_key": public_key,
            "deposit": deposit_hash,
            "read": read_hash,
            "now": now_ms,
        },
    )
    db.run(
        "insert into install_officers (install, officer) values (:install, :officer) on conflict do nothing",
        {"install": install, "officer": officer},
    )


_INSTALL = (
    "select install, officer, public_key, enrolled_ms, revoked_ms, revoke_reason, last_contact_ms, forked_ms"
    " from installs"
)


def install_of(db: Connection, install: str) -> Install | None:
    """The install, or None."""
    return _install(db.one(f"{_INSTALL} where install = :install", {"install": install}))


def install_by_token(db: Connection, token_hash: str) -> tuple[Install, str] | None:
    """The install that a token belongs to, and which of its two tokens it is: `deposit` or `read`."""
    for column in ("deposit", "read"):
        found = _install(db.one(f"{_INSTALL} where {column}_hash = :hash", {"hash": token_hash}))
        if found is not None:
            return found, column
    return None


def installs(db: Connection, officer: str | None = None) -> list[Install]:
    """All installs, or one officer's, by time of enrolment."""
    where = "" if officer is None else " where officer = :officer"
    rows = db.all(f"{_INSTALL}{where} order by enrolled_ms, install", {"officer": officer} if officer else {})
    return [Install(*row) for row in rows]


def counts(db: Connection, unseen_before_ms: int) -> dict[str, int]:
    """How many tablets were heard of since, were not, were copied (two count with one id), and were cut off."""
    row = db.one(
        """select
             sum(case when revoked_ms is null and coalesce(last_contact_ms, enrolled_ms) >= :since then 1 else 0 end),
             sum(case when revoked_ms is null and coalesce(last_contact_ms, enrolled_ms) < :since then 1 else 0 end),
             sum(case when revoked_ms is null and forked_ms is not null then 1 else 0 end),
             sum(case when revoked_ms is not null then 1 else 0 end)
           from installs""",
        {"since": unseen_before_ms},
    )
    return {name: int((row and row[at]) or 0) for at, name in enumerate(("seen", "unseen", "copied", "revoked"))}


def revoke_install(db: Connection, install: str, reason: str, now_ms: int) -> bool:
    """Cut an install off at once; its tokens stay known, so that it can still deposit. False: no such install."""
    return bool(
        db.run(
            "update installs set revoked_ms = coalesce(revoked_ms, :now), revoke_reason = :reason"
            " where install = :install",
            {"install": install, "reason": reason, "now": now_ms},
        )
    )


def touch_install(db: Connection, install: str, now_ms: int) -> None:
    """Note when the install was last heard of."""
    db.run("update installs set last_contact_ms = :now where install = :install", {"install": install, "now": now_ms})


def officers_of_install(db: Connection, install: str) -> set[str]:
    """Every officer an install was ever enrolled for."""
    rows = db.all("select officer from install_officers where install = :install", {"install": install})
    return {row["officer"] for row in rows}


def note_fork(db: Connection, install: str, now_ms: int) -> None:
    """Note when two tablets were first seen to count with the same install id."""
    db.run(
        "update installs set forked_ms = coalesce(forked_ms, :now) where install = :install",
        {"install": install, "now": now_ms},
    )


def _install(row: Row | None) -> Install | None:
    return None if row is None else Install(*row)
