"""`padan demo`: the whole way on a sample campaign, in `var/demo/`; then it keeps serving and says where to look."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from server.demo.run import Demo, run
from server.demo.sabotage import KINDS
from server.demo.stage import FolderNotOurs
from server.log import configure_logging
from server.worker import start_jobs

GOOD = {
    "lost": 0,
    "registry_duplicates": 0,
    "mirror_equals_server": True,
    "rebuild_identical": True,
    "backup_verified": True,
}


@click.command("demo")
@click.option("--once", is_flag=True, help="End after the run instead of going on serving.")
@click.option("--json", "as_json", is_flag=True, help="The last line is one JSON object.")
@click.option("--families", type=click.IntRange(100, 100_000), default=1_500, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Same seed, same families and visits.")
@click.option("--port", type=click.IntRange(0, 65535), default=8360, show_default=True, help="0: any free one.")
@click.option("--database", default="", metavar="ALAMAT", help="An empty PostgreSQL database; else a SQLite file.")
@click.option("--sabotage", type=click.Choice(KINDS), help="Spoil one thing on copies of the files, to see it found.")
def command(
    once: bool, as_json: bool, families: int, seed: int, port: int, database: str, sabotage: str | None
) -> None:
    """Peragaan lengkap / the whole way: list, tablets, merge, review, delivery to a registry, central pull.

    Invented families only. Works in var/demo/ of the present folder; the next run begins anew."""
    configure_logging("error")
    told = _Teller(Console(stderr=True))
    try:
        port = 0 if once else port
        demo = run(Path.cwd(), told, seed=seed, families=families, port=port, sabotage=sabotage, database=database)
    except FolderNotOurs as error:
        raise click.ClickException(str(error)) from error
    try:
        _tell(demo, told.console)
        if as_json:
            click.echo(json.dumps(demo.summary))
        if not once:
            _serve(demo, told.console)
    finally:
        demo.stage.stop()
    if any(demo.summary[name] != good for name, good in GOOD.items()) and sabotage is None:
        sys.exit(1)


class _Teller:
    """Steps with a bar on standard error; each stays on the screen with the time it took."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def step(self, text: str) -> Iterator[Callable[[int, int], None]]:
        """A step with its progress `(done, of)`."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        began = time.monotonic()
        with Progress(*columns, console=self.console, transient=True) as bar:
            task = bar.add_task(text, total=None)
            yield lambda done, of: bar.update(task, completed=done, total=of)
        self.console.print(f"  {text}  [dim]{time.monotonic() - began:.1f} s[/dim]", highlight=False)


def _tell(demo: Demo, console: Console) -> None:
    summary: dict[str, Any] = demo.summary
    console.print()
    for name, value in summary.items():
        if not isinstance(value, dict):
            bad = name in GOOD and value != GOOD[name]
            console.print(f"  {name:<24} {value}{'  <-- !' if bad else ''}", highlight=False)
    console.print("  kasus yang ditanam:", highlight=False)
    for name, value in summary["planted"].items():
        console.print(f"    {name:<28} {value}", highlight=False)


def _serve(demo: Demo, console: Console) -> None:
    stage = demo.stage
    jobs = start_jobs(stage.store, stage.keys, stage.settings, stage.clock)
    url = stage.url
    padan = "padan" if shutil.which("padan") else sys.argv[0]
    console.print(f"""
Padan melayani di {url} / is serving; Ctrl-C ends it. Look around, from this folder:
  curl -H 'Authorization: Bearer {demo.pull_token}' '{url}/v1/households?limit=1'
  curl {url}/v1/openapi.json        curl {url}/metrics
  {padan} review list --state accepted --limit 5
  {padan} review show KELUARGA
  {padan} field --home var/demo/tablets/petugas-1 status
  {padan} rebuild --check
  {padan} audit verify
  {padan} backup list
  {padan} restore terbaru --to var/demo/pulih/padan.db
  datasette var/demo/pusat.db       (the central office's mirror)
""", highlight=False, markup=False, soft_wrap=True)  # fmt: skip
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        console.print("Berhenti.")
    finally:
        jobs.stop()
