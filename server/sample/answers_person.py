"""What an officer writes down about one member: answers of the household form, relevance kept, drawn from a person.

Values have the shapes of docs/protocol.md ("Answers"): codes as text, several codes as a sorted list, decimals as text.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

from server.sample.people import CHILD, GRANDCHILD, HEAD, MARRIED, SPOUSE, Person
from server.sample.pools import JOB_SECTORS

HERE, DEAD, MOVED, NEW, NOT_FOUND = "1", "2", "3", "5", "6"
"""REGSOSEK 404."""
SEEN, NOT_SEEN, NONE = "1", "2", "3"
"""nik_status: card shown, known but not shown, none."""

Answers = dict[str, Any]


def identity(rng: Random, person: Person, presence: str, on: date) -> Answers:
    """The questions asked of every member, present or not."""
    answers: Answers = {"m_name": person.name, "presence": presence}
    if presence == NOT_FOUND:
        return answers | {"nik_status": NONE, "no_nik_reason": "4", **_birth(rng, person, shown=False)}
    if presence == DEAD:
        answers["death_date"] = (on - timedelta(days=rng.randint(20, 600))).isoformat()
    shown = rng.random() < 0.82
    if person.nik:
        answers |= {"nik_status": SEEN if shown else NOT_SEEN, "nik": person.nik}
    else:
        answers |= {"nik_status": NONE, "no_nik_reason": "1" if person.age(on) < 1 else "2"}
    return answers | _birth(rng, person, shown and bool(person.nik))


def details(rng: Random, person: Person, on: date, heir: str) -> Answers:
    """The questions about one who lives here."""
    age = person.age(on)
    answers: Answers = {"marital": person.marital, "relation": person.relation, "id_docs": _documents(rng, person, age)}
    if person.female and 10 <= age <= 54 and person.marital != "1":
        answers |= _pregnancy(rng, age)
    if age >= 5:
        answers |= _school(rng, age)
        answers |= _work(rng, person)
        answers |= {"prog_prakerja": "2", "prog_kur": "2", "prog_umi": "2"}
        if age <= 30:
            answers["prog_pip"] = "1" if 6 <= age <= 18 and rng.random() < 0.3 else "2"
    else:
        answers |= _small_child(rng, age, on)
    disabled = _difficulties(rng, answers, age)
    if age >= 60 or disabled:
        answers["caregiver"] = rng.choice(("1", "4"))
        device = rng.choice(("tongkat_1", "tongkat_4", "alat_bantu_dengar", "walker"))
        answers["aid_need"] = [device] if disabled else ["none"]
    answers["chronic"] = [rng.choice(("2", "3", "4", "6"))] if rng.random() < age / 250 else ["1"]
    answers["health_ins"] = ["1"] if rng.random() < 0.78 else ["0"]
    if age >= 15:
        answers["bpjstk_have"] = ["1", "2"] if rng.random() < 0.06 else ["0"]
        answers |= _vulnerable_worker(rng, person, answers, age, heir)
    return answers


def _birth(rng: Random, person: Person, shown: bool) -> Answers:
    return {
        "sex": "2" if person.female else "1",
        "birth_place": person.birth_place,
        "birth_date": person.born.isoformat(),
        "birth_date_src": "1" if shown else rng.choice(("2", "3")),
    }


def _documents(rng: Random, person: Person, age: int) -> list[str]:
    if age >= 17:
        return ["4"] if person.nik else ["0"]
    return ["1"] if rng.random() < 0.8 else ["0"]


def _pregnancy(rng: Random, age: int) -> Answers:
    if age > 42 or rng.random() > 0.05:
        return {"pregnant": "2"}
    return {"pregnant": "1", "gest_weeks": rng.randint(5, 39), "muac_cm": f"{rng.randint(205, 290) / 10:.1f}"}


def _school(rng: Random, age: int) -> Answers:
    if 7 <= age <= 18 and rng.random() < 0.93:
        level, start = ("3", 7) if age < 13 else ("8", 13) if age < 16 else ("13", 16)
        certificate = {"3": "23", "8": "3", "13": "8"}[level]
        grade = min(max(age - start + 1, 1), 6)
        return {"school_part": "2", "edu_level": level, "edu_grade": grade, "edu_cert": certificate}
    if age < 7 or rng.random() < 0.08:
        return {"school_part": "1"}
    if rng.random() < 0.25:
        return {"school_part": "3", "edu_level": "3", "edu_grade": rng.randint(1, 5), "edu_cert": "23"}
    level = rng.choices(("3", "8", "13"), (60, 25, 15))[0]
    return {"school_part": "3", "edu_level": level, "edu_grade": 8, "edu_cert": level}


def _work(rng: Random, person: Person) -> Answers:
    if not person.works:
        return {"worked": "2"}
    sector, status = JOB_SECTORS[person.job]
    hours = rng.choice((20, 28, 35, 40, 42, 48, 56))
    return {"worked": "1", "work_hours": hours, "job_title": person.job, "job_sector": sector, "job_status": status}


def _small_child(rng: Random, age: int, on: date) -> Answers:
    height = 500 + age * 110 + rng.randint(0, 120)
    weight = 34 + age * 24 + rng.randint(0, 22)
    nutrition = rng.choices(("1", "2", "3", "4"), (4, 18, 20, 58))[0]
    return {
        "child_nutrition": nutrition,
        "height_cm": f"{height / 10:.1f}",
        "weight_kg": f"{weight / 10:.1f}",
        "measure_date": (on - timedelta(days=rng.randint(0, 80))).isoformat(),
        "stunting_kia": "2" if nutrition == "2" else "1",
    }


def _difficulties(rng: Random, answers: Answers, age: int) -> bool:
    """Fill in the difficulties; true where one is at least a little (the form's `disab_any`)."""
    asked = [] if age < 2 else ["d_see", "d_hear", "d_walk", "d_hand", "d_learn", "d_behave"]
    if age >= 5:
        asked += ["d_speak", "d_self", "d_remember"]
        answers["d_sad"] = "4" if rng.random() < 0.9 else "3"
    # The form counts 1 and 2 as a disability; 3, a little, is common with age.
    affected = rng.choice(asked) if asked and rng.random() < 0.02 + max(age - 50, 0) / 400 else ""
    for name in asked:
        mild = "3" if rng.random() < age / 400 else "4"
        answers[name] = rng.choice(("1", "2")) if name == affected else mild
    return bool(affected)


def _vulnerable_worker(rng: Random, person: Person, answers: Answers, age: int, heir: str) -> Answers:
    """The enrolment block of one who works on his own account, is insured by nobody and has a NIK."""
    own_account = person.works and answers["job_status"] not in ("4", "5")
    if not own_account or not 15 <= age < 65 or answers["bpjstk_have"] != ["0"] or not person.nik:
        return {}
    block: Answers = {
        "vw_income": rng.randint(6, 30) * 50_000,
        "vw_workplace": rng.choice(("kebun sendiri", "laut", "pasar", "proyek bangunan", "rumah", "keliling kampung")),
        "vw_hours": rng.choice(("06.00-12.00", "07.00-16.00", "04.00-11.00")),
    }
    if not heir or rng.random() < 0.07:
        return block | {"vw_consent": "2"}
    relation = {HEAD: SPOUSE, SPOUSE: HEAD, CHILD: "6", GRANDCHILD: "6"}.get(person.relation, "8")
    if person.relation == HEAD and person.marital != MARRIED:
        relation = CHILD
    return block | {"vw_consent": "1", "vw_heir_name": heir, "vw_heir_rel": relation}
