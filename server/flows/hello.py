"""`hello`: who the server is, what time it is (signed), what it wants, and a stamp for each newly sealed ref.

A stamp is an event of the server's own; it is handed to the tablet and comes back with the form it belongs to, so
that the time of first contact is known wherever the form arrives (docs/merge.md, `not_after`).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from schemas import limits
from schemas.canonical import canonical_bytes, sha256_hex
from schemas.event import seal
from schemas.ids import is_ref, is_uuid, stamp_id
from schemas.problems import ProblemError
from schemas.signing import TIME, key_id, public_key, time_message
from server.auth.callers import Caller
from server.auth.keys import ServerKeys
from server.clock import rfc3339_s
from server.flows.append import INTAKE_ACTOR
from server.flows.backup_watch import durable
from server.store import devices, feed, forms, install_forms, keys
from server.store.database import Connection
from server.store.identity import campaign_closes_ms

SLOT_SPREAD_S = 900
"""Tablets that sync by themselves at a full hour are spread over a quarter of one."""


def hello(
    db: Connection,
    server_keys: ServerKeys,
    caller: Caller,
    refs: Sequence[Mapping[str, Any]],
    now_ms: int,
    forms_here: Sequence[Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """The answer of `/v1/hello`. A revoked tablet gets the bare minimum. `forms_here`: what the tablet says it has."""
    identity = keys.identity(db)
    time = rfc3339_s(now_ms)
    signature = server_keys.sign(TIME, time_message(identity.server_id, identity.epoch, time))
    answer: dict[str, Any] = {
        "server_id": identity.server_id,
        "epoch": identity.epoch,
        "time": {"time": time, "key": key_id(public_key(server_keys.signing_key)), "signature": signature},
        # Null before a verified backup exists: nothing may be called safe.
        "durable": durable(db),
        "stamps": {str(each["ref"]): stamp(server_keys, each, time) for each in refs},
        "revoked": caller.revoked,
    }
    if caller.install is not None:
        devices.touch_install(db, caller.install.install, now_ms)
        if forms_here is not None:
            told = [(form["id"], form["version"], form["drafts"]) for form in forms_here]
            install_forms.tell(db, caller.install.install, told, now_ms)
    if caller.revoked:
        return answer
    closes_ms = campaign_closes_ms(db)
    slot = int(hashlib.sha256((caller.install.install if caller.install else "").encode()).hexdigest()[:8], 16)
    return answer | {
        "limits": public_limits(),
        "forms": listed_forms(db),
        "officer": caller.subject,
        "areas": list(caller.scopes),
        "scope": scope_digest(caller),
        "feed_head": {region: feed.head(db, region) for region in feed.regions_in(db, caller.scopes)},
        "slot_s": slot % SLOT_SPREAD_S,
        "campaign": {"closes": None if closes_ms is None else rfc3339_s(closes_ms)},
        "sealing_key": public_sealing_key(db),
        "signing_keys": public_keys(server_keys),
    }


def listed_forms(db: Connection) -> list[dict[str, Any]]:
    """Every published version as it is named to others; `retired` where no new form is to be opened with it."""
    retired = forms.retired(db)
    return [
        {"id": form.id, "version": form.version, "hash": form.hash}
        | ({"retired": True} if (form.id, form.version) in retired else {})
        for form in forms.published_forms(db)
    ]


def stamp(server_keys: ServerKeys, named: Mapping[str, Any], time: str) -> dict[str, Any]:
    """A signed stamp of a ref, filed where the form is. The same ref and time give the same event."""
    also = [(each["household_id"], each["home_region"]) for each in named.get("also", ())]
    if not is_ref(named["ref"]) or not is_uuid(named["household_id"]):
        raise ProblemError("invalid", "Each ref to stamp needs ref, household_id and home_region.")
    envelope = seal(
        id=stamp_id(named["ref"], time),
        kind="stamp",
        household_id=named["household_id"],
        home_region=named["home_region"],
        actor=INTAKE_ACTOR,
        area=named["home_region"],
        also=also,
        body={"target": named["ref"], "time": time},
        parts=[],
        salts={},
    )
    return server_keys.signed(envelope)


def scope_digest(caller: Caller) -> str:
    """Changes when what the caller may see changes; part of every cursor. A tablet's two tokens have the same."""
    kind = caller.kind if caller.install is None else "tablet"
    return sha256_hex(canonical_bytes([kind, caller.subject, sorted(caller.scopes)]))[:16]


def public_keys(server_keys: ServerKeys) -> list[dict[str, str]]:
    """Public keys under which the server's signatures hold, retired ones too."""
    return [
        {"id": name, "key": base64.b64encode(key).decode()} for name, key in sorted(server_keys.public_keys.items())
    ]


def public_sealing_key(db: Connection) -> dict[str, str]:
    """The public key to which deposits are sealed."""
    sealing = keys.present_key(db, keys.SEALING)
    return {"id": sealing.name, "key": base64.b64encode(sealing.public or b"").decode()}


def public_limits() -> dict[str, int]:
    """The limits a client has to keep, by name."""
    names = (
        "EVENT_BYTES_MAX",
        "EVENTS_PER_PUSH_MAX",
        "BODY_BYTES_MAX",
        "BODY_COMPRESSED_BYTES_MAX",
        "CONTEXT_MAX",
        "STAMPS_PER_HELLO_MAX",
        "HAVE_PER_REQUEST_MAX",
        "FEED_PAGE_MAX",
        "DEPOSIT_BYTES_MAX",
        "BLOB_BYTES_MAX",
        "BLOB_CHUNK_BYTES_MAX",
    )
    return {name.lower(): getattr(limits, name) for name in names}
