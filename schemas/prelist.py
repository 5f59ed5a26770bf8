"""A family of a source list (P3KE, DTSEN, DTKS, usulan) as read, its event, and what two vintages differ in.

Importing the same list twice makes the same events, byte for byte: household, person and event ids are derived, the
salts come from the import key, and nothing of the import run is hashed (docs/merge.md, `prelist`). What stands in a
row is kept as it stands there; whether a NIK is any good is said beside it, never by leaving it out.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.canonical import canonical_bytes, canonical_bytes_unchecked, sha256_hex
from schemas.event import EVIDENCE_LISTED, Assertion, Part, seal
from schemas.ids import household_id, listed_person_id, prelist_event_id
from schemas.nik import parse_nik
from schemas.paths import HOUSEHOLD_PART, person_key, person_part

HEAD_OF_FAMILY = "1"
"""Relation code of the head (REGSOSEK 409)."""
LISTED = "1"
"""`prelist_mode` of a family that stands on a list."""
SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class PrelistMember:
    """One listed person. Texts are as read, empty where the list says nothing; codes are REGSOSEK's."""

    row: int
    name: str
    nik_text: str
    sex: str = ""
    relation: str = ""
    birth_date: str = ""
    birth_place: str = ""
    member_id: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)
    """Further questions of the form by name."""
    remarks: Mapping[str, str] = field(default_factory=dict)
    """What could not be read as an answer (a birth date in no known form), as it stood in the cell."""


@dataclass(frozen=True, slots=True)
class PrelistFamily:
    """One listed family in a village that exists. `rows`: where its members stand in the file."""

    family_id: str
    area: str
    address: str
    members: tuple[PrelistMember, ...]
    desil: int | None = None
    rt: str = ""
    rw: str = ""
    no_kk: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> tuple[int, ...]:
        """Row numbers of its members."""
        return tuple(member.row for member in self.members)

    @property
    def head_name(self) -> str:
        """Name of the first head, else of the first member that has one."""
        heads = [member.name for member in self.members if member.relation == HEAD_OF_FAMILY and member.name]
        return (heads or [member.name for member in self.members if member.name] or [""])[0]

    @property
    def digest(self) -> str:
        """SHA-256 over what the list says of the family; neither row numbers nor the order of rows change it."""
        members = [
            [key, _text_values(_member_answers(member)), dict(member.remarks)]
            for key, member in sorted(keyed_members(self.members), key=lambda pair: pair[0])
        ]
        return sha256_hex(canonical_bytes([_text_values(_household_answers(self)), members]))


@dataclass(frozen=True, slots=True)
class VintageDiff:
    """Family ids of a second vintage beside the first, each sorted."""

    new: tuple[str, ...]
    gone: tuple[str, ...]
    changed: tuple[str, ...]
    same: tuple[str, ...]


def keyed_members(members: Iterable[PrelistMember]) -> list[tuple[str, PrelistMember]]:
    """Each member with a key that is stable across vintages of one source.

    The source's member id, else the valid NIK, else the normalised name. A key that several members of the family
    share (one NIK on mother and baby, two of one name) goes on with the name and an ordinal among equals.
    """
    # Equals are told apart by what they say, not by where they stand: rows change places between vintages.
    listed = sorted(members, key=lambda member: (member.birth_date, member.nik_text, member.sex, member.row))
    first = [_first_key(member) for member in listed]
    shared = {key for key, count in Counter(first).items() if count > 1}
    ordinals: Counter[str] = Counter()
    keyed = []
    for key, member in zip(first, listed, strict=True):
        if key in shared and not key.startswith("name:"):
            key = f"{key}/{normal_name(member.name)}"
        ordinals[key] += 1
        keyed.append((key if ordinals[key] == 1 else f"{key}#{ordinals[key]}", member))
    return keyed


def normal_name(name: str) -> str:
    """A name in one spelling of case and white space."""
    return " ".join(name.casefold().split())


