"""Whoever has no right is refused by every act, and nothing is appended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from review_world import REGION, refused

from server.auth.rights import ACTION_NAMES, RIGHTS, ROLES
from server.flows import families, review

PAPER = {"number": "BA-01", "date": "2026-11-21"}
OTHER = "0" * 8
ACTS: dict[str, tuple[str, Callable[[Any, str, str], Any]]] = {
    "assign": ("assign", lambda desk, household, ref: review.assign(desk, household, ["petugas1"])),
    "approve": ("review", lambda desk, household, ref: review.approve(desk, household)),
    "ready": ("review", lambda desk, household, ref: review.ready_to_approve(desk, REGION)),
    "return": ("review", lambda desk, household, ref: review.return_to_officer(desk, household, {}, note="x")),
    "decide": ("decide", lambda desk, household, ref: review.decide(desk, household, "assessment", take=ref)),
    "settle": ("verdict", lambda desk, household, ref: review.settle(desk, household, "same_person")),
    "pair": ("verdict", lambda desk, household, ref: review.pair_persons(desk, household, ["a", "b"], "same_person")),
    "settle_nik": (
        "verdict",
        lambda desk, household, ref: review.settle_nik(
            desk, {"households": [household], "persons": [[household, "k"]], "heads": []}, "two_people"
        ),
    ),
    "ratify": ("ratify", lambda desk, household, ref: review.ratify(desk, [household], PAPER)),
    "link": ("link", lambda desk, household, ref: families.link(desk, [household, household])),
    "unlink": ("link", lambda desk, household, ref: families.unlink(desk, household, [])),
    "move": ("move", lambda desk, household, ref: families.move(desk, household, OTHER, "outside")),
    "split": ("move", lambda desk, household, ref: families.split(desk, household, [OTHER])),
    "void": ("void", families.void),
    "undo": ("undo", families.undo),
    "reattach": ("reattach", lambda desk, household, ref: families.reattach(desk, household, ref, household)),
    "admit": ("admit", families.admit),
    "waive": ("waive", families.waive),
}


@pytest.mark.parametrize("name", sorted(ACTS))
def test_every_role_without_the_right_is_refused(bureau: Any, name: str) -> None:
    household, first, _ = bureau.conflict()
    action, act = ACTS[name]
    count = bureau.count()
    without = sorted(set(ROLES) - RIGHTS[action])
    assert without
    for role in without:
        said = refused("forbidden", act, bureau.desk_of("orang", role, REGION), household, first)
        assert ACTION_NAMES[action] in said and role in said
    assert bureau.count() == count
