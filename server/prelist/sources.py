"""Rows of cells from a CSV or XLSX file, streamed; every cell becomes text and no type is ever guessed.

A NIK is no number: `0123456789012345` must keep its zero, and a spreadsheet that stored one as a number has lost its
sixteenth digit. Such a cell comes out as `1.90301120180001E+15`, which is what is left of it and can be no key.
"""

from __future__ import annotations

import codecs
import csv
import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from schemas.prelist_problems import NOTE, WARNING, RowProblem

SEPARATORS = (",", ";", "\t", "|")
# A million families on their sheets inflate to about 2 GiB; a hundred times the size of the file is a bomb.
XLSX_INFLATED_BYTES_MAX = 8 * 1024**3
EXACT_DIGITS = 15
"""Digits that a spreadsheet keeps of a number."""
_CHUNK = 1 << 20
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")


class PrelistUnreadable(ValueError):
    """The file as a whole can't be read; the message says what is wrong, where, and what to do. `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Row:
    """One row as people count them, from 1. `lost`: indexes of cells whose last digits a spreadsheet threw away."""

    number: int
    cells: tuple[str, ...]
    lost: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table of a file; a CSV file is one sheet without a name. `rows` can be read once."""

    name: str
    rows: Iterator[Row]


def open_sheets(path: Path, first_lines: int = 20) -> tuple[Iterator[Sheet], list[RowProblem]]:
    """The sheets of a file, one after the other, and what was noticed about the file. Raises `PrelistUnreadable`.

    The kind of file is told by its first bytes, not by its name.
    """
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise PrelistUnreadable("file_missing", f"{path}: tidak dapat dibuka ({error.strerror})") from error
    if not start:
        raise PrelistUnreadable("file_empty", f"{path}: berkas kosong")
    if start.startswith(b"PK"):
        return _xlsx_sheets(path), []
    if start == _OLE:
        raise PrelistUnreadable(
            "file_old_excel",
            f"{path}: berkas Excel lama (.xls) atau terkunci kata sandi. Buka dan simpan sebagai .xlsx tanpa sandi",
        )
    encoding, noticed = _encoding(path, start)
    return _csv_sheet(path, encoding, _separator(path, encoding, first_lines)), noticed


def column_letter(index: int) -> str:
    """Spreadsheet letters of a column index from 0: 0 is A, 27 is AB."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def column_index(letters: str) -> int:
    """Index from 0 of spreadsheet letters. Raises ValueError."""
    if not letters.isascii() or not letters.isalpha() or len(letters) > 3:
        raise ValueError(f"{letters!r} is not a column such as C")
    index = 0
    for letter in letters.upper():
        index = index * 26 + ord(letter) - ord("A") + 1
    return index - 1


def cell_text(value: Any) -> tuple[str, bool]:
    """A workbook's cell as text, and whether its last digits are lost."""
    if value is None:
        return "", False
    if isinstance(value, str):
        return value, False
    if isinstance(value, bool):
        return ("TRUE" if value else "FALSE"), False
    if isinstance(value, int | float):
        return _number_text(value)
    if isinstance(value, datetime):
        return (value.date().isoformat() if value.time() == time(0) else value.isoformat(" ")), False
    if isinstance(value, date):
        return value.isoformat(), False
    return str(value), False


def _number_text(value: float) -> tuple[str, bool]:
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            return str(value), False
        if not value.is_integer():
            return repr(value), False
    number = int(value)
    digits = str(abs(number))
    # A number that ends otherwise than in zero was never rounded; one that does may have been.
    if len(digits) > EXACT_DIGITS and digits.endswith("0"):
        mantissa = f"{digits[0]}.{digits[1:EXACT_DIGITS]}"
        return f"{'-' if number < 0 else ''}{mantissa}E+{len(digits) - 1}", True
    return str(number), False


def _xlsx_sheets(path: Path) -> Iterator[Sheet]:
    try:
        with zipfile.ZipFile(path) as archive:
            inflated = sum(item.file_size for item in archive.infolist())
            names = set(archive.namelist())
        if "xl/workbook.xml" not in names:
            raise PrelistUnreadable("file_not_xlsx", f"{path}: bukan buku kerja Excel (.xlsx)")
        if inflated > XLSX_INFLATED_BYTES_MAX:
            raise PrelistUnreadable("file_too_large", f"{path}: isinya {inflated} bita setelah dibuka; terlalu besar")
        workbook = load_workbook(path, read_only=True, data_only=True, keep_links=False)
    except PrelistUnreadable:
        raise
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError, EOFError) as error:
        raise PrelistUnreadable("file_damaged", f"{path}: buku kerja rusak atau terpotong ({error})") from error
    try:
        for sheet in workbook.worksheets:
            # Some programs write a wrong size; without one every row is read.
            sheet.reset_dimensions()
            yield Sheet(sheet.title, _sheet_rows(path, sheet))
    finally:
        workbook.close()


def _sheet_rows(path: Path, sheet: Any) -> Iterator[Row]:
    try:
        for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
            texts = [cell_text(value) for value in values]
            lost = frozenset(index for index, (_, gone) in enumerate(texts) if gone)
            yield Row(number, tuple(text for text, _ in texts), lost)
    except (zipfile.BadZipFile, SyntaxError, KeyError, ValueError, EOFError, OSError) as error:
        message = f"{path}, lembar {sheet.title}: rusak atau terpotong ({type(error).__name__})"
        raise PrelistUnreadable("file_damaged", message) from error


def _encoding(path: Path, start: bytes) -> tuple[str, list[RowProblem]]:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        candidates = ["utf-16"]
    else:
        candidates = ["utf-8-sig", "cp1252"]
    for encoding in candidates:
        if _decodes(path, encoding):
            noticed = [RowProblem(0, "", "encoding_cp1252", WARNING)] if encoding == "cp1252" else []
            return encoding, noticed
    raise PrelistUnreadable(
        "file_not_text", f"{path}: bukan berkas teks UTF-8 atau cp1252, dan bukan buku kerja Excel"
    )


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                if "\x00" in decoder.decode(chunk):
                    return False
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _separator(path: Path, encoding: str, lines: int) -> str:
    """The separator that gives the first lines the most cells, counted on the line where it gives most."""
    with path.open(encoding=encoding, newline="") as file:
        head = "".join(line for _, line in zip(range(lines), file, strict=False))
    if not head.strip():
        raise PrelistUnreadable("file_empty", f"{path}: berkas kosong")

    def widest(separator: str) -> int:
        try:
            return max(len(row) for row in csv.reader(io.StringIO(head), delimiter=separator))
        except csv.Error:
            return 0

    return max(SEPARATORS, key=widest)


def _csv_sheet(path: Path, encoding: str, separator: str) -> Iterator[Sheet]:
    with path.open(encoding=encoding, newline="") as file:
        yield Sheet("", _csv_rows(path, file, separator))


def _csv_rows(path: Path, file: Iterable[str], separator: str) -> Iterator[Row]:
    reader = csv.reader(file, delimiter=separator)
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            message = f"{path}, baris {number}: tanda kutip tidak ditutup atau sel terlalu panjang ({error})"
            raise PrelistUnreadable("file_damaged", message) from error
        yield Row(number, tuple(cells))


def sheet_skipped(sheet: Sheet) -> RowProblem:
    """That a sheet without the headings was passed over."""
    return RowProblem(0, "", "sheet_skipped", NOTE, found=sheet.name, sheet=sheet.name)
