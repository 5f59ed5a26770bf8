"""Forms that others wrote: each is drawn, filled by hand in Chromium and submitted, and says what its sheet means.

The same forms are opened again half-way, so that nothing depends on having been filled in one go.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from form_page import flush, question
from others_cases import ACT, ADD, BACK, CASES, NEXT, ROW, SEE
from playwright.sync_api import expect
from pyxform.xls2xform import convert

FORMS = Path(__file__).parent / "forms"


def given(name: str) -> dict[str, Any]:
    """A request for a form of others: no definition of Padan's, only the XForm."""
    xform = convert(xlsform=str(FORMS / f"{name}.md")).xform
    return {
        "xform": xform,
        "media": CASES[name].get("media", {}),
        "definition": {"id": name, "version": "1", "hash": name},
    }


def button(page: Any, name: str, exact: bool = True) -> Any:
    return page.get_by_role("button", name=name, exact=exact)


def go_back(page: Any) -> None:
    page.locator(".pf-foot button").first.click()


def do(page: Any, step: Any) -> None:
    """One step of a person."""
    if step == NEXT:
        page.locator(".pf-foot button").last.click()
    elif step == BACK:
        go_back(page)
    elif step[0] == ADD:
        button(page, f"+ Tambah: {step[1]}").click()
    elif step[0] == ROW:
        page.locator(".pf-card").nth(int(step[1].split()[-1]) - 1).click()
    elif step[0] == ACT:
        act(page, *step[1].split())
    elif step[0] == SEE:
        expect(page.get_by_text(step[1])).to_be_visible()
    else:
        answer(question(page, f"/{step[0]}"), page, step[1])


def answer(asked: Any, page: Any, value: Any) -> None:
    """Answer a question as its control wants it."""
    asked.wait_for()
    if asked.locator(".pf-picked").count():
        asked.locator(".pf-picked").click()
        for label in value if isinstance(value, list) else [value]:
            page.get_by_role("dialog").get_by_text(label, exact=True).click()
        if isinstance(value, list):
            page.get_by_role("dialog").get_by_role("button", name="Selesai").click()
    elif asked.get_by_role("button", name="Mulai mengurutkan").count():
        asked.get_by_role("button", name="Mulai mengurutkan").click()
        asked.get_by_role("button", name=f"Naikkan {value[0]}").click()
    elif asked.locator("input[type=radio], input[type=checkbox]").count():
        for label in value if isinstance(value, list) else [value]:
            asked.get_by_text("Ya, sudah" if value == "OK" else label, exact=True).click()
    else:
        box = asked.locator("input, textarea").first
        box.fill(value)
        box.blur()


def act(page: Any, what: str, name: str) -> None:
    """What is no typing and no choosing."""
    asked = question(page, f"/{name}")
    if what == "photo":
        asked.locator("input[type=file]").set_input_files(
            [{"name": "a.jpg", "mimeType": "image/jpeg", "buffer": picture(page)}]
        )
        asked.locator("img").wait_for()
    elif what == "file":
        asked.locator("input[type=file]").set_input_files(
            [{"name": "a.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-"}]
        )
        asked.get_by_text("kB").wait_for()
    elif what == "sign":
        asked.get_by_role("button", name="Tanda tangan", exact=True).click()
        box = page.locator("canvas").bounding_box()
        page.mouse.move(box["x"] + 20, box["y"] + 40)
        page.mouse.down()
        page.mouse.move(box["x"] + 120, box["y"] + 70, steps=4)
        page.mouse.up()
        button(page, "Pakai tanda tangan ini").click()
        asked.locator("img").wait_for()
    else:
        asked.get_by_role("button", name="Ambil titik GPS").click()
        asked.get_by_text("ketelitian").wait_for()


def picture(page: Any) -> bytes:
    encoded: str = page.evaluate("""new Promise((done) => {
      const canvas = Object.assign(document.createElement('canvas'), {width: 900, height: 500});
      canvas.getContext('2d').fillRect(0, 0, 900, 300);
      done(canvas.toDataURL('image/jpeg').split(',')[1]);
    })""")
    return base64.b64decode(encoded)


@pytest.mark.parametrize("name", CASES)
def test_a_form_of_others_is_drawn_filled_and_submitted(page, name):
    case = CASES[name]
    page.evaluate("given => tests.mount(given)", given(name))
    half = len(case["steps"]) // 2
    for number, step in enumerate(case["steps"]):
        if number == half:
            draft = flush(page)
            page.evaluate("mounted.unmount()")
            page.evaluate("given => tests.mount(given)", given(name) | {"draft": draft, "keepHost": True})
        do(page, step)
    for text in case.get("sees", ()):
        expect(page.get_by_text(text)).to_be_visible()
    for path, label in case.get("not_offered", {}).items():
        expect(question(page, f"/{path}")).to_be_visible()
        expect(question(page, f"/{path}").get_by_text(label, exact=True)).to_have_count(0)
    button(page, "Daftar bagian").click()
    button(page, "Periksa dan segel").click()
    button(page, "Segel formulir").click()
    page.wait_for_function("() => host.sealed")
    sealed = page.evaluate("host.sealed")
    (part,) = sealed["parts"]
    said = {path: each["value"] for path, each in part["assertions"].items()}
    for path in (*case.get("may", ()), *(path[2:] for path in case.get("files", ()))):
        said.pop(path)
    assert said == case["says"]
    assert part["name"] == "e" and sealed["kind"] == "submission"
    assert set(sealed["attachments"]) == case.get("files", set())


def test_every_form_of_the_folder_is_tried():
    assert {path.stem for path in FORMS.glob("*.md")} == set(CASES) and len(CASES) >= 10


def test_a_counted_list_that_shrinks_keeps_what_was_said_for_the_day_it_grows_again(page):
    page.evaluate("given => tests.mount(given)", given("roster_worldbank"))
    for step in CASES["roster_worldbank"]["steps"][:8]:
        do(page, step)
    while page.locator(".pf-card").count() == 0:
        go_back(page)
    go_back(page)
    do(page, ("members", "1"))
    do(page, NEXT)
    expect(page.locator(".pf-card")).to_have_count(1)
    go_back(page)
    do(page, ("members", "2"))
    do(page, NEXT)
    page.locator(".pf-card").nth(1).click()
    expect(question(page, "/p_name").locator("input")).to_have_value("Putri")


def test_a_choice_that_the_cascade_no_longer_offers_blocks_and_says_why(page):
    page.evaluate("given => tests.mount(given)", given("places_cascade"))
    for step in [("province", "Bali"), ("regency", "Denpasar"), ("province", "Bangka Belitung")]:
        do(page, step)
    expect(question(page, "/regency").get_by_text("tidak ada dalam daftar")).to_be_visible()
    expect(question(page, "/regency")).to_have_attribute("data-blocks", "true")
    do(page, ("regency", "Bangka Tengah"))
    expect(question(page, "/regency")).not_to_have_attribute("data-blocks", "true")


def test_a_value_that_is_drawn_once_stays_the_same(page):
    page.evaluate("given => tests.mount(given)", given("baseline_defaults"))
    do(page, ("village", "Rias"))
    draft = flush(page)
    lot = draft["instance"]["filling"]["kept"]["e/lot"]
    page.evaluate("mounted.unmount()")
    page.evaluate("given => tests.mount(given)", given("baseline_defaults") | {"draft": draft, "keepHost": True})
    do(page, ("village", "Toboali"))
    assert lot != "" and flush(page)["instance"]["filling"]["kept"]["e/lot"] == lot
