"""How an invented family stands on the list: misspelled, with broken numbers, twice, with people who have left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from schemas.ids import household_id, listed_person_id
from schemas.nik import parse_nik
from schemas.prelist import PrelistMember, keyed_members
from server.prelist.sources import cell_text
from server.sample.names import misspelled
from server.sample.numbers import (
    DUPLICATE_SHARE,
    MALFORMED_KINDS,
    MALFORMED_SHARE,
    MISMATCH_SHARE,
    MISSING_SHARE,
    Cell,
    broken_nik,
    mismatched_nik,
)
from server.sample.people import Household, Person

SOURCE = "p3ke"
MISSPELLED_SHARE = 0.06
OTHER = "8"
DONOR_REACH = 300
"""A number that stands twice is taken from one of this many families before."""

OUTCOMES = (
    ("01", 860),
    ("02", 30),
    ("03", 20),
    ("04", 10),
    ("05", 40),
    ("06", 10),
    ("07", 10),
    ("08", 15),
    ("09", 5),
)
"""Visit outcomes and their weights in thousandths (docs/domain.md, section 7)."""
DUPLICATE_FAMILY = "07"

RandomOf = Callable[..., Random]
"""Random numbers that follow from the campaign and the words given, such as (17, "list")."""
HouseholdOf = Callable[[int], Household]


@dataclass(frozen=True, slots=True)
class ListedMember:
    """One row of the list. `person` is who it truly is; `defects` what is wrong with the row."""

    person: Person
    name: str
    nik: Cell
    born: str
    relation: str
    defects: tuple[str, ...] = ()
    lives_with: int | None = None
    """Number of the family with which this person really lives, if another."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A family as listed. `original`: number of the family of which this is only a second listing."""

    household: Household
    family_id: str
    outcome: str
    members: tuple[ListedMember, ...]
    address: str
    desil: int
    original: int | None = None


def family_id_of(region: str, number: int) -> str:
    """Family id in the list: opaque, of one length, no number of anything else."""
    return f"{region.replace('.', '')}{7_100_000_000 + number * 7:010d}"


def fate_of(random_of: RandomOf, number: int) -> str:
    """Visit outcome of a family; the first family is never a second listing, there being none before it."""
    outcome = random_of(number, "fate").choices([code for code, _ in OUTCOMES], [weight for _, weight in OUTCOMES])[0]
    return "01" if outcome == DUPLICATE_FAMILY and original_of(random_of, number) is None else outcome


def original_of(random_of: RandomOf, number: int) -> int | None:
    """The family of which `number` would be a second listing: a near one before it that is none itself."""
    for other in range(number - 1, max(number - 12, -1), -1):
        outcome = random_of(other, "fate").choices([code for code, _ in OUTCOMES], [w for _, w in OUTCOMES])[0]
        if outcome != DUPLICATE_FAMILY:
            return other
    return None


def defect_of(random_of: RandomOf, number: int, index: int) -> str:
    """What is wrong with the number of a member in the list: missing, malformed, mismatch, duplicate, or nothing."""
    chance = random_of(number, "defect", index).random()
    for kind, share in (
        ("missing", MISSING_SHARE),
        ("malformed", MALFORMED_SHARE),
        ("mismatch", MISMATCH_SHARE),
        ("duplicate", DUPLICATE_SHARE),
    ):
        if chance < share:
            return kind
        chance -= share
    return ""


def make_listing(random_of: RandomOf, household_of: HouseholdOf, region: str, number: int) -> Listing:
    """The listing of family `number`."""
    rng = random_of(number, "list")
    outcome = fate_of(random_of, number)
    original = original_of(random_of, number) if outcome == DUPLICATE_FAMILY else None
    household = household_of(number if original is None else original)
    members: list[ListedMember] = []
    for index, person in enumerate(household.members):
        if original is not None:
            # A second listing copies the first: the same people, spelled otherwise, numbers mostly there.
            nik = person.nik if rng.random() < 0.7 else ""
            members.append(_listed(rng, person, nik, ("listed_twice",)))
            continue
        members.append(_listed_with_defect(rng, random_of, household_of, number, index, person))
    return Listing(
        household=household,
        family_id=family_id_of(region, number),
        outcome=outcome,
        members=tuple(members),
        address=household.address,
        desil=household.desil,
        original=original,
    )


def member_ids(listing: Listing, region: str) -> list[str]:
    """Person id of each listed member, as an import of the list derives them."""
    household = household_id(SOURCE, region, listing.family_id)
    as_read = [
        PrelistMember(
            row=index,
            name=member.name,
            nik_text=parse_nik(cell_text(member.nik)[0]).text,
            sex="2" if member.person.female else "1",
            birth_date=member.born,
        )
        for index, member in enumerate(listing.members)
    ]
    ids = {member.row: listed_person_id(household, key) for key, member in keyed_members(as_read)}
    return [ids[index] for index in range(len(as_read))]


def _listed(rng: Random, person: Person, nik: Cell, defects: tuple[str, ...] = ()) -> ListedMember:
    name = person.name
    if rng.random() < MISSPELLED_SHARE:
        name, defects = misspelled(rng, name), (*defects, "name_misspelled")
    return ListedMember(person, name, nik, person.born.isoformat(), person.relation, defects)


def _listed_with_defect(
    rng: Random, random_of: RandomOf, household_of: HouseholdOf, number: int, index: int, person: Person
) -> ListedMember:
    defect = defect_of(random_of, number, index)
    if defect == "missing":
        return _listed(rng, person, "", ("nik_missing",))
    if defect == "malformed":
        kind = rng.choice(MALFORMED_KINDS)
        return _listed(rng, person, broken_nik(rng, person.nik, kind), (f"nik_{kind}",))
    if defect == "mismatch":
        if rng.random() < 0.5:
            wrong = person.born + timedelta(days=rng.choice((-730, -365, -30, -1)))
            return replace(_listed(rng, person, person.nik, ("birth_date_listed_wrong",)), born=wrong.isoformat())
        nik, kind = mismatched_nik(rng, person.nik[:6], person.born, person.female, int(person.nik[12:]))
        issued = replace(person, nik=nik)
        return _listed(rng, issued, nik, (f"nik_issued_{kind}",))
    if defect == "duplicate":
        donor = _donor(rng, random_of, household_of, number)
        if donor is not None:
            return _duplicate(rng, person, *donor)
    origin = () if person.nik_origin == "here" else (f"nik_{person.nik_origin}",)
    return _listed(rng, person, person.nik, origin)


def _duplicate(rng: Random, person: Person, other: int, double: Person) -> ListedMember:
    """One NIK in two families: somebody else's number typed here, or one who has moved out and is still listed."""
    if rng.random() < 0.5 or person.relation in ("1", "2"):
        return _listed(rng, person, double.nik, ("nik_of_another_person",))
    left = replace(double, relation=OTHER)
    return replace(_listed(rng, left, double.nik, ("listed_in_two_families",)), lives_with=other)


def _donor(
    rng: Random, random_of: RandomOf, household_of: HouseholdOf, number: int
) -> tuple[int, Person] | None:
    """A person of an earlier family whose own number stands right in the list."""
    for _ in range(8):
        if number == 0:
            break
        other = rng.randrange(max(number - DONOR_REACH, 0), number)
        if fate_of(random_of, other) != "01":
            continue
        members = household_of(other).members
        index = rng.randrange(len(members))
        if not defect_of(random_of, other, index):
            return other, members[index]
    return None
