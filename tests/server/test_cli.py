"""The command `padan`: every subject is found, and a problem is one sentence, not a traceback."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from schemas.problems import CATALOGUE, ProblemError
from server import cli, commands


def test_every_module_of_commands_gives_at_least_one_command() -> None:
    modules = [item.name for item in pkgutil.iter_modules(commands.__path__) if not item.name.startswith("_")]
    found = list(cli.found_commands())
    assert len(found) >= len(modules)
    names = [command.name for command in found]
    assert len(names) == len(set(names)), "two commands of one name: one of them could not be reached"
    assert all(command.help for command in found)


def test_settings_that_are_wrong_are_told_in_sentences(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "server.cli", "review", "list"],
        cwd=tmp_path,
        env={"PADAN_PORT": "delapan", "PADAN_THREADS": "0", "PYTHONPATH": str(Path(cli.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "PADAN_PORT: " in done.stderr and "PADAN_THREADS: " in done.stderr


def test_a_problem_is_told_with_its_code(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code = next(iter(CATALOGUE))

    def fail() -> None:
        raise ProblemError(code, "what happened")

    monkeypatch.setattr(cli, "found_commands", lambda: iter([click.Command("break", callback=fail)]))
    monkeypatch.setattr(cli, "padan", click.Group("padan"))
    monkeypatch.setattr(sys, "argv", ["padan", "break"])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 1
    told = capsys.readouterr().err
    assert "what happened" in told and told.strip().endswith(f"[{code}]")


def test_the_names_of_commands_are_known_without_loading_them() -> None:
    real = {command.name: command for command in cli.found_commands()}
    assert set(real) == set(cli.MODULES), "add the command to MODULES in server/cli.py"
    assert [name for name, command in real.items() if (command.help or "").startswith("RUSAK")] == []


def test_one_command_loads_one_module_and_the_version_none() -> None:
    code = """
import sys
from server import cli
sys.argv = ["padan", *sys.argv[1:]]
try:
    cli.main()
except SystemExit:
    pass
print("loaded", sorted(name for name in sys.modules if name.startswith("server.commands.")), file=sys.stderr)
"""

    def loaded(*words: str) -> str:
        done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
        return done.stderr

    assert "loaded []" in loaded("--version")
    assert "loaded ['server.commands._opening', 'server.commands.audit']" in loaded("audit", "--help")


def test_a_broken_module_breaks_no_other_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "server.commands.audit", None)
    names = {command.name for command in cli.found_commands()}
    assert {"audit", "review", "doctor"} <= names
    monkeypatch.setattr(cli, "padan", click.Group("padan"))
    monkeypatch.setattr(sys, "argv", ["padan", "audit", "verify", "--json"])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 1
    assert "padan audit tidak dapat dimuat" in capsys.readouterr().err
