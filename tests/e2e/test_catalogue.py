"""The catalogue of PostgreSQL: whatever grows can be spread over machines by its region, or, of NIKs, by its digest.

Every unique key of a growing table begins with or contains the column it is spread by, and every join of two growing
tables goes over that column: so neither Citus, YugabyteDB nor native partitioning has to ask a second machine. The SQL
is that of a whole campaign as it was run, read by a parser.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from e2e_campaign import Campaign
from e2e_world import a_world
from sqlglot import exp

from server.store.copying import tables
from server.store.database import Store
from server.store.migrations import open_store
from server.store.postgres import PostgresConnection

FAMILIES, STEPS = 8, 60
pytestmark = pytest.mark.xdist_group("e2e")

BY_DIGEST = {"nik_claims", "nik_rows", "nik_queue"}
"""A group of their own, spread by `nik_digest`: a NIK knows no kabupaten."""

ONE_PLACE = {
    "meta", "epochs", "log_heads", "feed_heads", "unreadable", "server_keys", "officers", "enrolments", "installs",
    "install_officers", "staff", "access_tokens", "deposits", "forms", "imports", "leases", "circuits", "quotas",
    "job_runs", "delivery_cursors", "unlock_codes", "backups", "backup_keys", "restores",
    "form_retirements", "form_sheets", "install_forms",
}  # fmt: skip
"""Small or of no region: on one machine, or copied to all (docs/scale.md)."""

BY_ID = {
    "known_households": "household_id", "reservations": "place", "backup_blobs": "sha256", "erased_subjects": "subject",
    "erased_items": "digest", "erased_files": "sha256", "blobs": "sha256", "blob_names": "sha256",
    "blob_uploads": "sha256",
}  # fmt: skip
"""Looked up by their key alone, joined with nothing but, of photos, each other over the hash."""


def spread_by(table: str) -> str:
    """The column by which a growing table is spread."""
    return "nik_digest" if table in BY_DIGEST else BY_ID.get(table, "home_region")


@pytest.fixture
def store(new_address: Callable[[], str]) -> Iterator[Store]:
    """An empty, migrated database."""
    found = open_store(new_address())
    yield found
    found.close()


def growing() -> set[str]:
    """Tables that grow with the campaign."""
    return set(tables()) - ONE_PLACE


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
def test_every_unique_key_of_a_growing_table_contains_the_column_it_is_spread_by(store: Store) -> None:
    rows = store.db.all(
        """select t.relname as table_name, i.relname as index_name, array_to_string(array(
             select a.attname from unnest(x.indkey) with ordinality as k(attnum, place)
             join pg_attribute a on a.attrelid = t.oid and a.attnum = k.attnum order by k.place), ' ') as columns
           from pg_index x join pg_class t on t.oid = x.indrelid join pg_class i on i.oid = x.indexrelid
           join pg_namespace n on n.oid = t.relnamespace
           where n.nspname = current_schema() and x.indisunique"""
    )
    seen = {row["table_name"] for row in rows}
    assert growing() <= seen
    wrong = [
        f"{row['index_name']}: {row['columns']}"
        for row in rows
        if row["table_name"] in growing() and spread_by(row["table_name"]) not in row["columns"].split()
    ]
    assert wrong == []


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
def test_every_text_is_compared_as_bytes(store: Store) -> None:
    rows = store.db.all(
        """select c.relname, a.attname from pg_attribute a join pg_class c on c.oid = a.attrelid
           join pg_namespace n on n.oid = c.relnamespace join pg_collation l on l.oid = a.attcollation
           where n.nspname = current_schema() and c.relkind = 'r' and l.collname <> 'C'"""
    )
    assert [tuple(row) for row in rows] == []


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
def test_every_join_of_a_campaign_goes_over_the_column_the_tables_are_spread_by(
    tmp_path: Path, engine: str, new_address: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: set[str] = set()
    for name in ("all", "one", "run", "many", "stream"):
        monkeypatch.setattr(PostgresConnection, name, _noting(getattr(PostgresConnection, name), ran))
    with a_world(tmp_path, 2, FAMILIES, new_address()) as world:
        campaign = Campaign(world)
        for _ in range(STEPS):
            campaign.step()
        campaign.settle()
    joins = [sql for sql in sorted(ran) if len(_growing_in(sql)) > 1]
    assert len(ran) > 120 and len(joins) > 12, (len(ran), len(joins))
    assert [problem for sql in joins for problem in problems_of(sql)] == []


def test_the_reading_of_joins_can_fail() -> None:
    good = "select 1 from filings f cross join log l where l.home_region = f.home_region and l.epoch = f.epoch"
    constant = "select 1 from log l join parts p on p.position = l.position"
    constant += " where l.home_region = :r and p.home_region = :r"
    bad = "select 1 from filings f join log l on l.epoch = f.epoch where f.home_region = :r"
    assert (list(problems_of(good)), list(problems_of(constant))) == ([], [])
    assert len(list(problems_of(bad))) == 1
    inside = "select 1 from log l where exists (select 1 from parts p where p.position = l.position)"
    assert len(list(problems_of(inside))) == 1


def problems_of(sql: str) -> Iterator[str]:
    """Growing tables in a statement that are tied neither to another nor to a value by the column of their group."""
    tree = sqlglot.parse_one(_parsable(sql), read="postgres")
    names = _read_from(tree)
    tied = {name: name for name in names}

    def root(name: str) -> str:
        while tied[name] != name:
            name = tied[name]
        return name

    values: dict[str, str] = {}
    for equal in tree.find_all(exp.EQ):
        sides = (equal.left, equal.right)
        columns = [side for side in sides if isinstance(side, exp.Column) and _spreads(side, names)]
        if len(columns) == 2:
            tied[root(_owner(columns[0], names))] = root(_owner(columns[1], names))
        elif len(columns) == 1:
            other = next(side for side in sides if side is not columns[0])
            value = other.sql()
            first = values.setdefault(value, _owner(columns[0], names))
            tied[root(_owner(columns[0], names))] = root(first)
    groups = {root(name) for name in names}
    if len(groups) > 1 and not {names[name] for name in names} <= BY_ID.keys() | BY_DIGEST | {"nik_claims"}:
        yield f"{sorted(names.items())} are not all joined by their region: {' '.join(sql.split())[:300]}"


def _spreads(column: exp.Column, names: dict[str, str]) -> bool:
    owner = _owner(column, names)
    return owner in names and column.name in (spread_by(names[owner]), "home_region")


def _owner(column: exp.Column, names: dict[str, str]) -> str:
    if column.table:
        return column.table
    select = column.find_ancestor(exp.Select)
    inside = [table.alias_or_name for table in select.find_all(exp.Table)] if select is not None else list(names)
    mine = [name for name in inside if name in names]
    return mine[0] if len(mine) == 1 else next(iter(names))


def _growing_in(sql: str) -> set[str]:
    return set(_read_from(sqlglot.parse_one(_parsable(sql), read="postgres")))


def _read_from(tree: exp.Expression) -> dict[str, str]:
    """Name or alias -> growing table that is read; a table that rows are only put into is joined with nothing."""
    target = tree.this.find(exp.Table) if isinstance(tree, exp.Insert) else None
    read = (table for table in tree.find_all(exp.Table) if table is not target)
    return {table.alias_or_name: table.name for table in read if table.name in growing()}


def _parsable(sql: str) -> str:
    return re.sub(r"(?<![:\w]):([a-z_][a-z_0-9]*)", r"'\1'", sql)


def _noting(real: Any, ran: set[str]) -> Any:
    def note(self: Any, sql: str, *rest: Any, **more: Any) -> Any:
        if re.match(r"\s*(select|insert|update|delete)", sql) and "pg_" not in sql:
            ran.add(re.sub(r"\b([a-z]+)\d+\b", r"\g<1>0", sql))
        return real(self, sql, *rest, **more)

    return note
