"""A flipped byte is found and named, in a record by `rebuild`, in the log by `audit verify`."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from server.flows.audit import verify
from server.flows.rebuild import Difference, Rebuilt, rebuild
from server.store import cases, events, feed, fold_queue, households

REGION = "19.03"
NIK = "1903014107900001"


@pytest.fixture
def campaign(world: Any, person: Any) -> Any:
    """Some households: alone, in conflict, linked, sharing a NIK."""
    world.ids = sorted(world.uuid() for _ in range(6))
    one, two, three, four, five, six = world.ids
    world.push(
        world.sealed(one, {"address": "x", "assessment": "layak"}),
        world.sealed(one, {"assessment": "tidak"}),
        world.sealed(two, {"address": "y"}, {f"{two}/{world.uuid()}": person("SITI AMINAH", NIK)}),
        world.sealed(three, {"address": "z"}, {f"{three}/{world.uuid()}": person("BUDI SANTOSO", NIK)}),
        *[world.sealed(each, {"address": each}) for each in (four, five, six)],
    )
    world.staff("assignment", six, {"officer": "petugas1"})
    world.staff("link", four, {"households": [four, five]}, also=[(five, REGION)])
    world.fold()
    return world


def rebuilt(world: Any, *, check: bool = True, seed: int = 1) -> tuple[Rebuilt, list[Difference]]:
    found: list[Difference] = []
    done = rebuild(world.db, world.keys, check=check, shuffle_seed=seed, now_ms=world.now_ms, report=found.append)
    assert done.differences == len(found)
    return done, found


@pytest.mark.parametrize("seed", range(5))
def test_what_is_stored_equals_a_fresh_fold_in_any_order(campaign: Any, seed: int) -> None:
    done, found = rebuilt(campaign, seed=seed)
    assert (done.identical, done.households, done.clusters, found) == (True, 6, 5, [])


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_another_process_with_another_hash_seed_folds_the_same_bytes(campaign: Any, root: Path, hash_seed: str) -> None:
    code = """
import sys
from server.auth.keys import load_keys
from server.flows.rebuild import rebuild
from server.store.migrations import open_store
db = open_store(sys.argv[1]).db
print(rebuild(db, load_keys(db, 1), check=True, shuffle_seed=int(sys.argv[2]), now_ms=1, report=print).identical)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, campaign.store.address, hash_seed],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "True\n"


@pytest.mark.parametrize("column", ["data", "trail"])
def test_every_flipped_byte_of_a_record_is_found_and_named(campaign: Any, column: str) -> None:
    one = campaign.ids[0]
    good = bytes(getattr(households.load(campaign.db, one), column))
    for place in sorted(random.Random(1).sample(range(len(good)), 20)):
        bad = good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :]
        campaign.db.run(f"update households set {column} = :bad where household_id = :id", {"bad": bad, "id": one})
        done, (difference,) = rebuilt(campaign)
        assert not done.identical
        assert (difference.household_id, difference.what.startswith(f"{column}: byte {place} differs")) == (one, True)
    done, _ = rebuilt(campaign, check=False)
    assert done.written == 1
    assert households.load(campaign.db, one).data is not None
    assert rebuilt(campaign)[0].identical


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("update households set state = 'delivered' where household_id = :one", "state: 'delivered' is stored"),
        ("update households set data_digest = 'x' where household_id = :one", "data_digest"),
        ("delete from households where household_id = :one", "record is missing"),
        ("delete from aliases", "alias of None"),
        ("update aliases set canonical_id = :one", "alias of"),
        ("delete from household_officers", "officers"),
        ("delete from cases where household_id = :one", "open cases differ"),
        ("delete from cases where household_id = :two", "cases of its NIKs differ"),
        ("update nik_claims set person_key = 'x' where household_id = :two", "NIK claims differ"),
        ("delete from nik_rows", "row of NIK"),
        ("insert into nik_rows values ('feed', '{}')", "row of NIK feed"),
        (
            """insert into households select home_region, 'ffffffff-ffff-4fff-8fff-ffffffffffff', area, state, data,
               trail, data_digest, delivery_digest, aliases, conflicts, awaiting, engine, 99999 from households
               limit 1""",
            "no event is filed under this household",
        ),
    ],
)
def test_every_derived_table_is_compared_and_can_be_regrown(campaign: Any, sql: str, told: str) -> None:
    one, two = campaign.ids[:2]
    campaign.db.run(sql, {"one": one, "two": two})
    _, found = rebuilt(campaign)
    assert any(told in str(difference) for difference in found), found
    position = feed.head(campaign.db, REGION)
    rebuilt(campaign, check=False)
    assert rebuilt(campaign)[0].identical
    if "households set" in sql:
        assert feed.head(campaign.db, REGION) > position


