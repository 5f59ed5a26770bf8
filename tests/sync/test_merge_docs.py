"""docs/merge.md says what the code does: its tables are compared with the code's, its examples are run."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest
from fold_world import DICTIONARY, World, house

from schemas.event import KINDS
from schemas.question import POLICIES as KNOWN_POLICIES
from sync.case import STATES
from sync.location import within_50_m
from sync.names import compatible
from sync.policy import POLICIES
from sync.roster import CLOSED_BY


@pytest.fixture(scope="module")
def text(root: Path) -> str:
    return (root / "docs" / "merge.md").read_text(encoding="utf-8")


def rows(text: str, heading: str) -> list[list[str]]:
    """Cells of the first table under a heading, without its head."""
    section = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    table = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)
    assert table is not None
    lines = [line.strip().strip("|") for line in table.group().splitlines()]
    return [[cell.strip() for cell in line.split("|")] for line in lines[2:]]


def codes(cell: str) -> set[str]:
    return set(re.findall(r"`([a-z_]+)`", cell))


def test_the_states_are_drawn_from_the_table(text: str) -> None:
    assert rows(text, "States") == [[f"`{state.name}`", state.moved_by, state.needs] for state in STATES]


def test_every_kind_of_event_is_described(text: str) -> None:
    assert set().union(*(codes(row[0]) for row in rows(text, "Kinds of events"))) == KINDS


def test_every_policy_is_described(text: str) -> None:
    assert {code for row in rows(text, "Policies") for code in codes(row[0])} == POLICIES.keys() == set(KNOWN_POLICIES)


def test_every_kind_of_conflict_is_described_with_the_verdicts_that_close_it(root: Path, text: str) -> None:
    said = {next(iter(codes(row[0]))): codes(row[2]) for row in rows(text, "Conflicts and what closes them")}
    sources = "".join((root / "sync" / name).read_text() for name in ("record.py", "roster.py", "notices.py"))
    assert said.keys() == set(re.findall(r"Conflict\(\s*\"([a-z_]+)\"", sources))
    for kind, verdicts in CLOSED_BY.items():
        assert verdicts <= said[kind], kind


def test_the_names_in_the_table_are_compatible_as_it_says(text: str) -> None:
    table = rows(text, "Compatible names")
    assert len(table) > 10
    for one, other, says in table:
        assert (compatible(one, other), compatible(other, one)) == ((says == "yes"),) * 2, f"{one} / {other}"


def test_the_formula_in_the_document_is_the_one_in_the_code(text: str) -> None:
    formula = re.search(r"north  = .*\n(?:    .*\n)+", text)
    assert formula is not None
    lines = [re.split(r"\s{2,}", line.strip(), maxsplit=1)[0] for line in formula.group().splitlines()]
    code = [re.sub(r"\|(.*?)\|", r"abs(\1)", re.split(r"\s{3,}", line.split("=", 1)[1].strip())[0])
            for line in formula.group().splitlines()]  # fmt: skip
    names = ["north", "m", "cosine", "east", "near"]
    assert [line.split()[0] for line in lines] == names
    steps = (0, 1, 448, 449, 450, -449, 100_000)
    for lat, lon, start in product(steps, steps, (-10_900_000, -2_900_000, 5_900_000)):
        known = {"lat1": start, "lat2": start + lat, "lon1": 95_000_000, "lon2": 95_000_000 + lon}
        for name, expression in zip(names, code, strict=True):
            known[name] = eval(expression, {"abs": abs}, known)
        here = {"lat": known["lat1"], "lon": known["lon1"]}
        assert within_50_m(here, {"lat": known["lat2"], "lon": known["lon2"]}) is known["near"]


def test_the_document_names_no_module_that_is_not_there(root: Path, text: str) -> None:
    named = set(re.findall(r"`((?:sync|schemas|tests)/[a-z_./]*)`", text))
    assert named
    assert [name for name in named if not (root / name).exists()] == []


def test_the_world_of_the_tests_asks_every_policy() -> None:
    assert {field.policy for scope in "hp" for field in DICTIONARY.fields(scope)} == POLICIES.keys()
    assert World().prelist(3).household_id == house(3)
