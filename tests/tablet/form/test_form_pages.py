"""The pages of a form as an officer uses them: answers, members, warnings, the check at the end, sealing."""

from __future__ import annotations

import pytest
from form_page import MET, NOBODY, answer_ending, answers, field, flush, meet, member, question, reopen, said, section
from form_world import HOUSEHOLD, household, person
from playwright.sync_api import expect

from field_forms.client.filling import Filled
from schemas.canonical import canonical_bytes
from schemas.event import Part

NIK = "1903016008820002"


def test_only_what_is_on_the_page_is_drawn(page, mount):
    mount(page, shown=household(15))
    meet(page)
    member(page, "Siti Aminah")
    paths = page.evaluate("[...document.querySelectorAll('[data-path]')].map((each) => each.dataset.path)")
    assert {path.rsplit("/", 1)[0] for path in paths} == {f"p/{person(1)}"}
    assert page.evaluate("document.querySelectorAll('*').length") < 1_500


def test_texts_numbers_and_dates_are_read_as_they_are_typed(page, mount):
    mount(page, shown=household(1))
    meet(page)
    section(page, "C. Keluarga")
    field(page, "/rt").fill("7")
    section(page, "D. Perumahan")
    field(page, "/floor_area_m2").fill("36")
    field(page, "/floor_area_m2").blur()
    member(page, "Budi Santoso")
    field(page, "/birth_date").fill("")
    field(page, "/birth_date").press_sequentially("31121990")
    assert field(page, "/birth_date").input_value() == "31-12-1990"
    field(page, "/birth_date").blur()
    page.get_by_text("31 Desember 1990, umur 35 tahun").wait_for()
    found = answers(page)
    assert found["h/rt"] == {"value": "7"} and found["h/floor_area_m2"] == {"value": 36}
    assert found[f"p/{person(0)}/birth_date"] == {"value": "1990-12-31"}


def test_a_date_that_is_none_is_kept_as_typed_said_and_blocks(page, mount):
    mount(page, shown=household(1))
    field(page, "/visit_date").fill("31-02-2026")
    assert said(page, "/visit_date") == "", "nothing is said while it is typed"
    field(page, "/visit_date").blur()
    assert "kalender" in said(page, "/visit_date")
    assert flush(page)["instance"]["filling"]["typed"] == {"h/visit_date": "31-02-2026"}
    field(page, "/visit_date").fill("28-02-2026")
    field(page, "/visit_date").blur()
    assert said(page, "/visit_date") == "" and answer_ending(page, "/visit_date") == {"value": "2026-02-28"}


def test_an_untouched_prefilled_answer_asserts_nothing_and_a_confirmed_one_does(page, mount, visit):
    shown = household(2)
    mount(page, shown=shown)
    meet(page)
    member(page, "Siti Aminah")
    expect(question(page, "/m_name").get_by_text("dari data sebelumnya")).to_be_visible()
    question(page, "/nik_status").get_by_role("button", name="Masih sama").click()
    expect(question(page, "/m_name").get_by_text("dipastikan")).to_be_visible()
    parts = page.evaluate(
        "draft => tests.fill({request: {...request, now: undefined, draft}})", flush(page)
    )["sealed"]["parts"]  # fmt: skip
    asserted = {part["name"]: part["assertions"] for part in parts}
    siti = asserted[f"p/{person(1)}"]
    assert siti["nik"] == {"value": NIK, "evidence": 3} and siti["m_name"]["evidence"] == 3
    assert "relation" not in siti and "birth_date" not in siti
    assert f"p/{person(0)}" not in asserted


def test_tapping_the_same_evidence_again_confirms_as_well(page, mount):
    mount(page, shown=household(1))
    meet(page)
    member(page, "Budi Santoso")
    question(page, "/nik_status").locator("input:checked").click()
    assert answer_ending(page, "/nik_status") == {"value": "1"}
    expect(question(page, "/nik").get_by_text("dipastikan")).to_be_visible()


def test_emptying_a_prefilled_answer_says_cleared_and_any_other_says_nothing(page, mount):
    mount(page, shown=household(1))
    meet(page)
    section(page, "C. Keluarga")
    field(page, "/rw").fill("")
    field(page, "/rw").blur()
    assert answer_ending(page, "h/rw") == {"state": "cleared"}
    question(page, "/rw").get_by_role("button", name="Batalkan perubahan").click()
    assert answer_ending(page, "h/rw") is None and field(page, "/rw").input_value() == "001"
    section(page, "B. Pemberitahuan")
    question(page, "/notice_ack").get_by_text("Ya").click()
    field(page, "/resp_name").fill("Siti")
    field(page, "/resp_name").fill("")
    field(page, "/resp_name").blur()
    assert answer_ending(page, "/resp_name") is None


