"""docs/prelist.md says what the code says."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from schemas.prelist_problems import MESSAGES
from server.prelist.mapping import COLUMNS, read_mapping

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "prelist.md").read_text(encoding="utf-8")


def test_every_problem_of_a_row_is_in_the_table_and_no_other() -> None:
    table = DOCUMENT.split("## Problems by code")[1].split("## ")[0]
    assert re.findall(r"^\| `([a-z0-9_]+)` \|", table, re.MULTILINE) == list(MESSAGES)


def test_the_mapping_shown_can_be_used_and_every_column_key_is_named() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)
    mapping = read_mapping(tomllib.loads(example))
    assert mapping.columns["h/wall_type"].optional and mapping.columns["family_id"].column == 1
    for key in COLUMNS:
        assert re.search(rf"\b{key}\b", DOCUMENT), key


@pytest.mark.parametrize("code", sorted(MESSAGES))
def test_every_problem_has_a_sentence_in_both_languages(code: str) -> None:
    indonesian, english = MESSAGES[code]
    assert indonesian and english and indonesian != english
    assert ("{found}" in indonesian) == ("{found}" in english)
