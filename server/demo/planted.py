"""The cases planted in the demo, each on a family of its own, so that the summary can say what became of it."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from field_forms.client import FieldClient
from field_forms.client.answers_file import fill_from
from schemas.event import Assertion, Part, seal
from schemas.ids import derived_uuid
from schemas.nik import parse_nik
from server.demo.field_work import Team, fill_visit, push_raw

SINGLE = (
    "deceased_against_found",
    "nik_collision",
    "nik_wrong_then_corrected",
    "member_without_nik",
    "one_id_two_contents",
    "linked_then_undone",
    "voided",
    "returned_and_corrected",
    "death_after_ratification",
    "moved_from",
    "moved_to",
    "link_other",
    "nik_lent",
)
"""Families planted on; the wrong family's form takes two more, one of which nobody visits."""


@dataclass
class Planted:
    """Which family each case stands on, and what was made for it."""

    households: dict[str, str] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    wrong_family: tuple[str, str] = ("", "")
    outside_area: str = ""
    statuses: dict[str, str] = field(default_factory=dict)

    @property
    def busy(self) -> set[str]:
        """Families whose visits are made here and not in the ordinary round."""
        made = {"deceased_against_found", "nik_collision", "nik_wrong_then_corrected", "member_without_nik"}
        return {self.households[name] for name in made} | set(self.wrong_family)


def choose(truths: Iterable[dict[str, Any]]) -> Planted:
    """Pick families found complete in one visit: two members or more, all at home, each with a good NIK."""
    fit = [
        truth
        for truth in truths
        if truth["outcome"] == "01"
        and len(truth["visits"]) == 1
        and len(truth["members"]) >= 2
        and all(parse_nik(member["nik"]).valid and not member["defects"] for member in truth["members"])
        and all(member["answers"]["presence"] == "1" for member in truth["visits"][0]["form"]["members"])
    ]
    if len(fit) < len(SINGLE) + 2:
        raise ValueError(f"too few families to plant {len(SINGLE) + 2} cases on; take 100 or more")
    planted = Planted()
    for name, truth in zip(SINGLE, fit, strict=False):
        planted.households[name] = truth["household_id"]
    planted.wrong_family = (fit[len(SINGLE)]["household_id"], fit[len(SINGLE) + 1]["household_id"])
    return planted


def second_officers(planted: Planted, team: Team) -> None:
    """The family that two officers disagree about is given to a second one as well."""
    household = planted.households["deceased_against_found"]
    first = team.by_household[household][0]
    other = next(name for name in sorted(team.clients) if name != first)
    team.by_household[household].append(other)
    # A form meant for one family is filled at the record of another: both must be on one tablet.
    wrong, right = planted.wrong_family
    team.by_household[wrong] = team.by_household[right] = [team.by_household[right][0]]


def plant_offline(planted: Planted, team: Team) -> int:
    """What is planted while there is no network. How many forms were sealed."""
    before = sum(len(client.sealed_events()) for client in team.clients.values())
    _deceased_against_found(planted, team)
    _nik_collision(planted, team)
    _nik_wrong(planted, team)
    _without_nik(planted, team)
    _outside_area(planted, team)
    _wrong_family(planted, team)
    _double_form(planted, team)
    return sum(len(client.sealed_events()) for client in team.clients.values()) - before


def plant_raw(planted: Planted, team: Team) -> None:
    """What no client of ours would send: one id with two contents, and an item that is no event."""
    household = planted.households["one_id_two_contents"]
    client = _client(team, household)
    sealed = next(event for event in client.sealed_events() if event.household_id == household)
    twin = _twin(sealed.envelope)
    result = push_raw(client, [twin, {"head": "rusak", "parts": 7}], team)
    planted.refs["one_id_two_contents"] = twin["payload_hash"][:32]
    planted.statuses = {"one_id_two_contents": result[0]["status"], "unreadable_item": result[1]["status"]}


