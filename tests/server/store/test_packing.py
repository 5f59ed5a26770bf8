"""Trails are packed in the file and whole wherever they are read; damage is named, not stumbled over."""

from __future__ import annotations

from server_world import REGION, World

from server.store import feed, households
from server.store.packing import pack, unpack

TRAIL = b'{"values":{"h/address":{"heads":["6a010be17f4124959a1a34682c0ddd7d"]}}}' * 40


def test_a_trail_comes_back_byte_for_byte_and_takes_a_fraction() -> None:
    assert unpack(pack(TRAIL)) == TRAIL
    assert len(pack(TRAIL)) * 20 < len(TRAIL)


def test_what_was_never_packed_or_is_damaged_comes_back_as_it_stands() -> None:
    assert unpack(TRAIL) == TRAIL
    packed = pack(TRAIL)
    for at in range(len(packed)):
        damaged = packed[:at] + bytes([packed[at] ^ 0xFF]) + packed[at + 1 :]
        assert unpack(damaged) != TRAIL, f"byte {at}"


def test_every_reader_sees_the_trail_itself(world: World) -> None:
    household = world.uuid()
    world.push(world.sealed(household, {"address": "Jl. Melati"}))
    world.staff("assignment", household, {"officer": "petugas1"})
    world.fold()
    raw = world.db.value("select trail from households where household_id = :id", {"id": household})
    assert not raw.startswith(b"{")
    record = households.load(world.db, household)
    assert record is not None
    assert record.trail.startswith(b'{"engine":')
    assert pack(record.trail) == raw
    (entry,), _, _ = feed.page(world.db, REGION, 0, 10, [REGION], "petugas1")
    assert entry.trail == record.trail
    (bare,), _, _ = feed.page(world.db, REGION, 0, 10, [REGION])
    assert bare.trail is None
