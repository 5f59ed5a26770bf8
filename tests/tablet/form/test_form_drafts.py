"""Drafts: every change saved at once, a dark tablet loses a keystroke at most, the officer comes back to his place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from form_page import NOBODY, answers, field, flush, meet, member, question, reopen, section
from form_world import household, person, request_of
from playwright.sync_api import expect

from field_forms.built import source_folder
from field_forms.compile import compile_form
from field_forms.sheet import Sheet, SheetRow, read_sheet

SAVED_WITHIN_MS = 100


def test_each_keystroke_is_on_the_disk_within_a_tenth_of_a_second(page, mount):
    mount(page, shown=household(5))
    meet(page)
    section(page, "C. Keluarga")
    page.evaluate("""() => {
      globalThis.late = [];
      const save = host.saveDraft.bind(host);
      host.saveDraft = async (draft) => {
        await save(draft);
        const typed = draft.instance.filling.typed['h/address'] ?? draft.instance.filling.answers['h/address']?.value;
        late.push([typed, performance.now()]);
      };
      document.addEventListener('input', (event) => {
        if (event.target.matches('[data-path="h/address"] input')) {
          (globalThis.keys ??= []).push([event.target.value, performance.now()]);
        }
      }, {capture: true});
    }""")
    field(page, "/address").fill("")
    field(page, "/address").press_sequentially("Jl. Mawar", delay=30)
    page.wait_for_timeout(SAVED_WITHIN_MS)
    late = page.evaluate("late")
    keys = page.evaluate("keys")
    assert keys[-1][0] == "Jl. Mawar"
    for text, at in keys:
        saved = next(when for typed, when in late if when >= at and len(typed) >= len(text))
        assert saved - at < SAVED_WITHIN_MS, text


def test_what_was_typed_when_the_tablet_went_dark_is_there_again(page, tablet, mount, visit):
    mount(page, shown=household(1))
    meet(page)
    section(page, "C. Keluarga")
    field(page, "/address").fill("")
    field(page, "/address").press_sequentially("Jl. Anggre")
    field(page, "/head_name").focus()
    section(page, "A. Kunjungan")
    field(page, "/visit_date").fill("2")
    field(page, "/visit_date").press_sequentially("8-0")
    draft = page.evaluate("new Promise((done) => setTimeout(() => done(host.draft)))")
    page.close()
    again = tablet()
    again.evaluate("given => tests.mount(given)", request_of(visit, draft=draft, shown=household(1)))
    assert field(again, "/visit_date").input_value() == "28-0"
    section(again, "C. Keluarga")
    assert field(again, "/address").input_value() == "Jl. Anggre"
    assert answers(again)["h/address"] == {"value": "Jl. Anggre"}


def test_reopening_puts_the_officer_where_he_was(page, mount, visit):
    mount(page, shown=household(5))
    meet(page)
    member(page, "Siti Aminah")
    page.evaluate("scrollTo(0, 900)")
    page.wait_for_timeout(100)
    field(page, "/birth_place").fill("Toboali")
    page.wait_for_timeout(200)  # the browser tells of a scroll a frame later
    scroll = page.evaluate("scrollY")
    flush(page)
    reopen(page, visit, shown=household(5))
    expect(page.get_by_role("heading", name="Siti Aminah")).to_be_visible()
    page.wait_for_function("wanted => Math.abs(scrollY - wanted) < 5", arg=scroll, timeout=5_000)
    assert page.evaluate("host.draft.place.rows") == [f"p/{person(1)}"]


def test_a_place_that_is_gone_leads_to_the_first_page(page, mount, visit):
    mount(page, shown=household(1))
    draft = flush(page) if page.evaluate("host.draft") else None
    meet(page)
    draft = flush(page)
    draft["place"] = {"page": 99, "rows": ["p/nobody"], "scroll": 12}
    page.evaluate("mounted.unmount()")
    page.evaluate("given => tests.mount(given)", request_of(visit, draft=draft, shown=household(1)))
    expect(page.get_by_role("heading", name="A. Kunjungan")).to_be_visible()


def test_a_slow_disk_is_not_flooded_and_gets_the_last_word(page, mount):
    mount(page, shown=household(1))
    page.evaluate("void (host.delayMs = 150)")
    field(page, "/visit_no").fill("")
    field(page, "/visit_no").press_sequentially("123456789", delay=15)
    page.get_by_text(NOBODY).click()
    draft = flush(page)
    assert draft["instance"]["filling"]["answers"]["h/visit_no"] == {"value": 123456789}
    assert page.evaluate("host.saves") < 8


def test_a_full_tablet_is_said_and_the_next_save_takes_everything(page, mount):
    mount(page, shown=household(1))
    page.evaluate("void (host.full = 'Memori tablet penuh')")
    page.get_by_text(NOBODY).click()
    field(page, "/outcome_note").fill("Rumah kosong")
    page.get_by_role("alert").get_by_text("Memori tablet penuh").wait_for()
    page.evaluate("void (host.full = null)")
    field(page, "/outcome_note").press_sequentially(".")
    assert answers(page)["h/outcome_note"] == {"value": "Rumah kosong."}
    page.get_by_role("alert").wait_for(state="detached")


def test_the_shell_can_have_everything_saved_before_it_locks(page, mount):
    mount(page, shown=household(1))
    page.get_by_text(NOBODY).click()
    field(page, "/outcome_note").press_sequentially("Kosong sekali")
    draft = page.evaluate("mounted.flush().then(() => host.draft)")
    assert draft["instance"]["filling"]["answers"]["h/outcome_note"] == {"value": "Kosong sekali"}
    assert draft["instance"]["filling"]["typed"] == {}


def test_a_prepared_form_is_opened_once_and_only_for_its_own_request(page, visit):
    given = request_of(visit, shown=household(2))
    same = """async (given) => {
      const request = tests.requestOf(given);
      await tests.form.prepareForm(request);
      const begun = performance.now();
      await tests.mount(given);
      return performance.now() - begun;
    }"""
    prepared = page.evaluate(same, given)
    expect(page.get_by_role("heading", name="Budi Santoso")).to_be_visible()
    page.evaluate("mounted.unmount()")
    other = request_of(visit, shown=household(2, head_name="Rina"))
    page.evaluate("given => tests.form.prepareForm(tests.requestOf(given))", given)
    page.evaluate("given => tests.mount(given)", other)
    expect(page.get_by_role("heading", name="Rina")).to_be_visible()
    assert prepared < 400


def newer(visit: Any) -> Any:
    """The visit form, a version on: RT has another name, and one question is not asked any more."""
    sheet = read_sheet(source_folder("verifikasi_keluarga"))
    rows = []
    for row in sheet.survey:
        name = row["name"]
        if name == "rt":
            row = SheetRow(row.number, {**row.cells, "name": "rt_number", "aliases": "rt"})
        if name == "rw":
            row = SheetRow(row.number, {**row.cells, "relevant": "false()"})
        rows.append(row)
    settings = (SheetRow(2, {**sheet.settings[0].cells, "version": "2026112199"}),)
    made = Sheet(sheet.source, tuple(rows), sheet.choices, settings, sheet.columns)
    return compile_form(made, [visit.definition])


def test_a_draft_of_an_older_version_opens_on_the_new_one_with_its_answers(page, mount, visit):
    mount(page, shown=household(1))
    meet(page)
    section(page, "C. Keluarga")
    field(page, "/rt").fill("12")
    field(page, "/rw").fill("9")
    flush(page)
    compiled = newer(visit)
    reopen(page, compiled, shown=household(1))
    section(page, "A. Kunjungan")
    expect(page.get_by_text("dimulai pada versi lama")).to_be_visible()
    section(page, "C. Keluarga")
    assert field(page, "/rt_number").input_value() == "12" and question(page, "/rw").count() == 0
    draft = flush(page)
    assert draft["formVersion"] == "2026112199"
    assert draft["instance"]["filling"]["answers"]["h/rw"] == {"value": "9"}, "kept, though not asked"
    said = page.evaluate("draft => tests.fill({request: {...request, now: undefined, draft}})", draft)
    asserted = said["sealed"]["parts"][0]["assertions"]
    assert asserted["rt_number"]["value"] == "12" and "rw" not in asserted and "rt" not in asserted


def test_an_older_version_that_is_still_there_is_opened_as_it_was(page, mount, visit):
    mount(page, shown=household(1))
    meet(page)
    flush(page)
    old = replace(visit)
    reopen(page, old, shown=household(1))
    assert page.get_by_text("versi lama").count() == 0
