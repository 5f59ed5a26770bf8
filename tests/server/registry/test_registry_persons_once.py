"""Whatever is sent in whatever order, with whatever faults: the registry's file never holds a person twice."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from registry_world import HOUSES, delivery, withdrawal

from schemas.canonical import canonical_bytes
from server.registry.adapter import Delivery
from server.registry.reference.checks import read_application
from server.registry.reference.ledger import Application, Applied, Ledger

NOW_S = 1_795_230_000
HOUSE = st.sampled_from(HOUSES[:4])
PEOPLE = [f"19030155078200{n:02d}" for n in range(3)] + ["orang/tanpa-nik-1", "orang/tanpa-nik-2"]


class RegistryMachine(RuleBasedStateMachine):
    """Sends at random: new versions, stale ones, withdrawals, repeats, reservations; forgets keys; starts again."""

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.file = Path(self.folder.name) / "registry.db"
        self.ledger = Ledger(self.file)
        self.sent: list[Delivery] = []
        self.remember = True
        self.applied: list[tuple[str, int]] = []

    def send(self, wanted: Delivery) -> None:
        body = {
            "idempotency_key": wanted.idempotency_key,
            "version": wanted.version,
            "home_region": wanted.home_region,
            "content_digest": wanted.content_digest,
            "record": wanted.payload,
        }
        read = read_application(wanted.action, wanted.household_id, wanted.idempotency_key, canonical_bytes(body))
        assert isinstance(read, Application), read
        answer = self.ledger.apply(read, NOW_S, daily_quota=None, remember=self.remember)
        if isinstance(answer, Applied) and not answer.again:
            self.applied.append((wanted.household_id, wanted.version))

    @rule(house=HOUSE, version=st.integers(1, 6), people=st.sets(st.sampled_from(PEOPLE)), ref=st.sampled_from("ab"))
    def deliver(self, house: str, version: int, people: set[str], ref: str) -> None:
        self.sent.append(delivery(house, version, *sorted(people), ref=ref))
        self.send(self.sent[-1])

    @rule(house=HOUSE, version=st.integers(1, 6))
    def withdraw(self, house: str, version: int) -> None:
        self.sent.append(withdrawal(house, version))
        self.send(self.sent[-1])

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        self.send(data.draw(st.sampled_from(self.sent)))

    @rule(house=HOUSE, nik=st.sampled_from(PEOPLE[:3]), release=st.booleans())
    def reserve(self, house: str, nik: str, release: bool) -> None:
        if release:
            self.ledger.release(nik, house)
        else:
            self.ledger.reserve(nik, house, NOW_S)

    @rule(remember=st.booleans())
    def forget(self, remember: bool) -> None:
        self.remember = remember
        self.ledger.forget_keys()

    @rule()
    def start_again(self) -> None:
        self.ledger.close()
        self.ledger = Ledger(self.file)

    @invariant()
    def nobody_stands_twice(self) -> None:
        if not hasattr(self, "file"):
            return
        with sqlite3.connect(self.file) as db:
            payloads = db.execute("select household_id, payload from records where withdrawn = 0").fetchall()
            table = db.execute("select person_key, household_id, nik from persons").fetchall()
            log = db.execute("select household_id, version from applications order by seq").fetchall()
        standing = [(one["key"], house, one["nik"]) for house, text in payloads for one in json.loads(text)["persons"]]
        assert sorted(standing) == sorted(table), "the table of persons is what the records say"
        keys, niks = [key for key, _, _ in table], [nik for _, _, nik in table if nik]
        assert len(keys) == len(set(keys)) and len(niks) == len(set(niks))
        assert log == self.applied and len(log) == len(set(log)), "each version is applied once"
        for house in HOUSES[:4]:
            versions = [version for where, version in log if where == house]
            assert versions == sorted(versions)

    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            self.ledger.close()
            self.folder.cleanup()


TestNobodyStandsTwice = RegistryMachine.TestCase
TestNobodyStandsTwice.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
