"""Source lists as they really come: title rows, semicolons, lost digits, moved columns, half a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from schemas.areas import AreaTable
from schemas.nik import parse_nik
from schemas.prelist import PrelistFamily
from schemas.prelist_problems import RowProblem
from server.prelist import MappingError, PrelistUnreadable, dry_run, load_mapping, read_prelist
from server.prelist.mapping import read_mapping
from server.prelist.sources import cell_text, column_index, column_letter

AREAS = AreaTable(
    [
        ("19", "Kepulauan Bangka Belitung"),
        ("19.03", "Kabupaten Bangka Selatan"),
        ("19.03.01", "Toboali"),
        ("19.03.02", "Air Gegas"),
        ("19.03.01.1001", "Toboali"),
        ("19.03.01.2005", "Gadung"),
        ("19.03.02.2001", "Air Gegas"),
        ("19.03.02.2002", "Gadung"),
        ("19.05", "Kabupaten Bangka Barat"),
        ("19.05.01", "Mentok"),
        ("19.05.01.1001", "Tanjung"),
    ]
)
P3KE_HEADINGS = [
    "No", "Kecamatan", "Desa/Kelurahan", "Alamat", "ID Keluarga", "Jumlah", "Desil", "Nama", "NIK", "Padan",
    "Jenis Kelamin", "Hubungan", "Tanggal Lahir",
]  # fmt: skip
GENERIC = "id_keluarga;kecamatan;desa;alamat;nama;nik;jenis_kelamin;hubungan\n"


def person(family: str, name: Any, nik: Any, **cells: Any) -> list[Any]:
    row = [1, "Toboali", "Toboali", "Jl. Raya RT 04 RW 2", family, 4, 1, name, nik, "Ya", "1/Laki-laki", "3/Anak", ""]
    places = {"kecamatan": 1, "village": 2, "address": 3, "desil": 6, "sex": 10, "relation": 11, "born": 12}
    for key, value in cells.items():
        row[places[key]] = value
    return row


def workbook(path: Path, rows: Sequence[list[Any]], headings: Sequence[str] = P3KE_HEADINGS, titles: int = 11) -> Path:
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    sheet = book.add_worksheet("Data")
    for number in range(titles):
        sheet.write_string(number, 0, f"Daftar P3KE, judul {number + 1}")
    for index, heading in enumerate(headings):
        sheet.write_string(titles, index, heading)
    for number, row in enumerate(rows, start=titles + 1):
        for index, value in enumerate(row):
            sheet.write(number, index, value)
    book.close()
    return path


def read(path: Path, mapping: str = "p3ke") -> tuple[list[PrelistFamily], list[RowProblem]]:
    items = list(read_prelist(path, load_mapping(mapping), AREAS, "19.03"))
    families = [item for item in items if isinstance(item, PrelistFamily)]
    return families, [item for item in items if isinstance(item, RowProblem)]


def codes(problems: Sequence[RowProblem]) -> list[tuple[int, str, str]]:
    return [(problem.row, problem.code, problem.severity) for problem in problems]


def csv_file(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "daftar.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_the_p3ke_workbook_is_read_from_row_13_by_family(tmp_path: Path) -> None:
    rows = [
        person("F-1", "Zulkifli", "1903011708700001", relation="1/Kepala Keluarga", born="17/08/1970"),
        person("F-1", "Rohani", "1903015708720001", sex="2/Perempuan", relation="2/Istri/suami"),
        person("F-2", "Akiong", "1903010101800002", relation="1/Kepala Keluarga", desil=2),
    ]
    families, problems = read(workbook(tmp_path / "p3ke.xlsx", rows))
    assert problems == []
    first, second = families
    assert (first.family_id, first.area, first.desil, first.rt, first.rw) == ("F-1", "19.03.01.1001", 1, "04", "2")
    assert first.rows == (13, 14) and second.rows == (15,)
    assert [(each.sex, each.relation) for each in first.members] == [("1", "1"), ("2", "2")]
    assert first.members[0].birth_date == "1970-08-17" and first.head_name == "Zulkifli"


def test_broken_niks_come_in_flagged_and_are_no_key(tmp_path: Path) -> None:
    broken: dict[Any, str] = {
        "190301170870001": "nik_length",
        "19030117087000011": "nik_length",
        "19O3011708700001": "nik_not_digits",
        "19030I1708700001": "nik_not_digits",
        "0000000000000000": "nik_serial",
        "1903010000000000": "nik_day",
        "1903013102700001": "nik_date",
        "1.90301E+15": "nik_scientific",
        1903010000000000: "nik_digits_lost",
        1.90301170870001e15: "nik_digits_lost",
    }
    rows = [person("F-1", f"Orang {n}", nik, relation="3/Anak") for n, nik in enumerate(broken)]
    rows[0][11] = "1/Kepala Keluarga"
    (family,), problems = read(workbook(tmp_path / "p3ke.xlsx", rows))
    assert len(family.members) == len(broken)
    assert not any(parse_nik(member.nik_text).valid for member in family.members)
    for row, expected in enumerate(broken.values(), start=13):
        assert (row, expected, "warning") in codes(problems)
    assert family.members[8].nik_text == "1.90301000000000E+15"


def test_a_nik_in_a_number_cell_that_was_not_rounded_is_still_a_nik(tmp_path: Path) -> None:
    (family,), _ = read(workbook(tmp_path / "a.xlsx", [person("F-1", "A", "1903011708700001", relation="1/x")]))
    assert family.members[0].nik_text == "1903011708700001"
    assert cell_text(1903011708700001) == ("1903011708700001", False)
    assert cell_text(9171011708700001) == ("9171011708700001", False)
    assert cell_text(3.0) == ("3", False) and cell_text(None) == ("", False)


def test_cp1252_with_semicolons_is_read_with_a_warning(tmp_path: Path) -> None:
    text = GENERIC + "7;Toboali;Toboali;Jl. Café, Gg. 2;José;1903011708700001;L;Kepala Keluarga\n"
    families, problems = read(csv_file(tmp_path, text, "cp1252"), "generic")
    assert [problem.code for problem in problems] == ["encoding_cp1252"]
    assert families[0].members[0].name == "José" and families[0].address == "Jl. Café, Gg. 2"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separator_and_encoding_are_found_out(tmp_path: Path, encoding: str, separator: str) -> None:
    row = "7;Toboali;Toboali;Jl. Raya;Zulkifli;1903011708700001;L;Kepala Keluarga\n"
    families, problems = read(csv_file(tmp_path, (GENERIC + row).replace(";", separator), encoding), "generic")
    assert problems == [] and families[0].members[0].nik_text == "1903011708700001"


def test_leading_zeros_and_text_marks_survive_a_csv(tmp_path: Path) -> None:
    text = GENERIC + '007;Toboali;Toboali;-;Ani;"=""1903015708720001""";P;Istri\n'
    text += "007;Toboali;Toboali;-;Budi;'0123456789012345;L;1\n"
    (family,), _ = read(csv_file(tmp_path, text), "generic")
    assert family.family_id == "007"
    assert [member.nik_text for member in family.members] == ["1903015708720001", "0123456789012345"]


