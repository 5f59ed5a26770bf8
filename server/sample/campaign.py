"""A whole sample campaign: families spread over the villages of a regency, streamed into lists and `truth.jsonl`."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any

from schemas.areas import REGENCY, AreaTable, is_area, level_of
from server.sample.listing import Listing, family_id_of, make_listing
from server.sample.people import Household, Setting, make_household
from server.sample.pools import place_of
from server.sample.truth import Scene, make_truth
from server.sample.vintage import Change, change_of, extra_families, second_listing
from server.sample.workbook import P3keWorkbook

FAMILIES_MIN, FAMILIES_MAX = 1, 1_000_000
ANSWERS_FAMILIES_MAX = 20_000
"""A family's visits take some 12 KB of JSON; beyond this many families they are left out unless asked for."""
CAMPAIGN_DAY = date(2026, 11, 1)
CACHED_FAMILIES, CACHED_LISTINGS = 512, 8
PROGRESS_EVERY = 200

Progress = Callable[[int], None]


class SampleError(ValueError):
    """A campaign that can't be made; the message says why."""


@dataclass(frozen=True, slots=True)
class SampleFiles:
    """What was written. `second` and `truth` are None where they were not asked for."""

    first: Path
    second: Path | None
    truth: Path
    summary: Path


class Campaign:
    """The families of one seed, each to be had by its number; those from `families` on are on the second list only."""

    def __init__(self, areas: AreaTable, region: str, seed: int, families: int, on: date = CAMPAIGN_DAY) -> None:
        if not is_area(region) or level_of(region) != REGENCY or region not in areas:
            raise SampleError(f"{region}: bukan kode kabupaten/kota seperti 19.03 / not a regency code such as 19.03")
        if not FAMILIES_MIN <= families <= FAMILIES_MAX:
            raise SampleError(f"{families}: 1 sampai 1.000.000 keluarga / 1 to 1,000,000 families")
        self.areas = areas
        self.region = region
        self.seed = seed
        self.families = families
        self.total = families + extra_families(families)
        self._on = on
        self._place = place_of(region)
        self._districts = tuple(sorted(areas.districts))
        self._villages = areas.villages(region)
        if not self._villages:
            raise SampleError(f"{region}: tidak ada desa dalam daftar wilayah / no village in the table of areas")
        self._ends = self._spread()
        self._settings = lru_cache(maxsize=len(self._villages))(self._setting)
        self.household = lru_cache(maxsize=CACHED_FAMILIES)(self._household)
        self.listing = lru_cache(maxsize=CACHED_LISTINGS)(self._listing)

    def random(self, *words: object) -> Random:
        """Random numbers that follow from the seed, the region and some words, whatever was made before."""
        text = "/".join(str(word) for word in (self.seed, self.region, *words))
        digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
        return Random(int.from_bytes(digest))  # noqa: S311 - invented people, no secrets

    def setting(self, number: int) -> Setting:
        """Where family `number` lives."""
        if number < self.families:
            return self._settings(self._villages[bisect_right(self._ends, number)])
        return self._settings(self.random(number, "village").choice(self._villages))

    def change(self, number: int, listing: Listing) -> Change:
        """What the second list makes of a family."""
        return change_of(self.random(number, "change"), listing, self.families, number)

    def first_list(self) -> Iterator[Listing]:
        """The first list, village by village."""
        return (self.listing(number) for number in range(self.families))

    def second_list(self) -> Iterator[Listing]:
        """The second list: without those gone, the new ones at its end."""
        for number in range(self.total):
            listing = self.listing(number)
            change = self.change(number, listing)
            if change.status != "gone":
                yield second_listing(self.random(number, "second"), listing, change, self.setting(number))

    def truth(self, number: int, *, answers: bool = True) -> dict[str, Any]:
        """What an officer finds (server/sample/truth.py)."""
        listing = self.listing(number)
        setting = self.setting(number if listing.original is None else listing.original)
        scene = Scene(
            number, self.region, listing, setting, self.change(number, listing),
            lambda other: family_id_of(self.region, other),
        )  # fmt: skip
        return make_truth(self.random(number, "truth"), scene, answers=answers)

    def _listing(self, number: int) -> Listing:
        """Family `number` as the first list has it (or the second, where it stands there only)."""
        return make_listing(self.random, self.household, self.region, number)

    def _household(self, number: int) -> Household:
        return make_household(self.random(number, "family"), number, self.setting(number))

    def _setting(self, area: str) -> Setting:
        _, regency, district, village = self.areas.path(area)
        return Setting(
            self._place, area, village, district, regency, self._districts, self.areas.districts, self._on
        )

    def _spread(self) -> list[int]:
        """Running number of families up to and with each village; from a few to many times the average."""
        weights = [self.random("village", code).lognormvariate(0, 0.8) for code in self._villages]
        whole = sum(weights)
        ends = [round(self.families * part / whole) for part in accumulate(weights)]
        ends[-1] = self.families
        return ends


def write_campaign(
    campaign: Campaign,
    folder: Path,
    *,
    second: bool = True,
    answers: bool | None = None,
    progress: Progress = lambda done: None,
) -> SampleFiles:
    """Write lists, truth and summary into a folder, which is made. `answers` None: only for a small campaign.

    `progress` is told how many families were written, of one list and then of the other. A family is held in memory
    no longer than it takes to write it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with_answers = campaign.families <= ANSWERS_FAMILIES_MAX if answers is None else answers
    files = SampleFiles(
        folder / "prelist.xlsx", folder / "prelist-2.xlsx" if second else None, folder / "truth.jsonl",
        folder / "campaign.json",
    )  # fmt: skip
    members = 0
    with (
        P3keWorkbook(files.first, campaign.areas, campaign.region, "pertama", campaign.families) as workbook,
        files.truth.open("w", encoding="utf-8") as truth,
    ):
        for number in range(campaign.families):
            listing = campaign.listing(number)
            workbook.write(listing)
            record = campaign.truth(number, answers=with_answers)
            truth.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")
            members += len(listing.members)
            if (number + 1) % PROGRESS_EVERY == 0:
                progress(number + 1)
    if files.second is not None:
        with P3keWorkbook(files.second, campaign.areas, campaign.region, "kedua", campaign.total) as workbook:
            for done, listing in enumerate(campaign.second_list(), start=1):
                workbook.write(listing)
                if done % PROGRESS_EVERY == 0:
                    progress(campaign.families + done)
    summary = {
        "seed": campaign.seed,
        "region": campaign.region,
        "families": campaign.families,
        "members": members,
        "truth_has_visits": with_answers,
        "lists": [path.name for path in (files.first, files.second) if path is not None],
    }
    files.summary.write_text(json.dumps(summary, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return files
