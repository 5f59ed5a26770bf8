"""`padan import-prelist` and `padan prelist`: take in a source list, look at it first, undo it."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from field_forms.areas import AreasMissing, load_areas, load_retired_prefixes
from schemas.areas import REGENCY, AreaTable, is_area, level_of
from schemas.ids import uuid7
from schemas.prelist import PrelistFamily
from schemas.prelist_problems import ERROR, RowProblem
from schemas.problems import ProblemError
from server.commands._opening import Opened, open_server
from server.flows.fold import fold_all
from server.flows.import_prelist import Order, import_families, preview_diff, undo_import
from server.prelist import (
    ColumnMapping,
    MappingError,
    PrelistUnreadable,
    builtin_mappings,
    dry_run,
    load_mapping,
    read_prelist,
)
from server.prelist.report import PrelistReport
from server.store import imports

ELSEWHERE_MAX = 20
CONSOLE_ACTOR = "konsol"
"""Who the log names for what is done on the server's own console."""


@click.command("import-prelist")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--regency", required=True, metavar="KODE", help="Kabupaten/kota daftar ini, mis. 19.03.")
@click.option("--vintage", required=True, help="Nama angkatan data, mis. 2026-1; angkatan baru menggantikan yang lama.")
@click.option("--source", help="p3ke, dtsen, dtks, usulan; bawaan: menurut pemetaan.")
@click.option(
    "--mapping", default="p3ke", show_default=True, help=f"{', '.join(builtin_mappings())}, atau berkas TOML."
)
@click.option(
    "--retired",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="CSV",
    help="Kode kecamatan lama pada NIK, satu per baris; diberi peringatan tersendiri.",
)
@click.option(
    "--on",
    "on",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="TANGGAL",
    help="Tanggal daftar; umur dihitung pada hari itu.",
)
@click.option("--dry-run", "only_look", is_flag=True, help="Hanya lihat: jumlah, baris pertama, masalah per baris.")
@click.option("--json", "as_json", is_flag=True, help="Jawaban sebagai satu objek JSON.")
def import_prelist(
    file: Path,
    regency: str,
    vintage: str,
    source: str | None,
    mapping: str,
    retired: Path | None,
    on: datetime | None,
    only_look: bool,
    as_json: bool,
) -> None:
    """Masukkan daftar keluarga (P3KE, DTSEN; CSV atau XLSX) / import a source list."""
    opened = open_server()
    try:
        columns = load_mapping(mapping)
        source_list = SourceList(
            file,
            columns,
            _areas_with(regency),
            _retired(retired),
            on.date() if on else None,
        )
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        order = Order(
            source or columns.source, vintage.strip(), regency, file.name, digest, CONSOLE_ACTOR, columns.evidence
        )
        if not order.vintage:
            raise click.UsageError("--vintage kosong: beri nama angkatan data, mis. 2026-1.")
        if only_look:
            _look(opened, source_list, order, as_json)
        else:
            _import(opened, source_list, order, as_json)
    except (AreasMissing, MappingError, PrelistUnreadable) as error:
        raise click.ClickException(str(error)) from error


@dataclass(frozen=True, slots=True)
class SourceList:
    """A file and how it is read."""

    file: Path
    columns: ColumnMapping
    areas: AreaTable
    retired: frozenset[str]
    on: date | None

    def items(self, region: str) -> Iterable[PrelistFamily | RowProblem]:
        """Families and problems, streamed."""
        return read_prelist(self.file, self.columns, self.areas, region, retired=self.retired, on=self.on)


def _retired(path: Path | None) -> frozenset[str]:
    try:
        return load_retired_prefixes(path) if path else frozenset()
    except ValueError as error:
        raise click.ClickException(str(error)) from error


def _areas_with(regency: str) -> AreaTable:
    areas = load_areas()
    if not is_area(regency) or level_of(regency) != REGENCY or regency not in areas:
        raise click.UsageError(f"--regency {regency}: tidak ada kabupaten/kota dengan kode itu (contoh: 19.03).")
    return areas


@click.group("prelist")
def group() -> None:
    """Impor yang pernah dijalankan / past imports."""


@group.command("list")
def list_() -> None:
    """Semua impor, yang lama di atas."""
    for run in imports.all_imports(open_server().store.db):
        state = "dibatalkan" if run.undone_ms else "selesai" if run.finished_ms else "terputus"
        families = run.summary.get("families", "-")
        click.echo(f"{run.import_id}  {run.home_region}  {run.source} {run.vintage}  {families} keluarga  {state}")


