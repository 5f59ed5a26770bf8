"""A workbook that went through Excel and a form author reads as it was meant, or says where and what to do."""

from __future__ import annotations

import datetime
from pathlib import Path

import openpyxl
import pytest
from excel_habits import Book, Habit, cell, column, put, retitled, with_cached_formula, workbook
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill

from field_forms.built import source_folder
from field_forms.compile import CompiledForm, check_form, compile_form
from field_forms.form_problem import FormProblem, SheetUnreadable
from field_forms.sheet import Sheet, read_sheet

LABEL = "label::Bahasa Indonesia (id)"


def original() -> str:
    return compile_form(read_sheet(source_folder("verifikasi_keluarga"))).definition.hash


def read(path: Path) -> tuple[Sheet, list[FormProblem]]:
    sheet = read_sheet(path)
    return sheet, check_form(sheet)


def formatted(book: Book) -> None:
    """Colours, widths, comments, a frozen pane, a filter, hidden columns and rows."""
    for page in book.worksheets:
        for row in page.iter_rows():
            for each in row:
                each.fill, each.font = PatternFill("solid", "FFFF00"), Font(bold=True, name="Comic Sans MS")
        page.auto_filter.ref = page.dimensions
        page.row_dimensions[5].hidden = True
        page.column_dimensions["C"].hidden = True
    book["survey"]["B3"].comment = Comment("tanya Bu Ani", "x")


def spaced(book: Book) -> None:
    """Blanks of every kind before and behind, as they come with text copied from the web."""
    for page in book.worksheets:
        for row in page.iter_rows():
            for each in row:
                if isinstance(each.value, str):
                    each.value = f"\u00a0 {each.value}\u200b \t"


def trailing(book: Book) -> None:
    """A thousand coloured empty rows beneath, and some with a lone blank."""
    for page in book.worksheets:
        for number in range(page.max_row + 1, page.max_row + 1_000):
            page.cell(number, 1).fill = PatternFill("solid", "00FF00")
        page.cell(page.max_row, 2).value = "  "


def gaps(book: Book) -> None:
    """Empty rows between the questions."""
    book["survey"].insert_rows(10, 3)
    book["choices"].insert_rows(20, 1)


def more_sheets(book: Book) -> None:
    """Sheets of the author's own, one hidden; and the sheets' names as somebody typed them."""
    book.create_sheet("Petunjuk", 0)["A1"] = "Baca dulu"
    old = book.create_sheet("survey lama")
    old["A1"], old.sheet_state = "type", "hidden"
    for name, written in (("survey", "Survey "), ("choices", "CHOICES")):
        page = book[name]
        page.title = "x"  # or openpyxl numbers it
        page.title = written


def numbers(book: Book) -> None:
    """Codes that a spreadsheet made numbers, some shown with a zero in front by their format."""
    page = book["choices"]
    at = column(page, "name")
    for number in range(2, page.max_row + 1):
        each = page.cell(number, at)
        text = str(each.value)
        if text.isdecimal():
            each.value = float(text)
            each.number_format = "0" * len(text) if text.startswith("0") and len(text) > 1 else "General"
    version = cell(book, "settings", "", "version")
    version.value, version.number_format = 2026112101, "General"


def yes_and_no(book: Book) -> None:
    """Ya and TRUE where yes is meant."""
    page = book["survey"]
    for heading in ("required", "readonly", "core"):
        at = column(page, heading)
        for number in range(2, page.max_row + 1):
            if page.cell(number, at).value == "yes":
                page.cell(number, at).value = (True, "Ya", "Yes")[number % 3]


def curly(book: Book) -> None:
    """AutoCorrect in every expression: curly quotes, long dashes, signs."""
    page = book["survey"]
    for heading in ("relevant", "constraint", "calculation", "required", "warning", "derive"):
        at = column(page, heading)
        for number in range(2, page.max_row + 1):
            text = page.cell(number, at).value
            if isinstance(text, str) and text != "yes" and "regex" not in text:
                pieces = text.split("'")
                text = "".join(piece + ("" if n == len(pieces) - 1 else "‘’"[n % 2]) for n, piece in enumerate(pieces))
                page.cell(number, at).value = text.replace(">=", "≥").replace("<=", "≤").replace("!=", "≠")


def spelt_types(book: Book) -> None:
    """`select one`, `Begin Group`, `INTEGER`."""
    page = book["survey"]
    at = column(page, "type")
    for number in range(2, page.max_row + 1):
        each = page.cell(number, at)
        if each.value is None:
            continue
        if each.value.startswith(("select_one ", "begin_", "end_")):
            each.value = each.value.replace("_", " ", 1).replace("begin", "Begin").replace("select", "Select ")
        elif each.value in ("integer", "text", "date"):
            each.value = each.value.upper()


