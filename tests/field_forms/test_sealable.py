"""A moved, a declining and an empty household can each be sealed, and so can an incomplete interview."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from field_forms.built import built_definitions
from field_forms.client.filling import Filled
from schemas.form import FormDefinition

TODAY = "2026-11-21"
MEMBER = "/".join(str(uuid.uuid5(uuid.NAMESPACE_DNS, name)) for name in ("home", "person"))


@pytest.fixture(scope="module")
def form() -> FormDefinition:
    return next(f for f in built_definitions() if f.id == "verifikasi_keluarga")


VISIT = {
    "village_code": "19.03.01.1001", "prelist_mode": "1", "family_id": "P3KE-1", "visit_no": 1, "visit_date": TODAY,
}  # fmt: skip


def filled(form: FormDefinition, members: tuple[dict[str, Any], ...] = (), **household: Any) -> Filled:
    answers = {f"h/{name}": _answer(value) for name, value in (VISIT | household).items()}
    persons = [MEMBER[:-1] + format(index, "x") for index in range(len(members))]
    for key, member in zip(persons, members, strict=True):
        answers |= {f"p/{key}/{name}": _answer(value) for name, value in member.items()}
    return Filled(form, answers, {}, persons, TODAY)


def _answer(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) and "state" in value else {"value": value}


def blocking(state: Filled) -> list[str]:
    return [remark.path for remark in state.remarks() if remark.blocks]


@pytest.mark.parametrize(
    "answers",
    [
        {"visit_outcome": "03", "outcome_note": "Rumah kosong", "revisit_date": "2026-11-25"},
        {"visit_outcome": "04", "outcome_note": "Menolak diwawancara"},
        {"visit_outcome": "05", "outcome_note": "Pindah ke Toboali", "informant": "Ketua RT", "moved_scope": "3"},
        {"visit_outcome": "06", "outcome_note": "Semua meninggal", "informant": "Tetangga"},
        {"visit_outcome": "07", "outcome_note": "Ganda", "informant": "Ketua RT", "duplicate_of": "P3KE-9"},
        {"visit_outcome": "08", "outcome_note": "Tidak dikenal", "informant": "Ketua RT"},
        {"visit_outcome": "09", "outcome_note": "Rumah sudah dibongkar"},
        {"visit_outcome": "10", "outcome_note": "Ikut KK anaknya"},
    ],
    ids=lambda answers: f"outcome {answers['visit_outcome']}",
)
def test_a_family_that_was_not_interviewed_can_be_sealed(form: FormDefinition, answers: dict[str, Any]) -> None:
    assert blocking(filled(form, **answers)) == []


def test_each_of_those_answers_is_needed(form: FormDefinition) -> None:
    assert blocking(filled(form, visit_outcome="05")) == ["h/informant", "h/outcome_note", "h/moved_scope"]
    assert blocking(filled(form)) == ["h/visit_outcome", "h/outcome_note"]


@pytest.mark.parametrize("outcome", ["01", "02"])
def test_a_respondent_who_does_not_agree_ends_the_form_and_nothing_blocks(form: FormDefinition, outcome: str) -> None:
    note = {"outcome_note": "Tidak bersedia"} if outcome == "02" else {}
    gps = {"gps_home": {"state": "declined"}} if outcome == "01" else {}
    state = filled(form, visit_outcome=outcome, notice_ack="2", **note, **gps)
    assert blocking(state) == []
    household = form.by_name["kk_status"]
    assert not state.relevant("h", household)
    assert [row.name for row in state.notes("h")] == ["notice", "declined_note"]


def test_an_incomplete_interview_is_sealed_with_what_there_is(form: FormDefinition) -> None:
    member = {"m_name": "Zulkifli", "presence": "1", "nik_status": "3"}
    state = filled(
        form, (member,), visit_outcome="02", outcome_note="Responden pergi", notice_ack="1", resp_name="Zul",
        resp_relation="1",
    )  # fmt: skip
    assert blocking(state) == []


def complete_house() -> dict[str, Any]:
    return {
        "visit_outcome": "01", "notice_ack": "1", "resp_name": "Rusli", "resp_relation": "1", "kk_status": "3",
        "gps_home": {"lat": -2_990_000, "lon": 106_450_000, "acc_dm": 60}, "head_name": "Rusli", "address": "Dusun A",
        "domicile_match": "1", "family_size": 0, "house_tenure": "2", "floor_area_m2": 30, "floor_type": "6",
        "wall_type": "3", "roof_type": "3", "water_source": "1", "lighting": "4", "cooking_fuel": "10", "toilet": "6",
        "septic": "5", "prog_1y": ["none"], "assets": ["none"], "has_land": "2", "has_house2": "2", "internet": "0",
        "account": "4", "assessment": "1", "assess_reason": ["rumah"],
    }  # fmt: skip


def test_an_interviewed_household_without_members_can_be_sealed(form: FormDefinition) -> None:
    assert blocking(filled(form, **complete_house())) == []


def test_a_complete_interview_asks_for_everything(form: FormDefinition) -> None:
    missing = complete_house()
    del missing["roof_type"]
    del missing["address"]
    assert blocking(filled(form, **missing)) == ["h/address", "h/roof_type"]


def test_a_state_answers_a_required_question(form: FormDefinition) -> None:
    house = complete_house() | {"address": {"state": "declined"}}
    assert blocking(filled(form, **house)) == []


def test_a_malformed_nik_warns_and_does_not_block(form: FormDefinition) -> None:
    member = {
        "m_name": "Asmawati", "presence": "2", "nik_status": "1", "nik": "1903010000000000", "sex": "2",
        "birth_date": "1990-08-17", "birth_date_src": "1",
    }  # fmt: skip
    state = filled(form, (member,), **complete_house())
    remarks = [remark for remark in state.remarks() if remark.path.endswith("/nik")]
    assert remarks and not any(remark.blocks for remark in remarks)
    assert blocking(state) == []
    part = f"p/{MEMBER[:-1]}0"
    assert "nik_malformed" in [row.name for row in state.notes(part)]


def test_a_nik_that_disagrees_with_the_birth_date_shows_the_note(form: FormDefinition) -> None:
    member = {"m_name": "A", "presence": "1", "nik_status": "1", "sex": "2", "birth_date": "1990-08-17"}
    part = f"p/{MEMBER[:-1]}0"
    right = filled(form, (member | {"nik": "1903015708900001"},), **complete_house())
    wrong = filled(form, (member | {"nik": "1903011708900001"},), **complete_house())
    assert [row.name for row in right.notes(part)] == []
    assert [row.name for row in wrong.notes(part)] == ["nik_mismatch"]