def plant_second_round(planted: Planted, team: Team) -> int:
    """After the first sync: corrections, answers to what was returned, and a person who moved. How many forms."""
    household = planted.households["nik_wrong_then_corrected"]
    client = _client(team, household)
    draft = client.open_correction(planted.refs["nik_wrong_then_corrected"])
    with client.store.transaction():
        fill_from(client, draft, team.truths[household]["visits"][0]["form"], client.home)
    client.seal(draft)
    _person_moved(planted, team)
    return 2


def answer_return(planted: Planted, team: Team) -> int:
    """The officer reads the supervisor's comments, visits again and sends the corrected form."""
    household = planted.households["returned_and_corrected"]
    client = _client(team, household)
    if not any(each.household_id == household for each in client.returned()):
        return 0
    form = copy.deepcopy(team.truths[household]["visits"][0]["form"])
    form["household"]["address"] = form["household"].get("address", "") + " (belakang mushala)"
    fill_visit(client, household, form)
    return 1


def report_death(planted: Planted, team: Team) -> int:
    """A member dies after the family was ratified: a change event, weeks after the visit."""
    household = planted.households["death_after_ratification"]
    client = _client(team, household)
    person = team.truths[household]["members"][-1]["key"]
    draft = client.open_change(household, "death", persons=[person])
    date = team.truths[household]["visits"][0]["visit_date"]
    answers = {"event_date": date, "death_cause": "1", "reporter": "Ketua RT", "doc_seen": "1"}
    for name, value in answers.items():
        if draft.form.by_name.get(name) is not None:
            draft.answer(f"e/{name}", value)
    client.seal(draft)
    return 1


def _deceased_against_found(planted: Planted, team: Team) -> None:
    household = planted.households["deceased_against_found"]
    found = team.truths[household]["visits"][0]["form"]
    first, second = team.by_household[household][:2]
    fill_visit(team.clients[first], household, found)
    dead = copy.deepcopy(found)
    gone = dead["members"][-1]["answers"]
    kept = {name: gone[name] for name in ("m_name", "nik_status", "nik", "sex", "birth_date", "birth_date_src")}
    dead["members"][-1]["answers"] = kept | {"presence": "2", "death_date": found["household"]["visit_date"]}
    fill_visit(team.clients[second], household, dead)


def _nik_collision(planted: Planted, team: Team) -> None:
    household = planted.households["nik_collision"]
    lender = team.truths[planted.households["nik_lent"]]["members"][0]
    form = copy.deepcopy(team.truths[household]["visits"][0]["form"])
    form["members"][0]["answers"] |= {"nik": lender["nik"], "nik_status": "1"}
    fill_visit(_client(team, household), household, form)


def _nik_wrong(planted: Planted, team: Team) -> None:
    household = planted.households["nik_wrong_then_corrected"]
    form = copy.deepcopy(team.truths[household]["visits"][0]["form"])
    nik = form["members"][0]["answers"]["nik"]
    # Two neighbouring digits of the serial change places, as a thumb does it.
    wrong = nik[:12] + nik[13] + nik[12] + nik[14:] if nik[12] != nik[13] else nik[:-1] + str((int(nik[-1]) + 1) % 10)
    form["members"][0]["answers"] |= {"nik": wrong}
    planted.refs["nik_wrong_then_corrected"] = fill_visit(_client(team, household), household, form)


def _without_nik(planted: Planted, team: Team) -> None:
    household = planted.households["member_without_nik"]
    form = copy.deepcopy(team.truths[household]["visits"][0]["form"])
    answers = form["members"][-1]["answers"]
    answers.pop("nik", None)
    answers |= {"nik_status": "3", "no_nik_reason": "3"}
    for name in [name for name in answers if name.startswith("vw_")]:
        answers.pop(name)
    fill_visit(_client(team, household), household, form)


