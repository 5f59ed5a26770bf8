"""`padan form`: what an author of forms types and reads."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner, Result

from field_forms.built import FORMS
from server.commands.form import group
from server.store import forms
from server.store.migrations import open_store


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "padan.db"
    monkeypatch.setenv("PADAN_DATABASE", str(path))
    monkeypatch.chdir(tmp_path)
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(group, list(arguments))


def test_build_names_each_form_with_its_hash() -> None:
    result = run("build")
    assert result.exit_code == 0, result.output
    for form in FORMS:
        assert form in result.output


def test_check_finds_our_own_forms_good() -> None:
    result = run("check")
    assert result.exit_code == 0
    assert result.output.count("baik / good") == len(FORMS)


def test_a_form_is_published_once_and_listed(database: Path) -> None:
    assert "Terbit / published" in run("publish", "verifikasi_keluarga").output
    assert "Sudah terbit" in run("publish", "verifikasi_keluarga").output
    assert run("list").output.count("verifikasi_keluarga") == 1
    stored = forms.all_definitions(open_store(database).db)
    assert [json.loads(raw)["id"] for raw in stored] == ["verifikasi_keluarga"]


def test_a_form_travels_through_excel_and_back(database: Path, tmp_path: Path) -> None:
    run("publish", "perubahan")
    target = tmp_path / "perubahan.xlsx"
    assert run("export", "perubahan", "--xlsx", str(target)).exit_code == 0
    assert "sudah ada" in run("export", "perubahan", "--xlsx", str(target)).output
    book = openpyxl.load_workbook(target)
    page = book["survey"]
    headings = [cell.value for cell in page[1]]
    added = {"type": "text", "name": "acc_witness", "label::Bahasa Indonesia (id)": "Saksi", "policy": "keep_all"}
    page.append([added.get(name) for name in headings])
    book["settings"]["C2"] = "2026112102"
    assert [cell.value for cell in book["settings"][1]][2] == "version"
    book.save(target)
    result = run("publish", str(target))
    assert result.exit_code == 0, result.output
    assert "perubahan 2026112102" in run("list").output


def test_a_refused_form_names_row_and_reason_and_nothing_is_stored(database: Path, tmp_path: Path) -> None:
    run("publish", "perubahan")
    target = tmp_path / "perubahan.xlsx"
    run("export", "perubahan", "--xlsx", str(target))
    book = openpyxl.load_workbook(target)
    for row in book["survey"].iter_rows(min_row=2):
        if row[1].value == "acc_place":
            row[1].value, number = "place", row[1].row
    book["settings"]["C2"] = "2026112102"
    book.save(target)
    result = run("publish", str(target))
    assert result.exit_code == 1
    assert "pertanyaan acc_place: sudah terbit dalam versi 2026112101" in result.output
    assert number > 2
    assert "2026112102" not in run("list").output
    assert run("check", str(target)).exit_code == 0, "in itself it is a good form"
    assert run("check", "--published", str(target)).exit_code == 1


def test_a_file_that_is_no_form_is_told(database: Path, tmp_path: Path) -> None:
    (tmp_path / "x.xlsx").write_bytes(b"PK")
    for name in ("x.xlsx", "nothing", "."):
        result = run("publish", name)
        assert result.exit_code == 1
        assert "Traceback" not in result.output
    assert run("check", "x.xlsx").exit_code == 1
