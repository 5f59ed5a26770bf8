"""Rules, without files or with small ones: which sets are kept, when one is due, which passphrase is good enough."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from backup_world import DAY_MS

from server.backups.age_files import new_key
from server.backups.folder import BackupFolder, replace_file
from server.backups.manifest import File, Manifest, read_manifest
from server.backups.passphrase import suggestion, weakness
from server.backups.plan import Plan, plan_of
from server.backups.problem import BackupProblem, SetDamaged
from server.backups.retention import Keep, kept, wib
from server.clock import parse_rfc3339_ms
from server.settings import SettingsInvalid, load_settings

NOON_MS = parse_rfc3339_ms("2026-11-25T12:00:00+07:00")


def test_of_two_years_of_nights_the_last_days_weeks_and_months_are_kept() -> None:
    made = {f"s{back:03d}": NOON_MS - back * DAY_MS for back in range(730)}
    stays = kept(made, Keep(daily=14, weekly=8, monthly=12))
    assert {f"s{back:03d}" for back in range(14)} <= stays
    months = sorted({wib(made[name]).strftime("%Y-%m") for name in stays})
    assert months == ["2025-12", *[f"2026-{month:02d}" for month in range(1, 12)]]
    assert 14 + 12 < len(stays) < 14 + 8 + 12
    assert kept(made, Keep(14, 8, 12)) == stays


def test_the_newest_three_stay_whatever_the_numbers_say() -> None:
    made = {name: NOON_MS + place for place, name in enumerate("abcde")}
    assert kept(made, Keep(1, 0, 0)) == {"c", "d", "e"}
    assert kept({"a": 1}, Keep(0, 0, 0)) == {"a"}
    assert kept({}, Keep(1, 1, 1)) == frozenset()


def test_keeping_is_stable_night_after_night() -> None:
    """What is kept as the week's or the month's does not go the night after."""
    there: dict[str, int] = {}
    for night in range(400):
        there[f"{night:03d}"] = NOON_MS + night * DAY_MS
        there = {name: there[name] for name in kept(there, Keep(7, 5, 12))}
    assert len({wib(at).strftime("%Y-%m") for at in there.values()}) == 12
    assert len(there) <= 7 + 5 + 12


@pytest.mark.parametrize(
    ("now", "slot"),
    [
        ("2026-11-25T01:59:59+07:00", "2026-11-24T13:00:00+07:00"),
        ("2026-11-25T02:00:00+07:00", "2026-11-25T02:00:00+07:00"),
        ("2026-11-25T12:59:00+07:00", "2026-11-25T02:00:00+07:00"),
        ("2026-11-25T23:00:00+07:00", "2026-11-25T13:00:00+07:00"),
    ],
)
def test_the_hour_of_a_backup_is_the_last_one_named(now: str, slot: str, tmp_path: Path) -> None:
    plan = Plan(tmp_path, tmp_path, Keep(1, 1, 1), (2, 13))
    assert plan.slot_ms(parse_rfc3339_ms(now)) == parse_rfc3339_ms(slot)


def test_the_settings_make_the_plan(tmp_path: Path) -> None:
    assert plan_of(load_settings({}, tmp_path)) is None
    raw = {"PADAN_BACKUP_FOLDER": "luar/cadangan", "PADAN_BACKUP_HOURS": "13, 2", "PADAN_BACKUP_KEEP_DAILY": "5"}
    plan = plan_of(load_settings(raw, tmp_path))
    assert plan is not None
    assert (plan.folder, plan.hours, plan.keep) == (tmp_path / "luar" / "cadangan", (2, 13), Keep(5, 8, 12))
    for hours in ("24", "-1", "pagi", "2;3", ""):
        raw["PADAN_BACKUP_HOURS"] = hours or ","
        with pytest.raises(SettingsInvalid, match="PADAN_BACKUP_HOURS: Must be hours"):
            load_settings(raw, tmp_path)


@pytest.mark.parametrize(
    "passphrase",
    ["pendek", "", "a" * 40, "1903014107900001", "12345678901234567890", "qwertyuiopasdfgh", "padan-dinsos-2026",
     "Bangka Selatan 2026!", "verifikasi verifikasi", " rama-duku-siti-kelo-bana-turi", "rama-duku\x00siti-kelo-bana"],
)  # fmt: skip
def test_a_weak_passphrase_is_refused_in_words(passphrase: str) -> None:
    said = weakness(passphrase, ["Bangka", "Selatan", "verifikasi"])
    assert said is not None and said.startswith("Frasa sandi")


def test_a_good_passphrase_is_taken_and_suggestions_are_good() -> None:
    assert weakness("kuda terbang rendah di siang hari") is None
    chance = random.Random(5)
    made = {suggestion(chance.randrange) for _ in range(200)}
    assert len(made) == 200
    assert [each for each in made if weakness(each)] == []
    assert all(len(each.split("-")) == 6 for each in made)


def _manifest(**more: Any) -> Manifest:
    file = File("snapshot.db.gz.age", 10, "a" * 64, 20, "b" * 64)
    facts: dict[str, Any] = {
        "set": "20261125T020000Z-abcdef", "created_ms": 1, "created": "2026-11-25T02:00:00Z", "program": "0.1.0",
        "schema": ["0001_first"], "server_id": "x", "epoch": "e", "recipient": "age1", "positions": {"e": {"19.03": 4}},
        "chains": {"19.03": "00"}, "counts": {"events": 4}, "files": {"snapshot": file},
    }  # fmt: skip
    return Manifest(**facts | more)


def test_a_manifest_is_proved_by_its_key_and_any_change_of_it_is_seen() -> None:
    key, other = new_key(), new_key()
    raw = _manifest(recipient=key.recipient).written(key)
    found = read_manifest(raw, "di sini")
    assert found.manifest == _manifest(recipient=key.recipient)
    assert found.proved_by([other, key]) and not found.proved_by([other]) and not found.proved_by([])
    content = json.loads(raw)
    for name, value in (("positions", {"e": {"19.03": 9}}), ("created_ms", 2), ("recipient", other.recipient)):
        changed = read_manifest(json.dumps(content | {name: value}).encode(), "di sini")
        assert not changed.proved_by([key, other]), name
    forged = _manifest(recipient=other.recipient).written(other)
    assert not read_manifest(forged, "di sini").proved_by([key])


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"{}", b'{"format": 1}', b"\xff\xfe", b'{"format": "1", "mac": "", "files": {}}'],
)
def test_what_is_no_manifest_is_told(raw: bytes) -> None:
    with pytest.raises(SetDamaged, match="manifest tidak terbaca"):
        read_manifest(raw, "di sini")


@pytest.mark.parametrize("name", ["../padan.db", "/etc/passwd", ".tersembunyi", "", "a\\b"])
def test_a_manifest_names_no_file_outside_its_set(name: str) -> None:
    raw = _manifest(files={"snapshot": File(name, 1, "a", 1, "b")}).written(new_key())
    with pytest.raises(SetDamaged, match="manifest tidak terbaca"):
        read_manifest(raw, "di sini")


def test_a_manifest_of_a_newer_program_is_told_as_such() -> None:
    raw = json.loads(_manifest().written(new_key())) | {"format": 2, "something": "new"}
    with pytest.raises(SetDamaged, match="Padan yang lebih baru"):
        read_manifest(json.dumps(raw).encode(), "di sini")


def test_the_folder_belongs_to_one_server_and_to_nothing_else(tmp_path: Path) -> None:
    place = BackupFolder(tmp_path / "cadangan")
    assert not place.reachable() and place.owner() is None and place.names() == []
    place.make("server-1")
    place.make("server-1")
    assert place.reachable() and place.owner() == "server-1"
    assert "padan restore terbaru" in (place.path / "BACA-SAYA.txt").read_text()
    with pytest.raises(BackupProblem, match="milik server lain"):
        place.make("server-2")
    (tmp_path / "lain").mkdir()
    (tmp_path / "lain" / "foto.jpg").write_bytes(b"x")
    with pytest.raises(BackupProblem, match=r"sudah berisi foto.jpg"):
        BackupFolder(tmp_path / "lain").make("server-1")
    (place.path / "padan-backup.json").write_text("{")
    with pytest.raises(BackupProblem, match="tidak terbaca"):
        place.owner()


def test_what_is_unfinished_is_no_set_and_is_swept(tmp_path: Path) -> None:
    place = BackupFolder(tmp_path)
    place.make("server-1")
    name = "20261125T020000Z-abcdef"
    part = place.begin(name)
    (part / "manifest.json").write_text("{}")
    place.begin_blob("c" * 64).write_bytes(b"half")
    assert place.names() == [] and list(place.stored_blobs()) == []
    assert place.sweep() == 2
    assert list(place.sets.iterdir()) == []
    place.begin(name)
    place.publish(name)
    assert place.names() == [name]
    place.remove(name)
    assert place.names() == [] and list(place.sets.iterdir()) == []
    for wrong in ("../x", "", "20261125T020000Z", ".part-20261125T020000Z-abcdef"):
        with pytest.raises(BackupProblem, match="bukan nama cadangan"):
            place.set_path(wrong)
    with pytest.raises(BackupProblem, match="bukan sidik"):
        place.blob_path("../../etc/passwd")


def test_a_small_file_is_replaced_whole(tmp_path: Path) -> None:
    replace_file(tmp_path / "kunci.age", b"satu")
    (tmp_path / ".kunci.age.new").write_bytes(b"left by a cut-off run")
    replace_file(tmp_path / "kunci.age", b"dua")
    assert (tmp_path / "kunci.age").read_bytes() == b"dua"
    assert [each.name for each in tmp_path.iterdir()] == ["kunci.age"]
