"""The sample campaign: same seed same files, defects in their shares, memory that does not grow, forms that seal."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from field_forms.areas import load_areas
from field_forms.built import built_definitions
from field_forms.client.filling import Filled
from schemas.ids import listed_person_id
from schemas.nik import nik_warnings, parse_nik
from schemas.paths import person_key, person_part
from schemas.prelist import PrelistFamily, compare_vintages, keyed_members, listed_household_id
from schemas.prelist_problems import RowProblem
from server.commands.sample import command
from server.prelist import load_mapping, read_prelist
from server.sample import Campaign, SampleError, write_campaign
from server.sample.names import TWO_WORDS_SINCE

FAMILIES = 4_000
REGENCIES = ("19.03", "19.71", "51.71", "73.22", "35.78", "91.05")


@cache
def campaign() -> Campaign:
    return Campaign(load_areas(), "19.03", 7, FAMILIES)


@cache
def truths() -> tuple[dict[str, Any], ...]:
    return tuple(campaign().truth(number) for number in range(FAMILIES))


def share(count: int, whole: int) -> float:
    return 100 * count / whole


def read(path: Path, region: str) -> tuple[list[PrelistFamily], list[RowProblem]]:
    items = list(read_prelist(path, load_mapping("p3ke"), load_areas(), region))
    families = [item for item in items if isinstance(item, PrelistFamily)]
    return families, [item for item in items if isinstance(item, RowProblem)]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        write_campaign(Campaign(load_areas(), "19.03", seed, 60), tmp_path / name)
    for file in ("prelist.xlsx", "prelist-2.xlsx", "truth.jsonl", "campaign.json"):
        first = (tmp_path / "a" / file).read_bytes()
        assert first == (tmp_path / "b" / file).read_bytes()
        assert first != (tmp_path / "c" / file).read_bytes()


def test_a_family_is_the_same_whether_it_is_made_alone_or_after_others() -> None:
    alone = Campaign(load_areas(), "19.03", 7, FAMILIES).truth(3_217)
    assert alone == truths()[3_217]


def test_visit_outcomes_come_in_their_shares() -> None:
    counts = Counter(truth["outcome"] for truth in truths())
    wanted = {"01": 86, "02": 3, "03": 2, "04": 1, "05": 4, "06": 1, "07": 1, "08": 1.5, "09": 0.5}
    for outcome, expected in wanted.items():
        assert share(counts[outcome], FAMILIES) == pytest.approx(expected, abs=max(1.2, expected * 0.05)), outcome
    complete = (visit for truth in truths() if truth["outcome"] == "01" for visit in truth["visits"])
    assessed = Counter(visit["form"]["household"]["assessment"] for visit in complete)
    assert 20 <= share(assessed["1"], assessed.total()) <= 60


def test_broken_numbers_come_in_their_shares() -> None:
    members = [member for truth in truths() if truth["duplicate_of"] is None for member in truth["members"]]
    kinds: Counter[str] = Counter()
    for member in members:
        nik, defects = parse_nik(member["nik"]), set(member["defects"])
        kinds["missing"] += not nik.text
        kinds["malformed"] += bool(nik.text) and not nik.valid
        kinds["elsewhere"] += "nik_elsewhere" in defects
        kinds["duplicate"] += bool(defects & {"nik_of_another_person", "listed_in_two_families"})
        kinds["mismatch"] += any(each.startswith("nik_issued") or each == "birth_date_listed_wrong" for each in defects)
    shares = {kind: share(count, len(members)) for kind, count in kinds.items()}
    expected = {"missing": 3, "malformed": 2, "elsewhere": 11, "duplicate": 1, "mismatch": 2}
    for kind, wanted in expected.items():
        assert shares[kind] == pytest.approx(wanted, abs=max(0.4, wanted * 0.12)), (kind, shares)
    assert 3.6 <= len(members) / FAMILIES <= 4.2


def test_a_planted_duplicate_really_stands_twice_on_the_list() -> None:
    places: dict[str, set[str]] = {}
    for truth in truths():
        for member in truth["members"]:
            if parse_nik(member["nik"]).valid:
                places.setdefault(member["nik"], set()).add(truth["family_id"])
    planted = [
        (member, truth)
        for truth in truths()
        for member in truth["members"]
        if {"nik_of_another_person", "listed_in_two_families"} & set(member["defects"])
    ]
    assert len(planted) > 50
    assert all(len(places[member["nik"]]) > 1 for member, _ in planted)
    families = {truth["family_id"] for truth in truths()}
    assert all(truth["duplicate_of"] in families for truth in truths() if truth["outcome"] == "07")


def test_a_mismatched_nik_disagrees_with_what_is_stated_beside_it() -> None:
    found = 0
    for truth in truths():
        for visit in truth["visits"]:
            answers = {each.get("key"): each["answers"] for each in visit["form"]["members"]}
            for member in truth["members"]:
                if any(each.startswith("nik_issued") for each in member["defects"]) and member["key"] in answers:
                    said = answers[member["key"]]
                    born = date.fromisoformat(said["birth_date"])
                    found += bool(nik_warnings(parse_nik(said.get("nik", "")), birth_date=born, sex=said["sex"]))
    assert found > 50


def test_two_officers_come_to_two_families_in_a_hundred_and_differ() -> None:
    concurrent = [truth for truth in truths() if truth["concurrent"]]
    assert 1.0 <= share(len(concurrent), FAMILIES) <= 2.6
    for truth in concurrent:
        first, second = (visit["form"] for visit in truth["visits"])
        assert first["household"]["address"] == second["household"]["address"]
        for difference in truth["concurrent"]["differs"]:
            part, _, field = difference["path"].rpartition("/")
            values = []
            for form in (first, second):
                people = {person_part(each["key"]): each["answers"] for each in form["members"] if "key" in each}
                values.append((form["household"] if part == "h" else people[part])[field])
            assert values[0] != values[1]


def test_one_word_names_are_a_quarter_of_the_old_and_few_of_the_young_and_none_since_the_rule_of_2022() -> None:
    old, young = [], []
    for number in range(FAMILIES):
        for person in campaign().household(number).members:
            words = len(person.name.removeprefix("H. ").removeprefix("Hj. ").split())
            (old if person.born.year <= 1970 else young if person.born.year >= 2000 else []).append(words)
            assert len(person.name) <= 60
            if person.born >= TWO_WORDS_SINCE:
                assert words >= 2 and person.name.replace(" ", "").isalpha()
    assert 12 <= share(old.count(1), len(old)) <= 27
    assert share(young.count(1), len(young)) <= 6


@pytest.mark.parametrize("region", REGENCIES)
def test_every_region_has_people_of_its_own_in_its_own_villages(region: str) -> None:
    sample = Campaign(load_areas(), region, 1, 150)
    villages = {sample.listing(number).household.area for number in range(150)}
    assert all(village.startswith(region + ".") for village in villages) and len(villages) > 5
    names = " ".join(person.name for number in range(150) for person in sample.household(number).members)
    expected = {"19": "Zulkifli", "51": "Ni ", "73": "Baso", "35": "Siti", "91": "Siti"}[region[:2]]
    assert expected in names
    retired = [m for n in range(150) for m in sample.truth(n)["members"] if "nik_retired" in m["defects"]]
    assert bool(retired) == (region == "91.05")
    assert not any(parse_nik(member["nik"]).prefix in load_areas().districts for member in retired)


def test_the_workbook_reads_back_as_the_truth_says(tmp_path: Path) -> None:
    sample = Campaign(load_areas(), "73.22", 5, 400)
    files = write_campaign(sample, tmp_path)
    families, problems = read(files.first, "73.22")
    records = [json.loads(line) for line in files.truth.read_text(encoding="utf-8").splitlines()]
    assert [family.family_id for family in families] == [record["family_id"] for record in records]
    assert {problem.severity for problem in problems} <= {"warning", "note"}
    for family, record in zip(families, records, strict=True):
        household = listed_household_id(family, "p3ke", "73.22")
        assert household == record["household_id"] and family.area == record["village_code"]
        keys = {person_key(household, listed_person_id(household, key)) for key, _ in keyed_members(family.members)}
        assert keys == {member["key"] for member in record["members"]}
        assert [member.nik_text for member in family.members] == [member["nik"] for member in record["members"]]


def test_the_second_list_differs_from_the_first_as_the_truth_says(tmp_path: Path) -> None:
    sample = Campaign(load_areas(), "19.03", 11, 800)
    files = write_campaign(sample, tmp_path)
    assert files.second is not None
    before = {family.family_id: family.digest for family in read(files.first, "19.03")[0]}
    after = {family.family_id: family.digest for family in read(files.second, "19.03")[0]}
    diff = compare_vintages(before, after)
    records = [json.loads(line) for line in files.truth.read_text(encoding="utf-8").splitlines()]
    said: dict[str, set[str]] = {}
    for record in records:
        said.setdefault(record["second_vintage"]["status"], set()).add(record["family_id"])
    assert set(diff.gone) == said["gone"] and set(diff.changed) == said["changed"] and set(diff.same) == said["same"]
    assert len(diff.new) == 16
    assert share(len(diff.changed), 800) == pytest.approx(7, abs=2.5)
    assert share(len(diff.gone), 800) == pytest.approx(3, abs=2)


def visits() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for truth in truths()[:600]:
        for visit in truth["visits"]:
            yield truth, visit


def test_what_an_officer_finds_can_be_sealed_and_holds_no_answer_that_is_not_asked() -> None:
    form = next(each for each in built_definitions() if each.id == "verifikasi_keluarga")
    outcomes = set()
    for truth, visit in visits():
        outcomes.add(truth["outcome"])
        answers = {f"h/{name}": {"value": value} for name, value in visit["form"]["household"].items()}
        persons = []
        for number, member in enumerate(visit["form"]["members"]):
            key = member.get("key") or person_key(truth["household_id"], f"00000000-0000-4000-8000-{number:012d}")
            persons.append(key)
            answers |= {f"{person_part(key)}/{name}": {"value": value} for name, value in member["answers"].items()}
        filled = Filled(form, answers, {}, persons, visit["visit_date"])
        blocking = [remark for remark in filled.remarks() if remark.blocks]
        assert blocking == [], (truth["number"], visit["visit_no"], blocking[:3])
        asked = {f"{part}/{field.name}" for part, field in filled.cells() if filled.relevant(part, field)}
        assert set(answers) <= asked, (truth["number"], sorted(set(answers) - asked)[:5])
    assert {"01", "02", "03", "05"} <= outcomes


PEAK = """
import sys
from pathlib import Path
from field_forms.areas import load_areas
from server.sample import Campaign
from server.sample.workbook import P3keWorkbook

