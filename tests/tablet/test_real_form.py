"""The whole way with the real form: filled without a network, killed, sealed, killed, sent, merged as it was typed.

Five members, a photo from the camera, a position, a signature. Its pictures stand in the handbook.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tablet_world import Campaign
from test_screens import PICTURE_BYTES_MAX, PICTURES, STILL
from walk import Officer

sys.path.append(str(Path(__file__).parent / "form"))
from form_page import field, question, section

PLACE = {"latitude": -2.987654, "longitude": 106.456789, "accuracy": 8}
NEWCOMER = "ANAK KELIMA"


@pytest.fixture(scope="module")
def campaign(built_app: Callable[..., Path], playwright: Any, tmp_path_factory: Any) -> Iterator[Campaign]:
    """The app as it is delivered."""
    made = Campaign(tmp_path_factory.mktemp("campaign"), built_app())
    made.code()
    made.assign()
    made.start()
    yield made
    made.kill()


def test_a_household_filled_offline_is_on_the_server_what_was_typed(
    campaign: Campaign, officer: Callable[..., Officer], tmp_path: Path
) -> None:
    psm = officer()
    psm.script += STILL
    shots = Shots(psm, PICTURES if os.environ.get("PADAN_SCREENSHOTS") else tmp_path)
    psm.enrol(campaign.code())
    campaign.kill()
    psm.tablet.kill()

    begin(psm)
    fill_household(psm, shots)
    # The battery dies in the middle of the form.
    psm.page.wait_for_timeout(700)
    psm.tablet.kill()
    begin(psm, draft=True)
    fill_members_and_seal(psm, shots)
    psm.text("di tablet ini saja")

    psm.again()
    psm.open_family("YANTO")
    psm.text("di tablet ini saja")
    campaign.start()
    psm.sync()
    assert psm.numbers() == (0, 1, 0)

    check_record(campaign)


def fill_household(psm: Officer, shots: Shots) -> None:
    """The first sections, with position and photo."""
    page = psm.page
    page.get_by_text("Ditemukan, terisi tidak lengkap").click()
    field(page, "/outcome_note").fill("KEPALA KELUARGA DI KEBUN")
    shots.take("isi-kunjungan")
    gps = question(page, "/gps_home")
    gps.get_by_role("button", name="Ambil titik GPS").click()
    gps.get_by_text("ketelitian ±8 m").wait_for()
    question(page, "/photo_front").get_by_role("button", name="Ambil foto").click()
    page.get_by_role("dialog").get_by_role("button", name="Jepret").click()
    question(page, "/photo_front").locator("img").wait_for()
    section(page, "B. Pemberitahuan")
    choose(page, "/notice_ack", "Ya")
    field(page, "/resp_name").fill("MARYAMAH")
    choose(page, "/resp_relation", "Istri/suami")
    section(page, "C. Keluarga")
    field(page, "/address").fill("JL. KEBUN LADA 4")
    field(page, "/address").blur()
    page.get_by_role("button", name="Daftar bagian").click()
    shots.take("isi-bagian")
    page.locator(".pf-sections").get_by_role("button", name="E. Anggota keluarga").click()


def fill_members_and_seal(psm: Officer, shots: Shots) -> None:
    """Four of the list, a fifth who is new, the signature, the seal."""
    page = psm.page
    for name in ("YANTO", "MARYAMAH", "RAFI", "DINDA"):
        member(page, name)
    section(page, "E. Anggota keluarga")
    shots.take("isi-anggota")
    page.get_by_role("button", name="Tambah anggota").click()
    field(page, "/m_name").fill(NEWCOMER)
    choose(page, "/presence", "Anggota keluarga baru")
    choose(page, "/nik_status", "Tidak punya/tidak tahu")
    shots.take("isi-anggota-baru")
    sign(page)
    shots.take("isi-tanda-tangan")
    seal(page, shots)


def check_record(campaign: Campaign) -> None:
    """The merged record is what was typed."""
    data = campaign.record(5)["data"]
    household = {name: cell.get("value") for name, cell in data["household"].items()}
    assert household["visit_outcome"] == "02" and household["outcome_note"] == "KEPALA KELUARGA DI KEBUN"
    assert household["address"] == "JL. KEBUN LADA 4"
    assert household["gps_home"] == {"lat": -2987654, "lon": 106456789, "acc_dm": 80}
    people = {person["fields"]["m_name"]["value"]: person["fields"] for person in data["persons"]}
    assert set(people) == {"YANTO", "MARYAMAH", "RAFI", "DINDA", NEWCOMER}
    assert people[NEWCOMER]["presence"]["value"] == "5"
    assert all(people[name]["presence"]["value"] == "1" for name in ("YANTO", "MARYAMAH", "RAFI", "DINDA"))
    (head,) = campaign.submissions()
    files = head["attachments"]
    assert sorted(files) == ["h/photo_front", "h/sign_officer"]
    assert files["h/photo_front"]["mime"] == "image/jpeg" and files["h/photo_front"]["bytes"] > 1000
    for file in files.values():
        assert len(campaign.arrived(file["sha256"]) or b"") == file["bytes"], "photo and signature are at the server"


def begin(psm: Officer, *, draft: bool = False) -> None:
    """Start without a network, unlock, open the family's form."""
    psm.start()
    psm.tablet.devtools().send("Emulation.setScrollbarsHidden", {"hidden": True})
    context = psm.tablet.context
    context.grant_permissions(["geolocation", "camera"], origin=psm.campaign.url)
    context.set_geolocation(PLACE)
    psm.unlock()
    psm.open_family("YANTO")
    psm.press("Lanjutkan draf" if draft else "Isi formulir")
    psm.page.get_by_role("button", name="Daftar bagian").wait_for()


