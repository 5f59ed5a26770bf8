"""First steps: the link of the QR, codes that do not work, a lost answer, two officers on one tablet, a second tab."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Route, expect
from tablet_world import SECOND_VILLAGE, VILLAGE, Campaign
from walk import Officer


def test_the_link_of_the_qr_begins_the_enrolment_and_leaves_the_address(
    campaign: Campaign, officer: Callable[..., Officer]
) -> None:
    psm = officer()
    page = psm.start(f"/tablet/#enrol={campaign.code().replace('-', '')}")
    psm.choose_pin()
    psm.press("Mulai bekerja")
    psm.heading("Daftar keluarga")
    assert page.url == f"{campaign.url}/tablet/"
    assert psm.evaluate("history.length") < 10 and "enrol" not in psm.evaluate("JSON.stringify(history.state)")


def test_codes_that_do_not_work_are_told_and_another_one_can_be_typed(
    campaign: Campaign, officer: Callable[..., Officer]
) -> None:
    psm = officer()
    page = psm.start()
    page.fill("#code", "ABCD")
    psm.press("Lanjut")
    psm.text("Kode belum lengkap")
    page.fill("#code", "OOOO-1111-IIII-LLLL")
    psm.press("Lanjut")
    psm.text("tidak dipakai dalam kode")
    page.fill("#code", "AAAA-BBBB-CCCC-DDDD")
    psm.press("Lanjut")
    page.fill("#pin", "123456")
    page.fill("#pin-again", "123456")
    psm.press("Pakai PIN ini")
    psm.text("Angka berurutan mudah ditebak")
    psm.choose_pin()
    psm.text("tidak dikenal server")
    page.fill("#code", campaign.code())
    psm.press("Lanjut")
    psm.press("Mulai bekerja")
    psm.heading("Daftar keluarga")


def test_an_enrolment_whose_answer_was_lost_is_tried_again_with_the_same_code(
    campaign: Campaign, officer: Callable[..., Officer]
) -> None:
    psm = officer()
    page = psm.start()
    lost = []

    def lose(route: Route) -> None:
        if not lost:
            lost.append(route.fetch())
            route.abort()
        else:
            route.continue_()

    page.route("**/v1/enrol", lose)
    page.fill("#code", campaign.code("hilang", name="Hilang"))
    psm.press("Lanjut")
    psm.choose_pin()
    psm.text("Pendaftaran perlu jaringan sebentar")
    assert lost[0].status == 200
    psm.press("Coba lagi")
    psm.press("Mulai bekerja")
    psm.heading("Daftar keluarga")


def test_a_tablet_switched_off_before_it_was_enrolled_goes_on_where_it_was(
    campaign: Campaign, officer: Callable[..., Officer]
) -> None:
    psm = officer()
    page = psm.start()
    page.route("**/v1/enrol", lambda route: route.abort())
    code = campaign.code()
    page.fill("#code", code)
    psm.press("Lanjut")
    psm.choose_pin()
    psm.text("Pendaftaran perlu jaringan sebentar")
    psm.tablet.kill()
    page = psm.start()
    page.fill("#pin", "482915")
    psm.press("Buka")
    page.fill("#code", code)
    psm.press("Lanjut")
    psm.press("Mulai bekerja")
    psm.heading("Daftar keluarga")


def test_two_officers_share_a_tablet_and_see_nothing_of_each_other(
    campaign: Campaign, officer: Callable[..., Officer]
) -> None:
    both = officer()
    campaign.code("ani", [VILLAGE], "Ani")
    campaign.assign("ani", [1])
    both.enrol(campaign.code("ani", [VILLAGE], "Ani"))
    both.visit("ZULKIFLI", address="JL. MILIK ANI 5")
    both.lock()
    both.press("Petugas lain")
    campaign.code("tono", [SECOND_VILLAGE], "Tono")
    campaign.assign("tono", [10])
    both.enter_code(campaign.code("tono", [SECOND_VILLAGE], "Tono"), "550817")
    assert "SLAMET" in both.page.locator("main").inner_text()
    assert "ZULKIFLI" not in both.page.locator("main").inner_text()
    both.tab("Formulir")
    both.text("Belum ada formulir yang disegel")

    both.again("550817")
    both.lock()
    both.page.get_by_label("ani").check()
    both.text("1 formulir di tablet ini belum sampai")
    both.unlock()
    both.open_family("ZULKIFLI")
    both.text("JL. MILIK ANI 5")
    both.sync()
    assert both.numbers() == (0, 1, 0)


def test_only_one_tab_works_at_a_time(campaign: Campaign, officer: Callable[..., Officer]) -> None:
    psm = officer()
    first = psm.enrol(campaign.code())
    psm.open_form("HAMDANI")
    psm.fill(note="di tab pertama")
    second = psm.tablet.context.new_page()
    second.goto(campaign.url + "/tablet/")
    second.get_by_role("heading", name="Padan sedang terbuka di tab lain").wait_for()
    second.get_by_role("button", name="Pakai di sini").click()
    first.get_by_text("Padan dipakai di tab lain sekarang").wait_for()
    second.fill("#pin", "482915")
    second.get_by_role("button", name="Buka", exact=True).click()
    psm.tablet.page = second
    psm.heading("Daftar keluarga")
    psm.open_form("HAMDANI")
    expect(second.locator("#q-note")).to_have_value("di tab pertama")


def test_training_is_kept_apart_and_nothing_of_it_is_sent(campaign: Campaign, officer: Callable[..., Officer]) -> None:
    psm = officer()
    psm.enrol(campaign.code())
    before = len(campaign.submissions())
    psm.tab("Menu")
    psm.press("Latihan")
    psm.press("Mulai latihan")
    psm.text("LATIHAN: tidak ada yang dikirim ke server")
    psm.visit("CONTOH HASAN", address="JL. LATIHAN SAJA")
    asked: list[str] = []
    psm.page.on("request", lambda request: asked.append(request.url))
    psm.sync()
    assert psm.numbers() == (0, 1, 0)
    psm.sync()
    assert psm.numbers() == (0, 0, 1)
    assert [url for url in asked if "/v1/" in url] == []
    psm.tab("Menu")
    psm.press("Akhiri latihan")
    psm.press("Akhiri latihan")
    psm.heading("Daftar keluarga")
    assert "CONTOH" not in psm.page.locator("main").inner_text()
    psm.sync()
    assert psm.numbers() == (0, 0, 0)
    assert len(campaign.submissions()) == before
