"""The benchmark's stop-watch in a page: it stops when the thing is on the screen, not when it was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import Tablet

from benchmarks.tablet_watch import WATCH, Watched

PAGE = """data:text/html,<!doctype html><button id="one">one</button><button id="go" disabled>go</button>
<input id="text"><div id="far" style="margin-top: 3000px">far</div><script>
const show = (name) => document.body.insertAdjacentHTML('afterbegin', '<p class="' + name + '">' + name + '</p>');
one.onclick = () => { setTimeout(() => (go.disabled = false), 150); setTimeout(() => show('come'), 300); };
go.onclick = () => setTimeout(() => show('pressed'), 200);
text.oninput = () => { const end = performance.now() + 60; while (performance.now() < end); };
</script>"""


@pytest.fixture
def watched(playwright: Any, tmp_path: Path) -> Iterator[Watched]:
    tablet = Tablet(playwright, tmp_path / "profile", "")
    page = tablet.start(page=PAGE.replace("\n", " "), script=WATCH)
    yield Watched(page, tablet.devtools())
    tablet.kill()


def test_a_time_ends_when_the_awaited_thing_is_on_the_screen(watched: Watched) -> None:
    page = watched.page
    took_ms = watched.from_tap(page.locator("#one").click, ".come")
    assert 300 <= took_ms < 2_000
    assert 0 <= watched.from_tap(page.locator("#one").click, ".come") < 250, "it is there already"
    assert 300 <= watched.from_tap(page.locator("#one").click, ".come", more=2) < 2_000
    with pytest.raises(Exception, match="did not come"):
        watched.from_tap(page.locator("#text").click, "#far", wait_s=0.5)


def test_what_is_pressed_on_the_way_counts_with_the_waiting_for_it(watched: Watched) -> None:
    took_ms = watched.from_tap(watched.page.locator("#one").click, ".pressed", press="go")
    assert 350 <= took_ms < 2_500


def test_a_key_costs_what_the_page_does_before_it_paints(watched: Watched) -> None:
    watched.page.locator("#text").click()
    times = watched.typed("abc", (150,))
    assert len(times) == 3 and all(60 <= each < 1_000 for each in times)
    assert watched.page.locator("#text").input_value() == "abc"
    assert len(watched.typed("", (200,), leave=True)) == 1
    assert watched.heap_mb() > 0 and watched.elements() > 5
