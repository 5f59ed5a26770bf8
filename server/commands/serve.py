"""`padan serve`: the server, with waitress; it buffers each body first, so that slow tablets cost no thread."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import click
import waitress

from schemas.limits import BODY_BYTES_MAX
from server.app import create_app
from server.checkpoints import Checkpointer
from server.commands._opening import Opened, open_server
from server.cut_uploads import keep_cut_uploads
from server.folding import Folder
from server.log import configure_logging
from server.settings import Settings
from server.worker import JOBS, Jobs, office_of

STOP_S = 8.0
"""What is under way may end within this; each step can be cut off and started again, so the rest loses nothing."""

CONNECTIONS_MAX = 4_000
"""Open sockets; a herd of tablets beyond that waits in the queue of the kernel."""

OTHER_FILES = 200
"""Files and sockets that are no tablet's: database, registry, logs."""

BACKLOG = 2_048
BODY_SPOOLED_BYTES_MAX = 4 * BODY_BYTES_MAX
"""Up to here the app says in its own words that a body is too large; beyond, waitress refuses without reading it."""

SERVE_JOBS = tuple(name for name in JOBS if name != "fold")
"""Folding has a thread of its own here, woken by every push."""


@click.command("serve")
@click.option("--host", help="Alamat; bawaan dari setelan (127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65535), help="Porta; bawaan dari setelan.")
def command(host: str | None, port: int | None) -> None:
    """Jalankan server / run the server: API, folding and, unless switched off, the worker's jobs."""
    opened = open_server(auto_checkpoint=False)
    configure_logging(opened.settings.log_level)
    folder = Folder(opened.store, opened.clock)
    app = create_app(opened.store, opened.settings, clock=opened.clock, wake_fold=folder.wake)
    server = _listen(app, opened.settings, host or opened.settings.host, opened.settings.port if port is None else port)
    stop = _start(opened, folder)
    signal.signal(signal.SIGTERM, _leave)
    url = f"http://{server.effective_host}:{server.effective_port}"
    click.echo(f"Padan: {url}  ({opened.settings.shown_database})", err=True)
    with contextlib.suppress(KeyboardInterrupt, SystemExit):
        server.run()
    click.echo("Berhenti ...", err=True)
    server.close()
    if not _within(STOP_S, stop):
        click.echo("Masih ada pekerjaan; dihentikan, dan dilanjutkan saat server dijalankan lagi.", err=True)
        os._exit(0)


def _listen(app: Any, settings: Settings, host: str, port: int) -> Any:
    try:
        server = waitress.create_server(
            app,
            host=host,
            port=port,
            threads=settings.threads,
            connection_limit=_connections(),
            backlog=BACKLOG,
            asyncore_use_poll=True,  # select() ends at 1,024 sockets
            max_request_body_size=BODY_SPOOLED_BYTES_MAX,
            ident="padan",
            clear_untrusted_proxy_headers=True,
            **_proxies(settings.trusted_proxies),
        )
    except OSError as error:
        raise click.ClickException(f"{host}:{port} tidak dapat dipakai ({error.strerror}); coba --port lain") from error
    keep_cut_uploads(server)
    return server


def _proxies(count: int) -> dict[str, Any]:
    if count == 0:
        return {}
    headers = {"x-forwarded-for", "x-forwarded-proto"}
    return {"trusted_proxy": "*", "trusted_proxy_count": count, "trusted_proxy_headers": headers}


def _connections() -> int:
    """How many sockets may be open at once; the soft limit of open files is raised as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS_MAX + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        wanted = soft
    return max(10, wanted - OTHER_FILES)


def _start(opened: Opened, folder: Folder) -> Callable[[], None]:
    """Start what runs beside the requests; a function that ends it."""
    checkpointer = Checkpointer(opened.store)
    jobs = None
    if opened.settings.scheduler:
        jobs = Jobs(office_of(opened.store, opened.keys, opened.settings, opened.clock), SERVE_JOBS)
        jobs.start()
    folder.start()
    checkpointer.start()

    def stop() -> None:
        if jobs is not None:
            jobs.stop()
        folder.stop()
        checkpointer.stop()

    return stop


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _within(seconds: float, work: Callable[[], None]) -> bool:
    """Do it in a thread; whether it was done in time."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    return not thread.is_alive()