def test_all_records_regrow_from_an_empty_set_of_tables(campaign: Any) -> None:
    before = {each: households.load(campaign.db, each).data for each in campaign.ids}
    for table in ("households", "aliases", "household_officers", "nik_claims", "nik_rows", "nik_verdicts", "cases"):
        campaign.db.run(f"delete from {table}")
    rebuilt(campaign, check=False)
    assert {each: households.load(campaign.db, each).data for each in campaign.ids} == before
    assert rebuilt(campaign)[0].identical
    assert cases.counts(campaign.db) == {"field": 2, "nik_collision": 2}


def test_what_waits_to_be_folded_is_no_difference(campaign: Any) -> None:
    campaign.push(campaign.sealed(campaign.ids[0], {"address": "baru"}))
    done, found = rebuilt(campaign)
    assert (done.waiting, found) == (1, [])
    rebuilt(campaign, check=False)
    assert fold_queue.length(campaign.db) == 0
    assert rebuilt(campaign)[0].identical


def test_an_untouched_log_verifies(campaign: Any) -> None:
    done = verify(campaign.db)
    assert (done.broken, done.rows) == ((), events.count(campaign.db))
    assert done.parts > 0
    assert set(done.heads) == {REGION}


@pytest.mark.parametrize(
    "column", ["head", "part_hashes", "payload_hash", "chain", "ref", "household_id", "kind", "id"]
)
def test_a_flipped_byte_in_a_row_of_the_log_is_found_and_named(campaign: Any, column: str) -> None:
    good = campaign.db.value(f"select {column} from log where position = 4")
    for place in range(0, len(good), max(1, len(good) // 10)):
        bad = _flipped(good, place)
        campaign.db.run(f"update log set {column} = :bad where position = 4", {"bad": bad})
        broken = verify(campaign.db).broken
        assert broken, place
        assert broken[0].position == 4
        assert "position 4" in str(broken[0])
    campaign.db.run(f"update log set {column} = :good where position = 4", {"good": good})
    assert verify(campaign.db).broken == ()


@pytest.mark.parametrize("column", ["content", "salt"])
def test_a_flipped_byte_in_a_part_is_found_and_named(campaign: Any, column: str) -> None:
    row = campaign.db.one(f"select name, {column} as it from parts where position = 3 order by name desc")
    for place in range(0, len(row["it"]), max(1, len(row["it"]) // 10)):
        campaign.db.run(
            f"update parts set {column} = :bad where position = 3 and name = :name",
            {"bad": _flipped(row["it"], place), "name": row["name"]},
        )
        (broken,) = verify(campaign.db).broken
        assert (broken.position, broken.what) == (3, f"part {row['name']}: the bytes do not give its hash")


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("delete from log where position = 2", "positions 2 to 2 are missing"),
        ("delete from log where position = (select max(position) from log)", "the log ends at position"),
        ("delete from parts where position = 3 and name = 'h'", "parts: not the parts"),
        ("delete from filings where position = 3", "filings: the event is not filed"),
        ("update log_heads set chain = (select chain from log where position = 1)", "the end of the chain was changed"),
        ("update log set position = position + 100 where position >= 5", "positions 5 to 104 are missing"),
    ],
)
def test_what_is_missing_from_the_log_is_found(campaign: Any, sql: str, told: str) -> None:
    campaign.db.run(sql)
    assert any(told in str(each) for each in verify(campaign.db).broken)


def _flipped(good: Any, place: int) -> Any:
    if isinstance(good, bytes):
        return good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :]
    return good[:place] + ("0" if good[place] != "0" else "1") + good[place + 1 :]
