"""How the review's records look in a terminal: lines of text, no decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from server.store.cases import Case
from server.store.households import StoredRecord

_SIGN = {"live": " ", "dead": "x", "held": "!"}


def household_line(record: StoredRecord) -> dict[str, Any]:
    """One household of a list."""
    return {
        "household": record.household_id,
        "area": record.area,
        "state": record.state,
        "conflicts": record.conflicts,
        "awaiting": record.awaiting,
        "digest": record.data_digest[:12],
    }


def case_line(case: Case) -> dict[str, Any]:
    """One open case of a list."""
    return {"household": case.household_id, "area": case.area, "kind": case.kind, "path": case.detail.get("path", "")}


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Columns as wide as they need be, with a line of counts."""
    if not rows:
        return "(kosong)"
    names = list(rows[0])
    width = {name: max(len(name), *(len(str(row[name])) for row in rows)) for name in names}
    lines = ["  ".join(name.ljust(width[name]) for name in names)]
    lines += ["  ".join(str(row[name]).ljust(width[name]) for name in names) for row in rows]
    return "\n".join([*lines, f"{len(rows)} baris"])


def record_text(data: Mapping[str, Any], trail: Mapping[str, Any], niks: Sequence[Mapping[str, Any]]) -> str:
    """A household: values with their origin, members, conflicts, what is awaited or held, and the events."""
    lines = [
        f"Keluarga {data['household_id']}  {data['area']}  [{data['state']}]  digest {data['data_digest'][:12]}",
        *(f"  juga dikenal sebagai {alias}" for alias in data["aliases"]),
        *_fields("h", data["household"], trail),
    ]
    for person in data["persons"]:
        lines.append(f"Anggota {person['key']}" + (f"  umur {person['age']}" if "age" in person else ""))
        if "moved_to" in person:
            lines.append(f"  pindah ke {person['moved_to']}")
        lines += _fields(f"p/{person['key']}", person["fields"], trail)
    lines += _conflicts(data["conflicts"])
    lines += [
        f"NIK: {case['kind']} pada {len(case['households'])} keluarga, saran {case['suggestion']}" for case in niks
    ]
    lines += [f"Menunggu {line['ref']}" for line in data["awaiting"]]
    lines += [f"Ditahan {line['ref']}: {line['reason']}" for line in trail["held"]]
    for line in trail["returns"]:
        lines.append(f"Dikembalikan oleh {line['actor']}, batas {line['due'] or '-'}: {line['note']}")
        lines += [f"  {path}: {comment}" for path, comment in sorted(line["comments"].items())]
    lines.append("Kejadian:")
    lines += [f" {_SIGN[e['status']]} {e['ref']}  {e['kind']:<12} {e['actor']}" for e in trail["refs"]]
    return "\n".join(lines)


def _fields(part: str, fields: Mapping[str, Any], trail: Mapping[str, Any]) -> list[str]:
    lines = []
    for name, item in fields.items():
        said = "BERTENTANGAN" if item.get("conflict") else item.get("value", item.get("values", item.get("state")))
        origin = trail["values"].get(f"{part}/{name}", {})
        source = f"  ({origin['actor']}, bukti {origin['evidence']}, {origin['rule']})" if "actor" in origin else ""
        notes = "".join(f" [{flag}]" for flag in item.get("flags", ())) + (
            " [tak relevan]" * bool(item.get("irrelevant"))
        )
        lines.append(f"  {name}: {said}{notes}{source}")
    return lines


def _conflicts(conflicts: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = []
    for conflict in conflicts:
        lines.append(f"Bertentangan: {conflict['kind']} {conflict.get('path', '')}")
        for head in conflict["heads"]:
            said = head.get("value", head.get("state", ""))
            lines.append(
                f"  {head['ref'][:12]}  {head['path'].rpartition('/')[2]} = {said}  bukti {head.get('evidence', '-')}"
            )
    return lines
