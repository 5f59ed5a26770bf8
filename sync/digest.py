"""Digests of a record: what a review judged, and what the registry was given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.canonical import canonical_bytes_unchecked, sha256_hex
from schemas.form import Dictionary
from schemas.lineage import Line

PRESENT = frozenset({"1", "5"})
"""Codes of `presence` of a person who lives with the family (REGSOSEK 404)."""

Fields = Mapping[str, Mapping[str, Any]]


def data_digest(household: Fields, persons: Sequence[Mapping[str, Any]], dictionary: Dictionary) -> str:
    """SHA-256 over values and roster only: neither flags, nor conflicts, nor state. A question and a code are called
    what they were called first: a review judged what was said, and a new name takes no approval back."""
    return _digest(
        {
            "household": _values(household, dictionary, "h"),
            "persons": [
                {
                    "keys": p["keys"],
                    "moved_to": p.get("moved_to"),
                    "fields": _values(p["fields"], dictionary, "p"),
                }
                for p in persons
            ],
        }
    )


def delivery_digest(household: Fields, persons: Sequence[Mapping[str, Any]], dictionary: Dictionary) -> str:
    """SHA-256 over the delivered columns only, of the household and of persons present."""
    return _digest(
        {
            "household": _delivered(household, dictionary, "h"),
            "persons": [
                {"key": p["key"], "fields": _delivered(p["fields"], dictionary, "p")} for p in persons if present(p)
            ],
        }
    )


def present(person: Mapping[str, Any]) -> bool:
    """Whether the person lives with this family: presence 1 or 5 (or not asked yet), and not moved away."""
    if person.get("moved_to"):
        return False
    said = person["fields"].get("presence")
    return said is None or said.get("value") in PRESENT


def _values(fields: Fields, dictionary: Dictionary, scope: str) -> dict[str, Any]:
    found = {}
    for name, item in fields.items():
        said = {part: value for part, value in item.items() if part != "flags"}
        line = dictionary.line(scope, name)
        if line is not None and not (line.passes and line.first == name):
            name, said = line.first, _judged(line, said)
        found[name] = said
    return found


def _judged(line: Line, said: dict[str, Any]) -> dict[str, Any]:
    if "value" in said:
        return said | {"value": line.judged(said["value"])}
    return said | {"values": [line.judged(each) for each in said["values"]]} if "values" in said else said


def _delivered(fields: Fields, dictionary: Dictionary, scope: str) -> dict[str, Any]:
    out = {}
    for question in dictionary.delivered(scope):
        item = fields.get(question.name)
        if item is not None and not item.get("irrelevant"):
            out[question.deliver] = {part: value for part, value in item.items() if part not in ("flags", "kept")}
    return out


def _digest(value: Any) -> str:
    return sha256_hex(canonical_bytes_unchecked(value))
