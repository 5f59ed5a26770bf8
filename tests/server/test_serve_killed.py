"""kill -9 of `padan serve` while tablets push: what was acknowledged is there, once, and everything still fits.

Two servers with a database each are killed side by side, 25 times each. The ledger of what was acknowledged is kept by
this process, outside the servers. A kill counts as "between receipt and answer" where the marks of the killed server
(serving_process.py) show a push that had arrived whole and whose answer had not gone out.
"""

from __future__ import annotations

import http.client
import json
import random
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from serve_world import Serving, prepare, push_body
from server_world import NOW_MS, REGION, World, small_form

from server.flows.audit import verify
from server.flows.fold import fold_all
from server.flows.rebuild import rebuild
from server.store import events
from server.store.migrations import open_store

LANES, KILLS_EACH, TABLETS = 2, 25, 3
BETWEEN_MIN = 20
ALIVE_S = (0.02, 0.2)


@dataclass
class Lane:
    """One server with its tablets and its ledger."""

    folder: Path
    database: str
    seed: int
    port: int = 0
    acknowledged: dict[str, tuple[str, int]] = field(default_factory=dict)
    """ref -> receipt, of what a whole answer said is stored."""
    differing: list[str] = field(default_factory=list)
    unanswered: int = 0
    between: int = 0
    broken: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Serve, push and kill."""
        world, tokens = prepare(self.database, TABLETS, self.seed)
        world.store.close()
        rng = random.Random(self.seed)
        tablets = [threading.Thread(target=self._tablet, args=(n + 1, tokens[n])) for n in range(TABLETS)]
        try:
            for kill in range(KILLS_EACH):
                marks = self.folder / f"marks{kill}"
                with Serving(self.database, self.folder, marks=marks, PADAN_SCHEDULER="false") as serving:
                    self.port = serving.port
                    if kill == 0:
                        for tablet in tablets:
                            tablet.start()
                    while not marks.stat().st_size:
                        assert not self.over.wait(0.005), self.broken
                    time.sleep(rng.uniform(*ALIVE_S))
                    serving.kill()
                self.between += unfinished(marks.read_text())
        finally:
            self.over.set()
            for tablet in tablets:
                if tablet.ident is not None:
                    tablet.join()

    def _tablet(self, number: int, token: str) -> None:
        try:
            self._work(number, token)
        except BaseException as error:
            self.broken.append(repr(error))
            self.over.set()

    def _work(self, number: int, token: str) -> None:
        rng = random.Random(self.seed * 100 + number)
        sealing = Sealing(rng, number)
        while not self.over.is_set():
            batch = sealing.batch(rng.randint(1, 4))
            while not self.over.is_set() and not self.pushed(token, batch):
                time.sleep(0.05)

    def pushed(self, token: str, batch: list[dict[str, Any]], port: int = 0) -> bool:
        """Send until an answer came: the same bytes again and again, as a tablet does."""
        line = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=10)
        try:
            line.connect()
        except OSError:
            return False
        try:
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
            line.request("POST", "/v1/events", push_body(batch), headers)
            answer = line.getresponse()
            status, body = answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self.unanswered += 1
            return False
        finally:
            line.close()
        if status in (503, 507):
            self.unanswered += 1
            return False
        assert status == 200, body
        for sent, result in zip(batch, json.loads(body)["results"], strict=True):
            ref = sent["payload_hash"][:32]
            receipt = (result["receipt"]["epoch"], result["receipt"]["position"])
            if result["status"] not in ("stored", "duplicate") or self.acknowledged.setdefault(ref, receipt) != receipt:
                self.differing.append(ref)
        return True


class Sealing:
    """Envelopes of one tablet, sealed without a server."""

    def __init__(self, rng: random.Random, number: int, letters: int = 0) -> None:
        self._letters = letters
        self._world = World.__new__(World)
        self._world.random = rng
        self._world.form = small_form()
        self._number = number

    def batch(self, size: int) -> list[dict[str, Any]]:
        """`size` events about households of their own."""
        made = []
        for _ in range(size):
            more = {"actor": f"petugas{self._number}", "install": f"tablet-{self._number}", "form": None}
            made.append(
                self._world.sealed(self._world.uuid(), {"address": f"Jl. {self._world.uuid()}", **self._long()}, **more)
            )
        return made

    def _long(self) -> dict[str, str]:
        """A remark that takes its room and does not pack well."""
        return {"remark": self._world.random.randbytes(self._letters // 2).hex()} if self._letters else {}


def unfinished(marks: str) -> bool:
    """Whether a push had come in whole, and its answer had not gone out."""
    seen = {kind: set(re.findall(rf"^{kind} (\d+)$", marks, re.MULTILINE)) for kind in ("in", "out")}
    return bool(seen["in"] - seen["out"])


def test_marks_tell_a_kill_in_the_middle_from_one_between_two_pushes() -> None:
    assert unfinished("in 1\nin 2\nout 1\n")
    assert not unfinished("in 1\nin 2\nout 1\nout 2\n")


def test_an_acknowledged_event_that_is_not_there_or_stands_elsewhere_is_noticed(
    tmp_path: Path, new_address: Callable[[], str]
) -> None:
    lane = Lane(tmp_path, new_address(), seed=3)
    world, _ = prepare(lane.database)
    envelope = world.sealed(world.uuid(), {"address": "Jl. Melati 1"}, actor="petugas1")
    (answer,) = world.push(envelope)
    world.store.close()
    assert answer.ref is not None and answer.receipt is not None
    there = (answer.receipt.epoch, answer.receipt.position)
    lane.acknowledged = {answer.ref: there}
    assert missing(lane) == []
    lane.acknowledged = {answer.ref: (there[0], there[1] + 1), "0" * 32: there}
    assert missing(lane) == [answer.ref, "0" * 32]


def test_what_was_acknowledged_survives_fifty_kills_of_the_server(
    tmp_path: Path, engine: str, new_address: Callable[[], str], figure: Callable[[str], None]
) -> None:
    lanes = []
    for number in range(LANES):
        (tmp_path / str(number)).mkdir()
        lanes.append(Lane(tmp_path / str(number), new_address(), seed=11 + number))
    with ThreadPoolExecutor(LANES) as pool:
        for done in [pool.submit(lane.run) for lane in lanes]:
            done.result()
    between = sum(lane.between for lane in lanes)
    acknowledged = sum(len(lane.acknowledged) for lane in lanes)
    lost = [ref for lane in lanes for ref in missing(lane)]
    figure(
        f"{LANES * KILLS_EACH} kills of padan serve on {engine}, {between} of them between receipt of a body and its "
        f"answer; "
        f"{sum(lane.unanswered for lane in lanes)} pushes unanswered; "
        f"{acknowledged} events acknowledged, {len(lost)} lost"
    )
    assert lost == []
    assert [ref for lane in lanes for ref in lane.differing] == []
    assert [error for lane in lanes for error in lane.broken] == []
    assert between >= BETWEEN_MIN
    assert acknowledged > LANES * KILLS_EACH


def missing(lane: Lane) -> list[str]:
    """Acknowledged refs that the log does not hold where the receipt said; the rest of the database is checked too."""
    store = open_store(lane.database)
    db = store.db
    lost = []
    for ref, receipt in lane.acknowledged.items():
        found = events.by_ref(db, REGION, ref)
        if found is None or (found.receipt.epoch, found.receipt.position) != receipt:
            lost.append(ref)
    assert verify(db).broken == ()
    assert db.value("select count(*) from log") == db.value("select count(distinct ref) from log")
    keys = World.keys_of(store)
    assert fold_all(db, keys, NOW_MS).failed == 0
    done = rebuild(db, keys, check=True, shuffle_seed=lane.seed, now_ms=NOW_MS)
    assert (done.identical, done.waiting) == (True, 0)
    store.close()
    return lost
