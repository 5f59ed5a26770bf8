"""One run of the demo for all tests of it: 120 families, over real HTTP, in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import postgres
import pytest

from server.demo.run import Demo, run


class Quiet:
    """Says nothing."""

    @contextmanager
    def step(self, text: str) -> Iterator[Callable[[int, int], None]]:
        yield lambda done, of: None


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    finished = run(tmp_path_factory.mktemp("demo"), Quiet(), seed=3, families=120, port=0, sabotage=None)
    yield finished
    finished.stage.stop()


@pytest.fixture
def demo_on_postgres(tmp_path: Path, not_run: Any) -> Iterator[Demo]:
    """Another run, on PostgreSQL."""
    if postgres.missing():
        not_run(postgres.missing())
    with postgres.database(migrated=False) as address:
        finished = run(tmp_path, Quiet(), seed=4, families=100, port=0, sabotage=None, database=address)
        yield finished
        finished.stage.stop()
