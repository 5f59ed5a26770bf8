"""`padan sample-data`: a campaign of invented families to try Padan with. The work is in server/sample/."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from field_forms.areas import AreasMissing, load_areas
from server.sample import Campaign, SampleError, write_campaign


@click.command("sample-data")
@click.option("--seed", type=int, default=1, show_default=True, help="Same seed, same files.")
@click.option("--regency", default="19.03", show_default=True, help="Kabupaten/kota, dotted Kemendagri code.")
@click.option("--families", type=int, default=1_500, show_default=True, help="1 to 1,000,000.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write into.")
@click.option("--second-list/--no-second-list", default=True, help="Write a second vintage as well.")
@click.option("--answers/--no-answers", default=None, help="Visits with their answers in truth.jsonl [up to 20,000].")
def command(
    seed: int, regency: str, families: int, out: Path, second_list: bool, answers: bool | None
) -> None:
    """Write a sample campaign: prelist.xlsx (P3KE layout), prelist-2.xlsx, truth.jsonl, campaign.json.

    Nobody in it exists. Names, trades, outcomes and broken numbers come in the shares of a real list.
    """
    try:
        campaign = Campaign(load_areas(), regency, seed, families)
    except (SampleError, AreasMissing) as error:
        raise click.ClickException(str(error)) from error
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("keluarga", total=families * (2 if second_list else 1))
        try:
            files = write_campaign(
                campaign, out, second=second_list, answers=answers,
                progress=lambda done: bar.update(task, completed=done),
            )  # fmt: skip
        except OSError as error:
            raise click.ClickException(f"{out}: tidak dapat ditulis / can't be written: {error.strerror}") from error
    for path in (files.first, files.second, files.truth, files.summary):
        if path is not None:
            click.echo(str(path))
