"""`padan export`: merged households as files. Rights and content are `server/flows/export.py`'s."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from server.commands._opening import Opened, desk_for, open_server
from server.flows.export import ExportOrder, export_csv
from server.log import configure_logging
from server.store.households import count
from server.store.staff import all_staff


@click.command("export")
@click.option(
    "--csv", "folder", type=click.Path(file_okay=False, path_type=Path), required=True, metavar="FOLDER",
    help="Folder kosong untuk keluarga.csv, anggota.csv, perubahan.csv, kamus.csv, dan manifest.json.",
)  # fmt: skip
@click.option("--area", metavar="KODE", help="Hanya wilayah ini, seperti 19.03.01; tanpa ini semua wilayah akun.")
@click.option("--state", help="Hanya keluarga dengan status ini, mis. ratified.")
@click.option("--unmask", is_flag=True, help="NIK, No. KK, dan telepon lengkap; perlu --purpose.")
@click.option("--purpose", default="", help="Keperluan membuka nomor; dicatat di log dan di manifest.")
@click.option("--as", "staff", metavar="AKUN", help="Akun staf; juga lewat PADAN_STAFF.")
def command(folder: Path, area: str | None, state: str | None, unmask: bool, purpose: str, staff: str | None) -> None:
    """Ekspor hasil gabungan ke CSV / export merged households as CSV; NIK, No. KK dan telepon disamarkan."""
    opened = open_server()
    configure_logging(opened.settings.log_level)
    try:
        desk = desk_for(opened, staff or opened.settings.staff or _only_exporter(opened))
        db = opened.store.db
        columns = (TextColumn("Menulis"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("", total=count(db) if area is None and state is None else None)
            order = ExportOrder(folder, area, state, unmask, purpose)
            done = export_csv(db, desk.staff, order, opened.clock, lambda n: bar.update(task, completed=n))
    finally:
        opened.store.close()
    click.echo(f"{folder}: {done.households} keluarga, {done.persons} baris anggota.")


def _only_exporter(opened: Opened) -> str:
    """The account that may export, where there is only one."""
    found = [each.staff for each in all_staff(opened.store.db) if each.may("export")]
    if len(found) != 1:
        raise click.UsageError("Siapa yang mengekspor? Pakai --as AKUN atau PADAN_STAFF. Lihat: padan staff list")
    return found[0]
