"""Acknowledged per second: over HTTP, without HTTP, and `sqlite3` by hand, the same bytes in alternating rounds.

Durability is the same everywhere: WAL, `synchronous=FULL`, one commit a request, pages of 16 KB.
"""

from __future__ import annotations

import gzip
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from benchmarks.material import Tablet, Visit, body
from benchmarks.stage import Served, Stage, serving, set_stage

SIZES = (1, 10, 50)
PER_ROUND = {1: 100, 10: 200, 50: 400}
GZIP_LEVEL = 6

Work = Callable[[list[list[Visit]]], None]


def measure(folder: Path, rounds: int) -> dict[str, float]:
    """The figures `ack_*`, `raw_*`, `cpu_*`, `wire_bytes_*`."""
    beside, alone, flow = (set_stage(folder / name) for name in ("served", "alone", "flow"))
    raw, keyed = _RawTable(folder / "raw.db"), _RawWithKeys(folder / "keys.db")
    slim, full = Tablet(11).unlisted(slim=True), Tablet(12).unlisted(slim=False)
    rates: dict[str, list[float]] = {}
    cpu: dict[str, list[float]] = {}
    sizes = {"wire_bytes_slim": 0.0, "wire_bytes_full": 0.0}
    with serving(beside) as served, serving(alone, fold=False) as bare:
        for number in range(rounds + 1):  # the first round warms everything up and is not counted
            seen: dict[str, float] = {}
            used: dict[str, float] = {}
            for size in SIZES:
                batches = _batches(slim, size)
                packed = _packed(batches)
                seen[f"ack_http_{size}"] = _rate(size, lambda: _send(served, beside, packed))  # noqa: B023
                served.folded(beside.db)
                before = bare.cpu_s()
                seen[f"ack_alone_{size}"] = _rate(size, lambda: _send(bare, alone, packed))  # noqa: B023
                used[f"cpu_http_{size}"] = (bare.cpu_s() - before) * 1000 / PER_ROUND[size]
                begun = time.process_time()
                seen[f"ack_flow_{size}"] = _rate(size, lambda: _flow(flow, batches))  # noqa: B023
                used[f"cpu_flow_{size}"] = (time.process_time() - begun) * 1000 / PER_ROUND[size]
                seen[f"raw_{size}"] = _rate(size, lambda: raw.insert(batches))  # noqa: B023
                seen[f"raw_keys_{size}"] = _rate(size, lambda: keyed.insert(batches))  # noqa: B023
                sizes["wire_bytes_slim"] = statistics.fmean(len(v.wire) for batch in batches for v in batch)
            batches = _batches(full, 50)
            packed = _packed(batches)
            seen["ack_http_50_full"] = _rate(50, lambda: _send(served, beside, packed))  # noqa: B023
            served.folded(beside.db)
            sizes["wire_bytes_full"] = statistics.fmean(len(v.wire) for batch in batches for v in batch)
            if number:
                for key, value in seen.items():
                    rates.setdefault(key, []).append(value)
                for key, value in used.items():
                    cpu.setdefault(key, []).append(value)
    for stage in (beside, alone, flow):
        stage.store.close()
    medians = {key: statistics.median(values) for key, values in rates.items()}
    return medians | {key: statistics.fmean(values) for key, values in cpu.items()} | sizes


def _batches(visits: Iterator[Visit], size: int) -> list[list[Visit]]:
    return [list(islice(visits, size)) for _ in range(PER_ROUND[size] // size)]


def _packed(batches: list[list[Visit]]) -> list[bytes]:
    return [gzip.compress(body(batch), GZIP_LEVEL) for batch in batches]


def _rate(size: int, work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return PER_ROUND[size] / (time.perf_counter() - begun)


def _send(served: Served, stage: Stage, packed: list[bytes]) -> None:
    for each in packed:
        results = served.push(stage.deposit_token, each)
        if any(result["status"] != "stored" for result in results):
            raise RuntimeError(f"not stored: {results[:2]}")


def _flow(stage: Stage, batches: list[list[Visit]]) -> None:
    for batch in batches:
        stage.push([visit.wire for visit in batch])


class _RawTable:
    """One table of bytes, one commit a batch."""

    columns = "create table submissions (id text primary key, content blob not null) strict"

    def __init__(self, path: Path) -> None:
        self.raw = sqlite3.connect(path, isolation_level=None)
        self.raw.execute("pragma page_size = 16384")
        self.raw.execute("pragma journal_mode = wal")
        self.raw.execute("pragma synchronous = full")
        self.raw.execute("pragma cache_size = -16384")
        self.raw.execute(self.columns)
        self._number = 0

    def insert(self, batches: list[list[Visit]]) -> None:
        """Insert, a batch a transaction."""
        for batch in batches:
            self.raw.execute("begin immediate")
            self._rows(batch)
            self.raw.execute("commit")

    def _rows(self, batch: list[Visit]) -> None:
        self.raw.executemany(
            "insert into submissions (id, content) values (?, ?)", [(self._id(visit), visit.wire) for visit in batch]
        )

    def _id(self, visit: Visit) -> str:
        self._number += 1
        return f"{visit.household_id}/{self._number}"


class _RawWithKeys(_RawTable):
    """The same with a row for the household and for each NIK, by which a merge must be able to find it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.raw.execute(
            "create table keys (key text not null, id text not null, primary key (key, id)) strict, without rowid"
        )

    def _rows(self, batch: list[Visit]) -> None:
        ids = [(self._id(visit), visit) for visit in batch]
        self.raw.executemany(
            "insert into submissions (id, content) values (?, ?)", [(each, visit.wire) for each, visit in ids]
        )
        keys = {(key, each) for each, visit in ids for key in (visit.household_id, *visit.niks)}
        self.raw.executemany("insert into keys (key, id) values (?, ?)", sorted(keys))
