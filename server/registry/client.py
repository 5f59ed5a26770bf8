"""The `generic` adapter: JSON over HTTP, one attempt, signed, with explicit time-outs (docs/registry.md).

It may not retry, sleep or write a row: lasting retries are rows of the outbox. What the far side does wrong comes
back as a value, never as an exception; nothing it sends is believed unless it fits what was asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from schemas.canonical import canonical_bytes
from server.clock import Clock, SystemClock
from server.registry.adapter import (
    Accepted,
    Asked,
    Delivery,
    Duplicate,
    LastVersion,
    NoAnswer,
    NotOffered,
    Outcome,
    Receipt,
    Refused,
    RegionDigest,
    Rejected,
    RetryLater,
    Stale,
    Taken,
    Uncertain,
    Unknown,
)
from server.registry.signing import Credentials, signed_headers
from sync.delivery import DELIVER
from sync.pacing import retry_after_s

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 20.0
"""Between two pieces of an answer; the whole answer may take twice that."""
ANSWER_BYTES_MAX = 8 * 1024 * 1024
"""A digest with the rows of a kabupaten of 50,000 families is 6 MB."""

IDEMPOTENCY_HEADER = "Idempotency-Key"
_RECEIPT_TEXTS = ("number", "household_id", "action", "content_digest", "idempotency_key", "applied_at")


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer that arrived whole. `body` is {} where it is no JSON object."""

    status: int
    body: dict[str, Any]
    retry_after_s: int | None


class GenericAdapter:
    """Speaks the protocol of docs/registry.md to one registry. Not shared between threads."""

    name = "generic"

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        *,
        new_nonce: Callable[[], str],
        clock: Clock | None = None,
        timeouts_s: tuple[float, float] = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
    ) -> None:
        self._base = base_url.rstrip("/")
        self._prefix = urlsplit(self._base).path
        self._credentials = credentials
        self._new_nonce, self._clock, self._timeouts_s = new_nonce, clock or SystemClock(), timeouts_s
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy and no .netrc by surprise
        once = HTTPAdapter(max_retries=urllib3.Retry(total=0, redirect=0, raise_on_status=False))
        self._session.mount("http://", once)
        self._session.mount("https://", once)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def push(self, batch: Sequence[Delivery]) -> list[Outcome]:
        """Send each once, in order."""
        return [self.send(delivery) for delivery in batch]

    def send(self, delivery: Delivery) -> Outcome:
        """Send one delivery or withdrawal once."""
        path = "/v1/records/" + quote(delivery.household_id, safe="")
        body: dict[str, Any] = {
            "idempotency_key": delivery.idempotency_key,
            "campaign": delivery.campaign,
            "version": delivery.version,
            "home_region": delivery.home_region,
        }
        if delivery.action == DELIVER:
            body.update(record=delivery.payload, content_digest=delivery.content_digest)
            reply = self._exchange("PUT", path, body, delivery.idempotency_key)
        else:
            body.update(reason=delivery.reason)
            reply = self._exchange("POST", path + "/withdrawal", body, delivery.idempotency_key)
        return _outcome(reply, delivery) if isinstance(reply, Reply) else reply

    def withdraw(self, delivery: Delivery) -> Outcome:
        """Take back what stands under a household id."""
        if delivery.action == DELIVER:
            raise ValueError("a delivery was given where a withdrawal is meant")
        return self.send(delivery)

    def ask(self, idempotency_key: str) -> Asked:
        """Did you get it? `Accepted` with the first receipt, or `Unknown`."""
        reply = self._exchange("GET", "/v1/applications/" + quote(idempotency_key, safe=""))
        if not isinstance(reply, Reply):
            return reply
        if reply.status == 200:
            receipt = _receipt(reply.body.get("receipt"))
            if receipt is None or receipt.idempotency_key != idempotency_key:
                return Uncertain("the answer names another key")
            return Accepted(receipt)
        if reply.status == 404 and reply.body.get("code") == "unknown_key":
            return Unknown()
        return _no_answer(reply)

    def last_version(self, household_id: str) -> LastVersion | NotOffered | NoAnswer:
        """The last version the registry applied for a household id."""
        reply = self._exchange("GET", "/v1/records/" + quote(household_id, safe=""))
        if not isinstance(reply, Reply):
            return reply
        if reply.status == 404 and reply.body.get("code") == "unknown_household":
            return LastVersion(0)
        receipt = _receipt(reply.body.get("receipt")) if reply.status == 200 else None
        if receipt is None or receipt.household_id != household_id:
            return _no_answer(reply)
        withdrawn = receipt.action != DELIVER
        return LastVersion(receipt.version, withdrawn, receipt.content_digest, receipt)

    def digest(self, region: str, *, rows: bool = False) -> RegionDigest | NotOffered | NoAnswer:
        """What stands in a region, for reconciliation."""
        query = f"?region={quote(region, safe='.')}" + ("&rows=1" if rows else "")
        reply = self._exchange("GET", "/v1/digest" + query)
        if not isinstance(reply, Reply):
            return reply
        if reply.status in (404, 501):
            return NotOffered("digest")
        try:
            body = reply.body
            found = tuple((str(h), int(v), str(d)) for h, v, d in body.get("rows", ()))
            return RegionDigest(str(body["region"]), int(body["count"]), str(body["digest"]), found)
        except (KeyError, TypeError, ValueError):
            return _no_answer(reply)

    def reserve(self, nik: str, household_id: str) -> Outcome | None:
        """Ask the registry itself for a NIK's place; None when it is ours. Only for registries that offer it."""
        return self._reservation("/v1/reservations", nik, household_id)

    def release(self, nik: str, household_id: str) -> Outcome | None:
        """Give a NIK's place back; None when done, or when it was not ours."""
        return self._reservation("/v1/reservations/release", nik, household_id)

    def _reservation(self, path: str, nik: str, household_id: str) -> Outcome | None:
        reply = self._exchange("POST", path, {"nik": nik, "household_id": household_id})
        if not isinstance(reply, Reply):
            return reply
        return None if reply.status == 200 else _refusal(reply)

    def _exchange(
        self, method: str, path: str, body: dict[str, Any] | None = None, key: str | None = None
    ) -> Reply | NoAnswer:
        data = b"" if body is None else canonical_bytes(body)
        now = self._clock.now_ms() // 1000
        headers = signed_headers(self._credentials, method, self._prefix + path, now, self._new_nonce(), data)
        headers["Accept"] = "application/json"
        if body is not None:
            headers["Content-Type"] = "application/json"
        if key is not None:
            headers[IDEMPOTENCY_HEADER] = key
        try:
            with self._session.request(
                method,
                self._base + path,
                data=data or None,
                headers=headers,
                timeout=self._timeouts_s,
                allow_redirects=False,
                stream=True,
            ) as response:
                content = _read_bounded(response, self._clock, int(2_000 * self._timeouts_s[1]))
                if content is None:
                    return Uncertain("the answer was too long or too slow")
                after = retry_after_s(response.headers.get("Retry-After"), now * 1000)
                return Reply(response.status_code, _object(content), after)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            return _failure(error)


