"""`padan setup` writes what a machine needs, never over what somebody wrote, and says what is left to do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from server.cli import command_named
from server.settings import load_settings, setting_fields
from server.setup import writing
from server.setup.plan import CADDY, NGINX, OWN, Plan, PlanProblem, files
from server.setup.writing import KEPT, SAME, WRITTEN, install, write_tree

DOMAIN = "padan.contoh.go.id"


def setup(*words: str) -> Result:
    return CliRunner().invoke(click.Group("padan", commands=[command_named("setup")]), ["setup", *words])


def test_it_writes_a_tree_to_look_at_and_says_the_next_steps(tmp_path: Path) -> None:
    done = setup("--domain", DOMAIN, "--into", str(tmp_path))
    assert done.exit_code == 0, done.output
    names = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert names == {
        "etc/padan/padan.env", "usr/local/bin/padan", "etc/systemd/system/padan.service", "etc/caddy/Caddyfile"
    }  # fmt: skip
    for step in ("padan migrate", "backup init", "systemctl enable --now padan", "caddy validate", "padan doctor"):
        assert step in done.output
    assert "$" not in (tmp_path / "etc/caddy/Caddyfile").read_text()


def test_its_settings_are_settings_and_can_be_loaded(tmp_path: Path) -> None:
    write_tree(Plan(DOMAIN), tmp_path)
    lines = (tmp_path / "etc/padan/padan.env").read_text().splitlines()
    values = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert values.keys() <= {item.metadata["env"] for item in setting_fields()}
    settings = load_settings(values, tmp_path)
    assert settings.public_url == f"https://{DOMAIN}" and settings.trusted_proxies == 1


def test_the_command_of_the_machine_runs_with_its_settings_and_passes_words_on(tmp_path: Path) -> None:
    program = tmp_path / "program"
    (program / "bin").mkdir(parents=True)
    fake = program / "bin/padan"
    fake.write_text('#!/bin/sh\necho "$PADAN_PUBLIC_URL|$(pwd)|$*"\n')
    fake.chmod(0o755)
    (tmp_path / "home").mkdir()
    me = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    plan = Plan(
        DOMAIN, account=me, program=str(program), home=str(tmp_path / "home"), backups=str(tmp_path / "backups"),
        settings=str(tmp_path / "tree/etc/padan"),
    )  # fmt: skip
    for file in files(plan):
        path = tmp_path / "tree" / Path(file.path).relative_to("/")
        if file.path.startswith(str(tmp_path)):
            path = Path(file.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text)
        path.chmod(file.mode)
    command = [str(tmp_path / "tree/usr/local/bin/padan"), "staff", "add", "a b"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said == f"https://{DOMAIN}|{tmp_path / 'home'}|staff add a b\n"


@pytest.mark.parametrize("proxy", [CADDY, NGINX])
@pytest.mark.parametrize("certificate", ["public", OWN])
def test_each_proxy_passes_bodies_of_five_megabytes_and_keeps_measures_inside(
    tmp_path: Path, proxy: str, certificate: str
) -> None:
    write_tree(Plan(DOMAIN, proxy=proxy, certificate=certificate), tmp_path)
    name = {CADDY: "etc/caddy/Caddyfile", NGINX: "etc/nginx/sites-available/padan"}[proxy]
    said = (tmp_path / name).read_text()
    assert "6MB" in said or "client_max_body_size 6m" in said
    assert "metrics" in said and "readyz" in said and "127.0.0.1:8360" in said and DOMAIN in said
    assert ("/etc/padan/tls/fullchain.pem" in said) == (certificate == OWN)


@pytest.mark.parametrize(
    ("part", "value", "told"),
    [
        ("domain", "padan", "nama domain"),
        ("domain", "padan.go.id; rm -rf /", "nama domain"),
        ("account", "Padan Kita", "akun Linux"),
        ("home", "data padan", "jalur lengkap"),
        ("backups", "/var/lib/padan/cadangan", "diska lain"),
    ],
)
def test_what_can_not_be_is_said_in_words(part: str, value: str, told: str) -> None:
    with pytest.raises(PlanProblem, match=told):
        Plan(**{"domain": DOMAIN, part: value})
    done = setup("--domain", DOMAIN, f"--{part}", value)
    assert done.exit_code == 2 and told in done.output


def test_a_file_that_somebody_changed_is_kept_and_ours_lies_beside_it(tmp_path: Path) -> None:
    assert {each.outcome for each in write_tree(Plan(DOMAIN), tmp_path)} == {WRITTEN}
    assert {each.outcome for each in write_tree(Plan(DOMAIN), tmp_path)} == {SAME}
    mine = tmp_path / "etc/padan/padan.env"
    mine.write_text(mine.read_text() + "PADAN_THREADS=32\n")
    caddy = tmp_path / "etc/caddy/Caddyfile"
    caddy.write_text(":80 {\n\troot * /usr/share/caddy\n\tfile_server\n}\n")
    done = {each.path.name: each.outcome for each in write_tree(Plan(DOMAIN), tmp_path)}
    assert done["padan.env.padan-new"] == KEPT and "PADAN_THREADS=32" in mine.read_text()
    assert done["Caddyfile"] == WRITTEN and DOMAIN in caddy.read_text(), "the package's sample is nobody's work"


def test_without_root_nothing_is_installed_and_without_a_domain_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "root" in setup("--domain", DOMAIN, "--install").output
    assert "--domain" in setup().output
    assert list(tmp_path.iterdir()) == []


def test_installing_makes_folders_of_the_account_and_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owned: list[str] = []
    monkeypatch.setattr(writing, "files", lambda plan: [])
    monkeypatch.setattr(writing.os, "chown", lambda path, *_: owned.append(str(path)))
    monkeypatch.setattr(shutil, "which", lambda _: None)
    me = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    places = {name: str(tmp_path / name) for name in ("home", "backups", "settings")}
    for _ in range(2):
        assert install(Plan(DOMAIN, account=me, **places), lambda _: None) == []
    assert {Path(path).name for path in owned} == set(places)
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700


def test_all_settings_can_be_asked_for() -> None:
    said = setup("--settings").output
    assert all(re.search(rf"^#{item.metadata['env']}(_FILE)?=", said, re.MULTILINE) for item in setting_fields())
