"""A reference registry on loopback, a client of it, and deliveries to send: shared by the tests of this folder."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.clock import Clock, FixedClock
from server.registry.adapter import Delivery
from server.registry.client import GenericAdapter
from server.registry.reference.app import Registry
from server.registry.reference.faults import Faults, switches_from_json
from server.registry.reference.ledger import Ledger
from server.registry.reference.running import running_registry
from server.registry.signing import Credentials
from sync.delivery import DELIVER, WITHDRAW, content_digest, idempotency_key, withdrawal_key

SECRET = b"rahasia-hanya-untuk-uji"
HOUSES = [f"{n:08d}-0000-4000-8000-000000000000" for n in range(10)]
A, B, C = HOUSES[:3]
NOW = "2026-11-21T03:00:00Z"


@dataclass
class World:
    """What a test holds: the registry's parts, its URL and a client."""

    url: str
    ledger: Ledger
    faults: Faults
    clock: FixedClock
    client: GenericAdapter
    file: Path

    def switch(self, **switches: Any) -> None:
        self.faults.set(switches_from_json(switches))

    def rows(self, sql: str) -> list[Any]:
        """What a checker sees that opens the file itself."""
        import sqlite3

        with sqlite3.connect(f"file:{self.file}?mode=ro", uri=True) as db:
            return db.execute(sql).fetchall()

    def applications(self) -> list[Any]:
        return self.rows("select household_id, version, action from applications order by seq")

    def new_client(self, secret: bytes = SECRET, clock: Clock | None = None, read_s: float = 5.0) -> GenericAdapter:
        return client_of(self.url, secret, clock or self.clock, read_s)


def client_of(url: str, secret: bytes, clock: Clock, read_s: float = 5.0) -> GenericAdapter:
    return GenericAdapter(
        url,
        Credentials("padan", secret),
        new_nonce=lambda: secrets.token_hex(16),
        clock=clock,
        timeouts_s=(2.0, read_s),
    )


@contextmanager
def world_in(folder: Path, *, seed: int = 0, daily_quota: int | None = None) -> Iterator[World]:
    file = folder / "registry.db"
    ledger, faults, clock = Ledger(file), Faults(seed), FixedClock(NOW)
    registry = Registry(ledger, faults, {"padan": SECRET}, clock, daily_quota)
    try:
        with running_registry(registry) as url:
            client = client_of(url, SECRET, clock)
            yield World(url, ledger, faults, clock, client, file)
            client.close()
    finally:
        ledger.close()


def delivery(house: str, version: int, *people: str, ref: str = "") -> Delivery:
    """A delivery of a household; `people`: a NIK (16 digits) or, for one without, a person key."""
    persons = [
        {"key": f"{house}/{nik}", "keys": [f"{house}/{nik}"], "nik": nik, "presence": "1"}
        if nik.isdigit()
        else {"key": nik, "keys": [nik], "nik": "", "presence": "1"}
        for nik in people
    ]
    payload = {"household_id": house, "home_region": "19.03", "persons": persons, "values": {"alamat": ref}}
    digest = content_digest(payload)
    key = idempotency_key("uji", house, digest, [(f"{version}{ref}", "submission")])
    return Delivery(DELIVER, house, "19.03", version, key, "uji", digest, payload)


def withdrawal(house: str, version: int) -> Delivery:
    return Delivery(
        WITHDRAW, house, "19.03", version, withdrawal_key("uji", house, version - 1, []), "uji", reason="ditautkan"
    )
