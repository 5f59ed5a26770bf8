"""`padan campaign`: what holds for the whole campaign: when it closes, and which epoch of its life the server is in."""

from __future__ import annotations

from datetime import datetime

import click

from server.clock import rfc3339_s
from server.commands._opening import open_server
from server.store import identity


@click.group("campaign")
def command() -> None:
    """Masa pendataan / the campaign: when it closes, the server's epoch."""


@command.command("show")
def show() -> None:
    """Kapan ditutup, dan epoch server sekarang."""
    opened = open_server()
    closes_ms = identity.campaign_closes_ms(opened.store.db)
    _, epoch = identity.current_epoch(opened.store.db)
    click.echo(f"{opened.settings.campaign}: " + (f"ditutup {rfc3339_s(closes_ms)}" if closes_ms else "terbuka"))
    click.echo(f"epoch {epoch}")


@command.command("close")
@click.argument("moment", metavar="SAAT")
def close(moment: str) -> None:
    """Tutup pada SAAT, mis. 2026-12-31T17:00:00+07:00. Yang disegel sesudahnya ditahan, tidak ditolak.

    A form counts as in time by its stamp, the server's signed word of its first contact after sealing."""
    try:
        at = datetime.fromisoformat(moment)
    except ValueError as error:
        raise click.BadParameter(f"{moment!r}: tulis seperti 2026-12-31T17:00:00+07:00") from error
    if at.tzinfo is None:
        raise click.BadParameter(f"{moment!r}: sebutkan zona waktu, mis. +07:00")
    opened = open_server()
    closes_ms = int(at.timestamp() * 1000)
    identity.set_setting(opened.store.db, "campaign_closes_ms", str(closes_ms))
    click.echo(f"Ditutup {rfc3339_s(closes_ms)} (UTC).")


@command.command("reopen")
def reopen() -> None:
    """Batalkan penutupan. Yang terlanjur ditahan dimasukkan dengan: padan review admit"""
    opened = open_server()
    identity.drop_setting(opened.store.db, "campaign_closes_ms")
    click.echo("Terbuka.")


@command.command("new-epoch")
@click.option("--reason", required=True, help="Mis. restore: salinan lama dipasang kembali.")
@click.confirmation_option(prompt="Mulai epoch baru? Semua tablet akan menawarkan lagi isian mereka.")
def new_epoch(reason: str) -> None:
    """Setelah salinan lama dipasang kembali: tablets offer everything again, delivery waits for reconciliation."""
    opened = open_server()
    click.echo(f"epoch {identity.begin_epoch(opened.store.db, opened.clock.now_ms(), reason)}")
    click.echo("Pengiriman berhenti sampai bersih: padan delivery reconcile")
