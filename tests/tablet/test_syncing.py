"""Synchronising on a bad line: busy servers, refused bodies, items that must wait; by itself when a network comes."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Route
from tablet_world import Campaign
from walk import Officer

PROBLEM = "application/problem+json"


def body_of(route: Route) -> Any:
    raw = route.request.post_data_buffer or b""
    return json.loads(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)


def with_visits(campaign: Campaign, psm: Officer, name: str, numbers: dict[int, str]) -> None:
    """An officer with sealed forms for some families."""
    psm.enrol(campaign.code(name, name=name.title()))
    campaign.assign(name, list(numbers))
    psm.sync()
    for family in numbers.values():
        psm.visit(family, address=f"JL. {name.upper()} {family}")


def test_a_busy_server_is_waited_for_as_long_as_it_asks(campaign: Campaign, officer: Callable[..., Officer]) -> None:
    psm = officer()
    with_visits(campaign, psm, "sibuk", {0: "SUMARDI"})
    refusals = [429, 503]

    def busy(route: Route) -> None:
        if refusals:
            status = refusals.pop(0)
            problem = json.dumps({"code": "busy" if status == 503 else "quota", "status": status})
            route.fulfill(status=status, body=problem, content_type=PROBLEM, headers={"Retry-After": "1"})
        else:
            route.continue_()

    psm.page.route("**/v1/events", busy)
    psm.sync()
    assert refusals == [] and psm.numbers() == (0, 1, 0)


def test_a_long_wait_ends_the_sync_and_is_told(campaign: Campaign, officer: Callable[..., Officer]) -> None:
    psm = officer()
    with_visits(campaign, psm, "nanti", {1: "ZULKIFLI"})
    problem = json.dumps({"code": "quota", "status": 429})
    psm.page.route(
        "**/v1/events",
        lambda route: route.fulfill(status=429, body=problem, content_type=PROBLEM, headers={"Retry-After": "1800"}),
    )
    said = psm.sync(complete=False)
    assert "Server sedang sibuk" in said and "Coba lagi setelah 30 menit" in said
    psm.page.unroute("**/v1/events")
    psm.sync()
    assert psm.numbers() == (0, 1, 0)


def test_one_form_that_is_refused_keeps_no_other_back(campaign: Campaign, officer: Callable[..., Officer]) -> None:
    psm = officer()
    families = {2: "HAMDANI", 3: "BONG KIM FO", 4: "MARWAN"}
    with_visits(campaign, psm, "tolak", families)
    with campaign.open() as store:
        broken = campaign.household(store, 3)
    sizes = []

    def refuse(route: Route) -> None:
        items = body_of(route)["items"]
        sizes.append(len(items))
        if any(item["head"]["household_id"] == broken for item in items):
            problem = json.dumps({"code": "body_too_large", "status": 413})
            route.fulfill(status=413, body=problem, content_type=PROBLEM)
        else:
            route.continue_()

    psm.page.route("**/v1/events", refuse)
    psm.sync()
    assert psm.numbers() == (1, 2, 0)
    assert sizes[0] == 3 and sizes.count(1) >= 1, "halved until the one was found"
    psm.tab("Formulir")
    first = psm.page.locator("main li.card").first.inner_text()
    assert "BONG KIM FO" in first and "Terlalu besar untuk server" in first
    psm.page.unroute("**/v1/events")
    psm.sync()
    assert psm.numbers() == (0, 3, 0), "tried again in each sync"


def test_an_item_that_has_to_wait_is_met_again_after_the_others(
    campaign: Campaign, officer: Callable[..., Officer]
) -> None:
    psm = officer()
    with_visits(campaign, psm, "tunggu", {5: "YANTO", 6: "JAUHARI"})
    waits = [True]

    def later(route: Route) -> None:
        answer = route.fetch()
        results = answer.json()["results"]
        if waits:
            waits.pop()
            results[0] = {"status": "retry"}
        route.fulfill(response=answer, json={"results": results})

    psm.page.route("**/v1/events", later)
    psm.sync()
    assert psm.numbers() == (0, 2, 0)
    mine = [each for each in campaign.submissions() if each["actor"] == "tunggu"]
    assert len(mine) == 2


def test_an_answer_that_was_lost_changes_nothing(campaign: Campaign, officer: Callable[..., Officer]) -> None:
    psm = officer()
    with_visits(campaign, psm, "putus", {7: "RUSLI"})
    lost = []

    def lose(route: Route) -> None:
        if not lost:
            lost.append(route.fetch())
            route.abort("connectionreset")
        else:
            route.continue_()

    psm.page.route("**/v1/events", lose)
    psm.sync()
    assert lost[0].ok and psm.numbers() == (0, 1, 0)
    assert len([each for each in campaign.submissions() if each["actor"] == "putus"]) == 1


def test_it_sends_by_itself_when_a_network_comes_back(campaign: Campaign, officer: Callable[..., Officer]) -> None:
    psm = officer()
    psm.script += "Math.random = () => 0.01;"
    psm.enrol(campaign.code("sendiri", name="Sendiri"))
    campaign.assign("sendiri", [8])
    psm.sync()
    psm.tablet.context.set_offline(True)
    psm.visit("SUHARDI", address="JL. SENDIRI SAJA")
    psm.tab("Sinkron")
    psm.text("Tidak ada jaringan. Semua isian aman di tablet")
    psm.tablet.context.set_offline(False)
    psm.text("Sinkronisasi selesai.")
    assert psm.numbers() == (0, 1, 0)
    assert campaign.record(8)["data"]["household"]["address"]["value"] == "JL. SENDIRI SAJA"


def test_it_sends_what_waits_when_it_is_unlocked(campaign: Campaign, officer: Callable[..., Officer]) -> None:
    psm = officer()
    psm.script += "Math.random = () => 0.01;"
    with_visits(campaign, psm, "buka", {9: "TJHIN NYUK FA"})
    psm.again()
    psm.tab("Sinkron")
    psm.text("Sinkronisasi selesai.")
    assert psm.numbers() == (0, 1, 0)


def test_a_photo_goes_on_where_the_line_broke(campaign: Campaign, officer: Callable[..., Officer]) -> None:
    psm = officer()
    psm.script += "Math.random = () => 0.01;"
    psm.enrol(campaign.code("potong", name="Potong"))
    campaign.assign("potong", [6])
    psm.sync()
    psm.open_form("JAUHARI")
    psm.press("Foto")
    psm.text("foto")
    psm.seal()
    offsets: list[int] = []

    def breaks(route: Route) -> None:
        """Every second piece arrives, and its answer does not."""
        if route.request.method != "PATCH":
            route.continue_()
            return
        offsets.append(int(route.request.headers["upload-offset"]))
        if len(offsets) % 2:
            route.fetch()
            route.abort("connectionreset")
        else:
            route.continue_()

    psm.page.route("**/v1/blobs/*", breaks)
    psm.sync()
    assert psm.numbers() == (0, 1, 0)
    (head,) = [each for each in campaign.submissions() if each["actor"] == "potong"]
    photo = head["attachments"]["h/photo_front"]
    assert len(campaign.arrived(photo["sha256"]) or b"") == photo["bytes"] == 40_000
    assert offsets[0] == 0 and sorted(set(offsets)) == offsets, "no piece was sent twice"


def test_photos_of_a_server_that_takes_none_wait_and_disturb_nothing(
    campaign: Campaign, officer: Callable[..., Officer]
) -> None:
    psm = officer()
    psm.enrol(campaign.code("foto", name="Foto"))
    campaign.assign("foto", [0])
    psm.sync()
    psm.open_form("SUMARDI")
    psm.press("Foto")
    psm.text("foto")
    psm.seal()
    psm.page.route("**/v1/blobs/*", lambda route: route.fulfill(status=404, body="{}"))
    psm.sync()
    assert psm.numbers() == (0, 1, 0)
    psm.text("1 foto menunggu dikirim")
