"""What `padan form` says about changes and their consequences, in the words of a form author. Text only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from field_forms.diff import ADDED, CHANGED, CHOICE, FORM, QUESTION, REMOVED, RENAMED, TEXT, Change, FormDiff
from server.clock import rfc3339_s
from server.flows.form_preview import Count, Preview
from server.flows.form_standing import FormsStanding, VersionStanding

CELL_CHARACTERS_MAX = 90
SCOPES: Mapping[str, str] = {"h": "keluarga", "p": "anggota", "e": "perubahan"}
COLUMN_WORDS: Mapping[str, str] = {
    "label": "tulisan", "label::English (en)": "tulisan Inggris", "hint": "petunjuk", "type": "jenis", "policy":
    "cara menggabung (policy)", "unit": "satuan gabung (unit)", "evidence": "sumber bukti", "sensitivity": "kepekaan",
    "deliver": "kolom registri (deliver)", "relevant": "syarat tampil (relevant)", "required": "wajib", "constraint":
    "aturan (constraint)", "constraint_message": "pesan aturan", "warning": "peringatan", "warning_message":
    "pesan peringatan", "calculation": "rumus", "choice_filter": "penyaring pilihan", "default": "isi awal", "readonly":
    "hanya dibaca", "appearance": "tampilan", "exclusive": "pilihan yang berdiri sendiri", "sticky":
    "kode yang tidak ditarik kembali", "yields": "kode yang mengalah", "upcast": "aturan jawaban lama (upcast)",
    "form_title": "judul", "order": "urutan",
}  # fmt: skip
HEADINGS: Sequence[tuple[str, str, str]] = (
    (QUESTION, ADDED, "Pertanyaan baru / questions added"),
    (QUESTION, REMOVED, "Tidak ditanyakan lagi / questions removed"),
    (QUESTION, RENAMED, "Diganti nama / questions renamed"),
    (QUESTION, CHANGED, "Pertanyaan berubah / questions changed"),
    (CHOICE, ADDED, "Pilihan baru / choices added"),
    (CHOICE, REMOVED, "Pilihan tidak ditawarkan lagi / choices removed"),
    (CHOICE, RENAMED, "Kode pilihan diganti / choices renamed"),
    (CHOICE, CHANGED, "Tulisan pilihan berubah / choices relabelled"),
    (TEXT, ADDED, "Catatan atau bagian baru / notes and groups added"),
    (TEXT, REMOVED, "Catatan atau bagian dihapus / notes and groups removed"),
    (TEXT, CHANGED, "Catatan atau bagian berubah / notes and groups changed"),
    (FORM, CHANGED, "Formulir / the form"),
)
UNITS: Mapping[str, str] = {"trial": "Mencoba gabung", "ratified": "Yang ditetapkan", "approved": "Yang disetujui",
                            "answers": "Menghitung jawaban"}  # fmt: skip
"""Step of a preview -> what is shown beside its bar."""


def diff_lines(diff: FormDiff) -> list[str]:
    """The differences, kind by kind."""
    if not diff.old_version:
        return [f"{diff.form_id} {diff.new_version}: terbit pertama kali, {len(diff.changes)} pertanyaan."]
    lines = [f"{diff.form_id}: {diff.old_version} -> {diff.new_version}"]
    for what, how, heading in HEADINGS:
        found = diff.of(what, how)
        if found:
            lines += ["", f"{heading} ({len(found)})", *(f"  {_line(each)}" for each in found)]
    return lines if diff.changes else [*lines, "  Tidak ada yang berubah / nothing changes."]


def figure_lines(preview: Preview) -> list[str]:
    """What it means, in figures."""
    trial, tablets = preview.trial, preview.tablets
    lines = ["", f"Akibatnya / consequences ({preview.households} keluarga tercatat)"]
    for held in preview.held:
        unread = f"; {held.unread} di antaranya tidak terbaca oleh aturan upcast" if held.unread else ""
        lines.append(f"  {held.name} ({SCOPES[held.scope]}): dijawab pada {held.households} keluarga{unread}")
    lines.append(f"  perlu ditetapkan lagi: {_count(preview.ratify_again)} keluarga yang sudah ditetapkan")
    lines.append(f"  perlu disetujui lagi: {_count(preview.approve_again)} keluarga yang sudah disetujui")
    lines.append(
        f"  uji gabung {trial.folded} keluarga: {trial.rewritten} ditulis ulang, {trial.values} berubah isinya, "
        f"{trial.states} berubah keadaannya, pertentangan +{trial.conflicts_opened} -{trial.conflicts_closed}"
    )
    if trial.examples:
        lines.append(f"  misalnya: {', '.join(household[:8] for household in trial.examples)}")
    if trial.waiting:
        lines.append(f"  {trial.waiting} keluarga belum dihitung: masih menunggu digabung")
    lines.append(
        f"  tablet: {tablets.told} dari {tablets.all} memberi kabar; {tablets.old_drafts} draf pada versi lain di "
        f"{tablets.with_old_drafts} tablet tetap diterima"
    )
    if preview.households:
        lines.append(f"  penggabungan ulang: sekitar {_duration(preview.refold_s)}; server tetap melayani")
    return lines


def standing_lines(standing: FormsStanding) -> list[str]:
    """The versions as `padan form list` shows them."""
    lines = [_version_line(each) for each in standing.versions]
    if standing.waiting:
        lines.append(f"{standing.waiting} keluarga menunggu digabung / households wait to be folded")
    return lines


def _version_line(version: VersionStanding) -> str:
    told = version.retirement
    use = "dipakai" if version.current else f"ditarik: {told.reason}" if told else "versi lama"
    tablets = f"  {version.tablets} tablet, {version.drafts} draf" if version.tablets or version.drafts else ""
    return (
        f"{version.form_id} {version.version}  {use}  {version.questions} pertanyaan  "
        f"{rfc3339_s(version.published_ms)} {version.published_by}  {version.hash[:12]}{tablets}"
    )


def _line(change: Change) -> str:
    if change.what == FORM:
        word = COLUMN_WORDS[change.column]
        return f"{word} berubah" if change.column == "order" else f"{word}: {_pair(change)}"
    if change.what == CHOICE:
        place = f"{change.name} {change.code!r} {_short(change.label)}"
        if change.how == RENAMED:
            return f"{change.name}: {change.old!r} menjadi {change.new!r} {_short(change.label)}"
        return f"{place}: {_pair(change)}" if change.how == CHANGED else place
    place = f"{change.name} ({SCOPES[change.scope]})" if change.scope else change.name
    if change.how == RENAMED:
        return f"{change.old} menjadi {change.new} ({SCOPES[change.scope]}) {_short(change.label)}"
    if change.how == CHANGED:
        return f"{place} {COLUMN_WORDS[change.column]}: {_pair(change)}"
    return f"{place} {_short(change.label)}"


def _pair(change: Change) -> str:
    return f"{_short(change.old) or '(kosong)'} -> {_short(change.new) or '(kosong)'}"


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= CELL_CHARACTERS_MAX else plain[: CELL_CHARACTERS_MAX - 3] + "..."


def _count(count: Count) -> str:
    return f"{count.value} dari {count.of}" if count.exact else f"sekitar {count.value} dari {count.of} (perkiraan)"


def _duration(seconds: int) -> str:
    return f"{seconds} detik" if seconds < 120 else f"{round(seconds / 60)} menit"
