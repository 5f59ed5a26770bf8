"""The mirror's file: its tables, opening it, and what SQLite's errors mean to whoever runs the pull (docs/pusat.md).

The file belongs to the central office and to no server: it is read with any SQLite program, Datasette first of all.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server.mirror.problem import MirrorProblem

APPLICATION_ID = 0x5041444D
"""`PADM`, in the file's header: a file of another program is not written into."""

LAYOUT_VERSION = 2
BUSY_TIMEOUT_MS = 5_000
CACHE_KIB = 32_768

TABLES = (
    """create table households (
         household_id text primary key, home_region text not null, area text not null, state text not null,
         position integer not null, data text not null, identity text not null, generation integer not null
       ) strict""",
    "create index households_area on households (area, state)",
    """create table aliases (
         household_id text primary key, canonical_id text not null, home_region text not null,
         generation integer not null
       ) strict""",
    "create index aliases_canonical on aliases (canonical_id)",
    """create table erasures (
         household_id text primary key, home_region text not null, noted text not null
       ) strict""",
    """create table pull_state (
         id integer primary key check (id = 1), server_url text not null, server_id text not null,
         epoch text not null, area text, cursor text not null, generation integer not null,
         rebuilding integer not null, pages integer not null, pulled_at text not null, complete_at text
       ) strict""",
    """create table forms (
         id text not null, version text not null, hash text not null, definition text not null,
         retired integer not null default 0,
         primary key (id, version)
       ) strict""",
    """create table kamus (
         tabel text not null, kolom text not null, pertanyaan text not null, sumbu text not null,
         label text not null, label_en text not null, jenis text not null, kode text not null,
         kepekaan text not null, formulir text not null, versi text not null, urutan integer not null,
         primary key (tabel, kolom)
       ) strict""",
    # Columns without a type keep what they are given: a NIK stays a text, a number a number.
    """create table keluarga (
         household_id text primary key references households (household_id), home_region text, area text, state text,
         petugas text, jumlah_anggota integer, bertentangan integer, menunggu integer, kasus_nik integer, tanda text,
         tanpa_nilai text
       )""",
    "create index keluarga_area on keluarga (area)",
    "create index keluarga_state on keluarga (state)",
    """create table anggota (
         household_id text not null references keluarga (household_id), person_key text not null, urutan integer,
         area text, state text, umur integer, pindah_ke text, kunci_lain text, tanda text, tanpa_nilai text,
         primary key (household_id, person_key)
       )""",
    "create index anggota_area on anggota (area)",
    """create table perubahan (
         household_id text not null references keluarga (household_id), ref text not null, jenis text,
         person_key text, area text, tanpa_nilai text,
         primary key (household_id, ref)
       )""",
)


def open_mirror(path: Path) -> sqlite3.Connection:
    """Open or make the file. Raises `MirrorProblem` where it is not a mirror or cannot be written."""
    with explained(path):
        raw = sqlite3.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000, cached_statements=512)
        try:
            _prepare(raw, path)
        except BaseException:
            raw.close()
            raise
    return raw


@contextmanager
def transaction(raw: sqlite3.Connection, path: Path) -> Iterator[None]:
    """All or nothing; only one pull at a time writes to a mirror."""
    with explained(path):
        raw.execute("begin immediate")
        try:
            yield
            raw.execute("commit")
        except BaseException:
            if raw.in_transaction:
                raw.execute("rollback")
            raise


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """SQLite's errors as sentences."""
    try:
        yield
    except sqlite3.Error as error:
        raise MirrorProblem(_sentence(error, path)) from error


def _prepare(raw: sqlite3.Connection, path: Path) -> None:
    raw.execute(f"pragma busy_timeout = {BUSY_TIMEOUT_MS}")
    known = raw.execute("pragma application_id").fetchone()[0]
    version = raw.execute("pragma user_version").fetchone()[0]
    empty = raw.execute("select count(*) from sqlite_master").fetchone()[0] == 0
    if known != APPLICATION_ID and not (known == 0 and empty):
        raise MirrorProblem(f"{path}: berkas ini bukan cermin Padan. Pilih nama berkas lain; tidak ada yang diubah.")
    if version > LAYOUT_VERSION:
        raise MirrorProblem(f"{path}: dibuat oleh Padan yang lebih baru ({version}). Perbarui Padan di mesin ini.")
    raw.execute("pragma journal_mode = wal")
    raw.execute("pragma synchronous = normal")  # a page lost to a power cut is pulled again
    raw.execute(f"pragma cache_size = -{CACHE_KIB}")
    raw.execute("pragma secure_delete = on")  # what was erased at the server is not left over in the file
    if empty:
        with transaction(raw, path):
            raw.execute(f"pragma application_id = {APPLICATION_ID}")
            raw.execute(f"pragma user_version = {LAYOUT_VERSION}")
            for statement in TABLES:
                raw.execute(statement)
    elif version < LAYOUT_VERSION:
        with transaction(raw, path):
            raw.execute("alter table forms add column retired integer not null default 0")
            raw.execute(f"pragma user_version = {LAYOUT_VERSION}")


def _sentence(error: sqlite3.Error, path: Path) -> str:
    name = getattr(error, "sqlite_errorname", "") or ""
    if name == "SQLITE_FULL":
        return (
            f"{path}: diska penuh. Halaman terakhir dibatalkan, yang sebelumnya aman. "
            "Kosongkan tempat, lalu jalankan lagi perintah yang sama."
        )
    if name.startswith("SQLITE_IOERR"):
        return f"{path}: diska menolak menulis ({name}). Halaman terakhir dibatalkan, yang sebelumnya aman."
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return f"{path}: sedang dipakai tarikan lain. Tunggu sampai selesai, lalu coba lagi."
    if name in ("SQLITE_NOTADB", "SQLITE_CORRUPT"):
        return f"{path}: bukan berkas SQLite, atau rusak. Pilih nama lain, atau hapus dan tarik dari awal."
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM")):
        return f"{path}: tidak dapat dibuka atau ditulis. Periksa folder dan izinnya."
    return f"{path}: SQLite gagal ({name or type(error).__name__})."
