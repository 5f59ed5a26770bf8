"""A backup that is gone, cut, changed or another's does not count: `durable` falls back to an older one, or null."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from backup_world import DAY_MS, Photos, Vault, flip

from server.flows import backup_watch
from server.flows.backup_prune import prune
from server.flows.backup_watch import is_due
from server.store import backups, leases


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _emptied(path: Path) -> None:
    path.write_bytes(b"")


def _deleted(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("spoil", [_cut, _emptied, _deleted])
@pytest.mark.parametrize("what", ["snapshot.db.gz.age", "manifest.json", "blobs.txt.gz"])
def test_a_file_that_is_cut_or_gone_is_seen_at_the_next_look(
    vault: Vault, spoil: Callable[[Path], None], what: str
) -> None:
    vault.make()
    before = vault.durable()
    vault.filled(2)
    last = vault.make()
    assert vault.durable() != before
    spoil(vault.file(last.set_name, what))
    found = vault.look()
    assert (found.good, found.damaged, found.changed) == (1, 1, (last.set_name,))
    assert vault.durable() == before
    (row,) = [row for row in backups.all_backups(vault.db) if row.set_name == last.set_name]
    assert row.state == "damaged" and row.problem
    assert vault.look().changed == (), "told once"


def test_one_changed_bit_is_seen_within_a_week(vault: Vault) -> None:
    done = vault.make()
    flip(vault.file(done.set_name))
    assert vault.look().good == 1, "names and sizes are as they were"
    vault.clock.advance_ms(7 * DAY_MS)
    found = vault.look()
    assert (found.good, found.damaged) == (0, 1)
    assert vault.durable() is None


def test_every_byte_is_read_again_each_week_one_set_a_look(vault: Vault) -> None:
    for _ in range(3):
        vault.make()
    vault.clock.advance_ms(7 * DAY_MS)
    assert [vault.look().hashed for _ in range(5)] == [1, 1, 1, 0, 0]
    vault.clock.advance_ms(DAY_MS)
    assert vault.look().hashed == 0
    assert vault.look(hash_all=True).hashed == 3


def test_a_set_that_was_swapped_for_an_older_one_is_seen(vault: Vault) -> None:
    old = vault.make()
    vault.filled(2)
    new = vault.make()
    watermark = vault.durable()
    # The older snapshot under the newer manifest; then the whole older set under the newer name.
    shutil.copy(vault.file(old.set_name), vault.file(new.set_name))
    assert vault.look().damaged == 1
    assert vault.durable() != watermark
    shutil.rmtree(vault.place.set_path(new.set_name))
    shutil.copytree(vault.place.set_path(old.set_name), vault.place.set_path(new.set_name))
    backups.set_state(vault.db, new.set_name, backups.GOOD, "", 1)
    assert vault.look().damaged == 1
    assert "bukan" in next(row.problem for row in backups.all_backups(vault.db) if row.state == "damaged")


def test_a_manifest_that_says_more_than_was_verified_is_seen(vault: Vault) -> None:
    done = vault.make()
    path = vault.file(done.set_name, "manifest.json")
    path.write_bytes(path.read_bytes().replace(b'"19.03": 16', b'"19.03": 99'))
    assert vault.look().damaged == 1 and vault.durable() is None


def test_without_the_folder_nothing_is_safe_and_with_it_all_is_again(vault: Vault) -> None:
    """A disk that was unplugged comes back; what comes back is read whole before it counts."""
    vault.photos = Photos(b"rumah")
    vault.make()
    done = vault.make()
    told, away = vault.durable(), vault.plan.folder.with_name("away")
    vault.plan.folder.rename(away)
    found = vault.look()
    assert (found.good, found.missing, vault.durable()) == (0, 2, None)
    assert backups.durable_blobs(vault.db, list(vault.photos.kept)) == set()
    away.rename(vault.plan.folder)
    found = vault.look()
    assert (found.good, found.hashed, vault.durable()) == (2, 2, told)
    assert backups.durable_blobs(vault.db, list(vault.photos.kept)) == set(vault.photos.kept)
    vault.plan.folder.rename(away)
    vault.look()
    away.rename(vault.plan.folder)
    flip(vault.file(done.set_name))
    assert (vault.look().damaged, vault.states()[done.set_name]) == (1, "damaged")


def test_what_was_found_damaged_does_not_become_good_by_itself(vault: Vault) -> None:
    done = vault.make()
    whole = vault.file(done.set_name).read_bytes()
    _cut(vault.file(done.set_name))
    vault.look()
    vault.file(done.set_name).write_bytes(whole)
    assert vault.look().damaged == 1 and vault.durable() is None


def test_a_folder_of_another_server_counts_as_no_folder(vault: Vault) -> None:
    vault.make()
    vault.place.path.joinpath("padan-backup.json").write_text('{"server_id": "another"}')
    assert vault.look().missing == 1 and vault.durable() is None


def test_a_photo_that_is_gone_from_the_folder_is_not_safe_and_the_rest_is(vault: Vault) -> None:
    vault.photos = Photos(b"rumah", b"kartu")
    vault.make()
    gone, there = sorted(vault.photos.kept)
    vault.place.blob_path(gone).unlink()
    assert vault.look().blobs_spoiled == 0, "photos are looked at once a day"
    vault.clock.advance_ms(DAY_MS)
    assert vault.look().blobs_spoiled == 1
    assert backups.durable_blobs(vault.db, [gone, there]) == {there}
    assert vault.durable() is not None
    vault.make()
    assert backups.durable_blobs(vault.db, [gone, there]) == {gone, there}


def test_a_photo_is_safe_only_if_a_good_backup_names_it(vault: Vault) -> None:
    """Falling back to a set from before the photo takes the photo's safety with it."""
    vault.photos = Photos(b"rumah")
    (first,) = vault.photos.kept
    vault.make()
    extra = Photos(b"kartu")
    (second,) = extra.kept
    vault.photos.kept |= extra.kept
    last = vault.make()
    assert backups.durable_blobs(vault.db, [first, second]) == {first, second}
    _cut(vault.file(last.set_name))
    vault.look()
    assert backups.durable_blobs(vault.db, [first, second]) == {first}


