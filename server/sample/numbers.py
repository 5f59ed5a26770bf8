"""Invented NIKs and family-card numbers, and the ways in which a list breaks them (docs/domain.md, section 2)."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from schemas.nik import parse_nik

MISSING_SHARE, MALFORMED_SHARE, MISMATCH_SHARE, DUPLICATE_SHARE, RETIRED_SHARE, ELSEWHERE_SHARE = (
    0.03,
    0.02,
    0.02,
    0.01,
    0.01,
    0.12,
)
PAPUA = ("91", "92", "93", "94", "95", "96")

MALFORMED_KINDS = (
    "digits_15",
    "digits_17",
    "letter_o",
    "letter_i",
    "scientific",
    "number_cell",
    "all_zero",
    "all_nine",
    "region_and_zeros",
    "day_32",
    "month_13",
    "no_such_date",
    "serial_0000",
)
MISMATCH_KINDS = ("day_month_swapped", "woman_without_40", "year_off")

Cell = str | float
"""What stands in the NIK column: text, or a number that a spreadsheet has rounded."""


def make_nik(prefix: str, born: date, female: bool, serial: int) -> str:
    """PPKKCC, DDMMYY (women: day + 40), serial."""
    return f"{prefix}{born.day + 40 * female:02d}{born.month:02d}{born.year % 100:02d}{serial:04d}"


def make_kk(prefix: str, recorded: date, serial: int) -> str:
    """PPKKCC, DDMMYY of the day of recording, serial."""
    return f"{prefix}{recorded:%d%m%y}{serial:04d}"


def retired_prefix(rng: Random, districts: frozenset[str]) -> str:
    """A Papuan prefix of before the splits of 2022: in the right form, in no table of today."""
    while True:
        prefix = f"{rng.choice(('91', '94'))}{rng.randint(1, 40):02d}{rng.randint(1, 50):02d}"
        if prefix not in districts:
            return prefix


def broken_nik(rng: Random, nik: str, kind: str) -> Cell:
    """A NIK as a list has broken it. A `number_cell` is a number; what comes back is malformed when it is read."""
    place = rng.randrange(6, 16)
    if kind == "digits_15":
        return nik[:place] + nik[place + 1 :]
    if kind == "digits_17":
        return nik[:place] + nik[place] + nik[place:]
    if kind in ("letter_o", "letter_i"):
        digit, letter = ("0", "O") if kind == "letter_o" else ("1", "I")
        return nik.replace(digit, letter, 1) if digit in nik else letter + nik[1:]
    if kind == "number_cell":
        return float(int(nik) // 10 * 10)
    fixed = {
        "scientific": f"{nik[0]}.{nik[1:6]}E+15",
        "all_zero": "0" * 16,
        "all_nine": "9" * 16,
        "region_and_zeros": nik[:6] + "0" * 10,
        "day_32": f"{nik[:6]}32{nik[8:]}",
        "month_13": f"{nik[:8]}13{nik[10:]}",
        "no_such_date": f"{nik[:6]}3102{nik[10:]}",
        "serial_0000": nik[:12] + "0000",
    }
    return fixed[kind]


def mismatched_nik(rng: Random, prefix: str, born: date, female: bool, serial: int) -> tuple[str, str]:
    """`(nik, kind)`: valid as a key, but at odds with the birth date or the sex."""
    kinds = [kind for kind in MISMATCH_KINDS if kind != "woman_without_40" or female]
    kind = rng.choice(kinds)
    if kind == "woman_without_40":
        return make_nik(prefix, born, False, serial), kind
    if kind == "day_month_swapped" and born.day <= 12 and born.day != born.month:
        return make_nik(prefix, date(born.year, born.day, born.month), female, serial), kind
    return make_nik(prefix, _shifted(rng, born), female, serial), "year_off"


def one_digit_off(rng: Random, nik: str) -> str:
    """The NIK with one digit of its serial typed wrongly; still a valid NIK."""
    while True:
        place = rng.randrange(12, 16)
        other = nik[:place] + rng.choice("0123456789") + nik[place + 1 :]
        if other != nik and parse_nik(other).valid:
            return other


def _shifted(rng: Random, born: date) -> date:
    return born + timedelta(days=rng.choice((-1, 1)) * rng.choice((1, 365, 366, 730)))
