"""Expressions of the sheets: XPath 1.0 as ODK reads it, in exact numbers, without a clock."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.expression import ExpressionError, compile_expression

TODAY = "2026-11-21"
AGE = (
    "number(format-date(today(), '%Y')) - number(format-date(${birth_date}, '%Y'))"
    " - if(number(format-date(today(), '%m%d')) < number(format-date(${birth_date}, '%m%d')), 1, 0)"
)
BY_DAYS = "int((decimal-date-time(string(today())) - decimal-date-time(string(${birth_date}))) div 365.25)"
EXPECTED = (
    "concat(if(${sex}='2', string(number(format-date(${birth_date},'%d'))+40), format-date(${birth_date},'%d')),"
    " format-date(${birth_date},'%m'), format-date(${birth_date},'%y'))"
)
NIK = (
    "regex(., '^[0-9]{6}(0[1-9]|[12][0-9]|3[01]|4[1-9]|[56][0-9]|7[01])(0[1-9]|1[0-2])[0-9]{6}$')"
    " and not(regex(., '^[0-9]{12}0000$'))"
)


def value(text: str, current: Any = None, position: int = 1, **answers: Any) -> Any:
    return compile_expression(text).evaluate(answers, TODAY, current=current, position=position)


def truth(text: str, current: Any = None, **answers: Any) -> bool:
    return compile_expression(text).truth(answers, TODAY, current=current)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 4 - 3", 3),
        ("7 div 2", "3.5"),
        ("0.1 + 0.2", "0.3"),
        ("1 div 3", "0.333333333333333"),
        ("-7 mod 3", -1),
        ("--3", 3),
        ("1 div 0", ""),
        ("2 < 3 and 3 <= 3", True),
        ("1 = 1 or 2 = 1", True),
        ("'a' = 'a' = true()", True),
        ("string(5)", "5"),
        ("number('12.50')", "12.5"),
        ("number('x')", ""),
        ("string(number('x'))", "NaN"),
        ("int(-3.7)", -3),
        ("int('8.9')", 8),
        ("round(2.5)", 3),
        ("round(-2.5)", -2),
        ("round(2.345, 2)", "2.35"),
        ("floor(-0.5)", -1),
        ("ceiling(0.2)", 1),
        ("abs(-4)", 4),
        ("pow(2, 10)", 1024),
        ("pow(2, -1)", "0.5"),
        ("pow(9, 99999999)", ""),
        ("min(3, 1, 2)", 1),
        ("max('3', 10)", 10),
        ("concat('a', 1, '', 'b')", "a1b"),
        ("join('-', 'a', 'b')", "a-b"),
        ("coalesce('', 'x')", "x"),
        ("if(2 > 1, 'y', 'n')", "y"),
        ("string-length('abcd')", 4),
        ("substr('abcdef', 1, 3)", "bc"),
        ("substr('abcdef', -2)", "ef"),
        ("substring('abcdef', 2, 3)", "bcd"),
        ("substring-before('2026-11', '-')", "2026"),
        ("substring-after('2026-11', '-')", "11"),
        ("contains('abc', 'b') and starts-with('abc', 'a') and ends-with('abc', 'c')", True),
        ("normalize-space('  a   b ')", "a b"),
        ("translate('bar', 'abr', 'AB')", "BA"),
        ("not(false())", True),
        ("boolean-from-string('1')", True),
        ("selected('a b c', 'b')", True),
        ("selected('ab', 'a')", False),
        ("count-selected('a b c')", 3),
        ("count-selected('')", 0),
        ("selected-at('a b c', 2)", "c"),
        ("checklist(1, 2, true(), false(), 1)", True),
        ("today()", TODAY),
        ("date('2026-02-30')", ""),
        ("date(0)", "1970-01-01"),
        ("decimal-date-time('1970-01-02T12:00')", "1.5"),
        ("format-date('2026-03-05', '%e/%n/%Y %d-%m-%y')", "5/3/2026 05-03-26"),
        ("format-date('', '%Y')", ""),
        ("'2026-11-21' > '2026-11-20'", True),
        ("once('x')", "x"),
        ("position(..)", 1),
    ],
)
def test_the_language(text: str, expected: Any) -> None:
    assert value(text) == expected
    assert type(value(text)) is type(expected)


@pytest.mark.parametrize(
    ("text", "answers", "expected"),
    [
        ("${o} < '07'", {"o": "05"}, True),
        ("${o} < '07'", {"o": "10"}, False),
        ("${o} < '07'", {}, False),
        ("${o} >= '07'", {"o": ""}, False),
        ("${o} > '04' and ${o} < '10'", {"o": "09"}, True),
        ("${o} = '1'", {"o": "01"}, False),
        ("${o} = 1", {"o": "01"}, True),
        ("${o} != '1'", {}, True),
        ("${n} != 1", {}, True),
        ("${n} = 5", {"n": 5}, True),
        ("${a} >= 4 and ${a} <= 8", {"a": "10"}, False),
        ("${m} < 23.5", {"m": "23.49"}, True),
        ("${d} = ''", {"d": {"state": "declined"}}, True),
        ("not(selected(${p}, 'none')) and count-selected(${p}) > 1", {"p": ["bpnt", "pkh"]}, True),
        ("${p} = 'bpnt pkh'", {"p": ["bpnt", "pkh"]}, True),
        ("count(${m}) = 3 and sum(${m}) = 6", {"m": (1, 2, 3)}, True),
        ("count-non-empty(${m}) = 2", {"m": (1, None, 3)}, True),
        ("${m} = 3", {"m": (1, 2, 3)}, True),
        ("${m} > 3", {"m": (1, 2, 3)}, False),
        ("indexed-repeat(${m}, ${r}, 2) = 2", {"m": (1, 2, 3), "r": ()}, True),
        ("max(${m}) = 3", {"m": (1, 2, 3)}, True),
    ],
)
def test_answers_compare_as_in_odk(text: str, answers: dict[str, Any], expected: bool) -> None:
    assert truth(text, **answers) is expected


def test_a_geopoint_is_text_in_degrees() -> None:
    assert value("string(${g})", g={"lat": -2_123_456, "lon": 106_500_000, "acc_dm": 45}) == "-2.123456 106.5 0 4.5"


@pytest.mark.parametrize(
    ("born", "age"), [("1990-05-03", 36), ("2026-11-21", 0), ("2021-11-21", 5), ("2021-11-22", 4), ("", "")]
)
def test_age_is_as_at_the_visit(born: str, age: Any) -> None:
    assert value(AGE, birth_date=born) == age


def test_age_by_days_is_a_year_late_on_a_birthday() -> None:
    assert value(BY_DAYS, birth_date="2021-11-21") == 4  # why the sheet reckons by calendar
    assert value(BY_DAYS, birth_date="1990-05-03") == 36


def test_the_date_part_of_a_nik() -> None:
    assert value(EXPECTED, sex="2", birth_date="1990-08-17") == "570890"
    assert value(EXPECTED, sex="1", birth_date="2001-01-05") == "050101"


@pytest.mark.parametrize(
    ("nik", "good"),
    [
        ("1903011708900001", True),
        ("1903015708900001", True),
        ("1903017112990001", True),
        ("1903010101009999", True),
        ("190301170890001", False),
        ("19030117089000011", False),
        ("1903010008900001", False),
        ("1903013208900001", False),
        ("1903017208900001", False),
        ("1903011713900001", False),
        ("1903011708900000", False),
        ("19O3011708900001", False),
    ],
)
def test_the_nik_rule_of_the_sheet(nik: str, good: bool) -> None:
    assert truth(NIK, current=nik) is good


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("", 0, "kosong"),
        ("${a} =", 6, "terputus"),
        ("(1 + 2", 0, "tidak ditutup"),
        ("1 2", 2, "tidak diharapkan"),
        ("'abc", 0, "kutip"),
        ("foo(1)", 0, "foo() tidak dikenal"),
        ("1 + substr('a')", 4, "2 sampai 3"),
        ("name = 1", 0, "bukan fungsi"),
        ("${a b} = 1", 0, "bukan nama"),
        ("${a} ; 1", 5, "tidak dikenal"),
        ("now()", 0, "tanggal kunjungan"),
        ("random()", 0, "acak"),
        ("pulldata('a', 'b')", 0, "berkas"),
        ("regex(., ${p})", 9, "dalam kutip"),
        ("regex(., concat('^a', '$'))", 9, "dalam kutip"),
        ("regex(., 'a')", 9, "diawali ^"),
        ("regex(., '^(ab')", 9, "diawali ^"),
        ("regex(., '^(ab.$')", 15, "tidak boleh"),
        ("regex(., '^[ab$')", 11, "tidak ditutup"),
        ("a/b", 0, "bukan fungsi"),
        ("(" * 70 + "1" + ")" * 70, 64, "terlalu dalam"),
    ],
)
def test_an_error_names_the_place_and_the_reason(text: str, position: int, words: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text)
    assert caught.value.position == position
    assert words in str(caught.value)
    assert f"huruf ke-{position + 1}" in str(caught.value)


def test_an_expression_says_what_it_needs() -> None:
    expression = compile_expression("${a} > 1 and . <= today() and ${ b } = ''")
    assert expression.references == {"a", "b"}
    assert expression.needs_today and expression.uses_current
    assert not compile_expression("${a} = 1").needs_today


def test_evaluation_takes_a_function_as_well_as_a_mapping() -> None:
    assert compile_expression("${a} + ${b}").evaluate(lambda name: {"a": 2, "b": 3}[name]) == 5


decimals = st.decimals(min_value=-(10**9), max_value=10**9, places=4, allow_nan=False, allow_infinity=False)


@given(decimals, decimals)
def test_arithmetic_is_exact(a: Decimal, b: Decimal) -> None:
    total = Fraction(a) + Fraction(b)
    assert Fraction(str(value("${a} + ${b}", a=format(a, "f"), b=format(b, "f")))) == total
    assert truth("${a} + ${b} = ${c}", a=format(a, "f"), b=format(b, "f"), c=format(a + b, "f")) or a + b == 0
    assert truth("${a} < ${b}", a=format(a, "f"), b=format(b, "f")) is (a < b)


ANSWERS = st.one_of(
    st.none(),
    st.text(max_size=8),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.lists(st.sampled_from(["1", "2", "none"]), unique=True).map(sorted),
    st.tuples(st.integers(0, 9), st.text(max_size=3)),
    st.just({"state": "unknown"}),
    st.just({"lat": 1, "lon": 2, "acc_dm": 3}),
)
TEXTS = st.recursive(
    st.sampled_from(["${a}", "${b}", "1", "0", "2.5", "'x'", "''", "'2026-11-21'", "today()", "true()", "."]),
    lambda inner: st.one_of(
        st.builds(
            "({} {} {})".format,
            inner,
            st.sampled_from(["+", "-", "*", "div", "mod", "=", "!=", "<", ">=", "and", "or"]),
            inner,
        ),
        st.builds("if({}, {}, {})".format, inner, inner, inner),
        st.builds(
            "{}({})".format,
            st.sampled_from(
                ["not", "number", "string", "int", "round", "floor", "ceiling", "abs", "date", "decimal-date-time",
                 "string-length", "count-selected", "sum", "count", "boolean", "max", "normalize-space"]
            ),
            inner,
        ),
        st.builds(
            "{}({}, {})".format,
            st.sampled_from(["selected", "substr", "pow", "concat", "coalesce", "format-date", "selected-at", "round"]),
            inner,
            inner,
        ),
    ),
    max_leaves=12,
)  # fmt: skip


@given(TEXTS, ANSWERS, ANSWERS)
def test_evaluation_never_raises_and_gives_an_answer_without_floats(text: str, a: Any, b: Any) -> None:
    expression = compile_expression(text)
    found = expression.evaluate({"a": a, "b": b}, TODAY, current=a)
    assert isinstance(found, str | int | bool | list | dict)
    assert expression.evaluate({"a": a, "b": b}, TODAY, current=a) == found
    assert isinstance(expression.truth({"a": a, "b": b}, TODAY, current=a), bool)


@given(st.text(alphabet="${}ab1.5'\"()<>=!+-*, andorivm[]^", max_size=30))
def test_any_text_compiles_or_is_refused_with_a_place(text: str) -> None:
    try:
        compile_expression(text)
    except ExpressionError as error:
        assert 0 <= error.position <= len(text)
