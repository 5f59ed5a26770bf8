"""`padan backup` and `padan restore` as an operator types them, the jobs in the worker, doctor, metrics, hello."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from backup_world import DAY_MS, PASSPHRASE, Vault, flip, quick_lock, quick_unlock
from click.testing import CliRunner, Result
from server_world import REGION, World

from server import worker
from server.app import create_app
from server.backups.folder import BackupFolder
from server.backups.problem import BackupProblem
from server.blobs.folder import FolderBlobs
from server.cli import command_named
from server.clock import SystemClock
from server.commands._finding import Finding
from server.commands.doctor import examine
from server.flows.backup import at_work
from server.store import backups, events, identity, leases
from server.store.migrations import open_store

Run = Callable[..., Result]


@pytest.fixture
def quick_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locking with a passphrase takes no time (test_age_files.py has the real lock)."""
    monkeypatch.setattr("server.commands.backup.lock_keys", quick_lock)
    for module in ("backup", "restore"):
        monkeypatch.setattr(f"server.commands.{module}.unlock_keys", quick_unlock)


@pytest.fixture
def site(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick_locks: None) -> Iterator[World]:
    """An installation with some families and the settings of backups; the passphrase is in a setting."""
    monkeypatch.chdir(tmp_path)
    for name, value in world.environ().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PADAN_BACKUP_FOLDER", str(tmp_path / "cadangan"))
    monkeypatch.setenv("PADAN_BACKUP_PASSPHRASE", PASSPHRASE)
    for number in range(5):
        world.push(world.sealed(world.uuid(), {"address": f"Jl. Mawar {number}"}))
    world.fold()
    yield world


def run(*words: str, text: str | None = None) -> Result:
    """`padan WORDS...` in this process; a problem in words is what the real command prints before it ends with 1."""
    group = click.Group("padan", commands=[command_named(words[0])])
    return CliRunner().invoke(group, list(words), input=text)


def ran(*words: str, text: str | None = None) -> str:
    result = run(*words, text=text)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def refused(*words: str, text: str | None = None) -> str:
    """What the operator reads when it does not work."""
    result = run(*words, text=text)
    assert result.exit_code != 0, result.output
    return str(result.exception) if isinstance(result.exception, BackupProblem) else result.output


def place_of(tmp_path: Path) -> BackupFolder:
    return BackupFolder(tmp_path / "cadangan")


def test_the_whole_way_of_an_operator(site: World, tmp_path: Path) -> None:
    assert "Belum ada cadangan" in run("backup", "list").stderr
    assert "padan backup init" in refused("backup", "run")
    sheet = ran("backup", "init")
    assert "LEMBAR KUNCI" in sheet and str(tmp_path / "cadangan" / "kunci.age") in sheet and PASSPHRASE not in sheet
    assert "terbukti dapat dibuka" in ran("backup")
    told = json.loads(ran("backup", "run", "--full", "--json").splitlines()[-1])
    assert (told["events"], told["folded"], told["full"]) == (5, 5, True)
    listed = ran("backup", "list").splitlines()
    assert len(listed) == 2 and all("5 kejadian  baik" in line for line in listed)
    assert listed[0].startswith(told["set"])
    assert [json.loads(line)["state"] for line in ran("backup", "list", "--json").splitlines()] == ["good", "good"]
    assert "5 diolah ulang dan sama" in ran("backup", "verify", "--full")
    assert "0 cadangan dan 0 foto dibuang" in run("backup", "prune").stderr
    target = tmp_path / "baru" / "padan.db"
    said = ran("restore", "terbaru", "--to", str(target))
    assert (
        "epoch baru" in said and "padan delivery reconcile" in said and f"{REGION}: buku besar sampai posisi 5" in said
    )
    store = open_store(target)
    assert events.count(store.db) == 5
    store.close()


