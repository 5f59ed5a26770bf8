"""Every screen of the shell, in the order an officer meets them. What is looked at on each is the caller's business."""

from __future__ import annotations

from collections.abc import Callable

from walk import Officer

Look = Callable[[str], None]
"""Called with a screen's name while it is shown."""

_PAIRS = """
next: Lanjut | Next
scan: Pindai kode QR | Scan the QR code
type: Ketik kodenya | Type the code
use: Pakai PIN ini | Use this PIN
begin: Mulai bekerja | Begin work
list: Daftar | Families
forms: Formulir | Forms
sync: Sinkron | Sync
menu: Menu | Menu
now: Sinkronkan sekarang | Synchronise now
change: Laporkan perubahan | Report a change
move: Pindah keluar | Moved out
new: Keluarga tidak ada di daftar | Family not on the list
back: Kembali | Back
drafts: Draf ( | Drafts (
training: Latihan | Training
start: Mulai latihan | Begin training
end: Akhiri latihan | End training
settings: Setelan | Settings
pin: Ganti PIN | Change the PIN
code: Masukkan kode pendaftaran baru | Enter a new enrolment code
trouble: Bantuan dan diagnosa | Help and diagnosis
finish: Akhiri tugas | End the work
lock: Kunci sekarang | Lock now
open: Buka | Open
forgot: Lupa PIN | PIN forgotten
"""
_TOLD = [line.split(": ", 1) for line in _PAIRS.strip().splitlines()]
WORDS = {language: {name: both.split(" | ")[at] for name, both in _TOLD} for at, language in enumerate(("id", "en"))}


class Tour:
    """One language, one officer with work: a returned form, a sent one, a draft."""

    def __init__(self, officer: Officer, language: str, look: Look) -> None:
        self.officer, self.page, self.words, self.look = officer, officer.page, WORDS[language], look

    def first_steps(self, code: str) -> None:
        """From the first page to the work list."""
        self.page.locator("#code").wait_for()
        self.look("mulai")
        self._button("scan")
        self.page.locator("video").wait_for()
        self.look("pindai")
        self._button("type")
        self.page.fill("#code", code)
        self._button("next")
        self.page.locator("#pin-again").wait_for()
        self.page.fill("#pin", "482915")
        self.look("pin")
        self.page.fill("#pin-again", "482915")
        self._button("use")
        self.page.get_by_role("button", name=self.words["begin"]).wait_for()
        self.look("unduh")
        self._button("begin")

    def work(self, returned: str, other: str) -> None:
        """The places an officer works in; `returned`, `other`: names of families."""
        self._tab("list")
        self.page.fill("#search", "")
        self.page.locator(".card.tap").first.wait_for()
        self.look("daftar")
        self.page.locator("summary").click()
        self.look("daftar-urut")
        self._family(returned)
        self.look("dikembalikan")
        self._tab("list")
        self._family(other)
        self.look("keluarga")
        self._button("change")
        self.page.get_by_label(self.words["move"], exact=True).check()
        self.page.locator("input[name=who]").first.check()
        self.look("perubahan")
        self._button("back")
        self._tab("list")
        self.page.get_by_role("button", name=self.words["new"]).click()
        self.page.locator("#new-name").wait_for()
        self.look("keluarga-baru")
        self._tab("forms")
        self.page.locator("main .card").first.wait_for()
        self.look("formulir-saya")
        self._tab("sync")
        self._button("now")
        self.page.locator("main [role=status] .good").wait_for()
        self.look("sinkron")

    def menu(self) -> None:
        """Everything under the menu."""
        self._tab("menu")
        self.look("menu")
        for name, picture in (("drafts", "draf"), ("settings", "setelan"), ("trouble", "bantuan")):
            self._tab("menu")
            self.page.locator("main .card.tap", has_text=self.words[name]).click()
            self.page.locator("h1", has_text=self.words["menu"]).wait_for(state="detached")
            self.look(picture)
        self.page.get_by_role("button", name=self.words["finish"]).last.click()
        self.page.locator("[role=alert] .warn").wait_for()
        self.look("bantuan-akhiri")
        for name, picture in (("pin", "ganti-pin"), ("code", "kode-baru")):
            self._tab("menu")
            self.page.locator("main .card.tap", has_text=self.words["settings"]).click()
            self.page.get_by_role("button", name=self.words[name]).click()
            self.page.locator("#lock-after").wait_for(state="detached")
            self.look(picture)
        self._tab("menu")
        self.page.locator("main .card.tap", has_text=self.words["training"]).click()
        self._button("start")
        self.page.locator(".training").wait_for()
        self.look("latihan")
        self._tab("menu")
        self.page.locator("main .card.tap", has_text=self.words["end"]).click()
        self._button("end")
        self.page.locator(".training").wait_for(state="detached")

    def lock(self) -> None:
        """The locked tablet."""
        self._tab("menu")
        self._button("lock")
        self.page.locator("#pin").wait_for()
        self.look("terkunci")
        for _ in range(4):
            self.page.fill("#pin", "000111")
            self._button("open")
            self.page.locator("[role=alert] .bad").wait_for()
            self.page.wait_for_timeout(150)
        self.page.locator("main > .warn").wait_for()
        self.look("terkunci-tunggu")
        self._button("forgot")
        self.page.locator("#code").wait_for()
        self.look("lupa-pin")

    def _button(self, name: str) -> None:
        self.page.get_by_role("button", name=self.words[name], exact=True).first.click()

    def _tab(self, name: str) -> None:
        self.page.locator("nav.tabs button", has_text=self.words[name]).click()

    def _family(self, name: str) -> None:
        self.page.fill("#search", name)
        self.page.locator("main .card.tap", has_text=name).first.click()
        self.page.locator("h1", has_text=name).wait_for()
        self.page.get_by_role("button", name=self.words["change"]).wait_for()
