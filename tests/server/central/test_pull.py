"""The mirror holds what the server stores, byte for byte, through everything that happens in between."""

from __future__ import annotations

from central_world import Central, fill


def test_the_mirror_holds_the_very_bytes_that_the_server_stores(central: Central) -> None:
    for number in range(7):
        fill(
            central.world, f'Jl. "Melati", No. {number} \u2013 RT 03, ",\\"data\\":{{"', nik=f"190301010180{number:04}"
        )
    central.world.fold()
    done = central.pull()
    assert done.households == 7 and done.persons == 14
    assert central.households() == central.stored() and len(central.stored()) == 7


def test_a_second_pull_brings_only_what_changed(central: Central) -> None:
    first, _ = fill(central.world), fill(central.world, nik="1903010101800002")
    central.world.fold()
    assert central.pull().lines == 2
    assert central.pull().lines == 0
    fill(central.world, "Jl. Mawar", household=first)
    central.world.fold()
    assert central.pull().lines >= 1
    assert central.households() == central.stored()
