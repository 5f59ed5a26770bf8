"""Tracked files: nothing large, nothing of others, no address a package is fetched from, locks with hashes."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pip._internal.models.index import PyPI

from field_forms.areas.build import npm_command

TRACKED_BYTES_MAX = 1024 * 1024
ASSET_LINE_CHARACTERS_MAX = 1_000
DECISION = re.compile(r"^\d{4}-[a-z0-9-]+\.md$")


@pytest.mark.parametrize("name", ["lock.txt", "lock-dev.txt", "lock-yardsticks.txt"])
def test_a_lock_has_a_hash_for_everything_and_no_address(root: Path, name: str) -> None:
    text = (root / "requirements" / name).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*-(-index-url|-extra-index-url|-find-links|i|f)\b", text, re.MULTILINE)
    blocks = re.split(r"\n(?=\S)", text.strip())
    assert len(blocks) > 30
    unpinned = [block.split()[0] for block in blocks if not re.match(r"[\w.-]+(\[[\w,-]+\])?==\S+", block)]
    unhashed = [block.split()[0] for block in blocks if "--hash=sha256:" not in block]
    assert (unpinned, unhashed) == ([], [])


def test_a_lock_of_npm_has_a_hash_for_everything_and_no_address(root: Path, tracked: list[Path]) -> None:
    locks = [path for path in tracked if path.name == "package-lock.json"]
    assert locks
    for path in locks:
        packages = {name: found for name, found in json.loads(path.read_text())["packages"].items() if name}
        assert len(packages) > 30
        assert [name for name, found in packages.items() if "resolved" in found or "integrity" not in found] == []
        options = (path.parent / ".npmrc").read_text().splitlines()
        assert {"omit-lockfile-registry-resolved=true", "ignore-scripts=true"} <= set(options)


def test_the_two_locks_agree(root: Path) -> None:
    def pins(name: str) -> dict[str, str]:
        return dict(re.findall(r"^([\w.-]+)==(\S+)", (root / "requirements" / name).read_text(), re.MULTILINE))

    runtime, development = pins("lock.txt"), pins("lock-dev.txt")
    assert {name: (pin, development.get(name)) for name, pin in runtime.items() if development.get(name) != pin} == {}


def test_every_dependency_is_locked(root: Path) -> None:
    import tomllib

    project = tomllib.loads((root / "pyproject.toml").read_text())
    locked = set(re.findall(r"^([\w.-]+)==", (root / "requirements/lock.txt").read_text(), re.MULTILINE))
    wanted = project["project"]["dependencies"] + project["build-system"]["requires"]
    names = {re.match(r"[\w.-]+", item)[0].lower().replace("_", "-") for item in wanted}  # type: ignore[index]
    assert names - locked == set(), "run: make lock"


def test_no_tracked_file_is_larger_than_a_mebibyte(root: Path, tracked: list[Path]) -> None:
    large = {
        str(path.relative_to(root)): path.stat().st_size for path in tracked if path.stat().st_size > TRACKED_BYTES_MAX
    }
    assert large == {}


def test_no_tracked_file_names_a_package_registry(root: Path, tracked: list[Path], tmp_path: Path) -> None:
    """The hosts are asked from pip and npm, so that they stand nowhere in the repository, this file included."""
    hosts = _registry_hosts(tmp_path)
    assert len(hosts) >= 3
    found = [
        str(path.relative_to(root)) for path in tracked if any(host.encode() in path.read_bytes() for host in hosts)
    ]
    assert found == []


def test_no_asset_of_others_is_kept_here(root: Path, tracked: list[Path]) -> None:
    found = []
    for path in tracked:
        name = str(path.relative_to(root))
        if re.search(r"\.min\.(js|css)$|\.map$|(^|/)(node_modules|vendor|third_party)/", name):
            found.append(name)
        elif path.suffix in {".js", ".css", ".mjs"}:
            longest = max((len(line) for line in path.read_text(encoding="utf-8").splitlines()), default=0)
            if longest > ASSET_LINE_CHARACTERS_MAX:
                found.append(f"{name}: a line of {longest} characters")
    assert found == []


def test_no_file_holds_the_marks_of_a_merge(root: Path, tracked: list[Path]) -> None:
    marks = re.compile(rb"^(<{7} |>{7} |={7}$)", re.MULTILINE)
    assert [str(path.relative_to(root)) for path in tracked if marks.search(path.read_bytes())] == []


def test_every_decision_has_status_date_and_reason(root: Path) -> None:
    decisions = sorted((root / "docs/decisions").glob("*.md"))
    assert decisions
    wrong = []
    for path in decisions:
        text = path.read_text(encoding="utf-8")
        missing = [
            name
            for name, shape in (("status", r"\S+"), ("date", r"\d{4}-\d\d-\d\d$"), ("reason", r"\S+ \S+"))
            if not re.search(rf"^- {name}: {shape}", text, re.MULTILINE)
        ]
        if missing or not DECISION.match(path.name):
            wrong.append((path.name, missing))
    assert wrong == []


def _registry_hosts(folder: Path) -> set[str]:
    """Hosts that pip and npm fetch from: as they come, and as this machine has set them. `folder` is an empty one."""
    clean = {key: value for key, value in os.environ.items() if not key.lower().startswith("npm_config_")}
    npm = [*npm_command(), "config", "get", "registry", f"--cache={folder / 'cache'}"]
    urls = [PyPI.url, f"https://{PyPI.file_storage_domain}/"]
    nowhere = ["--userconfig", str(folder / "user"), "--globalconfig", str(folder / "global")]
    for options, environ in (([], None), (nowhere, clean)):
        done = subprocess.run([*npm, *options], capture_output=True, text=True, env=environ, cwd=folder, check=True)
        urls.append(done.stdout.strip())
    return {host for url in urls if (host := urlsplit(url).hostname) and host not in {"localhost", "127.0.0.1"}}


def test_no_two_test_modules_share_a_name(tracked: list[Path]) -> None:
    # pytest imports them by name: the second of two would be an error of collection, and its tests would not run.
    names = [path.name for path in tracked if path.name.startswith("test_") and path.suffix == ".py"]
    assert sorted({name for name in names if names.count(name) > 1}) == []
