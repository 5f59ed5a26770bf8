"""Each screen of the shell: axe-core finds nothing at 360 and 1280 px, a keyboard and a finger reach every control.

Nothing is to be scrolled sideways, and both languages are whole. The pictures in docs/images/ are made here:

    PADAN_SCREENSHOTS=1 .venv/bin/python -m pytest tests/tablet/test_screens.py
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from node_run import run
from screens import Tour
from tablet_world import Campaign
from walk import Officer

from field_forms.tablet.build import node_command

HERE = Path(__file__).parent
PICTURES = HERE.parents[1] / "docs" / "images"
PICTURE_BYTES_MAX = 100_000
WIDTHS = {"id": 360, "en": 1280}
FINGER_PX = 48
# Same pictures on every day: what is shown of a time is one moment, and what is random is not shown.
STILL = """
const Real = Intl.DateTimeFormat;
const still = (when) => (Math.abs(when - Date.now()) < 864e5 ? new Date('2026-11-25T02:30:00Z') : when);
Intl.DateTimeFormat = function (...given) {
  const made = new Real(...given);
  return { format: (when) => made.format(still(new Date(when))), resolvedOptions: () => made.resolvedOptions() };
};
"""
SAME_IN_BOTH = {"Padan", "PIN", "Menu", "Server", "RT", "0 m"}
CONTROLS = "button, input:not([hidden]), select, textarea, a[href], summary"
BEGIN_AT_THE_TOP = """(controls) => {
  const open = [...document.querySelectorAll(controls)].filter((each) => !each.disabled && each.checkVisibility());
  window.left = new Set(open);
  const met = (each, here) => each === here || (each.type === 'radio' && each.name === here.name);
  window.meet ??= document.addEventListener('focusin', ({ target }) => {
    for (const each of window.left) if (met(each, target)) window.left.delete(each);
  }) ?? true;
  document.activeElement?.blur();
  scrollTo(0, 0);
  document.body.tabIndex = -1;
  document.body.focus();
  document.body.removeAttribute('tabindex');
  return open.length;
}"""
LEFT = "[...window.left].map((each) => each.outerHTML.slice(0, 90))"
TOO_SMALL = """([controls, least]) => [...document.querySelectorAll(controls)]
  .filter((each) => each.checkVisibility())
  .map((each) => [each, (each.closest('label.choice') ?? each).getBoundingClientRect()])
  .filter(([, box]) => box.height < least - 0.5 || box.width < least - 0.5)
  .map(([each, box]) => `small: ${each.outerHTML.slice(0, 90)} ${box.width}x${box.height}`)"""


@pytest.fixture(scope="module")
def words(packages: Path, tmp_path_factory: Any) -> dict[str, dict[str, str]]:
    """language -> place -> what is said there."""
    program = tmp_path_factory.mktemp("words") / "words.mjs"
    options = ["--bundle", "--format=esm", "--platform=node", f"--outfile={program}"]
    run(node_command(), packages / "node_modules/esbuild/bin/esbuild", HERE / "words.ts", *options, cwd=packages)
    found: dict[str, dict[str, str]] = json.loads(run(node_command(), program, cwd=packages))
    return found


class Watcher:
    """Looks at a screen in every way, and remembers what is wrong."""

    def __init__(self, officer: Officer, language: str, axe: str, foreign: set[str], folder: Path) -> None:
        self.page, self.language, self.axe, self.foreign, self.folder = officer.page, language, axe, foreign, folder
        self.officer = officer
        self.seen: list[str] = []
        self.wrong: list[str] = []

    def look(self, name: str) -> None:
        """All checks of one screen."""
        self.seen.append(name)
        self.page.wait_for_timeout(120)
        for check in (self._axe, self._sideways, self._fingers, self._keyboard, self._language):
            self.wrong += [f"{name}: {each}" for each in check()]
        self._picture(name)

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
        """Tab from the top until it has gone round; every control was met."""
        for _ in range(self.page.evaluate(BEGIN_AT_THE_TOP, CONTROLS) + 3):
            self.page.keyboard.press("Tab")
        return [f"not reached by keyboard: {each}" for each in self.page.evaluate(LEFT)]

    def _language(self) -> list[str]:
        lines = {line.strip() for line in self.page.locator("#app").inner_text().splitlines()}
        return [f"in the other language: {line}" for line in sorted(lines & self.foreign)]

    def _picture(self, name: str) -> None:
        if self.language != "id":
            return
        path = self.folder / f"tablet-{name}.png"
        hide = [self.page.locator("video"), self.page.locator("dd"), self.page.locator("#diagnosis td")]
        self.page.evaluate("scrollTo(0, 0); document.activeElement?.blur()")
        self.page.screenshot(path=path, mask=hide, mask_color="#c9d6d0", caret="hide", animations="disabled")
        if path.stat().st_size > PICTURE_BYTES_MAX:
            self.wrong.append(f"{name}: a picture of {path.stat().st_size} bytes")


@pytest.mark.parametrize("language", ["id", "en"])
def test_every_screen_is_good_for_every_eye_finger_and_keyboard(
    campaign: Campaign, officer: Callable[..., Officer], packages: Path, words: Any, tmp_path: Path, language: str
) -> None:
    psm = officer()
    psm.script += STILL
    name = {"id": "psm01", "en": "psm02"}[language]
    code = campaign.code(name, name="Rusli")
    campaign.assign(name, [0, 1, 2, 3, 4] if language == "id" else [5, 6, 7, 8, 9])
    page = psm.start()
    psm.tablet.devtools().send("Emulation.setScrollbarsHidden", {"hidden": True})
    page.set_viewport_size({"width": WIDTHS[language], "height": 640 if language == "id" else 800})
    if language == "en":
        page.get_by_role("button", name="Ganti bahasa").click()
    other = "en" if language == "id" else "id"
    foreign = set(words[other].values()) - set(words[language].values())
    pictures = PICTURES if os.environ.get("PADAN_SCREENSHOTS") else tmp_path
    axe = (packages / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")
    watcher = Watcher(psm, language, axe, foreign, pictures)
    tour = Tour(psm, language, watcher.look)
    tour.first_steps(code)
    families = ("SUMARDI", "ZULKIFLI", "HAMDANI") if language == "id" else ("YANTO", "JAUHARI", "RUSLI")
    prepare(psm, campaign, language, families)
    tour.work(*families[:2])
    tour.menu()
    tour.lock()
    assert watcher.wrong == []
    assert len(watcher.seen) == len(set(watcher.seen)) >= 20


def prepare(psm: Officer, campaign: Campaign, language: str, families: tuple[str, str]) -> None:
    """A form that was returned, one that was sealed, a draft. The steps of the walk are Indonesian."""
    if language == "en":
        psm.tab("Menu")
        psm.page.get_by_role("button", name="Change language").click()
    psm.visit(families[0], address="JL. MAWAR")
    psm.sync()
    number = 0 if language == "id" else 5
    comments = {"h/address": "Sebutkan nomor rumah.", "h/rt": "RT pada KK berbeda."}
    campaign.return_with(number, comments, "Kunjungi lagi.", "2026-12-24")
    psm.sync()
    psm.visit(families[1], address="JL. MELATI 2")
    psm.open_form(families[2])
    psm.press("Kembali")
    psm.tab("Menu")
    if language == "en":
        psm.page.get_by_role("button", name="Ganti bahasa").click()


def test_both_languages_say_something_everywhere_and_not_the_same(words: dict[str, dict[str, str]]) -> None:
    indonesian, english = words["id"], words["en"]
    assert indonesian.keys() == english.keys()
    assert [place for place in indonesian if not indonesian[place].strip() or not english[place].strip()] == []
    same = {indonesian[place] for place in indonesian if indonesian[place] == english[place]}
    telling = {text for text in same if any(letter.isalpha() for letter in text)}
    assert telling <= SAME_IN_BOTH, telling - SAME_IN_BOTH


def test_every_picture_of_the_handbooks_is_there_and_small() -> None:
    for path in PICTURES.glob("tablet-*.png"):
        assert path.stat().st_size <= PICTURE_BYTES_MAX, path.name
