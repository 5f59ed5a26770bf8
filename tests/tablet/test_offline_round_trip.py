"""Days without a network: the app starts, unlocks, fills, seals with the server gone; what dies loses nothing."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect
from tablet_world import Campaign
from walk import Officer


def test_a_visit_without_a_network_arrives_when_there_is_one(
    campaign: Campaign, officer: Callable[..., Officer]
) -> None:
    siti = officer()
    siti.enrol(campaign.code("siti", name="Siti"))
    campaign.assign("siti", [0])
    siti.sync()
    campaign.kill()
    siti.tablet.kill()

    siti.start()
    siti.unlock()
    siti.open_form("SUMARDI")
    siti.fill(address="JL. KENANGA 9", note="rumah di belakang masjid", member="ANAK BARU")
    siti.press("Foto")
    siti.text("foto")
    siti.seal()
    siti.text("di tablet ini saja")
    assert "Jaringan terputus" in siti.sync(complete=False)

    siti.again()
    assert siti.numbers() == (1, 0, 0)
    siti.open_family("SUMARDI")
    siti.text("di tablet ini saja")
    campaign.start()
    siti.sync()
    assert siti.numbers() == (0, 1, 0)

    record = campaign.record(0)
    assert record["data"]["household"]["address"]["value"] == "JL. KENANGA 9"
    assert "ANAK BARU" in [person["fields"]["m_name"].get("value") for person in record["data"]["persons"]]
    (head,) = [each for each in campaign.submissions() if each["actor"] == "siti"]
    assert {each["ref"] for each in head["context"]} == {
        each["ref"] for each in record["trail"]["refs"] if each["kind"] in ("prelist", "assignment")
    }
    assert head["not_before"], "the newest signed server time the tablet held"
    photo = head["attachments"]["h/photo_front"]
    assert photo["bytes"] == 40_000 == len(campaign.arrived(photo["sha256"]) or b"")
    stamps = [each for each in record["trail"]["refs"] if each["kind"] == "stamp"]
    assert stamps or head["id"], "the stamp travelled with the form"


def test_what_was_typed_before_the_battery_died_is_there(campaign: Campaign, officer: Callable[..., Officer]) -> None:
    psm = officer()
    psm.enrol(campaign.code())
    psm.open_form("ZULKIFLI")
    psm.fill(address="")
    psm.page.locator("#q-address").press_sequentially("JL. ANGGREK 12 BLOK C", delay=5)
    psm.page.wait_for_timeout(60)
    psm.again()
    psm.open_form("ZULKIFLI")
    expect(psm.page.locator("#q-address")).to_have_value("JL. ANGGREK 12 BLOK C")


def test_killed_in_the_middle_of_sealing_there_is_the_draft_or_the_form(
    campaign: Campaign, officer: Callable[..., Officer]
) -> None:
    psm = officer()
    psm.enrol(campaign.code())
    outcomes = []
    for wait_ms in (0, 2, 5, 10, 25):
        psm.open_form("HAMDANI")
        psm.fill(note=f"percobaan {wait_ms}")
        psm.page.wait_for_timeout(50)
        psm.evaluate("[...document.querySelectorAll('button')].find((each) => each.textContent === 'Segel').click()")
        psm.page.wait_for_timeout(wait_ms)
        psm.again()
        psm.tab("Formulir")
        sealed = psm.page.locator("main li.card").count()
        psm.tab("Menu")
        drafts = "Draf (1)" in psm.page.locator("main").inner_text()
        outcomes.append((sealed, drafts))
        before = outcomes[-2][0] if len(outcomes) > 1 else 0
        assert (sealed - before) + drafts == 1, outcomes
    psm.sync()
    notes = [each for each in campaign.submissions() if each["actor"] == "psm01"]
    assert len({each["id"] for each in notes}) == outcomes[-1][0]


def test_killed_in_the_middle_of_sending_each_form_arrives_once(
    campaign: Campaign, officer: Callable[..., Officer]
) -> None:
    psm = officer()
    psm.enrol(campaign.code("dewi", name="Dewi"))
    campaign.assign("dewi", [3, 4, 5])
    psm.sync()
    before = len(campaign.submissions())
    for name in ("BONG KIM FO", "MARWAN", "YANTO"):
        psm.visit(name, address=f"ALAMAT {name}")
    for wait_ms in (5, 30, 60):
        psm.tab("Sinkron")
        psm.page.get_by_role("button", name="Sinkronkan sekarang").click()
        psm.page.wait_for_timeout(wait_ms)
        psm.again()
    psm.sync()
    assert psm.numbers() == (0, 3, 0)
    arrived = campaign.submissions()[before:]
    assert len(arrived) == 3 and len({each["id"] for each in arrived}) == 3
