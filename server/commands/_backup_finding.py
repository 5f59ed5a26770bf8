"""What `padan doctor` says of the backups: is there one, is it young enough, where does it lie. Changes nothing."""

from __future__ import annotations

from pathlib import Path

from server.address import is_postgres
from server.backups.plan import Plan, plan_of
from server.backups.problem import BackupProblem
from server.clock import SystemClock
from server.commands import _backup_text as text
from server.commands._finding import OK, WARNING, WRONG, Finding
from server.flows.backup import ready_keys
from server.settings import Settings
from server.store import backups, leases
from server.store.database import Store

CHECK = "cadangan"
AGE_MAX_MS = 26 * 3_600_000
"""A night, and two hours for the making."""


def backup_finding(settings: Settings, store: Store) -> Finding:
    """The line of the backups."""
    db, plan = store.db, plan_of(settings)
    if plan is None:
        found = "belum diatur: tidak ada isian yang disebut aman"
        return Finding(CHECK, WARNING, found, "Setel PADAN_BACKUP_FOLDER (diska lain), lalu: padan backup init")
    try:
        ready_keys(db, plan)
    except BackupProblem as error:
        return Finding(CHECK, WRONG, str(error), "Pasang diskanya, atau siapkan: padan backup init")
    newest = backups.newest_good(db)
    if newest is None:
        return Finding(CHECK, WRONG, "belum ada yang terbukti baik" + _failure(store), "Jalankan: padan backup run")
    about = f"terbaru {text.moment(newest.created_ms)}"
    if SystemClock().now_ms() - newest.created_ms > AGE_MAX_MS:
        do = "Jalankan padan serve atau worker; padan backup run"
        return Finding(CHECK, WRONG, f"{about}; terlalu lama{_failure(store)}", do)
    bad = backups.all_backups(db, states=(backups.MISSING, backups.DAMAGED))
    if bad:
        found = f"{about}; {len(bad)} hilang atau rusak: {bad[0].problem}"
        return Finding(CHECK, WARNING, found, "Lihat: padan backup list")
    if _same_disk(settings, plan):
        found = f"{about}, di diska yang sama dengan basis data"
        return Finding(CHECK, WARNING, found, "Pindahkan folder cadangan ke diska lain.")
    good = len(backups.all_backups(db, states=(backups.GOOD,)))
    return Finding(CHECK, OK, f"{about}; {good} tersimpan dan utuh")


def _failure(store: Store) -> str:
    """How the last try of the job ended, where it failed."""
    run = next((row for row in leases.job_runs(store.db) if row["job"] == "backup"), None)
    return f" (gagal: {run['detail']})" if run is not None and run["outcome"] == "failed" else ""


def _same_disk(settings: Settings, plan: Plan) -> bool:
    place = settings.home if is_postgres(settings.database) else Path(settings.database)
    return place.stat().st_dev == plan.folder.stat().st_dev
