"""`padan import-prelist` and `padan rebuild --check` at a size, as commands of their own: time and peak memory.

The check runs once under each of two hash seeds, and in another order each time.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.listing import VINTAGE
from benchmarks.material import REGION, Tablet, campaign
from benchmarks.stage import NOW_MS, set_stage
from schemas.json_text import read_item
from server.flows.push import push
from server.sample import write_campaign
from server.store import events

SUBMISSIONS_SHARE = 50
"""One household in so many was visited as well."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that ended: its last line as JSON, seconds, peak memory in MiB."""

    answer: dict[str, Any]
    seconds: float
    peak_mib: float


def measure(folder: Path, households: int, tell: Callable[[str], None]) -> dict[str, float]:
    """The figures of `figures.REBUILD`."""
    tell("writing the workbook")
    sample = campaign(households, 7)
    workbook = write_campaign(sample, folder / "sample", second=False, answers=False).first
    stage = set_stage(folder / "rebuild")
    database = stage.store.path
    tell("importing")
    imported = _padan(
        database, "0", "import-prelist", str(workbook), "--regency", REGION, "--vintage", VINTAGE, "--json"
    )
    tell("visiting")
    tablet = Tablet(61, sample)
    for number in range(0, households, SUBMISSIONS_SHARE):
        truth = sample.truth(number)
        if truth["outcome"] == "01":
            seen = {each.ref: truth["household_id"] for each in _filed(stage, truth["household_id"])}
            wire = tablet.visit(truth, truth["household_id"], context=seen).wire
            push(stage.db, stage.sender, [read_item(wire)], stage.keys, NOW_MS)
    stage.fold()
    stage.store.close()
    runs = []
    for seed in ("0", "1"):
        tell(f"checking, hash seed {seed}")
        runs.append(_padan(database, seed, "rebuild", "--check", "--seed", seed, "--json"))
    if runs[0].answer["households"] != runs[1].answer["households"]:
        raise RuntimeError("the two checks met different households")
    met = runs[0].answer["households"]
    reading_s, folding_s = (imported.answer["spent"][name] / 1000 for name in ("reading_ms", "folding_ms"))
    return {
        "import_s": reading_s,
        "import_fold_s": folding_s,
        "import_per_s": imported.answer["families"] / (reading_s + folding_s),
        "import_peak_mib": imported.peak_mib,
        "rebuild_0_s": runs[0].seconds,
        "rebuild_1_s": runs[1].seconds,
        "rebuild_ms_each": (runs[0].seconds + runs[1].seconds) * 500 / met,
        "rebuild_peak_mib": max(run.peak_mib for run in runs),
        "rebuild_differences": sum(run.answer["differences"] for run in runs),
        "database_mib": database.stat().st_size / 2**20,
    }


def _filed(stage: Any, household: str) -> list[Any]:
    return events.filed_under(stage.db, REGION, household)


def _padan(database: Path, hash_seed: str, *arguments: str) -> Ran:
    """Run one command of padan in a process of its own."""
    command = [str(Path(sys.executable).with_name("padan")), *arguments]
    environment = os.environ | {"PADAN_DATABASE": str(database), "PYTHONHASHSEED": hash_seed}
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    told = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    if not told.strip():
        raise RuntimeError(f"{' '.join(arguments[:2])} ended with {os.waitstatus_to_exitcode(status)}")
    return Ran(json.loads(told.splitlines()[-1]), time.perf_counter() - begun, _mib(used))


def _mib(used: resource.struct_rusage) -> float:
    """Linux counts in KiB."""
    return used.ru_maxrss / 1024
