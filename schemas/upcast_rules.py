"""The named rules of the sheet's column `upcast`: each a pure function, kept for ever (docs/forms.md).

A rule is made of what stands between its braces and of the code behind `else`; what it cannot convert raises
`NotUpcast`, and the answer stays on record as it was said. Numbers are exact; nothing here is a float.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

from schemas.fields import DecimalField, parse_date
from schemas.question import Choice, Field

SAME = "same"
_CODES_MAX = 200
_PAIR = re.compile(r"\s*([^:{},]+?)\s*:\s*([A-Za-z0-9_.-]{1,100})\s*\Z")
_BAND = re.compile(r"\s*(-?[0-9.]*?)\s*\.\.\s*(-?[0-9.]*)\s*\Z")
_WHOLE = re.compile(r"-?[0-9]{1,15}\Z")
_DECIMAL_TEXT = re.compile(r"(-?)0*([0-9]{1,15})(?:[.,]([0-9]{1,9}))?\Z")
_FACTOR = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?(/[1-9][0-9]{0,8})?\Z")
_DAY_FIRST = re.compile(r"([0-9]{1,2})[-/. ]+([0-9]{1,2}|[A-Za-z]{3,12})[-/. ]+([0-9]{4})\Z")
_MONTHS = (
    "januari", "februari", "maret", "april", "mei", "juni", "juli", "agustus", "september", "oktober", "november",
    "desember",
)  # fmt: skip


class UpcastUnreadable(ValueError):
    """The cell is no rule; the sentence (Indonesian) says what is wrong with it."""


class NotUpcast(ValueError):
    """This value cannot be read as an answer to the present question; it stays as it was said."""


Convert = Callable[[Any, Field | None, Field], Any]
"""`(value, former question or None, present question) -> value`. Raises `NotUpcast`."""

Made = tuple[Convert, frozenset[str]]
"""A conversion and the codes it can give."""


def _same(arguments: str, otherwise: str | None) -> Made:
    return (lambda value, before, after: value), frozenset()


def _number(arguments: str, otherwise: str | None) -> Made:
    def convert(value: Any, before: Field | None, after: Field) -> Any:
        text = _text(value)
        if after.type == "integer":
            if _WHOLE.match(text) is None:
                raise NotUpcast(f"{text!r} is no whole number")
            return int(text)
        match = _DECIMAL_TEXT.match(text)
        if match is None:
            raise NotUpcast(f"{text!r} is no number")
        written = match[2] + (f".{match[3]}" if match[3] else "")
        return match[1] + written if written.strip("0.") else written

    return convert, frozenset()


def _date(arguments: str, otherwise: str | None) -> Made:
    def convert(value: Any, before: Field | None, after: Field) -> Any:
        text = _text(value)
        if parse_date(text) is not None:
            return text
        match = _DAY_FIRST.match(text)
        month = _month(match[2]) if match else 0
        written = f"{match[3]}-{month:02d}-{int(match[1]):02d}" if match else ""
        if parse_date(written) is None:
            raise NotUpcast(f"{text!r} is no date")
        return written

    return convert, frozenset()


def _bands(arguments: str, otherwise: str | None) -> Made:
    bands: list[tuple[Fraction | None, Fraction | None, str]] = []
    for piece in arguments.split(","):
        pair = _PAIR.match(piece)
        band = _BAND.match(pair[1]) if pair else None
        one = _fraction(pair[1]) if pair and not band else None
        if pair is None or (band is None and one is None):
            raise UpcastUnreadable(f"bands: {piece.strip()!r}; tulis seperti ..7:1, 8..15:2, 16..:3")
        low, high = (_edge(band[1]), _edge(band[2])) if band else (one, one)
        above = bands[-1][1] if bands else None
        if bands and (above is None or low is None or low <= above):
            raise UpcastUnreadable(f"bands: {piece.strip()!r} bertindih dengan yang di depannya; urutkan dari kecil")
        bands.append((low, high, pair[2]))

    def convert(value: Any, before: Field | None, after: Field) -> Any:
        number = _fraction(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else None
        if number is not None:
            for low, high, code in bands:
                if (low is None or number >= low) and (high is None or number <= high):
                    return code
        return _otherwise(otherwise, value)

    return convert, _given([code for _, _, code in bands], otherwise)


def _codes(arguments: str, otherwise: str | None) -> Made:
    pairs: dict[str, str] = {}
    for piece in arguments.split(","):
        pair = _PAIR.match(piece)
        if pair is None or _plain(pair[1]) in pairs:
            raise UpcastUnreadable(f"codes: {piece.strip()!r}; tulis lama:baru, masing-masing sekali")
        pairs[_plain(pair[1])] = pair[2]

    def one(value: Any) -> Any:
        found = pairs.get(_plain(value)) if isinstance(value, str) else None
        return _otherwise(otherwise, value) if found is None else found

    def convert(value: Any, before: Field | None, after: Field) -> Any:
        several = isinstance(value, list)
        if after.type == "select_multiple":
            return sorted({one(each) for each in (value if several else [value])})
        if several:
            raise NotUpcast("several codes where one is asked")
        return one(value)

    return convert, _given(pairs.values(), otherwise)


def _labels(arguments: str, otherwise: str | None) -> Made:
    def convert(value: Any, before: Field | None, after: Field) -> Any:
        code = _named(after.choices).get(_plain(_text(value)))
        return _otherwise(otherwise, value) if code is None else code

    return convert, _given((), otherwise)


def _label(arguments: str, otherwise: str | None) -> Made:
    def convert(value: Any, before: Field | None, after: Field) -> Any:
        codes = value if isinstance(value, list) else [value]
        return ", ".join(before.label_of(str(code)) if before else str(code) for code in codes)

    return convert, frozenset()


def _scale(arguments: str, otherwise: str | None) -> Made:
    factor = _factor(arguments.strip())
    if not factor:
        raise UpcastUnreadable(f"scale: {arguments.strip()!r}; tulis angka pengali, mis. 0.01 atau 1/12")

    def convert(value: Any, before: Field | None, after: Field) -> Any:
        number = _fraction(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else None
        if number is None:
            raise NotUpcast(f"{value!r} is no number")
        return _written(number * factor, after.type)

    return convert, frozenset()


def _only(arguments: str, otherwise: str | None) -> Made:
    def convert(value: Any, before: Field | None, after: Field) -> Any:
        if not isinstance(value, list) or len(value) != 1:
            raise NotUpcast("not one code alone")
        return value[0]

    return convert, frozenset()


Make = Callable[[str, str | None], Made]
_SELECTS = ("select_one", "select_multiple")
_ANY = ("text", "integer", "decimal", "date", "time", *_SELECTS)

RULES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], Make]] = {
    SAME: (_ANY, _ANY, _same),
    "number": (("text",), ("integer", "decimal"), _number),
    "date": (("text",), ("date",), _date),
    "bands": (("integer", "decimal"), ("select_one",), _bands),
    "codes": (("text", *_SELECTS), _SELECTS, _codes),
    "labels": (("text",), ("select_one",), _labels),
    "label": (_SELECTS, ("text",), _label),
    "scale": (("integer", "decimal"), ("integer", "decimal"), _scale),
    "only": (("select_multiple",), ("select_one",), _only),
}  # fmt: skip
"""Name -> (types it takes, types it gives, how it is made of its arguments and of what stands behind `else`)."""

WITH_ELSE = frozenset({"bands", "codes", "labels"})
WITH_ARGUMENTS = frozenset({"bands", "codes", "scale"})


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise NotUpcast(f"{type(value).__name__} where a text was asked")
    return " ".join(value.split())


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


@lru_cache(maxsize=256)
def _named(choices: tuple[Choice, ...]) -> Mapping[str, str]:
    """Code by code and by label, without case. A label that two codes share names neither."""
    names: dict[str, str | None] = {}
    for choice in choices:
        for label in {_plain(choice.label_id), _plain(choice.label_en)}:
            names[label] = choice.name if names.get(label, choice.name) == choice.name else None
    return {label: code for label, code in names.items() if code} | {_plain(each.name): each.name for each in choices}


def _otherwise(otherwise: str | None, value: Any) -> str:
    if otherwise is None:
        raise NotUpcast(f"no code for {value!r}")
    return otherwise


def _given(codes: Iterable[str], otherwise: str | None) -> frozenset[str]:
    found = frozenset((*codes, *([otherwise] if otherwise else ())))
    if len(found) > _CODES_MAX:
        raise UpcastUnreadable(f"lebih dari {_CODES_MAX} kode")
    return found


def _fraction(text: str) -> Fraction | None:
    match = _DECIMAL_TEXT.match(text.strip())
    return None if match is None or "," in text else Fraction(text.strip())


def _factor(text: str) -> Fraction | None:
    """`0.01` or `1/12`."""
    if _FACTOR.match(text) is None:
        return None
    above, _, below = text.partition("/")
    return Fraction(above) * Fraction(1, int(below or "1"))


def _edge(text: str) -> Fraction | None:
    """The edge of a band; an empty one is open."""
    if not text:
        return None
    found = _fraction(text)
    if found is None:
        raise UpcastUnreadable(f"bands: {text!r} bukan angka")
    return found


def _month(text: str) -> int:
    """1 to 12 of a number or of an Indonesian month's name, three letters at least; 0 for anything else."""
    if text.isdecimal():
        return int(text)
    fitting = [at for at, name in enumerate(_MONTHS, 1) if name.startswith(text.casefold())]
    return fitting[0] if len(fitting) == 1 else 0


def _written(number: Fraction, type: str) -> Any:
    """A number as an answer of the type. Raises `NotUpcast` where it has no end or is too long."""
    if type == "integer":
        if number.denominator != 1:
            raise NotUpcast("no whole number")
        return int(number)
    scaled = number * 10**9
    if scaled.denominator != 1:
        raise NotUpcast("more than nine decimals")
    sign, digits = ("-" if scaled < 0 else ""), f"{abs(int(scaled)):010d}"
    text = f"{sign}{digits[:-9]}.{digits[-9:]}".rstrip("0").rstrip(".")
    if not DecimalField().accepts(text):
        raise NotUpcast("too long")
    return text
