"""`padan erase` as somebody who may erase types it: what is shown, asked, done, and written down."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from erasure_world import NAME, NIK, OTHER, Erasing

from schemas.problems import ProblemError
from server.auth.rights import DISTRICT_ADMIN, SUPERVISOR
from server.cli import command_named
from server.clock import FixedClock
from server.commands import doctor
from server.flows import erasure
from server.flows.erasure_ledger import read_ledger
from server.settings import load_settings
from server.store import devices, events, staff
from server.worker import JOBS, Office, office_of, run_job

REASON = ("--basis", "request", "--reason", "Surat permohonan")


@pytest.fixture
def office(world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Erasing]:
    """An installation with one family, and an account that may erase."""
    monkeypatch.chdir(tmp_path)
    for name, value in world.environ().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PADAN_STAFF", "admin")
    staff.save_staff(world.db, "admin", "Admin", DISTRICT_ADMIN, ["19.03"], world.now_ms)
    made = Erasing(world, tmp_path)
    made.family()
    yield made


def run(*words: str, input: str | None = None) -> Result:
    group = click.Group("padan", commands=[command_named("erase")])
    return CliRunner().invoke(group, ["erase", *words], input=input)


def told(*words: str) -> str:
    result = run(*words)
    assert isinstance(result.exception, ProblemError), (result.output, result.exception)
    return str(result.exception)


def test_a_dry_run_shows_everything_and_changes_nothing(office: Erasing) -> None:
    office.visit({"remark": "Ibunya lama di Malaysia"}, {office.other: {"m_name": OTHER}})
    office.world.fold()
    count = events.count(office.db)
    result = run("person", office.house[:8], office.key.split("/")[1][:8], "--dry-run")
    assert result.exit_code == 0, result.output
    for wanted in (NAME, "************0001", "h/remark: Ibunya lama di Malaysia", f"p/{office.other}/mother_name"):
        assert wanted in result.output, result.output
    assert NIK not in result.output
    answer = json.loads(run("person", office.house, office.key, "--dry-run", "--json").output)
    assert answer["persons"] == [office.key]
    assert answer["answers"]["h/head_name"] == 2
    assert (answer["left"], answer["reach"]["standing"]) == ({"h/remark": 1}, [])
    assert NAME not in json.dumps(answer)
    assert events.count(office.db) == count
    assert not office.ledger.exists()
    (line, _) = (office.home / "access.log").read_text().splitlines()
    assert json.loads(line)["household_id"] == office.house


def test_who_does_not_type_the_number_erases_nothing(office: Erasing) -> None:
    result = run("person", office.house, office.key, *REASON, input="ya\n")
    assert result.exit_code == 1
    assert "Tidak ada yang dihapus" in result.output
    assert len(office.data()["persons"]) == 2
    result = run("person", office.house, office.key, *REASON, input=office.key.split("/")[1][:8] + "\n")
    assert result.exit_code == 0, result.output
    assert [person["key"] for person in office.data()["persons"]] == [office.other]
    assert "erasures.jsonl" in result.output
    assert office.traces() == []


def test_a_basis_and_a_reason_are_needed(office: Erasing) -> None:
    for words in (("--basis", "request"), ("--reason", "x"), ("--basis", "suka-suka", "--reason", "x")):
        assert run("person", office.house, office.key, *words, "--yes").exit_code == 2
    assert len(office.data()["persons"]) == 2


def test_only_who_may_erase_there_erases(office: Erasing) -> None:
    staff.save_staff(office.db, "lain", "Lain", DISTRICT_ADMIN, ["19.04"], 1)
    staff.save_staff(office.db, "awas", "Awas", SUPERVISOR, ["19.03"], 1)
    for account in ("lain", "awas"):
        assert "menghapus data pribadi" in told("person", office.house, office.key, "--dry-run", "--as", account)
    assert "tidak ada di keluarga ini" in told("person", office.house, "12345678", "--dry-run")


def test_a_whole_household_by_command(office: Erasing) -> None:
    result = run("household", office.house[:8], *REASON, "--number", "470/9/2026", "--yes", "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.output.splitlines()[-1])
    assert (answer["fresh"], answer["rewritten"]) == (True, True)
    assert office.data()["persons"] == []
    (entry,) = read_ledger(office.ledger, office.world.keys.public_keys).entries
    assert entry.whole == (office.house,)
    assert entry.envelope["head"]["actor"] == "admin"
    assert entry.envelope["parts"][0]["text"] == {"reason": "Surat permohonan", "number": "470/9/2026"}
    listed = run("list").output
    assert "470/9" not in listed
    assert ("selesai" in listed, "Surat permohonan" in listed) == (True, True)
    assert json.loads(run("list", "--json").output)["unfinished"] == []


def test_erasing_again_says_that_nothing_is_left_and_a_word_finds_the_rest(office: Erasing) -> None:
    office.visit({"remark": "Ibunya lama di Malaysia"}, {office.other: {"m_name": OTHER}})
    office.world.fold()
    assert run("person", office.house, office.key, *REASON, "--yes").exit_code == 0
    assert "Tidak ada lagi" in told("person", office.house, office.key, *REASON, "--yes")
    assert run("person", office.house, office.key, *REASON, "--yes", "--word", "Ibunya").exit_code == 0
    assert office.data()["household"]["remark"] == {"values": []}
    office.healthy()


def test_what_waits_is_told_and_finished_by_the_worker_or_by_hand(
    office: Erasing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "REWRITE_BYTES_MAX", 1)
    result = run("person", office.house, office.key, *REASON, "--yes")
    assert "malam ini" in result.output, result.output
    (found,) = [each for each in doctor.examine(load_settings()) if each.check == "penghapusan"]
    assert (found.status, "padan erase finish" in found.do) == (doctor.WARNING, True)
    clock = FixedClock("2026-11-25T05:00:00Z")  # noon in WIB
    worker: Office = office_of(office.world.store, office.world.keys, load_settings(), clock)
    assert run_job(worker, "erasures", JOBS["erasures"][0]) == "waits: large"
    clock.set_ms(clock.now_ms() + 15 * 3_600_000)  # three at night
    assert run_job(worker, "erasures", JOBS["erasures"][0]) == "1 erasures finished"
    assert run_job(worker, "erasures", JOBS["erasures"][0]) == ""
    assert "Tidak ada yang menunggu" in run("finish").output
    assert office.traces() == []


def test_doctor_misses_a_ledger_that_is_gone_and_names_late_forms(office: Erasing) -> None:
    late = office.sealed({"remark": "lama di Malaysia"}, {})
    assert run("person", office.house, office.key, *REASON, "--yes").exit_code == 0

    def found() -> doctor.Finding:
        (one,) = [each for each in doctor.examine(load_settings()) if each.check == "penghapusan"]
        return one

    assert found().status == doctor.OK
    office.world.push(late)
    assert (found().status, "padan erase list" in found().do) == (doctor.WARNING, True)
    assert late["payload_hash"][:32] in run("list").output
    whole = office.ledger.read_bytes()
    office.ledger.write_bytes(whole + b'{"body": "cut')
    assert (found().status, "baris tidak terbaca" in found().found) == (doctor.WARNING, True)
    office.ledger.unlink()
    assert (found().status, "tidak ada di" in found().found) == (doctor.WRONG, True)
    office.ledger.write_bytes(whole.replace(b'"signature": "', b'"signature": "AA'))
    assert found().status == doctor.WRONG


def test_tablets_of_the_family_are_named_and_the_log_has_a_line_without_a_name(
    office: Erasing, capsys: pytest.CaptureFixture[str]
) -> None:
    office.world.staff("assignment", office.house, {"officer": "petugas1"}, context=office.context())
    office.world.fold()
    assert [each.install for each in devices.installs(office.db)] == ["tablet-1"]
    result = run("person", office.house, office.key, *REASON, "--yes")
    assert "tablet tablet-1: lupa pada sinkron berikutnya" in result.output
    logging.shutdown()
    assert NAME not in capsys.readouterr().err
