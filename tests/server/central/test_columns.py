"""The readable tables: a column a question, also for questions that were not there when this was written."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from central_world import Central, fill
from datasette.app import Datasette
from more_questions import FORM, later_form, own_form, publish

from schemas.event import Assertion


def visit(central: Central, form: dict[str, str], **more: Any) -> tuple[str, str]:
    """A visit on a form; the household and the person."""
    world = central.world
    household = more.pop("household", None) or world.uuid()
    person = more.pop("person", None) or f"{household}/{world.uuid()}"
    answers = {"visit_outcome": "01", "notice_ack": "1", **more.pop("answers", {})}
    said = {"m_name": "SITI", "presence": "1", **more.pop("said", {})}
    (answer,) = world.push(world.sealed(household, answers, {person: said}, form=form))
    assert answer.status == "stored", answer
    world.fold()
    return household, person


def test_a_new_question_is_a_new_column_with_its_label_and_no_code_is_changed(central: Central, tmp_path: Path) -> None:
    first = publish(central.world, own_form())
    household, person = visit(central, first)
    central.pull()
    before = {row[1] for row in central.rows("pragma table_info(keluarga)")}
    assert "well_owner" not in before and "remark" in before
    later = publish(central.world, later_form(tmp_path / "later"))
    central.world.fold()
    visit(
        central, later, household=household, person=person,
        answers={"well_owner": "Pak RT", "well_kind": "2"}, said={"hobby": "memancing"},
    )  # fmt: skip
    central.pull()
    assert central.rows("select well_owner, well_kind from keluarga") == [("Pak RT", "2")]
    assert central.rows("select hobby from anggota") == [("memancing",)]
    described = central.rows(
        "select label, jenis, kode, formulir, versi from kamus where tabel = 'keluarga' and kolom = 'well_kind'"
    )
    assert described == [("Jenis sumur", "select_one", json.dumps({"1": "Gali", "2": "Bor"}), FORM, later["version"])]
    assert central.households() == central.stored()


def test_a_question_of_no_published_form_has_a_column_all_the_same(central: Central) -> None:
    fill(central.world)
    central.world.fold()
    row = central.world.db.one("select data, household_id from households")
    assert row is not None
    data = json.loads(row["data"])
    data["household"] |= {
        "Rumor": {"value": "x"},
        "state": {"value": "y"},
        "titik": {"value": {"lat": -3500000, "lon": 1}},
    }
    central.world.db.run("update households set data = :data", {"data": json.dumps(data).encode()})
    central.pull()
    assert central.rows("select state, state_2, rumor, titik_lat, titik_lon from keluarga") == [
        ("submitted", "y", "x", -3.5, 0.000001)
    ]
    assert central.rows("select kolom from kamus where pertanyaan = 'state'") == [("state_2",)]


def test_why_there_is_no_value_stands_beside_and_numbers_stay_texts_or_numbers(central: Central) -> None:
    form = publish(central.world, own_form())
    visit(
        central, form,
        answers={"visit_no": 1, "rooms": 3, "moved_address": "lama", "prog_1y": ["bpnt", "pkh"]},
        said={"nik": "1903010101800001", "nik_status": "1", "mother_name": Assertion(state="unknown")},
    )  # fmt: skip
    central.pull()
    ((no, programmes, why),) = central.rows("select visit_no, prog_1y, tanpa_nilai from keluarga")
    assert no == 1 and programmes == "bpnt pkh"
    assert json.loads(why)["moved_address"] == "irrelevant"
    assert central.rows("select nik, typeof(nik) from anggota") == [("1903010101800001", "text")]


def test_datasette_opens_the_mirror_and_can_facet_it(central: Central) -> None:
    for number in range(1, 4):
        fill(central.world, f"Jl. {number % 2}", nik=f"190301010180{number:04}")
    central.world.fold()
    central.pull()

    async def asked() -> tuple[Any, Any, int]:
        opened = Datasette([str(central.mirror)])
        await opened.invoke_startup()
        facets = await opened.client.get("/pusat/keluarga.json?_facet=address&_extra=facet_results")
        row = await opened.client.get("/pusat/households.json?_shape=array&_size=1")
        page = await opened.client.get("/pusat/anggota")
        return facets.json(), row.json(), page.status_code

    facets, rows, status = asyncio.run(asked())
    found = facets["facet_results"]["address"]["results"]
    assert {(each["value"], each["count"]) for each in found} == {("Jl. 1", 2), ("Jl. 0", 1)}
    assert json.loads(rows[0]["data"])["household_id"] == rows[0]["household_id"]
    assert status == 200
