"""The mirror holds what the server stores, byte for byte, through everything that happens in between."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from central_world import Central, Cutting, fill
from server_world import NOW_MS, OTHER_VILLAGE, REGION, VILLAGE

from server.clock import FixedClock
from server.flows import erasure
from server.flows.erasure_plan import subject_of
from server.mirror import MirrorProblem, PullProgress, pulling


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three households a page."""
    monkeypatch.setattr(pulling, "PULL_PAGE_DEFAULT", 3)
    monkeypatch.setattr(pulling, "PAGE_LINES_MAX", 3)
    monkeypatch.setattr(pulling, "PAGE_LINES_MIN", 1)


def filled(central: Central, count: int) -> list[str]:
    """Families with a person each whose NIK nobody else has."""
    found = [fill(central.world, nik=f"190301010180{number:04}") for number in range(1, count + 1)]
    central.world.fold()
    return found


def new_epoch(central: Central) -> None:
    """What a restore does to the cursors."""
    central.world.db.run(
        "insert into epochs (epoch, id, began_ms, reason) values (2, 'restored', :now, 'test')", {"now": NOW_MS}
    )


def test_the_mirror_holds_the_very_bytes_that_the_server_stores(central: Central) -> None:
    for number in range(1, 8):
        fill(central.world, f'Jl. "Melati" \u2013 \U0001f3e0 {number} ,"data":{{}} \\', nik=f"190301010180{number:04}")
    central.world.fold()
    done = central.pull()
    assert done.households == 7 and done.persons == 14
    assert central.households() == central.stored() and len(central.stored()) == 7


def test_a_second_pull_brings_only_what_changed(central: Central) -> None:
    first, *_ = filled(central, 3)
    assert central.pull().lines == 3
    assert central.pull().lines == 0
    fill(central.world, "Jl. Mawar", household=first, nik="1903010101800001")
    central.world.fold()
    assert central.pull().lines == 1
    assert central.households() == central.stored()


@pytest.mark.parametrize("seed", range(8))
def test_a_pull_cut_anywhere_goes_on_where_it_stopped(central: Central, seed: int, small_pages: None) -> None:
    filled(central, 12)
    chance = random.Random(seed)
    cuts = [chance.randrange(1_500) for _ in range(25)]
    line = Cutting(central.source(), cuts)
    for _ in range(25):
        try:
            central.pull(line)
            break
        except MirrorProblem:
            whole = central.stored()
            # Only whole pages are there: every record that is there is the server's, and its readable row with it.
            assert central.households().items() <= whole.items()
            assert central.rows("select household_id from households order by 1") == central.rows(
                "select household_id from keluarga order by 1"
            )
    assert line.cut > 5
    central.pull(line)
    assert central.households() == central.stored() and len(central.stored()) == 12


def test_a_household_merged_away_vanishes_and_its_alias_appears_and_goes_again(central: Central) -> None:
    first, second, third = filled(central, 3)
    central.pull()
    link = central.world.staff("link", first, {"households": [first, second]}, also=[(second, REGION)])
    central.world.fold()
    central.pull()
    kept, gone = min(first, second), max(first, second)
    assert set(central.households()) == {kept, third}
    assert central.rows("select household_id, canonical_id from aliases") == [(gone, kept)]
    assert central.rows("select count(*) from anggota where household_id = ?", (gone,)) == [(0,)]
    central.world.staff("undo", first, {"target": link["payload_hash"][:32]}, also=[(second, REGION)])
    central.world.fold()
    central.pull()
    assert central.rows("select * from aliases") == []
    assert central.households() == central.stored() and len(central.stored()) == 3


def test_a_household_that_leaves_the_area_leaves_the_mirror(central: Central) -> None:
    source = central.source(OTHER_VILLAGE)
    moving = fill(central.world, area=OTHER_VILLAGE)
    staying = fill(central.world, area=OTHER_VILLAGE, nik="1903010101800002")
    central.world.fold()
    assert central.pull(source).households == 2
    fill(central.world, household=moving, area=VILLAGE)
    central.world.fold()
    central.pull(source)
    assert set(central.households()) == {staying}
    assert central.rows("select distinct household_id from anggota") == [(staying,)]


def test_whoever_sees_both_villages_keeps_a_household_that_goes_from_one_to_the_other(central: Central) -> None:
    moving = fill(central.world, area=OTHER_VILLAGE)
    central.world.fold()
    central.pull()
    fill(central.world, household=moving, area=VILLAGE)
    central.world.fold()
    central.pull()
    assert central.rows("select household_id, area from keluarga") == [(moving, VILLAGE)]
    central.mirror.unlink()
    central.pull()
    assert central.households() == central.stored() and len(central.stored()) == 1


