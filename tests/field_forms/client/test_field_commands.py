"""`padan field` in a terminal: what is typed becomes answers, and what is wrong is told in a sentence."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner
from field_small_form import HOUSEHOLD, IBU, record, small_form
from field_stand_in import StandIn, digest

from field_forms.built import built_definitions
from server.commands import field


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs `padan field ...` against the stand-in; `run.server` is the stand-in."""
    server = StandIn()
    server.forms = [small_form().to_json(), *[f.to_json() for f in built_definitions() if f.id == "perubahan"]]
    server.feed = [record()]
    monkeypatch.setattr(field, "HttpTransport", lambda url: server)

    def runner(*words: str, typed: str = "", code: int = 0) -> str:
        result = CliRunner().invoke(field.group, ["--home", str(tmp_path / "siti"), *words], input=typed)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result.output

    runner.server = server
    return runner


@pytest.fixture
def enrolled(run):
    run("enrol", "KODE-1", "--server", "http://127.0.0.1:1")
    run("fetch")
    return run


def draft_of(output: str) -> str:
    return next(line.split()[-1] for line in output.splitlines() if line.startswith("Draf "))


def test_from_enrolment_to_received(enrolled):
    assert "psm-siti" in enrolled("enrol", "KODE-1", "--server", "http://127.0.0.1:1")
    assert HOUSEHOLD in enrolled("list")
    typed = "\n".join(["", "", "", "1", "", "005", "", "", "", "", "", "", "", "", "", "", "", "", "", ""])
    draft = draft_of(enrolled("fill", HOUSEHOLD, typed=typed))
    assert draft in enrolled("drafts")
    assert "Tersegel" in enrolled("seal", draft)
    assert "Hanya di tablet ini : 1" in enrolled("status")
    assert "Terkirim: 1 (1 stored)" in enrolled("sync")
    assert json.loads(enrolled("status", "--json"))["received"] == 1
    (row,) = enrolled.server.log
    (part,) = row["item"]["parts"]
    assert part["assertions"]["visit_outcome"]["value"] == "01"
    assert part["assertions"]["rt"]["value"] == "005"


def test_back_help_states_and_going_on_later(enrolled):
    typed = "\n".join(
        ["?", "", "!tidak", "<", "", "", "", "01", "Jl. Salah", "<", "Jl. Benar", "RT 9", "009", "!simpan"]
    )
    output = enrolled("fill", HOUSEHOLD, typed=typed)
    assert "SALAH: 1 sampai 3 angka" in output
    assert "Tersimpan." in output
    draft = draft_of(output)
    output = enrolled("fill", "--draft", draft, typed="\n" * 6 + "!tolak\n!simpan\n")
    assert "Jl. Benar" in output
    assert "009" in output


def test_a_member_is_added_in_the_roster(enrolled):
    typed = "\n" * 3 + "01\n" + "\n" * 11 + "y\nBudi\n3\n1\n1-2-2020\nwalker\n\n\n"
    output = enrolled("fill", HOUSEHOLD, "--seal", typed=typed)
    assert "Tersegel" in output, output
    enrolled("sync")
    parts = {part["name"]: part["assertions"] for part in enrolled.server.log[0]["item"]["parts"]}
    (person,) = [name for name in parts if name.startswith("p/") and name != f"p/{IBU}"]
    assert parts[person]["name"]["value"] == "Budi"
    assert parts[person]["birth_date"]["value"] == "2020-02-01"
    assert parts[person]["needs"]["value"] == ["walker"]


def test_answers_from_a_file(enrolled, tmp_path):
    answers = {
        "household": {"visit_outcome": "01", "rt": "007", "phone": {"state": "declined"}},
        "members": [{"name": "Siti", "answers": {"nik_status": "1"}}, {"answers": {"name": "Adi", "nik_status": "3"}}],
    }
    path = tmp_path / "jawaban.json"
    path.write_text(json.dumps(answers))
    assert "Tersegel" in enrolled("fill", HOUSEHOLD, "--file", str(path), "--seal")
    enrolled("sync")
    parts = {part["name"]: part["assertions"] for part in enrolled.server.log[0]["item"]["parts"]}
    assert parts["h"]["phone"] == {"state": "declined", "evidence": 1}
    assert parts[f"p/{IBU}"]["nik"]["evidence"] == 3
    assert len(parts) == 3


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "bukan JSON"),
        ("[]", "satu objek"),
        ('{"rumah": {}}', "satu objek"),
        ('{"household": {"tidak_ada": "1"}}', "tidak_ada"),
        ('{"household": {"rt": 4.5}}', "desimal sebagai teks"),
        ('{"members": [{"name": "Tidak Ada", "answers": {}}]}', "0 anggota cocok"),
        ('{"members": {}}', "harus daftar"),
        ("[" * 100_000, "terlalu dalam"),
    ],
)
def test_a_file_that_cannot_be_used_says_where_and_why(enrolled, tmp_path, content, told):
    path = tmp_path / "salah.json"
    path.write_text(content)
    assert told in enrolled("fill", HOUSEHOLD, "--file", str(path), code=1)


