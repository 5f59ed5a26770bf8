"""One invented family as it really is, before any list got it wrong; it follows from the random numbers given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from typing import TypeVar

from schemas.nik import age_years
from server.sample.names import make_name
from server.sample.numbers import ELSEWHERE_SHARE, PAPUA, RETIRED_SHARE, make_kk, make_nik, retired_prefix
from server.sample.pools import HOUSEWIFE, HOUSEWIFE_SHARE, JOB_SECTORS, Culture, Place

HEAD, SPOUSE, CHILD, GRANDCHILD, PARENT = "1", "2", "3", "5", "6"
"""REGSOSEK 409."""
SINGLE, MARRIED, WIDOWED = "1", "2", "4"
"""REGSOSEK 408."""
FEMALE_HEAD_SHARE = 0.16
SERIAL_MAX = 9_999

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Person:
    """A member. `job` is a trade, a housewife's included, or empty; `nik` is the one issued, empty for none."""

    name: str
    female: bool
    born: date
    relation: str
    marital: str
    birth_place: str
    nik: str
    job: str = ""
    nik_origin: str = "here"
    """here, elsewhere, retired: where the NIK was issued."""

    def age(self, on: date) -> int:
        """Full years as the form counts them: by the calendar."""
        return age_years(self.born, on)

    @property
    def works(self) -> bool:
        """Whether the trade is paid work."""
        return self.job in JOB_SECTORS


@dataclass(frozen=True, slots=True)
class Household:
    """A family in a village. `address` is empty of a street where the street is not known."""

    number: int
    area: str
    address: str
    rt: str
    rw: str
    no_kk: str
    desil: int
    members: tuple[Person, ...]
    phone: str


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and when a family is made: the pools, the area's names and numbers, the day of the campaign."""

    place: Place
    area: str
    village: str
    district: str
    regency: str
    districts: tuple[str, ...]
    known: frozenset[str]
    on: date

    @property
    def prefix(self) -> str:
        """PPKKCC of the kecamatan."""
        return self.area[:8].replace(".", "")


def make_household(rng: Random, number: int, setting: Setting) -> Household:
    """Family `number` of a campaign, 1 to 8 people, four on average."""
    culture = _weighted(rng, setting.place.cultures)
    clan = rng.choice(culture.second) if culture.second else ""
    sizes = rng.choices((1, 2, 3, 4, 5, 6, 7, 8), (8, 14, 19, 24, 17, 10, 5, 3))[0]
    members = [_numbered(rng, person, setting) for person in _people(rng, culture, clan, sizes, setting)]
    hamlet = rng.choice(setting.place.hamlets)
    rt, rw = f"{rng.randint(1, 24):03d}", f"{rng.randint(1, 8):03d}"
    recorded = setting.on - timedelta(days=rng.randint(200, 5_500))
    return Household(
        number=number,
        area=setting.area,
        address=_address(rng, setting, hamlet, rt, rw),
        rt=rt,
        rw=rw,
        no_kk=make_kk(setting.prefix, recorded, rng.randint(1, SERIAL_MAX)),
        desil=rng.choices((1, 2, 3, 4), (80, 12, 5, 3))[0],
        members=tuple(members),
        phone=f"08{rng.choice(('12', '13', '21', '52', '53', '78', '96'))}{rng.randint(0, 99_999_999):08d}",
    )


def make_baby(rng: Random, family: Household, setting: Setting) -> Person:
    """A child born after the list was made; it may not have a NIK yet."""
    born = setting.on - timedelta(days=rng.randint(5, 300))
    culture = _weighted(rng, setting.place.cultures)
    clan = rng.choice(culture.second) if culture.second else ""
    female = rng.random() < 0.5
    name = make_name(rng, culture, female, born, setting.on, len(family.members), clan)
    baby = Person(name, female, born, CHILD, SINGLE, _birth_place(rng, setting), "")
    return baby if rng.random() < 0.5 else _numbered(rng, baby, setting, moved=False)


