"""Review: assigning, approving, returning, settling conflicts, verdicts, ratifying. One event each.

What a decision covers is read from the conflict that was shown; somebody who decides on an old screen settles what
stood there and nothing that came since (docs/merge.md, "Which assertion is left standing").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from schemas.answers import unknown_choice, value_error
from schemas.event import STATES, Assertion, Part
from schemas.problems import ProblemError
from schemas.question import Field
from server.flows.desk import BEGINNING_MIN, Desk, Shown, comment_parts, one_beginning, text_part
from server.store import devices, worklist

BATCH = 200
"""Acts committed together where many are done at once."""

Progress = Callable[[int], None]
ROSTER_VERDICTS = frozenset({"same_person", "different_persons"})
NIK_VERDICTS = frozenset({"moved", "wrong_nik", "two_people", "same_household"})
APPROVED_STATES = frozenset({"approved", "ratified", "delivered", "accepted", "rejected"})
"""Approved, and nothing has changed since."""
READY_STATES = ("submitted", "in_review")
"""Filled, and nothing stands against approving."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A household that could be approved, with the data digest it was looked at with."""

    household_id: str
    area: str
    data_digest: str


@dataclass(frozen=True, slots=True)
class Approved:
    """What came of approving one of many: the ref of the review, or the sentence that says why not."""

    household_id: str
    ref: str = ""
    problem: str = ""


def assign(desk: Desk, household_id: str, officers: Sequence[str], until: str | None = None) -> str:
    """Give a household to an officer (and others beside), in place of whoever had it; until a date where one is named.

    The tablets of these officers get it in full, those of others as a name only."""
    shown = desk.show(household_id, "assign")
    unknown = [name for name in officers if devices.officer_of(desk.store.db, name) is None]
    if unknown or not officers:
        raise ProblemError("not_found", f"Petugas {', '.join(unknown) or '(kosong)'} tidak terdaftar.")
    body: dict[str, Any] = {"officer": officers[0]} | ({"until": _date(until)} if until else {})
    if others := sorted(set(officers) - {officers[0]}):
        body["with"] = others
    return desk.record("assignment", [shown], body)


def assign_many(desk: Desk, wanted: Mapping[str, Sequence[str]], progress: Progress = lambda done: None) -> int:
    """Assign many households, household id -> officers; committed in batches. How many."""
    pairs = sorted(wanted.items())
    for start in range(0, len(pairs), BATCH):
        with desk.store.db.transaction():
            for household_id, officers in pairs[start : start + BATCH]:
                assign(desk, household_id, officers)
        progress(min(start + BATCH, len(pairs)))
    return len(pairs)


def approve(desk: Desk, household_id: str, seen_digest: str | None = None) -> str:
    """Approve the record as shown. `seen_digest`: the data digest of the screen; another one is refused."""
    shown = desk.show(household_id, "review")
    _same_screen(shown, seen_digest)
    if shown.data["conflicts"]:
        kinds = ", ".join(sorted({conflict["kind"] for conflict in shown.data["conflicts"]}))
        raise ProblemError("conflict_open", f"Masih ada yang bertentangan ({kinds}); selesaikan dulu.")
    if shown.stored.state in ("listed", "assigned"):
        raise ProblemError("wrong_state", "Belum ada isian dari petugas.")
    if shown.stored.state in APPROVED_STATES:
        raise ProblemError("wrong_state", "Catatan ini sudah disetujui seperti adanya.")
    return desk.record("review", [shown], {"verdict": "approve", "data_digest": shown.stored.data_digest})


def ready_to_approve(desk: Desk, area: str | None = None) -> list[Ready]:
    """Every household in an area (else in all areas of this person) that could be approved as it stands."""
    desk.require("review", area)
    scopes = [area] if area else list(desk.staff.scopes)
    found = worklist.stream(desk.store.db, scopes, READY_STATES)
    return [Ready(each.household_id, each.area, each.data_digest) for each in found if not each.conflicts]


