"""Fixtures of the tests of backups."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from backup_world import Vault
from server_world import World

# The drill delivers to a registry: the stage for that stands with the tests of delivery.
sys.path.append(str(Path(__file__).resolve().parents[1] / "delivery"))


@pytest.fixture
def vault(world: World, tmp_path: Path) -> Iterator[Vault]:
    """A server with some families and an empty folder of backups."""
    yield Vault(world, tmp_path / "cadangan").filled()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where the database is to stand: a folder that is not there yet."""
    return tmp_path / "baru" / "padan.db"
