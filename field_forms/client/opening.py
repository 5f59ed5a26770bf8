"""What is known when a form is opened on a household: its context, the prefilled answers, the members.

The record shown is the merged one of the feed, with own sealed forms laid over it that the feed has not taken in yet.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from field_forms.client.draft import WIB, new_uuid
from field_forms.client.filling import Answer
from field_forms.client.store import ERASED, Sealed, Store
from field_forms.client.store_drafts import DraftRow
from field_forms.client.store_feed import FULL, FeedStore, KnownHousehold
from field_forms.client.wording import NotHere, Wording
from schemas.areas import VILLAGE, is_area, level_of, region_of
from schemas.form import FormDefinition
from schemas.paths import EVENT_PART, HOUSEHOLD_PART, person_part
from schemas.question import EVENT, HOUSEHOLD

OUTCOME = "visit_outcome"
VISITS_MAX = 3
NOT_CARRIED_OVER = frozenset({"keep_all", "derived"})
"""Policies of questions about one visit: a new visit does not begin with the answers of the last."""


class OpeningProblem(Exception):
    """A form cannot be opened; the message (Indonesian) says why and what to do."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What is known when a form is opened. `sources`: path -> (ref, evidence) of each answer shown."""

    household_id: str
    home_region: str
    area: str
    context: dict[str, str] = field(default_factory=dict)
    prefill: dict[str, Answer] = field(default_factory=dict)
    persons: tuple[str, ...] = ()
    sources: dict[str, tuple[str, int]] = field(default_factory=dict)
    visits: int = 0
    listed: bool = False


def open_new(area: str | None, random_bytes: bytes) -> Opening:
    """A family that is not on the list: id and home region are minted together."""
    if area is None or not is_area(area) or level_of(area) != VILLAGE:
        raise OpeningProblem("Untuk keluarga baru, sebutkan desa/kelurahan: --area 19.03.01.1001")
    return Opening(new_uuid(random_bytes), region_of(area), area)


def open_known(store: Store, feed: FeedStore, household_id: str, form: FormDefinition) -> Opening:
    """A household of the list, or one that only this tablet knows. Raises `OpeningProblem`."""
    known = feed.household(household_id)
    ids = {household_id} if known is None else set(known.ids)
    own = [event for event in store.sealed_for(ids) if event.state != ERASED]
    if known is None and not own:
        raise OpeningProblem(f"Keluarga {household_id} tidak ada di tablet ini. Jalankan: padan field fetch")
    if known is None or (known.level != FULL and own):
        # Found in the field and assigned to nobody yet: what this tablet knows is its own forms.
        head = own[0].envelope["head"]
        found = household_id if known is None else known.household_id
        known = KnownHousehold(found, head["home_region"], head["area"], FULL, "", {})
    if known.level != FULL:
        label = known.label or household_id
        raise OpeningProblem(f"Keluarga {label} bukan tugas Anda; minta pengawas menugaskannya.")
    return opening_on(known, own, Wording(form, feed.dictionary()), ids)


def opening_on(known: KnownHousehold, own: Sequence[Sealed], wording: Wording, ids: Collection[str]) -> Opening:
    """Context is every ref of the record's trail and every own sealed one filed under the family (`ids`)."""
    data, trail = known.data, known.trail
    refs = trail.get("refs", ())
    aliases = {key: person["key"] for person in data.get("persons", ()) for key in person.get("keys", ())}
    shown = _Shown(wording, aliases)
    shown.take(HOUSEHOLD_PART, data.get("household", {}))
    for person in data.get("persons", ()):
        if not person.get("moved_to"):
            shown.persons.append(person["key"])
            shown.take(person_part(person["key"]), person.get("fields", {}))
    for told_path, told in trail.get("values", {}).items():
        path = wording.path(told_path)
        if path in shown.prefill and "ref" in told:
            shown.sources[path] = (told["ref"], told.get("evidence", 1))
    context = {each["ref"]: each["household_id"] for each in refs}
    for event in own:
        if event.ref not in context:
            context[event.ref] = event.household_id
            shown.lay_over(event, ids)
    visits = {each["ref"] for each in refs if each.get("kind") == "submission"}
    visits |= {event.ref for event in own if event.envelope["head"]["kind"] == "submission"}
    return Opening(
        known.household_id, known.home_region, known.area, context, shown.prefill, tuple(shown.persons), shown.sources,
        len(visits), any(each.get("kind") == "prelist" for each in refs),
    )  # fmt: skip


