"""Where pages come from: HTTP requests to the pull and to the forms, each answer streamed. Nothing is repeated here.

`Source` is what `pulling.py` needs; tests put their own in its place, to cut an answer at a byte.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
import urllib3

from server.mirror.problem import MirrorProblem

CONNECT_TIMEOUT_S = 10
READ_TIMEOUT_S = 60
CHUNK_BYTES = 65_536
PROBLEM_BYTES_MAX = 65_536
NDJSON = "application/x-ndjson"


class Interrupted(Exception):
    """No answer, half an answer, or the server is busy: trying again may help."""

    def __init__(self, reason: str, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class Refused(Exception):
    """The server answered with a problem that waiting does not solve. `code`: docs/problems.md; empty: not ours."""

    def __init__(self, status: int, code: str, detail: str, why: str = "") -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.why = why


class Source(Protocol):
    """A server to pull from."""

    url: str

    def page(self, params: Mapping[str, str]) -> AbstractContextManager[Iterator[bytes]]:
        """The pieces of one page as they arrive, inflated. Raises `Interrupted`, `Refused`."""
        ...

    def document(self, path: str) -> Any:
        """A small JSON document. Raises `Interrupted`, `Refused`."""
        ...


class HttpSource:
    """Over HTTP(S). One connection is kept; gzip is accepted; redirections are not followed: the token would go
    along."""

    def __init__(self, url: str, token: str, *, timeout_s: float = READ_TIMEOUT_S) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise MirrorProblem(f"Alamat server {url!r} tidak lengkap; tulis seperti https://padan.contoh.go.id")
        if not token or not token.isascii() or not token.isprintable():
            raise MirrorProblem("Token kosong atau rusak. Buat di server: padan token new NAMA --area KODE")
        self.url = url.rstrip("/")
        self._timeout = (CONNECT_TIMEOUT_S, timeout_s)
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"

    @contextmanager
    def page(self, params: Mapping[str, str]) -> Iterator[Iterator[bytes]]:
        """See `Source`."""
        with self._get("/v1/households", NDJSON, params) as answer:
            kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
            if kind != NDJSON:
                raise Refused(answer.status_code, "", f"jawaban berjenis {kind or '(kosong)'}")
            yield _pieces(answer)

    def document(self, path: str) -> Any:
        """See `Source`."""
        with self._get(path, "application/json", {}) as answer:
            raw = b"".join(_pieces(answer))
        try:
            return json.loads(raw)
        except ValueError:
            raise Interrupted("jawaban bukan JSON yang utuh") from None

    @contextmanager
    def _get(self, path: str, accept: str, params: Mapping[str, str]) -> Iterator[requests.Response]:
        try:
            answer = self._session.get(
                self.url + path,
                params=dict(params),
                headers={"Accept": accept, "Accept-Encoding": "gzip"},
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            )
        except requests.exceptions.SSLError as error:
            raise MirrorProblem(f"{self.url}: sertifikat server tidak dapat dipercaya.") from error
        except (requests.RequestException, OSError) as error:
            raise Interrupted(f"server tidak terjangkau ({type(error).__name__})") from error
        with answer:
            if answer.status_code != 200:
                raise _problem(answer)
            yield answer


def _pieces(answer: requests.Response) -> Iterator[bytes]:
    try:
        yield from answer.iter_content(CHUNK_BYTES)
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise Interrupted(f"jawaban terputus ({type(error).__name__})") from error


def _problem(answer: requests.Response) -> Exception:
    status = answer.status_code
    body = _problem_body(answer)
    code, detail = str(body.get("code", "")), str(body.get("detail") or body.get("title") or "")
    if status in (408, 425, 429) or status >= 500:
        return Interrupted(f"server menjawab {status} {code}".strip(), _retry_after(answer.headers))
    return Refused(status, code, detail, str(body.get("why", "")))


def _problem_body(answer: requests.Response) -> dict[str, Any]:
    raw = b""
    try:
        for piece in answer.iter_content(CHUNK_BYTES):
            raw += piece
            if len(raw) > PROBLEM_BYTES_MAX:
                break
        found = json.loads(raw)
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, if the server says; a date is measured against the answer's own Date."""
    value = headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        until, now = parsedate_to_datetime(value), parsedate_to_datetime(headers.get("Date", ""))
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError):
        return None
