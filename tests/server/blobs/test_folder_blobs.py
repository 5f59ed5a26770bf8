"""The folder of photos: what it says is there is on the disk, no wrong file is published, no name leads outside."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest
from photo_kit import sha

from server.blobs.folder import FolderBlobs
from server.blobs.storage import THUMB, VIEW, StorageBusy, UploadGone, upload_name

DATA = b"foto rumah " * 1_000
NAME = sha(DATA)
UPLOAD = upload_name(NAME, "tablet-1")


def test_pieces_become_a_file_under_its_hash(storage: FolderBlobs) -> None:
    assert (storage.received(UPLOAD), storage.size(NAME)) == (0, None)
    storage.append(UPLOAD, 0, DATA[:4_000])
    storage.append(UPLOAD, 4_000, DATA[4_000:])
    assert storage.received(UPLOAD) == len(DATA)
    assert storage.publish(UPLOAD, NAME, len(DATA))
    assert storage.size(NAME) == len(DATA)
    with storage.open(NAME) as file:
        assert file.read() == DATA
    assert (storage.received(UPLOAD), list(storage.uploads())) == (0, [])
    assert [(each.name, each.bytes) for each in storage.files()] == [(NAME, len(DATA))]
    path = storage.root / "original" / NAME[:2] / NAME[2:4] / NAME
    assert path.is_file()


def test_files_and_folders_are_readable_by_their_owner_only(storage: FolderBlobs) -> None:
    old = os.umask(0)
    try:
        storage.append(UPLOAD, 0, DATA)
        storage.publish(UPLOAD, NAME, len(DATA))
        storage.put_image(NAME, VIEW, b"view")
        storage.append(upload_name(NAME, "tablet-2"), 0, b"x")
    finally:
        os.umask(old)
    open_to_others = [path for path in storage.root.rglob("*") if path.stat().st_mode & 0o077]
    assert open_to_others == []
    assert len([path for path in storage.root.rglob("*") if path.is_file()]) == 3
    assert storage.root.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", [DATA[:-1], DATA[:-1] + b"?", DATA[:10] + DATA[:-10]])
def test_what_does_not_give_the_hash_is_thrown_away(storage: FolderBlobs, content: bytes) -> None:
    storage.append(UPLOAD, 0, content)
    assert not storage.publish(UPLOAD, NAME, len(DATA))
    assert (storage.received(UPLOAD), storage.size(NAME), list(storage.files())) == (0, None, [])


def test_an_upload_has_no_gaps(storage: FolderBlobs) -> None:
    """Nor is one begun in its middle: what went before was published or thrown away by another request."""
    with pytest.raises(UploadGone):
        storage.append(UPLOAD, 10, DATA[10:])
    storage.append(UPLOAD, 0, DATA[:10])
    with pytest.raises(UploadGone):
        storage.append(UPLOAD, 11, DATA[11:])
    assert storage.received(UPLOAD) == 10


def test_bytes_behind_the_end_do_not_count(storage: FolderBlobs) -> None:
    """A request that was written and never noted may have left some."""
    storage.append(UPLOAD, 0, DATA + b"rest of a lost request")
    assert storage.publish(UPLOAD, NAME, len(DATA))
    assert storage.size(NAME) == len(DATA)


def test_an_empty_file_and_an_upload_that_is_not_there(storage: FolderBlobs) -> None:
    empty = sha(b"")
    storage.append(upload_name(empty, "t"), 0, b"")
    assert storage.publish(upload_name(empty, "t"), empty, 0)
    assert storage.size(empty) == 0
    with pytest.raises(UploadGone):
        storage.publish(UPLOAD, NAME, len(DATA))
    storage.discard(UPLOAD)
    storage.remove(NAME)


@pytest.mark.parametrize("name", ["../../etc/passwd", "a" * 63, "A" * 64, "a" * 64 + "\n", "a/" * 32, ""])
def test_a_name_that_is_no_hash_reaches_no_path(storage: FolderBlobs, name: str) -> None:
    asked: list[Any] = [
        lambda: storage.received(name), lambda: storage.append(name, 0, b"x"), lambda: storage.open(name),
        lambda: storage.size(name), lambda: storage.remove(name), lambda: storage.discard(name),
        lambda: storage.publish(UPLOAD, name, 1), lambda: storage.image(name, VIEW),
    ]  # fmt: skip
    for ask in asked:
        with pytest.raises(ValueError, match="64 hex digits"):
            ask()
    with pytest.raises(ValueError, match="no size"):
        storage.image(NAME, "../view")


def test_a_link_in_the_place_of_an_upload_is_not_followed(storage: FolderBlobs, tmp_path: Path) -> None:
    victim = tmp_path / "padan.db"
    victim.write_bytes(b"the database")
    storage.append(upload_name(NAME, "other"), 0, b"x")
    (storage.root / "uploads" / UPLOAD).symlink_to(victim)
    with pytest.raises(OSError, match=r"symbolic|Too many"):
        storage.append(UPLOAD, 0, b"overwritten")
    assert victim.read_bytes() == b"the database"


def test_every_write_is_synced_before_it_counts(storage: FolderBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the order of the system's calls: bytes, then file, then the folder that names it."""
    calls: list[str] = []
    real_fsync, real_pwrite = os.fsync, os.pwrite

    def fsync(file: int) -> None:
        calls.append("sync " + ("folder" if os.path.isdir(f"/proc/self/fd/{file}") else "file"))
        real_fsync(file)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "pwrite", lambda *a: (calls.append("write"), real_pwrite(*a))[1])
    storage.append(UPLOAD, 0, DATA[:100])
    assert calls[-3:] == ["write", "sync file", "sync folder"]
    calls.clear()
    storage.append(UPLOAD, 100, DATA[100:])
    assert calls == ["write", "sync file"]
    calls.clear()
    assert storage.publish(UPLOAD, NAME, len(DATA))
    assert calls[-2:] == ["sync folder", "sync folder"] and "write" not in calls


