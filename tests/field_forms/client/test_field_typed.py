"""What people type becomes the value that travels, or is told to be wrong; never a guess."""

from __future__ import annotations

import pytest

from field_forms.client.draft import AnswerProblem
from field_forms.client.typed import read_typed, shown
from schemas.answers import value_error
from schemas.question import Choice, Field

CHOICES = (Choice("01", "Lengkap", ""), Choice("02", "Sebagian", ""), Choice("03", "Lama", "", retired=True))


def question(type: str) -> Field:
    return Field("x", "h", type, choices=CHOICES if type.startswith("select") else ())


@pytest.mark.parametrize(
    ("type", "typed", "value"),
    [
        ("integer", " 12 ", 12),
        ("decimal", "23,50", "23.5"),
        ("decimal", "100", "100"),
        ("decimal", "0,0", "0"),
        ("date", "31-12-1990", "1990-12-31"),
        ("date", "1/2/2020", "2020-02-01"),
        ("date", "2020-02-29", "2020-02-29"),
        ("geopoint", "-2.98765, 106.45678, 8", {"lat": -2987650, "lon": 106456780, "acc_dm": 80}),
        ("geopoint", "-2.98765 106.45678", {"lat": -2987650, "lon": 106456780, "acc_dm": 0}),
        ("select_one", "1", "01"),
        ("select_one", "sebagian", "02"),
        ("select_multiple", "2, 01 2", ["01", "02"]),
        ("text", " 9171010101900001 ", "9171010101900001"),
        ("time", "07:30", "07:30"),
    ],
)
def test_it_is_read(type, typed, value):
    assert read_typed(question(type), typed) == value
    assert value_error(question(type), value) is None


@pytest.mark.parametrize(
    ("type", "typed"),
    [
        ("integer", "4.5"), ("integer", "empat"), ("integer", "9" * 30), ("decimal", "NaN"), ("decimal", "dua"),
        ("date", "31-02-2020"), ("date", "kemarin"), ("geopoint", "rumah"), ("select_one", "9"), ("select_one", "3"),
        ("select_multiple", "1 9"),
    ],
)  # fmt: skip
def test_it_is_told_to_be_wrong(type, typed):
    with pytest.raises(AnswerProblem):
        read_typed(question(type), typed)


def test_answers_are_shown_with_their_labels():
    assert shown(question("select_one"), {"value": "01"}) == "01 Lengkap"
    assert shown(question("select_multiple"), {"value": ["01", "02"]}) == "Lengkap, Sebagian"
    assert shown(question("text"), {"state": "declined"}) == "(tolak)"
    assert shown(question("text"), None) == ""
