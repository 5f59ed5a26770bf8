"""A supervisor at work on a small campaign: the real store, fold and flows; commands run in the same process."""

from __future__ import annotations

import json
import random
from typing import Any

import click
from click.testing import CliRunner, Result

from schemas.problems import ProblemError
from server.auth.rights import SUPERVISOR, Staff
from server.cli import command_named
from server.clock import FixedClock
from server.flows.desk import Desk
from server.store import events, households, staff

REGION, OTHER_REGION = "19.03", "19.05"
VILLAGE, OTHER_VILLAGE, FAR_VILLAGE = "19.03.01.1001", "19.03.02.2001", "19.05.01.1001"
NIK, OTHER_NIK = "1903014107900001", "1903015507820002"


class Bureau:
    """What a test of the review does: visits, acts at a desk, and looks at what came of it."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.clock = FixedClock(world.now_ms)
        self.random = random.Random(7)
        self.desk = self.desk_of("pengawas", SUPERVISOR, REGION)
        staff.save_staff(world.db, "pengawas", "Pengawas", SUPERVISOR, [REGION], world.now_ms)

    @property
    def db(self) -> Any:
        return self.world.db

    def desk_of(self, name: str, role: str, *scopes: str) -> Desk:
        """The desk of somebody else."""
        return Desk(
            self.world.store, self.world.keys, self.clock, self.random.randbytes, Staff(name, name, role, scopes)
        )

    def visit(self, household: str, answers: Any = None, persons: Any = None, *, saw: bool = False, **head: Any) -> str:
        """A form; `saw`: filled on top of what the record says now. Its ref."""
        if saw:
            head["context"] = self.desk.show(household).context
        envelope = self.world.sealed(household, answers, persons, **head)
        (answer,) = self.world.push(envelope)
        assert answer.status in ("stored", "held", "equivocation"), answer
        self.world.fold()
        return str(envelope["payload_hash"][:32])

    def listed(self, household: str, answers: Any = None, persons: Any = None, **head: Any) -> str:
        """A row of a source list."""
        body = {"source": "p3ke", "vintage": "1", "family_id": household[:12]}
        envelope = self.world.staff("prelist", household, body, answers=answers or {"address": "daftar"}, **head)
        self.world.fold()
        return str(envelope["payload_hash"][:32])

    def person(self, household: str) -> str:
        """A new person key."""
        return f"{household}/{self.world.uuid()}"

    def did(self, result: Any) -> Any:
        """Fold what an act touched; its result."""
        self.clock.advance_ms(1000)
        self.world.fold()
        return result

    def data(self, household: str) -> Any:
        return json.loads(self.record(household).data)

    def trail(self, household: str) -> Any:
        return json.loads(self.record(household).trail)

    def record(self, household: str) -> households.StoredRecord:
        found = households.load(self.db, household)
        assert found is not None
        return found

    def kinds(self, household: str) -> list[str]:
        """Kinds of the open conflicts."""
        return [conflict["kind"] for conflict in self.data(household)["conflicts"]]

    def value(self, household: str, name: str) -> Any:
        return self.data(household)["household"].get(name, {}).get("value")

    def stored(self, ref: str, region: str = REGION) -> events.StoredEvent:
        """An event of the log."""
        found = events.by_ref(self.db, region, ref)
        assert found is not None
        return found

    def count(self) -> int:
        """Events in the log."""
        return int(self.db.value("select count(*) from log"))

    def conflict(self, household: str | None = None) -> tuple[str, str, str]:
        """Two visits that disagree on the assessment: household and the two refs."""
        household = household or self.world.uuid()
        first = self.visit(household, {"assessment": "layak", "address": "Jl. Mawar"})
        return household, first, self.visit(household, {"assessment": "tidak layak"})


def refused(code: str, act: Any, *args: Any, **kwargs: Any) -> str:
    """The sentence with which an act is refused."""
    try:
        act(*args, **kwargs)
    except ProblemError as error:
        assert error.code == code, error
        return str(error)
    raise AssertionError(f"{act} was not refused")


def run(*words: str, text: str | None = None) -> Result:
    """`padan WORDS...` in this process."""
    group = click.Group("padan", commands=[command_named(words[0])])
    return CliRunner().invoke(group, list(words), input=text)


def ran(*words: str, text: str | None = None) -> str:
    """Standard output of a command that ends well."""
    result = run(*words, text=text)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout
