"""`padan registry` as a process of its own: starts, says where, is switched, survives kill -9 with all it answered."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from registry_world import HOUSES, client_of, delivery

from server.clock import SystemClock
from server.commands.registry import command
from server.registry.adapter import Accepted, Duplicate

START = "from server.commands.registry import command; command()"


def started(folder: Path, *more: str) -> tuple[subprocess.Popen[str], str]:
    arguments = ["--db", str(folder / "r.db"), "--port", "0", "--secret-file", str(folder / "key"), *more]
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", START, *arguments], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert process.stdout is not None
    found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
    assert found is not None
    return process, found.group()


def test_it_serves_is_switched_and_keeps_what_it_acknowledged_through_a_kill(tmp_path: Path) -> None:
    deliveries = [delivery(house, 1, f"19030155078200{n:02d}") for n, house in enumerate(HOUSES)]
    process, url = started(tmp_path, "--fault", "too_many:per_key=1")
    try:
        secret = (tmp_path / "key").read_bytes().strip()
        assert (tmp_path / "key").stat().st_mode & 0o077 == 0
        shown = CliRunner().invoke(command, ["--secret-file", str(tmp_path / "key"), "faults", url, "--clear"])
        assert shown.exit_code == 0 and '"switches": {}' in shown.output
        client = client_of(url, secret, SystemClock())
        assert all(isinstance(outcome, Accepted) for outcome in client.push(deliveries))
        client.close()
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    process, url = started(tmp_path)
    try:
        client = client_of(url, secret, SystemClock())
        assert all(isinstance(outcome, Duplicate) for outcome in client.push(deliveries))
        client.close()
    finally:
        process.terminate()
        process.wait()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--fault", "explode"], "no fault switch 'explode'"),
        (["--secret-file", "{short}"], "shorter than 16 bytes"),
        (["--secret-file", "{missing}", "faults", "http://127.0.0.1:1"], "No such file"),
        (["--secret-file", "{good}", "faults", "http://127.0.0.1:1"], "no answer from a registry"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "short").write_text("abc")
    (tmp_path / "good").write_text("x" * 32)
    places = {name: str(tmp_path / name) for name in ("short", "missing", "good")}
    texts = ["--db", str(tmp_path / "r.db"), *(text.format(**places) for text in arguments)]
    result = CliRunner().invoke(command, texts)
    assert result.exit_code != 0 and said in result.output


def test_without_a_secret_it_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PADAN_REGISTRY_SECRET", raising=False)
    result = CliRunner().invoke(command, ["--db", str(tmp_path / "r.db")])
    assert result.exit_code != 0 and "PADAN_REGISTRY_SECRET" in result.output
