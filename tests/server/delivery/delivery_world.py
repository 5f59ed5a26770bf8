"""A server with ratified households and a reference registry on loopback, over real HTTP."""

from __future__ import annotations

import json
import random
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from schemas.problems import ProblemError
from server.clock import FixedClock
from server.flows import deliver, deliver_send
from server.flows.deliver_judge import Dispatch
from server.registry.adapter import Adapter
from server.registry.client import GenericAdapter
from server.registry.reference.app import Registry
from server.registry.reference.faults import Faults, switches_from_json
from server.registry.reference.ledger import Ledger
from server.registry.reference.running import running_registry
from server.registry.signing import Credentials
from server.store import events, households, outbox

SECRET = b"rahasia-hanya-untuk-uji"
REGION = "19.03"
NIKS = [f"190301550782{serial:04d}" for serial in range(1, 40)]


@dataclass
class Delivering:
    """What a test holds."""

    world: Any
    url: str
    ledger: Ledger
    faults: Faults
    clock: FixedClock
    dispatch: Dispatch
    file: Path
    persons: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)

    @property
    def db(self) -> Any:
        return self.world.db

    def adapter(self) -> Adapter:
        """A client whose reads time out soon."""
        nonce = lambda: secrets.token_hex(16)  # noqa: E731
        credentials = Credentials("padan", SECRET)
        return GenericAdapter(self.url, credentials, new_nonce=nonce, clock=self.clock, timeouts_s=(2.0, 1.0))

    def switch(self, **switches: Any) -> None:
        self.faults.set(switches_from_json(switches))

    # --- the field and the supervisor ---

    def household(self, *niks: str | None, household: str | None = None) -> str:
        """A household that was visited: one person for each NIK, or None for one without."""
        household = household or self.world.uuid()
        self.persons[household] = {}
        for number, nik in enumerate(niks):
            answers = {"m_name": f"WARGA {household[:4]} {number}", "presence": "1"} | ({"nik": nik} if nik else {})
            self.persons[household][f"{household}/{self.world.uuid()}"] = answers
        self.visit(household, {"address": "Jl. Mawar"}, self.persons[household])
        return household

    def visit(
        self, household: str, answers: Mapping[str, Any] | None, persons: Mapping[str, Mapping[str, Any]] | None = None
    ) -> dict[str, Any]:
        """A form that saw everything known so far."""
        shown = households.load(self.db, household)
        context = {} if shown is None else {r["ref"]: r["household_id"] for r in json.loads(shown.trail)["refs"]}
        sealed = self.world.sealed(household, answers, persons, context=context)
        (answer,) = self.world.push(sealed)
        assert answer.status == "stored", answer
        self.world.fold()
        return dict(sealed)

    def staff(self, kind: str, household: str, body: Mapping[str, Any], **head: Any) -> dict[str, Any]:
        shown = households.load(self.db, household)
        context = {line["ref"]: line["household_id"] for line in json.loads(shown.trail)["refs"]}
        made = self.world.staff(kind, household, body, context=context, **head)
        self.world.fold()
        return dict(made)

    def ratify(self, *ids: str) -> None:
        """Approve and ratify what stands in the record now."""
        for household in ids:
            self.approve(household)
            assert self.state(household) == "ratified", self.state(household)

    def ratified(self, *niks: str | None) -> str:
        household = self.household(*niks)
        self.ratify(household)
        return household

    def approve(self, household: str) -> None:
        """Approve and ratify, whatever state that gives."""
        record = households.load(self.db, household)
        self.staff("review", record.household_id, {"verdict": "approve", "data_digest": record.data_digest})
        minutes = {"number": "BA-2", "date": "2026-11-22"}
        self.staff("ratification", record.household_id, {"delivery_digest": record.delivery_digest, "minutes": minutes})

    def two_linked(self) -> tuple[str, str, dict[str, Any]]:
        """Two delivered households that are then linked: `(canonical, alias, link event)`."""
        first, second = sorted((self.ratified(NIKS[0]), self.ratified(NIKS[1])))
        self.run()
        link = self.staff("link", first, {"households": [first, second]}, also=[(second, REGION)])
        return first, second, link

    # --- the worker ---

    def run(self, *, until_idle: int = 40, holder: str = "w1") -> None:
        """Tick, fold, and let time pass to the next thing that is due within a day, until nothing moves."""
        with deliver_send.wire(self.adapter, 4) as line:
            for _ in range(until_idle):
                moved = deliver.tick(self.db, self.dispatch, line, holder)
                self.world.now_ms = self.clock.now_ms()
                self.world.fold()
                if not moved and not self._advance():
                    return
        raise AssertionError(f"not idle: {outbox.counts(self.db)}")

    def run_with(self, new_adapter: Callable[[], Adapter]) -> None:
        """One tick through another kind of registry."""
        with deliver_send.wire(new_adapter, 2) as line:
            deliver.tick(self.db, self.dispatch, line, "w1")
        self.world.now_ms = self.clock.now_ms()
        self.world.fold()

    def tick(self, holder: str = "w1") -> deliver.Ticked:
        """One tick, no time passes."""
        with deliver_send.wire(self.adapter, 4) as line:
            done = deliver.tick(self.db, self.dispatch, line, holder)
        self.world.fold()
        return done

    def tick_without_sending(self) -> None:
        """The sweep alone."""
        deliver.sweep_all(self.db, self.dispatch)

    def send_only(self, holder: str = "w1") -> int:
        """One round of sending alone; how many were exchanged."""
        with deliver_send.wire(self.adapter, 4) as line:
            return deliver_send.send_round(self.db, self.dispatch, line, holder).claimed

    def refused(self, act: Any, household: str) -> str:
        """The code of the problem that an act on a household ends with."""
        with pytest.raises(ProblemError) as found:
            act(self.db, self.dispatch, household)
        return str(found.value.code)

    def _advance(self) -> bool:
        """To the next moment something is due: a row, a household, an open circuit."""
        times = [outbox.next_due_ms(self.db)]
        circuit = deliver.overview(self.db, "registry").circuit
        if times[0] is not None and circuit.state != "closed":
            times = [max(times[0], circuit.until_ms)]
        due = min((each for each in times if each is not None), default=None)
        if due is None or not self.clock.now_ms() < due <= self.clock.now_ms() + 86_400_000:
            return False
        self.clock.set_ms(due)
        return True

    # --- what a checker sees ---

    def state(self, household: str) -> str:
        record = households.load(self.db, household)
        assert record is not None
        return str(record.state)

    def rows(self, household: str) -> list[tuple[str, int, str]]:
        return [(r.action, r.version, r.state) for r in outbox.of_household(self.db, REGION, household)]

    def registry(self, sql: str) -> list[Any]:
        with sqlite3.connect(f"file:{self.file}?mode=ro", uri=True) as db:
            return db.execute(sql).fetchall()

    def applications(self) -> list[Any]:
        return self.registry("select household_id, version, action from applications order by seq")

    def standing(self) -> dict[str, int]:
        return dict(self.registry("select household_id, version from records where withdrawn = 0"))

    def ref_of_receipt(self, household: str) -> str:
        (receipt,) = events.filed_under(self.db, REGION, household, ["receipt"])
        return receipt.ref

    def lose_in_registry(self, household: str) -> None:
        """As if the registry came back from an older backup of its own."""
        with sqlite3.connect(self.file) as db:
            for table in ("records", "persons", "person_keys"):
                db.execute(f"delete from {table} where household_id = ?", (household,))
            db.execute("delete from remembered_keys")

    def twice(self) -> int:
        """NIKs that stand more than once, over all household ids."""
        sql = "select count(*) from (select nik from persons where nik <> '' group by nik having count(*) > 1)"
        return int(self.registry(sql)[0][0])


@contextmanager
def delivering_in(
    world: Any, folder: Path, daily_quota: int | None = None, clock: FixedClock | None = None
) -> Iterator[Delivering]:
    file = folder / "registry.db"
    ledger, faults, clock = Ledger(file), Faults(3), clock or FixedClock(world.now_ms)
    draw = random.Random(5)
    dispatch = Dispatch(world.keys, "uji", clock, lambda: draw.randint(0, 1000))
    try:
        with running_registry(Registry(ledger, faults, {"padan": SECRET}, clock, daily_quota)) as url:
            yield Delivering(world, url, ledger, faults, clock, dispatch, file)
    finally:
        ledger.close()
