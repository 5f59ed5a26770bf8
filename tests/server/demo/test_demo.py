"""The demo goes the whole way, every planted case is there, and each sabotage is seen in just its own figure."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from server.demo import run as demo_run
from server.demo.run import Demo, summarise
from server.demo.sabotage import KINDS
from server.demo.stage import FolderNotOurs, fresh_folder

pytestmark = pytest.mark.xdist_group("demo")

GOOD = {"lost": 0, "registry_duplicates": 0, "mirror_equals_server": True, "rebuild_identical": True}
ASKED = frozenset(
    {"households", "submissions_sealed", "submissions_in_log", "held", "conflicts_opened", "decided", "returned"}
    | {"ratified", "delivered", "registry_records", "registry_duplicates", "dead_letters", "pulled"}
    | {"mirror_equals_server", "rebuild_identical", "lost"}
)
SPOILED = {
    "drop": {"lost": 1},
    "twice": {"registry_duplicates": 1},
    "flip": {"rebuild_identical": False},
    "stale-mirror": {"mirror_equals_server": False},
}


@pytest.mark.xdist_group("demo-on-postgres")
def test_on_postgresql_it_goes_the_same_way(demo_on_postgres: Demo) -> None:
    summary = demo_on_postgres.summary
    assert demo_on_postgres.stage.store.engine == "postgres"
    assert {name: summary[name] for name in GOOD} == GOOD
    assert (summary["households"], summary["dead_letters"], summary["delivered"]) == (101, 1, 99)
    assert min(count for name, count in summary["planted"].items() if name != "outbox") > 0


def test_nothing_is_lost_and_nobody_stands_twice(demo: Demo) -> None:
    assert {name: demo.summary[name] for name in GOOD} == GOOD


def test_the_summary_is_one_json_object_with_every_figure_asked_for(demo: Demo) -> None:
    assert json.loads(json.dumps(demo.summary)).keys() >= ASKED


def test_every_planted_case_is_counted(demo: Demo) -> None:
    planted = {name: value for name, value in demo.summary["planted"].items() if name != "outbox"}
    assert [name for name, value in planted.items() if not value] == []


def test_what_was_sealed_arrived_and_what_was_ratified_was_delivered(demo: Demo) -> None:
    summary = demo.summary
    # One more in the log than on the tablets: the second content of one id, which no tablet keeps.
    assert summary["submissions_in_log"] == summary["submissions_sealed"] + 1
    assert summary["uploads"]["cut_off"] == 1
    assert summary["uploads"]["duplicate"] > 0
    assert summary["delivered"] == summary["registry_records"] > 100
    assert summary["dead_letters"] == 1
    assert summary["pulled"] == summary["households"]
    assert summary["states"]["accepted"] == summary["delivered"]


def test_both_kinds_of_fork_in_the_data_opened_a_conflict(demo: Demo) -> None:
    opened = demo.summary["conflicts_opened"]
    assert {"equivocation", "field", "nik_collision", "nik_two_households"} <= opened.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_each_sabotage_turns_its_own_figure_wrong_and_no_other(demo: Demo, kind: str) -> None:
    found = summarise(demo, kind)
    assert {name: found[name] for name in GOOD} == GOOD | SPOILED[kind]


def test_the_check_of_the_files_imports_nothing_of_padan() -> None:
    tree = ast.parse(demo_run.CHECKER.read_text(encoding="utf-8"))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert not imported & {"schemas", "sync", "field_forms", "server"}


def test_a_folder_that_is_not_the_demos_is_left_alone(tmp_path: Path) -> None:
    home = tmp_path / "var" / "demo"
    home.mkdir(parents=True)
    (home / "padan.db").write_text("somebody's own")
    with pytest.raises(FolderNotOurs):
        fresh_folder(tmp_path)
    assert (home / "padan.db").read_text() == "somebody's own"
