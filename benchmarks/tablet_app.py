"""Padan's tablet app, driven as an officer drives it: enrolled at a server of its own, then offline.

The campaign's server and the browser are those of the app's tests (tests/tablet/); taps and keys go through the
browser's debugging port.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.processes import NotRun
from benchmarks.tablet_family import DISTRICT, FAMILIES_OF_5, FAMILIES_OF_15, REGION, families
from benchmarks.tablet_watch import WATCH, Watched
from field_forms.built import FORMS, source_folder
from field_forms.publish import prepare_file
from field_forms.tablet import built_folder
from server.auth.keys import load_keys
from server.flows.import_prelist import Order, import_families
from server.flows.publish_form import publish_form
from server.store import imports
from server.store.database import Store
from tests.tablet.chromium import Tablet, chromium
from tests.tablet.tablet_world import SOURCE, VINTAGE, Campaign

PIN = "482915"
READING_MS = 3_000
"""What an officer looks at a family's page before opening the form; the app makes the form ready meanwhile."""
QUESTION, ROSTER_PAGE = ".pf-question", "E. Anggota keluarga"
OPEN, GO_ON, ADD = "Isi formulir", "Lanjutkan draf", "Tambah anggota"
MET, TOLD, HERE = "Ditemukan, terisi lengkap", "Ya", "Tinggal bersama keluarga"


class LargeCampaign(Campaign):
    """A campaign of 500 households, all of them one officer's."""

    def household(self, store: Store, number: int) -> str:
        """Household id of a listed family."""
        (found,) = imports.households_of_family(store.db, f"190300000000{number:04d}")
        return str(found)

    def _fill(self, store: Store, count: int) -> None:
        now = self._clock.now_ms()
        for form in FORMS:
            publish_form(store.db, prepare_file(source_folder(form)), now_ms=now, by="benchmark")
        order = Order(SOURCE, VINTAGE, REGION, "daftar.xlsx", "0" * 64, "benchmark")
        keys = load_keys(store.db, now)
        import_families(store.db, keys, order, families(count), import_id=secrets.token_hex(8), now_ms=now)
        self._fold(store)


