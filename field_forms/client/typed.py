"""Answers as people type or list them, read into the values that travel. Pure; messages in Indonesian.

NIK, No. KK and phones stay text from end to end; nothing here becomes a float.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from field_forms.client.draft import AnswerProblem
from schemas.question import Choice, Field

STATE_WORDS = {
    "tolak": "declined", "tidak tahu": "unknown", "tidak berlaku": "not_applicable", "kosongkan": "cleared",
}  # fmt: skip
"""What is typed after `!` instead of an answer."""

_DAY_FIRST = re.compile(r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4})\Z")
_POINT = re.compile(r"(-?\d+[.,]\d+|-?\d+)\s*[,; ]\s*(-?\d+[.,]\d+|-?\d+)(?:\s*[,; ]\s*(\d+(?:[.,]\d+)?))?\Z")


def read_typed(question: Field, text: str, choices: Mapping[str, str] | None = None) -> Any:
    """The value of a typed answer. `choices`: code -> label where the list is not in the form (villages).

    Raises `AnswerProblem`; what the form's rules say is not its business."""
    text = text.strip()
    if question.type == "integer":
        if not re.fullmatch(r"-?\d{1,15}", text):
            raise AnswerProblem("Tulis bilangan bulat, mis. 4")
        return int(text)
    if question.type == "decimal":
        return _decimal(text)
    if question.type == "date":
        return _date(text)
    if question.type == "geopoint":
        return _point(text)
    if question.type == "select_one":
        return _code(question, text, choices)
    if question.type == "select_multiple":
        return sorted({_code(question, each, choices) for each in re.split(r"[,;\s]+", text) if each})
    return text


def _decimal(text: str) -> str:
    try:
        number = Decimal(text.replace(",", "."))
    except InvalidOperation:
        raise AnswerProblem("Tulis bilangan, mis. 23,5") from None
    if not number.is_finite():
        raise AnswerProblem("Tulis bilangan, mis. 23,5")
    shown = format(number, "f")
    return shown.rstrip("0").rstrip(".") or "0" if "." in shown else shown


def _date(text: str) -> str:
    match = _DAY_FIRST.match(text)
    if match:
        text = f"{match[3]}-{int(match[2]):02d}-{int(match[1]):02d}"
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise AnswerProblem("Tulis tanggal yang ada di kalender, mis. 31-12-1990") from None


def _point(text: str) -> dict[str, int]:
    match = _POINT.match(text)
    if not match:
        raise AnswerProblem("Tulis lintang, bujur, ketelitian dalam meter; mis. -2.98765 106.45678 8")
    lat, lon, accuracy = (Decimal((each or "0").replace(",", ".")) for each in match.groups())
    return {"lat": int(lat * 1_000_000), "lon": int(lon * 1_000_000), "acc_dm": int(accuracy * 10)}


def _code(question: Field, text: str, choices: Mapping[str, str] | None) -> str:
    """A code as it is, or with leading zeros left out (1 for 01), or the whole label."""
    labels = choices if choices is not None else {each.name: each.label_id for each in offered(question)}
    if text in labels or not labels:
        return text
    same = [code for code, label in labels.items() if label.casefold() == text.casefold()]
    same = same or [code for code in labels if text.isdecimal() and code.isdecimal() and int(code) == int(text)]
    if len(same) != 1:
        raise AnswerProblem(f"{text!r} bukan pilihan; ketik ? untuk melihat pilihannya")
    return same[0]


def offered(question: Field) -> list[Choice]:
    """Choices that are offered: those of older versions are known but not offered."""
    return [each for each in question.choices if not each.retired]


def shown(question: Field, answer: Mapping[str, Any] | None) -> str:
    """An answer as it is read by people."""
    if answer is None:
        return ""
    if "state" in answer:
        return next((f"({word})" for word, state in STATE_WORDS.items() if state == answer["state"]), answer["state"])
    value = answer["value"]
    if question.type == "select_multiple" and isinstance(value, list):
        return ", ".join(question.label_of(code) for code in value)
    if question.type == "select_one":
        return f"{value} {question.label_of(value)}" if question.label_of(value) != value else str(value)
    if question.type == "geopoint" and isinstance(value, Mapping):
        return f"{Decimal(value['lat']) / 1_000_000}, {Decimal(value['lon']) / 1_000_000}"
    return str(value)
