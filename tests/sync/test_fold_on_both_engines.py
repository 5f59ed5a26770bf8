"""Random histories, stored and read back on SQLite and on PostgreSQL: the same events, and so the same bytes.

300 histories in `make test`, 10,000 in `make proof`. Each is written inside a transaction that is rolled back, so that
all of them can be about the same three families.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import postgres
import pytest
from fold_histories import History, grow
from fold_world import DICTIONARY, REGION
from hypothesis import settings

from server.flows.cluster import load_cluster
from server.store.appending import Appender
from server.store.database import Connection
from server.store.migrations import open_store
from sync.fold import fold
from sync.intake import sealed_from

PROOF = settings().max_examples > 300
HISTORIES = 10_000 if PROOF else 300
STEPS_MIN, STEPS_MAX = 6, 16
NOW_MS = 1_795_000_000_000


class RolledBack(Exception):
    """Ends a transaction that nobody is to see."""


@pytest.fixture
def engines(tmp_path: Path, not_run: Any) -> Iterator[dict[str, Connection]]:
    """A connection to a database of each engine."""
    if postgres.missing():
        not_run(postgres.missing())
    with postgres.database() as address:
        stores = {"sqlite": open_store(tmp_path / "padan.db"), "postgres": open_store(address)}
        yield {name: store.db for name, store in stores.items()}
        for store in stores.values():
            store.close()


@pytest.mark.timeout(3600)
def test_histories_read_back_from_either_engine_fold_to_the_same_bytes(
    engines: dict[str, Connection], figure: Callable[[str], None]
) -> None:
    events = records = 0
    for number in range(HISTORIES):
        rng = random.Random(number)
        history = grow(rng.getrandbits(16) for _ in range(rng.randint(STEPS_MIN, STEPS_MAX)))
        found = {name: _read_back(db, history, rng) for name, db in engines.items()}
        assert found["sqlite"] == found["postgres"], f"history of seed {number}"
        assert found["sqlite"], f"history of seed {number} has no record"
        events += len(history.events)
        records += len(found["sqlite"])
    figure(f"{HISTORIES} histories of {events} events, {records} records: the same bytes on SQLite and on PostgreSQL")


def test_a_byte_that_an_engine_changes_is_noticed(
    engines: dict[str, Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    db, history = engines["postgres"], grow(range(12))
    right = _read_back(db, history, random.Random(1))
    real = type(db).all

    def changed(self: Connection, sql: str, params: Any = None) -> Any:
        rows = real(self, sql, params)
        if "from filings f cross join parts p" in sql:
            return [{**dict(zip(row.keys(), row, strict=True)), "content": _other(row["content"])} for row in rows]
        return rows

    monkeypatch.setattr(type(db), "all", changed)
    assert _read_back(db, history, random.Random(1)) != right


def _read_back(db: Connection, history: History, rng: random.Random) -> dict[str, tuple[bytes, bytes]]:
    """Store the events of a history in any order, read them back, fold them; household id -> bytes."""
    sealed = [sealed_from(history.world.envelopes[event.ref]) for event in history.events]
    rng.shuffle(sealed)
    found: dict[str, tuple[bytes, bytes]] = {}
    try:
        with db.transaction():
            appender = Appender(db, NOW_MS)
            for each in sealed:
                appender.add(each)
            appender.flush()
            for household in sorted({household for each in sealed for _, household in each.filed}):
                cluster = load_cluster(db, (REGION, household))
                for record in fold(list(cluster.events.values()), DICTIONARY, cluster.ids):
                    found[record.household_id] = (record.data_bytes, record.trail_bytes)
            raise RolledBack
    except RolledBack:
        return found


def _other(content: bytes | None) -> bytes | None:
    return None if content is None else content.replace(b'"value":', b'"value" :').replace(b"Budi", b"Bodi")