def approve_many(desk: Desk, ready: Sequence[Ready], progress: Progress = lambda done: None) -> list[Approved]:
    """Approve many as they were looked at; committed in batches. One that can't be approved does not stop the rest."""
    outcomes: list[Approved] = []
    for start in range(0, len(ready), BATCH):
        with desk.store.db.transaction():
            for each in ready[start : start + BATCH]:
                try:
                    outcomes.append(Approved(each.household_id, approve(desk, each.household_id, each.data_digest)))
                except ProblemError as error:
                    outcomes.append(Approved(each.household_id, problem=str(error)))
        progress(len(outcomes))
    return outcomes


def return_to_officer(
    desk: Desk,
    household_id: str,
    comments: Mapping[str, str],
    *,
    note: str = "",
    due: str | None = None,
    seen_digest: str | None = None,
) -> str:
    """Send a household back with comments by path (`h/address`, `p/<key>/nik`), a note and a due date."""
    shown = desk.show(household_id, "review")
    _same_screen(shown, seen_digest)
    if not comments and not note:
        raise ProblemError("bad_request", "Pengembalian perlu komentar: apa yang harus diperbaiki petugas?")
    placed = {_question_path(desk, shown, path): comment for path, comment in comments.items()}
    body = {"verdict": "return", "data_digest": shown.stored.data_digest} | ({"due": _date(due)} if due else {})
    return desk.record("review", [shown], body, parts=[text_part({"comments": placed, "note": note})])


def decide(
    desk: Desk,
    household_id: str,
    path: str,
    *,
    take: str | None = None,
    answers: Mapping[str, Any] | None = None,
    states: Mapping[str, str] | None = None,
    comment: str = "",
) -> str:
    """Settle a field conflict: `take` what one ref (or its beginning) says, or write the answers oneself."""
    shown = desk.show(household_id, "decide")
    conflict = _conflict(shown, desk.dictionary().present_path(path))
    heads = conflict["heads"]
    part = conflict["path"].rpartition("/")[0]
    evidence = max(head["evidence"] for head in heads)
    if take is not None:
        ref = one_beginning(take, {head["ref"] for head in heads})
        said = {head["path"].rpartition("/")[2]: head for head in heads if head["ref"] == ref}
        if any("kept" in head for head in said.values()):
            raise ProblemError("bad_request", "Jawaban versi lama ini tidak terbaca; tulis nilainya (--value).")
        assertions = {name: Assertion(head.get("value"), head.get("state"), evidence) for name, head in said.items()}
    else:
        typed = {name: _typed(desk.dictionary().field(part[:1], name), said) for name, said in (answers or {}).items()}
        assertions = {name: Assertion(value, None, evidence) for name, value in typed.items()}
        assertions |= {name: Assertion(None, state, evidence) for name, state in (states or {}).items()}
        _written(desk, conflict, assertions)
        if not comment:
            raise ProblemError("bad_request", "Nilai yang ditulis sendiri perlu alasan (--comment).")
    parts = [Part(part, assertions, {"comment": comment} if comment else {})]
    return desk.record("decision", [shown], {"covers": _covers(heads)}, parts=parts)


def settle(desk: Desk, household_id: str, verdict: str, *, path: str = "", comment: str = "") -> str:
    """A verdict on the roster or on a form: same_person, different_persons, replacement_confirmed, keep_filled.

    `path` names the conflict where the household has several of that kind: its path, a person key, or a ref."""
    shown = desk.show(household_id, "verdict")
    kinds = {
        "same_person": {"roster_ambiguous", "roster_verdict"},
        "different_persons": {"roster_ambiguous", "roster_verdict", "person_replaced"},
        "replacement_confirmed": {"person_replaced"},
        "keep_filled": {"filled_while_linked"},
    }.get(verdict)
    if kinds is None:
        raise ProblemError("bad_request", f"Putusan {verdict} tidak dikenal di sini.")
    fitting = [c for c in shown.data["conflicts"] if c["kind"] in kinds and _names(c, path)]
    if len(fitting) != 1:
        raise ProblemError("not_found", f"Ada {len(fitting)} pertentangan yang cocok untuk {verdict}; sebutkan satu.")
    body: dict[str, Any] = {"type": verdict, "covers": _covers(fitting[0]["heads"])}
    if verdict in ROSTER_VERDICTS:
        body["persons"] = fitting[0]["keys"]
    if verdict == "keep_filled":
        body["target"] = fitting[0]["heads"][0]["ref"]
    return desk.record("verdict", [shown], body, parts=comment_parts(comment))


