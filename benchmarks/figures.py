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
    """One line of the table. `beside`: keys of the figures it is divided by for the ratios that count."""

    key: str
    words: str
    unit: str
    beside: tuple[str, ...] = ()
    digits: int = 0


ENGINES = {"": "SQLite", "_pg": "PostgreSQL"}
"""Mark in a figure's key -> engine."""
SHAPES = {"1": "1 a request", "50": "50 a request", "1x8": "8 clients, 1 a request"}


def _beside(mark: str, shape: str) -> tuple[str, ...]:
    raw = () if shape == "1x8" else (f"raw_keys{mark}_{shape}",)
    return (f"kinto_{shape}", f"pouch_{shape}", *raw)


TAKEN_IN = (
    *(
        Figure(f"{name}{mark}_{shape}", f"{words}, {engine}, {how}", "/s", _beside(mark, shape))
        for name, words in (("ack_http", "acknowledged by `padan serve`"), ("ack_alone", "the same, no folding beside"))
        for mark, engine in ENGINES.items()
        for shape, how in SHAPES.items()
    ),
    *(
        Figure(f"ack_flow{mark}_{n}", f"taken in without HTTP, {engine}, {n} a push", "/s", (f"raw_keys{mark}_{n}",))
        for mark, engine in ENGINES.items()
        for n in (1, 50)
    ),
    Figure("ack_http_50_full", "acknowledged by `padan serve`, SQLite, the whole household form, 50 a request", "/s"),
    *(
        Figure(f"{name}_{shape}", f"taken by {words}, {how}", "/s")
        for name, words in (("kinto", "Kinto, 2 processes"), ("pouch", "PouchDB Server, not yet on the disk"))
        for shape, how in SHAPES.items()
    ),
    Figure("kinto_refused", "of what Kinto was sent: refused at first (409), taken on sending again", "%", (), 1),
    *(
        Figure(f"raw{keys}{mark}_{n}", f"raw {how}, same bytes and durability, {words}, {n} a commit", "/s")
        for mark, how in (("", "`sqlite3`"), ("_pg", "`psycopg`"))
        for keys, words in (("_keys", "with key rows"), ("", "one table"))
        for n in (1, 50)
    ),
    *(
        Figure(
            f"cpu_ack_alone{mark}_{shape}", f"CPU per 1,000 acknowledged, {engine}{beside}, {words}, no folding", "s",
            (f"cpu_kinto_{shape}",), 2,
        )
        for mark, engine, beside in (("", "SQLite", ""), ("_pg", "PostgreSQL", " and server"))
        for shape, words in SHAPES.items()
    ),
    *(
        Figure(f"cpu_ack_flow{mark}_50", f"CPU per 1,000 taken in without HTTP, {engine}, 50 a push", "s", (), 2)
        for mark, engine in ENGINES.items()
    ),
    *(
        Figure(f"cpu_{name}_{shape}", f"CPU per 1,000 acknowledged, {words}, {how}", "s", (), 2)
        for name, words in (("kinto", "Kinto and PostgreSQL"), ("pouch", "PouchDB Server"))
        for shape, how in SHAPES.items()
    ),
    *(
        Figure(f"p99_p50_{name}{mark}", f"p99 over p50 of a request of 50, {engine}, {words}", "", (), 1)
        for name, words in (("ack_http", "`padan serve`"), ("ack_alone", "no folding beside"))
        for mark, engine in ENGINES.items()
    ),
    Figure("wire_bytes_slim", "JSON of one slim submission as it travels, not packed", "B"),
    Figure("wire_bytes_full", "JSON of one whole submission as it travels, not packed", "B"),
)  # fmt: skip
"""What is taken in: Padan on each engine, Kinto, PouchDB Server, both databases by hand."""

