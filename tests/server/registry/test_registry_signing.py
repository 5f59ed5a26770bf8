"""Signed requests: what is changed, old, replayed or unknown is refused before anything is read."""

from __future__ import annotations

import json

import pytest
import requests
from registry_world import NOW, SECRET, A, World, delivery

from server.clock import FixedClock
from server.registry.adapter import Refused
from server.registry.signing import (
    WINDOW_S,
    Credentials,
    NotVerified,
    Verified,
    signature,
    signed_headers,
    verify,
)

NONCE = "00112233445566778899aabbccddeeff"
CREDENTIALS = Credentials("padan", SECRET)


def headers(body: bytes = b"{}", path: str = "/v1/x", method: str = "PUT", at: int = 1000) -> dict[str, str]:
    return signed_headers(CREDENTIALS, method, path, at, NONCE, body)


def verdict(given: dict[str, str], body: bytes = b"{}", path: str = "/v1/x", method: str = "PUT", now: int = 1000):
    return verify(given, {"padan": SECRET}, method, path, body, now)


def test_the_signature_is_the_documented_one() -> None:
    # The example of docs/registry.md; computed there with `openssl dgst -sha256 -hmac`.
    assert signature(b"contoh-rahasia-123", "PUT", "/v1/records/a?x=1", 1795230000, NONCE, b'{"a":1}') == (
        "c05317739f2f80f2b864fe7f9f96a7d719b5cdf03e42a4e5cf1915f702707f4c"
    )


def test_what_was_signed_is_verified() -> None:
    assert verdict(headers()) == Verified(NONCE, 1000)


@pytest.mark.parametrize(
    "changed",
    [
        {"body": b"{} "},
        {"path": "/v1/x?rows=1"},
        {"path": "/v1/y"},
        {"method": "POST"},
    ],
)
def test_a_changed_request_is_refused(changed: dict[str, object]) -> None:
    assert verdict(headers(), **changed).code == "signature_invalid"  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["Padan-Timestamp", "Padan-Nonce", "Padan-Client", "Padan-Signature"])
def test_a_changed_or_missing_header_is_refused(name: str) -> None:
    given = headers()
    other = {"Padan-Timestamp": "1001", "Padan-Nonce": "f" * 32, "Padan-Client": "lain", "Padan-Signature": "0" * 64}
    assert verdict(given | {name: other[name]}).code == "signature_invalid"  # type: ignore[union-attr]
    del given[name]
    assert verdict(given).code == "signature_missing"  # type: ignore[union-attr]


@pytest.mark.parametrize("given", [{"Padan-Nonce": "x"}, {"Padan-Timestamp": "-5"}, {"Padan-Signature": "é"}])
def test_a_malformed_header_is_refused_and_breaks_nothing(given: dict[str, str]) -> None:
    assert isinstance(verdict(headers() | given), NotVerified)


def test_an_old_or_early_request_is_refused_with_the_difference() -> None:
    for now in (1000 + WINDOW_S, 1000 - WINDOW_S):
        assert isinstance(verdict(headers(), now=now), Verified)
    late = verdict(headers(), now=1001 + WINDOW_S)
    assert isinstance(late, NotVerified) and late.code == "timestamp_outside_window" and "301 s" in late.message
    assert isinstance(verdict(headers(), now=999 - WINDOW_S), NotVerified)


def test_a_client_without_a_secret_never_verifies() -> None:
    forged = signed_headers(Credentials("lain", b""), "PUT", "/v1/x", 1000, NONCE, b"{}")
    assert isinstance(verdict(forged), NotVerified)
    assert SECRET.decode() not in repr(CREDENTIALS)


def signed_put(world: World, body: bytes, sent_body: bytes | None = None) -> requests.Response:
    path = "/v1/records/" + A
    given = signed_headers(CREDENTIALS, "PUT", path, world.clock.now_ms() // 1000, NONCE, body)
    key = json.loads(body)["idempotency_key"]
    return requests.put(world.url + path, data=sent_body or body, headers=given | {"Idempotency-Key": key}, timeout=5)


def body_of(sent: object) -> bytes:
    return json.dumps(
        {
            "idempotency_key": sent.idempotency_key,  # type: ignore[attr-defined]
            "version": 1,
            "home_region": "19.03",
            "record": sent.payload,  # type: ignore[attr-defined]
            "content_digest": sent.content_digest,  # type: ignore[attr-defined]
        }
    ).encode()


def test_a_replayed_request_is_refused_by_its_nonce(world: World) -> None:
    body = body_of(delivery(A, 1, "1903015507820001"))
    assert signed_put(world, body).status_code == 201
    again = signed_put(world, body)
    assert (again.status_code, again.json()["code"]) == (401, "nonce_replayed")
    world.clock.advance_ms((WINDOW_S + 1) * 1000)
    path = "/v1/records/" + A
    old = signed_headers(CREDENTIALS, "PUT", path, world.clock.now_ms() // 1000 - WINDOW_S - 1, NONCE, body)
    late = requests.put(world.url + path, data=body, headers=old, timeout=5)
    assert late.json()["code"] == "timestamp_outside_window"
    assert world.applications() == [(A, 1, "deliver")]


def test_a_body_changed_on_its_way_is_refused(world: World) -> None:
    body = body_of(delivery(A, 1, "1903015507820001"))
    changed = body.replace(b"1903015507820001", b"1903015507820002")
    answer = signed_put(world, body, changed)
    assert (answer.status_code, answer.json()["code"]) == (401, "signature_invalid")
    assert world.applications() == []


def test_a_key_in_the_header_that_is_not_the_signed_one_is_refused(world: World) -> None:
    body = body_of(delivery(A, 1, "1903015507820001"))
    path = "/v1/records/" + A
    given = signed_headers(CREDENTIALS, "PUT", path, world.clock.now_ms() // 1000, NONCE, body)
    answer = requests.put(world.url + path, data=body, headers=given | {"Idempotency-Key": "x" * 32}, timeout=5)
    assert (answer.status_code, answer.json()["code"]) == (422, "key_mismatch")


def test_the_client_reports_a_wrong_secret_and_a_wrong_clock_as_refused(world: World) -> None:
    wrong = world.new_client(secret=b"bukan-rahasia-itu").send(delivery(A, 1))
    assert isinstance(wrong, Refused) and wrong.code == "signature_invalid"
    slow = FixedClock(NOW)
    slow.advance_ms(3_600_000)
    late = world.new_client(clock=slow).ask("k" * 64)
    assert isinstance(late, Refused) and late.code == "timestamp_outside_window" and "3600" in late.message


def test_nothing_but_health_answers_without_a_signature(world: World) -> None:
    assert requests.get(world.url + "/healthz", timeout=5).status_code == 200
    for path in ("/v1/records/" + A, "/v1/digest?region=19.03", "/v1/admin/faults", "/v1/applications/x"):
        assert requests.get(world.url + path, timeout=5).status_code == 401
    assert requests.put(world.url + "/v1/admin/faults", data=b"{}", timeout=5).status_code == 401
    assert requests.get(world.url + "/v1/nothing", timeout=5).headers["Content-Type"] == "application/problem+json"
