"""Signed requests to a registry: HMAC-SHA256 over method, path, timestamp, nonce and body hash. Both sides use this.

It may not read a clock, draw a nonce or know where a secret is kept: all come in as arguments. (The BPJS scheme
leaves the body out of the signature; SNAP shows the better form: domain.md section 6.)

The `Idempotency-Key` header is not signed by itself: the same key stands in the signed body, and the registry
refuses a request in which the two differ.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

SCHEME = "PADAN1-HMAC-SHA256"
CLIENT_HEADER = "Padan-Client"
TIMESTAMP_HEADER = "Padan-Timestamp"
NONCE_HEADER = "Padan-Nonce"
SIGNATURE_HEADER = "Padan-Signature"

WINDOW_S = 300
"""How far a request's timestamp may lie from the registry's clock; also how long a nonce is remembered."""

SECRET_BYTES_MIN = 16

_TIMESTAMP = re.compile(r"[0-9]{1,12}\Z")
_NONCE = re.compile(r"[0-9a-f]{32}\Z")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who we are to the registry. The secret is shown nowhere."""

    client: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Verified:
    """The signature holds and the time lies in the window; the nonce is still to be looked up."""

    nonce: str
    timestamp_s: int


@dataclass(frozen=True, slots=True)
class NotVerified:
    """Why a request is refused: `code` is stable, `message` is for the operator."""

    code: str
    message: str


def signature(secret: bytes, method: str, path: str, timestamp_s: int, nonce: str, body: bytes) -> str:
    """64 hex digits. `path` is the path as sent, with `?query` if there is one."""
    text = "\n".join([SCHEME, method.upper(), path, str(timestamp_s), nonce, hashlib.sha256(body).hexdigest()])
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


def signed_headers(
    credentials: Credentials, method: str, path: str, timestamp_s: int, nonce: str, body: bytes
) -> dict[str, str]:
    """The four headers of a signed request. `nonce`: 32 hex digits, never used twice."""
    return {
        CLIENT_HEADER: credentials.client,
        TIMESTAMP_HEADER: str(timestamp_s),
        NONCE_HEADER: nonce,
        SIGNATURE_HEADER: signature(credentials.secret, method, path, timestamp_s, nonce, body),
    }


def verify(
    headers: Mapping[str, str], secret_of_client: Mapping[str, bytes], method: str, path: str, body: bytes, now_s: int
) -> Verified | NotVerified:
    """Judge a request. The caller then records the nonce, atomically, and refuses one it has seen."""
    client, nonce = headers.get(CLIENT_HEADER, ""), headers.get(NONCE_HEADER, "")
    timestamp, given = headers.get(TIMESTAMP_HEADER, ""), headers.get(SIGNATURE_HEADER, "")
    if not (client and given and _NONCE.match(nonce) and _TIMESTAMP.match(timestamp)):
        return NotVerified("signature_missing", "a signature header is missing or malformed")
    secret = secret_of_client.get(client, b"")
    expected = signature(secret, method, path, int(timestamp), nonce, body)
    if not secret or not hmac.compare_digest(expected.encode(), given.encode()):
        return NotVerified("signature_invalid", "unknown client, wrong secret, or the request was changed on its way")
    if abs(now_s - int(timestamp)) > WINDOW_S:
        late = now_s - int(timestamp)
        return NotVerified("timestamp_outside_window", f"the clocks differ by {late} s; {WINDOW_S} s are allowed")
    return Verified(nonce, int(timestamp))
