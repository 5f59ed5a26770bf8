"""Files for people with a spreadsheet: complete, described, harmless, and without numbers of persons unless asked."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import stat
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from central_world import Central, fill
from click.testing import CliRunner
from more_questions import later_form, own_form, publish
from server_world import NOW_MS, OTHER_VILLAGE, REGION, VILLAGE, World
from test_columns import visit

from schemas.problems import ProblemError
from server.auth.rights import Staff
from server.clock import FixedClock
from server.commands.export import command
from server.export.masking import harmless, masked_text
from server.flows import people
from server.flows.export import Exported, ExportOrder, export_csv
from server.log import configure_logging

NIK = "1903010101800001"
OFFICE = Staff("pusat", "Pusat", "central_office", ("ID",))


def export(world: World, folder: Path, staff: Staff = OFFICE, **order: Any) -> Exported:
    return export_csv(world.db, staff, ExportOrder(folder, **order), FixedClock(NOW_MS))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_columns_follow_the_sheet_and_a_new_question_is_one_more(central: Central, tmp_path: Path) -> None:
    visit(central, publish(central.world, own_form()))
    export(central.world, tmp_path / "before")
    later = publish(central.world, later_form(tmp_path / "later"))
    central.world.fold()
    visit(central, later, answers={"well_owner": "Pak RT", "well_kind": "2"}, said={"hobby": "memancing"})
    export(central.world, tmp_path / "after")
    before, after = list(rows(tmp_path / "before/keluarga.csv")[0]), list(rows(tmp_path / "after/keluarga.csv")[0])
    at = after.index("well_owner")
    assert after[at : at + 3] == ["well_owner", "well_kind", "remark"]
    assert [name for name in after if name not in ("well_owner", "well_kind")] == before
    assert after.index("visit_outcome") < after.index("gps_home_lat") < after.index("gps_home_lon") < at
    assert [row["well_owner"] for row in rows(tmp_path / "after/keluarga.csv")].count("Pak RT") == 1
    assert [row["hobby"] for row in rows(tmp_path / "after/anggota.csv")].count("memancing") == 1
    (described,) = [row for row in rows(tmp_path / "after/kamus.csv") if row["kolom"] == "well_kind"]
    assert described["label"] == "Jenis sumur" and json.loads(described["kode"]) == {"1": "Gali", "2": "Bor"}
    assert described["versi"] == later["version"] and described["kepekaan"] == "personal"


def test_numbers_of_persons_are_hidden_wherever_they_stand(central: Central, tmp_path: Path) -> None:
    form = publish(central.world, own_form())
    phone, kk = "081234567890", "1903011507160001"
    visit(
        central, form,
        answers={
            "no_kk": kk, "kk_status": "1", "resp_phone": phone,
            "gps_home": {"lat": -3123456, "lon": 107654321, "acc_dm": 40},
            "remark": f"Nomor istri 0812 3456 7891, NIK {NIK}; rumah no. 12", "resp_name": "BU ANI",
        },
        said={"nik": NIK, "nik_status": "1"},
    )  # fmt: skip
    export(central.world, tmp_path / "out")
    text = "".join(path.read_text() for path in (tmp_path / "out").iterdir())
    for number in (NIK, phone, kk, "0812 3456 7891"):
        assert number not in text
    (family,), (person,) = rows(tmp_path / "out/keluarga.csv"), rows(tmp_path / "out/anggota.csv")
    assert person["nik"] == "************0001" and family["resp_phone"] == "********7890"
    assert family["no_kk"] == "************0001"
    assert family["remark"].endswith("rumah no. 12") and family["resp_name"] == "BU ANI"
    assert (family["gps_home_lat"], family["gps_home_lon"]) == ("-3.123456", "107.654321")
    hidden = {row["kolom"] for row in rows(tmp_path / "out/kamus.csv") if row["disamarkan"] == "ya"}
    assert {"nik", "no_kk", "resp_phone", "vw_phone"} <= hidden and "nik_status" not in hidden


def test_numbers_are_shown_only_with_a_purpose_and_the_log_says_so(central: Central, tmp_path: Path) -> None:
    fill(central.world, nik=NIK)
    central.world.fold()
    with pytest.raises(ProblemError, match="--purpose"):
        export(central.world, tmp_path / "out", unmask=True)
    assert not (tmp_path / "out").exists()
    stream = io.StringIO()
    configure_logging("info", stream)
    export(central.world, tmp_path / "out", unmask=True, purpose="Pemadanan dengan Dukcapil")
    assert NIK in (tmp_path / "out/anggota.csv").read_text()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    (begun,) = [line for line in lines if line["event"] == "export_started"]
    assert (begun["staff"], begun["unmasked"], begun["reason"]) == ("pusat", True, "Pemadanan dengan Dukcapil")
    assert not any("dropped" in line for line in lines) and NIK not in stream.getvalue()
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert manifest["unmasked"] and manifest["purpose"] == "Pemadanan dengan Dukcapil" and manifest["staff"] == "pusat"


@pytest.mark.parametrize(
    ("staff", "order"),
    [
        (Staff("rini", "Rini", "supervisor", ("ID",)), {}),
        (Staff("adi", "Adi", "district_admin", ("19.03",)), {"area": "19.04"}),
        (Staff("adi", "Adi", "district_admin", ("19.03",)), {"area": "ID"}),
    ],
)
def test_who_has_no_right_gets_nothing(central: Central, tmp_path: Path, staff: Staff, order: dict[str, str]) -> None:
    with pytest.raises(ProblemError) as refused:
        export(central.world, tmp_path / "out", staff, **order)
    assert refused.value.code == "forbidden" and not (tmp_path / "out").exists()


def test_no_text_becomes_a_formula(central: Central, tmp_path: Path) -> None:
    evil = ['=HYPERLINK("http://x","y")', "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1"]
    for number, text in enumerate(evil, 1):
        fill(central.world, text, nik=f"190301010180{number:04}")
    central.world.fold()
    export(central.world, tmp_path / "out")
    found = [row["address"] for row in rows(tmp_path / "out/keluarga.csv")]
    assert sorted(found) == sorted("'" + text for text in evil)


def test_a_negative_number_is_not_taken_for_a_formula() -> None:
    assert harmless("-3.5", numeric=True) == "-3.5" and harmless("-3.5") == "'-3.5"
    assert harmless("-3+4", numeric=True) == "'-3+4"


def test_ids_of_lists_stay_where_nothing_personal_is_asked() -> None:
    assert masked_text("9990010000000123", "internal") == "9990010000000123"
    assert masked_text(NIK, "internal").startswith("****") and masked_text("+62 812-3456-7890", "public")[0] == "*"
    assert masked_text("3b1f9a50-0000-4000-8000-000000000001", "personal").endswith("000000000001")


def test_area_and_state_narrow_and_each_household_comes_once(central: Central, tmp_path: Path) -> None:
    inside, outside = fill(central.world), fill(central.world, area=OTHER_VILLAGE, nik="1903010101800002")
    central.world.fold()
    export(central.world, tmp_path / "a", area=VILLAGE)
    assert [row["household_id"] for row in rows(tmp_path / "a/keluarga.csv")] == [inside]
    overlapping = Staff("adi", "Adi", "district_admin", (VILLAGE, REGION, OTHER_VILLAGE))
    assert export(central.world, tmp_path / "b", overlapping).households == 2
    villages = Staff("adi", "Adi", "district_admin", (VILLAGE, OTHER_VILLAGE))
    export(central.world, tmp_path / "c", villages)
    assert {row["household_id"] for row in rows(tmp_path / "c/keluarga.csv")} == {inside, outside}
    assert export(central.world, tmp_path / "d", state="ratified").households == 0
    with pytest.raises(ProblemError, match="Status"):
        export(central.world, tmp_path / "e", state="rapi")


def test_the_manifest_has_the_digest_and_count_of_each_file(central: Central, tmp_path: Path) -> None:
    fill(central.world, "dua\nbaris")
    central.world.fold()
    folder = tmp_path / "out"
    done = export(central.world, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert {path.name for path in folder.iterdir()} == {*manifest["files"], "manifest.json"}
    assert set(manifest["files"]) == {"keluarga.csv", "anggota.csv", "perubahan.csv", "kamus.csv"}
    for name, facts in manifest["files"].items():
        raw = (folder / name).read_bytes()
        assert facts == {"sha256": hashlib.sha256(raw).hexdigest(), "bytes": len(raw), "rows": len(rows(folder / name))}
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert (done.households, done.persons) == (1, 2)
    with pytest.raises(ProblemError, match="tidak kosong"):
        export(central.world, folder)


def test_an_export_that_fails_leaves_no_file(central: Central, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(central.world)
    central.world.fold()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("server.export.csv_files.os.fsync", full)
    with pytest.raises(ProblemError, match="No space left"):
        export(central.world, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_memory_does_not_grow_with_the_number_of_households(central: Central, tmp_path: Path) -> None:
    fill(central.world, "x" * 4_000)
    central.world.fold()
    row = central.world.db.one("select * from households")
    assert row is not None

    def peak(name: str) -> int:
        tracemalloc.start()
        export(central.world, tmp_path / name)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    columns = row.keys()
    names, marks = ",".join(columns), ",".join(f":{name}" for name in columns)
    for start, end in ((1, 400), (400, 3_000)):
        central.world.db.many(
            f"insert into households ({names}) values ({marks})",
            [dict(row) | {"household_id": f"{n:08}", "feed_position": 10 + n} for n in range(start, end)],
        )
        if end == 400:
            few = peak("few")
    assert peak("many") < few * 1.5


def test_the_command_writes_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, central: Central) -> None:
    fill(central.world)
    central.world.fold()
    monkeypatch.chdir(tmp_path)
    for name, value in central.world.environ().items():
        monkeypatch.setenv(name, value)
    nobody = CliRunner().invoke(command, ["--csv", "out"])
    assert nobody.exit_code == 2 and "--as" in nobody.output
    people.add_staff(central.world.db, "pusat", "Pusat", "central_office", ["ID"], NOW_MS)
    done = CliRunner().invoke(command, ["--csv", "out"])
    assert done.exit_code == 0, done.output
    assert "1 keluarga, 2 baris anggota" in done.output and Path("out/manifest.json").exists()
