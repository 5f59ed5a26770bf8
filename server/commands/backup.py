"""`padan backup`: make, list and check backups; the key they are encrypted under."""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from field_forms.areas import AreasMissing, load_areas
from server.backups.age_files import lock_keys, new_key, unlock_keys
from server.backups.folder import BackupFolder
from server.backups.passphrase import suggestion, weakness
from server.backups.plan import Plan, plan_of
from server.backups.problem import BackupProblem, SetDamaged
from server.blobs.folder import FolderBlobs
from server.commands import _backup_text as text
from server.commands._opening import Opened, open_server
from server.flows.backup import at_work, backup_keys, make_backup, ready_keys, work_folder
from server.flows.backup_blobs import StoredPhotos
from server.flows.backup_prune import prune
from server.flows.backup_verify import Checked, verify_set
from server.flows.backup_watch import look
from server.flows.restore import choose
from server.log import configure_logging
from server.settings import Settings, load_settings
from server.store import backups, events, identity
from server.store.database import Connection

NO_FOLDER = "Folder cadangan belum disetel: PADAN_BACKUP_FOLDER (di diska lain daripada basis data)."


@click.group("backup", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Cadangan: buat, daftar, periksa / backups; without a subcommand one is made now."""
    if context.invoked_subcommand is None:
        context.invoke(run)


@command.command("init")
@click.option("--change-passphrase", is_flag=True, help="Frasa sandi baru untuk kunci yang sama.")
@click.option(
    "--new-key", "fresh", is_flag=True, help="Kunci baru: bila frasa sandi bocor. Cadangan lama tetap terbuka."
)
def init(change_passphrase: bool, fresh: bool) -> None:
    """Siapkan folder, kunci, dan frasa sandi; cetak lembar kunci / make the key, and the sheet to print."""
    opened, plan = _opened()
    db, now_ms = opened.store.db, opened.clock.now_ms()
    place, keys = plan.place, backup_keys(opened.store.db)
    place.make(identity.server_id(db))
    if place.has_keys() and not keys:
        keys = unlock_keys(place.locked_keys(), passphrase(opened.settings))
        for key in reversed(keys):
            backups.add_key(db, key.recipient, key.identity, now_ms)
    elif place.has_keys() and not (change_passphrase or fresh):
        raise click.ClickException(
            f"{plan.folder}: sudah disiapkan. Frasa sandi baru: --change-passphrase; kunci baru: --new-key"
        )
    else:
        if fresh or not keys:
            keys = [new_key(), *keys]
        locked = lock_keys(keys, _new_passphrase(opened.settings, _known_words(opened)))
        # The file first: a key that only the database knows would open nothing after the database is gone.
        place.put_keys(locked)
        if keys[0].recipient not in {key.recipient for key in backups.keys(db)}:
            backups.add_key(db, keys[0].recipient, keys[0].identity, now_ms)
    click.echo(text.sheet(opened.settings.campaign, plan.folder, keys[0].recipient, now_ms))
    click.echo("Cetak lembar ini, tulis frasa sandinya. Lalu: padan backup run", err=True)


@command.command("sheet")
def sheet() -> None:
    """Cetak lembar kunci lagi, tanpa frasa sandi / the key sheet again."""
    opened, plan = _opened()
    keys = ready_keys(opened.store.db, plan)
    click.echo(text.sheet(opened.settings.campaign, plan.folder, keys[0].recipient, opened.clock.now_ms()))


@command.command("run")
@click.option("--full", is_flag=True, help="Olah ulang semua keluarga dan buktikan seluruh buku besar, bukan contoh.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object as the answer.")
def run(full: bool = False, as_json: bool = False) -> None:
    """Buat satu cadangan sekarang, lalu baca ulang dan periksa / one backup now, verified."""
    opened, plan = _opened()
    with text.progress("menyiapkan") as told:
        photos = StoredPhotos(FolderBlobs(opened.settings.blobs))
        done = make_backup(
            opened.store, plan, opened.clock, secrets.token_hex(8), source=photos, full=full, told=told
        )
    if as_json:
        click.echo(json.dumps({"set": done.set_name, "bytes": done.bytes, **_facts(done.checked)}))
    else:
        click.echo(f"{done.set_name}: {text.size(done.bytes)}, terbukti dapat dibuka")
        _tell(done.checked)
    if done.blobs_lacking:
        click.echo(f"{done.blobs_lacking} foto tidak dapat dicadangkan; lihat log `backup_lacks_photos`.", err=True)


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_(as_json: bool) -> None:
    """Cadangan yang ada di folder atau pernah tercatat, terbaru dulu."""
    opened, plan = _opened()
    known = {row.set_name: row for row in backups.all_backups(opened.store.db)}
    for name in sorted({*known, *plan.place.names()}, reverse=True):
        row = known.get(name)
        try:
            manifest = plan.place.manifest(name).manifest
        except SetDamaged:
            manifest = None
        click.echo(json.dumps(text.set_as_json(name, row, manifest)) if as_json else text.set_line(name, row, manifest))
    if not known and not plan.place.names():
        click.echo("Belum ada cadangan. Buat: padan backup run", err=True)


@command.command("verify")
@click.argument("wanted", metavar="[CADANGAN]", default="terbaru")
@click.option("--full", is_flag=True, help="Olah ulang semua keluarga, seluruh buku besar, semua foto.")
@click.option("--from", "folder", type=click.Path(path_type=Path), help="Folder cadangan; bawaan dari setelan.")
@click.option("--ask", is_flag=True, help="Pakai frasa sandi, bukan kunci di basis data: masihkah frasa itu benar?")
def verify(wanted: str, full: bool, folder: Path | None, ask: bool) -> None:
    """Baca ulang satu cadangan seluruhnya dan buktikan dapat dibuka / is it what was written? 1: no."""
    if folder is not None:
        settings = load_settings()
        place = BackupFolder(folder)
        keys = unlock_keys(place.locked_keys(), passphrase(settings))
        with _some_work_folder(settings) as work, text.progress("membaca") as told:
            checked = verify_set(place, choose(place, wanted), keys, work, full=full, told=told)
        _tell(checked)
        return
    opened, plan = _opened()
    db = opened.store.db
    keys = ready_keys(db, plan)
    if ask:
        keys = unlock_keys(plan.place.locked_keys(), passphrase(opened.settings))
    with at_work(opened.store, opened.clock, secrets.token_hex(8)), text.progress("membaca") as told:
        with work_folder(plan.work) as work:
            name = choose(plan.place, wanted)
            ours = name in {row.set_name for row in backups.all_backups(db)}
            try:
                checked = verify_set(plan.place, name, keys, work, live=db if ours else None, full=full, told=told)
            except SetDamaged as error:
                if ours:
                    backups.set_state(db, name, backups.DAMAGED, str(error), opened.clock.now_ms())
                raise
        if ours:
            _record(db, checked, opened.clock.now_ms())
    _tell(checked)


@command.command("prune")
def prune_() -> None:
    """Buang cadangan yang tidak disimpan lagi menurut setelan; yang terbaru dan baik selalu tinggal."""
    opened, plan = _opened()
    db = opened.store.db
    ready_keys(db, plan)
    with at_work(opened.store, opened.clock, secrets.token_hex(8)):
        look(db, plan, opened.clock.now_ms())
        plan.place.sweep()
        pruned = prune(db, plan, opened.clock.now_ms())
    for name in pruned.sets:
        click.echo(name)
    click.echo(f"{len(pruned.sets)} cadangan dan {pruned.blobs} foto dibuang.", err=True)


def passphrase(settings: Settings) -> str:
    """The passphrase of the key file: from the setting, else asked for."""
    if settings.backup_passphrase:
        return settings.backup_passphrase
    found: str = click.prompt("Frasa sandi cadangan", hide_input=True, err=True)
    return found


def _new_passphrase(settings: Settings, known_words: list[str]) -> str:
    """A strong one: from the setting, typed twice, or made here and shown once."""
    if settings.backup_passphrase:
        weak = weakness(settings.backup_passphrase, known_words)
        if weak:
            raise click.ClickException(f"PADAN_BACKUP_PASSPHRASE: {weak}")
        return settings.backup_passphrase
    while True:
        typed: str = click.prompt(
            "Frasa sandi baru (kosong: dibuatkan)", hide_input=True, default="", show_default=False, err=True
        )
        if not typed:
            made = suggestion(secrets.randbelow)
            click.echo(f"\n    {made}\n\nTulis sekarang di lembar kunci; tidak ditampilkan lagi.", err=True)
            again: str = click.prompt("Ketik ulang", err=True)
            if again.strip() == made:
                return made
            click.echo("Tidak sama; ulangi.", err=True)
            continue
        weak = weakness(typed, known_words)
        if weak is None and click.prompt("Sekali lagi", hide_input=True, err=True) == typed:
            return typed
        click.echo(weak or "Tidak sama; ulangi.", err=True)


def _known_words(opened: Opened) -> list[str]:
    """What anybody would try first."""
    words = [opened.settings.campaign]
    try:
        areas = load_areas()
        for region in events.regions(opened.store.db):
            words += areas.label(region).replace(",", " ").split()
    except AreasMissing:
        pass
    return words


def _opened() -> tuple[Opened, Plan]:
    opened = open_server()
    configure_logging("warning")
    plan = plan_of(opened.settings)
    if plan is None:
        raise BackupProblem(NO_FOLDER)
    return opened, plan


@contextmanager
def _some_work_folder(settings: Settings) -> Iterator[Path]:
    """Beside the database, where that folder is; else a temporary one that only this account may read."""
    if settings.home.is_dir():
        with work_folder(settings.home / "backup-work-verify") as path:
            yield path
        return
    made = Path(tempfile.mkdtemp(prefix="padan-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _record(db: Connection, checked: Checked, now_ms: int) -> None:
    manifest = checked.manifest
    backups.record(
        db,
        manifest.set,
        created_ms=manifest.created_ms,
        epoch=manifest.epoch,
        positions=manifest.positions,
        manifest_sha256=checked.manifest_sha256,
        size=checked.bytes,
        now_ms=now_ms,
    )
    backups.blobs_spoiled(db, checked.spoiled, now_ms)


def _facts(checked: Checked) -> dict[str, object]:
    counts = checked.manifest.counts
    return {
        "events": counts.get("events", 0),
        "households": counts.get("households", 0),
        "folded": checked.folded,
        "blobs": checked.blobs,
        "blobs_hashed": checked.blobs_hashed,
        "blobs_spoiled": len(checked.spoiled),
        "full": checked.full,
    }


def _tell(checked: Checked) -> None:
    facts = _facts(checked)
    click.echo(
        f"{checked.manifest.set}: {facts['events']} kejadian, {facts['households']} keluarga; "
        f"{checked.folded} diolah ulang dan sama; {checked.blobs} foto, {checked.blobs_hashed} dibaca utuh"
    )
    for sha256 in checked.spoiled:
        click.echo(f"  foto {sha256} tidak ada atau rusak; cadangan berikutnya menulisnya lagi", err=True)
