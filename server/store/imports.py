"""Imports of source lists: which file, which vintage, and which event each listed family became."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from server.store.database import Connection, Row


@dataclass(frozen=True, slots=True)
class Import:
    """One run of an import. Times in ms; `undone_ms` is None while it holds, `finished_ms` while it runs."""

    import_id: str
    source: str
    vintage: str
    predecessor: str
    home_region: str
    file_name: str
    file_sha256: str
    started_ms: int
    finished_ms: int | None
    undone_ms: int | None
    actor: str
    summary: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One family of an import. `fresh`: this run appended its event; else it was in the log already."""

    family_id: str
    household_id: str
    ref: str
    row_digest: str
    fresh: bool


def start(db: Connection, run: Import) -> None:
    """Save a run that begins."""
    db.run(
        """insert into imports (import_id, source, vintage, predecessor, home_region, file_name, file_sha256,
           started_ms, actor, summary)
           values (:id, :source, :vintage, :predecessor, :region, :file, :sha, :now, :actor, '{}')""",
        {
            "id": run.import_id,
            "source": run.source,
            "vintage": run.vintage,
            "predecessor": run.predecessor,
            "region": run.home_region,
            "file": run.file_name,
            "sha": run.file_sha256,
            "now": run.started_ms,
            "actor": run.actor,
        },
    )


def add_rows(db: Connection, region: str, import_id: str, rows: Iterable[ImportRow]) -> None:
    """Save what families became; a family that stands twice in one run keeps its first row."""
    db.many(
        """insert into import_rows (home_region, import_id, family_id, household_id, ref, row_digest, fresh)
           values (:region, :import, :family, :household, :ref, :digest, :fresh)
           on conflict (home_region, import_id, family_id) do nothing""",
        [
            {
                "region": region,
                "import": import_id,
                "family": row.family_id,
                "household": row.household_id,
                "ref": row.ref,
                "digest": row.row_digest,
                "fresh": int(row.fresh),
            }
            for row in rows
        ],
    )


def finish(db: Connection, import_id: str, summary: Mapping[str, Any], now_ms: int) -> None:
    """The run reached the end of its file."""
    db.run(
        "update imports set finished_ms = :now, summary = :summary where import_id = :id",
        {"id": import_id, "now": now_ms, "summary": json.dumps(dict(summary), sort_keys=True)},
    )


def mark_undone(db: Connection, import_id: str, now_ms: int) -> None:
    """The run was undone."""
    db.run("update imports set undone_ms = :now where import_id = :id", {"id": import_id, "now": now_ms})


def all_imports(db: Connection, region: str | None = None) -> list[Import]:
    """Every run, oldest first; of one region or of all."""
    where = "" if region is None else "where home_region = :region"
    rows = db.all(f"select * from imports {where} order by started_ms, import_id", {"region": region})
    return [_import(row) for row in rows]


def import_of(db: Connection, import_id: str) -> Import | None:
    """A run by its id."""
    row = db.one("select * from imports where import_id = :id", {"id": import_id})
    return None if row is None else _import(row)


def latest(db: Connection, region: str, source: str, but_vintage: str) -> Import | None:
    """The newest finished run of a source that holds and is of another vintage: what a new vintage succeeds."""
    row = db.one(
        """select * from imports where home_region = :region and source = :source and vintage <> :vintage
           and finished_ms is not null and undone_ms is null order by started_ms desc, import_id desc limit 1""",
        {"region": region, "source": source, "vintage": but_vintage},
    )
    return None if row is None else _import(row)


def of_vintage(db: Connection, region: str, source: str, vintage: str) -> list[Import]:
    """Every run of one vintage, oldest first; undone and broken off ones too."""
    rows = db.all(
        """select * from imports where home_region = :region and source = :source and vintage = :vintage
           order by started_ms, import_id""",
        {"region": region, "source": source, "vintage": vintage},
    )
    return [_import(row) for row in rows]


def newest_of_vintage(db: Connection, region: str, source: str, vintage: str) -> Import | None:
    """The newest run of a vintage that reached the end of its file, undone or not."""
    return next((run for run in reversed(of_vintage(db, region, source, vintage)) if run.finished_ms is not None), None)


def unfinished(db: Connection, region: str, source: str) -> list[Import]:
    """Runs that broke off, were not undone, and whose vintage no later run finished; oldest first."""
    rows = db.all(
        """select * from imports i where home_region = :region and source = :source
           and finished_ms is null and undone_ms is null
           and not exists (select 1 from imports j where j.home_region = i.home_region and j.source = i.source
             and j.vintage = i.vintage and j.finished_ms is not null)
           order by started_ms, import_id""",
        {"region": region, "source": source},
    )
    return [_import(row) for row in rows]


def rows_of(db: Connection, region: str, import_id: str) -> Iterator[ImportRow]:
    """The families of a run, streamed in order of family id."""
    for row in db.stream(
        """select * from import_rows where home_region = :region and import_id = :id order by family_id""",
        {"region": region, "id": import_id},
    ):
        yield _row(row)


def rows_by_family(db: Connection, region: str, import_id: str, families: Iterable[str]) -> dict[str, ImportRow]:
    """Those of the families that a run listed."""
    found = {}
    for family in families:
        row = db.one(
            "select * from import_rows where home_region = :region and import_id = :id and family_id = :family",
            {"region": region, "id": import_id, "family": family},
        )
        if row is not None:
            found[family] = _row(row)
    return found


def households_of_family(db: Connection, family_id: str, source: str | None = None) -> dict[str, str]:
    """household id -> home_region of every family that any list (of one source) names so."""
    of_source = "" if source is None else "and i.source = :source"
    rows = db.all(
        f"""select distinct r.household_id, r.home_region from imports i cross join import_rows r
            where r.home_region = i.home_region and r.import_id = i.import_id and r.family_id = :family {of_source}""",
        {"family": family_id, "source": source},
    )
    return {row["household_id"]: row["home_region"] for row in rows}


def count_rows(db: Connection, region: str, import_id: str) -> int:
    """How many families a run listed."""
    return int(
        db.value(
            "select count(*) from import_rows where home_region = :region and import_id = :id",
            {"region": region, "id": import_id},
        )
    )


def _import(row: Row) -> Import:
    return Import(
        row["import_id"],
        row["source"],
        row["vintage"],
        row["predecessor"] or "",
        row["home_region"],
        row["file_name"],
        row["file_sha256"],
        row["started_ms"],
        row["finished_ms"],
        row["undone_ms"],
        row["actor"],
        json.loads(row["summary"]),
    )


def _row(row: Row) -> ImportRow:
    return ImportRow(row["family_id"], row["household_id"], row["ref"], row["row_digest"], bool(row["fresh"]))
