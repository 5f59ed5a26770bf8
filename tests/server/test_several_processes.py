"""Two `padan serve`, a gunicorn with two workers and two `padan worker` on one database, some of them killed."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from serve_world import ROOT, Serving, prepare
from test_serve_killed import Lane, Sealing, missing

from server.store import feed, fold_queue, households
from server.store.database import Store

pytestmark = pytest.mark.xdist_group("several-processes")
TABLETS, EVENTS = 4, 240


def test_several_servers_and_workers_on_one_database_lose_nothing_and_fold_everything(
    tmp_path: Path, engine: str, new_address: Callable[[], str], figure: Callable[[str], None]
) -> None:
    address = new_address()
    lane = Lane(tmp_path, address, seed=31)
    world, tokens = prepare(address, TABLETS, lane.seed)
    world.store.close()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PADAN_")}
    environ |= {"PADAN_DATABASE": address, "PADAN_FOLDER": str(tmp_path), "PYTHONPATH": str(ROOT)}
    port = free_port()
    gunicorn = [sys.executable, "-m", "gunicorn", "-w", "2", "-b", f"127.0.0.1:{port}", "server.wsgi:application"]
    worker = [sys.executable, "-m", "server.cli", "worker"]
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    running = [subprocess.Popen(each, env=environ, cwd=tmp_path, **silent) for each in (gunicorn, worker, worker)]
    try:
        with Serving(address, tmp_path, PADAN_SCHEDULER="false") as one, Serving(address, tmp_path) as two:
            ports = [one.port, two.port, port]
            tablets = [threading.Thread(target=_push, args=(lane, n + 1, tokens[n], ports)) for n in range(TABLETS)]
            for tablet in tablets:
                tablet.start()
            _wait(lambda: len(lane.acknowledged) > EVENTS // 3)
            one.kill()
            running[1].send_signal(signal.SIGKILL)
            for tablet in tablets:
                tablet.join()
            store = Store(address)
            _wait(lambda: fold_queue.length(store.db) == 0)
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
        for process in running:
            process.wait(20)
    assert lane.broken == []
    assert len(lane.acknowledged) >= EVENTS
    assert households.count(store.db) == store.db.value("select count(*) from log")
    positions = [row[0] for row in store.db.all("select feed_position from households order by feed_position")]
    assert positions == list(range(1, len(positions) + 1)) and feed.head(store.db, "19.03") == len(positions)
    store.close()
    lost = missing(lane)
    figure(f"three servers and two workers at once on {engine}, two killed: {len(lane.acknowledged)} acknowledged, "
           f"{len(lost)} lost")  # fmt: skip
    assert (lost, lane.differing) == ([], [])


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])


def _push(lane: Lane, number: int, token: str, ports: list[int]) -> None:
    """Send each batch to whichever server answers, the same again where one does not."""
    try:
        rng = random.Random(lane.seed * 100 + number)
        sealing = Sealing(rng, number)
        while len(lane.acknowledged) < EVENTS:
            batch = sealing.batch(rng.randint(1, 4))
            while not lane.pushed(token, batch, rng.choice(ports)):
                time.sleep(0.02)
    except BaseException as error:
        lane.broken.append(repr(error))


def _wait(until: Callable[[], bool], seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.05)
