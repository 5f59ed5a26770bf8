"""An export: merged households as files, for whoever has the right to it, from one state of the database.

Numbers of persons (NIK, No. KK, telephone) are hidden unless a purpose is stated; who took what, and what for, goes
into the log and into the manifest. Rows are streamed: memory does not grow with the number of households.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from schemas.areas import covered_by_any, covers, is_scope
from schemas.problems import ProblemError
from server.auth.rights import Staff
from server.clock import Clock, rfc3339_s
from server.export.codebook import columns_of
from server.export.csv_files import CsvFolder
from server.export.wide import ANGGOTA, KELUARGA, rows_of
from server.flows.publish_form import published_definitions
from server.log import get_logger
from server.store import feed, forms, households, keys, niks
from server.store.database import Connection
from server.store.households import StoredRecord
from sync.case import ORDER

BATCH = 200
PURPOSE_CHARACTERS_MIN = 10
FORMAT = 1

_log = get_logger()


@dataclass(frozen=True, slots=True)
class ExportOrder:
    """What is wanted: where it goes, of which area and state, with numbers of persons or without. `purpose` must be
    stated for those."""

    folder: Path
    area: str | None = None
    state: str | None = None
    unmask: bool = False
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class Exported:
    """How many households and members were written."""

    households: int
    persons: int


def export_csv(
    db: Connection, staff: Staff, order: ExportOrder, clock: Clock, tell: Callable[[int], None] = lambda _: None
) -> Exported:
    """Write keluarga.csv, anggota.csv, perubahan.csv, kamus.csv and manifest.json into an empty folder.

    `tell` is told how many households are done. Raises `ProblemError` (forbidden, bad_request, export_failed); then
    no file is left.
    """
    scopes = _allowed_scopes(staff, order)
    area = order.area or ",".join(scopes)
    purpose = order.purpose.strip()
    _log.info("export_started", staff=staff.staff, area=area, unmasked=order.unmask, reason=purpose)
    definitions = published_definitions(db)
    columns = columns_of(definitions, retired=forms.retired(db))
    with db.snapshot(), CsvFolder(order.folder, columns, order.unmask) as files:
        count = 0
        for count, record in enumerate(_records(db, scopes, order.state), 1):
            cases = niks.rows_of_households(db, record.home_region, [record.household_id])
            for row in rows_of(json.loads(record.data), cases.get(record.household_id, ())):
                files.write(row)
            tell(count)
        identity = keys.identity(db)
        written = files.finish(
            {
                "format": FORMAT,
                "made_at": rfc3339_s(clock.now_ms()),
                "server_id": identity.server_id,
                "epoch": identity.epoch,
                "staff": staff.staff,
                "areas": list(scopes),
                "state": order.state,
                "unmasked": order.unmask,
                "purpose": purpose,
                "forms": [{"id": form.id, "version": form.version, "hash": form.hash} for form in definitions],
            }
        )
    done = Exported(written[f"{KELUARGA}.csv"].rows, written[f"{ANGGOTA}.csv"].rows)
    _log.info("export_done", staff=staff.staff, area=area, households=done.households, persons=done.persons)
    return done


def _allowed_scopes(staff: Staff, order: ExportOrder) -> tuple[str, ...]:
    """The areas to export, none within another."""
    if not staff.may("export"):
        raise ProblemError("forbidden", f"{staff.staff} ({staff.role}) tidak berhak: export.")
    if order.area is not None and not is_scope(order.area):
        raise ProblemError("bad_request", f"Wilayah {order.area} bukan kode Kemendagri, seperti 19.03 atau 19.03.01.")
    if order.area is not None and not covered_by_any(staff.scopes, order.area):
        raise ProblemError("forbidden", f"{staff.staff} tidak berhak atas wilayah {order.area}.")
    if order.state is not None and order.state not in ORDER:
        raise ProblemError("bad_request", f"Status {order.state} tidak ada; pilih: {', '.join(ORDER)}.")
    if order.unmask and len(order.purpose.strip()) < PURPOSE_CHARACTERS_MIN:
        raise ProblemError(
            "bad_request",
            f"Untuk membuka NIK, KK, dan telepon, sebutkan keperluannya (--purpose, {PURPOSE_CHARACTERS_MIN} huruf "
            "atau lebih).",
        )
    scopes = [order.area] if order.area is not None else sorted(set(staff.scopes))
    return tuple(scope for scope in scopes if not covered_by_any((o for o in scopes if o != scope), scope))


def _records(db: Connection, scopes: Sequence[str], state: str | None) -> Iterator[StoredRecord]:
    """Every record of the scopes once, by region and id, a batch in memory at a time."""
    for region in feed.regions_in(db, scopes):
        whole = any(covers(scope, region) for scope in scopes)
        for scope in [None] if whole else [each for each in scopes if covers(region, each)]:
            after = ""
            while batch := households.page(db, region, area_prefix=scope, state=state, after_id=after, limit=BATCH):
                yield from batch
                after = batch[-1].household_id
