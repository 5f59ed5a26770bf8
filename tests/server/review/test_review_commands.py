"""`padan review` and `padan assign` as a supervisor types them: what is shown, what is asked, what comes of it."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from review_world import NIK, OTHER_NIK, OTHER_REGION, OTHER_VILLAGE, REGION, ran, run

from field_forms.areas import load_areas
from schemas.problems import ProblemError
from server.auth.rights import AUDITOR, SUPERVISOR
from server.store import cases, staff


def told(*words: str) -> str:
    """The sentence of a command that is refused."""
    result = run(*words)
    assert isinstance(result.exception, ProblemError), (result.output, result.exception)
    return str(result.exception)


def family(office: Any, person: Any, nik: str = NIK, **head: Any) -> tuple[str, str]:
    household = office.world.uuid()
    key = office.person(household)
    office.visit(household, {"address": "Jl. Mawar", "assessment": "layak"}, {key: person("SITI AMINAH", nik)}, **head)
    return household, key


def test_the_list_names_head_village_officer_state_and_age_and_never_a_nik(office: Any, person: Any) -> None:
    household, key = family(office, person)
    office.visit(household, {"assessment": "tidak layak"})
    office.visit(household, {}, {key: person("SITI AMINAH", OTHER_NIK)})
    ran("assign", household[:8], "petugas1")
    text = ran("review", "list")
    line = next(each for each in text.splitlines() if each.startswith(household[:8]))
    village = load_areas().name("19.03.01.1001")
    assert all(each in line for each in ("SITI AMINAH", village, "petugas1", "bertentangan"))
    (row,) = json.loads(ran("review", "list", "--json"))
    assert (row["household"], row["head"], row["officers"]) == (household, "SITI AMINAH", ["petugas1"])
    assert row["conflicts"] == 2 and row["waiting_days"] >= 0
    for kind in ("semua", "field"):
        listed = ran("review", "list", "--kind", kind)
        assert "jawaban berbeda" in listed and "SITI AMINAH" in listed
        text += listed + ran("review", "list", "--kind", kind, "--json")
    assert NIK not in text and OTHER_NIK not in text


def test_the_list_is_narrowed_by_state_area_officer_and_limit(office: Any, person: Any) -> None:
    first, _ = family(office, person)
    second, _ = family(office, person, OTHER_NIK)
    ran("assign", second, "petugas1")
    ran("review", "approve", first)

    def ids(*words: str) -> set[str]:
        return {row["household"] for row in json.loads(ran("review", "list", "--json", *words))}

    assert ids("--state", "approved") == {first}
    assert ids("--officer", "petugas1") == {second}
    assert ids("--area", "19.03.01") == {first, second}
    assert ids("--area", OTHER_VILLAGE) == set()
    assert len(ids("--limit", "1")) == 1
    assert run("review", "list", "--state", "selesai").exit_code == 2
    assert run("review", "list", "--kind", "apa").exit_code == 2
    assert "19.04" in told("review", "list", "--area", "19.04")


@pytest.mark.parametrize("scope", ["ID", "19", REGION, "19.03.01.1001"])
def test_who_looks_after_more_or_less_than_a_kabupaten_sees_it_all(office: Any, person: Any, scope: str) -> None:
    household, _ = family(office, person)
    office.conflict(household)
    staff.save_staff(office.db, "lain", "Lain", SUPERVISOR, [scope], 1)
    (row,) = json.loads(ran("review", "list", "--as", "lain", "--json"))
    assert row["household"] == household
    (case,) = json.loads(ran("review", "list", "--as", "lain", "--kind", "semua", "--json"))
    assert case["kind"] == "field"
    staff.save_staff(office.db, "lain", "Lain", SUPERVISOR, [OTHER_REGION], 1)
    assert json.loads(ran("review", "list", "--as", "lain", "--json")) == []
    assert json.loads(ran("review", "list", "--as", "lain", "--kind", "semua", "--json")) == []


def test_show_speaks_in_labels_says_what_settles_it_and_is_written_down(office: Any, person: Any) -> None:
    household, _key = family(office, person)
    _, _, second = office.conflict(household)
    text = ran("review", "show", household[:8])
    assert "SITI AMINAH" in text and NIK in text
    assert "Tinggal [1]" in text, "a choice is shown with its label"
    assert f"{second[:12]}" in text and "review decide KELUARGA h/assessment" in text
    assert "petugas1, bukti 1" in text and "BERTENTANGAN" in text
    answer = json.loads(ran("review", "show", household, "--json"))
    assert answer["data"]["household_id"] == household
    log = Path("access.log")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["staff"], line["household_id"]) for line in lines] == [("pengawas", household)] * 2
    assert NIK not in log.read_text() and "SITI" not in log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    ran("review", "list")
    assert len(log.read_text().splitlines()) == 2, "a list shows no whole household"


def test_what_cannot_be_written_down_is_not_shown(office: Any, person: Any) -> None:
    household, _ = family(office, person)
    Path("access.log").mkdir()
    result = run("review", "show", household)
    assert result.exit_code == 1 and NIK not in result.output


def test_decide_takes_one_side_or_a_written_value(office: Any) -> None:
    household, first, _ = office.conflict()
    assert run("review", "decide", household, "assessment").exit_code == 2
    assert run("review", "decide", household, "assessment", "--value", "layak").exit_code == 2
    ref = ran("review", "decide", household[:8], "assessment", "--take", first[:8]).strip()
    assert office.value(household, "assessment") == "layak"
    ran("review", "undo", household, ref[:8])
    ran("review", "decide", household, "assessment", "--value", "assessment=ragu", "--comment", "cek lapangan")
    assert office.value(household, "assessment") == "ragu"


def test_one_or_several_are_approved_and_what_cannot_be_is_said(office: Any, person: Any) -> None:
    one, two, bad = family(office, person)[0], family(office, person, OTHER_NIK)[0], office.conflict()[0]
    ran("review", "approve", one, "--seen", office.record(one).data_digest[:12])
    result = run("review", "approve", two, bad)
    assert result.exit_code == 1
    assert "1 disetujui, 1 tidak." in result.stdout and bad[:8] in result.stderr
    assert [office.record(each).state for each in (one, two, bad)] == ["approved", "approved", "conflict"]
    for words in (["--seen", "x", one, two], [], ["--all", one], ["--area", REGION, one], ["--yes", one]):
        assert run("review", "approve", *words).exit_code == 2


def test_approving_all_shows_what_it_would_do_and_asks(office: Any, person: Any) -> None:
    one, two = family(office, person)[0], family(office, person, OTHER_NIK)[0]
    office.conflict()
    result = run("review", "approve", "--all", "--area", "19.03.01", text="n\n")
    assert "2 keluarga" in result.stdout and office.record(one).state == "submitted"
    result = run("review", "approve", "--all", "--area", "19.03.01", text="y\n")
    assert "2 disetujui, 0 tidak." in result.stdout
    assert office.record(one).state == office.record(two).state == "approved"
    assert "Tidak ada yang siap" in ran("review", "approve", "--all", "--yes")


def test_return_and_ratify_by_command(office: Any, person: Any) -> None:
    household, _ = family(office, person)
    assert run("review", "return", household, "--at", "address").exit_code == 2
    ran("review", "return", household, "--at", "address=rumah mana?", "--note", "mohon", "--due", "2026-12-01")
    assert "rumah mana?" in ran("review", "show", household)
    assert "Belum disetujui" in told("review", "ratify", household, "--minutes", "BA-1", "2026-11-21")
    office.visit(household, {"address": "Jl. Mawar 3"}, saw=True)
    ran("review", "approve", household)
    ran("review", "ratify", household, "--minutes", "BA-1", "2026-11-21", "--decree", "SK-1", "2026-11-22")
    assert office.record(household).state == "ratified"


def test_verdicts_on_a_nik_by_command(office: Any, person: Any) -> None:
    one, here = family(office, person)
    two, _ = family(office, person)
    assert "PERKARA NIK: satu NIK di dua keluarga" in ran("review", "show", one)
    assert run("review", "verdict", one, "pindah").exit_code == 2
    assert "perkara NIK" in told("review", "verdict", one, "moved", "--person", "00000000")
    ran("review", "verdict", one[:8], "moved", "--person", here.split("/")[1][:8], "--comment", "pindah")
    assert office.data(one)["persons"][0]["moved_to"] == two
    assert cases.open_cases(office.db, REGION) == []


def test_wrong_nik_and_same_person_by_command(office: Any, person: Any) -> None:
    one, _ = family(office, person)
    two = office.world.uuid()
    keys = [office.person(two) for _ in range(2)]
    office.visit(two, {}, {keys[0]: person("BUDI", NIK), keys[1]: person("BUDI S", OTHER_NIK)})
    persons = [word for key in keys for word in ("--person", key.split("/")[1])]
    ran("review", "verdict", two, "wrong_nik", "--person", keys[0])
    assert "Ada 0 perkara NIK" in told("review", "verdict", one, "two_people")
    ran("review", "verdict", two, "same_person", *persons)
    (found,) = office.data(two)["persons"]
    assert set(found["keys"]) == set(keys)


def test_link_unlink_move_split_reattach_void_by_command(office: Any, person: Any) -> None:
    one, key = family(office, person)
    two, _other = family(office, person, OTHER_NIK)
    ran("review", "link", one[:8], two[:8], "--comment", "satu rumah")
    assert office.data(one)["aliases"]
    ran("review", "unlink", one)
    assert office.data(one)["aliases"] == []
    form = office.visit(one, {"assessment": "tidak"}, saw=True)
    ran("review", "reattach", one, form[:8], two)
    ran("review", "void", two, form[:8])
    assert office.kinds(one) == office.kinds(two) == []
    ran("review", "move", one, key.split("/")[1][:8], two)
    assert office.data(one)["persons"][0]["moved_to"] == two
    ref, fresh = ran("review", "split", two, key, "--comment", "pecah KK").split()
    assert office.data(fresh)["persons"][0]["key"] == key
    assert ref in office.world.db.value("select ref from log where kind = 'change' order by position desc limit 1")


def test_admit_and_waive_by_command(office: Any) -> None:
    household = office.world.uuid()
    office.visit(household, {"address": "x"}, context={"ab" * 16: household})
    held = office.visit(household, {"assessment": "luar"}, area=OTHER_VILLAGE)
    text = ran("review", "show", household)
    assert f"Ditahan {held[:12]}: out_of_area" in text and "Menunggu abababababab" in text
    ran("review", "admit", household, held[:8])
    ran("review", "waive", household, "abababab")
    assert office.value(household, "assessment") == "luar" and office.data(household)["awaiting"] == []


def test_what_could_not_be_read_is_listed_and_dismissed(office: Any) -> None:
    office.world.push(b'{"head": 1}')
    text = ran("review", "kept")
    digest = text.splitlines()[1].split()[0]
    assert "1 baris" in text
    assert "terlalu pendek" in told("review", "kept", "--dismiss", "")
    assert "(kosong)" in ran("review", "kept", "--dismiss", digest)
    told("review", "kept", "--dismiss", digest)


def test_who_works_is_asked_where_it_is_not_clear(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PADAN_STAFF")
    assert run("review", "list").exit_code == 0, "the only one who reviews"
    staff.save_staff(office.db, "kedua", "Kedua", SUPERVISOR, [REGION], 1)
    result = run("review", "list")
    assert result.exit_code == 2 and "--as" in result.stderr
    result = run("review", "list", "--as", "hantu")
    assert result.exit_code == 2 and "hantu" in result.stderr


def test_a_role_without_the_right_is_told_so_in_indonesian(office: Any, person: Any) -> None:
    household, _ = family(office, person)
    staff.save_staff(office.db, "pemeriksa", "Pemeriksa", AUDITOR, [REGION], 1)
    said = told("review", "approve", household, "--as", "pemeriksa")
    assert "tidak berhak menyetujui" in said and "pemeriksa (auditor)" in said
    assert "Petugas hantu tidak terdaftar" in told("assign", household, "hantu")
