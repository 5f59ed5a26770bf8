"""The tablet app beside ODK Web Forms and Enketo: the same form, household and cut-down lists, in alternating rounds.

Each round starts each program in a browser of its own, one after the other, in another order each time; no other
browser runs meanwhile. Medians of the rounds; keystrokes of all rounds together.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.processes import NotRun
from benchmarks.tablet_app import App, enrolled
from benchmarks.tablet_family import FAMILIES_OF_5, HOUSEHOLDS, MANY_MEMBERS, MEMBERS, families
from benchmarks.tablet_others import ENKETO, ODK, Drawn, Pages, served
from field_forms.built import built_forms
from field_forms.tablet import built_folder

TYPED = "SITI AMINAH BINTI"
PAUSES_MS = (150, 150, 150, 400)
"""Between keys: a quick writer who stops to think at every fourth, long enough for the answer to be worked out."""
NOT_KEPT = ("jsQR-", "LICENSES", "SOURCE")
"""Files of the app that a start without a network does not need: build.mjs."""

Times = Mapping[str, list[float]]
Found = defaultdict[str, list[float]]
Tell = Callable[[str], None]


def measure(folder: Path, rounds: int, not_run: dict[str, str], tell: Tell) -> dict[str, float]:
    """Every figure of the tablet. What can't be had is put into `not_run` with its reason.

    Raises `NotRun` where there is no browser.
    """
    found: Found = defaultdict(list)
    with ExitStack() as stack:
        driver = stack.enter_context(_driver())
        tell(f"enrolling a tablet with {HOUSEHOLDS} households")
        app = stack.enter_context(enrolled(driver, folder / "padan", HOUSEHOLDS))
        parts: dict[str, Callable[[Found], None]] = {"the tablet app": lambda into: _padan(app, into)}
        try:
            tell("installing ODK Web Forms and Enketo")
            opened = f"{datetime.now(UTC):%Y-%m-%d}"
            pages = stack.enter_context(served(driver, folder, built_forms()[0].xform, opened))
            for drawn in (ODK, ENKETO):
                parts[drawn.words] = lambda into, drawn=drawn: _other(pages, drawn, into)
        except NotRun as why:
            not_run |= {each.words: str(why) for each in (ODK, ENKETO)}
        names = list(parts)
        for number in range(rounds):
            for name in (*names[number % len(names) :], *names[: number % len(names)]):
                if name in not_run:
                    continue
                tell(f"round {number + 1} of {rounds}: {name}")
                _run(name, parts[name], found, not_run)
    return settled(found) | {"padan_bytes": float(kept_bytes(built_folder()))}


def settled(found: Times) -> dict[str, float]:
    """Medians; of keystrokes also the slowest of twenty."""
    values = {key: statistics.median(times) for key, times in found.items() if times}
    for key in [key for key in values if key.endswith("_key_ms")]:
        ordered = sorted(found[key])
        values[key.replace("_key_ms", "_key_p95_ms")] = ordered[min(len(ordered) - 1, len(ordered) * 95 // 100)]
    return values


def kept_bytes(built: Path) -> int:
    """Bytes with brotli of everything the app keeps for a start without a network, the form's part included."""
    total = 0
    for path in built.rglob("*"):
        if not path.is_file() or path.suffix == ".br" or path.name.startswith(NOT_KEPT):
            continue
        packed = path.with_name(f"{path.name}.br")
        total += (packed if packed.exists() else path).stat().st_size
    return total


def _padan(app: App, found: Found) -> None:
    start = app.cold_start()
    found["padan_lock_ms"].append(start["lock"])
    found["padan_list_ms"].append(start["list"] - start["pin"])
    found["padan_pin_ms"].append(start["pin"])
    found["padan_cold_ms"].append(start["lock"] + start["list"] - start["pin"])
    found["padan_first_day_ms"].append(app.first_question(app.next_family()))
    app.leave()
    found["padan_first_ms"].append(app.first_question(app.next_family()))
    app.leave()
    head = app.next_family()
    found["padan_at_once_ms"].append(app.first_question_at_once(head))
    app.begin(MEMBERS)
    app.leave()
    found["padan_begun_ms"].append(app.go_on(head))
    found["padan_add_ms"].append(app.add_member())
    found["padan_key_ms"] += app.type_name(TYPED, PAUSES_MS)
    found["padan_leave_ms"].append(app.leave_field())
    app.leave()
    app.first_question(app.next_family(MANY_MEMBERS))
    app.begin(MANY_MEMBERS)
    found["padan_heap_mb"].append(app.watched.heap_mb())
    found["padan_elements"].append(app.watched.elements())
    app.leave()
    app.switch_off()


def _other(pages: Pages, drawn: Drawn, found: Found) -> None:
    name, listed = drawn.name, families(FAMILIES_OF_5 + 1)
    with pages.opened(drawn) as form:
        found[f"{name}_first_day_ms"].append(form.first_question(listed[0]))
        found[f"{name}_first_ms"].append(form.first_question(listed[1]))
        found[f"{name}_begun_ms"].append(form.first_question(listed[2], begun=True))
        found[f"{name}_add_ms"].append(form.add_member())
        found[f"{name}_key_ms"] += form.type_name(TYPED, PAUSES_MS)
        found[f"{name}_leave_ms"].append(form.leave_field())
        found[f"{name}_bytes"].append(form.packed_bytes())
    with pages.opened(drawn) as form:
        form.first_question(listed[FAMILIES_OF_5], begun=True, slowed=False)
        form.watched.page.wait_for_timeout(3_000)
        found[f"{name}_heap_mb"].append(form.watched.heap_mb())
        found[f"{name}_elements"].append(form.watched.elements())


def _run(name: str, part: Callable[[Found], None], found: Found, not_run: dict[str, str]) -> None:
    """One program's part of a round, taken whole or not at all; one that fails is not asked again."""
    fresh: Found = defaultdict(list)
    try:
        part(fresh)
    except Exception as error:
        not_run[name] = f"{type(error).__name__}: {str(error).splitlines()[0]}"
        return
    for key, times in fresh.items():
        found[key] += times


@contextmanager
def _driver() -> Iterator[object]:
    """What drives the browser. Raises `NotRun` where it is not installed."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise NotRun(f"playwright is not installed: {error}") from error
    with sync_playwright() as driver:
        yield driver
