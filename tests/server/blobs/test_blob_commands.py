"""`padan blobs`, the jobs and the alarms: what is lacking is seen, counted, and said with what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from photo_kit import form, jpeg, photo_of, sent, sha

from server import worker
from server.app import create_app
from server.blobs.folder import FolderBlobs
from server.cli import command_named
from server.clock import FixedClock
from server.commands import doctor
from server.flows import blob_upkeep
from server.settings import load_settings
from server.store import blobs, leases
from server.store.identity import drop_setting

DAY_MS = 86_400_000
PHOTO = photo_of(5_000, 1)


@pytest.fixture
def installation(world: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The world, as commands find it."""
    monkeypatch.chdir(tmp_path)
    for name, value in world.environ().items():
        monkeypatch.setenv(name, value)
    return world


def run(*words: str, text: str | None = None) -> Result:
    return CliRunner().invoke(click.Group("padan", commands=[command_named("blobs")]), ["blobs", *words], input=text)


def office(world: Any, storage: FolderBlobs) -> worker.Office:
    found = worker.office_of(world.store, world.keys, world.settings(), FixedClock(world.now_ms))
    assert found.blobs.root == storage.root  # type: ignore[attr-defined]
    return found


def test_sizes_by_state(installation: Any, storage: FolderBlobs) -> None:
    form(installation, PHOTO, jpeg())
    sent(installation, storage, PHOTO)
    sent(installation, storage, jpeg(), upto=300)
    result = run()
    assert result.exit_code == 0, result.output
    assert "belum sampai" in result.stdout and "4.9 KiB" in result.stdout and str(storage.root) in result.stdout
    answer = json.loads(run("--json").stdout)
    assert answer["files"] == dict.fromkeys(blobs.STATES, 0) | {"missing": 1, "waiting": 1}
    assert answer["bytes"]["waiting"] == 5_000 and answer["unfinished_bytes"] == 300


def test_what_is_missing_is_listed_with_whose_it_is(installation: Any, storage: FolderBlobs) -> None:
    form(installation, PHOTO)
    form(installation, jpeg(), area="19.03.02.2001")
    lines = [json.loads(line) for line in run("missing", "--json").stdout.splitlines()]
    assert {(line["sha256"], line["officer"], line["install"], line["path"]) for line in lines} == {
        (sha(PHOTO), "petugas1", "tablet-1", "h/photo_1"), (sha(jpeg()), "petugas1", "tablet-1", "h/photo_1"),
    }  # fmt: skip
    (line,) = run("missing", "--area", "19.03.02").stdout.splitlines()
    assert sha(jpeg())[:16] in line and "petugas1" in line
    sent(installation, storage, PHOTO)
    assert len(run("missing", "--json").stdout.splitlines()) == 1


def test_damage_ends_with_one_and_says_what_to_do(installation: Any, storage: FolderBlobs) -> None:
    form(installation, PHOTO)
    sent(installation, storage, PHOTO)
    assert run("verify").exit_code == 0
    storage._original(sha(PHOTO)).write_bytes(b"x")
    result = run("verify")
    assert result.exit_code == 1
    assert f"RUSAK {sha(PHOTO)}" in result.stdout and "--mend" in result.output
    answer = json.loads(run("verify", "--json", "--mend").stdout)
    assert answer["damaged"] == [sha(PHOTO)]
    assert run("verify").exit_code == 0


def test_names_and_files_are_found_again(installation: Any, storage: FolderBlobs) -> None:
    form(installation, PHOTO)
    sent(installation, storage, PHOTO)
    installation.db.run("delete from blob_names")
    installation.db.run("delete from blobs")
    assert "1 nama ditambahkan, 1 berkas ditemukan" in run("repair").stdout


def test_a_lost_tablet_is_waited_for_no_longer(installation: Any) -> None:
    form(installation, PHOTO)
    assert run("give-up", "--install", "tablet-1", text="n\n").exit_code == 1
    assert "1 foto" in run("give-up", "--install", "tablet-1", "--yes").stdout
    assert run("missing").stdout == ""


