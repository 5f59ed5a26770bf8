"""`padan serve`: the server, with waitress; it buffers each body first, so that slow tablets cost no thread."""

from __future__ import annotations

import signal
from types import FrameType

import click
import waitress

from server.app import create_app
from server.commands._opening import open_server
from server.folding import Folder
from server.log import configure_logging


@click.command("serve")
@click.option("--host", help="Alamat; bawaan dari setelan (127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65535), help="Porta; bawaan dari setelan.")
def command(host: str | None, port: int | None) -> None:
    """Jalankan server / run the server: API, folding and, unless switched off, the worker's jobs."""
    opened = open_server()
    settings = opened.settings
    configure_logging(settings.log_level)
    folder = Folder(opened.store, opened.clock)
    app = create_app(opened.store, settings, clock=opened.clock, wake_fold=folder.wake)
    try:
        server = waitress.create_server(
            app,
            host=host or settings.host,
            port=settings.port if port is None else port,
            threads=settings.threads,
            ident="padan",
            clear_untrusted_proxy_headers=True,
            trusted_proxy="*" if settings.trusted_proxies else None,
            trusted_proxy_count=settings.trusted_proxies or None,
        )
    except OSError as error:
        raise click.ClickException(f"{host or settings.host}:{port or settings.port}: {error.strerror}") from error
    folder.start()
    click.echo(f"Padan: http://{server.effective_host}:{server.effective_port}  ({settings.database})", err=True)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    try:
        server.run()
    except (KeyboardInterrupt, SystemExit):
        click.echo("Berhenti ...", err=True)
    finally:
        server.close()
        folder.stop()
