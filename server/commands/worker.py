"""`padan worker`: folds, delivers and reconciles beside the server, as many processes as one likes."""

from __future__ import annotations

import signal
import threading

import click

from server.commands._opening import open_server
from server.log import configure_logging
from server.worker import office_of, run_once, start_jobs


@click.command("worker")
@click.option("--once", is_flag=True, help="Do what is due now, then end.")
def command(once: bool) -> None:
    """Pekerja latar / fold what came in, deliver what is ratified, reconcile nightly."""
    opened = open_server()
    configure_logging(opened.settings.log_level)
    try:
        if once:
            for job, detail in run_once(office_of(opened.store, opened.keys, opened.settings, opened.clock)):
                click.echo(f"{job}: {detail}")
            return
        stopped = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stopped.set())
        jobs = start_jobs(opened.store, opened.keys, opened.settings, opened.clock)
        click.echo("Pekerja berjalan; hentikan dengan Ctrl-C / the worker runs; stop it with Ctrl-C")
        stopped.wait()
        jobs.stop()
    finally:
        opened.store.close()
