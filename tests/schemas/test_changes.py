"""Change events: what each type asserts, with household and persons from the app's context."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from field_forms.built import built_definitions, built_dictionary
from schemas.bodies import body_problem
from schemas.changes import Change, ChangeContext, ChangeProblem, Known, change_assertions
from schemas.event import Assertion
from schemas.form import FormDefinition

TODAY = "2026-11-21"
HOME, OTHER, PERSON = (str(uuid.uuid5(uuid.NAMESPACE_DNS, name)) for name in ("home", "other", "person"))
KEY = f"{HOME}/{PERSON}"
REF = "a" * 32


@pytest.fixture(scope="module")
def form() -> FormDefinition:
    return next(f for f in built_definitions() if f.id == "perubahan")


def change(form: FormDefinition, context: ChangeContext, **answers: Any) -> Change:
    given = {"village_code": "19.03.01.1001", "event_date": "2026-11-20", "reporter": "Ketua RT", **answers}
    made = change_assertions(form, given, context, built_dictionary(), TODAY)
    assert body_problem("change", made.body) is None
    for part in made.parts:
        if part.name.startswith("p/"):
            assert all(built_dictionary().field("p", name) for name in part.assertions)
    return made


def part(made: Change, name: str) -> dict[str, Assertion]:
    return next((dict(p.assertions) for p in made.parts if p.name == name), {})


def values(made: Change, name: str) -> dict[str, Any]:
    return {field: assertion.value for field, assertion in part(made, name).items()}


def test_a_person_without_nik_can_die(form: FormDefinition) -> None:
    made = change(form, ChangeContext(HOME, (KEY,)), event_type="death", death_cause="1", doc_seen="2")
    assert values(made, f"p/{KEY}") == {"presence": "2", "death_date": "2026-11-20"}
    assert part(made, f"p/{KEY}")["presence"].evidence == 2
    assert values(made, "e")["death_cause"] == "1"
    assert made.body == {"type": "death", "person": KEY}


def test_a_death_needs_the_app_to_say_who(form: FormDefinition) -> None:
    with pytest.raises(ChangeProblem, match="yang meninggal"):
        change(form, ChangeContext(HOME), event_type="death", death_cause="1")


def test_a_birth_makes_a_new_person(form: FormDefinition) -> None:
    made = change(
        form, ChangeContext(HOME, new_person_id=PERSON), event_type="birth", subject_name="Bunga Melati",
        subject_sex="2", subject_relation="3", doc_seen="1", corr_value="ignored: not relevant",
    )  # fmt: skip
    assert values(made, f"p/{KEY}") == {
        "m_name": "Bunga Melati", "sex": "2", "birth_date": "2026-11-20", "relation": "3", "presence": "5",
        "nik_status": "3", "no_nik_reason": "1",
    }  # fmt: skip
    assert part(made, f"p/{KEY}")["m_name"].evidence == 3
    assert "corr_value" not in values(made, "e")


def test_a_birth_with_a_nik_keeps_it(form: FormDefinition) -> None:
    made = change(
        form, ChangeContext(HOME, new_person_id=PERSON), event_type="birth", subject_name="Bayi",
        subject_sex="1", subject_relation="3", child_nik="1903012011260001",
    )  # fmt: skip
    assert values(made, f"p/{KEY}")["nik"] == "1903012011260001"
    assert values(made, f"p/{KEY}")["nik_status"] == "2"


@pytest.mark.parametrize(("scope", "presence"), [("3", "3"), ("6", "4")])
def test_moving_out_leaves_the_household(form: FormDefinition, scope: str, presence: str) -> None:
    made = change(form, ChangeContext(HOME, (KEY,)), event_type="move_out", move_scope=scope)
    assert values(made, f"p/{KEY}") == {"presence": presence}
    assert made.body == {"type": "move_out", "moves": [{"person": KEY, "to": "outside"}]}


KNOWN = {
    f"p/{KEY}/m_name": Known("Siti", REF, 3),
    f"p/{KEY}/nik": Known("1903015708900001", REF, 5),
    f"p/{KEY}/presence": Known("1", REF),
    "h/address": Known("Dusun A", "b" * 32),
    "h/rt": Known("001", "c" * 32),
    "h/no_kk": Known("1903010101100001", REF),
}


def test_moving_to_a_listed_household_carries_the_persons_values(form: FormDefinition) -> None:
    context = ChangeContext(HOME, (KEY,), to_household=OTHER, known=KNOWN)
    made = change(form, context, event_type="move_out", move_scope="1")
    assert values(made, f"p/{KEY}") == {"m_name": "Siti", "nik": "1903015708900001", "presence": "5"}
    assert part(made, f"p/{KEY}")["nik"].evidence == 4, "5 is for outside answers only"
    assert made.body["moves"] == [{"person": KEY, "to": OTHER}]
    assert made.also == (OTHER,)


def test_arriving_from_a_listed_household_is_filed_under_both(form: FormDefinition) -> None:
    key = f"{OTHER}/{PERSON}"
    context = ChangeContext(HOME, (key,), from_household=OTHER)
    made = change(form, context, event_type="move_in", subject_listed="1", new_no_kk="1903010101100002")
    assert made.body["moves"] == [{"person": key, "to": HOME}]
    assert made.also == (OTHER,)
    assert values(made, "h") == {"no_kk": "1903010101100002"}


def test_somebody_nobody_has_on_record_can_arrive(form: FormDefinition) -> None:
    made = change(
        form, ChangeContext(HOME, new_person_id=PERSON), event_type="move_in", subject_name="Rohani",
        subject_sex="2", subject_birth_date="1970-01-01", subject_relation="6", subject_nik="1903014101700001",
    )  # fmt: skip
    assert values(made, f"p/{KEY}")["birth_date"] == "1970-01-01"
    assert values(made, f"p/{KEY}")["presence"] == "5"


def test_a_family_on_no_list_can_move(form: FormDefinition) -> None:
    context = ChangeContext(HOME, new_person_id=PERSON)
    made = change(form, context, event_type="move_out", move_scope="5", subject_name="Zulkifli")
    assert values(made, f"p/{KEY}") == {"m_name": "Zulkifli", "presence": "3"}
    assert "family_id" not in values(made, "e")


def test_a_split_takes_persons_to_a_new_household(form: FormDefinition) -> None:
    context = ChangeContext(HOME, (KEY,), to_household=OTHER, known=KNOWN)
    made = change(form, context, event_type="split", new_no_kk="1903010101200009")
    assert made.body["moves"] == [{"person": KEY, "to": OTHER}]
    assert values(made, f"p/{KEY}")["presence"] == "1"
    assert values(made, "e")["new_no_kk"] == "1903010101200009"
    for wrong in (ChangeContext(HOME, (KEY,)), ChangeContext(HOME, (KEY,), to_household=HOME)):
        with pytest.raises(ChangeProblem, match="Keluarga baru"):
            change(form, wrong, event_type="split")


@pytest.mark.parametrize(
    ("what", "value", "field"),
    [("nik", "1903015708900002", "nik"), ("name", "Siti Aminah", "m_name"), ("sex", "1", "sex")],
)
def test_a_correction_names_what_it_corrects(form: FormDefinition, what: str, value: str, field: str) -> None:
    context = ChangeContext(HOME, (KEY,), known=KNOWN)
    made = change(form, context, event_type="correction", corr_field=what, corr_value=value, doc_seen="1")
    corrects = REF if f"p/{KEY}/{field}" in KNOWN else None
    assert part(made, f"p/{KEY}") == {field: Assertion(value, evidence=3, corrects=corrects)}


def test_correcting_one_question_of_a_unit_asserts_the_unit_whole(form: FormDefinition) -> None:
    context = ChangeContext(HOME, known=KNOWN)
    made = change(form, context, event_type="correction", corr_field="address", corr_value="Dusun B")
    assert part(made, "h") == {
        "address": Assertion("Dusun B", evidence=1, corrects="b" * 32),
        "rt": Assertion("001", evidence=1, corrects="c" * 32),
    }


def test_a_work_accident_is_kept_and_changes_nothing(form: FormDefinition) -> None:
    made = change(
        form, ChangeContext(HOME, (KEY,)), event_type="work_accident", acc_time="09:30", acc_place="Kebun",
        acc_story="Jatuh dari pohon kelapa", acc_effect="2",
    )  # fmt: skip
    assert [p.name for p in made.parts] == ["e"]
    assert made.body == {"type": "work_accident", "person": KEY}


def test_a_state_instead_of_an_answer_is_kept(form: FormDefinition) -> None:
    made = change(form, ChangeContext(HOME, (KEY,)), event_type="death", death_cause={"state": "unknown"})
    assert part(made, "e")["death_cause"] == Assertion(state="unknown", evidence=1)


def test_an_unknown_type_of_change_is_refused(form: FormDefinition) -> None:
    with pytest.raises(ChangeProblem, match="tidak dikenal"):
        change(form, ChangeContext(HOME), event_type="wedding")
