"""Importing a source list: each family becomes a prelist event; importing twice changes nothing; a run can be undone.

A run that breaks off is simply run again: ids, salts and so the events are derived from the list itself. Undoing
voids what a run brought in; importing the same list again afterwards takes those voids back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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

UNDONE, AGAIN = "import_undone", "import_again"
"""Reasons in the voids and undos that imports make."""

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
    elsewhere: dict[str, str] = field(default_factory=dict)
    """family id -> another kabupaten whose list names it too: perhaps the family moved."""

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
            "elsewhere": len(self.elsewhere),
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
    earlier = imports.of_vintage(db, order.home_region, order.source, order.vintage)
    predecessor = _predecessor(db, order, earlier)
    run = Import(
        import_id,
        order.source,
        order.vintage,
        predecessor,
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
    outcome = Outcome(import_id, predecessor=predecessor)
    chain = _chain(db, run)
    batches = _Batches(db, keys, order, run, chain, [each for each in earlier if each.undone_ms is None], outcome)
    batches.undone = any(each.undone_ms is not None for each in earlier)
    for batch in _batches(families):
        with db.transaction():
            batches.add(batch, now_ms)
        progress(outcome.families)
    if chain:
        outcome.diff = compare_vintages(_digests(db, chain[0]), _digests(db, run))
    imports.finish(db, import_id, outcome.to_json(), now_ms)
    return outcome


def undo_import(
    db: Connection, keys: ServerKeys, run: Import, *, actor: str, now_ms: int, progress: Progress = lambda done: None
) -> int:
    """Void every event this run brought in; how many. What officers filled since stays. Safe to repeat."""
    if run.undone_ms is not None:
        raise ProblemError("wrong_state", f"Impor {run.import_id} sudah dibatalkan.")
    done = 0
    # What an earlier try of the same vintage brought in before it broke off belongs to this import.
    tries = [
        each
        for each in imports.of_vintage(db, run.home_region, run.source, run.vintage)
        if each.import_id == run.import_id or (each.finished_ms is None and each.undone_ms is None)
    ]
    rows = [row for each in tries for row in imports.rows_of(db, run.home_region, each.import_id) if row.fresh]
    for batch in _row_batches(rows):
        append_own(db, [_pointer("void", run, row, row.ref, actor) for row in batch], keys, now_ms)
        done += len(batch)
        progress(done)
    with db.transaction():
        for each in tries:
            imports.mark_undone(db, each.import_id, now_ms)
    return done


def preview_diff(db: Connection, order: Order, digests: Mapping[str, str]) -> VintageDiff | None:
    """What a list (family id -> digest) would change beside the vintage before it; None where it is the first."""
    earlier = imports.of_vintage(db, order.home_region, order.source, order.vintage)
    vintage = _predecessor(db, order, earlier)
    before = imports.newest_of_vintage(db, order.home_region, order.source, vintage) if vintage else None
    return None if before is None else compare_vintages(_digests(db, before), digests)


def _predecessor(db: Connection, order: Order, earlier: Sequence[Import]) -> str:
    """The vintage that this one replaces. It is part of the events' ids, so it stays what it was when the vintage came
    in first: else importing a list again after a newer one would make new events, and bring old values back."""
    if earlier:
        return earlier[0].predecessor
    for run in imports.unfinished(db, order.home_region, order.source):
        if imports.count_rows(db, run.home_region, run.import_id):
            raise ProblemError(
                "wrong_state",
                f"Impor {run.vintage} ({run.import_id}) terputus. Jalankan lagi sampai selesai, atau batalkan: "
                f"padan prelist undo {run.import_id}",
            )
    before = imports.latest(db, order.home_region, order.source, order.vintage)
    return before.vintage if before else ""


def _chain(db: Connection, run: Import) -> list[Import]:
    """The runs this vintage follows, the newest first: what each said of a family is replaced by the later one, also
    where a family was missing in between."""
    chain: list[Import] = []
    vintage, seen = run.predecessor, {run.vintage}
    while vintage and vintage not in seen:
        seen.add(vintage)
        before = imports.newest_of_vintage(db, run.home_region, run.source, vintage)
        if before is None:
            break
        chain.append(before)
        vintage = before.predecessor
    return chain


@dataclass(slots=True)
class _Batches:
    """Takes in the batches of one run."""

    db: Connection
    keys: ServerKeys
    order: Order
    run: Import
    chain: Sequence[Import]
    holding: Sequence[Import]
    """Earlier runs of the same vintage that hold."""
    outcome: Outcome
    undone: bool = False
    """An earlier run of the vintage was undone: its events may be void."""

    def add(self, batch: list[PrelistFamily], now_ms: int) -> None:
        """Append the events of a batch, inside the caller's transaction."""
        ids = [family.family_id for family in batch]
        self._same_vintage(batch, ids)
        seen: dict[str, dict[str, str]] = {}
        for before in self.chain:
            for family_id, row in imports.rows_by_family(self.db, before.home_region, before.import_id, ids).items():
                seen.setdefault(family_id, {})[row.ref] = row.household_id
        envelopes = [self._envelope(family, seen.get(family.family_id)) for family in batch]
        appended = append_own(self.db, envelopes, self.keys, now_ms)
        rows = [
            ImportRow(family.family_id, envelope["head"]["household_id"], one.ref, family.digest, one.fresh)
            for family, envelope, one in zip(batch, envelopes, appended, strict=True)
        ]
        if self.undone:
            rows = [_restored(self.db, self.keys, self.run, row, self.outcome, now_ms) for row in rows]
        imports.add_rows(self.db, self.run.home_region, self.run.import_id, rows)
        self.outcome.families += len(rows)
        self.outcome.fresh += sum(one.fresh for one in appended)
        for family_id in ids:
            for region in imports.households_of_family(self.db, family_id, self.order.source).values():
                if region != self.run.home_region:
                    self.outcome.elsewhere[family_id] = region

    def _envelope(self, family: PrelistFamily, seen: Mapping[str, str] | None) -> dict[str, Any]:
        return prelist_event(
            family,
            source=self.order.source,
            vintage=self.order.vintage,
            predecessor=self.run.predecessor,
            import_key=self.keys.import_secret,
            home_region=self.order.home_region,
            seen=seen,
            evidence=self.order.evidence,
        )

    def _same_vintage(self, batch: list[PrelistFamily], ids: list[str]) -> None:
        """One vintage says one thing of a family: two rows that have not seen each other would be a conflict."""
        for held in self.holding:
            rows = imports.rows_by_family(self.db, held.home_region, held.import_id, ids)
            for family in batch:
                row = rows.get(family.family_id)
                if row is not None and row.row_digest != family.digest:
                    raise ProblemError(
                        "wrong_state",
                        f"Isi keluarga {family.family_id} lain daripada pada impor {held.import_id} dari angkatan yang "
                        f"sama ({held.vintage}). Beri angkatan baru (--vintage), atau batalkan dulu impor itu: "
                        f"padan prelist undo {held.import_id}",
                    )


def _restored(
    db: Connection, keys: ServerKeys, run: Import, row: ImportRow, outcome: Outcome, now_ms: int
) -> ImportRow:
    """A row whose event an undone import voided: take those voids back, and count the event as this run's own. What a
    supervisor voided stays void."""
    if row.fresh:
        return row
    filed = events.filed_under(db, run.home_region, row.household_id, kinds={"void", "undo"})
    taken_back = {each.head["body"]["target"] for each in filed if each.kind == "undo"}
    voids = [
        each
        for each in filed
        if each.kind == "void"
        and each.head["body"]["target"] == row.ref
        and each.head["body"].get("reason") == UNDONE
        and each.ref not in taken_back
    ]
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
        body={"target": target, "reason": UNDONE if kind == "void" else AGAIN},
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
