"""A small household form with one of everything the client must treat rightly, and a record to fill it on."""

from __future__ import annotations

from typing import Any

from field_stand_in import digest, uuid_of

from schemas.form import Choice, EvidenceRule, Field, FormDefinition, Row

HOUSEHOLD = uuid_of("rumah")
IBU = f"{HOUSEHOLD}/{uuid_of('ibu')}"
YES_NO = (Choice("1", "Ya", "Yes"), Choice("2", "Tidak", "No"))
CARD = EvidenceRule(1, "nik_status", (("1", 3), ("2", 1), ("3", 1)))
MET = "${visit_outcome}='01'"


def _field(name: str, scope: str, type: str = "text", **rest: Any) -> Field:
    return Field(name, scope, type, form="verifikasi_keluarga", label_id=name.replace("_", " "), **rest)


FIELDS = (
    _field("village_code", "h", policy="latest", required="yes"),
    _field("prelist_mode", "h", "select_one", choices=YES_NO, list_name="yes_no"),
    _field("visit_date", "h", "date", policy="keep_all", required="yes"),
    _field("visit_outcome", "h", "select_one", choices=(Choice("01", "Lengkap", ""), Choice("03", "Tidak ada", "")),
           list_name="outcome", policy="status", unit="outcome_unit", required="yes"),
    _field("outcome_note", "h", policy="status", unit="outcome_unit", required="yes",
           relevant="${visit_outcome} != '01'", constraint="string-length(.) >= 5"),
    _field("address", "h", unit="address_unit", required=MET, relevant=MET),
    _field("rt", "h", unit="address_unit", relevant=MET, constraint="regex(., '^[0-9]{1,3}$')",
           constraint_message_id="1 sampai 3 angka"),
    _field("rw", "h", unit="address_unit", relevant=MET),
    _field("phone", "h", policy="latest", relevant=MET),
    _field("photo", "h", "image", policy="set", relevant=MET),
    _field("name", "p", policy="evidence", evidence=CARD, required="yes", relevant=MET),
    _field("nik_status", "p", "select_one", policy="evidence", evidence=CARD, required="yes", relevant=MET,
           choices=(Choice("1", "Ditunjukkan", ""), Choice("2", "Tidak ditunjukkan", ""), Choice("3", "Tidak ada", "")),
           list_name="nik_status"),
    _field("nik", "p", policy="evidence", evidence=CARD, required="yes",
           relevant=MET + " and ${nik_status} != '3'", warning="regex(., '^[0-9]{16}$')"),
    _field("sex", "p", "select_one", policy="evidence", evidence=CARD, choices=YES_NO, list_name="yes_no",
           relevant=MET),
    _field("birth_date", "p", "date", policy="evidence", relevant=MET),
    _field("needs", "p", "select_multiple", policy="set", exclusive=("none",), relevant=MET,
           choices=(Choice("none", "", ""), Choice("walker", "", ""), Choice("stick", "", "")), list_name="aid"),
    _field("here", "p", "calculate", policy="derived", calculation="1"),
    _field("family_size", "h", "integer", policy="derived", calculation="sum(${here})"),
    _field("remark", "h", policy="keep_all"),
)  # fmt: skip


def small_form(version: str = "1") -> FormDefinition:
    rows = [Row("question", f.name, f.type, ("member",) if f.scope == "p" else (), f.label_id, field=f) for f in FIELDS]
    first = next(index for index, row in enumerate(rows) if row.parents)
    rows.insert(first, Row("repeat", "member", "begin_repeat", relevant=MET))
    choices = {f.list_name: f.choices for f in FIELDS if f.list_name}
    return FormDefinition("verifikasi_keluarga", version, "Verifikasi", tuple(rows), choices)


def record(**changes: Any) -> dict[str, Any]:
    """A feed item: an assigned family on the list with one member, and two refs behind it."""
    household = {
        "village_code": "19.03.01.1001", "prelist_mode": "1", "address": "Jl. Lama", "rt": "004", "rw": "001",
        "phone": "081234567", "visit_outcome": "03", "outcome_note": "tidak ada orang", "visit_date": "2026-11-01",
        "remark": "anjing galak",
    }  # fmt: skip
    person = {"name": "Siti", "nik_status": "2", "nik": "1903014102900001", "sex": "2", "birth_date": "1990-02-01"}
    refs = [digest("prelist")[:32], digest("kunjungan")[:32]]
    item = {
        "kind": "household",
        "household_id": HOUSEHOLD,
        "home_region": "19.03",
        "area": "19.03.01.1001",
        "level": "full",
        "data": {
            "household": {name: {"value": value} for name, value in household.items()},
            "persons": [{"key": IBU, "keys": [IBU], "fields": {n: {"value": v} for n, v in person.items()}}],
        },
        "trail": {
            "refs": [
                {"ref": refs[0], "household_id": HOUSEHOLD, "kind": "prelist", "status": "dead"},
                {"ref": refs[1], "household_id": HOUSEHOLD, "kind": "submission", "status": "live"},
            ],
            "returns": [],
            "held": [],
        },
        "events": [],
    }
    return item | changes
