"""`padan delivery`: what is on its way to the registry, what it refused, and what an operator can do about it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import click

from server.clock import rfc3339_s
from server.commands._opening import Opened, open_server
from server.flows import deliver, reconcile
from server.flows.deliver_prepare import KEY_SPENT
from server.flows.deliver_send import wire
from server.registry.adapter import Adapter
from server.store import delivery_queue, outbox
from server.store.outbox import OutboxRow
from server.worker import Office, office_of
from sync.delivery import STATES

ALL_STATES = tuple(state.name for state in STATES)


@click.group("delivery")
def command() -> None:
    """Pengiriman ke registri pusat / delivery to the central registry."""


@command.command("list")
@click.option("--state", "states", multiple=True, type=click.Choice(ALL_STATES), help="Rows in this state. Repeatable.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
def list_command(states: tuple[str, ...], limit: int) -> None:
    """Keadaan pengiriman: jumlah, sirkuit, dan baris-barisnya."""
    with _office() as (opened, office):
        db = opened.store.db
        now = deliver.overview(db, office.dispatch.destination)
        if office.new_adapter is None:
            click.echo("Registri belum diatur (PADAN_REGISTRY_URL): tidak ada yang dikirim.")
        if now.frozen:
            click.echo("DIBEKUKAN setelah pemulihan; jalankan `padan delivery reconcile`.")
        if now.paused:
            click.echo(f"DIHENTIKAN SEMENTARA: {now.paused}; lanjutkan dengan `padan delivery resume`.")
        click.echo(f"Tercatat di registri: {now.standing} keluarga; menunggu diperiksa: {now.queue}")
        for state, number in sorted(now.rows.items()):
            click.echo(f"  {state:<20} {number}")
        circuit = now.circuit
        if circuit.state != "closed":
            click.echo(f"Sirkuit {circuit.state} sampai {rfc3339_s(circuit.until_ms)}: {circuit.reason}")
        for row in outbox.in_states(db, states, limit) if states else ():
            click.echo(_line(row))
        for waiting in delivery_queue.blocked(db, limit):
            if holders := deliver.waits_for(db, waiting.household_id):
                told = f"menunggu {', '.join(holders)}: ada orang yang tercatat di kedua keluarga"
                click.echo(f"{waiting.household_id}  {told}")
            elif waiting.blocked_on == KEY_SPENT:
                click.echo(f"{waiting.household_id}  versi ini pernah dikirim dan sudah diganti; sahkan lagi")


@command.command("dead-letters")
@click.option("--limit", type=click.IntRange(1, 10_000), default=200, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def dead_letters_command(limit: int, as_json: bool) -> None:
    """Yang ditolak registri, dengan kata-katanya."""
    with _office() as (opened, _):
        rows = deliver.dead_letters(opened.store.db, limit)
    for row in rows:
        click.echo(json.dumps(_as_json(row), ensure_ascii=False) if as_json else _line(row))
    if not rows and not as_json:
        click.echo("Tidak ada yang ditolak.")


@command.command("retry")
@click.argument("household", required=False)
@click.option("--all", "everything", is_flag=True, help="Every dead letter.")
def retry_command(household: str | None, everything: bool) -> None:
    """Kirim ulang yang ditolak: kunci dan isi yang sama."""
    if bool(household) == everything:
        raise click.UsageError("Sebutkan satu keluarga, atau --all.")
    with _office() as (opened, office):
        count = deliver.retry(opened.store.db, office.dispatch, household)
    if not count:
        raise click.ClickException("Tidak ada yang ditolak untuk dikirim ulang.")
    click.echo(f"{count} akan dikirim ulang.")


@command.command("pause")
@click.argument("reason")
def pause_command(reason: str) -> None:
    """Hentikan pengiriman sementara, dengan alasan."""
    with _office() as (opened, _):
        deliver.pause(opened.store.db, reason)
    click.echo("Pengiriman dihentikan sementara.")


@command.command("resume")
def resume_command() -> None:
    """Lanjutkan pengiriman."""
    with _office() as (opened, office):
        deliver.resume(opened.store.db)
        if deliver.overview(opened.store.db, office.dispatch.destination).frozen:
            click.echo("Masih dibekukan setelah pemulihan; jalankan `padan delivery reconcile`.")
            return
    click.echo("Pengiriman dilanjutkan.")


@command.command("dry-run")
@click.argument("household", required=False)
def dry_run_command(household: str | None) -> None:
    """Apa yang akan dikirim dan mengapa tidak, tanpa mengirim. One JSON object a line."""
    with _office() as (opened, office):
        db = opened.store.db
        found = [deliver.dry_run(db, office.dispatch, household)] if household else None
        for line in found or deliver.dry_run_all(db, office.dispatch):
            click.echo(json.dumps(line, ensure_ascii=False))


@command.command("withdraw")
@click.argument("household")
def withdraw_command(household: str) -> None:
    """Tarik satu keluarga dari registri; pengesahannya harus dibatalkan dahulu."""
    with _office() as (opened, office):
        deliver.withdraw(opened.store.db, office.dispatch, household)
    click.echo("Penarikan akan dikirim.")


@command.command("reconcile")
@click.option("--rebuild", is_flag=True, help="First make what stands, and its places, again from the receipts.")
@click.option("--resend", is_flag=True, help="Send again what the registry lost.")
@click.option("--accept", is_flag=True, help="After a restore: take what stands there as it is, and go on.")
def reconcile_command(rebuild: bool, resend: bool, accept: bool) -> None:
    """Cocokkan dengan registri, per kabupaten."""
    with _office() as (opened, office), _adapter(office) as adapter:
        db = opened.store.db
        found = reconcile.reconcile(db, office.dispatch, adapter, rebuild=rebuild, accept=accept)
        sent = reconcile.send_again(db, office.dispatch, found) if resend else 0
        frozen = deliver.overview(db, office.dispatch.destination).frozen
    for each in found:
        click.echo(f"{each.region}: {each.outcome}; di sini {each.ours}, di registri {each.theirs}, ", nl=False)
        click.echo(f"dipelajari {each.learned}, sedang berjalan {each.in_flight} {each.note}".rstrip())
        for name in ("missing_there", "unknown_here", "newer_there", "older_there", "other_content"):
            for household in getattr(each.left, name):
                click.echo(f"  {name}: {household}")
    if resend:
        click.echo(f"{sent} akan dikirim ulang.")
    if frozen:
        click.echo("Pengiriman tetap dibekukan sampai cocok (atau --accept).")
    if frozen or any(each.outcome != reconcile.CLEAN for each in found):
        raise click.exceptions.Exit(1)


@contextmanager
def _office() -> Iterator[tuple[Opened, Office]]:
    opened = open_server()
    try:
        yield opened, office_of(opened.store, opened.keys, opened.settings, opened.clock)
    finally:
        opened.store.close()


@contextmanager
def _adapter(office: Office) -> Iterator[Adapter]:
    if office.new_adapter is None:
        raise click.ClickException("Registri belum diatur: PADAN_REGISTRY_URL, atau PADAN_REGISTRY_KIND=file.")
    with wire(office.new_adapter, 1) as line:
        yield line.adapter()


def _line(row: OutboxRow) -> str:
    words = f"  {row.problem_code}: {row.problem}" if row.problem_code else ""
    return f"{row.household_id}  {row.action} v{row.version}  {row.state}  {row.attempts}x{words}"


def _as_json(row: OutboxRow) -> dict[str, object]:
    return {
        "household_id": row.household_id,
        "action": row.action,
        "version": row.version,
        "attempts": row.attempts,
        "code": row.problem_code,
        "problem": row.problem,
        "since": rfc3339_s(row.changed_ms),
    }
