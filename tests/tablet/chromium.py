"""A tablet: Chromium as a process of its own with its own profile folder, driven over its debugging port.

The process is ours, so it can be killed as a battery dies (SIGKILL to its whole group), and its folder can be copied.
Nothing here knows what the app does.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
# --disable-quic and the rest: nothing but what the test asks for.
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--no-default-browser-check",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--disable-features=Translate,MediaRouter,OptimizationHints", "--remote-debugging-port=0", "--lang=id-ID",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--password-store=basic",
)  # fmt: skip
START_S = 30.0
SMALL = {"width": 360, "height": 640}


def chromium() -> str | None:
    """Where the browser is; None where there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Tablet:
    """One tablet with a profile folder; `start` and `kill` as often as one likes."""

    def __init__(self, playwright: Playwright, profile: Path, url: str) -> None:
        self._playwright = playwright
        self.profile = profile
        self.url = url
        self._process: subprocess.Popen[bytes] | None = None
        self._browser: Browser | None = None
        self.page: Page
        self.console: list[str] = []

    def start(self, *, page: str = "/tablet/", script: str = "") -> Page:
        """Start the browser and open the app. `script` runs before the app's own in each page."""
        binary = chromium()
        assert binary is not None
        self.profile.mkdir(parents=True, exist_ok=True)
        (self.profile / "DevToolsActivePort").unlink(missing_ok=True)
        command = [binary, *FLAGS, f"--user-data-dir={self.profile}", "about:blank"]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        self._browser = self._playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{self._debugging_port()}")
        if script:
            self.context.add_init_script(script)
        self.page = self.context.pages[0] if self.context.pages else self.context.new_page()
        self.page.set_viewport_size(SMALL)
        self.page.set_default_timeout(20_000)
        self.page.on("console", lambda message: self.console.append(message.text))
        self.page.on("pageerror", lambda error: self.console.append(f"error: {error}"))
        self.page.goto(self.url + page)
        return self.page

    @property
    def context(self) -> BrowserContext:
        """The profile's own context."""
        assert self._browser is not None
        return self._browser.contexts[0]

    def devtools(self) -> Any:
        """A session of the debugging protocol with the page."""
        return self.context.new_cdp_session(self.page)

    def kill(self) -> None:
        """SIGKILL to the browser and everything it started: a battery that died."""
        if self._process is None:
            return
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        self._process = None
        self._let_go()

    def close(self) -> None:
        """Close as a user would: everything is written that is written at the end."""
        if self._process is None:
            return
        browser = self._browser
        assert browser is not None
        browser.new_browser_cdp_session().send("Browser.close")
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
        self._process = None
        self._let_go()

    def copy_to(self, profile: Path) -> Tablet:
        """A second tablet from a copy of this one's folder; the browser must be down."""
        assert self._process is None
        shutil.copytree(self.profile, profile, ignore=shutil.ignore_patterns("Singleton*"))
        return Tablet(self._playwright, profile, self.url)

    def _let_go(self) -> None:
        if self._browser is not None:
            # The other end is gone, which is what was wanted.
            with contextlib.suppress(Exception):
                self._browser.close()
        self._browser = None

    def _debugging_port(self) -> int:
        path = self.profile / "DevToolsActivePort"
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            assert self._process is not None and self._process.poll() is None, "Chromium ended at its start"
            if path.exists() and (lines := path.read_text().splitlines()) and lines[0].isdecimal():
                return int(lines[0])
            time.sleep(0.02)
        raise AssertionError("Chromium did not open its debugging port")