def test_what_cannot_be_sealed_is_listed_and_kept(enrolled, tmp_path):
    path = tmp_path / "kurang.json"
    path.write_text(json.dumps({"household": {"visit_outcome": "01", "rt": "XX", "address": ""}}))
    output = enrolled("fill", HOUSEHOLD, "--file", str(path), "--seal", code=1)
    assert "rt: 1 sampai 3 angka" in output
    assert "address: wajib diisi" in output
    assert "0 jawaban" not in enrolled("drafts")


def test_returned_and_held_are_told_at_the_question_and_in_words(enrolled):
    item = record()
    ref = digest("kembali")[:32]
    item["trail"]["returns"] = [
        {"ref": ref, "due": "2026-12-01", "note": "lengkapi", "comments": {f"p/{IBU}/nik": "buram"}}
    ]
    item["trail"]["refs"].append({"ref": ref, "household_id": HOUSEHOLD, "kind": "review"})
    enrolled.server.feed.append(item)
    enrolled("sync")
    assert "CATATAN PENGAWAS: buram" in enrolled("show", HOUSEHOLD)
    assert "buram" in enrolled("status", "--rinci")
    assert "CATATAN PENGAWAS: buram" in enrolled("fill", HOUSEHOLD, typed="\n\n\n01\n" + "\n" * 20)


def test_a_death_is_reported_by_name(enrolled, tmp_path):
    path = tmp_path / "meninggal.json"
    path.write_text(json.dumps({"event": {"event_date": "2026-11-10", "death_cause": "1", "reporter": "RT"}}))
    with_nik = ["change", HOUSEHOLD, "--type", "death", "--person", "1903014102900001", "--file", str(path), "--seal"]
    assert "Tersegel" in enrolled(*with_nik)
    assert "0 anggota cocok" in enrolled("change", HOUSEHOLD, "--type", "death", "--person", "Anu", code=1)


def test_a_wrong_call_is_told_in_a_sentence(run):
    assert "belum didaftarkan" in run("sync", code=1)
    assert "enrol_code_unknown" in run("enrol", "SALAH", "--server", "http://127.0.0.1:1", code=1)
    assert "tidak ada di tablet ini" in run("show", HOUSEHOLD, code=1)
    run("fill", code=2)
    assert "Traceback" not in run("fill", "--draft", "x", code=1)


def test_discarding_a_draft_asks_first(enrolled):
    draft = draft_of(enrolled("fill", HOUSEHOLD, typed="!simpan\n"))
    enrolled("drafts", "discard", draft, typed="n\n", code=1)
    assert draft in enrolled("drafts")
    enrolled("drafts", "discard", draft, typed="y\n")
    assert draft not in enrolled("drafts")


def test_a_draft_on_an_old_version_is_carried_over_after_what_is_lost_was_told(enrolled, tmp_path):
    answers = tmp_path / "jawaban.json"
    answers.write_text(json.dumps({"household": {"phone": "0811", "remark": "anjing galak"}}))
    draft = draft_of(enrolled("fill", HOUSEHOLD, "--file", str(answers)))
    form = small_form("2")
    rows = tuple(row for row in form.rows if row.name != "phone")
    enrolled.server.forms.append(replace(form, rows=rows).to_json())
    enrolled("fetch")
    assert "versi 1, yang baru 2" in enrolled("drafts")
    told = enrolled("drafts", "carry", draft, typed="n\n", code=1)
    assert "TIDAK TERBAWA phone: 0811 (tidak ditanyakan lagi)" in told
    assert "versi 1, yang baru 2" in enrolled("drafts")
    assert "Draf kini pada versi 2: " in enrolled("drafts", "carry", draft, "--yes")
    assert "yang baru" not in enrolled("drafts")
