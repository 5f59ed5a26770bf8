"""`padan serve` as a process of its own, and tablets that speak to it over HTTP."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from server_world import NOW_MS, REGION, World

from server.auth.keys import new_token, token_hash
from server.store import devices
from server.store.migrations import open_store

ROOT = Path(__file__).resolve().parents[2]
START_S = 20.0
ANSWER_S = 20.0


class Serving:
    """One run of the server. Ends it when left."""

    def __init__(
        self,
        database: Path | str,
        home: Path,
        *,
        marks: Path | None = None,
        arguments: tuple[str, ...] = (),
        **env: str,
    ) -> None:
        script = [str(Path(__file__).with_name("serving_process.py")), str(marks)]
        program = script if marks is not None else ["-m", "server.cli", "serve"]
        wanted = {key: value for key, value in os.environ.items() if not key.startswith("PADAN_")}
        wanted |= {
            "PADAN_DATABASE": str(database),
            "PADAN_FOLDER": str(home),
            "PYTHONPATH": str(ROOT),
            "PADAN_LOG_LEVEL": "error",
        } | env
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  it lives as long as this object
        self.process = subprocess.Popen(
            [sys.executable, *program, *(arguments or ("--port", "0"))],
            env=wanted,
            cwd=home,
            stdout=self._said,
            stderr=self._said,
        )
        self.port = self._wait_for_port()

    def __enter__(self) -> Serving:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._said.close()

    @property
    def said(self) -> str:
        """Everything it wrote so far."""
        return os.pread(self._said.fileno(), 10_000_000, 0).decode()

    def kill(self) -> None:
        """kill -9."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, within_s: float) -> int:
        """SIGTERM; the exit code. Fails where it does not end in time."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within_s)

    def call(
        self, method: str, path: str, token: str | None = None, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """One request on a connection of its own."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_S)
        try:
            wanted = {"Content-Type": "application/json"} | headers
            line.request(method, path, body, wanted | ({"Authorization": f"Bearer {token}"} if token else {}))
            answer = line.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            line.close()

    def _wait_for_port(self) -> int:
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            found = re.search(r"http://127\.0\.0\.1:(\d+)", self.said)
            if found:
                return int(found[1])
            assert self.process.poll() is None, self.said
            time.sleep(0.01)
        raise AssertionError(f"the server did not start: {self.said}")


def prepare(database: Path | str, tablets: int = 1, seed: int = 1) -> tuple[World, list[str]]:
    """A database with a form and tablets `tablet-1`, ...; their deposit tokens. The caller closes the store."""
    world = World(open_store(database), seed)
    tokens = []
    for number in range(1, tablets + 1):
        tokens.append(new_token())
        devices.save_officer(world.db, f"petugas{number}", f"Petugas {number}", [REGION], NOW_MS)
        hashes = {"deposit_hash": token_hash(tokens[-1]), "read_hash": token_hash(tokens[-1] + "r")}
        devices.save_install(world.db, f"tablet-{number}", f"petugas{number}", "", now_ms=NOW_MS, **hashes)
    return world, tokens


def push_body(envelopes: list[dict[str, Any]]) -> bytes:
    """The body of a push."""
    return json.dumps({"items": envelopes}).encode()
