"""The backup file: out of one tablet, into another or the server; drafts move to the next tablet by their code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect
from tablet_world import Campaign
from walk import Officer

from server.auth.keys import load_keys
from server.clock import SystemClock
from server.flows.bundle import import_bundle
from server.store import devices


def saved_file(psm: Officer, folder: Path) -> tuple[Path, str]:
    """Press the button; the file and the transfer code."""
    psm.tab("Menu")
    psm.press("Bantuan dan diagnosa")
    with psm.page.expect_download() as download:
        psm.page.get_by_role("button", name="Simpan berkas cadangan").click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    psm.text("Tersimpan sebagai")
    code = psm.page.locator("#drafts-code")
    return path, code.inner_text().strip() if code.count() else ""


def take_in(psm: Officer, path: Path) -> None:
    """The file picker on the page of troubles."""
    psm.tab("Menu")
    psm.press("Bantuan dan diagnosa")
    with psm.page.expect_file_chooser() as chooser:
        psm.page.get_by_role("button", name="Ambil dari berkas cadangan").click()
    chooser.value.set_files(path)


def test_work_of_a_tablet_that_never_sees_a_network_goes_through_anothers(
    campaign: Campaign, officer: Callable[..., Officer], tmp_path: Path
) -> None:
    psm, carrier = officer(), officer()
    psm.enrol(campaign.code("jauh", name="Jauh"))
    campaign.assign("jauh", [0, 1])
    psm.sync()
    psm.tablet.context.set_offline(True)
    psm.visit("SUMARDI", address="JL. DIBAWA TETANGGA 1")
    psm.visit("ZULKIFLI", address="JL. DIBAWA TETANGGA 2")
    path, _ = saved_file(psm, tmp_path)
    text = path.read_text()
    assert path.suffix == ".padan" and "TETANGGA" not in text and "SUMARDI" not in text

    carrier.enrol(campaign.code("dekat", name="Dekat"))
    take_in(carrier, path)
    carrier.text("1 amplop diambil")
    said = carrier.sync()
    assert "2 formulir dititipkan tersegel" in said
    assert campaign.record(0)["data"]["household"]["address"]["value"] == "JL. DIBAWA TETANGGA 1"
    assert campaign.record(1)["data"]["household"]["address"]["value"] == "JL. DIBAWA TETANGGA 2"
    take_in(carrier, path)
    carrier.text("0 amplop diambil")

    psm.tablet.context.set_offline(False)
    psm.sync()
    assert psm.numbers() == (0, 2, 0), "at last with a network of its own: known already"


def test_a_file_taken_in_at_the_server(campaign: Campaign, officer: Callable[..., Officer], tmp_path: Path) -> None:
    psm = officer()
    psm.enrol(campaign.code("kantor", name="Kantor"))
    campaign.assign("kantor", [2])
    psm.sync()
    psm.visit("HAMDANI", address="JL. LEWAT KANTOR")
    path, code = saved_file(psm, tmp_path)
    assert code == ""
    now = SystemClock().now_ms()
    with campaign.open() as store, path.open() as lines:
        taken = import_bundle(store.db, load_keys(store.db, now), lines, by="konsol", now_ms=now)
    assert dict(taken.statuses) == {"stored": 1} and not taken.cut_off
    assert campaign.record(2)["data"]["household"]["address"]["value"] == "JL. LEWAT KANTOR"


def test_drafts_move_to_the_replacement_tablet_with_their_code(
    campaign: Campaign, officer: Callable[..., Officer], tmp_path: Path
) -> None:
    old, new = officer(), officer()
    old.enrol(campaign.code("ganti", name="Ganti"))
    campaign.assign("ganti", [3])
    old.sync()
    old.open_form("BONG KIM FO")
    old.fill(note="belum selesai di tablet lama")
    old.press("Foto")
    old.text("foto")
    old.press("Kembali")
    path, code = saved_file(old, tmp_path)
    assert len(code) == 19 and "belum selesai" not in path.read_text()
    with campaign.open() as store:
        (install,) = devices.installs(store.db, "ganti")
        devices.revoke_install(store.db, install.install, "rusak", SystemClock().now_ms())
    old.tablet.kill()

    new.enrol(campaign.code("ganti", name="Ganti"))
    take_in(new, path)
    new.page.fill("#transfer-code", "AAAA-AAAA-AAAA-AAAA")
    new.press("Lanjut")
    new.text("Kode pindah tidak cocok")
    new.page.fill("#transfer-code", code)
    new.press("Lanjut")
    new.text("1 draf dibuka di tablet ini")
    new.open_form("BONG KIM FO")
    expect(new.page.locator("#q-note")).to_have_value("belum selesai di tablet lama")
    new.seal()
    new.sync()
    (head,) = [each for each in campaign.submissions() if each["actor"] == "ganti"]
    assert head["attachments"] == {}, "the stand-in forgets a photo it did not take itself"


def test_another_file_is_no_backup_file(campaign: Campaign, officer: Callable[..., Officer], tmp_path: Path) -> None:
    psm = officer()
    psm.enrol(campaign.code())
    other = tmp_path / "foto.padan"
    other.write_bytes(b"\x89PNG not ours")
    take_in(psm, other)
    psm.text("Ini bukan berkas cadangan Padan")
    psm.press("Akhiri tugas di tablet ini")
    psm.page.get_by_role("button", name="Hapus dari tablet").wait_for()


def test_work_is_ended_only_when_nothing_could_be_lost(campaign: Campaign, officer: Callable[..., Officer]) -> None:
    psm = officer()
    psm.enrol(campaign.code("usai", name="Usai"))
    campaign.assign("usai", [4])
    psm.sync()
    psm.visit("MARWAN", address="JL. BELUM AMAN")
    psm.tab("Menu")
    psm.press("Bantuan dan diagnosa")
    psm.press("Akhiri tugas di tablet ini")
    psm.text("1 formulir belum diterima server")
    psm.sync()
    psm.tab("Menu")
    psm.press("Bantuan dan diagnosa")
    psm.press("Akhiri tugas di tablet ini")
    psm.text("1 formulir belum masuk cadangan server")
    assert psm.page.get_by_role("button", name="Hapus dari tablet").count() == 0
