"""Workers that die, sleep, or work side by side: the registry still gets each household once."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from delivery_world import NIKS, REGION, SECRET, Delivering, delivering_in

from server.auth.keys import load_keys
from server.clock import FixedClock, SystemClock
from server.flows import deliver, deliver_prepare, deliver_send
from server.flows.deliver_prepare import sweep_orphans
from server.flows.fold import fold_all
from server.settings import Settings
from server.store import events, leases, outbox, reservations
from server.store.migrations import open_store
from server.worker import JOBS, office_of, run_job, run_once, start_jobs


class Killed(BaseException):
    """As kill -9 at this point."""


def test_a_worker_killed_between_sending_and_the_receipt_sends_nothing_twice(
    scene: Delivering, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [scene.ratified(NIKS[number]) for number in range(3)]

    def dies(*_: Any, **__: Any) -> bool:
        raise Killed

    monkeypatch.setattr(deliver_send, "write_result", dies)
    with pytest.raises(Killed):
        scene.tick()
    monkeypatch.undo()
    assert len(scene.applications()) >= 1
    assert outbox.counts(scene.db) == {"sending": 3}
    assert scene.tick("w2").claimed == 0, "its lease still runs"
    scene.clock.advance_ms(deliver_send.LEASE_MS + 1)
    scene.run(holder="w2")
    assert sorted(scene.applications()) == sorted((each, 1, "deliver") for each in ids)
    assert {scene.state(each) for each in ids} == {"accepted"}


def test_a_worker_killed_between_result_and_commit_leaves_neither_half(
    scene: Delivering, monkeypatch: pytest.MonkeyPatch
) -> None:
    household = scene.ratified(NIKS[0])

    def dies(*_: Any) -> None:
        raise Killed

    monkeypatch.setattr(outbox, "note_receipt", dies)
    with pytest.raises(Killed):
        scene.tick()
    monkeypatch.undo()
    assert events.filed_under(scene.db, REGION, household, ["receipt"]) == []
    assert scene.rows(household) == [("deliver", 1, "sending")]
    scene.clock.advance_ms(deliver_send.LEASE_MS + 1)
    scene.run()
    assert len(events.filed_under(scene.db, REGION, household, ["receipt"])) == 1
    assert scene.applications() == [(household, 1, "deliver")]


def test_a_worker_killed_between_reserving_and_writing_leaves_nothing_behind(
    scene: Delivering, monkeypatch: pytest.MonkeyPatch
) -> None:
    household = scene.ratified(NIKS[0], NIKS[1])

    def dies(*_: Any) -> bool:
        raise Killed

    monkeypatch.setattr(deliver_prepare, "_write", dies)
    with pytest.raises(Killed):
        scene.tick_without_sending()
    monkeypatch.undo()
    assert set(reservations.held_by(scene.db, REGION, household)) == {NIKS[0], NIKS[1]}
    assert scene.rows(household) == []
    scene.run()
    assert scene.applications() == [(household, 1, "deliver")]


def test_places_of_nobody_are_released_and_places_in_use_are_kept(scene: Delivering) -> None:
    household = scene.ratified(NIKS[0])
    scene.run()
    reservations.reserve(scene.db, NIKS[5], REGION, household, scene.clock.now_ms())
    reservations.reserve(scene.db, NIKS[6], REGION, scene.world.uuid(), scene.clock.now_ms())
    waiting = scene.ratified(NIKS[7])
    scene.tick_without_sending()
    assert sweep_orphans(scene.db, scene.dispatch) == 2
    assert set(reservations.holders(scene.db, NIKS)) == {NIKS[0], NIKS[7]}
    assert reservations.held_by(scene.db, REGION, waiting) == (NIKS[7],)


def test_a_worker_that_slept_through_its_lease_writes_nothing(scene: Delivering) -> None:
    household = scene.ratified(NIKS[0])
    scene.tick_without_sending()
    with deliver_send.wire(scene.adapter, 1) as line:
        (slow,) = deliver_send.claim(scene.db, scene.dispatch, "slow")
        ((_, step, _),) = list(line.steps(scene.dispatch, [slow]))
        assert step.event == "accepted"
        scene.clock.advance_ms(deliver_send.LEASE_MS + 1)
        (quick,) = deliver_send.claim(scene.db, scene.dispatch, "quick")
        assert (quick.state, quick.lease_token > slow.lease_token) == ("asking", True)
        assert deliver_send.write_result(scene.db, scene.dispatch, slow, step) is False
        assert events.filed_under(scene.db, REGION, household, ["receipt"]) == []
        ((_, told, _),) = list(line.steps(scene.dispatch, [quick]))
        assert deliver_send.write_result(scene.db, scene.dispatch, quick, told) is True
        assert deliver_send.write_result(scene.db, scene.dispatch, quick, told) is False
    scene.world.fold()
    assert scene.state(household) == "accepted"
    assert scene.applications() == [(household, 1, "deliver")]
    assert len(events.filed_under(scene.db, REGION, household, ["receipt"])) == 1


def test_workers_at_once_deliver_each_household_once(scene: Delivering) -> None:
    ids = [scene.ratified(NIKS[number]) for number in range(24)]
    scene.switch(drop_answer={"permille": 200, "per_key": 1}, too_many={"permille": 100, "per_key": 1})
    errors: list[BaseException] = []
    gate = threading.Barrier(3)

    def work(name: str) -> None:
        try:
            gate.wait()
            with deliver_send.wire(scene.adapter, 4) as line:
                for _ in range(3):
                    deliver.tick(scene.world.store.db, scene.dispatch, line, name)
        except BaseException as error:
            errors.append(error)
        finally:
            scene.world.store.release()

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    scene.world.fold()
    scene.run(until_idle=100)
    assert sorted(scene.applications()) == sorted((each, 1, "deliver") for each in ids)
    assert outbox.counts(scene.db) == {"accepted": 24}
    assert scene.twice() == 0


def test_several_worker_processes_at_once(world: Any, tmp_path: Path) -> None:
    with delivering_in(world, tmp_path, clock=FixedClock(SystemClock().now_ms())) as scene:
        ids = [scene.ratified(NIKS[number]) for number in range(12)]
        (tmp_path / "secret").write_bytes(SECRET)
        environ = {name: value for name, value in os.environ.items() if not name.startswith("PADAN_")} | {
            **world.environ(),
            "PADAN_REGISTRY_URL": scene.url,
            "PADAN_REGISTRY_SECRET_FILE": str(tmp_path / "secret"),
            "PADAN_CAMPAIGN": "uji",
        }
        command = [sys.executable, "-m", "server.cli", "worker", "--once"]
        root = Path(__file__).resolve().parents[3]
        running = [
            subprocess.Popen(command, env=environ, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for _ in range(3)
        ]
        told = [process.communicate(timeout=120) for process in running]
        assert [process.returncode for process in running] == [0, 0, 0], told
        assert sorted(scene.applications()) == sorted((each, 1, "deliver") for each in ids)
        scene.run()
        assert {scene.state(each) for each in ids} == {"accepted"}
        assert all(nik.encode() not in out + err for out, err in told for nik in NIKS), "a NIK in what was told"


def _settings(scene: Delivering, **more: Any) -> Settings:
    values = {"registry_url": scene.url, "registry_secret": SECRET.decode(), "campaign": "uji"} | more
    return scene.world.settings(**values)


def test_the_jobs_of_a_process_fold_and_deliver_by_themselves(world: Any, tmp_path: Path) -> None:
    with delivering_in(world, tmp_path, clock=FixedClock(SystemClock().now_ms())) as scene:
        household = scene.ratified(NIKS[0])
        office = office_of(world.store, world.keys, _settings(scene), scene.clock)
        said = run_once(office)
        assert ("deliver", "1 exchanged, 1 accepted, 0 rejected") in said
        assert scene.state(household) == "accepted"
        assert {row["job"]: row["outcome"] for row in leases.job_runs(scene.db)}["deliver"] == "done"


def test_started_jobs_tick_and_stop(world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with delivering_in(world, tmp_path, clock=FixedClock(SystemClock().now_ms())) as scene:
        household = scene.household(NIKS[0])
        scene.ratify(household)
        ran = threading.Event()
        real = JOBS["fold"][0]

        def counted(office: Any) -> str:
            ran.set()
            return real(office)

        monkeypatch.setitem(JOBS, "fold", (counted, JOBS["fold"][1]))  # type: ignore[arg-type]
        jobs = start_jobs(world.store, world.keys, _settings(scene), SystemClock())
        assert ran.wait(10)
        jobs.stop()
        ran.clear()
        assert not ran.wait(1.5)


def test_a_job_that_fails_is_noted_and_the_next_tick_tries_again(scene: Delivering) -> None:
    office = office_of(scene.world.store, scene.world.keys, _settings(scene), scene.clock)

    def fails(_: Any) -> str:
        raise RuntimeError(f"about {NIKS[0]}")

    assert run_job(office, "deliver", fails) == "failed: RuntimeError"
    (noted,) = leases.job_runs(scene.db)
    assert (noted["outcome"], noted["detail"]) == ("failed", "RuntimeError")


def test_without_a_registry_ratified_records_wait(scene: Delivering) -> None:
    household = scene.ratified(NIKS[0])
    office = office_of(scene.world.store, scene.world.keys, _settings(scene, registry_url=""), scene.clock)
    assert run_once(office) == []
    assert (scene.rows(household), scene.state(household)) == ([], "ratified")


def test_a_database_folded_from_the_same_events_derives_the_same_keys(scene: Delivering, tmp_path: Path) -> None:
    household = scene.ratified(NIKS[0])
    scene.tick_without_sending()
    (here,) = outbox.of_household(scene.db, REGION, household)
    other = open_store(tmp_path / "other.db")
    with other.db.transaction():
        for table in ("server_keys", "forms", "officers", "installs", "log_heads", "log", "parts", "filings"):
            _copy(scene, other, table)
        _copy(scene, other, "known_households")
        other.db.run("update log_heads set generation = generation + 1")
        other.db.run(
            """insert into fold_queue (home_region, household_id, generation, queued_ms)
               select k.home_region, k.household_id, h.generation, 0
               from known_households k join log_heads h on h.home_region = k.home_region"""
        )
    keys = load_keys(other.db, 0)
    fold_all(other.db, keys, scene.clock.now_ms())
    deliver.sweep_all(other.db, deliver_prepare.Dispatch(keys, "uji", scene.clock, lambda: 0))
    (there,) = outbox.of_household(other.db, REGION, household)
    assert (there.idempotency_key, there.payload) == (here.idempotency_key, here.payload)
    other.close()


def _copy(scene: Delivering, other: Any, table: str) -> None:
    rows = [dict(row) for row in scene.db.all(f"select * from {table}")]
    if rows:
        names = list(rows[0])
        other.db.many(f"insert into {table} ({', '.join(names)}) values ({', '.join(':' + n for n in names)})", rows)
