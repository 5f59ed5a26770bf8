"""Delivery of ratified households to a registry that answers in 20 ms, 16 in flight, through the production sender."""

from __future__ import annotations

import secrets
import sys
import time
from itertools import islice
from pathlib import Path

from benchmarks.material import REGION, Tablet
from benchmarks.processes import HOST, free_port, started
from benchmarks.slow_registry import LATENCY_S
from benchmarks.stage import NOW_MS, Stage, set_stage
from server.clock import SystemClock
from server.flows import deliver, people, review
from server.flows.deliver_judge import Dispatch
from server.flows.deliver_send import IN_FLIGHT_MAX, send_round, wire
from server.flows.desk import Desk
from server.registry.client import GenericAdapter
from server.registry.signing import Credentials
from server.store.staff import staff_of

MINUTES = {"number": "BA-1", "date": "2026-11-21"}
CEILING = IN_FLIGHT_MAX / LATENCY_S
"""What 16 in flight could do if everything but the registry took no time."""


def measure(folder: Path, households: int, mark: str = "", database: str = "") -> dict[str, float]:
    """The figures `deliver_*` on one engine: those of the sweep apart from those of the exchange."""
    stage = set_stage(folder / f"deliver{mark}", database)
    _ratified(stage, households)
    dispatch = Dispatch(stage.keys, "bench", SystemClock(), lambda: secrets.randbelow(1001))
    port = free_port()
    url = f"http://{HOST}:{port}"
    credentials = Credentials("bench", secrets.token_bytes(32))

    def adapter() -> GenericAdapter:
        return GenericAdapter(url, credentials, new_nonce=lambda: secrets.token_hex(16))

    command = [sys.executable, "-m", "benchmarks.slow_registry", str(port)]
    with started(command, url, folder / "registry.log"), wire(adapter) as line:
        begun = time.process_time()
        looked = deliver.sweep_all(stage.db, dispatch)
        swept = time.process_time()
        send_round(stage.db, dispatch, line, "bench")  # connections are made in this one
        accepted, first, used = 0, time.perf_counter(), time.process_time()
        while (sent := send_round(stage.db, dispatch, line, "bench")).claimed:
            accepted += sent.accepted
        elapsed, cpu = time.perf_counter() - first, time.process_time() - used
    stage.store.close()
    if not accepted:
        raise RuntimeError("nothing was delivered")
    return {
        f"deliver{mark}": accepted / elapsed,
        f"deliver_share{mark}": accepted / elapsed / CEILING,
        f"deliver_cpu_us{mark}": cpu * 1e6 / accepted,
        f"deliver_sweep_us{mark}": (swept - begun) * 1e6 / max(1, looked),
    }


def _ratified(stage: Stage, households: int) -> None:
    wires = [visit.wire for visit in islice(Tablet(71).unlisted(slim=False), households)]
    for start in range(0, len(wires), 50):
        stage.push(wires[start : start + 50])
    stage.fold()
    people.add_staff(stage.db, "pengawas", "Pengawas", "supervisor", [REGION], NOW_MS)
    desk = Desk(stage.store, stage.keys, SystemClock(), secrets.token_bytes, staff_of(stage.db, "pengawas"))
    approved = review.approve_many(desk, review.ready_to_approve(desk))
    stage.fold()
    review.ratify(desk, [each.household_id for each in approved if each.ref], MINUTES)
    stage.fold()
