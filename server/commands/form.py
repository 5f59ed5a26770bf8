"""`padan form`: build, check, compare, publish, retire and export the questionnaires. The work is in field_forms/ and
server/flows/."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar

from field_forms.built import FORMS, build, built_folder, built_forms, source_folder
from field_forms.compile import check_form
from field_forms.engine_support import unsupported
from field_forms.form_problem import FormProblem, FormRefused, SheetUnreadable
from field_forms.publish import Prepared, prepare_file
from field_forms.rebuild_sheet import sheet_of
from field_forms.sheet import Sheet, read_sheet
from field_forms.write_workbook import write_workbook
from schemas.form import FormDefinition
from server.commands._folding_again import fold_again
from server.commands._form_text import UNITS, diff_lines, figure_lines, standing_lines
from server.commands._opening import Opened, open_server
from server.flows.form_preview import (
    SAMPLE_HOUSEHOLDS,
    Preview,
    Progress,
    preview_publication,
    preview_retirement,
)
from server.flows.form_standing import forms_standing
from server.flows.publish_form import (
    Switched,
    current_version,
    publish_form,
    published_definitions,
    published_sheet,
    restore_version,
    retire_version,
)
from server.store import forms

CONSOLE_ACTOR = "konsol"
_FILE = "FILE: buku kerja .xlsx, berkas .md, folder CSV, atau nama formulir bawaan ({}).".format(", ".join(FORMS))
_sample = click.option(
    "--sample", default=SAMPLE_HOUSEHOLDS, show_default=True, help="Keluarga yang diuji gabung untuk angka-angkanya."
)
_all = click.option("--all", "everything", is_flag=True, help="Uji gabung semua keluarga: angka pasti, lebih lama.")
_yes = click.option("--yes", is_flag=True, help="Tanpa bertanya; untuk skrip.")
_wait = click.option("--wait/--no-wait", default=True, help="Tunggu (dan bantu) sampai semua digabung ulang.")


@click.group("form")
def group() -> None:
    """Formulir / the questionnaires: build, check, compare, publish, retire, export."""


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
@click.option("--tablet", is_flag=True, help="Hanya yang tidak dapat diisi di tablet; juga untuk XLSForm buatan lain.")
def check_command(files: tuple[str, ...], published: bool, tablet: bool) -> None:
    """Periksa formulir tanpa menerbitkan / check forms without publishing them."""
    known: tuple[FormDefinition, ...] = ()
    retired: frozenset[tuple[str, str]] = frozenset()
    if published:
        db = open_server().store.db
        known, retired = published_definitions(db), forms.retired(db)

    def check(sheet: Sheet) -> list[FormProblem]:
        return unsupported(sheet) if tablet else check_form(sheet, known, retired)

    bad = sum(_checked(name, check) for name in files or FORMS)
    if bad:
        raise click.ClickException(f"{bad} masalah / problems")


@group.command("diff", epilog=_FILE)
@click.argument("file")
@_sample
@_all
def diff_command(file: str, sample: int, everything: bool) -> None:
    """Tunjukkan perubahan dan akibatnya / what a form changes and what that means; publishes nothing."""
    prepared, opened = _prepared(file), open_server()
    preview = _previewed(opened, prepared, None if everything else sample)
    _show(preview)
    if preview.problems:
        raise _stopped(FormRefused(preview.problems))


@group.command("publish", epilog=_FILE)
@click.argument("file")
@_sample
@_all
@_yes
@_wait
def publish_command(file: str, sample: int, everything: bool, yes: bool, wait: bool) -> None:
    """Terbitkan formulir / publish a form: whole or not at all. Shows what changes and asks first."""
    prepared, opened = _prepared(file), open_server()
    preview = _previewed(opened, prepared, None if everything else sample)
    if preview.problems:
        raise _stopped(FormRefused(preview.problems))
    form = prepared.compiled.definition
    if preview.same:
        click.echo(f"Sudah terbit, tidak ada yang berubah / already published: {form.id} {form.version}")
        return
    _show(preview)
    if preview.diff.old_version:
        _ask(yes, f"Terbitkan {form.id} {form.version}?")
    try:
        done = publish_form(
            opened.store.db, prepared, now_ms=opened.clock.now_ms(), by=CONSOLE_ACTOR, seen=preview.seen
        )
    except FormRefused as error:
        raise _stopped(error) from error
    click.echo(f"Terbit / published: {done.form_id} {done.version} {done.hash}")
    _after(opened, done.queued, wait)


@group.command("retire")
@click.argument("form")
@click.argument("version")
@click.option("--reason", required=True, help="Mengapa ditarik; tampil di padan form list.")
@_sample
@_all
@_yes
@_wait
def retire_command(form: str, version: str, reason: str, sample: int, everything: bool, yes: bool, wait: bool) -> None:
    """Tarik versi yang salah / retire a bad version: tablets open no new form with it, the one before is current again.

    What was filled in on it stays, and drafts on it are taken."""

    def switch(opened: Opened) -> Switched:
        now_ms = opened.clock.now_ms()
        return retire_version(opened.store.db, (form, version), reason=reason, now_ms=now_ms, by=CONSOLE_ACTOR)

    _switch((form, version), None if everything else sample, yes, wait, switch, restore=False)


@group.command("restore")
@click.argument("form")
@click.argument("version")
@_sample
@_all
@_yes
@_wait
def restore_command(form: str, version: str, sample: int, everything: bool, yes: bool, wait: bool) -> None:
    """Pakai lagi versi yang ditarik / take the retirement of a version back."""

    def switch(opened: Opened) -> Switched:
        return restore_version(opened.store.db, (form, version), now_ms=opened.clock.now_ms(), by=CONSOLE_ACTOR)

    _switch((form, version), None if everything else sample, yes, wait, switch, restore=True)


@group.command("export", epilog=_FILE)
@click.argument("form")
@click.option("--xlsx", "target", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Berkas tujuan.")
@click.option("--version", help="Versi yang terbit; tanpa ini yang dipakai sekarang.")
@click.option("--force", is_flag=True, help="Timpa berkas yang sudah ada.")
def export_command(form: str, target: Path, version: str | None, force: bool) -> None:
    """Tulis formulir sebagai buku kerja / write a form as a workbook, to edit in Excel and publish back.

    FORM: one that is published here (as its author left it), else one that comes with Padan, else a file."""
    if target.exists() and not force:
        raise click.ClickException(f"{target} sudah ada; pakai --force untuk menimpanya / exists already")
    try:
        sheet = _published_sheet(form, version)
        if sheet is None:
            if version is not None:
                raise click.ClickException(f"{form} {version} tidak pernah terbit. Lihat: padan form list")
            sheet = read_sheet(_path(form))
        write_workbook(sheet, target)
    except SheetUnreadable as error:
        raise _stopped(error) from error
    except OSError as error:
        raise click.ClickException(f"{target}: {error.strerror}") from error
    name = f"{sheet.setting('form_id')} {sheet.setting('version')}"
    click.echo(
        f"Tersimpan / written: {target} ({name}). Ubah di Excel, naikkan version di lembar settings, lalu:"
        f" padan form diff {target}"
    )


@group.command("list")
def list_command() -> None:
    """Formulir yang sudah terbit / the published forms: which is in use, which is retired, what tablets work with."""
    standing = forms_standing(open_server().store.db)
    for line in standing_lines(standing):
        click.echo(line)
    if not standing.versions:
        click.echo("Belum ada formulir yang terbit / nothing is published yet: padan form publish")


def _prepared(file: str) -> Prepared:
    try:
        prepared = prepare_file(_path(file))
    except (FormRefused, SheetUnreadable) as error:
        raise _stopped(error) from error
    _tell_notes(file, prepared.sheet.notes)
    return prepared


def _previewed(opened: Opened, prepared: Prepared, sample: int | None) -> Preview:
    return _with_bar(
        lambda progress: preview_publication(
            opened.store.db, opened.keys, prepared, opened.clock, sample=sample, progress=progress
        )
    )


def _with_bar(work: Callable[[Progress], Preview]) -> Preview:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def tell(step: str, done: int, of: int) -> None:
            bar.update(task, description=UNITS.get(step, step), completed=done, total=of)

        return work(tell)


def _show(preview: Preview) -> None:
    lines = diff_lines(preview.diff)
    if not preview.problems and preview.diff.old_version:
        lines += figure_lines(preview)
    click.echo("\n".join(lines))


def _ask(yes: bool, question: str) -> None:
    if not yes:
        click.confirm(question, abort=True)


def _switch(
    version: tuple[str, str],
    sample: int | None,
    yes: bool,
    wait: bool,
    switch: Callable[[Opened], Switched],
    *,
    restore: bool,
) -> None:
    opened = open_server()
    preview = _with_bar(
        lambda progress: preview_retirement(
            opened.store.db, opened.keys, version, opened.clock, restore=restore, sample=sample, progress=progress
        )
    )
    _show(preview)
    _ask(yes, f"{'Pakai lagi' if restore else 'Tarik'} {version[0]} {version[1]}?")
    done = switch(opened)
    word = "Dipakai lagi / restored" if restore else "Ditarik / retired"
    click.echo(f"{word}: {done.form_id} {done.version}. Versi yang dipakai / in use: {done.current}")
    _after(opened, done.queued, wait)


def _after(opened: Opened, queued: int, wait: bool) -> None:
    if wait:
        fold_again(opened)
    elif queued:
        click.echo(f"{queued} keluarga menunggu digabung ulang / households are queued to be folded again.")


def _published_sheet(form_id: str, version: str | None) -> Sheet | None:
    """The sheets of what is published here; made again from its definition where they were not kept."""
    if Path(form_id).exists():
        return None
    try:
        db = open_server(create=False).store.db
    except FileNotFoundError:
        return None  # nothing was ever published on this machine
    wanted = version or current_version(db, form_id)
    found = published_sheet(db, form_id, wanted)
    if found is not None:
        return found
    definition = next((f for f in published_definitions(db) if (f.id, f.version) == (form_id, wanted)), None)
    if definition is None:
        return None
    click.echo("Lembar aslinya tidak tersimpan; disusun kembali dari formulir yang terbit, tanpa catatan pembuatnya.")
    return sheet_of(definition)


def _checked(name: str, check: Callable[[Sheet], list[FormProblem]]) -> int:
    """Check one file and tell; how many problems."""
    try:
        sheet = read_sheet(_path(name))
    except SheetUnreadable as error:
        click.echo(str(error), err=True)
        return 1
    problems = check(sheet)
    for problem in problems:
        click.echo(f"{name}: {problem}", err=True)
    _tell_notes(name, sheet.notes)
    if not problems:
        click.echo(f"{name}: baik / good ({sheet.setting('form_id')} {sheet.setting('version')})")
    return len(problems)


def _tell_notes(name: str, notes: Iterable[FormProblem]) -> None:
    for note in notes:
        click.echo(f"{name}: {note}", err=True)


def _path(name: str) -> Path:
    path = Path(name)
    return source_folder(name) if name in FORMS and not path.exists() else path


def _stopped(error: FormRefused | SheetUnreadable) -> click.ClickException:
    if isinstance(error, FormRefused):
        lines = "\n".join(f"  {problem}" for problem in error.problems)
        return click.ClickException(f"Formulir tidak diterbitkan / not published:\n{lines}")
    return click.ClickException(str(error))
