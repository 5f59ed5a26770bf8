"""A question that somebody adds to the sheet arrives everywhere, and no code knows it: the sheet, `padan form publish`,
the field client over loopback HTTP, the merge, the mirror of `padan pull`, the files of `padan export --csv`.
"""

from __future__ import annotations

import csv
import json
import random
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import waitress
from click.testing import CliRunner

from field_forms.built import source_folder
from field_forms.client import FieldClient, HttpTransport
from schemas.ids import is_uuid
from server.app import create_app
from server.auth.keys import load_keys
from server.auth.rights import Staff
from server.clock import SystemClock
from server.commands import form as form_command
from server.flows import people
from server.flows.export import ExportOrder, export_csv
from server.flows.fold import fold_all
from server.flows.rebuild import rebuild
from server.mirror import HttpSource, pull
from server.settings import load_settings
from server.store.migrations import open_store

VILLAGE, OFFICER = "19.03.01.1001", "psm-siti"
ADDED_TEXT, ADDED_CHOICE, ADDED_MEMBER = "sumur_pemilik", "sumur_jenis", "anggota_kegemaran"
VISIT = {
    "visit_outcome": "02", "outcome_note": "kartu belum lengkap", "notice_ack": "1", "resp_name": "Rusli",
    "resp_relation": "1", "address": "Dusun I", "rt": "003", "rw": "001",
}  # fmt: skip
MEMBER = {"m_name": "Rusli", "presence": "1", "nik_status": "1", "nik": "1903010405800001"}


