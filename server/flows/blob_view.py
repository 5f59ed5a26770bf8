"""Who may see a photo, and the bytes that are shown: always an image that we wrote ourselves, never what was sent.

A tablet sees what stands in a record that its feed gives in full; the staff what was recorded in their areas. A name
shows a file only once the tablet that made the event has sent the bytes: whoever merely learned a hash sees nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from schemas.areas import covered_by_any
from schemas.problems import ProblemError
from server.auth.callers import Caller
from server.blobs.storage import BlobStorage
from server.flows.cluster import load_cluster
from server.store import blobs as files
from server.store import households
from server.store.blobs import Name
from server.store.database import Connection

WAITING_RETRY_AFTER_S = 10


def image_for(db: Connection, storage: BlobStorage, caller: Caller, sha256: str, size: str, now_ms: int) -> bytes:
    """The JPEG that a token may see. Raises `ProblemError`: blob_unknown, blob_missing, blob_waiting, blob_no_image."""
    names = files.living_names(db, sha256)
    if caller.install is not None:
        seen = [each for each in names if _in_full(db, each, caller.subject)]
    else:
        seen = _in_areas(db, names, caller.scopes)
    return _image(db, storage, sha256, size, seen, now_ms)


def image_for_staff(
    db: Connection, storage: BlobStorage, scopes: Sequence[str], sha256: str, size: str, now_ms: int
) -> bytes:
    """The JPEG that somebody of the staff with these areas may see. Raises as `image_for`."""
    return _image(db, storage, sha256, size, _in_areas(db, files.living_names(db, sha256), scopes), now_ms)


def _image(
    db: Connection, storage: BlobStorage, sha256: str, size: str, seen: Iterable[Name], now_ms: int
) -> bytes:
    seen = list(seen)
    blob = files.blob_of(db, sha256)
    if not seen or blob is None:
        raise ProblemError("blob_unknown")
    if blob.state in files.LACKING or all(each.proved_ms is None for each in seen):
        raise ProblemError("blob_missing")
    if blob.state == files.NO_IMAGE:
        raise ProblemError("blob_no_image")
    if blob.state == files.SHOWN:
        try:
            return storage.image(sha256, size)
        except FileNotFoundError:
            # The images can be made again; the worker does.
            files.move(db, sha256, (files.SHOWN,), files.WAITING, now_ms)
    raise ProblemError("blob_waiting", retry_after=WAITING_RETRY_AFTER_S)


def _in_areas(db: Connection, names: Iterable[Name], scopes: Sequence[str]) -> list[Name]:
    """By the area of the household's record; by that of the event where there is no record (yet)."""
    names = list(names)
    areas: dict[str, str] = {}
    for region in {each.home_region for each in names}:
        ids = sorted({each.household_id for each in names if each.home_region == region})
        areas.update(households.areas_of(db, region, ids))
    return [each for each in names if covered_by_any(scopes, areas.get(each.household_id, each.area))]


def _in_full(db: Connection, name: Name, officer: str) -> bool:
    """Whether the officer's feed gives a record in full in which the file stands: the event's household, or another to
    which it was joined or its event moved."""
    cluster = load_cluster(db, (name.home_region, name.household_id))
    for region in cluster.regions:
        ids = [household for place, household in cluster.filed if place == region]
        mine = households.assigned_to(db, region, [officer], ids)
        for record in households.load_exact(db, region, sorted(mine)):
            if name.sha256.encode() in record.data:
                return True
    return False
