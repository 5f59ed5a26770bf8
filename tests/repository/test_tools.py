"""The linters pass. mypy, which takes longest, runs in `make lint` and so in `.ci/run`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any


def _run(root: Path, *command: str) -> None:
    program = Path(sys.executable).parent / command[0]
    done = subprocess.run([program, *command[1:]], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_finds_nothing(root: Path, modules: list[Any]) -> None:
    _run(root, "ruff", "check", "--quiet", *(module.name for module in modules))


def test_the_arrows_between_packages_hold(root: Path) -> None:
    _run(root, "lint-imports", "--no-cache")


def test_the_check_of_a_change_fails_on_what_was_not_run(root: Path, tmp_path: Path) -> None:
    """A suite that skips is green for pytest and red for `.ci/run`; both are shown."""
    for name in ("conftest.py", "postgres.py"):
        (tmp_path / name).write_text((root / "tests" / name).read_text())
    (tmp_path / "test_it.py").write_text(
        "import pytest\ndef test_a(): pass\ndef test_b(not_run): not_run('no such machine')\n"
    )
    results = {}
    for setting in ("fail", "count"):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": "/usr/bin:/bin", "PADAN_TEST_NOT_RUN": setting, "PADAN_TEST_POSTGRES_URL": "none"},
            cwd=tmp_path,
        )
        results[setting] = done.returncode
        assert done.stdout.splitlines()[-3:-1] == ["not run: 1 x no such machine", "not run: 1"], done.stdout
        assert done.stdout.splitlines()[-1].startswith("1 passed, 1 skipped"), done.stdout
    assert results == {"fail": 1, "count": 0}
    assert "PADAN_TEST_NOT_RUN=fail" in (root / ".ci/run").read_text()
