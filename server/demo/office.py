"""What the supervisor does in the demo: settles what people must settle, returns, approves, ratifies.

It decides by simple rules a person could follow: the better evidence, else the first; and each planted case as it is
meant. It works through the same flows, with the same rights, as `padan review`.
"""

from __future__ import annotations

import json
import secrets
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from server.auth.rights import SUPERVISOR, Staff
from server.demo.planted import Planted
from server.demo.stage import Stage
from server.flows import families, review
from server.flows.desk import Desk
from server.store import cases, fold_queue, households, niks
from server.store.households import StoredRecord

ROUNDS_MAX = 12
PAPER = {"number": "BA-01/2026", "date": "2026-11-21"}
DECREE = {"number": "SK-188.45/2026", "date": "2026-11-21"}


@dataclass
class Office:
    """The supervisor's desk, and what was done there."""

    stage: Stage
    desk: Desk
    region: str
    opened: Counter[str] = field(default_factory=Counter)
    seen: set[tuple[str, str, str]] = field(default_factory=set)
    decided: Counter[str] = field(default_factory=Counter)
    moves_suggested: set[frozenset[str]] = field(default_factory=set)
    """Pairs of families between which time alone told which way a person moved."""


def open_office(stage: Stage, region: str) -> Office:
    """The desk of the supervisor of the whole kabupaten."""
    staff = Staff("pengawas", "Pengawas Kabupaten", SUPERVISOR, (region,))
    return Office(stage, Desk(stage.store, stage.keys, stage.clock, secrets.token_bytes, staff), region)


def wait_folded(stage: Stage) -> None:
    """Until nothing waits to be folded."""
    while fold_queue.length(stage.store.db) or niks.count_queued(stage.store.db):
        if fold_queue.failures(stage.store.db):
            raise RuntimeError("a household could not be folded; see `padan doctor`")
        stage.folder.wake()
        time.sleep(0.02)


def note_conflicts(office: Office) -> None:
    """Count each case once, when it is first seen."""
    for case in cases.open_cases(office.stage.store.db, office.region, limit=1_000_000):
        mark = (case.household_id if case.source == cases.RECORD else case.key, case.kind, case.detail.get("path", ""))
        if mark not in office.seen:
            office.seen.add(mark)
            office.opened[case.kind] += 1


def settle_everything(office: Office, planted: Planted) -> None:
    """Round after round, until no conflict is open."""
    for _ in range(ROUNDS_MAX):
        wait_folded(office.stage)
        note_conflicts(office)
        if not _settle_records(office, planted) + _settle_niks(office, planted):
            return


def settle_planted(office: Office, planted: Planted) -> None:
    """Acts that no conflict asks for: a void, a reattach, an admit, a link and its undo, a return."""
    desk = office.desk
    voided = planted.households["voided"]
    families.void(desk, voided, planted.refs["voided"], "formulir latihan")
    wrong, right = planted.wrong_family
    families.reattach(desk, wrong, planted.refs["wrong_family"], right, "petugas membuka catatan tetangga")
    families.admit(desk, planted.outside_area, planted.refs["outside_area"], "sudah dikonfirmasi kepala desa")
    linked = [planted.households["linked_then_undone"], planted.households["link_other"]]
    wait_folded(office.stage)
    link = families.link(desk, linked, "diduga satu keluarga")
    wait_folded(office.stage)
    families.undo(desk, linked[0], link, "ternyata dua keluarga")
    household = planted.households["returned_and_corrected"]
    wait_folded(office.stage)
    review.return_to_officer(
        desk,
        household,
        {"h/address": "Alamat kurang jelas; rumah yang mana?"},
        note="Mohon dilengkapi.",
        due="2026-12-01",
    )
    office.decided.update(["void", "reattach", "admit", "link", "undo", "return"])
    wait_folded(office.stage)


