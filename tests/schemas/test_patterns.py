"""Patterns of the sheets match what `re` matches, in linear time, and refuse what they do not support."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.pattern import STATES_MAX, PatternError, compile_pattern

ATOMS = st.sampled_from(["a", "b", "[ab]", "[^a]", "[a-c]", ".", r"\d", r"[\d-]", r"\.", "(?:ab)", "(a|bc)", "(a|)"])
COUNTS = st.sampled_from(["", "*", "+", "?", "{2}", "{1,3}", "{2,}", "{0,1}"])
PATTERNS = st.lists(st.tuples(ATOMS, COUNTS).map("".join), max_size=5).map("".join)


@given(st.lists(PATTERNS, min_size=1, max_size=3).map("|".join), st.text(alphabet="abc1.-", max_size=8))
def test_a_pattern_matches_what_re_matches(pattern: str, text: str) -> None:
    assert compile_pattern(pattern).matches(text) is (re.fullmatch(pattern, text, re.ASCII) is not None)


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "^(.*a){12}$", "^a*a*a*a*a*a*b$"])
def test_patterns_that_ruin_re_take_linear_time(pattern: str) -> None:
    compiled = compile_pattern(pattern)
    began = time.perf_counter()
    compiled.matches("a" * 4_000 + "!")
    assert time.perf_counter() - began < 2


def test_anchors_say_nothing_for_the_whole_text_must_match() -> None:
    assert compile_pattern("^ab$").matches("ab")
    assert not compile_pattern("^ab$").matches("ab\n")
    assert not compile_pattern("ab").matches("xab")


def test_classes_are_ascii() -> None:
    assert not compile_pattern(r"^\d$").matches("٣")
    assert not compile_pattern(r"^\w$").matches("é")


@pytest.mark.parametrize(
    ("pattern", "position"),
    [
        ("(a", 0),
        ("a)", 1),
        ("[a", 0),
        ("a**", 1),
        ("*a", 0),
        ("a{3,1}", 1),
        ("a{x}", 1),
        ("a{9999}", 1),
        ("(?=a)", 0),
        (r"(a)\1", 3),
        (r"\p{L}", 0),
        ("a\\", 1),
        ("[z-a]", 0),
        ("a^b", 1),
    ],
)
def test_what_is_not_supported_is_refused_with_its_place(pattern: str, position: int) -> None:
    with pytest.raises(PatternError) as caught:
        compile_pattern(pattern)
    assert caught.value.position == position


def test_a_pattern_has_a_size_limit() -> None:
    with pytest.raises(PatternError, match="terlalu besar"):
        compile_pattern("((a{200}){200}){200}")
    with pytest.raises(PatternError, match="lebih panjang"):
        compile_pattern("a" * 501)
    assert STATES_MAX < 10_000
