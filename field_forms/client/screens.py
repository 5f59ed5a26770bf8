"""What the terminal shows: lists and one household, as lines of text. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from field_forms.client.standing import Status
from field_forms.client.store_feed import FULL, KnownHousehold
from field_forms.client.sync_result import SyncResult
from field_forms.client.typed import shown
from schemas.form import Dictionary

if TYPE_CHECKING:
    from field_forms.client.client import FieldClient

STATE_WORDS = {
    "listed": "terdaftar", "assigned": "ditugaskan", "submitted": "terkirim", "conflict": "bertentangan",
    "in_review": "diperiksa", "returned": "DIKEMBALIKAN", "approved": "disetujui", "ratified": "ditetapkan",
    "delivered": "dikirim ke registri", "accepted": "diterima registri", "rejected": "ditolak registri",
}  # fmt: skip
STEP_WORDS = {
    "hello": "Menyapa server", "have": "Menawarkan ulang", "push": "Mengirim", "deposit": "Menitipkan",
    "photos": "Mengirim foto",
    "feed": "Mengambil daftar", "forms": "Mengambil formulir",
}  # fmt: skip

FILE_WORDS = {
    "blob_too_large": "terlalu besar untuk server; laporkan kepada operator.",
    "blob_mismatch": "rusak di tablet ini: isinya tidak cocok lagi dengan formulir; foto ulang bila bisa.",
    "quota": "jatah foto yang belum selesai habis; dicoba lagi.",
    "disk_full": "server penuh; dicoba lagi.",
}


def household_line(known: KnownHousehold) -> str:
    """One line of the list."""
    state = known.data.get("state", "")
    mine = STATE_WORDS.get(state, state) if known.level == FULL else "bukan tugas Anda"
    return f"{known.household_id}  {known.area:13}  {known.label or '-'}  ({mine})"


def status_lines(status: Status) -> Iterator[str]:
    """The three numbers first."""
    yield f"Hanya di tablet ini : {status.tablet_only}"
    yield f"Diterima server     : {status.received}"
    yield f"Aman (ada cadangan) : {status.safe}"
    yield f"Draf                : {status.drafts}"
    yield f"Foto menunggu       : {status.photos_waiting} ({size_text(status.photo_bytes_waiting)})"
    yield f"Foto di server      : {status.photos_received}"
    yield f"Keluarga di daftar  : {status.households}"
    if status.photos_refused:
        yield f"Foto bermasalah     : {status.photos_refused} (padan field status --rinci)"
    if status.returned:
        yield f"Dikembalikan        : {status.returned} (padan field status --rinci)"
    if status.held:
        yield f"Ditahan             : {status.held} (padan field status --rinci)"
    if status.refused:
        yield f"Ditolak server      : {status.refused} (dicoba lagi pada sinkronisasi berikutnya)"


def detail_lines(client: FieldClient) -> Iterator[str]:
    """Returned records with comments at the questions, and held forms with the reason in words."""
    for each in client.returned():
        due = f", paling lambat {each.due}" if each.due else ""
        yield f"DIKEMBALIKAN {each.label or each.household_id}{due}: {each.note}"
        for path, comment in each.comments.items():
            yield f"  {question_label(client, path)}: {comment}"
    for held in client.held():
        yield f"DITAHAN {held.household_id} ({held.ref}): {held.words}"
    for file in client.files.troubled():
        why = FILE_WORDS.get(file.problem, f"belum diterima server ({file.problem})")
        yield f"FOTO {file.sha256[:16]} ({size_text(file.bytes)}): {why}"


def size_text(number: int) -> str:
    """Bytes as people read them."""
    return f"{number / 1024:.0f} KB" if number < 1024**2 else f"{number / 1024**2:.1f} MB".replace(".", ",")


def record_lines(client: FieldClient, known: KnownHousehold) -> Iterator[str]:
    """The merged record as questions and answers, with what is wrong or was sent back at the question."""
    yield household_line(known)
    data = known.data
    here = [each for each in client.returned() if each.household_id == known.household_id]
    comments = {path: text for each in here for path, text in each.comments.items()}
    known_forms = client.feed.dictionary()
    yield from _part_lines("h", data.get("household", {}), known_forms, comments)
    for person in data.get("persons", ()):
        away = f" -> pindah ke {person['moved_to']}" if person.get("moved_to") else ""
        yield f"--- anggota {person['key']}{away}"
        yield from _part_lines(f"p/{person['key']}", person.get("fields", {}), known_forms, comments)
    for conflict in data.get("conflicts", ()):
        yield f"PERBEDAAN: {conflict.get('kind', '')} {conflict.get('path', '')}".rstrip()
    for case in known.item.get("identity", ()):
        if not case.get("settled"):
            yield f"PERIKSA NIK: {case.get('kind', '')} {', '.join(case.get('persons', ()))}".rstrip()


def question_label(client: FieldClient, path: str) -> str:
    """A path as people read it: the question's label, and whose it is."""
    part, _, name = path.rpartition("/")
    question = client.feed.dictionary().field(part[:1], name)
    label = (question.label_id if question is not None else "") or name
    return f"{label} ({part.removeprefix('p/')[-12:]})" if part.startswith("p/") else label


def result_lines(result: SyncResult) -> Iterator[str]:
    """What a sync did."""
    if result.epoch_changed:
        yield "Server dipulihkan dari cadangan: semua formulir ditawarkan ulang."
    told = ", ".join(f"{number} {status}" for status, number in sorted(result.statuses.items()))
    yield f"Terkirim: {result.pushed}" + (f" ({told})" if told else "")
    yield f"Diterima dari server: {result.households} keluarga"
    if result.photos_sent or result.photos_waiting:
        sent = f"{result.photos_sent} ({size_text(result.photo_bytes_sent)} terpakai)"
        left = f", {result.photos_waiting} menunggu ({size_text(result.photo_bytes_waiting)})"
        yield f"Foto terkirim: {sent}" + (left if result.photos_waiting else "")
    if result.photos_dropped:
        yield f"Foto yang sudah aman dihapus dari tablet: {result.photos_dropped}"
    if result.returned_to_server:
        yield f"Dikembalikan ke server: {result.returned_to_server} keputusan"
    if result.fork:
        yield "Nomor urut tablet ini dipakai tablet lain (salinan?). Formulir aman; daftarkan ulang bila sempat."
    yield "Selesai." if result.complete else result.stopped


def _part_lines(
    part: str, fields: Mapping[str, Any], dictionary: Dictionary, comments: Mapping[str, str]
) -> Iterator[str]:
    for name, cell in fields.items():
        question = dictionary.field(part[:1], name)
        if "value" in cell or "state" in cell:
            text = shown(question, cell) if question is not None else str(cell.get("value", cell.get("state")))
            label = (question.label_id if question is not None else "") or name
            yield f"  {label}: {text}"
        if comment := comments.get(f"{part}/{name}"):
            yield f"    CATATAN PENGAWAS: {comment}"
