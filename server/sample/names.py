"""Names as people of a culture and a birth year have them, and how a list misspells them.

One name, at most 60 characters; one-word names only for births before Permendagri 73/2022 (21 April 2022), which asks
for two words without signs. Shares: docs/domain.md, section 7.
"""

from __future__ import annotations

from datetime import date
from random import Random

from server.sample.pools import BALI_ORDERS, BALI_TITLES, MUHAMMAD, Culture

TWO_WORDS_SINCE = date(2022, 4, 21)
MUHAMMAD_SHARE, SITI_SHARE, TITLE_SHARE, NOBLE_SHARE = 0.15, 0.10, 0.03, 0.07
TITLE_AGE_YEARS = 45

_SPELLINGS = (
    ("Yusuf", "Jusup"),
    ("Su", "Soe"),
    ("Nur", "Noor"),
    ("Muhammad", "Moh."),
    ("Muh.", "Muhammad"),
    ("Siti", "Sitti"),
    ("Abdul", "Abd."),
    ("Ahmad", "Achmad"),
    ("y", "i"),
)


def mononym_share(born: date) -> float:
    """How many have one name only: a quarter of those born up to 1970, falling to a twentieth from 2000 on."""
    return 0.25 - 0.20 * min(max(born.year - 1970, 0), 30) / 30


def make_name(rng: Random, culture: Culture, female: bool, born: date, on: date, order: int, clan: str) -> str:
    """A name. `order`: rank among the children (Bali); `clan`: the family's second name where children bear it."""
    if culture.form == "bali":
        return _bali_name(rng, culture, female, order)
    given = rng.choice(culture.women if female else culture.men)
    if culture.form == "hakka":
        return f"{clan} {given} {rng.choice(culture.women if female else culture.men)}"
    if culture.form == "clan":
        return given if rng.random() < mononym_share(born) and born < TWO_WORDS_SINCE else f"{given} {clan}"
    name = given
    if born >= TWO_WORDS_SINCE or rng.random() >= mononym_share(born):
        rest = [word for word in (culture.women if female else culture.second) if word != given]
        name = f"{given} {rng.choice(rest)}"
    if culture.muslim:
        name = _muslim_name(rng, name, female, born)
        if (on - born).days > TITLE_AGE_YEARS * 365 and rng.random() < TITLE_SHARE:
            name = ("Hj. " if female else "H. ") + name
    return name


def misspelled(rng: Random, name: str) -> str:
    """The name in another spelling, as a list may have it; a name without such a sound loses or doubles a letter."""
    chances = [(old, new) for old, new in _SPELLINGS if old in name]
    if chances:
        old, new = rng.choice(chances)
        return name.replace(old, new, 1)
    place = rng.randrange(1, len(name))
    if name[place].isalpha() and rng.random() < 0.5 and len(name) > 4:
        return name[:place] + name[place + 1 :]
    return name[:place] + name[place].lower() + name[place:]


def _muslim_name(rng: Random, name: str, female: bool, born: date) -> str:
    if female:
        return f"Siti {name}" if rng.random() < SITI_SHARE and not name.startswith("Si") else name
    if rng.random() < MUHAMMAD_SHARE:
        return f"{rng.choice(MUHAMMAD if born < TWO_WORDS_SINCE else MUHAMMAD[:1])} {name}"
    return name


def _bali_name(rng: Random, culture: Culture, female: bool, order: int) -> str:
    personal = rng.choice(culture.women if female else culture.men)
    if rng.random() < NOBLE_SHARE:
        return f"{rng.choice(BALI_TITLES).split('|')[female]} {personal}"
    births = list(BALI_ORDERS[order % 4])
    if order % 4 == 0:
        births = [*births, "Luh"] if female else births
    return f"{'Ni' if female else 'I'} {rng.choice(births)} {personal}"
