"""docs/forms.md names every column, policy, sensitivity and function there is."""

from __future__ import annotations

from pathlib import Path

from field_forms.headings import OWN_COLUMNS
from schemas.question import POLICIES, SENSITIVITIES
from schemas.xpath_functions import FUNCTIONS, REFUSED


def test_the_document_names_all_there_is(root: Path) -> None:
    words = (root / "docs" / "forms.md").read_text(encoding="utf-8")
    for name in OWN_COLUMNS:
        assert f"`{name}`" in words, name
    listed = set(words.replace("`", " ").replace(",", " ").replace("(", " ").replace(".", " ").split())
    assert {*POLICIES, *SENSITIVITIES, *FUNCTIONS, *REFUSED} <= listed
