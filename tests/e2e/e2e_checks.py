"""What must hold when a campaign has settled. The files are read by a script that imports nothing of Padan."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

from e2e_world import REGION, World

from server.flows import audit, deliver
from server.flows.rebuild import rebuild
from server.store import delivery_queue, devices, fold_queue, households, niks, outbox
from server.store.copying import copy_all
from server.store.migrations import open_store

CHECKER = Path(__file__).parents[2] / "server" / "demo" / "check_files.py"


def check_everything(world: World) -> None:
    """Raise `AssertionError` with what does not hold."""
    check_files(world)
    check_log_and_records(world)
    check_queues(world)
    check_registry(world)
    check_tablets(world)
    check_written_lines(world)


def check_files(world: World) -> None:
    """Every sealed event is in the log once; the mirror is the server; nobody stands twice."""
    world.store.db.checkpoint()
    tablets = sorted(str(path) for path in (world.folder / "tablets").glob("*/tablet.db"))
    assert len(tablets) == len(world.tablets)
    database = str(_as_a_file(world))
    command = [sys.executable, "-I", str(CHECKER), "--server", database, "--records", database]
    command += ["--mirror", str(world.folder / "pusat.db"), "--registry", str(world.folder / "registry.db"), *tablets]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert found["sealed_on_tablets"] > 0
    wrong = {
        name: found[name] for name in ("lost_refs", "twice_in_log", "hash_broken_on_tablets", "registry_duplicates",
                                       "mirror_differences") if found[name]
    }  # fmt: skip
    assert not wrong, wrong
    assert found["mirror_equals_server"]


def _as_a_file(world: World) -> Path:
    """The server's database, which the outside check reads as a SQLite file."""
    path = world.folder / "padan.db"
    if world.store.engine != "sqlite":
        copy = open_store(path)
        copy_all(world.store.db, copy.db)
        copy.db.checkpoint()
        copy.close()
    return path


def check_log_and_records(world: World) -> None:
    """The log verifies, and what is stored is what a fresh fold in another order gives."""
    verified = audit.verify(world.store.db)
    assert not verified.broken, [str(each) for each in verified.broken]
    said: list[str] = []
    done = rebuild(
        world.store.db, world.keys, check=True, shuffle_seed=world.rng.getrandbits(16),
        now_ms=world.clock.now_ms(), report=lambda each: said.append(str(each)),
    )  # fmt: skip
    assert done.identical and not done.waiting, (said, done)


def check_queues(world: World) -> None:
    """Nothing waits that nobody will ever do."""
    db = world.store.db
    assert fold_queue.length(db) == 0 and niks.count_queued(db) == 0
    assert all(client.status().tablet_only == 0 for client in world.tablets.values())
    assert all(client.status().refused == 0 for client in world.tablets.values())
    busy = outbox.in_states(db, ("pending", "sending", "asking", "uncertain"), 1_000)
    assert not busy, [(row.household_id, row.state, row.action) for row in busy]
    states = households.counts_by_state(db, REGION)
    assert not states.keys() & {"conflict", "submitted", "in_review", "approved", "returned"}, states
    for household in world.ids():
        record = world.record(household)
        assert not record["awaiting"], (household, record["awaiting"])


def check_registry(world: World) -> None:
    """Each version applied once, and what stands is what is ratified."""
    with sqlite3.connect(f"file:{world.folder / 'registry.db'}?mode=ro", uri=True) as db:
        versions = db.execute("select household_id, version, action from applications order by seq").fetchall()
        standing = dict(db.execute("select household_id, version from records where withdrawn = 0"))
    assert len(versions) == len({(household, version) for household, version, _ in versions}), versions
    for household in {each[0] for each in versions}:
        own = [version for hid, version, _ in versions if hid == household]
        assert own == list(range(1, len(own) + 1)), (household, own)
    dispatch = world.office.dispatch
    told = {each: deliver.dry_run(world.store.db, dispatch, each) for each in world.ids()}
    codes = {each: {reason["code"] for reason in said["reasons"]} for each, said in told.items()}
    accepted = {each for each in told if world.record(each)["state"] == "accepted"}
    dead = {row.household_id for row in deliver.dead_letters(world.store.db)}
    assert standing.keys() <= set(told), f"an alias still stands: {standing.keys() - set(told)}"
    assert accepted - dead <= standing.keys(), accepted - dead - standing.keys()
    waiting = {each: codes[each] for each in told if world.record(each)["state"] == "ratified" and each not in dead}
    stuck = [each for each, code in waiting.items() if not code & {"identity_conflict", "empty"}]
    assert not stuck, [_about_delivery(world, each) for each in stuck]


def _about_delivery(world: World, household: str) -> dict[str, Any]:
    db = world.store.db
    rows = [(r.version, r.action, r.state) for r in outbox.of_household(db, REGION, household)]
    blocked = [(r.household_id, r.blocked_on) for r in delivery_queue.blocked(db, 100)]
    told = deliver.dry_run(db, world.office.dispatch, household)
    seen = deliver.overview(db, "registry")
    return {"household": household, "rows": rows, "blocked": blocked, "told": told, "seen": seen}


def check_tablets(world: World) -> None:
    """A full household on a tablet is the server's record; nobody else's is there in full."""
    for name, client in sorted(world.tablets.items()):
        officer = client.officer
        full = {}
        for known in client.households():
            if known.level == "full":
                full[known.household_id] = known
        mine = {each for each in world.ids() if officer in world.record(each)["assigned"]}
        assert full.keys() == mine, (name, full.keys() ^ mine)
        for household, known in full.items():
            stored = households.load(world.store.db, household)
            assert stored is not None
            assert _same(known.data, stored.data), (name, household)
            assert _same(known.trail, stored.trail), (name, household)
            draft = client.open_draft(household)
            behind = {line["ref"] for line in known.trail["refs"]}
            assert behind <= draft.context.keys(), (name, household)
            client.discard(draft)
        scopes = set(devices.officer_of(world.store.db, officer).scopes)
        village = {each for each in world.ids() if world.record(each)["area"] in scopes}
        seen = {each.household_id for each in client.households()}
        too_many, missing = seen - mine - village, (mine | village) - seen
        assert not too_many and not missing, (name, too_many, missing, sorted(scopes))
        assert not any(known.data for known in client.households() if known.level != "full"), name


def _same(told: Any, stored: bytes) -> bool:
    return json.dumps(told, sort_keys=True) == json.dumps(json.loads(stored), sort_keys=True)


def check_written_lines(world: World) -> None:
    """No NIK and no name of anybody in what was logged."""
    text = world.log.getvalue()
    assert text, "nothing was logged: the check would show nothing"
    known = set()
    for household in world.ids():
        record = world.record(household)
        for person in record["persons"]:
            for name in ("nik", "m_name"):
                value = person["fields"].get(name, {}).get("value")
                if value and len(value) > 5:
                    known.add(value)
    assert known
    assert not [value for value in known if value in text]
