"""JSON from outside: one broken item never blocks the others, and nothing that is sent brings the reader down."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.json_text import JsonProblem, read_items, read_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(VALUES, max_size=6), st.sampled_from([None, 2]))
def test_items_of_a_sound_body_come_back_in_order_with_their_own_bytes(values, indent):
    body = json.dumps({"items": values}, ensure_ascii=False, indent=indent).encode(errors="replace")
    items = read_items(body, "items")
    assert [item.value for item in items] == json.loads(body)["items"]
    assert [json.loads(item.raw) for item in items] == json.loads(body)["items"]


@given(st.lists(VALUES, max_size=4), st.lists(VALUES, max_size=4))
def test_a_broken_item_blocks_neither_the_items_before_nor_those_after(before, after):
    encode = lambda values: [json.dumps(value).encode() for value in values]  # noqa: E731
    body = b'{"items":[' + b",".join([*encode(before), b'{"head": nonsense}', *encode(after)]) + b"]}"
    items = read_items(body, "items")
    assert [item.value for item in items] == [*before, None, *after]
    broken = items[len(before)]
    assert broken.raw == b'{"head": nonsense}' and broken.problem is not None and broken.problem.code == "bad_json"


@pytest.mark.parametrize(
    ("item", "code"),
    [
        (b'{"a":1,"a":2}', "duplicate_key"),
        (b'{"\xff":1}', "bad_json"),
        (b'"\x00"', "bad_json"),
        (b"NaN", "bad_json"),
        (b"[" * 300_000 + b"]" * 300_000, "json_too_deep"),
        (b"9" * 5_000, "bad_json"),
    ],
)
def test_each_kind_of_broken_item_is_named_and_its_bytes_are_kept(item, code):
    items = read_items(b'{"items":[{"good":1},' + item + b',{"good":2}]}', "items")
    assert [each.value for each in (items[0], items[2])] == [{"good": 1}, {"good": 2}]
    assert items[1].problem is not None and items[1].problem.code == code
    assert items[1].raw == item


@pytest.mark.parametrize(
    "body",
    [b"", b"\x00\x01\x02", b"[]", b'{"items":[1', b'{"items":[1]}x', b'{"items":3}', b'{"other":[]}', b'{"items":[1}}',
     b'{"items":[1],"more":2}', b"\xef\xbb\xbf{}", b'"', b"[" * 1_000_000],
)  # fmt: skip
def test_a_body_whose_outer_form_cannot_be_made_out_is_a_problem(body):
    with pytest.raises(JsonProblem) as caught:
        read_items(body, "items")
    assert caught.value.code in {"bad_json", "json_too_deep"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"a":"\\u0000"}', "bad_text"),
        (b'{"a\\u0000":1}', "bad_text"),
        (b'["\\ud800"]', "bad_text"),
        (b'{"a":1,"a":1}', "duplicate_key"),
        (b"[" * 40 + b"]" * 40, "json_too_deep"),
        (b"[" * 5_000_000 + b"]" * 5_000_000, "json_too_deep"),
        (b"{", "bad_json"),
        (b"[Infinity]", "bad_json"),
        (b"\xed\xa0\x80", "bad_json"),
    ],
)
def test_a_document_with_what_cannot_be_stored_is_refused_with_its_code(body, code):
    with pytest.raises(JsonProblem) as caught:
        read_json(body)
    assert caught.value.code == code
