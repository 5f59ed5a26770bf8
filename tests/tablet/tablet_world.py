"""A campaign for the tablet's tests: a database with the real forms and a dozen families, its server as a process.

The families are invented and always the same. The server can be stopped, killed and started again at the same address.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from field_forms.built import FORMS, source_folder
from field_forms.publish import prepare_file
from schemas.prelist import PrelistFamily, PrelistMember
from server.auth.keys import load_keys
from server.auth.rights import SUPERVISOR, Staff
from server.clock import SystemClock
from server.flows import people, review
from server.flows.desk import Desk
from server.flows.fold import fold_all
from server.flows.import_prelist import Order, import_families
from server.flows.publish_form import publish_form
from server.store import households, imports
from server.store.database import Store
from server.store.identity import begin_epoch
from server.store.migrations import open_store

ROOT = Path(__file__).resolve().parents[2]
REGION, VILLAGE, SECOND_VILLAGE = "19.03", "19.03.01.1001", "19.03.01.1003"
SOURCE, VINTAGE = "p3ke", "2026-1"
START_S, STOP_S = 30.0, 15.0
NAMES = (
    ("SUMARDI", "ROHANI", "DEWI LESTARI"), ("ZULKIFLI", "ROSMALA"), ("HAMDANI", "NURHAYATI", "PUTRI"), ("BONG KIM FO",),
    ("MARWAN", "ASMAWATI"), ("YANTO", "MARYAMAH", "RAFI", "DINDA"), ("JAUHARI", "ZUBAIDAH"), ("RUSLI",),
    ("SUHARDI", "HAYATI"), ("TJHIN NYUK FA", "AKIONG"), ("SLAMET", "NGATINEM"), ("PAIJO", "SUPARMI"),
)  # fmt: skip


def families(count: int = len(NAMES)) -> list[PrelistFamily]:
    """The list: family `n` lives in RT `1 + n // 3`, the last two in another village."""
    found = []
    for number, names in enumerate((NAMES * (1 + count // len(NAMES)))[:count]):
        members = tuple(
            PrelistMember(10 * number + at + 2, name, nik(number, at), relation="1" if at == 0 else "2")
            for at, name in enumerate(names)
        )
        area, rt = SECOND_VILLAGE if number in (10, 11) else VILLAGE, f"{1 + number // 3:03d}"
        family_id, address = f"190300000000{number:04d}", f"JL. MELATI {number + 1}"
        found.append(PrelistFamily(family_id, area, address, members, rt=rt))
    return found


def nik(number: int, at: int) -> str:
    """A NIK of the right shape that belongs to nobody."""
    return f"190301{10 + at:02d}0280{number:02d}0{at}"[:16].ljust(16, "1")


class Campaign:
    """The server's side. `built`: the folder with the tablet app's files."""

    def __init__(self, folder: Path, built: Path, count: int = len(NAMES)) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.built = folder, built
        self.database = folder / "padan.db"
        self.port = _free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._clock = SystemClock()
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  it lives as long as this object
        with self.open() as store:
            self._fill(store, count)

    @property
    def url(self) -> str:
        """As the tablet opens it. `localhost`: WebAuthn knows names only."""
        return f"http://localhost:{self.port}"

    def open(self) -> _Opened:
        """The store, as staff on the server's machine use it."""
        return _Opened(self.database)

    # The server

    def start(self) -> None:
        """Start the server, at the address it always has."""
        env = {key: value for key, value in os.environ.items() if not key.startswith("PADAN_")}
        env |= {"PADAN_DATABASE": str(self.database), "PYTHONPATH": str(ROOT), "PADAN_LOG_LEVEL": "error"}
        command = [
            sys.executable,
            str(Path(__file__).with_name("tablet_server.py")),
            str(self.built),
            "--port",
            str(self.port),
        ]
        self.process = subprocess.Popen(command, env=env, cwd=self.folder, stdout=self._said, stderr=self._said)
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2):
                    return
            except OSError:
                assert self.process.poll() is None, self.said
                time.sleep(0.03)
        raise AssertionError(f"the server did not start: {self.said}")

    def kill(self) -> None:
        """kill -9; nothing where it does not run."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(STOP_S)
            self.process = None

    @property
    def said(self) -> str:
        """Everything the server wrote."""
        return os.pread(self._said.fileno(), 1_000_000, 0).decode()

    def copy_database(self) -> Path:
        """A copy of the database as a backup would hold it; the server may run."""
        target = self.folder / f"copy-{secrets.token_hex(4)}.db"
        source, copy = sqlite3.connect(self.database), sqlite3.connect(target)
        source.backup(copy)
        source.close()
        copy.close()
        return target

    def restore(self, copy: Path) -> None:
        """Put an older copy in the place of the database, with a new epoch; the server must be down."""
        for path in self.folder.glob("padan.db*"):
            path.unlink()
        shutil.copy(copy, self.database)
        with self.open() as store:
            begin_epoch(store.db, self._clock.now_ms(), "restore")

    # Staff

    def code(self, officer: str = "psm01", areas: Sequence[str] = (VILLAGE,), name: str = "Rusli Petugas") -> str:
        """A one-time enrolment code for an officer, who is added if need be."""
        now = self._clock.now_ms()
        with self.open() as store:
            people.add_officer(store.db, officer, name, areas, now)
            return people.issue_code(store.db, officer, secrets.token_bytes(32), by="test", now_ms=now)

    def desk(self, store: Store) -> Desk:
        """The supervisor's desk."""
        staff = Staff("pengawas", "Pengawas", SUPERVISOR, (REGION,))
        return Desk(store, load_keys(store.db, self._clock.now_ms()), self._clock, secrets.token_bytes, staff)

    def assign(self, officer: str = "psm01", numbers: Sequence[int] = tuple(range(10))) -> None:
        """Give families to an officer."""
        with self.open() as store:
            review.assign_many(self.desk(store), {self.household(store, number): [officer] for number in numbers})
            self._fold(store)

    def return_with(self, number: int, comments: dict[str, str], note: str = "", due: str | None = None) -> None:
        """Send a family's record back."""
        with self.open() as store:
            self._fold(store)
            review.return_to_officer(self.desk(store), self.household(store, number), comments, due=due, note=note)
            self._fold(store)

    def household(self, store: Store, number: int) -> str:
        """Household id of a listed family."""
        (found,) = imports.households_of_family(store.db, families(number + 1)[number].family_id)
        return str(found)

    def record(self, number: int) -> dict[str, Any]:
        """The merged record of a listed family, folded to the end."""
        with self.open() as store:
            return self.record_of(store, self.household(store, number))

    def record_of(self, store: Store, household: str) -> dict[str, Any]:
        """The merged record and trail of any household."""
        self._fold(store)
        found = households.load(store.db, household)
        assert found is not None
        return {"data": json.loads(found.data), "trail": json.loads(found.trail)}

    def arrived(self, sha256: str) -> bytes | None:
        """The bytes of a photo that lie at the server, verified by the test itself; None where it has none."""
        path = self.folder / "blobs" / "original" / sha256[:2] / sha256[2:4] / sha256
        if not path.exists():
            return None
        data = path.read_bytes()
        assert hashlib.sha256(data).hexdigest() == sha256
        return data

    def submissions(self) -> list[dict[str, Any]]:
        """Heads of all forms in the log, in order of arrival."""
        with self.open() as store:
            rows = store.db.all("select head from log where kind in ('submission', 'change') order by epoch, position")
        return [json.loads(bytes(row["head"])) for row in rows]

    def _fill(self, store: Store, count: int) -> None:
        now = self._clock.now_ms()
        for form in FORMS:
            publish_form(store.db, prepare_file(source_folder(form)), now_ms=now, by="test")
        order = Order(SOURCE, VINTAGE, REGION, "daftar.xlsx", "0" * 64, "test")
        import_families(
            store.db, load_keys(store.db, now), order, families(count), import_id=secrets.token_hex(8), now_ms=now
        )
        self._fold(store)

    def _fold(self, store: Store) -> None:
        now = self._clock.now_ms()
        done = fold_all(store.db, load_keys(store.db, now), now)
        assert done.failed == 0


class _Opened:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Store:
        self._store = open_store(self._path)
        return self._store

    def __exit__(self, *_: object) -> None:
        self._store.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
