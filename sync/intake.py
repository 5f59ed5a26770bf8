"""Intake: what becomes of one thing that a device sent (docs/merge.md, "Kinds of events"; docs/protocol.md, "Rules").

Two pure steps. `read` needs the item alone: is it an envelope, is its hash its own, what bytes will be stored. `judge`
also needs what the store knows (`Known`) and who sent it (`Sender`). Both answer with values; the flow acts on them.
Nothing is refused for what it says: what cannot be used is kept and held, with a reason that stands in `HOLD_REASONS`
or `KEPT_REASONS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from schemas import limits
from schemas.areas import covered_by_any, is_area
from schemas.canonical import canonical_bytes_unchecked, sha256_hex
from schemas.envelope import EnvelopeProblem, check_envelope
from schemas.event import DEVICE_KINDS, part_hash, payload_hash_of_bytes, ref_of
from schemas.json_text import RawItem

HOLD_REASONS: Mapping[str, str] = {
    "out_of_area": "Di luar wilayah tugas petugas",
    "revoked": "Tablet sudah dicabut aksesnya",
    "late": "Diterima setelah masa pendataan ditutup",
    "context_too_large": "Isian merujuk terlalu banyak kejadian",
    "other_install": "Isian dibuat di tablet lain",
    "other_actor": "Isian atas nama petugas lain",
    "unknown_form": "Versi formulir tidak dikenal server ini",
}
"""Stored in the log together with a `hold` event; a supervisor may admit it."""

KEPT_REASONS: Mapping[str, str] = {
    "unreadable_json": "Isian rusak: bukan JSON",
    "not_canonical": "Isian memuat karakter atau susunan yang tidak dapat dibaca",
    "bad_envelope": "Susunan isian tidak dikenal",
    "unknown_version": "Isian dibuat oleh versi aplikasi yang lebih baru",
    "unknown_kind": "Jenis kejadian tidak dikenal",
    "hash_mismatch": "Sidik isian tidak cocok dengan isinya",
    "region_contradicts": "Kabupaten pada isian tidak cocok dengan nomor keluarga",
    "not_a_device_kind": "Jenis kejadian ini tidak dibuat oleh tablet",
    "bad_stamp": "Cap waktu tidak sah",
}
"""Cannot be folded at all: its bytes are kept under their SHA-256, outside the log, and listed."""

CONTEXT_ITEM_BYTES = len(canonical_bytes_unchecked({"household_id": "0" * 36, "ref": "0" * 32})) + 1


@dataclass(frozen=True, slots=True)
class SealedPart:
    """One part as it is stored: `content` is the canonical bytes that were hashed, None where only the hash came.

    `erased`: the hash is all that may ever be stored of it. `remains`: the server's signature over `content`, where
    that is what an erasure left of the part."""

    name: str
    salt: str | None
    content: bytes | None
    hash: str
    erased: bool = False
    remains: str | None = None


@dataclass(frozen=True, slots=True)
class Sealed:
    """An envelope in the bytes that are stored, with the hash of its content; and what its transport says."""

    ref: str
    id: str
    kind: str
    head: Mapping[str, Any]
    head_bytes: bytes
    parts: tuple[SealedPart, ...]
    payload_hash: str
    signature: Mapping[str, str] | None = None
    install: str | None = None
    seq: int | None = None
    transport: Mapping[str, Any] | None = None

    @property
    def household_id(self) -> str:
        """The household whose record it is about."""
        return str(self.head["household_id"])

    @property
    def home_region(self) -> str:
        """The kabupaten of that household."""
        return str(self.head["home_region"])

    @property
    def filed(self) -> tuple[tuple[str, str], ...]:
        """All `(home_region, household_id)` under which it is filed, its own first, each once."""
        pairs = [(self.home_region, self.household_id)]
        pairs += [(item["home_region"], item["household_id"]) for item in self.head["also"]]
        return tuple(dict.fromkeys(pairs))


@dataclass(frozen=True, slots=True)
class Unreadable:
    """No envelope, or not the one its hash claims: `raw` is kept under `sha256`."""

    raw: bytes
    sha256: str
    reason: str
    detail: str
    claimed_id: str | None = None
    area: str | None = None
    home_region: str | None = None


@dataclass(frozen=True, slots=True)
class TooLarge:
    """Over the limit of one event; the sender keeps it."""

    size: int
    limit: int
    claimed_id: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where an event stands in the log of its home region."""

    epoch: str
    position: int


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose token brought it: the install, the officers it was enrolled for, their scopes."""

    install: str
    officers: frozenset[str]
    scopes: tuple[str, ...]
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows that bears on one event. Empty for a new one from an open campaign."""

    hashes: Mapping[str, Receipt] = field(default_factory=dict)
    """Payload hash -> receipt of every stored event with the same id."""
    regions: Mapping[str, str] = field(default_factory=dict)
    """Home region of those of its household ids that were seen before."""
    areas: Mapping[str, str] = field(default_factory=dict)
    """Present area of those of its household ids that have a record."""
    assigned: frozenset[str] = frozenset()
    """Those of its household ids that are assigned to one of the sender's officers."""
    sequence_used: bool = False
    """Another event of this install bears the same sequence number."""
    closed: bool = False
    """The campaign was over, by the stamp that came along or else by the time of receipt."""
    forms: frozenset[tuple[str, str]] | None = None
    """Published `(id, version)`; None where nobody asks."""
    signed_by: str | None = None
    """Whose signature on it was verified: `server`, an install id, or nobody's."""
    erased: frozenset[str] = frozenset()
    """Names of those of its parts that were erased: whoever held them was told to keep the hash alone."""


