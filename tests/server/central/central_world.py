"""A server on a loopback port, the central office beside it, and lines to it that break."""

from __future__ import annotations

import random
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from server_world import NOW_MS, REGION, World
from werkzeug.serving import make_server

from schemas.event import Assertion
from server.app import create_app
from server.clock import FixedClock
from server.flows.people import issue_token
from server.mirror import HttpSource, PullDone, pull
from server.mirror.source import Interrupted


@dataclass
class Central:
    """The central office: a token, a mirror, and a server that runs."""

    world: World
    url: str
    mirror: Path
    waits: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        """The officer may visit every village of the kabupaten, or the forms of some would be held."""
        self.world.enrol("tablet-1", "petugas1", REGION)

    def token(self, *areas: str, purpose: str = "pull", subject: str = "pusat") -> str:
        """A token for these areas."""
        return issue_token(self.world.db, subject, purpose, areas or ("ID",), now_ms=NOW_MS, days=30)

    def source(self, *areas: str) -> HttpSource:
        """The server as it is reached."""
        return HttpSource(self.url, self.token(*areas), timeout_s=10)

    def pull(self, source: Any = None, **how: Any) -> PullDone:
        """Bring the mirror up to date."""
        return pull(source or self.source(), self.mirror, sleep=self.waits.append, rng=random.Random(1), **how)

    def rows(self, query: str, params: Any = ()) -> list[tuple[Any, ...]]:
        """Rows of the mirror, read by a reader of its own."""
        reader = sqlite3.connect(f"file:{self.mirror}?mode=ro", uri=True)
        try:
            return reader.execute(query, params).fetchall()
        finally:
            reader.close()

    def households(self) -> dict[str, bytes]:
        """household id -> the bytes the mirror holds."""
        return {hid: data.encode() for hid, data in self.rows("select household_id, data from households")}

    def stored(self) -> dict[str, bytes]:
        """household id -> the bytes the server stores."""
        return {
            row["household_id"]: bytes(row["data"])
            for row in self.world.db.all("select household_id, data from households")
        }


class Cutting:
    """A source whose answers end after a number of bytes, as long as `cuts` has one."""

    def __init__(self, source: HttpSource, cuts: list[int]) -> None:
        self.url = source.url
        self._source = source
        self._cuts = cuts
        self.cut = 0

    def document(self, path: str) -> Any:
        """Forms come through."""
        return self._source.document(path)

    @contextmanager
    def page(self, params: Mapping[str, str]) -> Iterator[Iterator[bytes]]:
        """A page, or the beginning of one."""
        with self._source.page(params) as pieces:
            yield self._some(pieces)

    def _some(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        left = self._cuts.pop(0) if self._cuts else None
        for piece in pieces:
            if left is not None and len(piece) > left:
                yield piece[:left]
                self.cut += 1
                if self.cut % 2:
                    raise Interrupted("terputus")
                return  # some lines end without anybody noticing
            left = None if left is None else left - len(piece)
            yield piece


@contextmanager
def running(world: World) -> Iterator[str]:
    """The real app on a port of its own; its address."""
    app = create_app(world.store, world.settings(), clock=FixedClock(NOW_MS))
    server = make_server("127.0.0.1", 0, app, threaded=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


Fill = Callable[..., str]


def fill(world: World, address: str = "Jl. Melati", *, household: str | None = None, **head: Any) -> str:
    """A visited family of two; its id. Folded by the caller."""
    household = household or world.uuid()
    first, second = f"{household}/{world.uuid()}", f"{household}/{world.uuid()}"
    world.push(
        world.sealed(
            household,
            {"address": address, "assessment": "layak"},
            {
                first: {"m_name": "BUDI", "nik": head.pop("nik", "1903010101800001")},
                second: {"m_name": "SITI", "nik": Assertion(state="unknown")},
            },
            **head,
        )
    )
    return household
