"""`padan serve` as a process: it answers, folds what waits, gives way to nobody's full disk, and stops when told to."""

from __future__ import annotations

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

from serve_world import Serving, prepare, push_body

from schemas.limits import BODY_BYTES_MAX
from server.checkpoints import WAL_BYTES_MIN, Checkpointer
from server.store.migrations import open_store

HOUSEHOLD = "11111111-1111-4111-8111-111111111111"
STOP_WITHIN_S = 12
HERD = 150


def sealed(world, household=HOUSEHOLD, tablet=1):
    return world.sealed(household, {"address": "Jl. Melati 1"}, actor=f"petugas{tablet}", install=f"tablet-{tablet}")


def wait_for(found, seconds=15):
    until = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < until
        time.sleep(0.05)
    return value


def test_it_answers_folds_and_stops_on_sigterm_with_its_jobs_running(tmp_path):
    world, (token,) = prepare(tmp_path / "padan.db")
    body = push_body([sealed(world)])
    world.store.close()
    with Serving(tmp_path / "padan.db", tmp_path) as serving:
        assert serving.call("GET", "/healthz")[0] == 200
        status, _, answer = serving.call("POST", "/v1/events", token, body)
        assert status == 200
        assert json.loads(answer)["results"][0]["status"] == "stored"
        feed = wait_for(lambda: json.loads(serving.call("GET", "/v1/feed", token + "r")[2])["items"])
        assert feed[0]["household_id"] == HOUSEHOLD
        assert serving.stop(STOP_WITHIN_S) == 0
        assert "Berhenti" in serving.said
        assert "Traceback" not in serving.said


def test_what_was_queued_before_it_started_is_folded(tmp_path):
    world, (token,) = prepare(tmp_path / "padan.db")
    world.push(sealed(world))
    world.store.close()
    with Serving(tmp_path / "padan.db", tmp_path) as serving:
        assert wait_for(lambda: json.loads(serving.call("GET", "/v1/feed", token + "r")[2])["items"])


def test_a_port_in_use_is_told_in_a_sentence(tmp_path):
    world, _ = prepare(tmp_path / "padan.db")
    world.store.close()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        try:
            Serving(tmp_path / "padan.db", tmp_path, arguments=("--port", str(taken.getsockname()[1])))
        except AssertionError as error:
            assert "tidak dapat dipakai" in str(error)
            assert "Traceback" not in str(error)
        else:
            raise AssertionError("it started on a port in use")


def test_a_slow_upload_keeps_nobody_else_waiting(tmp_path):
    world, _ = prepare(tmp_path / "padan.db")
    world.store.close()
    with Serving(tmp_path / "padan.db", tmp_path, PADAN_THREADS="2") as serving:
        slow = [socket.create_connection(("127.0.0.1", serving.port)) for _ in range(8)]
        for line in slow:
            line.sendall(b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
            line.sendall(b"Content-Length: 100000\r\n\r\n{")
        began = time.monotonic()
        assert serving.call("GET", "/healthz")[0] == 200
        assert time.monotonic() - began < 5
        for line in slow:
            line.close()


def test_a_herd_is_served_or_told_when_to_come_back(tmp_path):
    """All tablets at once, each as often as it is sent away: all are served, none waits for ever, nothing is lost."""
    world, tokens = prepare(tmp_path / "padan.db", tablets=4)
    bodies = [push_body([sealed(world, world.uuid(), number % 4 + 1)]) for number in range(HERD)]
    world.store.close()
    sent_away = []

    def tablet(number):
        while True:
            status, headers, answer = serving.call("POST", "/v1/events", tokens[number % 4], bodies[number])
            if status == 200:
                return json.loads(answer)["results"][0]["receipt"]["position"]
            assert status == 503, answer
            sent_away.append(int(headers["retry-after"]))
            time.sleep(0.2)

    with Serving(tmp_path / "padan.db", tmp_path, PADAN_THREADS="4") as serving, ThreadPoolExecutor(HERD) as pool:
        positions = list(pool.map(tablet, range(HERD)))
        assert serving.call("GET", "/healthz")[0] == 200
    assert sorted(positions) == list(range(1, HERD + 1))
    assert all(5 <= wait_s <= 25 for wait_s in sent_away)


def test_a_body_far_over_the_limit_is_refused_before_it_is_read(tmp_path):
    world, (token,) = prepare(tmp_path / "padan.db")
    world.store.close()
    with Serving(tmp_path / "padan.db", tmp_path) as serving:
        status, headers, answer = serving.call("POST", "/v1/events", token, b" " * (BODY_BYTES_MAX + 1))
        assert (status, headers["content-type"]) == (413, "application/problem+json")
        assert json.loads(answer)["code"] == "body_too_large"
        with socket.create_connection(("127.0.0.1", serving.port), timeout=10) as line:
            line.sendall(b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
            assert line.recv(1000).startswith(b"HTTP/1.1 413 ")
        assert serving.call("GET", "/healthz")[0] == 200


def test_the_wal_is_written_back_by_its_own_thread_and_only_when_there_is_enough(tmp_path):
    store = open_store(tmp_path / "padan.db", auto_checkpoint=False)
    checkpointer = Checkpointer(store)
    assert checkpointer.write_back() is False
    store.db.run("create table filler (content blob)")
    wal = tmp_path / "padan.db-wal"
    while wal.stat().st_size < WAL_BYTES_MIN:
        with store.db.transaction():
            store.db.run("insert into filler values (zeroblob(500000))")
    small = (tmp_path / "padan.db").stat().st_size
    assert checkpointer.write_back() is True
    assert (tmp_path / "padan.db").stat().st_size >= small + WAL_BYTES_MIN // 2
    store.db.run("delete from filler")
    store.close()
