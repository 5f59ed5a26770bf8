"""`python -m benchmarks [--quick]`, `... taking`, `... grow`, `... pull`, `... stored`, `... rebuild --households N`,
`... goals [FILE]`.

Prints tables, then one JSON line. Kinto and PouchDB Server are installed into .venv/yardsticks on first use; what can't
be had is named as not run, with the reason.

Nothing is kept: each run works in a folder of its own, on the disk that TMPDIR names, and removes it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from benchmarks import delivering, folding, growing, pulling, rebuilding, sizes, taking_in, wire
from benchmarks.beside import Beside, beside
from benchmarks.figures import EVERY, GROW, PULL, REBUILD, STORED, TAKEN_IN, Figure, machine, one_line, table
from benchmarks.goals import goals_table, read_values, summary
from benchmarks.goals_list import GOALS

Values = dict[str, float]
DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "figures.md"
HOUSEHOLDS, HOUSEHOLDS_QUICK = 100_000, 1_500
ROUNDS, ROUNDS_QUICK = 9, 2
SUBMISSIONS, SUBMISSIONS_QUICK = 1_000, 200
PULLED, PULLED_QUICK = 10_000, 1_500
DELIVERED, DELIVERED_QUICK = 400, 100
WINDOW, WINDOW_QUICK = 300, 60


class Run:
    """What was asked for, and what was found on the way that is no figure: the parts of a stored submission."""

    def __init__(self, folder: Path, households: int | None, *, quick: bool) -> None:
        self.folder, self.quick = folder, quick
        self.households = households or (HOUSEHOLDS_QUICK if quick else HOUSEHOLDS)
        self.rounds = ROUNDS_QUICK if quick else ROUNDS
        self.window = WINDOW_QUICK if quick else WINDOW
        self.pulled = PULLED_QUICK if quick else PULLED
        self.breakdown: dict[str, float] = {}
        self.found = Beside()
        self.failed = False

    def all(self) -> Values:
        """Everything but the rebuild. A part that fails is named as not run; the others are measured all the same."""
        values: Values = {}
        for part in (self.taking, self.fold, self.wire, self.stored, self.delivered, self.grow_and_pull):
            try:
                values |= part()
            except Exception as error:
                self.failed = True
                self.found.not_run[part.__name__] = f"{type(error).__name__}: {error}"
                traceback.print_exc()
        return values

    def fold(self) -> Values:
        """What a fold costs."""
        _tell("folding")
        return folding.measure(self.folder, self.rounds, 20 if self.quick else 60, self.found.postgres)

    def wire(self) -> Values:
        """Bytes on the line."""
        _tell("bytes on the line")
        return wire.measure(self.folder)

    def grow_and_pull(self) -> Values:
        """The growing database, and the pull from what it has become."""
        stage, grown = growing.measure(self.folder, self.households, self.window, _tell)
        try:
            _tell("pull")
            return grown | pulling.measure(
                self.folder, stage, self.rounds, min(self.households, self.pulled), self.found
            )
        finally:
            stage.store.close()

    def taking(self) -> Values:
        """Acknowledged per second."""
        _tell("taking in")
        return taking_in.measure(self.folder, self.rounds, self.found)

    def grow(self) -> Values:
        """Cost of an event as the database grows."""
        stage, values = growing.measure(self.folder, self.households, self.window, _tell)
        stage.store.close()
        return values

    def pull(self) -> Values:
        """The central pull, of listed families."""
        _tell("pull")
        return pulling.measure_listed(self.folder, self.rounds, self.pulled, self.found)

    def stored(self) -> Values:
        """Bytes stored."""
        _tell("bytes stored")
        values, self.breakdown = sizes.measure(self.folder, SUBMISSIONS_QUICK if self.quick else SUBMISSIONS)
        return values

    def delivered(self) -> Values:
        """Delivery to a registry."""
        _tell("delivery")
        many = DELIVERED_QUICK if self.quick else DELIVERED
        values = delivering.measure(self.folder, many)
        if self.found.postgres is not None:
            values |= delivering.measure(self.folder, many, "_pg", self.found.postgres.database())
        return values

    def rebuild(self) -> Values:
        """Import and rebuild."""
        return rebuilding.measure(self.folder, 1_000 if self.quick else self.households, _tell)


RUNS: dict[str, tuple[tuple[Figure, ...], Callable[[Run], Values], bool]] = {
    "all": (EVERY, Run.all, True),
    "taking": (TAKEN_IN, Run.taking, True),
    "grow": (GROW, Run.grow, False),
    "pull": (PULL, Run.pull, True),
    "stored": (STORED, Run.stored, False),
    "rebuild": (REBUILD, Run.rebuild, False),
}
"""What can be asked for: its figures, its work, and whether others run beside."""


def main(arguments: list[str] | None = None) -> None:
    """Measure what was asked for and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", nargs="?", choices=(*RUNS, "goals"), default="all")
    parser.add_argument("file", nargs="?", type=Path, default=DOCUMENT, help="of `goals`: where the runs' lines are")
    parser.add_argument("--quick", action="store_true", help="a few minutes: fewer rounds, smaller sizes")
    parser.add_argument("--households", type=int, help="of the rebuild, or the last step of the growing database")
    chosen = parser.parse_args(arguments)
    if chosen.what == "goals":
        _print_goals(read_values(chosen.file.read_text(encoding="utf-8")))
        return
    begun = time.monotonic()
    figures, work, others = RUNS[chosen.what]
    with tempfile.TemporaryDirectory(prefix="padan-bench-") as name:
        run = Run(Path(name), chosen.households, quick=chosen.quick)
        if others:
            with beside(run.folder, _tell) as run.found:
                values = work(run)
        else:
            values = work(run)
    print(table(figures, values))
    if run.breakdown:
        print("\n| stored | B per whole submission |\n|---|---:|")
        for part, size in run.breakdown.items():
            print(f"| `{part}` | {size:,.0f} |")
    if chosen.what == "all":
        print()
        _print_goals(values)
    for other, why in run.found.not_run.items():
        print(f"not run: {other}: {why}")
    about = {"command": _command(chosen), **machine(), "seconds": f"{time.monotonic() - begun:.0f}"}
    print(one_line(values, about | {"not_run": run.found.not_run}))
    if run.failed:
        sys.exit(1)


def _print_goals(values: Values) -> None:
    print(goals_table(GOALS, values))
    print("\n" + ", ".join(f"{count} {kind}" for kind, count in summary(GOALS, values).items()))


def _command(chosen: argparse.Namespace) -> str:
    words = ["python -m benchmarks", *([] if chosen.what == "all" else [chosen.what])]
    words += [f"--households {chosen.households}"] if chosen.households else []
    return " ".join([*words, *(["--quick"] if chosen.quick else [])])


def _tell(step: str) -> None:
    """What is being measured, on standard error: standard output belongs to the figures."""
    print(f"... {step}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
