"""The rules of the column `upcast`: what each reads, what it leaves as it was said, and what is no rule."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.answers import value_error
from schemas.question import Choice, Field
from schemas.upcast import NotUpcast, UpcastUnreadable, may_widen, narrowed, read_upcasts, rule_of, widened

FLOOR = (Choice("1", "Keramik", "Tiles"), Choice("2", "Kayu / papan", "Wood"), Choice("9", "Lainnya", "Other"))


def read(rule: str, value: Any, to: str, *, before: Field | None = None, choices: tuple[Choice, ...] = ()) -> Any:
    return rule_of(rule).convert(value, before, Field("new", "h", to, choices=choices))


@pytest.mark.parametrize(
    ("rule", "to", "value", "wanted"),
    [
        ("number", "integer", " 36 ", 36),
        ("number", "integer", "007", 7),
        ("number", "decimal", "36,5", "36.5"),
        ("number", "decimal", "-0.50", "-0.50"),
        ("number", "decimal", "-0,0", "0.0"),
        ("date", "date", "2026-11-21", "2026-11-21"),
        ("date", "date", "21/11/2026", "2026-11-21"),
        ("date", "date", "7-3-1999", "1999-03-07"),
        ("date", "date", "17 Agustus 1945", "1945-08-17"),
        ("date", "date", "1 des 2020", "2020-12-01"),
        ("bands{..7:1,8..15:2,16..:3}", "select_one", 0, "1"),
        ("bands{..7:1,8..15:2,16..:3}", "select_one", 15, "2"),
        ("bands{..7:1,8..15:2,16..:3}", "select_one", 999, "3"),
        ("bands{0:2,1..:1}", "select_one", 0, "2"),
        ("bands{0..0.5:a,0.6..:b}", "select_one", "0.60", "b"),
        ("codes{kayu:3,Bambu Betung:4}", "select_one", "  bambu  betung ", "4"),
        ("codes{1:2,2:2} else 9", "select_one", "7", "9"),
        ("codes{1:a,2:a}", "select_multiple", ["1", "2"], ["a"]),
        ("codes{1:a}", "select_multiple", "1", ["a"]),
        ("labels", "select_one", "keramik", "1"),
        ("labels", "select_one", "Wood", "2"),
        ("labels", "select_one", "9", "9"),
        ("labels else 9", "select_one", "ubin kuno", "9"),
        ("scale{0.01}", "decimal", 3600, "36"),
        ("scale{1/12}", "decimal", 18, "1.5"),
        ("scale{100}", "integer", "0.36", 36),
        ("only", "select_one", ["2"], "2"),
        ("same", "integer", 5, 5),
    ],
)
def test_a_rule_reads_what_it_is_for(rule: str, to: str, value: Any, wanted: Any) -> None:
    found = read(rule, value, to, choices=FLOOR)
    assert found == wanted
    assert type(found) is type(wanted)
    assert value_error(Field("new", "h", to), found) is None


@pytest.mark.parametrize(
    ("rule", "to", "value"),
    [
        ("number", "integer", "kira-kira 36"),
        ("number", "integer", "36,5"),
        ("number", "integer", "1.500.000"),
        ("number", "decimal", ""),
        ("date", "date", "31/02/2026"),
        ("date", "date", "05/2026"),
        ("date", "date", "m 2026"),
        ("bands{1..7:1}", "select_one", 8),
        ("bands{1..7:1}", "select_one", True),
        ("codes{1:2}", "select_one", "7"),
        ("codes{1:2}", "select_one", ["1"]),
        ("labels", "select_one", "ubin"),
        ("scale{1/3}", "decimal", 1),
        ("scale{0.01}", "integer", 36),
        ("scale{999999999}", "decimal", "999999999999999"),
        ("only", "select_one", ["1", "2"]),
        ("only", "select_one", []),
    ],
)
def test_what_a_rule_cannot_read_is_told_and_never_guessed(rule: str, to: str, value: Any) -> None:
    with pytest.raises(NotUpcast):
        read(rule, value, to, choices=FLOOR)


def test_a_label_takes_the_place_of_its_code_and_of_several() -> None:
    before = Field("old", "h", "select_multiple", choices=FLOOR)
    assert read("label", "1", "text", before=before) == "Keramik"
    assert read("label", ["1", "2", "77"], "text", before=before) == "Keramik, Kayu / papan, 77"


def test_a_label_that_two_choices_share_names_neither() -> None:
    twins = (Choice("1", "Ya", "Yes"), Choice("2", "Ya", "Yes, later"))
    with pytest.raises(NotUpcast):
        read("labels", "ya", "select_one", choices=twins)
    assert read("labels", "yes, later", "select_one", choices=twins) == "2"


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("scale{0.01}", "nama_lama=aturan"),
        ("a=scale", "kurung kurawal"),
        ("a=number{1}", "tidak memakai kurung"),
        ("a=scale{0}", "pengali"),
        ("a=scale{1/0}", "pengali"),
        ("a=scale{x}", "pengali"),
        ("a=bands{}", "bands"),
        ("a=bands{1..7:1,7..9:2}", "bertindih"),
        ("a=bands{8..:1,1..7:2}", "bertindih"),
        ("a=codes{1}", "lama:baru"),
        ("a=codes{1:2,1:3}", "masing-masing sekali"),
        ("a=number else 3", "else hanya untuk"),
        ("a=upper", "tidak dikenal"),
        ("a=number; a=date", "dua kali"),
    ],
)
def test_a_cell_that_is_no_rule_is_told_in_a_sentence(cell: str, words: str) -> None:
    with pytest.raises(UpcastUnreadable, match=words):
        read_upcasts(cell)


def test_several_former_names_have_a_rule_each() -> None:
    cell = "luas_m2 = scale{0.01};\n luas_teks=number ;"
    assert read_upcasts(cell) == (("luas_m2", "scale{0.01}"), ("luas_teks", "number"))
    assert read_upcasts("") == ()
    assert rule_of("bands{..7:1,8..:2} else 9").codes == {"1", "2", "9"}


ANSWERS = st.one_of(
    st.integers(-(10**15) + 1, 10**15 - 1), st.text(max_size=12), st.lists(st.text(max_size=3), max_size=3).map(sorted)
)


@given(ANSWERS, ANSWERS)
def test_digests_over_narrowed_values_tell_different_answers_apart(one: Any, other: Any) -> None:
    for types in (frozenset({"integer"}), frozenset({"select_one"}), frozenset({"integer", "select_one"})):
        same = narrowed(one, types) == narrowed(other, types) and type(narrowed(one, types)) is type(
            narrowed(other, types)
        )
        if same and one != other:
            # Only what widening would have made of the other is one and the same answer.
            assert widened(one, "text") == widened(other, "text") or [one] == other or one == [other]


@given(st.integers(-(10**15) + 1, 10**15 - 1))
def test_a_widened_number_is_the_same_to_a_digest(number: int) -> None:
    assert widened(number, "decimal") == str(number)
    assert narrowed(widened(number, "decimal"), frozenset({"integer"})) == number
    assert narrowed("036", frozenset({"integer"})) == "036"


def test_only_types_whose_answers_can_be_told_apart_widen() -> None:
    assert (
        may_widen("integer", "decimal") and may_widen("integer", "text") and may_widen("select_one", "select_multiple")
    )
    for old, new in (("text", "integer"), ("select_one", "text"), ("decimal", "integer"), ("text", "select_one"),
                     ("select_multiple", "select_one"), ("text", "calculate"), ("image", "text")):  # fmt: skip
        assert not may_widen(old, new), (old, new)
