"""Canonical JSON: one value, one sequence of bytes, whoever writes it; and what is no canonical JSON is named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.canonical import DEPTH_MAX, INTEGER_MAX, NotCanonical, canonical_bytes, check_canonical

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"))
KEY = st.text(st.characters(max_codepoint=127, min_codepoint=1))
SCALAR = st.none() | st.booleans() | st.integers(-INTEGER_MAX, INTEGER_MAX) | TEXT
VALUE = st.recursive(SCALAR, lambda inner: st.lists(inner) | st.dictionaries(KEY, inner), max_leaves=30)


@given(VALUE)
def test_the_bytes_are_those_of_the_standard_librarys_encoder(value: Any) -> None:
    plain = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert canonical_bytes(value) == plain
    assert json.loads(plain) == value


@given(VALUE, st.randoms(use_true_random=False))
def test_the_order_of_members_means_nothing(value: Any, rng: Any) -> None:
    assert canonical_bytes(_shuffled(value, rng)) == canonical_bytes(value)


@pytest.mark.parametrize("code", [*range(1, 0x20), 0x7F, 0x80, 0x2028, 0x2029, 0xFFFF, 0x1F600])
def test_every_odd_character_is_written_as_the_standard_does(code: int) -> None:
    assert canonical_bytes(chr(code)) == json.dumps(chr(code), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"a": [1, 2.0]}, r"\$\.a\[1\]: float is not allowed"),
        ({"a": "x\x00"}, r"\$\.a: NUL"),
        ({"a": {"b": "x\ud800"}}, r"\$\.a\.b: lone surrogate at character 1"),
        ({"\u00e9": 1}, "is not ASCII"),
        ({"a\x00": 1}, "is not ASCII"),
        ([2**53], r"\$\[0\]: integer beyond 53 bits"),
        ([-(2**53)], "integer beyond 53 bits"),
        (b"x", "bytes is not allowed"),
        (float("nan"), "float is not allowed"),
    ],
)
def test_what_is_not_canonical_is_named(value: Any, told: str) -> None:
    with pytest.raises(NotCanonical, match=told):
        check_canonical(value)


def test_depth_is_bounded() -> None:
    value: Any = 1
    for _ in range(DEPTH_MAX):
        value = [value]
    check_canonical(value)
    with pytest.raises(NotCanonical, match="nested deeper"):
        check_canonical({"a": value})


def _shuffled(value: Any, rng: Any) -> Any:
    if isinstance(value, dict):
        keys = list(value)
        rng.shuffle(keys)
        return {key: _shuffled(value[key], rng) for key in keys}
    return [_shuffled(item, rng) for item in value] if isinstance(value, list) else value
