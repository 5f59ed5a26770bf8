"""Two tablets, one family: the conflict at the server, the decision back on both; returns with their comments."""

from __future__ import annotations

from collections.abc import Callable

from tablet_world import Campaign
from walk import Officer

from server.flows import review


def test_two_offline_visits_conflict_and_the_decision_comes_back_to_both(
    campaign: Campaign, officer: Callable[..., Officer]
) -> None:
    pair = [officer(), officer()]
    campaign.code("satu", name="Satu")
    campaign.code("dua", name="Dua")
    campaign.assign("satu", [5])
    with campaign.open() as store:
        review.assign(campaign.desk(store), campaign.household(store, 5), ["satu", "dua"])
    for each, name in zip(pair, ("satu", "dua"), strict=True):
        each.enrol(campaign.code(name, name=name.title()))
        each.tablet.context.set_offline(True)
    pair[0].visit("YANTO", address="JL. KATA SATU 1", rt="011", note="pertama")
    pair[1].visit("YANTO", address="JL. KATA DUA 2", rt="022", note="kedua")
    for each in pair:
        each.tablet.context.set_offline(False)
        each.sync()
    record = campaign.record(5)
    data, actors = record["data"], {each["ref"]: each["actor"] for each in record["trail"]["refs"]}
    paths = {path for conflict in data["conflicts"] for path in [conflict["path"]]}
    assert data["state"] == "conflict" and paths, "neither saw the other: nobody's word is taken by chance"

    for each in pair:
        each.sync()
        each.open_family("YANTO")
        each.text("Ada isian yang bertentangan")
    with campaign.open() as store:
        desk = campaign.desk(store)
        household = campaign.household(store, 5)
        for conflict in data["conflicts"]:
            first = next(head for head in conflict["heads"] if actors[head["ref"]] == "satu")
            review.decide(desk, household, conflict["path"], take=first["ref"], comment="kartu dilihat")
    decided = campaign.record(5)["data"]
    assert decided["state"] != "conflict"
    assert decided["household"]["address"]["value"] == "JL. KATA SATU 1"
    for each in pair:
        each.sync()
        each.open_family("YANTO")
        each.text("JL. KATA SATU 1")
        assert each.page.get_by_text("Ada isian yang bertentangan").count() == 0


def test_a_returned_form_stands_first_with_its_comments_and_is_answered_by_a_new_visit(
    campaign: Campaign, officer: Callable[..., Officer]
) -> None:
    psm = officer()
    psm.enrol(campaign.code("kembali", name="Kembali"))
    campaign.assign("kembali", [4, 6, 8])
    psm.sync()
    psm.visit("MARWAN", address="JL. KURANG LENGKAP")
    psm.sync()
    campaign.return_with(
        4, {"h/address": "Sebutkan nomor rumah.", "h/rt": "RT pada KK berbeda."}, "Periksa lagi.", "2026-12-24"
    )
    psm.sync()
    psm.tab("Daftar")
    psm.page.fill("#search", "")
    first = psm.page.locator("main .card.tap").first
    assert "MARWAN" in first.inner_text() and "2 catatan pengawas" in first.inner_text()
    assert "24 Desember 2026" in first.inner_text()
    first.click()
    psm.text("Pada: Alamat (jalan/gang/dusun)")
    psm.text("Sebutkan nomor rumah.")
    psm.text("Periksa lagi.")
    psm.press("Isi formulir")
    psm.text("h/address: Sebutkan nomor rumah.")
    psm.fill(address="JL. LENGKAP NO. 7")
    psm.seal()
    assert psm.page.get_by_text("Dikembalikan oleh pengawas").count() == 0, "answered, even before it is sent"
    psm.sync()
    record = campaign.record(4)
    assert record["data"]["household"]["address"]["value"] == "JL. LENGKAP NO. 7"
    assert record["trail"]["returns"] == [] and record["data"]["state"] == "in_review"


def test_an_own_sent_form_is_corrected_by_a_new_one_that_names_it(
    campaign: Campaign, officer: Callable[..., Officer]
) -> None:
    psm = officer()
    psm.enrol(campaign.code("betul", name="Betul"))
    campaign.assign("betul", [9])
    psm.sync()
    psm.visit("TJHIN NYUK FA", address="JL. SALAH KETIK")
    psm.press("Perbaiki formulir ini")
    psm.page.locator("#q-address").wait_for()
    assert psm.page.locator("#q-address").input_value() == "JL. SALAH KETIK", (
        "own sealed forms are laid over the record"
    )
    psm.fill(address="JL. SUDAH BETUL")
    psm.seal()
    psm.sync()
    first, second = [each for each in campaign.submissions() if each["actor"] == "betul"]
    with campaign.open() as store:
        refs = {row["id"]: row["ref"] for row in store.db.all("select id, ref from log")}
    assert refs[first["id"]] in {each["ref"] for each in second["context"]}
    assert campaign.record(9)["data"]["household"]["address"]["value"] == "JL. SUDAH BETUL"
