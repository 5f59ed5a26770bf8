"""The central pull per second over HTTP, beside a cursor that reads the same rows and writes them as lines."""

from __future__ import annotations

import json
import sqlite3
import statistics
import time
from pathlib import Path
from urllib.parse import quote

from benchmarks.listing import import_sample
from benchmarks.material import REGION, campaign
from benchmarks.stage import Served, Stage, serving, set_stage

PAGES = (1_000, 10_000)


def measure_listed(folder: Path, rounds: int, records: int) -> dict[str, float]:
    """The same on a database of its own, of listed families."""
    stage = set_stage(folder / "pull")
    import_sample(stage, campaign(), range(records))
    stage.fold()
    found = measure(stage, rounds, records)
    stage.store.close()
    return found


def measure(stage: Stage, rounds: int, records: int) -> dict[str, float]:
    """The figures `pull_*`, `raw_read_*` over the first `records` households of a stage."""
    rates: dict[str, list[float]] = {}
    with serving(stage, fold=False) as served:
        for _ in range(rounds):
            for page in PAGES:
                rates.setdefault(f"pull_{page}", []).append(_pull(served, stage, page, records))
                rates.setdefault(f"raw_read_{page}", []).append(_read(stage, page, records))
    return {key: statistics.median(values) for key, values in rates.items()}


def _pull(served: Served, stage: Stage, page: int, records: int) -> float:
    headers = {"Authorization": f"Bearer {stage.pull_token}", "Accept": "application/x-ndjson"}
    cursor, seen = "", 0
    begun = time.perf_counter()
    while seen < records:
        more = f"&cursor={quote(cursor)}" if cursor else ""
        lines = served.send("GET", f"/v1/households?limit={page}{more}", headers).split(b"\n")
        last = json.loads(lines[-2])
        seen += len(lines) - 2
        if not last["more"]:
            break
        cursor = last["cursor"]
    return seen / (time.perf_counter() - begun)


def _read(stage: Stage, page: int, records: int) -> float:
    raw = sqlite3.connect(stage.store.path)
    after, seen = 0, 0
    begun = time.perf_counter()
    while seen < records:
        rows = raw.execute(
            """select feed_position, data from households where home_region = ? and feed_position > ?
               order by feed_position limit ?""",
            (REGION, after, page),
        ).fetchall()
        if not rows:
            break
        b"\n".join(row[1] for row in rows).split(b"\n")
        after, seen = rows[-1][0], seen + len(rows)
    elapsed = time.perf_counter() - begun
    raw.close()
    return seen / elapsed
