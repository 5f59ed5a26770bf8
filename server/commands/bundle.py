"""`padan import-bundle`: what a tablet saved in a backup file, taken in at the server's machine."""

from __future__ import annotations

from pathlib import Path

import click

from server.commands._opening import open_server
from server.flows.bundle import NoBundle, Taken, import_bundle

CONSOLE_ACTOR = "konsol"
_FILES = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("import-bundle")
@click.argument("files", nargs=-1, required=True, type=_FILES, metavar="BERKAS...")
def command(files: tuple[Path, ...]) -> None:
    """Masukkan berkas cadangan tablet (.padan) / take in backup files of tablets. Safe to repeat.

    Yang sudah ada tidak dimasukkan dua kali. Draf di dalamnya hanya dapat dibuka di tablet pengganti petugas."""
    opened = open_server()
    bad = 0
    for path in files:
        try:
            with path.open(encoding="utf-8", errors="replace") as lines:
                taken = import_bundle(
                    opened.store.db, opened.keys, lines, by=CONSOLE_ACTOR, now_ms=opened.clock.now_ms()
                )
        except NoBundle:
            click.echo(f"{path}: bukan berkas cadangan tablet / no backup file of a tablet", err=True)
            bad += 1
            continue
        _tell(path, taken)
    if bad:
        raise click.exceptions.Exit(1)


def _tell(path: Path, taken: Taken) -> None:
    events = ", ".join(f"{status} {count}" for status, count in sorted(taken.statuses.items())) or "0"
    click.echo(f"{path}: {taken.boxes} amplop; formulir: {events}")
    if taken.unopened:
        click.echo(
            f"  {taken.unopened} amplop tidak dapat dibuka dengan kunci server ini; disimpan, dan dicoba lagi bila"
            " kunci kembali dari cadangan",
            err=True,
        )
    if taken.unsigned:
        click.echo(f"  {taken.unsigned} amplop dari tablet yang tidak dikenal; formulirnya ditahan", err=True)
    if taken.cut_off:
        click.echo("  berkas terpotong: hanya yang terbaca yang dimasukkan; minta berkas yang utuh", err=True)
    if taken.unreadable_lines:
        click.echo(f"  {taken.unreadable_lines} baris rusak", err=True)
    if taken.drafts:
        click.echo("  memuat draf; hanya tablet pengganti petugas yang dapat membukanya", err=True)