def test_nothing_is_written_while_a_file_is_verified(storage: FolderBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the hash and the name no other request may change a byte."""
    from server.blobs import folder

    storage.append(UPLOAD, 0, DATA)
    real, late = folder._digest, FolderBlobs(storage.root)
    writer = threading.Thread(target=lambda: late.append(UPLOAD, 0, b"X" * 10))

    def digest(file: int) -> str:
        found = real(file)
        writer.start()
        writer.join(0.2)
        assert writer.is_alive()
        return found

    monkeypatch.setattr(folder, "_digest", digest)
    assert storage.publish(UPLOAD, NAME, len(DATA))
    writer.join()
    with storage.open(NAME) as file:
        assert file.read() == DATA
    assert storage.received(UPLOAD) == 10


def test_who_waits_too_long_for_a_lock_is_told(storage: FolderBlobs) -> None:
    impatient = FolderBlobs(storage.root, lock_wait_s=0.05)
    storage.append(UPLOAD, 0, DATA)
    with storage._locked(storage._upload(UPLOAD), os.O_RDWR), pytest.raises(StorageBusy):
        impatient.append(UPLOAD, 0, b"x")


def test_images_lie_beside_and_go_with_the_file(storage: FolderBlobs) -> None:
    storage.append(UPLOAD, 0, DATA)
    storage.publish(UPLOAD, NAME, len(DATA))
    storage.put_image(NAME, VIEW, b"view")
    storage.put_image(NAME, THUMB, b"thumb")
    storage.put_image(NAME, VIEW, b"view again")
    assert (storage.image(NAME, VIEW), storage.image(NAME, THUMB)) == (b"view again", b"thumb")
    assert [each.name for each in storage.files()] == [NAME]
    storage.remove(NAME)
    assert [path for path in storage.root.rglob("*") if path.is_file()] == []
    with pytest.raises(FileNotFoundError):
        storage.image(NAME, VIEW)


def test_a_damaged_file_is_set_aside(storage: FolderBlobs) -> None:
    storage.append(UPLOAD, 0, DATA)
    storage.publish(UPLOAD, NAME, len(DATA))
    storage.set_aside(NAME)
    assert storage.size(NAME) is None
    assert (storage.root / "damaged" / NAME).read_bytes() == DATA
    assert list(storage.files()) == []


def test_room_and_rights_are_asked_before_the_folder_is_there(storage: FolderBlobs) -> None:
    assert not storage.root.exists()
    assert storage.free_bytes() > 0
    assert storage.writable()
    assert not storage.root.exists()
