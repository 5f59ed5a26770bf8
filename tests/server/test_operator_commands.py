"""`padan officer | staff | token | migrate | rebuild | audit verify` as an operator types them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from engine_kit import everything

from schemas.problems import ProblemError
from server.auth.keys import token_hash
from server.cli import command_named
from server.store import access, devices, staff

REGION = "19.03"


@pytest.fixture
def operator(world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    for name, value in world.environ().items():
        monkeypatch.setenv(name, value)
    return world


def padan(*words: str) -> Result:
    return CliRunner().invoke(click.Group("padan", commands=[command_named(words[0])]), list(words))


def ran(*words: str) -> str:
    result = padan(*words)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def told(*words: str) -> str:
    result = padan(*words)
    assert isinstance(result.exception, ProblemError), (result.output, result.exception)
    return str(result.exception)


def test_an_officer_gets_a_code_once_and_a_tablet_is_cut_off(operator: Any) -> None:
    ran("officer", "add", "budi", "--name", "Budi", "--area", "19.03.01", "--area", "19.03.02")
    assert devices.officer_of(operator.db, "budi").scopes == ("19.03.01", "19.03.02")
    code = ran("officer", "code", "budi").strip()
    assert re.fullmatch(r"([2-9A-HJKMNP-Z]{4}-){3}[2-9A-HJKMNP-Z]{4}", code)
    stored = operator.db.value("select code_hash from enrolments")
    assert stored == token_hash(code.replace("-", "")) and code not in stored
    assert "hantu" in told("officer", "code", "hantu")
    assert "tablet-1  petugas1" in ran("officer", "tablets")
    ran("officer", "revoke", "tablet-1", "--reason", "hilang")
    assert "dicabut" in ran("officer", "tablets", "petugas1")
    told("officer", "revoke", "tablet-9", "--reason", "hilang")


@pytest.mark.parametrize("area", ["1903", "19.3", "", "19.03.", "*"])
def test_an_area_that_is_none_is_refused(operator: Any, area: str) -> None:
    assert "kode seperti" in told("officer", "add", "budi", "--name", "Budi", "--area", area)
    assert devices.officer_of(operator.db, "budi") is None


@pytest.mark.parametrize("account", ["bu di", "büdi", "x" * 81])
def test_an_account_name_is_plain(operator: Any, account: str) -> None:
    told("staff", "add", account, "--name", "B", "--role", "supervisor", "--area", "ID")


def test_staff_are_added_listed_with_their_rights_and_closed(operator: Any) -> None:
    ran("staff", "add", "ani", "--name", "Ani", "--role", "supervisor", "--area", REGION)
    text = ran("staff", "list")
    assert "ani  supervisor  19.03  Ani" in text and "verdict" in text
    assert padan("staff", "add", "ani", "--name", "Ani", "--role", "raja", "--area", REGION).exit_code == 2
    assert "ditutup" in ran("staff", "close", "ani")
    assert staff.staff_of(operator.db, "ani") is None
    assert "tidak ada" in ran("staff", "close", "ani")


def test_a_token_is_shown_once_kept_hashed_and_revoked(operator: Any) -> None:
    token = ran("token", "new", "pusat", "--area", "ID").strip()
    (row,) = access.tokens_of(operator.db)
    assert (row.subject, row.scopes) == ("pusat", ("ID",))
    dump = everything(operator.db)
    assert token not in dump and token_hash(token) in dump
    assert token not in ran("token", "list")
    assert "1 token dicabut" in ran("token", "revoke", "pusat")
    assert "dicabut" in ran("token", "list")
    told("token", "new", "pusat", "--area", "semua")


def test_migrate_says_what_it_would_do_then_does_it_once(
    operator: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PADAN_DATABASE", str(tmp_path / "baru" / "padan.db"))
    assert "0001" in ran("migrate", "--dry-run")
    assert not (tmp_path / "baru").exists()
    assert "0001" in ran("migrate")
    assert "already up to date" in ran("migrate")
    assert "Up to date" in ran("migrate", "--dry-run")


def test_rebuild_names_the_record_with_a_flipped_byte_and_mends_it(operator: Any) -> None:
    households = [operator.uuid() for _ in range(3)]
    for household in households:
        operator.push(operator.sealed(household, {"address": "Jl. Mawar"}))
    operator.fold()
    answer = json.loads(ran("rebuild", "--check", "--json", "--seed", "5"))
    assert (answer["households"], answer["identical"]) == (3, True)
    data = bytes(operator.db.value("select data from households where household_id = :id", {"id": households[1]}))
    flipped = data.replace(b"Mawar", b"Nawar")
    operator.db.run("update households set data = :d where household_id = :id", {"d": flipped, "id": households[1]})
    result = padan("rebuild", "--check")
    assert result.exit_code == 1 and "1 differences" in result.stdout
    assert households[1] in result.stderr and f"byte {data.index(b'Mawar')} differs" in result.stderr
    assert padan("rebuild", "--check", "--json").exit_code == 1
    assert "1 written" in ran("rebuild")
    ran("rebuild", "--check")


def test_audit_prints_heads_and_ends_with_1_where_the_log_was_changed(operator: Any) -> None:
    operator.push(operator.sealed(operator.uuid(), {"address": "Jl. Mawar"}))
    answer = json.loads(ran("audit", "verify", "--json"))
    assert (answer["rows"], answer["broken"], list(answer["heads"])) == (1, [], [REGION])
    assert answer["heads"][REGION] in ran("audit", "verify")
    head = bytes(operator.db.value("select head from log"))
    operator.db.run("update log set head = :head", {"head": head.replace(b"petugas1", b"petugas2")})
    result = padan("audit", "verify")
    assert result.exit_code == 1 and "1 broken" in result.stdout and REGION in result.stderr
    assert padan("audit", "verify", "--json").exit_code == 1
