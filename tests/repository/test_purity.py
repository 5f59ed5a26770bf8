"""What the linter of imports can't see: calls and literals that would let a clock, chance or a float into the core."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from typing import Any

PURE = ("schemas", "sync")

# Chance, time, I/O, and what differs from one process to the next (the hash of text is salted).
BANNED_CALLS = {
    "open", "print", "input", "hash", "id", "float", "eval", "exec", "__import__",
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "uuid1", "uuid4", "uuid.uuid1", "uuid.uuid4",
}  # fmt: skip
BANNED_MODULES = {"time", "random", "secrets", "os", "socket", "sqlite3", "threading", "subprocess", "tempfile"}

# `/` on exact fractions stays exact.
EXACT_DIVISION = ("schemas/expression.py", "schemas/xpath_functions.py")

# Who may ask the machine what time it is, and who may read the environment.
CLOCKS = ("server/clock.py", "field_forms/client/pace.py")
ENVIRONMENT = (
    "server/settings.py",
    "server/demo/run.py",  # hands it on to the processes it starts
)
WALL_CLOCK = {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "datetime.today", "date.today"}

SQL_PLACES = (
    "server/store",
    "field_forms/client",  # the tablet's own offline store
    "server/registry/reference",  # a registry of its own, with its own file
    "server/mirror",  # the mirror is a file of the central office
    "server/demo/check_files.py",  # reads the files with nothing of Padan between
    "server/demo/sabotage.py",  # spoils those files, to show that the check sees it
)
SQL = re.compile(
    # `select one from file` is a type of question (XLSForm).
    r"^\s*(?!select (?:one|multiple) from file\Z)(select\s.+\sfrom\s"
    r"|insert\s+(or\s+\w+\s+)?into\s|update\s+\w+\s+set\s|delete\s+from\s|create\s+(table|index|view)\s"
    r"|drop\s+table\s|alter\s+table\s|pragma\s+\w+|begin\s+immediate|with\s+\w+.*\sas\s*\(\s*select)",
    re.IGNORECASE | re.DOTALL,
)
LOG_METHODS = {"debug", "info", "warning", "error", "exception", "critical"}


def test_the_core_asks_for_no_time_no_chance_and_no_file(own_modules: list[Any]) -> None:
    found = []
    for module in own_modules:
        if not module.inside(*PURE):
            continue
        found += [f"{place} calls {name}" for place, name in _calls(module) if name in BANNED_CALLS]
        found += [f"{place} imports {name}" for place, name in _imports(module) if name in BANNED_MODULES]
    assert found == []


def test_the_core_knows_no_floats(own_modules: list[Any]) -> None:
    found = []
    for module in own_modules:
        if not module.inside(*PURE):
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
                found.append(f"{module.name}:{node.lineno} writes {node.value}")
            divides = isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div)
            if divides and not module.inside(*EXACT_DIVISION):
                found.append(f"{module.name}:{node.lineno} divides with /; use // or decimal")
    assert found == []


def test_only_the_clock_asks_what_time_it_is(own_modules: list[Any]) -> None:
    found = [
        f"{place} calls {name}"
        for module in own_modules
        if not module.inside(*CLOCKS)
        for place, name in _calls(module)
        if name in WALL_CLOCK
    ]
    assert found == []


def test_only_the_settings_read_the_environment(own_modules: list[Any]) -> None:
    found = []
    for module in own_modules:
        if module.inside(*ENVIRONMENT):
            continue
        for node in ast.walk(module.tree):
            reads = isinstance(node, ast.Attribute) and _dotted(node) in {"os.environ", "os.getenv", "os.putenv"}
            # click would read it too, past the table of settings.
            reads = reads or (isinstance(node, ast.keyword) and node.arg in {"envvar", "auto_envvar_prefix"})
            if reads:
                found.append(f"{module.name}:{node.lineno}")
        found += [f"{place} imports {name}" for place, name in _imports(module) if name in {"dotenv", "environs"}]
    assert found == []


def test_sql_is_written_in_the_store_only(own_modules: list[Any]) -> None:
    found = [
        f"{module.name}:{node.lineno}: {node.value.strip()[:60]!r}"
        for module in own_modules
        if not module.inside(*SQL_PLACES)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value)
    ]
    assert found == []


def test_the_check_of_the_demo_imports_nothing_of_padan(own_modules: list[Any]) -> None:
    """What it finds would otherwise be Padan's own opinion."""
    (module,) = [module for module in own_modules if module.name == "server/demo/check_files.py"]
    names = {name for _, name in _imports(module)}
    assert names <= sys.stdlib_module_names, names - sys.stdlib_module_names


def test_the_search_for_sql_finds_sql_and_leaves_sentences_alone() -> None:
    for text in (
        "select a from b",
        "INSERT OR IGNORE INTO t VALUES (1)",
        "\n  update t set a = 1",
        "PRAGMA user_version",
    ):
        assert SQL.match(text), text
    for text in ("Select an area first", "Update the form", "with care", "delete the row", "begin"):
        assert not SQL.match(text), text


def test_a_line_of_the_log_begins_with_a_constant(own_modules: list[Any]) -> None:
    """A value in the name of an event would pass by the list of allowed keys."""
    found = []
    for module in own_modules:
        for node in ast.walk(module.tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            logs = node.func.attr in LOG_METHODS and _dotted(node.func.value).split(".")[-1] in {
                "log",
                "logger",
                "_log",
            }
            if logs and not (node.args and isinstance(node.args[0], ast.Constant)):
                found.append(f"{module.name}:{node.lineno}")
    assert found == []


def _calls(module: Any) -> Iterator[tuple[str, str]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            name = _dotted(node.func)
            # `datetime.datetime.now` and `datetime.now` are one.
            yield f"{module.name}:{node.lineno}", ".".join(name.split(".")[-2:])


def _imports(module: Any) -> Iterator[tuple[str, str]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((f"{module.name}:{node.lineno}", alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield f"{module.name}:{node.lineno}", node.module.split(".")[0]


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return ""
