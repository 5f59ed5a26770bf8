"""The tablet's form says the same as the Python field client: same fillings, same parts, byte for byte.

On the tablet the engine evaluates the XForm; in Python our own evaluator reads the definition. Where the two disagree
about relevance, a constraint or a unit, a part or a remark differs here.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
from form_world import HOUSEHOLD, OPENED, person, some_answers

from field_forms.client.filling import Filled
from schemas.bodies import CHANGE_TYPES
from schemas.canonical import canonical_bytes
from schemas.changes import ChangeContext, ChangeProblem, Known, change_assertions
from schemas.event import Part
from schemas.form import Dictionary, FormDefinition

SEED = 20261121
FILLINGS = 40
REF = "a" * 32


def compiled_request(compiled: Any, filling: dict[str, Any], corrects: dict[str, str] | None) -> dict[str, Any]:
    """A request whose draft holds the filling."""
    draft = {"formVersion": compiled.definition.version, "instance": {"v": 1, "filling": filling}, "place": None}
    return {"definition": compiled.definition.to_json(), "xform": compiled.xform, "draft": draft, "corrects": corrects}


def filling(answers: dict[str, Any], prefill: dict[str, Any], persons: list[str]) -> dict[str, Any]:
    """What the tablet saves of a filling."""
    return {
        "opened": OPENED, "answers": answers, "prefill": prefill, "typed": {}, "kept": {},
        "rows": {"/data/member h": [f"p/{key}" for key in persons]},
    }  # fmt: skip


def lively(form: FormDefinition, answers: dict[str, Any], persons: list[str], chance: random.Random) -> None:
    """Most visits meet the family: otherwise nothing below the first page is asked."""
    if chance.random() < 0.85:
        answers["h/visit_outcome"] = {"value": chance.choice(("01", "01", "01", "02"))}
        answers["h/notice_ack"] = {"value": "1"}
        for key in persons:
            if chance.random() < 0.8:
                answers[f"p/{key}/presence"] = {"value": chance.choice(("1", "5"))}


def python_says(filled: Filled, corrects: dict[str, str] | None) -> tuple[list[bytes], set[tuple[str, bool]]]:
    """Canonical parts in their order, and remarks as (path, blocks)."""
    chosen = filled.assertions(corrects)
    said = [canonical_bytes({"name": name, **Part(name, fields).content()}) for name, fields in chosen.items()]
    return said, {(remark.path, remark.blocks) for remark in filled.remarks()}


def tablet_says(outcome: dict[str, Any]) -> tuple[list[bytes], set[tuple[str, bool]]]:
    parts = [canonical_bytes(part) for part in outcome["sealed"]["parts"]]
    return parts, {(remark["path"], remark["blocks"]) for remark in outcome["remarks"]}


ONLY_ON_THE_TABLET = {
    "nik_twice", "age_over_100", "nik_prefix_elsewhere", "kk_prefix_elsewhere", "kk_date", "kk_looks_like_nik",
    "choice",
}  # fmt: skip
"""Remarks that need more than the Python client looks at, or a list that it has not."""


@pytest.mark.parametrize("number", range(FILLINGS))
def test_a_filling_says_the_same_on_tablet_and_in_python(module_page, visit, number):
    chance = random.Random(SEED + number)
    form = visit.definition
    persons = [person(each) for each in range(chance.randint(0, 3))]
    prefill = some_answers(form, persons, chance, 0.5)
    answers = some_answers(form, persons, chance, chance.choice((0.1, 0.5, 0.9)))
    lively(form, answers, persons, chance)
    corrects = dict.fromkeys(answers, REF) if number % 5 == 0 else None
    filled = Filled(form, answers, prefill, persons, OPENED)
    request = compiled_request(visit, filling(answers, prefill, persons), corrects)
    outcome = module_page.evaluate("given => tests.fill(given)", {"request": request})
    outcome["remarks"] = [each for each in outcome["remarks"] if each["code"] not in ONLY_ON_THE_TABLET]
    assert outcome["broken"] is None
    parts, remarks = python_says(filled, corrects)
    assert tablet_says(outcome)[0] == parts, f"seed {SEED + number}"
    assert tablet_says(outcome)[1] == remarks, f"seed {SEED + number}"


@pytest.mark.parametrize("number", range(FILLINGS // 2))
def test_answering_step_by_step_ends_where_a_reopened_draft_begins(module_page, visit, number):
    chance = random.Random(SEED - number)
    form = visit.definition
    persons = [person(each) for each in range(2)]
    prefill = some_answers(form, persons, chance, 0.4)
    answers = some_answers(form, persons, chance, 0.6)
    lively(form, answers, persons, chance)
    before = some_answers(form, persons, chance, 0.5)
    steps: list[Any] = [[path, answer] for path, answer in answers.items()]
    steps += [[path, None] for path in before if path not in answers]
    chance.shuffle(steps)
    request = compiled_request(visit, filling(before, prefill, persons), None)
    outcome = module_page.evaluate("given => tests.fill(given)", {"request": request, "steps": steps})
    filled = Filled(form, answers, prefill, persons, OPENED)
    assert tablet_says(outcome)[0] == python_says(filled, None)[0], f"seed {SEED - number}"
    assert outcome["sealed"]["kind"] == "submission" and HOUSEHOLD not in outcome["sealed"]["area"]


KINDS = sorted(CHANGE_TYPES)
TARGET = "22222222-2222-4222-8222-222222222222"


def change_context(kind: str, chance: random.Random) -> ChangeContext:
    """What the app knows of a change: sometimes a person too few or too many."""
    count = chance.choice((0, 1, 1, 2)) if kind not in ("birth",) else 0
    persons = tuple(person(each) for each in range(count))
    names = ("m_name", "nik", "sex", "birth_date", "phone")
    known = {
        f"p/{key}/{name}": Known(chance.choice(("x", "1", "")), chance.choice((None, REF)), chance.randint(0, 5))
        for key in persons for name in names if chance.random() < 0.8
    }  # fmt: skip
    known |= {f"h/{name}": Known("Jl. 1", chance.choice((None, REF)), 1) for name in ("address", "rt", "no_kk")}
    return ChangeContext(
        household_id=HOUSEHOLD,
        persons=persons,
        new_person_id=None if persons else "33333333-3333-4333-8333-333333333333",
        to_household=chance.choice((None, TARGET)) if kind in ("move_out", "split") else None,
        from_household=chance.choice((None, TARGET, HOUSEHOLD)) if kind == "move_in" else None,
        known=known,
    )


def change_target(kind: str, context: ChangeContext, visit: Any) -> dict[str, Any]:
    """The same as the shell hands it over."""
    known = {path: {"value": each.value, "ref": each.ref, "evidence": each.evidence}
             for path, each in context.known.items()}  # fmt: skip
    return {
        "kind": kind, "persons": list(context.persons), "newPerson": context.new_person_id,
        "to": context.to_household, "from": context.from_household, "known": known,
        "regions": {TARGET: "19.03"}, "visitForm": visit.definition.to_json(),
    }  # fmt: skip


@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize("kind", KINDS)
def test_a_change_says_the_same_on_tablet_and_in_python(module_page, visit, change, kind, number):
    chance = random.Random(f"{kind} {number}")
    form = change.definition
    answers = some_answers(form, [], chance, 0.8) | {"e/event_type": {"value": kind}}
    if chance.random() < 0.5:
        answers["e/subject_listed"] = {"value": "2"}
    context = change_context(kind, chance)
    given = {path[2:]: a.get("value", a) for path, a in answers.items()}
    dictionary = Dictionary.of([visit.definition, form])
    request = compiled_request(change, filling(answers, {}, []), None) | {"change": change_target(kind, context, visit)}
    sealed = module_page.evaluate("given => tests.fill(given)", {"request": request})["sealed"]
    try:
        said = change_assertions(form, given, context, dictionary, OPENED)
    except ChangeProblem:
        assert "problem" in sealed
        return
    assert sealed["kind"] == "change" and sealed["body"] == said.body
    assert [each["household_id"] for each in sealed["also"]] == list(said.also)
    assert [canonical_bytes(part) for part in sealed["parts"]] == [
        canonical_bytes({"name": part.name, **part.content()}) for part in said.parts
    ]
