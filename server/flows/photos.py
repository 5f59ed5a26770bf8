"""Developing photos: what arrived is decoded and written anew in two sizes, before anybody sees it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import structlog

from server.blobs.storage import THUMB, VIEW, BlobStorage
from server.clock import Clock
from server.images.darkroom import Darkroom
from server.images.outcome import TOO_COSTLY, NoImage
from server.store import blobs as files
from server.store import uploads
from server.store.database import Connection

ATTEMPTS_MAX = 3
"""An image during which the worker itself died three times is given up."""

BATCH = 20
LOST = "lost"
_log = structlog.get_logger("padan.photos")


@dataclass(frozen=True, slots=True)
class Developed:
    """How many images were made, of how many files there is nothing to show, how many files are not there."""

    shown: int = 0
    no_image: int = 0
    lost: int = 0


def develop_some(db: Connection, storage: BlobStorage, room: Darkroom, clock: Clock, most: int = BATCH) -> Developed:
    """Develop up to `most` photos, those that wait longest first."""
    counts = dict.fromkeys((files.SHOWN, files.NO_IMAGE, LOST), 0)
    for blob in files.in_state(db, files.WAITING, most):
        counts[_develop(db, storage, room, clock, blob.sha256)] += 1
    return Developed(counts[files.SHOWN], counts[files.NO_IMAGE], counts[LOST])


def lose(db: Connection, sha256: str, now_ms: int, problem: str) -> None:
    """The bytes of a file are not there any more, or are not right: it is missing, and tablets may send it again."""
    with db.transaction():
        files.move(db, sha256, files.WHOLE, files.MISSING, now_ms, problem)
        uploads.drop(db, sha256)


def strike(db: Connection, sha256: str, struck: Iterable[tuple[str, str]], now_ms: int) -> bool:
    """Take out the names `(ref, path)` of a file, and every one that was erased. Where none is left the file counts as
    forgotten: it is shown to nobody and taken in from nobody, and its bytes go. True then."""
    with db.transaction():
        files.strike(db, sha256, [*struck, *files.erased_names(db, sha256)], now_ms)
        if files.living_names(db, sha256):
            return False
        files.move(db, sha256, (*files.LACKING, *files.WHOLE), files.FORGOTTEN, now_ms)
        return True


def _develop(db: Connection, storage: BlobStorage, room: Darkroom, clock: Clock, sha256: str) -> str:
    try:
        if files.try_once(db, sha256) > ATTEMPTS_MAX:
            raise NoImage(TOO_COSTLY)
        with storage.open(sha256) as file:
            found = room.develop(file.read())
    except FileNotFoundError:
        # Somebody took it off the disk: it counts as not arrived, and `padan blobs missing` names it.
        lose(db, sha256, clock.now_ms(), LOST)
        _log.error("photo_lost", reason=LOST)
        return LOST
    except NoImage as problem:
        files.move(db, sha256, (files.WAITING,), files.NO_IMAGE, clock.now_ms(), problem.reason)
        return files.NO_IMAGE
    storage.put_image(sha256, VIEW, found.view)
    storage.put_image(sha256, THUMB, found.thumb)
    if not files.move(db, sha256, (files.WAITING,), files.SHOWN, clock.now_ms()):
        _clear_if_gone(db, storage, sha256)
    return files.SHOWN


def _clear_if_gone(db: Connection, storage: BlobStorage, sha256: str) -> None:
    """The photo was erased while it was developed: no image of it may stay."""
    blob = files.blob_of(db, sha256)
    if blob is None or blob.state in (files.FORGOTTEN, *files.LACKING):
        storage.remove(sha256)
