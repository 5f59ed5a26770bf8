"""What stands at the registry against what our receipts say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sync.delivery import region_digest
from sync.reconcile import Differences, Row, differences

ROWS = st.dictionaries(st.sampled_from("abcde"), st.tuples(st.integers(1, 3), st.sampled_from("xy"))).map(
    lambda found: [(household, version, digest) for household, (version, digest) in found.items()]
)


def test_each_kind_of_difference_is_told_apart() -> None:
    ours = [("a", 1, "x"), ("b", 1, "x"), ("c", 2, "x"), ("d", 1, "x"), ("e", 1, "x")]
    theirs = [("b", 2, "y"), ("c", 1, "x"), ("d", 1, "y"), ("e", 1, "x"), ("f", 1, "x")]
    assert differences(ours, theirs) == Differences(("a",), ("f",), ("b",), ("c",), ("d",))


@given(ROWS, ROWS)
def test_equal_digests_and_no_differences_are_the_same_thing(ours: list[Row], theirs: list[Row]) -> None:
    assert differences(ours, theirs).clean() == (region_digest(ours) == region_digest(theirs))
