"""Identifiers: how each is made, so that making it twice gives the same one. No randomness here: it is passed in."""

from __future__ import annotations

import re
import uuid

from schemas.canonical import canonical_bytes_unchecked

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:padan")
"""Root of every UUIDv5 of Padan."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
_REF = re.compile(r"[0-9a-f]{32}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


def derived_uuid(kind: str, *parts: str) -> str:
    """UUIDv5 over a kind and its parts; the parts are framed as JSON, so that no two lists collide."""
    return str(uuid.uuid5(NAMESPACE, canonical_bytes_unchecked([kind, *parts]).decode()))


def household_id(source: str, home_region: str, family_id: str) -> str:
    """Household id of a listed family: UUIDv5(source, home_region, family id) (merge.md, `prelist`)."""
    return derived_uuid("household", source, home_region, family_id)


def prelist_event_id(source: str, vintage: str, predecessor: str, family_id: str, row_digest: str) -> str:
    """Event id of a listed row: UUIDv5(source, vintage, predecessor, family id, digest of the row)."""
    return derived_uuid("prelist", source, vintage, predecessor, family_id, row_digest)


def listed_person_id(household: str, member_key: str) -> str:
    """Person id of a listed member; `member_key` is stable across vintages of one source."""
    return derived_uuid("person", household, member_key)


def hold_id(ref: str, reason: str) -> str:
    """Event id of a hold: UUIDv5(ref, reason); no time is hashed."""
    return derived_uuid("hold", ref, reason)


def stamp_id(ref: str, time: str) -> str:
    """Event id of a stamp: UUIDv5(ref, time)."""
    return derived_uuid("stamp", ref, time)


def uuid7(now_ms: int, random: bytes) -> str:
    """UUIDv7 from a time in ms since 1970 and 10 random bytes (RFC 9562, 5.7). Never used for ordering."""
    raw = bytearray(now_ms.to_bytes(6, "big") + random[:10])
    raw[6] = 0x70 | (raw[6] & 0x0F)
    raw[8] = 0x80 | (raw[8] & 0x3F)
    return str(uuid.UUID(bytes=bytes(raw)))


def is_uuid(text: object) -> bool:
    """Whether the text is a UUID in lower-case canonical form."""
    return isinstance(text, str) and _UUID.match(text) is not None


def is_ref(text: object) -> bool:
    """Whether the text is an event ref: 32 lower-case hex digits."""
    return isinstance(text, str) and _REF.match(text) is not None


def is_sha256(text: object) -> bool:
    """Whether the text is a SHA-256 as 64 lower-case hex digits."""
    return isinstance(text, str) and _SHA256.match(text) is not None