# --- pruning ---


def test_old_backups_go_and_the_newest_good_one_never_does(vault: Vault) -> None:
    names = []
    for _ in range(6):
        vault.clock.advance_ms(DAY_MS)
        names.append(vault.make().set_name)
    assert set(names[-3:]) <= set(vault.place.names()) and len(vault.place.names()) < 6
    assert all(vault.states()[name] == "pruned" for name in names if name not in vault.place.names())
    assert vault.look().missing == 0, "what was taken away is not missed"


def test_a_damaged_newest_set_protects_the_last_good_one(vault: Vault) -> None:
    good = vault.make().set_name
    for _ in range(5):
        vault.clock.advance_ms(DAY_MS)
        _cut(vault.file(vault.make().set_name))
        vault.look()
    assert vault.states()[good] == "good" and good in vault.place.names()
    vault.clock.advance_ms(30 * DAY_MS)
    pruned = prune(vault.db, vault.plan, vault.clock.now_ms())
    assert pruned.sets == (), "what is damaged and newer than the last good one is left for people to look at"
    vault.make()
    assert good in vault.place.names()
    assert [name for name, state in vault.states().items() if state == "damaged"] == []


def test_nothing_is_pruned_while_the_newest_good_set_is_not_there(vault: Vault) -> None:
    vault.make()
    vault.clock.advance_ms(400 * DAY_MS)
    last = vault.make().set_name
    shutil.rmtree(vault.place.set_path(last))
    before = vault.place.names()
    assert prune(vault.db, vault.plan, vault.clock.now_ms() + 400 * DAY_MS).sets == ()
    assert vault.place.names() == before != []


