"""Bodies that are no bodies: a clear problem, nothing stored, nothing lost, and the server goes on."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest
from api_world import HOUSEHOLD, JSON

from schemas import limits
from server.store import events, unreadable

GZIP = JSON | {"Content-Encoding": "gzip"}


def send(api, data, headers=JSON, path="/v1/events"):
    return api.call("POST", path, "deposit", data=data, headers=headers)


@pytest.mark.parametrize(
    "data", [b"", b"\x00\xff garbage", b"[]", b'{"items":[', b'{"items":{}}', b'{"other":[]}', b'"items"']
)
def test_garbage_is_answered_with_what_is_wrong_with_it(api, problem, data):
    problem(send(api, data), 400, "bad_json")


def test_truncated_gzip_is_a_problem_of_its_own(api, problem):
    problem(send(api, gzip.compress(b'{"items":[]}')[:-9], GZIP), 400, "bad_gzip")
    problem(send(api, b"no gzip at all", GZIP), 400, "bad_gzip")
    assert send(api, gzip.compress(b'{"items":[]}'), GZIP).get_json() == {"results": []}


def test_a_gzip_bomb_is_stopped_while_it_inflates(api, problem, monkeypatch):
    bomb = gzip.compress(b'{"items":[' + b" " * 40_000_000 + b"]}", compresslevel=6)
    assert len(bomb) < limits.BODY_COMPRESSED_BYTES_MAX
    inflated = []
    real = zlib.decompressobj

    class Watched:
        def __init__(self, *args):
            self._real = real(*args)

        def decompress(self, data, most):
            out = self._real.decompress(data, most)
            inflated.append(len(out))
            return out

        def __getattr__(self, name):
            return getattr(self._real, name)

    monkeypatch.setattr("server.api.body.zlib.decompressobj", Watched)
    problem(send(api, bomb, GZIP), 413, "body_too_large")
    assert sum(inflated) <= limits.BODY_BYTES_MAX + 1


def test_many_gzip_members_in_one_body_are_bounded_together(api, problem):
    member = gzip.compress(b" " * 1_000_000)
    problem(send(api, member * 6, GZIP), 413, "body_too_large")


def test_a_body_over_the_limit_is_refused_by_its_announced_length(api, problem):
    problem(send(api, b" " * (limits.BODY_BYTES_MAX + 1)), 413, "body_too_large")
    problem(send(api, b" " * (limits.BODY_BYTES_MAX + 200_000)), 413, "body_too_large")


@pytest.mark.parametrize("packed", [False, True])
def test_ten_megabytes_of_nested_lists_bring_nothing_down(api, problem, packed):
    deep = b"[" * 5_000_000 + b"]" * 5_000_000
    problem(send(api, gzip.compress(deep) if packed else deep, GZIP if packed else JSON), 413, "body_too_large")


@pytest.mark.parametrize("path", ["/v1/hello", "/v1/have", "/v1/deposits"])
def test_deep_nesting_within_the_size_limit_is_named(api, problem, path):
    problem(send(api, b"[" * 1_500_000 + b"]" * 1_500_000, path=path), 400, "json_too_deep")


def test_an_item_of_deep_nesting_does_not_block_the_others(api):
    first, last = api.sealed(), api.sealed(answers={"address": "Jl. Kenanga 2"})
    results = api.push(first, "[" * 500_000 + "]" * 500_000, last)
    assert [result["status"] for result in results] == ["stored", "too_large", "stored"]
    results = api.push("[" * 50_000 + "]" * 50_000)
    assert [result["status"] for result in results] == ["held"]
    assert unreadable.content(api.world.db, results[0]["kept"]) == b"[" * 50_000 + b"]" * 50_000


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ('{"head": nonsense}', "unreadable_json"),
        ('{"a":1,"a":2}', "unreadable_json"),
        ('{"head":"\\u0000"}', "not_canonical"),
        ('{"head":"\\ud800"}', "not_canonical"),
        ('{"head":1.5}', "not_canonical"),
        ("null", "bad_envelope"),
        ("{}", "bad_envelope"),
        ("7", "bad_envelope"),
    ],
)
def test_an_unreadable_item_is_kept_as_it_came_and_blocks_no_other(api, item, reason):
    before = events.count(api.world.db)
    results = api.push(api.sealed(), item, api.sealed(answers={"address": "Jl. Kenanga 2"}))
    assert [result["status"] for result in results] == ["stored", "held", "stored"]
    assert results[1]["reasons"] == [reason]
    assert unreadable.content(api.world.db, results[1]["kept"]) == item.encode()
    assert events.count(api.world.db) == before + 2


def test_bytes_that_are_no_text_are_kept_too(api):
    body = b'{"items":[' + json.dumps(api.sealed()).encode() + b',"\xff\xfe"]}'
    results = send(api, body).get_json()["results"]
    assert [result["status"] for result in results] == ["stored", "held"]
    assert unreadable.content(api.world.db, results[1]["kept"]) == b'"\xff\xfe"'


@pytest.mark.parametrize(
    ("body", "code", "status"),
    [
        (b'{"refs":[],"refs":[]}', "duplicate_key", 400),
        (b'{"refs":["\\u0000"]}', "bad_text", 400),
        (b'{"refs":["\\ud800"]}', "bad_text", 400),
        (b'{"refs":NaN}', "bad_json", 400),
        (b"\xff", "bad_json", 400),
        (b"[]", "invalid", 422),
        (b'{"refs":7}', "invalid", 422),
        (b'{"more":[]}', "invalid", 422),
    ],
)
def test_a_small_body_is_refused_with_the_code_of_its_fault(api, problem, body, code, status):
    problem(send(api, body, path="/v1/hello"), status, code)


def test_each_wrong_member_is_named_without_its_value(api, problem):
    secret = "1903014107900001"
    body = {"refs": [{"ref": secret, "household_id": HOUSEHOLD, "home_region": "19.03"}], "nik": secret}
    answer = problem(send(api, json.dumps(body), path="/v1/hello"), 422, "invalid")
    assert {error["where"] for error in answer["errors"]} == {"$.refs.0.ref", "$.nik"}
    assert secret not in json.dumps(answer)


def test_other_types_and_encodings_are_refused(api, problem):
    problem(send(api, b"{}", {"Content-Type": "text/plain"}), 415, "unsupported_media_type")
    problem(send(api, b"{}", JSON | {"Content-Encoding": "br"}), 415, "unsupported_encoding")


def test_more_items_than_the_limit_are_refused_as_a_whole(api, problem):
    problem(send(api, json.dumps({"items": [{}] * (limits.EVENTS_PER_PUSH_MAX + 1)})), 422, "invalid")


def test_a_body_that_was_cut_off_stores_nothing(api, problem):
    whole = json.dumps({"items": [api.sealed()]}).encode()
    announced = {"CONTENT_LENGTH": str(len(whole))}
    answer = api.call("POST", "/v1/events", "deposit", data=whole[:-40], headers=JSON, environ_overrides=announced)
    problem(answer, 400, "cut_off")
    assert events.count(api.world.db, "submission") == 0
