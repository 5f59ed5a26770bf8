"""A PostgreSQL for a run: one of its own from the package `pgserver`, else the one that PADAN_TEST_POSTGRES_URL names.

Durable as it comes (`fsync` and `synchronous_commit` on): one that is not would be no yardstick, and is refused.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from benchmarks.processes import NotRun, cpu_s

URL = "PADAN_TEST_POSTGRES_URL"
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


class Postgres:
    """A running server. `pid`: its first process, 0 for one that is not ours (its CPU is then unknown)."""

    def __init__(self, server: str, pid: int = 0) -> None:
        self._server, self._pid = server, pid
        self._numbers = count(1)
        self._made: list[str] = []

    @property
    def version(self) -> str:
        """Such as 16.2."""
        return str(self._ask("show server_version")).split()[0]

    def database(self) -> str:
        """The address of a new, empty database."""
        name = f"padan_bench_{os.getpid()}_{next(self._numbers)}"
        self._ask(f"create database {name} template template0 encoding 'UTF8'")
        self._made.append(name)
        parts = urlsplit(self._server)
        return urlunsplit((parts.scheme, parts.netloc, f"/{name}", parts.query, ""))

    def drop(self) -> None:
        """Drop every database that was made."""
        for name in self._made:
            self._ask(f"drop database if exists {name} with (force)")
        self._made.clear()

    def cpu_s(self) -> float:
        """CPU of the whole server so far, seconds; 0 where it is not ours."""
        return cpu_s(self._pid) if self._pid else 0.0

    def require_durable(self) -> None:
        """Raises `NotRun` where an acknowledged commit could be lost."""
        lax = [name for name in DURABLE if self._ask(f"show {name}") != "on"]
        if lax:
            raise NotRun(f"{', '.join(lax)} is off there: what it acknowledges could be lost")

    def _ask(self, sql: str) -> Any:
        import psycopg

        with psycopg.connect(self._server, autocommit=True) as connection:
            found = connection.execute(sql)
            return found.fetchone()[0] if found.description else None  # type: ignore[index]


@contextmanager
def running() -> Iterator[Postgres]:
    """A server for the time of a run; what was made on it is dropped. Raises `NotRun`."""
    if find_spec("psycopg") is None:
        raise NotRun("psycopg is not installed (make setup-dev)")
    if find_spec("pgserver") is None:
        if not os.environ.get(URL):
            raise NotRun(f"pgserver is not installed, and {URL} is not set")
        server = Postgres(os.environ[URL])
        server.require_durable()
        try:
            yield server
        finally:
            server.drop()
        return
    with _own() as server:
        server.require_durable()
        yield server


@contextmanager
def _own() -> Iterator[Postgres]:
    # As root it runs as another user, who must be able to reach the folder: one of its own.
    folder = Path(tempfile.mkdtemp(prefix="padan-bench-postgres-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    # pgserver opens its lock file there once more when the interpreter ends.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    import pgserver

    server = None
    try:
        try:
            server = pgserver.get_server(folder / "data", cleanup_mode="stop")
        except Exception as error:
            raise NotRun(f"PostgreSQL of pgserver did not start: {error}") from error
        yield Postgres(str(server.get_uri()), int(server.get_pid()))
    finally:
        if server is not None:
            server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
