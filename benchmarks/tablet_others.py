"""ODK Web Forms and Enketo: each in a page of its own that holds nothing else, given the same form and household.

What they have a server do beforehand (Enketo's transformation of the XForm, CSVs as XML) is done beforehand and counted
nowhere. Their code is loaded before the first tap; the time of that is counted nowhere either.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from benchmarks import installing
from benchmarks.processes import HOST
from benchmarks.tablet_family import cut_lists, instance_xml, list_xml
from benchmarks.tablet_watch import WATCH, Watched
from schemas.prelist import PrelistFamily
from tests.tablet.chromium import Tablet

FOREIGN = re.compile(rf"^https?://(?!{re.escape(HOST)})")
WAIT_MS = 120_000


@dataclass(frozen=True, slots=True)
class Drawn:
    """How a program draws a form: selectors of a question, a member, the name of a member, what adds a member."""

    name: str
    words: str
    question: str
    member: str
    member_name: str
    add: str


ODK = Drawn(
    "odk", "ODK Web Forms", ".question-container", ".is-repeat",
    '.is-repeat .question-container:has(label:text-is("Nama sesuai KTP/KK")) input', ".button-add-instance",
)  # fmt: skip
ENKETO = Drawn(
    "enketo", "Enketo", "form.or .question:not(.note)", "form.or .or-repeat",
    'form.or .or-repeat input[name="/data/member/m_name"]', "form.or .add-repeat-btn",
)  # fmt: skip


class Pages:
    """The folder with both pages, served; what Enketo's transformer made of the form."""

    def __init__(self, playwright: Any, folder: Path, built: Path, url: str, xform: str, opened: str) -> None:
        self._playwright, self._folder, self._built, self._url = playwright, folder, built, url
        self._xform, self._opened = xform, opened
        with self._tablet("transform") as page:
            self._transformed = page.evaluate("xform => transformed(xform)", xform)

    @contextmanager
    def opened(self, drawn: Drawn) -> Iterator[OtherForm]:
        """A browser of its own with the program's page in it, its code loaded, no form in it yet."""
        with self._tablet(drawn.name) as page:
            yield OtherForm(drawn, Watched(page, page.context.new_cdp_session(page)), self)

    def given(self, drawn: Drawn, family: PrelistFamily, *, begun: bool) -> dict[str, Any]:
        """What the program is given of a household."""
        lists = cut_lists(family)
        instance = instance_xml(self._xform, family, self._opened, begun=begun)
        if drawn is ODK:
            return {"xform": self._xform, "instance": instance, "media": lists}
        media = {name.removesuffix(".csv"): list_xml(text) for name, text in lists.items()}
        return {**self._transformed, "instance": instance, "media": media}

    def packed_bytes(self, paths: list[str]) -> int:
        """Bytes of these files of the folder with brotli."""
        packed = json.loads((self._built / "packed.json").read_bytes())
        return sum(packed[path] for path in paths if path in packed)

    @contextmanager
    def _tablet(self, name: str) -> Iterator[Any]:
        tablet = Tablet(self._playwright, self._folder / name, "")
        try:
            page = tablet.start(page="about:blank", script=WATCH)
            # Fonts and tiles of others: a tablet without a network gets none.
            page.context.route(FOREIGN, lambda route: route.abort())
            page.set_default_timeout(WAIT_MS)
            page.goto(f"{self._url}/{name}.html")
            page.wait_for_function("() => globalThis.ready")
            yield page
        finally:
            tablet.kill()


class OtherForm:
    """One of the two programs with its page open."""

    def __init__(self, drawn: Drawn, watched: Watched, pages: Pages) -> None:
        self.drawn, self.watched, self._pages = drawn, watched, pages

    def first_question(self, family: PrelistFamily, *, begun: bool = False, slowed: bool = True) -> float:
        """From the tap that opens a household to its first question. Raises `RuntimeError` where members lack."""
        page = self.watched.page
        self.watched.throttle(1)
        page.evaluate("given => give(given)", self._pages.given(self.drawn, family, begun=begun))
        page.evaluate("scrollTo(0, 0)")
        if slowed:
            self.watched.throttle()
        took_ms = self.watched.from_tap(page.locator("#open").click, self.drawn.question)
        if begun and (members := self._members()) != len(family.members):
            raise RuntimeError(f"{self.drawn.words} shows {members} members of {len(family.members)}")
        return took_ms

    def add_member(self) -> float:
        """From the tap that adds a member to the paint with one more; what goes on after it is waited for."""
        button = self.watched.page.locator(self.drawn.add).last
        button.scroll_into_view_if_needed()
        took_ms = self.watched.from_tap(button.click, self.drawn.member, more=self._members())
        self.watched.page.wait_for_timeout(1_500)
        return took_ms

    def type_name(self, text: str, pauses_ms: tuple[int, ...]) -> list[float]:
        """Type the name of the last member."""
        self.watched.page.locator(self.drawn.member_name).last.click()
        self.watched.page.wait_for_timeout(500)
        return self.watched.typed(text, pauses_ms)

    def leave_field(self) -> float:
        """Go on to the next field after the name."""
        return self.watched.typed("", (600,), leave=True)[0]

    def packed_bytes(self) -> int:
        """Everything that was loaded to open the form, with brotli."""
        loaded = self.watched.page.evaluate(
            "[location.href, ...performance.getEntriesByType('resource').map((each) => each.name)]"
        )
        return self._pages.packed_bytes(sorted({each.rpartition("/")[2] for each in loaded}))

    def _members(self) -> int:
        counting = "selector => [...document.querySelectorAll(selector)].filter((e) => e.offsetParent !== null).length"
        return int(self.watched.page.evaluate(counting, self.drawn.member))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *unused: Any) -> None:
        """Say nothing."""


@contextmanager
def served(playwright: Any, folder: Path, xform: str, opened: str) -> Iterator[Pages]:
    """Both pages, on loopback at a free port. `opened`: the day of the visit. Raises `NotRun`."""
    built = installing.form_pages()
    server = ThreadingHTTPServer((HOST, 0), partial(_Quiet, directory=str(built)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Pages(playwright, folder, built, f"http://{HOST}:{server.server_port}", xform, opened)
    finally:
        server.shutdown()
        server.server_close()
