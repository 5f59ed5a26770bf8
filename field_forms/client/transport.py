"""The one place that knows what the server's addresses and bodies look like (docs/protocol.md).

`Transport` carries a request and brings the answer, or raises `Unreachable`; tests put their own in its place, to
cut an upload at a byte, lose an answer or send twice. `Server` speaks the protocol over any transport. Nothing
here stores anything or waits: what to do about an answer is decided in `sync_run.py`.
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import urlencode

import requests

CONNECT_TIMEOUT_S = 10
READ_TIMEOUT_S = 60
GZIP_FROM_BYTES = 512
"""Smaller bodies grow when packed."""
SEND_CHUNK_BYTES = 4_096
"""Size of the pieces in which an upload is reported (and in which a test can cut it)."""

OnBytes = Callable[[int, int], None]


class Unreachable(Exception):
    """No answer: no network, cut off half way, or the answer was lost. Whether the server acted is unknown."""


class ServerRefused(Exception):
    """The server answered with a problem. `code` is from the catalogue in docs/problems.md."""

    def __init__(self, status: int, code: str, detail: str, retry_after_s: float | None = None) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after_s = retry_after_s

    @property
    def passing(self) -> bool:
        """Whether waiting may help: busy, overloaded, restarting."""
        return self.status in (408, 425, 429) or self.status >= 500


@dataclass(frozen=True, slots=True)
class Request:
    """What goes out. `path` begins with `/v1`; `body` is as sent (packed, if a header says so)."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """What came back. Header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """Carries one request. Raises `Unreachable` where no whole answer came."""

    def send(self, request: Request, on_bytes: OnBytes | None = None) -> Response:
        """`on_bytes(sent, total)` is called while the body goes out."""
        ...


class HttpTransport:
    """Over HTTP(S) with requests. One connection is kept; nothing is repeated here."""

    def __init__(self, base_url: str, *, verify: bool | str = True, timeout_s: float = READ_TIMEOUT_S) -> None:
        self._base = base_url.rstrip("/")
        self._session = requests.Session()
        self._verify = verify
        self._timeout = (CONNECT_TIMEOUT_S, timeout_s)

    def send(self, request: Request, on_bytes: OnBytes | None = None) -> Response:
        body = _Counted(request.body, on_bytes) if request.body else None
        try:
            answer = self._session.request(
                request.method,
                self._base + request.path,
                data=body,
                headers=dict(request.headers),
                timeout=self._timeout,
                verify=self._verify,
                allow_redirects=False,
            )
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return Response(answer.status_code, headers, answer.content)
        except (requests.RequestException, OSError) as error:
            raise Unreachable(type(error).__name__) from error


class _Counted(io.BytesIO):
    """A body that tells how much of it went out."""

    def __init__(self, data: bytes, on_bytes: OnBytes | None) -> None:
        super().__init__(data)
        self._total = len(data)
        self._on_bytes = on_bytes

    def __len__(self) -> int:
        return self._total

    def read(self, size: int | None = -1) -> bytes:
        piece = super().read(SEND_CHUNK_BYTES if size is None or size < 0 else min(size, SEND_CHUNK_BYTES))
        if piece and self._on_bytes is not None:
            self._on_bytes(self.tell(), self._total)
        return piece


@dataclass(frozen=True, slots=True)
class Tokens:
    """`deposit` may only write, `read` may also read; either may be missing."""

    deposit: str | None = None
    read: str | None = None


@dataclass(frozen=True, slots=True)
class UploadStanding:
    """How far a file is on the server: `offset` of `length` bytes are on its disk; `complete`: whole and verified;
    `durable`: in a verified backup too."""

    offset: int
    length: int
    complete: bool
    durable: bool = False


