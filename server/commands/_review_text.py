"""How the review's records look in a terminal: words and labels of the sheet, no decisions.

Lists show no number of a person; a whole record does, to whoever may open it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.form import Dictionary
from schemas.question import Field
from server.store.cases import Case
from server.store.households import StoredRecord

DAY_MS = 86_400_000
NAME_CHARACTERS_MAX = 30
_SIGN = {"live": " ", "dead": "x", "held": "!"}

STATE_NAMES: Mapping[str, str] = {
    "listed": "terdaftar",
    "assigned": "ditugaskan",
    "submitted": "terkirim",
    "conflict": "bertentangan",
    "in_review": "diperiksa",
    "returned": "dikembalikan",
    "approved": "disetujui",
    "ratified": "ditetapkan",
    "delivered": "dikirim ke registri",
    "accepted": "diterima registri",
    "rejected": "ditolak registri",
}

CASES: Mapping[str, tuple[str, str]] = {
    "field": ("jawaban berbeda", "padan review decide KELUARGA {path} --take REF"),
    "membership_conflict": ("anggota di dua keluarga", "padan review move KELUARGA ORANG KE"),
    "roster_ambiguous": (
        "anggota mungkin orang yang sama",
        "padan review verdict KELUARGA same_person|different_persons",
    ),
    "roster_verdict": ("putusan tentang anggota berlawanan", "padan review undo KELUARGA REF salah satunya"),
    "person_replaced": (
        "anggota berganti orang",
        "padan review verdict KELUARGA replacement_confirmed, atau padan review void KELUARGA REF",
    ),
    "equivocation": ("satu nomor isian dengan dua isi", "padan review void KELUARGA REF salah satunya"),
    "reattach": ("isian dipindah ke dua keluarga", "padan review undo KELUARGA REF salah satunya"),
    "filled_while_linked": (
        "diisi selagi keluarga digabung",
        "padan review verdict KELUARGA keep_filled, atau padan review reattach",
    ),
    "nik_two_households": ("satu NIK di dua keluarga", "padan review verdict KELUARGA moved --to KE"),
    "nik_collision": ("satu NIK, orang berbeda", "padan review verdict KELUARGA wrong_nik --person ORANG | two_people"),
    "nik_hot": ("satu NIK pada sangat banyak orang", "perbaiki NIK pada tiap keluarga"),
    "awaiting": ("menunggu isian yang belum tiba", "padan review waive KELUARGA REF"),
    "held": ("isian ditahan", "padan review admit KELUARGA REF"),
    "ineffective": ("putusan tidak lagi berlaku", "putuskan lagi pada catatan sekarang"),
}
"""Kind of case -> what it is called, and what settles it."""


@dataclass(frozen=True, slots=True)
class Words:
    """What codes are called: the questions of the published forms, and areas by name."""

    dictionary: Dictionary
    place: Callable[[str], str]

    def said(self, scope: str, name: str, item: Mapping[str, Any]) -> str:
        """An answer with the labels of its choices."""
        question = self.dictionary.field(scope, name)
        if item.get("conflict"):
            return "BERTENTANGAN"
        if "state" in item:
            return f"({item['state']})"
        if "kept" in item and "value" not in item and "values" not in item:
            said = "; ".join(f"{each['value']} [{each['question']}]" for each in item["kept"])
            return f"TIDAK TERBACA, jawaban versi lama: {said}"
        value = item.get("value", item.get("values"))
        if isinstance(value, list):
            return ", ".join(_one(question, each) for each in value) or "-"
        return _one(question, value)

    def label(self, scope: str, name: str) -> str:
        """The question in the sheet's words."""
        question = self.dictionary.field(scope, name)
        return question.label_id if question is not None and question.label_id else name


