"""The lock: wrong PINs wait, also after a restart; a forgotten one loses nothing; unsent work goes out without it."""

from __future__ import annotations

import re
from collections.abc import Callable

from click import Group
from click.testing import CliRunner
from playwright.sync_api import expect
from tablet_world import Campaign
from walk import PIN, Officer

from server.cli import command_named

OTHER_PIN = "739156"
FEW = range(4)


def wrong_pin(psm: Officer, pin: str = "000111") -> None:
    psm.page.fill("#pin", pin)
    psm.press("Buka")
    psm.text("PIN salah.")


def test_wrong_pins_wait_and_starting_anew_does_not_shorten_it(
    campaign: Campaign, officer: Callable[..., Officer]
) -> None:
    psm = officer()
    psm.enrol(campaign.code())
    psm.lock()
    for _ in FEW:
        wrong_pin(psm)
    psm.text("Tunggu 30 detik")
    expect(psm.page.get_by_role("button", name="Buka", exact=True)).to_be_disabled()
    psm.tablet.kill()
    # The tablet's date set a day forward does not help either.
    psm.script += "const now = Date.now; Date.now = () => now() + 86400000;"
    psm.start()
    psm.text("Terlalu banyak PIN salah")
    expect(psm.page.get_by_role("button", name="Buka", exact=True)).to_be_disabled()
    assert psm.evaluate(
        "new Promise((done) => { const open = indexedDB.open('padan-device'); open.onsuccess = () => {"
        " const all = open.result.transaction('profiles').objectStore('profiles').getAll();"
        " all.onsuccess = () => done(all.result[0].failures); }; })"
    ) == len(FEW)


def test_the_right_pin_after_wrong_ones_opens_and_forgives(campaign: Campaign, officer: Callable[..., Officer]) -> None:
    psm = officer()
    psm.enrol(campaign.code())
    psm.lock()
    wrong_pin(psm)
    wrong_pin(psm)
    psm.text("Tinggal 2 kali coba")
    psm.unlock()
    psm.lock()
    wrong_pin(psm)
    psm.text("Tinggal 3 kali coba")


def test_a_forgotten_pin_loses_nothing(campaign: Campaign, officer: Callable[..., Officer]) -> None:
    psm = officer()
    psm.enrol(campaign.code("lupa", name="Lupa"))
    campaign.assign("lupa", [6])
    psm.sync()
    psm.visit("JAUHARI", address="JL. TIDAK HILANG 1")
    psm.open_form("JAUHARI")
    psm.fill(note="draf yang belum selesai")
    psm.page.wait_for_timeout(200)
    psm.tablet.kill()

    psm.start()
    psm.press("Lupa PIN")
    install = psm.page.locator("dd").inner_text().strip()
    psm.page.fill("#code", "AAAA-AAAA-AAAA-AAAA")
    psm.press("Buka dengan kode")
    psm.text("tidak dikenal untuk tablet ini")
    psm.page.fill("#code", unlock_code(campaign, install))
    psm.press("Buka dengan kode")
    psm.choose_pin(OTHER_PIN)
    psm.heading("Daftar keluarga")
    psm.open_form("JAUHARI")
    expect(psm.page.locator("#q-note")).to_have_value("draf yang belum selesai")
    psm.press("Kembali")
    psm.sync()
    assert campaign.record(6)["data"]["household"]["address"]["value"] == "JL. TIDAK HILANG 1"
    psm.again(OTHER_PIN)


def unlock_code(campaign: Campaign, install: str) -> str:
    """As the operator makes one."""
    group = Group("padan", commands=[command_named("officer")])
    done = CliRunner().invoke(group, ["officer", "unlock", install], env={"PADAN_DATABASE": str(campaign.database)})
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout.strip()


def test_unsent_work_is_handed_in_while_the_tablet_is_locked(
    campaign: Campaign, officer: Callable[..., Officer]
) -> None:
    psm = officer()
    psm.enrol(campaign.code("titip", name="Titip"))
    campaign.assign("titip", [7, 8])
    psm.sync()
    psm.visit("RUSLI", address="JL. TITIPAN 1")
    psm.visit("SUHARDI", address="JL. TITIPAN 2")
    psm.tablet.kill()

    psm.start()
    psm.text("2 formulir di tablet ini belum sampai")
    psm.press("Titipkan ke server tanpa PIN")
    psm.text("2 formulir sudah dititipkan")
    assert campaign.record(7)["data"]["household"]["address"]["value"] == "JL. TITIPAN 1"
    assert campaign.record(8)["data"]["household"]["address"]["value"] == "JL. TITIPAN 2"
    with campaign.open() as store:
        assert store.db.value("select count(*) from deposits") == 1, "forms sealed one after the other share a box"

    psm.unlock()
    assert psm.numbers() == (2, 0, 0), "the locked tablet could not note it"
    psm.sync()
    assert psm.numbers() == (0, 2, 0)
    mine = [each for each in campaign.submissions() if each["actor"] == "titip"]
    assert len(mine) == 2, "what was handed in is not there twice"


def test_it_locks_by_itself_and_saves_what_was_typed(campaign: Campaign, officer: Callable[..., Officer]) -> None:
    psm = officer()
    # Time runs sixty times as fast in this page: a minute without a touch is a second.
    psm.script += "const then = performance.now.bind(performance); performance.now = () => then() * 60;"
    psm.script += (
        "const every = setInterval; window.setInterval = (work, ms, ...more) => every(work, ms / 60, ...more);"
    )
    psm.enrol(campaign.code())
    psm.tab("Menu")
    psm.press("Setelan")
    psm.page.select_option("#lock-after", "1")
    psm.open_form("MARWAN")
    psm.fill(note="belum selesai")
    psm.page.locator("#pin").wait_for(timeout=20_000)
    psm.unlock()
    psm.open_form("MARWAN")
    expect(psm.page.locator("#q-note")).to_have_value("belum selesai")


def test_another_pin_opens_and_the_former_one_no_more(campaign: Campaign, officer: Callable[..., Officer]) -> None:
    psm = officer()
    psm.enrol(campaign.code())
    psm.tab("Menu")
    psm.press("Setelan")
    psm.press("Ganti PIN")
    psm.page.fill("#old-pin", "999999")
    psm.press("Lanjut")
    psm.choose_pin(OTHER_PIN)
    psm.text("PIN salah.")
    psm.page.fill("#old-pin", PIN)
    psm.press("Lanjut")
    psm.choose_pin(OTHER_PIN)
    psm.text("PIN sudah diganti.")
    psm.lock()
    wrong_pin(psm, PIN)
    psm.unlock(OTHER_PIN)


def test_the_tablets_own_lock_screen_is_the_key(campaign: Campaign, officer: Callable[..., Officer]) -> None:
    psm = officer()
    page = psm.start()
    devtools = psm.tablet.devtools()
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "ctap2Version": "ctap2_1", "transport": "internal", "hasResidentKey": True,
        "hasUserVerification": True, "hasPrf": True, "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page.fill("#code", campaign.code("sidik", name="Sidik"))
    psm.press("Lanjut")
    psm.press("Pakai kunci layar tablet")
    psm.press("Mulai bekerja")
    psm.heading("Daftar keluarga")
    psm.tab("Menu")
    psm.press("Kunci sekarang")
    psm.press("Buka dengan kunci layar")
    psm.heading("Daftar keluarga")
    psm.tab("Menu")
    psm.press("Bantuan dan diagnosa")
    assert re.search(r"Kunci\s+WebAuthn", page.locator("#diagnosis").inner_text())
