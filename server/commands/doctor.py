"""`padan doctor`: is everything in order, and if not, what to do. Each check is one function that answers a `Finding`.

It changes nothing, opens the database once, and asks the registry at most one question.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import click
import requests

from field_forms.areas import AreasMissing, load_areas
from server.address import is_postgres
from server.blobs.folder import FolderBlobs
from server.clock import SystemClock, parse_rfc3339_ms
from server.commands._backup_finding import backup_finding
from server.commands._doctor_machine import examine_machine
from server.commands._finding import OK, WARNING, WRONG, Finding
from server.flows.erasure_ledger import LEDGER_FILE, LedgerUnreadable, read_ledger
from server.settings import Settings, load_settings, unknown_names
from server.store import blobs, cases, erasures, fold_queue, forms, households, keys, leases, unreadable
from server.store.database import Store, StoreError, StoreUnreachable
from server.store.migrations import pending

FREE_BYTES_MIN = 2 * 1024**3
"""A campaign of a kabupaten adds some 200 MB; a nightly backup needs as much again."""
QUEUE_AGE_MAX_MS = 10 * 60_000
PHOTO_MISSING_MAX_MS = 7 * 86_400_000
"""A tablet that syncs at all brings its photos within a week."""

PHOTO_WAITING_MAX_MS = 60 * 60_000
PULSE_AGE_MAX_MS = 10 * 60_000
BUILT_AFTER = "2026-01-01T00:00:00Z"
"""A clock before this is wrong: the program is younger."""


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="One JSON object as the answer.")
def command(as_json: bool) -> None:
    """Periksa pemasangan ini dan katakan apa yang perlu dilakukan. Ends with 1 if something is wrong."""
    settings = load_settings()
    findings = examine(settings)
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings]))
    else:
        for finding in findings:
            click.echo(f"[{_MARK[finding.status]}] {finding.check}: {finding.found}")
            if finding.do:
                click.echo(f"     -> {finding.do}")
    if any(finding.status == WRONG for finding in findings):
        sys.exit(1)


def examine(settings: Settings) -> list[Finding]:
    """All findings, in the order in which an operator would look."""
    findings = [_clock(), _names(), _areas(), _disk(settings), _database(settings)]
    if findings[-1].status != WRONG:
        store = Store(settings.database)
        findings += [check(store) for check in _STORE_CHECKS]
        findings.append(_erasures(settings, store))
        findings.append(backup_finding(settings, store))
        store.close()
    findings += [_photo_folder(settings), _registry(settings)]
    return findings + examine_machine(settings, SystemClock())


_MARK = {OK: " baik ", WARNING: "awas! ", WRONG: "SALAH!"}


def _clock() -> Finding:
    if SystemClock().now_ms() < parse_rfc3339_ms(BUILT_AFTER):
        return Finding("jam", WRONG, "jam mesin ini jauh tertinggal", "Setel jam (NTP): timedatectl set-ntp true")
    return Finding("jam", OK, "masuk akal")


def _names() -> Finding:
    strange = unknown_names()
    if strange:
        return Finding("nama setelan", WARNING, " ".join(strange), "Perbaiki atau hapus; lihat .env.example")
    return Finding("nama setelan", OK, "semua dikenal")


def _areas() -> Finding:
    try:
        return Finding("wilayah", OK, f"{len(load_areas())} wilayah")
    except AreasMissing as error:
        return Finding("wilayah", WRONG, str(error), "Jalankan: padan areas build")


def _disk(settings: Settings) -> Finding:
    folder = settings.home
    if not folder.exists():
        return Finding("diska", WRONG, f"folder {folder} tidak ada", f"Buat folder itu: mkdir -p {folder}")
    free = shutil.disk_usage(folder).free
    text = f"{free // 1024**2} MiB tersisa di {folder}"
    if free < FREE_BYTES_MIN:
        return Finding("diska", WARNING, text, "Kosongkan tempat sebelum tablet menyinkron.")
    return Finding("diska", OK, text)


def _database(settings: Settings) -> Finding:
    path = None if is_postgres(settings.database) else Path(settings.database)
    if path is not None and not path.exists():
        return Finding("basis data", WRONG, f"{path} belum ada", "Jalankan: padan migrate")
    try:
        store = Store(settings.database)
        waiting = pending(store)
        size = store.db.bytes_on_disk() // 1024**2
        store.close()
    except StoreUnreachable as error:
        return Finding("basis data", WRONG, str(error), "Jalankan server basis data, dan periksa PADAN_DATABASE.")
    except StoreError as error:
        return Finding("basis data", WRONG, str(error), "Pulihkan dari cadangan, atau periksa PADAN_DATABASE.")
    if waiting:
        return Finding("basis data", WRONG, f"kurang {len(waiting)} pemutakhiran", "Jalankan: padan migrate")
    if os.name == "posix" and path is not None and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return Finding("basis data", WARNING, f"{path} dapat dibaca akun lain", f"Jalankan: chmod 600 {path}")
    return Finding("basis data", OK, f"{settings.shown_database} ({size} MiB)")


def _forms(store: Store) -> Finding:
    published = forms.published_forms(store.db)
    if not published:
        return Finding("formulir", WRONG, "belum ada yang terbit", "Jalankan: padan form publish")
    return Finding("formulir", OK, ", ".join(sorted(f"{form.id} {form.version}" for form in published)))


def _queue(store: Store) -> Finding:
    length, oldest = fold_queue.length(store.db), fold_queue.oldest_ms(store.db)
    failed = fold_queue.failures(store.db)
    if failed:
        ids = ", ".join(str(row["household_id"]) for row in failed[:3])
        return Finding("antrean olah", WRONG, f"{len(failed)} keluarga gagal diolah: {ids}", "Lihat log `fold_failed`.")
    age_ms = 0 if oldest is None else SystemClock().now_ms() - oldest
    if age_ms > QUEUE_AGE_MAX_MS:
        return Finding("antrean olah", WARNING, f"{length} keluarga menunggu", "Jalankan padan serve atau worker.")
    return Finding("antrean olah", OK, f"{length} keluarga menunggu, {households.count(store.db)} catatan")


def _kept(store: Store) -> Finding:
    count = unreadable.count(store.db)
    if count:
        return Finding("kiriman tak terbaca", WARNING, f"{count} disimpan apa adanya", "Lihat: padan review kept")
    return Finding("kiriman tak terbaca", OK, "tidak ada")


def _cases(store: Store) -> Finding:
    counts = cases.counts(store.db)
    return Finding("perkara terbuka", OK, ", ".join(f"{kind} {n}" for kind, n in counts.items()) or "tidak ada")


def _erasures(settings: Settings, store: Store) -> Finding:
    """Whether each erasure was brought to its end, and whether the ledger knows all that this database knows."""
    path = settings.home / LEDGER_FILE
    public = {name: key.public for name, key in keys.all_keys(store.db, keys.SIGNING).items() if key.public}
    try:
        ledger = read_ledger(path, public)
    except LedgerUnreadable as error:
        return Finding("penghapusan", WRONG, str(error), "Kembalikan salinan buku penghapusan yang benar.")
    missing = erasures.refs(store.db) - {entry.ref for entry in ledger.entries}
    if missing:
        found = f"{len(missing)} penghapusan tidak ada di {path}"
        do = "Kembalikan salinannya: tanpa buku itu cadangan lama mengembalikan orang yang sudah dihapus."
        return Finding("penghapusan", WRONG, found, do)
    if ledger.unreadable:
        found = f"baris tidak terbaca di {path}: {', '.join(map(str, ledger.unreadable))}"
        do = "Baris yang terpotong saat mesin mati tidak apa-apa; selain itu, kembalikan salinan buku itu."
        return Finding("penghapusan", WARNING, found, do)
    if ledger.unfinished:
        found = f"{len(ledger.unfinished)} belum selesai"
        return Finding("penghapusan", WARNING, found, "Jalankan: padan erase finish")
    late = erasures.count_late(store.db)
    if late:
        return Finding("penghapusan", WARNING, f"{late} isian datang sesudahnya", "Baca: padan erase list")
    return Finding("penghapusan", OK, f"{len(ledger.entries)} tercatat, semua selesai")


def _photos(store: Store) -> Finding:
    counts, now_ms = blobs.counts(store.db), SystemClock().now_ms()
    ages = {state: now_ms - (blobs.oldest_ms(store.db, state) or now_ms) for state in (blobs.MISSING, blobs.WAITING)}
    text = f"{sum(counts[state] for state in blobs.WHOLE)} sudah sampai, {counts[blobs.MISSING]} belum"
    if ages[blobs.WAITING] > PHOTO_WAITING_MAX_MS:
        text += f", {counts[blobs.WAITING]} belum disiapkan untuk ditampilkan"
        return Finding("foto", WARNING, text, "Jalankan padan serve atau worker; lihat log `job_failed`.")
    if ages[blobs.MISSING] > PHOTO_MISSING_MAX_MS:
        days = ages[blobs.MISSING] // 86_400_000
        do = "Lihat: padan blobs missing. Minta petugas menyinkronkan tabletnya; bila tabletnya hilang: blobs give-up."
        return Finding("foto", WARNING, f"{text}; yang terlama ditunggu {days} hari", do)
    return Finding("foto", OK, text)


def _worker(store: Store) -> Finding:
    run = next((row for row in leases.job_runs(store.db) if row["job"] == leases.PULSE), None)
    if run is None or run["finished_ms"] is None:
        return Finding("pekerja", OK, "belum pernah berjalan; dijalankan oleh padan serve atau padan worker")
    age_ms = SystemClock().now_ms() - run["finished_ms"]
    if age_ms > PULSE_AGE_MAX_MS:
        do = "Jalankan padan serve (dengan PADAN_SCHEDULER=true) atau padan worker."
        return Finding("pekerja", WARNING, f"tidak berjalan sejak {age_ms // 60_000} menit", do)
    failed = [row["job"] for row in leases.job_runs(store.db) if row["outcome"] == "failed"]
    if failed:
        return Finding("pekerja", WARNING, f"gagal: {', '.join(failed)}", "Baca baris `job_failed` di log.")
    return Finding("pekerja", OK, "berjalan")


_STORE_CHECKS: tuple[Callable[[Store], Finding], ...] = (_forms, _queue, _kept, _cases, _photos, _worker)


def _photo_folder(settings: Settings) -> Finding:
    folder = FolderBlobs(settings.blobs)
    if not folder.writable():
        do = f"Jalankan: chown -R AKUN {settings.home}"
        return Finding("folder foto", WRONG, f"{settings.blobs} tidak dapat ditulisi akun ini", do)
    if os.name == "posix" and settings.blobs.exists() and settings.blobs.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        do = f"Jalankan: chmod 700 {settings.blobs}"
        return Finding("folder foto", WARNING, f"{settings.blobs} dapat dibaca akun lain", do)
    return Finding("folder foto", OK, str(settings.blobs))


def _registry(settings: Settings) -> Finding:
    if settings.registry_kind == "file":
        folder = Path(settings.registry_folder or ".")
        if not settings.registry_folder or not os.access(folder, os.W_OK):
            found = f"folder {settings.registry_folder or '(kosong)'} tidak ada atau tidak dapat ditulisi"
            return Finding("registri", WRONG, found, "Buat folder itu, atau setel PADAN_REGISTRY_FOLDER.")
        return Finding("registri", OK, f"berkas di {folder}")
    if not settings.registry_url:
        return Finding("registri", OK, "tidak disetel: data yang ditetapkan menunggu")
    try:
        requests.get(settings.registry_url, timeout=(3, 5))
    except requests.RequestException as error:
        return Finding(
            "registri", WARNING, f"tidak terjangkau ({type(error).__name__})", "Periksa jaringan dan alamat."
        )
    return Finding("registri", OK, f"{settings.registry_url} menjawab")
