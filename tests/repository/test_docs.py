"""The documents say what the code says: drawn parts are up to date, links lead somewhere, no folder is left out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from drawn import DRAWN, block, with_block

from schemas.upcast import read_upcasts
from schemas.upcast_rules import RULES
from server.settings import env_example, setting_fields


@pytest.mark.parametrize("name", DRAWN)
def test_a_drawn_part_is_what_the_code_says(root: Path, name: str) -> None:
    path, draw = DRAWN[name]
    document = (root / path).read_text(encoding="utf-8")
    assert block(name, draw()) in document, f"{path} is out of date; run: make docs"


def test_a_document_without_its_drawn_part_is_noticed() -> None:
    assert (
        with_block("a\n<!-- drawn: x -->\nold\n<!-- end of x -->\nb", "x", "new\\1")
        == "a\n" + block("x", "new\\1") + "\nb"
    )
    with pytest.raises(ValueError, match="drawn: x"):
        with_block("nothing here", "x", "new")


def test_the_example_of_settings_is_complete(root: Path) -> None:
    text = (root / ".env.example").read_text(encoding="utf-8")
    assert text == env_example(), ".env.example is out of date; run: make docs"
    for item in setting_fields():
        assert item.metadata["env"] in text


def test_every_setting_is_read_by_some_code(own_modules: list[Any]) -> None:
    readers = "\n".join(module.text for module in own_modules if module.name != "server/settings.py")
    own = next(module.text for module in own_modules if module.name == "server/settings.py")
    names = [item.name for item in setting_fields()]
    # `host` and `public_url` may be read through `base_url`, a property of the settings themselves.
    unread = [name for name in names if not re.search(rf"\.{name}\b", readers) and f"self.{name}" not in own]
    assert unread == []


def test_every_link_inside_the_repository_leads_somewhere(root: Path, tracked: list[Path]) -> None:
    broken = []
    for path in tracked:
        if path.suffix != ".md":
            continue
        for target in re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            if not re.match(r"[a-z]+:", target) and not (path.parent / target).exists():
                broken.append(f"{path.relative_to(root)} -> {target}")
    assert broken == []


def test_every_command_of_make_that_a_document_names_exists(root: Path, tracked: list[Path]) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(), re.MULTILINE))
    missing = []
    for path in tracked:
        if path.suffix == ".md" and path.name != "CHANGELOG.md":
            named = re.findall(r"(?:`|^\s*\$ ?|^ {4,})make ([a-z-]+)", path.read_text(encoding="utf-8"), re.MULTILINE)
            missing += [f"{path.relative_to(root)}: make {name}" for name in named if name not in targets]
    assert missing == []


def test_every_folder_of_the_packages_is_on_the_tour(root: Path, own_modules: list[Any]) -> None:
    tour = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    folders = {module.name.rpartition("/")[0] for module in own_modules}
    assert sorted(folder for folder in folders if f"`{folder}/`" not in tour) == []


def test_every_rule_of_upcast_stands_in_the_handbook_with_an_example_that_reads(root: Path) -> None:
    text = (root / "docs" / "forms.md").read_text(encoding="utf-8")
    examples = [
        example
        for example in re.findall(r"`(\w+=\w+(?:\{[^`]*\})?(?: else \w+)?)`", text)
        if example != "nama_lama=aturan"
    ]
    rules = {rule.partition("{")[0].split()[0] for example in examples for _, rule in read_upcasts(example)}
    assert rules == RULES.keys()
