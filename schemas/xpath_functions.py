"""Functions of XLSForm expressions: those of XPath 1.0 and ODK that need no clock, no chance and no file.

Source: XPath 1.0, section 4; ODK XForms specification, "XPath functions". What ODK has and the fold cannot have is in
`REFUSED`, with the sentence a form author reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from schemas.xpath import (
    DIGITS_MAX,
    EPOCH,
    Evaluator,
    Number,
    Value,
    days_since_epoch,
    to_boolean,
    to_number,
    to_string,
)

MANY = 1_000
POWER_BITS_MAX = 4_096
"""Size of a result of `pow`; beyond it the answer is NaN: no expression may fill the memory."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the language: how many values it takes and how to make its evaluator from theirs."""

    make: Callable[..., Evaluator]
    least: int
    most: int

    @property
    def arity(self) -> str:
        if self.least == self.most:
            return str(self.least)
        return f"{self.least} atau lebih" if self.most == MANY else f"{self.least} sampai {self.most}"


def _plain(work: Callable[..., Value], least: int, most: int | None = None) -> Function:
    """A function of its arguments' values only."""

    def make(*arguments: Evaluator) -> Evaluator:
        if len(arguments) == 1:
            only = arguments[0]
            return lambda env: work(only(env))
        return lambda env: work(*[argument(env) for argument in arguments])

    return Function(make, least, least if most is None else most)


def _if(condition: Evaluator, then: Evaluator, otherwise: Evaluator) -> Evaluator:
    return lambda env: then(env) if to_boolean(condition(env)) else otherwise(env)


def _once(value: Evaluator) -> Evaluator:
    return lambda env: env.current if env.current != "" else value(env)


def _codes(value: Value) -> list[str]:
    return value if isinstance(value, list) else to_string(value).split()


def _flat(values: Iterable[Value]) -> list[Value]:
    """Values with node-sets opened and empty answers left out."""
    flat: list[Value] = []
    for value in values:
        flat += value if isinstance(value, tuple) else (value,)
    return [value for value in flat if value != ""]


def _extreme(pick: Callable[[list[Fraction]], Fraction]) -> Callable[..., Value]:
    def work(*values: Value) -> Value:
        numbers = [to_number(value) for value in _flat(values)]
        known = [number for number in numbers if number is not None]
        return pick(known) if known and len(known) == len(numbers) else None

    return work


def _sum(values: Value) -> Number:
    total = Fraction(0)
    for value in _flat((values,)):
        number = to_number(value)
        if number is None:
            return None
        total += number
    return total


def _count(values: Value) -> Fraction:
    return Fraction(len(values) if isinstance(values, tuple) else int(values != ""))


def _whole(value: Value) -> Number:
    number = to_number(value)
    return None if number is None else Fraction(int(number))


def _floor(value: Value) -> Number:
    number = to_number(value)
    return None if number is None else Fraction(number.__floor__())


def _ceiling(value: Value) -> Number:
    number = to_number(value)
    return None if number is None else Fraction(number.__ceil__())


def _round(value: Value, digits: Value = Fraction(0)) -> Number:
    """Half towards plus infinity (XPath 4.4)."""
    number, places = to_number(value), _whole(digits)
    if number is None or places is None or abs(places) > DIGITS_MAX:
        return None
    scale = Fraction(10) ** int(places)
    return Fraction((number * scale + Fraction(1, 2)).__floor__()) / scale


def _power(base: Value, exponent: Value) -> Number:
    number, power = to_number(base), to_number(exponent)
    if number is None or power is None or power.denominator != 1 or (number == 0 and power < 0):
        return None
    bits = number.numerator.bit_length() + number.denominator.bit_length()
    if abs(power) * bits > POWER_BITS_MAX:
        return None
    return number ** int(power)


def _substr(text: Value, begin: Value, end: Value = None) -> str:
    """ODK: characters from `begin` up to, not including, `end`; counted from 0, negative from the end."""
    first = _whole(begin)
    last = _whole(end) if end is not None else None
    return to_string(text)[None if first is None else int(first) : None if last is None else int(last)]


def _substring(text: Value, begin: Value, length: Value = None) -> str:
    """XPath: `length` characters from position `begin`, counted from 1."""
    first, whole = _round(begin), to_string(text)
    if first is None:
        return ""
    last = None if length is None else _round(length)
    stop = len(whole) if length is None else int(first + (last or 0)) - 1
    return whole[max(0, int(first) - 1) : max(0, stop)]


def _before(text: Value, mark: Value) -> str:
    head, found, _ = to_string(text).partition(to_string(mark) or "\0")
    return head if found else ""


def _after(text: Value, mark: Value) -> str:
    sign = to_string(mark)
    return to_string(text).partition(sign)[2] if sign else to_string(text)


def _translate(text: Value, old: Value, new: Value) -> str:
    source, target = to_string(old), to_string(new)
    table: dict[int, str | None] = {}
    for index, character in enumerate(source):
        table.setdefault(ord(character), target[index] if index < len(target) else None)
    return to_string(text).translate(table)


def _date(value: Value) -> str:
    """An ISO date as it is, a number as that many days since 1970-01-01, anything else as empty."""
    days = to_number(value)
    if days is None:
        return ""
    try:
        return (EPOCH + timedelta(days=days.__floor__())).isoformat()
    except OverflowError:
        return ""


