"""What tests do on the page of a form, as an officer would."""

from __future__ import annotations

from typing import Any

from form_world import request_of

MET, NOBODY = "Ditemukan, terisi lengkap", "Tidak ada responden sampai akhir pendataan"


def question(page: Any, path: str) -> Any:
    """The question whose path ends so."""
    return page.locator(f'[data-path$="{path}"]')


def field(page: Any, path: str) -> Any:
    """Its input."""
    return question(page, path).locator("input, textarea").first


def said(page: Any, path: str) -> str:
    """What is said about its answer."""
    text: str = question(page, path).locator(".pf-said > p:not(.pf-room)").inner_text()
    return text


def section(page: Any, title: str) -> None:
    """To a section by the list."""
    page.get_by_role("button", name="Daftar bagian").click()
    page.locator(".pf-sections").get_by_role("button", name=title).click()


def member(page: Any, name: str) -> None:
    """To the page of a member of a family that was met."""
    section(page, "E. Anggota keluarga")
    page.get_by_role("button", name=name).first.click()


def meet(page: Any) -> None:
    """The family was met: all sections open."""
    page.get_by_text(MET).click()


def flush(page: Any) -> dict[str, Any]:
    """The draft after everything was saved."""
    page.evaluate("mounted.flush()")
    draft: dict[str, Any] = page.evaluate("host.draft")
    return draft


def answers(page: Any) -> dict[str, Any]:
    """Answers of this visit as they are saved."""
    found: dict[str, Any] = flush(page)["instance"]["filling"]["answers"]
    return found


def answer_ending(page: Any, path: str) -> Any:
    """The one saved answer whose path ends so, or None."""
    found = [each for key, each in answers(page).items() if key.endswith(path)]
    assert len(found) <= 1
    return found[0] if found else None


def reopen(page: Any, compiled: Any, **given: Any) -> None:
    """The form closed and opened again from what the shell holds."""
    draft = page.evaluate("host.draft")
    page.evaluate("mounted.unmount()")
    page.evaluate("given => tests.mount(given)", request_of(compiled, draft=draft, keepHost=True, **given))
