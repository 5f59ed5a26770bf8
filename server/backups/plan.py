"""Where an installation's backups go, when, and how many are kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from server.backups.folder import BackupFolder
from server.backups.retention import Keep, wib
from server.settings import Settings

WORK = "backup-work"
"""Folder beside the database for the copy that is not encrypted yet; emptied by every run."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Where backups go and how many are kept. `home`: the folder beside the database. `hours`: of the day, WIB."""

    folder: Path
    home: Path
    keep: Keep
    hours: tuple[int, ...]

    @property
    def place(self) -> BackupFolder:
        """The folder of backups."""
        return BackupFolder(self.folder)

    @property
    def work(self) -> Path:
        """Where decrypted copies lie while they are needed."""
        return self.home / WORK

    def slot_ms(self, now_ms: int) -> int:
        """The newest moment, now or before, at which a backup was to begin."""
        now = wib(now_ms)
        moments = [
            (now - timedelta(days=back)).replace(hour=hour, minute=0, second=0, microsecond=0)
            for back in (0, 1)
            for hour in self.hours
        ]
        return max(int(moment.timestamp()) * 1000 for moment in moments if moment <= now)


def plan_of(settings: Settings) -> Plan | None:
    """The plan that the settings make; None where no folder is named."""
    if not settings.backup_folder:
        return None
    return Plan(
        folder=Path(settings.backup_folder),
        home=settings.home,
        keep=Keep(settings.backup_keep_daily, settings.backup_keep_weekly, settings.backup_keep_monthly),
        hours=tuple(sorted({int(hour) for hour in settings.backup_hours.split(",")})),
    )
