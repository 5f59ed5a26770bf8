"""Bytes on the line: the field client syncs 25 filled households with `padan serve`, then syncs once more."""

from __future__ import annotations

import random
import secrets
from pathlib import Path

from benchmarks.listing import import_sample
from benchmarks.material import OFFICER, campaign
from benchmarks.stage import NOW_MS, Stage, serving, set_stage
from field_forms.client import FieldClient, HttpTransport
from field_forms.client.answers_file import fill_from
from field_forms.client.transport import OnBytes, Request, Response
from server.clock import SystemClock
from server.flows import people
from server.flows.desk import Desk
from server.flows.review import assign_many
from server.store.staff import staff_of

HOUSEHOLDS = 25
FAMILIES = 60
"""Listed, so that enough of them are met at home."""


def measure(folder: Path) -> dict[str, float]:
    """The figures `wire_up_per_household` and `wire_empty_sync`: bodies as sent, headers apart."""
    stage = set_stage(folder / "wire")
    truths = _assigned(stage)
    with serving(stage) as served:
        line = _Counting(HttpTransport(served.url))
        client = FieldClient(folder / "tablet", line, rng=random.Random(41))
        code = people.issue_code(stage.db, OFFICER, secrets.token_bytes(32), by="b", now_ms=SystemClock().now_ms())
        client.enrol(code)
        _sync(client)
        for truth in truths:
            draft = client.open_draft(truth["household_id"])
            with client.store.transaction():
                fill_from(client, draft, truth["visits"][0]["form"], folder)
            client.seal(draft)
        line.up = 0
        _sync(client)
        up = line.up
        served.folded(stage.db)
        _sync(client)
        line.up = line.down = 0
        _sync(client)
        empty = line.up + line.down
        client.close()
    stage.store.close()
    return {"wire_up_per_household": up / len(truths), "wire_empty_sync": empty}


def _assigned(stage: Stage) -> list[dict]:
    sample = campaign()
    import_sample(stage, sample, range(FAMILIES))
    stage.fold()
    people.add_staff(stage.db, "pengawas", "Pengawas", "supervisor", ["19.03"], NOW_MS)
    person = staff_of(stage.db, "pengawas")
    truths = [truth for truth in map(sample.truth, range(FAMILIES)) if truth["outcome"] == "01"][:HOUSEHOLDS]
    desk = Desk(stage.store, stage.keys, SystemClock(), secrets.token_bytes, person)
    assign_many(desk, {truth["household_id"]: [OFFICER] for truth in truths})
    stage.fold()
    return truths


def _sync(client: FieldClient) -> None:
    result = client.sync()
    if not result.complete or set(result.statuses) - {"stored"}:
        raise RuntimeError(f"the sync did not go through: {result.stopped} {result.statuses}")


class _Counting:
    """Counts the bodies that pass."""

    def __init__(self, inner: HttpTransport) -> None:
        self._inner = inner
        self.up = self.down = 0

    def send(self, request: Request, on_bytes: OnBytes | None = None) -> Response:
        """As the transport beneath."""
        answer = self._inner.send(request, on_bytes)
        self.up += len(request.body) + len(request.path)
        self.down += len(answer.body)
        return answer
