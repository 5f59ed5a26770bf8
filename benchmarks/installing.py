"""The yardsticks' own environments: Kinto in a virtual environment, PouchDB Server in a folder of npm, both in .venv.

What is installed is pinned by hashes (requirements/lock-yardsticks.txt, benchmarks/yardsticks/package-lock.json) and
comes through pip and npm as they are set up here. Nothing of Padan imports any of it. A stamp carries the hash of the
lock, so a second run installs nothing.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.processes import NotRun
from field_forms.areas.build import BuildFailed, npm_command

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv" / "yardsticks"
KINTO_LOCK = ROOT / "requirements" / "lock-yardsticks.txt"
POUCHDB = ROOT / "benchmarks" / "yardsticks"
POUCHDB_FILES = ("package.json", "package-lock.json", ".npmrc")
INSTALL_S = 400


def kinto() -> Path:
    """The folder of Kinto's commands, installed when it is not there yet. Raises `NotRun`."""
    home, stamp = HOME / "kinto", _stamp("kinto", KINTO_LOCK)
    if not stamp.exists():
        run([str(ROOT / ".ci" / "make-venv"), sys.executable, str(home)], "no environment for Kinto")
        pip = [str(home / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
        run([*pip, "install", "--require-hashes", "-r", str(KINTO_LOCK)], "pip could not install Kinto")
        stamp.touch()
    return home / "bin"


def pouchdb() -> list[str]:
    """The command that starts PouchDB Server, installed when it is not there yet. Raises `NotRun`."""
    home, stamp = HOME / "pouchdb", _stamp("pouchdb", POUCHDB / "package-lock.json")
    try:
        npm = npm_command()
    except BuildFailed as error:
        raise NotRun(str(error)) from error
    if not stamp.exists():
        home.mkdir(parents=True, exist_ok=True)
        for name in POUCHDB_FILES:
            shutil.copyfile(POUCHDB / name, home / name)
        cache = f"--cache={HOME / 'npm-cache'}"
        run([*npm, "ci", "--ignore-scripts", "--loglevel=error", cache], "npm could not install PouchDB Server", home)
        stamp.touch()
    node = npm[0] if len(npm) > 1 else shutil.which("node") or "node"
    return [node, str(home / "node_modules" / "pouchdb-server" / "bin" / "pouchdb-server")]


def run(command: Sequence[str], what: str, folder: Path | None = None) -> None:
    """Run a command to its end. Raises `NotRun`, which begins with `what`, where it fails."""
    try:
        done = subprocess.run(
            command, cwd=folder, stdout=sys.stderr, stderr=subprocess.PIPE, text=True, timeout=INSTALL_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotRun(f"{what}: {error}") from error
    if done.returncode != 0:
        raise NotRun(f"{what}: {' '.join(done.stderr.strip().splitlines()[-3:]) or done.returncode}")


def _stamp(name: str, lock: Path) -> Path:
    HOME.mkdir(parents=True, exist_ok=True)
    return HOME / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"