class App:
    """The app on a tablet, enrolled, its server gone. Each opening takes a family nobody has opened yet."""

    def __init__(self, tablet: Tablet, address: str, count: int) -> None:
        self._tablet, self._address, self._count = tablet, address, count
        self._listed = families(count)
        self._of_5 = iter(range(FAMILIES_OF_5))
        self._of_15 = iter(range(FAMILIES_OF_5, FAMILIES_OF_5 + FAMILIES_OF_15))
        self.watched: Watched

    @property
    def page(self) -> Any:
        """The page the app is in."""
        return self._tablet.page

    # Starting

    def cold_start(self, *, slowed: bool = True) -> Mapping[str, float]:
        """Kill the browser, start it, open the app, unlock: milliseconds to the lock screen, from the tap on "Buka" to
        the list, and of the latter what deriving the key from the PIN took.
        """
        self._tablet.kill()
        self._tablet.start(page="about:blank", script=WATCH)
        self.watched = Watched(self.page, self._tablet.devtools())
        if slowed:
            self.watched.throttle()
        self.page.set_default_timeout(60_000)
        self.page.goto(self._address, wait_until="commit")
        lock_ms = float(self.page.evaluate("watch.until(() => watch.seen('#pin'))"))
        self.page.fill("#pin", PIN)
        self.page.evaluate("() => { watch.workersMs = 0; }")
        tap = self.page.get_by_role("button", name="Buka", exact=True)
        list_ms = self.watched.from_tap(tap.click, "main .card.tap")
        return {"lock": lock_ms, "list": list_ms, "pin": float(self.page.evaluate("watch.workersMs"))}

    # A visit

    def next_family(self, members: int = 5) -> str:
        """Head of a family nobody has opened yet. Raises `RuntimeError` where the list has no more."""
        number = next(self._of_5 if members == 5 else self._of_15, None)
        if number is None or number >= self._count:
            raise RuntimeError("every family of this size was opened already")
        return self._listed[number].head_name

    def find(self, head: str) -> Any:
        """On the work list: the family's line."""
        self.page.locator("nav.tabs button", has_text="Daftar").click()
        self.page.fill("#search", head)
        line = self.page.locator("main .card.tap", has_text=head).first
        line.wait_for()
        return line

    def first_question(self, head: str) -> float:
        """The family's page is read for a while, then its form is opened: from that tap to the first question."""
        return self.watched.from_tap(self._read(head, OPEN).click, QUESTION)

    def go_on(self, head: str) -> float:
        """The same with a visit that has begun: to the members, where it was left."""
        return self.watched.from_tap(self._read(head, GO_ON).click, ".pf-card")

    def first_question_at_once(self, head: str) -> float:
        """From the tap on the family in the list to its first question; nobody reads anything between."""
        return self.watched.from_tap(self.find(head).click, QUESTION, press=OPEN)

    def begin(self, members: int) -> None:
        """The family was met and told, every member lives here. The form goes on at the members."""
        self.watched.throttle(1)
        self.choose("/visit_outcome", MET)
        self.section("B. Pemberitahuan")
        self.choose("/notice_ack", TOLD)
        for at in range(members):
            self.section(ROSTER_PAGE)
            self.page.locator(".pf-card").nth(at).click()
            self.choose("/presence", HERE)
            # What follows from it is drawn: the sections of a person who lives here.
            self.page.locator('[data-path$="/marital"]').wait_for()
        self.section(ROSTER_PAGE)
        self.page.wait_for_timeout(500)
        self.watched.throttle()

    def leave(self) -> None:
        """Out of the form by its own way; what was typed is saved."""
        while self.page.locator(".form-place").count():
            self.page.locator(".pf-bar button").first.click()
            self.page.wait_for_timeout(300)

    def switch_off(self) -> None:
        """End the browser, so that it takes nothing from others."""
        self._tablet.kill()

    def add_member(self) -> float:
        """On the members' page: from the tap that adds one to the new one's first question."""
        return self.watched.from_tap(
            self.page.get_by_role("button", name=ADD).click, '[data-path$="/m_name"] input'
        )

    def type_name(self, text: str, pauses_ms: tuple[int, ...]) -> list[float]:
        """On a member's page: type a name."""
        self.page.locator('[data-path$="/m_name"] input').click()
        return self.watched.typed(text, pauses_ms)

    def leave_field(self) -> float:
        """Go on to the next field after the name."""
        return self.watched.typed("", (600,), leave=True)[0]

    # Pieces

    def _read(self, head: str, button: str) -> Any:
        """The family's page, looked at for a while; the button that opens the form."""
        self.find(head).click()
        tap = self.page.get_by_role("button", name=button, exact=True).first
        tap.wait_for()
        self.page.wait_for_timeout(READING_MS)
        return tap

    def choose(self, path: str, words: str) -> None:
        """One of the choices of a question on the page."""
        self.page.locator(f'[data-path$="{path}"]').get_by_text(words, exact=True).click()

    def section(self, title: str) -> None:
        """To a section by the list of them."""
        self.page.get_by_role("button", name="Daftar bagian").click()
        self.page.locator(".pf-sections").get_by_role("button", name=re.compile(f"^{re.escape(title)}")).click()


@contextmanager
def enrolled(playwright: Any, folder: Path, count: int) -> Iterator[App]:
    """A tablet with the campaign on it, its server stopped. Raises `NotRun` where there is no browser."""
    if chromium() is None:
        raise NotRun("there is no Chromium here: make browser")
    campaign = LargeCampaign(folder / "campaign", built_folder(), count)
    address = f"{campaign.url}/tablet/"
    # Without an address of its own: what it starts with is said each time.
    tablet = Tablet(playwright, folder / "tablet", "")
    try:
        code = campaign.code(areas=(DISTRICT,))
        campaign.assign(numbers=range(count))
        campaign.start()
        page = tablet.start(page=address, script=WATCH)
        page.fill("#code", code)
        page.get_by_role("button", name="Lanjut", exact=True).click()
        page.fill("#pin", PIN)
        page.fill("#pin-again", PIN)
        page.get_by_role("button", name="Pakai PIN ini").click()
        page.get_by_role("button", name="Mulai bekerja").click(timeout=120_000)
        page.get_by_role("heading", level=1, name="Daftar keluarga").wait_for()
        campaign.kill()
        yield App(tablet, address, count)
    finally:
        tablet.kill()
        campaign.kill()
