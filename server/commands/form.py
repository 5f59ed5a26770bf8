"""`padan form`: build, check, publish and export the questionnaires. The work is in field_forms/ and server/flows/."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from field_forms.built import FORMS, build, built_folder, built_forms, source_folder
from field_forms.compile import check_form
from field_forms.form_problem import FormRefused, SheetUnreadable
from field_forms.publish import prepare_file
from field_forms.sheet import read_sheet
from field_forms.write_workbook import write_workbook
from schemas.form import FormDefinition
from server.commands._opening import open_server
from server.flows.publish_form import publish_form, published_definitions
from server.store import forms

CONSOLE_ACTOR = "konsol"
_FILE = "FILE: buku kerja .xlsx, berkas .md, folder CSV, atau nama formulir bawaan ({}).".format(", ".join(FORMS))


@click.group("form")
def group() -> None:
    """Formulir / the questionnaires: build, check, publish, export."""


command = group


@group.command("build")
def build_command() -> None:
    """Susun formulir bawaan / compile the forms that come with Padan into field_forms/built/."""
    try:
        for name in FORMS:
            form = build(name).definition
            click.echo(f"{form.id} {form.version}  {len(form.fields)} pertanyaan  {form.hash}")
    except (FormRefused, SheetUnreadable) as error:
        raise _stopped(error) from error
    built_forms.cache_clear()
    click.echo(f"Tersimpan di / written to {built_folder()}")


@group.command("check", epilog=_FILE)
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option("--published", is_flag=True, help="Bandingkan juga dengan yang sudah terbit di basis data ini.")
def check_command(files: tuple[str, ...], published: bool) -> None:
    """Periksa formulir tanpa menerbitkan / check forms without publishing them."""
    known = published_definitions(open_server().store.db) if published else ()
    bad = sum(_checked(name, known) for name in files or FORMS)
    if bad:
        raise click.ClickException(f"{bad} masalah / problems")


@group.command("publish", epilog=_FILE)
@click.argument("file")
def publish_command(file: str) -> None:
    """Terbitkan formulir / publish a form: whole or not at all."""
    try:
        prepared = prepare_file(_path(file))
        opened = open_server()
        fresh = publish_form(opened.store.db, prepared, now_ms=opened.clock.now_ms(), by=CONSOLE_ACTOR)
    except (FormRefused, SheetUnreadable) as error:
        raise _stopped(error) from error
    form = prepared.compiled.definition
    if fresh:
        click.echo(f"Terbit / published: {form.id} {form.version} {form.hash}")
        click.echo("Semua catatan akan digabungkan ulang / every record is queued to be folded again.")
    else:
        click.echo(f"Sudah terbit, tidak ada yang berubah / already published: {form.id} {form.version}")


@group.command("export", epilog=_FILE)
@click.argument("form")
@click.option("--xlsx", "target", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Berkas tujuan.")
@click.option("--force", is_flag=True, help="Timpa berkas yang sudah ada.")
def export_command(form: str, target: Path, force: bool) -> None:
    """Tulis formulir sebagai buku kerja XLSForm / write a form as an XLSForm workbook, to edit and publish back."""
    if target.exists() and not force:
        raise click.ClickException(f"{target} sudah ada; pakai --force untuk menimpanya / exists already")
    try:
        write_workbook(read_sheet(_path(form)), target)
    except SheetUnreadable as error:
        raise _stopped(error) from error
    except OSError as error:
        raise click.ClickException(f"{target}: {error.strerror}") from error
    click.echo(f"Tersimpan / written: {target}. Ubah, naikkan version di lembar settings, lalu: padan form publish")


@group.command("list")
def list_command() -> None:
    """Formulir yang sudah terbit / the published forms."""
    found = forms.published_forms(open_server().store.db)
    for form in found:
        click.echo(f"{form.id} {form.version}  {form.hash}  {form.published_by}")
    if not found:
        click.echo("Belum ada formulir yang terbit / nothing is published yet: padan form publish")


def _checked(name: str, published: Iterable[FormDefinition]) -> int:
    """Check one file and tell; how many problems."""
    try:
        sheet = read_sheet(_path(name))
    except SheetUnreadable as error:
        click.echo(str(error), err=True)
        return 1
    problems = check_form(sheet, published)
    for problem in problems:
        click.echo(f"{name}: {problem}", err=True)
    if not problems:
        click.echo(f"{name}: baik / good ({sheet.setting('form_id')} {sheet.setting('version')})")
    return len(problems)


def _path(name: str) -> Path:
    path = Path(name)
    return source_folder(name) if name in FORMS and not path.exists() else path


def _stopped(error: FormRefused | SheetUnreadable) -> click.ClickException:
    if isinstance(error, FormRefused):
        lines = "\n".join(f"  {problem}" for problem in error.problems)
        return click.ClickException(f"Formulir tidak diterbitkan / not published:\n{lines}")
    return click.ClickException(str(error))
