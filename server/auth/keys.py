"""The server's keys at work: signing its own events, knowing its own signature again, the secrets behind digests.

The bytes lie in the store (`server/store/keys.py`); here they become operations. No key leaves this module but the
public ones.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.signing import event_signature_holds, sign, sign_event
from server.store import keys as stored
from server.store.database import Connection
from sync.identity import nik_key

TOKEN_BYTES = 32


@dataclass(frozen=True)
class ServerKeys:
    """All keys of one server, read once. `public_keys`: key id -> public signing key, retired ones included."""

    signing_key: bytes = field(repr=False)
    sealing_keys: Mapping[str, bytes] = field(repr=False)
    cursor_key: bytes = field(repr=False)
    nik_secret: bytes = field(repr=False)
    import_secret: bytes = field(repr=False)
    public_keys: Mapping[str, bytes]

    def signed(self, envelope: Mapping[str, Any]) -> dict[str, Any]:
        """The envelope with this server's signature over its payload hash."""
        return sign_event(self.signing_key, envelope)

    def sign(self, purpose: bytes, message: bytes) -> str:
        """Signature over a small statement; base64."""
        return sign(self.signing_key, purpose, message)

    def made_here(self, envelope: Mapping[str, Any]) -> bool:
        """Whether the envelope bears a valid signature of this server, by a present or a retired key."""
        return event_signature_holds(self.public_keys, envelope)

    def nik_digest(self, nik: str) -> str:
        """Key of a NIK's row in the index."""
        return nik_key(nik, self.nik_secret)

    def import_salt(self, event_id: str, part: str) -> str:
        """Salt of a listed event's part, 32 hex digits: HMAC(import key, event id, part) (docs/merge.md, `prelist`)."""
        return hmac.new(self.import_secret, f"{event_id}\n{part}".encode(), hashlib.sha256).hexdigest()[:32]


def load_keys(db: Connection, now_ms: int) -> ServerKeys:
    """The server's keys; those that do not exist yet are made."""
    stored.ensure_keys(db, secrets.token_bytes, now_ms)
    signing = stored.all_keys(db, stored.SIGNING)
    return ServerKeys(
        signing_key=stored.present_key(db, stored.SIGNING).secret,
        sealing_keys={name: key.secret for name, key in stored.all_keys(db, stored.SEALING).items()},
        cursor_key=stored.present_key(db, stored.CURSOR).secret,
        nik_secret=stored.present_key(db, stored.NIK_INDEX).secret,
        import_secret=stored.present_key(db, stored.IMPORT).secret,
        public_keys={name: key.public for name, key in signing.items() if key.public},
    )


def new_token() -> str:
    """A new opaque token: 256 random bits as text."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def token_hash(token: str) -> str:
    """What the store keeps of a token. A token is 256 random bits: no slow hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()
