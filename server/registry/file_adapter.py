"""The `file` adapter: batches of CSV or XLSX with a manifest, for agencies without an API (docs/registry.md).

A batch is a folder that appears whole or not at all; what is in it stays as it is. People carry it over and put the
agency's answers, a CSV, into the folder of answers. Until an answer is there a delivery is `Handed`: neither applied
nor failed, and never written a second time.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.canonical import canonical_bytes
from server.clock import Clock, SystemClock, rfc3339_s
from server.registry.adapter import (
    Accepted,
    Asked,
    Delivery,
    Handed,
    LastVersion,
    NoAnswer,
    NotOffered,
    Outcome,
    Receipt,
    RegionDigest,
    Rejected,
    RetryLater,
    Uncertain,
    Unknown,
)
from server.registry.sheets import WRITERS, sheets_of
from sync.delivery import DELIVER

FORMAT = "padan-batch-1"
MANIFEST = "manifest.json"


class AnswersUnreadable(ValueError):
    """A file of answers cannot be read; the message names the file, the row and what is wrong."""


@dataclass(frozen=True, slots=True)
class _Handed:
    """One line of a manifest."""

    batch: str
    made_at: str
    line: dict[str, Any]


class FileAdapter:
    """Writes batches under `folder/outgoing`, reads answers from `folder/answers`."""

    name = "file"

    def __init__(self, folder: Path, *, form: str = "xlsx", clock: Clock | None = None) -> None:
        """`form`: `xlsx` or `csv`."""
        if form not in WRITERS:
            raise ValueError(f"no batch format {form!r}; there are: {', '.join(WRITERS)}")
        self._outgoing, self._answers = folder / "outgoing", folder / "answers"
        self._write, self._clock = WRITERS[form], clock or SystemClock()
        for path in (folder, self._outgoing, self._answers):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def push(self, batch: Sequence[Delivery]) -> list[Outcome]:
        """Write one batch of what is not waiting for an answer already; each is `Handed`."""
        handed = self._handed_by_key()
        try:
            answers = self._answers_by_batch_and_key()
        except AnswersUnreadable as error:
            return [RetryLater(None, str(error)) for _ in batch]
        waiting: dict[str, str] = {}
        for delivery in batch:
            before = handed.get(delivery.idempotency_key)
            if before is not None and not _is_no(answers.get((before.batch, delivery.idempotency_key))):
                waiting[delivery.idempotency_key] = before.batch
        new = [delivery for delivery in batch if delivery.idempotency_key not in waiting]
        name = self._write_batch(new) if new else ""
        return [Handed(waiting.get(delivery.idempotency_key, name)) for delivery in batch]

    def ask(self, idempotency_key: str) -> Asked:
        """What the agency answered to the newest batch with this key."""
        handed = self._handed_by_key().get(idempotency_key)
        if handed is None:
            return Unknown()
        try:
            answer = self._answers_by_batch_and_key().get((handed.batch, idempotency_key))
        except AnswersUnreadable as error:
            return Uncertain(str(error))
        if answer is None:
            return Handed(handed.batch)
        if _is_no(answer):
            return Rejected(answer.get("code") or "rejected", answer.get("field", ""), answer.get("message", ""))
        return Accepted(_receipt(handed, answer))

    def last_version(self, household_id: str) -> LastVersion | NotOffered | NoAnswer:
        """The newest version the agency accepted."""
        try:
            answers, last = self._answers_by_batch_and_key(), LastVersion(0)
        except AnswersUnreadable as error:
            return Uncertain(str(error))
        for handed in self._all_handed():
            answer = answers.get((handed.batch, handed.line["idempotency_key"]))
            if handed.line["household_id"] != household_id or answer is None or _is_no(answer):
                continue
            receipt = _receipt(handed, answer)
            if receipt.version > last.version:
                last = LastVersion(receipt.version, receipt.action != DELIVER, receipt.content_digest, receipt)
        return last

    def digest(self, region: str, *, rows: bool = False) -> RegionDigest | NotOffered | NoAnswer:
        """An agency without an API has none."""
        return NotOffered("digest")

    def _write_batch(self, deliveries: Sequence[Delivery]) -> str:
        made_at = rfc3339_s(self._clock.now_ms())
        number = max((int(path.name) for path in self._batches()), default=0) + 1
        draft = self._outgoing / f".{number:06d}-{os.getpid()}"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        self._write(draft, sheets_of(deliveries))
        files = {path.name: _described(path) for path in sorted(draft.iterdir())}
        manifest = {
            "format": FORMAT,
            "made_at": made_at,
            "files": files,
            "deliveries": [_line(delivery) for delivery in deliveries],
        }
        (draft / MANIFEST).write_bytes(canonical_bytes(manifest))
        for path in [*draft.iterdir(), draft]:
            _fsync(path)
        while True:
            target = self._outgoing / f"{number:06d}"
            try:
                draft.rename(target)
                break
            except OSError:
                if not target.exists():
                    raise
                number += 1  # another worker took the number
        _fsync(self._outgoing)
        return target.name

    def _batches(self) -> list[Path]:
        return sorted(path for path in self._outgoing.iterdir() if path.name.isdigit())

    def _all_handed(self) -> list[_Handed]:
        """Every line of every manifest, oldest batch first."""
        found = []
        for path in self._batches():
            manifest = json.loads((path / MANIFEST).read_bytes())
            found += [_Handed(path.name, manifest["made_at"], line) for line in manifest["deliveries"]]
        return found

    def _handed_by_key(self) -> dict[str, _Handed]:
        return {handed.line["idempotency_key"]: handed for handed in self._all_handed()}

    def _answers_by_batch_and_key(self) -> dict[tuple[str, str], dict[str, str]]:
        """Answers by (batch, key); where two files answer the same, the one later by name holds."""
        found: dict[tuple[str, str], dict[str, str]] = {}
        for path in sorted(self._answers.glob("*.csv")):
            with path.open(encoding="utf-8-sig", newline="") as file:
                try:
                    rows = list(csv.DictReader(file))
                except (UnicodeDecodeError, csv.Error) as error:
                    raise AnswersUnreadable(f"{path.name}: not a CSV in UTF-8 ({error})") from error
            for number, row in enumerate(rows, start=2):
                answer = {name: (value or "").strip() for name, value in row.items() if isinstance(name, str)}
                if not answer.get("batch") or not answer.get("idempotency_key"):
                    raise AnswersUnreadable(f"{path.name} row {number}: columns batch and idempotency_key are needed")
                if answer.get("status") not in ("accepted", "rejected"):
                    raise AnswersUnreadable(f"{path.name} row {number}: status must be accepted or rejected")
                found[answer["batch"].zfill(6), answer["idempotency_key"]] = answer
        return found


def batches_naming(folder: Path, households: Collection[str]) -> list[str]:
    """Names of the batches that were made for these households, oldest first. They stay as they are: what was handed
    over is the agency's, and what still lies here people have to remove."""
    outgoing = folder / "outgoing"
    found = []
    for path in sorted(outgoing.iterdir()) if outgoing.is_dir() else []:
        if path.name.isdigit() and (path / MANIFEST).exists():
            manifest = json.loads((path / MANIFEST).read_bytes())
            if any(line["household_id"] in households for line in manifest["deliveries"]):
                found.append(path.name)
    return found


def _is_no(answer: dict[str, str] | None) -> bool:
    return answer is not None and answer["status"] == "rejected"


def _line(delivery: Delivery) -> dict[str, Any]:
    return {
        "idempotency_key": delivery.idempotency_key,
        "campaign": delivery.campaign,
        "action": delivery.action,
        "household_id": delivery.household_id,
        "home_region": delivery.home_region,
        "version": delivery.version,
        "content_digest": delivery.content_digest,
    }


def _receipt(handed: _Handed, answer: dict[str, str]) -> Receipt:
    line = handed.line
    return Receipt(
        answer.get("number") or f"{handed.batch}/{line['idempotency_key'][:12]}",
        line["household_id"],
        line["version"],
        line["action"],
        line["content_digest"],
        line["idempotency_key"],
        answer.get("applied_at") or handed.made_at,
    )


def _described(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
