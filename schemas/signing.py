"""Ed25519 signatures over events and over small statements (docs/protocol.md, "Signatures").

What is signed begins with a line that says what it is, so that a signature over one kind of thing is never good for
another. Pure: keys are handed in as 32 raw bytes and are neither made nor kept here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from schemas.canonical import canonical_bytes_unchecked

EVENT = b"padan event v1\n"
TIME = b"padan time v1\n"
DEPOSIT = b"padan deposit v1\n"
REMAINS = b"padan remains v1\n"
LEDGER = b"padan erasure v1\n"
KEY_BYTES = 32
SIGNATURE_BYTES = 64


def key_id(public: bytes) -> str:
    """Name of a public key: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(public).hexdigest()[:16]


def public_key(private: bytes) -> bytes:
    """The public half of a 32-byte private key."""
    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def sign(private: bytes, purpose: bytes, message: bytes) -> str:
    """Signature over purpose and message, as standard base64."""
    return base64.b64encode(Ed25519PrivateKey.from_private_bytes(private).sign(purpose + message)).decode()


def verify(public: bytes, purpose: bytes, message: bytes, signature: object) -> bool:
    """Whether the base64 signature is that key's over purpose and message; never raises for bad input."""
    raw = from_base64(signature, SIGNATURE_BYTES)
    if raw is None or len(public) != KEY_BYTES:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(raw, purpose + message)
    except (InvalidSignature, ValueError):
        return False
    return True


def sign_event(private: bytes, envelope: Mapping[str, Any]) -> dict[str, Any]:
    """The envelope with the server's `signature` over its payload hash."""
    value = sign(private, EVENT, bytes.fromhex(envelope["payload_hash"]))
    return {**envelope, "signature": {"key": key_id(public_key(private)), "value": value}}


def event_signature_holds(public_keys: Mapping[str, bytes], envelope: Mapping[str, Any]) -> bool:
    """Whether the envelope bears a valid signature by one of the keys (key id -> public key, 32 bytes)."""
    signature = envelope.get("signature")
    if not isinstance(signature, Mapping) or not isinstance(signature.get("key"), str):
        return False
    public = public_keys.get(signature["key"])
    if public is None:
        return False
    return verify(public, EVENT, bytes.fromhex(envelope["payload_hash"]), signature.get("value"))


def time_message(server_id: str, epoch: str, time: str) -> bytes:
    """What is signed when the server says what time it is."""
    return canonical_bytes_unchecked({"server_id": server_id, "epoch": epoch, "time": time})


def from_base64(text: object, length: int | None = None) -> bytes | None:
    """The bytes of strict standard base64, or None where it is not that, or of another length."""
    if not isinstance(text, str):
        return None
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if length is None or len(raw) == length else None
