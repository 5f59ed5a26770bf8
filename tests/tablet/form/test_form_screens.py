"""Each screen of a form: axe-core finds nothing at 360 and 1280 px, a keyboard and a finger reach every control.

Nothing is to be scrolled sideways. The pictures in docs/images/ are made here:

    PADAN_SCREENSHOTS=1 .venv/bin/python -m pytest tests/tablet/form/test_form_screens.py
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from form_page import answer_ending, field, question
from form_world import household, person, request_of
from test_form_capture import photo

PICTURES = Path(__file__).resolve().parents[3] / "docs" / "images"
PICTURE_BYTES_MAX = 100_000
WIDTHS = {"id": 360, "en": 1280}
FINGER_PX = 47.5
"""Of the 48 px, half a pixel for rounding."""
SAME_IN_BOTH = {"Padan", "NIK", "RT", "RW", "EN", "ID", "Bahasa Indonesia"}
WRITTEN = {
    "Mohon dilengkapi sebelum musyawarah desa.",
    "Alamat kurang lengkap: tulis nomor rumah",
    "NIK periksa lagi dengan KTP",
}

WORDS = {
    "id": {
        "met": "Ditemukan, terisi lengkap", "list": "Daftar bagian", "members": "E. Anggota keluarga",
        "close": "G. Penilaian & penutup", "house": "D. Perumahan (REGSOSEK 301-310)", "family": "C. Keluarga",
        "check": "Periksa dan segel", "yes": "Ya", "consent": "B. Pemberitahuan & pernyataan", "camera": "Ambil foto",
        "shut": "Tutup", "sign": "Tanda tangan", "gps": "Ambil titik GPS", "more": "Pilihan lain",
        "discard": "Buang isian ini", "cancel": "Batal",
    },
    "en": {
        "met": "Found, complete", "list": "Sections", "members": "Family members",
        "close": "Assessment and close", "house": "Housing", "family": "Family",
        "check": "Check and seal", "yes": "Yes", "consent": "Notice and declaration", "camera": "Take a photo",
        "shut": "Close", "sign": "Sign", "gps": "Take the GPS point", "more": "More for",
        "discard": "Throw this form away", "cancel": "Cancel",
    },
}  # fmt: skip
CONTROLS = "button, input:not([hidden]), select, textarea, a[href], summary"
TOO_SMALL = """([controls, least]) => [...document.querySelectorAll(controls)]
  .filter((each) => each.checkVisibility() && !each.disabled)
  .map((each) => [each, (each.closest('label') ?? each).getBoundingClientRect()])
  .filter(([, box]) => box.height < least || box.width < least)
  .map(([each, box]) => `small: ${each.outerHTML.slice(0, 90)} ${box.width}x${box.height}`)"""
OPEN = """(controls) => {
  const scene = document.querySelector('dialog[open]') ?? document;
  const open = [...scene.querySelectorAll(controls)].filter((each) => !each.disabled && each.checkVisibility());
  window.left = new Set(open);
  const met = (each, here) => each === here || (each.type === 'radio' && each.name === here.name);
  window.meet ??= document.addEventListener('focusin', ({ target }) => {
    for (const each of window.left) if (met(each, target)) window.left.delete(each);
  }) ?? true;
  document.activeElement?.blur();
  scrollTo(0, 0);
  return open.length;
}"""
LEFT = "[...window.left].map((each) => each.outerHTML.slice(0, 110))"


class Look:
    """Looks at a screen in every way, and remembers what is wrong."""

    def __init__(self, page: Any, language: str, axe: str, folder: Path) -> None:
        self.page, self.language, self.axe, self.folder = page, language, axe, folder
        self.words = WORDS[language]
        self.lines: dict[str, set[str]] = {}
        self.wrong: list[str] = []

    def __call__(self, name: str, *, keyboard: bool = True) -> None:
        """All checks of one screen, then its picture."""
        self.page.wait_for_timeout(60)
        checks = [self._axe, self._sideways, self._fingers, *([self._keyboard] if keyboard else [])]
        self.picture(name)
        for check in checks:
            self.wrong += [f"{name}: {each}" for each in check()]
        text = self.page.locator("dialog[open], #app").last.inner_text()
        self.lines[name] = {line.strip() for line in text.splitlines()}

    def _axe(self) -> list[str]:
        self.page.evaluate(self.axe)
        found = self.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
        return [f"axe {each['id']}: {node['html'][:160]}" for each in found["violations"] for node in each["nodes"]]

    def _sideways(self) -> list[str]:
        width = self.page.evaluate("document.documentElement.scrollWidth")
        return [f"{width} px wide"] if width > WIDTHS[self.language] else []

    def _fingers(self) -> list[str]:
        return list(self.page.evaluate(TOO_SMALL, [CONTROLS, FINGER_PX]))

    def _keyboard(self) -> list[str]:
        """Tab until it has gone round; every control was met."""
        for _ in range(self.page.evaluate(OPEN, CONTROLS) + 4):
            self.page.keyboard.press("Tab")
        return [f"not reached by keyboard: {each}" for each in self.page.evaluate(LEFT)]

    def picture(self, name: str) -> None:
        """What the officer sees; kept for the handbook."""
        if self.language != "id":
            return
        path = self.folder / f"isian-{name}.png"
        mask = [self.page.locator("video")]
        self.page.screenshot(
            path=path, mask=mask, mask_color="#c9d6d0", caret="hide", animations="disabled", scale="css"
        )
        if path.stat().st_size > PICTURE_BYTES_MAX:
            self.wrong.append(f"{name}: a picture of {path.stat().st_size} bytes")

    def button(self, word: str, *, exact: bool = True) -> Any:
        return self.page.get_by_role("button", name=self.words[word], exact=exact).first

    def section(self, word: str) -> None:
        self.button("list").click()
        self.page.locator(".pf-sections").get_by_text(self.words[word], exact=True).click()


def scene(look: Look) -> None:
    """Every screen of a form, in the order an officer meets them."""
    page = look.page
    look("dikembalikan")
    page.get_by_text(look.words["met"]).click()
    question(page, "/visit_outcome").scroll_into_view_if_needed()
    look("kunjungan")
    question(page, "/visit_date").get_by_role("button", name=look.words["more"]).click()
    look("tanpa-jawaban")
    question(page, "/visit_date").get_by_role("button", name=look.words["more"]).click()
    places(look)
    look.section("consent")
    question(page, "/notice_ack").get_by_text(look.words["yes"], exact=True).click()
    look("bagian")
    look.section("family")
    page.evaluate("document.querySelector('[data-path=\"h/address\"]').scrollIntoView()")
    look("catatan-pengawas")
    look.section("members")
    look("anggota")
    page.locator(".pf-card").nth(1).click()
    look("satu-anggota")
    field(page, "/nik").fill("1903012008820002")
    field(page, "/nik").blur()
    question(page, "/nik").scroll_into_view_if_needed()
    look("peringatan")
    question(page, "/relation").scroll_into_view_if_needed()
    look("pilihan", keyboard=False)
    look.button("list").click()
    look("daftar-bagian")
    look.button("discard").click()
    look("buang")
    page.get_by_role("dialog").get_by_role("button", name=look.words["cancel"]).click()
    look.button("check").click()
    look("periksa")


def places(look: Look) -> None:
    """Photo, GPS and signature."""
    page = look.page
    page.context.set_geolocation({"latitude": -2.98, "longitude": 106.45, "accuracy": 34})
    gps = question(page, "/gps_home")
    gps.get_by_role("button", name=look.words["gps"]).click()
    gps.get_by_text("±34 m").first.wait_for()
    gps.scroll_into_view_if_needed()
    look("gps")
    gps.get_by_role("button", name="±34 m").click()
    question(page, "/photo_front").get_by_role("button", name=look.words["camera"]).click()
    page.locator("dialog .pf-primary:enabled").wait_for()
    look("kamera")
    page.get_by_role("dialog").get_by_role("button", name=look.words["shut"]).click()
    question(page, "/photo_front").locator("input[type=file]").set_input_files(
        [{"name": "a.jpg", "mimeType": "image/jpeg", "buffer": photo(page, 900, 600)}]
    )
    question(page, "/photo_front").locator("img").wait_for()
    question(page, "/photo_front").scroll_into_view_if_needed()
    look("foto", keyboard=False)
    assert answer_ending(page, "/photo_front")
    look.section("close")
    question(page, "/sign_officer").get_by_role("button", name=look.words["sign"], exact=True).click()
    page.locator("canvas").wait_for()
    box = page.locator("canvas").bounding_box()
    page.mouse.move(box["x"] + 30, box["y"] + 90)
    page.mouse.down()
    for step in range(1, 12):
        page.mouse.move(box["x"] + 30 + step * 20, box["y"] + 80 + (30 if step % 2 else -30), steps=4)
    page.mouse.up()
    look("tanda-tangan")
    page.get_by_role("dialog").get_by_role("button", name=look.words["shut"]).click()


@pytest.fixture
def looked(tablet: Callable[..., Any], bundle: Path, visit: Any, tmp_path: Path) -> Callable[[str], Look]:
    """`looked("id")`: all screens in that language were looked at."""
    folder = PICTURES if os.environ.get("PADAN_SCREENSHOTS") else tmp_path

    def run(language: str) -> Look:
        page = tablet(viewport={"width": WIDTHS[language], "height": 640})
        comments = [{"path": "h/address", "text": "Alamat kurang lengkap: tulis nomor rumah", "by": "pengawas1"},
                    {"path": f"p/{person(1)}/nik", "text": "NIK periksa lagi dengan KTP"}]  # fmt: skip
        given = request_of(
            visit, shown=household(5), comments=comments, visits=1, language=language, districts=["190301"],
            returned={"note": "Mohon dilengkapi sebelum musyawarah desa.", "due": "2026-12-01"},
        )  # fmt: skip
        page.evaluate("given => tests.mount(given)", given)
        look = Look(page, language, (bundle / "axe.js").read_text(encoding="utf-8"), folder)
        scene(look)
        return look

    return run


def test_every_screen_of_a_form_is_in_order_in_both_languages(looked):
    indonesian, english = looked("id"), looked("en")
    assert indonesian.wrong + english.wrong == []
    told = {line for lines in indonesian.lines.values() for line in lines}
    same = {line for lines in english.lines.values() for line in lines} & told
    # What the officer and the supervisor wrote is in no language of ours.
    written = {"Budi Santoso", "Siti Aminah", "Putri Ayu", "Joko Santoso", "Karto", "pengawas1"}
    named = {line for line in same if any(word.casefold() in line.casefold() for word in written)}
    ours = {line for line in same - named if line and line not in SAME_IN_BOTH}
    assert {line for line in ours if line[0].isalpha() and " " in line} <= WRITTEN

