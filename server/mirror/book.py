"""What is in the mirror: applies the lines of a page, keeps the cursor beside them, drops what a rebuild did not see.

All methods that write are called inside `transaction()`: a page and its cursor are kept together or not at all. No
network here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import orjson

from server.mirror.layout import explained, open_mirror, transaction
from server.mirror.lines import AliasLine, ErasedLine, GoneLine, HouseholdLine, Line, PageLine
from server.mirror.wide_tables import WideTables


@dataclass(frozen=True, slots=True)
class PullState:
    """How far the mirror is. `rebuilding`: everything is being read again; what is older than `generation` goes at
    the end of that."""

    server_url: str
    server_id: str
    epoch: str
    area: str | None
    cursor: str
    generation: int
    rebuilding: bool
    complete_at: str | None


class Mirror:
    """An open mirror."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._raw = open_mirror(path)
        self.wide = WideTables(self._raw)
        self._replaced = ""
        self.forgot = False
        """Whether something was erased from a record that was here already."""

    def compact(self) -> None:
        """Write the file anew: deleting alone leaves copies behind in pages that were put together."""
        with explained(self.path):
            self._raw.execute("vacuum")
            self._raw.execute("pragma wal_checkpoint(truncate)").fetchall()

    def close(self) -> None:
        """Close the file; nothing is left beside it."""
        self._raw.close()

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing, columns that were added included."""
        return transaction(self._raw, self.path)

    def rolled_back(self) -> None:
        """Forget what was remembered of columns that the rolled back transaction had added."""
        self.wide = WideTables(self._raw)

    def state(self) -> PullState | None:
        """How far the mirror is, or None before the first page."""
        row = self._raw.execute(
            """select server_url, server_id, epoch, area, cursor, generation, rebuilding, complete_at
               from pull_state"""
        ).fetchone()
        if row is None:
            return None
        url, server, epoch, area, cursor, generation, rebuilding, complete = row
        return PullState(url, server, epoch, area, cursor, generation, bool(rebuilding), complete)

    def counts(self) -> dict[str, int]:
        """Rows of the tables people ask about."""
        return {
            table: int(self._raw.execute(f"select count(*) from {table}").fetchone()[0])
            for table in ("households", "aliases", "anggota")
        }

    def apply(self, line: Line, generation: int, now: str) -> None:
        """One line of a page."""
        if isinstance(line, HouseholdLine):
            self._put(line, generation)
        elif isinstance(line, AliasLine):
            self._drop(line.household_id)
            self._put_alias(line.household_id, line.canonical_id, line.home_region, generation)
        elif isinstance(line, GoneLine):
            # The line is about one area; a household that is in the mirror with another area has moved on since.
            if self._area(line.household_id) == line.area:
                self._drop(line.household_id)
        elif isinstance(line, ErasedLine):
            # The record, on a line before, lacks it already; of an old erasure it says the same again.
            self.forgot |= line.household_id == self._replaced
            self._raw.execute(
                "insert or replace into erasures (household_id, home_region, noted) values (?, ?, ?)",
                (line.household_id, line.home_region, now),
            )

    def keep(
        self, page: PageLine, server_url: str, area: str | None, generation: int, rebuilding: bool, now: str
    ) -> int:
        """The cursor of the page just applied. After the last page of a rebuild: drop what was not seen again, and
        answer how many households that were."""
        dropped = 0
        if rebuilding and not page.more:
            dropped = self._drop_older(generation)
            rebuilding = False
        self._raw.execute(
            """insert into pull_state (id, server_url, server_id, epoch, area, cursor, generation, rebuilding, pages,
                 pulled_at, complete_at)
               values (1, :url, :server, :epoch, :area, :cursor, :generation, :rebuilding, 1, :now, :complete)
               on conflict (id) do update set server_url = :url, server_id = :server, epoch = :epoch, area = :area,
                 cursor = :cursor, generation = :generation, rebuilding = :rebuilding, pages = pages + 1,
                 pulled_at = :now, complete_at = coalesce(:complete, complete_at)""",
            {
                "url": server_url,
                "server": page.server_id,
                "epoch": page.epoch,
                "area": area,
                "cursor": page.cursor,
                "generation": generation,
                "rebuilding": int(rebuilding),
                "now": now,
                "complete": None if page.more else now,
            },
        )
        return dropped

    def form_hashes(self) -> dict[tuple[str, str], str]:
        """(form, version) -> hash of the forms the mirror has."""
        return {(row[0], row[1]): row[2] for row in self._raw.execute("select id, version, hash from forms")}

    def retire_forms(self, versions: Iterable[tuple[str, str]]) -> None:
        """Note which `(form, version)` no new form is opened with; all others are in use."""
        self._raw.execute("update forms set retired = 0 where retired <> 0")
        self._raw.executemany("update forms set retired = 1 where id = ? and version = ?", list(versions))

    def retired_forms(self) -> set[tuple[str, str]]:
        """The versions that are retired."""
        return {(row[0], row[1]) for row in self._raw.execute("select id, version from forms where retired = 1")}

    def put_form(self, form_id: str, version: str, hash: str, definition: str) -> None:
        """Keep a published form."""
        self._raw.execute(
            "insert or replace into forms (id, version, hash, definition) values (?, ?, ?, ?)",
            (form_id, version, hash, definition),
        )

    def drop_form(self, form_id: str, version: str) -> None:
        """Forget a form that the server does not have: it was another server's."""
        self._raw.execute("delete from forms where id = ? and version = ?", (form_id, version))

    def definitions(self) -> list[str]:
        """Every form the mirror has, as JSON."""
        return [row[0] for row in self._raw.execute("select definition from forms order by id, version")]

    def _put(self, line: HouseholdLine, generation: int) -> None:
        data = line.data.decode("utf-8")
        identity = orjson.dumps(line.identity).decode()
        known = self._raw.execute(
            "select data = ? and identity = ? from households where household_id = ?",
            (data, identity, line.household_id),
        ).fetchone()
        self._raw.execute(
            """insert into households (household_id, home_region, area, state, position, data, identity, generation)
               values (?, ?, ?, ?, ?, ?, ?, ?)
               on conflict (household_id) do update set home_region = excluded.home_region, area = excluded.area,
                 state = excluded.state, position = excluded.position, data = excluded.data,
                 identity = excluded.identity, generation = excluded.generation""",
            (line.household_id, line.home_region, line.area, line.state, line.position, data, identity, generation),
        )
        self._put_aliases(line, generation)
        if known is None or not known[0]:
            self.wide.replace(line.record, line.identity)
        self._replaced = line.household_id if known is not None and not known[0] else ""

    def _put_aliases(self, line: HouseholdLine, generation: int) -> None:
        """A record names its aliases: with that an unlinked id is free again, without waiting for a line of its own."""
        self._raw.execute(
            "delete from aliases where canonical_id = ? or household_id = ?", (line.household_id, line.household_id)
        )
        for alias in line.record["aliases"]:
            self._drop(alias)
            self._put_alias(alias, line.household_id, line.home_region, generation)

    def _put_alias(self, household_id: str, canonical_id: str, home_region: str, generation: int) -> None:
        self._raw.execute(
            "insert or replace into aliases (household_id, canonical_id, home_region, generation) values (?, ?, ?, ?)",
            (household_id, canonical_id, home_region, generation),
        )

    def _area(self, household_id: str) -> str | None:
        row = self._raw.execute("select area from households where household_id = ?", (household_id,)).fetchone()
        return None if row is None else str(row[0])

    def _drop(self, household_id: str) -> None:
        self.wide.drop(household_id)
        self._raw.execute("delete from households where household_id = ?", (household_id,))

    def _drop_older(self, generation: int) -> int:
        gone: sqlite3.Cursor = self._raw.execute(
            "select household_id from households where generation < ?", (generation,)
        )
        count = 0
        while rows := gone.fetchmany(1_000):
            for (household_id,) in rows:
                self.wide.drop(household_id)
            count += len(rows)
        self._raw.execute("delete from households where generation < ?", (generation,))
        self._raw.execute("delete from aliases where generation < ?", (generation,))
        return count
