"""Where it is measured: a database in a folder of its own, a tablet's and a central token, `padan serve` beside it."""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.material import INSTALL, INSTALL_KEY, OFFICER, REGION
from benchmarks.processes import Line, cpu_s, peak_mib, stop
from field_forms.built import built_forms
from schemas.json_text import RawItem, read_item
from schemas.signing import public_key
from server.auth.keys import ServerKeys, load_keys
from server.flows import people
from server.flows.enrol import enrol
from server.flows.fold import fold_some
from server.flows.push import push, sender_of
from server.store import forms
from server.store.database import Connection, Store
from server.store.migrations import open_store
from sync.intake import Sender

NOW_MS = 1_795_000_000_000


@dataclass(frozen=True, slots=True)
class Stage:
    """A server's database with one published form, one officer, one tablet, one central token."""

    folder: Path
    store: Store
    keys: ServerKeys
    deposit_token: str
    pull_token: str

    @property
    def db(self) -> Connection:
        """This thread's connection."""
        return self.store.db

    @property
    def sender(self) -> Sender:
        """The tablet as the push sees it."""
        found = sender_of(self.db, INSTALL)
        if found is None:
            raise RuntimeError("the tablet of this stage is not enrolled")
        return found

    def push(self, items: list[bytes]) -> None:
        """Push without HTTP; every item must be taken."""
        raw: list[RawItem] = [read_item(item) for item in items]
        answers = push(self.db, self.sender, raw, self.keys, NOW_MS)
        if {answer.status for answer in answers} != {"stored"}:
            raise RuntimeError(f"not stored: {[answer for answer in answers if answer.status != 'stored'][:2]}")

    def fold(self) -> int:
        """Fold everything that waits; how many households."""
        done = 0
        while True:
            now = fold_some(self.db, self.keys, NOW_MS)
            done += now.households
            if now.failed:
                raise RuntimeError("a household could not be folded")
            if not (now.households or now.niks):
                return done


def set_stage(folder: Path, database: str = "") -> Stage:
    """A new database: a file in a folder, which is made, or an empty PostgreSQL database that is named."""
    folder.mkdir(parents=True, exist_ok=True)
    store = open_store(database or folder / "padan.db")
    keys = load_keys(store.db, NOW_MS)
    for form in built_forms():
        known = form.definition
        forms.add_form(
            store.db, known.id, known.version, known.hash, json.dumps(known.to_json()).encode(),
            xform=form.xform.encode(), now_ms=NOW_MS, published_by="benchmark",
        )  # fmt: skip
    people.add_officer(store.db, OFFICER, "Petugas", [REGION], NOW_MS)
    code = people.issue_code(store.db, OFFICER, secrets.token_bytes(32), by="benchmark", now_ms=NOW_MS)
    public = base64.b64encode(public_key(INSTALL_KEY)).decode()
    enrolled = enrol(store.db, keys, code=code, install=INSTALL, public_key=public, now_ms=NOW_MS)
    pull = people.issue_token(store.db, "pusat", "pull", [REGION], now_ms=NOW_MS, days=None)
    return Stage(folder, store, keys, enrolled["deposit_token"], pull)


class Served:
    """A server process and one kept connection to it."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.url = url
        self._line = self.line()

    def line(self) -> Line:
        """One more connection."""
        return Line(self.url)

    def send(self, method: str, path: str, headers: dict[str, str], content: bytes = b"") -> bytes:
        """One request; the body of the answer. Raises on any status but 2xx."""
        return self._line.want(method, path, content, headers)

    def push(self, token: str, packed: bytes, line: Line | None = None) -> None:
        """One push of a body packed with gzip. Raises where anything was not stored."""
        headers = {
            "Authorization": f"Bearer {token}", "Content-Type": "application/json", "Content-Encoding": "gzip"
        }  # fmt: skip
        results = json.loads((line or self._line).want("POST", "/v1/events", packed, headers))["results"]
        if any(result["status"] != "stored" for result in results):
            raise RuntimeError(f"not stored: {results[:2]}")

    def cpu_s(self) -> float:
        """User and system time of the server so far, seconds."""
        return cpu_s(self.process.pid)

    def peak_mib(self) -> float:
        """The most memory the server has held so far."""
        return peak_mib(self.process.pid)

    def folded(self, db: Connection) -> None:
        """Wait until nothing is queued for folding."""
        while db.value("select exists (select 1 from fold_queue) or exists (select 1 from nik_queue)"):
            time.sleep(0.05)


@contextmanager
def serving(stage: Stage, *, fold: bool = True) -> Iterator[Served]:
    """`padan serve` over the stage's database; without `fold` the same server with nothing beside it."""
    command = [str(Path(sys.executable).with_name("padan")), "serve", "--port", "0"]
    if not fold:
        command = [sys.executable, "-m", "benchmarks.serving"]
    environment = os.environ | {
        "PADAN_DATABASE": stage.store.address, "PADAN_FOLDER": str(stage.folder), "PADAN_SCHEDULER": "off",
        "PADAN_LOG_LEVEL": "error",
    }  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        yield Served(process, _url_of(process))
    finally:
        stop(process)


def _url_of(process: subprocess.Popen[str]) -> str:
    """Where it listens, from the line with which it starts."""
    told = []
    assert process.stderr is not None
    for line in process.stderr:
        told.append(line)
        if "http://" in line:
            return line.partition("http://")[1] + line.partition("http://")[2].split()[0]
    raise RuntimeError("the server did not start: " + "".join(told[-5:]))