def titled(book: Book) -> None:
    """A title and a line of explanation above the headings."""
    page = book["survey"]
    page.insert_rows(1, 2)
    page["A1"] = "FORMULIR VERIFIKASI KELUARGA 2026"
    page.merge_cells("A1:F1")


def merged_lists(book: Book) -> None:
    """One merged cell beside all choices of a list."""
    page = book["choices"]
    first = 2
    while first <= page.max_row:
        last = first
        while last < page.max_row and page.cell(last + 1, 1).value == page.cell(first, 1).value:
            last += 1
        if last > first:
            page.merge_cells(start_row=first, end_row=last, start_column=1, end_column=1)
        first = last + 1


def merged_in_one_row(book: Book) -> None:
    """The Indonesian label merged with the empty English one beside it."""
    page = book["survey"]
    row = next(n for n in range(2, page.max_row + 1) if page.cell(n, column(page, "name")).value == "notice")
    page.cell(row, column(page, "label::English (en)")).value = None
    page.merge_cells(start_row=row, end_row=row, start_column=column(page, LABEL),
                     end_column=column(page, "label::English (en)"))  # fmt: skip


def renamed_headings(book: Book) -> None:
    """Headings as other XLSForms write them."""
    for sheet, old, new in (
        ("survey", "type", "Type"), ("survey", "name", " NAME "), ("survey", LABEL, "Label :: bahasa indonesia(id)"),
        ("survey", "label::English (en)", "label::English"), ("survey", "relevant", "Relevance"),
        ("survey", "choice_filter", "choice filter"), ("survey", "readonly", "read_only"),
        ("survey", "constraint_message::Bahasa Indonesia (id)", "Constraint Message::Indonesia"),
        ("choices", "list_name", "list name"), ("choices", LABEL, "label::Indonesia (id)"),
        ("settings", "form_title", "Title"), ("settings", "form_id", "id_string"),
    ):  # fmt: skip
        retitled(sheet, old, new)(book)
    cell(book, "settings", "", "default_language").value = "bahasa indonesia (id)"


def own_notes(book: Book) -> None:
    """A column of the author's own, marked as such."""
    page = book["survey"]
    page.cell(1, page.max_column + 1).value = "# catatan Bu Ani"
    page.cell(7, page.max_column).value = "tanyakan lagi"


SAME: list[Habit] = [
    formatted, spaced, trailing, gaps, more_sheets, numbers, yes_and_no, curly, spelt_types, titled, merged_lists,
    renamed_headings, own_notes,
]  # fmt: skip


@pytest.mark.parametrize("habit", SAME, ids=lambda habit: habit.__name__)
def test_what_excel_and_its_user_do_to_a_sheet_changes_nothing(habit: Habit, tmp_path: Path) -> None:
    sheet, problems = read(workbook(tmp_path / "form.xlsx", habit))
    assert [str(problem) for problem in problems] == []
    compiled = compile_form(sheet)
    assert compiled.definition.hash == original()
    assert compiled.xform.count("<itext>") == 1


def test_all_of_it_together_changes_nothing_either(tmp_path: Path) -> None:
    last = [renamed_headings, titled, more_sheets, spaced]
    sheet, problems = read(workbook(tmp_path / "form.xlsx", *(h for h in SAME if h not in last), *last))
    assert [str(problem) for problem in problems] == []
    assert compile_form(sheet).definition.hash == original()


def test_the_xform_is_the_same_too(tmp_path: Path) -> None:
    """pyxform gets what was read, not what was written: `Ya` in `required` would be a path to it."""
    sheet, _ = read(workbook(tmp_path / "form.xlsx", yes_and_no, curly, spelt_types, renamed_headings))
    plain: CompiledForm = compile_form(read_sheet(source_folder("verifikasi_keluarga")))
    assert compile_form(sheet).xform == plain.xform


def test_what_was_read_otherwise_than_written_is_noted(tmp_path: Path) -> None:
    sheet, _ = read(workbook(tmp_path / "form.xlsx", put("survey", "rt", "relevant", "${rw} ≠ “3”")))
    (note,) = sheet.notes
    assert (note.sheet, note.column, note.reason) == (
        "survey", "relevant", "${rw} ≠ “3” dibaca sebagai ${rw} != \"3\""
    )  # fmt: skip


def test_a_merged_cell_in_one_row_hides_nothing(tmp_path: Path) -> None:
    sheet, problems = read(workbook(tmp_path / "form.xlsx", merged_in_one_row))
    assert problems == []
    assert next(row for row in sheet.survey if row["name"] == "notice")[LABEL]


