"""A tiny server that keeps docs/protocol.md, in memory, as a transport. It shares no code with the real one.

`Faults` stands between: it cuts requests, loses answers, sends twice.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from urllib.parse import parse_qs, urlsplit

from field_forms.client.transport import Request, Response, Unreachable
from schemas.event import Assertion, Part, ref_of, seal
from schemas.signing import sign_event


class StandIn:
    """Log, feed and accounts of one epoch; `restore(length)` goes back to an old backup."""

    def __init__(self) -> None:
        self.epoch = "e1"
        self.log: list[dict] = []
        self.feed: list[dict] = []
        self.scope = "s1"
        self.forms: list[dict] = []
        self.forms_told: list[dict] | None = None
        self.durable = 0
        self.no_backup = False
        self.earlier: dict[str, int] = {}
        self.codes = {"KODE-1": "psm-siti"}
        self.installs: dict[str, str] = {}
        self.revoked = False
        self.taken: set[str] = set()
        self.deposits: list = []
        self.answers: dict[str, dict] = {}
        self.busy: list[Response] = []
        self.body_limit = 4 * 1024 * 1024
        self.stamps_asked: list[str] = []
        self.pushes: list[list[str]] = []
        self.have_asked: list[list] = []
        self.times = 0

    def restore(self, length: int) -> None:
        self.log = self.log[:length]
        self.epoch = "e" + str(int(self.epoch[1:]) + 1)

    # transport

    def send(self, request: Request, on_bytes=None) -> Response:
        if on_bytes and request.body:
            on_bytes(len(request.body), len(request.body))
        if self.busy:
            return self.busy.pop(0)
        body = request.body
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if len(body) > self.body_limit:
            return problem(413, "body_too_large")
        data = json.loads(body) if body else {}
        url = urlsplit(request.path)
        name = "on_" + url.path.removeprefix("/v1/").split("/")[0]
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        return getattr(self, name)(data, token, parse_qs(url.query), url.path)

    def on_enrol(self, data, token, query, path):
        if data["code"] not in self.codes:
            return problem(403, "enrol_code_unknown")
        if data["install"] in self.taken:
            self.installs.pop(data["code"], None)
            return problem(409, "install_taken")
        if self.installs.setdefault(data["code"], data["install"]) != data["install"]:
            return problem(409, "enrol_code_used")
        return ok(ENROLLED | {"epoch": self.epoch, "officer": {"id": self.codes[data["code"]], "name": "Siti"}})

    def on_hello(self, data, token, query, path):
        self.times += 1
        refs = [each["ref"] for each in data["refs"]]
        assert all(each["household_id"] and each["home_region"] for each in data["refs"])
        self.stamps_asked += refs
        self.forms_told = data.get("forms")
        time = f"2026-11-21T01:00:{self.times % 60:02d}Z"
        stamps = {ref: {"ref": ref, "time": time} for ref in refs}
        return ok(
            {
                "server_id": "srv", "epoch": self.epoch, "time": {"time": time, "signature": "x"}, "stamps": stamps,
                "durable": self.watermark(),
                "forms": [{k: f[k] for k in ("id", "version", "hash", "retired") if k in f} for f in self.forms],
            }
        )  # fmt: skip

    def watermark(self):
        if self.no_backup:
            return None
        earlier = {epoch: {"19.03": position} for epoch, position in self.earlier.items()}
        own = {"epoch": self.epoch, "positions": {"19.03": self.durable}}
        return own | ({"earlier": earlier} if earlier else {})

    def on_events(self, data, token, query, path):
        if self.revoked:
            return problem(403, "revoked")
        assert token == "dep"
        assert len(data["items"]) <= 50
        self.pushes.append([item["head"]["id"] for item in data["items"]])
        return ok({"results": [self.take(item) for item in data["items"]]})

    def take(self, item):
        forced = self.answers.get(item["head"]["id"])
        if forced and forced["status"] in ("retry", "too_large"):
            return self.answers.pop(item["head"]["id"]) if forced["status"] == "retry" else forced
        for row in self.log:
            if row["id"] == item["head"]["id"] and row["hash"] == item["payload_hash"]:
                return {"status": "duplicate", "receipt": row["receipt"]}
        receipt = {"epoch": self.epoch, "position": len(self.log) + 1}
        self.log.append({"id": item["head"]["id"], "hash": item["payload_hash"], "receipt": receipt, "item": item})
        return {"status": "stored", "receipt": receipt} | (forced or {})

    def on_deposits(self, data, token, query, path):
        self.deposits.append(data["box"])
        return ok({"status": "stored"})

    def on_have(self, data, token, query, path):
        self.have_asked.append(data["items"])
        here = {(row["id"], row["hash"]) for row in self.log}
        return ok({"missing": [pair[1] for pair in data["items"] if tuple(pair) not in here], "erased": []})

    def on_feed(self, data, token, query, path):
        if self.revoked:
            return problem(403, "revoked")
        cursor = query.get("cursor", [f"{self.epoch}:{self.scope}:0"])[0]
        epoch, scope, position = cursor.split(":")
        if (epoch, scope) != (self.epoch, self.scope):
            return problem(409, "reset")
        start = int(position)
        items = self.feed[start : start + 2]
        end = start + len(items)
        return ok({"items": items, "cursor": f"{epoch}:{scope}:{end}", "more": end < len(self.feed)})

    def on_forms(self, data, token, query, path):
        _, _, _, form_id, version = path.split("/")
        found = next(f for f in self.forms if (f["id"], f["version"]) == (form_id, version))
        return ok({k: v for k, v in found.items() if k != "retired"})


ENROLLED = {
    "deposit_token": "dep", "read_token": "read", "server_id": "srv",
    "areas": [{"code": "19.03.01.1001"}],
    "sealing_key": {"id": "k", "key": "A" * 43 + "="},
}  # fmt: skip


class Faults:
    """A line that breaks. `plan`: for each request in turn `ok`, `lost` (server acts, answer lost), `cut` (nothing
    arrives), `twice` (arrives twice)."""

    def __init__(self, server, plan=()) -> None:
        self.server = server
        self.plan = list(plan)
        self.requests = 0

    def send(self, request, on_bytes=None):
        self.requests += 1
        fault = self.plan.pop(0) if self.plan else "ok"
        if fault == "cut":
            if on_bytes and request.body:
                on_bytes(len(request.body) // 2, len(request.body))
            raise Unreachable("cut")
        answer = self.server.send(request, on_bytes)
        if fault == "twice":
            answer = self.server.send(request, on_bytes)
        if fault == "lost":
            raise Unreachable("lost")
        return answer


class TestClock:
    """A clock that moves only when somebody waits."""

    __test__ = False

    def __init__(self, now_ms: int = 1_795_000_000_000) -> None:
        self.ms = now_ms
        self.slept: list[float] = []

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000

    def monotonic_ms(self) -> int:
        return self.ms

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.ms += int(seconds * 1000)


def ok(data) -> Response:
    return Response(200, {"content-type": "application/json"}, json.dumps(data).encode())


def problem(status: int, code: str, headers=None) -> Response:
    return Response(status, dict(headers or {}), json.dumps({"code": code, "title": code}).encode())


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def sealed_event(number: int, household: str | None = None, text: str = "x", context=None) -> dict:
    """A submission with one answer, made by hand: the way of an event through the queue needs no form."""
    id = uuid_of(f"event {number}")
    return seal(
        id=id,
        kind="submission",
        household_id=household or uuid_of(f"household {number}"),
        home_region="19.03",
        actor="psm-siti",
        area="19.03.01.1001",
        parts=[Part("h", {"address": Assertion(f"Jl. {number} {text}")})],
        salts={"h": digest(f"salt {number}")[:32]},
        context=context,
    )


def put(client, *numbers: int, **options) -> list[str]:
    """Sealed events straight into the officer's file; their ids."""
    ids = []
    for number in numbers:
        envelope = sealed_event(number, **options)
        signed = sign_event(bytes.fromhex(client.store.token("install_key")), envelope)
        facts = {"install": client.store.setting("install")}
        client.store.add_sealed(signed, ref_of(envelope["payload_hash"]), facts, None)
        ids.append(envelope["head"]["id"])
    return ids


def uuid_of(text: str) -> str:
    raw = digest(text)
    return f"{raw[:8]}-{raw[8:12]}-4{raw[13:16]}-8{raw[17:20]}-{raw[20:32]}"
