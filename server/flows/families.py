"""Acts on whole events and whole families: void, undo, admit, waive, reattach, link, unlink, move, split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.bodies import OUTSIDE
from schemas.event import HOLDABLE_KINDS, UNDOABLE_KINDS, VOIDABLE_KINDS, Assertion, Part
from schemas.ids import uuid7
from schemas.problems import ProblemError
from server.flows.desk import BEGINNING_MIN, Desk, Shown, comment_parts, filed_of, one_beginning
from server.store.events import StoredEvent
from sync.liveness import DEAD, LIVE

NOT_BY_A_HOLD = frozenset({"unreadable", "wrong_target", "filed_too_narrowly", "link_across_regions"})
"""Reasons that stand in the event itself (`sync/liveness.py`): no hold keeps it out, so no `admit` lets it in."""


_INSTEAD: Mapping[str, frozenset[str]] = {"void": VOIDABLE_KINDS, "undo": UNDOABLE_KINDS}


def void(desk: Desk, household_id: str, ref: str, comment: str = "") -> str:
    """Take a form, a change, a listed row or a verification out of the record; `undo` brings it back."""
    return _point(desk, "void", household_id, ref, VOIDABLE_KINDS, comment)


def undo(desk: Desk, household_id: str, ref: str, comment: str = "") -> str:
    """Take back what staff did: a decision, a link, a void, another undo."""
    return _point(desk, "undo", household_id, ref, UNDOABLE_KINDS, comment)


def admit(desk: Desk, household_id: str, ref: str, comment: str = "") -> str:
    """Let a held event into the record."""
    shown = desk.show(household_id, "admit")
    reasons = {line["ref"]: line["reason"] for line in shown.trail["held"]}
    held = [each for each in reasons if each.startswith(ref)] if len(ref) >= BEGINNING_MIN else []
    if not held:
        raise ProblemError("not_found", f"Kejadian {ref} tidak sedang ditahan. Lihat: padan review show.")
    whole = one_beginning(ref, held)
    if reasons[whole] in NOT_BY_A_HOLD:
        raise ProblemError(
            "wrong_state", f"Kejadian ini ditahan karena {reasons[whole]}; memasukkannya tidak menolong."
        )
    return _point(desk, "admit", household_id, whole, HOLDABLE_KINDS, comment)


def waive(desk: Desk, household_id: str, ref: str, comment: str = "") -> str:
    """Give up waiting for an event that somebody saw and that never arrived."""
    shown = desk.show(household_id, "waive")
    waiting = {line["ref"] for line in shown.data["awaiting"]}
    if not any(each.startswith(ref) for each in waiting):
        raise ProblemError("not_found", f"Catatan ini tidak menunggu kejadian {ref}.")
    return desk.record("waive", [shown], {"target": one_beginning(ref, waiting)}, parts=comment_parts(comment))


def reattach(desk: Desk, household_id: str, ref: str, to: str, comment: str = "") -> str:
    """Move a form that was filled at the wrong family's record to the right one."""
    shown, target = desk.show(household_id, "reattach"), desk.show(to, "reattach")
    event = desk.event(ref, shown)
    if event.kind not in ("submission", "change"):
        raise ProblemError("bad_request", "Hanya isian petugas yang dapat dipindahkan ke keluarga lain.")
    if shown.household_id == target.household_id:
        raise ProblemError("bad_request", "Isian sudah berada pada keluarga itu.")
    _same_region([shown, target])
    _not_moved_yet(desk, shown, event)
    desk.require_filed("reattach", filed_of(event))
    filed = filed_of(event) | {target.household_id: target.stored.home_region}
    home = event.head["household_id"]
    return desk.record(
        "reattach",
        [shown, target],
        {"target": event.ref, "to": target.household_id},
        parts=comment_parts(comment),
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
    return desk.record("link", records, {"households": ids}, parts=comment_parts(comment))


def unlink(desk: Desk, household_id: str, links: Sequence[str], comment: str = "") -> str:
    """Part families again by naming the links (all of them, or the beginning of a ref each)."""
    shown = desk.show(household_id, "link")
    known = [line["ref"] for line in shown.trail["refs"] if line["kind"] == "link" and line["status"] == "live"]
    if not known:
        raise ProblemError("not_found", "Tidak ada penggabungan yang berlaku pada keluarga ini.")
    wanted = {one_beginning(each, known) for each in links} or set(known)
    filed: dict[str, str] = {}
    for ref in sorted(wanted):
        filed |= filed_of(desk.event(ref, shown))
    desk.require_filed("link", filed)
    return desk.record("unlink", [shown], {"links": sorted(wanted)}, parts=comment_parts(comment), also=filed)


def move(desk: Desk, household_id: str, person: str, to: str, comment: str = "") -> str:
    """Move a member to another listed family, or out (`outside`). The values known of the member go along.

    Where it is disputed to which family the member belongs, this settles it in all families concerned; the present
    family may then be named as well (the member stays)."""
    shown = desk.show(household_id, "move")
    key, fields = _member(shown, person)
    disputed = [
        household
        for conflict in shown.data["conflicts"]
        if conflict["kind"] == "membership_conflict" and key in conflict["keys"]
        for household in conflict["households"]
    ]
    target = None if to == OUTSIDE else desk.show(to, "move")
    stays = target is not None and target.household_id == shown.household_id
    if stays and not disputed:
        raise ProblemError("bad_request", "Anggota itu sudah berada di keluarga tersebut.")
    concerned = {shown.household_id: shown}
    for household in disputed:
        each = None if household == OUTSIDE else desk.show(household, "move")
        if each is not None:
            concerned[each.household_id] = each
    if target is not None:
        concerned.setdefault(target.household_id, target)
    name = OUTSIDE if target is None else target.household_id
    body = {"type": "move_out" if target is None else "move_in", "moves": [{"person": key, "to": name}]}
    carried = [] if target is None or stays else [Part(f"p/{key}", _carried(desk, shown, key, fields))]
    return desk.record(
        "change", list(concerned.values()), body | {"person": key}, parts=[*carried, *comment_parts(comment)]
    )


def split(desk: Desk, household_id: str, persons: Sequence[str], comment: str = "") -> tuple[str, str]:
    """Make a new family of some members, in the same kabupaten. Answers `(ref, id of the new family)`."""
    shown = desk.show(household_id, "move")
    members = dict(_member(shown, person) for person in persons)
    present = [each for each in shown.data["persons"] if "moved_to" not in each]
    if not members:
        raise ProblemError("bad_request", "Sebutkan anggota yang menjadi keluarga baru.")
    if len(members) == len(present):
        raise ProblemError("bad_request", "Semua anggota disebut; harus ada yang tinggal di keluarga lama.")
    fresh = uuid7(desk.clock.now_ms(), desk.random(10))
    body: dict[str, Any] = {"type": "split", "moves": [{"person": key, "to": fresh} for key in members]}
    parts = [Part(f"p/{key}", _carried(desk, shown, key, fields)) for key, fields in members.items()]
    ref = desk.record(
        "change", [shown], body, parts=[*parts, *comment_parts(comment)], also={fresh: shown.stored.home_region}
    )
    return ref, fresh


def _point(desk: Desk, kind: str, household_id: str, ref: str, kinds: frozenset[str], comment: str) -> str:
    """An event that names one other; filed under everything that one is filed under."""
    shown = desk.show(household_id, kind)
    event: StoredEvent = desk.event(ref, shown)
    if event.kind not in kinds:
        other = next((each for each, fitting in _INSTEAD.items() if event.kind in fitting and each != kind), None)
        hint = f"; pakai: padan review {other}" if other else ""
        raise ProblemError("bad_request", f"{kind} tidak berlaku untuk kejadian jenis {event.kind}{hint}.")
    if shown.status(event.ref) == DEAD:
        raise ProblemError("wrong_state", f"Kejadian {event.ref[:12]} sudah dibatalkan atau ditarik kembali.")
    filed = filed_of(event)
    desk.require_filed(kind, filed)
    home = event.head["household_id"]
    return desk.record(
        kind,
        [shown],
        {"target": event.ref},
        parts=comment_parts(comment),
        household=(home, filed[home]),
        also=filed,
    )


def _not_moved_yet(desk: Desk, shown: Shown, event: StoredEvent) -> None:
    """A second reattach to another family would be a conflict, and the form would count in neither."""
    for line in shown.trail["refs"]:
        if line["kind"] != "reattach" or line["status"] != LIVE:
            continue
        if desk.event(line["ref"], shown).head["body"]["target"] == event.ref:
            raise ProblemError(
                "wrong_state",
                f"Isian ini sudah dipindahkan; tarik dulu pemindahannya: padan review undo ... {line['ref'][:12]}",
            )


def _member(shown: Shown, person: str) -> tuple[str, Mapping[str, Any]]:
    """A member present in the record, by key or by the beginning of the person id."""
    fitting = [
        each
        for each in shown.data["persons"]
        if "moved_to" not in each and any(names_person(person, key) for key in each["keys"])
    ]
    if len(fitting) != 1:
        raise ProblemError(
            "not_found", f"Anggota {person} tidak ada di keluarga ini (atau tidak tunggal). Lihat: padan review show."
        )
    return str(fitting[0]["key"]), fitting[0]["fields"]


def names_person(text: str, key: str) -> bool:
    """Whether the text is a person key, or 8 or more characters with which its person id begins."""
    return text == key or (len(text) >= BEGINNING_MIN and key.split("/")[1].startswith(text))


def _carried(desk: Desk, shown: Shown, key: str, fields: Mapping[str, Any]) -> dict[str, Assertion]:
    """The member's merged values as assertions, each on the evidence it stands on. What is disputed has no value to
    take along: it is settled first."""
    disputed = sorted(name for name, item in fields.items() if item.get("conflict"))
    if disputed:
        raise ProblemError("conflict_open", f"Putuskan dulu yang bertentangan pada anggota ini: {', '.join(disputed)}.")
    dictionary = desk.dictionary()
    carried = {}
    for name, item in fields.items():
        origin = shown.trail["values"].get(f"p/{key}/{dictionary.register('p', name)}", {})
        if origin.get("rule") == "derived":
            continue  # computed anew where the member goes
        evidence = int(origin.get("evidence", 1))
        if "value" in item:
            carried[name] = Assertion(item["value"], None, evidence)
        elif "state" in item:
            carried[name] = Assertion(None, item["state"], evidence)
    return carried


def _same_region(records: Sequence[Shown]) -> None:
    if len({each.stored.home_region for each in records}) > 1:
        raise ProblemError(
            "bad_request", "Kedua keluarga berasal dari kabupaten yang berbeda; gunakan pindah, bukan ini."
        )
