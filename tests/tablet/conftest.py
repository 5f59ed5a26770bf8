"""Fixtures of the tablet's tests: the app as built, a browser, a campaign with its server.

A machine without Chromium, or without the packages of the app, has these tests counted as not run. All of them stay on
one worker: they share the built app and the browser's driver.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import chromium
from node_run import run
from playwright.sync_api import sync_playwright
from tablet_world import Campaign
from walk import Officer

from field_forms.tablet.build import SOURCES, BuildFailed, fetch_packages, node_command

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker for the folder."""
    for item in items:
        if HERE in item.path.parents and "form" not in item.path.relative_to(HERE).parts:
            item.add_marker(pytest.mark.xdist_group("tablet"))


@pytest.fixture(scope="session")
def packages() -> Path:
    """The folder of the app's sources, with its packages beside them."""
    try:
        fetch_packages(dev=True)
    except BuildFailed as error:
        pytest.skip(f"the packages of the tablet app cannot be fetched: {error}")
    return SOURCES


@pytest.fixture(scope="session")
def typescript(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, list[Any]], list[Any]]:
    """`typescript(name, cases)`: what the tablet's own module answers to each, run in node (`conformance.ts`)."""
    folder = tmp_path_factory.mktemp("conformance")
    program = folder / "conformance.mjs"
    options = ["--bundle", "--format=esm", "--platform=node", "--define:__ARGON_WORKER__=''", f"--outfile={program}"]
    run(node_command(), packages / "node_modules/esbuild/bin/esbuild", HERE / "conformance.ts", *options, cwd=packages)

    def ask(name: str, cases: list[Any]) -> list[Any]:
        path = folder / f"{name}.json"
        path.write_text(json.dumps([{"name": name, "given": case} for case in cases]), encoding="utf-8")
        answers: list[Any] = json.loads(run(node_command(), program, path, cwd=folder))
        assert len(answers) == len(cases)
        return answers

    return ask


@pytest.fixture(scope="session")
def built_app(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`built_app("src/form/index.ts=.../standin_form.ts", ...)`: a folder with the app, modules replaced."""
    made: dict[tuple[str, ...], Path] = {}

    def build(*replace: str) -> Path:
        if replace not in made:
            made[replace] = tmp_path_factory.mktemp("app") / "built"
            options = [part for each in replace for part in ("--replace", each)]
            run(node_command(), "build.mjs", made[replace], *options, cwd=packages)
        return made[replace]

    return build


@pytest.fixture(scope="session")
def playwright(packages: Path) -> Iterator[Any]:
    """The driver of the browser; a machine without one runs none of this."""
    if chromium() is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def standin(built_app: Callable[..., Path]) -> Path:
    """The app with the form of three questions in the place of the real one."""
    return built_app(f"src/form/index.ts={HERE / 'standin_form.ts'}")


@pytest.fixture(scope="module")
def campaign(standin: Path, playwright: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    """A campaign of twelve families with a server that runs; ten of them are given to `psm01`."""
    made = Campaign(tmp_path_factory.mktemp("campaign"), standin)
    made.code()
    made.assign()
    made.start()
    yield made
    made.kill()


@pytest.fixture
def officer(playwright: Any, campaign: Campaign, tmp_path: Path) -> Iterator[Callable[..., Officer]]:
    """`officer()`: an officer with a fresh tablet; as many as one likes."""
    made: list[Officer] = []

    def new(folder: str = "") -> Officer:
        made.append(Officer(playwright, campaign, tmp_path / (folder or f"tablet-{len(made) + 1}")))
        return made[-1]

    yield new
    for each in made:
        each.tablet.kill()
        told = [line for line in each.tablet.console if line.startswith("error") or "Content Security Policy" in line]
        assert told == [], "the app told of errors"
