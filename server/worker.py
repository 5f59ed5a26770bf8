"""The jobs that run by themselves: fold, deliver, photos, backups ... `padan worker`, or inside `padan serve`.

APScheduler with a memory store only gives ticks. Nothing depends on who ticks, how often, or in how many processes:
that is in the leases, reservations and keys of the database.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from server.auth.keys import ServerKeys
from server.backups.plan import Plan, plan_of
from server.backups.problem import BackupProblem
from server.blobs.folder import FolderBlobs
from server.blobs.storage import BlobStorage
from server.clock import Clock
from server.flows import backup_watch, blob_upkeep, deliver, erasure, reconcile
from server.flows.backup import Busy, make_backup
from server.flows.backup_blobs import StoredPhotos
from server.flows.deliver_judge import Dispatch, frozen
from server.flows.deliver_prepare import sweep_orphans
from server.flows.deliver_send import wire
from server.flows.deposits import open_waiting
from server.flows.erasure_ledger import LEDGER_FILE
from server.flows.fold import fold_beside
from server.flows.photos import Developed, develop_some
from server.images.darkroom import Darkroom
from server.log import get_logger
from server.registry.choice import NewAdapter, adapter_maker
from server.settings import Settings
from server.store import blobs, leases
from server.store.database import Store, StoreError

WIB = timezone(timedelta(hours=7), "WIB")
FOLD_S, DELIVER_S, PHOTOS_S, PULSE_S, THAW_S = 1, 5, 5, 60, 60
RECONCILE_LEASE_MS = 30 * 60_000
PHOTOS_LEASE_MS = 15 * 60_000
"""Longer than a batch in which every image takes all the time it may."""
ERASURES_LEASE_MS = 2 * 3_600_000
"""Longer than a database of many GB takes to be written anew."""
NIGHT_HOURS = frozenset({2, 3, 4})
"""Hours of WIB in which no tablet minds waiting."""
FOLD_ROUNDS = 50
_log = get_logger()


@dataclass(frozen=True, slots=True)
class Office:
    """What a job works with. `new_adapter` is None where no registry is set, `plan` where no folder of backups is."""

    store: Store
    dispatch: Dispatch
    new_adapter: NewAdapter | None
    holder: str
    blobs: BlobStorage
    ledger: Path | None = None
    plan: Plan | None = None


Job = Callable[[Office], str]


def office_of(store: Store, keys: ServerKeys, settings: Settings, clock: Clock) -> Office:
    """The office of one process; `holder` names it in leases."""
    dispatch = Dispatch(keys, settings.campaign, clock, lambda: secrets.randbelow(1001))
    ledger = settings.home / LEDGER_FILE
    adapter, photos = adapter_maker(settings, clock), FolderBlobs(settings.blobs)
    return Office(store, dispatch, adapter, secrets.token_hex(8), photos, ledger, plan_of(settings))


def fold_job(office: Office) -> str:
    """Fold what waits, a bounded number of rounds."""
    folded = waiting = 0
    for _ in range(FOLD_ROUNDS):
        now_ms = office.dispatch.clock.now_ms()
        done = fold_beside(office.store.db, office.dispatch.keys, now_ms, waiting, secrets.randbelow)
        folded, waiting = folded + done.households, done.waiting
        if not (done.households or done.niks):
            break
    return f"{folded} households" if folded else ""


def deliver_job(office: Office) -> str:
    """Sweep what changed and send what is due."""
    if office.new_adapter is None:
        return ""
    with wire(office.new_adapter) as line:
        done = deliver.tick(office.store.db, office.dispatch, line, office.holder)
    return f"{done.claimed} exchanged, {done.accepted} accepted, {done.rejected} rejected" if done else ""


def orphans_job(office: Office) -> str:
    """Release places that a worker took and never used."""
    return f"{sweep_orphans(office.store.db, office.dispatch)} places released"


def boxes_job(office: Office) -> str:
    """Try boxes again that no key of the server opened: one may have come back with a backup."""
    opened = open_waiting(office.store.db, office.dispatch.keys, office.dispatch.clock.now_ms())
    return f"{opened} boxes opened" if opened else ""


def photos_job(office: Office) -> str:
    """Decode what arrived and write it anew, until nothing waits; one process at a time."""
    db, clock = office.store.db, office.dispatch.clock
    named = blob_upkeep.name_all_once(db, clock.now_ms())
    said = [f"{named} names read from the log"] if named else []
    if not blobs.in_state(db, blobs.WAITING, 1):
        return ", ".join(said)
    lease = leases.acquire(db, "photos", office.holder, clock.now_ms(), PHOTOS_LEASE_MS)
    if lease is None:
        return ", ".join(said)
    shown = others = 0
    try:
        with Darkroom() as room:
            while (done := develop_some(db, office.blobs, room, clock)) != Developed():
                shown, others = shown + done.shown, others + done.no_image + done.lost
                leases.acquire(db, "photos", office.holder, clock.now_ms(), PHOTOS_LEASE_MS)
    finally:
        leases.give_up(db, lease)
    return ", ".join([*said, f"{shown} photos prepared, {others} not"])


def expire_job(office: Office) -> str:
    """Remove bytes that nobody needs: uploads without progress, files that no event names, what was forgotten."""
    done = blob_upkeep.expire(office.store.db, office.blobs, office.dispatch.clock.now_ms())
    if not done:
        return ""
    return f"{done.uploads} uploads, {done.unnamed} unnamed and {done.forgotten} forgotten files removed"


def disk_job(office: Office) -> str:
    """Compare the folder of photos with what is known of them."""
    found = blob_upkeep.compare_with_disk(office.store.db, office.blobs, office.dispatch.clock.now_ms())
    return f"{found} files found that counted as missing" if found else ""


def reconcile_job(office: Office) -> str:
    """Compare with the registry; one process at a time."""
    if office.new_adapter is None:
        return ""
    db, clock = office.store.db, office.dispatch.clock
    lease = leases.acquire(db, "reconcile", office.holder, clock.now_ms(), RECONCILE_LEASE_MS)
    if lease is None:
        return "another process is at it"
    try:
        with wire(office.new_adapter, 1) as line:
            found = reconcile.reconcile(db, office.dispatch, line.adapter())
    finally:
        leases.give_up(db, lease)
    for each in found:
        if each.outcome != reconcile.CLEAN:
            _log.warning("reconcile_not_clean", region=each.region, reason=each.outcome)
    return ", ".join(f"{each.region} {each.outcome}" for each in found)


def thaw_job(office: Office) -> str:
    """After a restore delivery is frozen: try again and again until reconciliation is clean."""
    return reconcile_job(office) if frozen(office.store.db) else ""


def erasures_job(office: Office) -> str:
    """Bring erasures that were begun to their end; at night also where a large database has to be written anew."""
    if office.ledger is None or not office.ledger.exists():
        return ""
    db, clock = office.store.db, office.dispatch.clock
    lease = leases.acquire(db, "erasures", office.holder, clock.now_ms(), ERASURES_LEASE_MS)
    if lease is None:
        return "another process is at it"
    try:
        night = datetime.fromtimestamp(clock.now_ms() / 1000, WIB).hour in NIGHT_HOURS
        forget = partial(blob_upkeep.forget_all, db, office.blobs, now_ms=clock.now_ms())
        done = erasure.finish(db, office.dispatch.keys, office.ledger, clock.now_ms(), forget=forget, at_once=night)
    finally:
        leases.give_up(db, lease)
    if done.waits:
        return f"waits: {done.waits}"
    return f"{len(done.refs)} erasures finished" if done.refs else ""


def backup_job(office: Office) -> str:
    """Make the day's backup once its hour has come; one process at a time."""
    db, clock, plan = office.store.db, office.dispatch.clock, office.plan
    if plan is None or not backup_watch.is_due(db, plan, clock.now_ms()):
        return ""
    try:
        done = make_backup(office.store, plan, clock, office.holder, source=StoredPhotos(office.blobs))
    except Busy:
        return ""
    photos = f", {done.blobs_lacking} photos lacking" if done.blobs_lacking else ""
    return f"{done.set_name} verified, {done.bytes // 1024**2} MiB{photos}"


