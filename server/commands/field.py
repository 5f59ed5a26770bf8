"""`padan field`: what an officer does with the tablet, in a terminal. Shows; the work is in field_forms/client/."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar

from field_forms.client import FieldClient, HttpTransport, NotEnrolled, Progress, screens
from field_forms.client.answers_file import FileProblem, fill_from, read_answers
from field_forms.client.ask import ask_form
from field_forms.client.change import find_persons
from field_forms.client.draft import AnswerProblem, Draft
from field_forms.client.opening import OpeningProblem
from field_forms.client.pace import GaveUp
from field_forms.client.sealing_draft import NotSealed
from field_forms.client.store import StoreProblem
from field_forms.client.transport import ServerRefused
from schemas.bodies import CHANGE_TYPES
from schemas.changes import ChangeProblem
from server.settings import load_settings

TOLD = (NotEnrolled, OpeningProblem, AnswerProblem, FileProblem, StoreProblem, GaveUp, ChangeProblem)


class _Field(click.Group):
    """Tells a problem in one sentence."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run; what can go wrong by ordinary use ends with a sentence and 1."""
        try:
            return super().invoke(ctx)
        except TOLD as error:
            raise click.ClickException(str(error)) from error
        except ServerRefused as error:
            raise click.ClickException(f"Server menolak: {error.detail or error.code} ({error.code})") from error


@click.group("field", cls=_Field)
@click.option("--home", help="The officer's folder; else PADAN_FIELD_HOME, else ~/.local/share/padan.")
@click.pass_context
def group(ctx: click.Context, home: str | None) -> None:
    """Tablet petugas di terminal / the officer's tablet in a terminal; all but enrol, fetch and sync work offline."""

    def opened(server: str | None = None) -> FieldClient:
        client = FieldClient(Path(home or load_settings().field_home).expanduser())
        ctx.call_on_close(client.close)
        url = server or client.store.setting("server_url")
        if url:
            client.connect(HttpTransport(url))
        return client

    ctx.obj = opened


command = group
Opener = Callable[..., FieldClient]


@group.command("enrol")
@click.argument("code")
@click.option("--server", required=True, help="Address of the server, such as https://padan.example.go.id.")
@click.pass_obj
def enrol(opened: Opener, code: str, server: str) -> None:
    """Enrol this tablet with the one-time CODE from the supervisor."""
    client = opened(server)
    client.enrol(code)
    client.store.set(server_url=server)
    click.echo(f"Terdaftar sebagai {client.officer}. Lanjutkan: padan field fetch")


@group.command("fetch")
@click.pass_obj
def fetch(opened: Opener) -> None:
    """Fetch forms and the list of households; sends nothing."""
    _finish(opened().fetch())


@group.command("sync")
@click.pass_obj
def sync(opened: Opener) -> None:
    """Send sealed forms, fetch what came back. Can be interrupted at any time."""
    client = opened()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), DownloadColumn())
    with Bar(*columns, transient=True) as bar:
        task = bar.add_task("Mulai", total=None)

        def tell(progress: Progress) -> None:
            sent = f" {progress.bytes_done}/{progress.bytes_total} byte" if progress.bytes_total else ""
            bar.update(
                task,
                description=screens.STEP_WORDS.get(progress.step, progress.step) + sent,
                completed=progress.items_done,
                total=progress.items_total,
            )

        result = client.sync(tell)
    _finish(result)


@group.command("list")
@click.option("--area", help="Only this area, such as 19.03.01.1001.")
@click.option("--all", "everyone", is_flag=True, help="Also families assigned to others.")
@click.pass_obj
def list_households(opened: Opener, area: str | None, everyone: bool) -> None:
    """List the households on this tablet."""
    client = opened()
    for known in client.households(area, assigned_only=not everyone):
        click.echo(screens.household_line(known))


@group.command("show")
@click.argument("household")
@click.pass_obj
def show(opened: Opener, household: str) -> None:
    """Show one household with its open conflicts and the supervisor's comments."""
    client = opened()
    known = client.household(household)
    if known is None:
        raise OpeningProblem(f"Keluarga {household} tidak ada di tablet ini. Jalankan: padan field fetch")
    for line in screens.record_lines(client, known):
        click.echo(line)


@group.command("fill")
@click.argument("household", required=False)
@click.option("--new", is_flag=True, help="A family that is not on the list; needs --area.")
@click.option("--area", help="Village of a new family.")
@click.option("--draft", "draft_id", help="Go on with this draft.")
@click.option("--correct", "ref", help="Correct the own sealed form with this ref.")
@click.option("--file", "file", type=click.Path(path_type=Path), help="Answers from a JSON file instead of questions.")
@click.option("--seal", "seal_too", is_flag=True, help="Seal when everything is answered.")
@click.pass_obj
def fill(
    opened: Opener, household: str | None, new: bool, area: str | None, draft_id: str | None, ref: str | None,
    file: Path | None, seal_too: bool,
) -> None:  # fmt: skip
    """Fill in the household form, question by question or from a file. Every answer is saved at once."""
    if sum(map(bool, (household, new, draft_id, ref))) != 1:
        raise click.UsageError("Give one of HOUSEHOLD, --new, --draft, --correct.")
    data = read_answers(file) if file else None
    client = opened()
    if draft_id:
        draft = client.draft(draft_id)
    elif ref:
        draft = client.open_correction(ref)
    else:
        draft = client.open_draft(household, area=area)
    _fill(client, draft, data, file, seal_too)


