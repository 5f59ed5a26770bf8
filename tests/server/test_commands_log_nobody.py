"""No command of `padan`, whatever it is told, leaves a NIK, a name or a secret in the log.

Each command there is runs on a database with known people, its arguments and options filled with their numbers and
names, and with a fault inside. What it prints for the person before it is another matter (`padan review show` shows a
family); lines of the log, and the files of the log, are read.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click
import pytest
from engine_kit import only_sqlite
from server_world import VILLAGE
from silence_kit import KK, MOTHER, NAME, NIK, PEOPLE, PHONE, STREET, found_in, logged

from field_forms.client.pace import SystemClock
from server import cli
from server.cli import found_commands
from server.flows import people
from server.store.sqlite import SqliteConnection

RUN_ON = {"serve", "registry"}
"""Commands that run until they are stopped; what they log is that of the app and of the jobs."""
HEAVY = {"demo", "areas build", "form build"}
"""Commands that know no person: they work on invented families and on tables, for a minute."""
PASSPHRASE = "rama-duku-siti-kelo-bana-turi-77"


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by its whole name."""
    here = (*path, command.name or "")
    if isinstance(command, click.Group):
        if command.invoke_without_command:
            yield " ".join(here), command
        for each in command.commands.values():
            yield from leaves(each, here)
    else:
        yield " ".join(here), command


LEAVES = {name: command for each in found_commands() for name, command in leaves(each)}


def filled(command: click.Command, texts: list[str], file: Path) -> list[str]:
    """Words for a command: each argument and option has a value of its kind, texts in turn."""
    words: list[str] = []
    turn = 0
    for parameter in command.params:
        if isinstance(parameter, click.Option) and (parameter.is_flag or parameter.name == "help"):
            words += [each for each in parameter.opts if each in ("--yes", "--once")]
            continue
        if isinstance(parameter.type, click.Choice):
            value = str(next(iter(parameter.type.choices)))
        elif isinstance(parameter.type, click.Path):
            value = str(file)
        elif "INT" in type(parameter.type).__name__.upper():
            value = "1"
        elif isinstance(parameter.type, click.DateTime):
            value = "2026-11-25"
        else:
            value = texts[turn % len(texts)]
            turn += 1
        words += [max(parameter.opts, key=len), value] if isinstance(parameter, click.Option) else [value]
    return words


class Site:
    """A database with one family, and the secrets of those who work on it."""

    def __init__(self, world: Any, folder: Path, monkeypatch: Any, capsys: Any) -> None:
        self.world, self.folder, self.monkeypatch, self.capsys = world, folder, monkeypatch, capsys
        self.household = world.uuid()
        self.person = f"{self.household}/{world.uuid()}"
        answers = {"m_name": NAME, "nik": NIK, "presence": "1", "mother_name": MOTHER, "phone": PHONE}
        family = {"address": STREET, "head_name": NAME, "no_kk": KK}
        world.push(world.sealed(self.household, family, {self.person: answers}))
        world.push(world.sealed(self.household, {**family, "address": f"{STREET} 2"}, {self.person: answers}))
        world.fold()
        now_ms = world.now_ms
        people.add_staff(world.db, "pengawas", NAME, "district_admin", ["19"], now_ms)
        people.add_officer(world.db, "siti", NAME, [VILLAGE], now_ms)
        code = people.issue_code(world.db, "siti", b"c" * 32, by="t", now_ms=now_ms)
        token = people.issue_token(world.db, "pusat", "pull", ["19"], now_ms=now_ms, days=30)
        self.secrets = {**PEOPLE, "code": code, "token": token, "passphrase": PASSPHRASE}
        self.file = folder / "daftar.csv"
        self.file.write_text(f"NIK,NAMA,ALAMAT\n{NIK},{NAME},{STREET}\n", encoding="utf-8")

    def words(self) -> Iterator[list[str]]:
        """Texts that fit, and texts in the wrong place."""
        yield [self.household, self.person, "pengawas"]
        yield [self.household, NIK, NAME]
        yield [NIK, NAME, self.secrets["code"], self.secrets["token"]]
        yield [NAME, f"{NIK} {NAME}", STREET]

    def run(self, name: str, words: list[str]) -> str:
        """Run a command as it is typed; the lines of its log, and what it says of an error nobody foresaw."""
        self.monkeypatch.setattr(sys, "argv", ["padan", *name.split(), *words])
        self.monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSPHRASE}\n" * 4))
        self.capsys.readouterr()
        with suppress(SystemExit):
            cli.main()
        lines = self.capsys.readouterr().err.splitlines()
        return "\n".join(line for line in lines if line.startswith(("{", "Traceback", "Kesalahan yang tidak")))

    @contextmanager
    def failing(self) -> Iterator[None]:
        """Meanwhile the database fails at each step, and quotes the row in its message."""
        quoted = f"UNIQUE failed: {NIK} {NAME} {json.dumps(STREET)} {self.secrets['token']}"

        def fail(*_args: Any, **_kwargs: Any) -> Any:
            raise ValueError(quoted)

        with self.monkeypatch.context() as spoilt:
            for name in ("one", "all", "run", "value"):
                spoilt.setattr(SqliteConnection, name, fail)
            yield

    def files(self) -> str:
        """What stands in files of the log."""
        return "".join(path.read_text("utf-8") for path in self.folder.rglob("*.log"))


@pytest.fixture
def site(world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Iterator[Site]:
    monkeypatch.chdir(tmp_path)
    for name, value in world.environ().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PADAN_LOG_LEVEL", "debug")
    monkeypatch.setenv("PADAN_STAFF", "pengawas")
    monkeypatch.setenv("PADAN_FIELD_HOME", str(tmp_path / "petugas"))
    monkeypatch.setenv("PADAN_BACKUP_FOLDER", str(tmp_path / "cadangan"))
    monkeypatch.setattr(SystemClock, "sleep", lambda _self, _seconds: None)  # a tablet waits for its network
    with logged():
        yield Site(world, tmp_path, monkeypatch, capsys)


def test_every_command_is_met() -> None:
    assert {*RUN_ON, *HEAVY} <= LEAVES.keys()
    assert len(LEAVES) > 60


@pytest.mark.parametrize(**only_sqlite)
@pytest.mark.parametrize("name", sorted(LEAVES.keys() - RUN_ON - HEAVY))
def test_no_command_leaves_a_person_or_a_secret_in_the_log(site: Site, name: str) -> None:
    for texts in site.words():
        log = site.run(name, filled(LEAVES[name], texts, site.file))
        assert "Traceback" not in log
        assert found_in(log + site.files(), site.secrets) == []
    with site.failing():
        log = site.run(name, filled(LEAVES[name], [site.household, NIK, NAME], site.file))
        assert "Traceback" not in log
        assert found_in(log, site.secrets) == []


@pytest.mark.parametrize(**only_sqlite)
def test_what_was_opened_and_what_went_wrong_is_written_down_without_the_person(site: Site) -> None:
    """Real work, with real lines: what the searches above look through is not empty."""
    site.run("review show", [site.household])
    assert site.household in site.files()
    with site.failing():
        log = site.run("review show", [site.household])
    assert "command_failed" in log and "ValueError" in log and "Kesalahan yang tidak terduga" in log
    assert found_in(log + site.files(), site.secrets) == []
