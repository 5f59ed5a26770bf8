"""PouchDB Server as a yardstick: documents over HTTP in LevelDB. It checks and merges nothing, and acknowledges before
anything has reached the disk.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks import installing
from benchmarks.processes import HOST, Line, cpu_s, free_port, started

Record = tuple[str, bytes]
"""Id and JSON object."""

_JSON = {"Content-Type": "application/json"}


class Pouchdb:
    """A running PouchDB Server. `database`: the one that is written to and read from."""

    def __init__(self, url: str, pid: int) -> None:
        self._url, self._pid = url, pid

    def make(self, database: str) -> None:
        """A new, empty database."""
        line = self.line()
        line.want("PUT", f"/{database}")
        line.close()

    def line(self) -> Line:
        """A new connection."""
        return Line(self._url, _JSON)

    def put(self, line: Line, database: str, records: Sequence[Record]) -> None:
        """Store records: one by a request of its own, several by `_bulk_docs`."""
        if len(records) == 1:
            ((key, content),) = records
            line.want("PUT", f"/{database}/{key}", content)
            return
        docs = b",".join(b'{"_id":"' + key.encode() + b'",' + content[1:] for key, content in records)
        answers = json.loads(line.want("POST", f"/{database}/_bulk_docs", b'{"docs":[' + docs + b"]}"))
        if not all(answer.get("ok") for answer in answers):
            raise RuntimeError("PouchDB Server did not take everything")

    def pull(self, line: Line, database: str, page: int, since: int = 0) -> tuple[int, int]:
        """Every document, oldest change first, page by page: how many, and the place to go on from with `since`."""
        seen = 0
        while True:
            path = f"/{database}/_changes?include_docs=true&limit={page}&since={since}"
            found = json.loads(line.want("GET", path))
            seen += len(found["results"])
            since = found["last_seq"]
            if len(found["results"]) < page:
                return seen, since

    def cpu_s(self) -> float:
        """CPU so far, seconds."""
        return cpu_s(self._pid)


@contextmanager
def running(folder: Path) -> Iterator[Pouchdb]:
    """PouchDB Server with its files in a folder for the time of a run. Raises `NotRun`."""
    command = installing.pouchdb()
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    options = ["--port", str(port), "--host", HOST, "--dir", str(folder), "--no-stdout-logs"]
    url = f"http://{HOST}:{port}"
    with started([*command, *options], url, folder / "stdout.txt", folder=folder) as pid:
        yield Pouchdb(url, pid)
