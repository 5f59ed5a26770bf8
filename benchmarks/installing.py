"""The yardsticks' own environments in .venv: Kinto's is a virtual one; PouchDB Server and the form programs have npm's.

What is installed is pinned by hashes (requirements/lock-yardsticks.txt, package-lock.json in benchmarks/yardsticks) and
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
FORMS = POUCHDB / "forms"
NPM_FILES = ("package.json", "package-lock.json", ".npmrc")
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
    home, npm = _from_npm("pouchdb", "PouchDB Server", POUCHDB, NPM_FILES)
    node = npm[0] if len(npm) > 1 else shutil.which("node") or "node"
    return [node, str(home / "node_modules" / "pouchdb-server" / "bin" / "pouchdb-server")]


def form_pages() -> Path:
    """The folder with the pages of ODK Web Forms and Enketo, bundled when they are not yet. Raises `NotRun`."""
    sources = sorted(path.name for path in FORMS.glob("*.mjs"))
    home, npm = _from_npm("forms", "the form programs", FORMS, (*NPM_FILES, *sources))
    pages = home / "pages"
    stamp = _stamp("pages", *(FORMS / name for name in (*NPM_FILES, *sources)))
    if not stamp.exists():
        for name in sources:
            shutil.copyfile(FORMS / name, home / name)
        shutil.rmtree(pages, ignore_errors=True)
        node = npm[0] if len(npm) > 1 else shutil.which("node") or "node"
        run([node, "build.mjs", str(pages)], "the form programs could not be bundled", home)
        stamp.touch()
    return pages


def _from_npm(name: str, words: str, folder: Path, files: Sequence[str]) -> tuple[Path, list[str]]:
    """What a lock of npm's pins, in a folder of its own, and the command of npm. Raises `NotRun`."""
    home, stamp = HOME / name, _stamp(name, folder / "package-lock.json")
    try:
        npm = npm_command()
    except BuildFailed as error:
        raise NotRun(str(error)) from error
    if not stamp.exists():
        home.mkdir(parents=True, exist_ok=True)
        for file in files:
            shutil.copyfile(folder / file, home / file)
        cache = f"--cache={HOME / 'npm-cache'}"
        run([*npm, "ci", "--ignore-scripts", "--loglevel=error", cache], f"npm could not install {words}", home)
        stamp.touch()
    return home, npm


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


def _stamp(name: str, *made_of: Path) -> Path:
    HOME.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in made_of)).hexdigest()
    return HOME / f"{name}-{digest[:16]}"
