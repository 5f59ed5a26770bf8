"""`padan form`: what an author of forms types and reads."""

from __future__ import annotations

import json
from collections.abc import Callable
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
    shown = run("diff", str(target))
    assert (shown.exit_code, "acc_witness (perubahan) Saksi" in shown.output) == (0, True), shown.output
    assert "2026112102" not in run("list").output, "a look publishes nothing"
    refused = CliRunner().invoke(group, ["publish", str(target)], input="n\n")
    assert (refused.exit_code, "2026112102" in run("list").output) == (1, False)
    result = run("publish", str(target), "--yes")
    assert result.exit_code == 0, result.output
    assert "perubahan 2026112102  dipakai" in run("list").output


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


def test_each_mistake_is_told_with_sheet_row_column_and_what_to_do(database: Path, tmp_path: Path) -> None:
    run("publish", "verifikasi_keluarga")
    target = edited(
        "verifikasi_keluarga", tmp_path / "a.xlsx", "2026112101",
        floor_area_m2={"relevant": "${visit_outcom} = '01'"}, roof_type={"name": "jenis atap", "aliases": "roof_type"},
        wall_type={"name": "dinding", "aliases": "wall_tipe"}, address={"policy": "terbaru"},
    )  # fmt: skip
    page = openpyxl.load_workbook(target)["survey"]
    heading = [cell.value for cell in page[1]].index("name")
    rows = {row[heading].value: row[heading].row for row in page.iter_rows(min_row=2)}
    result = run("check", "--published", str(target))
    assert result.exit_code == 1
    told = [line.removeprefix(f"{target}: ") for line in result.output.splitlines()]
    for place, what_to_do in (
        (f"survey baris {rows['floor_area_m2']}, kolom relevant", "maksud Anda ${visit_outcome}?"),
        (f"survey baris {rows['jenis atap']}, kolom name", "mis. 'jenis_atap'"),
        (f"survey baris {rows['dinding']}, kolom aliases", "periksa ejaannya"),
        (f"survey baris {rows['address']}, kolom policy", "pilih "),
        ("survey, kolom name, pertanyaan wall_type", "tulis nama lama di kolom aliases"),
        ("settings baris 2, kolom version", "naikkan version"),
    ):
        assert [line for line in told if line.startswith(place) and what_to_do in line], (place, told)
    assert "2026112102" not in run("list").output


def test_a_version_is_looked_at_published_retired_and_restored_on_each_engine(
    new_address: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PADAN_DATABASE", new_address())
    monkeypatch.setenv("PADAN_FOLDER", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert run("publish", "perubahan").exit_code == 0
    target = edited(
        "perubahan", tmp_path / "a.xlsx", "2026112102", acc_place={"name": "tempat", "aliases": "acc_place"}
    )
    seen = run("diff", str(target))
    assert "acc_place menjadi tempat (perubahan)" in seen.output
    assert "Akibatnya" in seen.output and "2026112102" not in run("list").output
    assert "Terbit / published: perubahan 2026112102" in run("publish", str(target), "--yes").output
    assert "perubahan 2026112101  versi lama" in run("list").output
    assert run("retire", "perubahan", "2026112102", "--reason", "keliru", "--yes").exit_code == 0
    assert "perubahan 2026112102  ditarik: keliru" in run("list").output
    last = run("retire", "perubahan", "2026112101", "--reason", "keliru", "--yes")
    assert last.exit_code == 1 and "satu-satunya versi yang dipakai" in str(last.exception)
    assert run("restore", "perubahan", "2026112102", "--yes").exit_code == 0
    assert "perubahan 2026112102  dipakai" in run("list").output


def edited(form: str, target: Path, version: str, **questions: dict[str, str]) -> Path:
    """The published form as a workbook, with some cells of some questions changed."""
    assert run("export", form, "--xlsx", str(target)).exit_code == 0
    book = openpyxl.load_workbook(target)
    page = book["survey"]
    at = {cell.value: cell.column for cell in page[1]}
    for number in range(2, page.max_row + 1):
        for heading, text in questions.get(str(page.cell(number, at["name"]).value), {}).items():
            page.cell(number, at[heading]).value = text
    book["settings"]["C2"] = version
    book.save(target)
    return target


def test_the_export_is_what_the_author_published_and_any_version_can_be_had(database: Path, tmp_path: Path) -> None:
    run("publish", "perubahan")
    target = edited(
        "perubahan", tmp_path / "a.xlsx", "2026112102", acc_place={"label::Bahasa Indonesia (id)": "Di mana?"}
    )
    assert run("publish", str(target), "--yes").exit_code == 0
    now, before = tmp_path / "now.xlsx", tmp_path / "before.xlsx"
    assert "perubahan 2026112102" in run("export", "perubahan", "--xlsx", str(now)).output
    assert run("export", "perubahan", "--version", "2026112101", "--xlsx", str(before)).exit_code == 0
    assert "Di mana?" in [row[2].value for row in openpyxl.load_workbook(now)["survey"].iter_rows()]
    assert "Di mana?" not in [row[2].value for row in openpyxl.load_workbook(before)["survey"].iter_rows()]
    assert (
        "tidak pernah terbit" in run("export", "perubahan", "--version", "7", "--xlsx", str(tmp_path / "x.xlsx")).output
    )


def test_a_version_whose_sheets_were_not_kept_is_made_again_from_its_definition(database: Path, tmp_path: Path) -> None:
    run("publish", "verifikasi_keluarga")
    store = open_store(database)
    store.db.run("delete from form_sheets")
    store.close()
    result = run("export", "verifikasi_keluarga", "--xlsx", str(tmp_path / "vk.xlsx"))
    assert "disusun kembali" in result.output
    assert run("publish", str(tmp_path / "vk.xlsx")).output.startswith("Sudah terbit"), "the same form, by its hash"


def test_a_bad_version_is_retired_and_restored_by_command(database: Path, tmp_path: Path) -> None:
    run("publish", "perubahan")
    target = edited(
        "perubahan", tmp_path / "a.xlsx", "2026112102", acc_place={"name": "tempat", "aliases": "acc_place"}
    )
    assert run("publish", str(target), "--yes").exit_code == 0
    asked = CliRunner().invoke(group, ["retire", "perubahan", "2026112102", "--reason", "salah"], input="n\n")
    assert (asked.exit_code, "tempat menjadi acc_place" in asked.output) == (1, True), asked.output
    result = run("retire", "perubahan", "2026112102", "--reason", "nama salah", "--yes")
    assert "Versi yang dipakai / in use: 2026112101" in result.output
    assert "perubahan 2026112102  ditarik: nama salah" in run("list").output
    assert run("restore", "perubahan", "2026112102", "--yes").exit_code == 0
    assert "perubahan 2026112102  dipakai" in run("list").output
    assert "satu-satunya" not in run("list").output


def test_exporting_needs_no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PADAN_DATABASE", str(tmp_path / "none.db"))
    assert run("export", "perubahan", "--xlsx", str(tmp_path / "p.xlsx")).exit_code == 0
    assert not (tmp_path / "none.db").exists()


def test_cells_that_were_read_otherwise_than_written_are_told(database: Path, tmp_path: Path) -> None:
    target = edited("perubahan", tmp_path / "a.xlsx", "2026112101", acc_place={"relevant": "${event_type} ≠ ‘birth’"})
    output = run("check", str(target)).output
    assert "dibaca sebagai ${event_type} != 'birth'" in output
    assert "baik / good" in output
