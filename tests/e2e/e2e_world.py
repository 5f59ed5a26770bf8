"""A whole campaign in one process: server, registry on loopback, tablets over a bad line, the central office.

Deterministic by seed, but for who wins between threads of the registry. Nothing here checks anything (`e2e_checks.py`).
"""

from __future__ import annotations

import hashlib
import io
import json
import random
import shutil
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from e2e_forms import NextVersion

from field_forms.areas import load_areas
from field_forms.built import FORMS, source_folder
from field_forms.client import FieldClient, Response
from field_forms.client.transport import Unreachable
from field_forms.publish import prepare_file
from server.app import create_app
from server.auth.keys import load_keys
from server.blobs.folder import FolderBlobs
from server.clock import FixedClock
from server.flows import people
from server.flows.deliver_judge import Dispatch
from server.flows.desk import Desk
from server.flows.fold import fold_all
from server.flows.import_prelist import Order, import_families
from server.flows.publish_form import publish_form
from server.log import configure_logging
from server.mirror import pull
from server.mirror.source import Interrupted
from server.prelist import load_mapping, read_prelist
from server.registry.client import GenericAdapter
from server.registry.reference.app import Registry
from server.registry.reference.faults import Faults, switches_from_json
from server.registry.reference.ledger import Ledger
from server.registry.reference.running import running_registry
from server.registry.signing import Credentials
from server.sample import Campaign, write_campaign
from server.settings import load_settings
from server.store import households, staff
from server.store.migrations import open_store
from server.worker import Office, run_once

REGION = "19.03"
NOW_MS = 1_795_000_000_000
OFFICERS = ("petugas-1", "petugas-2", "petugas-3", "petugas-4")
SECRET = b"rahasia-hanya-untuk-uji"
HOUR_MS = 3_600_000


class OwnClock:
    """A tablet's clock: the world's time, wrong by `offset_ms`; who waits makes the world's time pass."""

    def __init__(self, world_clock: FixedClock, offset_ms: int) -> None:
        self.world_clock, self.offset_ms = world_clock, offset_ms

    def now_ms(self) -> int:
        return self.world_clock.now_ms() + self.offset_ms

    def monotonic(self) -> float:
        return self.world_clock.now_ms() / 1000

    def sleep(self, seconds: float) -> None:
        self.world_clock.advance_ms(int(seconds * 1000) + 1)


class BadLine:
    """A transport into the app that drops, cuts, repeats and loses as often as `trouble` says (0..1)."""

    def __init__(self, app: Any, rng: random.Random) -> None:
        self.client = app.test_client()
        self.rng = rng
        self.trouble = 0.0
        self.struck: Counter[str] = Counter()

    def send(self, request: Any, on_bytes: Any = None) -> Response:
        fault = self.rng.choice(["drop", "cut", "lost", "twice"]) if self.rng.random() < self.trouble else ""
        self.struck[fault] += 1
        if fault == "drop":
            raise Unreachable("no network")
        body = request.body
        if fault == "cut" and body:
            self._open(request, body[: self.rng.randrange(len(body))])
            raise Unreachable("cut")
        answer = self._open(request, body)
        if fault == "twice":
            answer = self._open(request, body)
        if fault == "lost":
            raise Unreachable("lost")
        return answer

    def _open(self, request: Any, body: bytes) -> Response:
        answer = self.client.open(request.path, method=request.method, headers=dict(request.headers), data=body or None)
        return Response(answer.status_code, {k.lower(): v for k, v in answer.headers}, answer.data)


