"""How an erasure looks in a terminal: what would go, what was done, and what cannot be reached from here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import click

from schemas.nik import mask_nik
from server.flows.erasure import Done, Finished
from server.flows.erasure_ledger import Ledger
from server.flows.erasure_plan import Plan
from server.store.erasures import ErasedPart
from sync.erasure import BASES, path_of

TEXT_CHARACTERS_MAX = 100
STEPS: Mapping[str, str] = {
    "plan": "Mencari di seluruh buku besar ...",
    "empty": "Mengosongkan ...",
    "rewrite": "Menulis ulang basis data; pengiriman tablet menunggu sebentar ...",
}
WAITS: Mapping[str, str] = {
    "large": "Basis data besar: ditulis ulang malam ini oleh pekerja, atau sekarang dengan: padan erase finish",
    "readers": "Masih ada yang membaca keadaan lama; pekerja menyelesaikannya, atau: padan erase finish",
    "refused": "Basis data belum dapat ditulis ulang; pekerja mencoba lagi, atau: padan erase finish",
}


@dataclass(frozen=True, slots=True)
class Reach:
    """Where else the person stands. `exports`: the folder of the ledger and the access log."""

    deliveries: int
    standing: tuple[str, ...]
    batches: tuple[str, ...]
    tablets: tuple[str, ...]
    elsewhere: tuple[str, ...]
    exports: str = field(repr=False)


def tell(step: str) -> None:
    """Progress on standard error."""
    click.echo(STEPS[step], err=True)


def plan_text(plan: Plan, reach: Reach, data: Mapping[str, Any]) -> str:
    """The dry run: for somebody who has to be sure that it is this person."""
    lines = ["Akan dihapus untuk selamanya:"]
    for person in data["persons"]:
        if plan.subject.keys & set(person["keys"]):
            said = {name: item.get("value", "-") for name, item in person["fields"].items()}
            nik = mask_nik(said["nik"]) if isinstance(said.get("nik"), str) and said["nik"] != "-" else "-"
            lines.append(f"  {said.get('m_name', '-')}   NIK {nik}   {said.get('birth_date', '-')}   {person['key']}")
    lines += [f"  seluruh keluarga {household}" for household in sorted(plan.subject.whole)]
    lines.append(f"  keluarga yang disentuh: {', '.join(each[:8] for _, each in plan.subject.households)}")
    whole = [taken for taken in plan.taken if taken.pointers is None]
    lines.append(f"  {plan.events} kejadian, {len(whole)} bagian seluruhnya, {len(plan.files)} foto atau tanda tangan")
    for path, count in sorted(_answers(plan).items()):
        lines.append(f"  jawaban tentang orang lain yang menyebutnya, dikosongkan: {path} ({count} kali)")
    lines.append(f"  {reach.deliveries} kiriman ke registri dikosongkan isinya")
    if plan.left:
        lines += ["", "Tulisan bebas yang TIDAK dihapus; bacalah, lalu pakai --also PATH atau --word KATA bila perlu:"]
        lines += [f"  {left.path}: {_short(left.text)}" for left in plan.left]
    return "\n".join([*lines, *_elsewhere(reach)])


def plan_json(plan: Plan, reach: Reach) -> dict[str, Any]:
    """The same for programs, in counts: no name and no text."""
    return {
        "persons": sorted(plan.subject.keys),
        "households": sorted(household for _, household in plan.subject.households),
        "whole": sorted(plan.subject.whole),
        "events": plan.events,
        "parts": sum(taken.pointers is None for taken in plan.taken),
        "answers": _answers(plan),
        "files": len(plan.files),
        "left": dict(Counter(left.path for left in plan.left)),
        "reach": asdict(reach),
    }


def done_text(done: Done, finished: Finished, reach: Reach) -> str:
    """What was done, and what people have to do."""
    lines = [
        f"Dihapus: {done.parts} bagian di {done.households} keluarga, {done.deliveries} kiriman, {done.kept} simpanan. "
        f"Kejadian {done.ref}",
        finished_text(finished),
    ]
    if done.closed_boxes:
        lines.append(f"{done.closed_boxes} kotak titipan tidak dapat dibuka di sini; disaring saat dibuka nanti.")
    return "\n".join([*lines, *_to_do(reach)])


def done_json(done: Done, finished: Finished, reach: Reach) -> dict[str, Any]:
    """The same for programs."""
    return {**asdict(done), "rewritten": finished.rewritten, "waits": finished.waits, "reach": asdict(reach)}


def finished_text(finished: Finished) -> str:
    """Whether the file itself is clean."""
    if finished.waits:
        return WAITS[finished.waits]
    if not finished.rewritten:
        return "Sudah selesai."
    return f"Basis data ditulis ulang; {finished.files} berkas foto dibuang."


def ledger_text(ledger: Ledger, late: Sequence[ErasedPart]) -> str:
    """Every erasure, what waits, and what came in afterwards."""
    open_refs = {entry.ref for entry in ledger.unfinished}
    lines = []
    for entry in ledger.entries:
        body, state = entry.envelope["head"]["body"], "BELUM SELESAI" if entry.ref in open_refs else "selesai"
        lines.append(f"{entry.envelope['head']['not_before']}  {entry.ref}  {state}  {len(body['persons'])} orang")
        lines.append(f"    {BASES.get(body.get('basis', ''), '-')}")
        lines.append(f"    {entry.envelope['parts'][0]['text'].get('reason', '-')}")
    if open_refs:
        lines.append("Selesaikan dengan: padan erase finish")
    lines += [f"Baris {number} buku penghapusan tidak terbaca." for number in ledger.unreadable]
    if late:
        lines.append("Datang sesudah penghapusan; yang dikenali sudah disaring. Bacalah catatan keluarganya:")
        lines += [f"  {part.home_region}  {part.ref}  {part.part}" for part in late]
    return "\n".join(lines) or "Belum pernah ada."


def ledger_json(ledger: Ledger, late: Sequence[ErasedPart]) -> dict[str, Any]:
    """The same for programs."""
    return {
        "erasures": [{"ref": entry.ref, "persons": list(entry.persons)} for entry in ledger.entries],
        "unfinished": [entry.ref for entry in ledger.unfinished],
        "unreadable": list(ledger.unreadable),
        "late": [{"home_region": part.home_region, "ref": part.ref, "part": part.part} for part in late],
    }


def _answers(plan: Plan) -> dict[str, int]:
    """Path -> how often an answer under it is emptied."""
    return dict(Counter(path_of(taken.part, each) for taken in plan.taken for each in taken.pointers or ()))


def _elsewhere(reach: Reach) -> list[str]:
    if not reach.elsewhere:
        return []
    lines = ["", "NIK yang sama juga ada pada orang lain. Bila orangnya sama, sertakan dengan --with KUNCI:"]
    return [*lines, *(f"  {each}" for each in reach.elsewhere)]


def _to_do(reach: Reach) -> list[str]:
    """What lies outside: each line says what to do about it."""
    lines = ["", "Di luar jangkauan perintah ini:"]
    lines += [
        f"  registri masih memuat keluarga {each[:8]} seperti semula: setujui dan tetapkan lagi, atau tarik dengan "
        f"padan delivery withdraw {each}"
        for each in (reach.standing if reach.deliveries else ())
    ]
    lines += [f"  bungkusan {each} untuk registri: hapus, dan beri tahu penerimanya" for each in reach.batches]
    lines += [f"  tablet {each}: lupa pada sinkron berikutnya" for each in reach.tablets]
    lines.append("  cermin (padan pull): lupa pada tarikan berikutnya")
    lines.append("  berkas ekspor, cetakan, surat elektronik: cari dan musnahkan; beri tahu penerimanya")
    lines.append(
        f"  cadangan lama masih memuatnya sampai diputar keluar; simpan salinan {reach.exports}/erasures.jsonl di luar "
        "mesin ini, agar pemulihan tidak mengembalikannya"
    )
    return [*lines, *_elsewhere(reach)]


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TEXT_CHARACTERS_MAX else line[:TEXT_CHARACTERS_MAX] + "..."
