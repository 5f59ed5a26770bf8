"""XLSForm expressions (constraint, relevance, calculation) compiled once to Python closures.

Why an evaluator of our own: these expressions run inside the fold, whose bytes must not change when a library is
upgraded, and which knows no float, clock or locale (docs/decisions/0020-...). The grammar is XPath 1.0
without paths, as XLSForm writes it: `${question}`, `.`, literals, operators, functions (schemas/xpath_functions.py).

A text is read by recursive descent straight into closures. An error names the place in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from schemas.pattern import PatternError, compile_pattern
from schemas.xpath import (
    Env,
    Evaluator,
    Value,
    answer_value,
    compare,
    equal,
    to_boolean,
    to_number,
    to_string,
)
from schemas.xpath_functions import CLOCK_FUNCTIONS, FUNCTIONS, REFUSED

EXPRESSION_CHARACTERS_MAX = 8_000
NESTING_MAX = 64

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>[0-9]+(?:\.[0-9]+)?|\.[0-9]+)
        |(?P<ref>\$\{\s*[^}]*\})
        |(?P<string>'[^']*'|"[^"]*")
        |(?P<parent>\.\.)|(?P<dot>\.)
        |(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:[-:][A-Za-z0-9_]+)*)
        |(?P<op><=|>=|!=|[=<>+\-*(),|/\[\]@]))""",
    re.VERBOSE,
)
_REF_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")


class ExpressionError(ValueError):
    """The expression cannot be used. `position`: the character, counted from 0; `text`: the whole expression."""

    def __init__(self, message: str, position: int, text: str) -> None:
        super().__init__(f"{message} (huruf ke-{position + 1}: {_around(text, position)})")
        self.message = message
        self.position = position
        self.text = text


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression. Evaluating it never raises: a missing answer is empty, arithmetic on text is NaN."""

    text: str
    references: frozenset[str]
    """Names inside `${...}`."""
    needs_today: bool
    uses_current: bool
    """Whether `.` occurs."""
    _run: Evaluator

    def evaluate(
        self,
        scope: Mapping[str, Any] | Callable[[str], Any],
        today: str | None = None,
        *,
        current: Any = None,
        position: int = 1,
    ) -> Any:
        """The value as an answer: text, whole number, decimal as text, or true/false; NaN is the empty text.

        `scope` gives answers by name (a list is a select_multiple, a tuple all answers of a question in a repeat);
        `today` is the visit date `YYYY-MM-DD`; `current` what `.` stands for; `position` of the repeat, from 1.
        """
        return answer_value(self._run(_env(scope, today, current, position)))

    def truth(
        self,
        scope: Mapping[str, Any] | Callable[[str], Any],
        today: str | None = None,
        *,
        current: Any = None,
        position: int = 1,
    ) -> bool:
        """The value as true or false, by XPath's rules: '' and 0 are false."""
        return to_boolean(self._run(_env(scope, today, current, position)))


@lru_cache(maxsize=4096)
def compile_expression(text: str) -> Expression:
    """Compile an expression; the same text is compiled once. Raises `ExpressionError`."""
    if len(text) > EXPRESSION_CHARACTERS_MAX:
        raise ExpressionError("ungkapan terlalu panjang", EXPRESSION_CHARACTERS_MAX, text)
    parser = _Parser(text)
    run = parser.parse()
    return Expression(text, frozenset(parser.references), parser.needs_today, parser.uses_current, run)


def _env(scope: Mapping[str, Any] | Callable[[str], Any], today: str | None, current: Any, position: int) -> Env:
    return Env(scope.get if isinstance(scope, Mapping) else scope, today or "", current, position)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            place = at + len(text[at:]) - len(text[at:].lstrip())
            quote = text[place] in "'\""
            raise ExpressionError("tanda kutip tidak ditutup" if quote else "tanda tidak dikenal", place, text)
        kind = match.lastgroup
        found.append(_Token(kind, match.group(kind), match.start(kind)))
        at = match.end()
    found.append(_Token("end", "", len(text)))
    return found


_NEXT = {"or": "and", "and": "equality", "equality": "relation", "relation": "sum", "sum": "product"}
_OPERATORS = {
    "or": ("or",), "and": ("and",), "equality": ("=", "!="), "relation": ("<=", ">=", "<", ">"),
    "sum": ("+", "-"), "product": ("*", "div", "mod"),
}  # fmt: skip


