"""`padan doctor`: each finding is made to fail, and says what to do."""

from __future__ import annotations

import http.server
import json
import shutil
import threading
from collections import namedtuple
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from engine_kit import only_sqlite

from field_forms.areas import AreasMissing
from server.cli import command_named
from server.commands import doctor
from server.flows import fold as fold_flow
from server.settings import SettingsInvalid, load_settings


@pytest.fixture
def installation(world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A sound one: migrated, a form published, nothing waiting."""
    monkeypatch.chdir(tmp_path)
    for name, value in world.environ().items():
        monkeypatch.setenv(name, value)
    if world.store.engine == "sqlite":
        world.store.path.chmod(0o600)
    return world


def run(*words: str) -> Result:
    return CliRunner().invoke(click.Group("padan", commands=[command_named("doctor")]), ["doctor", *words])


def finding(name: str) -> doctor.Finding:
    (found,) = [each for each in doctor.examine(load_settings()) if each.check == name]
    return found


def needs(name: str, status: str, do: str) -> None:
    found = finding(name)
    assert (found.status, do in found.do) == (status, True), found


def test_a_sound_installation_is_said_to_be_sound(installation: Any) -> None:
    result = run()
    assert result.exit_code == 0, result.output
    answer = json.loads(run("--json").stdout)
    # Of the disk this machine decides; backups are looked at in tests/server/backups/.
    apart = [each for each in answer if each["check"] in ("diska", "cadangan")]
    assert {each["status"] for each in answer if each not in apart} == {"ok"}, answer
    assert {each["check"] for each in answer} == {
        "jam", "nama setelan", "wilayah", "diska", "basis data", "formulir", "antrean olah", "kiriman tak terbaca",
        "perkara terbuka", "foto", "pekerja", "penghapusan", "cadangan", "folder foto", "registri", "alamat",
    }  # fmt: skip


def test_a_clock_far_behind(installation: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.SystemClock, "now_ms", lambda self: 1_000_000)
    needs("jam", doctor.WRONG, "NTP")
    assert run().exit_code == 1


def test_areas_that_were_not_built(installation: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise AreasMissing("tidak ada daftar wilayah")

    monkeypatch.setattr(doctor, "load_areas", missing)
    needs("wilayah", doctor.WRONG, "padan areas build")


def test_a_disk_that_is_nearly_full(installation: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 10, doctor.FREE_BYTES_MIN - 1))
    needs("diska", doctor.WARNING, "Kosongkan")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 10, doctor.FREE_BYTES_MIN))
    assert finding("diska").status == doctor.OK


@pytest.mark.parametrize(**only_sqlite)
def test_a_folder_or_a_database_that_is_not_there(
    installation: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PADAN_DATABASE", str(tmp_path / "baru" / "padan.db"))
    monkeypatch.delenv("PADAN_FOLDER")
    needs("diska", doctor.WRONG, "mkdir")
    needs("basis data", doctor.WRONG, "padan migrate")
    assert not (tmp_path / "baru").exists(), "it changes nothing"


def test_a_file_that_is_no_database(installation: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "lain.db").write_bytes(b"bukan basis data" * 100)
    monkeypatch.setenv("PADAN_DATABASE", str(tmp_path / "lain.db"))
    needs("basis data", doctor.WRONG, "cadangan")


def test_a_database_of_a_newer_program(installation: Any) -> None:
    table = {"sqlite": "_sqlite_migrations", "postgres": "_padan_migrations"}[installation.store.engine]
    installation.db.run(f"update {table} set name = '9999_masa_depan' where name = (select max(name) from {table})")
    found = finding("basis data")
    assert found.status == doctor.WRONG and "newer version" in found.found


def test_a_database_server_that_does_not_answer(
    installation: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PADAN_DATABASE", f"postgresql://padan:rahasia@localhost:1/padan?host={tmp_path}")
    needs("basis data", doctor.WRONG, "server basis data")
    assert "rahasia" not in finding("basis data").found


def test_a_database_that_lacks_a_migration(installation: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "pending", lambda store: ["0002_besok"])
    needs("basis data", doctor.WRONG, "padan migrate")


@pytest.mark.parametrize(**only_sqlite)
def test_a_database_that_others_can_read(installation: Any, tmp_path: Path) -> None:
    (tmp_path / "padan.db").chmod(0o644)
    needs("basis data", doctor.WARNING, "chmod 600")


def test_no_form_published(installation: Any) -> None:
    installation.db.run("delete from forms")
    needs("formulir", doctor.WRONG, "padan form publish")


def test_a_household_that_cannot_be_folded(installation: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    household = installation.uuid()
    installation.push(installation.sealed(household, {"address": "x"}))
    monkeypatch.setattr(fold_flow, "fold_cluster", lambda *args: 1 / 0)
    fold_flow.fold_all(installation.db, installation.keys, installation.now_ms)
    needs("antrean olah", doctor.WRONG, "fold_failed")
    assert household in finding("antrean olah").found


def test_a_queue_that_nobody_works_off(installation: Any) -> None:
    now_ms = doctor.SystemClock().now_ms()
    installation.now_ms = now_ms - doctor.QUEUE_AGE_MAX_MS - 60_000
    installation.push(installation.sealed(installation.uuid(), {"address": "x"}))
    needs("antrean olah", doctor.WARNING, "padan serve")
    installation.db.run("update fold_queue set queued_ms = :now", {"now": now_ms})
    assert finding("antrean olah").status == doctor.OK


def test_what_could_not_be_read(installation: Any) -> None:
    installation.push(b'{"head": 1}')
    needs("kiriman tak terbaca", doctor.WARNING, "padan review kept")


def test_open_cases_are_counted_by_kind(installation: Any) -> None:
    household = installation.uuid()
    for said in ("layak", "tidak"):
        installation.push(installation.sealed(household, {"assessment": said}))
    installation.fold()
    assert finding("perkara terbuka").found == "field 1"


def test_a_registry_reached_over_http_without_its_key_and_one_that_does_not_answer(
    installation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("PADAN_REGISTRY_URL", f"http://127.0.0.1:{server.server_port}")
    assert isinstance(run().exception, SettingsInvalid)
    monkeypatch.setenv("PADAN_REGISTRY_SECRET", "rahasia-untuk-uji-saja")
    assert finding("registri").status == doctor.OK
    server.shutdown()
    server.server_close()
    needs("registri", doctor.WARNING, "jaringan")
    assert "rahasia-untuk-uji-saja" not in run().output


def test_a_registry_by_file_whose_folder_is_not_there(
    installation: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PADAN_REGISTRY_KIND", "file")
    needs("registri", doctor.WRONG, "PADAN_REGISTRY_FOLDER")
    monkeypatch.setenv("PADAN_REGISTRY_FOLDER", str(tmp_path / "kirim"))
    needs("registri", doctor.WRONG, "PADAN_REGISTRY_FOLDER")
    (tmp_path / "kirim").mkdir()
    assert finding("registri").status == doctor.OK


def test_a_misspelt_setting_is_named_with_the_one_that_was_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor._names().status == doctor.OK
    monkeypatch.setenv("PADAN_DATABSE", "x.db")
    found = doctor._names()
    assert found.status == doctor.WARNING
    assert "PADAN_DATABSE" in found.found and "PADAN_DATABASE" in found.found