def test_the_key_is_made_once_and_the_passphrase_can_be_changed(
    site: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran("backup", "init")
    place = place_of(tmp_path)
    keys = quick_unlock(place.locked_keys(), PASSPHRASE)
    assert "sudah disiapkan" in refused("backup", "init")
    other = "kuda-terbang-rendah-siang-hari-lagi"
    monkeypatch.setenv("PADAN_BACKUP_PASSPHRASE", other)
    ran("backup", "init", "--change-passphrase")
    assert quick_unlock(place.locked_keys(), other) == keys
    ran("backup", "init", "--new-key")
    fresh = quick_unlock(place.locked_keys(), other)
    assert len(fresh) == 2 and fresh[1:] == keys
    assert [key.recipient for key in backups.keys(site.db)] == [key.recipient for key in fresh]
    assert ran("backup", "sheet").count(fresh[0].recipient) == 1


def test_a_key_file_that_the_database_does_not_know_is_taken_in(site: World, tmp_path: Path) -> None:
    """The database was begun anew beside a folder whose key somebody still knows."""
    ran("backup", "init")
    keys = quick_unlock(place_of(tmp_path).locked_keys(), PASSPHRASE)
    site.db.run("delete from backup_keys")
    ran("backup", "init")
    assert [key.identity for key in backups.keys(site.db)] == [key.identity for key in keys]


def test_a_passphrase_is_asked_for_twice_and_a_weak_one_again(
    site: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PADAN_BACKUP_PASSPHRASE")
    typed = (
        "pendek\nkuda terbang rendah siang hari\nlain\nkuda terbang rendah siang hari\nkuda terbang rendah siang hari\n"
    )
    result = run("backup", "init", text=typed)
    assert result.exit_code == 0, result.output
    assert "harus 14 sampai 200 karakter" in result.stderr and "Tidak sama" in result.stderr
    assert quick_unlock(place_of(tmp_path).locked_keys(), "kuda terbang rendah siang hari")


def test_a_passphrase_can_be_made_here_and_has_to_be_typed_once(
    site: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PADAN_BACKUP_PASSPHRASE")
    monkeypatch.setattr("server.commands.backup.suggestion", lambda _: PASSPHRASE)
    result = run("backup", "init", text=f"\nsalah tulis\n\n{PASSPHRASE}\n")
    assert result.exit_code == 0, result.output
    assert PASSPHRASE in result.stderr and PASSPHRASE not in result.stdout
    assert quick_unlock(place_of(tmp_path).locked_keys(), PASSPHRASE)


def test_a_weak_passphrase_in_the_setting_is_refused(site: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PADAN_BACKUP_PASSPHRASE", "padan123")
    assert "PADAN_BACKUP_PASSPHRASE: Frasa sandi harus" in refused("backup", "init")


def test_without_a_folder_every_command_says_what_to_set(site: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PADAN_BACKUP_FOLDER")
    for words in (("run",), ("init",), ("list",), ("verify",), ("prune",), ("sheet",)):
        assert "PADAN_BACKUP_FOLDER" in refused("backup", *words)
    assert "--from FOLDER" in refused("restore", "terbaru")
    assert "Sebutkan cadangan" in refused("restore")


def test_verify_finds_a_changed_set_and_says_it_is_not_safe(site: World, tmp_path: Path) -> None:
    ran("backup", "init")
    name = json.loads(ran("backup", "run", "--json").splitlines()[-1])["set"]
    flip(place_of(tmp_path).set_path(name) / "snapshot.db.gz.age")
    assert "rusak" in refused("backup", "verify")
    assert backups.newest_good(site.db) is None
    assert "RUSAK" in ran("backup", "list")
    flip(place_of(tmp_path).set_path(name) / "snapshot.db.gz.age")
    ran("backup", "verify", name)
    assert backups.newest_good(site.db) is not None, "read whole and found good: it counts again"


def test_the_passphrase_can_be_tried_without_any_restore(site: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ran("backup", "init")
    ran("backup", "run")
    ran("backup", "verify", "--ask")
    monkeypatch.setenv("PADAN_BACKUP_PASSPHRASE", "bukan-frasa-yang-benar-sama-sekali")
    assert "tidak cocok" in refused("backup", "verify", "--ask")


def test_a_folder_can_be_verified_on_a_machine_without_the_database(
    site: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran("backup", "init")
    ran("backup", "run")
    elsewhere = tmp_path / "lain"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    for name in ("PADAN_DATABASE", "PADAN_FOLDER", "PADAN_BACKUP_FOLDER"):
        monkeypatch.delenv(name)
    assert "5 kejadian" in ran("backup", "verify", "--from", str(tmp_path / "cadangan"))
    assert list(elsewhere.iterdir()) == []
    monkeypatch.setenv("PADAN_BACKUP_PASSPHRASE", "bukan-frasa-yang-benar-sama-sekali")
    assert "tidak cocok" in refused("restore", "terbaru", "--from", str(tmp_path / "cadangan"))
    assert not (elsewhere / "var").exists()
    monkeypatch.setenv("PADAN_BACKUP_PASSPHRASE", PASSPHRASE)
    ran("restore", "terbaru", "--from", str(tmp_path / "cadangan"))
    assert (elsewhere / "var" / "padan.db").exists(), "where the settings put the database"


def test_an_existing_database_is_moved_aside_only_on_the_operators_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick_locks: None
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PADAN_BACKUP_FOLDER", str(tmp_path / "cadangan"))
    monkeypatch.setenv("PADAN_BACKUP_PASSPHRASE", PASSPHRASE)
    ran("migrate")
    ran("backup", "init")
    ran("backup", "run")
    before = (tmp_path / "var" / "padan.db").stat().st_ino
    assert "--aside" in refused("restore", "terbaru")
    assert (tmp_path / "var" / "padan.db").stat().st_ino == before
    told = json.loads(ran("restore", "terbaru", "--aside", "--json").splitlines()[-1])
    assert Path(told["moved_aside"]).stat().st_ino == before
    assert (tmp_path / "var" / "padan.db").stat().st_ino != before
    assert "Belum ada tablet" in ran("restore", "--positions")
    assert json.loads(ran("restore", "--positions", "--json"))["restore"]["set_name"] == told["set"]


def test_positions_of_a_database_that_never_was_restored(site: World) -> None:
    assert "tidak pernah dipulihkan" in ran("restore", "--positions")
    assert ran("restore", "--positions", "--json").strip() == "null"


# --- the worker ---


@pytest.fixture
def office(vault: Vault) -> worker.Office:
    dispatch = worker.Dispatch(vault.world.keys, "uji", vault.clock, lambda: 0)
    photos = FolderBlobs(vault.world.home / "blobs")
    return worker.Office(vault.world.store, dispatch, None, "w1", photos, plan=vault.plan)


def _runs(vault: Vault) -> dict[str, tuple[str, str]]:
    return {row["job"]: (row["outcome"], row["detail"]) for row in leases.job_runs(vault.db)}


def test_the_job_makes_a_backup_when_its_hour_has_come_and_only_once(vault: Vault, office: worker.Office) -> None:
    def tick() -> str:
        return worker.run_job(office, "backup", worker.backup_job)

    assert "verified" in tick() and tick() == ""
    assert _runs(vault)["backup"][0] == "done"
    vault.clock.advance_ms(DAY_MS)
    assert "verified" in tick() and tick() == ""
    assert len(vault.place.names()) == 2


def test_a_failure_of_the_job_is_told_in_words_and_tried_again_later(
    vault: Vault, office: worker.Office, tmp_path: Path
) -> None:
    vault.plan.folder.rename(tmp_path / "away")
    said = worker.run_job(office, "backup", worker.backup_job)
    assert "Apakah diskanya terpasang" in said
    assert _runs(vault)["backup"] == ("failed", said.removeprefix("failed: "))
    (tmp_path / "away").rename(vault.plan.folder)
    assert worker.run_job(office, "backup", worker.backup_job) == "", "not every ten minutes"
    vault.clock.advance_ms(3_600_000)
    assert "verified" in worker.run_job(office, "backup", worker.backup_job)


def test_the_job_waits_while_another_process_is_at_it(vault: Vault, office: worker.Office) -> None:
    with at_work(vault.world.store, vault.clock, "another"):
        assert worker.run_job(office, "backup", worker.backup_job) == ""
    assert "backup" not in _runs(vault)


def test_the_job_looks_after_what_is_there(vault: Vault, office: worker.Office) -> None:
    assert worker.run_job(office, "recheck", worker.backup_check_job) == ""
    done = vault.make()
    assert worker.run_job(office, "recheck", worker.backup_check_job) == ""
    vault.file(done.set_name).unlink()
    said = worker.run_job(office, "recheck", worker.backup_check_job)
    assert said.startswith("0 good, 0 missing, 1 damaged")


def test_without_a_plan_the_jobs_do_nothing(vault: Vault, office: worker.Office) -> None:
    bare = worker.Office(office.store, office.dispatch, None, "w1", FolderBlobs(vault.world.home / "blobs"))
    assert worker.backup_job(bare) == worker.backup_check_job(bare) == ""


# --- what others are told ---


def _hello(world: World) -> Any:
    from server.auth.callers import Caller
    from server.flows.hello import hello

    return hello(world.db, world.keys, Caller("pull", "pusat", (REGION,)), [], world.now_ms)["durable"]


def test_hello_tells_the_watermark_of_the_newest_good_backup(vault: Vault) -> None:
    assert _hello(vault.world) is None
    done = vault.make()
    _, epoch = identity.current_epoch(vault.db)
    assert _hello(vault.world) == {"epoch": epoch, "positions": {REGION: 16}}
    vault.file(done.set_name).unlink()
    vault.look()
    assert _hello(vault.world) is None


def _metrics(vault: Vault) -> dict[str, float]:
    app = create_app(vault.world.store, vault.world.settings(), clock=vault.clock)
    lines = app.test_client().get("/metrics").text.splitlines()
    return {line.split()[0]: float(line.split()[1]) for line in lines if line.startswith("padan_backup")}


def test_the_age_of_the_newest_good_backup_is_measured(vault: Vault) -> None:
    assert _metrics(vault) == {
        "padan_backup_age_seconds": float("inf"), "padan_backups_good": 0.0, "padan_backups_bad": 0.0
    }  # fmt: skip
    vault.make()
    done = vault.make()
    vault.clock.advance_ms(3_600_000)
    assert _metrics(vault)["padan_backup_age_seconds"] == 3600
    vault.file(done.set_name).unlink()
    vault.look()
    found = _metrics(vault)
    assert (found["padan_backups_good"], found["padan_backups_bad"]) == (1, 1)
    assert found["padan_backup_age_seconds"] == 3660


def _doctor(vault: Vault, **values: Any) -> Finding:
    settings = vault.world.settings(**({"backup_folder": str(vault.plan.folder)} | values))
    (found,) = [each for each in examine(settings) if each.check == "cadangan"]
    return found


def test_doctor_says_what_is_wrong_with_the_backups_and_what_to_do(vault: Vault, tmp_path: Path) -> None:
    vault.clock.set_ms(SystemClock().now_ms())
    found = _doctor(vault, backup_folder="")
    assert found.status == "warning" and "PADAN_BACKUP_FOLDER" in found.do
    found = _doctor(vault)
    assert found.status == "wrong" and "belum ada yang terbukti baik" in found.found and "padan backup run" in found.do
    leases.job_started(vault.db, "backup", 1)
    leases.job_finished(vault.db, "backup", 1, "failed", "diska penuh")
    assert "gagal: diska penuh" in _doctor(vault).found
    done = vault.make()
    found = _doctor(vault)
    assert found.status == "warning" and "diska yang sama" in found.found, "in a test all lies on one disk"
    vault.clock.advance_ms(60_000)
    vault.file(done.set_name).unlink()
    vault.make()
    vault.look()
    assert "1 hilang atau rusak" in _doctor(vault).found
    vault.db.run("update backups set created_ms = :old", {"old": SystemClock().now_ms() - 30 * 3_600_000})
    found = _doctor(vault)
    assert found.status == "wrong" and "terlalu lama" in found.found
    vault.plan.folder.rename(tmp_path / "away")
    found = _doctor(vault)
    assert found.status == "wrong" and "Apakah diskanya terpasang" in found.found
