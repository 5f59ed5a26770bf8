"""Names come from the log, what nobody needs goes, what an event names stays, what was erased is gone."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from photo_kit import form, jpeg, named, photo_of, sent, sha, tablet

from schemas import limits
from schemas.problems import ProblemError
from server.blobs.folder import FolderBlobs
from server.blobs.storage import VIEW, upload_name
from server.clock import FixedClock
from server.flows import blob_upkeep, photos
from server.flows.blob_upload import receive, standing
from server.images.darkroom import Darkroom
from server.store import blobs, events, uploads
from server.store.identity import drop_setting

DAY_MS = 86_400_000
PHOTO, OTHER = photo_of(5_000, 1), photo_of(6_000, 2)
NAME = sha(PHOTO)


def state(world: Any, data: bytes = PHOTO) -> str | None:
    found = blobs.blob_of(world.db, sha(data))
    return None if found is None else found.state


def developed(world: Any, storage: FolderBlobs) -> photos.Developed:
    with Darkroom() as room:
        return photos.develop_some(world.db, storage, room, FixedClock(world.now_ms))


# Names


def test_every_way_into_the_log_names_its_files(world: Any) -> None:
    ref = form(world, PHOTO, OTHER)
    (name,) = blobs.living_names(world.db, NAME)
    assert (name.ref, name.path, name.bytes, name.mime) == (ref, "h/photo_1", 5_000, "image/jpeg")
    assert (name.install, name.actor, name.home_region, name.proved_ms) == ("tablet-1", "petugas1", "19.03", None)
    assert (state(world), state(world, OTHER)) == (blobs.MISSING, blobs.MISSING)


def test_names_that_were_lost_are_read_from_the_log_again(world: Any, storage: FolderBlobs) -> None:
    """As after an upgrade from a version that knew no photos: the worker does it once."""
    refs = {form(world, PHOTO, jpeg(20, 20, seed)) for seed in range(3)}
    household = world.uuid()
    world.push(world.sealed(household, {"address": "ohne"}))
    before = world.db.all("select * from blob_names order by sha256, ref, path")
    world.db.run("delete from blob_names")
    world.db.run("delete from blobs")
    drop_setting(world.db, blob_upkeep.NAMED)
    assert blob_upkeep.name_all_once(world.db, world.now_ms) == 6
    assert blob_upkeep.name_all_once(world.db, world.now_ms) == 0
    after = world.db.all("select * from blob_names order by sha256, ref, path")
    assert [tuple(row) for row in after] == [tuple(row) for row in before]
    assert {each.ref for each in blobs.living_names(world.db, NAME)} == refs
    assert blob_upkeep.name_all(world.db, world.now_ms) == 0


def test_names_are_read_page_by_page(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blob_upkeep, "PAGE_ROWS", 2)
    for number in range(5):
        form(world, photo_of(2_000, number))
    world.db.run("delete from blob_names")
    told: list[tuple[int, int | None]] = []
    assert blob_upkeep.name_all(world.db, world.now_ms, lambda done, total: told.append((done, total))) == 5
    assert told[-1] == (5, 5) and len(told) == 3


def test_an_event_filed_in_two_regions_names_its_files_once(world: Any) -> None:
    form(world, PHOTO, also=[(world.uuid(), "19.05")])
    world.db.run("delete from blob_names")
    assert blob_upkeep.name_all(world.db, world.now_ms) == 1


def test_a_path_as_long_as_an_event_does_no_harm(world: Any) -> None:
    long = {"h/" + "x" * 50_000: {"sha256": NAME, "bytes": 5, "mime": "m" * 5_000}}
    world.push(world.sealed(world.uuid(), {"address": "x"}, attachments=long))
    (name,) = blobs.living_names(world.db, NAME)
    assert len(name.path) == 64 and len(name.mime) == blobs.MIME_CHARACTERS_MAX


# Developing


def test_what_arrived_is_prepared_and_what_is_no_image_is_noted(world: Any, storage: FolderBlobs) -> None:
    good, bad = jpeg(100, 80), b"no image at all"
    form(world, good, bad)
    for data in (good, bad):
        sent(world, storage, data)
    assert developed(world, storage) == photos.Developed(shown=1, no_image=1)
    assert (state(world, good), state(world, bad)) == (blobs.SHOWN, blobs.NO_IMAGE)
    found = blobs.blob_of(world.db, sha(bad))
    assert found is not None and found.problem == "not_an_image"
    assert developed(world, storage) == photos.Developed()


def test_an_image_that_kills_the_worker_is_given_up(world: Any, storage: FolderBlobs) -> None:
    form(world, jpeg())
    sent(world, storage, jpeg())

    class Deadly:
        def develop(self, _data: bytes) -> None:
            raise SystemExit("the worker is killed")

    for _ in range(photos.ATTEMPTS_MAX):
        with pytest.raises(SystemExit):
            photos.develop_some(world.db, storage, Deadly(), FixedClock(world.now_ms))  # type: ignore[arg-type]
        assert state(world, jpeg()) == blobs.WAITING
    assert developed(world, storage).no_image == 1


def test_a_file_that_was_taken_off_the_disk_is_asked_for_again(world: Any, storage: FolderBlobs) -> None:
    form(world, PHOTO)
    sent(world, storage, PHOTO)
    storage.remove(NAME)
    assert developed(world, storage).lost == 1
    assert state(world) == blobs.MISSING
    assert standing(world.db, storage, tablet(world), NAME, world.now_ms).offset == 0
    sent(world, storage, PHOTO)
    assert state(world) == blobs.WAITING


# Expiry


def test_an_unfinished_upload_goes_after_its_days_and_can_be_begun_again(world: Any, storage: FolderBlobs) -> None:
    form(world, PHOTO)
    sent(world, storage, PHOTO, upto=2_000)
    almost = world.now_ms + limits.BLOB_UNFINISHED_DAYS * DAY_MS
    assert not blob_upkeep.expire(world.db, storage, almost)
    assert standing(world.db, storage, tablet(world), NAME, almost).offset == 2_000
    assert blob_upkeep.expire(world.db, storage, almost + 1).uploads == 1
    assert list(storage.uploads()) == []
    assert standing(world.db, storage, tablet(world), NAME, almost).offset == 0
    assert state(world) == blobs.MISSING
    sent(world, storage, PHOTO)
    assert state(world) == blobs.WAITING


def test_what_an_event_names_never_expires(world: Any, storage: FolderBlobs) -> None:
    form(world, PHOTO)
    sent(world, storage, PHOTO)
    far = world.now_ms + 3_650 * DAY_MS
    assert not blob_upkeep.expire(world.db, storage, far)
    blob_upkeep.compare_with_disk(world.db, storage, far)
    assert not blob_upkeep.expire(world.db, storage, far * 2)
    assert storage.size(NAME) == len(PHOTO)


def test_bytes_that_no_event_names_go_after_their_days(world: Any, storage: FolderBlobs) -> None:
    """A database restored from an older backup beside a newer folder."""
    form(world, PHOTO)
    sent(world, storage, PHOTO)
    for table in ("blob_names", "blobs", "blob_uploads", "log", "parts"):
        world.db.run(f"delete from {table}")
    assert blob_upkeep.compare_with_disk(world.db, storage, world.now_ms) == 0
    assert state(world) == blobs.UNNAMED
    later = world.now_ms + limits.BLOB_UNNAMED_DAYS * DAY_MS
    blob_upkeep.compare_with_disk(world.db, storage, later)
    assert not blob_upkeep.expire(world.db, storage, later)
    assert storage.size(NAME) == len(PHOTO)
    assert blob_upkeep.expire(world.db, storage, later + 1).unnamed == 1
    assert (storage.size(NAME), state(world)) == (None, None)


def test_an_event_that_comes_back_keeps_its_unnamed_bytes(world: Any, storage: FolderBlobs) -> None:
    envelope = world.sealed(world.uuid(), {"address": "x"}, attachments=named(PHOTO))
    world.push(envelope)
    sent(world, storage, PHOTO)
    for table in ("blob_names", "blobs", "blob_uploads", "log", "parts", "filings"):
        world.db.run(f"delete from {table}")
    blob_upkeep.compare_with_disk(world.db, storage, world.now_ms)
    world.push(envelope)
    assert state(world) == blobs.WAITING
    far = world.now_ms + 365 * DAY_MS
    assert not blob_upkeep.expire(world.db, storage, far)
    # The tablet has to show anew that it has the bytes before anybody sees them through its name.
    assert standing(world.db, storage, tablet(world), NAME, far).offset == 0
    sent(world, storage, PHOTO)
    assert {each.proved_ms for each in blobs.living_names(world.db, NAME)} == {world.now_ms}


def test_leftovers_of_killed_requests_go_after_a_day(world: Any, storage: FolderBlobs) -> None:
    now_ms = time.time_ns() // 1_000_000
    storage.append(upload_name(NAME, "nobody"), 0, b"written and never noted")
    form(world, PHOTO)
    receive(world.db, storage, tablet(world), NAME, 0, PHOTO[:100], now_ms)
    assert not blob_upkeep.expire(world.db, storage, now_ms)
    assert blob_upkeep.expire(world.db, storage, now_ms + 2 * DAY_MS).uploads == 1
    assert [each.name for each in storage.uploads()] == [upload_name(NAME, "tablet-1")]


# Comparing and verifying


def test_files_that_lie_there_and_count_as_missing_are_found(world: Any, storage: FolderBlobs) -> None:
    form(world, PHOTO)
    storage.append(upload_name(NAME, "copied"), 0, PHOTO)
    assert storage.publish(upload_name(NAME, "copied"), NAME, len(PHOTO))
    assert blob_upkeep.compare_with_disk(world.db, storage, world.now_ms) == 1
    assert state(world) == blobs.WAITING


def test_every_byte_is_read_again_and_damage_is_named(world: Any, storage: FolderBlobs) -> None:
    form(world, PHOTO, OTHER, jpeg())
    for data in (PHOTO, OTHER, jpeg()):
        sent(world, storage, data)
    told: list[tuple[int, int | None]] = []
    done = blob_upkeep.verify(
        world.db, storage, world.now_ms, mend=False, progress=lambda *each: told.append(each)
    )
    assert (done.files, done.bytes, done.damaged, done.lost) == (3, 11_000 + len(jpeg()), (), ())
    assert told[-1] == (3, 3)
    with storage._original(NAME).open("r+b") as file:
        file.seek(2_500)
        file.write(b"\x00\x01")
    storage._original(sha(OTHER)).unlink()
    done = blob_upkeep.verify(world.db, storage, world.now_ms, mend=False)
    assert (done.damaged, done.lost) == ((NAME,), (sha(OTHER),))
    assert state(world) == blobs.WAITING
    done = blob_upkeep.verify(world.db, storage, world.now_ms, mend=True)
    assert (done.damaged, done.lost) == ((NAME,), (sha(OTHER),))
    assert (state(world), state(world, OTHER)) == (blobs.MISSING, blobs.MISSING)
    assert (storage.root / "damaged" / NAME).exists()
    for data in (PHOTO, OTHER):
        sent(world, storage, data)
    assert blob_upkeep.verify(world.db, storage, world.now_ms, mend=False).damaged == ()


def test_pages_of_files_are_read_to_their_end(world: Any) -> None:
    contents = [photo_of(2_000, number) for number in range(5)]
    form(world, *contents)
    for data in contents:
        blobs.arrived(world.db, sha(data), 2_000, world.now_ms)
    assert list(blobs.whole(world.db, page=2)) == sorted(map(sha, contents))


def test_an_operator_stops_waiting_for_a_lost_tablet_and_what_comes_is_taken(world: Any, storage: FolderBlobs) -> None:
    world.enrol("tablet-2", "petugas2", "19.03")
    shared = photo_of(2_000, 9)
    form(world, PHOTO, shared)
    form(world, OTHER, shared, install="tablet-2", actor="petugas2")
    assert blobs.give_up(world.db, "tablet-1", world.now_ms) == 1
    assert (state(world), state(world, OTHER), state(world, shared)) == ("given_up", "missing", "missing")
    sent(world, storage, PHOTO)
    assert state(world) == blobs.WAITING


# Erasure


def erased(world: Any, ref: str, part: str) -> None:
    events.erase_part(world.db, "19.03", ref, part)


def test_a_photo_of_an_erased_person_is_removed_with_all_that_was_made_of_it(
    world: Any, storage: FolderBlobs
) -> None:
    household = world.uuid()
    key = f"{household}/{world.uuid()}"
    photo = jpeg(90, 70)
    described = {f"p/{key}/photo": {"sha256": sha(photo), "bytes": len(photo), "mime": "image/jpeg"}}
    envelope = world.sealed(household, {}, {key: {"m_name": "SITI", "presence": "1"}}, attachments=described)
    world.push(envelope)
    sent(world, storage, photo)
    developed(world, storage)
    assert storage.image(sha(photo), VIEW)
    ref = envelope["payload_hash"][:32]
    erased(world, ref, f"p/{key}")
    assert blob_upkeep.forget(world.db, storage, sha(photo), now_ms=world.now_ms)
    assert [path for path in storage.root.rglob("*") if path.is_file()] == []
    assert state(world, photo) == blobs.FORGOTTEN
    assert blobs.living_names(world.db, sha(photo)) == []
    assert uploads.installs_of(world.db, sha(photo)) == []
    assert blob_upkeep.forget(world.db, storage, sha(photo), now_ms=world.now_ms), "safe to repeat"


def test_a_photo_of_the_household_is_struck_by_the_pair(world: Any, storage: FolderBlobs) -> None:
    ref = form(world, PHOTO)
    sent(world, storage, PHOTO)
    assert not blob_upkeep.forget(world.db, storage, NAME, now_ms=world.now_ms), "its event lives"
    assert storage.size(NAME) == len(PHOTO)
    pair = (ref, "h/photo_1")
    assert blob_upkeep.forget(world.db, storage, NAME, struck=[pair], now_ms=world.now_ms)
    assert storage.size(NAME) is None


def test_a_photo_that_another_living_event_names_stays(world: Any, storage: FolderBlobs) -> None:
    first, second = form(world, PHOTO), form(world, PHOTO)
    sent(world, storage, PHOTO)
    erased(world, first, "h")
    assert not blob_upkeep.forget(world.db, storage, NAME, now_ms=world.now_ms)
    assert storage.size(NAME) == len(PHOTO)
    assert [each.ref for each in blobs.living_names(world.db, NAME)] == [second]
    erased(world, second, "h")
    assert blob_upkeep.forget(world.db, storage, NAME, now_ms=world.now_ms)
    assert storage.size(NAME) is None


def test_what_was_forgotten_is_not_taken_in_again(world: Any, storage: FolderBlobs) -> None:
    ref = form(world, PHOTO)
    sent(world, storage, PHOTO, upto=100)
    erased(world, ref, "h")
    blob_upkeep.forget(world.db, storage, NAME, now_ms=world.now_ms)
    assert list(storage.uploads()) == []
    with pytest.raises(ProblemError, match="names a file"):
        sent(world, storage, PHOTO)
    # Not even where the names are read anew: the log says what was erased.
    world.db.run("delete from blob_names")
    world.db.run("delete from blobs")
    blob_upkeep.name_all(world.db, world.now_ms)
    assert blobs.living_names(world.db, NAME) == []
    assert state(world) == blobs.FORGOTTEN


def test_an_erasure_that_is_rolled_back_has_removed_nothing(world: Any, storage: FolderBlobs) -> None:
    ref = form(world, PHOTO)
    sent(world, storage, PHOTO)
    with pytest.raises(ZeroDivisionError), world.db.transaction():
        erased(world, ref, "h")
        assert blob_upkeep.forget(world.db, storage, NAME, now_ms=world.now_ms)
        raise ZeroDivisionError
    assert storage.size(NAME) == len(PHOTO)
    assert state(world) == blobs.WAITING
    with world.db.transaction():
        erased(world, ref, "h")
        blob_upkeep.forget(world.db, storage, NAME, now_ms=world.now_ms)
    assert blob_upkeep.expire(world.db, storage, world.now_ms).forgotten == 1
    assert storage.size(NAME) is None
    assert not blob_upkeep.expire(world.db, storage, world.now_ms)


def test_a_photo_erased_while_it_is_developed_leaves_no_image(world: Any, storage: FolderBlobs) -> None:
    ref = form(world, jpeg())
    sent(world, storage, jpeg())

    class Slow(Darkroom):
        def develop(self, data: bytes) -> Any:
            found = super().develop(data)
            erased(world, ref, "h")
            blob_upkeep.forget(world.db, storage, sha(jpeg()), now_ms=world.now_ms)
            return found

    with Slow() as room:
        photos.develop_some(world.db, storage, room, FixedClock(world.now_ms))
    assert [path for path in storage.root.rglob("*") if path.is_file()] == []
    assert state(world, jpeg()) == blobs.FORGOTTEN


def test_a_forgotten_photo_that_a_new_event_names_is_asked_for(world: Any, storage: FolderBlobs) -> None:
    ref = form(world, PHOTO)
    sent(world, storage, PHOTO)
    erased(world, ref, "h")
    blob_upkeep.forget(world.db, storage, NAME, now_ms=world.now_ms)
    form(world, PHOTO)
    assert state(world) == blobs.MISSING
    sent(world, storage, PHOTO)
    assert state(world) == blobs.WAITING


def test_an_unknown_hash_is_forgotten_already(world: Any, storage: FolderBlobs, tmp_path: Path) -> None:
    assert blob_upkeep.forget(world.db, storage, sha(b"never"), now_ms=world.now_ms)
