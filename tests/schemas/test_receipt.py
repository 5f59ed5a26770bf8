"""Receipts as they travel, and what is believed of one that is handed back."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.receipt import BESIDE_MAX, claimed_places, receipt_json

REF, STAMP = "a" * 32, "b" * 32


def test_a_receipt_names_what_was_written_beside_the_event() -> None:
    assert receipt_json("e1", 7) == {"epoch": "e1", "position": 7}
    told = receipt_json("e1", 7, [("19.03", 8, STAMP), ("19.05", 2, REF)])
    assert told == {"epoch": "e1", "position": 7, "beside": [["19.03", 8, STAMP], ["19.05", 2, REF]]}
    assert claimed_places(told, REF, "19.03") == ("e1", [("19.03", 7, REF), ("19.03", 8, STAMP), ("19.05", 2, REF)])


def test_a_receipt_of_another_regions_log_names_the_region() -> None:
    told = receipt_json("e1", 7) | {"home_region": "19.05"}
    assert claimed_places(told, REF, "19.03") == ("e1", [("19.05", 7, REF)])


@pytest.mark.parametrize(
    "raw",
    [None, [], "x", {}, {"epoch": 1, "position": 1}, {"epoch": "", "position": 1}, {"epoch": "x" * 41, "position": 1},
     {"epoch": "a b", "position": 1}],
)  # fmt: skip
def test_what_names_no_epoch_tells_nothing(raw: Any) -> None:
    assert claimed_places(raw, REF, "19.03") == ("", [])


@pytest.mark.parametrize("position", [None, "7", 7.0, True, 0, -1, 2**53])
def test_a_position_that_is_none_tells_nothing(position: Any) -> None:
    assert claimed_places({"epoch": "e1", "position": position}, REF, "19.03") == ("e1", [])


def test_of_what_stands_beside_only_good_places_are_taken_and_not_too_many() -> None:
    bad: list[Any] = [1, "x", [], ["19.03", 8], ["19.03", 8, "short"], ["1903", 8, STAMP], [None, 8, STAMP], {"a": 1}]
    raw = {"epoch": "e1", "position": 7, "beside": [*bad, ["19.03", 8, STAMP]]}
    assert claimed_places(raw, REF, "19.03") == ("e1", [("19.03", 7, REF), ("19.03", 8, STAMP)])
    raw = {"epoch": "e1", "position": 7, "beside": [["19.03", place, STAMP] for place in range(10, 1000)]}
    assert len(claimed_places(raw, REF, "19.03")[1]) == 1 + BESIDE_MAX
    assert claimed_places({"epoch": "e1", "position": 7, "beside": "x"}, REF, "19.03") == ("e1", [("19.03", 7, REF)])
