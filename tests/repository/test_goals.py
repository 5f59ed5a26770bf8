"""The table of goals: how a goal is judged, how figures are read back, and that the list is that of all goals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.figures import EVERY, REBUILD
from benchmarks.goals import Goal, goals_table, never, per_second, plain, read_values, share, shown, summary, verdict
from benchmarks.goals_list import GOALS

KEYS = {figure.key for figure in (*EVERY, *REBUILD)}


class Asked(dict[str, float]):
    """Figures that remember which were asked for; each of them is there."""

    def __init__(self) -> None:
        super().__init__()
        self.keys_asked: set[str] = set()

    def get(self, key: str, default: object = None) -> float:  # type: ignore[override]
        self.keys_asked.add(key)
        return 1.0


def test_a_goal_is_met_on_its_own_side_of_the_bound() -> None:
    least = Goal("rate", 30, "x", share("ack{m}", "kinto"))
    most = Goal("wait", 25, "ms", plain("wait{m}"), most=True)
    assert (verdict(least, {"ack": 300, "kinto": 10}, ""), verdict(least, {"ack": 299, "kinto": 10}, "")) == (
        "30x, met", "29.9x, **not met**",
    )  # fmt: skip
    assert (verdict(most, {"wait": 25}, ""), verdict(most, {"wait": 26}, "")) == ("25 ms, met", "26 ms, **not met**")


def test_each_engine_is_judged_by_its_own_figure() -> None:
    goal = Goal("rate", 2, "x", share("ack{m}", "kinto"))
    values = {"ack": 10.0, "ack_pg": 30.0, "kinto": 10.0}
    assert verdict(goal, values, "") == "1x, **not met**"
    assert verdict(goal, values, "_pg") == "3x, met"


def test_what_was_not_measured_is_said_and_never_met() -> None:
    goals = (
        Goal("no yardstick", 1, "x", share("ack", "kinto"), holds_back="a profile"),
        Goal("never", 1, "x", never, one_engine=True, not_measured="why not"),
    )
    for values in ({"ack": 5.0}, {"ack": 5.0, "kinto": 0.0}, {}):
        assert summary(goals, values) == {"met": 0, "not met": 0, "not measured": 3}
    lines = goals_table(goals, {"ack": 5.0}).splitlines()
    assert lines[2] == "| no yardstick | at least 1x | not measured | not measured | a profile |"
    assert lines[3] == "| never | at least 1x | not measured | as SQLite | why not |"


def test_times_and_rates_turn_into_one_another() -> None:
    assert per_second("fold{m}_ms")({"fold_pg_ms": 4.0}, "_pg") == 250
    assert plain("each_ms", 1_000_000 / 60_000)({"each_ms": 3.0}, "") == 50
    assert [shown(value, "B") for value in (13_467.6, 35.0, 0.3512)] == ["13,468 B", "35 B", "0.351 B"]


def test_figures_are_read_back_from_every_run_in_a_text() -> None:
    runs = [{"command": "a", "x": 1, "y": 1}, {"command": "b", "y": 2}]
    text = "# Title\n" + "\n```\n".join(map(json.dumps, runs)) + "\nno figures here\n"
    assert {key: read_values(text)[key] for key in "xy"} == {"x": 1, "y": 2}
    with pytest.raises(ValueError, match="no line of a run"):
        read_values("# Title\n")


@pytest.mark.parametrize("goal", GOALS, ids=[goal.words[:40] for goal in GOALS])
def test_a_goal_is_read_from_figures_that_are_measured_or_says_why_not(goal: Goal) -> None:
    for mark in ("",) if goal.one_engine else ("", "_pg"):
        asked = Asked()
        reached = goal.reached(asked, mark)
        assert asked.keys_asked <= KEYS
        assert (reached is None) == bool(goal.not_measured)
    assert goal.holds_back or goal.not_measured
    assert "|" not in goal.words + goal.holds_back + goal.not_measured


def test_the_goals_in_the_document_are_what_the_figures_in_it_give(root: Path) -> None:
    document = (root / "docs/figures.md").read_text(encoding="utf-8")
    values = read_values(document)
    assert goals_table(GOALS, values) in document, "run: python -m benchmarks goals"
    counted = ", ".join(f"{count} {kind}" for kind, count in summary(GOALS, values).items())
    assert counted in document
