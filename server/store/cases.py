"""Open cases for the work lists: what people must settle. A cache: the conflicts of records and of NIK rows by kind.

`opened_ms` is when the cache first saw the case; it orders lists and enters no record.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from server.store.database import Connection

RECORD, NIK = "record", "nik"


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to settle about one household. `detail` is the conflict as the record or the NIK row shows it."""

    home_region: str
    household_id: str
    source: str
    key: str
    kind: str
    area: str
    detail: dict[str, Any]
    opened_ms: int


def replace(
    db: Connection,
    region: str,
    household: str,
    source: str,
    area: str,
    cases: Mapping[str, tuple[str, str]],
    now_ms: int,
    only_key: str | None = None,
) -> None:
    """Make the open cases of a household from one source these: key -> `(kind, detail as JSON)`.

    `only_key` limits it to the case of that key (one NIK's).
    """
    key = {"region": region, "household": household, "source": source}
    one = "" if only_key is None else "and case_key = :only"
    where = f"where home_region = :region and household_id = :household and source = :source {one}"
    rows = db.all(f"select case_key, kind, detail, area from cases {where}", {**key, "only": only_key})
    old = {row["case_key"]: (row["kind"], row["detail"], row["area"]) for row in rows}
    new = {each: (*case, area) for each, case in cases.items()}
    if old == new:
        return
    db.many(
        """delete from cases where home_region = :region and household_id = :household and source = :source
           and case_key = :case""",
        [{**key, "case": each} for each in old.keys() - new.keys()],
    )
    db.many(
        """insert into cases (home_region, household_id, source, case_key, kind, area, detail, opened_ms)
           values (:region, :household, :source, :case, :kind, :area, :detail, :now)
           on conflict (home_region, household_id, source, case_key) do update
           set kind = excluded.kind, area = excluded.area, detail = excluded.detail""",
        [
            {**key, "case": each, "kind": kind, "detail": detail, "area": place, "now": now_ms}
            for each, (kind, detail, place) in sorted(new.items())
            if old.get(each) != (kind, detail, place)
        ],
    )


def stored(db: Connection, region: str, household: str, source: str) -> dict[str, tuple[str, str]]:
    """Key -> `(kind, detail as JSON)` of the cases kept for a household."""
    rows = db.all(
        """select case_key, kind, detail from cases
           where home_region = :region and household_id = :household and source = :source""",
        {"region": region, "household": household, "source": source},
    )
    return {row["case_key"]: (row["kind"], row["detail"]) for row in rows}


def follow_area(db: Connection, region: str, household: str, area: str) -> None:
    """Let all cases of a household stand in its present area."""
    db.run(
        """update cases set area = :area
           where home_region = :region and household_id = :household and area <> :area""",
        {"region": region, "household": household, "area": area},
    )


def open_cases(
    db: Connection,
    region: str,
    *,
    area_prefix: str | None = None,
    kind: str | None = None,
    household_id: str | None = None,
    limit: int = 200,
) -> list[Case]:
    """Open cases of a region, oldest first."""
    wanted = ["home_region = :region"]
    params: dict[str, Any] = {"region": region, "limit": limit}
    if area_prefix and area_prefix != region:
        wanted.append("(area = :area or (area >= :low and area < :high))")
        params.update({"area": area_prefix, "low": area_prefix + ".", "high": area_prefix + "/"})
    if kind is not None:
        wanted.append("kind = :kind")
        params["kind"] = kind
    if household_id is not None:
        wanted.append("household_id = :household")
        params["household"] = household_id
    rows = db.all(
        f"""select * from cases where {" and ".join(wanted)}
            order by opened_ms, household_id, source, case_key limit :limit""",
        params,
    )
    return [
        Case(
            row["home_region"],
            row["household_id"],
            row["source"],
            row["case_key"],
            row["kind"],
            row["area"],
            json.loads(row["detail"]),
            row["opened_ms"],
        )
        for row in rows
    ]


def counts(db: Connection, region: str | None = None) -> dict[str, int]:
    """Kind -> open cases."""
    where = "" if region is None else "where home_region = :region"
    rows = db.all(f"select kind, count(*) as n from cases {where} group by kind order by kind", {"region": region})
    return {row["kind"]: row["n"] for row in rows}