@dataclass(frozen=True, slots=True)
class Stored:
    """New: append it, with a hold event for each reason. `fork`: a second tablet counts with the same numbers."""

    holds: tuple[str, ...] = ()
    fork: bool = False


@dataclass(frozen=True, slots=True)
class Equivocation:
    """One id with another content: append this one too; both are folded and a conflict opens."""

    holds: tuple[str, ...] = ()
    fork: bool = False


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Known already: answer the first receipt again."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Held:
    """Kept outside the log, for a reason of `KEPT_REASONS`."""

    reason: str
    detail: str = ""


Read = Sealed | Unreadable | TooLarge
Judgement = Stored | Duplicate | Equivocation | Held


def read(item: RawItem) -> Read:
    """Check and hash one item of a push; no knowledge of anything else is needed."""
    if item.problem is not None:
        return unreadable(item, "unreadable_json", f"{item.problem.where}: {item.problem}")
    try:
        check_envelope(item.value)
    except EnvelopeProblem as problem:
        return unreadable(item, problem.code, str(problem))
    sealed = sealed_from(item.value)
    size = len(sealed.head_bytes) + sum(len(part.content or b"") for part in sealed.parts)
    size -= CONTEXT_ITEM_BYTES * len(sealed.head["context"])
    if size > limits.EVENT_BYTES_MAX:
        return TooLarge(size, limits.EVENT_BYTES_MAX, sealed.id)
    if sealed.payload_hash != item.value["payload_hash"]:
        return unreadable(item, "hash_mismatch", f"$.payload_hash: the content has the hash {sealed.payload_hash}")
    return sealed


def sealed_from(envelope: Mapping[str, Any]) -> Sealed:
    """The stored form of an envelope that was checked or made by our own code; the hash is computed, not believed."""
    head = envelope["head"]
    parts = []
    for part in sorted(envelope["parts"], key=lambda each: str(each["name"])):
        if "hash" in part:
            parts.append(SealedPart(part["name"], None, None, part["hash"]))
            continue
        content = canonical_bytes_unchecked({"assertions": part["assertions"], "text": part["text"]})
        parts.append(SealedPart(part["name"], part["salt"], content, part_hash(part["salt"], content)))
    head_bytes = canonical_bytes_unchecked(head)
    hashed = payload_hash_of_bytes(head_bytes, {part.name: part.hash for part in parts})
    transport = envelope.get("transport")
    transport = transport if isinstance(transport, dict) else None
    install, seq = _origin(transport)
    signature = envelope.get("signature")
    return Sealed(
        ref=ref_of(hashed),
        id=head["id"],
        kind=head["kind"],
        head=head,
        head_bytes=head_bytes,
        parts=tuple(parts),
        payload_hash=hashed,
        signature=signature if _is_signature(signature) else None,
        install=install,
        seq=seq,
        transport=transport,
    )


