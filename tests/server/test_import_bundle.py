"""A tablet's backup file at the server: whole, twice, cut off, damaged, a stranger's; the unlock code by command."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from schemas.sealing import deposit_content, seal_box
from schemas.signing import public_key, sign_event
from server.cli import command_named
from server.flows.hello import public_sealing_key
from server.store import devices

INSTALL, KEY = "bbbbbbbb-0000-4000-8000-000000000001", b"b" * 32
HOUSEHOLD = "11111111-1111-4111-8111-111111111111"
File = Callable[..., Path]


@pytest.fixture
def operator(world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    for name, value in world.environ().items():
        monkeypatch.setenv(name, value)
    world.enrol(INSTALL, "petugas1", "19.03.01.1001", public_key=base64.b64encode(public_key(KEY)).decode())
    return world


@pytest.fixture
def bundle(operator: Any, tmp_path: Path) -> File:
    """`bundle(count)` -> a file with as many forms, two a box, and its drafts."""

    def make(count: int, *, key: bytes = KEY, install: str = INSTALL, seq: int = 1) -> Path:
        recipient = base64.b64decode(public_sealing_key(operator.db)["key"])
        lines: list[Any] = [{"padan_bundle": 1, "install": install, "made_ms": 1}]
        forms = [
            sign_event(key, operator.sealed(HOUSEHOLD, {"address": f"Jl. {n}"}, install=install, seq=seq + n))
            for n in range(count)
        ]
        for start in range(0, count, 2):
            body = json.dumps({"items": forms[start : start + 2]})
            content = deposit_content(install, body, key)
            lines.append({"box": seal_box(content, recipient, operator.random.randbytes(32)), "items": 2})
        lines += [{"drafts": {"officer": "petugas1", "nonce": "AA==", "sealed": "AA=="}}, {"end": len(lines) + 1}]
        path = tmp_path / f"padan-{operator.uuid()}.padan"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return path

    return make


def padan(*words: Any) -> Result:
    words = tuple(map(str, words))
    return CliRunner().invoke(click.Group("padan", commands=[command_named(words[0])]), list(words))


def in_log(operator: Any) -> int:
    return int(operator.db.value("select count(*) from log where kind = 'submission'"))


def test_every_form_of_a_file_is_taken_in_once(operator: Any, bundle: File) -> None:
    path = bundle(5)
    first = padan("import-bundle", path)
    assert first.exit_code == 0 and "3 amplop; formulir: stored 5" in first.stdout
    assert "draf" in first.stderr and "terpotong" not in first.stderr
    again = padan("import-bundle", path)
    assert "duplicate 5" in again.stdout
    assert in_log(operator) == 5


def test_a_file_that_was_cut_off_is_taken_as_far_as_it_goes(operator: Any, bundle: File) -> None:
    path = bundle(6)
    text = path.read_text()
    path.write_text(text[: text.rindex('{"box"') + 200])
    done = padan("import-bundle", path)
    assert done.exit_code == 0 and "stored 4" in done.stdout
    assert "terpotong" in done.stderr and "1 baris rusak" in done.stderr


def test_a_damaged_box_keeps_the_others_in_and_is_kept_itself(operator: Any, bundle: File) -> None:
    path = bundle(4)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[1]["box"]["sealed"] = "AAAA" + lines[1]["box"]["sealed"][4:]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = padan("import-bundle", path)
    assert "stored 2" in done.stdout and "1 amplop tidak dapat dibuka" in done.stderr
    assert operator.db.value("select count(*) from deposits where opened_ms is null") == 1


def test_forms_of_a_tablet_that_is_not_known_are_held(operator: Any, bundle: File) -> None:
    done = padan("import-bundle", bundle(2, key=b"x" * 32))
    assert "held 2" in done.stdout and "tidak dikenal" in done.stderr


def test_a_file_has_no_quota(operator: Any, bundle: File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schemas.limits.DEPOSITS_PER_INSTALL_MAX", 1)
    assert "stored 6" in padan("import-bundle", bundle(6)).stdout


def test_another_file_is_refused_by_name_and_the_others_are_taken(operator: Any, bundle: File, tmp_path: Path) -> None:
    other = tmp_path / "catatan.txt"
    other.write_bytes(b"\xff\xfehalo")
    done = padan("import-bundle", other, bundle(2))
    assert done.exit_code == 1
    assert "catatan.txt: bukan berkas" in done.stderr and "stored 2" in done.stdout


def test_the_operator_gives_an_unlock_code_for_one_tablet(operator: Any) -> None:
    done = padan("officer", "unlock", INSTALL)
    assert re.fullmatch(r"([2-9A-HJKMNP-Z]{4}-){3}[2-9A-HJKMNP-Z]{4}\n", done.stdout)
    db = operator.db
    rows = [str(tuple(row)) for table in db.tables() for row in db.all(f"select * from {table}")]
    assert rows and done.stdout.strip() not in "\n".join(rows)
    devices.revoke_install(operator.db, INSTALL, "hilang", operator.now_ms)
    assert "dicabut" in str(padan("officer", "unlock", INSTALL).exception)


def test_the_enrolment_code_comes_with_the_link_for_the_qr(operator: Any) -> None:
    done = padan("officer", "code", "petugas1")
    assert f"/tablet/#enrol={done.stdout.strip().replace('-', '')}" in done.stderr
