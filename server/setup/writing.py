"""Writing an installation to a machine: account, folders, files. A file that somebody changed is never overwritten."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from server.setup.plan import Plan, WantedFile, files, folders

WRITTEN, SAME, KEPT = "written", "same", "kept"


@dataclass(frozen=True, slots=True)
class Wrote:
    """What became of a file: `written`, the `same` already, or `kept` as it was (ours beside it as `.padan-new`)."""

    path: Path
    outcome: str


def write_tree(plan: Plan, root: Path) -> list[Wrote]:
    """Write the files below a folder, to be looked at or carried to another machine. Owners stay as they are."""
    return [_write(root / file.path.lstrip("/"), file, None) for file in files(plan)]


def install(plan: Plan, told: Callable[[str], None]) -> list[Wrote]:
    """Make account and folders and write the files of this very machine. Needs root; safe to repeat."""
    owner = _account(plan, told)
    for name, mode in folders(plan):
        folder = Path(name)
        if not folder.exists():
            told(f"folder {folder}")
            folder.mkdir(parents=True)
        os.chown(folder, *owner)
        folder.chmod(mode)
    wrote = [_write(Path(file.path), file, owner if file.ours else None) for file in files(plan)]
    if shutil.which("systemctl"):
        subprocess.run(["systemctl", "daemon-reload"], check=False, capture_output=True)
    return wrote


def _account(plan: Plan, told: Callable[[str], None]) -> tuple[int, int]:
    try:
        found = pwd.getpwnam(plan.account)
    except KeyError:
        told(f"akun {plan.account}")
        subprocess.run(
            ["useradd", "--system", "--home-dir", plan.home, "--shell", "/usr/sbin/nologin", plan.account], check=True
        )
        found = pwd.getpwnam(plan.account)
    return found.pw_uid, found.pw_gid


def _write(path: Path, file: WantedFile, owner: tuple[int, int] | None) -> Wrote:
    path.parent.mkdir(parents=True, exist_ok=True)
    outcome = WRITTEN
    if path.exists():
        if path.read_text(encoding="utf-8", errors="replace") == file.text:
            outcome = SAME
        elif not _untouched(path):
            path, outcome = path.with_name(path.name + ".padan-new"), KEPT
    if outcome != SAME:
        path.write_text(file.text, encoding="utf-8")
    path.chmod(file.mode)
    if owner is not None:
        os.chown(path, *owner)
    return Wrote(path, outcome)


def _untouched(path: Path) -> bool:
    """Whether a file is what a package left there, and not what somebody wrote: only the sample of Caddy's package."""
    text = path.read_text(encoding="utf-8", errors="replace")
    return path.name == "Caddyfile" and "root * /usr/share/caddy" in text and ":80 {" in text
