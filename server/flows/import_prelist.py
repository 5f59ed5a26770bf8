"""Importing a source list: each family becomes a prelist event; importing twice changes nothing; a run can be undone.

A run that breaks off is simply run again: ids, salts and so the events are derived from the list itself. Undoing
voids what a run brought in; importing the same list again afterwards takes those voids back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from schemas.event import seal
from schemas.ids import derived_uuid
from schemas.prelist import PrelistFamily, VintageDiff, compare_vintages, prelist_event
from schemas.problems import ProblemError
from server.auth.keys import ServerKeys
from server.flows.append import append_own
from server.store import events, imports
from server.store.database import Connection
from server.store.imports import Import, ImportRow

BATCH_FAMILIES = 200
"""Families in one transaction: one fsync for all; a break loses at most these, and they are made again."""

Progress = Callable[[int], None]
"""Told how many families are done."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is imported: the source, its vintage, the kabupaten; the file it came from; who did it."""

    source: str
    vintage: str
    home_region: str
    file_name: str
    file_sha256: str
    actor: str
    evidence: int = 0


@dataclass(slots=True)
class Outcome:
    """What a run did. `diff` compares with the vintage before, where there is one."""

    import_id: str
    families: int = 0
    fresh: int = 0
    restored: int = 0
    diff: VintageDiff | None = None
    predecessor: str = ""
    skipped: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Counts, for programs and for the record of the run."""
        counts = None if self.diff is None else {name: len(getattr(self.diff, name)) for name in _DIFF}
        return {
            "import_id": self.import_id,
            "families": self.families,
            "fresh": self.fresh,
            "restored": self.restored,
            "predecessor": self.predecessor,
            "vintage": counts,
        }


_DIFF = ("new", "gone", "changed", "same")


def import_families(
    db: Connection,
    keys: ServerKeys,
    order: Order,
    families: Iterable[PrelistFamily],
    *,
    import_id: str,
    now_ms: int,
    progress: Progress = lambda done: None,
) -> Outcome:
    """Append the events of a list. Committed batch by batch; the caller folds afterwards."""
    before = imports.latest(db, order.home_region, order.source, order.vintage)
    run = Import(
        import_id,
        order.source,
        order.vintage,
        before.vintage if before else "",
        order.home_region,
        order.file_name,
        order.file_sha256,
        now_ms,
        None,
        None,
        order.actor,
        {},
    )
    imports.start(db, run)
    outcome = Outcome(import_id, predecessor=run.predecessor)
    undone = imports.was_undone(db, order.home_region, order.source, order.vintage)
    for batch in _batches(families):
        with db.transaction():
            _import_batch(db, keys, order, run, before, batch, outcome, now_ms, undone)
        progress(outcome.families)
    if before is not None:
        outcome.diff = compare_vintages(_digests(db, before), _digests(db, run))
    imports.finish(db, import_id, outcome.to_json(), now_ms)
    return outcome


def undo_import(
    db: Connection, keys: ServerKeys, run: Import, *, actor: str, now_ms: int, progress: Progress = lambda done: None
) -> int:
    """Void every event this run brought in; how many. What officers filled since stays. Safe to repeat."""
    if run.undone_ms is not None:
        raise ProblemError("wrong_state", f"Impor {run.import_id} sudah dibatalkan.")
    done = 0
    rows = (row for row in imports.rows_of(db, run.home_region, run.import_id) if row.fresh)
    for batch in _row_batches(list(rows)):
        append_own(db, [_pointer("void", run, row, row.ref, actor) for row in batch], keys, now_ms)
        done += len(batch)
        progress(done)
    imports.mark_undone(db, run.import_id, now_ms)
    return done


def preview_diff(db: Connection, order: Order, digests: Mapping[str, str]) -> VintageDiff | None:
    """What a list (family id -> digest) would change beside the vintage before it; None where it is the first."""
    before = imports.latest(db, order.home_region, order.source, order.vintage)
    return None if before is None else compare_vintages(_digests(db, before), digests)


def _import_batch(
    db: Connection,
    keys: ServerKeys,
    order: Order,
    run: Import,
    before: Import | None,
    batch: list[PrelistFamily],
    outcome: Outcome,
    now_ms: int,
    undone: bool,
) -> None:
    older: Mapping[str, ImportRow] = {}
    if before is not None:
        older = imports.rows_by_family(db, order.home_region, before.import_id, [f.family_id for f in batch])
    envelopes = []
    for family in batch:
        seen = older.get(family.family_id)
        envelopes.append(
            prelist_event(
                family,
                source=order.source,
                vintage=order.vintage,
                predecessor=run.predecessor,
                import_key=keys.import_secret,
                home_region=order.home_region,
                seen={seen.ref: seen.household_id} if seen else None,
                evidence=order.evidence,
            )
        )
    appended = append_own(db, envelopes, keys, now_ms)
    rows = [
        ImportRow(family.family_id, envelope["head"]["household_id"], one.ref, family.digest, one.fresh)
        for family, envelope, one in zip(batch, envelopes, appended, strict=True)
    ]
    if undone:
        rows = [_restored(db, keys, run, row, outcome, now_ms) for row in rows]
    imports.add_rows(db, order.home_region, run.import_id, rows)
    outcome.families += len(rows)
    outcome.fresh += sum(one.fresh for one in appended)


def _restored(
    db: Connection, keys: ServerKeys, run: Import, row: ImportRow, outcome: Outcome, now_ms: int
) -> ImportRow:
    """A row whose event an earlier undo voided: take the voids back, and count the event as this run's own."""
    if row.fresh:
        return row
    filed = events.filed_under(db, run.home_region, row.household_id, kinds={"void", "undo"})
    taken_back = {each.head["body"]["target"] for each in filed if each.kind == "undo"}
    voids = [e for e in filed if e.kind == "void" and e.head["body"]["target"] == row.ref and e.ref not in taken_back]
    if not voids:
        return row
    append_own(db, [_pointer("undo", run, row, void.ref, run.actor) for void in voids], keys, now_ms)
    outcome.restored += 1
    return ImportRow(row.family_id, row.household_id, row.ref, row.row_digest, True)


def _pointer(kind: str, run: Import, row: ImportRow, target: str, actor: str) -> dict[str, Any]:
    """A void or an undo made by a run; the same run makes the same one."""
    return seal(
        id=derived_uuid(f"import-{kind}", run.import_id, target),
        kind=kind,
        household_id=row.household_id,
        home_region=run.home_region,
        actor=actor,
        area=run.home_region,
        context={target: row.household_id},
        body={"target": target, "reason": "import_undone" if kind == "void" else "import_again"},
        parts=[],
        salts={},
    )


def _digests(db: Connection, run: Import) -> dict[str, str]:
    return {row.family_id: row.row_digest for row in imports.rows_of(db, run.home_region, run.import_id)}


def _batches(families: Iterable[PrelistFamily]) -> Iterator[list[PrelistFamily]]:
    """Slices that hold each family id once: a list that repeats one gets it in two transactions."""
    iterator = iter(families)
    while batch := list(islice(iterator, BATCH_FAMILIES)):
        yield batch


def _row_batches(rows: list[ImportRow]) -> Iterator[list[ImportRow]]:
    for start in range(0, len(rows), BATCH_FAMILIES):
        yield rows[start : start + BATCH_FAMILIES]
