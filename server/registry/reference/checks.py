"""What a request to the reference registry must look like; a wrong one is named by field. No HTTP, no SQL."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from schemas.canonical import NotCanonical, canonical_bytes, sha256_hex
from schemas.ids import is_uuid
from server.registry.reference.ledger import Application
from sync.delivery import DELIVER, WITHDRAW

VERSION_MAX = 1_000_000
_NIK = re.compile(r"[0-9]{16}\Z")
_REGION = re.compile(r"[0-9]{2}(\.[0-9]{2}){0,2}(\.[0-9]{4})?\Z")
_KEY = re.compile(r"[A-Za-z0-9._:-]{16,128}\Z")


@dataclass(frozen=True, slots=True)
class Malformed:
    """A request that cannot be applied as it is: `field` is a JSON pointer into the body."""

    code: str
    field: str
    message: str


def read_application(action: str, household_id: str, key_header: str, body: bytes) -> Application | Malformed:
    """The application that a PUT of a record or a withdrawal asks for."""
    value = read_object(body)
    if isinstance(value, Malformed):
        return value
    key, version, region = value.get("idempotency_key"), value.get("version"), value.get("home_region")
    if not isinstance(key, str) or not _KEY.match(key) or key != key_header:
        return Malformed("key_mismatch", "/idempotency_key", "must be 16-128 characters and equal to Idempotency-Key")
    if not is_uuid(household_id):
        return Malformed("household_id", "", "the household id in the path is no UUID")
    if not isinstance(version, int) or isinstance(version, bool) or not 1 <= version <= VERSION_MAX:
        return Malformed("version", "/version", f"must be an integer from 1 to {VERSION_MAX}")
    if not is_region(region):
        return Malformed("home_region", "/home_region", "must be a dotted area code")
    digest, record = "", None
    if action == DELIVER:
        record, digest = value.get("record"), str(value.get("content_digest"))
        problem = _record_problem(record, household_id, str(region), digest)
        if problem is not None:
            return problem
    return Application(action, household_id, str(region), version, key, sha256_hex(body), digest, record)


def read_object(body: bytes) -> dict[str, Any] | Malformed:
    """The body as a JSON object that can be written as canonical JSON."""
    try:
        value = json.loads(body)
        canonical_bytes(value)
    except NotCanonical as error:
        return Malformed("body", "", str(error))
    except (ValueError, RecursionError):
        return Malformed("body", "", "the body is no JSON")
    return value if isinstance(value, dict) else Malformed("body", "", "the body is no JSON object")


def is_region(text: object) -> bool:
    """Whether the text is a dotted area code of any level."""
    return isinstance(text, str) and _REGION.match(text) is not None


def is_nik(text: object) -> bool:
    """Whether the text is 16 digits; the registry judges no more than the form of it."""
    return isinstance(text, str) and _NIK.match(text) is not None


def _record_problem(record: Any, household_id: str, region: str, digest: str) -> Malformed | None:
    if not isinstance(record, dict):
        return Malformed("record", "/record", "must be an object")
    if record.get("household_id") != household_id or record.get("home_region") != region:
        return Malformed("record", "/record/household_id", "names another household or region than the request")
    if sha256_hex(canonical_bytes(record)) != digest:
        return Malformed("content_digest", "/content_digest", "is not the SHA-256 of the canonical record")
    persons = record.get("persons")
    if not isinstance(persons, list):
        return Malformed("persons", "/record/persons", "must be a list")
    seen: set[str] = set()
    for number, person in enumerate(persons):
        problem = _person_problem(person, f"/record/persons/{number}", seen)
        if problem is not None:
            return problem
    return None


def _person_problem(person: Any, where: str, seen: set[str]) -> Malformed | None:
    """`seen`: NIKs and keys of the persons before this one; this one's are added."""
    if not isinstance(person, dict) or not isinstance(person.get("key"), str) or not person["key"]:
        return Malformed("person_key", where + "/key", "must be a text")
    keys = person.get("keys", [])
    if not isinstance(keys, list) or not all(isinstance(key, str) and key for key in keys):
        return Malformed("person_key", where + "/keys", "must be a list of texts")
    nik = person.get("nik")
    if nik != "" and not is_nik(nik):
        return Malformed("nik", where + "/nik", "must be 16 digits, or empty")
    own = {person["key"], *keys} | ({nik} if nik else set())
    if own & seen:
        return Malformed("person_twice", where, "a NIK or person key stands twice in this record")
    seen |= own
    return None


ACTIONS = {"PUT": DELIVER, "POST": WITHDRAW}