class Campaign:
    """A running server, one officer's tablet, and the central office; all over HTTP."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        monkeypatch.setenv("PADAN_DATABASE", str(folder / "padan.db"))
        self.store = open_store(folder / "padan.db")
        self.clock = SystemClock()
        self.keys = load_keys(self.store.db, self.clock.now_ms())
        app = create_app(self.store, load_settings({}, folder), clock=self.clock)
        self.server = waitress.create_server(app, host="127.0.0.1", port=0, threads=2)
        threading.Thread(target=self._serve, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.effective_port}"

    def _serve(self) -> None:
        try:
            self.server.run()
        except OSError:  # closed beneath it
            return

    def publish(self, folder: Path) -> None:
        """As an operator types it."""
        typed = ["publish", str(folder), "--yes", "--no-wait"]
        done = CliRunner().invoke(form_command.group, typed, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        assert "Terbit" in done.output

    def tablet(self) -> FieldClient:
        people.add_officer(self.store.db, OFFICER, "Siti", [VILLAGE], self.clock.now_ms())
        code = people.issue_code(self.store.db, OFFICER, bytes(range(32)), by="t", now_ms=self.clock.now_ms())
        client = FieldClient(self.folder / "tablet", HttpTransport(self.url), rng=random.Random(3), attempts_max=2)
        client.enrol(code)
        return client

    def fold(self) -> None:
        assert fold_all(self.store.db, self.keys, self.clock.now_ms()).failed == 0

    def record(self, household: str) -> dict[str, Any]:
        row = self.store.db.one("select data from households where household_id = :id", {"id": household})
        assert row is not None
        found: dict[str, Any] = json.loads(row["data"])
        return found

    def mirrored(self, query: str) -> list[tuple[Any, ...]]:
        """Pull, then rows of the mirror."""
        token = people.issue_token(self.store.db, "pusat", "pull", ["ID"], now_ms=self.clock.now_ms(), days=1)
        pull(HttpSource(self.url, token), self.folder / "pusat.db")
        with sqlite3.connect(self.folder / "pusat.db") as mirror:
            return mirror.execute(query).fetchall()

    def exported(self, name: str) -> list[dict[str, str]]:
        """Rows of one file of a fresh export."""
        folder = self.folder / f"ekspor-{len(list(self.folder.glob('ekspor-*')))}"
        export_csv(self.store.db, Staff("pusat", "Pusat", "central_office", ("ID",)), ExportOrder(folder), self.clock)
        with (folder / name).open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture
def campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Campaign]:
    found = Campaign(tmp_path, monkeypatch)
    yield found
    found.server.close()
    found.store.close()


def test_a_question_added_to_the_sheet_reaches_tablet_record_mirror_and_export(campaign: Campaign) -> None:
    campaign.publish(source_folder("verifikasi_keluarga"))
    campaign.publish(source_folder("perubahan"))
    client = campaign.tablet()
    assert client.sync().complete
    before = fill(client, {}, {})
    unfinished = client.open_draft(None, area=VILLAGE)  # opened on the old version, finished after the new one
    campaign.publish(edited_sheet(campaign.folder / "lembar"))
    assert client.sync().complete
    campaign.fold()
    after = fill(client, {ADDED_TEXT: "Pak RT", ADDED_CHOICE: "2"}, {ADDED_MEMBER: "memancing"})
    answer(client, unfinished, {}, {})
    client.seal(unfinished)
    old_version = unfinished.form.version
    result = client.sync()
    assert (result.complete, result.statuses) == (True, {"stored": 2}), result.stopped
    campaign.fold()

    versions = campaign.store.db.all("select head from log where kind = 'submission' order by position")
    heads = [json.loads(row["head"]) for row in versions]
    assert [head["form"]["version"] == old_version for head in heads] == [True, False, True]

    merged = campaign.record(after)
    assert merged["household"][ADDED_TEXT] == {"value": "Pak RT"}
    assert merged["household"][ADDED_CHOICE] == {"value": "2"}
    assert merged["persons"][0]["fields"][ADDED_MEMBER] == {"value": "memancing"}
    for old in (before, unfinished.household_id):
        assert campaign.record(old)["household"]["address"] == {"value": "Dusun I"}
        assert ADDED_TEXT not in campaign.record(old)["household"]

    assert set(campaign.mirrored(f"select {ADDED_TEXT}, {ADDED_CHOICE} from keluarga")) == {
        ("Pak RT", "2"),
        (None, None),
    }
    assert ("memancing",) in campaign.mirrored(f"select {ADDED_MEMBER} from anggota")
    assert campaign.mirrored(f"select label from kamus where kolom = '{ADDED_CHOICE}'") == [("Jenis sumur",)]

    homes, members = campaign.exported("keluarga.csv"), campaign.exported("anggota.csv")
    assert sorted(row[ADDED_TEXT] for row in homes) == ["", "", "Pak RT"]
    assert sorted(row[ADDED_CHOICE] for row in homes) == ["", "", "2"]
    assert sorted(row[ADDED_MEMBER] for row in members) == ["", "", "memancing"]
    described = [row for row in campaign.exported("kamus.csv") if row["kolom"] == ADDED_CHOICE]
    assert [json.loads(row["kode"]) for row in described] == [{"1": "Gali", "2": "Bor"}]

    outcome = rebuild(campaign.store.db, campaign.keys, check=True, shuffle_seed=1, now_ms=campaign.clock.now_ms())
    assert (outcome.identical, outcome.households) == (True, 3)


def test_the_new_answers_come_back_to_the_tablet_and_a_visit_that_saw_them_replaces_them(campaign: Campaign) -> None:
    campaign.publish(edited_sheet(campaign.folder / "lembar"))
    client = campaign.tablet()
    assert client.sync().complete
    household = fill(client, {ADDED_TEXT: "Pak RT", ADDED_CHOICE: "1"}, {})
    assert client.sync().complete
    campaign.fold()
    assert client.sync().complete
    again = client.open_draft(household)
    assert again.prefill[f"h/{ADDED_TEXT}"]["value"] == "Pak RT"
    answer(client, again, {ADDED_TEXT: "Bu RW", ADDED_CHOICE: "1"}, {}, member=again.persons[0])
    client.seal(again)
    assert client.sync().statuses == {"stored": 1}
    campaign.fold()
    merged = campaign.record(household)
    # The second form saw the first, so that the later answer stands and nothing is left to decide.
    assert merged["household"][ADDED_TEXT] == {"value": "Bu RW"}
    assert merged["conflicts"] == []


def test_no_code_of_padan_names_the_added_questions() -> None:
    """Or the tests above would show nothing."""
    root = Path(__file__).parents[2]
    for package in ("schemas", "sync", "field_forms", "server"):
        for path in (root / package).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert not any(name in text for name in (ADDED_TEXT, ADDED_CHOICE, ADDED_MEMBER)), path


def fill(client: FieldClient, home: dict[str, str], member: dict[str, str]) -> str:
    """A visit of a family on no list, sealed; its household id."""
    draft = client.open_draft(None, area=VILLAGE)
    answer(client, draft, home, member)
    client.seal(draft)
    household = draft.household_id
    assert is_uuid(household)
    return household


def answer(client: FieldClient, draft: Any, home: dict[str, str], said: dict[str, str], member: str = "") -> None:
    """The plain answers and the added ones."""
    key = member or client.add_member(draft)
    client.answer_all(draft, {f"h/{name}": value for name, value in (VISIT | home).items()})
    client.answer_all(draft, {f"p/{key}/{name}": value for name, value in (MEMBER | said).items()})


def edited_sheet(folder: Path) -> Path:
    """The household form as its author saves it after adding three rows and a choice list, and a new version."""
    shutil.copytree(source_folder("verifikasi_keluarga"), folder)
    survey = _read(folder / "survey.csv")
    at = next(number for number, row in enumerate(survey) if row["name"] == "floor_area_m2")
    survey[at + 1 : at + 1] = [
        _question(survey[0], "text", ADDED_TEXT, "Pemilik sumur"),
        _question(survey[0], "select_one jenis_sumur", ADDED_CHOICE, "Jenis sumur"),
    ]
    end = next(number for number, row in enumerate(survey) if row["type"] == "end_repeat")
    survey.insert(end, _question(survey[0], "text", ADDED_MEMBER, "Kegemaran"))
    _write(folder / "survey.csv", survey)
    choices = _read(folder / "choices.csv")
    for code, label in (("1", "Gali"), ("2", "Bor")):
        cells = dict.fromkeys(choices[0], "") | {"list_name": "jenis_sumur", "name": code}
        choices.append(cells | {name: label for name in cells if name.startswith("label")})
    _write(folder / "choices.csv", choices)
    settings = _read(folder / "settings.csv")
    _write(folder / "settings.csv", [settings[0] | {"version": str(int(settings[0]["version"]) + 1)}])
    return folder


def _question(like: dict[str, str], type: str, name: str, label: str) -> dict[str, str]:
    cells = dict.fromkeys(like, "") | {"type": type, "name": name, "policy": "ask", "sensitivity": "personal"}
    return cells | {column: label for column in like if column.startswith("label")}


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