def test_a_moved_heading_is_named_with_what_was_expected_and_what_was_found(tmp_path: Path) -> None:
    headings = [*P3KE_HEADINGS[:7], "Gelar", *P3KE_HEADINGS[7:]]
    path = workbook(tmp_path / "p3ke.xlsx", [person("F-1", "A", "1903011708700001")], headings)
    with pytest.raises(PrelistUnreadable) as caught:
        read(path)
    assert caught.value.code == "headings_moved"
    message = str(caught.value)
    assert "baris judul 12" in message
    assert 'kolom I (nik): diharapkan "NIK", ditemukan "Nama"; judul itu ada di kolom J' in message
    assert 'kolom H (name): diharapkan "Nama"' in message and 'ditemukan "Gelar"' in message


def test_a_sheet_without_any_heading_says_what_it_looked_for(tmp_path: Path) -> None:
    with pytest.raises(PrelistUnreadable, match="judul kolom tidak ditemukan"):
        read(workbook(tmp_path / "p3ke.xlsx", [["a", "b"]], ["x", "y"]))
    with pytest.raises(PrelistUnreadable, match="id_keluarga"):
        read(csv_file(tmp_path, "kolom1,kolom2\n1,2\n"), "generic")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_empty"),
        (b"\n\n", "file_empty"),
        (b"PK\x03\x04 cut off", "file_damaged"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + b"x" * 100, "file_old_excel"),
        (b"a;b\x00\x01\x02", "file_not_text"),
    ],
)
def test_a_file_that_can_not_be_read_is_refused_with_a_reason(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "daftar.xlsx"
    path.write_bytes(content)
    with pytest.raises(PrelistUnreadable) as caught:
        read(path)
    assert caught.value.code == code and str(path) in str(caught.value)


def test_a_workbook_cut_off_in_the_middle_gives_no_family_at_all(tmp_path: Path) -> None:
    whole = workbook(tmp_path / "p3ke.xlsx", [person(f"F-{n}", "A", "1903011708700001") for n in range(500)])
    whole.write_bytes(whole.read_bytes()[:-2000])
    items = read_prelist(whole, load_mapping("p3ke"), AREAS, "19.03")
    with pytest.raises(PrelistUnreadable):
        next(items)


def test_headings_without_rows_are_an_error_of_the_list(tmp_path: Path) -> None:
    families, problems = read(csv_file(tmp_path, GENERIC), "generic")
    assert families == [] and codes(problems) == [(0, "no_rows", "error")]


def test_an_unclosed_quote_does_not_swallow_the_list_in_silence(tmp_path: Path) -> None:
    row = "7;Toboali;Toboali;Jl. Raya;Zulkifli;1903011708700001;L;Kepala Keluarga\n"
    text = GENERIC + row + '8;Toboali;Toboali;"Jl. Raya;Ani;1;P;Anak\n' + row * 3000
    with pytest.raises(PrelistUnreadable, match="baris 3"):
        read(csv_file(tmp_path, text), "generic")


def test_a_family_that_comes_back_further_down_is_one_family(tmp_path: Path) -> None:
    rows = [
        person("F-1", "Zulkifli", "1903011708700001", relation="1/Kepala Keluarga"),
        person("F-2", "Akiong", "1903010101800002", relation="1/Kepala Keluarga"),
        person("F-1", "Rohani", "1903015708720001", relation="2/Istri", sex="P"),
        person("F-3", "Rusli", "1903010101800003", relation="1/Kepala Keluarga"),
        person("F-1", "Ani", "", relation="3/Anak", sex="P"),
    ]
    families, problems = read(workbook(tmp_path / "p3ke.xlsx", rows))
    assert sorted((family.family_id, family.rows) for family in families) == [
        ("F-1", (13, 15, 17)),
        ("F-2", (14,)),
        ("F-3", (16,)),
    ]
    assert (15, "family_returns", "warning") in codes(problems)
    assert (17, "nik_missing", "warning") in codes(problems)


def test_a_village_is_never_guessed(tmp_path: Path) -> None:
    rows = [
        person("F-1", "A", "", village="Gadung", kecamatan=""),
        person("F-2", "B", "", village="Gadung", kecamatan="Kec. Air Gegas"),
        person("F-3", "C", "", village="Gadungg"),
        person("F-4", "D", "", village="19.03.01.2005"),
        person("F-5", "E", "", village="1903012005"),
        person("F-6", "F", "", village="19.05.01.1001"),
        person("F-7", "G", "", village=""),
    ]
    families, problems = read(workbook(tmp_path / "p3ke.xlsx", rows))
    assert {family.family_id: family.area for family in families} == {"F-2": "19.03.02.2002", "F-4": "19.03.01.2005"}
    errors = {problem.row: problem for problem in problems if problem.severity == "error"}
    assert {row: problem.code for row, problem in errors.items()} == {
        13: "village_ambiguous",
        15: "village_unknown",
        17: "village_undotted",
        18: "village_elsewhere",
        19: "village_empty",
    }
    assert "19.03.01.2005 Gadung, Kec. Toboali" in errors[13].message()
    assert "Gadung" in errors[15].hint


def test_rows_without_a_family_id_or_with_a_rounded_one_are_errors_and_the_rest_comes_in(tmp_path: Path) -> None:
    rows = [
        person("", "A", "1903011708700001"),
        person(1903011708700010, "B", "1903011708700002"),
        person("F-1", "C", "1903011708700003"),
    ]
    families, problems = read(workbook(tmp_path / "p3ke.xlsx", rows))
    assert [family.family_id for family in families] == ["F-1"]
    assert {(13, "family_id_empty", "error"), (14, "family_id_digits_lost", "error")} <= set(codes(problems))


def test_answers_that_can_not_be_read_are_flagged_and_kept_as_remarks(tmp_path: Path) -> None:
    row = person("F-1", "A\x01li", "1903011708700003", sex="?", relation="9/Tetangga", born="kira-kira 1970", desil=12)
    (family,), problems = read(workbook(tmp_path / "p3ke.xlsx", [row]))
    assert family.members[0].remarks == {"listed_birth_date": "kira-kira 1970"}
    assert family.desil is None and family.members[0].name
    assert {"sex_unknown", "relation_unknown", "birth_date_unknown", "desil_unknown"} <= {p.code for p in problems}


def test_number_and_words_of_a_relation_that_disagree_are_flagged_and_the_words_used(tmp_path: Path) -> None:
    (family,), problems = read(workbook(tmp_path / "p3ke.xlsx", [person("F-1", "A", "", relation="4/Anak")]))
    assert family.members[0].relation == "3"
    assert (13, "code_differs", "warning") in codes(problems)


def test_a_family_id_on_hundreds_of_rows_is_one_error_not_one_family(tmp_path: Path) -> None:
    rows = [person("F-1", f"Orang {n}", "") for n in range(300)]
    families, problems = read(workbook(tmp_path / "p3ke.xlsx", rows))
    assert families == [] and (13, "family_too_large", "error") in codes(problems)


def test_a_row_that_numbers_the_columns_is_no_person(tmp_path: Path) -> None:
    numbers = [f"({n})" for n in range(1, 14)]
    families, _ = read(workbook(tmp_path / "p3ke.xlsx", [numbers, person("F-1", "A", "")]))
    assert [family.rows for family in families] == [(14,)]


def test_warnings_of_a_nik_name_the_row_and_an_issue_elsewhere_is_only_a_note(tmp_path: Path) -> None:
    rows = [
        person("F-1", "A", "1905011708700001", relation="1/Kepala Keluarga"),
        person("F-1", "B", "1903011708700001", sex="2/Perempuan", born="1971-08-17"),
        person("F-1", "C", "3199011708700001"),
    ]
    _, problems = read(workbook(tmp_path / "p3ke.xlsx", rows))
    assert set(codes(problems)) == {
        (13, "nik_prefix_elsewhere", "note"),
        (14, "nik_birth_date_differs", "warning"),
        (14, "nik_sex_differs", "warning"),
        (15, "nik_prefix_unknown", "warning"),
    }


def test_a_dry_run_counts_and_shows_the_first_families_without_a_whole_nik(tmp_path: Path) -> None:
    rows = [
        person("F-1", "Zulkifli", "1903011708700001", relation="1/Kepala Keluarga"),
        person("F-2", "Zulkifli", "1903011708700001", relation="1/Kepala Keluarga"),
        person("", "X", ""),
    ]
    path = workbook(tmp_path / "p3ke.xlsx", rows)
    items = read_prelist(path, load_mapping("p3ke"), AREAS, "19.03")
    report = dry_run(items, before={"F-1": "another", "F-9": "x"})
    assert (report.families, report.members, report.niks_valid, report.niks_in_two_families) == (2, 2, 2, 1)
    assert report.errors == 1 and report.villages == {"19.03.01.1001": 2}
    text = "\n".join(report.lines(AREAS))
    assert "1903011708700001" not in text and "************0001" in text
    assert "baru 1, hilang 1, berubah 1, sama 0" in text
    assert "lembar Data, baris 15, kolom ID Keluarga: ID keluarga kosong" in text
    assert report.to_json()["problems"]["error/family_id_empty"] == 1


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"colums": {}}, "colums"),
        ({"evidence": 9}, "evidence"),
        ({"columns": {"family_id": {"headings": ["a"]}, "name": {"headings": ["b"]}}}, r"columns\.nik"),
        ({"heading_rows": [3, 1]}, "heading_rows"),
        ({"first_row": 1, "heading_rows": [1, 12]}, "first_row"),
        ({"source": "p3 ke"}, "source"),
        ({"household": {"no good": {"headings": ["x"]}}}, "field name"),
    ],
)
def test_a_mapping_that_can_not_be_used_names_the_key(change: dict[str, Any], complaint: str) -> None:
    good = {
        "name": "x",
        "source": "x",
        "columns": {key: {"headings": [key]} for key in ("family_id", "name", "nik", "village")},
    }
    read_mapping(good)
    with pytest.raises(MappingError, match=complaint):
        read_mapping({**good, **change})


def test_further_questions_of_the_form_can_be_mapped(tmp_path: Path) -> None:
    path = tmp_path / "milik_kami.toml"
    text = Path(load_mapping.__code__.co_filename).parent.joinpath("mappings/generic.toml").read_text()
    text = text.replace("[person]", '[household]\nwall_type = { headings = ["dinding"] }\n\n[person]')
    path.write_text(text)
    table = "id_keluarga,kode_desa,nama,nik,dinding,pekerjaan\n7,19.03.01.1001,Ani,,3,petani\n"
    items = list(read_prelist(csv_file(tmp_path, table), load_mapping(str(path)), AREAS, "19.03"))
    family = next(item for item in items if isinstance(item, PrelistFamily))
    assert family.extra == {"wall_type": "3"} and family.members[0].extra == {"job_title": "petani"}


@pytest.mark.parametrize(("index", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")])
def test_column_letters_are_those_of_a_spreadsheet(index: int, letters: str) -> None:
    assert column_letter(index) == letters and column_index(letters) == index
