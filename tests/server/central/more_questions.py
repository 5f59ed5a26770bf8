"""The household form that comes with Padan, and a later version of it with questions nobody's code knows."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

from server_world import NOW_MS, World

from field_forms.built import source_folder
from field_forms.publish import prepare_file
from server.flows.publish_form import publish_form

FORM = "verifikasi_keluarga"
LATER = "2026123101"


def publish(world: World, folder: Path) -> dict[str, str]:
    """Publish a form; how an event names it. The small form of other tests makes room: it has the same questions."""
    world.db.run("delete from forms where id = 'kecil'")
    prepared = prepare_file(folder)
    assert publish_form(world.db, prepared, now_ms=NOW_MS, by="test")
    definition = prepared.compiled.definition
    return {"id": definition.id, "version": definition.version, "hash": definition.hash}


def own_form() -> Path:
    """The sheets as they come."""
    return source_folder(FORM)


def later_form(folder: Path) -> Path:
    """The sheets with one text, one choice and one question of the roster more, as somebody adds them by hand."""
    shutil.copytree(own_form(), folder)
    survey = _read(folder / "survey.csv")
    roster_end = next(number for number, row in enumerate(survey) if row["type"] == "end_repeat")
    language = next(name for name in survey[0] if name.startswith("label") and "(id)" in name)
    survey[roster_end:roster_end] = [_row("text", "hobby", "Kegemaran", language)]
    remark = next(number for number, row in enumerate(survey) if row["name"] == "remark")
    survey[remark:remark] = [
        _row("text", "well_owner", "Pemilik sumur", language),
        _row("select_one well_kind", "well_kind", "Jenis sumur", language),
    ]
    _write(folder / "survey.csv", survey)
    choices = _read(folder / "choices.csv")
    choice_label = next(name for name in choices[0] if name.startswith("label") and "(id)" in name)
    for code, label in (("1", "Gali"), ("2", "Bor")):
        choices.append(dict.fromkeys(choices[0], "") | {"list_name": "well_kind", "name": code, choice_label: label})
    _write(folder / "choices.csv", choices)
    settings = _read(folder / "settings.csv")
    _write(folder / "settings.csv", [settings[0] | {"version": LATER}])
    return folder


def _row(type: str, name: str, label: str, language: str) -> dict[str, str]:
    return {"type": type, "name": name, language: label, "policy": "latest", "sensitivity": "personal"}


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), restval="")
        writer.writeheader()
        writer.writerows(rows)
