"""Eight tablets, a desk and a registry around one server that can be lost and restored: the stage of the drill."""

from __future__ import annotations

import json
import random
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import postgres
from backup_world import Vault
from server_world import REGION, VILLAGE, World

from field_forms.client import FieldClient, Response
from server.app import create_app
from server.auth.rights import SUPERVISOR, Staff
from server.flows import people, review
from server.flows.desk import Desk
from server.flows.restore import restore
from server.settings import Settings
from server.store import events, households
from server.store.database import POSTGRES
from server.store.migrations import open_store

TABLETS = 8


class Line:
    """Carries requests to whichever server answers under the address now."""

    def __init__(self, drill: Drill) -> None:
        self._drill = drill

    def send(self, request: Any, on_bytes: Any = None) -> Response:
        answer = self._drill.app.test_client().open(
            request.path, method=request.method, headers=dict(request.headers), data=request.body or None
        )
        return Response(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.data)


class OwnClock:
    """The drill's time, on a tablet."""

    def __init__(self, drill: Drill) -> None:
        self._drill = drill

    def now_ms(self) -> int:
        return self._drill.clock.now_ms()

    def monotonic(self) -> float:
        return self._drill.clock.now_ms() / 1000

    def sleep(self, seconds: float) -> None:
        self._drill.clock.advance_ms(int(seconds * 1000) + 1)


class Drill:
    """What happens in the drill. `families`: two for each tablet."""

    def __init__(self, vault: Vault, scene: Any, folder: Path) -> None:
        self.vault, self.scene, self.folder = vault, scene, folder
        self.clock = vault.clock = scene.clock
        self._stack = ExitStack()
        self.serve(vault.world)
        self.tablets: list[FieldClient] = []
        self.families: dict[str, list[str]] = {}
        for number in range(TABLETS):
            self.enrol(f"petugas-{number}")

    def serve(self, world: World) -> None:
        """This server answers from now on."""
        self.world = self.scene.world = world
        world.now_ms = self.clock.now_ms()
        settings = Settings(database=world.store.address, folder=str(world.home))
        self.app = create_app(world.store, settings, clock=self.clock)

    def code(self, officer: str) -> str:
        """A fresh enrolment code for an officer, who is added where the server does not know him."""
        now_ms = self.clock.now_ms()
        people.add_officer(self.world.db, officer, officer.title(), (VILLAGE,), now_ms)
        return people.issue_code(self.world.db, officer, self.world.random.randbytes(32), by="operator", now_ms=now_ms)

    def enrol(self, officer: str) -> None:
        """An officer with two families and a tablet."""
        code = self.code(officer)
        self.families[officer] = [self.world.uuid() for _ in range(2)]
        for household in self.families[officer]:
            self.world.staff("assignment", household, {"officer": officer}, area=VILLAGE)
        self.world.fold()
        client = FieldClient(
            self.folder / officer, Line(self), OwnClock(self), random.Random(len(self.tablets)), attempts_max=2
        )
        client.enrol(code)
        self.tablets.append(client)

    # --- the field ---

    def sync(self) -> None:
        """Every tablet, in the order of their numbers; then the server folds."""
        for client in self.tablets:
            result = client.sync()
            assert result.complete, result.stopped
            self.clock.advance_ms(1000)
        self.world.now_ms = self.clock.now_ms()
        self.world.fold()

    def visit(self, client: FieldClient, place: int, address: str) -> str:
        """A form about one of the officer's two families, sealed and not sent."""
        household = self.families[client.officer][place]
        draft = client.open_draft(household, "kecil")
        client.answer(draft, "h/address", address)
        if not draft.persons:
            key = client.add_member(draft)
            number = self.tablets.index(client) * 2 + place + 1
            client.answer(draft, f"p/{key}/m_name", f"WARGA {number}")
            client.answer(draft, f"p/{key}/nik", f"190301550782{number:04d}")
            client.answer(draft, f"p/{key}/presence", "1")
        return client.seal(draft)

    def send_back(self, household: str) -> None:
        """A supervisor returns a family to its officer with a comment."""
        staff = Staff("pengawas", "Pengawas", SUPERVISOR, (REGION,))
        desk = Desk(self.world.store, self.world.keys, self.clock, self.world.random.randbytes, staff)
        review.return_to_officer(desk, household, {"h/address": "RT?"}, due="2026-12-01")
        self.world.fold()

    def sealed(self) -> set[str]:
        """Refs of everything that any tablet ever sealed."""
        return {each.ref for client in self.tablets for each in client.sealed_events()}

    def numbers(self) -> tuple[int, int, int]:
        """On tablets only, received, safe; over all tablets."""
        found = [client.status() for client in self.tablets]
        return (
            sum(each.tablet_only for each in found),
            sum(each.received for each in found),
            sum(each.safe for each in found),
        )

    def lose_and_restore(self, home: Path, name: str) -> None:
        """A backup comes back in a new place, on the same engine; tablets reach that server from now on."""
        address = str(home / "padan.db")
        if self.world.store.engine == POSTGRES:
            address = self._stack.enter_context(postgres.database(migrated=False))
        place = self.vault.place
        restore(place, name, [self.vault.key], address, home, self.clock)
        self.clock.advance_ms(3_600_000)
        store = open_store(address, create=False)
        self._stack.callback(store.close)
        world = World(store, home=home)
        world.random = random.Random(99)
        self.serve(world)

    def close(self) -> None:
        for client in self.tablets:
            client.close()
        self._stack.close()

    # --- what is there ---

    def refs(self) -> dict[int, str]:
        """Position -> ref of the present server's log."""
        rows = self.world.db.all(
            "select position, ref from log where home_region = :r order by position", {"r": REGION}
        )
        return {row["position"]: row["ref"] for row in rows}

    def records(self) -> dict[str, Any]:
        """Household -> what its record says."""
        return {each.household_id: json.loads(each.data) for each in households.stream(self.world.db, REGION)}

    def kind(self, ref: str) -> str:
        """What an event of the present server is."""
        found = events.by_ref(self.world.db, REGION, ref)
        assert found is not None
        return found.kind
