"""What many commands begin with: the settings, the database they name, and who is at work."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import click

from server.auth.keys import ServerKeys, load_keys
from server.auth.rights import Staff
from server.clock import SystemClock
from server.flows.desk import Desk
from server.settings import Settings, load_settings
from server.store.database import Store
from server.store.migrations import open_store
from server.store.staff import all_staff, staff_of


@dataclass(frozen=True, slots=True)
class Opened:
    """An open database with its keys and the settings that led to it."""

    settings: Settings
    store: Store
    keys: ServerKeys
    clock: SystemClock


def open_server(*, auto_checkpoint: bool = True) -> Opened:
    """Open the database of the settings. Raises `StoreError` or `SettingsInvalid`, in words for the operator."""
    settings = load_settings()
    clock = SystemClock()
    store = open_store(settings.database, auto_checkpoint=auto_checkpoint)
    return Opened(settings, store, load_keys(store.db, clock.now_ms()), clock)


def desk_for(opened: Opened, staff: str | None) -> Desk:
    """The desk of a staff account: the named one, `PADAN_STAFF`, or the only account that reviews."""
    db = opened.store.db
    name = staff or opened.settings.staff
    if not name:
        reviewers = [each for each in all_staff(db) if each.may("review")]
        if len(reviewers) != 1:
            raise click.UsageError("Siapa yang bekerja? Pakai --as AKUN atau PADAN_STAFF. Lihat: padan staff list")
        return _desk(opened, reviewers[0])
    found = staff_of(db, name)
    if found is None:
        raise click.UsageError(f"Akun {name} tidak ada. Lihat: padan staff list")
    return _desk(opened, found)


def _desk(opened: Opened, staff: Staff) -> Desk:
    return Desk(opened.store, opened.keys, opened.clock, secrets.token_bytes, staff)
