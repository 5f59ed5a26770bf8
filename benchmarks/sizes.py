"""Where the bytes go: pages of the database by table, after whole submissions of families that are on no list."""

from __future__ import annotations

import statistics
from itertools import islice
from pathlib import Path

from benchmarks.material import Tablet
from benchmarks.stage import Stage, set_stage

LOG_TABLES = frozenset({"log", "parts", "filings", "known_households"})


def measure(folder: Path, submissions: int) -> tuple[dict[str, float], dict[str, float]]:
    """The figures `stored_*`, and bytes per submission of each table and its indexes, and of each large column."""
    stage = set_stage(folder / "sizes")
    empty = _tables(stage)
    wires = [visit.wire for visit in islice(Tablet(51).unlisted(slim=False), submissions)]
    for start in range(0, len(wires), 50):
        stage.push(wires[start : start + 50])
    stage.fold()
    tables = {name: (size - empty.get(name, 0)) / submissions for name, size in _tables(stage).items()}
    columns = {f"{table}.{column}": _length(stage, table, column) / submissions for table, column in _COLUMNS}
    log = sum(size for name, size in tables.items() if name in LOG_TABLES)
    figures = {
        "stored_wire": statistics.fmean(map(len, wires)),
        "stored_log": log,
        "stored_record": sum(tables.values()) - log,
        "stored_data": columns["households.data"],
        "stored_trail": columns["households.trail"],
    }
    parts = {name: size for name, size in (tables | columns).items() if size >= 1}
    stage.store.close()
    return figures, dict(sorted(parts.items(), key=lambda item: -item[1]))


_COLUMNS = (
    ("log", "head"), ("log", "part_hashes"), ("log", "transport"), ("log", "signature"), ("parts", "content"),
    ("parts", "name"), ("parts", "salt"), ("households", "data"), ("households", "trail"), ("nik_claims", "claim"),
)  # fmt: skip


def _tables(stage: Stage) -> dict[str, int]:
    """Bytes of the pages of each table, its indexes included."""
    stage.db.checkpoint()
    rows = stage.db.all(
        """select m.tbl_name as name, sum(s.pgsize) as size from dbstat s join sqlite_master m on m.name = s.name
           group by m.tbl_name"""
    )
    return {row["name"]: row["size"] for row in rows}


def _length(stage: Stage, table: str, column: str) -> int:
    return int(stage.db.value(f"select coalesce(sum(length(cast({column} as blob))), 0) from {table}"))
