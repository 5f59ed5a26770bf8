"""Deliveries over real HTTP to the reference registry: applied once, refused for a reason, readable afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from registry_world import NOW, A, B, World, delivery, withdrawal, world_in

from server.registry.adapter import (
    Accepted,
    Duplicate,
    LastVersion,
    RegionDigest,
    Rejected,
    RetryLater,
    Stale,
    Taken,
    Uncertain,
    Unknown,
)
from sync.delivery import region_digest

NIK_1, NIK_2 = "1903015507820001", "1903015507820002"


def test_a_delivery_is_applied_once_and_its_repeat_gets_the_first_receipt(world: World) -> None:
    sent = delivery(A, 1, NIK_1)
    first, again = world.client.push([sent, sent])
    assert isinstance(first, Accepted) and isinstance(again, Duplicate)
    assert first.receipt == again.receipt
    assert first.receipt.applied_at == NOW
    assert world.applications() == [(A, 1, "deliver")]


def test_did_you_get_it_is_answered_by_key_and_by_household(world: World) -> None:
    sent = delivery(A, 1, NIK_1)
    assert world.client.ask(sent.idempotency_key) == Unknown()
    assert world.client.last_version(A) == LastVersion(0)
    accepted = world.client.send(sent)
    assert world.client.ask(sent.idempotency_key) == accepted
    last = world.client.last_version(A)
    assert isinstance(last, LastVersion)
    assert (last.version, last.withdrawn, last.content_digest) == (1, False, sent.content_digest)


def test_a_stale_version_is_refused_and_the_last_one_named(world: World) -> None:
    world.client.push([delivery(A, 1, NIK_1), delivery(A, 2, NIK_1, ref="baru")])
    assert world.client.send(delivery(A, 2, NIK_1, ref="lain")) == Stale(2)
    assert world.client.send(delivery(A, 1, NIK_1, ref="lama")) == Stale(2)
    assert isinstance(world.client.send(delivery(A, 3, NIK_1, ref="lain")), Accepted)


def test_one_key_with_another_body_is_rejected(world: World) -> None:
    sent, other = delivery(A, 1, NIK_1), delivery(A, 2, NIK_2)
    world.client.send(sent)
    object.__setattr__(other, "idempotency_key", sent.idempotency_key)
    outcome = world.client.send(other)
    assert isinstance(outcome, Rejected) and outcome.code == "key_reused"


def test_a_nik_that_stands_elsewhere_is_refused_with_its_holder(world: World) -> None:
    world.client.send(delivery(A, 1, NIK_1))
    outcome = world.client.send(delivery(B, 1, NIK_2, NIK_1))
    assert outcome == Taken(A, NIK_1)
    assert NIK_1 not in repr(outcome)
    assert world.rows("select nik, household_id from persons") == [(NIK_1, A)]


def test_a_person_without_nik_stands_by_key_and_once(world: World) -> None:
    assert isinstance(world.client.send(delivery(A, 1, f"{A}/bayi")), Accepted)
    assert isinstance(world.client.send(delivery(B, 1, f"{A}/bayi")), Taken)
    assert isinstance(world.client.send(delivery(B, 1, f"{B}/bayi")), Accepted)


def test_a_version_without_the_person_gives_the_place_free(world: World) -> None:
    world.client.push([delivery(A, 1, NIK_1, NIK_2), delivery(A, 2, NIK_2)])
    assert isinstance(world.client.send(delivery(B, 1, NIK_1)), Accepted)


def test_a_withdrawal_takes_away_what_stands_and_stops_late_deliveries(world: World) -> None:
    world.client.send(delivery(A, 1, NIK_1))
    first, again = world.client.push([withdrawal(A, 2), withdrawal(A, 2)])
    assert isinstance(first, Accepted) and isinstance(again, Duplicate)
    assert isinstance(world.client.send(delivery(B, 1, NIK_1)), Accepted)
    assert world.client.send(delivery(A, 2, NIK_1)) == Stale(2)
    last = world.client.last_version(A)
    assert isinstance(last, LastVersion) and last.withdrawn and last.version == 2
    assert world.rows("select payload, withdrawn from records where household_id = '" + A + "'") == [(None, 1)]


def test_a_withdrawal_of_what_never_came_is_remembered_as_a_version(world: World) -> None:
    assert isinstance(world.client.withdraw(withdrawal(A, 2)), Accepted)
    assert world.client.send(delivery(A, 1, NIK_1)) == Stale(2)
    with pytest.raises(ValueError, match="withdrawal"):
        world.client.withdraw(delivery(A, 3))


def test_the_digest_of_a_region_is_what_our_own_rule_gives(world: World) -> None:
    one, two = delivery(A, 1, NIK_1), delivery(B, 4, NIK_2)
    world.client.push([one, two])
    rows = ((A, 1, one.content_digest), (B, 4, two.content_digest))
    assert world.client.digest("19.03", rows=True) == RegionDigest("19.03", 2, region_digest(rows), rows)
    assert world.client.digest("19") == RegionDigest("19", 2, region_digest(rows))
    assert isinstance(world.client.digest("19.0"), Uncertain)
    assert world.client.digest("19.04") == RegionDigest("19.04", 0, region_digest([]))
    world.client.send(withdrawal(A, 2))
    assert world.client.digest("19.03") == RegionDigest("19.03", 1, region_digest(rows[1:]))


def test_the_registry_reserves_and_releases_a_nik_idempotently(world: World) -> None:
    assert world.client.reserve(NIK_1, A) is None
    assert world.client.reserve(NIK_1, A) is None
    assert world.client.reserve(NIK_1, B) == Taken(A, NIK_1)
    assert world.client.send(delivery(B, 1, NIK_1)) == Taken(A, NIK_1)
    assert world.client.release(NIK_1, B) is None
    assert world.client.reserve(NIK_1, B) == Taken(A, NIK_1)
    assert world.client.release(NIK_1, A) is None
    assert isinstance(world.client.send(delivery(B, 1, NIK_1)), Accepted)
    assert world.client.release(NIK_1, B) is None
    assert world.client.reserve(NIK_1, A) == Taken(B, NIK_1), "what stands is not released"


@pytest.mark.parametrize("people", [(NIK_1, NIK_1), ("123",), (f"{A}/x", f"{A}/x")])
def test_a_record_the_registry_cannot_read_is_rejected_by_field(world: World, people: tuple[str, ...]) -> None:
    outcome = world.client.send(delivery(A, 1, *people))
    assert isinstance(outcome, Rejected) and outcome.field.startswith("/record/persons/")
    assert world.applications() == []


def test_a_daily_quota_holds_until_midnight_wib(tmp_path: Path) -> None:
    with world_in(tmp_path, daily_quota=1) as world:
        world.client.send(delivery(A, 1, NIK_1))
        outcome = world.client.send(delivery(B, 1, NIK_2))
        # 03:00 UTC is 10:00 WIB: fourteen hours to go.
        assert outcome == RetryLater(14 * 3600, "HTTP 429 quota_used_up", quota=True)
        assert isinstance(world.client.send(delivery(A, 1, NIK_1)), Duplicate), "a repeat costs no quota"
        world.clock.advance_ms(14 * 3_600_000)
        assert isinstance(world.client.send(delivery(B, 1, NIK_2)), Accepted)


def test_no_registry_at_all_is_surely_not_applied(tmp_path: Path) -> None:
    with world_in(tmp_path) as world:
        client = world.new_client()
    outcome = client.send(delivery(A, 1, NIK_1))
    assert isinstance(outcome, RetryLater) and outcome.reason.startswith("not connected")


@pytest.mark.parametrize(
    ("status", "body", "headers", "expected"),
    [
        (200, b"<html>", {}, Uncertain),
        (200, b'{"status":"accepted","receipt":{"number":"R1"}}', {}, Uncertain),
        (500, b"{}", {}, Uncertain),
        (502, b"bad gateway", {}, Uncertain),
        (504, b"", {}, Uncertain),
        (503, b"", {"Retry-After": "9"}, RetryLater),
        (408, b"", {}, RetryLater),
        (425, b"", {}, RetryLater),
        (429, b"", {"Retry-After": "Sat, 21 Nov 2026 03:00:09 GMT"}, RetryLater),
        (409, b'{"code":"busy"}', {}, RetryLater),
        (409, b'{"code":"stale_version","last_version":"many"}', {}, RetryLater),
        (400, b"no", {}, Rejected),
        (404, b"{}", {}, Rejected),
        (413, b"[]", {}, Rejected),
        (302, b"", {"Location": "http://127.0.0.1:1/elsewhere"}, Uncertain),
        (200, b"[" * 100_000, {}, Uncertain),
    ],
)
def test_each_answer_of_a_foreign_registry_means_one_thing(
    world: World, httpserver: object, status: int, body: bytes, headers: dict[str, str], expected: type
) -> None:
    httpserver.expect_request("/v1/records/" + A).respond_with_data(body, status, headers)  # type: ignore[attr-defined]
    client = world.new_client()
    client._base = httpserver.url_for("").rstrip("/")  # type: ignore[attr-defined]
    outcome = client.send(delivery(A, 1, NIK_1))
    assert type(outcome) is expected
    if headers.get("Retry-After"):
        assert outcome.after_s == 9  # type: ignore[union-attr]


def test_a_receipt_for_another_version_is_not_believed(world: World, httpserver: object) -> None:
    sent = delivery(A, 2, NIK_1)
    receipt = {
        "number": "R1",
        "household_id": A,
        "version": 1,
        "action": "deliver",
        "content_digest": sent.content_digest,
        "idempotency_key": sent.idempotency_key,
        "applied_at": NOW,
    }
    answer = json.dumps({"status": "accepted", "receipt": receipt})
    httpserver.expect_request("/v1/records/" + A).respond_with_data(answer, 200)  # type: ignore[attr-defined]
    client = world.new_client()
    client._base = httpserver.url_for("").rstrip("/")  # type: ignore[attr-defined]
    assert client.send(sent) == Uncertain("the receipt does not fit what was sent")
