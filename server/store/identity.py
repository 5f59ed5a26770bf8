"""Who this server is: its id, its epochs, and the few settings of the campaign that live in the database."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from server.store.database import Connection


def server_id(db: Connection) -> str:
    """The id given when the database was made; it survives every restore."""
    return str(setting(db, "server_id"))


def current_epoch(db: Connection) -> tuple[int, str]:
    """Number (inside) and random id (on the wire) of the present epoch."""
    row = db.one("select epoch, id from epochs order by epoch desc limit 1")
    if row is None:
        raise LookupError("the database has no epoch; run `padan migrate`")
    return row["epoch"], row["id"]


def epoch_ids(db: Connection) -> Mapping[int, str]:
    """Number -> id of every epoch."""
    return {row["epoch"]: row["id"] for row in db.all("select epoch, id from epochs")}


def begin_epoch(db: Connection, now_ms: int, reason: str) -> str:
    """Start a new epoch (after a restore); its id."""
    number, _ = current_epoch(db)
    name = secrets.token_hex(8)
    db.run(
        "insert into epochs (epoch, id, began_ms, reason) values (:epoch, :id, :now, :reason)",
        {"epoch": number + 1, "id": name, "now": now_ms, "reason": reason},
    )
    return name


def setting(db: Connection, name: str) -> str | None:
    """A named value, or None. Names in use: server_id, campaign, campaign_closes_ms, durable."""
    found = db.value("select value from meta where name = :name", {"name": name})
    return None if found is None else str(found)


def set_setting(db: Connection, name: str, value: str) -> None:
    """Store a named value."""
    db.run(
        """insert into meta (name, value) values (:name, :value)
           on conflict (name) do update set value = excluded.value""",
        {"name": name, "value": value},
    )


def drop_setting(db: Connection, name: str) -> None:
    """Forget a named value."""
    db.run("delete from meta where name = :name", {"name": name})


def campaign_closes_ms(db: Connection) -> int | None:
    """When the campaign closes (ms since 1970), or None for an open end."""
    text = setting(db, "campaign_closes_ms")
    return None if text is None else int(text)
