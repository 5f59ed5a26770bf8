"""The repository as its tests of tidiness see it: the files that are tracked, and the modules among them."""

from __future__ import annotations

import ast
import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

PACKAGES = ("schemas", "sync", "field_forms", "server")
# Where there is no git (an sdist), everything counts but what setting up and running leave behind.
_LEFT_AT_THE_TOP = {".git", ".venv", "var", "demo", "dist", "build", ".env"}
_LEFT_AT_THE_TOP |= {".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache"}


@dataclass(frozen=True)
class Module:
    """One Python file: `name` is its path from the root, with slashes."""

    name: str
    path: Path

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.name)

    def inside(self, *folders: str) -> bool:
        """Whether the file lies in one of the folders, or is one of the files."""
        return any(self.name == folder or self.name.startswith(f"{folder}/") for folder in folders)


@pytest.fixture(scope="session")
def tracked(root: Path) -> list[Path]:
    """Every tracked file that is there, sorted."""
    names = _names_in_git(root)
    if names:
        paths = [root / name for name in names]
    else:
        paths = [path for path in root.rglob("*") if not _left_behind(path.relative_to(root))]
    files = sorted(path for path in paths if path.is_file())
    assert len(files) > 50, "the tracked files were not found"
    return files


@pytest.fixture(scope="session")
def modules(root: Path, tracked: list[Path]) -> list[Module]:
    """Every tracked Python file."""
    return [Module(path.relative_to(root).as_posix(), path) for path in tracked if path.suffix == ".py"]


@pytest.fixture(scope="session")
def own_modules(modules: list[Module]) -> list[Module]:
    """Those of the four packages."""
    return [module for module in modules if module.inside(*PACKAGES)]


def _left_behind(path: Path) -> bool:
    top, name = path.parts[0], path.as_posix()
    return top in _LEFT_AT_THE_TOP or "__pycache__" in path.parts or name.startswith("field_forms/built/")


def _names_in_git(root: Path) -> list[str]:
    if shutil.which("git") is None:
        return []
    found = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=False)
    return [name for name in found.stdout.split("\0") if name] if found.returncode == 0 else []