def test_a_curly_quote_inside_a_text_stays(tmp_path: Path) -> None:
    said = "${informant} != 'Ma‘ruf – “Pak RT”'"
    sheet, problems = read(workbook(tmp_path / "form.xlsx", put("survey", "rt", "relevant", said)))
    assert problems == []
    assert next(row for row in sheet.survey if row["name"] == "rt")["relevant"] == said


def test_a_formula_is_read_by_its_result(tmp_path: Path) -> None:
    path = workbook(tmp_path / "form.xlsx")
    book = openpyxl.load_workbook(path)
    ref = cell(book, "survey", "rt", LABEL).coordinate
    with_cached_formula(path, "survey", ref, "UPPER(B1)", "RUKUN TETANGGA")
    sheet, problems = read(path)
    assert problems == []
    assert next(row for row in sheet.survey if row["name"] == "rt")[LABEL] == "RUKUN TETANGGA"


def test_a_date_may_be_the_default_of_a_question(tmp_path: Path) -> None:
    def with_default(book: Book) -> None:
        page = book["survey"]
        page.cell(1, page.max_column + 1).value = "default"
        cell(book, "survey", "revisit_date", "default").value = datetime.date(2026, 12, 1)

    sheet, problems = read(workbook(tmp_path / "form.xlsx", with_default))
    assert problems == []
    assert next(row for row in sheet.survey if row["name"] == "revisit_date")["default"] == "2026-12-01"


def merged_downwards(book: Book) -> None:
    page = book["survey"]
    at = column(page, "relevant")
    row = cell(book, "survey", "rt", "relevant").row
    page.cell(row, at).value = "${kk_status} < '3'"
    page.merge_cells(start_row=row, end_row=row + 1, start_column=at, end_column=at)


def banner(book: Book) -> None:
    page = book["survey"]
    page.insert_rows(9)
    page.cell(9, 1).value = "BAGIAN B - KELUARGA"
    page.merge_cells("A9:H9")


def third_language(book: Book) -> None:
    page = book["survey"]
    page.cell(1, page.max_column + 1).value = "label::Basa Jawa (jv)"


def same_label_twice(book: Book) -> None:
    page = book["survey"]
    page.cell(1, page.max_column + 1).value = "label"


TOLD: dict[str, tuple[Habit, str, str, str, str]] = {
    "a code that became a date": (
        put("choices", "sex", "name", datetime.date(2026, 2, 1), "d-mmm"), "cell_date", "choices", "name", "Text"),
    "a time": (put("survey", "rt", LABEL, datetime.time(7, 30), "h:mm"), "cell_time", "survey", LABEL, "jam"),
    "an error": (put("survey", "rt", LABEL, "#REF!"), "cell_error", "survey", LABEL, "#REF!"),
    "a formula without a result": (
        put("survey", "rt", LABEL, "=CONCATENATE(\"R\",\"T\")"), "cell_formula", "survey", LABEL, "nilai"),
    "a number that Excel rounds": (
        put("choices", "sex", "name", 1234567890123456789), "cell_digits", "choices", "name", "15 digit"),
    "a word merged over rows": (merged_downwards, "merged", "survey", "relevant", "Unmerge"),
    "a banner between questions": (banner, "structure", "survey", "type", "bukan pertanyaan"),
    "a heading in Indonesian": (
        retitled("survey", "relevant", "Relevan"), "unknown_column", "survey", "Relevan", "'relevant'"),
    "a misspelt heading": (
        retitled("survey", "constraint", "constrain"), "unknown_column", "survey", "constrain", "'constraint'"),
    "a heading of nobody": (
        retitled("survey", "appearance", "Kolom1"), "unknown_column", "survey", "Kolom1", "# di depan"),
    "a third language": (third_language, "language", "survey", "label::Basa Jawa (jv)", "# di depan"),
    "two columns for one label": (same_label_twice, "duplicate_column", "survey", "label", "hapus salah satu"),
    "a column without a heading": (
        lambda book: book["survey"].cell(4, book["survey"].max_column + 3, "lihat bawah") and None,
        "no_heading", "survey", "AF", "#"),
    "a type in Indonesian": (put("survey", "rt", "type", "teks"), "unknown_type", "survey", "type", "text"),
    "a type of another program": (
        put("survey", "gps_home", "type", "geotrace"), "unknown_type", "survey", "type", "geopoint"),
    "or_other": (put("survey", "sex", "type", "select_one sex or_other"), "unknown_list", "survey", "type", "Lainnya"),
    "a misspelt list": (put("survey", "sex", "type", "select_one sexx"), "unknown_list", "survey", "type", "'sex'"),
    "a name with blanks": (put("survey", "rt", "name", "nomor RT"), "name", "survey", "name", "'nomor_RT'"),
    "a decimal comma": (put("survey", "rt", "constraint", ". < 0,5"), "expression", "survey", "constraint", "huruf"),
    "a version that is a date": (
        put("settings", "", "version", datetime.date(2026, 1, 2), "d/m/y"), "cell_date", "settings", "version", "Text"),
    "two rows of settings": (
        lambda book: book["settings"].cell(3, 1, "Judul lain") and None, "settings", "settings", "", "satu baris"),
}  # fmt: skip