def _people(rng: Random, culture: Culture, clan: str, size: int, setting: Setting) -> list[Person]:
    head_female = rng.random() < (0.5 if size == 1 else FEMALE_HEAD_SHARE)
    head_age = min(max(int(rng.gauss(47 if size > 1 else 62, 13)), 19), 92)
    couple = size > 1 and not head_female
    people = [_person(rng, culture, clan, head_female, head_age, HEAD, MARRIED if couple else WIDOWED, 0, setting)]
    if couple:
        age = max(head_age - rng.randint(-2, 9), 18)
        people.append(_person(rng, culture, clan, True, age, SPOUSE, MARRIED, 0, setting))
    if size > 3 and rng.random() < 0.12:
        age = min(head_age + rng.randint(19, 30), 99)
        people.append(_person(rng, culture, clan, rng.random() < 0.65, age, PARENT, WIDOWED, 0, setting))
    mother = min(person.age(setting.on) for person in people if person.relation in (HEAD, SPOUSE))
    oldest = max(min(mother - 17, 34), 0)
    ages = sorted((rng.randint(0, oldest) for _ in range(size - len(people))), reverse=True)
    for order, age in enumerate(ages):
        relation = GRANDCHILD if mother > 55 and age < 12 else CHILD
        people.append(_person(rng, culture, clan, rng.random() < 0.49, age, relation, SINGLE, order, setting))
    return people


def _person(
    rng: Random, culture: Culture, clan: str, female: bool, age: int, relation: str, marital: str, order: int,
    setting: Setting,
) -> Person:  # fmt: skip
    born = setting.on - timedelta(days=int(age * 365.25) + rng.randint(20, 360))
    name = make_name(rng, culture, female, born, setting.on, order, clan)
    grown = age >= 15 and relation != PARENT and (relation != CHILD or age >= 18)
    job = ""
    if grown and female and rng.random() < HOUSEWIFE_SHARE:
        job = HOUSEWIFE
    elif grown and rng.random() < 0.88:
        job = _weighted(rng, setting.place.jobs)
    return Person(name, female, born, relation, marital, _birth_place(rng, setting), "", job)


def _numbered(rng: Random, person: Person, setting: Setting, moved: bool = True) -> Person:
    """The person with a NIK: of this kecamatan, of one elsewhere, in Papua also of a district that is no more."""
    chance = rng.random()
    prefix, origin = setting.prefix, "here"
    if moved and chance < ELSEWHERE_SHARE:
        here = setting.prefix[:4]
        other = rng.choice(setting.districts)
        while other.startswith(here):
            other = rng.choice(setting.districts)
        prefix, origin = other, "elsewhere"
    elif moved and setting.area[:2] in PAPUA and chance < ELSEWHERE_SHARE + RETIRED_SHARE:
        prefix, origin = retired_prefix(rng, setting.known), "retired"
    nik = make_nik(prefix, person.born, person.female, rng.randint(1, SERIAL_MAX))
    return replace(person, nik=nik, nik_origin=origin)


def _birth_place(rng: Random, setting: Setting) -> str:
    town = setting.regency.removeprefix("Kabupaten ").removeprefix("Kota ")
    return rng.choices((setting.district, town), (7, 3))[0]


def _address(rng: Random, setting: Setting, hamlet: str, rt: str, rw: str) -> str:
    """The pattern of the place; what stands in brackets is often left out, and a tenth has no street at all."""
    if rng.random() < 0.10:
        return f"RT {rt} RW {rw}" if rng.random() < 0.5 else ""
    start, _, rest = setting.place.address.partition("[")
    text = start + (rest.replace("]", "") if rng.random() < 0.5 else "")
    words = {"hamlet": hamlet, "rt": rt, "rw": rw, "house": str(rng.randint(1, 120))}
    return text.format(**words, village=setting.village, district=setting.district)


def _weighted(rng: Random, pairs: tuple[tuple[T, int], ...]) -> T:
    return rng.choices([item for item, _ in pairs], [weight for _, weight in pairs])[0]
