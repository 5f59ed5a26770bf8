"""What many commands begin with: the settings, the database they name, and who is at work."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import click

from server.auth.keys import ServerKeys, load_keys
from server.auth.rights import Staff
from server.clock import SystemClock, rfc3339_s
from server.flows.desk import Desk, Shown
from server.flows.fold import fold_all
from server.flows.move_store import moved_to
from server.settings import Settings, load_settings
from server.store.database import Store, StoreMoved
from server.store.migrations import open_store
from server.store.staff import all_staff, staff_of

ACCESS_FILE = "access.log"
"""Beside the database: who opened which household, a JSON object a line. No name and no number of a person in it."""

as_staff = click.option("--as", "staff", metavar="AKUN", help="Akun staf; juga lewat PADAN_STAFF.")


@dataclass(frozen=True, slots=True)
class Opened:
    """An open database with its keys and the settings that led to it."""

    settings: Settings
    store: Store
    keys: ServerKeys
    clock: SystemClock


def open_server(*, auto_checkpoint: bool = True, create: bool = True) -> Opened:
    """Open the database of the settings. Raises `StoreError` or `SettingsInvalid`, in words for the operator."""
    settings = load_settings()
    clock = SystemClock()
    store = open_store(settings.database, auto_checkpoint=auto_checkpoint, create=create)
    gone = moved_to(store.db)
    if gone is not None:
        raise StoreMoved(f"{store}: this campaign was moved to {gone}. Set PADAN_DATABASE to that one.")
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


def act(staff: str | None, do: Callable[[Desk], str | Sequence[str]]) -> None:
    """Do one act at the desk of a staff account, fold what it touched, and print the refs that came of it."""
    opened = open_server()
    result = do(desk_for(opened, staff))
    fold_all(opened.store.db, opened.keys, opened.clock.now_ms())
    for ref in [result] if isinstance(result, str) else result:
        click.echo(ref)


def note_access(opened: Opened, desk: Desk, shown: Shown) -> None:
    """Write down who opened a whole household; what can't be written down is not shown."""
    line = {
        "at": rfc3339_s(opened.clock.now_ms()),
        "staff": desk.staff.staff,
        "role": desk.staff.role,
        "household_id": shown.household_id,
        "area": shown.stored.area,
    }
    path = opened.settings.home / ACCESS_FILE
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    except OSError as error:
        raise click.ClickException(f"Pembukaan data tidak dapat dicatat di {path}: {error.strerror}") from error


def _desk(opened: Opened, staff: Staff) -> Desk:
    return Desk(opened.store, opened.keys, opened.clock, secrets.token_bytes, staff)
