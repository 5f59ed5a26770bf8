"""A merged record as flat rows: one of `keluarga`, one of `anggota` for each member, one of `perubahan` for each
change event. Shared by the mirror and the exports. Knows no question by name; pure, and keeps no state.

A cell holds a value as it was answered. Why there is none (declined, unknown, in conflict, not relevant any more, kept
as it was said to an older version) is told beside it, in `tanpa_nilai`: so a column of numbers stays one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

KELUARGA, ANGGOTA, PERUBAHAN = "keluarga", "anggota", "perubahan"
TABLES = (KELUARGA, ANGGOTA, PERUBAHAN)
TABLE_OF_SCOPE: Mapping[str, str] = {"h": KELUARGA, "p": ANGGOTA, "e": PERUBAHAN}

LATITUDE, LONGITUDE = "lat", "lon"
MICRODEGREES = 1_000_000
NO_VALUE = "tanpa_nilai"
CONFLICT, IRRELEVANT, KEPT = "conflict", "irrelevant", "kept"

FIXED: Mapping[str, Mapping[str, tuple[str, str]]] = {
    KELUARGA: {
        "household_id": ("ID keluarga", "Household id"),
        "home_region": ("Kabupaten/kota asal ID", "Kabupaten the id belongs to"),
        "area": ("Kode wilayah (Kemendagri)", "Area code (Kemendagri)"),
        "state": ("Status", "State"),
        "petugas": ("Petugas yang ditugaskan", "Officers assigned"),
        "jumlah_anggota": ("Jumlah anggota yang masih di keluarga ini", "Members who have not left"),
        "bertentangan": ("Jumlah pertentangan terbuka", "Open conflicts"),
        "menunggu": ("Kejadian yang belum tiba", "Events not yet arrived"),
        "kasus_nik": ("Kasus NIK yang belum selesai", "Open cases of a NIK in two places"),
        "tanda": ("Tanda pemeriksaan", "Flags"),
        NO_VALUE: ("Pertanyaan tanpa nilai, dan sebabnya (JSON)", "Questions without a value, and why (JSON)"),
    },
    ANGGOTA: {
        "household_id": ("ID keluarga", "Household id"),
        "person_key": ("Kunci anggota", "Person key"),
        "urutan": ("Urutan dalam keluarga", "Place in the household"),
        "area": ("Kode wilayah (Kemendagri)", "Area code (Kemendagri)"),
        "state": ("Status keluarga", "State of the household"),
        "umur": ("Umur saat kunjungan terakhir (tahun)", "Age at the last visit (years)"),
        "pindah_ke": ("Pindah ke keluarga", "Moved to household"),
        "kunci_lain": ("Kunci lain orang yang sama", "Other keys of the same person"),
        "tanda": ("Tanda pemeriksaan", "Flags"),
        NO_VALUE: ("Pertanyaan tanpa nilai, dan sebabnya (JSON)", "Questions without a value, and why (JSON)"),
    },
    PERUBAHAN: {
        "household_id": ("ID keluarga", "Household id"),
        "ref": ("Nomor kejadian", "Ref of the event"),
        "jenis": ("Jenis perubahan", "Kind of change"),
        "person_key": ("Kunci anggota", "Person key"),
        "area": ("Kode wilayah (Kemendagri)", "Area code (Kemendagri)"),
        NO_VALUE: ("Pertanyaan tanpa nilai, dan sebabnya (JSON)", "Questions without a value, and why (JSON)"),
    },
}
"""table -> column every row has -> labels (Indonesian, English)."""

Axis = tuple[str, str]
"""(question, axis): the axis is empty, or `lat`/`lon` of a place."""


@dataclass(frozen=True, slots=True)
class WideRow:
    """A row: the columns every row has, and the answers by question and axis."""

    table: str
    fixed: Mapping[str, Any]
    answers: Mapping[Axis, Any]


def rows_of(record: Mapping[str, Any], identity: Sequence[Mapping[str, Any]] = ()) -> Iterator[WideRow]:
    """The rows of one merged record; `identity`: its NIK cases. The household's comes first."""
    household, area, state = record["household_id"], record["area"], record["state"]
    stayed = [person for person in record["persons"] if "moved_to" not in person]
    answers, why = answers_of(record["household"])
    yield WideRow(
        KELUARGA,
        {
            "household_id": household,
            "home_region": record["home_region"],
            "area": area,
            "state": state,
            "petugas": " ".join(record["assigned"]),
            "jumlah_anggota": len(stayed),
            "bertentangan": len(record["conflicts"]),
            "menunggu": len(record["awaiting"]),
            "kasus_nik": sum(1 for case in identity if not case["settled"]),
            "tanda": _flags(record["household"], record["flags"]),
            NO_VALUE: why,
        },
        answers,
    )
    for place, person in enumerate(record["persons"], 1):
        answers, why = answers_of(person["fields"])
        yield WideRow(
            ANGGOTA,
            {
                "household_id": household,
                "person_key": person["key"],
                "urutan": place,
                "area": area,
                "state": state,
                "umur": person.get("age"),
                "pindah_ke": person.get("moved_to"),
                "kunci_lain": " ".join(key for key in person["keys"] if key != person["key"]),
                "tanda": _flags(person["fields"], ()),
                NO_VALUE: why,
            },
            answers,
        )
    for change in record["changes"]:
        answers, why = answers_of(change["fields"])
        fixed = {"household_id": household, "ref": change["ref"], "jenis": change["type"]}
        fixed |= {"person_key": change.get("person"), "area": area, NO_VALUE: why}
        yield WideRow(PERUBAHAN, fixed, answers)


