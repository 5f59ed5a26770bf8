"""Sealed boxes: what only the server can open (docs/protocol.md, "Deposits").

X25519 with a key pair made for one box, HKDF-SHA-256, AES-256-GCM. The tablet's own key never decrypts: a box that
lies on a stolen tablet is closed for whoever holds it. Pure: the random bytes of the one-time key are handed in.

    box = {"v": 1, "key": <id of the server's sealing key>, "ephemeral": base64(32), "sealed": base64(ciphertext + tag)}
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from schemas.canonical import canonical_bytes, canonical_bytes_unchecked
from schemas.ids import is_uuid
from schemas.signing import DEPOSIT, from_base64, key_id, sign, verify

VERSION = 1
_INFO = b"padan sealed box v1"
_KEY_BYTES, _NONCE_BYTES = 32, 12


class BoxUnreadable(ValueError):
    """The box is malformed, sealed to another key, or damaged."""


def sealing_public_key(private: bytes) -> bytes:
    """The public half of a 32-byte X25519 private key."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def seal_box(content: bytes, recipient: bytes, one_time: bytes) -> dict[str, Any]:
    """Seal content to the recipient's public key. `one_time`: 32 fresh random bytes, never used for a second box."""
    ephemeral = X25519PrivateKey.from_private_bytes(one_time)
    public = ephemeral.public_key().public_bytes_raw()
    key, nonce = _derive(ephemeral.exchange(X25519PublicKey.from_public_bytes(recipient)), public, recipient)
    header = _header(key_id(recipient), public)
    sealed = AESGCM(key).encrypt(nonce, content, canonical_bytes_unchecked(header))
    return {**header, "sealed": base64.b64encode(sealed).decode()}


def open_box(box: Any, private_keys: Mapping[str, bytes]) -> bytes:
    """The content of a box; `private_keys`: key id -> 32 bytes. Raises `BoxUnreadable`, which says why."""
    if not isinstance(box, Mapping) or box.keys() != {"v", "key", "ephemeral", "sealed"} or box["v"] != VERSION:
        raise BoxUnreadable("not a sealed box of version 1")
    public, sealed = from_base64(box["ephemeral"], _KEY_BYTES), from_base64(box["sealed"])
    if public is None or sealed is None or not isinstance(box["key"], str):
        raise BoxUnreadable("ephemeral must be 32 bytes and sealed some bytes, both in base64")
    private = private_keys.get(box["key"])
    if private is None:
        raise BoxUnreadable("sealed to a key that this server does not have")
    recipient = sealing_public_key(private)
    try:
        shared = X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(public))
        key, nonce = _derive(shared, public, recipient)
        return AESGCM(key).decrypt(nonce, sealed, canonical_bytes_unchecked(_header(box["key"], public)))
    except (InvalidTag, ValueError):
        raise BoxUnreadable("damaged, or sealed with another key") from None


def deposit_content(install: str, body: str, private: bytes) -> bytes:
    """What a tablet puts into a box: a push body as text, its own install id, and its signature over both."""
    signature = sign(private, DEPOSIT, _signed(install, body))
    return canonical_bytes({"install": install, "body": body, "signature": signature})


def deposit_signature_holds(install: str, body: str, signature: object, public: bytes) -> bool:
    """Whether the install's own key signed this push body."""
    return verify(public, DEPOSIT, _signed(install, body), signature)


def is_deposit_content(value: Any) -> bool:
    """Whether opened JSON has the members of a deposit. Says nothing about the signature."""
    return (
        isinstance(value, Mapping)
        and value.keys() == {"install", "body", "signature"}
        and is_uuid(value["install"])
        and isinstance(value["body"], str)
    )


def _signed(install: str, body: str) -> bytes:
    return install.encode() + b"\n" + body.encode(errors="surrogatepass")


def _header(key: str, ephemeral: bytes) -> dict[str, Any]:
    return {"v": VERSION, "key": key, "ephemeral": base64.b64encode(ephemeral).decode()}


def _derive(shared: bytes, ephemeral: bytes, recipient: bytes) -> tuple[bytes, bytes]:
    # The one-time key makes the pair unique, so the nonce may come from the same derivation.
    hkdf = HKDF(algorithm=SHA256(), length=_KEY_BYTES + _NONCE_BYTES, salt=ephemeral + recipient, info=_INFO)
    material = hkdf.derive(shared)
    return material[:_KEY_BYTES], material[_KEY_BYTES:]
