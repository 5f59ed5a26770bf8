"""What officers do: visits, corrections, change events; forms filled in as far as the form demands."""

from __future__ import annotations

import contextlib
import random
from typing import Any

from e2e_forms import in_words_of

from field_forms.client import FieldClient
from field_forms.client.answers_file import FileProblem, fill_from
from field_forms.client.draft import AnswerProblem, Draft
from field_forms.client.opening import OpeningProblem
from field_forms.client.sealing_draft import NotSealed
from schemas.changes import ChangeProblem

PEOPLE = ("MAIMUNAH", "SUHARTO BIN ALI", "RATNA DEWI", "ABDUL KADIR", "SITI ZUBAIDAH", "TOMI SAPUTRA")
CHANGES = ("birth", "death", "move_out", "move_in", "split", "correction", "work_accident")
REFUSED = (OpeningProblem, NotSealed, AnswerProblem, FileProblem, ChangeProblem)


def value_for(draft: Draft, path: str, rng: random.Random) -> Any:
    """Something a question accepts."""
    question = draft.form.by_name[path.rpartition("/")[2]]
    if question.type.startswith("select"):
        codes = [choice.name for choice in question.choices] or ["19037100000000"]
        return [codes[0]] if question.type == "select_multiple" else codes[0]
    return {
        "integer": 1, "decimal": "1.5", "date": draft.filled.today, "time": "08:30",
        "geopoint": {"lat": -2860191, "lon": 106632589 + rng.randint(0, 50), "acc_dm": 40},
        "text": "Cerita yang cukup panjang untuk diterima",
    }.get(question.type)  # fmt: skip


def complete(client: FieldClient, draft: Draft, rng: random.Random) -> bool:
    """Answer what still blocks the form; whether nothing does any more."""
    for _ in range(60):
        blocking = [remark for remark in draft.filled.remarks() if remark.blocks]
        if not blocking:
            return True
        for remark in blocking[:8]:
            try:
                draft.answer(remark.path, value_for(draft, remark.path, rng))
            except AnswerProblem:
                draft.answer(remark.path, state="unknown")
    return False


def short_visit(client: FieldClient, household: str | None, rng: random.Random, area: str | None = None) -> Draft:
    """An incomplete visit with a few answers, not sealed."""
    draft = client.open_draft(household, area=area)
    home = {
        "visit_outcome": "02", "outcome_note": "kartu belum lengkap", "notice_ack": "1", "resp_name": "Rusli",
        "resp_relation": "1", "address": f"Dusun {rng.randint(1, 4)}", "rt": f"00{rng.randint(1, 3)}", "rw": "001",
    }  # fmt: skip
    client.answer_all(draft, {f"h/{name}": value for name, value in home.items()})
    if not draft.persons or rng.random() < 0.1:
        key = client.add_member(draft)
        name = rng.choice(PEOPLE)
        nik = f"190301{rng.randint(1, 28):02d}0580{rng.randint(1, 30):04d}"
        said = {"m_name": name, "presence": "1", "nik_status": "1", "nik": nik, "relation": "1"}
        client.answer_all(draft, {f"p/{key}/{field}": value for field, value in said.items()})
    for key in draft.persons:
        roll = rng.random()
        said = {"presence": "1"}
        if roll < 0.1:
            said = {"presence": "2", "death_date": draft.filled.today}
        elif roll < 0.15:
            said = {"presence": "3"}
        elif roll < 0.35:
            said |= {"birth_date": f"19{rng.randint(60, 99)}-03-0{rng.randint(1, 9)}", "birth_date_src": "1"}
        with contextlib.suppress(AnswerProblem):
            client.answer_all(draft, {f"p/{key}/{field}": value for field, value in said.items()})
    return draft


def full_visit(client: FieldClient, truth: dict[str, Any]) -> Draft:
    """The form as found at the house, not sealed."""
    draft = client.open_draft(truth["household_id"])
    with client.store.transaction():
        fill_from(client, draft, in_words_of(client, draft, truth["visits"][0]["form"]), client.home)
    return draft


def change(client: FieldClient, household: str, kind: str, rng: random.Random, to: str | None) -> str | None:
    """Report a change; the ref, or None where this family has nobody for it."""
    shown = client.open_draft(household)
    persons = sorted(shown.persons)
    client.discard(shown)
    if kind in ("death", "correction", "move_out", "split", "work_accident"):
        if not persons:
            return None
        chosen = [rng.choice(persons)]
    else:
        chosen = []
    options: dict[str, Any] = {}
    if kind == "move_out" and to is not None:
        options["to_household"] = to
    if kind == "move_in" and to is not None:
        other = client.open_draft(to)
        there = sorted(other.persons)
        client.discard(other)
        if there:
            chosen, options["from_household"] = [rng.choice(there)], to
    draft = client.open_change(household, kind, persons=chosen, **options)
    today = draft.filled.today
    answers = {"event_date": today, "reporter": "Ketua RT", "doc_seen": rng.choice(["1", "3"])}
    answers |= _answers_of(kind, bool(chosen), rng, today)
    for name, value in answers.items():
        if name in draft.form.by_name:
            draft.answer(f"e/{name}", value)
    if not complete(client, draft, rng):
        raise AssertionError(f"a {kind} that cannot be completed: {draft.filled.remarks()}")
    return client.seal(draft)


def _answers_of(kind: str, known: bool, rng: random.Random, today: str) -> dict[str, Any]:
    newcomer = {"subject_name": rng.choice(PEOPLE), "subject_sex": "2", "subject_relation": "3"}
    if kind == "birth":
        return newcomer
    if kind == "move_in":
        return {"subject_listed": "1"} if known else newcomer | {"subject_birth_date": "1990-01-01"}
    if kind == "correction":
        name, value = rng.choice([("name", "NAMA BARU"), ("address", "Jl. Baru"), ("birth_date", "1985-05-05")])
        return {"corr_field": name, "corr_value": value}
    return {
        "death": {"death_cause": "1"},
        "move_out": {"move_scope": rng.choice(["1", "6"])},
        "work_accident": {"acc_time": "10:00", "acc_place": "sawah", "acc_effect": "1"},
    }.get(kind, {})  # fmt: skip
