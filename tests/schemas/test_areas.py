"""Dotted area codes, scopes, and the table of areas."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.areas import (
    NATION,
    AreaTable,
    covered_by_any,
    covers,
    is_area,
    is_scope,
    level_of,
    nik_prefix_of,
    parent_of,
    region_of,
)

ROWS = [
    ("19", "Kepulauan Bangka Belitung"),
    ("19.03", "Kabupaten Bangka Selatan"),
    ("19.06", "Kabupaten Belitung Timur"),
    ("19.03.01", "Toboali"),
    ("19.03.02", "Air Gegas"),
    ("19.03.01.1001", "Toboali"),
    ("19.03.01.2005", "Gadung"),
    ("19.03.01.2006", "Baru"),
    ("19.03.02.2001", "Air Gegas"),
    ("19.03.02.2002", "Gadung"),
    ("19.03.02.2003", "Kampung Baru"),
    ("73", "Sulawesi Selatan"),
]
codes = st.from_regex(r"[0-9]{2}(\.[0-9]{2}(\.[0-9]{2}(\.[0-9]{4})?)?)?", fullmatch=True).filter(str.isascii)


@pytest.fixture
def table() -> AreaTable:
    return AreaTable(ROWS)


@given(codes)
def test_every_area_is_covered_by_itself_and_by_all_it_lies_in(code: str) -> None:
    scope: str | None = code
    while scope is not None:
        assert covers(scope, code) and is_area(scope)
        scope = parent_of(scope)
    assert covers(NATION, code)


@given(codes, codes)
def test_coverage_is_a_prefix_of_whole_pieces(scope: str, code: str) -> None:
    assert covers(scope, code) == (code.split(".")[: scope.count(".") + 1] == scope.split("."))


def test_an_empty_scope_covers_nothing() -> None:
    assert not covers("", "19.03") and not is_scope("")
    assert not covered_by_any([], "19.03")


@pytest.mark.parametrize("text", ["1903", "19.03.01.100", "19.3", "19.", "", "19.03.01.1001 ", "１９", "19.03\n", 19])
def test_what_is_not_dotted_is_no_area(text: object) -> None:
    assert not is_area(text)


def test_level_region_and_nik_prefix_of_a_village() -> None:
    assert level_of("19.03.01.1001") == 4
    assert region_of("19.03.01.1001") == "19.03"
    assert nik_prefix_of("19.03.01.1001") == "190301"
    with pytest.raises(ValueError, match=r"19\.03"):
        region_of("19")


def test_the_table_gives_names_paths_children_and_districts(table: AreaTable) -> None:
    assert table.name("19.03.01.1001") == "Toboali" and table.name("19.03.01.9999") is None
    assert table.label("19.03.02.2001") == "Air Gegas, Air Gegas, Kabupaten Bangka Selatan, Kepulauan Bangka Belitung"
    assert table.children() == ["19", "73"]
    assert table.children("19") == ["19.03", "19.06"]
    assert table.children("19.03.01") == ["19.03.01.1001", "19.03.01.2005", "19.03.01.2006"]
    assert table.districts == {"190301", "190302"}
    assert table.villages("19.06") == []


def test_a_village_name_that_stands_twice_gives_both_until_the_kecamatan_is_named(table: AreaTable) -> None:
    assert table.find_villages("19.03", "GADUNG") == ("19.03.01.2005", "19.03.02.2002")
    assert table.find_villages("19.03", "Desa Gadung", "Kec. Airgegas") == ("19.03.02.2002",)
    assert table.find_villages("19.03", "Gadung", "19.03.01") == ("19.03.01.2005",)
    assert table.find_villages("19.03", "Tidak Ada") == ()
    assert table.find_villages("19.06", "Gadung") == ()


def test_a_word_that_belongs_to_the_name_is_not_taken_for_the_kind_of_area(table: AreaTable) -> None:
    assert table.find_villages("19.03", "Kampung Baru") == ("19.03.02.2003",)
    assert table.find_villages("19.03", "Baru") == ("19.03.01.2006",)
    assert table.find_villages("19.03", "Desa Baru") == ("19.03.01.2006", "19.03.02.2003")


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ([("1903", "x")], "not a dotted"),
        ([("19", "a"), ("19", "b")], "stands twice"),
        ([("19.03", "x")], "not in the table"),
    ],
)
def test_a_bad_table_is_refused_with_the_row(rows: list[tuple[str, str]], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        AreaTable(rows)
