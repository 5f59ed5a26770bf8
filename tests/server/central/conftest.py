"""A server that runs, and the central office."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from central_world import Central, running
from server_world import World


@pytest.fixture
def central(world: World, tmp_path: Path) -> Iterator[Central]:
    """The central office of a server with nothing in it."""
    with running(world) as url:
        yield Central(world, url, tmp_path / "pusat.db")
