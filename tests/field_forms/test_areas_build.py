"""The table of areas: what is built is what was pinned, and whoever lacks it is told what to run."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from field_forms.areas import AreasMissing, load_areas, load_retired_prefixes
from field_forms.areas import build as areas_build
from field_forms.areas.build import BuildFailed, checked, is_built, read_package, write_tables
from schemas.areas import DISTRICT, PROVINCE, REGENCY, VILLAGE, level_of
from server.commands.areas import command

SMALL = {
    "provinces": "code,name\n19,Kepulauan Bangka Belitung\n",
    "regencies": "code,province_code,name\n19.03,19,Kabupaten Bangka Selatan\n",
    "districts": "code,regency_code,name\n19.03.01,19.03,Toboali\n",
    "villages": 'code,district_code,name\n19.03.01.1001,19.03.01,"Toboali,  Kota"\n',
}


def tarball(tables: dict[str, str], licence: str | None = "ODbL") -> bytes:
    buffer = io.BytesIO()
    files = {f"package/data/{name}.csv": text for name, text in tables.items()}
    if licence is not None:
        files["package/data/LICENSE.md"] = licence
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


@pytest.fixture
def small_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(areas_build, "COUNTS", dict.fromkeys(SMALL, 1))


def test_the_built_table_holds_every_area_of_the_country() -> None:
    table = load_areas()
    levels = dict.fromkeys((PROVINCE, REGENCY, DISTRICT, VILLAGE), 0)
    for code in table.within("ID"):
        levels[level_of(code)] += 1
    assert levels == {PROVINCE: 38, REGENCY: 514, DISTRICT: 7_285, VILLAGE: 83_762}
    assert len(table.districts) == 7_285


def test_the_areas_of_the_campaigns_have_the_villages_the_ministry_lists() -> None:
    table = load_areas()
    villages = {code: len(table.villages(code)) for code in ("19.03", "19.71", "19.06", "51.71", "73.22")}
    assert villages == {"19.03": 53, "19.71": 42, "19.06": 39, "51.71": 43, "73.22": 173}
    assert table.label("51.71.03.2008") == "Tegal Harum, Denpasar Barat, Kota Denpasar, Bali"
    assert len(table.find_villages("73.22", "Salulemo")) == 2


def test_a_package_that_is_not_the_pinned_one_is_refused() -> None:
    with pytest.raises(BuildFailed, match="not what was pinned"):
        checked(tarball(SMALL))


@pytest.mark.usefixtures("small_counts")
def test_what_is_written_is_read_back_with_its_notice_and_licence_beside_it(tmp_path: Path) -> None:
    write_tables(read_package(tarball(SMALL)), tmp_path)
    assert is_built(tmp_path)
    assert load_areas(tmp_path).name("19.03.01.1001") == "Toboali, Kota"
    assert (tmp_path / "LICENSE-ODbL.md").read_text() == "ODbL"
    assert "Open Database License" in (tmp_path / "ATTRIBUTION.md").read_text()
    first = (tmp_path / "areas.tsv.gz").read_bytes()
    write_tables(read_package(tarball(SMALL)), tmp_path)
    assert (tmp_path / "areas.tsv.gz").read_bytes() == first


@pytest.mark.usefixtures("small_counts")
def test_a_table_that_was_changed_or_came_from_another_version_is_built_again(tmp_path: Path) -> None:
    write_tables(read_package(tarball(SMALL)), tmp_path)
    source = json.loads((tmp_path / "SOURCE.json").read_text())
    (tmp_path / "SOURCE.json").write_text(json.dumps({**source, "tarball_sha512": "other"}))
    assert not is_built(tmp_path)
    (tmp_path / "SOURCE.json").write_text(json.dumps(source))
    assert is_built(tmp_path)
    (tmp_path / "areas.tsv.gz").write_bytes(b"x")
    assert not is_built(tmp_path)


def test_a_package_with_a_row_missing_is_refused() -> None:
    with pytest.raises(BuildFailed, match=r"provinces\.csv holds 1 rows, 38"):
        read_package(tarball(SMALL))


@pytest.mark.usefixtures("small_counts")
def test_a_package_without_its_licence_is_refused() -> None:
    with pytest.raises(BuildFailed, match=r"LICENSE\.md is not in"):
        read_package(tarball(SMALL, licence=None))


def test_without_the_table_the_message_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(AreasMissing, match="padan areas build"):
        load_areas(tmp_path)
    (tmp_path / "areas.tsv.gz").write_bytes(b"not gzip")
    with pytest.raises(AreasMissing, match="rusak"):
        load_areas(tmp_path)


def test_an_npm_that_fails_is_quoted_and_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'npm error code E_OFFLINE' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setattr(areas_build, "npm_command", lambda: [str(npm)])
    with pytest.raises(BuildFailed, match="E_OFFLINE"):
        areas_build.build_areas(tmp_path / "built")
    assert not (tmp_path / "built").exists()


def test_an_operators_list_of_retired_prefixes_names_a_bad_row(tmp_path: Path) -> None:
    path = tmp_path / "lama.csv"
    path.write_text("kode,nama\n91.05.01,Lama\n910502\n\n")
    assert load_retired_prefixes(path) == {"910501", "910502"}
    path.write_text("kode\n9105\n")
    with pytest.raises(ValueError, match="baris 2"):
        load_retired_prefixes(path)


def test_the_command_lists_the_districts_of_a_regency_and_refuses_an_unknown_code() -> None:
    shown = CliRunner().invoke(command, ["show", "19.03"])
    assert shown.exit_code == 0 and "19.03.01  Toboali" in shown.output and len(shown.output.splitlines()) == 9
    refused = CliRunner().invoke(command, ["show", "1903"])
    assert refused.exit_code == 1 and "1903" in refused.output