def approve_ready(office: Office) -> int:
    """Approve whatever is filled, without conflict, and not approved yet."""
    wait_folded(office.stage)
    ready = [r.household_id for state in ("submitted", "in_review") for r in _records(office, state)]
    for batch in _batches(ready):
        with office.stage.store.db.transaction():
            for household in batch:
                review.approve(office.desk, household)
    wait_folded(office.stage)
    return len(ready)


def ratify_approved(office: Office) -> int:
    """Village by village, under minutes and a decree."""
    approved: dict[str, list[str]] = {}
    for record in _records(office, "approved"):
        approved.setdefault(record.area, []).append(record.household_id)
    for area, ids in sorted(approved.items()):
        review.ratify(office.desk, sorted(ids), PAPER, DECREE, batch=f"{area}/1")
    wait_folded(office.stage)
    return sum(len(ids) for ids in approved.values())


def states(office: Office) -> dict[str, int]:
    """Households by state."""
    return households.counts_by_state(office.stage.store.db, office.region)


def _settle_records(office: Office, planted: Planted) -> int:
    done = 0
    for record in _records(office, "conflict"):
        for conflict in json.loads(record.data)["conflicts"]:
            _settle_conflict(office, record.household_id, conflict, planted)
            office.decided[conflict["kind"]] += 1
            done += 1
    return done


def _settle_conflict(office: Office, household: str, conflict: dict[str, Any], planted: Planted) -> None:
    desk, kind = office.desk, conflict["kind"]
    if kind == "field":
        best = min(conflict["heads"], key=lambda head: (-head["evidence"], head["ref"]))
        review.decide(desk, household, conflict["path"], take=best["ref"], comment="bukti terkuat")
    elif kind == "equivocation":
        twins = [head["ref"] for head in conflict["heads"]]
        copied = planted.refs["one_id_two_contents"]
        families.void(desk, household, copied if copied in twins else max(twins), "tablet salinan")
    elif kind == "roster_ambiguous":
        review.settle(desk, household, "different_persons", path=conflict["keys"][0], comment="dua orang")
    elif kind == "person_replaced":
        review.settle(desk, household, "replacement_confirmed", path=conflict["path"], comment="memang orang lain")
    elif kind == "filled_while_linked":
        review.settle(desk, household, "keep_filled", path=conflict["heads"][0]["ref"])
    else:
        raise RuntimeError(f"the demo has no rule for a conflict of kind {kind}")


def _settle_niks(office: Office, planted: Planted) -> int:
    done = 0
    seen = set()
    for case in cases.open_cases(office.stage.store.db, office.region, limit=1_000_000):
        if case.source == cases.NIK and case.key not in seen and case.kind != "nik_hot":
            seen.add(case.key)
            _settle_nik(office, case.detail, planted)
            office.decided[case.kind] += 1
            done += 1
    return done


def _settle_nik(office: Office, case: dict[str, Any], planted: Planted) -> None:
    """Compatible people: moved to where time says, else to the second. Different people: the planted one has the
    wrong NIK, others hold one NIK both."""
    desk, persons = office.desk, [(str(household), str(key)) for household, key in case["persons"]]
    wrong = [each for each in persons if each[0] == planted.households["nik_collision"]]
    if case["kind"] == "nik_two_households":
        suggestion = case["suggestion"]
        source, to = (suggestion[1], suggestion[2]) if suggestion else case["households"][:2]
        if suggestion:
            office.moves_suggested.add(frozenset((source, to)))
        person = next(each for each in persons if each[0] == source)
        review.settle_nik(desk, case, "moved", person=person, to=to, comment="tinggal di keluarga baru")
    elif wrong:
        review.settle_nik(desk, case, "wrong_nik", person=wrong[0], comment="NIK milik orang lain")
    else:
        review.settle_nik(desk, case, "two_people", comment="satu NIK dipakai dua orang; lapor Dukcapil")


def _records(office: Office, state: str) -> list[StoredRecord]:
    found: list[StoredRecord] = []
    after = ""
    while page := households.page(office.stage.store.db, office.region, state=state, after_id=after, limit=500):
        found += page
        after = page[-1].household_id
    return found


def _batches(ids: list[str], size: int = 200) -> Iterable[list[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