def test_the_worker_prepares_photos_and_says_so_once(world: Any, storage: FolderBlobs) -> None:
    mine = office(world, storage)
    assert worker.run_job(mine, "photos", worker.photos_job) == ""
    form(world, jpeg(), b"none")
    for data in (jpeg(), b"none"):
        sent(world, storage, data)
    assert worker.run_job(mine, "photos", worker.photos_job) == "1 photos prepared, 1 not"
    assert worker.run_job(mine, "photos", worker.photos_job) == ""
    assert blobs.counts(world.db)["shown"] == 1


def test_one_worker_at_a_time_prepares_photos(world: Any, storage: FolderBlobs) -> None:
    mine = office(world, storage)
    form(world, jpeg())
    sent(world, storage, jpeg())
    other = leases.acquire(world.db, "photos", "another process", world.now_ms, 60_000)
    assert other is not None
    worker.photos_job(mine)
    assert blobs.counts(world.db)["waiting"] == 1
    leases.give_up(world.db, other)
    worker.photos_job(mine)
    assert blobs.counts(world.db)["shown"] == 1


def test_after_an_upgrade_the_worker_reads_the_names_from_the_log(world: Any, storage: FolderBlobs) -> None:
    form(world, PHOTO)
    world.db.run("delete from blob_names")
    world.db.run("delete from blobs")
    drop_setting(world.db, blob_upkeep.NAMED)
    assert worker.photos_job(office(world, storage)) == "1 names read from the log"


def test_the_jobs_of_expiry_and_of_the_disk_say_what_they_did(world: Any, storage: FolderBlobs) -> None:
    mine = office(world, storage)
    assert worker.expire_job(mine) == worker.disk_job(mine) == ""
    ref = form(world, PHOTO)
    sent(world, storage, PHOTO)
    world.db.run("update blobs set state = 'missing'")
    assert worker.disk_job(mine) == "1 files found that counted as missing"
    with world.db.transaction():
        blob_upkeep.forget(world.db, storage, sha(PHOTO), struck=[(ref, "h/photo_1")], now_ms=world.now_ms)
    assert worker.expire_job(mine) == "0 uploads, 0 unnamed and 1 forgotten files removed"


def finding(name: str) -> doctor.Finding:
    (found,) = [each for each in doctor.examine(load_settings()) if each.check == name]
    return found


def test_doctor_tells_what_does_not_come_and_what_is_not_prepared(
    installation: Any, storage: FolderBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_ms = installation.now_ms
    monkeypatch.setattr(doctor.SystemClock, "now_ms", lambda _: now_ms)
    form(installation, PHOTO, jpeg())
    assert (finding("foto").status, finding("foto").found) == (doctor.OK, "0 sudah sampai, 2 belum")
    now_ms += doctor.PHOTO_MISSING_MAX_MS + 1
    assert (finding("foto").status, "padan blobs missing" in finding("foto").do) == (doctor.WARNING, True)
    sent(installation, storage, jpeg())
    assert "padan serve" in finding("foto").do


def test_doctor_looks_at_the_folder_of_photos(
    installation: Any, storage: FolderBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert finding("folder foto").status == doctor.OK
    storage.append(sha(b"x"), 0, b"x")
    assert finding("folder foto").status == doctor.OK
    storage.root.chmod(0o755)
    assert (finding("folder foto").status, "chmod 700" in finding("folder foto").do) == (doctor.WARNING, True)
    monkeypatch.setattr(FolderBlobs, "writable", lambda _: False)
    assert finding("folder foto").status == doctor.WRONG


def test_metrics_tell_of_photos(installation: Any, storage: FolderBlobs) -> None:
    form(installation, PHOTO, jpeg())
    sent(installation, storage, PHOTO)
    sent(installation, storage, jpeg(), upto=123)
    clock = FixedClock(installation.now_ms + 90_000)
    text = create_app(installation.store, installation.settings(), clock=clock).test_client().get("/metrics").text
    for line in (
        'padan_blobs{state="missing"} 1.0', 'padan_blobs{state="waiting"} 1.0', 'padan_blobs{state="shown"} 0.0',
        "padan_blob_missing_age_seconds 90.0", "padan_blob_waiting_age_seconds 90.0",
        "padan_blob_unfinished_bytes 123.0",
    ):  # fmt: skip
        assert line in text, line
    assert sha(PHOTO) not in text
