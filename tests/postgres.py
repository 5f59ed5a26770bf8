"""A PostgreSQL for the tests: the one of PADAN_TEST_POSTGRES_URL, else one of our own from the package `pgserver`.

Started once for a run, before its workers; each test gets a database of its own, copied from a migrated template. Where
there is none, the tests that need it count as not run.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

URL = "PADAN_TEST_POSTGRES_URL"
WHY_NOT = "PADAN_TEST_POSTGRES_MISSING"
FOREIGN = "PADAN_TEST_POSTGRES_FOREIGN"
"""Set where the server is somebody else's and no other can be started: it is not killed."""

_numbers = count(1)
_templates: dict[str, str] = {}


class OwnPostgres:
    """A server of one's own, in a folder of its own. `start` it, `kill` it, start it again, `stop` it in the end."""

    def __init__(self, settings: tuple[str, ...] = ()) -> None:
        # As root it runs as another user, who must be able to reach the folder.
        self._folder = Path(tempfile.mkdtemp(prefix="padan-postgres-"))
        # pgserver opens its lock file once more when the interpreter ends.
        atexit.register(shutil.rmtree, self._folder, ignore_errors=True)
        self._settings = settings
        self._server: Any = None

    @property
    def folder(self) -> Path:
        """Where its data lie."""
        return self._folder

    def start(self) -> str:
        """Start it; the address of its first database."""
        os.environ.setdefault("XDG_RUNTIME_DIR", str(self._folder))
        import pgserver

        if self._server is None:
            self._server = pgserver.get_server(self._folder / "data", cleanup_mode="stop")
            with maintenance(self._server.get_uri()) as run:
                for setting in self._settings:
                    run(f"alter system set {setting}")
                run("select pg_reload_conf()")
        else:
            self._server.ensure_postgres_running()
        return str(self._server.get_uri())

    def kill(self) -> None:
        """kill -9 of the server and of every process of it."""
        import psutil

        parent = psutil.Process(self._server.get_pid())
        processes = [parent, *parent.children(recursive=True)]
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, 10)

    def stop(self) -> None:
        """Stop it and leave nothing."""
        if self._server is not None:
            self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)


class TestPostgres:
    """The server of one run, started and stopped by the process that began the run."""

    __test__ = False

    def __init__(self) -> None:
        self._own: OwnPostgres | None = None

    def start(self) -> None:
        """Start one unless an address is set; says in the environment, for the workers, where it is or why not."""
        if os.environ.get(URL):
            if find_spec("pgserver") is None:
                os.environ[FOREIGN] = "1"
            return
        if find_spec("pgserver") is None:
            os.environ[WHY_NOT] = f"no PostgreSQL here: pgserver is not installed, and {URL} is not set"
            return
        # Nothing here outlives the machine; killing a process loses nothing of what was written.
        self._own = OwnPostgres(("fsync = off", "full_page_writes = off", "max_wal_size = '1GB'"))
        os.environ[URL] = self._own.start()

    def stop(self) -> None:
        """Stop what was started."""
        if self._own is not None:
            self._own.stop()
            os.environ.pop(URL, None)


def missing() -> str:
    """Why there is no PostgreSQL here; empty where there is one."""
    return "" if os.environ.get(URL) else os.environ.get(WHY_NOT, f"no PostgreSQL here: set {URL}")


@contextmanager
def database(*, migrated: bool = True) -> Iterator[str]:
    """The address of a database of one's own, empty or migrated; it is dropped afterwards."""
    name = f"padan_test_{os.getpid()}_{next(_numbers)}"
    with maintenance() as run:
        run(f"create database {name} template {_template() if migrated else 'template0'}")
    try:
        yield address_of(name)
    finally:
        with maintenance() as run:
            run(f"drop database if exists {name} with (force)")


def address_of(name: str, server: str = "") -> str:
    """The address of a database on a server, that of the tests where none is named."""
    parts = urlsplit(server or os.environ[URL])
    return urlunsplit((parts.scheme, parts.netloc, f"/{name}", parts.query, ""))


def drop_templates() -> None:
    """Drop the templates of this process."""
    for name in _templates.values():
        with maintenance() as run:
            run(f"drop database if exists {name} with (force)")
    _templates.clear()


def _template() -> str:
    if os.environ[URL] not in _templates:
        from server.store.migrations import open_store

        name = f"padan_template_{os.getpid()}"
        with maintenance() as run:
            run(f"drop database if exists {name} with (force)")
            run(f"create database {name} template template0")
        open_store(address_of(name)).close()
        _templates[os.environ[URL]] = name
    return _templates[os.environ[URL]]


@contextmanager
def maintenance(server: str = "") -> Iterator[Callable[..., object]]:
    """Run statements on the first database of a server."""
    import psycopg

    with psycopg.connect(server or os.environ[URL], autocommit=True) as connection:
        yield connection.execute
