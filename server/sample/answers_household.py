"""What an officer writes down about a family and its house: answers of the household form, relevance kept."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

from server.sample.people import Household
from server.sample.pools import Place

Answers = dict[str, Any]

OUTCOME_NOTES = {
    "02": "Responden harus pergi bekerja, sebagian belum terisi",
    "03": "Rumah tertutup, tetangga mengatakan pergi melaut",
    "04": "Responden tidak bersedia diwawancarai",
    "05": "Menurut tetangga sudah pindah beberapa bulan lalu",
    "06": "Anggota terakhir meninggal, dibenarkan ketua RT",
    "07": "Keluarga yang sama sudah ada di daftar",
    "08": "Tidak ada yang mengenal keluarga ini",
    "09": "Bangunan sudah dibongkar",
}


def visit(rng: Random, family: Household, place: Place, family_id: str, outcome: str, on: date, number: int) -> Answers:
    """Block A; what the outcome asks for besides is added by `outcome_details`."""
    answers: Answers = {
        "village_code": family.area,
        "prelist_mode": "1",
        "family_id": family_id,
        "visit_no": number,
        "visit_date": on.isoformat(),
        "visit_outcome": outcome,
    }
    if outcome < "07" or outcome == "09":
        answers["gps_home"] = coordinates(rng, family, place)
    return answers


def outcome_details(rng: Random, outcome: str, on: date, duplicate_of: str, village: str) -> Answers:
    """Note, informant, plan of a revisit, where the family went, which family it doubles."""
    if outcome == "01":
        return {}
    answers: Answers = {"outcome_note": OUTCOME_NOTES[outcome]}
    if "04" < outcome < "10":
        answers["informant"] = rng.choice(("Ketua RT", "Tetangga sebelah", "Kepala dusun"))
    if outcome == "03":
        answers["revisit_date"] = (on + timedelta(days=rng.randint(1, 7))).isoformat()
    if outcome == "05":
        scope = rng.choices(("1", "3", "4", "5", "8"), (20, 30, 20, 20, 10))[0]
        answers |= {"moved_scope": scope, "moved_address": village if scope == "1" else ""}
        if not answers["moved_address"]:
            del answers["moved_address"]
    if outcome == "07":
        answers["duplicate_of"] = duplicate_of
    return answers


def interview(rng: Random, family: Household, respondent: str, relation: str) -> Answers:
    """Blocks B to D, F and G of a whole interview."""
    card = rng.choices(("0", "1", "3", "4"), (80, 8, 2, 10))[0]
    answers: Answers = {
        "notice_ack": "1",
        "resp_name": respondent,
        "resp_relation": relation,
        "kk_status": card,
        "head_name": family.members[0].name,
        "address": family.address or f"RT {family.rt}",
        "rt": family.rt,
        "rw": family.rw,
        "domicile_match": "1" if rng.random() < 0.88 else "2",
    }
    if rng.random() < 0.6:
        answers["resp_phone"] = family.phone
    if card < "3":
        answers["no_kk"] = family.no_kk
    return answers | _house(rng) | _livelihood(rng) | _assessment(rng)


def coordinates(rng: Random, family: Household, place: Place) -> dict[str, int]:
    """A point of the house: some kilometres around the middle of its village. Villages have no coordinates of their own
    in open data, so each gets a fixed place in the middle of the region."""
    spread = Random(family.area)  # noqa: S311 - a fixed place for each village, nothing secret
    lat = place.centre[0] + spread.randint(-150_000, 150_000) + rng.randint(-12_000, 12_000)
    lon = place.centre[1] + spread.randint(-150_000, 150_000) + rng.randint(-12_000, 12_000)
    return {"lat": lat, "lon": lon, "acc_dm": rng.randint(30, 250)}


def _house(rng: Random) -> Answers:
    answers: Answers = {
        "house_tenure": rng.choices(("1", "2", "3"), (75, 7, 18))[0],
        "floor_area_m2": rng.randint(18, 72),
        "floor_type": rng.choices(("2", "5", "6", "8"), (15, 20, 50, 15))[0],
        "wall_type": rng.choices(("1", "3", "4"), (45, 45, 10))[0],
        "roof_type": rng.choices(("2", "3", "4", "7"), (20, 55, 20, 5))[0],
        "water_source": rng.choices(("2", "4", "5", "6", "7"), (25, 30, 25, 10, 10))[0],
        "lighting": rng.choices(("1", "2", "4"), (75, 21, 4))[0],
        "cooking_fuel": rng.choices(("4", "10"), (70, 30))[0],
        "toilet": rng.choices(("1", "2", "4", "6"), (68, 12, 8, 12))[0],
        "septic": rng.choices(("1", "3", "4", "5"), (55, 15, 20, 10))[0],
    }
    if answers["house_tenure"] == "1":
        answers["land_proof"] = rng.choice(("1", "4", "5", "6"))
    if answers["water_source"] in ("4", "5", "6", "7", "8"):
        answers["water_septic_dist"] = rng.choice(("1", "2", "8"))
    if answers["lighting"] == "1":
        answers["power_va"] = rng.choices(("1", "2"), (80, 20))[0]
    if answers["toilet"] <= "3":
        answers["closet"] = rng.choices(("1", "4"), (85, 15))[0]
    return answers


def _livelihood(rng: Random) -> Answers:
    programmes = sorted(name for name in ("bpnt", "pkh", "blt_dd", "lpg") if rng.random() < 0.35) or ["none"]
    assets = sorted(name for name in ("motor", "hp", "tv30", "kulkas", "sepeda") if rng.random() < 0.35) or ["none"]
    answers: Answers = {
        "prog_1y": programmes,
        "assets": assets,
        "has_land": "1" if rng.random() < 0.15 else "2",
        "has_house2": "1" if rng.random() < 0.02 else "2",
        "internet": rng.choices(("0", "3"), (45, 55))[0],
        "account": rng.choices(("2", "4"), (45, 55))[0],
        "spend_month": rng.randint(8, 50) * 50_000,
    }
    for animal, share, most in (("cattle", 0.05, 3), ("goat", 0.06, 6), ("pig", 0.03, 5)):
        if rng.random() < share:
            answers[animal] = rng.randint(1, most)
    return answers


def _assessment(rng: Random) -> Answers:
    verdict = rng.choices(("1", "2", "3"), (32, 58, 10))[0]
    reasons = ("aset", "kerja") if verdict == "2" else ("rumah", "kerja", "lansia", "sakit")
    needs = ("jamsostek", "rtlh", "modal", "sembako", "pbi", "pelatihan")
    return {
        "assessment": verdict,
        "assess_reason": sorted(rng.sample(reasons, rng.randint(1, 2))),
        "needs": sorted(rng.sample(needs, rng.randint(1, 3))),
    }
