"""`padan erase ...`: erasing a person or a whole household, for good (docs/operations.md, "Erasing a person").

A dry run shows everything first; the erasure itself asks for a word that is not typed by accident.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import click

from schemas.bodies import ERASURE_BASES
from schemas.paths import is_person_key
from schemas.problems import ProblemError
from server.blobs.folder import FolderBlobs
from server.commands import _erase_text as text
from server.commands._opening import Opened, as_staff, desk_for, note_access, open_server
from server.flows import erasure
from server.flows.blob_upkeep import forget_all
from server.flows.desk import Desk, Shown
from server.flows.erasure_ledger import LEDGER_FILE, LedgerUnreadable, read_ledger
from server.flows.erasure_plan import Pair, Plan, Wish, make_plan, subject_of
from server.flows.erasure_traces import deliveries_with
from server.flows.families import names_person
from server.log import get_logger
from server.registry.file_adapter import batches_naming
from server.store import devices, erasures, households, standings
from server.store.database import StoreError

DRY_RUN = click.option("--dry-run", is_flag=True, help="Hanya tampilkan apa yang akan dihapus.")
_log = get_logger()


@click.group("erase")
def command() -> None:
    """Penghapusan data pribadi (UU 27/2022) / erasing a person's data, for good."""


def _options(function: Callable[..., None]) -> Callable[..., None]:
    """What both kinds of erasure are asked with."""
    for option in reversed(
        (
            click.option("--basis", type=click.Choice(sorted(ERASURE_BASES)), help="Dasar hukum; wajib."),
            click.option("--reason", default="", help="Alasan, tanpa menyebut orangnya; disimpan untuk selamanya."),
            click.option("--number", default="", help="Nomor surat permohonan, tanpa nama."),
            click.option("--word", "words", multiple=True, help="Nama panggilan atau nomor lain yang ikut dicari."),
            click.option("--also", multiple=True, metavar="PATH", help="Hapus juga semua jawaban ini, mis. h/remark."),
            click.option("--keep", multiple=True, metavar="PATH", help="Biarkan jawaban ini, mis. h/address."),
            click.option("--keep-photos", is_flag=True, help="Foto keluarga tidak memuat orang itu: biarkan."),
            click.option("--with", "others", multiple=True, metavar="KUNCI", help="Kunci lain dari orang yang sama."),
            DRY_RUN,
            click.option("--yes", is_flag=True, help="Tanpa bertanya."),
            click.option("--json", "as_json", is_flag=True, help="Satu objek JSON sebagai jawaban."),
            as_staff,
        )
    ):
        function = option(function)
    return function


@command.command("person")
@click.argument("household")
@click.argument("person")
@_options
def person_(household: str, person: str, others: tuple[str, ...], staff: str | None, **asked: Any) -> None:
    """Hapus satu orang dari seluruh catatan.

    ORANG: kunci <keluarga>/<orang>, atau 8 huruf pertama nomor orangnya; lihat padan review show."""
    opened, desk, shown = _opened(household, staff)
    keys = {_key(shown, person), *(_full_key(each) for each in others)}
    _erase(opened, desk, shown, keys, (), **asked)


@command.command("household")
@click.argument("household")
@_options
def household_(household: str, others: tuple[str, ...], staff: str | None, **asked: Any) -> None:
    """Hapus seluruh isi satu keluarga dan semua anggotanya."""
    opened, desk, shown = _opened(household, staff)
    here = [person for person in shown.data["persons"] if person.get("moved_to", "outside") == "outside"]
    keys = {key for person in here for key in person["keys"]} | {_full_key(each) for each in others}
    _erase(opened, desk, shown, keys, (shown.household_id, *shown.stored.aliases), **asked)


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Satu objek JSON sebagai jawaban.")
def list_(as_json: bool) -> None:
    """Penghapusan yang pernah dilakukan, yang belum selesai, dan isian yang datang sesudahnya."""
    opened = open_server()
    ledger = _ledger(opened)
    late = erasures.late_parts(opened.store.db)
    if as_json:
        click.echo(json.dumps(text.ledger_json(ledger, late), ensure_ascii=False))
        return
    click.echo(text.ledger_text(ledger, late))


@command.command("finish")
def finish_() -> None:
    """Selesaikan penghapusan yang terputus, dan tulis ulang berkas basis data sekarang juga."""
    opened = open_server()
    done = _finish(opened, at_once=True)
    click.echo(text.finished_text(done) if done.refs or done.waits else "Tidak ada yang menunggu.")


def _opened(household: str, staff: str | None) -> tuple[Opened, Desk, Shown]:
    """The record, opened at the desk of somebody who may erase; the opening is written down."""
    opened = open_server()
    desk = desk_for(opened, staff)
    shown = desk.show(household, "erase")
    note_access(opened, desk, shown)
    return opened, desk, shown


