"""A thread that writes the WAL back into the database file, so that no acknowledgement has to wait for it.

`padan serve` opens its database with automatic checkpoints off: else the one commit that finds a thousand pages in the
WAL pays for all of them, and the slowest answers are several times slower than the rest.
"""

from __future__ import annotations

import threading
from pathlib import Path

import structlog

from server.store.database import SQLITE, Store

EVERY_S = 0.5
WAL_BYTES_MIN = 4 * 1024**2
"""Below this nothing is gained: 4 MB are written back in a few ms."""

WAL_BYTES_MAX = 64 * 1024**2
"""Under steady load the WAL never empties by itself; from here on writers wait a few ms for it to begin anew."""

_log = structlog.get_logger("padan.store")


class Checkpointer:
    """Writes back in a thread of its own until stopped."""

    def __init__(self, store: Store, every_s: float = EVERY_S) -> None:
        self._store = store
        self._wal = Path(f"{store.path}-wal") if store.engine == SQLITE else None
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="padan-checkpoint", daemon=True)

    def start(self) -> None:
        """Begin; returns at once. Other engines than SQLite write back by themselves: there is nothing to begin."""
        if self._wal is not None:
            self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End; the last of the WAL is written back by whoever closes the database last."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            try:
                self.write_back()
            except Exception as error:
                # Nothing is lost by a checkpoint that did not happen: the WAL only grows, and the next one does it all.
                _log.warning("checkpoint_waits", error=type(error).__name__)
        self._store.release()

    def write_back(self) -> bool:
        """Write back if there is enough of it; whether it did."""
        size = self._wal_bytes()
        if size < WAL_BYTES_MIN:
            return False
        self._store.db.checkpoint()
        if size > WAL_BYTES_MAX:
            self._store.db.checkpoint(restart=True)
        return True

    def _wal_bytes(self) -> int:
        if self._wal is None:
            return 0
        try:
            return self._wal.stat().st_size
        except FileNotFoundError:
            return 0
