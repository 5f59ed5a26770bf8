"""NIK and No. KK as the rules of docs/domain.md, section 2, have them."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.nik import (
    MESSAGES,
    age_years,
    kk_warnings,
    mask_nik,
    message,
    nik_warnings,
    parse_kk,
    parse_nik,
)

DISTRICTS = frozenset({"190301", "190302", "197101", "910101"})
GOOD = "1903015708900001"


def make_nik(prefix: str, born: date, female: bool, serial: int) -> str:
    return f"{prefix}{born.day + 40 * female:02d}{born.month:02d}{born.year % 100:02d}{serial:04d}"


births = st.dates(date(1900, 1, 1), date(2099, 12, 31))


@given(births, st.booleans(), st.integers(1, 9999), st.sampled_from(sorted(DISTRICTS)))
def test_every_nik_made_by_the_rule_is_read_back(born: date, female: bool, serial: int, prefix: str) -> None:
    nik = parse_nik(make_nik(prefix, born, female, serial))
    assert nik.valid and nik.key == nik.text
    assert nik.sex == ("2" if female else "1")
    assert (nik.day, nik.month, nik.year2) == (born.day, born.month, born.year % 100)
    assert born in nik.birth_date_candidates
    area = f"{prefix[:2]}.{prefix[2:4]}"
    assert nik_warnings(nik, birth_date=born, sex=nik.sex, area=area, districts=DISTRICTS) == ()


@given(st.text(max_size=40))
def test_any_text_is_read_and_never_refused(text: str) -> None:
    nik = parse_nik(text)
    assert nik.raw == text
    assert nik.valid == (not nik.malformed) == (nik.key is not None)
    assert set(nik.malformed) <= set(MESSAGES)
    parse_kk(text)
    mask_nik(text)


@given(st.text("0123456789 .-", max_size=24))
def test_the_text_is_a_string_of_digits_and_reading_it_again_changes_nothing(text: str) -> None:
    nik = parse_nik(text)
    assert nik.text.strip("0123456789") == ""
    assert parse_nik(nik.text).text == nik.text
    assert parse_nik(nik.text).malformed == nik.malformed


@given(births, st.integers(1, 9999))
def test_the_birth_date_without_a_stated_one_is_never_in_the_future(born: date, serial: int) -> None:
    on = date(2026, 11, 21)
    read = parse_nik(make_nik("190301", born, False, serial)).birth_date(None, on)
    assert read is None or (read <= on and read.year % 100 == born.year % 100)
    if read is not None and read.year < 2000:
        later = [day for day in parse_nik(make_nik("190301", born, False, serial)).birth_date_candidates if day > read]
        assert all(day > on for day in later)


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("", ("nik_empty",)),
        (" - ", ("nik_empty",)),
        ("0000000000000000", ("nik_all_same", "nik_day", "nik_month", "nik_serial")),
        ("9999999999999999", ("nik_all_same", "nik_day", "nik_month")),
        ("1903010000000000", ("nik_day", "nik_month", "nik_serial")),
        ("1903015708900000", ("nik_serial",)),
        ("190301570890001", ("nik_length",)),
        ("19030157089000011", ("nik_length",)),
        ("1.90301E+15", ("nik_scientific",)),
        ("1,90301e15", ("nik_scientific",)),
        ("19O3015708900001", ("nik_not_digits",)),
        ("19030I570890000", ("nik_not_digits", "nik_length")),
        ("1903013208900001", ("nik_day",)),
        ("1903014008900001", ("nik_day",)),
        ("1903017208900001", ("nik_day",)),
        ("1903018108900001", ("nik_day",)),
        ("1903011713900001", ("nik_month",)),
        ("1903011700900001", ("nik_month",)),
        ("1903013102900001", ("nik_date",)),
        ("1903017104900001", ("nik_date",)),
        ("1903012902010001", ("nik_date",)),
        ("١٩٠٣٠١٥٧٠٨٩٠٠٠٠١", ("nik_not_digits",)),
    ],
)
def test_a_malformed_nik_is_no_key_and_says_why(text: str, reasons: tuple[str, ...]) -> None:
    nik = parse_nik(text)
    assert nik.malformed == reasons
    assert nik.key is None and nik.sex is None and nik.birth_date_candidates == ()


@pytest.mark.parametrize(
    "text", ["19.03.01.570890.0001", " 1903 0157 0890 0001 ", "190301-570890-0001", "1903015708900001\n"]
)
def test_spaces_dots_and_dashes_are_no_part_of_a_nik(text: str) -> None:
    assert parse_nik(text).key == GOOD


def test_29_february_needs_a_leap_year_in_one_of_the_centuries() -> None:
    assert parse_nik("1903012902000001").birth_date_candidates == (date(2000, 2, 29),)
    assert parse_nik("1903012902960001").birth_date_candidates == (date(1996, 2, 29), date(2096, 2, 29))
    assert not parse_nik("1903012902970001").valid


def test_the_century_is_the_stated_one_else_the_latest_not_in_the_future() -> None:
    nik = parse_nik("1903010108210001")
    on = date(2026, 11, 21)
    assert nik.birth_date(None, on) == date(2021, 8, 1)
    assert nik.birth_date(date(1921, 8, 1), on) == date(1921, 8, 1)
    assert nik.birth_date(None, date(2020, 1, 1)) == date(1921, 8, 1)


def test_a_disagreement_with_what_is_stated_is_a_warning_and_never_makes_it_malformed() -> None:
    nik = parse_nik(GOOD)
    assert nik.valid
    assert nik_warnings(nik, birth_date=date(1990, 8, 18), sex="1", districts=DISTRICTS) == (
        "nik_birth_date_differs",
        "nik_sex_differs",
    )
    assert nik_warnings(nik, birth_date=date(1990, 8, 17), sex="2", districts=DISTRICTS) == ()


def test_prefixes_unknown_retired_and_of_another_kabupaten_are_told_apart() -> None:
    assert nik_warnings(parse_nik("3199015708900001"), districts=DISTRICTS) == ("nik_prefix_unknown",)
    retired = nik_warnings(parse_nik("9105015708900001"), districts=DISTRICTS, retired={"910501"})
    assert retired == ("nik_prefix_retired",)
    moved = nik_warnings(parse_nik("1971015708900001"), districts=DISTRICTS, area="19.03.01.1001")
    assert moved == ("nik_prefix_elsewhere",)
    assert nik_warnings(parse_nik("1903025708900001"), districts=DISTRICTS, area="19.03.01.1001") == ()


def test_an_age_over_a_hundred_is_a_warning_even_beside_a_malformed_nik() -> None:
    old, on = date(1920, 1, 1), date(2026, 11, 21)
    assert nik_warnings(parse_nik("x"), birth_date=old, visit_date=on) == ("age_over_100",)
    assert nik_warnings(parse_nik("x"), birth_date=date(1926, 11, 21), visit_date=on) == ()


def test_a_card_number_in_the_nik_column_is_noticed() -> None:
    assert nik_warnings(parse_nik("1903010101200001"), no_kk="190301.010120.0001") == ("nik_is_kk",)


def test_a_card_number_has_no_forty_and_an_odd_date_in_it_is_a_warning_only() -> None:
    assert parse_kk("1903010101200001").valid
    assert kk_warnings(parse_kk("1903010101200001"), districts=DISTRICTS) == ()
    assert kk_warnings(parse_kk(GOOD), districts=DISTRICTS) == ("kk_looks_like_nik",)
    assert kk_warnings(parse_kk("1903013902200001"), districts=DISTRICTS) == ("kk_date",)
    assert parse_kk("1903010101200000").malformed == ("kk_serial",)
    assert parse_kk("1.90301E+15").malformed == ("kk_scientific",)


def test_a_masked_nik_shows_its_last_four_characters_only() -> None:
    assert mask_nik(GOOD) == "************0001"
    assert mask_nik("12345") == "*****"


def test_every_code_has_a_sentence_in_both_languages() -> None:
    for code in MESSAGES:
        assert message(code) and message(code, "en") and message(code) != message(code, "en")


def test_a_birthday_makes_the_year_full() -> None:
    assert age_years(date(2000, 2, 29), date(2026, 2, 28)) == 25
    assert age_years(date(2000, 2, 29), date(2026, 3, 1)) == 26
