"""`padan officer`, `padan staff`, `padan token`: officers and their tablets, staff accounts, access for programs."""

from __future__ import annotations

import secrets

import click

from schemas.limits import ENROL_CODE_VALID_HOURS, UNLOCK_CODE_VALID_HOURS
from server.auth.callers import PULL, STAFF
from server.auth.rights import ROLES, actions_of
from server.clock import rfc3339_s
from server.commands._opening import open_server
from server.flows import people
from server.flows.unlock import issue_unlock_code
from server.store import access, devices
from server.store import staff as accounts

CONSOLE_ACTOR = "konsol"

_area = click.option("--area", "areas", multiple=True, required=True, metavar="KODE", help="Wilayah; boleh berulang.")


@click.group("officer")
def officer() -> None:
    """Petugas dan tabletnya / officers and their tablets."""


@officer.command("add")
@click.argument("account")
@click.option("--name", required=True)
@_area
def add_officer(account: str, name: str, areas: tuple[str, ...]) -> None:
    """Tambah petugas, atau ubah nama dan wilayahnya."""
    opened = open_server()
    people.add_officer(opened.store.db, account, name, areas, opened.clock.now_ms())
    click.echo(f"{account}: {', '.join(areas)}")


@officer.command("code")
@click.argument("account")
def code(account: str) -> None:
    """Kode pendaftaran sekali pakai untuk tablet petugas ini."""
    opened = open_server()
    now_ms = opened.clock.now_ms()
    text = people.issue_code(opened.store.db, account, secrets.token_bytes(32), by=CONSOLE_ACTOR, now_ms=now_ms)
    click.echo(text)
    link = people.enrol_link(opened.settings.base_url, text)
    click.echo(f"Berlaku {ENROL_CODE_VALID_HOURS} jam. Di tablet, buka: {link}", err=True)
    click.echo(f"Atau di terminal: padan field enrol {text}", err=True)


@officer.command("tablets")
@click.argument("account", required=False)
def tablets(account: str | None) -> None:
    """Tablet yang terdaftar: kapan terakhir terdengar, dicabut atau tidak, nomor ganda atau tidak."""
    for each in devices.installs(open_server().store.db, account):
        heard = rfc3339_s(each.last_contact_ms) if each.last_contact_ms else "belum pernah"
        marks = " dicabut" * bool(each.revoked_ms) + " nomor-ganda" * bool(each.forked_ms)
        click.echo(f"{each.install}  {each.officer}  terakhir {heard}{marks}")


@officer.command("revoke")
@click.argument("install")
@click.option("--reason", required=True, help="Mis. hilang, rusak, petugas berhenti.")
def revoke(install: str, reason: str) -> None:
    """Cabut satu tablet: tidak dapat membaca apa pun lagi, tetapi masih dapat menitipkan isian."""
    opened = open_server()
    people.revoke(opened.store.db, install, reason, opened.clock.now_ms())
    click.echo(f"{install}: dicabut")


@officer.command("unlock")
@click.argument("install")
def unlock(install: str) -> None:
    """Kode pembuka untuk tablet yang PIN-nya terlupa. Pastikan dulu siapa yang meminta.

    An unlock code for a tablet whose PIN was forgotten; make sure who asks for it first."""
    opened = open_server()
    now_ms = opened.clock.now_ms()
    random_bytes = secrets.token_bytes(32)
    click.echo(issue_unlock_code(opened.store.db, install, random_bytes, by=CONSOLE_ACTOR, now_ms=now_ms))
    click.echo(f"Berlaku {UNLOCK_CODE_VALID_HOURS} jam, untuk tablet ini saja. Di tablet: Lupa PIN.", err=True)


@click.group("staff")
def staff() -> None:
    """Akun staf: peran dan wilayah / staff accounts."""


@staff.command("add")
@click.argument("account")
@click.option("--name", required=True)
@click.option("--role", required=True, type=click.Choice(sorted(ROLES)))
@_area
def add_staff(account: str, name: str, role: str, areas: tuple[str, ...]) -> None:
    """Tambah akun, atau ubah nama, peran, dan wilayahnya."""
    opened = open_server()
    people.add_staff(opened.store.db, account, name, role, areas, opened.clock.now_ms())
    click.echo(f"{account}: {role}, {', '.join(areas)}")


@staff.command("list")
def list_staff() -> None:
    """Semua akun dengan peran, wilayah, dan haknya."""
    for each in accounts.all_staff(open_server().store.db):
        click.echo(f"{each.staff}  {each.role}  {','.join(each.scopes)}  {each.name}")
        click.echo(f"    {', '.join(actions_of(each.role))}")


@staff.command("close")
@click.argument("account")
def close(account: str) -> None:
    """Tutup akun; yang pernah diputuskannya tetap."""
    done = accounts.retire_staff(open_server().store.db, account)
    click.echo(f"{account}: {'ditutup' if done else 'tidak ada akun aktif bernama ini'}")


@click.group("token")
def token() -> None:
    """Token untuk program: tarikan kantor pusat / tokens for the central pull."""


@token.command("new")
@click.argument("subject")
@click.option("--for", "purpose", type=click.Choice([PULL, STAFF]), default=PULL, show_default=True)
@click.option("--days", type=click.IntRange(1, 3650), default=365, show_default=True, help="Masa berlaku.")
@_area
def new(subject: str, purpose: str, days: int, areas: tuple[str, ...]) -> None:
    """Buat token; hanya ditampilkan sekali ini."""
    opened = open_server()
    text = people.issue_token(opened.store.db, subject, purpose, areas, now_ms=opened.clock.now_ms(), days=days)
    click.echo(text)


@token.command("list")
def list_tokens() -> None:
    """Token yang pernah dibuat, tanpa isinya."""
    for each in access.tokens_of(open_server().store.db):
        state = "dicabut" if each.revoked_ms else "berlaku"
        click.echo(f"{each.subject}  {each.purpose}  {','.join(each.scopes)}  {rfc3339_s(each.created_ms)}  {state}")


@token.command("revoke")
@click.argument("subject")
@click.option("--for", "purpose", type=click.Choice([PULL, STAFF]), default=PULL, show_default=True)
def revoke_token(subject: str, purpose: str) -> None:
    """Cabut semua token seseorang untuk satu keperluan."""
    opened = open_server()
    count = access.revoke_tokens(opened.store.db, subject, purpose, opened.clock.now_ms())
    click.echo(f"{subject}: {count} token dicabut")


commands = (officer, staff, token)
