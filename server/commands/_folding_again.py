"""Waiting until everything is folded again, with a bar and the time that is left; helps with the folding meanwhile."""

from __future__ import annotations

import secrets
import time

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from server.commands._opening import Opened
from server.flows.fold import fold_beside
from server.store import fold_queue

LOOK_EVERY_MS = 500
PAUSE_S = 0.1


def fold_again(opened: Opened) -> None:
    """Fold beside whoever else folds until nothing waits. Interrupted, it says that the others go on."""
    db, clock = opened.store.db, opened.clock
    total = waiting = fold_queue.length(db)
    if not total:
        return
    columns = (
        TextColumn("Menggabung ulang"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    try:
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            task, looked_ms = bar.add_task("", total=total), clock.monotonic_ms()
            while True:
                done = fold_beside(db, opened.keys, clock.now_ms(), waiting, secrets.randbelow)
                idle = not (done.households or done.niks or done.failed)
                if idle or clock.monotonic_ms() - looked_ms > LOOK_EVERY_MS:
                    waiting, looked_ms = fold_queue.length(db), clock.monotonic_ms()
                    total = max(total, waiting)
                    bar.update(task, total=total, completed=total - waiting)
                if idle:
                    if waiting <= len(fold_queue.failures(db)):
                        break
                    time.sleep(PAUSE_S)  # another process has the rest in its hands
    except KeyboardInterrupt:
        click.echo("Dihentikan di sini; padan serve atau padan worker melanjutkan penggabungan.")
        return
    failed = len(fold_queue.failures(db))
    click.echo(
        f"Digabung ulang / folded again: {total - waiting} keluarga."
        + (f" {failed} gagal: padan doctor" if failed else "")
    )