def member(page: Page, name: str) -> None:
    """A member of the list lives here; the card was not seen."""
    section(page, "E. Anggota keluarga")
    page.get_by_role("button", name=name).first.click()
    choose(page, "/presence", "Tinggal bersama keluarga")
    choose(page, "/nik_status", "Ada, tidak dapat menunjukkan")
    page.wait_for_timeout(100)


def choose(page: Page, path: str, words: str) -> None:
    """One of the choices of a question on the page."""
    question(page, path).get_by_text(words, exact=True).click()


def sign(page: Page) -> None:
    """A line with the finger."""
    section(page, "G. Penilaian")
    place = question(page, "/sign_officer")
    place.get_by_role("button", name="Tanda tangan", exact=True).click()
    canvas = page.locator("canvas")
    canvas.wait_for()
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 30, box["y"] + 60)
    page.mouse.down()
    for at in range(6):
        page.mouse.move(box["x"] + 50 + 30 * at, box["y"] + (40 if at % 2 else 100), steps=3)
    page.mouse.up()
    page.get_by_role("button", name="Pakai tanda tangan ini").click()
    place.locator("img").wait_for()


def seal(page: Page, shots: Shots) -> None:
    """The check at the end, then the seal."""
    page.get_by_role("button", name="Daftar bagian").click()
    page.get_by_role("button", name="Periksa dan segel").first.click()
    button = page.get_by_role("button", name="Segel formulir")
    button.wait_for()
    shots.take("isi-segel")
    expect(button).to_be_enabled()
    button.click()
    page.get_by_text("Formulir saya untuk keluarga ini").wait_for()


class Shots:
    """Pictures for the handbook."""

    def __init__(self, officer: Officer, folder: Path) -> None:
        self._officer, self._folder = officer, folder

    def take(self, name: str) -> None:
        """The page from its top."""
        page = self._officer.page
        page.evaluate("scrollTo(0, 0); document.activeElement?.blur()")
        page.wait_for_timeout(150)
        path = self._folder / f"tablet-{name}.png"
        page.screenshot(path=path, caret="hide", animations="disabled")
        assert path.stat().st_size <= PICTURE_BYTES_MAX