families = int(sys.argv[2])
sample = Campaign(load_areas(), "19.03", 1, families)
with P3keWorkbook(Path(sys.argv[1]), load_areas(), "19.03", "x", families) as workbook:
    for listing in sample.first_list():
        workbook.write(listing)
status = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""


def test_memory_is_flat_at_twenty_thousand_families(tmp_path: Path) -> None:
    def peak_kb(families: int) -> int:
        command = [sys.executable, "-c", PEAK, str(tmp_path / f"{families}.xlsx"), str(families)]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    small, large = peak_kb(1_000), peak_kb(20_000)
    assert large < small + 6_000, (small, large)


def test_a_list_longer_than_a_sheet_goes_on_on_the_next_and_is_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.sample.workbook.ROWS_PER_SHEET", 50)
    files = write_campaign(Campaign(load_areas(), "19.71", 2, 60), tmp_path, second=False)
    families, problems = read(files.first, "19.71")
    assert len(families) == 60 and {problem.sheet for problem in problems} > {"Data 1"}


@pytest.mark.parametrize(
    ("region", "families"), [("19", 10), ("1903", 10), ("19.99", 10), ("19.03", 0), ("19.03", 10**7)]
)
def test_what_can_not_be_made_is_said(region: str, families: int) -> None:
    with pytest.raises(SampleError):
        Campaign(load_areas(), region, 1, families)


def test_the_command_names_its_files_and_an_unknown_regency(tmp_path: Path) -> None:
    done = CliRunner().invoke(command, ["--families", "30", "--out", str(tmp_path / "c"), "--regency", "51.71"])
    assert done.exit_code == 0, done.output
    assert str(tmp_path / "c" / "prelist.xlsx") in done.output
    summary = json.loads((tmp_path / "c" / "campaign.json").read_text())
    assert summary["families"] == 30 and summary["truth_has_visits"] is True
    refused = CliRunner().invoke(command, ["--out", str(tmp_path / "d"), "--regency", "51.99"])
    assert refused.exit_code == 1 and "51.99" in refused.output
