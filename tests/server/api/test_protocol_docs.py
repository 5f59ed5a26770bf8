"""docs/protocol.md says what the server does: its examples are played again, its lists compared with the code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from exchanges import DOCUMENT, exchanges, rights, with_examples

from schemas.envelope import check_envelope, hash_matches
from server.flows.hello import public_limits
from sync.intake import HOLD_REASONS, KEPT_REASONS


@pytest.fixture(scope="module")
def text() -> str:
    """The document."""
    return DOCUMENT.read_text(encoding="utf-8")


def test_the_examples_are_what_the_server_answers(text: str, tmp_path: Path) -> None:
    played = exchanges(tmp_path) | {"rights": rights()}
    assert set(re.findall(r"<!-- exchange: (\S+) -->", text)) == set(played)
    for name, example in played.items():
        assert with_examples(text, {name: example}) == text, f"example {name}: python tests/server/api/exchanges.py"


def test_the_conversation_is_the_same_each_time(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    assert exchanges(tmp_path / "one") == exchanges(tmp_path / "two")


def test_an_example_without_a_place_is_noticed() -> None:
    with pytest.raises(ValueError, match="nowhere"):
        with_examples("text", {"nowhere": "x"})


def test_the_event_of_the_example_is_a_test_vector(text: str) -> None:
    example = text.partition("<!-- exchange: events -->")[2].partition("<!-- end of events -->")[0]
    body = json.loads(example.split("```")[1].partition("\n\n")[2])
    check_envelope(body["items"][0])
    assert hash_matches(body["items"][0])


def test_every_reason_of_a_held_item_is_named(text: str) -> None:
    pushed = text.partition("## Push")[2].partition("## Have")[0]
    unnamed = [reason for reason in (HOLD_REASONS | KEPT_REASONS) if f"`{reason}`" not in pushed]
    assert unnamed == []


def test_every_endpoint_is_in_the_document(api, text: str) -> None:
    paths = {
        re.sub(r"<\w+?_id>", "{id}", rule.rule).replace("<version>", "{version}").replace("<sha256>", "{sha256}")
        for rule in api.app.url_map.iter_rules()
        if not rule.rule.startswith("/tablet")  # files of the tablet app: docs/tablet.md
    }
    assert sorted(path for path in paths if path not in text) == []


def test_the_limits_of_hello_are_the_named_ones(api) -> None:
    assert api.call("GET", "/v1/hello", "read").get_json()["limits"] == public_limits()