STATES = {
    "Menolak menjawab": "declined", "Tidak tahu": "unknown", "Tidak berlaku": "not_applicable",
    "Dikosongkan": "cleared",
}  # fmt: skip


@pytest.mark.parametrize(("words", "state"), STATES.items())
def test_a_state_instead_of_an_answer_can_be_chosen_and_taken_back(page, mount, words, state):
    mount(page, shown=household(1))
    meet(page)
    section(page, "C. Keluarga")
    question(page, "/address").get_by_role("button", name="Pilihan lain").click()
    question(page, "/address").get_by_role("button", name=words).click()
    assert answer_ending(page, "h/address") == {"state": state}
    question(page, "/address").get_by_role("button", name="Batalkan perubahan").click()
    assert answer_ending(page, "h/address") is None


def test_a_choice_that_stands_alone_puts_the_others_out(page, mount):
    mount(page, shown=household(1))
    meet(page)
    member(page, "Budi Santoso")
    docs = question(page, "/id_docs")
    docs.get_by_text("KTP", exact=False).first.click()
    docs.get_by_text("Tidak memiliki").click()
    assert answer_ending(page, "/id_docs") == {"value": ["0"]}
    docs.get_by_text("KTP", exact=False).first.click()
    assert "0" not in answer_ending(page, "/id_docs")["value"]


def test_members_are_cards_and_a_new_one_can_be_added_and_taken_out(page, mount):
    mount(page, shown=household(5))
    meet(page)
    section(page, "E. Anggota keluarga")
    cards = page.locator(".pf-card")
    assert cards.count() == 5 and "Istri/suami · umur 44 tahun" in cards.nth(1).inner_text()
    page.get_by_role("button", name="Tambah anggota").click()
    field(page, "/m_name").fill("Bayi")
    page.get_by_role("button", name="Selesai").click()
    assert cards.count() == 6 and "baru" in cards.nth(5).inner_text()
    page.get_by_role("button", name="Bayi").click()
    page.get_by_role("button", name="Hapus dari formulir").click()
    page.get_by_role("dialog").get_by_role("button", name="Hapus dari formulir").click()
    assert cards.count() == 5 and not [path for path in answers(page) if path.endswith("m_name")]
    page.get_by_role("button", name="Siti Aminah").click()
    assert page.get_by_role("button", name="Hapus dari formulir").count() == 0, (
        "who is on record stays: say where he is"
    )


def test_members_who_left_and_members_of_another_origin_are_told_apart(page, mount):
    shown = household(3)
    shown["data"]["persons"][1]["fields"]["presence"] = {"value": "2"}
    shown["data"]["persons"][2]["key"] = person(2, "22222222-2222-4222-8222-222222222222")
    moved = dict(shown["data"]["persons"][0], key=person(8), moved_to="33333333-3333-4333-8333-333333333333")
    shown["data"]["persons"].append(moved)
    mount(page, shown=shown)
    meet(page)
    section(page, "E. Anggota keluarga")
    cards = page.locator(".pf-card")
    assert cards.count() == 3
    assert "meninggal" in cards.nth(1).inner_text()
    assert "tercatat semula di keluarga lain" in cards.nth(2).inner_text()
    page.get_by_role("button", name="Putri Ayu").click()
    field(page, "/m_name").fill("Putri Ayu Lestari")
    assert (
        answers(page)[f"p/{person(2, '22222222-2222-4222-8222-222222222222')}/m_name"]["value"] == "Putri Ayu Lestari"
    )


def test_a_nik_that_disagrees_is_warned_of_and_lets_go_on(page, mount):
    mount(page, shown=household(2), districts=["190301", "317101"])
    meet(page)
    member(page, "Siti Aminah")
    for nik, words in (
        ("1903016108820002", "tidak cocok dengan tanggal lahir"),
        ("1903012008820002", "tidak cocok dengan jenis kelamin"),
        ("9903016008820002", "bukan kode kecamatan"),
        ("3171016008820002", "kabupaten/kota lain"),
        ("1903011203780001", "juga ditulis pada Budi Santoso"),
        ("190301600882", "tidak lazim"),
    ):
        field(page, "/nik").fill(nik)
        field(page, "/nik").blur()
        assert words in said(page, "/nik"), nik
        assert question(page, "/nik").get_attribute("data-blocks") is None
        assert answer_ending(page, "/nik") == {"value": nik}
    field(page, "/birth_date").fill("20-08-1899")
    field(page, "/birth_date").blur()
    assert "1900" in said(page, "/birth_date"), "this one is a rule of the form and blocks"
    field(page, "/birth_date").fill("20-08-1910")
    field(page, "/birth_date").blur()
    assert "lebih dari 100 tahun" in said(page, "/birth_date")


