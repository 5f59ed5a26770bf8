"""Enrolling a tablet: a one-time code becomes two tokens. Repeatable by the same install when the answer was lost."""

from __future__ import annotations

from typing import Any

from schemas.problems import ProblemError
from schemas.signing import KEY_BYTES, from_base64
from server.auth.keys import ServerKeys, new_token, token_hash
from server.flows.hello import public_keys, public_sealing_key
from server.flows.people import plain_code
from server.store import devices, keys
from server.store.database import Connection
from server.store.devices import Enrolment


def enrol(
    db: Connection, server_keys: ServerKeys, *, code: str, install: str, public_key: str, now_ms: int
) -> dict[str, Any]:
    """The answer of `POST /v1/enrol`. New tokens each time; those of an answer that was lost are void by that."""
    raw = from_base64(public_key, KEY_BYTES)
    if raw is None:
        raise ProblemError("invalid", "public_key must be 32 bytes as base64.")
    with db.transaction():
        found = devices.enrolment(db, token_hash(plain_code(code)))
        if found is None:
            raise ProblemError("enrol_code_unknown", "The code is unknown.")
        _usable(found, install, now_ms)
        officer = devices.officer_of(db, found.officer)
        if officer is None or not officer.active:
            raise ProblemError("enrol_code_unknown", "The officer of this code does not work here any more.")
        known = devices.install_of(db, install)
        if known is not None and known.public_key != public_key:
            raise ProblemError("install_taken", "This install id is enrolled with another key.")
        if known is not None and known.revoked_ms is not None and found.install is not None:
            # The code of a lost tablet may still be on a piece of paper: a new one, given after that, is wanted.
            raise ProblemError("enrol_code_used", "The tablet was cut off since; it needs a new code.")
        deposit, read = new_token(), new_token()
        devices.save_install(
            db,
            install,
            found.officer,
            public_key,
            deposit_hash=token_hash(deposit),
            read_hash=token_hash(read),
            now_ms=now_ms,
        )
        devices.use_enrolment(db, found.code_hash, install, now_ms)
        identity = keys.identity(db)
        sealing = public_sealing_key(db)
    return {
        "server_id": identity.server_id,
        "epoch": identity.epoch,
        "install": install,
        "officer": {"id": officer.officer, "name": officer.name},
        "areas": [{"code": scope} for scope in officer.scopes],
        "deposit_token": deposit,
        "read_token": read,
        "sealing_key": sealing,
        "signing_keys": public_keys(server_keys),
    }


def _usable(found: Enrolment, install: str, now_ms: int) -> None:
    if found.install is not None and found.install != install:
        raise ProblemError("enrol_code_used", "The code was used by another tablet.")
    if found.expires_ms <= now_ms:
        raise ProblemError("enrol_code_expired", "The code has expired.")
