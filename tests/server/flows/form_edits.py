"""Other versions of the small form, published and looked at as an author would. Nothing here checks anything."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from server_world import World

from field_forms.compile import CompiledForm
from field_forms.publish import Prepared
from field_forms.rebuild_sheet import sheet_of
from field_forms.rows import read_rows
from field_forms.sheet import Sheet, SheetRow
from schemas.form import FormDefinition
from server.clock import FixedClock
from server.flows.form_preview import Preview, preview_publication
from server.flows.publish_form import (
    publish_form,
)
from server.flows.rebuild import rebuild

FORM, FIRST, SECOND, THIRD = "kecil", "2026110101", "2026110102", "2026110103"
Person = Callable[..., dict[str, Any]]
CLOCK = FixedClock(1_800_000_000_000)
RENAMED_FORM = {"address": {"name": "alamat", "aliases": ("address",)}}


def changed(form: FormDefinition, version: str, **questions: dict[str, Any] | None) -> FormDefinition:
    """The form with other questions: by name what changes, None takes a question out."""
    rows = []
    for row in form.rows:
        if row.field is not None and row.name in questions:
            what = questions[row.name]
            if what is None:
                continue
            field = replace(row.field, **what)
            row = replace(row, name=field.name, type=field.type, field=field)
        rows.append(row)
    lists = {row.field.list_name: row.field.choices for row in rows if row.field is not None and row.field.list_name}
    return replace(form, version=version, rows=tuple(rows), choices=lists)


def prepared(form: FormDefinition, removed: str = "") -> Prepared:
    """As if somebody had written the sheet of this definition; the small form lacks core questions, which no test of
    these flows is about."""
    rows = [
        replace(row, label_id=row.name, field=row.field and replace(row.field, label_id=row.name)) for row in form.rows
    ]
    sheet = with_removed(sheet_of(replace(form, rows=tuple(rows))), removed)
    return Prepared(read_rows(sheet), CompiledForm(form, "<x/>"), sheet)


def with_removed(sheet: Sheet, removed: str) -> Sheet:
    (row,) = sheet.settings
    return replace(sheet, settings=(SheetRow(row.number, {**row.cells, "removed": removed}),))


def publish(world: World, form: FormDefinition, removed: str = "") -> None:
    publish_form(world.db, prepared(form, removed), now_ms=world.now_ms, by="t")
    world.fold()


def preview(world: World, form: FormDefinition, removed: str = "", **more: Any) -> Preview:
    return preview_publication(world.db, world.keys, prepared(form, removed), CLOCK, **more)


def record(world: World, household: str) -> dict[str, Any]:
    row = world.db.one("select data, state from households where household_id = :id", {"id": household})
    assert row is not None
    found: dict[str, Any] = json.loads(row["data"])
    return found


def a_person(world: World, household: str, person: Person) -> dict[str, dict[str, Any]]:
    return {f"{household}/{world.uuid()}": person()}


def approve(world: World, household: str, *, ratify: bool = True) -> None:
    def shown() -> tuple[Any, dict[str, str]]:
        world.fold()
        row = world.db.one(
            "select data_digest, delivery_digest from households where household_id = :h", {"h": household}
        )
        refs = world.db.all(
            """select l.ref from filings f join log l on l.home_region = f.home_region and l.epoch = f.epoch
               and l.position = f.position where f.household_id = :h""",
            {"h": household},
        )
        return row, {each["ref"]: household for each in refs}

    row, context = shown()
    world.staff("review", household, {"verdict": "approve", "data_digest": row["data_digest"]}, context=context)
    if ratify:
        row, context = shown()
        minutes = {"number": "BA-1", "date": "2026-11-21"}
        body = {"delivery_digest": row["delivery_digest"], "minutes": minutes}
        world.staff("ratification", household, body, context=context)
    world.fold()


def identical(world: World) -> bool:
    return rebuild(world.db, world.keys, check=True, shuffle_seed=3, now_ms=world.now_ms).identical
