"""Opening a locked tablet whose PIN was forgotten: the operator's word, and the data key that only the server can read.

The tablet keeps its data key sealed to the server's key and brings it along with a one-time code; the answer is sealed
to a key that the tablet made for this call alone. Nothing of it is kept here. A revoked tablet is not opened
(docs/security.md, "A forgotten PIN").
"""

from __future__ import annotations

from typing import Any

from schemas.json_text import JsonProblem, read_json
from schemas.limits import UNLOCK_CODE_REPEAT_MINUTES, UNLOCK_CODE_VALID_HOURS
from schemas.problems import ProblemError
from schemas.sealing import BoxUnreadable, open_box, seal_box
from schemas.signing import KEY_BYTES, from_base64
from server.auth.callers import Caller
from server.auth.keys import ServerKeys, token_hash
from server.flows.people import HOUR_MS, code_text, plain_code
from server.store import devices, unlocks
from server.store.database import Connection

PURPOSE = "padan unlock v1"
MINUTE_MS = 60_000


def issue_unlock_code(db: Connection, install: str, random_bytes: bytes, *, by: str, now_ms: int) -> str:
    """A one-time code that opens one tablet. `random_bytes`: 32 of them. Raises `ProblemError` (not_found, revoked)."""
    found = devices.install_of(db, install)
    if found is None:
        raise ProblemError("not_found", f"Tablet {install} tidak terdaftar.")
    if found.revoked_ms is not None:
        raise ProblemError("revoked", f"Tablet {install} sudah dicabut; daftarkan lagi dengan kode baru.")
    code = code_text(random_bytes)
    expires_ms = now_ms + UNLOCK_CODE_VALID_HOURS * HOUR_MS
    unlocks.add_code(db, token_hash(plain_code(code)), install, expires_ms=expires_ms, now_ms=now_ms, created_by=by)
    return code


def unlock(
    db: Connection,
    keys: ServerKeys,
    caller: Caller,
    *,
    code: str,
    box: Any,
    public_key: str,
    one_time: bytes,
    now_ms: int,
) -> dict[str, Any]:
    """The answer of `POST /v1/unlocks`. May be repeated for a while, since the answer can be lost. `one_time`: 32
    random bytes. Raises `ProblemError`."""
    reader = from_base64(public_key, KEY_BYTES)
    if reader is None or caller.install is None:
        raise ProblemError("invalid", "public_key must be 32 bytes as base64, from a tablet.")
    code_hash = token_hash(plain_code(code))
    found = unlocks.code_of(db, code_hash)
    if found is None or found.install != caller.install.install:
        raise ProblemError("unlock_code_unknown", "The code is unknown, or another tablet's.")
    spent = found.used_ms is not None and found.used_ms + UNLOCK_CODE_REPEAT_MINUTES * MINUTE_MS < now_ms
    if found.expires_ms <= now_ms or spent:
        raise ProblemError("unlock_code_expired", "The code has expired or was used.")
    data_key = _data_key(db, keys, caller, box)
    with db.transaction():
        unlocks.use_code(db, code_hash, now_ms)
    return {"box": seal_box(data_key, reader, one_time)}


def _data_key(db: Connection, keys: ServerKeys, caller: Caller, box: Any) -> bytes:
    """The data key in the box, which must have been sealed by a tablet of the same officer."""
    try:
        content = read_json(open_box(box, keys.sealing_keys))
    except (BoxUnreadable, JsonProblem) as error:
        raise ProblemError("unlock_box_unreadable", "The box cannot be opened with any key of this server.") from error
    told = content if isinstance(content, dict) and content.get("purpose") == PURPOSE else {}
    data_key = from_base64(told.get("data_key"), KEY_BYTES)
    maker = told.get("install")
    # A tablet that was enrolled anew brings a box of its former self.
    mine = caller.subject in devices.officers_of_install(db, maker) if isinstance(maker, str) else False
    if data_key is None or not mine:
        raise ProblemError("unlock_box_unreadable", "The box was not made by a tablet of this officer.")
    return data_key