def _format_date(value: Value, form: Value) -> str:
    """ODK `format-date`: %Y %y %m %n %d %e; names of months and days depend on a language and are left as written."""
    text = _date(value)
    if not text:
        return ""
    year, month, day = text.split("-")
    signs = {"Y": year, "y": year[2:], "m": month, "n": str(int(month)), "d": day, "e": str(int(day)), "%": "%"}
    return re.sub("%(.)", lambda found: signs.get(found[1], found[0]), to_string(form))


def _indexed(values: Value, repeat: Value, index: Value) -> Value:
    """ODK `indexed-repeat`: the answer in the nth repeat, from 1."""
    place = _whole(index)
    if not isinstance(values, tuple):
        return values
    return values[int(place) - 1] if place is not None and 1 <= place <= len(values) else ""


def _selected_at(value: Value, index: Value) -> str:
    codes, place = _codes(value), _whole(index)
    return codes[int(place)] if place is not None and 0 <= place < len(codes) else ""


def _checklist(least: Value, most: Value, *answers: Value) -> bool:
    low, high = to_number(least), to_number(most)
    yes = sum(to_boolean(value) for value in _flat(answers))
    return (low is None or low < 0 or yes >= low) and (high is None or high < 0 or yes <= high)


def _boolean_from_string(value: Value) -> bool:
    return to_string(value).lower() in ("true", "1")


FUNCTIONS: dict[str, Function] = {
    "if": Function(_if, 3, 3),
    "once": Function(_once, 1, 1),
    "today": Function(lambda: lambda env: env.today, 0, 0),
    "position": Function(lambda parent: lambda env: Fraction(env.position), 1, 1),
    "true": Function(lambda: lambda env: True, 0, 0),
    "false": Function(lambda: lambda env: False, 0, 0),
    "regex": Function(lambda *unused: lambda env: False, 2, 2),  # made by the parser: its pattern is a literal
    "not": _plain(lambda value: not to_boolean(value), 1),
    "boolean": _plain(to_boolean, 1),
    "boolean-from-string": _plain(_boolean_from_string, 1),
    "number": _plain(to_number, 1),
    "string": _plain(to_string, 1),
    "int": _plain(_whole, 1),
    "round": _plain(_round, 1, 2),
    "floor": _plain(_floor, 1),
    "ceiling": _plain(_ceiling, 1),
    "abs": _plain(lambda value: None if to_number(value) is None else abs(to_number(value) or Fraction(0)), 1),
    "pow": _plain(_power, 2),
    "min": _plain(_extreme(min), 1, MANY),
    "max": _plain(_extreme(max), 1, MANY),
    "sum": _plain(_sum, 1),
    "count": _plain(_count, 1),
    "count-non-empty": _plain(lambda value: Fraction(len(_flat((value,)))), 1),
    "coalesce": _plain(lambda *values: next((v for v in values if to_string(v) != ""), ""), 1, MANY),
    "concat": _plain(lambda *values: "".join(to_string(v) for v in _flat(values)), 1, MANY),
    "join": _plain(lambda glue, *values: to_string(glue).join(to_string(v) for v in _flat(values)), 1, MANY),
    "selected": _plain(lambda value, code: to_string(code).strip() in _codes(value), 2),
    "count-selected": _plain(lambda value: Fraction(len(_codes(value))), 1),
    "selected-at": _plain(_selected_at, 2),
    "checklist": _plain(_checklist, 3, MANY),
    "string-length": _plain(lambda value: Fraction(len(to_string(value))), 1),
    "substr": _plain(_substr, 2, 3),
    "substring": _plain(_substring, 2, 3),
    "substring-before": _plain(_before, 2),
    "substring-after": _plain(_after, 2),
    "contains": _plain(lambda text, part: to_string(part) in to_string(text), 2),
    "starts-with": _plain(lambda text, part: to_string(text).startswith(to_string(part)), 2),
    "ends-with": _plain(lambda text, part: to_string(text).endswith(to_string(part)), 2),
    "normalize-space": _plain(lambda text: " ".join(to_string(text).split()), 1),
    "translate": _plain(_translate, 3),
    "date": _plain(_date, 1),
    "decimal-date-time": _plain(lambda value: days_since_epoch(to_string(value)), 1),
    "format-date": _plain(_format_date, 2),
    "indexed-repeat": _plain(_indexed, 3),
}

CLOCK_FUNCTIONS = frozenset({"today"})

_NO_CLOCK = "hasilnya berubah menurut jam; pakai today(), yaitu tanggal kunjungan"
_NO_CHANCE = "hasilnya acak, padahal catatan harus sama setiap kali dihitung"
_NO_FILE = "membaca berkas di tablet; data itu tidak ada saat catatan digabungkan"
REFUSED: dict[str, str] = {
    "now": f"now() tidak dapat dipakai: {_NO_CLOCK}",
    "random": f"random() tidak dapat dipakai: {_NO_CHANCE}",
    "uuid": f"uuid() tidak dapat dipakai: {_NO_CHANCE}",
    "pulldata": f"pulldata() tidak dapat dipakai: {_NO_FILE}",
    "instance": f"instance() tidak dapat dipakai: {_NO_FILE}",
    "jr:choice-name": "jr:choice-name() tidak dapat dipakai: label berubah menurut bahasa; pakai kodenya",
}
"""Functions of ODK that the fold cannot have, each with the reason a form author reads."""