def _read_bounded(response: requests.Response, clock: Clock, limit_ms: int) -> bytes | None:
    """The whole answer, or None over the limits of size and time."""
    deadline_ms = clock.monotonic_ms() + limit_ms
    pieces, size = [], 0
    for piece in response.iter_content(65_536):
        pieces.append(piece)
        size += len(piece)
        if size > ANSWER_BYTES_MAX or clock.monotonic_ms() > deadline_ms:
            return None
    return b"".join(pieces)


def _failure(error: Exception) -> RetryLater | Uncertain:
    """A failure before anything was sent is `RetryLater`; any other leaves the outcome unknown."""
    cause: BaseException | None = error
    seen = 0
    while cause is not None and seen < 8:
        if isinstance(
            cause,
            requests.exceptions.ConnectTimeout
            | requests.exceptions.InvalidURL
            | requests.exceptions.InvalidSchema
            | urllib3.exceptions.ConnectTimeoutError
            | urllib3.exceptions.NewConnectionError,
        ):
            return RetryLater(None, f"not connected: {type(cause).__name__}")
        inner = getattr(cause, "reason", None)
        if not isinstance(inner, BaseException) and cause.args and isinstance(cause.args[0], BaseException):
            inner = cause.args[0]
        cause = inner if isinstance(inner, BaseException) else cause.__cause__ or cause.__context__
        seen += 1
    return Uncertain(f"no answer: {type(error).__name__}")


def _outcome(reply: Reply, sent: Delivery) -> Outcome:
    if reply.status not in (200, 201):
        return _refusal(reply)
    receipt = _receipt(reply.body.get("receipt"))
    if receipt is None:
        return Uncertain("the answer has no receipt")
    asked = (sent.household_id, sent.version, sent.action, sent.content_digest, sent.idempotency_key)
    given = (receipt.household_id, receipt.version, receipt.action, receipt.content_digest, receipt.idempotency_key)
    duplicate = reply.body.get("status") == "duplicate"
    # A registry that forgot the key may answer a resend with the receipt of the same version under the first key.
    if given != asked and not (duplicate and given[:4] == asked[:4]):
        return Uncertain("the receipt does not fit what was sent")
    return Duplicate(receipt) if duplicate else Accepted(receipt)


def _refusal(reply: Reply) -> Outcome:
    """An answer other than success, by status (protocol.md, "Registry delivery")."""
    code, message = str(reply.body.get("code", f"http_{reply.status}")), str(reply.body.get("detail", ""))[:500]
    if reply.status == 409:
        return _conflict(code, reply)
    if 400 <= reply.status < 500 and reply.status not in (401, 403, 408, 425, 429):
        return Rejected(code, str(reply.body.get("field", "")), message or f"HTTP {reply.status}")
    return _no_answer(reply)


def _conflict(code: str, reply: Reply) -> Outcome:
    if code == "taken":
        return Taken(str(reply.body.get("holder", "")), str(reply.body.get("nik", "")))
    last = reply.body.get("last_version")
    if code == "stale_version" and isinstance(last, int) and not isinstance(last, bool) and last >= 0:
        return Stale(last)
    return RetryLater(reply.retry_after_s, f"HTTP 409 {code}")


def _no_answer(reply: Reply) -> NoAnswer:
    code = str(reply.body.get("code", f"http_{reply.status}"))
    if reply.status in (401, 403):
        return Refused(code, str(reply.body.get("detail", ""))[:500] or f"HTTP {reply.status}")
    if reply.status in (408, 425, 429, 503):
        return RetryLater(reply.retry_after_s, f"HTTP {reply.status} {code}", quota=code == "quota_used_up")
    return Uncertain(f"HTTP {reply.status} {code}")


def _receipt(value: Any) -> Receipt | None:
    if not isinstance(value, dict):
        return None
    texts = [value.get(name) for name in _RECEIPT_TEXTS]
    version = value.get("version")
    if not all(isinstance(text, str) for text in texts) or not isinstance(version, int) or isinstance(version, bool):
        return None
    number, household, action, content, key, applied = (str(text) for text in texts)
    return Receipt(number, household, version, action, content, key, applied)


def _object(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
