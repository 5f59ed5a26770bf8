"""After a restore: who hands an event back says where it had stood, and what nobody tells of is listed."""

from __future__ import annotations

from typing import Any

from server_world import NOW_MS, REGION, World

from server.flows.returned import Account, Gap, account
from server.store import identity, restores
from server.store.restores import Restore

OTHER = "19.05"


def test_a_receipt_names_the_stamp_and_the_holds_that_were_written_with_it(world: World) -> None:
    sealed = world.stamped(world.sealed(world.uuid(), {"address": "a"}, area="19.03.02.2001"), "2026-11-18T11:06:40Z")
    (answer,) = world.push(sealed)
    assert answer.status == "held"
    told = answer.to_json()["receipt"]
    rows = {row["position"]: row for row in world.db.all("select position, ref, kind from log")}
    assert told["position"] == 1 and rows[1]["kind"] == "submission"
    beside = [[REGION, place, rows[place]["ref"]] for place in (2, 3)]
    assert [rows[2]["kind"], rows[3]["kind"]] == ["hold", "stamp"]
    assert told["beside"] == beside
    (again,) = world.push(sealed)
    assert again.to_json()["receipt"] == {"epoch": told["epoch"], "position": 1, "beside": beside[1:]}


def test_a_receipt_names_the_rows_in_other_regions(world: World) -> None:
    other = world.uuid()
    (answer,) = world.push(
        world.sealed(world.uuid(), {"address": "a"}, also=[(other, OTHER)], kind="submission", area="19.03.01.1001")
    )
    assert answer.ref is not None
    assert answer.to_json()["receipt"]["beside"] == [[OTHER, 1, answer.ref]]


def test_an_event_alone_has_a_plain_receipt(world: World) -> None:
    (answer,) = world.push(world.sealed(world.uuid(), {"address": "a"}))
    assert answer.to_json()["receipt"] == {"epoch": identity.current_epoch(world.db)[1], "position": 1}


def _restored(world: World, epoch: str = "lama", **positions: int) -> str:
    """As if this database had just come from a backup of that epoch."""
    at = {name.replace("_", "."): last for name, last in positions.items()} or {REGION: 10}
    new = identity.begin_epoch(world.db, NOW_MS, "restore")
    restores.note_restore(world.db, Restore(new, "20261118T000000Z-abcdef", epoch, at, NOW_MS - 1, NOW_MS))
    return new


def _handed_back(world: World, position: int, epoch: str = "lama", **more: Any) -> str:
    sealed = world.sealed(world.uuid(), {"address": f"{position}"})
    (answer,) = world.push({**sealed, "receipt": {"epoch": epoch, "position": position, **more}})
    assert answer.status == "stored" and answer.ref is not None
    return answer.ref


def _found(world: World) -> Account:
    found = account(world.db)
    assert found is not None
    return found


def test_a_database_that_never_was_restored_has_no_account(world: World) -> None:
    _handed_back(world, 5)
    assert account(world.db) is None


def test_what_nobody_tells_of_between_the_backup_and_the_last_word_is_listed(world: World) -> None:
    _restored(world)
    for position in (11, 12, 15, 20):
        _handed_back(world, position)
    (stretch,) = _found(world).stretches
    assert (stretch.restored_to, stretch.told_to, stretch.returned) == (10, 20, 4)
    assert [(gap.first, gap.last) for gap in stretch.gaps] == [(13, 14), (16, 19)]
    assert stretch.missing == 6
    _handed_back(world, 17)
    (stretch,) = _found(world).stretches
    assert [(gap.first, gap.last) for gap in stretch.gaps] == [(13, 14), (16, 16), (18, 19)]


def test_what_stood_beside_a_returned_event_is_told_of_too(world: World) -> None:
    _restored(world)
    _handed_back(world, 11, beside=[[REGION, 12, "c" * 32], [OTHER, 3, "c" * 32]])
    _handed_back(world, 14)
    stretches = {each.home_region: each for each in _found(world).stretches}
    assert [(gap.first, gap.last) for gap in stretches[REGION].gaps] == [(13, 13)]
    assert [(gap.first, gap.last) for gap in stretches[OTHER].gaps] == [(1, 2)], "the backup had nothing of that region"


def test_telling_it_twice_or_of_what_is_here_changes_nothing(world: World) -> None:
    new = _restored(world)
    _handed_back(world, 11)
    _handed_back(world, 4)
    sealed = world.sealed(world.uuid(), {"address": "b"})
    for _ in range(3):
        world.push({**sealed, "receipt": {"epoch": "lama", "position": 12}})
    _handed_back(world, 99, epoch=new)
    (stretch,) = _found(world).stretches
    assert (stretch.told_to, stretch.returned, stretch.gaps) == (12, 2, ())


def test_a_receipt_that_makes_no_sense_takes_nothing_away_from_the_event(world: World) -> None:
    _restored(world)
    for receipt in (None, "x", {"epoch": 1}, {"epoch": "lama", "position": -1}, ["lama", 5], {"a": {"b": "c"}}):
        sealed = world.sealed(world.uuid(), {"address": "c"})
        (answer,) = world.push({**sealed, "receipt": receipt})
        assert answer.status == "stored", receipt
    assert _found(world).stretches == ()


def test_an_event_handed_back_with_its_receipt_has_the_same_hash(world: World) -> None:
    sealed = world.sealed(world.uuid(), {"address": "d"})
    (first,) = world.push(sealed)
    (second,) = world.push({**sealed, "receipt": {"epoch": "lama", "position": 3}})
    assert (second.status, second.receipt, second.ref) == ("duplicate", first.receipt, first.ref)


def test_about_when_it_was_is_told_by_the_stamps_next_to_the_gap(world: World) -> None:
    _restored(world)
    for position, time in ((11, "2026-11-18T10:00:00Z"), (20, "2026-11-18T12:00:00Z")):
        sealed = world.stamped(world.sealed(world.uuid(), {"address": time}), time)
        stamp = sealed["stamp"]["payload_hash"][:32]
        beside = [[REGION, position + 1, stamp]]
        world.push({**sealed, "receipt": {"epoch": "lama", "position": position, "beside": beside}})
    (stretch,) = _found(world).stretches
    assert stretch.gaps == (Gap(13, 19, "2026-11-18T10:00:00Z", "2026-11-18T12:00:00Z"),)


def test_an_epoch_that_this_database_never_knew_is_judged_by_what_is_told_alone(world: World) -> None:
    """Restored twice from the same set: tablets bring receipts of the life in between."""
    _restored(world)
    for position in (31, 34):
        _handed_back(world, position, epoch="antara")
    stretches = {each.epoch: each for each in _found(world).stretches}
    assert [(gap.first, gap.last) for gap in stretches["antara"].gaps] == [(32, 33)]
    assert stretches["antara"].restored_to == 30


def test_tablets_that_were_not_heard_of_since_are_named(world: World) -> None:
    world.enrol("tablet-2", "petugas2", "19.03.01.1001")
    world.enrol("tablet-3", "petugas3", "19.03.01.1001")
    _restored(world)
    world.db.run("update installs set last_contact_ms = :now where install = 'tablet-1'", {"now": NOW_MS + 1})
    world.db.run("update installs set revoked_ms = 1 where install = 'tablet-3'")
    assert _found(world).silent == ("tablet-2",)
