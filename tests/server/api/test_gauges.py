"""What `/metrics` reads from the store says what an operator has to know, and about nobody."""

from __future__ import annotations

import json
from typing import Any

import pytest
from api_world import INSTALL, Api

from server.commands.doctor import WARNING, examine
from server.flows import deliver
from server.store import devices, leases, outbox
from server.store.outbox import OutboxRow
from server.worker import JOBS, Office, office_of, run_job

DAY_MS = 86_400_000
REGION, NIK = "19.03", "1903014107900001"


def gauges(api: Api, name: str) -> dict[str, float]:
    """Label (or nothing) -> value."""
    found = {}
    for line in api.call("GET", "/metrics").text.splitlines():
        if line.startswith((f"{name} ", f"{name}{{")):
            labels, value = line.rsplit(" ", 1)
            found[labels.partition('="')[2].rstrip('"}')] = float(value)
    return found


@pytest.fixture
def office(api: Api) -> Office:
    return office_of(api.world.store, api.world.keys, api.world.settings(), api.clock)


def dead(api: Api, state: str, changed_ms: int) -> OutboxRow:
    row = OutboxRow(REGION, api.world.uuid(), f"k{state}{changed_ms}", "upsert", 1, "d", b"{}", ())
    outbox.write(api.world.db, row, changed_ms)
    sql = "update outbox set state = :state where idempotency_key = :key"
    api.world.db.run(sql, {"state": state, "key": row.idempotency_key})
    return row


def test_who_runs_the_jobs_is_seen_and_that_nobody_does(api: Api, office: Office) -> None:
    assert gauges(api, "padan_worker_age_seconds") == {"": float("inf")}
    run_job(office, leases.PULSE, JOBS[leases.PULSE][0])
    api.clock.advance_ms(420_000)
    assert gauges(api, "padan_worker_age_seconds") == {"": 420.0}


def test_a_job_that_failed_is_named_until_it_succeeds(api: Api, office: Office) -> None:
    def breaks(_office: Any) -> str:
        raise ValueError("SITI AMINAH")

    run_job(office, "expire", breaks)
    assert gauges(api, "padan_job_failed") == {"expire": 1.0}
    assert "SITI" not in api.call("GET", "/metrics").text
    run_job(office, "expire", lambda _office: "3 removed")
    assert gauges(api, "padan_job_failed") == {"expire": 0.0}


def test_dead_letters_and_unknown_outcomes_are_counted_and_grow_old(api: Api) -> None:
    assert set(gauges(api, "padan_outbox").values()) == {0.0}
    assert gauges(api, "padan_dead_letter_age_seconds") == {"": 0.0}
    now_ms = api.clock.now_ms()
    dead(api, "rejected", now_ms - 5_000)
    dead(api, "rejected", now_ms - 9_000)
    dead(api, "uncertain", now_ms - 7_000)
    assert {state: n for state, n in gauges(api, "padan_outbox").items() if n} == {"rejected": 2.0, "uncertain": 1.0}
    assert gauges(api, "padan_dead_letter_age_seconds") == {"": 9.0}
    assert gauges(api, "padan_uncertain_age_seconds") == {"": 7.0}


def test_delivery_that_stands_still_says_why(api: Api) -> None:
    assert set(gauges(api, "padan_delivery_stopped").values()) == {0.0}
    deliver.pause(api.world.db, "rapat")
    assert gauges(api, "padan_delivery_stopped") == {"circuit": 0.0, "frozen": 0.0, "paused": 1.0}


def test_tablets_that_were_not_seen_for_a_week_are_counted(api: Api) -> None:
    api.call("GET", "/v1/hello", "deposit")
    seen = gauges(api, "padan_tablets")
    assert seen == {"seen": 2.0, "unseen": 0.0, "copied": 0.0, "revoked": 0.0}
    api.clock.advance_ms(7 * DAY_MS + 1)
    assert gauges(api, "padan_tablets")["unseen"] == 2.0
    devices.note_fork(api.world.db, INSTALL, api.clock.now_ms())
    assert gauges(api, "padan_tablets")["copied"] == 1.0
    devices.revoke_install(api.world.db, INSTALL, "hilang", api.clock.now_ms())
    assert gauges(api, "padan_tablets") == {"seen": 0.0, "unseen": 1.0, "copied": 0.0, "revoked": 1.0}


def test_the_sizes_of_disk_and_database_are_told(api: Api) -> None:
    before = gauges(api, "padan_database_bytes")[""]
    assert before > 0 and gauges(api, "padan_disk_free_bytes")[""] > 0
    for _ in range(30):
        api.push(api.sealed(api.world.uuid(), {"address": "Jl. Mawar " * 500}))
    waiting = gauges(api, "padan_write_ahead_log_bytes")[""]
    assert waiting > 0 if api.world.store.engine == "sqlite" else waiting == 0
    api.world.db.checkpoint(restart=True)
    assert gauges(api, "padan_database_bytes")[""] > before


def test_doctor_tells_of_a_worker_that_stopped_and_of_jobs_that_fail(api: Api, office: Office) -> None:
    def worker() -> Any:
        (found,) = [each for each in examine(api.world.settings()) if each.check == "pekerja"]
        return found

    assert "belum pernah" in worker().found
    run_job(office, leases.PULSE, JOBS[leases.PULSE][0])
    api.world.db.run("update job_runs set finished_ms = 1000")
    assert worker().status == WARNING and "padan worker" in worker().do


def test_no_gauge_names_a_person(api: Api) -> None:
    household = api.world.uuid()
    answers = {f"{household}/{household}": {"m_name": "SITI AMINAH", "presence": "1", "nik": NIK}}
    api.push(api.sealed(household, {"address": "Jl. Mawar 5"}, persons=answers))
    api.world.fold()
    text = api.call("GET", "/metrics").text
    assert not [each for each in (NIK, "SITI", "Mawar", household) if each in text], json.dumps(text)
