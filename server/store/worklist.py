"""Reading for the lists that supervisors work through: households in the order in which they last changed.

A family may live outside the kabupaten that keeps its record, so a list asks every region of the store for the areas
of whoever looks. Reads only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from schemas.areas import NATION, covers
from server.store import cases
from server.store.cases import Case
from server.store.database import Connection, chunks, marks
from server.store.feed import regions_in
from server.store.households import StoredRecord, record_from

_BEGINNING = re.compile(r"[0-9a-f-]{1,36}\Z")
PAGE_ROWS = 100
FIELD_KINDS = ("submission", "change")
BEGINNINGS_MAX = 6


def ids_beginning(db: Connection, beginning: str) -> list[str]:
    """Household ids that begin so, a few at most; nothing for a text that begins no id."""
    if not _BEGINNING.match(beginning):
        return []
    rows = db.all(
        """select household_id from known_households where household_id >= :low and household_id < :high
           order by household_id limit :limit""",
        # "g" comes after every digit of an id
        {"low": beginning, "high": beginning + "g", "limit": BEGINNINGS_MAX},
    )
    return [row["household_id"] for row in rows]


def stream(db: Connection, scopes: Sequence[str], states: Sequence[str] = ()) -> Iterator[StoredRecord]:
    """Records in any of the areas, in any of the states (all where none is named), region by region, those that have
    not changed for longest first. Constant memory."""
    for region in regions_in(db, (NATION,)):
        after = 0
        while rows := _page(db, region, scopes, states, after):
            yield from rows
            after = rows[-1].feed_position


def open_cases(db: Connection, scopes: Sequence[str], kind: str | None, limit: int) -> list[Case]:
    """Open cases in any of the areas, of one kind or of all, oldest first."""
    found: list[Case] = []
    for region in regions_in(db, (NATION,)):
        for scope in scopes:
            # Of a whole region the store lists all it keeps; some of its families live elsewhere by now.
            prefix = None if scope == NATION else scope
            size = limit
            while True:
                listed = cases.open_cases(db, region, area_prefix=prefix, kind=kind, limit=size)
                mine = [case for case in listed if covers(scope, case.area)]
                if len(mine) >= limit or len(listed) < size:
                    break
                size *= 4
            found += mine
    unique = {(case.home_region, case.household_id, case.source, case.key): case for case in found}
    return sorted(unique.values(), key=lambda case: (case.opened_ms, case.household_id, case.key))[:limit]


def waiting_since_ms(db: Connection, region: str, household_ids: Sequence[str]) -> int | None:
    """When the last form or change of a family came in, by any of its ids; None where none ever did."""
    newest: list[int] = []
    kinds, kind_params = marks("k", FIELD_KINDS)
    for chunk in chunks(list(household_ids)):
        listed, params = marks("h", chunk)
        found = db.value(
            f"""select max(l.received_ms) from filings f cross join log l
                where f.home_region = :region and f.household_id in ({listed}) and f.kind in ({kinds})
                and l.home_region = f.home_region and l.epoch = f.epoch and l.position = f.position""",
            {"region": region, **params, **kind_params},
        )
        if found is not None:
            newest.append(int(found))
    return max(newest, default=None)


def _page(db: Connection, region: str, scopes: Sequence[str], states: Sequence[str], after: int) -> list[StoredRecord]:
    wanted = ["home_region = :region", "feed_position > :after"]
    params: dict[str, object] = {"region": region, "after": after, "limit": PAGE_ROWS}
    if NATION not in scopes:
        either = []
        for index, scope in enumerate(scopes):
            either.append(f"area = :s{index} or (area >= :l{index} and area < :h{index})")
            params |= {f"s{index}": scope, f"l{index}": scope + ".", f"h{index}": scope + "/"}
        wanted.append(f"({' or '.join(either) or '1 = 0'})")
    if states:
        listed, more = marks("t", list(states))
        wanted.append(f"state in ({listed})")
        params |= more
    rows = db.all(f"select * from households where {' and '.join(wanted)} order by feed_position limit :limit", params)
    return [record_from(row) for row in rows]
