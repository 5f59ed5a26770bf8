"""Change events: birth, death, move, split, correction, work accident. Household and persons come from the list.

Nobody needs a NIK to be reported dead, and a family that is on no list can move: the officer picks people on the
screen, and what the event then says about them is schemas/changes.py's business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from field_forms.client.draft import Draft, new_uuid
from field_forms.client.opening import Opening, OpeningProblem, draft_row, open_known, open_new
from field_forms.client.sealing_draft import RandomBytes, refuse_unless_complete, seal_parts
from schemas.bodies import CHANGE_TYPES
from schemas.changes import ChangeContext, Known, change_assertions
from schemas.form import Dictionary, FormDefinition
from schemas.paths import HOUSEHOLD_PART, person_part

if TYPE_CHECKING:
    from field_forms.client.client import FieldClient

YES, NO = "1", "2"


def open_change(
    client: FieldClient, household_id: str | None, kind: str, *, persons: Sequence[str] = (), area: str | None = None,
    to_household: str | None = None, from_household: str | None = None,
) -> Draft:  # fmt: skip
    """Open a change event on a household (None: a family not on the list, in village `area`).

    `persons`: keys of the members it is about; none for a birth or for an arrival of somebody not on record.
    `to_household`: where they move to, if it is a listed household. `from_household`: where an arriving person is
    listed. Raises `OpeningProblem`."""
    if kind not in CHANGE_TYPES:
        raise OpeningProblem(f"Jenis perubahan {kind!r} tidak dikenal; pilihan: {', '.join(sorted(CHANGE_TYPES))}")
    visit, change = client.form(client.visit_form), client.form(client.change_form)
    opening = _opening(client, household_id, visit, area)
    origin = opening if from_household is None else open_known(client.store, client.feed, from_household, visit)
    _check_persons(persons, origin)
    if kind == "split" and to_household is None:
        to_household = new_uuid(client.rng.randbytes(16))
    told: dict[str, Any] = {
        "kind": kind,
        "persons": list(persons),
        "new_person": None if persons else new_uuid(client.rng.randbytes(16)),
        "to": to_household,
        "from": None if origin is opening else origin.household_id,
        "known": _known(opening, origin, persons),
        "regions": _regions(client, opening, origin, to_household),
    }
    shown = Opening(opening.household_id, opening.home_region, opening.area, {**origin.context, **opening.context})
    row = draft_row(
        id=new_uuid(client.rng.randbytes(16)), opening=shown, form=change, now_ms=client.believed_ms(),
        not_before=client.store.setting("server_time"), defaults=_defaults(change, kind, persons, origin),
        extra={"change": told},
    )  # fmt: skip
    client.drafts.add(row)
    return Draft(client.drafts, change, row, client.believed_ms)


def find_persons(client: FieldClient, household_id: str | None, sought: Sequence[str]) -> list[str]:
    """Person keys for keys, NIKs or names of a household's members. Raises `OpeningProblem` unless each fits one."""
    if not sought:
        return []
    if household_id is None:
        raise OpeningProblem("Sebutkan keluarga orang itu.")
    opening = open_known(client.store, client.feed, household_id, client.form(client.visit_form))
    found = []
    for text in sought:
        fitting = [key for key in opening.persons if text == key or text in _names(opening, key)]
        if len(fitting) != 1:
            raise OpeningProblem(f"{len(fitting)} anggota cocok dengan {text!r}; sebutkan kuncinya (padan field show)")
        found += fitting
    return found


def seal_change(draft: Draft, dictionary: Dictionary, *, actor: str, random_bytes: RandomBytes) -> dict[str, Any]:
    """The envelope of a change event. Raises `NotSealed` for what the form refuses, `ChangeProblem` for what the
    choice of people lacks."""
    refuse_unless_complete(draft)
    told: Mapping[str, Any] = draft.fixed["change"]
    context = ChangeContext(
        household_id=draft.household_id,
        persons=tuple(told["persons"]),
        new_person_id=told["new_person"],
        to_household=told["to"],
        from_household=told["from"],
        known={path: Known(value, ref, evidence) for path, (value, ref, evidence) in told["known"].items()},
    )
    answers = {
        path.rpartition("/")[2]: answer["value"] if "value" in answer else {"state": answer["state"]}
        for path, answer in draft.answers.items()
    }
    change = change_assertions(draft.form, answers, context, dictionary, draft.filled.today)
    also = tuple((each, told["regions"].get(each, draft.fixed["home_region"])) for each in change.also)
    return seal_parts(
        draft, "change", list(change.parts), actor=actor, random_bytes=random_bytes, body=change.body, also=also
    )


def _opening(client: FieldClient, household_id: str | None, form: FormDefinition, area: str | None) -> Opening:
    if household_id is None:
        return open_new(area, client.rng.randbytes(16))
    return open_known(client.store, client.feed, household_id, form)


def _names(opening: Opening, key: str) -> set[Any]:
    return {(opening.prefill.get(f"{person_part(key)}/{name}") or {}).get("value") for name in ("nik", "m_name")}


def _check_persons(persons: Sequence[str], origin: Opening) -> None:
    for key in persons:
        if key not in origin.persons:
            raise OpeningProblem(f"{key} bukan anggota keluarga {origin.household_id}")


def _known(opening: Opening, origin: Opening, persons: Sequence[str]) -> dict[str, tuple[Any, str | None, int]]:
    """Values of the household and of the people concerned, each with the event it came from."""
    known = {}
    for part, shown in [(HOUSEHOLD_PART, opening), *((person_part(key), origin) for key in persons)]:
        for path, answer in shown.prefill.items():
            if path.startswith(part + "/") and "value" in answer:
                ref, evidence = shown.sources.get(path, (None, 1))
                known[path] = (answer["value"], ref, evidence)
    return known


def _regions(client: FieldClient, opening: Opening, origin: Opening, to: str | None) -> dict[str, str]:
    regions = {origin.household_id: origin.home_region}
    target = client.feed.household(to) if to is not None else None
    if to is not None:
        regions[to] = opening.home_region if target is None else target.home_region
    return regions


def _defaults(form: FormDefinition, kind: str, persons: Sequence[str], origin: Opening) -> dict[str, Any]:
    """What the app fills in: the type, the village, and who it is about."""
    wanted: dict[str, Any] = {
        "event_type": kind,
        "village_code": origin.area,
        "subject_listed": YES if persons else NO,
        "family_id": (origin.prefill.get("h/family_id") or {}).get("value"),
    }
    if len(persons) == 1:
        part = person_part(persons[0])
        wanted["subject_name"] = (origin.prefill.get(f"{part}/m_name") or {}).get("value")
        wanted["subject_nik"] = (origin.prefill.get(f"{part}/nik") or {}).get("value")
    names = form.by_name
    return {f"{names[name].scope}/{name}": value for name, value in wanted.items() if name in names and value}