def pair_persons(desk: Desk, household_id: str, keys: Sequence[str], verdict: str, comment: str = "") -> str:
    """Say of two or more members of a household that they are one person, or that they are not."""
    shown = desk.show(household_id, "verdict")
    known = {key for person in shown.data["persons"] for key in person["keys"]}
    if verdict not in ROSTER_VERDICTS or len(set(keys)) < 2 or not set(keys) <= known:
        raise ProblemError("bad_request", "Sebutkan paling sedikit dua anggota keluarga ini.")
    body = {"type": verdict, "covers": [], "persons": sorted(set(keys))}
    return desk.record("verdict", [shown], body, parts=comment_parts(comment))


def settle_nik(
    desk: Desk,
    case: Mapping[str, Any],
    verdict: str,
    *,
    person: tuple[str, str] | None = None,
    to: str | None = None,
    comment: str = "",
) -> str:
    """A verdict on a NIK that stands in two places.

    `case`: the NIK's case as shown (households, persons, heads). `person`: `(household id, person key)` that has the
    wrong NIK or that moved. `to`: the household it moved to.
    """
    if verdict not in NIK_VERDICTS:
        raise ProblemError("bad_request", f"Putusan {verdict} bukan putusan NIK.")
    if not case["persons"]:
        raise ProblemError("bad_request", "NIK ini dipakai terlalu banyak orang; perbaiki NIK pada tiap keluarga.")
    shown = [desk.show(household, "verdict") for household in case["households"]]
    body: dict[str, Any] = {"type": verdict, "covers": [dict(head) for head in case["heads"]]}
    if verdict not in ("wrong_nik", "moved"):
        return desk.record("verdict", shown, body, parts=comment_parts(comment))
    persons = [(str(household), str(key)) for household, key in case["persons"]]
    if person is None or tuple(person) not in persons:
        raise ProblemError("bad_request", "Sebutkan orang yang dimaksud dari perkara NIK ini.")
    shown.sort(key=lambda each: each.household_id != person[0])
    body["persons"] = [person[1]]
    if verdict == "wrong_nik":
        text = {"comment": comment} if comment else {}
        return desk.record(
            "verdict", shown, body, parts=[Part(f"p/{person[1]}", {"nik": Assertion(None, "cleared", 1)}, text)]
        )
    if to is None or to == person[0] or to not in case["households"]:
        raise ProblemError("bad_request", "Sebutkan keluarga tujuan dari perkara NIK ini.")
    body["moves"] = [{"person": person[1], "to": to}]
    there = [key for household, key in persons if household == to and key != person[1]]
    with desk.store.db.transaction():
        ref = desk.record("verdict", shown, body, parts=comment_parts(comment))
        if len(there) == 1:
            # The one who moved and the one who was found there are one person: else the new family would list two.
            arrived = [each for each in shown if each.household_id == to]
            same = {"type": "same_person", "covers": [], "persons": sorted([person[1], there[0]])}
            desk.record("verdict", arrived, same, parts=comment_parts(comment))
    return ref


def ratify(
    desk: Desk,
    household_ids: Sequence[str],
    minutes: Mapping[str, str],
    decree: Mapping[str, str] | None = None,
    batch: str | None = None,
) -> list[str]:
    """Put approved households under village minutes and, where there is one, a decree: all of them or none."""
    paper = {"minutes": _paper(minutes)} | ({"decree": _paper(decree)} if decree else {})
    named = [desk.show(household, "ratify") for household in household_ids]
    records = list({each.household_id: each for each in named}.values())
    if not records:
        raise ProblemError("bad_request", "Sebutkan keluarga yang ditetapkan.")
    not_ready = [each.household_id for each in records if each.stored.state != "approved"]
    if not_ready:
        raise ProblemError("wrong_state", f"Belum disetujui: {', '.join(not_ready[:5])} ({len(not_ready)} keluarga).")
    refs = []
    with desk.store.db.transaction():
        for shown in records:
            body: dict[str, Any] = {"delivery_digest": shown.stored.delivery_digest, **paper}
            body |= {"batch": batch} if batch else {}
            refs.append(desk.record("ratification", [shown], body))
    return refs


