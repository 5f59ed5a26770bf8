"""What can be wrong with a row of a source list, by code, in Indonesian and English.

*error*: the row or its family is not taken in until it is put right in the file. *warning*: taken in as it stands,
flagged. *note*: taken in; odd but normal (a NIK issued elsewhere). A broken NIK is never an error.
"""

from __future__ import annotations

from dataclasses import dataclass

from schemas.nik import MESSAGES as IDENTITY_MESSAGES

ERROR, WARNING, NOTE = "error", "warning", "note"

NOTES = frozenset({"nik_prefix_elsewhere", "kk_prefix_elsewhere"})

MESSAGES: dict[str, tuple[str, str]] = {
    **IDENTITY_MESSAGES,
    "no_rows": ("Tidak ada baris data di bawah judul kolom", "There are no rows of data under the headings"),
    "sheet_skipped": (
        "Lembar {found} dilewati: tidak ada judul kolomnya",
        "Sheet {found} was passed over: its headings are not there",
    ),
    "family_id_empty": ("ID keluarga kosong; baris tidak dapat dimasukkan", "The family id is empty"),
    "family_id_digits_lost": (
        "ID keluarga {found} rusak oleh lembar kerja; angka aslinya hilang",
        "The family id {found} was broken by a spreadsheet; its digits are lost",
    ),
    "family_id_long": ("ID keluarga lebih dari {found} huruf", "The family id is longer than {found} characters"),
    "family_differs": (
        "Isi {found} berbeda dari baris pertama keluarga ini; yang pertama dipakai",
        "{found} differs from the first row of this family; the first is used",
    ),
    "family_returns": (
        "Keluarga ini sudah muncul di baris {found}; barisnya digabung",
        "This family stood at row {found} already; its rows were joined",
    ),
    "family_large": ("Keluarga beranggota {found} orang; periksa ID keluarga", "The family has {found} members"),
    "family_too_large": (
        "Lebih dari {found} baris dengan ID keluarga ini; periksa kolom ID keluarga",
        "More than {found} rows with this family id; check the column of family ids",
    ),
    "no_head": ("Tidak ada kepala keluarga; anggota pertama dipakai", "There is no head; the first member is used"),
    "two_heads": ("Lebih dari satu kepala keluarga", "There is more than one head of the family"),
    "village_empty": ("Desa/kelurahan kosong", "The village is empty"),
    "village_unknown": (
        "Desa/kelurahan {found} tidak ada di kabupaten/kota ini{hint}",
        "There is no village {found} in this regency{hint}",
    ),
    "village_ambiguous": (
        "Nama desa {found} ada lebih dari satu: {hint}; isi kolom kecamatan atau kode desa",
        "There is more than one village {found}: {hint}; give the kecamatan or the code",
    ),
    "village_elsewhere": (
        "Desa/kelurahan {found} di luar kabupaten/kota impor ini",
        "The village {found} lies outside the regency of this import",
    ),
    "village_undotted": (
        "Kode desa {found} tanpa titik: tidak jelas kode Kemendagri atau BPS; tulis seperti 19.03.01.1001",
        "The code {found} has no dots and may be of BPS; write it as 19.03.01.1001",
    ),
    "member_empty": ("Nama dan NIK kosong; baris dilewati", "Name and NIK are empty; the row was passed over"),
    "name_empty": ("Nama kosong", "The name is empty"),
    "name_long": ("Nama lebih dari 60 huruf", "The name is longer than 60 characters"),
    "nik_missing": ("NIK tidak diisi", "There is no NIK"),
    "nik_digits_lost": (
        "NIK tersimpan sebagai angka; angka ke-16 hilang. Simpan kolom NIK sebagai teks",
        "The NIK was stored as a number and lost its 16th digit; store the column as text",
    ),
    "kk_digits_lost": (
        "No. KK tersimpan sebagai angka; angka ke-16 hilang",
        "The family-card number was stored as a number and lost its 16th digit",
    ),
    "sex_unknown": ("Jenis kelamin {found} tidak dikenal", "The sex {found} is not known"),
    "relation_unknown": ("Hubungan keluarga {found} tidak dikenal", "The relation {found} is not known"),
    "code_differs": (
        "Angka dan tulisan pada {found} tidak cocok; tulisannya dipakai",
        "Number and words of {found} disagree; the words are used",
    ),
    "birth_date_unknown": (
        "Tanggal lahir {found} tidak dapat dibaca; disimpan sebagai catatan",
        "The birth date {found} can't be read; kept as a remark",
    ),
    "desil_unknown": ("Desil {found} bukan 1 sampai 10", "The decile {found} is not 1 to 10"),
    "cell_too_long": ("Sel lebih dari {found} huruf", "The cell is longer than {found} characters"),
    "cell_cleaned": ("Ada huruf kendali yang dibuang dari sel", "Control characters were dropped from the cell"),
    "row_wide": ("Baris lebih panjang dari judul kolom", "The row has more cells than there are headings"),
    "row_short": ("Baris lebih pendek dari judul kolom", "The row has fewer cells than there are headings"),
    "encoding_cp1252": (
        "Berkas bukan UTF-8; dibaca sebagai cp1252 (Windows). Periksa nama dengan huruf khusus",
        "The file is not UTF-8; it was read as cp1252 (Windows). Check names with special letters",
    ),
}


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One problem with one row. `row` as the spreadsheet numbers it, 0 for the file; `column` as people call it."""

    row: int
    column: str
    code: str
    severity: str
    found: str = ""
    hint: str = ""
    sheet: str = ""

    def message(self, language: str = "id") -> str:
        """The sentence, in Indonesian (`id`) or English (`en`). It may hold what the cell holds: not for a log."""
        indonesian, english = MESSAGES[self.code]
        text = english if language == "en" else indonesian
        return text.replace("{found}", self.found).replace("{hint}", self.hint)

    def place(self) -> str:
        """Where it is: `lembar Data, baris 14, kolom NIK`."""
        pieces = [f"lembar {self.sheet}"] if self.sheet else []
        pieces += [f"baris {self.row}"] if self.row else []
        pieces += [f"kolom {self.column}"] if self.column else []
        return ", ".join(pieces) or "berkas"
