"""Acknowledged per second, the same submissions in alternating rounds: Padan on each engine, over HTTP and without it,
Kinto, PouchDB Server, and both databases by hand.

Each is as durable as it comes from an acknowledgement's point of view (`raw`, `postgres`); PouchDB Server is not.
"""

from __future__ import annotations

import gzip
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.beside import Beside
from benchmarks.kinto import Kinto
from benchmarks.material import Tablet, Visit, body
from benchmarks.pouchdb import Pouchdb
from benchmarks.raw import RawPostgres, RawSqlite
from benchmarks.stage import Served, Stage, serving, set_stage

SHAPES = {"1": (1, 1, 60), "50": (50, 1, 500), "1x8": (1, 8, 120)}
"""Name: submissions a request, clients at once, submissions a round."""
GZIP_LEVEL = 6

Send = Callable[[Any], None]


@dataclass(frozen=True)
class Taker:
    """One that takes submissions in. `line`: a new connection, as a function that sends what `pack` made.

    `settle`: wait for what goes on afterwards. `cpu_s`: CPU so far; None where it is not counted.
    """

    name: str
    pack: Callable[[list[Visit]], Any]
    line: Callable[[], Send]
    settle: Callable[[], None] = lambda: None
    cpu_s: Callable[[], float] | None = None
    shapes: tuple[str, ...] = tuple(SHAPES)


@dataclass
class Seen:
    """What the rounds gave, by figure: rates, CPU seconds per 1,000, milliseconds of each request of 50."""

    rates: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)
    waits_ms: dict[str, list[float]] = field(default_factory=dict)


