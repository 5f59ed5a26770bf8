"""Photos in backups and in erasures: what is safe comes back, what was erased does not."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from backup_world import Vault
from erasure_world import Erasing
from photo_kit import form, jpeg, named, sent, sha, tablet
from server_world import World

from server.backups.problem import BackupProblem
from server.blobs.folder import FolderBlobs
from server.blobs.storage import VIEW
from server.flows import blob_upkeep, erasure
from server.flows.backup_blobs import StoredPhotos
from server.flows.blob_upload import standing
from server.flows.erasure import erased_again
from server.flows.photos import develop_some
from server.flows.restore import Restored, choose, restore
from server.images.darkroom import Darkroom
from server.store import blobs
from server.store.migrations import open_store

FIRST, SECOND, LATER = jpeg(60, 40, 1), jpeg(60, 40, 2), jpeg(60, 40, 3)


class Album:
    """A server with photos, and its folder of backups."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.storage = FolderBlobs(world.home / "blobs")
        self.vault = Vault(world, folder)
        self.vault.photos = StoredPhotos(self.storage)  # type: ignore[assignment]  # in place of a dictionary

    def taken(self, photo: bytes) -> str:
        """A form with a photo, both here, and the photo ready to be seen."""
        ref = form(self.world, photo)
        sent(self.world, self.storage, photo)
        develop(self.world, self.storage, self.vault.clock)
        return ref

    def durable(self, photo: bytes) -> bool:
        """Whether the tablet that sent it is told that it may let go of it."""
        return standing(self.world.db, self.storage, tablet(self.world), sha(photo), self.world.now_ms).durable

    def brought_back(self, target: Path) -> tuple[Restored, World, FolderBlobs]:
        """Restored on a machine of its own."""
        there = FolderBlobs(target.parent / "blobs")
        name, clock = choose(self.vault.place, "terbaru"), self.vault.clock
        keys, replay = [self.vault.key], erased_again
        done = restore(
            self.vault.place, name, keys, str(target), target.parent, clock, replay=replay, storage=there
        )
        again = World(open_store(target), seed=8, home=target.parent)
        again.now_ms = self.world.now_ms
        return done, again, there


def develop(world: World, storage: FolderBlobs, clock: Any) -> None:
    with Darkroom() as room:
        develop_some(world.db, storage, room, clock)


def state(world: World, photo: bytes) -> str | None:
    found = blobs.blob_of(world.db, sha(photo))
    return None if found is None else found.state


@pytest.fixture
def album(world: World, tmp_path: Path) -> Album:
    return Album(world, tmp_path / "cadangan")


def test_a_photo_is_safe_from_its_backup_on_and_as_long_as_that_is_whole(album: Album) -> None:
    album.taken(FIRST)
    assert not album.durable(FIRST)
    done = album.vault.make()
    assert album.durable(FIRST)
    album.taken(SECOND)
    assert (album.durable(FIRST), album.durable(SECOND)) == (True, False)
    album.vault.make()
    assert album.durable(SECOND)
    album.vault.place.blob_path(sha(FIRST)).unlink()
    album.vault.clock.advance_ms(2 * 24 * 3_600_000)
    album.vault.look(hash_all=True)
    assert (album.durable(FIRST), album.durable(SECOND)) == (False, True)
    assert done.blobs_lacking == 0


def test_photos_come_back_on_a_new_machine_and_are_shown_again(album: Album, target: Path) -> None:
    album.taken(FIRST)
    album.taken(SECOND)
    album.vault.make()
    album.taken(LATER)
    done, again, there = album.brought_back(target)
    assert done.photos is not None
    assert (done.photos.brought, done.photos.here, done.photos.lacking) == (2, 0, 0)
    for photo in (FIRST, SECOND):
        with there.open(sha(photo)) as file:
            assert file.read() == photo
        assert state(again, photo) == blobs.WAITING
    assert there.size(sha(LATER)) is None
    develop(again, there, album.vault.clock)
    assert state(again, FIRST) == blobs.SHOWN
    assert there.image(sha(FIRST), VIEW).startswith(b"\xff\xd8")
    assert list(there.uploads()) == []
    again.store.close()


def test_a_photo_that_the_folder_of_backups_lost_counts_as_missing_and_is_sent_again(
    album: Album, target: Path
) -> None:
    album.taken(FIRST)
    album.taken(SECOND)
    album.vault.make()
    spoiled = album.vault.place.blob_path(sha(FIRST))
    spoiled.write_bytes(spoiled.read_bytes()[:-20])
    done, again, there = album.brought_back(target)
    assert done.photos is not None
    assert (done.photos.brought, done.photos.lacking) == (1, 1)
    assert state(again, FIRST) == blobs.MISSING
    sent(again, there, FIRST)
    assert state(again, FIRST) == blobs.WAITING
    again.store.close()


def test_on_the_same_machine_photos_stay_and_the_later_ones_need_not_be_sent_again(album: Album, target: Path) -> None:
    album.taken(FIRST)
    album.vault.make()
    envelope = album.world.sealed(album.world.uuid(), {"address": "x"}, attachments=named(LATER))
    album.world.push(envelope)
    sent(album.world, album.storage, LATER)
    target.parent.mkdir()
    album.storage.root.rename(target.parent / "blobs")
    done, again, _ = album.brought_back(target)
    assert done.photos is not None
    assert (done.photos.brought, done.photos.here, done.photos.lacking) == (0, 1, 0)
    assert state(again, LATER) == blobs.UNNAMED
    again.push(envelope)
    assert state(again, LATER) == blobs.WAITING
    again.store.close()