class Server:
    """The protocol as methods. Each makes one request and returns the decoded JSON object.

    Raises `Unreachable` without an answer, `ServerRefused` for any status of 400 and above.
    """

    def __init__(self, transport: Transport, tokens: Tokens | None = None) -> None:
        self._transport = transport
        self._tokens = tokens or Tokens()

    def enrol(self, *, code: str, install: str, public_key: str, app: str) -> dict[str, Any]:
        """Tokens, officer, areas and the server's sealing key for a one-time code."""
        return self._call("POST", "/v1/enrol", {"code": code, "install": install, "public_key": public_key, "app": app})

    def hello(
        self, named: Sequence[Mapping[str, Any]], forms: Sequence[Mapping[str, Any]] | None = None
    ) -> dict[str, Any]:
        """Server id, epoch, signed time, durable watermark, forms, and a stamp for each of the newly sealed refs, each
        named with where its form is filed: `{"ref", "household_id", "home_region", "also"}`. `forms`: the versions that
        are here, `{"id", "version", "drafts"}`."""
        told = {} if forms is None else {"forms": list(forms)}
        return self._call("POST", "/v1/hello", {"refs": list(named), **told}, token=self._any_token())

    def push(self, items: Sequence[Mapping[str, Any]], on_bytes: OnBytes | None = None) -> list[dict[str, Any]]:
        """One result per item, in order."""
        body = {"items": list(items)}
        answer = self._call("POST", "/v1/events", body, token=self._tokens.deposit, on_bytes=on_bytes)
        return list(answer["results"])

    def deposit(self, box: Mapping[str, Any], on_bytes: OnBytes | None = None) -> dict[str, Any]:
        """Hand in a sealed box that only the server can open."""
        return self._call("POST", "/v1/deposits", {"box": dict(box)}, token=self._tokens.deposit, on_bytes=on_bytes)

    def have(self, items: Iterable[tuple[str, str]]) -> dict[str, Any]:
        """Which of `(id, payload hash)` the server lacks (`missing`) or has erased (`erased`)."""
        pairs = [[id, payload_hash] for id, payload_hash in items]
        return self._call("POST", "/v1/have", {"items": pairs}, token=self._any_token())

    def feed(self, cursor: str | None, limit: int) -> dict[str, Any]:
        """One page: `items`, `cursor`, `more`."""
        query = {"limit": str(limit)} | ({"cursor": cursor} if cursor else {})
        return self._call("GET", "/v1/feed?" + urlencode(query), token=self._tokens.read)

    def forms(self) -> list[dict[str, Any]]:
        """The published forms: id, version, hash."""
        return list(self._call("GET", "/v1/forms", token=self._tokens.read)["forms"])

    def form(self, form_id: str, version: str) -> dict[str, Any]:
        """One compiled form."""
        return self._call("GET", f"/v1/forms/{form_id}/{version}", token=self._tokens.read)

    def blob_standing(self, sha256: str) -> UploadStanding:
        """How far the upload of a file is; 404 where no event of this tablet that the server has names it."""
        return _standing(self._transport.send(Request("HEAD", _blob(sha256), self._deposit())))

    def blob_append(
        self, sha256: str, offset: int, length: int, piece: bytes, on_bytes: OnBytes | None = None
    ) -> UploadStanding:
        """Send the bytes from `offset` on; where the server stands elsewhere, it says so and that is the answer."""
        headers = {
            **self._deposit(),
            "content-type": "application/partial-upload",
            "upload-offset": str(offset),
            "upload-length": str(length),
        }
        answer = self._transport.send(Request("PATCH", _blob(sha256), headers, piece), on_bytes)
        if answer.status == 409:
            found = _json(answer)
            if isinstance(found.get("offset"), int):
                return UploadStanding(found["offset"], length, found["offset"] == length)
        return _standing(answer)

    def _deposit(self) -> dict[str, str]:
        return {"accept": "application/json", "authorization": f"Bearer {self._tokens.deposit}"}

    def _any_token(self) -> str | None:
        return self._tokens.read or self._tokens.deposit

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        token: str | None = None,
        on_bytes: OnBytes | None = None,
    ) -> dict[str, Any]:
        headers = {"accept": "application/json"}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        raw = b""
        if body is not None:
            raw = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
            headers["content-type"] = "application/json"
            if len(raw) >= GZIP_FROM_BYTES:
                raw = gzip.compress(raw, compresslevel=6, mtime=0)
                headers["content-encoding"] = "gzip"
        return _read(self._transport.send(Request(method, path, headers, raw), on_bytes))


def _blob(sha256: str) -> str:
    return f"/v1/blobs/{sha256}"


def _standing(response: Response) -> UploadStanding:
    """The headers of an upload. Raises `Unreachable` where they are not there: a captive portal answers 200 as well."""
    _refused(response)
    try:
        told = {name: int(response.headers[f"upload-{name}"]) for name in ("offset", "length")}
    except (KeyError, ValueError):
        raise Unreachable(f"answer {response.status} is not of the server") from None
    flags = [response.headers.get(name) == "?1" for name in ("upload-complete", "padan-durable")]
    return UploadStanding(told["offset"], told["length"], *flags)


def _json(response: Response) -> dict[str, Any]:
    """The body as an object; empty for anything else."""
    try:
        data = json.loads(response.body)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _refused(response: Response) -> None:
    """Raise `ServerRefused` for a problem."""
    if response.status >= 400:
        problem = _json(response)
        code = str(problem.get("code") or f"http_{response.status}")
        detail = str(problem.get("detail") or problem.get("title") or "")
        raise ServerRefused(response.status, code, detail, _retry_after(response.headers))


def _read(response: Response) -> dict[str, Any]:
    _refused(response)
    try:
        data = json.loads(response.body) if response.body else {}
    except ValueError:
        data = None
    if not isinstance(data, dict) or response.status >= 300:
        # A captive portal of a wifi answers 200 with a page of its own: that is no answer of the server.
        raise Unreachable(f"answer {response.status} is not of the server")
    return data


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait. A date is measured against the answer's own Date, for the tablet's clock may be years off."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    if value.isdecimal():
        return float(value)
    try:
        until, now = parsedate_to_datetime(value), parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError):
        return None
