"""The form of the tablet app in a real browser: its modules bundled, a page that holds them, a shell in memory.

One Chromium for all tests of this folder; each test has a page of its own. Served under the app's own
Content-Security-Policy, so that what the policy forbids fails here.
"""

from __future__ import annotations

import functools
import http.server
import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import chromium
from form_world import request_of

from field_forms.built import built_forms
from field_forms.tablet.build import node_command
from server.api.tablet import POLICY

HERE = Path(__file__).parent
PAGE = """<!doctype html><html lang="id"><head><meta charset="utf-8"><title>Padan</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<link rel="stylesheet" href="style.css"></head><body><div id="app"></div>
<script type="module" src="harness.js"></script></body></html>"""
BUNDLE = "require('esbuild').buildSync(JSON.parse(process.argv[1]))"
ARGUMENTS = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
UPRIGHT = {"width": 360, "height": 640}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker for the folder: its tests share a browser."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("tablet-form"))


@pytest.fixture(scope="session")
def bundle(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page, the bundled modules and the app's style sheet."""
    folder = tmp_path_factory.mktemp("form")
    for entry, out in ((HERE / "harness.ts", "harness.js"), (packages / "src" / "style.css", "style.css")):
        options = {
            "entryPoints": [str(entry)], "outfile": str(folder / out), "bundle": True, "format": "esm", "minify": True,
            "target": "es2022", "jsx": "automatic", "jsxImportSource": "preact", "absWorkingDir": str(packages),
        }  # fmt: skip
        command = [node_command(), "-e", BUNDLE, json.dumps(options)]
        done = subprocess.run(command, cwd=packages, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    (folder / "index.html").write_text(PAGE, encoding="utf-8")
    (folder / "axe.js").write_bytes((packages / "node_modules" / "axe-core" / "axe.min.js").read_bytes())
    return folder


class _Handler(http.server.SimpleHTTPRequestHandler):
    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, *unused: Any) -> None:
        pass


@pytest.fixture(scope="session")
def address(bundle: Path) -> Iterator[str]:
    """Where the page is served."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Handler, directory=str(bundle)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/index.html"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def browser(playwright: Any) -> Iterator[Any]:
    """One Chromium."""
    running = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
    yield running
    running.close()


@pytest.fixture
def tablet(browser: Any, address: str) -> Iterator[Callable[..., Any]]:
    """`tablet()`: a page of a tablet held upright, the modules loaded. A fault that nobody caught fails the test."""
    contexts, faults = [], []

    def new(**more: Any) -> Any:
        options = {
            "viewport": UPRIGHT, "has_touch": True, "device_scale_factor": 2, "locale": "id-ID",
            "permissions": ["geolocation", "camera"], "timezone_id": "Asia/Jakarta",
            "geolocation": {"latitude": -2.987654, "longitude": 106.456789, "accuracy": 8},
        }  # fmt: skip
        context = browser.new_context(**(options | more))
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda told: faults.append(told.text) if told.type == "error" else None)
        page.goto(address)
        page.wait_for_function("() => globalThis.tests")
        return page

    yield new
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def page(tablet: Callable[..., Any]) -> Any:
    """One tablet."""
    return tablet()


@pytest.fixture(scope="module")
def module_page(browser: Any, address: str) -> Iterator[Any]:
    """A page that the tests of a module share: for those that call modules and draw nothing."""
    context = browser.new_context(timezone_id="Asia/Jakarta")
    opened = context.new_page()
    opened.goto(address)
    opened.wait_for_function("() => globalThis.tests")
    yield opened
    context.close()


@pytest.fixture
def mount(visit: Any) -> Callable[..., None]:
    """`mount(page, shown=..., ...)`: the visit form drawn on a page, with a shell in memory as `host`."""

    def draw(page: Any, compiled: Any = None, **given: Any) -> None:
        page.evaluate("given => tests.mount(given)", request_of(compiled or visit, **given))

    return draw


@pytest.fixture(scope="session")
def visit() -> Any:
    """The compiled visit form."""
    return built_forms()[0]


@pytest.fixture(scope="session")
def change() -> Any:
    """The compiled form of change events."""
    return built_forms()[1]