class _Shown:
    """The record on the screen while it is put together, in the words of the form that is opened."""

    def __init__(self, wording: Wording, aliases: Mapping[str, str]) -> None:
        self._wording = wording
        self._aliases = aliases
        self.prefill: dict[str, Answer] = {}
        self.persons: list[str] = []
        self.sources: dict[str, tuple[str, int]] = {}

    def take(self, part: str, fields: Mapping[str, Any], ref: str | None = None) -> None:
        """Cells of the record or assertions of an event. A cell in conflict has no value and shows nothing; nor does
        one that the form has no words for."""
        for name, cell in fields.items():
            question = self._wording.question(part[:1], name)
            if question is None or not carried_over(self._wording.form, question.name):
                continue
            if "value" not in cell and "state" not in cell:
                continue
            path = f"{part}/{question.name}"
            try:
                self.prefill[path] = (
                    {"value": self._wording.answer(part, name, cell["value"])[1]}
                    if "value" in cell
                    else {"state": cell["state"]}
                )
            except NotHere:
                continue
            if ref is not None:
                self.sources[path] = (ref, cell.get("evidence", 1))

    def lay_over(self, event: Sealed, ids: Collection[str]) -> None:
        """An own sealed event that the record has not taken in yet."""
        head = event.envelope["head"]
        here = head["household_id"] in ids
        moves = {self._key(move["person"]): move["to"] in ids for move in head["body"].get("moves", ())}
        for part in event.envelope["parts"]:
            name = part["name"]
            if name == EVENT_PART or "assertions" not in part:
                continue
            if name.startswith("p/"):
                key = self._key(name.removeprefix("p/"))
                present = moves.get(key, here)
                if key in moves or here:
                    self._keep(key, present)
                if present:
                    self.take(person_part(key), part["assertions"], event.ref)
            elif here:
                self.take(name, part["assertions"], event.ref)

    def _keep(self, key: str, present: bool) -> None:
        if present and key not in self.persons:
            self.persons.append(key)
        if not present and key in self.persons:
            self.persons.remove(key)

    def _key(self, key: str) -> str:
        return self._aliases.get(key, key)


def app_answers(opening: Opening, wording: Wording, now_ms: int) -> dict[str, Any]:
    """What the app knows and the officer need not type."""
    today = datetime.fromtimestamp(now_ms / 1000, WIB).date().isoformat()
    wanted = {"visit_date": today, "visit_no": min(opening.visits + 1, VISITS_MAX)}
    if f"{HOUSEHOLD_PART}/village_code" not in opening.prefill:
        wanted["village_code"] = opening.area
    if not opening.listed:
        wanted["prelist_mode"] = "2"
    elif wording.path(f"{HOUSEHOLD_PART}/prelist_mode") not in opening.prefill:
        wanted["prelist_mode"] = "1"
    found = {}
    for name, value in wanted.items():
        for scope, part in ((HOUSEHOLD, HOUSEHOLD_PART), (EVENT, EVENT_PART)):
            question = wording.question(scope, name)
            if question is not None:
                found[f"{part}/{question.name}"] = value
    return found


def draft_row(
    *, id: str, opening: Opening, form: FormDefinition, now_ms: int, not_before: str | None,
    defaults: Mapping[str, Any], extra: Mapping[str, Any],
) -> DraftRow:  # fmt: skip
    """The row of a new draft. `defaults`: path -> value that the app fills in for the officer."""
    fixed: dict[str, Any] = {
        "home_region": opening.home_region, "area": opening.area, "context": opening.context,
        "not_before": not_before, "prefill": opening.prefill, **extra,
    }  # fmt: skip
    answers = {path: {"value": value} for path, value in defaults.items()}
    return DraftRow(id, opening.household_id, form.id, form.version, fixed, answers, opening.persons, now_ms, now_ms)


def carried_over(form: FormDefinition, name: str) -> bool:
    """Whether a new visit begins with the last answer to this question."""
    question = form.by_name.get(name)
    if question is None or question.type in ("image", "calculate") or question.policy in NOT_CARRIED_OVER:
        return False
    outcome = form.by_name.get(OUTCOME)
    return outcome is None or (question.name != OUTCOME and (not outcome.unit or question.unit != outcome.unit))
