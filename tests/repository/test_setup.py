"""Setting up does what is needed once, says so on standard error, and does again only what has changed.

The Makefile runs here in a folder of its own, with stand-ins for python and padan that write down how they were called.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

STAND_IN = """#!/bin/sh
printf '%s\\n' "$(basename "$0") $*" >> "{log}"
case "$*" in
    *areas.build*) mkdir -p field_forms/built/areas && touch field_forms/built/areas/areas.tsv.gz; echo built ;;
    *tablet.build*) mkdir -p field_forms/built/tablet field_forms/tablet/node_modules
        touch field_forms/built/tablet/index.html; echo built ;;
    demo*) echo '{{"lost": 0}}' ;;
    *) echo talk ;;
esac
"""
BROKEN_PYTHON = "#!/bin/sh\ncase \"$*\" in --version) echo 'Python 3.9.2' ;; *) exit 1 ;; esac\n"

BUILDING = ["python -m field_forms.areas.build", "padan form build", "python -m field_forms.tablet.build"]
Make = Callable[..., tuple[str, list[str]]]


@pytest.fixture
def place(root: Path, tmp_path: Path) -> Path:
    """A folder with the files that setting up looks at, and stand-ins in `.venv/bin`."""
    place = tmp_path / "place"
    for name in ("Makefile", "pyproject.toml", "hatch_build.py"):
        place.mkdir(exist_ok=True)
        shutil.copy(root / name, place)
    for name in ("requirements", ".ci"):
        shutil.copytree(root / name, place / name)
    (place / "field_forms/areas").mkdir(parents=True)
    shutil.copy(root / "field_forms/areas/build.py", place / "field_forms/areas")
    (place / "field_forms/compile.py").write_text("")
    (place / "field_forms/tablet/src").mkdir(parents=True)
    (place / "field_forms/tablet/src/main.tsx").write_text("")
    (place / "field_forms/tablet/package-lock.json").write_text("{}")
    (place / ".venv/bin").mkdir(parents=True)
    (place / ".venv/.stamps").mkdir()
    (place / ".venv/.stamps/environment").touch()
    for name in ("python", "padan"):
        script = place / ".venv/bin" / name
        script.write_text(STAND_IN.format(log=tmp_path / "calls"))
        script.chmod(0o755)
    return place


@pytest.fixture
def make(place: Path, tmp_path: Path) -> Make:
    """`make(*arguments)` -> what came on standard output, and the calls it led to."""

    def run(*arguments: str) -> tuple[str, list[str]]:
        calls = tmp_path / "calls"
        calls.unlink(missing_ok=True)
        # Not as a part of the make that may be running this test: it would hand down its ARGS and name its folders.
        environ = {"PATH": os.environ["PATH"]}
        done = subprocess.run(["make", *arguments], cwd=place, capture_output=True, text=True, env=environ, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout, calls.read_text().splitlines() if calls.exists() else []

    return run


def test_the_second_setup_does_nothing(make: Make) -> None:
    talk, first = make("setup")
    assert [call.rsplit(" ", 1)[-1] for call in first] == [
        "requirements/lock.txt",
        ".",
        "field_forms.areas.build",
        "build",
        "field_forms.tablet.build",
    ]
    assert all("--require-hashes" in call for call in first if "lock" in call)
    assert talk == ""
    assert make("setup")[1] == []


def test_only_what_has_changed_is_done_again(make: Make, place: Path) -> None:
    make("setup-dev")
    lock = place / "requirements/lock.txt"
    lock.write_text(lock.read_text() + "\n")
    assert [call.rsplit(" ", 1)[-1] for call in make("setup-dev")[1]] == ["requirements/lock.txt"]

    (place / "field_forms/compile.py").write_text("# changed")
    assert make("setup-dev")[1] == ["padan form build"]

    (place / "field_forms/tablet/src/main.tsx").write_text("// changed")
    assert make("setup-dev")[1] == ["python -m field_forms.tablet.build"]

    (place / "pyproject.toml").touch()
    assert make("setup-dev")[1] == [], "a new time without a new content is no change"


def test_built_files_that_were_deleted_are_built_again(make: Make, place: Path) -> None:
    make("setup")
    shutil.rmtree(place / "field_forms/built")
    assert make("setup")[1] == BUILDING


def test_standard_output_of_the_demo_belongs_to_the_demo(make: Make) -> None:
    for _ in range(2):
        output, calls = make("demo", "ARGS=--once --json")
        assert output == '{"lost": 0}\n'
        assert calls[-1] == "padan demo --once --json"


def test_a_python_that_is_too_old_is_named(place: Path, tmp_path: Path) -> None:
    old = tmp_path / "python3.9"
    old.write_text(BROKEN_PYTHON)
    old.chmod(0o755)
    shutil.rmtree(place / ".venv")
    done = subprocess.run(["make", "demo", f"PYTHON={old}"], cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stderr and "3.9.2" in done.stderr
    assert not (place / ".venv").exists()


def test_a_folder_that_was_moved_gets_its_command_anew(make: Make, place: Path) -> None:
    make("setup")
    elsewhere = place.rename(place.with_name("elsewhere"))
    elsewhere.rename(place)
    assert make("setup")[1] == [], "back where it was"
    place.rename(elsewhere)
    done = subprocess.run(["make", "-n", "setup"], cwd=elsewhere, capture_output=True, text=True, check=True)
    assert "--editable ." in done.stdout and "--require-hashes" not in done.stdout


def test_a_step_that_failed_is_done_again_and_those_before_it_are_not(make: Make, place: Path) -> None:
    python = place / ".venv/bin/python"
    works = python.read_text()
    python.write_text(works.replace("*areas.build*)", "*areas.build*) echo 'areas: no network' >&2; exit 1 ;; never)"))
    done = subprocess.run(["make", "setup"], cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "areas: no network" in done.stderr and done.stdout == ""
    python.write_text(works)
    assert make("setup")[1] == BUILDING


def test_an_environment_without_its_python_is_made_from_the_start(make: Make, place: Path) -> None:
    make("setup-dev")
    (place / ".venv/bin/python").unlink()
    (place / ".venv/bin/python").symlink_to(place / "gone")
    done = subprocess.run(["make", "-n", "setup-dev"], cwd=place, capture_output=True, text=True, check=True)
    steps = [".ci/make-venv", "requirements/lock.txt", "requirements/lock-dev.txt", "--editable ."]
    assert [step for step in steps if step not in done.stdout] == []


def test_cleaning_says_what_it_removes_and_leaves_the_operators_database(make: Make, place: Path) -> None:
    for name in ("var/demo", "field_forms/built"):
        (place / name).mkdir(parents=True)
    (place / "var/padan.db").touch()
    said = make("clean")[0]
    assert all(name in said for name in (".venv", "field_forms/built", "var/demo"))
    assert not [name for name in (".venv", "field_forms/built", "var/demo") if (place / name).exists()]
    assert (place / "var/padan.db").exists()
    assert make("clean")[0] == "Nothing to remove.\n"


def test_make_alone_shows_what_there_is(make: Make) -> None:
    said, calls = make()
    assert "make demo" in said and "make test" in said and calls == []