def test_a_household_merged_into_one_outside_the_area_leaves_the_mirror_too(central: Central) -> None:
    source = central.source(OTHER_VILLAGE)
    low, high = sorted([central.world.uuid(), central.world.uuid()])
    fill(central.world, household=low, area=VILLAGE)
    fill(central.world, household=high, area=OTHER_VILLAGE, nik="1903010101800002")
    central.world.fold()
    assert central.pull(source).households == 1
    central.world.staff("link", low, {"households": [low, high]}, also=[(high, REGION)])
    central.world.fold()
    central.pull(source)
    assert central.households() == {}


def test_a_restored_server_is_read_again_without_a_moment_of_emptiness(central: Central, small_pages: None) -> None:
    families = filled(central, 10)
    central.pull()
    new_epoch(central)
    lost = families[4]
    for table in ("households", "household_officers"):
        central.world.db.run(f"delete from {table} where household_id = :id", {"id": lost})
    seen: list[int] = []

    def look(progress: PullProgress) -> None:
        assert progress.rebuilding
        seen.append(central.rows("select count(*) from keluarga")[0][0])

    done = central.pull(tell=look)
    assert (done.reset, done.dropped) == ("epoch", 1)
    assert seen == [10, 10, 9] and lost not in central.households()
    assert central.households() == central.stored()
    assert central.pull().reset == ""


def test_a_rebuild_that_was_cut_goes_on_as_a_rebuild(central: Central, small_pages: None) -> None:
    filled(central, 10)
    central.pull()
    new_epoch(central)
    central.world.db.run("delete from households where household_id = :id", {"id": min(central.stored())})
    with pytest.raises(MirrorProblem, match="jalankan lagi"):
        central.pull(Cutting(central.source(), [1_000_000, *[10] * 20]))
    assert len(central.households()) == 10
    done = central.pull()
    assert done.dropped == 1 and central.households() == central.stored()


def test_a_token_of_other_areas_starts_again_and_drops_what_it_may_not_see(central: Central) -> None:
    fill(central.world, area=VILLAGE)
    seen = fill(central.world, area=OTHER_VILLAGE, nik="1903010101800002")
    central.world.fold()
    central.pull()
    done = central.pull(central.source(OTHER_VILLAGE))
    assert (done.reset, done.dropped) == ("scope", 1)
    assert set(central.households()) == {seen}


def test_the_mirror_keeps_to_its_area_until_it_is_told_otherwise(central: Central) -> None:
    inside, outside = fill(central.world), fill(central.world, area=OTHER_VILLAGE, nik="1903010101800002")
    central.world.fold()
    central.pull(area=VILLAGE)
    central.pull()
    assert set(central.households()) == {inside}
    with pytest.raises(MirrorProblem, match="--full"):
        central.pull(area=OTHER_VILLAGE)
    assert set(central.households()) == {inside}
    central.pull(area=OTHER_VILLAGE, full=True)
    assert set(central.households()) == {outside}


def test_what_was_erased_at_the_server_is_in_no_byte_of_the_file(central: Central) -> None:
    household = fill(central.world, "Jl. Rahasia Sekali 77")
    central.world.fold()
    central.pull()
    assert b"Rahasia Sekali" in central.mirror.read_bytes()
    row = central.world.db.one("select data from households where household_id = :id", {"id": household})
    assert row is not None
    central.world.db.run(
        "update households set data = :data, feed_position = 99 where household_id = :id",
        {"data": bytes(row["data"]).replace(b"Jl. Rahasia Sekali 77", b"-"), "id": household},
    )
    central.world.db.run("update feed_heads set position = 99")
    central.pull()
    files = [path for path in central.mirror.parent.iterdir() if path.name.startswith(central.mirror.name)]
    assert files == [central.mirror] and b"Rahasia Sekali" not in central.mirror.read_bytes()


def test_an_erased_person_leaves_the_mirror_and_its_file_is_written_anew(central: Central, tmp_path: Path) -> None:
    households = filled(central, 30)
    central.pull()
    (record,) = central.rows("select data from households where household_id = ?", (households[3],))
    person = json.loads(record[0])["persons"][0]
    name, nik = (person["fields"][field]["value"] for field in ("m_name", "nik"))
    assert nik.encode() in central.mirror.read_bytes()
    world, ledger = central.world, tmp_path / "erasures.jsonl"
    subject, _ = subject_of(world.db, [(REGION, households[3])], [person["key"]])
    order = erasure.Order("admin", VILLAGE, "request", "Permintaan tertulis")
    erasure.erase(world.db, world.keys, FixedClock(NOW_MS), subject, order, ledger)
    central.pull()
    assert central.households() == central.stored()
    assert central.rows("select count(*) from erasures") == [(1,)]
    assert central.rows("select count(*) from anggota where person_key = ?", (person["key"],)) == [(0,)]
    assert nik.encode() not in central.mirror.read_bytes()
    assert not any(name in row[0] for row in central.rows("select data from households where household_id = ?",
                                                          (households[3],)))  # fmt: skip
    assert central.pull().lines == 0
