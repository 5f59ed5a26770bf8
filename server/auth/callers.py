"""Who calls: the token of a request resolved to a caller, and one table of which caller may ask what.

Tokens are opaque and known by their SHA-256 only. A revoked tablet keeps what it needs to hand in unsent work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.problems import ProblemError
from server.auth.keys import token_hash
from server.store import access, devices
from server.store.database import Connection
from server.store.devices import Install

DEPOSIT, READ, STAFF, PULL = "deposit", "read", "staff", "pull"
KINDS = (DEPOSIT, READ, STAFF, PULL)

ENDPOINTS: Mapping[str, frozenset[str]] = {
    "hello": frozenset({DEPOSIT, READ}),
    "events": frozenset({DEPOSIT}),
    "deposits": frozenset({DEPOSIT}),
    "unlocks": frozenset({DEPOSIT}),
    "have": frozenset({DEPOSIT, READ}),
    "blob_upload": frozenset({DEPOSIT}),
    "blob_image": frozenset({READ, STAFF}),
    "feed": frozenset({READ}),
    "forms": frozenset({READ, STAFF, PULL}),
    "households": frozenset({STAFF, PULL}),
}
"""endpoint -> kinds of token that may call it. Enrolment, health and the OpenAPI file need none."""

REVOKED_MAY = frozenset({"hello", "have", "deposits", "blob_upload"})
"""What a revoked tablet may still call (docs/protocol.md, "Rules")."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The owner of a token. `install` for tablets; `subject` is the officer or the account."""

    kind: str
    subject: str
    scopes: tuple[str, ...]
    install: Install | None = None

    @property
    def revoked(self) -> bool:
        """Whether it is a tablet that was cut off."""
        return self.install is not None and self.install.revoked_ms is not None


def caller_of(db: Connection, authorization: str | None, now_ms: int) -> Caller:
    """The caller of an `Authorization: Bearer ...` header. Raises `ProblemError` (unauthenticated)."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise ProblemError("unauthenticated", "Send `Authorization: Bearer <token>`.")
    hashed = token_hash(token.strip())
    tablet = devices.install_by_token(db, hashed)
    if tablet is not None:
        install, kind = tablet
        officer = devices.officer_of(db, install.officer)
        scopes = officer.scopes if officer is not None and officer.active else ()
        return Caller(kind, install.officer, scopes, install)
    found = access.token_by_hash(db, hashed)
    if found is None or not found.good_at(now_ms):
        raise ProblemError("unauthenticated", "The token is unknown, expired or revoked.")
    return Caller(found.purpose, found.subject, found.scopes)


def require(caller: Caller, endpoint: str) -> None:
    """Raise `ProblemError` (wrong_token, revoked) unless this caller may call the endpoint."""
    if caller.kind not in ENDPOINTS[endpoint]:
        wanted = " or ".join(sorted(ENDPOINTS[endpoint]))
        raise ProblemError("wrong_token", f"This needs a {wanted} token; this is a {caller.kind} token.")
    if caller.revoked and endpoint not in REVOKED_MAY:
        raise ProblemError("revoked", "This tablet was cut off; its unsent work can be deposited.")
