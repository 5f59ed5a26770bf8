"""The second list of a campaign: most families stand as before, some changed, some are gone, some are new."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from server.sample.listing import ListedMember, Listing
from server.sample.people import Setting, make_baby

CHANGED_SHARE, GONE_SHARE, NEW_SHARE = 0.07, 0.03, 0.02
CHANGES = ("address", "desil", "nik_filled", "baby")


@dataclass(frozen=True, slots=True)
class Change:
    """What the second list says of a family: same, changed (`what`), gone, or new."""

    status: str
    what: str = ""


def change_of(rng: Random, listing: Listing, families: int, number: int) -> Change:
    """What becomes of a family. Numbers from `families` on stand on the second list only."""
    if number >= families:
        return Change("new")
    chance = rng.random()
    if chance < GONE_SHARE:
        return Change("gone")
    if chance >= GONE_SHARE + CHANGED_SHARE:
        return Change("same")
    kind = rng.choice(CHANGES)
    broken = any(member.nik != member.person.nik for member in listing.members)
    return Change("changed", "address" if kind == "nik_filled" and not broken else kind)


def second_listing(rng: Random, listing: Listing, change: Change, setting: Setting) -> Listing:
    """The family as the second list has it; the same listing unless something changed."""
    if change.status != "changed":
        return listing
    if change.what == "desil":
        return replace(listing, desil=listing.desil % 4 + 1)
    if change.what == "nik_filled":
        return replace(listing, members=tuple(_with_nik(member) for member in listing.members))
    if change.what == "baby":
        baby = make_baby(rng, listing.household, setting)
        row = ListedMember(baby, baby.name, baby.nik, baby.born.isoformat(), baby.relation)
        return replace(listing, members=(*listing.members, row))
    hamlet = rng.choice([each for each in setting.place.hamlets if each not in listing.address])
    return replace(listing, address=f"{hamlet} RT {rng.randint(1, 24):03d}")


def extra_families(families: int) -> int:
    """How many families stand on the second list only."""
    return max(round(families * NEW_SHARE), 1)


def _with_nik(member: ListedMember) -> ListedMember:
    if member.lives_with is not None or "nik_of_another_person" in member.defects:
        return member
    return replace(member, nik=member.person.nik)
