"""Acts on whole events and whole families: void, undo, admit, waive, reattach, link, unlink, move, split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.bodies import OUTSIDE
from schemas.event import HOLDABLE_KINDS, UNDOABLE_KINDS, VOIDABLE_KINDS, Assertion, Part
from schemas.ids import uuid7
from schemas.problems import ProblemError
from server.flows.desk import Desk, Shown, filed_of, text_part
from server.store.events import StoredEvent


def void(desk: Desk, household_id: str, ref: str, comment: str = "") -> str:
    """Take a form, a change, a listed row or a verification out of the record; `undo` brings it back."""
    return _point(desk, "void", household_id, ref, VOIDABLE_KINDS, comment)


def undo(desk: Desk, household_id: str, ref: str, comment: str = "") -> str:
    """Take back what staff did: a decision, a link, a void, another undo."""
    return _point(desk, "undo", household_id, ref, UNDOABLE_KINDS, comment)


def admit(desk: Desk, household_id: str, ref: str, comment: str = "") -> str:
    """Let a held event into the record."""
    shown = desk.show(household_id, "admit")
    if ref and not any(line["ref"].startswith(ref) for line in shown.trail["held"]):
        raise ProblemError("not_found", f"Kejadian {ref} tidak sedang ditahan.")
    return _point(desk, "admit", household_id, ref, HOLDABLE_KINDS, comment)


def waive(desk: Desk, household_id: str, ref: str, comment: str = "") -> str:
    """Give up waiting for an event that somebody saw and that never arrived."""
    shown = desk.show(household_id, "waive")
    waiting = [line for line in shown.data["awaiting"] if line["ref"].startswith(ref)]
    if len(waiting) != 1:
        raise ProblemError("not_found", f"Catatan ini tidak menunggu kejadian {ref}.")
    return desk.record("waive", [shown], {"target": waiting[0]["ref"]}, parts=_comment(comment))


def reattach(desk: Desk, household_id: str, ref: str, to: str, comment: str = "") -> str:
    """Move a form that was filled at the wrong family's record to the right one."""
    shown, target = desk.show(household_id, "reattach"), desk.show(to, "reattach")
    event = desk.event(ref, shown)
    if event.kind not in ("submission", "change"):
        raise ProblemError("bad_request", "Hanya isian petugas yang dapat dipindahkan ke keluarga lain.")
    if shown.household_id == target.household_id:
        raise ProblemError("bad_request", "Isian sudah berada pada keluarga itu.")
    _same_region([shown, target])
    filed = filed_of(event) | {target.household_id: target.stored.home_region}
    home = event.head["household_id"]
    return desk.record(
        "reattach",
        [shown, target],
        {"target": event.ref, "to": target.household_id},
        parts=_comment(comment),
        household=(home, filed[home]),
        also=filed,
    )


def link(desk: Desk, household_ids: Sequence[str], comment: str = "") -> str:
    """Say that several ids are one family. Only within one kabupaten: an id keeps its home region for good."""
    records = [desk.show(household, "link") for household in household_ids]
    if len({each.household_id for each in records}) < 2:
        raise ProblemError("bad_request", "Sebutkan dua keluarga yang belum digabung.")
    _same_region(records)
    ids = sorted({each.household_id for each in records})
    return desk.record("link", records, {"households": ids}, parts=_comment(comment))


def unlink(desk: Desk, household_id: str, links: Sequence[str], comment: str = "") -> str:
    """Part families again by naming the links (all of them, or the beginning of a ref each)."""
    shown = desk.show(household_id, "link")
    known = [line["ref"] for line in shown.trail["refs"] if line["kind"] == "link" and line["status"] == "live"]
    wanted = [ref for ref in known if not links or any(ref.startswith(each) for each in links)]
    if not wanted:
        raise ProblemError("not_found", "Tidak ada penggabungan yang berlaku pada keluarga ini.")
    filed: dict[str, str] = {}
    for ref in wanted:
        filed |= filed_of(desk.event(ref, shown))
    return desk.record("unlink", [shown], {"links": sorted(wanted)}, parts=_comment(comment), also=filed)


