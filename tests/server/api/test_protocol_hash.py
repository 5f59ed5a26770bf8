"""The worked hash of docs/protocol.md, the sections that the code names, and the shapes of answers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hash_steps import DOCUMENT, event_of, steps, with_steps

from schemas.answers import value_error
from schemas.question import TYPES, Field

ROOT = DOCUMENT.parents[1]
EXAMPLES = {
    "text": ("Jl. Melati 1", 7),
    "integer": (7, "7"),
    "decimal": ("12.5", "012.5"),
    "date": ("1990-12-31", "1990-02-31"),
    "time": ("07:30", "7.30"),
    "select_one": ("01", ["01"]),
    "select_multiple": (["01", "02"], ["02", "01"]),
    "geopoint": ({"lat": -2_987_650, "lon": 106_456_780, "acc_dm": 85}, {"lat": -2.98, "lon": 106.4, "acc_dm": 8}),
    "image": ("ab" * 32, "depan.jpg"),
    "calculate": (7, [7]),
}


@pytest.fixture(scope="module")
def text() -> str:
    """The document."""
    return DOCUMENT.read_text(encoding="utf-8")


def test_the_worked_hash_leads_to_the_hash_of_the_example(text: str) -> None:
    event = event_of(text)
    assert with_steps(text) == text, "run: python tests/server/api/hash_steps.py"
    assert f"  hash     {event['payload_hash']}\n" in steps(event)


def test_every_section_that_the_code_names_is_there(text: str) -> None:
    headings = set(re.findall(r"^##+ (.+)$", text, re.MULTILINE))
    named = set()
    for folder in ("schemas", "sync", "server", "field_forms"):
        for path in (ROOT / folder).rglob("*.py"):
            named |= set(re.findall(r'docs/protocol\.md,\s+"([^"]+)"', path.read_text(encoding="utf-8")))
    assert named
    unknown = [name for name in named if not any(heading.startswith(name) for heading in headings)]
    assert unknown == []


@pytest.mark.parametrize("kind", EXAMPLES)
def test_the_shape_of_each_answer_is_the_documented_one(text: str, kind: str) -> None:
    table = text.partition("## Answers")[2].partition("## ")[0]
    assert f"| `{kind}` |" in table
    good, bad = EXAMPLES[kind]
    question = Field("q", "h", kind)
    assert value_error(question, good) is None
    assert value_error(question, bad) is not None


def test_every_type_of_question_is_in_the_table() -> None:
    assert set(EXAMPLES) == set(TYPES)


def test_a_document_without_a_place_for_the_steps_is_noticed() -> None:
    with pytest.raises(ValueError, match="hash: steps"):
        with_steps("nothing")


def test_the_steps_need_nothing_of_this_program() -> None:
    source = Path(__file__).with_name("hash_steps.py").read_text(encoding="utf-8")
    imported = set(re.findall(r"^(?:from|import) (\w+)", source, re.MULTILINE))
    assert imported <= {"__future__", "hashlib", "json", "pathlib", "typing"}
