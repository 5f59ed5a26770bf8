"""`padan rebuild`: every record folded afresh from the log, in shuffled order, and compared with what is stored.

With `check` it only tells; without, it writes what differs, cluster by cluster, while the server goes on answering.
Memory is flat: 20 bytes a household beside one cluster at a time.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields

from server.auth.keys import ServerKeys
from server.flows import dictionary as dictionaries
from server.flows.cluster import Cluster, Pair, Target, fold_cluster, load_cluster, nik_case, still_current
from server.flows.fold import apply_targets, fresh_row, settle_niks
from server.store import cases, events, fold_queue, households, niks
from server.store.database import Connection
from server.store.households import StoredRecord

PROGRESS_EVERY = 500
Progress = Callable[[int, int], None]
Report = Callable[["Difference"], None]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing stored that is not what the log says. `what` names the column and, for bytes, the first place."""

    home_region: str
    household_id: str
    what: str

    def __str__(self) -> str:
        return f"{self.home_region} {self.household_id}: {self.what}"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The outcome. `waiting`: households left out because they wait to be folded anyway."""

    households: int
    clusters: int
    waiting: int
    differences: int
    written: int

    @property
    def identical(self) -> bool:
        """Whether everything stored was what a fresh fold gives."""
        return self.differences == 0


def rebuild(
    db: Connection,
    keys: ServerKeys,
    *,
    check: bool,
    shuffle_seed: int,
    now_ms: int,
    report: Report = lambda _: None,
    progress: Progress = lambda _done, _all: None,
) -> Rebuilt:
    """Fold everything afresh; `report` hears of each difference. `check=False` writes what differs as well."""
    dictionary = dictionaries.current(db)
    rng = random.Random(shuffle_seed)  # noqa: S311 - an order to try, not a secret
    regions, ids = _all_households(db)
    order = array("L", range(len(regions)))
    rng.shuffle(order)
    counted = _Counter(report)
    clusters = waiting = written = 0
    for done, index in enumerate(order):
        pair = (regions[index], _text(ids, index))
        cluster = load_cluster(db, pair)
        # Each cluster is met once for each of its households; it is worked on at the smallest.
        if pair == min(cluster.filed):
            clusters += 1
            targets = fold_cluster(cluster, dictionary, keys.nik_digest, rng.shuffle)
            if check and any(number is not None for number in cluster.generations.values()):
                waiting += 1
            else:
                before = counted.total
                for difference in differences(db, cluster, targets):
                    counted.add(difference)
                if not check and counted.total > before:
                    written += _write(db, cluster, targets, now_ms)
        if done % PROGRESS_EVERY == 0:
            progress(done, len(order))
    progress(len(order), len(order))
    _orphans(db, counted, write=not check)
    _nik_rows(db, counted, write=not check, now_ms=now_ms)
    return Rebuilt(len(order), clusters, waiting, counted.total, written)


def differences(db: Connection, cluster: Cluster, targets: Mapping[Pair, Target]) -> Iterator[Difference]:
    """What the store holds for a cluster that its fold does not give, and the other way round."""
    for region in cluster.regions:
        here = {household: target for (place, household), target in targets.items() if place == region}
        stored = {record.household_id: record for record in households.load_exact(db, region, sorted(here))}
        aliases = households.aliases_of(db, region, sorted(here))
        wanted = {
            alias: record.household_id
            for record in (target.record for target in here.values())
            if record is not None
            for alias in record.aliases
        }
        for household, target in sorted(here.items()):
            for what in _record_differences(stored.get(household), target.record):
                yield Difference(region, household, what)
            if aliases.get(household) != wanted.get(household):
                yield Difference(
                    region, household, f"alias of {aliases.get(household)}, should be of {wanted.get(household)}"
                )
            if niks.claims_of(db, region, household) != target.claims:
                yield Difference(region, household, "NIK claims differ")
            if niks.verdicts_of(db, region, household) != target.verdicts:
                yield Difference(region, household, "NIK verdicts differ")
            if cases.stored(db, region, household, cases.RECORD) != target.cases:
                yield Difference(region, household, "open cases differ")
            if cases.stored(db, region, household, cases.NIK) != nik_cases(db, region, household):
                yield Difference(region, household, "cases of its NIKs differ")


def _record_differences(stored: StoredRecord | None, fresh: StoredRecord | None) -> Iterator[str]:
    if stored is None or fresh is None:
        if fresh is not None:
            yield "record is missing"
        elif stored is not None:
            yield "record should not be there"
        return
    for column in fields(StoredRecord):
        if column.name == "feed_position":
            continue
        old, new = getattr(stored, column.name), getattr(fresh, column.name)
        if old != new:
            yield f"{column.name}: {_where(old, new)}"


def nik_cases(db: Connection, region: str, household: str) -> dict[str, tuple[str, str]]:
    """The cases that the rows of a household's NIKs make, as the work lists keep them."""
    return {
        row["nik_digest"]: nik_case(row) for row in niks.rows_of_household(db, region, household) if not row["settled"]
    }


def _where(old: object, new: object) -> str:
    if not isinstance(old, bytes) or not isinstance(new, bytes):
        return f"{old!r} is stored, {new!r} is right"
    first = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    return f"byte {first} differs ({len(old)} bytes are stored, {len(new)} are right)"


def _write(db: Connection, cluster: Cluster, targets: Mapping[Pair, Target], now_ms: int) -> int:
    with db.transaction():
        if not still_current(db, cluster):
            return 0  # something came in meanwhile: the fold of it writes the whole cluster
        changed = apply_targets(db, cluster, targets, now_ms)
        for (region, household), target in targets.items():
            area = "" if target.record is None else target.record.area
            found = nik_cases(db, region, household)
            cases.replace(db, region, household, cases.NIK, area, found, now_ms)
        fold_queue.done(db, [(pair, number) for pair, number in cluster.generations.items() if number is not None])
    return len(changed)


def _orphans(db: Connection, counted: _Counter, *, write: bool) -> None:
    """Records of households that no event was ever filed under."""
    for region, household in list(households.unfiled(db)):
        counted.add(Difference(region, household, "no event is filed under this household"))
        if write:
            with db.transaction():
                households.drop_unfiled(db, region, household)


def _nik_rows(db: Connection, counted: _Counter, *, write: bool, now_ms: int) -> None:
    batch: list[str] = []
    for digest in niks.all_digests(db):
        if niks.row_of(db, digest) != fresh_row(db, digest) and not niks.is_queued(db, digest):
            counted.add(Difference("-", "-", f"row of NIK {digest[:16]} differs"))
            batch.append(digest)
    if write:
        with db.transaction():
            niks.queue(db, batch)
        while settle_niks(db, now_ms):
            pass


def _all_households(db: Connection) -> tuple[list[str], bytearray]:
    """Region of each household, and the ids packed to 16 bytes each."""
    regions: list[str] = []
    ids = bytearray()
    known: dict[str, str] = {}
    for region, household in events.known_households(db):
        regions.append(known.setdefault(region, region))
        ids += bytes.fromhex(household.replace("-", ""))
    return regions, ids


def _text(ids: bytearray, index: int) -> str:
    raw = ids[index * 16 : index * 16 + 16].hex()
    return f"{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:]}"


class _Counter:
    """Counts differences and passes them on."""

    def __init__(self, report: Report) -> None:
        self.total = 0
        self._report = report

    def add(self, difference: Difference) -> None:
        self.total += 1
        self._report(difference)
