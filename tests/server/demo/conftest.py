"""One run of the demo for all tests of it: 120 families, over real HTTP, in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

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