def measure(folder: Path, rounds: int, found: Beside) -> dict[str, float]:
    """The figures `ack_*`, `kinto_*`, `pouch_*`, `raw_*`, `cpu_*`, `p99_p50_*`, `wire_bytes_*`."""
    seen, slim, full = Seen(), Tablet(11).unlisted(slim=True), Tablet(12).unlisted(slim=False)
    with ExitStack() as stack:
        takers = _takers(folder, found, stack)
        for number in range(rounds + 1):  # the first round warms everything up and is not counted
            kept = seen if number else Seen()
            for shape, (size, _, many) in SHAPES.items():
                batches = [list(islice(slim, size)) for _ in range(many // size)]
                for taker in takers:
                    if shape in taker.shapes:
                        _round(taker, shape, batches, kept)
        served = next(taker for taker in takers if taker.name == "ack_http")
        whole = [list(islice(full, 50)) for _ in range(8)]
        _round(served, "50_full", whole, seen, clients=1)
    values = {key: statistics.median(rates) for key, rates in seen.rates.items()}
    values |= {key: statistics.fmean(used) for key, used in seen.cpu.items()}
    values |= {key: _p99(waits) / statistics.median(waits) for key, waits in seen.waits_ms.items()}
    values |= _wire("slim", [visit for batch in batches for visit in batch])
    values |= _wire("full", [visit for batch in whole for visit in batch])
    if found.kinto is not None:
        values["kinto_refused"] = 100 * found.kinto.refused / (found.kinto.refused + found.kinto.acknowledged)
    return values


def _takers(folder: Path, found: Beside, stack: ExitStack) -> list[Taker]:
    """Everything that runs here; closed with the stack."""
    takers = [*_padan(folder, "", "", stack), *_raw("", *(
        RawSqlite(folder / f"raw-{keys}.db", keys=keys) for keys in (False, True)
    ), stack)]  # fmt: skip
    postgres = found.postgres
    if postgres is not None:
        made = [postgres.database() for _ in range(5)]
        takers += _padan(folder, "_pg", made, stack, postgres.cpu_s)
        takers += _raw("_pg", RawPostgres(made[3], keys=False), RawPostgres(made[4], keys=True), stack)
    if found.kinto is not None and postgres is not None:
        kinto, base = found.kinto, postgres.cpu_s
        takers.append(Taker("kinto", _records, lambda: _kinto(kinto), cpu_s=lambda: kinto.cpu_s() + base()))
    if found.pouchdb is not None:
        found.pouchdb.make("submissions")
        pouchdb = found.pouchdb
        takers.append(Taker("pouch", _records, lambda: _pouchdb(pouchdb), cpu_s=pouchdb.cpu_s))
    return takers


def _padan(
    folder: Path, mark: str, made: Sequence[str], stack: ExitStack, database_cpu_s: Callable[[], float] = lambda: 0.0
) -> list[Taker]:
    """Padan on one engine: `padan serve`, the same with nothing beside it, and the flow without HTTP."""
    names = ("served", "alone", "flow")
    stages = [set_stage(folder / f"{name}{mark}", made[at] if made else "") for at, name in enumerate(names)]
    for stage in stages:
        stack.callback(stage.store.close)
    beside, alone, flow = stages
    served, bare = stack.enter_context(serving(beside)), stack.enter_context(serving(alone, fold=False))
    return [
        Taker(f"ack_http{mark}", _packed, lambda: _line(served, beside), lambda: served.folded(beside.db)),
        Taker(
            f"ack_alone{mark}", _packed, lambda: _line(bare, alone), cpu_s=lambda: bare.cpu_s() + database_cpu_s()
        ),
        Taker(
            f"ack_flow{mark}", lambda batch: [visit.wire for visit in batch], lambda: flow.push,
            cpu_s=lambda: time.process_time() + database_cpu_s(), shapes=("1", "50"),
        ),
    ]  # fmt: skip


def _raw(mark: str, table: Any, keyed: Any, stack: ExitStack) -> list[Taker]:
    for each in (table, keyed):
        stack.callback(each.close)
    return [
        Taker(f"raw{mark}", list, lambda: table.insert, shapes=("1", "50")),
        Taker(f"raw_keys{mark}", list, lambda: keyed.insert, shapes=("1", "50")),
    ]


def _round(taker: Taker, shape: str, batches: list[list[Visit]], seen: Seen, clients: int = 0) -> None:
    """One round of one taker: packing and connecting are not counted."""
    packed = [taker.pack(batch) for batch in batches]
    lines = [taker.line() for _ in range(clients or SHAPES[shape][1])]
    many = sum(map(len, batches))
    before = taker.cpu_s() if taker.cpu_s else 0.0
    begun = time.perf_counter()
    waits = _sent(lines, packed)
    elapsed = time.perf_counter() - begun
    if taker.cpu_s and shape in SHAPES:
        seen.cpu.setdefault(f"cpu_{taker.name}_{shape}", []).append((taker.cpu_s() - before) * 1000 / many)
    taker.settle()
    seen.rates.setdefault(f"{taker.name}_{shape}", []).append(many / elapsed)
    if shape == "50" and taker.name.startswith(("ack_http", "ack_alone")):
        seen.waits_ms.setdefault(f"p99_p50_{taker.name}", []).extend(waits)


def _sent(lines: Sequence[Send], packed: Sequence[Any]) -> list[float]:
    """Send everything, each line its share one after the other; milliseconds of each request. Raises what failed."""
    waits: list[float] = []
    failures: list[BaseException] = []

    def work(send: Send, share: Sequence[Any]) -> None:
        try:
            for each in share:
                begun = time.perf_counter()
                send(each)
                waits.append((time.perf_counter() - begun) * 1000)
        except BaseException as error:
            failures.append(error)

    if len(lines) == 1:
        work(lines[0], packed)
    else:
        shares = [packed[at :: len(lines)] for at in range(len(lines))]
        threads = [threading.Thread(target=work, args=pair) for pair in zip(lines, shares, strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if failures:
        raise failures[0]
    return waits


def _packed(batch: list[Visit]) -> bytes:
    return gzip.compress(body(batch), GZIP_LEVEL)


def _records(batch: list[Visit]) -> list[tuple[str, bytes]]:
    """The same bytes under the id of the household: each of these submissions has one of its own."""
    return [(visit.household_id, visit.wire) for visit in batch]


def _line(served: Served, stage: Stage) -> Send:
    line = served.line()
    return lambda packed: served.push(stage.deposit_token, packed, line)


def _kinto(kinto: Kinto) -> Send:
    line = kinto.line()
    return lambda records: kinto.put(line, records)


def _pouchdb(pouchdb: Pouchdb) -> Send:
    line = pouchdb.line()
    return lambda records: pouchdb.put(line, "submissions", records)


def _p99(waits: Sequence[float]) -> float:
    return statistics.quantiles(waits, n=100, method="inclusive")[98]


def _wire(name: str, visits: Sequence[Visit]) -> dict[str, float]:
    return {f"wire_bytes_{name}": statistics.fmean(len(visit.wire) for visit in visits)}
