"""The dictionary: newest version wins, former names lead to present ones, old codes never become unreadable."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from schemas.form import Choice, Dictionary, EvidenceRule, Field, FormDefinition, FormUnreadable, Row

YES, NO, MAYBE = Choice("1", "Ya", "Yes"), Choice("2", "Tidak", "No"), Choice("8", "Tidak tahu", "Unknown")


def form(version: str, *fields: Field, id: str = "f") -> FormDefinition:
    choices = {f.list_name: f.choices for f in fields if f.list_name}
    rows = tuple(Row("question", f.name, f.type, field=replace(f, form=id)) for f in fields)
    return FormDefinition(id, version, "F", rows, choices)


def choice(name: str, *choices: Choice, **rest: Any) -> Field:
    return Field(name, "h", "select_one", list_name="list", choices=choices, **rest)


def test_the_newest_version_of_a_question_wins_whatever_the_order() -> None:
    versions = [form(str(v), Field("a", "h", "text", label_id=f"label {v}")) for v in (9, 10, 11)]
    found = [Dictionary.of(order) for order in permutations(versions)]
    assert {d.field("h", "a").label_id for d in found} == {"label 11"}  # type: ignore[union-attr]
    assert len({d.digest for d in found}) == 1
    assert Dictionary.of(versions[:2]).digest != found[0].digest


def test_a_former_name_leads_to_the_present_question_through_any_number_of_renames() -> None:
    first, second = form("1", Field("a", "p", "text")), form("2", Field("b", "p", "text", aliases=("a",)))
    third = form("3", Field("c", "p", "text", aliases=("b",), unit="u"), Field("d", "p", "text", unit="u"))
    dictionary = Dictionary.of([first, second, third])
    for name in ("a", "b", "c"):
        question = dictionary.field("p", name)
        assert question is not None and question.name == "c"
        assert dictionary.register("p", name) == "u"
        assert dictionary.present_name("p", name) == "c"
    assert dictionary.unit_fields("p", "u") == ("c", "d")
    assert [f.name for f in dictionary.fields("p")] == ["c", "d"]
    assert dictionary.field("h", "a") is None


def test_a_code_that_is_no_longer_offered_stays_known_as_retired() -> None:
    dictionary = Dictionary.of([form("1", choice("q", YES, NO, MAYBE)), form("2", choice("q", NO, YES))])
    question = dictionary.field("h", "q")
    assert question is not None
    assert [(c.name, c.retired) for c in question.choices] == [("2", False), ("1", False), ("8", True)]


def test_a_question_that_a_version_no_longer_asks_stays_known() -> None:
    dictionary = Dictionary.of([form("1", Field("old", "h", "text")), form("2", Field("new", "h", "text"))])
    assert [f.name for f in dictionary.fields("h")] == ["new", "old"]


def test_what_is_unknown_is_its_own_register() -> None:
    dictionary = Dictionary.of([])
    assert dictionary.field("h", "x") is None
    assert dictionary.register("h", "x") == "x"
    assert dictionary.unit_fields("h", "x") == ()
    assert dictionary.fields("e") == dictionary.derived("p") == dictionary.delivered("h") == ()


def test_derived_and_delivered_questions_are_listed_in_the_sheets_order() -> None:
    dictionary = Dictionary.of(
        [
            form(
                "1",
                Field("b", "h", "calculate", policy="derived", calculation="1"),
                Field("a", "h", "text", deliver="x"),
            )
        ]
    )
    assert [f.name for f in dictionary.derived("h")] == ["b"]
    assert [f.name for f in dictionary.delivered("h")] == ["a"]


def full_field() -> Field:
    return Field(
        "q", "p", "select_multiple", policy="set", unit="u", evidence=EvidenceRule(1, "s", (("1", 3), ("2", 0))),
        sensitivity="specific", deliver="kolom", list_name="list", choices=(YES, NO), required="true()",
        relevant="${s} = '1'", constraint=". != ''", constraint_message_id="salah", warning="true()", readonly=True,
        exclusive=("1",), label_id="Tanya", label_en="Ask", aliases=("p",), core=True, form="f",
    )  # fmt: skip


def test_a_form_survives_json_byte_for_byte() -> None:
    original = form("1", full_field(), Field("t", "h", "text"))
    copy = FormDefinition.from_json(json.loads(json.dumps(original.to_json())))
    assert copy == original
    assert copy.hash == original.hash
    assert copy.fields[0] == full_field()


def test_the_hash_covers_everything_a_field_says() -> None:
    base = form("1", full_field()).hash
    changed = {
        "policy": "ask", "unit": "v", "evidence": EvidenceRule(2), "sensitivity": "public", "deliver": "",
        "required": "",
        "relevant": "", "constraint": "", "warning": "", "readonly": False, "exclusive": (), "label_id": "x",
        "label_en": "x", "aliases": (), "core": False, "choice_filter": "x", "calculation": "1", "sticky": ("1",),
        "yields": ("1",), "hint_id": "x", "default": "1", "appearance": "x", "media": "m.csv",
    }  # fmt: skip
    for name, value in changed.items():
        assert form("1", replace(full_field(), **{name: value})).hash != base, name  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data.update(format=2),
        lambda data: data.pop("rows"),
        lambda data: data["rows"][0].pop("kind"),
        lambda data: data.update(hash="0" * 64),
        lambda data: data.update(title="another"),
        lambda data: data.update(choices=[]),
    ],
)
def test_json_that_is_no_compiled_form_is_refused(spoil: Any) -> None:
    data = json.loads(json.dumps(form("1", full_field()).to_json()))
    spoil(data)
    with pytest.raises(FormUnreadable):
        FormDefinition.from_json(data)


def test_evidence_comes_from_the_question_that_tells_it() -> None:
    rule = EvidenceRule(1, "nik_status", (("1", 3), ("3", 0)))
    assert [rule.level({"nik_status": code}) for code in ("1", "2", "3")] == [3, 1, 0]
    assert rule.level({}) == rule.level({"nik_status": {"state": "declined"}}) == 1
    assert EvidenceRule(2).level({"nik_status": "1"}) == 2
