"""The benchmarks' own parts: what is sent to a yardstick, what is said where one is missing, what CPU is counted."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from benchmarks import beside, delivering, installing, kinto, pouchdb, taking_in
from benchmarks.__main__ import Run
from benchmarks.processes import Line, NotRun, cpu_s, free_port, peak_mib, started


class Scripted:
    """A connection that answers what it was told to, and remembers what it was sent."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        self.answers, self.sent = list(answers), []

    def ask(self, method: str, path: str, content: bytes = b"", headers: Any = None) -> tuple[int, bytes, dict]:
        self.sent.append((method, path, content))
        status, body = self.answers.pop(0)
        return status, json.dumps(body).encode(), {}

    def want(self, method: str, path: str, content: bytes = b"", headers: Any = None) -> bytes:
        status, body, _ = self.ask(method, path, content)
        assert status == 200
        return body


@pytest.fixture
def bare_kinto() -> kinto.Kinto:
    """A Kinto that nobody speaks to."""
    made = object.__new__(kinto.Kinto)
    made.acknowledged = made.refused = 0
    return made


def test_what_kinto_refuses_is_sent_again_and_counted(bare_kinto: kinto.Kinto) -> None:
    line = Scripted((200, {"responses": [{"status": 201}, {"status": 409}, {"status": 503}]}),
                    (200, {"responses": [{"status": 200}, {"status": 201}]}))  # fmt: skip
    bare_kinto.put(line, [("a", b'{"n":1}'), ("b", b'{"n":2}'), ("c", b'{"n":3}')])
    assert (bare_kinto.acknowledged, bare_kinto.refused) == (3, 2)
    again = json.loads(line.sent[1][2])["requests"]
    assert [each["path"].rpartition("/")[2] for each in again] == ["b", "c"]
    assert again[0]["body"] == {"data": {"n": 2}} and line.sent[0][1] == "/v1/batch"


def test_a_yardstick_that_fails_is_an_error_and_not_a_figure(bare_kinto: kinto.Kinto) -> None:
    with pytest.raises(RuntimeError, match="400"):
        bare_kinto.put(Scripted((400, {})), [("a", b"{}")])
    pouch = pouchdb.Pouchdb("http://127.0.0.1:1", 0)
    with pytest.raises(RuntimeError, match="did not take everything"):
        pouch.put(Scripted((200, [{"ok": True}, {"error": "conflict"}])), "x", [("a", b'{"n":1}'), ("b", b'{"n":2}')])


def test_a_document_for_pouchdb_is_the_same_bytes_under_an_id() -> None:
    line = Scripted((200, [{"ok": True}, {"ok": True}]))
    pouchdb.Pouchdb("http://127.0.0.1:1", 0).put(line, "x", [("a", b'{"n":1}'), ("b", b'{"n":2}')])
    assert json.loads(line.sent[0][2]) == {"docs": [{"_id": "a", "n": 1}, {"_id": "b", "n": 2}]}


def test_what_can_not_be_had_is_named_with_its_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def without(why: str) -> Any:
        @contextmanager
        def running(*_: Any) -> Any:
            raise NotRun(why)
            yield

        return running

    monkeypatch.setattr(beside.postgres, "running", without("no server"))
    monkeypatch.setattr(beside.pouchdb, "running", without("npm has no network"))
    told: list[str] = []
    with beside.beside(tmp_path, told.append) as found:
        assert (found.postgres, found.kinto, found.pouchdb) == (None, None, None)
    assert found.not_run == {
        "PostgreSQL": "no server",
        "Kinto": "there is no PostgreSQL for it",
        "PouchDB Server": "npm has no network",
    }
    assert "not run: PouchDB Server: npm has no network" in told


def test_a_part_that_fails_is_named_and_the_others_are_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = Run(tmp_path, None, quick=True)

    def fails() -> dict[str, float]:
        raise OSError("the far end is gone")

    fails.__name__ = "taking"
    monkeypatch.setattr(run, "taking", fails)
    for name in ("fold", "wire", "stored", "delivered", "grow_and_pull"):
        monkeypatch.setattr(run, name, lambda name=name: {name: 1.0})
    assert run.all() == {"fold": 1.0, "wire": 1.0, "stored": 1.0, "delivered": 1.0, "grow_and_pull": 1.0}
    assert run.failed and run.found.not_run == {"taking": "OSError: the far end is gone"}


def test_reading_goes_on_when_an_idle_connection_was_closed() -> None:
    class Closes(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")
            self.close_connection = True  # without saying so

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Closes)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        line = Line(f"http://127.0.0.1:{server.server_port}")
        assert [line.want("GET", "/") for _ in range(3)] == [b"ok"] * 3
        line.close()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_an_install_that_fails_says_what_failed_and_why() -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no such package')"]
    with pytest.raises(NotRun, match="pip could not install Kinto: no such package"):
        installing.run(command, "pip could not install Kinto")


def test_a_server_that_ends_at_once_is_not_run_and_its_last_words_are_told(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('port is taken')"]
    with pytest.raises(NotRun, match="port is taken"), started(command, "http://127.0.0.1:1", tmp_path / "log"):
        pass


def test_the_cpu_of_a_server_is_that_of_all_its_processes(tmp_path: Path) -> None:
    burn = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    outer = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {burn!r}])\nprint('done', flush=True)\n"
    outer += "input()"
    with subprocess.Popen([sys.executable, "-c", outer], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"done\n"
        assert cpu_s(process.pid) >= 0.3
        assert peak_mib(process.pid) > 1
        process.communicate(b"\n")


def test_eight_clients_send_everything_once() -> None:
    got: list[list[int]] = [[] for _ in range(8)]
    waits = taking_in._sent([each.append for each in got], list(range(100)))
    assert sorted(number for each in got for number in each) == list(range(100))
    assert len(waits) == 100 and all(each for each in got)


def test_what_one_of_several_clients_could_not_send_fails_the_run() -> None:
    def refuse(_: object) -> None:
        raise RuntimeError("not stored")

    with pytest.raises(RuntimeError, match="not stored"):
        taking_in._sent([lambda _: None, refuse], [1, 2, 3, 4])


def test_the_delivery_that_is_measured_delivers(tmp_path: Path) -> None:
    values = delivering.measure(tmp_path, 40)
    assert 0 < values["deliver_share"] <= 1
    assert values["deliver"] > 1 and values["deliver_cpu_us"] > 0
    with pytest.raises(NotRun), started(["/no/such/program"], f"http://127.0.0.1:{free_port()}", tmp_path / "log"):
        pass
