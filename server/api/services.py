"""What an endpoint reaches: the store of this thread, the keys, the settings, the time, and who calls."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from threading import BoundedSemaphore
from typing import Any

from flask import current_app, g, request

from schemas.problems import ProblemError
from server.api.readiness import Readiness
from server.auth.callers import Caller, caller_of, require
from server.auth.keys import ServerKeys
from server.blobs.storage import BlobStorage
from server.clock import Clock
from server.settings import Settings
from server.store.database import Connection, Store

EXTENSION = "padan"
WRITERS_MAX = 8
"""Pushes that may wait for the write lock at once; more are told to come back, which costs next to nothing."""

UPLOADERS_MAX = 4
"""Pieces of photos that are written at once: forms come first, and most threads are theirs."""

BUSY_RETRY_AFTER_S = 5
BUSY_SPREAD_S = 20
WRITER_WAIT_S = 2.0
UPLOADER_WAIT_S = 0.5


@dataclass(frozen=True)
class Services:
    """Everything an endpoint may use; made once by `create_app`."""

    store: Store
    keys: ServerKeys
    settings: Settings
    clock: Clock
    blobs: BlobStorage
    readiness: Readiness
    wake_fold: Callable[[], None] = lambda: None
    writers: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(WRITERS_MAX))
    writer_wait_s: float = WRITER_WAIT_S
    uploaders: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(UPLOADERS_MAX))
    uploader_wait_s: float = UPLOADER_WAIT_S

    @property
    def db(self) -> Connection:
        """This thread's connection."""
        return self.store.db


def services() -> Services:
    """The services of the running app."""
    found: Services = current_app.extensions[EXTENSION]
    return found


def caller() -> Caller:
    """Who calls, as `allowed` found out."""
    found: Caller = g.caller
    return found


def allowed(endpoint: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let only those call who may call `endpoint` by the table of `server/auth/callers.py`."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            mine = services()
            g.caller = caller_of(mine.db, request.headers.get("Authorization"), mine.clock.now_ms())
            require(g.caller, endpoint)
            return view(*args, **kwargs)

        return guarded

    return decorate


def one_of_few_writers(view: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse cheaply where too many writers wait already."""

    @wraps(view)
    def limited(*args: Any, **kwargs: Any) -> Any:
        mine = services()
        with _one_of(mine.writers, mine.writer_wait_s):
            return view(*args, **kwargs)

    return limited


@contextmanager
def one_of_few_uploaders() -> Iterator[None]:
    """Refuse cheaply where too many photos are written at once."""
    mine = services()
    with _one_of(mine.uploaders, mine.uploader_wait_s):
        yield


@contextmanager
def _one_of(few: BoundedSemaphore, patience_s: float) -> Iterator[None]:
    if not few.acquire(timeout=patience_s):
        # Spread, so that those who are sent away do not all come back in the same second.
        wait_s = BUSY_RETRY_AFTER_S + secrets.randbelow(BUSY_SPREAD_S)
        raise ProblemError("busy", "Many tablets are sending at once.", retry_after=wait_s)
    try:
        yield
    finally:
        few.release()
