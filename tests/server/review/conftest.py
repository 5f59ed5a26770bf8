"""Fixtures of the review's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from review_world import Bureau


@pytest.fixture
def bureau(world: Any) -> Bureau:
    """A supervisor of the kabupaten at the desk."""
    return Bureau(world)


@pytest.fixture
def office(bureau: Bureau, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Bureau]:
    """The same, worked by command: the settings name its database."""
    monkeypatch.chdir(tmp_path)
    for name, value in bureau.world.environ().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PADAN_STAFF", "pengawas")
    yield bureau