def _erase(
    opened: Opened,
    desk: Desk,
    shown: Shown,
    keys: Iterable[str],
    whole: tuple[str, ...],
    *,
    basis: str | None,
    reason: str,
    number: str,
    words: tuple[str, ...],
    also: tuple[str, ...],
    keep: tuple[str, ...],
    keep_photos: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    wish = Wish(words, frozenset(also), frozenset(keep), keep_photos)
    db = opened.store.db
    region = shown.stored.home_region
    start = [(region, each) for each in (shown.household_id, *shown.stored.aliases)]
    subject, seen = subject_of(db, start, keys, whole)
    desk.require_filed("erase", {household: home for home, household in subject.households})
    plan = make_plan(db, opened.keys, subject, seen, wish)
    reach = _reach(opened, plan, shown)
    if dry_run:
        click.echo(json.dumps(text.plan_json(plan, reach)) if as_json else text.plan_text(plan, reach, shown.data))
        return
    if basis is None or not reason.strip():
        raise click.UsageError("Sebutkan --basis dan --reason. Lihat dulu apa yang akan dihapus: --dry-run")
    if not as_json:
        click.echo(text.plan_text(plan, reach, shown.data))
    if not yes:
        _confirm(min(subject.keys, default=shown.household_id), shown.household_id, bool(whole))
    order = erasure.Order(desk.staff.staff, shown.stored.area, basis, reason.strip(), number.strip())
    try:
        done = erasure.erase(
            db, opened.keys, opened.clock, subject, order, _path(opened), wish=wish, progress=text.tell
        )
    except LedgerUnreadable as error:
        raise click.ClickException(str(error)) from error
    _log.info("erased", ref=done.ref, staff=desk.staff.staff, households=done.households, rows=done.parts)
    finished = _finish(opened, at_once=False)
    if as_json:
        click.echo(json.dumps(text.done_json(done, finished, reach)))
    else:
        click.echo(text.done_text(done, finished, reach))


def _finish(opened: Opened, *, at_once: bool) -> erasure.Finished:
    """The rest: photos, and the database written anew. What can't be done now is done by the worker."""
    db, now_ms = opened.store.db, opened.clock.now_ms()
    try:
        return erasure.finish(
            db,
            opened.keys,
            _path(opened),
            now_ms,
            forget=partial(forget_all, db, FolderBlobs(opened.settings.blobs), now_ms=now_ms),
            at_once=at_once,
            progress=text.tell,
        )
    except LedgerUnreadable as error:
        raise click.ClickException(str(error)) from error
    except StoreError as error:
        click.echo(str(error), err=True)
        return erasure.Finished(waits="refused")


def _confirm(key: str, household_id: str, whole: bool) -> None:
    """Ask for the beginning of the id; anything else ends it, and nothing is erased."""
    wanted = household_id[:8] if whole else key.rpartition("/")[2][:8]
    what = "keluarga" if whole else "orang"
    said = click.prompt(f"Tidak dapat dikembalikan. Ketik 8 huruf pertama nomor {what} itu ({wanted})", default="")
    if said.strip() != wanted:
        raise click.ClickException("Tidak ada yang dihapus.")


def _reach(opened: Opened, plan: Plan, shown: Shown) -> text.Reach:
    """What the person stands in that this command does not empty by itself."""
    db, settings = opened.store.db, opened.settings
    pairs = plan.subject.households
    ids = {household for _, household in pairs}
    officers = set(shown.data["assigned"])
    folder = Path(settings.registry_folder) if settings.registry_kind == "file" and settings.registry_folder else None
    return text.Reach(
        deliveries=len(deliveries_with(db, pairs, plan.marks, plan.subject.whole)),
        standing=tuple(sorted(household for region, household in pairs if _stands(opened, region, household))),
        batches=tuple(batches_naming(folder, ids)) if folder is not None else (),
        tablets=tuple(each.install for each in devices.installs(db) if each.officer in officers),
        elsewhere=tuple(_named(opened, pair) for pair in plan.elsewhere),
        exports=str(settings.home),
    )


def _stands(opened: Opened, region: str, household: str) -> bool:
    found = standings.of(opened.store.db, region, [household]).get(household)
    return found is not None and found.standing.stands()


def _named(opened: Opened, pair: Pair) -> str:
    """Another who claims the same NIK, by key and area; no name."""
    household, key = pair
    stored = households.load(opened.store.db, household)
    return f"{key} (keluarga {household[:8]}, {stored.area if stored is not None else '-'})"


def _key(shown: Shown, person: str) -> str:
    """The key of a member of the record; a whole key also where nothing is left of it in the record."""
    fitting = [
        str(each["key"])
        for each in shown.data["persons"]
        if any(names_person(person, key) for key in each["keys"])
    ]
    if not fitting and is_person_key(person):
        return person
    if len(fitting) != 1:
        raise ProblemError(
            "not_found", f"Anggota {person} tidak ada di keluarga ini (atau tidak tunggal). Lihat: padan review show."
        )
    return fitting[0]


def _full_key(key: str) -> str:
    if not is_person_key(key):
        raise click.UsageError(f"--with {key}: tulis kunci lengkap <keluarga>/<orang>.")
    return key


def _path(opened: Opened) -> Path:
    return opened.settings.home / LEDGER_FILE


def _ledger(opened: Opened) -> Any:
    try:
        return read_ledger(_path(opened), opened.keys.public_keys)
    except LedgerUnreadable as error:
        raise click.ClickException(str(error)) from error
