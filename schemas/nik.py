"""NIK and No. KK: what can be read from them, what makes them no key, what is only worth a warning.

A NIK (nomor induk kependudukan) is PPKKCC of the district of *first registration*, then DDMMYY of birth (women:
day + 40), then a serial from 0001. There is no check digit. A No. KK is the issuing district, DDMMYY of the day
of recording (never + 40) and a serial. Source: Permendagri numbering as described in docs/domain.md, section 2.

*Malformed* means: kept as it was given, flagged, and no key to find a person by; never a refusal, because an
officer who is stopped invents a number. Everything else that looks odd is a *warning*: a NIK keeps the district
of first registration and is not reissued to match a birth date.

This module knows no clock and no area table: both are handed in. Numbers are text from end to end.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

LENGTH = 16
MALE, FEMALE = "1", "2"
"""Sex as coded in REGSOSEK 405."""
AGE_WARN_YEARS = 100

MESSAGES: dict[str, tuple[str, str]] = {
    "nik_empty": ("NIK kosong", "The NIK is empty"),
    "nik_scientific": (
        "NIK rusak oleh lembar kerja (mis. 1.90301E+15); angka aslinya hilang",
        "The NIK was broken by a spreadsheet (such as 1.90301E+15); its digits are lost",
    ),
    "nik_not_digits": ("NIK memuat huruf atau tanda (mis. O untuk 0, I untuk 1)", "The NIK holds letters or signs"),
    "nik_length": ("NIK harus 16 angka", "A NIK has 16 digits"),
    "nik_all_same": ("NIK berisi satu angka yang diulang", "The NIK is one digit repeated"),
    "nik_day": ("Tanggal di NIK bukan 01-31 atau 41-71", "The day in the NIK is not 01-31 or 41-71"),
    "nik_month": ("Bulan di NIK bukan 01-12", "The month in the NIK is not 01-12"),
    "nik_date": ("Tanggal lahir di NIK tidak ada dalam kalender", "The birth date in the NIK is in no calendar"),
    "nik_serial": ("Nomor urut NIK 0000", "The serial of the NIK is 0000"),
    "nik_prefix_unknown": ("Enam angka awal NIK bukan kode kecamatan", "The NIK's first six digits are no district"),
    "nik_prefix_retired": ("Kode kecamatan di NIK sudah tidak dipakai", "The district code in the NIK is retired"),
    "nik_prefix_elsewhere": (
        "NIK terbit di kabupaten/kota lain (wajar setelah pindah)",
        "The NIK was issued in another regency (normal after moving)",
    ),
    "nik_birth_date_differs": ("NIK tidak cocok dengan tanggal lahir", "The NIK disagrees with the birth date"),
    "nik_sex_differs": ("NIK tidak cocok dengan jenis kelamin", "The NIK disagrees with the sex"),
    "nik_is_kk": ("NIK sama dengan No. KK", "The NIK equals the family-card number"),
    "age_over_100": ("Umur lebih dari 100 tahun", "The stated age is over 100"),
    "kk_empty": ("No. KK kosong", "The family-card number is empty"),
    "kk_scientific": ("No. KK rusak oleh lembar kerja", "The family-card number was broken by a spreadsheet"),
    "kk_not_digits": ("No. KK memuat huruf atau tanda", "The family-card number holds letters or signs"),
    "kk_length": ("No. KK harus 16 angka", "A family-card number has 16 digits"),
    "kk_all_same": ("No. KK berisi satu angka yang diulang", "The family-card number is one digit repeated"),
    "kk_serial": ("Nomor urut No. KK 0000", "The serial of the family-card number is 0000"),
    "kk_prefix_unknown": (
        "Enam angka awal No. KK bukan kode kecamatan",
        "The family-card number's first six digits are no district",
    ),
    "kk_prefix_retired": ("Kode kecamatan di No. KK sudah tidak dipakai", "The district code in it is retired"),
    "kk_prefix_elsewhere": ("No. KK terbit di kabupaten/kota lain", "The card was issued in another regency"),
    "kk_date": ("Tanggal di No. KK tidak ada dalam kalender", "The date in the family-card number is in no calendar"),
    "kk_looks_like_nik": (
        "No. KK tampak seperti NIK perempuan (tanggal + 40)",
        "The family-card number looks like a woman's NIK (day + 40)",
    ),
}

_DROP = re.compile(r"[\s.\-\u00ad\u200b\u2010-\u2015\u2212\ufeff]+")
_DIGITS = re.compile(r"[0-9]+\Z")
_SCIENTIFIC = re.compile(r"\s*[0-9]+([.,][0-9]+)?[eE][+]?[0-9]+\s*\Z")


@dataclass(frozen=True, slots=True)
class Nik:
    """One NIK as given. `text` is stripped of spaces, dots and dashes where that leaves digits alone, else as given."""

    raw: str
    text: str
    malformed: tuple[str, ...]

    @property
    def valid(self) -> bool:
        """Whether it may serve as a key. Says nothing about whether such a person exists."""
        return not self.malformed

    @property
    def key(self) -> str | None:
        """The 16 digits of a valid NIK, else None."""
        return self.text if self.valid else None

    @property
    def prefix(self) -> str | None:
        """PPKKCC of first registration, where there are 16 digits."""
        return self.text[:6] if _is_16_digits(self.text) else None

    @property
    def day(self) -> int | None:
        """Day of birth without the women's 40; None unless valid."""
        return _day_number(self.text) % 40 if self.valid else None

    @property
    def month(self) -> int | None:
        """Month of birth; None unless valid."""
        return int(self.text[8:10]) if self.valid else None

    @property
    def year2(self) -> int | None:
        """The year of birth modulo 100; None unless valid."""
        return int(self.text[10:12]) if self.valid else None

    @property
    def sex(self) -> str | None:
        """`1` male, `2` female (REGSOSEK 405); None unless valid."""
        if not self.valid:
            return None
        return FEMALE if _day_number(self.text) > 40 else MALE

    @property
    def birth_date_candidates(self) -> tuple[date, ...]:
        """The birth dates it can mean, 1900s first; empty unless valid."""
        if self.day is None or self.month is None or self.year2 is None:
            return ()
        return _dates(self.day, self.month, self.year2)

    def birth_date(self, stated: date | None, on: date) -> date | None:
        """The candidate equal to the stated birth date, else the latest not after `on`."""
        candidates = self.birth_date_candidates
        if stated in candidates:
            return stated
        return max((day for day in candidates if day <= on), default=None)