def backup_check_job(office: Office) -> str:
    """Are the backups still there and still what they were?"""
    if office.plan is None:
        return ""
    found = backup_watch.look(office.store.db, office.plan, office.dispatch.clock.now_ms())
    if not (found.changed or found.hashed or found.blobs_spoiled):
        return ""
    return f"{found.good} good, {found.missing} missing, {found.damaged} damaged, {found.blobs_spoiled} photos lacking"


def pulse_job(office: Office) -> str:
    """Say that a process runs the jobs: `/metrics` and `padan doctor` tell when none does any more."""
    return office.holder


JOBS: Mapping[str, tuple[Job, BaseTrigger]] = {
    "fold": (fold_job, IntervalTrigger(seconds=FOLD_S, timezone=WIB)),
    "deliver": (deliver_job, IntervalTrigger(seconds=DELIVER_S, timezone=WIB)),
    leases.PULSE: (pulse_job, IntervalTrigger(seconds=PULSE_S, timezone=WIB)),
    "thaw": (thaw_job, IntervalTrigger(seconds=THAW_S, timezone=WIB)),
    "photos": (photos_job, IntervalTrigger(seconds=PHOTOS_S, timezone=WIB)),
    "backup": (backup_job, CronTrigger(minute="*/10", timezone=WIB)),
    "recheck": (backup_check_job, CronTrigger(minute=45, timezone=WIB)),
    "boxes": (boxes_job, CronTrigger(minute=20, timezone=WIB)),
    "expire": (expire_job, CronTrigger(minute=40, timezone=WIB)),
    "erasures": (erasures_job, CronTrigger(minute="*/10", timezone=WIB)),
    "orphans": (orphans_job, CronTrigger(hour=1, minute=10, timezone=WIB)),
    "reconcile": (reconcile_job, CronTrigger(hour=1, minute=30, timezone=WIB)),
    "disk": (disk_job, CronTrigger(hour=2, minute=10, timezone=WIB)),
}
"""Name -> what it does and when, in WIB. docs/operations.md lists them."""


