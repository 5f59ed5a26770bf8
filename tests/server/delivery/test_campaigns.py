"""Whole campaigns by seed: corrections, moves, links, deaths, faults and dying workers in any order.

A seed is a bug report. Whatever happened, in the end each person stands at most once, and what stands is exactly what
is ratified.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
from delivery_world import NIKS, REGION, Delivering

from server.flows import deliver, deliver_send
from server.store import delivery_queue, households, outbox, reservations, standings
from sync.delivery import IN_FLIGHT

STEPS = 40
FAULTS: list[dict[str, Any]] = [
    {},
    {"drop_answer": {"permille": 500}},
    {"drop_before": {"permille": 500}},
    {"error_after": {"permille": 400, "status": 502}},
    {"too_many": {"permille": 400, "retry_after_s": 3}},
    {"forget_keys": {}, "drop_answer": {"permille": 300}},
    {"say_duplicate": {}},
]


class Dies(BaseException):
    """The worker ends here."""


class Campaign:
    """Random but repeatable work on a handful of households."""

    def __init__(self, scene: Delivering, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.scene, self.random, self.patch = scene, random.Random(seed), monkeypatch
        self.niks = iter(NIKS)
        self.ids = [scene.household(next(self.niks), next(self.niks)) for _ in range(5)]
        self.links: list[tuple[str, str, str]] = []

    def step(self) -> None:
        acts = [self.correct, self.leave, self.exchange, self.join, self.part, self.ratify, self.ratify, self.ratify]
        acts += [self.work, self.work, self.work, self.work_and_die, self.faults]
        self.random.choice(acts)()

    def canonical(self) -> list[str]:
        return sorted({households.resolve(self.scene.db, REGION, each) for each in self.ids})

    def correct(self) -> None:
        household = self.random.choice(self.canonical())
        self.scene.visit(household, {"address": f"Jl. {self.random.randint(1, 4)}"})

    def leave(self) -> None:
        household = self.random.choice(self.ids)
        person = self.random.choice(sorted(self.scene.persons[household]))
        self.scene.visit(household, None, {person: {"presence": self.random.choice(["1", "2"])}})

    def exchange(self) -> None:
        """A member leaves one family and is found in another, under the same NIK."""
        old, new = self.random.sample(self.ids, 2)
        person = self.random.choice(sorted(self.scene.persons[old]))
        said = self.scene.persons[old][person]
        self.scene.visit(old, None, {person: {"presence": "2"}})
        key = f"{new}/{self.scene.world.uuid()}"
        self.scene.persons[new][key] = {**said, "presence": "1"}
        self.scene.visit(new, None, {key: self.scene.persons[new][key]})

    def join(self) -> None:
        ids = self.canonical()
        if len(ids) > 3:
            first, second = sorted(self.random.sample(ids, 2))
            link = self.scene.staff("link", first, {"households": [first, second]}, also=[(second, REGION)])
            self.links.append((first, second, link["payload_hash"][:32]))

    def part(self) -> None:
        if self.links:
            first, second, ref = self.links.pop()
            self.scene.staff("unlink", first, {"links": [ref]}, also=[(second, REGION)])

    def ratify(self) -> None:
        self.scene.approve(self.random.choice(self.canonical()))

    def faults(self) -> None:
        self.scene.switch(**self.random.choice(FAULTS))

    def work(self) -> None:
        self.scene.tick(f"w{self.random.randint(1, 3)}")
        self.scene.clock.advance_ms(self.random.choice([1_000, 20_000, 400_000]))

    def work_and_die(self) -> None:
        real, left = deliver_send.write_result, self.random.randint(0, 2)

        def dies(*args: Any, **more: Any) -> bool:
            nonlocal left
            left -= 1
            if left < 0:
                raise Dies
            return real(*args, **more)

        with self.patch.context() as patch:
            patch.setattr(deliver_send, "write_result", dies)
            try:
                self.scene.tick("dying")
            except Dies:
                self.scene.world.fold()

    def check(self) -> None:
        """What holds at every moment."""
        scene = self.scene
        assert scene.twice() == 0
        busy: dict[str, int] = {}
        for row in outbox.in_states(scene.db, tuple(sorted(IN_FLIGHT)), 1_000):
            busy[row.household_id] = busy.get(row.household_id, 0) + 1
        assert all(number == 1 for number in busy.values()), "one in flight per household"

    def finish(self) -> None:
        """Everything is ratified, all faults are over, and the worker has all the time it needs."""
        self.scene.switch()
        for household in self.canonical():
            self.scene.approve(household)
        for _ in range(6):
            self.scene.clock.advance_ms(2_000_000)
            self.scene.run(until_idle=300)


@pytest.mark.parametrize("seed", range(6))
def test_in_the_end_what_stands_is_what_is_ratified(
    scene: Delivering, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = Campaign(scene, seed, monkeypatch)
    for _ in range(STEPS):
        campaign.step()
        campaign.check()
    campaign.finish()
    campaign.check()
    told = {each: deliver.dry_run(scene.db, scene.dispatch, each) for each in campaign.canonical()}
    codes = {each: {reason["code"] for reason in said["reasons"]} for each, said in told.items()}
    ready = {each for each in told if codes[each] == {"unchanged"}}
    waiting = {each for each in told if codes[each] & {"identity_conflict"}}
    for each in told.keys() - ready - waiting:
        if scene.state(each) in ("ratified", "accepted"):
            assert _blocker(scene, each) not in ready, "it waits for somebody who is not ready, and for nobody else"
    standing = scene.standing()
    assert ready <= standing.keys() <= told.keys()
    assert all(scene.state(each) == "accepted" for each in ready)
    ours = {each: stored.standing.version for each, stored in _standing(scene, campaign.ids).items()}
    assert ours == standing
    held = {each: set(reservations.held_by(scene.db, REGION, each)) for each in ready}
    people = {each: {nik for (nik,) in _niks(scene, each)} for each in ready}
    assert held == people
    assert not scene.registry("select 1 from records where withdrawn = 0 and payload is null")


def _standing(scene: Delivering, ids: list[str]) -> dict[str, standings.Stored]:
    found = standings.of(scene.db, REGION, ids)
    return {each: stored for each, stored in found.items() if stored.standing.stands()}


def _blocker(scene: Delivering, household: str) -> str:
    (row,) = [each for each in delivery_queue.blocked(scene.db, 100) if each.household_id == household]
    return reservations.holders(scene.db, [row.blocked_on])[row.blocked_on]


def _niks(scene: Delivering, household: str) -> list[Any]:
    return scene.registry(f"select nik from persons where household_id = '{household}'")