def test_a_nik_of_two_members_is_said_at_both(page, mount):
    mount(page, shown=household(2))
    meet(page)
    member(page, "Siti Aminah")
    field(page, "/nik").fill("1903011203780001")
    field(page, "/nik").blur()
    page.get_by_role("button", name="Ke daftar").click()
    page.get_by_role("button", name="Budi Santoso").click()
    assert "juga ditulis pada Siti Aminah" in said(page, "/nik")


def test_the_line_of_a_remark_does_not_move_the_next_question(page, mount):
    mount(page, shown=household(1))
    meet(page)
    member(page, "Budi Santoso")
    place = "(path) => document.querySelector(`[data-path$='${path}']`).getBoundingClientRect().top + scrollY"
    before = page.evaluate(place, "/sex")
    field(page, "/nik").fill("190301600882")
    field(page, "/nik").blur()
    assert said(page, "/nik") != ""
    assert page.evaluate(place, "/sex") == before
    field(page, "/nik").fill("1903016108820002")
    field(page, "/nik").blur()
    assert "jenis kelamin" in said(page, "/nik") and page.evaluate(place, "/sex") == before


def test_both_languages_can_be_switched_and_answers_stay(page, mount):
    mount(page, shown=household(1))
    field(page, "/visit_no").fill("2")
    page.get_by_role("button", name="Bahasa: English").click()
    expect(page.get_by_text("Visit outcome")).to_be_visible()
    expect(page.get_by_role("button", name="Next")).to_be_visible()
    assert field(page, "/visit_no").input_value() == "2"
    page.get_by_text("Found, form complete").click() if page.get_by_text("Found, form complete").count() else None
    page.get_by_role("button", name="Language: Bahasa Indonesia").click()
    expect(page.get_by_text("Hasil kunjungan")).to_be_visible()
    english, indonesian = page.evaluate("[tests.WORDS.en, tests.WORDS.id]")
    assert english.keys() == indonesian.keys()
    assert english["remarks"].keys() == indonesian["remarks"].keys()


def test_a_required_question_is_not_reproached_before_the_officer_was_there(page, mount):
    mount(page, shown=household(0))
    page.get_by_text(NOBODY).click()
    assert said(page, "/outcome_note") == ""
    field(page, "/outcome_note").focus()
    field(page, "/outcome_note").blur()
    assert said(page, "/outcome_note") == "Wajib diisi"


def test_the_list_of_errors_jumps_to_each_and_sealing_waits_for_them(page, mount):
    mount(page, shown=household(2))
    meet(page)
    page.get_by_role("button", name="Daftar bagian").click()
    page.get_by_role("button", name="Periksa dan segel").click()
    assert page.get_by_role("button", name="Belum dapat disegel").is_disabled()
    lines = page.locator(".pf-line").filter(has_text="Wajib diisi")
    assert lines.count() > 50
    for heading, label in (("Siti Aminah", "Dokumen identitas"), ("D. Perumahan", "Jenis dinding")):
        group = page.locator("section div").filter(has=page.get_by_role("heading", name=heading))
        group.get_by_role("button", name=label).first.click()
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        focused = page.evaluate("document.activeElement.closest('[data-path]').innerText")
        assert label in focused and "Wajib diisi" in focused
        page.get_by_role("button", name="Daftar bagian").click()
        page.get_by_role("button", name="Periksa dan segel").click()


def test_what_is_sealed_is_what_python_would_seal(page, mount, visit):
    shown = household(2)
    mount(page, shown=shown)
    page.get_by_text(NOBODY).click()
    field(page, "/outcome_note").fill("Rumah kosong, tetangga tidak tahu")
    field(page, "/revisit_date").fill("01-12-2026")
    page.get_by_role("button", name="Daftar bagian").click()
    page.get_by_role("button", name="Periksa dan segel").click()
    found = answers(page)
    page.get_by_role("button", name="Segel formulir").click()
    page.wait_for_function("() => host.sealed")
    sealed = page.evaluate("host.sealed")
    prefill = {f"h/{name}": cell for name, cell in shown["data"]["household"].items()}
    for each in shown["data"]["persons"]:
        prefill |= {f"p/{each['key']}/{name}": cell for name, cell in each["fields"].items()}
    filled = Filled(visit.definition, found, prefill, [person(0), person(1)], "2026-11-21")
    assert [remark for remark in filled.remarks() if remark.blocks] == []
    parts = [
        canonical_bytes({"name": name, **Part(name, each).content()}) for name, each in filled.assertions().items()
    ]
    assert [canonical_bytes(part) for part in sealed["parts"]] == parts
    assert sealed["kind"] == "submission" and sealed["area"] == "19.03.01.1001" and sealed["also"] == []
    assert page.evaluate("[host.closed, host.draft]") == [1, None]


