"""`padan migrate` and `padan rebuild`: the database itself, made or brought up to date, and its derived tables."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from server.address import is_postgres, shown
from server.auth.keys import load_keys
from server.clock import SystemClock
from server.commands._opening import open_server
from server.flows.fold import fold_all
from server.flows.move_store import move, reopen
from server.flows.rebuild import Difference, rebuild
from server.settings import load_settings
from server.store.database import Store
from server.store.migrations import known_names, open_store, pending

SHOWN_MAX = 100
"""Differences told one by one; the count goes on."""


@click.command("migrate")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
def migrate_(dry_run: bool) -> None:
    """Buat atau mutakhirkan basis data / make the database, or bring it up to date. Forward only."""
    settings = load_settings()
    file = None if is_postgres(settings.database) else Path(settings.database)
    waiting = pending(Store(settings.database)) if file is None or file.exists() else known_names()
    if dry_run:
        click.echo("\n".join(waiting) if waiting else "Up to date.")
        return
    settings.home.mkdir(parents=True, exist_ok=True)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    store = open_store(settings.database)
    load_keys(store.db, SystemClock().now_ms())
    click.echo(f"{settings.shown_database}: {len(waiting)} migration(s): {', '.join(waiting) or 'already up to date'}")


@click.command("rebuild")
@click.option("--check", is_flag=True, help="Only compare with a fresh fold; write nothing.")
@click.option("--seed", type=int, default=0, show_default=True, help="Order in which households and events are taken.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object as the answer.")
def rebuild_(check: bool, seed: int, as_json: bool) -> None:
    """Olah ulang seluruh catatan dari buku besar / fold every record afresh, in shuffled order.

    With --check it names each stored record that differs from a fresh fold, and ends with 1 if there is one."""
    opened = open_server()
    db, now_ms = opened.store.db, opened.clock.now_ms()
    fold_all(db, opened.keys, now_ms)
    told: list[Difference] = []

    def report(difference: Difference) -> None:
        if len(told) < SHOWN_MAX:
            told.append(difference)
            click.echo(str(difference), err=True)

    with _bar("Memeriksa" if check else "Mengolah ulang") as (bar, task):
        outcome = rebuild(
            db,
            opened.keys,
            check=check,
            shuffle_seed=seed,
            now_ms=now_ms,
            report=report,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    answer = {
        "households": outcome.households,
        "differences": outcome.differences,
        "written": outcome.written,
        "waiting": outcome.waiting,
        "identical": outcome.identical,
    }
    if as_json:
        click.echo(json.dumps(answer))
    else:
        click.echo(f"{outcome.households} households, {outcome.differences} differences, {outcome.written} written.")
    if check and not outcome.identical:
        sys.exit(1)


@click.command("migrate-store")
@click.argument("target", metavar="ALAMAT")
@click.option("--undo", is_flag=True, help="Buka lagi basis data lama; hanya sebelum yang baru dipakai.")
@click.option("--yes", is_flag=True, help="Jangan bertanya.")
def migrate_store(target: str, undo: bool, yes: bool) -> None:
    """Pindahkan campaign ke basis data lain / move the campaign to another database, e.g. postgresql://akun@host/padan.

    Hentikan padan serve dan padan worker lebih dahulu. ALAMAT: basis data kosong. Semua baris disalin, dibandingkan,
    dan diolah ulang di kedua sisi; lalu yang lama ditutup: tidak menerima apa pun lagi. Identitas server, kunci, dan
    nomor urut tetap, jadi tablet tidak merasakannya. Yang lama tidak dihapus; --undo membukanya lagi."""
    settings = load_settings()
    source = open_store(settings.database, create=False)
    if undo:
        reopen(source)
        click.echo(f"{settings.shown_database}: terbuka lagi. Pastikan {shown(target)} tidak dipakai.")
        return
    if not yes:
        click.confirm(f"Pindahkan {settings.shown_database} ke {shown(target)}?", abort=True)
    with _bar("Memindahkan") as (bar, task):
        outcome = move(
            source,
            open_store(target),
            SystemClock().now_ms(),
            lambda what, count: bar.update(task, description=what, completed=count),
        )
    click.echo(f"{outcome.tables} tables, {outcome.rows} rows, {outcome.households} households.")
    if not outcome.good:
        differing = ", ".join(outcome.differing) or "-"
        raise click.ClickException(
            f"The new database is not the same: tables that differ: {differing}; broken places: {outcome.broken}; "
            f"rebuild identical: {outcome.rebuild_identical}. The old one goes on as it was; empty the new one and try "
            "again."
        )
    click.echo(f"Sama di kedua sisi. Setel PADAN_DATABASE={shown(target)} (dengan sandinya), lalu: padan doctor")


commands = (migrate_, rebuild_, migrate_store)


@contextmanager
def _bar(text: str) -> Iterator[tuple[Progress, TaskID]]:
    """Progress on standard error: standard output belongs to the answer."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, transient=True, console=Console(stderr=True)) as bar:
        yield bar, bar.add_task(text, total=None)
