"""`python -m benchmarks [--quick]`, `... grow`, `... pull`, `... stored`, `... rebuild --households N`.

Prints tables, then one JSON line.

Nothing is kept: each run works in a folder of its own, on the disk that TMPDIR names, and removes it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import folding, growing, pulling, rebuilding, sizes, taking_in, wire
from benchmarks.figures import BENCH, GROW, PULL, REBUILD, STORED, machine, one_line, table

SUBMISSIONS, SUBMISSIONS_QUICK = 1_000, 200
WINDOW, WINDOW_QUICK = 300, 60


def main(arguments: list[str] | None = None) -> None:
    """Measure what was asked for and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("all", "grow", "pull", "rebuild", "stored"), default="all")
    parser.add_argument("--quick", action="store_true", help="under two minutes: fewer rounds, smaller sizes")
    parser.add_argument("--households", type=int, help="of the rebuild, or the last step of the growing database")
    chosen = parser.parse_args(arguments)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="padan-bench-") as name:
        folder = Path(name)
        if chosen.what == "rebuild":
            asked = chosen.households or (1_000 if chosen.quick else 100_000)
            figures, values, breakdown = REBUILD, rebuilding.measure(folder, asked, _tell), {}
            about = {"command": f"python -m benchmarks rebuild --households {asked}"}
        elif chosen.what == "grow":
            figures, breakdown = GROW, {}
            asked = chosen.households or (1_000 if chosen.quick else 100_000)
            stage, values = growing.measure(folder, asked, WINDOW_QUICK if chosen.quick else WINDOW, _tell)
            stage.store.close()
            about = {"command": "python -m benchmarks grow" + (" --quick" if chosen.quick else "")}
        elif chosen.what == "pull":
            figures, breakdown = PULL, {}
            values = pulling.measure_listed(folder, *((3, 1_000) if chosen.quick else (9, 20_000)))
            about = {"command": "python -m benchmarks pull" + (" --quick" if chosen.quick else "")}
        elif chosen.what == "stored":
            figures = STORED
            values, breakdown = sizes.measure(folder, SUBMISSIONS_QUICK if chosen.quick else SUBMISSIONS)
            about = {"command": "python -m benchmarks stored" + (" --quick" if chosen.quick else "")}
        else:
            figures = (*BENCH, *GROW, *PULL, *STORED)
            asked = chosen.households or (1_000 if chosen.quick else 100_000)
            values, breakdown = _everything(folder, asked, quick=chosen.quick)
            about = {"command": "python -m benchmarks" + (" --quick" if chosen.quick else "")}
    print(table(figures, values))
    if breakdown:
        print("\n| stored | B per whole submission |\n|---|---:|")
        for part, size in breakdown.items():
            print(f"| `{part}` | {size:,.0f} |")
    about |= machine() | {"seconds": f"{time.monotonic() - begun:.0f}"}
    print(one_line(values, about))


def _everything(folder: Path, households: int, *, quick: bool) -> tuple[dict[str, float], dict[str, float]]:
    values: dict[str, float] = {}
    _tell("taking in")
    values |= taking_in.measure(folder, 2 if quick else 9)
    _tell("folding")
    values |= folding.measure(folder, 3 if quick else 9, 20 if quick else 60)
    _tell("bytes on the line")
    values |= wire.measure(folder)
    _tell("bytes stored")
    stored, breakdown = sizes.measure(folder, SUBMISSIONS_QUICK if quick else SUBMISSIONS)
    values |= stored
    stage, grown = growing.measure(folder, households, WINDOW_QUICK if quick else WINDOW, _tell)
    values |= grown
    _tell("pull")
    values |= pulling.measure(stage, 3 if quick else 9, min(households, 1_000 if quick else 20_000))
    stage.store.close()
    return values, breakdown


def _tell(step: str) -> None:
    """What is being measured, on standard error: standard output belongs to the figures."""
    print(f"... {step}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
