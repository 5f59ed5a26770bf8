"""`padan pull`: the central office's mirror, brought up to date. The work is in server/mirror/."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from server.mirror import HttpSource, MirrorProblem, PullDone, PullProgress, pull
from server.settings import load_settings

_RESETS = {
    "epoch": "Server dipulihkan dari cadangan; seluruh isi ditarik ulang.",
    "scope": "Wilayah token berubah; seluruh isi ditarik ulang.",
    "full": "Seluruh isi ditarik ulang (--full).",
}


@click.command("pull")
@click.option("--into", type=click.Path(dir_okay=False, path_type=Path), required=True, help="Berkas cermin (SQLite).")
@click.option("--server", required=True, metavar="URL", help="Alamat server, seperti https://padan.contoh.go.id.")
@click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Berkas berisi token; tanpa ini dari PADAN_PULL_TOKEN.",
)
@click.option("--area", metavar="KODE", help="Hanya wilayah ini, seperti 19.03; diingat oleh cermin.")
@click.option("--full", is_flag=True, help="Tarik ulang semuanya, juga dari server lain. Cermin tidak pernah kosong.")
def command(into: Path, server: str, token_file: Path | None, area: str | None, full: bool) -> None:
    """Tarik hasil gabungan ke cermin SQLite / pull merged households into a mirror. Boleh terputus kapan saja."""
    bar = Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=Console(stderr=True),
        transient=True,
    )  # fmt: skip
    try:
        with bar:
            task = bar.add_task("Menghubungi server", total=None)

            def tell(progress: PullProgress) -> None:
                again = ", tarik ulang" if progress.rebuilding else ""
                bar.update(task, description=f"{progress.lines} perubahan, {progress.pages} halaman{again}")

            done = pull(HttpSource(server, _token(token_file)), into, area=area, full=full, tell=tell)
    except MirrorProblem as problem:
        raise click.ClickException(str(problem)) from problem
    _report(done, into)


def _report(done: PullDone, into: Path) -> None:
    if done.reset:
        click.echo(_RESETS.get(done.reset, _RESETS["epoch"]))
    click.echo(f"{done.lines} perubahan. {into}: {done.households} keluarga, {done.persons} baris anggota.")
    if done.dropped:
        click.echo(f"{done.dropped} keluarga tidak ada lagi di server atau wilayah ini, dan dihapus dari cermin.")
    if done.without_labels:
        click.echo(
            f"Label pertanyaan belum diperbarui ({done.without_labels}); tarikan berikutnya mencoba lagi.", err=True
        )


def _token(token_file: Path | None) -> str:
    if token_file is None:
        found = load_settings().pull_token
        if not found:
            raise click.UsageError("Token tidak ada. Pakai --token-file BERKAS, atau isi PADAN_PULL_TOKEN.")
        return found
    try:
        return token_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{token_file} tidak dapat dibaca ({type(error).__name__}).") from error
