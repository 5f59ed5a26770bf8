"""Fixtures of the tests of photos."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.blobs.folder import FolderBlobs


@pytest.fixture
def storage(tmp_path: Path) -> FolderBlobs:
    """An empty folder of photos."""
    return FolderBlobs(tmp_path / "blobs")