@group.command("undo")
@click.argument("import_id")
@click.confirmation_option(prompt="Batalkan seluruh impor ini? Isian petugas tetap ada.")
def undo(import_id: str) -> None:
    """Batalkan satu impor; mengimpor berkas yang sama lagi mengembalikannya."""
    opened = open_server()
    run = imports.import_of(opened.store.db, import_id)
    if run is None:
        raise ProblemError("not_found", f"Impor {import_id} tidak ada; lihat: padan prelist list")
    count = undo_import(opened.store.db, opened.keys, run, actor=CONSOLE_ACTOR, now_ms=opened.clock.now_ms())
    fold_all(opened.store.db, opened.keys, opened.clock.now_ms())
    click.echo(f"{count} keluarga dikeluarkan dari catatan.")
    if not count:
        others = [
            each.import_id
            for each in imports.of_vintage(opened.store.db, run.home_region, run.source, run.vintage)
            if each.undone_ms is None
        ]
        hint = f" Keluarganya masuk lewat impor {', '.join(others)}." if others else ""
        click.echo(f"Impor ini tidak memasukkan keluarga baru.{hint}")


commands = (import_prelist, group)


def _look(opened: Opened, source_list: SourceList, order: Order, as_json: bool) -> None:
    digests: dict[str, str] = {}

    def noted() -> Iterator[PrelistFamily | RowProblem]:
        for item in source_list.items(order.home_region):
            if isinstance(item, PrelistFamily):
                digests[item.family_id] = item.digest
            yield item

    report: PrelistReport = dry_run(noted())
    report.diff = preview_diff(opened.store.db, order, digests)
    click.echo(json.dumps(report.to_json()) if as_json else "\n".join(report.lines(source_list.areas)))


def _import(opened: Opened, source_list: SourceList, order: Order, as_json: bool) -> None:
    problems: Counter[str] = Counter()

    def families() -> Iterator[PrelistFamily]:
        for item in source_list.items(order.home_region):
            if isinstance(item, PrelistFamily):
                yield item
                continue
            problems[item.code] += 1
            if item.severity == ERROR and not as_json:
                click.echo(f"{item.place()}: {item.message()}", err=True)

    now_ms, begun_ms = opened.clock.now_ms(), opened.clock.monotonic_ms()
    with _bar() as bar:
        task = bar.add_task("Memasukkan", total=None)
        outcome = import_families(
            opened.store.db,
            opened.keys,
            order,
            families(),
            import_id=uuid7(now_ms, secrets.token_bytes(10)),
            now_ms=now_ms,
            progress=lambda done: bar.update(task, completed=done),
        )
        read_ms = opened.clock.monotonic_ms()
        bar.update(task, description="Mengolah", total=outcome.families, completed=0)
        fold_all(opened.store.db, opened.keys, opened.clock.now_ms(), lambda done: bar.update(task, completed=done))
    answer = outcome.to_json() | {"problems": dict(sorted(problems.items()))}
    spent_ms = {"reading_ms": read_ms - begun_ms, "folding_ms": opened.clock.monotonic_ms() - read_ms}
    answer["spent"] = spent_ms
    if as_json:
        click.echo(json.dumps(answer))
        return
    click.echo(f"{outcome.families} keluarga dimasukkan ({outcome.fresh} baru). Impor {outcome.import_id}")
    if outcome.diff is not None:
        parts = {"baru": outcome.diff.new, "hilang": outcome.diff.gone, "berubah": outcome.diff.changed}
        click.echo(f"Dibanding {outcome.predecessor}: " + ", ".join(f"{len(v)} {name}" for name, v in parts.items()))
    if outcome.restored:
        click.echo(f"{outcome.restored} keluarga yang pernah dibatalkan berlaku lagi.")
    if outcome.elsewhere:
        shown = ", ".join(
            f"{family} ({region})" for family, region in sorted(outcome.elsewhere.items())[:ELSEWHERE_MAX]
        )
        more = len(outcome.elsewhere) - ELSEWHERE_MAX
        click.echo(
            f"{len(outcome.elsewhere)} keluarga juga ada pada daftar kabupaten lain, mungkin pindah: {shown}"
            + (f" dan {more} lagi" if more > 0 else "")
            + ". Periksa, lalu: padan review move, atau padan review verdict ... moved."
        )
    if problems:
        click.echo("Masalah: " + ", ".join(f"{code} {count}" for code, count in problems.most_common()))


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, transient=True, console=Console(stderr=True))
