"""What a fold costs: two whole submissions of one family, in memory and from the log to the stored record."""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path

from benchmarks.material import Tablet, campaign
from benchmarks.postgres import Postgres
from benchmarks.stage import set_stage
from field_forms.built import built_dictionary
from schemas.event import event_from_envelope
from sync.fold import fold

HEARD_OTHERWISE = {"floor_area_m2": 61, "spend_month": 900_000}
"""Where the second officer heard something else, so that there is something to merge."""


def measure(folder: Path, rounds: int, families: int, postgres: Postgres | None = None) -> dict[str, float]:
    """The figures `fold_2_ms`, `parse_2_ms`, `fold_stored_*`: means over families, medians over rounds."""
    tablet, sample = Tablet(21), campaign()
    pairs = []
    number = 0
    while len(pairs) < families * rounds:
        truth = sample.truth(number)
        number += 1
        if truth["outcome"] == "01":
            first = tablet.visit(truth, truth["household_id"])
            ref = json.loads(first.wire)["payload_hash"][:32]
            context = {ref: truth["household_id"]} if number % 2 else None
            second = tablet.visit(truth, truth["household_id"], context=context, changed=HEARD_OTHERWISE)
            pairs.append((first, second))
    known = built_dictionary()
    stages = {"fold_stored_ms": set_stage(folder / "folding")}
    if postgres is not None:
        stages["fold_stored_pg_ms"] = set_stage(folder / "folding-pg", postgres.database())
    found: dict[str, list[float]] = {"fold_2_ms": [], "parse_2_ms": []} | {key: [] for key in stages}
    for each in range(rounds):
        chosen = pairs[each * families : (each + 1) * families]
        events = [[event_from_envelope(json.loads(visit.wire)) for visit in pair] for pair in chosen]
        begun = time.perf_counter()
        for pair, two in zip(chosen, events, strict=True):
            record = fold(two, known, [pair[0].household_id])[0]
            len(record.data_bytes), len(record.trail_bytes)
        found["fold_2_ms"].append((time.perf_counter() - begun) * 1000 / families)
        begun = time.perf_counter()
        for pair in chosen:
            for visit in pair:
                json.loads(visit.wire)
        found["parse_2_ms"].append((time.perf_counter() - begun) * 1000 / families)
        wires = [visit.wire for pair in chosen for visit in pair]
        for key, stage in stages.items():
            for start in range(0, len(wires), 50):
                stage.push(wires[start : start + 50])
            begun = time.perf_counter()
            if stage.fold() != families:
                raise RuntimeError("not every household was folded")
            found[key].append((time.perf_counter() - begun) * 1000 / families)
    for stage in stages.values():
        stage.store.close()
    return {key: statistics.median(values) for key, values in found.items()}