@dataclass(frozen=True, slots=True)
class Kk:
    """One family-card number as given. Never a key of a household by itself: it changes with moves and deaths."""

    raw: str
    text: str
    malformed: tuple[str, ...]

    @property
    def valid(self) -> bool:
        """Whether it can be compared with another."""
        return not self.malformed

    @property
    def prefix(self) -> str | None:
        """PPKKCC of the issuing district, where there are 16 digits."""
        return self.text[:6] if _is_16_digits(self.text) else None


def parse_nik(text: str) -> Nik:
    """Read a NIK as given; never raises for any text. All reasons that hold are named, in the order of MESSAGES."""
    stripped, reasons = _sixteen_digits(text, "nik")
    if not reasons:
        reasons = _nik_reasons(stripped)
    return Nik(text, stripped, tuple(reasons))


def parse_kk(text: str) -> Kk:
    """Read a family-card number as given; never raises for any text."""
    stripped, reasons = _sixteen_digits(text, "kk")
    if not reasons:
        if len(set(stripped)) == 1:
            reasons.append("kk_all_same")
        if stripped[12:] == "0000":
            reasons.append("kk_serial")
    return Kk(text, stripped, tuple(reasons))


def nik_warnings(
    nik: Nik,
    *,
    birth_date: date | None = None,
    sex: str | None = None,
    area: str | None = None,
    districts: Collection[str] | None = None,
    retired: Collection[str] = (),
    visit_date: date | None = None,
    no_kk: str | None = None,
) -> tuple[str, ...]:
    """Codes of what is odd about a NIK beside what is stated of the person; none of them is a reason to refuse.

    `area` is the dotted code of residence, `districts` and `retired` hold six-digit prefixes, `visit_date` the day
    on which an age is judged. A malformed NIK has no warnings of its own: its reasons say more.
    """
    codes: list[str] = []
    if nik.valid:
        codes += _prefix_warnings("nik", nik.text[:6], area, districts, retired)
        if birth_date is not None and birth_date not in nik.birth_date_candidates:
            codes.append("nik_birth_date_differs")
        if sex in (MALE, FEMALE) and sex != nik.sex:
            codes.append("nik_sex_differs")
        if no_kk is not None and parse_kk(no_kk).text == nik.text:
            codes.append("nik_is_kk")
    if birth_date is not None and visit_date is not None and age_years(birth_date, visit_date) > AGE_WARN_YEARS:
        codes.append("age_over_100")
    return tuple(codes)


