"""Families of the sample campaign taken in as a source list, through the production flow, without a workbook."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from benchmarks.material import REGION
from benchmarks.stage import NOW_MS, Stage
from schemas.ids import derived_uuid
from schemas.nik import parse_nik
from schemas.prelist import PrelistFamily, PrelistMember
from server.flows.import_prelist import Order, import_families
from server.prelist.sources import cell_text
from server.sample import Campaign

SOURCE, VINTAGE = "p3ke", "2026-1"


def import_sample(stage: Stage, sample: Campaign, numbers: range) -> int:
    """Append these families of a campaign; how many. They are queued for folding."""
    order = Order(SOURCE, VINTAGE, REGION, "sample", "0" * 64, "benchmark")
    run = derived_uuid("import", str(numbers.start), str(numbers.stop))
    families = _families(sample, numbers)
    return import_families(stage.db, stage.keys, order, families, import_id=run, now_ms=NOW_MS).families


def _families(sample: Campaign, numbers: Iterable[int]) -> Iterator[PrelistFamily]:
    for number in numbers:
        listing = sample.listing(number)
        members = tuple(
            PrelistMember(
                row=row,
                name=member.name,
                nik_text=parse_nik(cell_text(member.nik)[0]).text,
                sex="2" if member.person.female else "1",
                relation=member.relation,
                birth_date=member.born,
            )
            for row, member in enumerate(listing.members)
        )
        yield PrelistFamily(listing.family_id, listing.household.area, listing.address, members, desil=listing.desil)
