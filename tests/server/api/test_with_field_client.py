"""The field client, as it is, against the app, as it is: what one says the other understands."""

from __future__ import annotations

import random
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from api_world import HOUSEHOLD, Api
from server_world import REGION, VILLAGE

from field_forms.client import FieldClient
from field_forms.client.pace import SystemClock
from field_forms.client.transport import Request, Response
from server.flows import people
from server.store import events


class Line:
    """Carries requests to the app without a network."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def send(self, request: Request, on_bytes=None) -> Response:
        url = urlsplit(request.path)
        answer = self._api.client.open(
            url.path, query_string=url.query, method=request.method, headers=dict(request.headers), data=request.body
        )
        if on_bytes is not None and request.body:
            on_bytes(len(request.body), len(request.body))
        return Response(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.data)


@pytest.fixture
def tablet(api: Api, tmp_path: Path):
    """An enrolled tablet of an officer who has one family."""
    client = FieldClient(tmp_path / "tablet", Line(api), SystemClock(), random.Random(7), attempts_max=2)
    client.enrol(api.code("rini"))
    api.world.staff("assignment", HOUSEHOLD, {"officer": "rini"}, area=VILLAGE)
    api.world.fold()
    yield client
    client.close()


def filled(client: FieldClient, address: str) -> str:
    draft = client.open_draft(HOUSEHOLD, "kecil")
    client.answer(draft, "h/address", address)
    return client.seal(draft)


def test_a_tablet_fetches_fills_syncs_and_sees_its_answer_come_back(api: Api, tablet: FieldClient) -> None:
    assert tablet.fetch().complete
    assert [(each.household_id, each.level) for each in tablet.households()] == [(HOUSEHOLD, "full")]
    ref = filled(tablet, "Jl. Mawar 5")
    result = tablet.sync()
    assert (result.complete, result.stopped) == (True, "")
    assert result.statuses == {"stored": 1} and result.stamped == 1
    assert events.by_ref(api.world.db, REGION, ref) is not None
    assert events.count(api.world.db, "stamp") == 1
    api.world.fold()
    assert tablet.sync().complete
    assert tablet.household(HOUSEHOLD).item["data"]["household"]["address"] == {"value": "Jl. Mawar 5"}


def test_a_revoked_tablet_deposits_its_work_and_it_is_held(api: Api, tablet: FieldClient) -> None:
    assert tablet.fetch().complete
    ref = filled(tablet, "Jl. Hilang 6")
    people.revoke(api.world.db, tablet.store.setting("install"), "hilang", api.clock.now_ms())
    result = tablet.sync()
    assert result.deposited == 1
    found = events.by_ref(api.world.db, REGION, ref)
    assert found is not None and events.count(api.world.db, "hold") == 1


def test_after_a_restore_a_tablet_brings_back_what_the_server_lost(api: Api, tablet: FieldClient) -> None:
    assert tablet.fetch().complete
    ref = filled(tablet, "Jl. Kembali 7")
    assert tablet.sync().complete
    for table in ("log", "parts", "filings", "known_households", "households", "log_heads", "feed_heads", "fold_queue"):
        api.world.db.run(f"delete from {table}")
    api.world.db.run("insert into epochs (epoch, id, began_ms, reason) values (2, 'restored', 0, 'restore')")
    result = tablet.sync()
    assert result.complete and result.epoch_changed
    assert events.by_ref(api.world.db, REGION, ref) is not None
    assert events.count(api.world.db, "assignment") == 1
