"""The log tells nothing about a person, whatever it is handed."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from server.log import KEYS, configure_logging, get_logger

NIK = "1903014107850001"
NAME = "Siti Rohmah binti Karim"
PHONE = "0812-3456-7890"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    root = logging.getLogger()
    before = root.handlers[:], root.level
    configure_logging("debug", stream)
    yield stream
    root.handlers[:], level = before
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_neither_a_nik_nor_a_name_nor_a_secret_reaches_the_log(stream: io.StringIO) -> None:
    log = get_logger().bind(head_name=NAME, token="rahasia-sekali")
    log.info("household_folded", nik=NIK, name=NAME, household={"nik": NIK, "name": NAME}, events=2)
    log.info("number_as_value", rows=int(NIK), reason=f"nik {NIK} of tel. {PHONE} and 0812 3456 7890")
    log.info(f"event with {NIK}")
    log.info("an_object", reason={"nik": NIK}, refs=[NIK, {"name": NAME}])
    try:
        raise ValueError(f"{NAME} has {NIK}")
    except ValueError:
        log.exception("fold_failed")
    logging.getLogger("library").warning("could not store %s of %s", NIK, NAME)
    logging.getLogger("library").warning(f"badly written {NIK}")

    written = stream.getvalue()
    assert len(lines(stream)) == 7
    for private in (NIK, NIK[:10], "Siti", "Karim", "3456", "rahasia"):
        assert private not in written, private


def test_what_is_listed_is_written_and_what_is_not_is_named(stream: io.StringIO) -> None:
    get_logger().info("push_stored", events=3, region="19.03", area="19.03.01.1001", nik=NIK)
    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "push_stored",
        "level": "info",
        "events": 3,
        "region": "19.03",
        "area": "19.03.01.1001",
        "dropped": ["nik"],
    }


def test_ids_dates_and_addresses_are_left_readable(stream: io.StringIO) -> None:
    values = ["6f9619ff-8b86-4011-8420-00c04fc964ff", "2026-11-21", "2026-11-21 04:05:06", "192.168.100.200:8360"]
    get_logger().info("seen", refs=values)
    assert lines(stream)[0]["refs"] == values


def test_an_error_tells_its_type_and_place_but_not_its_message(stream: io.StringIO) -> None:
    try:
        raise KeyError(NAME)
    except KeyError:
        get_logger().exception("fold_failed")
    (line,) = lines(stream)
    assert line["error"] == "KeyError"
    assert "test_log.py" in line["at"][-1]


def test_no_listed_key_is_one_of_a_person() -> None:
    assert not KEYS & {"nik", "kk", "name", "phone", "address", "token", "secret", "password", "body", "value", "data"}
