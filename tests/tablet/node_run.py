"""Running a program that has to succeed: node, npm's tools, Padan itself."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any


def run(*command: Any, cwd: Path) -> str:
    """Standard output of a command that has to succeed."""
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout
