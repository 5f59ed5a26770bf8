"""The central pull over HTTP, on each engine, beside cursors that read the same rows and write them as lines,
and beside Kinto and PouchDB Server that hold the same records; and what the last 1,000 changes cost.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks.beside import Beside
from benchmarks.listing import import_sample
from benchmarks.material import REGION, campaign
from benchmarks.stage import Served, Stage, serving, set_stage

PAGES = (1_000, 10_000)
CHANGES = 1_000
AT_ONCE = 50
_ROWS = """select feed_position, data from households where home_region = {0} and feed_position > {0}
           order by feed_position limit {0}"""
CLI = (
    f"select household_id, state, cast(data as text) as data from households where home_region = '{REGION}' "
    "order by feed_position limit "
)
Work = Callable[[], int]
"""Reads everything; how many records."""


def measure_listed(folder: Path, rounds: int, records: int, found: Beside) -> dict[str, float]:
    """The same on databases of their own, of listed families."""
    stage = set_stage(folder / "pull")
    import_sample(stage, campaign(), range(records))
    stage.fold()
    values = measure(folder, stage, rounds, records, found)
    stage.store.close()
    return values


def measure(folder: Path, stage: Stage, rounds: int, records: int, found: Beside) -> dict[str, float]:
    """The figures `pull_*`, `raw_read_*`, `kinto_pull_*`, `pouch_pull_*`, `cli_json`, `changes_*`, `pull_peak_mib`.

    The first `records` households of a stage on SQLite, the same on PostgreSQL, and the same bytes in the others.
    """
    rates: dict[str, list[float]] = {}
    with ExitStack() as stack:
        served = stack.enter_context(serving(stage, fold=False))
        idle_mib = served.peak_mib()
        works = _padan(served, stage, "", records) | _files(stage, records)
        changes = {"changes_ms": _newest(served, stage)}
        if found.postgres is not None:
            other = set_stage(folder / "pull-pg", found.postgres.database())
            stack.callback(other.store.close)
            import_sample(other, campaign(), range(records))
            other.fold()
            also = stack.enter_context(serving(other, fold=False))
            works |= _padan(also, other, "_pg", records) | _rows_of_postgres(other, records)
            changes["changes_pg_ms"] = _newest(also, other)
        rows = _stored(stage, records)
        for more, newest in (_kinto(found, rows), _pouchdb(found, rows)):
            works, changes = works | more, changes | newest
        for _ in range(rounds):
            for key, work in works.items():
                begun = time.perf_counter()
                rates.setdefault(key, []).append(work() / (time.perf_counter() - begun))
            for key, work in changes.items():
                begun = time.perf_counter()
                if work() != CHANGES:
                    raise RuntimeError(f"{key}: not {CHANGES} changes")
                rates.setdefault(key, []).append((time.perf_counter() - begun) * 1000)
        values = {key: statistics.median(seen) for key, seen in rates.items()}
        return values | {"pull_peak_mib": served.peak_mib() - idle_mib}


def _padan(served: Served, stage: Stage, mark: str, records: int) -> dict[str, Work]:
    return {f"pull{mark}_{page}": lambda page=page: _pull(served, stage, page, records)[0] for page in PAGES}


def _pull(served: Served, stage: Stage, page: int, records: int, cursor: str = "") -> tuple[int, str]:
    """How many were read, and the cursor to go on from."""
    headers = {"Authorization": f"Bearer {stage.pull_token}", "Accept": "application/x-ndjson"}
    seen = 0
    while seen < records:
        more = f"&cursor={quote(cursor)}" if cursor else ""
        limit = min(page, records - seen)
        lines = served.send("GET", f"/v1/households?limit={limit}{more}", headers).split(b"\n")
        last = json.loads(lines[-2])
        seen += len(lines) - 2
        cursor = last["cursor"]
        if not last["more"]:
            break
    return seen, cursor


def _newest(served: Served, stage: Stage) -> Work:
    """Reading the newest changes of all that the stage holds."""
    total = int(stage.db.value("select count(*) from households"))
    _, cursor = _pull(served, stage, PAGES[1], total - CHANGES)
    return lambda: _pull(served, stage, CHANGES, CHANGES + 1, cursor)[0]


def _files(stage: Stage, records: int) -> dict[str, Work]:
    """SQLite by hand, and its own command line."""

    def read(page: int) -> int:
        raw = sqlite3.connect(stage.store.path)
        seen = _read(lambda after: raw.execute(_ROWS.format("?"), (REGION, after, page)).fetchall(), records)
        raw.close()
        return seen

    works: dict[str, Work] = {f"raw_read_{page}": lambda page=page: read(page) for page in PAGES}
    command = ["sqlite3", "-cmd", ".mode json", str(stage.store.path), f"{CLI}{records}"]
    try:
        subprocess.run(["sqlite3", "--version"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return works
    return works | {"cli_json": lambda: subprocess.run(command, capture_output=True, check=True).stdout.count(b"\n")}


def _rows_of_postgres(stage: Stage, records: int) -> dict[str, Work]:
    """PostgreSQL by hand."""
    import psycopg

    def read(page: int) -> int:
        with psycopg.connect(stage.store.address, autocommit=True) as raw:
            sql: Any = _ROWS.format("%s")
            return _read(lambda after: raw.execute(sql, (REGION, after, page), binary=True).fetchall(), records)

    return {f"raw_read_pg_{page}": lambda page=page: read(page) for page in PAGES}


def _read(rows_after: Callable[[int], list[Any]], records: int) -> int:
    after = seen = 0
    while seen < records:
        rows = rows_after(after)
        if not rows:
            break
        b"\n".join(row[1] for row in rows).split(b"\n")
        after, seen = rows[-1][0], seen + len(rows)
    return seen


def _stored(stage: Stage, records: int) -> list[tuple[str, bytes]]:
    """Household id and the bytes that Padan serves."""
    sql = "select household_id, data from households where home_region = :region order by feed_position limit :most"
    return [(row[0], bytes(row[1])) for row in stage.db.all(sql, {"region": REGION, "most": records})]


def _kinto(found: Beside, rows: list[tuple[str, bytes]]) -> tuple[dict[str, Work], dict[str, Work]]:
    kinto = found.kinto
    if kinto is None:
        return {}, {}
    line = kinto.line()
    kinto.clear(line)
    for batch in _batches(rows[:-CHANGES]):
        kinto.put(line, batch)
    _, mark = kinto.pull(line, PAGES[1])
    for batch in _batches(rows[-CHANGES:]):
        kinto.put(line, batch)
    works = {f"kinto_pull_{page}": lambda page=page: kinto.pull(line, page)[0] for page in PAGES}
    return works, {"kinto_changes_ms": lambda: kinto.pull(line, CHANGES, mark)[0]}


def _pouchdb(found: Beside, rows: list[tuple[str, bytes]]) -> tuple[dict[str, Work], dict[str, Work]]:
    pouchdb = found.pouchdb
    if pouchdb is None:
        return {}, {}
    pouchdb.make("records")
    line = pouchdb.line()
    for batch in _batches(rows):
        pouchdb.put(line, "records", batch)
    works = {f"pouch_pull_{page}": lambda page=page: pouchdb.pull(line, "records", page)[0] for page in PAGES}
    start = len(rows) - CHANGES
    return works, {"pouch_changes_ms": lambda: pouchdb.pull(line, "records", CHANGES, start)[0]}


def _batches(rows: list[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    for start in range(0, len(rows), AT_ONCE):
        yield rows[start : start + AT_ONCE]
