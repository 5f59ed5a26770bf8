"""The wheel and the sdist are built from tracked files and work in an environment that knows nothing of this one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from field_forms.areas.build import LICENCE_FILE, NOTICE_FILE, SOURCE_FILE, TABLE_FILE
from field_forms.built import FORMS
from field_forms.tablet import built_folder
from server.commands.demo import GOOD

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.xdist_group("packaging")]

WHEEL_BYTES_MAX = 4 * 1024 * 1024
PACKAGES = {"schemas", "sync", "field_forms", "server"}
NEVER = {"tests", "node_modules", "__pycache__", "var", ".venv"}


def run(*command: str | Path, cwd: Path) -> str:
    """Standard output of a command; the test fails with everything it said."""
    quiet = {key: value for key, value in os.environ.items() if not key.startswith(("PADAN_", "PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, env=quiet, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(root: Path, tracked: list[Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """`(wheel, sdist)`; the wheel is made from the sdist, as whoever installs from the sdist would."""
    source = tmp_path_factory.mktemp("source")
    for path in tracked:
        target = source / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    # Neither areas nor npm packages need to be fetched again; that they can be is shown by every fresh clone.
    for name in ("areas", "tablet"):
        shutil.copytree(root / "field_forms/built" / name, source / "field_forms/built" / name)
    run(sys.executable, "-m", "build", "--no-isolation", cwd=source)
    (wheel,) = (source / "dist").glob("*.whl")
    (sdist,) = (source / "dist").glob("*.tar.gz")
    return wheel, sdist


@pytest.fixture(scope="module")
def clean(built: tuple[Path, Path], root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment with the locked libraries and the wheel, and nothing else."""
    folder = tmp_path_factory.mktemp("clean")
    # With this environment's pip, aimed at the new one: Debian's Python can be without a pip to put into it.
    venv.create(folder, with_pip=False)
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin/python", "--quiet", "--disable-pip-version-check"]
    run(*pip, "install", "--require-hashes", "-r", root / "requirements/lock.txt", cwd=folder)
    run(*pip, "install", "--no-deps", built[0], cwd=folder)
    run(*pip, "check", cwd=folder)
    return folder / "bin"


def test_the_wheel_holds_the_packages_and_what_was_built_and_no_more(
    built: tuple[Path, Path], root: Path, tracked: list[Path]
) -> None:
    listed = zipfile.ZipFile(built[0]).namelist()
    names = {name for name in listed if ".dist-info/" not in name}
    assert len(listed) == len(set(listed)), "a file stands twice in the wheel"

    own = {path.relative_to(root).as_posix() for path in tracked if path.relative_to(root).parts[0] in PACKAGES}
    # Of the tablet app the wheel has what was built, and not what it was built from.
    own -= {name for name in own if name.startswith("field_forms/tablet/") and not name.endswith(".py")}
    app = {path.relative_to(root).as_posix() for path in built_folder().rglob("*") if path.is_file()}
    assert {f"field_forms/built/tablet/{name}" for name in ("index.html", "sw.js", "LICENSES.txt")} <= app
    areas = {f"field_forms/built/areas/{name}" for name in (TABLE_FILE, SOURCE_FILE, NOTICE_FILE, LICENCE_FILE)}
    forms = {f"field_forms/built/{form}.{kind}" for form in FORMS for kind in ("json", "xml", "source")}
    assert sorted(names ^ (own | areas | forms | app)) == [], "in the wheel and not wanted, or wanted and not there"
    assert not [name for name in names if NEVER & set(Path(name).parts) or name.endswith(".pyc")]
    assert built[0].stat().st_size < WHEEL_BYTES_MAX


def test_the_sdist_can_be_worked_on(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"Makefile", "LICENSE", "README.md", "CONTRIBUTING.md", "hatch_build.py", "requirements/lock.txt"}
    assert wanted | {".ci/run", ".env.example", "tests/conftest.py", "docs/problems.md"} <= names
    assert not [name for name in names if "node_modules" in name or name.startswith((".venv", "var/"))]


def test_padan_runs_from_the_wheel_far_from_its_sources(root: Path, clean: Path, tmp_path: Path) -> None:
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    assert run(clean / "padan", "--version", cwd=tmp_path).strip() == f"padan, version {version}"
    assert "Commands:" in run(clean / "padan", "--help", cwd=tmp_path)
    assert run(clean / "padan", "areas", "show", "19.03", cwd=tmp_path).startswith("19.03  Kabupaten Bangka Selatan")
    where = run(clean / "python", "-c", "import server; print(server.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(clean.parent)


def test_the_whole_way_runs_from_the_wheel_in_an_empty_folder(clean: Path, tmp_path: Path) -> None:
    last = run(clean / "padan", "demo", "--once", "--json", "--families", "100", cwd=tmp_path).splitlines()[-1]
    told = json.loads(last)
    assert {name: told[name] for name in GOOD} == GOOD, last
    assert told["submissions_in_log"] > 100 and told["registry_records"] > 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["var"]
