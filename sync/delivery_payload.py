"""The payload of a delivery: delivered columns of a merged record, as the registry gets them.

What it may not do: judge (that is `sync.delivery`) or change a value. Only persons who live with the family stand
in it (`presence` 1 or 5); the others are named in `left`, so that nobody stands in two households after a move.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

STANDING_PRESENCE = frozenset({"1", "5"})
"""`presence`: 1 lives with the family, 5 new member (REGSOSEK22-K R-404; merge.md, stratum 5)."""

NIK = "nik"
PRESENCE = "presence"
NOTE_DISPUTED = "nik_disputed"
NOTE_MALFORMED = "nik_malformed"
NOTE_STATE = "nik_"
ERASED = "erased"
VEIL = "nik:"


def build_payload(
    data: Mapping[str, Any],
    columns: Mapping[str, Mapping[str, str]],
    identity_notes: Mapping[str, Collection[str]],
    nik_is_key: Callable[[str], bool],
) -> dict[str, Any]:
    """The payload (canonical JSON) of a merged record.

    `columns`: `{"household": {field: column}, "person": {field: column}}`, the delivered ones only; `nik` and
    `presence` are always carried, by their own names. `identity_notes`: by person key; `nik_disputed` empties the
    NIK ("two people with one NIK"). `nik_is_key(text)`: whether a NIK is well formed (`schemas`); one that is not
    is delivered empty with a note, and its text stays in the record.
    """
    standing: list[dict[str, Any]] = []
    left: list[dict[str, Any]] = []
    for person in sorted(data["persons"], key=lambda one: str(one["key"])):
        if _stands(person):
            notes = _notes_of(person, identity_notes)
            standing.append(_standing_person(person, columns["person"], notes, nik_is_key))
        else:
            left.append(_left_person(person))
    return {
        "household_id": data["household_id"],
        "home_region": data["home_region"],
        "area": data["area"],
        "aliases": sorted(data.get("aliases", ())),
        "delivery_digest": data["delivery_digest"],
        **_columns(data["household"], columns["household"]),
        "persons": standing,
        "left": left,
    }


def disputed_persons(payload: Mapping[str, Any]) -> frozenset[str]:
    """Keys of the persons of a payload whose NIK a verdict emptied."""
    return frozenset(person["key"] for person in payload["persons"] if person.get("nik_note") == NOTE_DISPUTED)


def emptied_payload(payload: Mapping[str, Any], content_digest: str) -> dict[str, Any]:
    """What an erasure leaves of a payload: where it belongs, and the digest under which both sides name what was sent.
    It is never sent (docs/decisions/0031)."""
    return {"area": payload["area"], ERASED: content_digest, "persons": []}


def is_emptied(payload: Mapping[str, Any]) -> bool:
    """Whether an erasure emptied it."""
    return ERASED in payload


def veiled_place(digest: str) -> str:
    """Name of a place in the registry whose person was erased here and still stands there."""
    return VEIL + digest


def is_veiled(place: str) -> bool:
    """Whether a place is held under a digest."""
    return place.startswith(VEIL)


def _stands(person: Mapping[str, Any]) -> bool:
    presence = person["fields"].get(PRESENCE, {})
    return not person.get("moved_to") and presence.get("value") in STANDING_PRESENCE


def _standing_person(
    person: Mapping[str, Any],
    columns: Mapping[str, str],
    notes: Collection[str],
    nik_is_key: Callable[[str], bool],
) -> dict[str, Any]:
    nik, note = _nik(person["fields"].get(NIK, {}), notes, nik_is_key)
    entry: dict[str, Any] = {
        "key": person["key"],
        "keys": sorted({person["key"], *person.get("keys", ())}),
        "nik": nik,
        "presence": person["fields"][PRESENCE]["value"],
        **_columns(person["fields"], {f: c for f, c in columns.items() if f not in (NIK, PRESENCE)}),
    }
    if note:
        entry["nik_note"] = note
    return entry


def _left_person(person: Mapping[str, Any]) -> dict[str, Any]:
    entry = {"key": person["key"], "keys": sorted({person["key"], *person.get("keys", ())})}
    entry.update({"presence": person["fields"].get(PRESENCE, {}).get("value")})
    if person.get("moved_to"):
        entry["moved_to"] = person["moved_to"]
    return entry


def _nik(answer: Mapping[str, Any], notes: Collection[str], nik_is_key: Callable[[str], bool]) -> tuple[str, str]:
    """The NIK to deliver and, where it is empty, why: a note for the registry's people."""
    value = answer.get("value")
    if NOTE_DISPUTED in notes:
        return "", NOTE_DISPUTED
    if isinstance(value, str) and value:
        return (value, "") if nik_is_key(value) else ("", NOTE_MALFORMED)
    return "", NOTE_STATE + str(answer.get("state", "missing"))


def _notes_of(person: Mapping[str, Any], notes: Mapping[str, Collection[str]]) -> frozenset[str]:
    keys = {person["key"], *person.get("keys", ())}
    return frozenset(note for key in keys for note in notes.get(key, ()))


def _columns(answers: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """`{"values": {column: value}, "states": {column: state}}`; what is not relevant or never asked is in neither."""
    values: dict[str, Any] = {}
    states: dict[str, str] = {}
    for field, column in columns.items():
        answer = answers.get(field)
        if answer is None or answer.get("irrelevant"):
            continue
        if "value" in answer:
            values[column] = answer["value"]
        elif "state" in answer:
            states[column] = answer["state"]
    return {"values": values, "states": states}
