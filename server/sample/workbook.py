"""Writing listings as the P3KE workbook: title rows 1-12, data from row 13, sheets of at most a million rows.

Rows go to disk as they come, and the same listings give the same bytes: a workbook carries no date of its making.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import xlsxwriter

from schemas.areas import AreaTable
from server.sample.listing import ListedMember, Listing

HEADING_ROW = 11
"""Counted from 0: row 12 as people count."""
ROWS_PER_SHEET = 1_000_000
HEADINGS = (
    "No", "Kecamatan", "Desa/Kelurahan", "Alamat", "ID Keluarga", "Jumlah Anggota", "Desil", "Nama", "NIK",
    "Padan Dukcapil", "Jenis Kelamin", "Hubungan Keluarga", "Tanggal Lahir", "Tempat Lahir", "Pekerjaan", "No. KK",
)  # fmt: skip
RELATIONS = {
    "1": "1/Kepala Keluarga",
    "2": "2/Istri/Suami",
    "3": "3/Anak",
    "4": "4/Menantu",
    "5": "5/Cucu",
    "6": "6/Orang Tua/Mertua",
    "7": "7/Pembantu/Sopir",
    "8": "8/Lainnya",
}
SEXES = {False: "1/Laki-laki", True: "2/Perempuan"}


class P3keWorkbook:
    """A workbook being written; use it in a `with` statement. `rows`: how many people it holds."""

    def __init__(self, path: Path, areas: AreaTable, region: str, title: str, families: int) -> None:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_numbers": False}
        self._book = xlsxwriter.Workbook(str(path), {**options, "strings_to_urls": False})
        self._book.set_properties({"title": title, "created": datetime(2000, 1, 1, tzinfo=UTC)})
        self._areas = areas
        self._region = region
        self._title = title
        self._families = families
        self._rows_per_sheet = ROWS_PER_SHEET
        self._sheet: Any = None
        self._row = 0
        self._sheets = 0
        self.rows = 0

    def __enter__(self) -> P3keWorkbook:
        self._open_sheet()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._book.close()

    def write(self, listing: Listing) -> None:
        """A family, one row a member; never over two sheets."""
        if self._row + len(listing.members) > HEADING_ROW + 1 + self._rows_per_sheet:
            self._open_sheet()
        _, _, district, village = self._areas.path(listing.household.area)
        for member in listing.members:
            self._write_member(listing, member, district, village)

    def _write_member(self, listing: Listing, member: ListedMember, district: str, village: str) -> None:
        self.rows += 1
        row, sheet = self._row, self._sheet
        sheet.write_number(row, 0, self.rows)
        year, month, day = member.born.split("-")
        texts = {
            1: district.upper(),
            2: village.upper(),
            3: listing.address,
            4: listing.family_id,
            7: member.name,
            9: "Ya" if not member.defects else "Tidak",
            10: SEXES[member.person.female],
            11: RELATIONS[member.relation],
            12: f"{day}/{month}/{year}",
            13: member.person.birth_place,
            14: member.person.job,
            15: listing.household.no_kk,
        }
        sheet.write_number(row, 5, len(listing.members))
        sheet.write_number(row, 6, listing.desil)
        for column, text in texts.items():
            if text:
                sheet.write_string(row, column, text)
        if isinstance(member.nik, float):
            sheet.write_number(row, 8, member.nik)
        elif member.nik:
            sheet.write_string(row, 8, member.nik)
        self._row += 1

    def _open_sheet(self) -> None:
        self._sheets += 1
        self._sheet = self._book.add_worksheet(f"Data {self._sheets}")
        province, regency = self._areas.path(self._region)
        titles = (
            "DATA KELUARGA BY NAME BY ADDRESS (BNBA)",
            "PENSASARAN PERCEPATAN PENGHAPUSAN KEMISKINAN EKSTREM (P3KE)",
            f"Provinsi: {province}",
            f"Kabupaten/Kota: {regency} ({self._region})",
            f"Daftar: {self._title}",
            f"Jumlah keluarga: {self._families}",
            "",
            "DATA BUATAN UNTUK LATIHAN DAN PENGUJIAN. TIDAK ADA ORANG DI DALAM DAFTAR INI.",
        )
        for number, text in enumerate(titles):
            if text:
                self._sheet.write_string(number, 0, text)
        for column, heading in enumerate(HEADINGS):
            self._sheet.write_string(HEADING_ROW, column, heading)
        self._row = HEADING_ROW + 1
