"""What may follow a published version, and what is refused with the place and what to do instead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sheet_edits import added, choice_edited, edited, newer, only, row_of, with_choice, without, without_choice

from field_forms.built import built_definitions, source_folder
from field_forms.compile import check_form, compile_form
from field_forms.form_problem import FormProblem
from field_forms.sheet import Sheet, read_sheet
from schemas.form import Dictionary, FormDefinition

LABEL = {"label::Bahasa Indonesia (id)": "Label"}
SECOND, THIRD, FOURTH = "2026112102", "2026112103", "2026112104"
Edit = Callable[[Sheet], Sheet]


@pytest.fixture(scope="module")
def sheet() -> Sheet:
    return read_sheet(source_folder("verifikasi_keluarga"))


@pytest.fixture(scope="module")
def first() -> tuple[FormDefinition, ...]:
    return built_definitions()


def published(known: tuple[FormDefinition, ...], sheet: Sheet, version: str) -> tuple[FormDefinition, ...]:
    return (*known, compile_form(newer(sheet, version), known).definition)


def refused(sheet: Sheet, known: tuple[FormDefinition, ...], version: str = SECOND) -> list[FormProblem]:
    return check_form(newer(sheet, version), known)


# fmt: off
GOOD: dict[str, Edit] = {
    "a new name": lambda s: edited(s, "roof_type", name="jenis_atap", aliases="roof_type"),
    "a name and a wider type": lambda s: edited(s, "cattle", name="sapi", aliases="cattle", type_="decimal"),
    "a wider type": lambda s: edited(s, "floor_area_m2", type_="decimal"),
    "several choices instead of one": lambda s: edited(s, "roof_type", type_="select_multiple roof_type"),
    "another unit": lambda s: edited(
        s, "floor_area_m2", name="luas_are", type_="decimal", aliases="floor_area_m2",
        upcast="floor_area_m2=scale{0.01}", constraint="",
    ),
    "a number that becomes a choice": lambda s: edited(
        s, "cattle", name="punya_sapi", type_="select_one yes_no", aliases="cattle", upcast="cattle=bands{0:2,1..:1}",
        constraint="", constraint_message="",
    ),
    "a text that becomes a date": lambda s: edited(
        s, "pln_customer_id", name="tgl_pln", type_="date", aliases="pln_customer_id", upcast="pln_customer_id=date",
        constraint="",
    ),
    "a code renamed": lambda s: choice_edited(s, "roof_type", "1", name="1a", aliases="1"),
    "two codes joined": lambda s: choice_edited(without_choice(s, "roof_type", "2"), "roof_type", "1", aliases="2"),
    "a code split": lambda s: with_choice(with_choice(without_choice(s, "roof_type", "1"), "roof_type", "1a", "A"),
                                          "roof_type", "1b", "B"),
    "a question removed, and said so": lambda s: edited(
        without(s, "horse"), "verifikasi_keluarga", "settings", removed="horse"),
    "a computed row removed": lambda s: without(s, "kek"),
    "a question asked no more": lambda s: edited(s, "horse", relevant="false()"),
}
# fmt: on


@pytest.mark.parametrize("case", GOOD)
def test_what_leads_old_answers_somewhere_may_follow(
    case: str, sheet: Sheet, first: tuple[FormDefinition, ...]
) -> None:
    changed = GOOD[case](sheet)
    changed = replace(changed, columns={**changed.columns, "choices": (*changed.columns["choices"], "aliases")})
    assert [str(problem) for problem in refused(changed, first)] == []


BAD: dict[str, tuple[Edit, str, str, str]] = {
    "a type that cannot be read": (
        lambda s: edited(s, "cattle", type_="date", constraint=""), "published_type", "cattle", "upcast"),
    "a text that becomes a number without a rule": (
        lambda s: edited(s, "pln_customer_id", name="pln", type_="integer", aliases="pln_customer_id", constraint=""),
        "published_type", "pln", "Beri nama baru"),
    "a question that is gone": (lambda s: without(s, "horse"), "published_missing", "horse", "removed"),
    "a rule that does not fit the old type": (
        lambda s: edited(s, "cattle", name="sapi", aliases="cattle", upcast="cattle=number"),
        "upcast_type", "sapi", "cattle berjenis integer"),
    "a rule that does not fit the new type": (
        lambda s: edited(s, "pln_customer_id", name="pln", aliases="pln_customer_id", upcast="pln_customer_id=date"),
        "upcast_type", "pln", "pln berjenis text"),
    "a rule with a code that the list lacks": (
        lambda s: edited(s, "cattle", name="sapi", type_="select_one yes_no", aliases="cattle", constraint="",
                         upcast="cattle=bands{0:2,1..:7}"), "upcast_code", "sapi", "'7'"),
    "a rule for a name that is no alias": (
        lambda s: edited(s, "cattle", upcast="kuda=scale{2}"), "upcast_alias", "cattle", "aliases"),
    "an alias that was never published": (
        lambda s: edited(s, "cattle", aliases="catle"), "alias_unknown", "cattle", "ejaannya"),
    "an alias of a member's question": (
        lambda s: edited(s, "cattle", name="sapi", aliases="cattle job_title"), "alias_scope", "sapi", "anggota"),
    "a question moved to the members": (
        lambda s: moved(s, "horse"), "published_scope", "horse", "milik siapa"),
    "two questions that become one": (
        lambda s: edited(without(s, "horse"), "cattle", name="ternak", aliases="cattle horse"),
        "two_questions", "ternak", "dua pertanyaan"),
    "two questions that become one by a rule": (
        lambda s: edited(without(s, "horse"), "cattle", aliases="horse", upcast="horse=scale{1}"),
        "two_questions", "cattle", "dua pertanyaan"),
    "a removed question that was never there": (
        lambda s: edited(s, "verifikasi_keluarga", "settings", removed="kuda"), "removed_unknown", "", "ejaannya"),
    "a removed question that is still there": (
        lambda s: edited(s, "verifikasi_keluarga", "settings", removed="horse"), "removed_asked", "", "hapus"),
    "a code's former code that is still offered": (
        lambda s: choice_edited(s, "roof_type", "1", aliases="2"), "choice_alias", "roof_type", "masih dipakai"),
    "a code's former code that nobody knows": (
        lambda s: choice_edited(s, "roof_type", "1", aliases="99"), "choice_alias_unknown", "roof_type", "ejaannya"),
}  # fmt: skip


def moved(sheet: Sheet, name: str) -> Sheet:
    """The row of a household question among those of the members."""
    row = next(each for each in sheet.survey if each["name"] == name)
    rest = [each for each in sheet.survey if each is not row]
    end = next(number for number, each in enumerate(rest) if each["type"] == "end_repeat")
    return replace(sheet, survey=(*rest[:end], replace(row, cells={**row.cells, "relevant": ""}), *rest[end:]))


@pytest.mark.parametrize("case", BAD)
def test_what_would_leave_old_answers_without_a_meaning_is_refused(
    case: str, sheet: Sheet, first: tuple[FormDefinition, ...]
) -> None:
    edit, code, question, words = BAD[case]
    changed = edit(sheet)
    problem = only(refused(changed, first), code)
    assert (problem.question, words in problem.reason) == (question, True), str(problem)
    if problem.sheet == "survey" and problem.row:
        assert problem.row == row_of(changed, question)
    assert problem.column or problem.sheet == "settings"


def test_a_name_is_never_used_for_another_question(sheet: Sheet, first: tuple[FormDefinition, ...]) -> None:
    renamed = edited(sheet, "roof_type", name="jenis_atap", aliases="roof_type")
    known = published(first, renamed, SECOND)
    # The author drops the cell with the former name, and has a question of that name again.
    forgotten = edited(renamed, "jenis_atap", aliases="")
    assert refused(forgotten, known, THIRD) == []
    again = added(forgotten, type_="text", name="roof_type", **LABEL)
    problem = only(refused(again, known, THIRD), "name_reused")
    assert "jenis_atap" in problem.reason and problem.row in (row_of(again, "roof_type"), row_of(again, "jenis_atap"))


def test_a_renaming_may_be_taken_back(sheet: Sheet, first: tuple[FormDefinition, ...]) -> None:
    known = published(first, edited(sheet, "roof_type", name="jenis_atap", aliases="roof_type"), SECOND)
    back = edited(sheet, "roof_type", aliases="jenis_atap")
    assert refused(back, known, THIRD) == []
    dictionary = Dictionary.of(published(known, back, THIRD))
    assert dictionary.present_name("h", "jenis_atap") == "roof_type"


def test_a_chain_of_new_names_need_not_be_written_out(sheet: Sheet, first: tuple[FormDefinition, ...]) -> None:
    known = published(first, edited(sheet, "roof_type", name="jenis_atap", aliases="roof_type"), SECOND)
    third = edited(sheet, "roof_type", name="atap", aliases="jenis_atap")
    known = published(known, third, THIRD)
    assert Dictionary.of(known).present_name("h", "roof_type") == "atap"
    reused = edited(added(third, type_="text", name="jenis_atap", **LABEL), "atap", aliases="")
    assert only(refused(reused, known, FOURTH), "name_reused").column == "name"


def test_what_was_removed_is_not_asked_for_again_and_comes_back_as_itself(
    sheet: Sheet, first: tuple[FormDefinition, ...]
) -> None:
    gone = without(sheet, "horse")
    known = published(first, edited(gone, "verifikasi_keluarga", "settings", removed="horse"), SECOND)
    assert refused(gone, known, THIRD) == []
    assert refused(sheet, known, THIRD) == []
    other = edited(sheet, "horse", type_="date", constraint="")
    assert only(refused(other, known, THIRD), "published_type").question == "horse"


def test_a_code_that_was_renamed_is_not_used_for_another_choice(
    sheet: Sheet, first: tuple[FormDefinition, ...]
) -> None:
    known = published(first, choice_edited(sheet, "roof_type", "1", name="genteng", aliases="1"), SECOND)
    again = with_choice(choice_edited(sheet, "roof_type", "1", name="genteng", aliases=""), "roof_type", "1", "Sirap")
    problem = only(refused(again, known, THIRD), "choice_reused")
    assert (problem.sheet, problem.row, "genteng" in problem.reason) == ("choices", again.choices[-1].number, True)


def test_a_code_that_was_dropped_comes_back_with_its_own_meaning_only(
    sheet: Sheet, first: tuple[FormDefinition, ...]
) -> None:
    label = next(row for row in sheet.choices if (row["list_name"], row["name"]) == ("roof_type", "2"))
    dropped = without_choice(sheet, "roof_type", "2")
    known = published(first, dropped, SECOND)
    meaning = label["label::Bahasa Indonesia (id)"]
    assert refused(with_choice(dropped, "roof_type", "2", f" {meaning.upper()} "), known, THIRD) == []
    problem = only(refused(with_choice(dropped, "roof_type", "2", "Daun lontar"), known, THIRD), "choice_reused")
    assert meaning in problem.reason


def test_names_of_a_retired_version_are_not_free_either(sheet: Sheet, first: tuple[FormDefinition, ...]) -> None:
    known = published(first, edited(sheet, "roof_type", name="jenis_atap", aliases="roof_type"), SECOND)
    retired = {("verifikasi_keluarga", SECOND)}
    # The version before is in use again: the next one follows that.
    assert check_form(newer(sheet, THIRD), known, retired) == []
    reused = added(sheet, type_="text", name="jenis_atap", **LABEL)
    assert only(check_form(newer(reused, THIRD), known, retired), "name_reused")


def test_a_form_that_is_wrong_in_itself_is_told_all_of_it(sheet: Sheet, first: tuple[FormDefinition, ...]) -> None:
    broken = edited(added(without(sheet, "horse"), type_="text", name="rt", **LABEL), "rw", constraint="(")
    codes = {problem.code for problem in check_form(broken, first)}
    assert {"published_missing", "duplicate_name", "expression", "version_not_newer"} <= codes


def test_two_forms_share_no_former_name_either(sheet: Sheet, first: tuple[FormDefinition, ...]) -> None:
    known = published(first, edited(sheet, "roof_type", name="jenis_atap", aliases="roof_type"), SECOND)
    change = read_sheet(source_folder("perubahan"))
    other = replace(edited(change, "perubahan", "settings", part="h", form_id="survei"), survey=(*change.survey,))
    taken = added(other, type_="text", name="roof_type", **LABEL)
    told = [problem for problem in check_form(taken, known) if problem.code == "other_form"]
    assert "roof_type" in {problem.question for problem in told}
