"""Servers that a benchmark starts: on loopback, on a free port, ended by their own process; and what CPU they used."""

from __future__ import annotations

import base64
import http.client
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

HOST = "127.0.0.1"
START_S = 40
STOP_S = 20
ANSWER_S = 180


class NotRun(Exception):
    """Something could not be installed or started here; the message says what and why."""


class Line:
    """One kept connection to an HTTP server."""

    def __init__(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self._line = http.client.HTTPConnection(host, int(port), timeout=ANSWER_S)
        self._headers = dict(headers or {})

    def ask(
        self, method: str, path: str, content: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes, Mapping[str, str]]:
        """One request: status, body and headers of the answer, their names in small letters.

        A server closes a connection that was idle for a while (Node after 5 s): reading is then tried on a new one.
        """
        sent = {**self._headers, **(headers or {})}
        try:
            self._line.request(method, path, content or None, sent)
            answer = self._line.getresponse()
        except (http.client.RemoteDisconnected, ConnectionError):
            self._line.close()
            if method != "GET":
                raise
            self._line.request(method, path, content or None, sent)
            answer = self._line.getresponse()
        return answer.status, answer.read(), {name.lower(): value for name, value in answer.headers.items()}

    def want(self, method: str, path: str, content: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
        """The body of a 2xx answer. Raises `RuntimeError` on any other."""
        status, body, _ = self.ask(method, path, content, headers)
        if status // 100 != 2:
            raise RuntimeError(f"{method} {path}: {status} {body[:300]!r}")
        return body

    def close(self) -> None:
        """Close the connection."""
        self._line.close()


def basic(user: str, password: str) -> dict[str, str]:
    """The header of HTTP basic authentication."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        return int(taken.getsockname()[1])


@contextmanager
def started(command: Sequence[str], url: str, log: Path, *, folder: Path | None = None) -> Iterator[int]:
    """A server as a process of its own, until it answers; gives its process id and ends it on leaving.

    Raises `NotRun` with the end of its log where it does not answer.
    """
    with log.open("ab") as told:
        try:
            process = subprocess.Popen(command, stdout=told, stderr=told, stdin=subprocess.DEVNULL, cwd=folder)
        except OSError as error:
            raise NotRun(f"{command[0]} can't be started: {error}") from error
        try:
            _await(process, url, log)
            yield process.pid
        finally:
            stop(process)


def stop(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    """End a process of ours: asked first, then made to."""
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def cpu_s(pid: int) -> float:
    """User and system time of a process and of all it started, those that have ended included; seconds."""
    parents, times = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)], times[int(entry.name)] = int(fields[1]), sum(map(int, fields[11:15]))
    family = {pid}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(times.get(each, 0) for each in family) / os.sysconf("SC_CLK_TCK")


def peak_mib(pid: int) -> float:
    """The most memory a process has held so far, MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def _await(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        line = Line(url)
        try:
            line.ask("GET", "/")
            return
        except OSError:
            time.sleep(0.1)
        finally:
            line.close()
    lines = log.read_text(errors="replace").strip().splitlines()[-3:]
    raise NotRun(f"did not answer within {START_S} s: {' '.join(lines) or 'it said nothing'}")
