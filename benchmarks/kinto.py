"""Kinto as a yardstick: a store of JSON records over HTTP, on a database of its own on the same PostgreSQL.

Two processes of 8 threads: with one, clients at once are no faster than one after the other. Records are put under
the id of the submission; what Kinto answers with 409 or 503 is sent again, and counted.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks import installing
from benchmarks.postgres import Postgres
from benchmarks.processes import HOST, Line, NotRun, basic, cpu_s, free_port, started

PROCESSES, THREADS = 2, 8
BATCH_MAX = 50
FETCH_MAX = 10_000
AGAIN = (409, 503)
RECORDS = "/v1/buckets/bench/collections/submissions/records"
_USER = {**basic("bench", "bench"), "Content-Type": "application/json"}
_INI = """[server:main]
use = egg:waitress
host = {host}
port = {port}
threads = {threads}
[app:main]
use = egg:kinto
kinto.storage_backend = kinto.core.storage.postgresql
kinto.storage_url = {database}
kinto.storage_max_fetch_size = {fetch}
kinto.permission_backend = kinto.core.permission.postgresql
kinto.permission_url = {database}
kinto.cache_backend = kinto.core.cache.memory
kinto.userid_hmac_secret = {secret}
multiauth.policies = basicauth
kinto.bucket_create_principals = system.Authenticated
kinto.batch_max_requests = {batch}
[loggers]
keys = root
[handlers]
keys = console
[formatters]
keys = plain
[logger_root]
level = ERROR
handlers = console
[handler_console]
class = StreamHandler
args = (sys.stderr,)
formatter = plain
[formatter_plain]
format = %(message)s
"""

Record = tuple[str, bytes]
"""Id and JSON object."""


class Kinto:
    """A running Kinto."""

    def __init__(self, urls: Sequence[str], pids: Sequence[int]) -> None:
        self._pids = pids
        self._urls = cycle(urls)
        self.acknowledged = self.refused = 0
        line = Line(urls[0], _USER)
        for path in ("/v1/buckets/bench", RECORDS.removesuffix("/records")):
            line.want("PUT", path, b"{}")
        line.close()

    def line(self) -> Line:
        """A new connection; each goes to the next process."""
        return Line(next(self._urls), _USER)

    def put(self, line: Line, records: Sequence[Record]) -> None:
        """Store records: one by a request of its own, several by one batch; again until all are stored."""
        waiting = list(records)
        while waiting:
            if len(waiting) == 1:
                key, content = waiting[0]
                statuses = [line.ask("PUT", f"{RECORDS}/{key}", b'{"data":' + content + b"}")[0]]
            else:
                answer = json.loads(line.want("POST", "/v1/batch", _batch(waiting)))
                statuses = [response["status"] for response in answer["responses"]]
            pairs = list(zip(statuses, waiting, strict=True))
            waiting = [record for status, record in pairs if status in AGAIN]
            if any(status // 100 != 2 and status not in AGAIN for status in statuses):
                raise RuntimeError(f"Kinto answers {sorted(set(statuses))}")
            self.refused += len(waiting)
            self.acknowledged += len(pairs) - len(waiting)

    def clear(self, line: Line) -> None:
        """Delete every record."""
        line.want("DELETE", RECORDS)
        line.want("DELETE", RECORDS.removesuffix("/records"))
        line.want("PUT", RECORDS.removesuffix("/records"), b"{}")

    def pull(self, line: Line, page: int, since: str = "") -> tuple[int, str]:
        """Every record, oldest change first, page by page: how many, and the mark to go on from with `since`."""
        more = f"&_since={since}" if since else ""
        path, seen, mark = f"{RECORDS}?_sort=last_modified&_limit={page}{more}", 0, since
        while path:
            status, body, headers = line.ask("GET", path)
            if status != 200:
                raise RuntimeError(f"Kinto answers {status} {body[:200]!r}")
            rows = json.loads(body)["data"]
            seen += len(rows)
            mark = headers["etag"]
            path = _next(headers)
        return seen, mark

    def cpu_s(self) -> float:
        """CPU of its processes so far, seconds; that of its database is PostgreSQL's."""
        return sum(map(cpu_s, self._pids))


@contextmanager
def running(folder: Path, postgres: Postgres | None) -> Iterator[Kinto]:
    """Kinto on a database of its own for the time of a run. Raises `NotRun`."""
    if postgres is None:
        raise NotRun("there is no PostgreSQL for it")
    commands = installing.kinto()
    folder.mkdir(parents=True, exist_ok=True)
    database = postgres.database().replace("postgresql://", "postgresql+psycopg2://", 1)
    secret = secrets.token_hex(16)
    with ExitStack() as stack:
        urls, pids = [], []
        for number in range(PROCESSES):
            port, ini = free_port(), folder / f"kinto-{number}.ini"
            ini.write_text(
                _INI.format(
                    host=HOST, port=port, threads=THREADS, database=database, fetch=FETCH_MAX, secret=secret,
                    batch=BATCH_MAX,
                )
            )  # fmt: skip
            program, log = str(commands / "kinto"), folder / f"kinto-{number}.log"
            if not number:
                installing.run([program, "migrate", "--ini", str(ini)], "Kinto could not make its tables")
            url = f"http://{HOST}:{port}"
            pids.append(stack.enter_context(started([program, "start", "--ini", str(ini)], url, log)))
            urls.append(url)
        yield Kinto(urls, pids)


def _batch(records: Sequence[Record]) -> bytes:
    requests = (
        b'{"method":"PUT","path":"' + f"{RECORDS.removeprefix('/v1')}/{key}".encode() + b'","body":{"data":' + content
        + b"}}"
        for key, content in records
    )  # fmt: skip
    return b'{"requests":[' + b",".join(requests) + b"]}"


def _next(headers: Mapping[str, str]) -> str:
    """Where the next page is, without scheme and host; empty after the last."""
    url = headers.get("next-page", "")
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if url else ""
