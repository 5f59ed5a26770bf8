"""Fixtures of the server's tests.

What uses `store` or `world` runs on each engine (`engine` in tests/conftest.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from server_world import World

from server.store.database import Store
from server.store.migrations import open_store


@pytest.fixture
def store(new_address: Callable[[], str]) -> Iterator[Store]:
    """An empty, migrated database."""
    found = open_store(new_address())
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
