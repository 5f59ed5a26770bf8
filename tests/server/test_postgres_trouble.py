"""PostgreSQL killed under load and started again, its disk full, readers beside writers: acknowledged and lost 0.

The server of these tests is their own, with every commit synced. The ledger of what was acknowledged is kept by this
process, outside of `padan serve` and of the database.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import postgres
import pytest
from serve_world import Serving, prepare
from server_world import NOW_MS, REGION, World
from test_serve_killed import Lane, Sealing, missing

from server.flows.fold import fold_some
from server.store import feed
from server.store.database import Store
from server.store.migrations import open_store

pytestmark = pytest.mark.xdist_group("postgres-trouble")
KILLS, TABLETS = 5, 3
MINUTE = os.environ.get("PADAN_TEST_PROFILE") == "proof"
READ_S = 60 if MINUTE else 8
DISK, FILLER_BYTES = "112m", 32 * 1024**2


@pytest.fixture
def own(not_run: Any) -> Iterator[postgres.OwnPostgres]:
    """A server that may be killed."""
    if postgres.missing() or os.environ.get(postgres.FOREIGN):
        not_run(postgres.missing() or "a PostgreSQL that may be killed: the package pgserver is not installed")
    made = postgres.OwnPostgres()
    yield made
    made.stop()


def new_database(server: str, name: str = "padan") -> str:
    with postgres.maintenance(server) as run:
        run(f"create database {name} template template0")
    return postgres.address_of(name, server)


def test_what_was_acknowledged_survives_kills_of_the_database_server_under_load(
    own: postgres.OwnPostgres, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    address = new_database(own.start())
    lane = Lane(tmp_path, address, seed=21)
    world, tokens = prepare(address, TABLETS, lane.seed)
    world.store.close()
    tablets = [threading.Thread(target=_push_until_over, args=(lane, n + 1, tokens[n])) for n in range(TABLETS)]
    down: list[dict[str, Any]] = []
    with Serving(address, tmp_path, PADAN_SCHEDULER="false") as serving:
        lane.port = serving.port
        for tablet in tablets:
            tablet.start()
        rng = random.Random(lane.seed)
        try:
            for _ in range(KILLS):
                before = len(lane.acknowledged)
                _wait(lambda before=before: len(lane.acknowledged) > before + 5, lane)
                time.sleep(rng.uniform(0.05, 0.4))
                own.kill()
                down.append(json.loads(serving.call("GET", "/readyz")[2]))
                own.start()
                _wait(lambda: serving.call("GET", "/readyz")[0] == 200, lane)
        finally:
            lane.over.set()
            for tablet in tablets:
                tablet.join()
    lost = missing(lane)
    figure(
        f"{KILLS} kills of PostgreSQL under load: {lane.unanswered} pushes unanswered or told to come back, "
        f"{len(lane.acknowledged)} events acknowledged, {len(lost)} lost"
    )
    assert (lost, lane.differing, lane.broken) == ([], [], [])
    assert all(told["code"] == "not_ready" and not told["checks"]["database"] for told in down), down
    assert len(lane.acknowledged) > KILLS * 5


def test_a_full_disk_of_the_database_server_loses_nothing_and_ready_tells(
    own: postgres.OwnPostgres, tmp_path: Path, not_run: Any
) -> None:
    """The campaign's tables lie on a small file system of their own, which really fills up."""
    server = own.start()
    small = own.folder / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=777", "tmpfs", small], check=False).returncode:
        not_run("a small file system: mounting one needs root")
    try:
        filler = small / "filler"
        filler.write_bytes(bytes(FILLER_BYTES))
        shutil.chown(small, (own.folder / "data").owner())
        with postgres.maintenance(server) as run:
            run(f"create tablespace small location '{small}'")
            run("create database padan template template0 tablespace small")
        address = postgres.address_of("padan", server)
        world, (token,) = prepare(address)
        world.store.close()
        lane = Lane(tmp_path, address, seed=5)
        with Serving(address, tmp_path, PADAN_SCHEDULER="false") as serving:
            lane.port = serving.port
            assert serving.call("GET", "/readyz")[0] == 200
            sealing, full = Sealing(random.Random(5), 1, letters=60_000), {}
            while not full:
                assert len(lane.acknowledged) < 5_000
                if not lane.pushed(token, sealing.batch(4)):
                    full = json.loads(serving.call("GET", "/readyz")[2])
            assert (full["code"], full["checks"]["storage"], full["checks"]["database"]) == ("not_ready", False, True)
            filler.unlink()
            assert lane.pushed(token, sealing.batch(1)), "there is room again, and it goes on"
        with postgres.maintenance(server) as run:
            run("alter database padan set tablespace pg_default")
        assert len(lane.acknowledged) > 100
        assert missing(lane) == []
        with postgres.maintenance(server) as run:
            run("drop tablespace small")
    finally:
        own.stop()
        subprocess.run(["umount", "-l", small], check=False)


