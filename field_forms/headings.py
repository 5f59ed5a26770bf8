"""Headings of a sheet: one name for each way of writing it, and a suggestion for what is no heading at all.

Spreadsheets are typed by hand: `List Name`, `relevance`, `label :: Bahasa Indonesia(id)` mean what they mean to ODK.
A heading that begins with `#` is the author's own note and is not read.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping

from field_forms.form_problem import FormProblem

OWN_COLUMNS = (
    "warning", "derive", "policy", "unit", "evidence", "sensitivity", "deliver", "exclusive", "sticky", "yields",
    "aliases", "upcast", "core",
)  # fmt: skip
"""Columns of Padan's own, which pyxform does not get to see (`warning_message` beside them)."""

PLAIN_COLUMNS = (
    "type", "name", "required", "relevant", "constraint", "calculation", "choice_filter", "appearance", "parameters",
    "readonly", "default",
)  # fmt: skip
TEXT_COLUMNS = ("label", "hint", "constraint_message", "required_message", "warning_message")
CHOICE_COLUMNS = ("list_name", "name", "aliases")
SETTING_COLUMNS = ("form_title", "form_id", "version", "default_language", "part", "removed", "instance_name")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "survey": (*PLAIN_COLUMNS, *OWN_COLUMNS),
    "choices": CHOICE_COLUMNS,
    "settings": SETTING_COLUMNS,
}
"""Sheet -> its columns, those with a text in each language (`TEXT_COLUMNS`) apart."""

INDONESIAN, ENGLISH = "Bahasa Indonesia (id)", "English (en)"
NOTE_MARK = "#"

_SPELT: Mapping[str, str] = {
    "relevance": "relevant", "read_only": "readonly", "calculate": "calculation", "choice_filters": "choice_filter",
    "title": "form_title", "id_string": "form_id", "constraint_msg": "constraint_message", "required_msg":
    "required_message", "caption": "label", "listname": "list_name",
}  # fmt: skip
_MEANT: Mapping[str, str] = {
    "tipe": "type", "jenis": "type", "nama": "name", "kode": "name", "pertanyaan": "label", "teks": "label",
    "petunjuk": "hint", "wajib": "required", "relevan": "relevant", "syarat": "relevant", "batasan": "constraint",
    "aturan": "constraint", "pesan": "constraint_message", "rumus": "calculation", "perhitungan": "calculation",
    "daftar": "list_name", "nama_daftar": "list_name", "pilihan": "list_name", "versi": "version", "judul":
    "form_title", "bagian": "part", "nama_lama": "aliases", "kode_lama": "aliases", "dihapus": "removed",
    "penyaring": "choice_filter", "tampilan": "appearance", "bawaan": "default", "kebijakan": "policy",
    "bukti": "evidence", "kepekaan": "sensitivity", "kirim": "deliver", "peringatan": "warning",
}  # fmt: skip
"""What people write, and the column they mean: told, not guessed, for `jenis` may also be a column of their own."""


def heading_of(table: str, written: str) -> str:
    """The heading as everything else knows it; what is no heading comes back as it was written."""
    if written.startswith(NOTE_MARK):
        return written
    base, separator, language = written.partition("::")
    name = re.sub(r"[\s-]+", "_", base.strip().lower())
    name = _SPELT.get(name, name)
    if name in TEXT_COLUMNS and table != "settings":
        return f"{name}::{_language(language)}" if separator else name
    return name if name in COLUMNS[table] and not separator else written


def column_of(heading: str) -> str:
    """Our name of a heading: `label::English (en)` is `label_en`, `label` and its Indonesian `label_id`."""
    base, separator, language = heading.partition("::")
    if base not in TEXT_COLUMNS:
        return heading
    if not separator or language == INDONESIAN:
        return base + "_id"
    return base + "_en" if language == ENGLISH else heading


def is_own_column(heading: str) -> bool:
    """Whether pyxform is not to see the column."""
    return heading in OWN_COLUMNS or heading.partition("::")[0] == "warning_message"


def heading_problems(columns: Mapping[str, Iterable[str]], row_of: Mapping[str, int]) -> Iterable[FormProblem]:
    """What is wrong with the headings of the sheets; `row_of`: sheet -> the row its heading stands in."""
    for table, names in COLUMNS.items():
        seen: dict[str, str] = {}
        for heading in columns[table]:
            first = seen.setdefault(column_of(heading), heading)
            text = table != "settings" and heading.partition("::")[0] in TEXT_COLUMNS
            if first != heading:
                reason = f"dua kolom untuk hal yang sama: {first!r} dan {heading!r}; hapus salah satu"
                yield FormProblem("duplicate_column", reason, table, row_of[table], heading)
            elif text and column_of(heading) == heading:
                reason = (
                    f"bahasa {heading.partition('::')[2]!r} tidak dipakai Padan; hapus kolomnya atau beri # di depan"
                )
                yield FormProblem("language", reason, table, row_of[table], heading)
            elif not text and heading not in names:
                yield FormProblem("unknown_column", _unknown(table, heading), table, row_of[table], heading)
    for table, needed in (
        ("survey", ("type", "name")),
        ("choices", ("list_name", "name")),
        ("settings", ("form_id", "version")),
    ):
        for heading in needed:
            if heading not in columns[table]:
                yield FormProblem("missing_column", f"kolom {heading} tidak ada", table, row_of[table], heading)


def looks_like_headings(table: str, cells: Iterable[str]) -> bool:
    """Whether a row is the heading and not a title above it."""
    known = {heading_of(table, cell.strip()) for cell in cells if cell.strip()}
    wanted = {"survey": {"type", "name"}, "choices": {"list_name", "name"}, "settings": {"form_id"}}[table]
    return wanted <= known or len(known & set(COLUMNS[table])) >= 2


def _language(written: str) -> str:
    plain = " ".join(written.lower().replace("(", " (").split())
    if plain.endswith("(id)") or plain in ("id", "indonesia", "indonesian", "bahasa", "bahasa indonesia"):
        return INDONESIAN
    if plain.endswith("(en)") or plain in ("en", "english", "inggris", "bahasa inggris"):
        return ENGLISH
    return written.strip()


def _unknown(table: str, heading: str) -> str:
    plain = re.sub(r"[\s-]+", "_", heading.strip().lower().partition("::")[0])
    known = [*COLUMNS[table], *(TEXT_COLUMNS if table != "settings" else ())]
    close = _MEANT.get(plain) or next(iter(difflib.get_close_matches(plain, known, 1, 0.7)), "")
    meant = f"; maksud Anda {close!r}?" if close in known else ""
    return f"kolom {heading!r} tidak dikenal{meant} Ganti judulnya, atau beri # di depan bila hanya catatan Anda"
