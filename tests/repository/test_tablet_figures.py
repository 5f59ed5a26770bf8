"""What the tablet's benchmark gives to each program, and what it makes of the times it read."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ElementTree
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from benchmarks import installing, tablet, tablet_app
from benchmarks.processes import NotRun
from benchmarks.tablet_family import (
    FAMILIES_OF_5,
    FAMILIES_OF_15,
    HOUSEHOLDS,
    cut_lists,
    families,
    instance_xml,
    list_xml,
)
from field_forms.built import built_forms
from schemas.nik import parse_nik

DAY = "2026-11-25"


@pytest.fixture(scope="module")
def xform() -> str:
    return built_forms()[0].xform


def _rows(instance: str) -> list[dict[str, str]]:
    root = ElementTree.fromstring(instance)
    name = lambda each: each.tag.rpartition("}")[2]  # noqa: E731
    return [{name(leaf): leaf.text or "" for leaf in row.iter()} for row in root if name(row) == "member"]


def test_no_two_families_share_a_name_or_a_number_and_every_number_is_a_nik() -> None:
    listed = families()
    assert len(listed) == HOUSEHOLDS
    assert len({family.head_name for family in listed}) == HOUSEHOLDS
    niks = Counter(member.nik_text for family in listed for member in family.members)
    assert max(niks.values()) == 1
    sizes = [len(family.members) for family in listed]
    assert sizes[:FAMILIES_OF_5] == [5] * FAMILIES_OF_5
    assert sizes[FAMILIES_OF_5:][:FAMILIES_OF_15] == [15] * FAMILIES_OF_15
    for member in listed[FAMILIES_OF_5].members:
        read = parse_nik(member.nik_text)
        assert read.sex == member.sex and member.birth_date in map(str, read.birth_date_candidates)


def test_other_programs_are_given_the_household_member_by_member(xform: str) -> None:
    family = families(FAMILIES_OF_5 + 1)[-1]
    begun, fresh = (_rows(instance_xml(xform, family, DAY, begun=begun)) for begun in (True, False))
    assert [row["m_name"] for row in begun] == [member.name for member in family.members]
    assert [row["nik"] for row in begun] == [member.nik_text for member in family.members]
    assert {row["presence"] for row in begun} == {"1"} and {row["presence"] for row in fresh} == {""}
    text = instance_xml(xform, family, DAY, begun=True)
    assert ">01</" in text and family.family_id in text and "template" not in text
    assert ">01</" not in instance_xml(xform, family, DAY, begun=False)
    with pytest.raises(ValueError, match="no primary instance"):
        instance_xml("<x/>", family, DAY, begun=True)


def test_the_lists_are_cut_to_the_district_and_the_family() -> None:
    family = families(3)[2]
    lists = cut_lists(family)
    assert [row["name"] for row in csv.DictReader(io.StringIO(lists["prelist.csv"]))] == [family.family_id]
    villages = [row["name"] for row in csv.DictReader(io.StringIO(lists["villages.csv"]))]
    assert family.area in villages and len(villages) < 30 and villages == sorted(villages)
    assert list_xml("name,label\na,A & B\n") == "<root><item><name>a</name><label>A &amp; B</label></item></root>"


def test_a_figure_is_the_median_and_of_keys_the_slowest_of_twenty_too() -> None:
    found = {"x_first_ms": [3.0, 900.0, 4.0], "x_key_ms": [float(each) for each in range(1, 21)], "x_add_ms": []}
    assert tablet.settled(found) == {"x_first_ms": 4.0, "x_key_ms": 10.5, "x_key_p95_ms": 20.0}


def test_a_program_that_fails_is_named_and_leaves_no_half_round() -> None:
    found: Any = defaultdict(list, {"x_first_ms": [1.0]})
    not_run: dict[str, str] = {}

    def broken(into: Any) -> None:
        into["x_first_ms"].append(2.0)
        raise RuntimeError("shows 3 members of 5\nand more")

    tablet._run("X", broken, found, not_run)
    assert found == {"x_first_ms": [1.0]} and not_run == {"X": "RuntimeError: shows 3 members of 5"}


def test_without_a_browser_the_reason_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tablet_app, "chromium", lambda: None)
    with pytest.raises(NotRun, match="no Chromium"), tablet_app.enrolled(None, tmp_path, 1):
        pass


def test_bytes_are_those_that_a_start_without_a_network_needs(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    for name, size in {
        "index.html": 500, "index.html.br": 200, "sw.js": 90, "assets/app-1.js": 9000, "assets/app-1.js.br": 3000,
        "assets/jsQR-1.js": 700, "assets/jsQR-1.js.br": 70, "LICENSES.txt": 50, "LICENSES.txt.br": 5,
        "SOURCE.sha256": 65,
    }.items():  # fmt: skip
        (tmp_path / name).write_bytes(b"x" * size)
    assert tablet.kept_bytes(tmp_path) == 200 + 90 + 3000


def test_the_form_programs_are_pinned_exactly() -> None:
    wanted = json.loads((installing.FORMS / "package.json").read_text())
    locked = json.loads((installing.FORMS / "package-lock.json").read_text())["packages"]
    for name, version in {**wanted["dependencies"], **wanted["overrides"]}.items():
        assert locked[f"node_modules/{name}"]["version"] == version
