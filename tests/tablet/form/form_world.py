"""Made-up families and fillings for the tests of the tablet's form."""

from __future__ import annotations

import random
from typing import Any

from schemas.form import FormDefinition
from schemas.paths import EVENT_PART, HOUSEHOLD_PART, person_part
from schemas.question import EVENT, PERSON, Field

HOUSEHOLD = "11111111-1111-4111-8111-111111111111"
OPENED = "2026-11-21"
NIKS = ("1903014107900001", "1903010101800002", "1903014107900001x", "190301", "1903013113990001", "3171014107900003")
TEXTS = ("Siti Aminah", "Jl. Melati 1", "003", "7", "08123456789", "catatan panjang tentang keluarga", "x")
DATES = ("1990-07-01", "1980-01-01", "2026-11-20", "2026-11-21", "2026-12-24", "2022-02-28", "1915-03-04", "2012-05-06")
STATES = ("declined", "unknown", "not_applicable", "cleared")


def person(number: int, household: str = HOUSEHOLD) -> str:
    """A person key."""
    return f"{household}/{number:08d}-0000-4000-8000-000000000000"


def parts(form: FormDefinition, persons: list[str]) -> list[tuple[str, Field]]:
    """Every part with its questions, computed ones left out."""
    found = []
    for field in form.fields:
        if field.type == "calculate" or field.policy == "derived":
            continue
        if field.scope == PERSON:
            found += [(person_part(key), field) for key in persons]
        else:
            found.append((EVENT_PART if field.scope == EVENT else HOUSEHOLD_PART, field))
    return found


def some_value(field: Field, chance: random.Random) -> Any:
    """A value of the right type; the rules of the form may say no."""
    codes = [choice.name for choice in field.choices]
    if field.type == "select_one":
        return chance.choice(codes or ["19.03.01.1001", "KELUARGA-1"])
    if field.type == "select_multiple":
        return sorted(set(chance.choices(codes, k=chance.randint(1, 3))))
    if field.type == "integer":
        return chance.choice((0, 1, 2, 3, 8, 12, 45, 1000, 30_000_000))
    if field.type == "decimal":
        return chance.choice(("0", "9.5", "22.4", "23.5", "100", "1000.25"))
    if field.type == "date":
        return chance.choice(DATES)
    if field.type == "time":
        return chance.choice(("07:30", "23:59"))
    if field.type == "geopoint":
        return {"lat": chance.randint(-8_000_000, 4_000_000), "lon": 106_000_000, "acc_dm": chance.randint(10, 900)}
    if field.type == "image":
        return chance.choice("0123456789abcdef") * 64
    return chance.choice(NIKS) if "nik" in field.name or "kk" in field.name else chance.choice(TEXTS)


def some_answers(
    form: FormDefinition, persons: list[str], chance: random.Random, density: float
) -> dict[str, dict[str, Any]]:
    """Answers to a share of the questions, among them some states."""
    found = {}
    for part, field in parts(form, persons):
        if chance.random() < density:
            state = chance.random() < 0.06
            found[f"{part}/{field.name}"] = (
                {"state": chance.choice(STATES)} if state else {"value": some_value(field, chance)}
            )
    return found


MEDIA = {
    "villages.csv": "name,label\n19.03.01.1001,Toboali\n19.03.01.2002,Rias\n",
    "prelist.csv": "name,label,village_code\nP3KE-77,BUDI SANTOSO,19.03.01.1001\nP3KE-78,RINA,19.03.01.2002\n",
}
MEMBERS = (
    ("Budi Santoso", "1", "1978-03-12", "1903011203780001", "1"),
    ("Siti Aminah", "2", "1982-08-20", "1903016008820002", "2"),
    ("Putri Ayu", "2", "2008-05-01", "1903014105080003", "3"),
    ("Joko Santoso", "1", "2013-11-09", "1903010911130004", "3"),
    ("Karto", "1", "1948-01-30", "1903013001480005", "6"),
)


def household(members: int = 5, **cells: Any) -> dict[str, Any]:
    """A merged record as the feed brings it: a family of up to five (and copies of them beyond)."""
    persons = []
    for number in range(members):
        name, sex, born, nik, relation = MEMBERS[number % len(MEMBERS)]
        fields = {
            "m_name": name if number < len(MEMBERS) else f"{name} {number}", "sex": sex, "birth_date": born,
            "nik": nik if number < len(MEMBERS) else f"{nik[:12]}{number:04d}", "relation": relation,
            "presence": "1", "nik_status": "1", "birth_date_src": "1", "marital": "2",
        }  # fmt: skip
        persons.append({"key": person(number), "fields": {key: {"value": value} for key, value in fields.items()}})
    values = {
        "village_code": "19.03.01.1001", "family_id": "P3KE-77", "prelist_mode": "1", "kk_status": "1",
        "no_kk": "1903011203780001", "head_name": "Budi Santoso", "address": "Jl. Melati 1", "rt": "003", "rw": "001",
    } | cells  # fmt: skip
    return {
        "data": {"household": {key: {"value": value} for key, value in values.items()}, "persons": persons},
        "trail": {},
    }


def request_of(compiled: Any, **given: Any) -> dict[str, Any]:
    """A request of the shell, with everything that a test does not care about left to the harness."""
    form = {"definition": compiled.definition.to_json(), "xform": compiled.xform, "media": MEDIA}
    return form | given
