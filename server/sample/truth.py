"""What an officer finds at the door of each listed family, beside what the list says: one JSON object a family.

    number, family_id, household_id, village_code
    outcome            visit outcome (01-09) of the first visit
    duplicate_of       family id of which this is only a second listing, or null
    members            as listed, in the list's order: key, name, nik, defects, lives_with (a family id or null)
    visits             officer (a, or b for one who comes without knowing of a), visit_no, visit_date, form: the answers
                       as `padan field fill --file` takes them, {household, members: [{key, answers}]}; a member
                       without key is new
    corrections        key, field, listed, found: where the list was wrong
    concurrent         null, or the paths on which a and b differ, and whether their evidence is equal
    second_vintage     same, changed, gone or new, and what changed

Scripted officers fill forms from it, and checks compare with it; the server never sees it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from schemas.ids import household_id
from schemas.nik import parse_nik
from schemas.paths import person_key
from server.prelist.sources import cell_text
from server.sample.answers_household import interview, outcome_details, visit
from server.sample.answers_person import DEAD, HERE, MOVED, NEW, NOT_FOUND, NOT_SEEN, SEEN, details, identity
from server.sample.listing import SOURCE, Listing, member_ids
from server.sample.numbers import one_digit_off
from server.sample.people import HEAD, Person, Setting, make_baby
from server.sample.vintage import Change

CONCURRENT_SHARE = 0.02
BABY_SHARE = 0.04
REVISIT_SHARE = 0.6
CAMPAIGN_DAYS = 30
IN_INCOMPLETE = frozenset(
    {"village_code", "prelist_mode", "family_id", "visit_no", "visit_date", "visit_outcome", "gps_home", "outcome_note"}
    | {"notice_ack", "resp_name", "resp_relation", "head_name", "address", "rt", "rw"}
)

Answers = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scene:
    """A listed family, who and where it is, and what the second list will say of it."""

    number: int
    region: str
    listing: Listing
    setting: Setting
    change: Change
    family_id_of: Callable[[int], str]


def make_truth(rng: Random, scene: Scene, *, answers: bool = True) -> dict[str, Any]:
    """The object of a family; without `answers` it holds no visits, a tenth of the size."""
    listing = scene.listing
    household = household_id(SOURCE, scene.region, listing.family_id)
    ids = [person_key(household, person) for person in member_ids(listing, scene.region)]
    outcome = listing.outcome
    people = _presences(rng, scene, ids)
    visits = [_visit(rng, scene, people, outcome, 1)]
    if outcome == "03" and rng.random() < REVISIT_SHARE:
        visits.append(_visit(rng, scene, people, "01", 2))
    concurrent = None
    if outcome == "01" and rng.random() < CONCURRENT_SHARE:
        second, concurrent = _second_officer(rng, visits[0])
        visits.append(second)
    record = {
        "number": scene.number,
        "family_id": listing.family_id,
        "household_id": household,
        "village_code": listing.household.area,
        "outcome": outcome,
        "duplicate_of": None if listing.original is None else scene.family_id_of(listing.original),
        "members": _listed_members(scene, ids),
        "corrections": _corrections(listing, ids, visits) if outcome == "01" else [],
        "concurrent": concurrent,
        "second_vintage": {"status": scene.change.status, "what": scene.change.what},
    }
    return {**record, "visits": visits} if answers else record


def _listed_members(scene: Scene, ids: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "key": key,
            "name": member.name,
            "nik": parse_nik(cell_text(member.nik)[0]).text,
            "defects": list(member.defects),
            "lives_with": None if member.lives_with is None else scene.family_id_of(member.lives_with),
        }
        for key, member in zip(ids, scene.listing.members, strict=True)
    ]


def _presences(rng: Random, scene: Scene, ids: list[str]) -> list[tuple[str | None, Person, str]]:
    """Who is met: person key, the person as they are, presence; babies born since come last."""
    people: list[tuple[str | None, Person, str]] = []
    for index, (key, member) in enumerate(zip(ids, scene.listing.members, strict=True)):
        person = member.person
        true = person if "nik_of_another_person" not in member.defects else scene.listing.household.members[index]
        chance = rng.random()
        presence = HERE
        if member.lives_with is not None:
            presence = MOVED
        elif member.relation != HEAD and len(ids) > 1:
            presence = DEAD if chance < 0.012 else MOVED if chance < 0.037 else NOT_FOUND if chance < 0.043 else HERE
        people.append((key, true, presence))
    if rng.random() < BABY_SHARE and len(people) > 1:
        people.append((None, make_baby(rng, scene.listing.household, scene.setting), NEW))
    return people


def _visit(
    rng: Random, scene: Scene, people: list[tuple[str | None, Person, str]], outcome: str, number: int
) -> dict[str, Any]:
    family = scene.listing.household
    on = scene.setting.on + timedelta(days=rng.randrange(CAMPAIGN_DAYS - 8) + 8 * (number - 1))
    duplicate_of = "" if scene.listing.original is None else scene.family_id_of(scene.listing.original)
    answers = visit(rng, family, scene.setting.place, scene.listing.family_id, outcome, on, number)
    answers |= outcome_details(rng, outcome, on, duplicate_of, scene.setting.village)
    members: list[dict[str, Any]] = []
    if outcome in ("01", "02"):
        here = [person for _, person, presence in people if presence in (HERE, NEW)] or [people[0][1]]
        respondent = next((person for person in here if person.age(on) >= 17), family.members[0])
        answers |= interview(rng, family, respondent.name, respondent.relation)
        members = [_member(rng, scene, entry, people, on, outcome) for entry in people]
    if outcome == "02":
        answers = {name: value for name, value in answers.items() if name in IN_INCOMPLETE}
    form = {"household": answers, "members": members}
    return {"officer": "a", "visit_no": number, "visit_date": on.isoformat(), "form": form}


def _member(
    rng: Random, scene: Scene, entry: tuple[str | None, Person, str], people: list[tuple[str | None, Person, str]],
    on: date, outcome: str,
) -> dict[str, Any]:  # fmt: skip
    key, person, presence = entry
    answers = identity(rng, person, presence, on)
    if presence == MOVED:
        answers["moved_to"] = rng.choice(("Pangkalpinang", "Jakarta", "Palembang", "Makassar", "Denpasar", "Surabaya"))
    if presence in (HERE, NEW) and outcome == "01":
        heirs = [each.name for other, each, where in people if other != key and where == HERE]
        answers |= details(rng, person, on, heirs[0] if heirs else "")
    return {"answers": answers} if key is None else {"key": key, "answers": answers}


def _second_officer(rng: Random, first: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Another officer at the same door on the same days: agrees on most, leaves some untouched, differs on a few."""
    answers = dict(first["form"]["household"])
    members = [{**each, "answers": dict(each["answers"])} for each in first["form"]["members"]]
    for name in ("resp_phone", "cattle", "goat", "pig", "spend_month"):
        answers.pop(name, None)
    differs: list[dict[str, Any]] = []

    def note(path: str, equal: bool) -> None:
        differs.append({"path": path, "evidence": "equal" if equal else "unequal"})

    answers["assessment"] = "1" if answers["assessment"] != "1" else "2"
    answers["assess_reason"] = ["rumah"] if answers["assessment"] == "1" else ["aset"]
    note("h/assessment", True)
    answers["floor_area_m2"] += rng.choice((4, 6, 9))
    note("h/floor_area_m2", True)
    seen = [each for each in members if each["answers"].get("nik_status") == SEEN and "key" in each]
    if seen and parse_nik(seen[0]["answers"]["nik"]).valid:
        chosen = seen[0]["answers"]
        chosen |= {"nik_status": NOT_SEEN, "nik": one_digit_off(rng, chosen["nik"])}
        note(f"p/{seen[0]['key']}/nik", False)
    spoken = [each for each in members if each["answers"].get("birth_date_src") == "2" and "key" in each]
    if spoken:
        born = date.fromisoformat(spoken[0]["answers"]["birth_date"]) - timedelta(days=1)
        spoken[0]["answers"]["birth_date"] = born.isoformat()
        note(f"p/{spoken[0]['key']}/birth_date", True)
    return {**first, "officer": "b", "form": {"household": answers, "members": members}}, {"differs": differs}


def _corrections(listing: Listing, ids: list[str], visits: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Where the list and the first officer say different things of one person."""
    found = {each["key"]: each["answers"] for each in visits[0]["form"]["members"] if "key" in each}
    corrections = []
    for key, member in zip(ids, listing.members, strict=True):
        answers = found[key]
        listed = {
            "m_name": member.name,
            "nik": parse_nik(cell_text(member.nik)[0]).text,
            "birth_date": member.born,
        }
        for field, value in listed.items():
            if field in answers and answers[field] != value:
                corrections.append({"key": key, "field": field, "listed": value, "found": answers[field]})
    return corrections