@pytest.mark.parametrize("case", TOLD)
def test_what_cannot_be_meant_is_told_with_sheet_row_and_column(case: str, tmp_path: Path) -> None:
    habit, code, table, heading, words = TOLD[case]
    _, problems = read(workbook(tmp_path / "form.xlsx", habit))
    found = [problem for problem in problems if problem.code == code]
    assert found, [str(problem) for problem in problems]
    assert (found[0].sheet, found[0].column) == (table, heading), str(found[0])
    assert words in found[0].reason, str(found[0])
    assert found[0].row > 0
    assert len(problems) < 12, "one mistake is not told a dozen times over"


def test_the_place_is_that_of_the_sheet_as_the_author_sees_it(tmp_path: Path) -> None:
    """With a title above and empty rows between, pyxform's own complaints included."""

    def wrong(book: Book) -> None:
        titled(book)
        book["survey"].insert_rows(12, 2)
        page = book["survey"]
        name = next(c.column for c in page[3] if c.value == "name")
        rows = {page.cell(n, name).value: n for n in range(4, page.max_row + 1)}
        page.cell(rows["rt"], next(c.column for c in page[3] if c.value == "policy")).value = "terbaru"
        page.cell(rows["photo_kk"], next(c.column for c in page[3] if c.value == "parameters")).value = "max-pixels=x"
        expected.update(rows)

    expected: dict[object, int] = {}
    path = workbook(tmp_path / "form.xlsx", wrong)
    (problem,) = check_form(read_sheet(path))
    assert (problem.code, problem.row) == ("unknown_policy", expected["rt"])
    book = openpyxl.load_workbook(path)
    book["survey"].cell(problem.row, next(c.column for c in book["survey"][3] if c.value == "policy")).value = "ask"
    book.save(path)
    (problem,) = check_form(read_sheet(path))
    assert (problem.code, problem.row) == ("pyxform", expected["photo_kk"])


def test_whole_files_that_are_no_form_are_told(tmp_path: Path) -> None:
    (tmp_path / "sandi.xlsx").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 100)
    (tmp_path / "~$form.xlsx").write_bytes(b"x")
    (tmp_path / "lama.xls").write_bytes(b"x")
    (tmp_path / "libre.ods").write_bytes(b"x")
    book = openpyxl.load_workbook(workbook(tmp_path / "dua.xlsx"))
    book.create_sheet(" SURVEY")["A1"] = "type"
    book.save(tmp_path / "dua.xlsx")
    book = openpyxl.load_workbook(workbook(tmp_path / "luar.xlsx"))
    book.create_sheet("external_choices")["A1"] = "list_name"
    book.save(tmp_path / "luar.xlsx")
    half = workbook(tmp_path / "putus.xlsx").read_bytes()
    (tmp_path / "putus.xlsx").write_bytes(half[: len(half) // 2])
    for name, words in (
        ("sandi.xlsx", "kata sandi"), ("~$form.xlsx", "sementara"), ("lama.xls", "simpan sebagai"),
        ("libre.ods", "simpan sebagai"), ("dua.xlsx", "tersembunyi"), ("luar.xlsx", "external_choices"),
        ("putus.xlsx", "bukan buku kerja"),
    ):  # fmt: skip
        with pytest.raises(SheetUnreadable, match=words):
            read_sheet(tmp_path / name)


def test_a_million_coloured_rows_are_not_waited_for(tmp_path: Path) -> None:
    """Excel keeps a row for each cell that was ever coloured; reading ends where the words end."""

    def painted(book: Book) -> None:
        for number in range(400, 40_000):
            book["survey"].cell(number, 1).fill = PatternFill("solid", "00FF00")

    sheet, problems = read(workbook(tmp_path / "form.xlsx", painted))
    assert (problems, sheet.survey[-1].number < 400) == ([], True)


@pytest.mark.parametrize("name", ["padan_hh", "padan_event"])
def test_plain_xlsforms_of_others_read_without_a_complaint_about_the_file(name: str) -> None:
    """The two XLSForms of the domain material, without any column of Padan's own."""
    sheet, problems = read(Path(__file__).parent / "forms" / f"{name}.xlsx")
    assert (sheet.problems, sheet.notes) == ((), ())
    assert {problem.code for problem in problems} <= {"core_missing"}
    assert (problems == []) is (name == "padan_hh")
