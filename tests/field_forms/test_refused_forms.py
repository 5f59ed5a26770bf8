"""A form that is not right is not published: the row and the reason are named."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sheet_edits import added, edited, newer, only, row_of, without

from field_forms.built import built_definitions, source_folder
from field_forms.check import check_reading
from field_forms.compile import CompiledForm, check_form, compile_form
from field_forms.form_problem import FormRefused
from field_forms.publish import prepare_sheet, publish
from field_forms.rows import definition_of, read_rows
from field_forms.sheet import Sheet, SheetRow, read_sheet
from schemas.form import Dictionary, FormDefinition


@pytest.fixture(scope="module")
def sheet() -> Sheet:
    return read_sheet(source_folder("verifikasi_keluarga"))


@pytest.mark.parametrize(
    ("name", "cells", "code", "column", "words"),
    [
        ("nik", {"relevant": "${nik_status} ="}, "expression", "relevant", "huruf ke-16"),
        ("nik", {"relevant": "${nik_statu}='1'"}, "unknown_reference", "relevant", "${nik_statu}"),
        ("rt", {"constraint": "regex(., '^[0-9$')"}, "expression", "constraint", "tidak ditutup"),
        ("rt", {"constraint": "now() > 1"}, "expression", "constraint", "now()"),
        ("rt", {"relevant": ". = 1"}, "dot", "relevant", "titik"),
        ("rt", {"relevant": "${rt}='1'"}, "loop", "relevant", "dirinya sendiri"),
        ("age", {"calculation": "${nik_exp} + ${age}"}, "loop", "relevant", "dirinya sendiri"),
        ("family_id", {"choice_filter": "village_code=${desa}"}, "unknown_reference", "choice_filter", "${desa}"),
        ("rt", {"policy": "newest"}, "unknown_policy", "policy", "'newest'"),
        ("rt", {"sensitivity": "secret"}, "unknown_sensitivity", "sensitivity", "'secret'"),
        ("roof_type", {"type_": "select_one roof"}, "unknown_list", "type", "'roof'"),
        ("roof_type", {"type_": "geotrace"}, "unknown_type", "type", "geotrace"),
        ("roof_type", {"label::Bahasa Indonesia (id)": ""}, "label", "label", "tanpa label"),
        ("rt", {"policy": "set"}, "policy_type", "policy", "select_multiple"),
        ("rt", {"policy": "location"}, "policy_type", "policy", "geopoint"),
        ("roof_type", {"policy": "derived"}, "policy_derived", "policy", "derive"),
        ("rt", {"policy": "latest"}, "unit", "unit", "address_unit"),
        ("rt", {"unit": "address"}, "unit", "unit", "nama unit"),
        ("rt", {"evidence": "nik_status{1:3}"}, "evidence", "evidence", "nik_status"),
        ("sex", {"evidence": "nik_status{7:3}"}, "evidence", "evidence", "'7'"),
        ("sex", {"evidence": "nik_status{1:5}"}, "evidence", "evidence", "0-4"),
        ("sex", {"evidence": "often"}, "evidence", "evidence", "0-4"),
        ("presence", {"sticky": "2 9"}, "codes", "sticky", "'9'"),
        ("roof_type", {"sticky": "1"}, "codes", "sticky", "policy status"),
        ("roof_type", {"exclusive": "1"}, "codes", "exclusive", "select_multiple"),
        ("rw", {"deliver": "rt"}, "deliver", "deliver", "baris"),
        ("rw", {"aliases": "rt"}, "alias", "aliases", "'rt'"),
        ("rw", {"aliases": "9x"}, "alias", "aliases", "'9x'"),
        ("nik", {"type_": "integer"}, "core_type", "type", "text"),
        ("visit_outcome", {"type_": "select_one yes_no"}, "codes", "sticky", "'05'"),
    ],
)
def test_a_broken_cell_is_named_by_row_column_and_reason(
    sheet: Sheet, name: str, cells: dict[str, str], code: str, column: str, words: str
) -> None:
    problems = [p for p in check_form(edited(sheet, name, **cells)) if p.code == code and p.question == name]
    assert problems, f"{code} was not told"
    assert {problem.row for problem in problems} == {row_of(sheet, name)}
    assert problems[0].column == column
    told = " ".join(map(str, problems))
    assert words in told
    assert f"survey baris {row_of(sheet, name)}, kolom {column}, pertanyaan {name}" in told


@pytest.mark.parametrize("name", ["nik", "m_name", "presence", "visit_outcome", "village_code", "birth_date"])
def test_a_form_without_a_core_question_is_refused(sheet: Sheet, name: str) -> None:
    problem = only([p for p in check_form(without(sheet, name)) if p.code == "core_missing"], "core_missing")
    assert problem.question == name
    assert "pertanyaan inti tidak ada" in str(problem)


def test_a_core_question_outside_the_roster_is_refused(sheet: Sheet) -> None:
    moved = added(
        without(sheet, "sex"), type_="select_one sex", name="sex", **{"label::Bahasa Indonesia (id)": "Kelamin"}
    )
    problem = only([p for p in check_form(moved) if p.code == "core_missing"], "core_missing")
    assert (problem.question, "bagian p, bukan h" in problem.reason) == ("sex", True)


def test_the_roster_keeps_its_name(sheet: Sheet) -> None:
    problems = check_form(edited(sheet, "member", name="anggota"))
    assert [p.question for p in problems if p.code == "core_missing"] == ["member"]


def test_names_are_not_used_twice(sheet: Sheet) -> None:
    twice = added(sheet, type_="text", name="RT", **{"label::Bahasa Indonesia (id)": "RT lagi"})
    problem = only(check_form(twice), "duplicate_name")
    assert problem.row == sheet.survey[-1].number + 1
    assert f"baris {row_of(sheet, 'rt')}" in problem.reason


def test_groups_must_be_closed_and_the_roster_is_the_only_repeat(sheet: Sheet) -> None:
    last = sheet.survey[-1].number + 1
    open_group = added(sheet, type_="begin_group", name="g_x")
    assert only(check_form(open_group), "structure").row == last
    assert only(check_form(added(sheet, type_="end_group")), "structure").row == last
    second = added(sheet, type_="begin_repeat", name="cattle_list")
    assert "hanya satu begin_repeat" in only(check_form(second), "repeat").reason


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"list_name": "sex", "name": "1", "label::Bahasa Indonesia (id)": "Lagi"}, "duplicate_choice"),
        ({"list_name": "sex", "name": "a b", "label::Bahasa Indonesia (id)": "Spasi"}, "choice_name"),
        ({"list_name": "sex", "name": "3"}, "label"),
    ],
)
def test_a_broken_choice_is_named_by_row(sheet: Sheet, row: dict[str, str], code: str) -> None:
    number = sheet.choices[-1].number + 1
    problem = only(check_form(replace(sheet, choices=(*sheet.choices, SheetRow(number, row)))), code)
    assert (problem.sheet, problem.row) == ("choices", number)


def test_a_misspelt_column_is_told_instead_of_ignored(sheet: Sheet) -> None:
    columns = {**sheet.columns, "survey": (*sheet.columns["survey"], "relevent")}
    problem = only(check_form(replace(sheet, columns=columns)), "unknown_column")
    assert "relevent" in problem.reason


@pytest.mark.parametrize(("cell", "code"), [({"version": "1.2"}, "version"), ({"form_id": "a b"}, "form_id")])
def test_settings_are_checked(sheet: Sheet, cell: dict[str, str], code: str) -> None:
    problem = only(check_form(edited(sheet, "verifikasi_keluarga", "settings", **cell)), code)
    assert (problem.sheet, problem.row) == ("settings", 2)


def test_what_pyxform_refuses_is_told_with_its_row(sheet: Sheet) -> None:
    wrong = edited(sheet, "photo_kk", parameters="max-pixels=big")
    problem = only(check_form(wrong), "pyxform")
    assert "max-pixels" in problem.reason


def test_all_problems_are_told_at_once(sheet: Sheet) -> None:
    broken = edited(edited(without(sheet, "sex"), "rt", policy="newest"), "rw", constraint="(")
    assert {"core_missing", "unknown_policy", "expression"} <= {p.code for p in check_form(broken)}


# Against what is published


@pytest.fixture(scope="module")
def published(sheet: Sheet) -> tuple[FormDefinition, ...]:
    return built_definitions()


def test_a_rename_without_an_alias_is_refused_and_with_one_is_published(
    sheet: Sheet, published: tuple[FormDefinition, ...]
) -> None:
    renamed = newer(edited(sheet, "roof_type", name="roof"))
    problem = only(check_form(renamed, published), "published_missing")
    assert problem.question == "roof_type"
    assert "aliases" in problem.reason and "2026112101" in problem.reason
    with_alias = newer(edited(sheet, "roof_type", name="roof", aliases="roof_type"))
    assert check_form(with_alias, published) == []
    dictionary = Dictionary.of([*published, compile_form(with_alias).definition])
    assert dictionary.register("h", "roof_type") == "roof"


def test_a_published_question_keeps_its_type_also_under_a_new_name(
    sheet: Sheet, published: tuple[FormDefinition, ...]
) -> None:
    for name in ("cattle", "sapi"):
        changed = newer(edited(sheet, "cattle", type_="date", name=name, aliases="" if name == "cattle" else "cattle"))
        problem = only(check_form(changed, published), "published_type")
        assert (problem.row, problem.column) == (row_of(sheet, "cattle"), "type")


def test_a_question_that_is_no_longer_asked_keeps_its_row(sheet: Sheet, published: tuple[FormDefinition, ...]) -> None:
    assert check_form(newer(edited(sheet, "horse", relevant="false()")), published) == []
    assert only(check_form(newer(without(sheet, "horse")), published), "published_missing").question == "horse"


def test_a_version_is_published_once(sheet: Sheet, published: tuple[FormDefinition, ...]) -> None:
    changed = edited(sheet, "rt", deliver="no_rt")
    assert "naikkan version" in only(check_form(changed, published), "version_not_newer").reason
    assert only(check_form(newer(changed, "2025010101"), published), "version_not_newer")
    assert check_form(newer(changed), published) == []


def test_two_forms_do_not_share_a_question(sheet: Sheet, published: tuple[FormDefinition, ...]) -> None:
    copied = edited(sheet, "verifikasi_keluarga", "settings", form_id="survei_kedua")
    told = [p for p in check_form(copied, published) if p.code == "other_form"]
    assert {p.question for p in told} >= {"nik", "visit_outcome"}


class Memory:
    """A store of forms that fails on request, after the check."""

    def __init__(self, *forms: FormDefinition) -> None:
        self.forms = list(forms)
        self.stored: list[CompiledForm] = []

    def published_forms(self) -> list[FormDefinition]:
        return self.forms

    def retired_forms(self) -> frozenset[tuple[str, str]]:
        return frozenset()

    def store_form(self, form: CompiledForm, sheet: Sheet) -> None:
        self.stored.append(form)
        self.forms.append(form.definition)


def test_a_refused_form_is_not_stored(sheet: Sheet, published: tuple[FormDefinition, ...]) -> None:
    store = Memory(*published)
    with pytest.raises(FormRefused) as caught:
        publish(prepare_sheet(newer(edited(sheet, "roof_type", name="roof"))), store)
    assert [p.code for p in caught.value.problems] == ["published_missing"]
    assert store.stored == []


def test_publishing_twice_stores_once(sheet: Sheet) -> None:
    store = Memory()
    assert publish(prepare_sheet(sheet), store) is True
    assert publish(prepare_sheet(sheet), store) is False
    assert len(store.stored) == 1


def test_questions_can_be_added_to_a_published_form(sheet: Sheet, published: tuple[FormDefinition, ...]) -> None:
    rows = list(sheet.survey)
    inside = next(i for i, row in enumerate(rows) if row["name"] == "moved_to")
    number = 10_000
    extra = [
        {"type": "text", "name": "nickname", "policy": "latest"},
        {"type": "select_one yes_no", "name": "has_kia", "policy": "ask", "deliver": "punya_kia"},
    ]
    for cells in extra:
        rows.insert(inside, SheetRow(number, cells | {"label::Bahasa Indonesia (id)": cells["name"]}))
        number += 1
    more = newer(replace(sheet, survey=tuple(rows)))
    reading = read_rows(more)
    assert check_reading(reading, published) == []
    dictionary = Dictionary.of([*published, definition_of(reading)])
    assert [f.deliver for f in dictionary.delivered("p") if f.name == "has_kia"] == ["punya_kia"]


@pytest.mark.parametrize(
    ("name", "cells", "code", "column"),
    [
        ("nik", {"appearance": "image-map"}, "tablet_appearance", "appearance"),
        ("photo_front", {"parameters": "quality=low"}, "tablet_parameter", "parameters"),
        ("kk_malformed", {"relevant": "property('x') = ''"}, "expression", "relevant"),
    ],
)
def test_what_the_tablet_lacks_is_named_once_when_a_form_is_compiled(sheet, name, cells, code, column):
    problems = check_form(edited(sheet, name, **cells))
    (problem,) = problems
    assert (problem.code, problem.row, problem.column) == (code, row_of(sheet, name), column)
