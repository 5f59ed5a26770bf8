"""The event: the one immutable thing that everything else is computed from (docs/merge.md, "Kinds of events").

An *envelope* is the JSON that travels; an `Event` is what the thinking works with. The hash covers the head and
one salted hash per part, so that a person's part can be erased and the hash still stands.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.canonical import canonical_bytes, canonical_bytes_unchecked, sha256_hex

ENVELOPE_VERSION = 1
REF_HEX = 32
"""A ref is the first 16 bytes of the payload hash, as 32 hex digits."""

DEVICE_KINDS = frozenset({"submission", "change"})
"""What a tablet makes. Any other kind it may only hand back with the server's signature."""

STAFF_KINDS = frozenset(
    {
        "assignment",
        "review",
        "decision",
        "verdict",
        "link",
        "unlink",
        "void",
        "undo",
        "reattach",
        "admit",
        "waive",
        "ratification",
        "erasure",
    }
)
SERVER_KINDS = frozenset({"prelist", "hold", "stamp", "receipt", "verification"})
KINDS = DEVICE_KINDS | STAFF_KINDS | SERVER_KINDS

VALUE_KINDS = frozenset({"prelist", "submission", "change", "decision", "verdict", "verification"})
"""Kinds whose assertions are values of a record."""

VOIDABLE_KINDS = frozenset({"submission", "change", "prelist", "verification"})
UNDOABLE_KINDS = STAFF_KINDS - {"erasure"}
HOLDABLE_KINDS = DEVICE_KINDS | {"prelist", "verification"} | STAFF_KINDS

STATES = frozenset({"declined", "unknown", "not_applicable", "cleared"})
"""What can be said instead of a value."""

EVIDENCE_VERIFIED = 5
EVIDENCE_LISTED = 0


@dataclass(frozen=True, slots=True)
class Assertion:
    """One answer: a value or a state, on which evidence (0-5), perhaps correcting an earlier ref on the same path."""

    value: Any = None
    state: str | None = None
    evidence: int = 1
    corrects: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The form that travels and is hashed."""
        out: dict[str, Any] = {"evidence": self.evidence}
        if self.state is not None:
            out["state"] = self.state
        else:
            out["value"] = self.value
        if self.corrects is not None:
            out["corrects"] = self.corrects
        return out

    @staticmethod
    def from_json(raw: Mapping[str, Any]) -> Assertion:
        """Read what `to_json` wrote; anything else in it is the envelope check's business."""
        return Assertion(raw.get("value"), raw.get("state"), raw.get("evidence", 1), raw.get("corrects"))


@dataclass(frozen=True, slots=True)
class Part:
    """What an event says about one thing: the household (`h`), a person (`p/...`), the change itself (`e`)."""

    name: str
    assertions: Mapping[str, Assertion]
    text: Mapping[str, Any] = field(default_factory=dict)
    erased: bool = False

    def content(self) -> dict[str, Any]:
        """The hashed content of the part."""
        return {
            "assertions": {name: item.to_json() for name, item in self.assertions.items()},
            "text": dict(self.text),
        }


@dataclass(frozen=True, slots=True)
class Event:
    """An event as the fold sees it. `ref` identifies it; ids may repeat (equivocation), refs cannot."""

    ref: str
    id: str
    kind: str
    household_id: str
    home_region: str
    actor: str = ""
    area: str = ""
    form: tuple[str, str] | None = None
    context: Mapping[str, str] = field(default_factory=dict)
    """ref -> household id of the events on which this one was made, fixed when the form was opened."""
    also: Mapping[str, str] = field(default_factory=dict)
    """other household id -> home_region under which the event is filed too."""
    not_before: str | None = None
    body: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    attachments: Mapping[str, Any] = field(default_factory=dict)
    version: int = ENVELOPE_VERSION

    @property
    def filed_under(self) -> frozenset[str]:
        """All household ids under which the event is filed."""
        return frozenset((self.household_id, *self.also))

    def saw(self, ref: str) -> bool:
        """Causality: this event saw another iff its ref is in the context, taken as written."""
        return ref in self.context


def payload_hash(head: Mapping[str, Any], part_hashes: Mapping[str, str]) -> str:
    """SHA-256 over the canonical head and the salted hash of each part, as 64 hex digits."""
    return payload_hash_of_bytes(canonical_bytes_unchecked(head), part_hashes)


