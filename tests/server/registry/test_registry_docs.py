"""docs/registry.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from server.registry.reference.app import create_app
from server.registry.reference.faults import NAMES
from server.registry.reference.schema import SCHEMA
from server.registry.signing import SCHEME, WINDOW_S
from sync.delivery import REASONS, states_as_markdown


@pytest.fixture(scope="module")
def text(root: Path) -> str:
    return (root / "docs" / "registry.md").read_text(encoding="utf-8")


def section(text: str, name: str) -> str:
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", text, re.DOTALL)
    assert found is not None, f"docs/registry.md has no section {name}"
    return found.group(1).strip()


def table(head: str, rows: dict[str, str]) -> str:
    lines = [f"| {head} | meaning |", "|---|---|", *(f"| `{name}` | {meaning} |" for name, meaning in rows.items())]
    return "\n".join(lines)


def test_the_state_table_is_the_one_in_the_code(text: str) -> None:
    assert section(text, "states") == states_as_markdown().strip()


def test_every_reason_and_every_fault_switch_is_described(text: str) -> None:
    assert section(text, "reasons") == table("reason", dict(REASONS))
    assert section(text, "faults") == table("switch", dict(NAMES))


def test_every_route_and_every_table_is_named(text: str) -> None:
    app = create_app(None)  # type: ignore[arg-type]
    for rule in app.url_map.iter_rules():
        if rule.endpoint != "static":
            path = re.sub(r"<[^>]*>", "{", str(rule)).split("{")[0]
            assert path.rstrip("/") in text, f"{rule} is not in docs/registry.md"
    for name in re.findall(r"create table if not exists (\w+)", SCHEMA):
        assert f"| `{name}` |" in text


def test_the_signature_is_described_as_it_is(text: str) -> None:
    assert SCHEME in text and f"{WINDOW_S} s" in text
    for code in ("signature_missing", "signature_invalid", "timestamp_outside_window", "nonce_replayed"):
        assert code in text