def test_without_room_for_the_photos_nothing_stands_at_the_target(
    album: Album, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    album.taken(FIRST)
    album.vault.make()
    with monkeypatch.context() as small:
        small.setattr(FolderBlobs, "free_bytes", lambda _: 10)
        with pytest.raises(BackupProblem, match="kosongkan tempat"):
            album.brought_back(target)
    assert not target.exists()
    _, again, there = album.brought_back(target)
    assert there.size(sha(FIRST)) == len(FIRST)
    again.store.close()


# Erasure


class Snapped(Erasing):
    """A family in whose visit are a photo of the person and one of the house."""

    face, house_photo = jpeg(50, 50, 11), jpeg(50, 50, 12)

    def snapped(self, storage: FolderBlobs) -> dict[str, Any]:
        """The visit, with both photos here."""
        described = {
            path: {"sha256": sha(photo), "bytes": len(photo), "mime": "image/jpeg"}
            for path, photo in ((f"p/{self.key}/photo", self.face), ("h/photo_house", self.house_photo))
        }
        envelope = self.visit({"address": "Jl. Mawar 6"}, attachments=described)
        for photo in (self.face, self.house_photo):
            sent(self.world, storage, photo)
        self.world.fold()
        return envelope

    def finished(self, storage: FolderBlobs) -> int:
        """What `padan erase` and the worker do after the records; how many files went."""
        forget = partial(blob_upkeep.forget_all, self.db, storage, now_ms=self.world.now_ms)
        return erasure.finish(self.db, self.world.keys, self.ledger, self.world.now_ms, forget=forget).files


def test_the_photos_of_an_erased_person_go_from_the_disk_and_are_asked_for_no_more(
    album: Album,
) -> None:
    erasing, storage = Snapped(album.world, album.world.home), album.storage
    erasing.family()
    envelope = erasing.snapped(storage)
    develop(album.world, storage, album.vault.clock)
    bystander = album.taken(FIRST)
    erasing.erase(end=False)
    assert state(album.world, erasing.face) == blobs.FORGOTTEN, "from the erasure on it is shown to nobody"
    assert erasing.finished(storage) == 2
    left = {path.name.partition(".")[0] for path in storage.root.rglob("*") if path.is_file()}
    assert left == {sha(FIRST)}
    assert [each.ref for each in blobs.living_names(album.world.db, sha(FIRST))] == [bystander]
    # A tablet offers the same form again: it is known, and no photo of it is wanted.
    album.world.push(envelope)
    for photo in (erasing.face, erasing.house_photo):
        assert state(album.world, photo) == blobs.FORGOTTEN
        assert blobs.living_names(album.world.db, sha(photo)) == []


def test_a_restored_older_backup_brings_no_photo_of_an_erased_person_back(album: Album, target: Path) -> None:
    erasing, storage = Snapped(album.world, album.world.home), album.storage
    erasing.family()
    envelope = erasing.snapped(storage)
    album.taken(FIRST)
    album.vault.make()
    erasing.erase(end=False)
    erasing.finished(storage)
    album.vault.look()
    done, again, there = album.brought_back(target)
    assert done.photos is not None
    assert (done.erased, done.photos.brought, done.photos.lacking) == (1, 1, 0)
    again.push(envelope)
    for photo in (erasing.face, erasing.house_photo):
        assert there.size(sha(photo)) is None
        assert blobs.living_names(again.db, sha(photo)) == []
        assert state(again, photo) == blobs.FORGOTTEN
    again.store.close()


def test_a_visit_that_comes_after_the_erasure_asks_for_no_photo_of_the_person(album: Album) -> None:
    """It was filled in before the tablet heard of it, and its part of the person is not taken in."""
    erasing = Snapped(album.world, album.world.home)
    erasing.family()
    late = {"sha256": sha(LATER), "bytes": len(LATER), "mime": "image/jpeg"}
    form_before = erasing.sealed({"address": "Jl. Mawar 7"}, attachments={f"p/{erasing.key}/photo": late})
    erasing.erase(end=False)
    erasing.finished(album.storage)
    album.world.push(form_before)
    assert state(album.world, LATER) is None


def test_a_photo_under_a_path_as_long_as_an_event_is_erased_and_stays_so(album: Album) -> None:
    """Of a broken client: the path is kept by its digest where it is too long for a key."""
    erasing = Snapped(album.world, album.world.home)
    erasing.family()
    described = {f"h/{'x' * 400}": {"sha256": sha(LATER), "bytes": len(LATER), "mime": "image/jpeg"}}
    envelope = erasing.visit({"address": "Jl. Mawar 8"}, attachments=described)
    sent(album.world, album.storage, LATER)
    erasing.erase(end=False)
    erasing.finished(album.storage)
    assert album.storage.size(sha(LATER)) is None
    album.world.db.run("delete from blob_names")
    album.world.db.run("delete from blobs")
    album.world.push(envelope)
    blob_upkeep.name_all(album.world.db, album.world.now_ms)
    assert blobs.living_names(album.world.db, sha(LATER)) == []
