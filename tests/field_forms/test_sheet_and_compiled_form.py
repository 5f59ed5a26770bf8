"""Each row of the compiled form is compared with the sheet, read here by other means than the compiler's."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from field_forms.built import FORMS, build, built_forms, source_folder
from field_forms.compile import CompiledForm, compile_form
from field_forms.sheet import read_sheet
from schemas.core import CORE, CORE_CODES
from schemas.expression import compile_expression
from schemas.form import FormDefinition, Row

META = {"start", "end", "today", "deviceid", "username"}
XF = {"x": "http://www.w3.org/2002/xforms", "h": "http://www.w3.org/1999/xhtml"}


def table(form: str, name: str) -> list[dict[str, str]]:
    with (source_folder(form) / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def compiled(form: str) -> CompiledForm:
    return next(each for each in built_forms() if each.definition.id == form)


def named_rows(form: str) -> list[dict[str, str]]:
    return [row for row in table(form, "survey") if not row["type"].startswith("end_")]


@pytest.mark.parametrize("form", FORMS)
def test_the_rows_are_those_of_the_sheet_in_its_order(form: str) -> None:
    assert [row.name for row in compiled(form).definition.rows] == [row["name"] for row in named_rows(form)]


PAIRS = [(form, index, row["name"]) for form in FORMS for index, row in enumerate(named_rows(form))]


@pytest.mark.parametrize(("form", "index", "name"), PAIRS, ids=[f"{form}-{name}" for form, _, name in PAIRS])
def test_each_row_says_what_its_row_in_the_sheet_says(form: str, index: int, name: str) -> None:
    cells, row = named_rows(form)[index], compiled(form).definition.rows[index]
    assert row.name == cells["name"]
    assert row.label_id == cells["label::Bahasa Indonesia (id)"]
    assert row.label_en == cells["label::English (en)"]
    assert row.relevant == cells["relevant"]
    word, _, rest = cells["type"].partition(" ")
    if word in ("begin_group", "begin_repeat", "note") or word in META:
        assert row.field is None
        assert row.kind == {"begin_group": "group", "begin_repeat": "repeat", "note": "note"}.get(word, "meta")
        return
    _same_question(form, cells, row, word, rest)


def _same_question(form: str, cells: dict[str, str], row: Row, word: str, rest: str) -> None:
    field = row.field
    assert field is not None
    assert field.type == word.removesuffix("_from_file")
    assert field.list_name == ("" if word.endswith("_from_file") or not word.startswith("select") else rest)
    assert field.media == (rest if word.endswith("_from_file") else "")
    offered = [(c["name"], c["label::Bahasa Indonesia (id)"]) for c in table(form, "choices") if c["list_name"] == rest]
    assert [(c.name, c.label_id) for c in field.choices] == offered
    for name in ("constraint", "warning", "unit", "deliver", "choice_filter", "appearance"):
        assert getattr(field, name) == cells[name], name
    assert field.policy == cells["policy"]
    assert field.sensitivity == cells["sensitivity"]
    assert field.calculation == (cells["calculation"] or cells["derive"])
    assert field.required == ("true()" if cells["required"] == "yes" else cells["required"])
    assert field.constraint_message_id == cells["constraint_message::Bahasa Indonesia (id)"]
    assert field.warning_message_en == cells["warning_message::English (en)"]
    for name in ("exclusive", "sticky", "yields", "aliases"):
        assert " ".join(getattr(field, name)) == cells[name], name
    assert field.core is (cells["core"] == "yes")
    assert field.readonly is (cells["readonly"] == "yes")
    rule = field.evidence
    pairs = ",".join(f"{code}:{level}" for code, level in rule.levels)
    assert (f"{rule.source}{{{pairs}}}" if rule.source else "") == cells["evidence"]
    assert rule.constant == 1


@pytest.mark.parametrize("form", FORMS)
def test_relevance_of_a_question_includes_that_of_the_groups_around_it(form: str) -> None:
    definition = compiled(form).definition
    groups = {row.name: row.relevant for row in definition.rows if row.kind in ("group", "repeat")}
    for row in definition.rows:
        if row.field is not None:
            around = [groups[name] for name in row.parents if groups[name]]
            for text in (*around, row.relevant):
                assert text in row.field.relevant
            compile_expression(row.field.relevant or "true()")
            inside = any(r.kind == "repeat" and r.name in row.parents for r in definition.rows)
            assert row.field.scope == ("e" if form == "perubahan" else "p" if inside else "h")


@pytest.mark.parametrize("form", FORMS)
def test_the_sheets_core_column_is_the_list_the_code_knows(form: str) -> None:
    definition = compiled(form).definition
    part = "e" if form == "perubahan" else "h"
    assert {(f.scope, f.name): f.type for f in definition.fields if f.core} == dict(CORE[part])
    for (scope, name), codes in CORE_CODES.items():
        if scope == part or (part == "h" and scope == "p"):
            assert set(codes) <= definition.by_name[name].codes


@pytest.mark.parametrize("form", FORMS)
def test_the_xform_holds_every_question_and_none_of_padans_columns(form: str) -> None:
    made = compiled(form)
    root = ET.fromstring(made.xform)
    binds = {
        bind.get("nodeset", "").rpartition("/")[2]: bind for bind in root.iter("{http://www.w3.org/2002/xforms}bind")
    }
    for row in made.definition.rows:
        if row.field is not None:
            assert row.name in binds
    assert "outcome_unit" not in made.xform
    assert "warning" not in made.xform.lower().replace("warning:", "").replace("warning_", "")
    if form == "verifikasi_keluarga":
        assert binds["nik"].get("constraint") is None, "a NIK warns and never blocks"
        assert binds["family_size"].get("calculate") is None, "what is derived is still asked"
        assert binds["age"].get("calculate")


def test_compiling_twice_gives_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    script = (
        "import json; from field_forms.compile import compile_form; from field_forms.sheet import read_sheet;"
        "from field_forms.built import FORMS, source_folder;"
        "print(json.dumps([compile_form(read_sheet(source_folder(f))).definition.to_json() for f in FORMS]))"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, check=True, text=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(runs) == 1
    again = [FormDefinition.from_json(each) for each in json.loads(runs.pop())]
    assert [form.hash for form in again] == [compiled(form).definition.hash for form in FORMS]


def test_build_writes_what_it_compiled(tmp_path: Path) -> None:
    made = build("perubahan", tmp_path)
    written: Any = json.loads((tmp_path / "perubahan.json").read_bytes())
    assert FormDefinition.from_json(written) == made.definition
    assert (tmp_path / "perubahan.xml").read_text(encoding="utf-8") == made.xform


def test_the_form_names_the_files_the_app_supplies() -> None:
    assert compiled("verifikasi_keluarga").definition.media == {
        "prelist.csv": ("name", "label", "village_code"),
        "villages.csv": ("name", "label"),
    }


def test_policies_are_those_of_the_merge_contract() -> None:
    by_name = compiled("verifikasi_keluarga").definition.by_name
    expected = {
        "evidence": ["nik", "no_kk", "m_name", "birth_date", "sex"],
        "latest": ["resp_phone", "job_title", "vw_income", "assets"],
        "status": ["presence", "visit_outcome"],
        "set": ["prog_1y", "needs", "photo_front", "aid_need"],
        "location": ["gps_home"],
        "keep_all": ["remark"],
        "derived": ["family_size", "kek", "age"],
        "ask": ["assessment", "roof_type"],
    }
    for policy, names in expected.items():
        assert {by_name[name].policy for name in names} == {policy}
    assert by_name["presence"].sticky == ("2", "3", "4")
    assert by_name["visit_outcome"].sticky == ("05", "06", "07", "10")
    assert by_name["visit_outcome"].yields == ("03",)
    assert by_name["nik"].evidence.levels == (("1", 3), ("2", 1), ("3", 1))


def test_a_sheet_reads_the_same_from_its_folder_and_compiles() -> None:
    for form in FORMS:
        assert compile_form(read_sheet(source_folder(form))).definition.hash == compiled(form).definition.hash
