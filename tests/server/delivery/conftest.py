"""Every test here delivers from a server with ratified households to a reference registry over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from delivery_world import Delivering, delivering_in


@pytest.fixture
def scene(world: Any, tmp_path: Path) -> Iterator[Delivering]:
    with delivering_in(world, tmp_path) as made:
        yield made
