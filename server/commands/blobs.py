"""`padan blobs`: photos and files on the server: how many, what is lacking, whether every byte is still right."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from schemas.areas import covers
from server.blobs.folder import FolderBlobs
from server.clock import rfc3339_s
from server.commands._opening import Opened, open_server
from server.flows import blob_upkeep
from server.store import blobs, uploads

PAGE = 200
STATE_WORDS = {
    blobs.MISSING: "belum sampai",
    blobs.GIVEN_UP: "tidak ditunggu lagi",
    blobs.WAITING: "sampai, belum disiapkan",
    blobs.SHOWN: "siap ditampilkan",
    blobs.NO_IMAGE: "bukan gambar",
    blobs.UNNAMED: "tanpa kejadian",
    blobs.FORGOTTEN: "dihapus",
}


@click.group("blobs", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object as the answer.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Foto dan berkas: jumlah dan ukuran menurut keadaan / photos and files, how many and how large."""
    if ctx.invoked_subcommand is not None:
        return
    opened = open_server()
    db = opened.store.db
    counts, sizes = blobs.counts(db), blobs.sizes(db)
    unfinished = uploads.unfinished_bytes(db)
    if as_json:
        click.echo(json.dumps({"files": counts, "bytes": sizes, "unfinished_bytes": unfinished}))
        return
    for state in blobs.STATES:
        click.echo(f"{STATE_WORDS[state]:26} {counts[state]:>9} berkas  {_size(sizes[state]):>10}")
    click.echo(f"{'sedang dikirim':26} {'':>9}         {_size(unfinished):>10}")
    click.echo(f"{_storage(opened).root}")


@command.command("missing")
@click.option("--area", help="Only events of this area and all beneath it, such as 19.03.01.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def missing(area: str | None, as_json: bool) -> None:
    """Sebutkan foto yang belum sampai, yang terlama dahulu / list what has not arrived, longest first."""
    opened = open_server()
    db = opened.store.db
    after = (-1, "")
    while page := blobs.in_state(db, blobs.MISSING, PAGE, after):
        after = (page[-1].since_ms, page[-1].sha256)
        names = blobs.names_of(db, [each.sha256 for each in page])
        for blob in page:
            for each in names.get(blob.sha256, ()):
                if area is not None and not covers(area, each.area):
                    continue
                line = {
                    "since": rfc3339_s(blob.since_ms), "area": each.area, "officer": each.actor,
                    "install": each.install, "household_id": each.household_id, "path": each.path,
                    "bytes": each.bytes, "sha256": blob.sha256,
                }  # fmt: skip
                said = [line["since"], each.area, each.actor, each.household_id, each.path, _size(each.bytes)]
                click.echo(json.dumps(line) if as_json else "  ".join(map(str, [*said, blob.sha256[:16]])))


@command.command("give-up")
@click.option("--install", required=True, help="The lost tablet, as `padan officer tablets` names it.")
@click.confirmation_option(prompt="Berhenti menunggu foto dari tablet ini? Yang tetap datang masih diterima.")
def give_up(install: str) -> None:
    """Berhenti menunggu foto dari tablet yang hilang / stop waiting for the photos of a tablet that is lost.

    What comes all the same is taken in."""
    opened = open_server()
    count = blobs.give_up(opened.store.db, install, opened.clock.now_ms())
    click.echo(f"{count} foto tidak ditunggu lagi.")


@command.command("verify")
@click.option("--mend", is_flag=True, help="Set damaged files aside and ask tablets for them again.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object as the answer.")
def verify(mend: bool, as_json: bool) -> None:
    """Baca ulang setiap berkas dan hitung sidiknya / read every file and compute its hash again.

    Ends with 1 where one is damaged or gone. With --mend such a file counts as missing: a tablet that still has it
    sends it again; the damaged bytes are kept in the folder `damaged`."""
    opened = open_server()
    with _bar("Memeriksa") as progress:
        done = blob_upkeep.verify(
            opened.store.db, _storage(opened), opened.clock.now_ms(), mend=mend, progress=progress
        )
    if as_json:
        answer = {"files": done.files, "bytes": done.bytes, "damaged": list(done.damaged), "lost": list(done.lost)}
        click.echo(json.dumps(answer))
    else:
        for word, hashes in (("RUSAK", done.damaged), ("HILANG", done.lost)):
            for sha256 in hashes:
                click.echo(f"{word} {sha256}")
        click.echo(f"{done.files} berkas, {_size(done.bytes)}: {len(done.damaged)} rusak, {len(done.lost)} hilang.")
    if done.damaged or done.lost:
        if not mend:
            click.echo("Pulihkan dari cadangan, atau: padan blobs verify --mend", err=True)
        sys.exit(1)


@command.command("repair")
def repair() -> None:
    """Baca ulang nama foto dari buku besar, lalu cari isinya di folder / names from the log, bytes from the folder."""
    opened = open_server()
    with _bar("Buku besar") as progress:
        named = blob_upkeep.name_all(opened.store.db, opened.clock.now_ms(), progress)
    with _bar("Folder") as progress:
        found = blob_upkeep.compare_with_disk(opened.store.db, _storage(opened), opened.clock.now_ms(), progress)
    click.echo(f"{named} nama ditambahkan, {found} berkas ditemukan di folder.")


def _storage(opened: Opened) -> FolderBlobs:
    return FolderBlobs(opened.settings.blobs)


def _size(number: int) -> str:
    if number < 1024**2:
        return f"{number / 1024:.1f} KiB"
    return f"{number / 1024**2:.1f} MiB" if number < 1024**3 else f"{number / 1024**3:.2f} GiB"


@contextmanager
def _bar(text: str) -> Iterator[Callable[[int, int | None], None]]:
    """Progress on standard error: standard output belongs to the answer."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, transient=True, console=Console(stderr=True)) as bar:
        task = bar.add_task(text, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
