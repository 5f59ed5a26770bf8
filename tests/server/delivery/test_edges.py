"""A registry that knows better, an agency without an API, and what the documents say."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from delivery_world import NIKS, REGION, Delivering

from server.flows import deliver, deliver_send
from server.registry.adapter import Adapter, Delivery
from server.registry.file_adapter import FileAdapter
from server.store import events, outbox
from server.worker import JOBS
from sync.delivery import DELIVER, content_digest


def test_a_version_that_the_registry_has_already_is_numbered_anew(scene: Delivering) -> None:
    household = scene.ratified(NIKS[0])
    payload = {"household_id": household, "home_region": REGION, "persons": []}
    foreign = Delivery(DELIVER, household, REGION, 4, "a" * 32, "lain", content_digest(payload), payload)
    scene.adapter().push([foreign])
    scene.run()
    assert scene.applications() == [(household, 4, "deliver"), (household, 5, "deliver")]
    assert scene.rows(household) == [("deliver", 5, "accepted")]
    (receipt,) = events.filed_under(scene.db, REGION, household, ["receipt"])
    assert receipt.head["body"]["version"] == 5


def test_a_place_that_the_registry_gave_to_another_waits_and_goes_when_it_is_free(scene: Delivering) -> None:
    household, stranger = scene.ratified(NIKS[0]), scene.world.uuid()
    scene.ledger.reserve(NIKS[0], stranger, 0)
    scene.run()
    assert scene.rows(household) == [("deliver", 1, "waiting_reservation")]
    (row,) = outbox.in_states(scene.db, ("waiting_reservation",))
    assert (row.problem_code, stranger in str(row.problem)) == ("taken", True)
    assert deliver.dry_run(scene.db, scene.dispatch, household)["waits_for"] == [stranger]
    scene.ledger.release(NIKS[0], stranger)
    assert scene.tick().claimed == 0, "it is not asked again at once"
    scene.clock.advance_ms(deliver_send.TAKEN_WAIT_MS + 1_000)
    scene.run()
    assert scene.applications() == [(household, 1, "deliver")]


def test_a_rejected_correction_that_is_taken_back_leaves_what_stands_accepted(scene: Delivering) -> None:
    household = scene.ratified(NIKS[0])
    scene.run()
    form = scene.visit(household, {"address": "Jl. Melati"})
    scene.ratify(household)
    scene.switch(reject={})
    scene.run()
    assert scene.state(household) == "rejected"
    scene.staff("void", household, {"target": form["payload_hash"][:32]})
    scene.approve(household)
    scene.run()
    assert scene.state(household) == "accepted"
    assert scene.standing() == {household: 1}


def test_an_agency_without_an_api_gets_batches_and_its_answers_become_receipts(
    scene: Delivering, tmp_path: Path
) -> None:
    good, bad = scene.ratified(NIKS[0]), scene.ratified(NIKS[1])
    folder = tmp_path / "agency"
    new: Callable[[], Adapter] = lambda: FileAdapter(folder, form="csv", clock=scene.clock)  # noqa: E731
    scene.run_with(new)
    assert {scene.state(good), scene.state(bad)} == {"delivered"}
    (batch,) = sorted((folder / "outgoing").iterdir())
    lines = json.loads((batch / "manifest.json").read_text())["deliveries"]
    assert {line["household_id"] for line in lines} == {good, bad}
    _answer(folder, lines, {good: ("accepted", "", "BA-7"), bad: ("rejected", "NIK tidak ditemukan", "")})
    scene.clock.advance_ms(1_000_000)
    scene.run_with(new)
    assert (scene.state(good), scene.state(bad)) == ("accepted", "rejected")
    (letter,) = deliver.dead_letters(scene.db)
    assert "NIK tidak ditemukan" in str(letter.problem)
    assert len(list((folder / "outgoing").iterdir())) == 1, "nothing was handed over twice"


def _answer(folder: Path, lines: list[dict[str, Any]], said: dict[str, tuple[str, str, str]]) -> None:
    names = ["batch", "idempotency_key", "status", "code", "field", "message", "number", "applied_at"]
    with (folder / "answers" / "1.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for line in lines:
            status, message, number = said[line["household_id"]]
            at = "2026-11-25T02:00:00Z" if status == "accepted" else ""
            code = "" if status == "accepted" else "nik"
            writer.writerow(["1", line["idempotency_key"], status, code, "", message, number, at])


def test_every_job_of_the_worker_is_in_the_handbook() -> None:
    handbook = (Path(__file__).resolve().parents[3] / "docs" / "operations.md").read_text(encoding="utf-8")
    assert [name for name in JOBS if f"| `{name}` |" not in handbook] == []


def test_a_family_of_which_nothing_is_said_is_not_delivered(scene: Delivering) -> None:
    household = scene.world.uuid()
    scene.world.staff("change", household, {"type": "work_accident"})
    scene.world.fold()
    scene.ratify(household)
    scene.run()
    assert scene.rows(household) == []
    told = deliver.dry_run(scene.db, scene.dispatch, household)
    assert [reason["code"] for reason in told["reasons"]] == ["empty"]
    assert deliver.overview(scene.db, "registry").queue == 0
