"""What every test can use: the property profiles, and the count of what could not run here.

A test that needs something this machine lacks calls `not_run(reason)`. What was not run is counted in the last lines,
and `.ci/run` (PADAN_TEST_NOT_RUN=fail) fails on any: a suite is never green because half of it was left out.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import postgres
import pytest
from hypothesis import HealthCheck, settings

FIGURE = "padan_figure"
ENGINES = ("sqlite", "postgres")
_POSTGRES = pytest.StashKey[postgres.TestPostgres]()
ROOT = Path(__file__).resolve().parent.parent

_SLOW_MACHINE = (HealthCheck.too_slow,)
# Derandomised: the same examples on each run, so a red test stays red. `proof` searches, and prints what it found.
settings.register_profile(
    "test", max_examples=300, deadline=None, derandomize=True, print_blob=True, suppress_health_check=_SLOW_MACHINE
)
settings.register_profile(
    "proof", max_examples=2_000, deadline=None, print_blob=True, suppress_health_check=_SLOW_MACHINE
)
settings.load_profile(os.environ.get("PADAN_TEST_PROFILE", "test"))


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the repository."""
    return ROOT


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """`figure("50 kills, 0 lost")`: a line that stands in the last lines of the run, also with several workers."""
    return lambda line: request.node.user_properties.append((FIGURE, line))


@pytest.fixture
def not_run() -> Any:
    """`not_run("no PostgreSQL here: set PADAN_TEST_POSTGRES_URL")` ends the test and counts it as not run."""
    return pytest.skip


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, not_run: Any) -> str:
    """`sqlite`, then `postgres`: what asks for it runs on each."""
    name = str(request.param)
    if name == "postgres" and postgres.missing():
        not_run(postgres.missing())
    return name


@pytest.fixture
def new_address(engine: str, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """`new_address()`: the address of a new database of this engine; the first file is the folder's padan.db."""
    with ExitStack() as made:
        numbers = count()

        def new() -> str:
            number = next(numbers)
            if engine == "postgres":
                return made.enter_context(postgres.database())
            return str(tmp_path / (f"padan-{number}.db" if number else "padan.db"))

        yield new


def pytest_configure(config: pytest.Config) -> None:
    """The process that begins the run starts PostgreSQL, before its workers."""
    if not hasattr(config, "workerinput") and not config.option.collectonly:
        config.stash[_POSTGRES] = postgres.TestPostgres()
        config.stash[_POSTGRES].start()


def pytest_unconfigure(config: pytest.Config) -> None:
    """And stops it."""
    postgres.drop_templates()
    if _POSTGRES in config.stash:
        config.stash[_POSTGRES].stop()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run where nothing may be left out."""
    if hasattr(session.config, "workerinput"):
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    fails = os.environ.get("PADAN_TEST_NOT_RUN") == "fail"
    if fails and reporter is not None and _left_out(reporter) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Give the figures that tests told, and how many could not run and why, just before pytest's own closing line."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, ())]
    for report in sorted(reports, key=lambda each: str(each.nodeid)):
        for name, line in getattr(report, "user_properties", ()):
            if name == FIGURE:
                terminalreporter.write_line(line)
    left_out = _left_out(terminalreporter)
    for reason, times in sorted(left_out.items()):
        terminalreporter.write_line(f"not run: {times} x {reason}")
    terminalreporter.write_line(f"not run: {left_out.total()}")


def _left_out(reporter: Any) -> Counter[str]:
    """Reasons of everything that was skipped or is expected to fail; both mean that nothing was shown."""
    reasons: Counter[str] = Counter()
    for kind in ("skipped", "xfailed"):
        for report in reporter.stats.get(kind, ()):
            longrepr = report.longrepr
            reason = longrepr[2] if isinstance(longrepr, tuple) else getattr(report, "wasxfail", str(longrepr))
            reasons[str(reason).removeprefix("Skipped: ") or "no reason given"] += 1
    return reasons