BENCH = (
    Figure("fold_2_ms", "fold of a household with 2 whole submissions, in memory", "ms", ("parse_2_ms",), 2),
    Figure("parse_2_ms", "`json.loads` of the same 2 submissions", "ms", (), 2),
    Figure("fold_stored_ms", "the same from the log to the stored record, NIKs settled, SQLite", "ms", (), 2),
    Figure("fold_stored_pg_ms", "the same, PostgreSQL", "ms", ("fold_stored_ms",), 2),
    Figure("wire_up_per_household", "sync of 25 filled households: bytes up, each, gzip", "B"),
    Figure("wire_empty_sync", "a sync with nothing to say: bytes both ways, headers apart", "B"),
    *(
        Figure(key, f"{words}, {engine}", unit, (), digits)
        for mark, engine in ENGINES.items()
        for key, words, unit, digits in (
            (f"deliver{mark}", "delivered to a registry answering in 20 ms, 16 in flight", "/s", 0),
            (f"deliver_share{mark}", "of it the share of 16 / 20 ms", "", 2),
            (f"deliver_cpu_us{mark}", "CPU of sending one record", "us", 0),
            (f"deliver_sweep_us{mark}", "CPU of judging one household before", "us", 0),
        )
    ),
)
"""What else `python -m benchmarks` measures of its own."""

GROW = (
    *(Figure(f"push_us_at_{n}", f"CPU of one push item with {n:,} households stored", "us") for n in (1000, 10000)),
    Figure("push_us_at_100000", "CPU of one push item with 100,000 households stored", "us", ("push_us_at_1000",)),
    *(Figure(f"fold_us_at_{n}", f"CPU of one stored fold with {n:,} households stored", "us") for n in (1000, 10000)),
    Figure("fold_us_at_100000", "CPU of one stored fold with 100,000 households stored", "us", ("fold_us_at_1000",)),
)
"""What `python -m benchmarks grow` prints."""

PULL = (
    *(
        Figure(
            f"pull{mark}_{n}", f"pull over HTTP as NDJSON, {engine}, {n:,} a page", "/s",
            (f"kinto_pull_{n}", f"pouch_pull_{n}", f"raw_read{mark}_{n}", "cli_json"),
        )
        for mark, engine in ENGINES.items()
        for n in (1_000, 10_000)
    ),
    *(
        Figure(f"{name}_{n}", f"{words}, {n:,} a page", "/s")
        for name, words in (
            ("kinto_pull", "the same records from Kinto"),
            ("pouch_pull", "the same records from PouchDB Server, `_changes` with documents"),
            ("raw_read", "raw `sqlite3` reading the same rows as lines"),
            ("raw_read_pg", "raw `psycopg` reading the same rows as lines"),
        )
        for n in (1_000, 10_000)
    ),
    Figure("cli_json", "the `sqlite3` command line, `.mode json`, the same rows", "/s"),
    Figure("pull_peak_mib", "memory that pulling adds to the server, SQLite", "MiB"),
    Figure("changes_ms", "the newest 1,000 changes of all that is stored, SQLite", "ms", ("kinto_changes_ms",)),
    Figure("changes_pg_ms", "the newest 1,000 changes of the records pulled, PostgreSQL", "ms", ("kinto_changes_ms",)),
    Figure("kinto_changes_ms", "the newest 1,000 changes of the records pulled, Kinto `_since`", "ms"),
    Figure("pouch_changes_ms", "the newest 1,000 changes of the records pulled, PouchDB Server `_changes`", "ms"),
)  # fmt: skip
"""What `python -m benchmarks pull` prints."""

STORED = (
    Figure("stored_wire", "JSON of one whole submission as it travels, not packed", "B"),
    Figure("stored_log", "stored per whole submission in the log: head, parts, keys", "B", ("stored_wire",)),
    Figure("stored_record", "stored per household as record: data, packed trail, NIKs, keys", "B", ("stored_wire",)),
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


EVERY = (*TAKEN_IN, *BENCH, *GROW, *PULL, *STORED)
"""What `python -m benchmarks` prints."""


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
    lines = ["| figure | what | value | ratio |", "|---|---|---:|---|"]
    for figure in figures:
        if figure.key not in values:
            continue
        ratio = "; ".join(
            f"{_ratio(values[figure.key] / values[key])} of `{key}`" for key in figure.beside if values.get(key)
        )
        value = f"{values[figure.key]:,.{figure.digits}f} {figure.unit}".strip()
        lines.append(f"| `{figure.key}` | {figure.words} | {value} | {ratio} |")
    return "\n".join(lines)


def _ratio(value: float) -> str:
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def one_line(values: Mapping[str, float], about: Mapping[str, object]) -> str:
    """Everything as one JSON object: the last line of a run."""
    return json.dumps({**about, **{key: round(value, 4) for key, value in values.items()}})