def payload_hash_of_bytes(head: bytes, part_hashes: Mapping[str, str]) -> str:
    """As `payload_hash`, of the canonical bytes of a head: what is hashed is `{"head":...,"parts":{name: hash}}`."""
    return sha256_hex(b'{"head":' + head + b',"parts":' + canonical_bytes_unchecked(dict(part_hashes)) + b"}")


def part_hash(salt: str, content: Mapping[str, Any] | bytes) -> str:
    """`SHA-256(salt || canonical part)`; the salt is hex."""
    raw = content if isinstance(content, bytes) else canonical_bytes_unchecked(content)
    return hashlib.sha256(bytes.fromhex(salt) + raw).hexdigest()


def ref_of(payload_hash_hex: str) -> str:
    """The ref of an event: the first 16 bytes of its payload hash."""
    return payload_hash_hex[:REF_HEX]


def seal(
    *,
    id: str,
    kind: str,
    household_id: str,
    home_region: str,
    actor: str,
    area: str,
    parts: Sequence[Part],
    salts: Mapping[str, str],
    context: Mapping[str, str] | None = None,
    also: Sequence[tuple[str, str]] = (),
    form: Mapping[str, str] | None = None,
    not_before: str | None = None,
    body: Mapping[str, Any] | None = None,
    attachments: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Make an envelope and its hash. `salts`: part name -> 32 hex digits, random unless the rule for the kind says
    otherwise (prelist). `also`: `(household id, home_region)` pairs. Raises `NotCanonical` for what JSON cannot
    carry."""
    head = {
        "v": ENVELOPE_VERSION,
        "id": id,
        "kind": kind,
        "household_id": household_id,
        "home_region": home_region,
        "form": dict(form) if form else None,
        "actor": actor,
        "area": area,
        "context": [{"ref": ref, "household_id": hid} for ref, hid in sorted((context or {}).items())],
        "also": [{"household_id": hid, "home_region": region} for hid, region in sorted(also)],
        "not_before": not_before,
        "paths": {part.name: sorted(part.assertions) for part in parts},
        "attachments": dict(attachments or {}),
        "body": dict(body or {}),
    }
    canonical_bytes(head)
    hashes, wire = {}, []
    for part in sorted(parts, key=lambda each: each.name):
        content = part.content()
        hashes[part.name] = part_hash(salts[part.name], canonical_bytes(content))
        wire.append({"name": part.name, "salt": salts[part.name], **content})
    return {"head": head, "parts": wire, "payload_hash": payload_hash(head, hashes)}


def event_from_parts(ref: str, head: Mapping[str, Any], parts: Mapping[str, Mapping[str, Any] | None]) -> Event:
    """An `Event` from a stored head and its parts; a part that is None was erased."""
    form = head.get("form")
    return Event(
        ref=ref,
        id=head["id"],
        kind=head["kind"],
        household_id=head["household_id"],
        home_region=head["home_region"],
        actor=head.get("actor", ""),
        area=head.get("area", ""),
        form=(form["id"], form["version"]) if form else None,
        context={item["ref"]: item["household_id"] for item in head.get("context", ())},
        also={item["household_id"]: item["home_region"] for item in head.get("also", ())},
        not_before=head.get("not_before"),
        body=head.get("body") or {},
        parts=tuple(_part(name, content) for name, content in sorted(parts.items())),
        attachments=head.get("attachments") or {},
        version=head.get("v", ENVELOPE_VERSION),
    )


def event_from_envelope(envelope: Mapping[str, Any]) -> Event:
    """An `Event` from an envelope that was checked or made by our own code."""
    parts = {part["name"]: part for part in envelope["parts"]}
    return event_from_parts(ref_of(envelope["payload_hash"]), envelope["head"], parts)


def envelope_hash(envelope: Mapping[str, Any]) -> str:
    """The payload hash that the envelope's content really has. A part that travels as `{"name","hash"}` only (another
    family's, or an erased one) counts with that hash."""
    hashes = {
        part["name"]: part["hash"]
        if "hash" in part
        else part_hash(part["salt"], {"assertions": part["assertions"], "text": part["text"]})
        for part in envelope["parts"]
    }
    return payload_hash(envelope["head"], hashes)


def _part(name: str, content: Mapping[str, Any] | None) -> Part:
    if content is None or "assertions" not in content:
        return Part(name, {}, {}, erased=True)
    items = {key: Assertion.from_json(raw) for key, raw in content["assertions"].items()}
    return Part(name, items, content.get("text") or {})