@group.command("change")
@click.argument("household", required=False)
@click.option("--type", "kind", required=True, type=click.Choice(sorted(CHANGE_TYPES)), help="What happened.")
@click.option("--person", "people", multiple=True, help="Whom it is about: person key, NIK or name. May be repeated.")
@click.option("--to", "to", help="Household id moved to, if it is on the list.")
@click.option("--from", "origin", help="Household id where an arriving person is listed.")
@click.option("--area", help="Village, for a family that is not on the list.")
@click.option("--file", "file", type=click.Path(path_type=Path), help="Answers from a JSON file instead of questions.")
@click.option("--seal", "seal_too", is_flag=True, help="Seal when everything is answered.")
@click.pass_obj
def change(
    opened: Opener, household: str | None, kind: str, people: tuple[str, ...], to: str | None, origin: str | None,
    area: str | None, file: Path | None, seal_too: bool,
) -> None:  # fmt: skip
    """Report a birth, death, move, split, correction or work accident."""
    data = read_answers(file) if file else None
    client = opened()
    persons = find_persons(client, origin or household, people)
    draft = client.open_change(
        household, kind, persons=persons, area=area, to_household=to, from_household=origin
    )  # fmt: skip
    _fill(client, draft, data, file, seal_too)


@group.command("seal")
@click.argument("draft_id")
@click.pass_obj
def seal(opened: Opener, draft_id: str) -> None:
    """Seal a draft: from then on it can be sent and no longer changed."""
    client = opened()
    _seal(client, client.draft(draft_id))


@group.command("status")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--rinci", "detail", is_flag=True, help="Also what was returned and what is held, with the reasons.")
@click.pass_obj
def status(opened: Opener, as_json: bool, detail: bool) -> None:
    """Three numbers: on this tablet only, received, safe."""
    client = opened()
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(client.status())))
        return
    lines = [*screens.status_lines(client.status()), *(screens.detail_lines(client) if detail else ())]
    click.echo("\n".join(lines))


@group.group("drafts", invoke_without_command=True)
@click.pass_context
def drafts(ctx: click.Context) -> None:
    """List drafts, last saved first; one on an old version of its form says so."""
    if ctx.invoked_subcommand is None:
        client = ctx.obj()
        current = {form.id: form.version for form in client.forms()}
        for row in client.drafts.all():
            old = current.get(row.form_id, row.form_version) != row.form_version
            word = f"  versi {row.form_version}, yang baru {current[row.form_id]}" if old else ""
            click.echo(f"{row.id}  {row.form_id}  {row.household_id}  {len(row.answers)} jawaban{word}")


@drafts.command("carry")
@click.argument("draft_id")
@click.option("--yes", is_flag=True, help="Tanpa bertanya, juga bila ada jawaban yang tidak terbawa.")
@click.pass_obj
def carry(opened: Opener, draft_id: str, yes: bool) -> None:
    """Pindahkan draf ke versi formulir yang baru / carry a draft over to the current version of its form.

    Tells first which answers have no place there. Nobody has to: a draft on an old version is taken as it is."""
    client = opened()
    draft = client.draft(draft_id)
    look = client.carrying_over(draft)
    for each in look.lost:
        click.echo(f"TIDAK TERBAWA {each.question}: {each.answer} ({each.reason})")
    if look.lost and not yes:
        click.confirm(f"Pindahkan draf ini tanpa {len(look.lost)} jawaban itu?", abort=True)
    _, done = client.carry_over(draft)
    click.echo(f"Draf kini pada versi {done.new_version}: {len(done.answers)} jawaban terbawa, {len(done.lost)} tidak.")


@drafts.command("discard")
@click.argument("draft_id")
@click.confirmation_option(prompt="Buang draf ini beserta semua jawabannya?")
@click.pass_obj
def discard(opened: Opener, draft_id: str) -> None:
    """Throw a draft away for good."""
    client = opened()
    client.discard(client.draft(draft_id))


def _fill(client: FieldClient, draft: Draft, data: dict[str, Any] | None, file: Path | None, seal_too: bool) -> None:
    if data is not None and file is not None:
        try:
            fill_from(client, draft, data, file.parent)
        except FileProblem as error:
            raise FileProblem(f"{error}\nYang benar tersimpan sebagai draf {draft.id}.") from error
        finished = True
    else:
        finished = ask_form(client, draft)
    for remark in draft.remarks():
        click.echo(f"{'SALAH' if remark.blocks else 'PERIKSA'} {remark.question}: {remark.reason}")
    if seal_too and finished:
        _seal(client, draft)
    else:
        click.echo(f"Draf {draft.id} tersimpan. Segel: padan field seal {draft.id}")


def _seal(client: FieldClient, draft: Draft) -> None:
    try:
        click.echo(f"Tersegel: {client.seal(draft)}")
    except NotSealed as error:
        lines = [f"  {each.question}: {each.reason}" for each in error.remarks]
        message = "\n".join(["Belum dapat disegel:", *lines, f"Lanjutkan: padan field fill --draft {draft.id}"])
        raise click.ClickException(message) from error


def _finish(result: Any) -> None:
    for line in screens.result_lines(result):
        click.echo(line)
    if not result.complete:
        _stop()


def _stop() -> NoReturn:
    raise click.exceptions.Exit(1)
