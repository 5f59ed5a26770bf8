"""Whether one answer can be used: its type (an answer of another type is taken out), then what is only flagged.

The type checks are marshmallow fields, one for each type of question, called per value. Sources of the shapes:
docs/protocol.md, "Answers". A broken constraint never takes a value out: it is kept and flagged (docs/merge.md,
stratum 0).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from marshmallow import ValidationError, fields

from schemas.base import StrictSchema, Text, Whole, first_message
from schemas.expression import compile_expression
from schemas.fields import DateField, DecimalField, Sha256Field
from schemas.question import Field

FLAG_CHOICE = "unknown_choice"
FLAG_EXCLUSIVE = "exclusive_choice"
FLAG_CONSTRAINT = "constraint"
FLAG_WARNING = "warning"

LATITUDE_MAX_UDEG = 90_000_000
LONGITUDE_MAX_UDEG = 180_000_000
ACCURACY_MAX_DM = 1_000_000
CHOICES_MAX = 200

_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?\Z")
_CODE_CHARACTERS_MAX = 100


class Code(Text):
    """A code of a choice list: text without white space, which would split it inside a select_multiple."""

    default_error_messages = {"spaces": "A choice code holds no spaces."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(characters_max=_CODE_CHARACTERS_MAX, empty=False, **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        code = super()._deserialize(value, attr, data, **kwargs)
        if any(character.isspace() for character in code):
            raise self.make_error("spaces")
        return code


class Codes(fields.Field[Any]):
    """Codes of a select_multiple: a list, sorted, each once."""

    default_error_messages = {
        "invalid": "Not a list of choice codes.",
        "unsorted": "The codes must be sorted and stand once each.",
        "too_many": "More than {max} codes.",
    }
    _code = Code()

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        if len(value) > CHOICES_MAX:
            raise self.make_error("too_many", max=CHOICES_MAX)
        for code in value:
            self._code.deserialize(code)
        if any(a >= b for a, b in pairwise(value)):
            raise self.make_error("unsorted")
        return value


class TimeOfDay(Text):
    """`HH:MM` or `HH:MM:SS`, local time."""

    default_error_messages = {"not_time": "Not a time of day such as 07:30."}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if _TIME.match(text) is None:
            raise self.make_error("not_time")
        return text


class Geopoint(fields.Field[Any]):
    """`{"lat", "lon"}` in micro-degrees and `acc_dm`, the accuracy in decimetres; whole numbers all three."""

    default_error_messages = {
        "invalid": "Not a point: lat and lon in whole micro-degrees, acc_dm in whole decimetres.",
        "range": "The point lies outside the globe.",
    }
    _whole = Whole()

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, dict) or set(value) != {"lat", "lon", "acc_dm"}:
            raise self.make_error("invalid")
        for number in value.values():
            self._whole.deserialize(number)
        inside = abs(value["lat"]) <= LATITUDE_MAX_UDEG and abs(value["lon"]) <= LONGITUDE_MAX_UDEG
        if not inside or not 0 <= value["acc_dm"] <= ACCURACY_MAX_DM:
            raise self.make_error("range")
        return value


class Calculated(fields.Field[Any]):
    """A computed answer: text or a whole number."""

    default_error_messages = {"invalid": "Not text and not a whole number."}
    _text, _whole = Text(), Whole()

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise self.make_error("invalid")
        return (self._text if isinstance(value, str) else self._whole).deserialize(value)


_BY_TYPE: Mapping[str, fields.Field[Any]] = {
    "text": Text(),
    "integer": Whole(),
    "decimal": DecimalField(),
    "date": DateField(),
    "time": TimeOfDay(),
    "select_one": Code(),
    "select_multiple": Codes(),
    "geopoint": Geopoint(),
    "image": Sha256Field(),
    "calculate": Calculated(),
}


def value_error(question: Field, value: Any) -> str | None:
    """Why a value is not of the question's type, in a sentence, or None. Codes and constraints are not its business."""
    try:
        _BY_TYPE[question.type].deserialize(value)
    except ValidationError as error:
        return first_message(error)
    return None


def unknown_choice(question: Field, value: Any) -> str | None:
    """The first code that no version of the question's list offers, or None. The value is of the right type."""
    if not question.choices:
        return None
    codes = question.codes
    given = value if isinstance(value, list) else [value]
    return next((code for code in given if code not in codes), None)


def constraint_flag(
    question: Field, value: Any, answers: Mapping[str, Any] | None = None, today: str | None = None
) -> str | None:
    """What is to be flagged about a value of the right type, or None.

    Answers `unknown_choice`, `exclusive_choice` ("none" beside another), `constraint` or `warning`. `answers`: the
    other answers of the same household or person; `today`: the visit date, without which a constraint that needs
    it is not judged. An empty value has no constraint (as in ODK).
    """
    if value is None or value in ("", []):
        return None
    if unknown_choice(question, value) is not None:
        return FLAG_CHOICE
    if isinstance(value, list) and len(value) > 1 and any(code in question.exclusive for code in value):
        return FLAG_EXCLUSIVE
    scope = answers or {}
    for text, flag in ((question.constraint, FLAG_CONSTRAINT), (question.warning, FLAG_WARNING)):
        if text:
            expression = compile_expression(text)
            if expression.needs_today and today is None:
                continue
            if not expression.truth(scope, today, current=value):
                return flag
    return None


def answer_field(question: Field, *, required: bool = False) -> fields.Field[Any]:
    """A marshmallow field for one question: its type, and the codes of its list."""

    def known_codes(value: Any) -> None:
        unknown = unknown_choice(question, value)
        if unknown is not None:
            raise ValidationError(f"Code {unknown!r} is not in the list {question.list_name}.")

    kind = type(_BY_TYPE[question.type])
    return kind(required=required, validate=known_codes)


def answers_schema(name: str, questions: tuple[Field, ...]) -> type[StrictSchema]:
    """A strict schema class of answers `{question: value}`; keys that are no question are errors."""
    schema = StrictSchema.from_dict({q.name: answer_field(q) for q in questions}, name=name)
    return schema  # type: ignore[return-value]
