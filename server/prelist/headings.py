"""Finding the columns of a mapping in the heading rows of a sheet, and saying exactly what is amiss where they moved.

A workbook whose columns moved by one would read names as NIKs: so a fixed column is used only while its heading is
above it, and anything else stops the import with the cells that were expected and those that were found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from server.prelist.mapping import ColumnMapping, ColumnSpec
from server.prelist.sources import PrelistUnreadable, Row, column_letter

SHOWN_CELLS_MAX = 20


@dataclass(frozen=True, slots=True)
class Columns:
    """Where each kind of cell stands in this sheet, by index from 0, and what its heading says there."""

    row: int
    indexes: dict[str, int]
    names: dict[str, str]
    width: int


class HeadingsMissing(PrelistUnreadable):
    """No row looks like the headings at all; another sheet may still have them."""

    def __init__(self, message: str) -> None:
        super().__init__("headings_missing", message)


def locate(rows: Sequence[Row], mapping: ColumnMapping, place: str) -> Columns:
    """The columns of a sheet whose first rows these are.

    Raises `HeadingsMissing` where no heading row is found, `PrelistUnreadable` (`headings_moved`) where it is another
    one than the mapping says.
    """
    first, last = mapping.heading_rows
    block = [row for row in rows if first <= row.number <= last]
    best = max(block, key=lambda row: (_matches(row, mapping), -row.number), default=None)
    if best is None or _matches(best, mapping) < 2:
        raise HeadingsMissing(_missing(block, mapping, place))
    # Headings of two levels: what stands just above or below in the same column counts too.
    near = [row for row in block if abs(row.number - best.number) <= 1]
    indexes, complaints = {}, []
    for key, spec in mapping.columns.items():
        index = _find(spec, best, near)
        if index is not None:
            indexes[key] = index
        elif not spec.optional:
            complaints.append(_moved(key, spec, best))
    if "village" not in indexes and "village_code" not in indexes and not complaints:
        spec = mapping.columns.get("village") or mapping.columns["village_code"]
        complaints.append(_moved("village", spec, best))
    if complaints:
        raise PrelistUnreadable(
            "headings_moved",
            f"{place}, baris judul {best.number}: susunan kolom bukan susunan '{mapping.name}'.\n"
            + "\n".join(complaints)
            + "\nPerbaiki berkas, atau pakai --mapping dengan susunan yang benar.",
        )
    names = {key: _cell(best, index) or mapping.columns[key].headings[0] for key, index in indexes.items()}
    return Columns(best.number, indexes, names, filled_width(best))


def filled_width(row: Row) -> int:
    """How many cells a row has up to its last filled one."""
    return max((index + 1 for index, cell in enumerate(row.cells) if cell.strip()), default=0)


def _find(spec: ColumnSpec, best: Row, near: Sequence[Row]) -> int | None:
    if spec.column is not None:
        return spec.column if any(spec.fits(_cell(row, spec.column)) for row in near) else None
    return next((index for index, cell in enumerate(best.cells) if spec.fits(cell)), None)


def _matches(row: Row, mapping: ColumnMapping) -> int:
    return sum(any(spec.fits(cell) for cell in row.cells) for spec in mapping.columns.values())


def _moved(key: str, spec: ColumnSpec, best: Row) -> str:
    wanted = " / ".join(f'"{heading}"' for heading in spec.headings)
    elsewhere = [column_letter(index) for index, cell in enumerate(best.cells) if spec.fits(cell)]
    where = f"; judul itu ada di kolom {', '.join(elsewhere)}" if elsewhere else ""
    if spec.column is None:
        found = ", ".join(f'"{cell}"' for cell in best.cells[:SHOWN_CELLS_MAX] if cell.strip())
        return f"- {key}: diharapkan kolom berjudul {wanted}; judul yang ada: {found}"
    found = _cell(best, spec.column)
    shown = f'"{found}"' if found else "sel kosong"
    return f"- kolom {column_letter(spec.column)} ({key}): diharapkan {wanted}, ditemukan {shown}{where}"


def _missing(block: Sequence[Row], mapping: ColumnMapping, place: str) -> str:
    wanted = ", ".join(f'"{spec.headings[0]}"' for spec in mapping.columns.values() if not spec.optional)
    filled = [row for row in block if any(cell.strip() for cell in row.cells)]
    shown = ""
    if filled:
        cells = ", ".join(f'"{cell}"' for cell in filled[-1].cells[:SHOWN_CELLS_MAX] if cell.strip())
        shown = f" Baris {filled[-1].number} berisi: {cells}."
    first, last = mapping.heading_rows
    return (
        f"{place}: judul kolom tidak ditemukan di baris {first}-{last}. Diharapkan antara lain {wanted}.{shown}"
        f" Apakah susunan '{mapping.name}' yang benar?"
    )


def _cell(row: Row, index: int) -> str:
    return " ".join(row.cells[index].split()) if index < len(row.cells) else ""
