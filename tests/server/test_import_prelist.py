"""Importing a list: again, broken off, on a full disk, undone, a newer one; by flow and by command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from engine_kit import nearly_full

from field_forms.areas import load_areas
from schemas.prelist import PrelistFamily, PrelistMember
from schemas.problems import ProblemError
from server.cli import command_named
from server.flows.fold import fold_all
from server.flows.import_prelist import BATCH_FAMILIES, Order, import_families, preview_diff, undo_import
from server.store import cases, households, imports
from server.store.database import StoreFull

REGION, OTHER_REGION, VILLAGE, FAR_VILLAGE = "19.03", "19.05", "19.03.01.1001", "19.05.01.1001"
NIK = "1903014107900001"


def family(number: int, address: str = "Jl. Mawar", area: str = VILLAGE, nik: str = "") -> PrelistFamily:
    member = PrelistMember(row=13 + number, name=f"WARGA {number}", nik_text=nik, relation="1")
    return PrelistFamily(f"190300000000{number:04d}", area, address, (member,))


class Importing:
    """Imports into a world, each with its own time."""

    def __init__(self, world: Any) -> None:
        self.world = world

    @property
    def db(self) -> Any:
        return self.world.db

    def run(self, families: Any, vintage: str = "2026-1", region: str = REGION) -> Any:
        self.world.now_ms += 1000
        order = Order("p3ke", vintage, region, "daftar.xlsx", "0" * 64, "konsol")
        outcome = import_families(
            self.db, self.world.keys, order, families, import_id=self.world.uuid(), now_ms=self.world.now_ms
        )
        self.world.fold()
        return outcome

    def undo(self, import_id: str) -> int:
        self.world.now_ms += 1000
        run = imports.import_of(self.db, import_id)
        done = undo_import(self.db, self.world.keys, run, actor="konsol", now_ms=self.world.now_ms)
        self.world.fold()
        return done

    def events(self) -> int:
        return int(self.db.value("select count(*) from log"))

    def data(self, number: int) -> Any:
        (household,) = imports.households_of_family(self.db, family(number).family_id)
        return json.loads(households.load(self.db, household).data)

    def address(self, number: int) -> Any:
        return self.data(number)["household"].get("address", {}).get("value")

    def everything(self) -> dict[str, bytes]:
        return {each.household_id: each.data for each in households.stream(self.db, REGION)}


@pytest.fixture
def importing(world: Any) -> Importing:
    return Importing(world)


def test_importing_twice_changes_nothing(importing: Importing) -> None:
    first = importing.run([family(n) for n in range(5)])
    before, count = importing.everything(), importing.events()
    again = importing.run([family(n) for n in reversed(range(5))])
    assert (first.fresh, again.fresh, again.families) == (5, 0, 5)
    assert (importing.everything(), importing.events()) == (before, count)


def test_an_import_that_broke_off_is_run_again(importing: Importing) -> None:
    number = BATCH_FAMILIES + 20

    def breaks_off() -> Iterator[PrelistFamily]:
        yield from (family(n) for n in range(number - 5))
        raise RuntimeError("cut off")

    with pytest.raises(RuntimeError):
        importing.run(breaks_off())
    importing.world.fold()
    assert importing.events() == BATCH_FAMILIES
    with pytest.raises(ProblemError, match="terputus"):
        importing.run([family(1)], "2026-2")
    outcome = importing.run([family(n) for n in range(number)])
    assert (outcome.families, outcome.fresh, importing.events()) == (number, 20, number)
    assert importing.run([family(1)], "2026-2").predecessor == "2026-1"
    assert importing.undo(outcome.import_id) == number, "what the broken run brought in belongs to this import"
    assert all(run.undone_ms for run in imports.of_vintage(importing.db, REGION, "p3ke", "2026-1"))


def test_a_full_disk_stops_an_import_and_loses_nothing(importing: Importing) -> None:
    number = 3 * BATCH_FAMILIES
    with nearly_full(importing.db, 60):
        with pytest.raises(StoreFull):
            importing.run([family(n) for n in range(number)])
        assert importing.events() % BATCH_FAMILIES == 0
    importing.run([family(n) for n in range(number)])
    assert importing.events() == number == households.count(importing.db)


def test_undone_and_imported_again_the_records_are_what_they_were(importing: Importing) -> None:
    first = importing.run([family(n) for n in range(3)])
    before = importing.everything()
    assert importing.undo(first.import_id) == 3
    assert importing.address(1) is None
    with pytest.raises(ProblemError):
        importing.undo(first.import_id)
    again = importing.run([family(n) for n in range(3)])
    assert (again.fresh, again.restored) == (0, 3)
    assert importing.everything() == before
    assert importing.undo(again.import_id) == 3
    assert importing.address(1) is None
    assert importing.run([family(n) for n in range(3)]).restored == 3
    assert importing.everything() == before


def test_what_a_supervisor_voided_does_not_come_back_with_an_import(importing: Importing) -> None:
    first = importing.run([family(0), family(1)])
    rows = list(imports.rows_of(importing.db, REGION, first.import_id))
    importing.world.staff("void", rows[0].household_id, {"target": rows[0].ref})
    importing.undo(first.import_id)
    importing.run([family(0), family(1)])
    assert (importing.address(0), importing.address(1)) == (None, "Jl. Mawar")


def test_a_newer_vintage_replaces_the_listed_values_and_says_who_is_new_gone_and_changed(importing: Importing) -> None:
    importing.run([family(0), family(1), family(2)])
    order = Order("p3ke", "2026-2", REGION, "x", "0" * 64, "konsol")
    newer = [family(1), family(2, "Jl. Baru"), family(3)]
    preview = preview_diff(importing.db, order, {each.family_id: each.digest for each in newer})
    outcome = importing.run(newer, "2026-2")
    assert outcome.diff == preview
    ids = [family(n).family_id for n in range(4)]
    assert (outcome.diff.new, outcome.diff.gone, outcome.diff.changed) == ((ids[3],), (ids[0],), (ids[2],))
    assert importing.address(2) == "Jl. Baru"
    assert all(json.loads(data)["conflicts"] == [] for data in importing.everything().values())


def test_an_older_vintage_imported_again_brings_no_old_value_back(importing: Importing) -> None:
    importing.run([family(0, "lama")])
    importing.run([family(0, "baru")], "2026-2")
    count = importing.events()
    again = importing.run([family(0, "lama")])
    assert (again.fresh, importing.events(), importing.address(0)) == (0, count, "baru")


def test_a_family_that_was_missing_in_between_is_no_conflict(importing: Importing) -> None:
    importing.run([family(0, "satu"), family(1)])
    importing.run([family(1)], "2026-2")
    importing.run([family(0, "tiga"), family(1)], "2026-3")
    assert importing.address(0) == "tiga"
    assert importing.data(0)["conflicts"] == []


def test_one_vintage_does_not_say_two_things_of_a_family(importing: Importing) -> None:
    first = importing.run([family(0, "satu")])
    count = importing.events()
    with pytest.raises(ProblemError, match="angkatan"):
        importing.run([family(0, "dua")])
    assert importing.events() == count
    importing.undo(first.import_id)
    importing.run([family(0, "dua")])
    assert (importing.address(0), importing.data(0)["conflicts"]) == ("dua", [])


def test_a_vintage_in_mid_campaign_keeps_what_officers_found(importing: Importing) -> None:
    importing.run([family(0, "daftar lama"), family(1, "daftar lama")])
    (household,) = imports.households_of_family(importing.db, family(0).family_id)
    shown = json.loads(households.load(importing.db, household).trail)["refs"]
    context = {line["ref"]: line["household_id"] for line in shown}
    importing.world.push(
        importing.world.sealed(household, {"assessment": "layak", "address": "di lapangan"}, context=context)
    )
    importing.world.fold()
    importing.run([family(0, "daftar baru"), family(1, "daftar baru")], "2026-2")
    data = importing.data(0)
    assert data["household"]["assessment"]["value"] == "layak"
    assert importing.address(1) == "daftar baru"
    said = {head["value"] for conflict in data["conflicts"] for head in conflict["heads"]} | {importing.address(0)}
    assert "di lapangan" in said, "neither overwritten nor lost"


def test_a_family_of_another_kabupaten_is_a_new_id_and_said(importing: Importing) -> None:
    importing.run([family(0, nik=NIK)])
    outcome = importing.run([family(0, area=FAR_VILLAGE, nik=NIK), family(1, area=FAR_VILLAGE)], region=OTHER_REGION)
    assert outcome.elsewhere == {family(0).family_id: REGION}
    assert len(imports.households_of_family(importing.db, family(0).family_id)) == 2
    for region in (REGION, OTHER_REGION):
        (case,) = cases.open_cases(importing.db, region)
        assert (case.kind, case.detail["stops"]) == ("nik_two_households", False)


# --- by command ---

GENERIC = "id_keluarga;kecamatan;desa;alamat;nama;nik;jenis_kelamin;hubungan\n"
ROWS = (
    "1903000000000001;Toboali;Toboali;Jl. Mawar;SITI AMINAH;1903014107900001;P;Kepala Keluarga\n"
    "1903000000000002;Toboali;Toboali;Jl. Melati;BUDI;1903010107900002;L;Kepala Keluarga\n"
)


def padan(*words: str, text: str | None = None) -> Result:
    return CliRunner().invoke(click.Group("padan", commands=[command_named(words[0])]), list(words), input=text)


@pytest.fixture
def folder(world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, not_run: Any) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, value in world.environ().items():
        monkeypatch.setenv(name, value)
    assert "19.03" in load_areas()
    (tmp_path / "daftar.csv").write_text(GENERIC + ROWS, encoding="utf-8")
    return tmp_path


def importing_words(*more: str, vintage: str = "2026-1", regency: str = "19.03") -> tuple[str, ...]:
    place = ("--regency", regency, "--vintage", vintage, "--mapping", "generic")
    return ("import-prelist", "daftar.csv", *place, *more)


def test_a_dry_run_shows_counts_masks_niks_and_stores_nothing(folder: Path, world: Any) -> None:
    result = padan(*importing_words("--dry-run"))
    assert result.exit_code == 0, result.output
    assert "Keluarga: 2" in result.output and "1903014107900001" not in result.output
    answer = json.loads(padan(*importing_words("--dry-run", "--json")).stdout)
    assert (answer["families"], answer["vintage"]) == (2, None)
    assert imports.all_imports(world.db) == [] and households.count(world.db) == 0


def test_an_import_by_command_answers_json_and_a_newer_one_is_compared(folder: Path, world: Any) -> None:
    answer = json.loads(padan(*importing_words("--json")).stdout)
    assert (answer["families"], answer["fresh"]) == (2, 2)
    assert households.count(world.db) == 2
    changed = ROWS.replace("Jl. Melati", "Jl. Kenanga") + ROWS.splitlines()[0].replace("0001;", "0003;") + "\n"
    (folder / "daftar.csv").write_text(GENERIC + changed, encoding="utf-8")
    look = json.loads(padan(*importing_words("--dry-run", "--json", vintage="2026-2")).stdout)
    assert look["vintage"] == {"baru": 1, "hilang": 0, "berubah": 1, "sama": 1}
    result = padan(*importing_words(vintage="2026-2"))
    assert "1 baru, 0 hilang, 1 berubah" in result.stdout


def test_errors_are_told_by_row_and_the_rest_comes_in(folder: Path, world: Any) -> None:
    (folder / "daftar.csv").write_text(GENERIC + ROWS.replace("Toboali;Jl. Melati", "Atlantis;Jl. Melati"), "utf-8")
    result = padan(*importing_words())
    assert result.exit_code == 0
    assert "Atlantis" in result.stderr and "baris 3" in result.stderr
    assert households.count(world.db) == 1


@pytest.mark.parametrize("regency", ["19", "19.99", "1903", "19.03.01"])
def test_a_regency_that_does_not_exist_is_refused(folder: Path, regency: str) -> None:
    result = padan(*importing_words(regency=regency))
    assert result.exit_code == 2 and "kabupaten" in result.stderr


def test_retired_districts_are_warned_of_and_a_bad_file_is_named_by_row(folder: Path) -> None:
    (folder / "daftar.csv").write_text(GENERIC + ROWS.replace("1903014107900001", "9999014107900001"), "utf-8")
    (folder / "lama.csv").write_text("kode\n99.99.01\n", encoding="utf-8")
    answer = json.loads(padan(*importing_words("--dry-run", "--json", "--retired", "lama.csv")).stdout)
    assert any("nik_prefix_retired" in each for each in answer["problems"])
    plain = json.loads(padan(*importing_words("--dry-run", "--json")).stdout)
    assert not any("nik_prefix_retired" in each for each in plain["problems"])
    (folder / "lama.csv").write_text("kode\nabc\n", encoding="utf-8")
    result = padan(*importing_words("--retired", "lama.csv"))
    assert result.exit_code == 1 and "baris 2" in result.stderr


def test_ages_count_on_the_day_of_the_list(folder: Path) -> None:
    rows = "1903000000000001;Toboali;Jl. Mawar;SITI;;P;Kepala Keluarga;1921-05-05\n"
    head = "id_keluarga;desa;alamat;nama;nik;jenis_kelamin;hubungan;tanggal_lahir\n"
    (folder / "daftar.csv").write_text(head + rows, encoding="utf-8")

    def problems(*more: str) -> set[str]:
        return set(json.loads(padan(*importing_words("--dry-run", "--json", *more)).stdout)["problems"])

    assert "warning/age_over_100" in problems("--on", "2026-01-01")
    assert "warning/age_over_100" not in problems("--on", "2020-01-01")
    assert padan(*importing_words("--on", "kemarin")).exit_code == 2


def test_a_file_that_is_no_list_is_refused_in_a_sentence(folder: Path, world: Any) -> None:
    (folder / "daftar.csv").write_text("satu;dua\n1;2\n", encoding="utf-8")
    result = padan(*importing_words())
    assert result.exit_code == 1 and "Error: " in result.stderr
    assert households.count(world.db) == 0


def test_imports_are_listed_and_undone_by_command(folder: Path, world: Any) -> None:
    padan(*importing_words())
    (run,) = imports.all_imports(world.db)
    assert "2 keluarga  selesai" in padan("prelist", "list").stdout
    assert padan("prelist", "undo", run.import_id, text="n\n").exit_code == 1
    assert imports.import_of(world.db, run.import_id).undone_ms is None
    assert "2 keluarga dikeluarkan" in padan("prelist", "undo", run.import_id, "--yes").stdout
    assert "dibatalkan" in padan("prelist", "list").stdout
    assert isinstance(padan("prelist", "undo", "tidak-ada", "--yes").exception, ProblemError)
    again = padan(*importing_words())
    assert "2 keluarga yang pernah dibatalkan berlaku lagi" in again.stdout
    assert fold_all(world.db, world.keys, world.now_ms).households == 0