def listed_household_id(family: PrelistFamily, source: str, home_region: str) -> str:
    """Household id of a listed family; the same for ever, whatever a later vintage says of it."""
    return household_id(source, home_region, family.family_id)


def prelist_event(
    family: PrelistFamily,
    *,
    source: str,
    vintage: str,
    predecessor: str,
    import_key: bytes,
    home_region: str,
    seen: Mapping[str, str] | None = None,
    evidence: int = EVIDENCE_LISTED,
) -> dict[str, Any]:
    """The sealed envelope of a listed family (docs/merge.md, `prelist`); the same arguments give the same bytes.

    `predecessor`: the vintage this one replaces, empty for the first. `seen`: ref -> household id of the event that
    the predecessor made for this family, so that the newer list takes the older one's place. `import_key`: secret,
    in the backup; without it nobody can try out values against a part's hash.
    """
    household = listed_household_id(family, source, home_region)
    event_id = prelist_event_id(source, vintage, predecessor, family.family_id, family.digest)
    listed = {"prelist_mode": LISTED, "prelist_source": source, **_household_answers(family)}
    parts = [Part(HOUSEHOLD_PART, _assertions(listed, evidence))]
    for key, member in keyed_members(family.members):
        name = person_part(person_key(household, listed_person_id(household, key)))
        parts.append(Part(name, _assertions(_member_answers(member), evidence), dict(member.remarks)))
    body = {"source": source, "vintage": vintage, "family_id": family.family_id}
    if predecessor:
        body["predecessor"] = predecessor
    return seal(
        id=event_id,
        kind="prelist",
        household_id=household,
        home_region=home_region,
        actor=f"prelist/{source}",
        area=family.area,
        parts=parts,
        salts={part.name: derived_salt(import_key, event_id, part.name) for part in parts},
        context=seen,
        body=body,
    )


def derived_salt(import_key: bytes, event_id: str, part: str) -> str:
    """Salt of a part of a prelist event: HMAC(import key, event id, part), as 32 hex digits."""
    framed = canonical_bytes_unchecked([event_id, part])
    return hmac.digest(import_key, framed, "sha256")[:SALT_BYTES].hex()


def compare_vintages(before: Mapping[str, str], after: Mapping[str, str]) -> VintageDiff:
    """Who is new, gone, changed, the same; both map family id -> digest."""
    both = before.keys() & after.keys()
    return VintageDiff(
        new=tuple(sorted(after.keys() - before.keys())),
        gone=tuple(sorted(before.keys() - after.keys())),
        changed=tuple(sorted(family for family in both if before[family] != after[family])),
        same=tuple(sorted(family for family in both if before[family] == after[family])),
    )


def _first_key(member: PrelistMember) -> str:
    if member.member_id:
        return f"id:{member.member_id}"
    nik = parse_nik(member.nik_text).key
    return f"nik:{nik}" if nik else f"name:{normal_name(member.name)}"


def _household_answers(family: PrelistFamily) -> dict[str, Any]:
    answers: dict[str, Any] = {
        **family.extra,
        "family_id": family.family_id,
        "village_code": family.area,
        "address": family.address,
        "rt": family.rt,
        "rw": family.rw,
        "no_kk": family.no_kk,
        "head_name": family.head_name,
        "desil": family.desil,
    }
    return {name: value for name, value in answers.items() if value not in ("", None)}


def _member_answers(member: PrelistMember) -> dict[str, Any]:
    answers = {
        **member.extra,
        "m_name": member.name,
        "nik": member.nik_text,
        "sex": member.sex,
        "relation": member.relation,
        "birth_date": member.birth_date,
        "birth_place": member.birth_place,
        "member_id": member.member_id,
    }
    return {name: value for name, value in answers.items() if value}


def _assertions(answers: Mapping[str, Any], evidence: int) -> dict[str, Assertion]:
    return {name: Assertion(value=value, evidence=evidence) for name, value in answers.items()}


def _text_values(answers: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in answers.items()}
