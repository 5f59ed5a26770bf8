"""The work that is measured: visits of invented families on the household form, sealed and signed as a tablet does."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from field_forms.areas import load_areas
from field_forms.built import built_forms
from schemas.event import Assertion, Part, seal
from schemas.form import FormDefinition
from schemas.question import Field
from schemas.signing import sign_event
from server.sample import Campaign

REGION = "19.03"
FAMILIES = 200_000
INSTALL = "0b000000-0000-4000-8000-000000000001"
INSTALL_KEY = b"benchmark tablet private key 32."
OFFICER = "psm-ukur"
SLIM_HOUSEHOLD, SLIM_MEMBER, SLIM_MEMBERS = 20, 20, 4
"""A slim submission: 20 answers of a household and 4 members of 20, what other systems were measured with."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A sealed submission: `wire` is what a tablet puts into a push."""

    household_id: str
    niks: tuple[str, ...]
    wire: bytes


@lru_cache(maxsize=1)
def household_form() -> FormDefinition:
    """The household form that comes with Padan."""
    return built_forms()[0].definition


@lru_cache(maxsize=4)
def campaign(families: int = FAMILIES, seed: int = 1) -> Campaign:
    """The families whose visits are made up."""
    return Campaign(load_areas(), REGION, seed, families)


class Tablet:
    """Seals visits, numbered one after the other as one install does. Same seed, same bytes."""

    def __init__(self, seed: int, sample: Campaign | None = None) -> None:
        self._rng = random.Random(seed)
        self._sample = sample or campaign()
        self._number = 0
        self._seq = 0

    def unlisted(self, *, slim: bool) -> Iterator[Visit]:
        """Endlessly: visits of families that are on no list, each with a household id of its own."""
        while True:
            truth = self._sample.truth(self._number % self._sample.families)
            self._number += 1
            if truth["outcome"] != "01" or (slim and len(truth["members"]) < 2):
                continue
            yield self.visit(truth, self._uuid(), slim=slim)

    def visit(
        self,
        truth: Mapping[str, Any],
        household: str,
        *,
        slim: bool = False,
        context: Mapping[str, str] | None = None,
        officer: str = OFFICER,
        changed: Mapping[str, Any] | None = None,
    ) -> Visit:
        """The first visit of a family, sealed. `changed`: household answers that this officer heard otherwise."""
        form = truth["visits"][0]["form"]
        home, members = dict(form["household"]) | dict(changed or {}), form["members"]
        if slim:
            home = dict(list(home.items())[:SLIM_HOUSEHOLD])
            found = [dict(list(each["answers"].items())[:SLIM_MEMBER]) for each in members]
            people = [({}, found[index % len(found)]) for index in range(SLIM_MEMBERS)]
        else:
            people = [(each, each["answers"]) for each in members]
        parts = [Part("h", _assertions("h", home))]
        for each, answers in people:
            person = each["key"].partition("/")[2] if "key" in each else self._uuid()
            parts.append(Part(f"p/{household}/{person}", _assertions("p", answers)))
        known = household_form()
        envelope = seal(
            id=self._uuid(),
            kind="submission",
            household_id=household,
            home_region=REGION,
            actor=officer,
            area=truth["village_code"],
            parts=parts,
            salts={part.name: self._rng.randbytes(16).hex() for part in parts},
            context=context,
            form={"id": known.id, "version": known.version, "hash": known.hash},
            not_before="2026-11-01T00:00:00Z",
        )
        self._seq += 1
        signed = sign_event(INSTALL_KEY, envelope)
        transport = {"install": INSTALL, "seq": self._seq, "wall": "2026-11-21T01:02:03Z", "mono": self._seq}
        signed["transport"] = transport | {"tz": "Asia/Jakarta", "app": "benchmark"}
        niks = tuple(answers["nik"] for _, answers in people if answers.get("nik"))
        return Visit(household, niks, orjson.dumps(signed))

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))


def body(visits: list[Visit]) -> bytes:
    """The body of a push, not packed."""
    return b'{"items":[' + b",".join(visit.wire for visit in visits) + b"]}"


def _assertions(scope: str, answers: Mapping[str, Any]) -> dict[str, Assertion]:
    fields = _fields(scope)
    return {
        name: Assertion(sorted(value) if isinstance(value, list) else value, None, fields[name].evidence.level(answers))
        for name, value in answers.items()
        if name in fields
    }


@lru_cache(maxsize=2)
def _fields(scope: str) -> dict[str, Field]:
    return {field.name: field for field in household_form().fields if field.scope == scope}