def test_a_shell_that_cannot_seal_says_why_and_nothing_is_lost(page, mount):
    mount(page, shown=household(0))
    page.get_by_text(NOBODY).click()
    field(page, "/outcome_note").fill("Rumah kosong")
    field(page, "/revisit_date").fill("01-12-2026")
    page.get_by_role("button", name="Daftar bagian").click()
    page.get_by_role("button", name="Periksa dan segel").click()
    page.evaluate("void (host.seal = () => Promise.reject(new Error('Memori tablet penuh')))")
    page.get_by_role("button", name="Segel formulir").click()
    page.get_by_role("alert").get_by_text("Memori tablet penuh").wait_for()
    assert answer_ending(page, "/outcome_note") == {"value": "Rumah kosong"} and page.evaluate("host.closed") == 0


def test_a_new_form_that_corrects_a_sent_one_names_it_where_something_changed(page, mount):
    ref = "a" * 32
    corrects = {"h/address": ref, "h/rt": ref, "h/visit_outcome": ref}
    mount(page, shown=household(1), corrects=corrects)
    meet(page)
    section(page, "C. Keluarga")
    field(page, "/address").fill("Jl. Melati 2")
    draft = flush(page)
    said_now = page.evaluate("draft => tests.fill({request: {...request, now: undefined, draft}})", draft)
    asserted = said_now["sealed"]["parts"][0]["assertions"]
    assert asserted["address"]["corrects"] == ref and asserted["visit_outcome"]["corrects"] == ref
    assert "corrects" not in asserted["rt"], "said along with its unit, but not changed"
    assert draft["context"] == page.evaluate("request.fixed.context")


def test_comments_of_a_return_stand_at_their_questions_and_in_a_list_that_jumps(page, mount):
    comments = [
        {"path": "h/address", "text": "Alamat kurang lengkap", "by": "pengawas1"},
        {"path": f"p/{person(1)}/nik", "text": "NIK periksa lagi"},
        {"path": "h/nothing", "text": "Tidak ada pertanyaannya"},
    ]
    mount(page, shown=household(2), comments=comments, returned={"note": "Mohon dilengkapi", "due": "2026-12-01"})
    assert (
        page.get_by_text("Mohon dilengkapi").is_visible()
        and page.get_by_text("Perbaiki sebelum 01-12-2026").is_visible()
    )
    meet(page)
    page.get_by_role("button", name="Daftar bagian").click()
    page.get_by_role("button", name="NIK periksa lagi").click()
    expect(page.get_by_role("heading", name="Siti Aminah")).to_be_visible()
    assert "NIK periksa lagi" in question(page, "/nik").inner_text()
    section(page, "C. Keluarga")
    assert "Catatan pengawas (pengawas1): Alamat kurang lengkap" in question(page, "/address").inner_text()
    section(page, "E. Anggota keluarga")
    assert "1 catatan pengawas" in page.locator(".pf-card").nth(1).inner_text()
    page.get_by_role("button", name="Daftar bagian").click()
    expect(page.get_by_text("Pertanyaannya tidak ada dalam formulir ini")).to_be_visible()


def test_progress_grows_with_the_required_answers(page, mount):
    mount(page, shown=household(0))
    before = page.locator("progress").get_attribute("aria-label")
    page.get_by_text(NOBODY).click()
    field(page, "/outcome_note").fill("Rumah kosong")
    page.wait_for_function("before => document.querySelector('progress').ariaLabel !== before", arg=before)
    summary = flush(page)["summary"]
    assert summary["name"] == "Budi Santoso" and 0 < summary["done"] < summary["total"] and summary["errors"] == 1


def test_a_form_can_be_thrown_away_on_the_officers_word_only(page, mount):
    mount(page, shown=household(0))
    page.get_by_text(MET).click()
    page.get_by_role("button", name="Daftar bagian").click()
    page.get_by_role("button", name="Buang isian ini").click()
    page.get_by_role("button", name="Batal").click()
    assert page.evaluate("host.discarded") == 0
    page.get_by_role("button", name="Buang isian ini").click()
    page.get_by_role("button", name="Ya, buang").click()
    page.wait_for_function("() => host.discarded === 1")
    assert page.evaluate("host.draft") is None


def test_nothing_that_is_typed_is_left_to_the_browser(page, mount, visit):
    mount(page, shown=household(2))
    meet(page)
    member(page, "Siti Aminah")
    kept = page.evaluate("""() => [...document.querySelectorAll('input, textarea, select')].filter(
      (each) => each.autocomplete !== 'off' || (each.type === 'text' && each.spellcheck)
    ).map((each) => each.outerHTML)""")
    assert kept == []
    assert page.evaluate("[localStorage.length, sessionStorage.length, document.title, location.hash]") == [
        0,
        0,
        "Padan",
        "",
    ]
    reopen(page, visit, shown=household(2))
    assert HOUSEHOLD not in page.url
