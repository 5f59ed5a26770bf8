"""docs/figures.md is what the benchmarks printed: every figure, none changed by hand, with machine and command."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.figures import BENCH, EVERY, GROW, PULL, REBUILD, STORED, TAKEN_IN, Figure, one_line, table

RUNS = [
    ("python -m benchmarks", TAKEN_IN),
    ("python -m benchmarks", BENCH),
    ("python -m benchmarks", GROW),
    ("python -m benchmarks", PULL),
    ("python -m benchmarks", STORED),
    ("python -m benchmarks rebuild --households 100000", REBUILD),
]
ALL = (*EVERY, *REBUILD)


@pytest.fixture(scope="module")
def document(root: Path) -> str:
    return (root / "docs/figures.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("command", "figures"), RUNS, ids=["taking", "bench", "grow", "pull", "stored", "rebuild"])
def test_the_tables_are_what_a_full_run_printed(document: str, command: str, figures: tuple[Figure, ...]) -> None:
    values = _printed(document, command)
    assert [figure.key for figure in figures if figure.key not in values] == []
    assert table(figures, values) in document, "a table was changed by hand; run the command again"
    assert {"cores", "processor", "python", "sqlite", "date"} <= values.keys()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", values["date"])
    assert f"`{command}`" in document


def test_a_ratio_stands_beside_a_figure_that_is_measured() -> None:
    keys = {figure.key for figure in ALL}
    assert [figure.key for figure in ALL if not keys.issuperset(figure.beside)] == []
    assert len(keys) == len(ALL)


def test_the_run_in_the_document_left_nothing_out(document: str) -> None:
    assert _printed(document, "python -m benchmarks")["not_run"] == {}


def test_a_figure_that_was_not_measured_is_not_in_the_table() -> None:
    shown = table(EVERY, {"raw_50": 10_000.0, "fold_2_ms": 1.5, "parse_2_ms": 0.5})
    assert "| `fold_2_ms` |" in shown and "1.50 ms | 3.00 of `parse_2_ms` |" in shown
    assert "`raw_50`" in shown and "10,000 /s" in shown
    assert "| 30 /s | 10.0 of `kinto_1`; 0.50 of `raw_keys_1` |" in table(
        TAKEN_IN, {"ack_http_1": 30.0, "kinto_1": 3.0, "raw_keys_1": 60.0}
    )
    assert "pull_1000" not in shown
    assert json.loads(one_line({"raw_50": 1.0}, {"command": "x"})) == {"command": "x", "raw_50": 1.0}


def test_the_rebuild_of_the_benchmark_runs_and_finds_nothing(root: Path, tmp_path: Path) -> None:
    """The small way through the production commands, so that the benchmark does not rot."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "rebuild", "--households", "40"],
        cwd=root, capture_output=True, text=True, check=False, timeout=240,
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path), "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    values = json.loads(done.stdout.splitlines()[-1])
    assert values["rebuild_differences"] == 0
    assert values["import_per_s"] > 0
    assert list(tmp_path.glob("padan-bench-*")) == []


def _printed(document: str, command: str) -> dict[str, Any]:
    lines = [json.loads(line) for line in document.splitlines() if line.startswith('{"command"')]
    (found,) = [line for line in lines if line["command"] == command]
    return found