class Jobs:
    """The running jobs of one process."""

    def __init__(self, office: Office, names: tuple[str, ...] = tuple(JOBS)) -> None:
        self._office = office
        self._scheduler = BackgroundScheduler(
            jobstores={"default": MemoryJobStore()},
            executors={"default": ThreadPoolExecutor(len(JOBS))},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=WIB,
        )
        for name in names:
            job, trigger = JOBS[name]
            self._scheduler.add_job(run_job, trigger, args=(office, name, job), id=name, name=name)

    def start(self) -> None:
        """Begin to tick."""
        self._scheduler.start()

    def stop(self) -> None:
        """Stop ticking and wait for what is running."""
        self._scheduler.shutdown(wait=True)


def start_jobs(store: Store, keys: ServerKeys, settings: Settings, clock: Clock) -> Jobs:
    """Start all jobs in threads of this process; call `stop()` at the end."""
    jobs = Jobs(office_of(store, keys, settings, clock))
    jobs.start()
    return jobs


def run_job(office: Office, name: str, job: Job) -> str:
    """One run: an error is noted and logged without what it was about, and the next tick tries again."""
    clock = office.dispatch.clock
    began_ms = clock.now_ms()
    try:
        detail = job(office)
    except Exception as error:
        _log.error("job_failed", job=name, error=type(error).__name__, exc_info=True)
        # Problems of backups and of the database are sentences of ours; another message may quote a person.
        told = str(error) if isinstance(error, BackupProblem | StoreError) else type(error).__name__
        leases.job_started(office.store.db, name, began_ms)
        leases.job_finished(office.store.db, name, clock.now_ms(), "failed", told)
        return f"failed: {told}"
    else:
        if detail:
            leases.job_started(office.store.db, name, began_ms)
            leases.job_finished(office.store.db, name, clock.now_ms(), "done", detail)
        return detail
    finally:
        office.store.release()


def run_once(office: Office, rounds: int = 20) -> list[tuple[str, str]]:
    """Fold, deliver and prepare photos until nothing is left that is due now: what each job said, in order."""
    said: list[tuple[str, str]] = []
    for _ in range(rounds):
        done = [(name, run_job(office, name, JOBS[name][0])) for name in ("thaw", "fold", "deliver", "photos")]
        said += [(name, detail) for name, detail in done if detail]
        if not any(detail for _, detail in done):
            break
    return said
