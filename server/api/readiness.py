"""Is the server ready: each subsystem asked by itself, with a time limit; one that hangs does not hang the rest.

Whoever asks often costs little: that something can be written is tried at most every few seconds.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, TimeoutError
from pathlib import Path

from server.blobs.storage import BlobStorage
from server.clock import Clock
from server.store import events, forms, identity
from server.store.database import Store, StoreBusy, StoreError, StoreUnreachable

LIMIT_S = 3.0
FREE_BYTES_MIN = 256 * 1024**2
WRITE_EVERY_MS = 10_000
FULL_MS = 60_000
CLOCK_BACK_MAX_MS = 5 * 60_000
"""The log holds times of the server itself: a clock before them was set back (or was ahead before)."""


class Readiness:
    """Asked by `/readyz`; made once by the app."""

    def __init__(
        self, store: Store, home: Path, clock: Clock, photos: BlobStorage, limit_s: float = LIMIT_S
    ) -> None:
        self._store, self._home, self._clock, self._photos, self._limit_s = store, home, clock, photos, limit_s
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="padan-ready")
        self._lock = threading.Lock()
        self._written_ms: int | None = None
        self._writable = False
        self._full_ms: int | None = None

    def checks(self) -> dict[str, bool]:
        """Subsystem -> whether it is ready.

        `database` can be read, `storage` written, `photos`: their folder can be written, `forms` are published,
        `disk` has room beside the database, `clock` does not lie before what was already received.
        """
        asked = {
            "database": self._database,
            "storage": self._storage,
            "photos": self._photos.writable,
            "forms": lambda: bool(forms.published_forms(self._store.db)),
            "disk": lambda: free_bytes(self._home) > FREE_BYTES_MIN,
            "clock": self._clock_is_right,
        }
        futures = {name: self._pool.submit(self._asked, check) for name, check in asked.items()}
        return {name: _within(future.result, self._limit_s) for name, future in futures.items()}

    def note_full(self) -> None:
        """A request met a full disk: for a while nothing is called ready, even if a small row still finds room."""
        self._full_ms = self._clock.monotonic_ms()

    def _asked(self, check: Callable[[], bool]) -> bool:
        try:
            return check()
        except (StoreError, OSError):
            return False
        finally:
            self._store.release()

    def _database(self) -> bool:
        return bool(self._store.db.value("select 1") == 1)

    def _storage(self) -> bool:
        now_ms = self._clock.monotonic_ms()
        if self._full_ms is not None and now_ms - self._full_ms < FULL_MS:
            return False
        with self._lock:
            fresh = self._written_ms is not None and now_ms - self._written_ms < WRITE_EVERY_MS
            if not fresh or not self._writable:
                self._writable = self._can_write()
                self._written_ms = now_ms
            return self._writable

    def _can_write(self) -> bool:
        try:
            identity.set_setting(self._store.db, "ready_probe", str(self._clock.now_ms()))
        except StoreUnreachable:
            return False
        except StoreBusy:
            return True  # somebody else is writing just now, so it can be written
        return True

    def _clock_is_right(self) -> bool:
        newest_ms = events.newest_received_ms(self._store.db)
        return newest_ms is None or self._clock.now_ms() > newest_ms - CLOCK_BACK_MAX_MS


def free_bytes(folder: Path) -> int:
    """Free bytes where the folder lies; 0 where it can't be asked."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0


def _within(result: Callable[[float], bool], limit_s: float) -> bool:
    try:
        return result(limit_s)
    except TimeoutError:
        return False
