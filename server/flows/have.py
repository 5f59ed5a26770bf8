"""`have`: of the events a tablet holds, which are missing here and which have an erased part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from server.store import events
from server.store.database import Connection


@dataclass(frozen=True, slots=True)
class Have:
    """Payload hashes that the server lacks, and those of which something was erased; `parts`: payload hash -> which of
    its parts hold what was erased. The others are to be kept: a restored server may ask for them."""

    missing: tuple[str, ...]
    erased: tuple[str, ...]
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def have(db: Connection, hashes: Sequence[str], likely_regions: Iterable[str] = ()) -> Have:
    """Look the payload hashes up: first in the regions of the asking device, then in all others."""
    left = list(dict.fromkeys(hashes))
    erased: set[str] = set()
    parts: dict[str, tuple[str, ...]] = {}
    with db.snapshot():
        known = events.regions(db)
        first = [region for region in dict.fromkeys(likely_regions) if region in known]
        for region in [*first, *(each for each in known if each not in first)]:
            if not left:
                break
            found = events.have(db, region, left)
            gone = [each for each, lost in found.items() if lost]
            erased.update(gone)
            if gone:
                emptied = events.emptied_parts(db, region, [each[:32] for each in gone])
                parts.update({each: emptied[each[:32]] for each in gone})
            left = [each for each in left if each not in found]
    missing = set(left)
    return Have(
        tuple(each for each in dict.fromkeys(hashes) if each in missing),
        tuple(each for each in dict.fromkeys(hashes) if each in erased),
        parts,
    )
