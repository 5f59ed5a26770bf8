"""`padan restore`: a database comes back from a backup, into a place where there is none."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from server.address import is_postgres, shown
from server.backups.age_files import unlock_keys
from server.backups.folder import BackupFolder
from server.blobs.folder import FolderBlobs
from server.clock import SystemClock
from server.commands import _backup_text as text
from server.commands._opening import open_server
from server.commands.backup import NO_FOLDER, passphrase
from server.flows.erasure import erased_again
from server.flows.erasure_ledger import LedgerUnreadable
from server.flows.restore import Restored, choose, refuse_occupied, restore, set_aside
from server.flows.returned import account
from server.log import configure_logging
from server.settings import BLOBS_FOLDER, Settings, load_settings
from server.store.database import StoreBusy


@click.command("restore")
@click.argument("wanted", metavar="[CADANGAN]", required=False)
@click.option("--from", "folder", type=click.Path(path_type=Path), help="Folder cadangan; bawaan dari setelan.")
@click.option("--to", "target", metavar="BASISDATA", help="Tempat baru; bawaan dari setelan.")
@click.option("--aside", is_flag=True, help="Basis data yang ada di sana dipindahkan ke samping dahulu.")
@click.option("--positions", is_flag=True, help="Setelah pemulihan: posisi mana yang tidak dikembalikan siapa pun.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object as the answer.")
def command(
    wanted: str | None, folder: Path | None, target: str | None, aside: bool, positions: bool, as_json: bool
) -> None:
    """Pulihkan basis data dari CADANGAN (nama, atau `terbaru`) / bring a database back.

    Nothing is overwritten or deleted. The restored server begins a new epoch: tablets offer again what came after the
    backup, and delivery waits until it is reconciled."""
    if positions:
        _tell_positions(as_json)
        return
    if not wanted:
        raise click.UsageError("Sebutkan cadangan yang dipulihkan, atau `terbaru`. Lihat: padan backup list")
    configure_logging("warning")
    settings = load_settings()
    place = BackupFolder(folder) if folder is not None else _folder(settings)
    target = settings.database if target is None else target if is_postgres(target) else str(Path(target).absolute())
    home = settings.home if settings.folder or target == settings.database else Path(target).parent
    name = choose(place, wanted)
    clock = SystemClock()
    if not aside:
        refuse_occupied(target)
    keys = unlock_keys(place.locked_keys(), passphrase(settings))
    moved = _moved_aside(target, clock) if aside else None
    try:
        with text.progress("memulihkan") as told:
            photos = FolderBlobs(home / BLOBS_FOLDER)
            done = restore(place, name, keys, target, home, clock, replay=erased_again, storage=photos, told=told)
    except LedgerUnreadable as error:
        raise click.ClickException(f"{error} Basis data tidak dipulihkan, supaya tidak ada yang kembali.") from error
    if as_json:
        click.echo(json.dumps(_as_json(done, target, moved)))
        return
    _tell(done, target, moved)


def _folder(settings: Settings) -> BackupFolder:
    if not settings.backup_folder:
        raise click.UsageError(f"{NO_FOLDER} Atau pakai --from FOLDER.")
    return BackupFolder(Path(settings.backup_folder))


def _moved_aside(target: str, clock: SystemClock) -> Path | None:
    if is_postgres(target):
        raise click.UsageError("--aside hanya untuk berkas SQLite; sediakan basis data PostgreSQL yang kosong.")
    try:
        return set_aside(Path(target), clock.now_ms())
    except StoreBusy as error:
        raise click.ClickException(
            f"{target}: masih dipakai. Hentikan dahulu `padan serve` dan `padan worker`. ({error})"
        ) from error


def _as_json(done: Restored, target: str, moved: Path | None) -> dict[str, object]:
    return {
        "set": done.set_name,
        "database": shown(target),
        "moved_aside": None if moved is None else str(moved),
        "epoch": done.epoch,
        "migrated": list(done.migrated),
        "erased": done.erased,
        "photos": None if done.photos is None else asdict(done.photos),
        "events": done.manifest.counts.get("events", 0),
    }


def _tell(done: Restored, target: str, moved: Path | None) -> None:
    manifest = done.manifest
    if moved is not None:
        click.echo(f"Yang lama dipindahkan ke {moved}; hapus sendiri bila tidak diperlukan lagi.")
    click.echo(f"{shown(target)}: dipulihkan dari {done.set_name} ({text.moment(manifest.created_ms)}).")
    click.echo(f"  {manifest.counts.get('events', 0)} kejadian, {manifest.counts.get('households', 0)} keluarga")
    for region, position in sorted(_heads(done).items()):
        click.echo(f"  {region}: buku besar sampai posisi {position}")
    if done.migrated:
        click.echo(f"  dimutakhirkan: {', '.join(done.migrated)}; jalankan `padan rebuild`")
    click.echo(f"  penghapusan data pribadi diulang: {done.erased}")
    if done.photos is not None:
        found = done.photos
        click.echo(f"  foto: {found.brought} dipulihkan, {found.here} sudah ada di sini, {found.lacking} tidak ada")
    click.echo(f"  epoch baru {done.epoch}")
    click.echo(
        f"""
Langkah berikutnya:
  1. padan audit verify
  2. padan rebuild --check
  3. Yang terjadi setelah {text.moment(manifest.created_ms)} dan bukan kejadian tidak ikut kembali: cabut lagi tablet
     yang hilang (padan officer revoke) dan token yang bocor (padan token revoke), terbitkan lagi formulir baru.
  4. padan serve. Tablet menawarkan lagi isian dan keputusan sesudah cadangan; tunggu sampai semua menyinkron.
  5. padan restore --positions: apa yang tidak dikembalikan siapa pun.
  6. padan delivery reconcile: pengiriman dibekukan sampai cocok dengan registri.
  7. padan backup run: baru sesudah itu isian yang kembali disebut aman."""
    )


def _heads(done: Restored) -> dict[str, int]:
    heads: dict[str, int] = {}
    for found in done.manifest.positions.values():
        for region, position in found.items():
            heads[region] = max(position, heads.get(region, 0))
    return heads


def _tell_positions(as_json: bool) -> None:
    found = account(open_server().store.db)
    if as_json:
        click.echo(json.dumps(None if found is None else asdict(found)))
        return
    for line in text.account_lines(found):
        click.echo(line)
