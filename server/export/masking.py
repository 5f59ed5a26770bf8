"""What an export hides and what it makes harmless: numbers of persons, and text a spreadsheet would run. Pure.

Columns are not named one by one: a question whose name speaks of NIK, KK or telephone is hidden as a whole, and in
every other text what looks like such a number is hidden too, for officers write them into remarks.
"""

from __future__ import annotations

import re

from schemas.nik import parse_nik

NUMBER_WORDS = frozenset({"nik", "kk", "phone", "hp", "telp", "telepon", "wa"})
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
SHOWN_DIGITS = 4
OPEN_SENSITIVITIES = frozenset({"public", "internal"})

_RUN = re.compile(r"(?<![0-9A-Za-z-])\+?\d(?:[ .-]?\d){9,}(?![0-9A-Za-z-])")
_PHONE = re.compile(r"(0|62)8\d{7,11}")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def names_a_number(question: str) -> bool:
    """Whether a question by its name asks for a NIK, a family card or a telephone number."""
    return not NUMBER_WORDS.isdisjoint(question.lower().split("_"))


def hidden(text: str) -> str:
    """All but the last four characters hidden; a short one wholly."""
    return "*" * (len(text) - SHOWN_DIGITS) + text[-SHOWN_DIGITS:] if len(text) >= 10 else "*" * len(text)


def masked_text(text: str, sensitivity: str) -> str:
    """A text with the numbers of persons in it hidden. Ids of lists and villages stay where nothing personal is
    asked: there only a valid NIK or a mobile number is hidden."""
    personal = sensitivity not in OPEN_SENSITIVITIES

    def replaced(found: re.Match[str]) -> str:
        digits = re.sub(r"\D", "", found[0])
        return hidden(found[0]) if personal or parse_nik(digits).valid or _PHONE.fullmatch(digits) else found[0]

    return _RUN.sub(replaced, text)


def harmless(text: str, numeric: bool = False) -> str:
    """A text that no spreadsheet takes for a formula. Numbers of numeric questions keep their minus."""
    if not text.startswith(FORMULA_STARTS) or (numeric and _NUMBER.fullmatch(text)):
        return text
    return "'" + text
