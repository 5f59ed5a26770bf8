"""Moving a running campaign to another database: copied whole under the write lock, compared, and the old one closed.

While it is copied nothing can be written to the old database, and afterwards never again: a `padan serve` that was
forgotten answers "busy", so that no tablet is told "stored" by a server nobody looks at any more. Server id, epoch,
keys and positions stay what they are: nobody outside notices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from server.auth.keys import load_keys
from server.flows.audit import verify
from server.flows.fold import fold_all
from server.flows.rebuild import rebuild
from server.store import identity
from server.store.copying import copy_all, digests, is_empty
from server.store.database import Connection, Store, StoreError

MOVED_TO = "moved_to"
"""Name of the value that says where a database went."""

CLOSED_TABLES = ("log", "log_heads", "outbox", "leases", "households", "installs", "enrolments")
"""Nothing of these may change in a database that was moved: no event, no delivery, no fold, no tablet."""

Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Moved:
    """The outcome. `differing`: tables that are not the same; nothing was closed then."""

    rows: int
    tables: int
    households: int
    differing: tuple[str, ...] = ()
    broken: int = 0
    rebuild_identical: bool = True

    @property
    def good(self) -> bool:
        """Whether the new database says everything that the old one says."""
        return not self.differing and not self.broken and self.rebuild_identical


def moved_to(db: Connection) -> str | None:
    """Where this database went, or None."""
    return identity.setting(db, MOVED_TO)


def move(source: Store, target: Store, now_ms: int, progress: Progress = lambda _what, _count: None) -> Moved:
    """Copy `source` into the empty, migrated `target`, compare both, check both by rebuilding, close the source.

    Safe to repeat after it was cut off: a target that holds just what the source holds is taken as copied. Raises
    `StoreError` where the target holds something else, or the source was moved before.
    """
    gone = moved_to(source.db)
    if gone is not None:
        raise StoreError(f"{source}: was moved to {gone} already.")
    fold_all(source.db, load_keys(source.db, now_ms), now_ms, lambda done: progress("fold", done))
    with source.db.transaction():
        if is_empty(target.db):
            copy_all(source.db, target.db, lambda table, rows: progress(f"copy {table}", rows))
        here = digests(source.db, lambda table, rows: progress(f"compare {table}", rows))
        there = digests(target.db, lambda table, rows: progress(f"compare {table}", rows))
        differing = tuple(sorted(name for name in here if here[name] != there.get(name)))
        outcome = Moved(sum(count for count, _ in here.values()), len(here), here["households"][0], differing)
        if outcome.good:
            outcome = _checked(outcome, source, target, now_ms, progress)
        if outcome.good:
            identity.set_setting(source.db, MOVED_TO, str(target))
            source.db.close_tables(CLOSED_TABLES)
    return outcome


def reopen(source: Store) -> None:
    """Open a database again that was moved: the way back, before anything was written to the new one."""
    with source.db.transaction():
        source.db.open_tables(CLOSED_TABLES)
        identity.drop_setting(source.db, MOVED_TO)


def _checked(outcome: Moved, source: Store, target: Store, now_ms: int, progress: Progress) -> Moved:
    """Prove the log of the new database, and fold every record of both afresh."""
    broken = len(verify(target.db, lambda rows: progress("verify", rows)).broken)
    same = True
    for name, store in (("old", source), ("new", target)):
        done = rebuild(
            store.db,
            load_keys(store.db, now_ms),
            check=True,
            shuffle_seed=1,
            now_ms=now_ms,
            progress=lambda households, _all, name=name: progress(f"rebuild {name}", households),  # type: ignore[misc]
        )
        same = same and done.identical
    return Moved(outcome.rows, outcome.tables, outcome.households, (), broken, same)
