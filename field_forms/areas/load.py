"""Reading the built table of areas, once a process; and an operator's list of retired NIK prefixes.

The built files lie in field_forms/built/areas/, apart from the code, because their data has a licence of its own
(ODbL 1.0, see ATTRIBUTION.md beside them). They are made by `padan areas build`, by `make` and by the wheel's build.
"""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from functools import cache
from pathlib import Path

from schemas.areas import AreaTable

TABLE_FILE = "areas.tsv.gz"
_PREFIX = re.compile(r"[0-9]{6}\Z")


class AreasMissing(RuntimeError):
    """The table of areas is not there or can't be read; the message says what to run."""


def built_folder() -> Path:
    """Where the built files lie: field_forms/built/areas/, in the source tree and in an installed wheel alike."""
    return Path(__file__).resolve().parent.parent / "built" / "areas"


@cache
def load_areas(folder: Path | None = None) -> AreaTable:
    """The table of all areas. Raises `AreasMissing`."""
    path = (folder or built_folder()) / TABLE_FILE
    try:
        text = gzip.decompress(path.read_bytes()).decode()
        rows = [line.split("\t") for line in text.splitlines()]
        return AreaTable((code, name) for code, name in rows)
    except FileNotFoundError:
        raise AreasMissing(
            f"Daftar wilayah belum ada ({path}). Jalankan `padan areas build` atau `make setup`."
            " / The table of areas has not been built."
        ) from None
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise AreasMissing(
            f"Daftar wilayah rusak ({path}: {error}). Jalankan `padan areas build --force`."
            " / The table of areas can't be read."
        ) from error


def load_retired_prefixes(path: Path) -> frozenset[str]:
    """Retired six-digit NIK prefixes from an operator's CSV: the first column, `910501` or `91.05.01`.

    A header and empty rows are passed over. Raises ValueError naming the row of anything else.
    """
    found = set()
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.reader(file), start=1):
            cell = row[0].strip().replace(".", "") if row else ""
            if _PREFIX.match(cell):
                found.add(cell)
            elif cell and number > 1:
                raise ValueError(f"{path}, baris {number}: {row[0]!r} bukan enam angka kode kecamatan lama")
    return frozenset(found)
