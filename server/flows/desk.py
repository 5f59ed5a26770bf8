"""How staff make events: one event, sealed on top of what was shown, signed by the server, appended, queued to fold.

Every act of the review (`review.py`, `families.py`) goes through `Desk.record`: rights, filing, context and signature
are settled here once. People name households and events by the beginning of their ids; what is meant is found here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.envelope import EnvelopeProblem, check_envelope
from schemas.event import Assertion, Part, seal
from schemas.form import Dictionary
from schemas.ids import is_uuid, uuid7
from schemas.problems import ProblemError
from server.auth.keys import ServerKeys
from server.auth.rights import ACTION_NAMES, Staff
from server.clock import Clock, rfc3339_s
from server.flows import dictionary as dictionaries
from server.flows.append import append_own
from server.store import events, households, imports, worklist
from server.store.database import Store
from server.store.events import StoredEvent
from server.store.households import StoredRecord

BEGINNING_MIN = 8
"""Digits of an id or a ref that may stand for the whole, where only one begins so."""


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

    def status(self, ref: str) -> str:
        """Whether an event behind the record is live, dead or held; empty for one that is not behind it."""
        return next((str(line["status"]) for line in self.trail["refs"] if line["ref"] == ref), "")


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
        found = self.find(household_id)
        stored = households.load(self.store.db, found)
        if stored is None:
            raise ProblemError("not_found", f"Keluarga {household_id} tidak ada atau belum diolah.")
        self.require(action, stored.area)
        return Shown(stored, json.loads(stored.data), json.loads(stored.trail))

    def find(self, text: str) -> str:
        """The household id that is meant: an id, its first 8 or more characters, or the family id of the list."""
        text = text.strip()
        if is_uuid(text):
            return text
        listed = {
            household
            for household in imports.households_of_family(self.store.db, text)
            if (stored := households.load(self.store.db, household)) and self.staff.may("read", stored.area)
        }
        # Ids that begin so are looked up in any case: digits may begin an id and be a family id as well.
        begins = worklist.ids_beginning(self.store.db, text.lower()) if len(text) >= BEGINNING_MIN else []
        found = sorted(listed | set(begins))
        if not found:
            raise ProblemError(
                "not_found",
                f"Keluarga {text} tidak ada. Tulis nomornya (8 huruf pertama cukup) atau ID keluarga pada daftar.",
            )
        if len({self._canonical(each) for each in found}) > 1:
            raise ProblemError("bad_request", f"{text} dapat berarti beberapa keluarga: {', '.join(found[:5])}.")
        return found[0]

    def require(self, action: str, area: str | None = None) -> None:
        """Raise `ProblemError` unless this person may do this here."""
        if self.staff.may(action, area):
            return
        who, what = f"{self.staff.staff} ({self.staff.role})", ACTION_NAMES[action]
        if area is None or not self.staff.may(action):
            raise ProblemError("forbidden", f"{who} tidak berhak {what}.")
        scopes = ", ".join(self.staff.scopes)
        raise ProblemError("forbidden", f"{who} tidak berhak {what} di wilayah {area}; wilayahnya {scopes}.")

    def require_filed(self, action: str, filed: Mapping[str, str]) -> None:
        """Raise `ProblemError` unless this person may do this to every household (id -> home_region) that has a
        record: what touches two families needs a right on both."""
        for household, region in sorted(filed.items()):
            stored = households.load(self.store.db, household, region)
            if stored is not None:
                self.require(action, stored.area)

    def dictionary(self) -> Dictionary:
        """The questions of all published forms."""
        return dictionaries.current(self.store.db)

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
        known = {line["ref"]: line["household_id"] for line in shown.trail["refs"]}
        known |= {line["ref"]: shown.household_id for line in shown.trail["held"] if line["ref"] not in known}
        # A form that was moved to two families: each of them names both moves, and has only one in its own log.
        heads = [head["ref"] for conflict in shown.data["conflicts"] for head in conflict["heads"]]
        known |= {ref: shown.household_id for ref in heads if ref not in known}
        whole = one_beginning(ref, known)
        found = events.by_ref(self.store.db, shown.stored.home_region, whole)
        if found is None:
            # Families of two kabupaten that somebody tried to join: the event stands in the other's log.
            regions = (each for each in events.regions(self.store.db) if each != shown.stored.home_region)
            logs = (events.by_ref(self.store.db, region, whole) for region in regions)
            found = next((each for each in logs if each is not None), None)
        if found is None:
            raise ProblemError("not_found", f"Kejadian {ref} tidak ada di buku besar.")
        return found

    def _canonical(self, household_id: str) -> str:
        region = households.region_of(self.store.db, household_id)
        return household_id if region is None else households.resolve(self.store.db, region, household_id)

    def _append(self, envelope: Mapping[str, Any], now_ms: int) -> str:
        return append_own(self.store.db, [envelope], self.keys, now_ms)[0].ref


def one_beginning(text: str, refs: Iterable[str]) -> str:
    """The one ref that begins with the text (8 digits or more). Raises `ProblemError` for none and for several."""
    fitting = sorted({each for each in refs if each.startswith(text)}) if len(text) >= BEGINNING_MIN else []
    if len(text) < BEGINNING_MIN:
        raise ProblemError("bad_request", f"{text!r} terlalu pendek: tulis {BEGINNING_MIN} angka pertama atau lebih.")
    if not fitting:
        raise ProblemError("not_found", f"Kejadian {text} tidak ada pada catatan keluarga ini.")
    if len(fitting) > 1:
        raise ProblemError("bad_request", f"{text} dapat berarti beberapa kejadian: {', '.join(fitting[:5])}.")
    return fitting[0]


def comment_parts(comment: str) -> list[Part]:
    """The part that holds a comment; none without one."""
    return [text_part({"comment": comment})] if comment else []


def text_part(text: Mapping[str, Any], assertions: Mapping[str, Assertion] | None = None) -> Part:
    """The household's part with free text beside it (a comment, a note); what can be erased stands in parts."""
    return Part("h", dict(assertions or {}), {name: value for name, value in text.items() if value})


def filed_of(event: StoredEvent) -> dict[str, str]:
    """household id -> home_region of everything an event is filed under."""
    head = event.head
    return {head["household_id"]: head["home_region"]} | {
        item["household_id"]: item["home_region"] for item in head["also"]
    }
