"""A Dinsos changes its form in Excel while the campaign runs. Nothing here checks anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import openpyxl

from field_forms.client import FieldClient
from field_forms.client.draft import Draft
from field_forms.client.wording import NotHere, Wording
from field_forms.publish import Prepared, prepare_file
from field_forms.write_workbook import write_workbook
from server.flows.publish_form import current_version, publish_form, published_sheet, restore_version, retire_version
from server.store.database import Connection

VISIT = "verifikasi_keluarga"
LABEL = "label::Bahasa Indonesia (id)"


def in_excel(
    db: Connection,
    target: Path,
    version: str,
    *,
    edits: Mapping[str, Mapping[str, str]],
    after: Mapping[str, Mapping[str, str]] | None = None,
    gone: tuple[str, ...] = (),
) -> Prepared:
    """The published form as an author gets it, with cells changed (`edits`, by question; `list/code` in the sheet of
    choices), questions put in `after` others, and questions taken out (`gone`)."""
    sheet = published_sheet(db, VISIT, current_version(db, VISIT))
    assert sheet is not None
    write_workbook(sheet, target)
    book = openpyxl.load_workbook(target)
    survey, choices, settings = book["survey"], book["choices"], book["settings"]
    for row in list(_rows(survey)):
        for heading, text in edits.get(_cell(survey, row, "name"), {}).items():
            _put(survey, row, heading, text)
    for row in list(_rows(choices)):
        place = f"{_cell(choices, row, 'list_name')}/{_cell(choices, row, 'name')}"
        for heading, text in edits.get(place, {}).items():
            _put(choices, row, heading, text)
    for name in gone:
        survey.delete_rows(_row_of(survey, name))
    for name, cells in (after or {}).items():
        at = _row_of(survey, name) + 1
        survey.insert_rows(at)
        for heading, text in cells.items():
            _put(survey, at, heading, text)
    _put(settings, 2, "version", version)
    if gone:
        _put(settings, 2, "removed", " ".join(gone))
    book.save(target)
    return prepare_file(target)


class NextVersion:
    """What the office does to its form during a random campaign, one act at a time: a question more; two under new
    names and one of those counted otherwise; that version withdrawn; brought back."""

    def __init__(self) -> None:
        self.done = 0

    def step(self, db: Connection, folder: Path, now_ms: int) -> str:
        """Do the next act; what it was, or "" after the last."""
        acts = ("added", "renamed", "retired", "restored")
        if self.done == len(acts):
            return ""
        act = acts[self.done]
        self.done += 1
        newest = str(int(current_version(db, VISIT)) + 1)
        if act == "added":
            well = {"type": "text", "name": "sumur_pemilik", "policy": "ask", "sensitivity": "personal",
                    LABEL: "Pemilik sumur"}  # fmt: skip
            prepared = in_excel(db, folder / "b.xlsx", newest, edits={}, after={"floor_area_m2": well})
            publish_form(db, prepared, now_ms=now_ms, by="operator")
        elif act == "renamed":
            prepared = in_excel(db, folder / "c.xlsx", newest, edits=RENAMED)
            publish_form(db, prepared, now_ms=now_ms, by="operator")
        elif act == "retired":
            retire_version(db, (VISIT, current_version(db, VISIT)), reason="salah nama", now_ms=now_ms, by="operator")
        else:
            restore_version(db, (VISIT, newest), now_ms=now_ms, by="operator")
        return act


RENAMED = {
    "floor_area_m2": {"name": "luas_are", "type": "decimal", "aliases": "floor_area_m2",
                      "upcast": "floor_area_m2=scale{0.01}", "constraint": ". >= 0.01 and . <= 9.99"},
    "wall_type": {"name": "dinding", "aliases": "wall_type"},
}  # fmt: skip


def in_words_of(client: FieldClient, draft: Draft, data: Mapping[str, Any]) -> dict[str, Any]:
    """Answers written down for the first version of the form (`fill_from`), for the version a draft is on."""
    words = Wording(draft.form, client.feed.dictionary())
    members = [{**each, "answers": _part(words, "p/x", each["answers"])} for each in data.get("members", ())]
    return {**data, "household": _part(words, "h", data["household"]), "members": members}


def _part(words: Wording, part: str, answers: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in answers.items():
        try:
            if isinstance(value, Mapping):
                found[words.path(f"{part}/{name}").rpartition("/")[2]] = value
            else:
                path, said = words.answer(part, name, value)
                found[path.rpartition("/")[2]] = said
        except NotHere:
            continue
    return found


def _rows(page: Any) -> Iterator[int]:
    yield from range(2, page.max_row + 1)


def _column(page: Any, heading: str) -> int:
    for cell in page[1]:
        if cell.value == heading:
            return int(cell.column)
    page.cell(1, page.max_column + 1).value = heading
    return int(page.max_column)


def _cell(page: Any, row: int, heading: str) -> str:
    return str(page.cell(row, _column(page, heading)).value or "")


def _put(page: Any, row: int, heading: str, text: str) -> None:
    page.cell(row, _column(page, heading)).value = text


def _row_of(page: Any, name: str) -> int:
    return next(row for row in _rows(page) if _cell(page, row, "name") == name)
