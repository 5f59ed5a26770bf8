"""How staff make events: one event, sealed on top of what was shown, signed by the server, appended, queued to fold.

Every act of the review (`review.py`, `families.py`) goes through `Desk.record`: rights, filing, context and signature
are settled here once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.envelope import EnvelopeProblem, check_envelope
from schemas.event import Assertion, Part, seal
from schemas.ids import uuid7
from schemas.problems import ProblemError
from server.auth.keys import ServerKeys
from server.auth.rights import Staff
from server.clock import Clock, rfc3339_s
from server.flows.append import append_own
from server.store import events, households
from server.store.database import Store
from server.store.events import StoredEvent
from server.store.households import StoredRecord


@dataclass(frozen=True, slots=True)
class Shown:
    """A record as somebody saw it on deciding: its stored bytes, parsed once."""

    stored: StoredRecord
    data: Mapping[str, Any]
    trail: Mapping[str, Any]

    @property
    def household_id(self) -> str:
        """Canonical id."""
        return self.stored.household_id

    @property
    def context(self) -> dict[str, str]:
        """ref -> household id of everything behind what was shown."""
        return {line["ref"]: line["household_id"] for line in self.trail["refs"]}


@dataclass(frozen=True, slots=True)
class Desk:
    """A staff member at work: the store, the server's keys, the time, random bytes, and who it is."""

    store: Store
    keys: ServerKeys
    clock: Clock
    random: Callable[[int], bytes]
    staff: Staff

    def show(self, household_id: str, action: str = "read") -> Shown:
        """The record an id resolves to, if this person may see it and act on it. Raises `ProblemError`."""
        stored = households.load(self.store.db, household_id)
        if stored is None:
            raise ProblemError("not_found", f"Keluarga {household_id} tidak ada atau belum diolah.")
        self.require(action, stored.area)
        return Shown(stored, json.loads(stored.data), json.loads(stored.trail))

    def require(self, action: str, area: str | None = None) -> None:
        """Raise `ProblemError` unless this person may do this here."""
        if not self.staff.may(action, area):
            where = f" di wilayah {area}" if area else ""
            raise ProblemError("forbidden", f"{self.staff.staff} ({self.staff.role}) tidak berhak: {action}{where}.")

    def record(
        self,
        kind: str,
        shown: Sequence[Shown],
        body: Mapping[str, Any],
        *,
        parts: Iterable[Part] = (),
        household: tuple[str, str] | None = None,
        also: Mapping[str, str] | None = None,
    ) -> str:
        """Make one event and answer its ref.

        It is filed under the first record shown (or `household`, `(id, home_region)`), under the other records shown
        and under `also` (id -> home_region). Its context is what was shown.
        """
        first = household or (shown[0].household_id, shown[0].stored.home_region)
        filed = {each.household_id: each.stored.home_region for each in shown} | dict(also or {})
        filed.pop(first[0], None)
        context: dict[str, str] = {}
        for each in shown:
            context |= each.context
        all_parts = list(parts)
        now_ms = self.clock.now_ms()
        envelope = seal(
            id=uuid7(now_ms, self.random(10)),
            kind=kind,
            household_id=first[0],
            home_region=first[1],
            actor=self.staff.staff,
            area=shown[0].stored.area,
            parts=all_parts,
            salts={part.name: self.random(16).hex() for part in all_parts},
            context=context,
            also=tuple(filed.items()),
            not_before=rfc3339_s(now_ms),
            body=body,
        )
        try:
            check_envelope(envelope)
        except EnvelopeProblem as problem:
            raise ProblemError("bad_request", str(problem)) from problem
        return self._append(envelope, now_ms)

    def event(self, ref: str, shown: Shown) -> StoredEvent:
        """An event behind a record that was shown, by its ref or by the beginning of it (8 digits or more)."""
        known = [line["ref"] for line in shown.trail["refs"]] + [line["ref"] for line in shown.trail["held"]]
        fitting = sorted({each for each in known if each.startswith(ref)}) if len(ref) >= 8 else []
        if len(fitting) != 1:
            raise ProblemError("not_found", f"Kejadian {ref} tidak ada pada catatan keluarga ini (atau tidak tunggal).")
        found = events.by_ref(self.store.db, shown.stored.home_region, fitting[0])
        if found is None:
            raise ProblemError("not_found", f"Kejadian {ref} tidak ada di buku besar.")
        return found

    def _append(self, envelope: Mapping[str, Any], now_ms: int) -> str:
        return append_own(self.store.db, [envelope], self.keys, now_ms)[0].ref


def text_part(text: Mapping[str, Any], assertions: Mapping[str, Assertion] | None = None) -> Part:
    """The household's part with free text beside it (a comment, a note); what can be erased stands in parts."""
    return Part("h", dict(assertions or {}), {name: value for name, value in text.items() if value})


def filed_of(event: StoredEvent) -> dict[str, str]:
    """household id -> home_region of everything an event is filed under."""
    head = event.head
    return {head["household_id"]: head["home_region"]} | {
        item["household_id"]: item["home_region"] for item in head["also"]
    }
