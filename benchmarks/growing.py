"""Whether an event costs the same however many households are stored: visits of listed families at 1,000, 10,000 and
100,000 households. The lists come in through the production import; CPU is read, not the clock on the wall.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.listing import import_sample
from benchmarks.material import Tablet, campaign
from benchmarks.stage import Stage, set_stage

STEPS = (1_000, 10_000, 100_000)
WINDOWS = 5

Tell = Callable[[str], None]


def measure(folder: Path, households: int, window: int, tell: Tell) -> tuple[Stage, dict[str, float]]:
    """The figures `push_us_at_*` and `fold_us_at_*` up to a number of households, and the stage they were read on."""
    stage = set_stage(folder / "growing")
    tablet, sample = Tablet(31), campaign()
    figures: dict[str, float] = {}
    listed = visited = 0
    for step in (step for step in STEPS if step <= households):
        tell(f"{step:,} households")
        import_sample(stage, sample, range(listed, step))
        stage.fold()
        # Each family is visited once at most: a second visit makes a dearer fold.
        size = min(window, (step - listed) // (2 * (WINDOWS + 1)))
        pushes, folds = [], []
        for number in range(WINDOWS + 1):
            # Families of the newest part of the list: their pages are as cold as the database is large.
            push_us, fold_us, used = _window(stage, tablet, sample, range(listed + visited, step), size)
            visited += used
            if number:
                pushes.append(push_us)
                folds.append(fold_us)
        figures[f"push_us_at_{step}"], figures[f"fold_us_at_{step}"] = map(statistics.median, (pushes, folds))
        listed, visited = step, 0
    return stage, figures


def _window(stage: Stage, tablet: Tablet, sample, numbers: range, window: int) -> tuple[float, float, int]:
    """CPU us of one push item and of one stored fold, and how many families were gone through."""
    wires, used = [], 0
    for number in numbers:
        used += 1
        truth = sample.truth(number)
        if truth["outcome"] != "01":
            continue
        household = truth["household_id"]
        refs = stage.db.all(
            """select l.ref from filings f join log l on l.home_region = f.home_region and l.epoch = f.epoch
               and l.position = f.position where f.home_region = '19.03' and f.household_id = :household""",
            {"household": household},
        )
        wires.append(tablet.visit(truth, household, context={row["ref"]: household for row in refs}).wire)
        if len(wires) == window:
            break
    begun = time.process_time()
    for start in range(0, len(wires), 50):
        stage.push(wires[start : start + 50])
    pushed = time.process_time()
    folded = stage.fold()
    ended = time.process_time()
    return (pushed - begun) * 1e6 / len(wires), (ended - pushed) * 1e6 / folded, used