def answers_of(fields: Mapping[str, Mapping[str, Any]]) -> tuple[dict[Axis, Any], str]:
    """Values by question and axis, and, as JSON, why other questions have none (empty: all have one).

    Several codes are joined by a space; several answers that are all kept (remarks of three visits) by ` | `.
    """
    answers: dict[Axis, Any] = {}
    why: dict[str, str] = {}
    for name, item in fields.items():
        if item.get("conflict"):
            why[name] = CONFLICT
        elif item.get("irrelevant"):
            why[name] = IRRELEVANT
        elif "state" in item:
            why[name] = item["state"]
        else:
            values = [value for value in item.get("values", [item.get("value")]) if value is not None]
            answers.update(_answer(name, values))
            if "kept" in item and not values:
                why[name] = KEPT
    return answers, json.dumps(why, sort_keys=True, separators=(",", ":")) if why else ""


def axes_of(type: str) -> tuple[str, ...]:
    """The columns of a question of this type: two for a place, else one."""
    return (LATITUDE, LONGITUDE) if type == "geopoint" else ("",)


def degrees(microdegrees: int) -> str:
    """Decimal degrees with six places, without a detour over floats."""
    whole, part = divmod(abs(microdegrees), MICRODEGREES)
    return f"{'-' if microdegrees < 0 else ''}{whole}.{part:06d}"


def _answer(name: str, values: Sequence[Any]) -> Iterator[tuple[Axis, Any]]:
    if not values:
        return
    # Of several places on record the first: two numbers cannot stand for more than one. All are in the record itself.
    if isinstance(values[0], Mapping) and LATITUDE in values[0] and LONGITUDE in values[0]:
        yield (name, LATITUDE), degrees(values[0][LATITUDE])
        yield (name, LONGITUDE), degrees(values[0][LONGITUDE])
    elif len(values) == 1:
        yield (name, ""), _cell(values[0])
    else:
        yield (name, ""), " | ".join(str(_cell(value)) for value in values)


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return " ".join(str(each) for each in value)
    if isinstance(value, Mapping):
        return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return value


def _flags(fields: Mapping[str, Mapping[str, Any]], flags: Sequence[Mapping[str, Any]]) -> str:
    own = {f"{flag['path']}:{flag['code']}" if flag.get("path") else str(flag["code"]) for flag in flags}
    return " ".join(sorted(own | {f"{name}:{code}" for name, item in fields.items() for code in item.get("flags", ())}))
