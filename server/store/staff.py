"""Staff accounts: who they are, their role, their areas. Whether they may do something is `server/auth/rights.py`'s."""

from __future__ import annotations

import json
from collections.abc import Iterable

from server.auth.rights import Staff
from server.store.database import Connection, Row


def save_staff(db: Connection, staff: str, name: str, role: str, scopes: Iterable[str], now_ms: int) -> None:
    """Make an account, or give it another name, role or areas. An inactive one becomes active again."""
    db.run(
        """insert into staff (staff, name, role, scopes, active, created_ms)
           values (:staff, :name, :role, :scopes, 1, :now)
           on conflict (staff) do update set name = excluded.name, role = excluded.role, scopes = excluded.scopes,
           active = 1""",
        {"staff": staff, "name": name, "role": role, "scopes": json.dumps(sorted(set(scopes))), "now": now_ms},
    )


def staff_of(db: Connection, staff: str) -> Staff | None:
    """An active account, or None."""
    row = db.one("select staff, name, role, scopes from staff where staff = :staff and active = 1", {"staff": staff})
    return None if row is None else _staff(row)


def all_staff(db: Connection) -> list[Staff]:
    """Every active account, by name of the account."""
    return [
        _staff(row) for row in db.all("select staff, name, role, scopes from staff where active = 1 order by staff")
    ]


def retire_staff(db: Connection, staff: str) -> bool:
    """Close an account; what it did stays. Whether there was an active one."""
    return db.run("update staff set active = 0 where staff = :staff and active = 1", {"staff": staff}) > 0


def _staff(row: Row) -> Staff:
    return Staff(row["staff"], row["name"], row["role"], tuple(json.loads(row["scopes"])))
