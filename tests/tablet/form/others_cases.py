"""Twelve forms in the styles found in public, how each is filled by hand, and what it then says.

A step is `(question, answer)`, or one of: NEXT page, `(ADD, repeat)`, `(ROW, name)`, BACK to the list, `(ACT, what)`,
`(SEE, text)`.
Expected values are worked out by hand from the sheet, not by a program.
"""

from __future__ import annotations

from typing import Any

NEXT, BACK, ADD, ROW, ACT, SEE = "next", "back", "add", "row", "act", "see"
FACILITIES = (
    "name,label,zone,doctor,beds\nf1,Puskesmas Toboali,n,dr. Ani,12\nf2,RSUD Basel,n,dr. Budi,80\nf3,Pustu Rias,s,,2\n"
)
STAFF = 'name,label\nani,"Ani, bidan"\nbudi,Budi\ncici,Cici\n'

Step = tuple[str, Any] | str

CASES: dict[str, dict[str, Any]] = {
    "census_household": {
        "steps": [
            ("head", "Siti Aminah"), ("born", "20-08-1982"), (SEE, "Umur 44 tahun"), ("sex", "Perempuan"), NEXT,
            ("works", "Ya"), ("income", "1250000"),
        ],
        "says": {
            "head": "Siti Aminah", "born": "1982-08-20", "age": "44", "sex": "2", "works": "y", "income": 1_250_000,
            "income_or_zero": "1250000", "first_seen": "seen-Siti Aminah",
        },
    },
    "farm_plots": {
        "steps": [
            ("farmer", "Karto"), NEXT, (ROW, "Number 1"), ("plot_name", "Ladang"), ("area_ha", "0,5"),
            (ROW, "Number 1"), ("crop_name", "Rice"), ("yield_kg", "900"), BACK, (ADD, "Crop"),
            ("crop_name", "Nothing"), BACK, BACK, (ADD, "Plot"), ("plot_name", "Kebun"), ("area_ha", "1.25"),
            (ROW, "Number 1"), ("crop_name", "Maize"),
            ("yield_kg", "500"), BACK, BACK, NEXT,
        ],
        "sees": ["Karto has 2 plots on 1.75 ha."],
        "says": {
            "farmer": "Karto", "plot.1.plot_name": "Ladang", "plot.1.area_ha": "0.5", "plot.1.plot_no": "1",
            "plot.1.crop.1.crop_name": "rice", "plot.1.crop.1.yield_kg": 900, "plot.1.crop.1.yield_per_ha": "1800",
            "plot.1.crop.2.crop_name": "none", "plot.1.plot_yield": "900", "plot.2.plot_name": "Kebun",
            "plot.2.area_ha": "1.25", "plot.2.plot_no": "2", "plot.2.crop.1.crop_name": "maize",
            "plot.2.crop.1.yield_kg": 500, "plot.2.crop.1.yield_per_ha": "400", "plot.2.plot_yield": "500",
            "plots": "2", "total_area": "1.75", "largest": "1.25", "smallest": "0.5", "total_yield": "1400",
            "second_plot": "Kebun",
        },
    },
    "places_cascade": {
        "steps": [
            ("province", "Bali"), ("regency", "Denpasar"), ("district", "Denpasar Selatan"),
            ("province", "Bangka Belitung"), ("regency", "Bangka Selatan"), ("district", "Lepar"), ("water", "Other"),
            ("water_other", "Rain"), ("fuel", ["Gas", "Wood"]),
        ],
        "not_offered": {"regency": "Denpasar"},
        "says": {
            "province": "babel", "regency": "basel", "district": "lepar", "water": "other", "water_other": "Rain",
            "fuel": ["gas", "wood"],
        },
    },
    "clinic_visit": {
        "media": {"facilities.csv": FACILITIES, "staff.csv": STAFF},
        "steps": [("zone", "North"), ("facility", "RSUD Basel"), ("seen", ["Ani, bidan", "Cici"])],
        "not_offered": {"facility": "Pustu Rias"},
        "sees": ["The doctor is dr. Budi, a large facility."],
        "says": {
            "zone": "n", "facility": "f2", "doctor": "dr. Budi", "beds": "80", "large": "large",
            "seen": ["ani", "cici"], "seen_first": "ani", "seen_count": "2",
        },
    },
    "wellbeing_scales": {
        "steps": [
            ("pain", "7"), ("temperature", "36.5"), ("mood", "Always"), ("energy", "Never"), ("sleep", "Sometimes"),
            ("calm", "Sometimes"), ("read", "OK"), ("order", ["Work", "up"]),
        ],
        "sees": ["Answer for the last two weeks."],
        "says": {
            "pain": 7, "temperature": "36.5", "mood": "3", "energy": "1", "sleep": "2", "calm": "2", "read": "OK",
            "order": "work food care",
        },
    },
    "market_prices": {
        "steps": [
            ("market", "Pasar Toboali"), ("goods", ["Rice", "Cooking oil"]), NEXT, (ROW, "Number 1"),
            ("rupiah", "15000"), BACK, (ROW, "Number 2"), ("rupiah", "20000"), BACK,
        ],
        "says": {
            "market": "Pasar Toboali", "goods": ["oil", "rice"], "how_many": "2", "price.1.good": "oil",
            "price.1.good_label": "Cooking oil", "price.1.rupiah": 15_000, "price.2.good": "rice",
            "price.2.good_label": "Rice", "price.2.rupiah": 20_000, "mean": "17500", "all_goods": "Cooking oil, Rice",
        },
    },
    "house_evidence": {
        "steps": [
            (ACT, "photo front"), (ACT, "sign signature"), (ACT, "file letter"), (ACT, "locate place"),
            ("card", "8991234"), NEXT, ("arrived", "7.30"), ("next_visit", "01-12-2026 09:15"), ("since", "05-2010"),
            ("built", "1999"), NEXT, ("story", "Rumah papan.\nLantai tanah."),
        ],
        "says": {
            "place": {"lat": -2_987_654, "lon": 106_456_789, "acc_dm": 80}, "card": "8991234", "arrived": "07:30",
            "next_visit": "2026-12-01T09:15", "since": "2010-05-01", "built": "1999-01-01",
            "story": "Rumah papan.\nLantai tanah.",
        },
        "files": {"e/front", "e/signature", "e/letter"},
    },
    "roster_worldbank": {
        "steps": [
            ("members", "3"), NEXT, (ROW, "Number 1"), ("p_name", "Budi"), ("p_age", "48"), BACK, (ROW, "Number 2"),
            ("p_name", "Putri"), ("p_age", "17"), ("p_school", "Yes"), BACK, (ROW, "Number 3"), ("p_name", "Karto"),
            ("p_age", "78"), BACK, NEXT, ("respondent", "Putri"),
        ],
        "says": {
            "members": 3, "person.1.p_name": "Budi", "person.1.p_age": 48, "person.1.p_adult": "1",
            "person.2.p_name": "Putri", "person.2.p_age": 17, "person.2.p_school": "1", "person.2.p_adult": "0",
            "person.3.p_name": "Karto", "person.3.p_age": 78, "person.3.p_adult": "1", "adults": "2", "oldest": "78",
            "dependency": "0.5", "respondent": "Putri", "names": "Budi / Putri / Karto", "head_age": "48",
        },
    },
    "wash_facilities": {
        "steps": [
            ("floor", "Yes"), ("pit", "No"), ("hand", "Yes"), NEXT, ("problems", ["Smell", "Something else"]),
            ("other_problem", "Door"), ("phone", "081234567890"), ("again", "No"),
        ],
        "sees": ["Verdict: fair (2 of 3)"],
        "says": {
            "floor": "1", "pit": "0", "hand": "1", "score": "2", "problems": ["other", "smell"],
            "other_problem": "Door", "phone": "081234567890", "phone_tail": "7890", "code": "KEEPER-7890",
            "verdict": "fair", "again": "0",
        },
    },
    "baseline_defaults": {
        "steps": [("village", "Rias"), ("more", "Yes"), NEXT, (ADD, "Visitor"), BACK],
        "says": {
            "visit": "2026-11-21", "rounds": 3, "code": "HH-42", "village": "Rias", "stamp": "v:Rias", "more": "y",
            "why": "because", "visitor.1.visitor_no": "V1", "visitor.1.adult": "y", "visitor.2.visitor_no": "V2",
            "visitor.2.adult": "y",
        },
        "may": {"lot"},
    },
    "child_growth": {
        "steps": [
            ("child", "Putri"), ("born", "05-02-2025"), ("measured", "20-11-2026"), ("height_cm", "81"),
            ("weight_kg", "10,4"),
        ],
        "sees": ["Measure again on 2026-12-20."],
        "says": {
            "child": "Putri", "born": "2025-02-05", "measured": "2026-11-20", "months": "21", "born_year": "2025",
            "due": "2026-12-20", "height_cm": "81", "weight_kg": "10.4", "bmi": "15.9", "under_two": "yes",
        },
    },
    "language_skips": {
        "steps": [
            ("tongue", "Lainnya"), ("other_tongue", "Bugis"), NEXT, ("level", "SMA"), ("major", "Pertanian"),
            ("year", "2001"), NEXT,
        ],
        "sees": ["Terima kasih, sma."],
        "says": {"tongue": "other", "other_tongue": "Bugis", "level": "sma", "major": "Pertanian", "year": 2001},
    },
}  # fmt: skip
"""`sees`: texts shown on the last page. `not_offered`: a choice that the filter leaves out at the end. `files`: paths
of attachments. `may`: answers that are there and whose value is not told here."""