class _Parser:
    """Recursive descent over the precedence levels of XPath 1.0."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.at = 0
        self.depth = 0
        self.references: set[str] = set()
        self.needs_today = False
        self.uses_current = False

    def parse(self) -> Evaluator:
        if self._token.kind == "end":
            raise self._error("ungkapan kosong")
        run = self._level("or")
        if self._token.kind != "end":
            raise self._error(f"{self._token.text!r} tidak diharapkan di sini")
        return run

    @property
    def _token(self) -> _Token:
        return self.tokens[self.at]

    def _error(self, message: str, token: _Token | None = None) -> ExpressionError:
        return ExpressionError(message, (token or self._token).at, self.text)

    def _take(self) -> _Token:
        token = self._token
        self.at += 1
        return token

    def _expect(self, sign: str, opened: _Token) -> None:
        if self._token.text != sign or self._token.kind != "op":
            if self._token.kind == "end":
                raise self._error("kurung tidak ditutup", opened)
            raise self._error(f"{sign!r} diharapkan, bukan {self._token.text!r}")
        self.at += 1

    def _level(self, level: str) -> Evaluator:
        below = _NEXT.get(level)
        left = self._level(below) if below else self._unary()
        while self._token.kind in ("op", "name") and self._token.text in _OPERATORS[level]:
            sign = self._take().text
            right = self._level(below) if below else self._unary()
            left = _binary(sign, left, right)
        return left

    def _unary(self) -> Evaluator:
        if self._token.text == "-" and self._token.kind == "op":
            self._deeper()
            operand = self._unary()
            self.depth -= 1
            return lambda env: _negative(operand(env))
        return self._primary()

    def _deeper(self) -> None:
        token = self._take()
        self.depth += 1
        if self.depth > NESTING_MAX:
            raise self._error("ungkapan bersarang terlalu dalam", token)

    def _primary(self) -> Evaluator:
        token = self._token
        if token.kind == "op" and token.text == "(":
            self._deeper()
            inner = self._level("or")
            self._expect(")", token)
            self.depth -= 1
            return inner
        if token.kind == "name":
            if self.tokens[self.at + 1].text == "(":
                return self._call()
            raise self._error(f"{token.text!r} bukan fungsi; pertanyaan ditulis ${{{token.text}}}, teks dalam kutip")
        self.at += 1
        if token.kind == "number":
            number = Fraction(token.text)
            return lambda env: number
        if token.kind == "string":
            literal = token.text[1:-1]
            return lambda env: literal
        if token.kind == "ref":
            return self._reference(token)
        if token.kind == "dot":
            self.uses_current = True
            return lambda env: env.current
        raise self._error("ungkapan terputus" if token.kind == "end" else f"{token.text!r} tidak diharapkan", token)

    def _reference(self, token: _Token) -> Evaluator:
        name = token.text[2:-1].strip()
        if not _REF_NAME.match(name):
            raise self._error(f"{token.text!r} bukan nama pertanyaan", token)
        self.references.add(name)
        return lambda env: env.answer(name)

    def _call(self) -> Evaluator:
        name = self._token
        self._deeper()
        opened = self._take()
        if name.text in REFUSED:
            raise self._error(REFUSED[name.text], name)
        known = FUNCTIONS.get(name.text)
        if known is None:
            raise self._error(f"fungsi {name.text}() tidak dikenal", name)
        arguments: list[Evaluator] = []
        while not (self._token.kind == "op" and self._token.text == ")"):
            if arguments:
                self._expect(",", opened)
            pattern = self._token
            if name.text == "position" and self._token.kind == "parent":
                self._take()
                arguments.append(lambda env: "")
            else:
                arguments.append(self._level("or"))
        self._expect(")", opened)
        self.depth -= 1
        if not known.least <= len(arguments) <= known.most:
            raise self._error(f"{name.text}() menerima {known.arity} nilai, bukan {len(arguments)}", name)
        self.needs_today |= name.text in CLOCK_FUNCTIONS
        self.uses_current |= name.text == "once"
        if name.text == "regex":
            return self._regex(arguments[0], pattern)
        return known.make(*arguments)

    def _regex(self, subject: Evaluator, token: _Token) -> Evaluator:
        """The pattern must be a literal with both anchors: without them ODK Collect and web forms disagree."""
        after = self.tokens[self.at - 2]
        if token.kind != "string" or after is not token:
            raise self._error("pola regex() harus berupa teks dalam kutip", token)
        source = token.text[1:-1]
        if not (source.startswith("^") and source.endswith("$")):
            raise self._error("pola regex() harus diawali ^ dan diakhiri $", token)
        try:
            pattern = compile_pattern(source)
        except PatternError as error:
            raise ExpressionError(f"pola regex(): {error}", token.at + 1 + error.position, self.text) from None
        return lambda env: pattern.matches(to_string(subject(env)))


def _binary(sign: str, left: Evaluator, right: Evaluator) -> Evaluator:
    if sign == "or":
        return lambda env: to_boolean(left(env)) or to_boolean(right(env))
    if sign == "and":
        return lambda env: to_boolean(left(env)) and to_boolean(right(env))
    if sign in ("=", "!="):
        return lambda env: equal(left(env), right(env), sign == "!=")
    if sign in ("<", "<=", ">", ">="):
        return lambda env: compare(sign, left(env), right(env))
    return lambda env: _arithmetic(sign, to_number(left(env)), to_number(right(env)))


def _arithmetic(sign: str, left: Fraction | None, right: Fraction | None) -> Value:
    if left is None or right is None:
        return None
    if sign == "+":
        return left + right
    if sign == "-":
        return left - right
    if sign == "*":
        return left * right
    if right == 0:
        return None  # XPath says infinity; a record has no use for it and an exact number cannot hold it
    quotient = left / right
    return quotient if sign == "div" else left - right * int(quotient)  # mod: the sign of the dividend


def _negative(value: Value) -> Value:
    number = to_number(value)
    return None if number is None else -number


def _around(text: str, position: int) -> str:
    begin = max(0, position - 10)
    return ("..." if begin else "") + text[begin : position + 20].strip() + ("..." if position + 20 < len(text) else "")
