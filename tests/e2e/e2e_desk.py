"""What a supervisor does about conflicts, one of each kind. Nothing here checks anything."""

from __future__ import annotations

from e2e_world import World

from server.flows import families, review


def settle_some(world: World, household: str) -> None:
    """One conflict of each kind and place, as a supervisor would."""
    desk = world.desk()
    data = world.record(household)
    for line in data["awaiting"]:
        families.waive(desk, household, line["ref"])
    disputed = any(conflict["kind"] == "field" for conflict in data["conflicts"])
    for conflict in data["conflicts"]:
        kind, heads = conflict["kind"], conflict["heads"]
        if kind == "field":
            best = min(heads, key=lambda head: (-head["evidence"], head["ref"]))
            review.decide(desk, household, conflict["path"], take=best["ref"], comment="bukti terkuat")
        elif kind == "equivocation":
            families.void(desk, household, max(head["ref"] for head in heads), "tablet salinan")
        elif kind in ("roster_ambiguous", "roster_verdict"):
            review.settle(desk, household, "different_persons", path=conflict["keys"][0])
        elif kind == "person_replaced":
            review.settle(desk, household, "replacement_confirmed", path=conflict["path"])
        elif kind == "filled_while_linked":
            review.settle(desk, household, "keep_filled", path=heads[0]["ref"])
        elif kind == "reattach":
            families.undo(desk, household, heads[0]["ref"])
        elif kind == "membership_conflict" and disputed:
            continue  # a member whose answers are disputed cannot be moved: in the next round
        elif kind == "membership_conflict":
            to = next(each for each in sorted(conflict["households"]) if each != "outside")
            families.move(desk, household, conflict["keys"][0], to)
        else:
            raise AssertionError(f"no rule for {conflict}")