def move(desk: Desk, household_id: str, person: str, to: str, comment: str = "") -> str:
    """Move a member to another listed family, or out (`outside`). The values known of the member go along."""
    shown = desk.show(household_id, "move")
    also: list[Shown] = [] if to == OUTSIDE else [desk.show(to, "move")]
    target = OUTSIDE if to == OUTSIDE else also[0].household_id
    if target == shown.household_id:
        raise ProblemError("bad_request", "Anggota itu sudah berada di keluarga tersebut.")
    key, fields = _member(shown, person)
    body = {"type": "move_out" if target == OUTSIDE else "move_in", "moves": [{"person": key, "to": target}]}
    carried = [] if target == OUTSIDE else [Part(f"p/{key}", _carried(shown, key, fields))]
    return desk.record("change", [shown, *also], body | {"person": key}, parts=[*carried, *_comment(comment)])


def split(desk: Desk, household_id: str, persons: Sequence[str], comment: str = "") -> tuple[str, str]:
    """Make a new family of some members. Answers `(ref, id of the new family)`."""
    shown = desk.show(household_id, "move")
    if not persons:
        raise ProblemError("bad_request", "Sebutkan anggota yang menjadi keluarga baru.")
    fresh = uuid7(desk.clock.now_ms(), desk.random(10))
    members = [_member(shown, person) for person in persons]
    body: dict[str, Any] = {"type": "split", "moves": [{"person": key, "to": fresh} for key, _ in members]}
    parts = [Part(f"p/{key}", _carried(shown, key, fields)) for key, fields in members]
    ref = desk.record(
        "change", [shown], body, parts=[*parts, *_comment(comment)], also={fresh: shown.stored.home_region}
    )
    return ref, fresh


def _point(desk: Desk, kind: str, household_id: str, ref: str, kinds: frozenset[str], comment: str) -> str:
    """An event that names one other; filed under everything that one is filed under."""
    shown = desk.show(household_id, kind)
    event: StoredEvent = desk.event(ref, shown)
    if event.kind not in kinds:
        raise ProblemError("bad_request", f"{kind} tidak berlaku untuk kejadian jenis {event.kind}.")
    filed = filed_of(event)
    home = event.head["household_id"]
    return desk.record(
        kind,
        [shown],
        {"target": event.ref},
        parts=_comment(comment),
        household=(home, filed[home]),
        also=filed,
    )


def _member(shown: Shown, person: str) -> tuple[str, Mapping[str, Any]]:
    """A member present in the record, by key or by the beginning of the person id."""
    for each in shown.data["persons"]:
        if "moved_to" not in each and any(person in (key, key.split("/")[1]) for key in each["keys"]):
            return str(each["key"]), each["fields"]
    raise ProblemError("not_found", f"Anggota {person} tidak ada di keluarga ini.")


def _carried(shown: Shown, key: str, fields: Mapping[str, Any]) -> dict[str, Assertion]:
    """The member's merged values as assertions, each on the evidence it stands on."""
    carried = {}
    for name, item in fields.items():
        origin = _origin(shown, key, name)
        if "value" in item:
            carried[name] = Assertion(item["value"], None, origin)
        elif "state" in item:
            carried[name] = Assertion(None, item["state"], origin)
    return carried


def _origin(shown: Shown, key: str, name: str) -> int:
    line = shown.trail["values"].get(f"p/{key}/{name}", {})
    return int(line.get("evidence", 1))


def _same_region(records: Sequence[Shown]) -> None:
    if len({each.stored.home_region for each in records}) > 1:
        raise ProblemError(
            "bad_request", "Kedua keluarga berasal dari kabupaten yang berbeda; gunakan pindah, bukan ini."
        )


def _comment(comment: str) -> list[Part]:
    return [text_part({"comment": comment})] if comment else []
