"""What an officer does, as steps of a test: enrol, unlock, open a family, type, seal, synchronise."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from chromium import Tablet
from playwright.sync_api import Locator, Page, Playwright, expect
from tablet_world import Campaign

PIN = "482915"
# A tablet with little memory: Argon2id then costs a twentieth of a second and not one.
QUICK = "Object.defineProperty(Navigator.prototype, 'deviceMemory', { get: () => 0.5 });"


class Officer:
    """An officer with a tablet of the campaign."""

    def __init__(self, playwright: Playwright, campaign: Campaign, folder: Path) -> None:
        self.campaign = campaign
        self.tablet = Tablet(playwright, folder, campaign.url)
        self.script = QUICK

    @property
    def page(self) -> Page:
        return self.tablet.page

    def start(self, page: str = "/tablet/") -> Page:
        """Switch the tablet on and open the app."""
        return self.tablet.start(page=page, script=self.script)

    def again(self, pin: str = PIN) -> Page:
        """Kill, start, unlock."""
        self.tablet.kill()
        self.start()
        self.unlock(pin)
        return self.page

    # First steps

    def enrol(self, code: str, pin: str = PIN) -> Page:
        """From the first page to the work list."""
        page = self.start()
        self.enter_code(code, pin)
        return page

    def enter_code(self, code: str, pin: str = PIN) -> None:
        """On the first page: type the code, choose the PIN, wait for the download."""
        page = self.page
        page.fill("#code", code)
        self.press("Lanjut")
        self.choose_pin(pin)
        self.press("Mulai bekerja")
        self.heading("Daftar keluarga")

    def choose_pin(self, pin: str = PIN) -> None:
        """A new PIN, twice."""
        self.page.fill("#pin", pin)
        self.page.fill("#pin-again", pin)
        self.press("Pakai PIN ini")

    def unlock(self, pin: str = PIN) -> None:
        """The lock screen."""
        self.page.fill("#pin", pin)
        self.press("Buka")
        self.heading("Daftar keluarga")

    def lock(self) -> None:
        """Lock by the menu."""
        self.tab("Menu")
        self.press("Kunci sekarang")
        self.page.locator("#pin").wait_for()

    # Work

    def open_family(self, name: str) -> None:
        """From anywhere with the bar at the bottom: the family's page."""
        self.tab("Daftar")
        self.page.fill("#search", name)
        self.page.locator("main .card.tap", has_text=name).first.click()
        self.heading(name)

    def open_form(self, name: str) -> None:
        """The family's visit form, a draft of it if there is one."""
        self.open_family(name)
        self.page.get_by_role("button", name=re.compile("^(Isi formulir|Lanjutkan draf|Isi kunjungan baru)$")).click()
        self.page.locator("#q-address").wait_for()

    def fill(self, **answers: str) -> None:
        """Type into the stand-in form."""
        for name, text in answers.items():
            self.page.fill(f"#q-{name}", text)

    def seal(self) -> None:
        """Seal what is open; back on the family's page."""
        self.press("Segel")
        self.page.locator("text=Formulir saya untuk keluarga ini").wait_for()

    def visit(self, name: str, **answers: str) -> None:
        """A whole visit with the stand-in form."""
        self.open_form(name)
        self.fill(**answers)
        self.seal()

    def sync(self, *, complete: bool = True) -> str:
        """Synchronise by the button; what the page says when it ended."""
        self.tab("Sinkron")
        button = self.page.get_by_role("button", name="Sinkronkan sekarang")
        expect(button).to_be_enabled(timeout=30_000)
        button.click()
        came = self.page.locator("main [role=status] .good, main [role=status] .warn, main [role=status] .bad")
        came.first.wait_for(timeout=60_000)
        said = self.page.locator("main").inner_text()
        if complete:
            assert "Sinkronisasi selesai" in said, said
        return said

    def numbers(self) -> tuple[int, int, int]:
        """On this tablet, received, safe."""
        self.tab("Sinkron")
        texts = self.page.locator(".numbers b").all_inner_texts()
        return int(texts[0]), int(texts[1]), int(texts[2])

    # Pieces

    def press(self, name: str) -> None:
        """A button by its words."""
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def tab(self, name: str) -> None:
        """One of the four places at the bottom."""
        self.page.locator("nav.tabs button", has_text=name).click()

    def heading(self, text: str) -> None:
        """Wait for a page by its title."""
        self.page.get_by_role("heading", level=1, name=text).wait_for()

    def text(self, text: str) -> Locator:
        """Wait for words on the page."""
        found = self.page.get_by_text(text).first
        found.wait_for()
        return found

    def evaluate(self, script: str) -> Any:
        """Run something in the page."""
        return self.page.evaluate(script)
