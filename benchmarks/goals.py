"""The goals for speed, size and scale, one by one: what a run reached on each engine, and what holds it back.

`python -m benchmarks goals [FILE]` reads the lines of JSON that runs end with (from docs/figures.md where no file is
named) and prints the table. A goal is judged by `padan serve` as an operator runs it: folding goes on beside.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.figures import ENGINES

Values = Mapping[str, Any]
Reached = Callable[[Values, str], float | None]
"""Figures and the mark of an engine -> what was reached; None where that was not measured."""


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal. `most`: whether `bound` is the most that is allowed, else it is the least. `reference`: what a tuned
    program without accounts and audit reached.

    `one_engine`: measured once, whatever the engine. `not_measured`: why there is no figure.
    """

    words: str
    bound: float
    unit: str
    reached: Reached
    most: bool = False
    reference: str = ""
    holds_back: str = ""
    one_engine: bool = False
    not_measured: str = ""

    def met(self, value: float) -> bool:
        """Whether a value meets it."""
        return value <= self.bound if self.most else value >= self.bound

    @property
    def wanted(self) -> str:
        """Such as `at least 30x`."""
        return f"{'at most' if self.most else 'at least'} {shown(self.bound, self.unit)}"


def share(key: str, of: str) -> Reached:
    """One figure over another; `{m}` in a key stands for the engine's mark."""

    def reached(values: Values, mark: str) -> float | None:
        part, whole = (values.get(name.format(m=mark)) for name in (key, of))
        return part / whole if part is not None and whole else None

    return reached


def plain(key: str, factor: float = 1.0) -> Reached:
    """One figure."""

    def reached(values: Values, mark: str) -> float | None:
        found = values.get(key.format(m=mark))
        return None if found is None else found * factor

    return reached


def per_second(key: str) -> Reached:
    """A figure in milliseconds as so many a second."""

    def reached(values: Values, mark: str) -> float | None:
        found = values.get(key.format(m=mark))
        return 1000 / found if found else None

    return reached


def never(values: Values, mark: str) -> float | None:
    """Not measured here at all."""
    return None


def shown(value: float, unit: str) -> str:
    """A value with its unit; ratios in as many digits as say something."""
    text = f"{value:,.0f}" if value >= 100 else f"{value:.3g}" if value < 10 else f"{value:.1f}".removesuffix(".0")
    return f"{text}{'' if unit in ('x', '') else ' '}{unit}"


def verdict(goal: Goal, values: Values, mark: str) -> str:
    """What one engine reached, and whether that is enough."""
    if goal.one_engine and mark:
        return "as SQLite"
    value = goal.reached(values, mark)
    if value is None:
        return "not measured"
    return f"{shown(value, goal.unit)}, {'met' if goal.met(value) else '**not met**'}"


def goals_table(goals: Iterable[Goal], values: Values) -> str:
    """Every goal as a line of Markdown."""
    heads = " | ".join(ENGINES.values())
    lines = [f"| goal | wanted (tuned reference) | {heads} | what holds it back |", "|---|---|---|---|---|"]
    for goal in goals:
        wanted = goal.wanted + (f" ({goal.reference})" if goal.reference else "")
        reached = " | ".join(verdict(goal, values, mark) for mark in ENGINES)
        lines.append(f"| {goal.words} | {wanted} | {reached} | {goal.not_measured or goal.holds_back} |")
    return "\n".join(lines)


def summary(goals: Iterable[Goal], values: Values) -> dict[str, int]:
    """How many verdicts of each kind, over both engines."""
    counts = {"met": 0, "not met": 0, "not measured": 0}
    for goal in goals:
        for mark in ENGINES:
            if goal.one_engine and mark:
                continue
            value = goal.reached(values, mark)
            counts["not measured" if value is None else "met" if goal.met(value) else "not met"] += 1
    return counts


def read_values(text: str) -> dict[str, Any]:
    """The figures of every run whose last line stands in a text; where two name the same, the later one counts.

    Raises `ValueError` where there is none.
    """
    lines = [json.loads(line) for line in text.splitlines() if line.startswith('{"command"')]
    if not lines:
        raise ValueError("there is no line of a run (it begins with {\"command\") in this text")
    return {key: value for line in lines for key, value in line.items()}
