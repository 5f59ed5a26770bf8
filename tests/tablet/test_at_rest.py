"""What lies on the tablet tells nobody's name, number or answer; the same look at a store without a lock finds them."""

from __future__ import annotations

import gzip
import sqlite3
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from profile_scan import contents, scan, unsnappy
from tablet_world import Campaign, families
from walk import PIN, Officer

HERE = Path(__file__).parent
PLAIN = f"src/store/cipher.ts={HERE / 'plain_cipher.ts'}"
FORM = f"src/form/index.ts={HERE / 'standin_form.ts'}"
TYPED = {"address": "JL. RAHASIA DUA BELAS", "note": "suaminya sakit menahun", "member": "FITRIANI KEPONAKAN"}
SEARCHED = "hamdan"
NAMES = [member.name for family in families(10) for member in family.members if len(member.name) > 7]
NUMBERS = [member.nik_text for family in families(10) for member in family.members]
HOUSES = [family.address for family in families(10)[2:9]]


def work(officer: Officer, campaign: Campaign) -> None:
    """A day: look at families, fill, leave a draft, seal, send, lock, unlock, search; then the browser is closed."""
    officer.enrol(campaign.code())
    officer.visit("SUMARDI", **TYPED)
    officer.open_family("ZULKIFLI")
    officer.open_form("HAMDANI")
    officer.fill(note="draf: " + TYPED["note"])
    officer.page.wait_for_timeout(200)
    officer.press("Kembali")
    officer.sync()
    officer.visit("MARWAN", address=TYPED["address"])
    officer.lock()
    officer.unlock()
    officer.tab("Daftar")
    officer.page.fill("#search", SEARCHED)
    officer.page.wait_for_timeout(1200)
    officer.tablet.close()


@pytest.fixture(scope="module", params=["locked", "open"])
def looked_at(
    request: pytest.FixtureRequest, built_app: Callable[..., Path], playwright: Any, tmp_path_factory: Any
) -> Iterator[tuple[str, Path, Path]]:
    """`(locked or open, profile folder, campaign folder)` after a day's work."""
    folder = tmp_path_factory.mktemp(request.param)
    app = built_app(FORM) if request.param == "locked" else built_app(FORM, PLAIN)
    campaign = Campaign(folder / "campaign", app)
    campaign.code()
    campaign.assign()
    campaign.start()
    officer = Officer(playwright, campaign, folder / "profile")
    try:
        work(officer, campaign)
    finally:
        officer.tablet.kill()
        campaign.kill()
    yield request.param, folder / "profile", folder / "campaign"


def test_nothing_of_a_family_is_found_in_the_profile_and_all_of_it_without_the_lock(looked_at: Any) -> None:
    kind, profile, _ = looked_at
    found = scan(profile, [*NAMES, *NUMBERS, *HOUSES, *TYPED.values(), SEARCHED, PIN])
    met = {needle for needle, where in found.items() if where}
    if kind == "locked":
        assert met == set(), {needle: dict(found[needle]) for needle in met}
    else:
        # The PIN lies nowhere, nor does what was searched for: it is part of a name here.
        assert found.keys() - met == {PIN}, "the scan would not have found it"


def test_no_address_and_no_title_in_the_history_says_anything(looked_at: Any) -> None:
    _, profile, _ = looked_at
    with sqlite3.connect(f"file:{profile / 'Default' / 'History'}?mode=ro&immutable=1", uri=True) as history:
        rows = history.execute("select url, title from urls where url like '%/tablet%'").fetchall()
    assert {title for _, title in rows} <= {"Padan", ""}
    assert all(url.endswith("/tablet/") for url, _ in rows), rows


def test_the_scan_sees_through_what_browsers_pack(tmp_path: Path) -> None:
    text = b"SITI AMINAH 1903014107900001 " * 4
    packed = bytes([len(text) & 0x7F | 0x80, len(text) >> 7, (29 - 1) << 2]) + text[:29]
    left = len(text) - 29
    while left > 0:
        take = min(left, 64)
        packed += bytes([((take - 1) << 2) | 2]) + struct.pack("<H", 29)
        left -= take
    assert unsnappy(packed) == text
    (tmp_path / "a").write_bytes(b"before" + gzip.compress(text) + b"after")
    (tmp_path / "b").write_bytes("x siti aminah".encode("utf-16-le"))
    found = scan(tmp_path, ["SITI AMINAH", "1903014107900001", "NOBODY AT ALL"])
    assert set(found["SITI AMINAH"]) == {"a", "b"} and set(found["1903014107900001"]) == {"a"}
    assert not found["NOBODY AT ALL"]
    assert len(list(contents(b"plain"))) == 1
