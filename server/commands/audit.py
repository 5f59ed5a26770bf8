"""`padan audit`: proves that the log says what it said."""

from __future__ import annotations

import json
import sys

import click

from server.commands._opening import open_server
from server.flows.audit import verify


@click.group("audit")
def command() -> None:
    """Pembuktian buku besar / proof of the log."""


@command.command("verify")
@click.option("--json", "as_json", is_flag=True, help="One JSON object as the answer.")
def verify_(as_json: bool) -> None:
    """Hitung ulang setiap sidik dan rantai / compute every hash and chain again; ends with 1 if one is broken.

    The chain heads it prints can be noted outside: who has them can prove later that nothing before was changed."""
    outcome = verify(open_server().store.db)
    if as_json:
        broken = [str(each) for each in outcome.broken]
        counts = {"rows": outcome.rows, "parts": outcome.parts, "erased": outcome.erased, "partial": outcome.partial}
        unexplained = [str(each) for each in outcome.unexplained]
        click.echo(json.dumps({**counts, "broken": broken, "unexplained": unexplained, "heads": outcome.heads}))
    else:
        for each in (*outcome.broken, *outcome.unexplained):
            click.echo(str(each), err=True)
        click.echo(
            f"{outcome.rows} rows, {outcome.parts} parts ({outcome.erased} erased, {outcome.partial} in part), "
            f"{len(outcome.broken)} broken"
        )
        for region, head in sorted(outcome.heads.items()):
            click.echo(f"  {region}  {head}")
    if outcome.broken or outcome.unexplained:
        sys.exit(1)
