"""`padan assign --area`: a whole village at once, and only what nobody has yet."""

from __future__ import annotations

from typing import Any

from review_world import ran, run

VILLAGE, OTHER_VILLAGE = "19.03.01.1001", "19.03.01.1002"


def listed(office: Any, area: str) -> str:
    household: str = office.world.uuid()
    office.listed(household, {"address": "Jl. Melati"}, area=area)
    return household


def test_a_village_is_given_to_officers_and_what_is_taken_already_stays(office: Any) -> None:
    free, taken, elsewhere = listed(office, VILLAGE), listed(office, VILLAGE), listed(office, OTHER_VILLAGE)
    ran("officer", "add", "petugas2", "--name", "Petugas Dua", "--area", VILLAGE)
    ran("assign", taken, "petugas2")
    assert "1 keluarga ditugaskan" in ran("assign", "--area", VILLAGE, "petugas1", "--yes")
    assert [office.data(each)["assigned"] for each in (free, taken, elsewhere)] == [["petugas1"], ["petugas2"], []]


def test_the_number_is_asked_about_first_and_a_no_changes_nothing(office: Any) -> None:
    household = listed(office, VILLAGE)
    assert "1 keluarga di" in ran("assign", "--area", VILLAGE, "petugas1", text="n\n")
    assert office.data(household)["assigned"] == []


def test_a_village_where_everything_is_taken_is_said(office: Any) -> None:
    assert "belum ditugaskan" in str(run("assign", "--area", VILLAGE, "petugas1", "--yes").exception)


def test_a_household_needs_an_officer_beside_it(office: Any) -> None:
    assert run("assign", listed(office, VILLAGE)).exit_code == 2
