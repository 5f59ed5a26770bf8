"""What is read from the store when `/metrics` is asked: every process shows the same. Nothing tells about a person.

Which number is alarming, and what to do then, is in docs/operations.md ("What is measured"); ready rules for Prometheus
are in docs/alerts.yml.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Gauge

from server.api.readiness import free_bytes
from server.api.services import Services
from server.flows import deliver
from server.flows.deliver_judge import REGISTRY
from server.store import (
    backups,
    blobs,
    cases,
    devices,
    events,
    fold_queue,
    households,
    leases,
    outbox,
    unreadable,
    uploads,
)
from sync.delivery import STATES

DAY_MS = 86_400_000
UNSEEN_DAYS = 7
"""A tablet that syncs at all does so once a week: officers come back from an island at the latest then."""

_BLOB_AGES = {
    blobs.MISSING: "padan_blob_missing_age_seconds",
    blobs.WAITING: "padan_blob_waiting_age_seconds",
}


class Gauges:
    """Fills a registry of its own for one answer."""

    def __init__(self, mine: Services) -> None:
        self.registry = CollectorRegistry()
        self._mine, self._db, self._now_ms = mine, mine.db, mine.clock.now_ms()

    def read(self) -> CollectorRegistry:
        """Every gauge, as the store says now."""
        for part in (self._log, self._machine, self._backups, self._photos, self._delivery, self._tablets, self._jobs):
            part()
        return self.registry

    def _log(self) -> None:
        self._set("padan_log_events", "Rows of the log.", events.count(self._db))
        self._set("padan_households", "Merged households.", households.count(self._db))
        states = households.counts_by_state(self._db)
        self._by("padan_households_by_state", "Merged households by state.", "state", states)
        self._set("padan_fold_queue", "Households waiting to be folded.", fold_queue.length(self._db))
        oldest_s = self._age_s(fold_queue.oldest_ms(self._db))
        self._set("padan_fold_queue_age_seconds", "Age of the oldest of them.", oldest_s)
        failed = len(fold_queue.failures(self._db))
        self._set("padan_fold_failures", "Households that could not be folded.", failed)
        self._set("padan_unreadable_items", "Items kept as bytes.", unreadable.count(self._db))
        self._by("padan_open_cases", "Open cases by kind.", "kind", cases.counts(self._db))

    def _machine(self) -> None:
        free = free_bytes(self._mine.settings.home)
        self._set("padan_disk_free_bytes", "Free bytes where the database and the photos lie.", free)
        self._set("padan_database_bytes", "Bytes of the database.", self._db.bytes_on_disk())
        waiting = self._db.bytes_of_log()
        about = "Bytes beside the database file that wait to be written into it."
        self._set("padan_write_ahead_log_bytes", about, waiting)

    def _backups(self) -> None:
        newest = backups.newest_good(self._db)
        age_s = math.inf if newest is None else self._age_s(newest.created_ms)
        self._set("padan_backup_age_seconds", "Age of the newest good backup.", age_s)
        good = len(backups.all_backups(self._db, states=(backups.GOOD,)))
        self._set("padan_backups_good", "Verified backups that are still whole.", good)
        bad = len(backups.all_backups(self._db, states=(backups.MISSING, backups.DAMAGED)))
        self._set("padan_backups_bad", "Backups that are missing or damaged.", bad)

    def _photos(self) -> None:
        self._by("padan_blobs", "Photos and files by state.", "state", blobs.counts(self._db))
        for state, name in _BLOB_AGES.items():
            self._set(name, f"Age of the oldest file that is {state}.", self._age_s(blobs.oldest_ms(self._db, state)))
        unfinished = uploads.unfinished_bytes(self._db)
        self._set("padan_blob_unfinished_bytes", "Bytes of uploads that were begun and not finished.", unfinished)

    def _delivery(self) -> None:
        now = deliver.overview(self._db, REGISTRY)
        rows = {state.name: now.rows.get(state.name, 0) for state in STATES}
        self._by("padan_outbox", "Versions of households on their way to the registry, by state.", "state", rows)
        self._set("padan_delivery_queue", "Households that delivery has yet to look at.", now.queue)
        dead_s = self._age_s(outbox.oldest_ms(self._db, deliver.DEAD))
        self._set("padan_dead_letter_age_seconds", "Age of the oldest version the registry said no to.", dead_s)
        unsure_s = self._age_s(outbox.oldest_ms(self._db, ("uncertain", "asking")))
        about = "Age of the oldest sending of which nobody knows the outcome."
        self._set("padan_uncertain_age_seconds", about, unsure_s)
        stopped = {"circuit": now.circuit.state != "closed", "frozen": now.frozen, "paused": now.paused != ""}
        self._by("padan_delivery_stopped", "1 where delivery stands still, by why.", "why", stopped)

    def _tablets(self) -> None:
        found = devices.counts(self._db, self._now_ms - UNSEEN_DAYS * DAY_MS)
        about = f"Tablets: seen within {UNSEEN_DAYS} days, not seen, copied, cut off."
        self._by("padan_tablets", about, "state", found)

    def _jobs(self) -> None:
        runs = leases.job_runs(self._db)
        pulse = next((row["finished_ms"] for row in runs if row["job"] == leases.PULSE), None)
        age_s = math.inf if pulse is None else self._age_s(pulse)
        self._set("padan_worker_age_seconds", "Since when no process ran the jobs.", age_s)
        failed = {row["job"]: row["outcome"] == "failed" for row in runs}
        self._by("padan_job_failed", "1 where the newest run of a job that did anything failed.", "job", failed)

    def _age_s(self, since_ms: int | None) -> int:
        return 0 if since_ms is None else max(0, self._now_ms - since_ms) // 1000

    def _set(self, name: str, about: str, value: float) -> None:
        Gauge(name, about, registry=self.registry).set(value)

    def _by(self, name: str, about: str, label: str, values: Mapping[str, float]) -> None:
        gauge = Gauge(name, about, [label], registry=self.registry)
        for key, value in values.items():
            gauge.labels(key).set(value)
