"""What goes wrong in the field: dates, copies, full tablets, restored servers, revoked tablets. Nothing is lost."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tablet_world import SECOND_VILLAGE, VILLAGE, Campaign
from walk import Officer

from field_forms.built import source_folder
from field_forms.publish import prepare_file
from server.clock import SystemClock
from server.flows import people
from server.flows.publish_form import publish_form
from server.store import devices
from server.store.identity import set_setting

YEARS_MS = 2 * 365 * 86_400_000
SHIFTED = """
const RealDate = Date;
window.Date = class extends RealDate {
  constructor(...given) { if (given.length === 0) super(RealDate.now() + OFF); else super(...given); }
  static now() { return RealDate.now() + OFF; }
};
"""


@pytest.mark.parametrize(("off_ms", "words"), [(-YEARS_MS, "730 hari"), (YEARS_MS, "730 hari")])
def test_a_clock_that_is_two_years_off_loses_nothing(
    campaign: Campaign, officer: Callable[..., Officer], off_ms: int, words: str
) -> None:
    name, family = ("lalu", 0) if off_ms < 0 else ("depan", 2)
    psm = officer()
    psm.script += SHIFTED.replace("OFF", str(off_ms))
    psm.enrol(campaign.code(name, name=name.title()))
    campaign.assign(name, [family])
    psm.sync()
    psm.tab("Daftar")
    psm.text(f"Tanggal tablet meleset {words}")
    psm.visit("SUMARDI" if family == 0 else "HAMDANI", address=f"JL. JAM {name.upper()}")
    psm.sync()
    assert campaign.record(family)["data"]["household"]["address"]["value"] == f"JL. JAM {name.upper()}"
    (head,) = [each for each in campaign.submissions() if each["actor"] == name]
    this_year = str(SystemClock().now_ms() // 31_556_952_000 + 1970)
    assert head["not_before"].startswith(this_year), "the server's time, not the tablet's"


def test_a_copied_tablet_is_noticed_and_both_go_on(
    campaign: Campaign, officer: Callable[..., Officer], tmp_path: Path
) -> None:
    psm = officer()
    psm.enrol(campaign.code("kembar", name="Kembar"))
    campaign.assign("kembar", [1, 3])
    psm.sync()
    psm.tablet.close()
    copy = officer()
    copy.tablet = psm.tablet.copy_to(tmp_path / "copy")
    for each, family, address in ((psm, "ZULKIFLI", "JL. ASLI 1"), (copy, "BONG KIM FO", "JL. SALINAN 2")):
        each.start()
        each.unlock()
        each.visit(family, address=address)
    psm.sync()
    said = copy.sync()
    assert "Ada tablet lain yang memakai salinan Padan ini" in said
    assert campaign.record(1)["data"]["household"]["address"]["value"] == "JL. ASLI 1"
    assert campaign.record(3)["data"]["household"]["address"]["value"] == "JL. SALINAN 2"
    copy.press("Masukkan kode baru")
    copy.page.fill("#code", campaign.code("kembar", name="Kembar"))
    copy.press("Lanjut")
    copy.text("Tablet sudah didaftarkan ulang")
    with campaign.open() as store:
        assert len(devices.installs(store.db, "kembar")) == 2
    copy.visit("BONG KIM FO", address="JL. SALINAN 3")
    assert "salinan Padan" not in copy.sync()
    assert campaign.record(3)["data"]["household"]["address"]["value"] == "JL. SALINAN 3"


def test_a_full_tablet_says_so_and_keeps_what_it_has(campaign: Campaign, officer: Callable[..., Officer]) -> None:
    psm = officer()
    psm.enrol(campaign.code())
    psm.open_form("RUSLI")
    psm.fill(address="JL. SEBELUM PENUH 1")
    psm.page.wait_for_timeout(300)
    used = psm.evaluate("navigator.storage.estimate().then((each) => each.usage)")
    psm.tablet.close()
    psm.start()
    devtools = psm.tablet.devtools()
    devtools.send("Storage.overrideQuotaForOrigin", {"origin": campaign.url, "quotaSize": used + 30_000})
    psm.unlock()
    psm.open_form("RUSLI")
    psm.press("Foto")
    psm.text("Memori tablet penuh")
    psm.press("Segel")
    psm.page.wait_for_timeout(300)
    psm.text("Memori tablet penuh")
    expect(psm.page.locator("#q-address")).to_have_value("JL. SEBELUM PENUH 1")
    psm.press("Kembali")
    psm.tab("Daftar")
    psm.text("Memori tablet hampir penuh")
    psm.again()
    psm.open_form("RUSLI")
    expect(psm.page.locator("#q-address")).to_have_value("JL. SEBELUM PENUH 1")
    psm.seal()
    psm.text("di tablet ini saja")


def test_a_server_restored_from_an_older_copy_gets_everything_back(
    standin: Path, officer: Callable[..., Officer], tmp_path: Path
) -> None:
    campaign = Campaign(tmp_path / "campaign", standin)
    campaign.code()
    campaign.assign()
    campaign.start()
    try:
        psm = officer()
        psm.campaign, psm.tablet.url = campaign, campaign.url
        psm.enrol(campaign.code())
        psm.visit("SUMARDI", address="JL. SEBELUM CADANGAN")
        psm.sync()
        older = campaign.copy_database()
        psm.visit("ZULKIFLI", address="JL. SESUDAH CADANGAN")
        psm.sync()
        campaign.return_with(1, {"h/rt": "RT berapa?"})
        psm.sync()
        campaign.kill()
        campaign.restore(older)
        campaign.start()
        assert campaign.record(1)["data"]["household"]["address"]["value"] == "JL. MELATI 2", "the copy is older"
        said = psm.sync()
        assert "Server dipasang ulang dari cadangan" in said
        assert psm.numbers() == (0, 2, 0)
        record = campaign.record(1)
        assert record["data"]["household"]["address"]["value"] == "JL. SESUDAH CADANGAN"
        assert [each["comments"] for each in record["trail"]["returns"]] == [{"h/rt": "RT berapa?"}]
        assert len({each["id"] for each in campaign.submissions()}) == len(campaign.submissions()) == 2
    finally:
        campaign.kill()


def test_a_draft_is_finished_with_the_version_it_was_begun_with(
    campaign: Campaign, officer: Callable[..., Officer], tmp_path: Path
) -> None:
    psm = officer()
    psm.enrol(campaign.code("versi", name="Versi"))
    campaign.assign("versi", [5, 6])
    psm.sync()
    psm.open_form("YANTO")
    psm.fill(address="JL. VERSI LAMA")
    psm.press("Kembali")
    newer = shutil.copytree(source_folder("verifikasi_keluarga"), tmp_path / "verifikasi_keluarga")
    rows = list(csv.DictReader((newer / "settings.csv").open(encoding="utf-8")))
    rows[0]["version"] = str(int(rows[0]["version"]) + 100)
    with (newer / "settings.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    with campaign.open() as store:
        publish_form(store.db, prepare_file(newer), now_ms=SystemClock().now_ms(), by="test")
    psm.sync()
    psm.tab("Menu")
    psm.press("Draf (1)")
    psm.text("Draf ini memakai versi formulir yang lama")
    psm.open_form("YANTO")
    expect(psm.page.locator("#q-address")).to_have_value("JL. VERSI LAMA")
    psm.seal()
    psm.visit("JAUHARI", address="JL. VERSI BARU")
    psm.sync()
    assert psm.numbers() == (0, 2, 0)
    old, new = [each["form"]["version"] for each in campaign.submissions() if each["actor"] == "versi"]
    assert int(new) == int(old) + 100
    assert campaign.record(5)["data"]["household"]["address"]["value"] == "JL. VERSI LAMA"


def test_a_revoked_tablet_hands_its_work_in_and_goes_on_with_a_new_code(
    campaign: Campaign, officer: Callable[..., Officer]
) -> None:
    psm = officer()
    psm.enrol(campaign.code("cabut", name="Cabut"))
    campaign.assign("cabut", [7, 8])
    psm.sync()
    psm.visit("RUSLI", address="JL. SEBELUM DICABUT")
    with campaign.open() as store:
        (install,) = devices.installs(store.db, "cabut")
        people.revoke(store.db, install.install, "dikira hilang", SystemClock().now_ms())
    said = psm.sync(complete=False)
    assert "Tablet ini tidak lagi diizinkan" in said and "1 formulir dititipkan tersegel" in said
    assert psm.numbers() == (0, 1, 0)
    psm.tab("Formulir")
    psm.text("Tablet sudah dicabut aksesnya saat formulir ini sampai")
    psm.tab("Sinkron")
    psm.press("Masukkan kode baru")
    psm.page.fill("#code", campaign.code("cabut", name="Cabut"))
    psm.press("Lanjut")
    psm.text("Tablet sudah didaftarkan ulang")
    psm.visit("SUHARDI", address="JL. SESUDAH KODE BARU")
    psm.sync()
    assert campaign.record(8)["data"]["household"]["address"]["value"] == "JL. SESUDAH KODE BARU"


def test_another_area_brings_another_list_and_keeps_own_work(
    campaign: Campaign, officer: Callable[..., Officer]
) -> None:
    psm = officer()
    psm.enrol(campaign.code("pindah", [VILLAGE], "Pindah"))
    campaign.assign("pindah", [4])
    psm.sync()
    psm.visit("MARWAN", address="JL. DESA LAMA")
    campaign.code("pindah", [SECOND_VILLAGE], "Pindah")
    campaign.assign("pindah", [11])
    said = psm.sync()
    assert "daftar keluarga diambil ulang" in said
    assert psm.numbers() == (0, 1, 0)
    psm.tab("Daftar")
    psm.page.fill("#search", "")
    assert psm.page.locator("main .card.tap", has_text="PAIJO").count() == 1
    assert campaign.record(4)["data"]["household"]["address"]["value"] == "JL. DESA LAMA"


def test_a_closing_campaign_is_announced_and_late_forms_are_explained(
    standin: Path, officer: Callable[..., Officer], tmp_path: Path
) -> None:
    campaign = Campaign(tmp_path / "campaign", standin, 3)
    campaign.code()
    campaign.assign(numbers=range(3))
    campaign.start()
    try:
        psm = officer()
        psm.campaign, psm.tablet.url = campaign, campaign.url
        with campaign.open() as store:
            set_setting(store.db, "campaign_closes_ms", str(SystemClock().now_ms() + 3_600_000))
        psm.enrol(campaign.code())
        psm.text("Masa pendataan ditutup")
        with campaign.open() as store:
            set_setting(store.db, "campaign_closes_ms", str(SystemClock().now_ms() - 3_600_000))
        psm.visit("SUMARDI", address="JL. TERLAMBAT")
        psm.sync()
        psm.text("Masa pendataan sudah ditutup")
        psm.tab("Formulir")
        psm.text("Diterima setelah masa pendataan ditutup")
    finally:
        campaign.kill()


def test_a_new_version_of_the_app_waits_until_no_form_is_open(
    standin: Path, built_app: Callable[..., Path], officer: Callable[..., Officer], tmp_path: Path
) -> None:
    here = Path(__file__).parent
    newer_module = tmp_path / "app.ts"
    source = (here.parents[1] / "field_forms/tablet/src/field/app.ts").read_text()
    newer_module.write_text(source.replace("padan-tablet/", "padan-tablet/99."))
    form = f"src/form/index.ts={here / 'standin_form.ts'}"
    newer = built_app(form, f"src/field/app.ts={newer_module}")
    folder = shutil.copytree(standin, tmp_path / "served")
    campaign = Campaign(tmp_path / "campaign", folder, 3)
    campaign.code()
    campaign.assign(numbers=range(3))
    campaign.start()
    try:
        psm = officer()
        psm.campaign, psm.tablet.url = campaign, campaign.url
        psm.enrol(campaign.code())
        psm.again()
        psm.open_form("SUMARDI")
        psm.fill(note="jangan hilang")
        shutil.rmtree(folder)
        shutil.copytree(newer, folder)
        psm.evaluate("navigator.serviceWorker.getRegistration('/tablet/').then((each) => each.update())")
        psm.page.wait_for_function(
            "navigator.serviceWorker.getRegistration('/tablet/').then((each) => each.waiting !== null)", timeout=20_000
        )
        psm.page.wait_for_timeout(300)
        expect(psm.page.locator("#q-note")).to_have_value("jangan hilang")
        psm.press("Kembali")
        psm.tab("Daftar")
        psm.text("Versi baru Padan sudah siap")
        psm.press("Perbarui")
        psm.unlock()
        psm.tab("Menu")
        psm.press("Bantuan dan diagnosa")
        psm.page.locator("#diagnosis", has_text="padan-tablet/99.").wait_for()
        psm.open_form("SUMARDI")
        expect(psm.page.locator("#q-note")).to_have_value("jangan hilang")
    finally:
        campaign.kill()


def test_a_page_of_somebody_elses_wifi_is_no_answer_of_the_server(
    campaign: Campaign, officer: Callable[..., Officer]
) -> None:
    psm = officer()
    psm.enrol(campaign.code("portal", name="Portal"))
    campaign.assign("portal", [0])
    psm.sync()
    psm.visit("SUMARDI", address="JL. LEWAT PORTAL")
    psm.page.route("**/v1/**", lambda route: route.fulfill(status=200, body="<html>Masuk ke wifi</html>"))
    assert "Jaringan terputus" in psm.sync(complete=False)
    assert psm.numbers() == (1, 0, 0)
    psm.page.unroute("**/v1/**")
    psm.sync()
    assert psm.numbers() == (0, 1, 0)