def household_line(record: StoredRecord, words: Words, since_ms: int | None, now_ms: int) -> dict[str, Any]:
    """One household of a list: no number of a person in it."""
    data = json.loads(record.data)
    return {
        "household": record.household_id,
        "area": record.area,
        "village": words.place(record.area),
        "head": head_name(data),
        "officers": data["assigned"],
        "state": record.state,
        "conflicts": record.conflicts,
        "awaiting": record.awaiting,
        "waiting_days": None if since_ms is None else max(0, (now_ms - since_ms) // DAY_MS),
        "digest": record.data_digest[:12],
    }


def household_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The list as a supervisor reads it."""
    return table(
        [
            {
                "keluarga": row["household"][:8],
                "kepala keluarga": row["head"][:NAME_CHARACTERS_MAX],
                "desa": row["village"],
                "petugas": ", ".join(row["officers"]) or "-",
                "keadaan": STATE_NAMES.get(row["state"], row["state"]),
                "perkara": row["conflicts"] or "-",
                "hari": "-" if row["waiting_days"] is None else row["waiting_days"],
            }
            for row in rows
        ]
    )


def case_line(case: Case, head: str, words: Words, now_ms: int) -> dict[str, Any]:
    """One open case of a list."""
    return {
        "household": case.household_id,
        "area": case.area,
        "village": words.place(case.area),
        "head": head,
        "kind": case.kind,
        "path": case.detail.get("path", ""),
        "open_days": max(0, (now_ms - case.opened_ms) // DAY_MS),
    }


def case_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The cases as a supervisor reads them."""
    return table(
        [
            {
                "keluarga": row["household"][:8],
                "kepala keluarga": row["head"][:NAME_CHARACTERS_MAX],
                "desa": row["village"],
                "perkara": CASES.get(row["kind"], (row["kind"], ""))[0],
                "pertanyaan": row["path"].rpartition("/")[2] or "-",
                "hari": row["open_days"],
            }
            for row in rows
        ]
    )


def head_name(data: Mapping[str, Any]) -> str:
    """Name of the head of family: as stated for the family, else of the member who is the head, else of the first."""
    stated = data["household"].get("head_name", {}).get("value")
    if isinstance(stated, str) and stated:
        return stated
    here = [person["fields"] for person in data["persons"] if "moved_to" not in person]
    heads = [fields for fields in here if fields.get("relation", {}).get("value") == "1"]
    names = [fields.get("m_name", {}).get("value") for fields in [*heads, *here]]
    return next((name for name in names if isinstance(name, str) and name), "-")


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Columns as wide as they need be, with a line of counts."""
    if not rows:
        return "(kosong)"
    names = list(rows[0])
    width = {name: max(len(name), *(len(str(row[name])) for row in rows)) for name in names}
    lines = ["  ".join(name.ljust(width[name]) for name in names).rstrip()]
    lines += ["  ".join(str(row[name]).ljust(width[name]) for name in names).rstrip() for row in rows]
    return "\n".join([*lines, f"{len(rows)} baris"])


def record_text(
    data: Mapping[str, Any], trail: Mapping[str, Any], niks: Sequence[Mapping[str, Any]], words: Words
) -> str:
    """A household: values with their origin, members, conflicts, what is awaited or held, and the events."""
    state = STATE_NAMES.get(data["state"], data["state"])
    # Before a visit next to nothing is relevant by the form's rules: to say so of each line would hide the list.
    visited = data["state"] not in ("listed", "assigned")
    lines = [
        f"Keluarga {head_name(data)}   [{state}]",
        f"  nomor {data['household_id']}   sidik data {data['data_digest'][:12]}",
        f"  {words.place(data['area'])} ({data['area']})   petugas: {', '.join(data['assigned']) or '-'}",
        *(f"  juga dikenal sebagai {alias}" for alias in data["aliases"]),
        "",
        *_fields("h", data["household"], trail, words, visited),
    ]
    for number, person in enumerate(data["persons"], 1):
        age = f"   umur {person['age']}" if "age" in person else ""
        lines += ["", f"Anggota {number}   {person['key'].split('/')[1]}{age}   (p/{person['key']})"]
        if "moved_to" in person:
            to = person["moved_to"]
            lines.append("  pindah ke luar" if to == "outside" else f"  pindah ke keluarga {to}")
        lines += _fields(f"p/{person['key']}", person["fields"], trail, words, visited)
    lines += _conflicts(data["conflicts"], words)
    for case in niks:
        lines += _nik_case(case, data["household_id"])
    lines += _waiting(data, trail)
    lines += ["", "Kejadian (x: batal, !: ditahan):"]
    lines += [f" {_SIGN[e['status']]} {e['ref'][:12]}  {e['kind']:<12} {e['actor']}" for e in trail["refs"]]
    return "\n".join(lines)


def _one(question: Field | None, value: Any) -> str:
    if isinstance(value, dict) and "lat" in value:
        return f"{value['lat'] / 1e6:.6f}, {value['lon'] / 1e6:.6f}"
    if question is None or not isinstance(value, str) or not question.choices:
        return "-" if value is None else str(value)
    label = question.label_of(value)
    return label if label == value else f"{label} [{value}]"


def _fields(part: str, fields: Mapping[str, Any], trail: Mapping[str, Any], words: Words, visited: bool) -> list[str]:
    lines = []
    for name, item in fields.items():
        origin = trail["values"].get(f"{part}/{words.dictionary.register(part[:1], name)}", {})
        source = f"   <- {origin['actor']}, bukti {origin['evidence']}" if "actor" in origin else ""
        notes = "".join(f" [{flag}]" for flag in item.get("flags", ()))
        notes += " [tidak relevan]" * bool(visited and item.get("irrelevant"))
        lines.append(f"  {words.label(part[:1], name)} ({name}): {words.said(part[:1], name, item)}{notes}{source}")
    return lines


def _conflicts(conflicts: Sequence[Mapping[str, Any]], words: Words) -> list[str]:
    lines = []
    for conflict in conflicts:
        name, how = CASES.get(conflict["kind"], (conflict["kind"], ""))
        path = conflict.get("path", "")
        lines += ["", f"PERKARA: {name} {path}".rstrip()]
        for head in conflict["heads"]:
            part, _, field = head["path"].rpartition("/")
            said = words.said(part[:1], field, head) if head.keys() & {"value", "state", "kept"} else ""
            evidence = f"   bukti {head['evidence']}" if "evidence" in head else ""
            lines.append(f"  {head['ref'][:12]}  {words.label(part[:1], field)}: {said}{evidence}")
        if how:
            lines.append(f"  -> {how.replace('{path}', path)}")
    return lines


def _nik_case(case: Mapping[str, Any], household_id: str) -> list[str]:
    name, how = CASES.get(case["kind"], (case["kind"], ""))
    lines = ["", f"PERKARA NIK: {name}" + ("" if case["stops"] else " (tidak menahan pengiriman)")]
    for household, key in case["persons"]:
        here = "di sini" if household == household_id else f"keluarga {household[:8]}"
        lines.append(f"  {here}: anggota {key.split('/')[1]}")
    if case["suggestion"]:
        lines.append(f"  saran: pindah dari {case['suggestion'][1][:8]} ke {case['suggestion'][2][:8]}")
    return [*lines, f"  -> {how}"]


def _waiting(data: Mapping[str, Any], trail: Mapping[str, Any]) -> list[str]:
    lines = [f"Menunggu {line['ref'][:12]}   -> padan review waive KELUARGA REF" for line in data["awaiting"]]
    lines += [f"Ditahan {line['ref'][:12]}: {line['reason']}" for line in trail["held"]]
    lines += [f"Tidak lagi berlaku: {line['ref'][:12]} {line['path']}" for line in trail["ineffective"]]
    for line in trail["returns"]:
        lines.append(f"Dikembalikan oleh {line['actor']}, batas {line['due'] or '-'}: {line['note']}")
        lines += [f"  {path}: {comment}" for path, comment in sorted(line["comments"].items())]
    return ["", *lines] if lines else []
