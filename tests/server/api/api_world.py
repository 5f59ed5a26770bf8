"""The app over a test database, with a caller of each kind; what the tests of the API share."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from typing import Any

from server_world import NOW_MS, OTHER_VILLAGE, REGION, VILLAGE, World
from werkzeug.test import TestResponse

from schemas.canonical import canonical_bytes
from schemas.problems import ProblemError
from schemas.sealing import seal_box, sealing_public_key
from schemas.signing import from_base64, public_key
from server.app import create_app
from server.clock import FixedClock
from server.flows import people
from server.flows.hello import public_sealing_key
from server.flows.unlock import PURPOSE, issue_unlock_code

HOUSEHOLD = "11111111-1111-4111-8111-111111111111"
NEIGHBOUR = "22222222-2222-4222-8222-222222222222"
ELSEWHERE = "33333333-3333-4333-8333-333333333333"
INSTALL = "aaaaaaaa-0000-4000-8000-000000000001"
INSTALL_KEY = b"i" * 32
PROBLEM = "application/problem+json"


class Api:
    """Requests to the app, and what stands behind it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.clock = FixedClock(NOW_MS)
        self.woken = 0
        self.app = create_app(world.store, world.settings(), clock=self.clock, wake_fold=self._wake)
        self.client = self.app.test_client()
        self.tokens: dict[str, str] = {}

    def _wake(self) -> None:
        self.woken += 1

    def code(self, officer: str = "siti", *scopes: str) -> str:
        """A fresh enrolment code."""
        people.add_officer(self.world.db, officer, officer.title(), scopes or (VILLAGE,), self.clock.now_ms())
        return people.issue_code(
            self.world.db, officer, self.world.random.randbytes(32), by="operator", now_ms=self.clock.now_ms()
        )

    def enrol(self, install: str = INSTALL, key: bytes = INSTALL_KEY, code: str | None = None, more: Any = None) -> Any:
        """The answer of enrolling."""
        body = {"code": code or self.code(), "install": install, "app": "test"}
        body["public_key"] = base64.b64encode(public_key(key)).decode()
        return self.call("POST", "/v1/enrol", json=body | (more or {}))

    def enrolled(self) -> None:
        """Make a token of each kind: deposit, read, pull, staff."""
        answer = self.enrol().get_json()
        self.tokens = {"deposit": answer["deposit_token"], "read": answer["read_token"]}
        for purpose in ("pull", "staff"):
            self.tokens[purpose] = people.issue_token(
                self.world.db, "pusat", purpose, [REGION], now_ms=self.clock.now_ms(), days=30
            )

    def unlocking(
        self, data_key: bytes = b"d" * 32, install: str = INSTALL, reader: bytes = b"r" * 32
    ) -> dict[str, Any]:
        """What a locked tablet sends to be opened, with a fresh code where it may have one."""
        code = "AAAA-AAAA-AAAA-AAAA"
        with suppress(ProblemError):
            random = self.world.random.randbytes(32)
            code = issue_unlock_code(self.world.db, install, random, by="operator", now_ms=self.clock.now_ms())
        key = base64.b64encode(data_key).decode()
        content = canonical_bytes({"purpose": PURPOSE, "install": install, "data_key": key})
        sealing = from_base64(public_sealing_key(self.world.db)["key"]) or b""
        public = base64.b64encode(sealing_public_key(reader)).decode()
        return {"code": code, "box": seal_box(content, sealing, b"o" * 32), "public_key": public}

    def call(self, method: str, path: str, token: str | None = None, **request: Any) -> TestResponse:
        """One request; `token` is a kind of this API's tokens, or a token."""
        headers = dict(request.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {self.tokens.get(token, token)}"
        return self.client.open(path, method=method, headers=headers, **request)

    def push(self, *items: Any) -> list[dict[str, Any]]:
        """The results of pushing items: envelopes, or raw JSON text."""
        texts = [item if isinstance(item, str) else json.dumps(item) for item in items]
        answer = self.call("POST", "/v1/events", "deposit", data='{"items":[' + ",".join(texts) + "]}", headers=JSON)
        assert answer.status_code == 200, answer.text
        results: list[dict[str, Any]] = answer.get_json()["results"]
        return results

    def sealed(self, household: str = HOUSEHOLD, answers: Any = None, **more: Any) -> dict[str, Any]:
        """A form sealed on the enrolled tablet."""
        wanted = {"actor": "siti", "install": INSTALL} | more
        return self.world.sealed(household, {"address": "Jl. Melati 1"} if answers is None else answers, **wanted)

    def assigned(self, household: str = HOUSEHOLD, area: str = VILLAGE) -> None:
        """A folded household that the enrolled officer works on."""
        self.world.staff("assignment", household, {"officer": "siti"}, area=area)
        self.world.fold()


JSON = {"Content-Type": "application/json"}


__all__ = ["ELSEWHERE", "HOUSEHOLD", "INSTALL", "INSTALL_KEY", "JSON", "NEIGHBOUR", "OTHER_VILLAGE", "Api"]
