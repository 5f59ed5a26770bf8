"""The `file` adapter: batches that appear whole, answers by people, nothing written twice."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import openpyxl
import pytest
from registry_world import NOW, A, B, delivery, withdrawal

from server.clock import FixedClock
from server.registry.adapter import Accepted, Handed, LastVersion, NotOffered, Rejected, RetryLater, Uncertain, Unknown
from server.registry.file_adapter import FileAdapter
from server.registry.mapping import circuit_after, settle, step_after
from sync.pacing import Circuit

NIK = "0103015507820001"


def adapter(folder: Path, form: str = "csv") -> FileAdapter:
    return FileAdapter(folder, form=form, clock=FixedClock(NOW))


def answer(folder: Path, name: str, *rows: str) -> None:
    text = "batch,idempotency_key,status,code,field,message,number\r\n" + "\r\n".join(rows) + "\r\n"
    (folder / "answers" / name).write_text(text, encoding="utf-8-sig")


def test_a_batch_is_handed_over_with_a_manifest_that_fits(tmp_path: Path) -> None:
    one, gone = delivery(A, 1, NIK, f"{A}/bayi"), withdrawal(B, 2)
    assert adapter(tmp_path).push([one, gone]) == [Handed("000001"), Handed("000001")]
    batch = tmp_path / "outgoing" / "000001"
    manifest = json.loads((batch / "manifest.json").read_text())
    assert [line["idempotency_key"] for line in manifest["deliveries"]] == [one.idempotency_key, gone.idempotency_key]
    assert set(manifest["files"]) == {"households.csv", "persons.csv"}
    for name, about in manifest["files"].items():
        data = (batch / name).read_bytes()
        assert about == {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    with (batch / "persons.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["nik"] for row in csv.DictReader(file)] == [NIK, ""]


def test_a_workbook_keeps_every_value_as_text(tmp_path: Path) -> None:
    one = delivery(A, 1, NIK, ref="=1+1")
    adapter(tmp_path, "xlsx").push([one])
    book = openpyxl.load_workbook(tmp_path / "outgoing" / "000001" / "batch.xlsx")
    header, row = book["households"].iter_rows(values_only=True)
    assert row[header.index("q_alamat")] == "=1+1"
    assert book["households"].cell(2, header.index("q_alamat") + 1).data_type == "s"
    persons = list(book["persons"].iter_rows(values_only=True))
    assert persons[1][persons[0].index("nik")] == NIK


def test_what_waits_for_an_answer_is_never_written_again_even_by_a_new_worker(tmp_path: Path) -> None:
    one = delivery(A, 1, NIK)
    adapter(tmp_path).push([one])
    assert adapter(tmp_path).push([one, delivery(B, 1)]) == [Handed("000001"), Handed("000002")]
    assert adapter(tmp_path).push([one]) == [Handed("000001")]
    assert len(list((tmp_path / "outgoing").iterdir())) == 2


def test_the_answer_is_read_from_what_people_bring_back(tmp_path: Path) -> None:
    files, one, two = adapter(tmp_path), delivery(A, 1, NIK), delivery(B, 1)
    assert files.ask(one.idempotency_key) == Unknown()
    files.push([one, two])
    step = settle(files, one, 0)
    assert (step.event, step.retry_after_s) == ("no_answer", 900)
    assert circuit_after(Circuit(failures=2), Handed("000001"), 0) == Circuit(), "waiting for people is no failure"
    yes, no = f"1,{one.idempotency_key},accepted,,,,BA-7", f"1,{two.idempotency_key},rejected,nik,persons.nik,salah,"
    answer(tmp_path, "1.csv", yes, no)
    accepted = files.ask(one.idempotency_key)
    assert isinstance(accepted, Accepted) and accepted.receipt.number == "BA-7" and accepted.receipt.version == 1
    assert files.ask(two.idempotency_key) == Rejected("nik", "persons.nik", "salah")
    assert files.last_version(A) == LastVersion(1, False, one.content_digest, accepted.receipt)
    assert files.last_version(B) == LastVersion(0)
    assert isinstance(files.digest("19.03"), NotOffered)


def test_a_rejected_delivery_can_be_retried_and_its_old_no_does_not_count(tmp_path: Path) -> None:
    files, one = adapter(tmp_path), delivery(A, 1, NIK)
    files.push([one])
    answer(tmp_path, "1.csv", f"000001,{one.idempotency_key},rejected,x,,salah,")
    assert files.push([one]) == [Handed("000002")]
    assert files.ask(one.idempotency_key) == Handed("000002")


@pytest.mark.parametrize(
    ("row", "said"), [("1,k,maybe,,,,", "1.csv row 2: status"), (",k,accepted,,,,", "1.csv row 2: columns batch")]
)
def test_answers_that_cannot_be_read_hold_everything_and_are_named(tmp_path: Path, row: str, said: str) -> None:
    files, one = adapter(tmp_path), delivery(A, 1, NIK)
    files.push([one])
    answer(tmp_path, "1.csv", row)
    asked, pushed = files.ask(one.idempotency_key), files.push([one])[0]
    assert isinstance(asked, Uncertain) and said in asked.reason
    assert isinstance(pushed, RetryLater) and said in pushed.reason
    assert step_after(pushed, 0).event == "retry_later"


def test_a_batch_that_was_cut_off_does_not_count(tmp_path: Path) -> None:
    files, one = adapter(tmp_path), delivery(A, 1, NIK)
    (tmp_path / "outgoing" / ".000001-99").mkdir()
    assert files.ask(one.idempotency_key) == Unknown()
    assert files.push([one]) == [Handed("000001")]


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="csv"):
        FileAdapter(tmp_path, form="pdf")