class InProcessSource:
    """The central office's line; a page may end too early."""

    url = "http://pusat.contoh"

    def __init__(self, app: Any, token: str, rng: random.Random) -> None:
        self.client, self.token, self.rng = app.test_client(), token, rng
        self.trouble = 0.0

    def document(self, path: str) -> Any:
        return json.loads(self._get(path, "application/json", {}).data)

    @contextmanager
    def page(self, params: Mapping[str, str]) -> Iterator[Iterator[bytes]]:
        yield self._pieces(self._get("/v1/households", "application/x-ndjson", params).data)

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        cut = self.rng.randrange(len(data) + 1) if self.rng.random() < self.trouble else len(data)
        yield data[:cut]
        if cut < len(data):
            raise Interrupted("cut")

    def _get(self, path: str, accept: str, params: Mapping[str, str]) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": accept}
        answer = self.client.get(path, query_string=dict(params), headers=headers)
        assert answer.status_code == 200, answer.text
        return answer


class World:
    """Server, people, tablets. `seed` decides everything."""

    def __init__(
        self, folder: Path, seed: int, families: int, registry: tuple[Any, Any, str, FixedClock], address: str = ""
    ) -> None:
        self.folder, self.rng = folder, random.Random(seed)
        self.ledger, self.faults, registry_url, self.clock = registry
        self.log = io.StringIO()
        configure_logging("debug", self.log)
        with _drawn_from(self.rng):
            self.store = open_store(address or folder / "padan.db")
            self.keys = load_keys(self.store.db, NOW_MS)
        self.app = create_app(
            self.store,
            load_settings({"PADAN_DATABASE": self.store.address, "PADAN_FOLDER": str(folder)}, folder),
            clock=self.clock,
        )
        for form in FORMS:
            publish_form(self.store.db, prepare_file(source_folder(form)), now_ms=NOW_MS, by="operator")
        campaign = Campaign(load_areas(), REGION, seed, families)
        self.lists = write_campaign(campaign, folder / "lists", second=True, answers=True)
        self.truths = [campaign.truth(number) for number in range(families)]
        self.import_list(self.lists.first, "2026-1")
        people.add_staff(self.store.db, "pengawas", "Pengawas", "supervisor", [REGION], NOW_MS)
        people.add_staff(self.store.db, "admin", "Admin", "district_admin", [REGION], NOW_MS)
        self.villages = sorted({truth["village_code"] for truth in self.truths})
        self.scopes = {name: self.villages[at :: len(OFFICERS)] for at, name in enumerate(OFFICERS)}
        self.office_form = NextVersion()
        self.lines: list[BadLine] = []
        self.tablets: dict[str, FieldClient] = {}
        self.officers: dict[str, str] = {}
        for name in OFFICERS:
            people.add_officer(self.store.db, name, name.title(), self.scopes[name], NOW_MS)
            offset_ms = self.rng.choice([0, 0, -2 * 365 * 24 * HOUR_MS, 30 * HOUR_MS])
            self.enrolled(name, name, offset_ms)
        self.adapter_url = registry_url
        jitter = random.Random(seed + 1)
        dispatch = Dispatch(self.keys, "uji", self.clock, lambda: jitter.randint(0, 1000))
        self.office = Office(self.store, dispatch, self._adapter, "w1", FolderBlobs(folder / "blobs"))
        token = people.issue_token(self.store.db, "pusat", "pull", [REGION], now_ms=NOW_MS, days=300)
        self.central = InProcessSource(self.app, token, self.rng)

    def _adapter(self) -> GenericAdapter:
        nonces = iter(lambda: uuid.uuid4().hex, "")
        credentials = Credentials("padan", SECRET)
        return GenericAdapter(
            self.adapter_url, credentials, new_nonce=lambda: next(nonces), clock=self.clock, timeouts_s=(2.0, 1.0)
        )

    # --- people and tablets ---

    def line(self) -> BadLine:
        made = BadLine(self.app, random.Random(self.rng.getrandbits(32)))
        self.lines.append(made)
        return made

    def client(self, name: str, offset_ms: int = 0) -> FieldClient:
        rng = random.Random(self.rng.getrandbits(32))
        return FieldClient(
            self.folder / "tablets" / name, self.line(), OwnClock(self.clock, offset_ms), rng, attempts_max=3
        )

    def enrolled(self, name: str, officer: str, offset_ms: int = 0) -> FieldClient:
        client = self.client(name, offset_ms)
        self.tablets[name], self.officers[name] = client, officer
        client.enrol(self.code(officer))
        result = client.sync()
        assert result.complete, result.stopped
        return client

    def code(self, officer: str) -> str:
        now_ms = self.clock.now_ms()
        return people.issue_code(self.store.db, officer, self.rng.randbytes(32), by="pengawas", now_ms=now_ms)

    def clone(self, name: str) -> str:
        """A copy of the tablet's folder, as by a backup app; both go on working."""
        copy = f"{name}-salinan{len(self.tablets)}"
        offset_ms = self.tablets[name].clock.offset_ms
        self.tablets[name].close()
        shutil.copytree(self.folder / "tablets" / name, self.folder / "tablets" / copy)
        self.tablets[name] = self.client(name, offset_ms)
        self.tablets[copy], self.officers[copy] = self.client(copy, offset_ms), self.officers[name]
        return copy

    def desk(self, account: str = "pengawas") -> Desk:
        person = staff.staff_of(self.store.db, account)
        assert person is not None
        return Desk(self.store, self.keys, self.clock, self.rng.randbytes, person)

    # --- the server's own work ---

    def import_list(self, file: Path, vintage: str) -> None:
        columns = load_mapping("p3ke")
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        order = Order(columns.source, vintage, REGION, file.name, digest, "operator", columns.evidence)
        rows = read_prelist(file, columns, load_areas(), REGION)
        listed = [item for item in rows if type(item).__name__ == "PrelistFamily"]
        import_id = str(uuid.UUID(int=self.rng.getrandbits(128), version=4))
        now_ms = self.clock.now_ms()
        import_families(self.store.db, self.keys, order, listed, import_id=import_id, now_ms=now_ms)
        self.fold()

    def publish_next_version(self) -> str:
        """What the office does to its form next; "" when there is nothing more to do."""
        return self.office_form.step(self.store.db, self.folder, self.clock.now_ms())

    def fold(self) -> None:
        assert fold_all(self.store.db, self.keys, self.clock.now_ms()).failed == 0

    def work(self) -> None:
        run_once(self.office, 3)

    def switch(self, **switches: Any) -> None:
        self.faults.set(switches_from_json(switches))

    def pull(self) -> None:
        pull(self.central, self.folder / "pusat.db", sleep=lambda s: None, rng=random.Random(1), clock=self.clock)

    # --- what is there ---

    def ids(self) -> list[str]:
        """Canonical households, sorted."""
        return sorted(record.household_id for record in households.stream(self.store.db, REGION))

    def record(self, household: str) -> dict[str, Any]:
        found = households.load(self.store.db, household)
        assert found is not None, household
        data: dict[str, Any] = json.loads(found.data)
        return data

    def trail(self, household: str) -> dict[str, Any]:
        found = households.load(self.store.db, household)
        assert found is not None, household
        trail: dict[str, Any] = json.loads(found.trail)
        return trail

    def close(self) -> None:
        for client in self.tablets.values():
            client.close()
        self.store.close()


@contextmanager
def a_world(folder: Path, seed: int, families: int, address: str = "") -> Iterator[World]:
    file = folder / "registry.db"
    ledger, faults, clock = Ledger(file), Faults(seed), FixedClock(NOW_MS)
    with running_registry(Registry(ledger, faults, {"padan": SECRET}, clock)) as url:
        world = World(folder, seed, families, (ledger, faults, url, clock), address)
        try:
            yield world
        finally:
            world.close()
    ledger.close()


@contextmanager
def _drawn_from(rng: random.Random) -> Iterator[None]:
    """A server's keys decide salts and so refs: the same seed must give the same keys."""
    hexadecimal = lambda size: rng.randbytes(size).hex()  # noqa: E731
    with patch("secrets.token_bytes", rng.randbytes), patch("secrets.token_hex", hexadecimal):
        yield
