"""A ratified household reaches the registry once, and its record says so."""

from __future__ import annotations

from delivery_world import NIKS, Delivering


def test_a_ratified_household_is_delivered_once_and_becomes_accepted(scene: Delivering) -> None:
    household = scene.ratified(NIKS[0], None)
    scene.run()
    assert scene.applications() == [(household, 1, "deliver")]
    assert scene.state(household) == "accepted"
    assert scene.rows(household) == [("deliver", 1, "accepted")]
    scene.run()
    assert len(scene.applications()) == 1
