"""Every figure that a run prints: its key, what it is in words, its unit, and the yardstick it stands beside."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `beside`: key of the figure it is divided by for the ratio that counts."""

    key: str
    words: str
    unit: str
    beside: str = ""
    digits: int = 0


BENCH = (
    *(
        Figure(f"ack_http_{n}", f"acknowledged by `padan serve` over HTTP, {n} a request", "/s", f"raw_keys_{n}")
        for n in (1, 10, 50)
    ),
    Figure("ack_http_50_full", "the same, the whole household form, 50 a request", "/s"),
    Figure("ack_alone_50", "the same slim ones with no folding beside, 50 a request", "/s", "raw_keys_50"),
    *(Figure(f"ack_flow_{n}", f"taken in without HTTP, {n} a push", "/s", f"raw_keys_{n}") for n in (1, 10, 50)),
    *(
        Figure(f"raw_keys_{n}", f"raw `sqlite3`, same bytes and durability, with key rows, {n} a commit", "/s")
        for n in (1, 10, 50)
    ),
    *(
        Figure(f"raw_{n}", f"raw `sqlite3`, same bytes and durability, one table, {n} a commit", "/s")
        for n in (1, 10, 50)
    ),
    Figure("cpu_http_1", "CPU of the server per 1,000 acknowledged, 1 a request, no folding", "s", "", 2),
    Figure("cpu_http_50", "CPU of the server per 1,000 acknowledged, 50 a request, no folding", "s", "", 2),
    Figure("cpu_flow_50", "CPU per 1,000 taken in without HTTP, 50 a push", "s", "", 2),
    Figure("fold_2_ms", "fold of a household with 2 submissions of the whole form, in memory", "ms", "parse_2_ms", 2),
    Figure("parse_2_ms", "`json.loads` of the same 2 submissions", "ms", "", 2),
    Figure("fold_stored_ms", "the same from the log to the stored record, NIKs settled", "ms", "", 2),
    Figure("wire_bytes_slim", "JSON of one slim submission as it travels, not packed", "B"),
    Figure("wire_bytes_full", "JSON of one whole submission as it travels, not packed", "B"),
    Figure("wire_up_per_household", "sync of 25 filled households: bytes up, each, gzip", "B"),
    Figure("wire_empty_sync", "a sync with nothing to say: bytes both ways, headers apart", "B"),
)
"""What `python -m benchmarks` prints, and `GROW`, `PULL` and `STORED` after it."""

GROW = (
    *(Figure(f"push_us_at_{n}", f"CPU of one push item with {n:,} households stored", "us") for n in (1000, 10000)),
    Figure("push_us_at_100000", "CPU of one push item with 100,000 households stored", "us", "push_us_at_1000"),
    *(Figure(f"fold_us_at_{n}", f"CPU of one stored fold with {n:,} households stored", "us") for n in (1000, 10000)),
    Figure("fold_us_at_100000", "CPU of one stored fold with 100,000 households stored", "us", "fold_us_at_1000"),
)
"""What `python -m benchmarks grow` prints."""

PULL = (
    Figure("pull_1000", "pull over HTTP as NDJSON, 1,000 a page", "/s", "raw_read_1000"),
    Figure("pull_10000", "pull over HTTP as NDJSON, 10,000 a page", "/s", "raw_read_10000"),
    Figure("raw_read_1000", "raw `sqlite3` reading the same rows as lines, 1,000 at a time", "/s"),
    Figure("raw_read_10000", "raw `sqlite3` reading the same rows as lines, 10,000 at a time", "/s"),
)
"""What `python -m benchmarks pull` prints."""

STORED = (
    Figure("stored_wire", "JSON of one whole submission as it travels, not packed", "B"),
    Figure("stored_log", "stored per whole submission in the log: head, parts, keys", "B", "stored_wire"),
    Figure("stored_record", "stored per household as record: data, packed trail, NIKs, keys", "B", "stored_wire"),
    Figure("stored_data", "of it `data`, the bytes that are served", "B"),
    Figure("stored_trail", "of it `trail`, how each value came about, packed", "B"),
)
"""What `python -m benchmarks stored` prints."""

REBUILD = (
    Figure("import_s", "reading the workbook and appending the events", "s"),
    Figure("import_fold_s", "folding what came in", "s"),
    Figure("import_per_s", "families a second, both together", "/s"),
    Figure("import_peak_mib", "peak memory of the import", "MiB"),
    Figure("rebuild_0_s", "`padan rebuild --check`, hash seed 0", "s"),
    Figure("rebuild_1_s", "`padan rebuild --check`, hash seed 1, another order", "s"),
    Figure("rebuild_ms_each", "of it for one household", "ms", "", 2),
    Figure("rebuild_peak_mib", "peak memory of one process of the rebuild", "MiB"),
    Figure("rebuild_differences", "differences found", ""),
    Figure("database_mib", "size of the database", "MiB"),
)
"""What `python -m benchmarks rebuild` prints."""


def machine() -> dict[str, str]:
    """Where it was measured."""
    model = "unknown processor"
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    except OSError:
        pass
    return {
        "cores": str(os.cpu_count()),
        "processor": model,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "load": f"{os.getloadavg()[0]:.1f}",
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }


def table(figures: tuple[Figure, ...], values: Mapping[str, float]) -> str:
    """The figures that were measured, as a Markdown table; the ratio last."""
    lines = ["| figure | what | value | ratio |", "|---|---|---:|---:|"]
    for figure in figures:
        if figure.key not in values:
            continue
        ratio = ""
        if values.get(figure.beside):
            ratio = f"{values[figure.key] / values[figure.beside]:.2f} of `{figure.beside}`"
        value = f"{values[figure.key]:,.{figure.digits}f} {figure.unit}".strip()
        lines.append(f"| `{figure.key}` | {figure.words} | {value} | {ratio} |")
    return "\n".join(lines)


def one_line(values: Mapping[str, float], about: Mapping[str, object]) -> str:
    """Everything as one JSON object: the last line of a run."""
    return json.dumps({**about, **{key: round(value, 4) for key, value in values.items()}})