def test_sets_of_another_server_in_the_folder_are_left_alone(vault: Vault) -> None:
    first = vault.make().set_name
    foreign = vault.place.sets / "20200101T000000Z-abcdef"
    shutil.copytree(vault.place.set_path(first), foreign)
    raw = (foreign / "manifest.json").read_bytes()
    (foreign / "manifest.json").write_bytes(
        raw.replace(first.encode(), foreign.name.encode()).replace(b'"server_id": "', b'"server_id": "x')
    )
    vault.clock.advance_ms(400 * DAY_MS)
    vault.make()
    assert foreign.exists()


def test_photos_go_only_when_no_set_lists_them(vault: Vault) -> None:
    vault.photos = Photos(b"rumah", b"kartu")
    old, kept = sorted(vault.photos.kept)
    first = vault.make().set_name
    vault.photos.kept.pop(old)
    for _ in range(4):
        vault.clock.advance_ms(DAY_MS)
        vault.make()
    assert vault.place.blob_path(old).exists() == (first in vault.place.names())
    vault.clock.advance_ms(400 * DAY_MS)
    for _ in range(3):
        vault.make()
        vault.clock.advance_ms(DAY_MS)
    assert first not in vault.place.names()
    assert not vault.place.blob_path(old).exists() and vault.place.blob_path(kept).exists()
    assert backups.good_blobs(vault.db).keys() == {kept}


def test_no_photo_goes_while_a_list_cannot_be_read(vault: Vault) -> None:
    vault.photos = Photos(b"rumah", b"kartu")
    old, _ = sorted(vault.photos.kept)
    first = vault.make().set_name
    vault.photos.kept.pop(old)
    _cut(vault.file(first, "blobs.txt.gz"))
    vault.make()
    assert vault.place.blob_path(old).exists()


# --- when one is due ---


def test_a_backup_is_due_from_its_hour_on_until_one_is_verified(vault: Vault) -> None:
    now = vault.clock.now_ms()
    assert is_due(vault.db, vault.plan, now), "never backed up: at once"
    vault.make()
    assert not is_due(vault.db, vault.plan, vault.clock.now_ms())
    next_hour = vault.plan.slot_ms(vault.clock.now_ms()) + DAY_MS
    assert not is_due(vault.db, vault.plan, next_hour - 1)
    assert is_due(vault.db, vault.plan, next_hour)
    assert is_due(vault.db, vault.plan, next_hour + 10 * DAY_MS), "a machine that was off makes it when it is back"


def test_after_a_failure_it_is_tried_again_in_an_hour(vault: Vault) -> None:
    now = vault.clock.now_ms()
    leases.job_started(vault.db, "backup", now)
    leases.job_finished(vault.db, "backup", now, "failed", "penuh")
    assert not is_due(vault.db, vault.plan, now + 10 * 60_000)
    assert is_due(vault.db, vault.plan, now + 60 * 60_000)
    assert is_due(vault.db, vault.plan, now - DAY_MS), "a clock that was set back does not stop backups"


def test_a_backup_from_the_future_does_not_stop_backups_for_years(vault: Vault) -> None:
    vault.clock.advance_ms(3 * 365 * DAY_MS)
    vault.make()
    vault.clock.set_ms(vault.clock.now_ms() - 3 * 365 * DAY_MS)
    assert is_due(vault.db, vault.plan, vault.clock.now_ms())
    vault.filled(1)
    last = vault.make()
    assert not is_due(vault.db, vault.plan, vault.clock.now_ms())
    newest: Any = backups.newest_good(vault.db)
    assert newest.set_name == last.set_name, "the newest is the last that was made, whatever the clock said"
    assert last.set_name in vault.place.names()


def test_a_damaged_newest_backup_makes_a_new_one_due(vault: Vault) -> None:
    vault.make()
    vault.clock.advance_ms(DAY_MS)
    last = vault.make()
    assert not is_due(vault.db, vault.plan, vault.clock.now_ms())
    _cut(vault.file(last.set_name))
    vault.look()
    assert is_due(vault.db, vault.plan, vault.clock.now_ms())
    assert backup_watch.durable(vault.db) is not None