def _outside_area(planted: Planted, team: Team) -> None:
    """A new family in a village that is another officer's."""
    officer = sorted(team.clients)[0]
    foreign = next(v for name, villages in sorted(team.villages.items()) if name != officer for v in villages)
    truth = team.truths[planted.households["voided"]]
    form = copy.deepcopy(truth["visits"][0]["form"])
    form["household"] |= {"village_code": foreign, "prelist_mode": "2", "head_name": "Zulkifli Tanjung"}
    for name in ("family_id", "no_kk", "kk_change_reason"):
        form["household"].pop(name, None)
    form["household"]["kk_status"] = "3"
    answers = dict(form["members"][0]["answers"])
    for name in [name for name in answers if name.startswith("vw_") or name == "nik"]:
        answers.pop(name)
    answers |= {"m_name": "Zulkifli Tanjung", "nik_status": "3", "no_nik_reason": "4"}
    form["members"] = [{"answers": answers}]
    client = team.clients[officer]
    draft = client.open_draft(None, area=foreign)
    with client.store.transaction():
        fill_from(client, draft, form, client.home)
    planted.refs["outside_area"] = client.seal(draft)
    planted.outside_area = draft.household_id


def _wrong_family(planted: Planted, team: Team) -> None:
    """The officer opened one family's record and filled in what the neighbours said."""
    wrong, right = planted.wrong_family
    form = copy.deepcopy(team.truths[right]["visits"][0]["form"])
    form["household"]["family_id"] = team.truths[wrong]["family_id"]
    own = [
        {"key": member["key"], "answers": {"m_name": member["name"], "presence": "6", "nik_status": "2"}
         | {"nik": member["nik"]} | _known(team, wrong, member["key"])}
        for member in team.truths[wrong]["members"]
    ]  # fmt: skip
    form["members"] = own + [{"answers": member["answers"]} for member in form["members"]]
    planted.refs["wrong_family"] = fill_visit(_client(team, wrong), wrong, form)


def _known(team: Team, household: str, key: str) -> dict[str, Any]:
    members = team.truths[household]["visits"][0]["form"]["members"]
    answers = next(member["answers"] for member in members if member.get("key") == key)
    return {name: answers[name] for name in ("sex", "birth_date", "birth_date_src")}


def _double_form(planted: Planted, team: Team) -> None:
    """A practice form on a real family, to be voided. The real one is made in the ordinary round."""
    household = planted.households["voided"]
    form = copy.deepcopy(team.truths[household]["visits"][0]["form"])
    form["household"] |= {"address": "LATIHAN JANGAN DIPAKAI", "floor_area_m2": 999}
    planted.refs["voided"] = fill_visit(_client(team, household), household, form)


def _person_moved(planted: Planted, team: Team) -> None:
    """Somebody of one family is found living with another, weeks later, under the same NIK."""
    source, target = planted.households["moved_from"], planted.households["moved_to"]
    moved = team.truths[source]["visits"][0]["form"]["members"][-1]["answers"]
    form = copy.deepcopy(team.truths[target]["visits"][0]["form"])
    form["household"]["visit_no"] = 2
    form["members"].append({"answers": {**moved, "presence": "5", "relation": "8"}})
    fill_visit(_client(team, target), target, form)


def _twin(envelope: dict[str, Any]) -> dict[str, Any]:
    """Another form under the same id, as a cloned tablet makes it."""
    head = envelope["head"]
    parts = []
    for raw in envelope["parts"]:
        said = {name: Assertion.from_json(item) for name, item in raw["assertions"].items()}
        if raw["name"] == "h":
            said["remark"] = Assertion("diisi lagi di tablet salinan", None, 1)
        parts.append(Part(raw["name"], said, raw["text"]))
    made = seal(
        id=head["id"], kind=head["kind"], household_id=head["household_id"], home_region=head["home_region"],
        actor=head["actor"], area=head["area"], form=head["form"], not_before=head["not_before"], body=head["body"],
        attachments=head["attachments"], parts=parts,
        context={each["ref"]: each["household_id"] for each in head["context"]},
        salts={part.name: derived_uuid("twin", head["id"], part.name).replace("-", "") for part in parts},
    )  # fmt: skip
    return made


def _client(team: Team, household: str) -> FieldClient:
    return team.clients[team.by_household[household][0]]
