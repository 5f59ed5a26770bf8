"""Fixtures of the server's tests.

`store` is the one place that names an engine: every test below `tests/server/store` and `tests/server/flows` runs on
each engine in `ENGINES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import postgres
import pytest
from server_world import World

from server.store.database import Store
from server.store.migrations import open_store

ENGINES = ("sqlite", "postgres")


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path, not_run: Any) -> Iterator[Store]:
    """An empty, migrated database."""
    if request.param == "sqlite":
        found = open_store(tmp_path / "padan.db")
        yield found
        found.close()
        return
    if postgres.missing():
        not_run(postgres.missing())
    with postgres.database() as address:
        found = open_store(address)
        yield found
        found.close()


@pytest.fixture
def world(store: Store, tmp_path: Path) -> World:
    """A server on that database."""
    return World(store, home=tmp_path)


@pytest.fixture
def person() -> Callable[..., dict[str, Any]]:
    """Answers about one person who is present."""

    def answers(name: str = "SITI AMINAH", nik: str | None = None, **more: Any) -> dict[str, Any]:
        return {"m_name": name, "presence": "1"} | ({"nik": nik} if nik else {}) | more

    return answers
