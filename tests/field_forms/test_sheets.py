"""Sheets are read from CSV, XLSX and Markdown alike; a workbook made by the export reads back the same."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from field_forms.built import FORMS, source_folder
from field_forms.compile import check_form, compile_form
from field_forms.form_problem import SheetUnreadable
from field_forms.sheet import read_sheet
from field_forms.write_workbook import write_workbook

SURVEY = 'type,name,label\ntext,a,"Halo, dunia"\n\nselect_one l,b,Pilih\n'
CHOICES = "list_name,name,label\nl,01,Satu\n"
SETTINGS = "form_id,version,form_title\nf,1,F\n"


def folder(path: Path, survey: str = SURVEY, encoding: str = "utf-8") -> Path:
    path.mkdir(exist_ok=True)
    (path / "survey.csv").write_bytes(survey.encode(encoding))
    (path / "choices.csv").write_text(CHOICES)
    (path / "settings.csv").write_text(SETTINGS)
    return path


@pytest.mark.parametrize("form", FORMS)
def test_an_exported_workbook_reads_back_as_the_same_form(form: str, tmp_path: Path) -> None:
    sheet = read_sheet(source_folder(form))
    write_workbook(sheet, tmp_path / "form.xlsx")
    back = read_sheet(tmp_path / "form.xlsx")
    assert back.survey == sheet.survey
    assert back.choices == sheet.choices
    assert compile_form(back).definition.hash == compile_form(sheet).definition.hash


def test_an_exported_workbook_keeps_codes_as_text_and_formulas_as_words(tmp_path: Path) -> None:
    sheet = read_sheet(folder(tmp_path / "f", 'type,name,label\ntext,a,"=1+1"\n'))
    write_workbook(sheet, tmp_path / "form.xlsx")
    book = openpyxl.load_workbook(tmp_path / "form.xlsx")
    assert book["choices"]["B2"].value == "01"
    assert book["choices"]["B2"].number_format == "@"
    assert (book["survey"]["C2"].value, book["survey"]["C2"].data_type) == ("=1+1", "s")


def test_a_workbook_edited_in_excel_gives_numbers_back_as_codes(tmp_path: Path) -> None:
    write_workbook(read_sheet(folder(tmp_path / "f")), tmp_path / "form.xlsx")
    book = openpyxl.load_workbook(tmp_path / "form.xlsx")
    book["choices"]["B2"] = 1.0
    book["settings"]["B2"] = 2026112102
    book.create_sheet("catatan pribadi")["A1"] = "tidak dibaca"
    book.save(tmp_path / "form.xlsx")
    back = read_sheet(tmp_path / "form.xlsx")
    assert (back.choices[0]["name"], back.setting("version")) == ("1", "2026112102")


def test_markdown_reads_as_the_csv_does(tmp_path: Path) -> None:
    (tmp_path / "form.md").write_text(
        "# Formulir\n\n| survey |  |  |  |\n| | type | name | label |\n| |---|---|---|\n| | text | a | Halo, dunia |\n"
        "| | | | |\n| | select_one l | b | Pilih |\n| choices |\n| | list_name | name | label |\n| | l | 01 | Satu |\n"
        "| settings |\n| | form_id | version | form_title |\n| | f | 1 | F |\n"
    )
    csv, md = read_sheet(folder(tmp_path / "f")), read_sheet(tmp_path / "form.md")
    assert (md.survey, md.choices, md.settings) == (csv.survey, csv.choices, csv.settings)
    assert [row.number for row in md.survey] == [2, 4], "an empty row keeps its number"


def test_a_bom_and_semicolons_are_read(tmp_path: Path) -> None:
    survey = "﻿" + SURVEY.replace('"Halo, dunia"', "Halo").replace(",", ";")
    assert read_sheet(folder(tmp_path / "f", survey)).survey[0]["label"] == "Halo"


@pytest.mark.parametrize(
    ("survey", "encoding", "words"),
    [
        ("type,name,label\ntext,é,x\n", "latin-1", "bukan UTF-8"),
        ('type,name,label\ntext,a,"x\n', "utf-8", "survey.csv"),
        ("type,name,name\ntext,a,b\n", "utf-8", "dua kali"),
        ("", "utf-8", "survey tidak ada"),
        ("type,name\ntext,a\x00\n", "utf-8", "tidak dapat dipakai"),
        ("type,name\ntext," + "x" * 9_000 + "\n", "utf-8", "tidak dapat dipakai"),
    ],
)
def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path, survey: str, encoding: str, words: str) -> None:
    with pytest.raises(SheetUnreadable, match=words):
        read_sheet(folder(tmp_path / "f", survey, encoding))


def test_a_word_in_a_column_without_heading_is_told_with_its_place(tmp_path: Path) -> None:
    sheet = read_sheet(folder(tmp_path / "f", "type,name,label\ntext,a,b,,lebih\n"))
    assert [(p.sheet, p.row, p.column, p.code) for p in sheet.problems] == [("survey", 2, "E", "no_heading")]
    assert sheet.problems[0] in check_form(sheet)


def test_what_is_no_form_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"not a workbook")
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    openpyxl.Workbook().save(tmp_path / "empty.xlsx")
    for name, words in (
        ("a.xlsx", "bukan buku kerja"),
        ("a.pdf", "xlsx"),
        ("none.md", "tidak ada"),
        ("empty.xlsx", "survey"),
    ):
        with pytest.raises(SheetUnreadable, match=words):
            read_sheet(tmp_path / name)


def test_the_checks_survive_an_almost_empty_sheet(tmp_path: Path) -> None:
    problems = check_form(read_sheet(folder(tmp_path / "f", "type,name,label\n")))
    assert {p.code for p in problems} == {"core_missing"}