def kk_warnings(
    kk: Kk,
    *,
    area: str | None = None,
    districts: Collection[str] | None = None,
    retired: Collection[str] = (),
) -> tuple[str, ...]:
    """Codes of what is odd about a family-card number; none is a reason to refuse."""
    if not kk.valid:
        return ()
    codes = _prefix_warnings("kk", kk.text[:6], area, districts, retired)
    day, month, year2 = _day_number(kk.text), int(kk.text[8:10]), int(kk.text[10:12])
    if not _dates(day, month, year2):
        codes.append("kk_looks_like_nik" if day > 40 and _dates(day - 40, month, year2) else "kk_date")
    return tuple(codes)


def age_years(birth_date: date, on: date) -> int:
    """Full years of age on a day; negative before birth."""
    return on.year - birth_date.year - ((on.month, on.day) < (birth_date.month, birth_date.day))


def mask_nik(text: str) -> str:
    """For screens of people who need not see it, and for logs: all but the last four characters hidden."""
    shown = parse_nik(text).text
    return "*" * (len(shown) - 4) + shown[-4:] if len(shown) >= 12 else "*" * len(shown)


def message(code: str, language: str = "id") -> str:
    """The sentence of a code, in Indonesian (`id`) or English (`en`). Raises KeyError for an unknown code."""
    indonesian, english = MESSAGES[code]
    return english if language == "en" else indonesian


def _sixteen_digits(text: str, kind: str) -> tuple[str, list[str]]:
    if _SCIENTIFIC.match(text):
        return text.strip(), [f"{kind}_scientific"]
    stripped = _DROP.sub("", text)
    if not stripped:
        return "", [f"{kind}_empty"]
    if not _DIGITS.match(stripped):
        reasons = [f"{kind}_not_digits"] + ([f"{kind}_length"] if len(stripped) != LENGTH else [])
        return text.strip(), reasons
    return stripped, [] if len(stripped) == LENGTH else [f"{kind}_length"]


def _nik_reasons(digits: str) -> list[str]:
    reasons = ["nik_all_same"] if len(set(digits)) == 1 else []
    day, month = _day_number(digits), int(digits[8:10])
    day_good, month_good = 1 <= day <= 31 or 41 <= day <= 71, 1 <= month <= 12
    if not day_good:
        reasons.append("nik_day")
    if not month_good:
        reasons.append("nik_month")
    if day_good and month_good and not _dates(day % 40, month, int(digits[10:12])):
        reasons.append("nik_date")
    if digits[12:] == "0000":
        reasons.append("nik_serial")
    return reasons


def _prefix_warnings(
    kind: str, prefix: str, area: str | None, districts: Collection[str] | None, retired: Collection[str]
) -> list[str]:
    if districts is not None and prefix not in districts:
        return [f"{kind}_prefix_retired" if prefix in retired else f"{kind}_prefix_unknown"]
    if area is not None and not prefix.startswith(area.replace(".", "")[:4]):
        return [f"{kind}_prefix_elsewhere"]
    return []


def _dates(day: int, month: int, year2: int) -> tuple[date, ...]:
    """The dates of the 1900s and 2000s that a day, month and two-digit year can mean."""
    found = []
    for year in (1900 + year2, 2000 + year2):
        try:
            found.append(date(year, month, day))
        except ValueError:
            continue
    return tuple(found)


def _day_number(digits: str) -> int:
    return int(digits[6:8])


def _is_16_digits(text: str) -> bool:
    return len(text) == LENGTH and _DIGITS.match(text) is not None
