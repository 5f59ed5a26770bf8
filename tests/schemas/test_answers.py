"""Answers: what is of another type, what is only flagged, and the marshmallow schema of a whole form."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import ValidationError

from schemas.answers import constraint_flag, unknown_choice, value_error
from schemas.form import Choice, Field, FormDefinition, Row
from schemas.submission import submission_schema

LIST = (Choice("none", "Tidak ada", "None"), Choice("a", "A", "A"), Choice("b", "B", "B"))
POINT = {"lat": -2_000_000, "lon": 106_000_000, "acc_dm": 50}


def question(type: str, **rest: Any) -> Field:
    return Field("q", "h", type, **rest)


@pytest.mark.parametrize(
    ("type", "value"),
    [
        ("text", "0812"), ("text", ""), ("integer", 0), ("integer", -(2**53) + 1), ("decimal", "23.5"),
        ("decimal", "-4"),
        ("date", "2024-02-29"), ("time", "07:30"), ("time", "23:59:59"), ("select_one", "01"), ("select_multiple", []),
        ("select_multiple", ["a", "b"]), ("geopoint", POINT), ("image", "0" * 64), ("calculate", 36),
        ("calculate", "1"),
    ],
)  # fmt: skip
def test_an_answer_of_its_type_is_taken(type: str, value: Any) -> None:
    assert value_error(question(type), value) is None


@pytest.mark.parametrize(
    ("type", "value"),
    [
        ("text", 5), ("text", None), ("text", "a\x00"), ("text", "\ud800"), ("text", "x" * 4_001), ("integer", "7"),
        ("integer", 1.0), ("integer", True), ("integer", 2**53), ("decimal", 23.5), ("decimal", "1e3"),
        ("decimal", "1,5"), ("date", "2026-02-31"), ("date", "2026-2-1"), ("date", "20260201"), ("time", "25:00"),
        ("select_one", 1), ("select_one", "a b"), ("select_one", ""), ("select_multiple", "a b"),
        ("select_multiple", ["b", "a"]), ("select_multiple", ["a", "a"]), ("select_multiple", [1]),
        ("geopoint", {"lat": 1, "lon": 2}), ("geopoint", POINT | {"lat": 91_000_000}),
        ("geopoint", POINT | {"lon": 1.5}),
        ("geopoint", POINT | {"acc_dm": -1}), ("geopoint", "1 2"), ("image", "photo.jpg"), ("calculate", 1.5),
        ("calculate", True),
    ],
)  # fmt: skip
def test_an_answer_of_another_type_is_told(type: str, value: Any) -> None:
    assert value_error(question(type), value)


def test_what_a_list_never_offered_is_flagged_and_not_refused() -> None:
    asked = question("select_multiple", list_name="l", choices=LIST, exclusive=("none",))
    assert value_error(asked, ["a", "zz"]) is None
    assert unknown_choice(asked, ["a", "zz"]) == "zz"
    assert constraint_flag(asked, ["a", "zz"]) == "unknown_choice"
    assert constraint_flag(asked, ["a", "none"]) == "exclusive_choice"
    assert constraint_flag(asked, ["none"]) is None
    assert unknown_choice(question("select_one", media="villages.csv"), "19.03.01.1001") is None


def test_a_broken_constraint_is_a_flag_and_a_warning_is_another() -> None:
    asked = question("text", constraint="string-length(.) <= 3", warning="regex(., '^[0-9]+$')")
    assert constraint_flag(asked, "abcd") == "constraint"
    assert constraint_flag(asked, "abc") == "warning"
    assert constraint_flag(asked, "123") is None
    assert constraint_flag(asked, "") is None


def test_a_constraint_sees_the_other_answers_and_the_visit_date() -> None:
    later = question("date", constraint=". > ${visit_date}")
    assert constraint_flag(later, "2026-11-20", {"visit_date": "2026-11-21"}) == "constraint"
    assert constraint_flag(later, "2026-11-22", {"visit_date": "2026-11-21"}) is None
    past = question("date", constraint=". <= today()")
    assert constraint_flag(past, "2026-11-22", {}, "2026-11-21") == "constraint"
    assert constraint_flag(past, "2026-11-22") is None, "without a visit date it is not judged"


def form() -> FormDefinition:
    fields = (
        Field("size", "h", "integer"),
        Field("aid", "h", "select_multiple", list_name="l", choices=LIST),
        Field("nik", "p", "text"),
    )
    return FormDefinition("f", "1", "F", tuple(Row("question", f.name, f.type, field=f) for f in fields), {"l": LIST})


def test_the_schema_of_a_form_takes_its_answers_and_changes_nothing() -> None:
    answers = {"household": {"size": 3, "aid": ["a"]}, "members": [{"nik": "0123456789012345"}, {}]}
    assert submission_schema(form())().load(answers) == answers


@pytest.mark.parametrize(
    ("answers", "place"),
    [
        ({"household": {"size": "3"}}, ("household", "size")),
        ({"household": {"size": 3.0}}, ("household", "size")),
        ({"household": {"other": 1}}, ("household", "other")),
        ({"household": {"aid": ["zz"]}}, ("household", "aid")),
        ({"members": [{}, {"nik": "1\x002"}]}, ("members", 1, "nik")),
        ({"members": [{}] * 201}, ("members",)),
        ({"event": {}}, ("event",)),
    ],
)
def test_the_schema_of_a_form_names_the_place_of_what_it_refuses(answers: Any, place: tuple[Any, ...]) -> None:
    with pytest.raises(ValidationError) as caught:
        submission_schema(form())().load(answers)
    messages: Any = caught.value.messages
    for step in place:
        messages = messages[step]
    assert messages