@pytest.mark.timeout(300)
def test_two_writers_and_three_readers_no_reader_skips_or_repeats_a_row(
    not_run: Any, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    """Whole processes would be no stricter: each thread has a connection, and so a server process, of its own."""
    if postgres.missing():
        not_run(postgres.missing())
    with postgres.database() as address:
        world = World(open_store(address), home=tmp_path)
        over = threading.Event()
        readers = [Reader(address, over, page) for page in (1, 7, 100)]
        writers = [threading.Thread(target=_write, args=(address, number, over, tmp_path)) for number in (1, 2)]
        for thread in [*writers, *readers]:
            thread.start()
        time.sleep(READ_S)
        over.set()
        for thread in [*writers, *readers]:
            thread.join()
        head = feed.head(world.db, REGION)
        written = {row["household_id"] for row in world.db.all("select household_id from households")}
        for reader in readers:
            assert reader.errors == []
            assert reader.positions == sorted(set(reader.positions)), "a position came twice, or after a greater one"
            assert (reader.position, set(reader.last)) == (head, written), "a row was skipped"
        figure(
            f"two writers and three readers on PostgreSQL for {READ_S} s: {len(written)} households, {head} positions, "
            "none skipped, none repeated"
        )
        world.store.close()


class Reader(threading.Thread):
    """Follows the feed of a region page by page, as the central pull does."""

    def __init__(self, address: str, over: threading.Event, page: int) -> None:
        super().__init__()
        self._store, self._over, self._page = Store(address), over, page
        self.position = 0
        self.positions: list[int] = []
        self.last: dict[str, int] = {}
        self.errors: list[str] = []

    def run(self) -> None:
        while True:
            ending = self._over.is_set() and self._writers_done()
            entries, self.position, more = feed.page(self._store.db, REGION, self.position, self._page, [REGION])
            for entry in entries:
                self.positions.append(entry.position)
                if self.last.get(entry.household_id, 0) >= entry.position:
                    self.errors.append(f"{entry.household_id} went back to {entry.position}")
                self.last[entry.household_id] = entry.position
            if ending and not entries and not more:
                break
        self._store.close()

    def _writers_done(self) -> bool:
        return not any(thread.name.startswith("writer") and thread.is_alive() for thread in threading.enumerate())


def _write(address: str, number: int, over: threading.Event, home: Path) -> None:
    threading.current_thread().name = f"writer-{number}"
    world = World(Store(address), seed=number, home=home)
    ids = [world.uuid() for _ in range(40)]
    while not over.is_set():
        batch = [*world.random.sample(ids, 5), world.uuid()]
        world.push(*[world.sealed(each, {"address": f"Jl. {world.uuid()}"}) for each in batch])
        _fold(world)
    _fold(world)
    world.store.close()


def _fold(world: World) -> None:
    while (done := fold_some(world.db, world.keys, NOW_MS)).households or done.niks:
        pass


def _push_until_over(lane: Lane, number: int, token: str) -> None:
    try:
        rng = random.Random(lane.seed * 100 + number)
        sealing = Sealing(rng, number)
        while not lane.over.is_set():
            batch = sealing.batch(rng.randint(1, 4))
            while not lane.over.is_set() and not lane.pushed(token, batch):
                time.sleep(0.05)
    except BaseException as error:
        lane.broken.append(repr(error))
        lane.over.set()


def _wait(until: Callable[[], bool], lane: Lane, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert not lane.over.is_set(), lane.broken
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.02)
