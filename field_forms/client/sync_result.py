"""What a synchronisation tells: where it is while it runs, and what it did when it ends. Values only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a sync is. `step`: hello, have, push, deposit, photos, feed, forms. Bytes are of the request going out; of
    `photos`, of all that are to be sent."""

    step: str
    items_done: int = 0
    items_total: int | None = None
    bytes_done: int = 0
    bytes_total: int = 0


OnProgress = Callable[[Progress], None]


@dataclass(slots=True)
class SyncResult:
    """What a sync did. `complete`: it came to its end; else `stopped` says why, in Indonesian."""

    complete: bool = False
    stopped: str = ""
    stamped: int = 0
    pushed: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    returned_to_server: int = 0
    households: int = 0
    pages: int = 0
    epoch_changed: bool = False
    feed_reset: bool = False
    fork: bool = False
    deposited: int = 0
    new_forms: int = 0
    photos_sent: int = 0
    photo_bytes_sent: int = 0
    """Bytes handed to the network for photos, what was lost on the way included."""
    photos_waiting: int = 0
    photo_bytes_waiting: int = 0
    photos_dropped: int = 0
    wait_s: float | None = None