def _paper(paper: Mapping[str, str]) -> dict[str, str]:
    """Number and date of minutes or of a decree."""
    if not paper["number"].strip():
        raise ProblemError("bad_request", "Nomor berita acara atau SK kosong.")
    return {"number": paper["number"].strip(), "date": _date(paper["date"])}


def _same_screen(shown: Shown, seen_digest: str | None) -> None:
    if seen_digest is None:
        return
    if len(seen_digest) < BEGINNING_MIN:
        raise ProblemError("bad_request", f"Sidik data {seen_digest!r} terlalu pendek: tulis {BEGINNING_MIN} angka.")
    if not shown.stored.data_digest.startswith(seen_digest):
        raise ProblemError("changed_meanwhile", "Catatan berubah sejak dilihat; buka lagi lalu putuskan.")


def _conflict(shown: Shown, path: str) -> Mapping[str, Any]:
    fields = [c for c in shown.data["conflicts"] if c["kind"] == "field"]
    for conflict in fields:
        if path == conflict["path"] or path in {head["path"] for head in conflict["heads"]}:
            return dict(conflict)
    bare = [conflict for conflict in fields if path == conflict["path"].rpartition("/")[2]]
    if len(bare) == 1:
        return dict(bare[0])
    known = ", ".join(conflict["path"] for conflict in fields) or "tidak ada"
    raise ProblemError("not_found", f"Tidak ada pertentangan pada {path}. Yang terbuka: {known}.")


def _written(desk: Desk, conflict: Mapping[str, Any], assertions: Mapping[str, Assertion]) -> None:
    """What a supervisor wrote must answer the questions that are disputed, and be an answer of their type."""
    known = sorted({head["path"].rpartition("/")[2] for head in conflict["heads"]})
    if not assertions or not set(assertions) <= set(known):
        raise ProblemError("bad_request", f"Tulis nilai untuk: {', '.join(known)}.")
    scope = conflict["path"][:1]
    for name, item in assertions.items():
        question = desk.dictionary().field(scope, name)
        if item.state is not None and item.state not in STATES:
            raise ProblemError("bad_request", f"{name}: keadaan yang ada: {', '.join(sorted(STATES))}.")
        if question is None or item.state is not None:
            continue
        wrong = value_error(question, item.value)
        if wrong is None and unknown_choice(question, item.value) is not None:
            wrong = f"pilihan yang ada: {', '.join(sorted(question.codes))}"
        if wrong is not None:
            raise ProblemError("bad_request", f"{name} ({question.type}): {wrong}.")


def _typed(question: Field | None, said: Any) -> Any:
    """A value as written on a command line, in the type of its question. What does not fit stays as it is."""
    if question is not None and isinstance(said, str):
        if question.type == "integer" and said.strip().lstrip("-").isdecimal():
            return int(said)
        if question.type == "select_multiple":
            return sorted(set(said.replace(",", " ").split()))
    return said


def _question_path(desk: Desk, shown: Shown, path: str) -> str:
    """The path of a question of this record; a bare name is one of the household's. An officer finds a comment only
    where the tablet has the question."""
    part, _, name = path.rpartition("/")
    part = part or "h"
    people = {f"p/{key}" for person in shown.data["persons"] for key in person["keys"]}
    if part != "h" and part not in people:
        raise ProblemError(
            "bad_request", f"{path}: bagian {part} tidak ada pada catatan ini. Lihat: padan review show."
        )
    if desk.dictionary().field(part[:1], name) is None:
        raise ProblemError("bad_request", f"{path}: pertanyaan {name} tidak ada pada formulir.")
    return desk.dictionary().present_path(f"{part}/{name}")


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ProblemError("bad_request", f"{text!r}: tulis tanggal seperti 2026-11-21.") from None


def _names(conflict: Mapping[str, Any], path: str) -> bool:
    return (
        not path
        or path == conflict.get("path")
        or path in conflict.get("keys", ())
        or (len(path) >= BEGINNING_MIN and any(head["ref"].startswith(path) for head in conflict["heads"]))
    )


def _covers(heads: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    return [{"ref": ref, "path": path} for ref, path in sorted({(head["ref"], head["path"]) for head in heads})]
