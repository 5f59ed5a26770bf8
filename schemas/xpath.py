"""Values of XLSForm expressions: XPath 1.0 as ODK reads it, in exact numbers.

A value is text, true/false, an exact number (`Fraction`; None is NaN), a list (select_multiple, which XPath sees as
its codes joined by spaces), a tuple (all answers to a question in a repeat: a node-set) or a geopoint. No float, no
clock, no locale. Source: XPath 1.0, sections 3.4 to 4.4.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Any

Number = Fraction | None
Value = Any
EPOCH = date(1970, 1, 1)
SIGNIFICANT_DIGITS = 15
"""Of a number that has no finite decimal form, such as 1 div 3."""
DIGITS_MAX = 40

_NUMBER = re.compile(r"\s*-?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})\s*\Z")
_DATE = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?(?:\.[0-9]+)?(Z|[+-][0-9:]*)?)?\Z"
)


class Env:
    """What an evaluation sees: answers by name, the visit date, the present question's value and its position."""

    __slots__ = ("_lookup", "current", "position", "today")

    def __init__(self, lookup: Callable[[str], Any], today: str, current: Any, position: int) -> None:
        self._lookup = lookup
        self.today = today
        self.current = _given(current)
        self.position = position

    def answer(self, name: str) -> Value:
        return _given(self._lookup(name))


Evaluator = Callable[[Env], Value]


def _given(value: Any) -> Value:
    """An answer as a value of the evaluator; missing answers and states (declined, unknown) are empty."""
    if type(value) is str:
        return value
    if value is None:
        return ""
    if type(value) is int:
        return Fraction(value)
    if isinstance(value, dict):
        return value if "lat" in value else ""
    if isinstance(value, tuple):
        return tuple(_given(item) for item in value)
    return value


def answer_value(value: Value) -> Any:
    """A value as it stands in a record: whole numbers as int, other numbers as decimal text, NaN as empty text."""
    if value is None:
        return ""
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else to_string(value)
    if isinstance(value, tuple):
        return answer_value(value[0]) if value else ""
    return value


def to_string(value: Value) -> str:
    """XPath `string()`."""
    if isinstance(value, str):
        return value
    if value is None:
        return "NaN"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Fraction):
        return _decimal_text(value)
    if isinstance(value, list):
        return " ".join(value)
    if isinstance(value, tuple):
        return to_string(value[0]) if value else ""
    return " ".join((_degrees(value["lat"]), _degrees(value["lon"]), "0", _decimal_text(Fraction(value["acc_dm"], 10))))


def to_number(value: Value) -> Number:
    """XPath `number()`; an ISO date is its day since 1970-01-01, as in ODK. None is NaN."""
    if isinstance(value, bool):
        return Fraction(int(value))
    if type(value) is Fraction or value is None:
        return value
    text = to_string(value)
    if _NUMBER.match(text):
        return Fraction(text.strip().rstrip(".") if text.strip() != "." else "0")
    return days_since_epoch(text)


def to_boolean(value: Value) -> bool:
    """XPath `boolean()`: numbers other than 0 and NaN, text that is not empty, node-sets that are not empty."""
    if type(value) is bool:
        return value
    return bool(value)


def equal(left: Value, right: Value, negated: bool = False) -> bool:
    """`=` and `!=`: true/false before number before text; over a node-set, whether any of it is."""
    if type(left) is str and type(right) is str:
        return (left == right) is not negated
    if isinstance(left, tuple):
        return any(equal(item, right, negated) for item in left)
    if isinstance(right, tuple):
        return any(equal(left, item, negated) for item in right)
    if isinstance(left, bool) or isinstance(right, bool):
        same = to_boolean(left) is to_boolean(right)
    elif _is_number(left) or _is_number(right):
        a, b = to_number(left), to_number(right)
        same = a is not None and a == b
    else:
        same = to_string(left) == to_string(right)
    return same is not negated


def compare(sign: str, left: Value, right: Value) -> bool:
    """`<`, `<=`, `>`, `>=`: both sides as numbers; NaN (so an empty answer too) is never less or greater."""
    if isinstance(left, tuple):
        return any(compare(sign, item, right) for item in left)
    if isinstance(right, tuple):
        return any(compare(sign, left, item) for item in right)
    a, b = to_number(left), to_number(right)
    if a is None or b is None:
        return False
    if sign == "<":
        return a < b
    if sign == "<=":
        return a <= b
    return a > b if sign == ">" else a >= b


def days_since_epoch(text: str) -> Number:
    """Days from 1970-01-01 of an ISO date, with the time of day as a fraction; None if there is no such day."""
    match = _DATE.match(text.strip())
    if match is None:
        return None
    try:
        days = (date(int(match[1]), int(match[2]), int(match[3])) - EPOCH).days
    except ValueError:
        return None
    hours, minutes, seconds = (int(match[n] or 0) for n in (4, 5, 6))
    return days + Fraction(hours * 3600 + minutes * 60 + seconds, 86_400)


def _is_number(value: Value) -> bool:
    # Not isinstance: for a Fraction that asks the abstract classes of numbers, at ten times the cost.
    return value is None or type(value) is Fraction


def _decimal_text(number: Fraction) -> str:
    if number.denominator == 1:
        return str(number.numerator)
    rest = number.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    digits = SIGNIFICANT_DIGITS if rest != 1 else DIGITS_MAX
    context = Context(prec=digits, rounding=ROUND_HALF_EVEN)
    text = format(context.divide(Decimal(number.numerator), Decimal(number.denominator)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _degrees(micro: int) -> str:
    return _decimal_text(Fraction(micro, 1_000_000))