def unreadable(item: RawItem, reason: str, detail: str) -> Unreadable | TooLarge:
    """Keep an item as the bytes that came. Over the limit it is too large instead."""
    head = item.value.get("head") if isinstance(item.value, dict) else None
    head = head if isinstance(head, dict) else {}
    claimed = _short(head.get("id"))
    if len(item.raw) > limits.EVENT_BYTES_MAX:
        return TooLarge(len(item.raw), limits.EVENT_BYTES_MAX, claimed)
    area, region = _short(head.get("area")), _short(head.get("home_region"))
    return Unreadable(
        item.raw,
        sha256_hex(item.raw),
        reason,
        detail[:500],
        claimed,
        area if is_area(area) else None,
        region if is_area(region) else None,
    )


def judge(sealed: Sealed, sender: Sender, known: Known) -> Judgement:
    """What becomes of a readable event. The first of these that applies: duplicate, kept apart, stored with holds."""
    receipt = known.hashes.get(sealed.payload_hash)
    if receipt is not None:
        return Duplicate(receipt)
    for region, household in sealed.filed:
        other = known.regions.get(household)
        if other is not None and other != region:
            return Held("region_contradicts", f"household {household} was first recorded in {other}, not {region}")
    if sealed.kind not in DEVICE_KINDS and known.signed_by != "server":
        return Held("not_a_device_kind", f"{sealed.kind} needs the server's signature")
    if known.signed_by != "server" and any(
        part.content is None and part.name not in known.erased for part in sealed.parts
    ):
        return Held("bad_envelope", "a part travels as its hash only; that needs the server's signature")
    holds = () if known.signed_by == "server" else tuple(_hold_reasons(sealed, sender, known))
    if known.hashes:
        return Equivocation(holds, known.sequence_used)
    return Stored(holds, known.sequence_used)


def with_origin(sealed: Sealed, install: str) -> Sealed:
    """An event whose transport names no install is taken as made where it was sent from."""
    return sealed if sealed.install is not None else replace(sealed, install=install)


def _hold_reasons(sealed: Sealed, sender: Sender, known: Known) -> list[str]:
    reasons = []
    if sealed.install not in (None, sender.install) and known.signed_by != sealed.install:
        reasons.append("other_install")
    if sealed.head["actor"] not in sender.officers:
        reasons.append("other_actor")
    if sender.revoked:
        reasons.append("revoked")
    if not _in_area(sealed, sender, known):
        reasons.append("out_of_area")
    if known.closed:
        reasons.append("late")
    if len(sealed.head["context"]) > limits.CONTEXT_MAX:
        reasons.append("context_too_large")
    form = sealed.head["form"]
    if known.forms is not None and form is not None and (form["id"], form["version"]) not in known.forms:
        reasons.append("unknown_form")
    return reasons


def _in_area(sealed: Sealed, sender: Sender, known: Known) -> bool:
    household = sealed.household_id
    if household in known.assigned:
        return True
    if not covered_by_any(sender.scopes, sealed.head["area"]):
        return False
    area = known.areas.get(household)
    return area is None or covered_by_any(sender.scopes, area)


def _origin(transport: Mapping[str, Any] | None) -> tuple[str | None, int | None]:
    if transport is None:
        return None, None
    install, seq = transport.get("install"), transport.get("seq")
    good = isinstance(seq, int) and not isinstance(seq, bool) and seq >= 0
    return _short(install), seq if good else None


def _is_signature(raw: Any) -> bool:
    return isinstance(raw, dict) and raw.keys() == {"key", "value"} and all(isinstance(v, str) for v in raw.values())


def _short(value: Any) -> str | None:
    if not isinstance(value, str) or not value or len(value) > 100:
        return None
    return value.encode("utf-8", "replace").decode().replace("\x00", "?")
