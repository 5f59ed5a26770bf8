"""The tablet judges NIK and No. KK as Python does: same text, same reasons, same warnings."""

from __future__ import annotations

import random
from datetime import date
from typing import Any

from field_forms.areas import load_areas
from schemas.nik import MESSAGES, kk_warnings, nik_warnings, parse_kk, parse_nik

SEED = 20261125
CASES = 3_000
ODD = (
    "", " ", "1.90301E+15", "1903014107900OO1", "1903 0141 0790 0001", "1903-0141-0790-0001", "1111111111111111",
    "1903010000000000", "1903012902000001", "1903012902010001", "1903016902000001", "1903017101900001",
    "1903018101900001", "190301410790000", "19030141079000011", "\ufeff1903014107900001", "1903.0141.0790.0001",
    "１９０３０１４１０７９０００１",
)  # fmt: skip


def some_number(chance: random.Random) -> str:
    if chance.random() < 0.1:
        return chance.choice(ODD)
    prefix = chance.choice(("190301", "190302", "317101", "910501", "999999"))
    day, month, year = chance.randint(0, 75), chance.randint(0, 13), chance.randint(0, 99)
    text = f"{prefix}{day:02d}{month:02d}{year:02d}{chance.choice((0, 1, 12, 9999)):04d}"
    return text if chance.random() < 0.9 else text[: chance.randint(1, 16)] + chance.choice((" ", "-", "X", "."))


def some_day(chance: random.Random) -> str | None:
    return chance.choice(
        (None, f"{chance.randint(1890, 2026)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}")
    )


def cases() -> list[dict[str, Any]]:
    chance = random.Random(SEED)
    return [
        {
            "nik": some_number(chance), "kk": some_number(chance), "birthDate": some_day(chance),
            "sex": chance.choice((None, "1", "2", "3")),
            "area": chance.choice((None, "19.03.01.1001", "31.71.01.1001")),
            "visitDate": some_day(chance), "noKk": chance.choice((None, some_number(chance))),
            "known": chance.random() < 0.5,
        }
        for _ in range(CASES)
    ]  # fmt: skip


def judged_here(case: dict[str, Any], districts: frozenset[str]) -> list[Any]:
    nik, kk = parse_nik(case["nik"]), parse_kk(case["kk"])
    day = {name: date.fromisoformat(case[name]) if case[name] else None for name in ("birthDate", "visitDate")}
    known = districts if case["known"] else None
    warnings = nik_warnings(
        nik, birth_date=day["birthDate"], sex=case["sex"], area=case["area"], districts=known,
        visit_date=day["visitDate"], no_kk=case["noKk"],
    )  # fmt: skip
    return [
        [nik.text, list(nik.malformed), list(warnings)],
        [kk.text, list(kk.malformed), list(kk_warnings(kk, area=case["area"], districts=known))],
    ]


JUDGE = """({cases, districts}) => {
  const all = new Set(districts);
  return cases.map((each) => {
    const [nik, kk] = [tests.parseNik(each.nik), tests.parseKk(each.kk)];
    const around = {...each, districts: each.known ? all : null};
    const warnings = [tests.nikWarnings(nik, around), tests.kkWarnings(kk, around)];
    return [[nik.text, nik.malformed, warnings[0]], [kk.text, kk.malformed, warnings[1]]];
  });
}"""


def test_numbers_are_judged_as_in_python(module_page):
    districts = load_areas().districts
    given = cases()
    judged = module_page.evaluate(JUDGE, {"cases": given, "districts": sorted(districts)})
    told: set[str] = set()
    for case, said in zip(given, judged, strict=True):
        here = judged_here(case, districts)
        assert said == here, case
        told |= {code for _, *lists in here for codes in lists for code in codes}
    # Every code the tables know was met, but those that need a list of retired prefixes.
    assert told == {code for code in MESSAGES if not code.endswith("_retired")}
