"""Modules and functions stay short enough to be read in one go, and say what they are for."""

from __future__ import annotations

import ast
from pathlib import PurePosixPath
from typing import Any

MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "manager", "misc", "common"}

# Longer ones, each with its reason. An entry that is no longer needed fails the test too.
LONGER: dict[str, str] = {}


def test_no_module_is_longer_than_400_lines(modules: list[Any]) -> None:
    long = {module.name: lines for module in modules if (lines := len(module.text.splitlines())) > MODULE_LINES_MAX}
    allowed = {name for name in LONGER if ":" not in name}
    assert {name: lines for name, lines in long.items() if name not in allowed} == {}
    assert allowed <= long.keys(), "entries of LONGER that are not needed any more"


def test_no_function_is_longer_than_60_lines(modules: list[Any]) -> None:
    long = {}
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES_MAX:
                    long[f"{module.name}:{node.name}"] = lines
    allowed = {name for name in LONGER if ":" in name}
    assert {name: lines for name, lines in long.items() if name not in allowed} == {}
    assert allowed <= long.keys(), "entries of LONGER that are not needed any more"


def test_every_exception_has_a_reason() -> None:
    assert [name for name, reason in LONGER.items() if len(reason) < 20] == []


def test_every_module_says_what_it_is_for(modules: list[Any]) -> None:
    silent = [module.name for module in modules if module.text.strip() and not ast.get_docstring(module.tree)]
    assert silent == []


def test_no_module_has_a_name_that_says_nothing(modules: list[Any]) -> None:
    empty = [
        module.name
        for module in modules
        if EMPTY_NAMES & set(PurePosixPath(module.name).with_suffix("").parts)
        or any(part in EMPTY_NAMES for part in PurePosixPath(module.name).stem.split("_"))
    ]
    assert empty == []
