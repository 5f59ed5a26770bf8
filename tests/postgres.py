"""A PostgreSQL for the tests: the one of PADAN_TEST_POSTGRES_URL, else one of our own from the package `pgserver`.

Started once for a run, before its workers; each test gets a database of its own, copied from a migrated template. Where
there is none, the tests that need it count as not run.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

URL = "PADAN_TEST_POSTGRES_URL"
WHY_NOT = "PADAN_TEST_POSTGRES_MISSING"
_numbers = count(1)
_templates: dict[str, str] = {}


class TestPostgres:
    """The server of one run, started and stopped by the process that began the run."""

    __test__ = False

    def __init__(self) -> None:
        self._server: object | None = None
        self._folder: Path | None = None

    def start(self) -> None:
        """Start one unless an address is set; says in the environment, for the workers, where it is or why not."""
        if os.environ.get(URL):
            return
        try:
            import pgserver
        except ImportError:
            os.environ[WHY_NOT] = f"no PostgreSQL here: pgserver is not installed, and {URL} is not set"
            return
        # A folder of its own: as root it runs as another user, who must be able to reach it.
        self._folder = Path(tempfile.mkdtemp(prefix="padan-postgres-"))
        self._server = pgserver.get_server(self._folder / "data", cleanup_mode="stop")
        os.environ[URL] = self._server.get_uri()  # type: ignore[attr-defined]
        with _maintenance() as run:
            # Nothing here outlives the machine; killing a process loses nothing of what was written.
            for setting in ("fsync = off", "full_page_writes = off", "max_wal_size = '1GB'"):
                run(f"alter system set {setting}")
            run("select pg_reload_conf()")

    def stop(self) -> None:
        """Stop what was started."""
        if self._server is not None:
            self._server.cleanup()  # type: ignore[attr-defined]
            os.environ.pop(URL, None)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def missing() -> str:
    """Why there is no PostgreSQL here; empty where there is one."""
    return "" if os.environ.get(URL) else os.environ.get(WHY_NOT, f"no PostgreSQL here: set {URL}")


@contextmanager
def database(*, migrated: bool = True) -> Iterator[str]:
    """The address of a database of one's own, empty or migrated; it is dropped afterwards."""
    name = f"padan_test_{os.getpid()}_{next(_numbers)}"
    with _maintenance() as run:
        run(f"create database {name} template {_template() if migrated else 'template0'}")
    try:
        yield address_of(name)
    finally:
        with _maintenance() as run:
            run(f"drop database if exists {name} with (force)")


def address_of(name: str) -> str:
    """The address of a database on the server of the tests."""
    parts = urlsplit(os.environ[URL])
    return urlunsplit((parts.scheme, parts.netloc, f"/{name}", parts.query, ""))


def drop_templates() -> None:
    """Drop the templates of this process."""
    for name in _templates.values():
        with _maintenance() as run:
            run(f"drop database if exists {name} with (force)")
    _templates.clear()


def _template() -> str:
    if os.environ[URL] not in _templates:
        from server.store.migrations import open_store

        name = f"padan_template_{os.getpid()}"
        with _maintenance() as run:
            run(f"drop database if exists {name} with (force)")
            run(f"create database {name} template template0")
        open_store(address_of(name)).close()
        _templates[os.environ[URL]] = name
    return _templates[os.environ[URL]]


@contextmanager
def _maintenance() -> Iterator[Callable[..., object]]:
    import psycopg

    with psycopg.connect(os.environ[URL], autocommit=True) as connection:
        yield connection.execute
