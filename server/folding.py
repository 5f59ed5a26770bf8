"""A thread that folds what waits, woken by every push; so an acknowledgement never waits for a merge."""

from __future__ import annotations

import secrets
import threading

import structlog

from server.auth.keys import ServerKeys, load_keys
from server.clock import Clock
from server.flows.fold import fold_beside
from server.store.database import Store, StoreError

IDLE_S = 2.0
"""Another process may have queued something: look even when nobody woke us."""

TROUBLE_S = 5.0
_log = structlog.get_logger("padan.fold")


class Folder:
    """Folds in a thread of its own until stopped. One is enough; several do no harm."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._keys: ServerKeys | None = None
        self._waiting = 0
        self._work = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="padan-fold", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def wake(self) -> None:
        """There is something to fold."""
        self._work.set()

    def stop(self, timeout_s: float = 10.0) -> None:
        """End after the present batch; what is left stays queued."""
        self._stop.set()
        self._work.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._work.clear()
            try:
                if self._round():
                    continue
                wait_s = IDLE_S
            except Exception as error:
                # A full disk, a lock held too long, a mistake of ours: the queue stays, and so must this thread.
                _log.error("fold_waits", error=type(error).__name__, exc_info=not isinstance(error, StoreError))
                wait_s = TROUBLE_S
            self._work.wait(wait_s)
        self._store.release()

    def _round(self) -> bool:
        now_ms = self._clock.now_ms()
        self._keys = self._keys or load_keys(self._store.db, now_ms)
        done = fold_beside(self._store.db, self._keys, now_ms, self._waiting, secrets.randbelow)
        self._waiting = done.waiting
        return bool(done.households or done.niks or done.failed)
