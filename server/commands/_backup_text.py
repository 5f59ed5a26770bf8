"""What the commands of backups print: the list, the key sheet, progress. No question is asked here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from server.backups.folder import KEY_FILE
from server.backups.manifest import Manifest
from server.backups.retention import wib
from server.flows.backup_verify import Told
from server.flows.returned import Account, Gap
from server.store.backups import DAMAGED, GOOD, MISSING, Backup

STATES = {GOOD: "baik", MISSING: "TIDAK ADA", DAMAGED: "RUSAK", "": "belum diperiksa di sini"}
GAPS_SHOWN = 50


@contextmanager
def progress(text: str) -> Iterator[Told]:
    """A bar on standard error: what is being done, and how far it is."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, transient=True, console=Console(stderr=True)) as bar:
        task = bar.add_task(text, total=None)
        yield lambda step, done, of: bar.update(task, description=step, completed=done, total=of or None)


def moment(at_ms: int) -> str:
    """`21-11-2026 02:00 WIB`."""
    return wib(at_ms).strftime("%d-%m-%Y %H:%M WIB")


def size(count: int) -> str:
    """A number of bytes for people."""
    return f"{count / 1024**2:.1f} MiB"


def set_line(name: str, row: Backup | None, manifest: Manifest | None) -> str:
    """A line of the list of backups."""
    about = "manifest tidak terbaca"
    if manifest is not None:
        about = (
            f"{moment(manifest.created_ms)}  {size(manifest.size):>11}  {manifest.counts.get('events', 0):>9} kejadian"
        )
    state = STATES[row.state if row is not None else ""]
    return f"{name}  {about}  {state}" + (f"  {row.problem}" if row is not None and row.problem else "")


def set_as_json(name: str, row: Backup | None, manifest: Manifest | None) -> dict[str, object]:
    """The same for programs."""
    told: dict[str, object] = {"set": name, "state": "unknown" if row is None else row.state}
    told["problem"] = "" if row is None else row.problem
    if manifest is not None:
        told |= {"created": manifest.created, "bytes": manifest.size, "events": manifest.counts.get("events", 0)}
    return told


def sheet(campaign: str, folder: Path, recipient: str, now_ms: int) -> str:
    """The key sheet: everything that is needed for a restore but the passphrase, which is written on it by hand."""
    line = "=" * 72
    return f"""{line}
LEMBAR KUNCI CADANGAN PADAN                        {moment(now_ms)}

Kegiatan       {campaign}
Folder         {folder}
Berkas kunci   {folder / KEY_FILE}
Kunci          {recipient}

Frasa sandi    ______________________________________________________

               (tulis tangan; tidak disimpan di mana pun)

Memulihkan, di komputer mana pun yang ada Padan dan folder ini:
    padan restore terbaru --from FOLDER
Simpan lembar ini di brankas, TERPISAH dari diska cadangan. Tanpa frasa
sandi, cadangan tidak dapat dibuka oleh siapa pun, juga oleh pembuatnya.
{line}"""


def account_lines(found: Account | None) -> Iterator[str]:
    """The account of places after a restore, in words."""
    if found is None:
        yield "Basis data ini tidak pernah dipulihkan dari cadangan."
        return
    restore = found.restore
    yield f"Dipulihkan {moment(restore.restored_ms)} dari cadangan {restore.set_name} ({moment(restore.created_ms)})."
    if not found.stretches:
        yield "Belum ada tablet yang mengembalikan kejadian dari masa setelah cadangan itu."
    for each in found.stretches:
        yield (
            f"{each.home_region}: cadangan sampai posisi {each.restored_to}, kabar terjauh {each.told_to}; "
            f"kembali {each.returned}, tidak kembali {each.missing}"
        )
        for gap in each.gaps[:GAPS_SHOWN]:
            yield f"    {_places(gap)}{_when(gap)}"
        if len(each.gaps) > GAPS_SHOWN:
            yield f"    ... dan {len(each.gaps) - GAPS_SHOWN} lagi (--json untuk semua)"
    if found.silent:
        yield f"{len(found.silent)} tablet belum terdengar sejak pemulihan; daftar ini masih dapat memendek:"
        yield from (f"    {install}" for install in found.silent)
    yield "Posisi setelah kabar terjauh tidak diketahui siapa pun. Periksa keputusan dan penetapan pada waktu itu."


def _places(gap: Gap) -> str:
    return str(gap.first) if gap.first == gap.last else f"{gap.first}-{gap.last}"


def _when(gap: Gap) -> str:
    if not (gap.since or gap.until):
        return ""
    return f"   antara {gap.since or '?'} dan {gap.until or '?'}"
