"""The log of a campaign, handed to a fresh server in random order and pieces, gives the same records byte for byte.

As after a restore: tablets offer what they have, and whatever bears a signature is taken back.
"""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from e2e_campaign import Campaign
from e2e_world import REGION, World, a_world

from schemas.json_text import read_item
from server.flows.fold import fold_all
from server.flows.push import push, sender_of
from server.store import events, households
from server.store.database import Store
from server.store.migrations import open_store

pytestmark = pytest.mark.xdist_group("e2e")
STEPS = 60


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with a_world(tmp_path_factory.mktemp("campaign"), 4, 8) as found:
        campaign = Campaign(found)
        for _ in range(STEPS):
            campaign.step()
        campaign.settle()
        yield found


def records_of(store: Store) -> dict[str, tuple[bytes, bytes]]:
    return {each.household_id: (each.data, each.trail) for each in households.stream(store.db, REGION)}


@pytest.mark.parametrize("order", [1, 2])
def test_the_same_events_in_any_order_and_pieces_give_the_same_bytes(world: World, tmp_path: Path, order: int) -> None:
    rng = random.Random(order)
    items = envelopes(world)
    rng.shuffle(items)
    world.store.db.checkpoint()
    store = emptied_copy(world, tmp_path)
    try:
        install = next(iter(world.tablets.values())).store.setting("install")
        sender = sender_of(store.db, install)
        assert sender is not None
        answers: list[str] = []
        while items:
            piece = [items.pop() for _ in range(min(len(items), rng.randint(1, 50)))]
            answers += [each.status for each in push(store.db, sender, piece, world.keys, world.clock.now_ms())]
            if rng.random() < 0.2:
                fold_all(store.db, world.keys, world.clock.now_ms())
        assert set(answers) <= {"stored", "held", "duplicate", "equivocation"}, set(answers)
        fold_all(store.db, world.keys, world.clock.now_ms())
        before, after = records_of(world.store), records_of(store)
        assert before.keys() == after.keys()
        assert [each for each in before if before[each] != after[each]] == []
    finally:
        store.close()


LOGGED = ("log", "log_heads", "parts", "filings", "known_households", "unreadable", "transport")
DERIVED = (
    "fold_queue", "feed_heads", "households", "aliases", "household_officers", "feed_removals", "nik_claims",
    "nik_verdicts", "nik_rows", "nik_queue", "cases",
)  # fmt: skip


def envelopes(world: World) -> list[Any]:
    """Every event of the log as a tablet would hand it back; the tablet's signature comes with its own events."""
    with_signature = {event.ref: event.item() for client in world.tablets.values() for event in client.sealed_events()}
    refs = [row["ref"] for row in world.store.db.all("select ref from log order by position")]
    found = []
    for ref in refs:
        event = events.by_ref(world.store.db, REGION, ref)
        assert event is not None
        found.append(read_item(json.dumps(with_signature.get(ref) or event.envelope()).encode()))
    return found


def emptied_copy(world: World, folder: Path) -> Store:
    """The server as it would be with its keys and accounts but without a log. Every officer may work everywhere, so
    that intake, which judges by what it knows at the time, holds nothing anew: the holds of the log come along."""
    file = folder / "padan.db"
    shutil.copy(world.folder / "padan.db", file)
    with closing(sqlite3.connect(file)) as db, db:
        there = {name for (name,) in db.execute("select name from sqlite_master where type = 'table'")}
        assert there >= set(DERIVED)
        for name in there & {*LOGGED, *DERIVED}:
            db.execute(f"delete from {name}")
        db.execute("update officers set scopes = ?", (json.dumps([REGION]),))
        db.execute("update installs set revoked_ms = null")
    return open_store(file)
