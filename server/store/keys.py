"""The server's own keys and who it is: server id, epoch, signing, sealing and cursor keys.

Secrets lie in the database on purpose: they are in its backup, and the file is readable by its owner only. This
module makes no key by itself: random bytes are handed in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from schemas.sealing import sealing_public_key
from schemas.signing import key_id, public_key
from server.store.database import Connection, Row

SIGNING, SEALING, CURSOR = "signing", "sealing", "cursor"
NIK_INDEX, IMPORT = "nik_index", "import"
PURPOSES = (SIGNING, SEALING, CURSOR, NIK_INDEX, IMPORT)
SECRET_BYTES = 32

Random = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who answers: the server, and the stretch of its life since it was made or last restored."""

    server_id: str
    epoch: str
    epoch_number: int


@dataclass(frozen=True, slots=True)
class ServerKey:
    """One key. `name` is what goes over the wire; `public` is None for the cursor key."""

    name: str
    purpose: str
    secret: bytes
    public: bytes | None


def identity(db: Connection) -> Identity:
    """Server id and present epoch."""
    epoch = db.one("select epoch, id from epochs order by epoch desc limit 1")
    server_id = db.value("select value from meta where name = 'server_id'")
    if epoch is None or server_id is None:
        raise LookupError("the database has no identity; run `padan migrate`")
    return Identity(server_id, epoch["id"], epoch["epoch"])


def ensure_keys(db: Connection, random: Random, now_ms: int) -> None:
    """Make each key that does not exist yet. Safe to repeat, and to run from several threads."""
    with db.transaction():
        present = {row["purpose"] for row in db.all("select purpose from server_keys where retired_ms is null")}
        for purpose in PURPOSES:
            if purpose not in present:
                _add(db, purpose, random(SECRET_BYTES), now_ms)


def present_key(db: Connection, purpose: str) -> ServerKey:
    """The key in use for a purpose. Raises LookupError before `ensure_keys`."""
    row = db.one(
        "select name, purpose, secret, public from server_keys where purpose = :purpose and retired_ms is null"
        " order by created_ms desc, name limit 1",
        {"purpose": purpose},
    )
    if row is None:
        raise LookupError(f"the server has no {purpose} key yet")
    return _key(row)


def all_keys(db: Connection, purpose: str) -> dict[str, ServerKey]:
    """Every key of a purpose by name, retired ones too: old signatures stay good, old boxes can be opened."""
    rows = db.all(
        "select name, purpose, secret, public from server_keys where purpose = :purpose", {"purpose": purpose}
    )
    return {row["name"]: _key(row) for row in rows}


def _add(db: Connection, purpose: str, secret: bytes, now_ms: int) -> None:
    public = {SIGNING: public_key, SEALING: sealing_public_key}.get(purpose, lambda _: b"")(secret)
    db.run(
        "insert into server_keys (name, purpose, secret, public, created_ms)"
        " values (:name, :purpose, :secret, :public, :now)",
        {
            "name": key_id(public) if public else f"{purpose}-{now_ms}",
            "purpose": purpose,
            "secret": secret,
            "public": public.hex() if public else None,
            "now": now_ms,
        },
    )


def _key(row: Row) -> ServerKey:
    public = row["public"]
    secret = bytes(row["secret"])
    return ServerKey(row["name"], row["purpose"], secret, bytes.fromhex(public) if public else None)
