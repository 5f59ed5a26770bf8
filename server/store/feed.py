"""Reading the feed: what changed in a region after a position, in order. Newest version of each household only.

Entries come from three tables that share one counter per region: records, aliases, removals. A reader goes from
position to position; `head` is where it stands when there is no more.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from schemas.areas import NATION, covers
from server.store import erasures as erasures_
from server.store.database import Connection, chunks, marks
from server.store.packing import unpack

EVERYWHERE = "1 = 1"


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """`what`: record, alias (`canonical_id` says of which) or removed (from `area`, or from `officer`'s list)."""

    position: int
    what: str
    household_id: str
    area: str
    data: bytes | None = None
    trail: bytes | None = None
    state: str | None = None
    canonical_id: str | None = None
    officer: str | None = None


def head(db: Connection, region: str) -> int:
    """The newest position of a region's feed; 0 before anything."""
    found = db.value("select position from feed_heads where home_region = :region", {"region": region})
    return 0 if found is None else int(found)


def regions_in(db: Connection, scopes: Sequence[str]) -> list[str]:
    """The regions with a feed that lie in, or contain, one of the scopes."""
    rows = db.all("select home_region from feed_heads order by home_region")
    return [row["home_region"] for row in rows if any(_touches(scope, row["home_region"]) for scope in scopes)]


def page(
    db: Connection, region: str, after: int, limit: int, scopes: Sequence[str], officer: str | None = None
) -> tuple[list[FeedEntry], int, bool]:
    """Entries after a position for whoever sees `scopes`, and what is assigned to `officer` wherever it lies.

    Returns the entries, the position to go on from, and whether there is more. Read inside one snapshot.
    """
    with db.snapshot():
        top = head(db, region)
        where, params = _visible(region, scopes, officer)
        params.update({"region": region, "after": after, "limit": limit + 1})
        entries = _records(db, where, params, officer)
        entries += _aliases(db, where, params, officer)
        entries += _removals(db, where, params, officer)
    entries.sort(key=lambda entry: entry.position)
    if len(entries) > limit:
        entries = entries[:limit]
        return entries, entries[-1].position, True
    return entries, max(top, after), False


def erasures(db: Connection, region: str, households: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Of the canonical households those from which something was erased: `persons` (keys), whether `household`, and
    `parts`: `{"ref", "part"}` of everything that an erasure emptied, wholly or partly."""
    refs: dict[str, str] = {}
    found: dict[str, dict[str, Any]] = {}
    for chunk in chunks(households):
        listed, params = marks("h", chunk)
        params["region"] = region
        owner = {household: household for household in chunk}
        for row in db.all(
            f"""select household_id, canonical_id from aliases
                where home_region = :region and canonical_id in ({listed})""",
            params,
        ):
            owner[row["household_id"]] = row["canonical_id"]
        for ids in chunks(sorted(owner)):
            listed, params = marks("h", ids)
            rows = db.all(
                f"""select f.household_id, l.head, l.ref from filings f join log l
                    on l.home_region = f.home_region and l.epoch = f.epoch and l.position = f.position
                    where f.home_region = :region and f.household_id in ({listed}) and f.kind = 'erasure'""",
                {**params, "region": region},
            )
            for row in rows:
                body = json.loads(row["head"])["body"]
                gone = found.setdefault(owner[row["household_id"]], {"persons": [], "household": False, "parts": []})
                gone["persons"] = sorted({*gone["persons"], *body["persons"]})
                gone["household"] = gone["household"] or bool(body.get("household"))
                refs.setdefault(row["ref"], owner[row["household_id"]])
    for erasure, emptied in erasures_.parts_of_erasures(db, region, refs).items():
        found[refs[erasure]]["parts"] += [{"ref": ref, "part": part} for ref, part in emptied]
    return found


def _touches(scope: str, region: str) -> bool:
    return scope == NATION or covers(scope, region) or covers(region, scope)


def _visible(region: str, scopes: Sequence[str], officer: str | None) -> tuple[str, dict[str, Any]]:
    """The condition on `area` for these scopes inside one region; `1 = 1` where the whole region is visible."""
    if any(scope == NATION or covers(scope, region) for scope in scopes):
        return EVERYWHERE, {}
    inside = sorted({scope for scope in scopes if covers(region, scope)})
    exact = [scope for scope in inside if scope.count(".") == 3]
    wanted: list[str] = []
    params: dict[str, Any] = {}
    if exact:
        listed, params = marks("v", exact)
        wanted.append(f"area in ({listed})")
    for index, scope in enumerate(each for each in inside if each not in exact):
        wanted.append(f"area = :s{index} or (area >= :low{index} and area < :high{index})")
        params.update({f"s{index}": scope, f"low{index}": scope + ".", f"high{index}": scope + "/"})
    return " or ".join(wanted) or "1 = 0", params


def _or_worked_on(where: str, officer: str | None, column: str = "household_id") -> str:
    """The condition `where`, or that the household in `column` is assigned to `:officer`."""
    if officer is None or where == EVERYWHERE:
        return where
    return f"""{where} or {column} in (select o.household_id from household_officers o
               where o.home_region = :region and o.officer = :officer)"""


def _records(db: Connection, where: str, params: dict[str, Any], officer: str | None) -> list[FeedEntry]:
    # The central pull shows no trail, and reading one, four times as long as the data, would cost it most of its time.
    trail = "null as trail" if officer is None else "trail"
    rows = db.all(
        f"""select feed_position, household_id, area, state, data, {trail} from households
            where home_region = :region and feed_position > :after and ({_or_worked_on(where, officer)})
            order by feed_position limit :limit""",
        {**params, "officer": officer},
    )
    return [
        FeedEntry(
            row["feed_position"],
            "record",
            row["household_id"],
            row["area"],
            row["data"],
            None if row["trail"] is None else unpack(row["trail"]),
            row["state"],
        )
        for row in rows
    ]


def _aliases(db: Connection, where: str, params: dict[str, Any], officer: str | None) -> list[FeedEntry]:
    rows = db.all(
        f"""select feed_position, household_id, canonical_id, area from aliases
            where home_region = :region and feed_position > :after
            and ({_or_worked_on(where, officer, "canonical_id")})
            order by feed_position limit :limit""",
        {**params, "officer": officer},
    )
    return [
        FeedEntry(row["feed_position"], "alias", row["household_id"], row["area"], canonical_id=row["canonical_id"])
        for row in rows
    ]


def _removals(db: Connection, where: str, params: dict[str, Any], officer: str | None) -> list[FeedEntry]:
    """What left an area or an officer's list, but for families that the reader sees all the same (from another of the
    reader's areas, or as a neighbour): of those the record says all, and comes before its removal."""
    visible = _or_worked_on(where, officer, "h.household_id")
    rows = db.all(
        f"""select feed_position, household_id, area, officer from feed_removals
            where home_region = :region and feed_position > :after
            and ((officer = '' and ({where})) or officer = :officer)
            and not exists (
              select 1 from households h
              where h.home_region = :region and h.household_id = feed_removals.household_id and ({visible}))
            order by feed_position limit :limit""",
        {**params, "officer": officer or "-"},
    )
    return [
        FeedEntry(row["feed_position"], "removed", row["household_id"], row["area"], officer=row["officer"] or None)
        for row in rows
    ]
