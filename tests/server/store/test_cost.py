"""The cost of an event is flat: no statement of a push or a fold reads more the more is stored (SQLite's own plans)."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from engine_kit import only_sqlite

from server.store.database import Connection

SMALL = {"epochs", "forms", "form_retirements", "q"}
"""Tables of a few rows, and bounded counts."""

BOUNDED = {"fold_queue", "nik_queue"}
"""Read from the front only, with a limit."""

ONE_ROW_PER_REGION = {"log_heads", "feed_heads"}


class Plans:
    """Notes the plan of every statement that a connection runs."""

    def __init__(self, db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lines: dict[str, list[str]] = {}
        self._raw = db.raw
        for name in ("all", "one", "value", "run", "many"):
            monkeypatch.setattr(db, name, self._noting(getattr(db, name)))

    def _noting(self, real: Any) -> Any:
        def run(sql: str, params: Any = None) -> Any:
            rows = params if params is None or isinstance(params, Mapping) else list(params)
            if rows != []:
                self._note(sql, rows)
            return real(sql, rows)

        return run

    def _note(self, sql: str, rows: Mapping[str, Any] | Iterable[Any] | None) -> None:
        params = rows if isinstance(rows, Mapping) else next(iter(rows or [{}]))
        key = re.sub(r"\s+", " ", re.sub(r"\d+", "N", sql)).strip()
        if key not in self.lines:
            plan = sqlite3.Connection.execute(self._raw, f"explain query plan {sql}", params).fetchall()
            self.lines[key] = [row[3] for row in plan]

    def growing(self) -> list[str]:
        """Statements that scan a table, or search it by its region alone."""
        found = []
        for sql, lines in self.lines.items():
            for line in lines:
                scan = re.match(r"SCAN (\w+)", line)
                if scan and scan[1] not in SMALL | BOUNDED and not re.search(r"limit :?\w+", sql):
                    found.append(f"{line}: {sql}")
                by_region = re.match(r"SEARCH (\w+) USING .*\(home_region=\?\)$", line)
                if by_region and by_region[1] not in ONE_ROW_PER_REGION:
                    found.append(f"{line}: {sql}")
        return found


@pytest.mark.parametrize(**only_sqlite)
def test_no_statement_of_a_push_or_a_fold_grows_with_what_is_stored(
    world: Any, person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = Plans(world.db, monkeypatch)
    one, two = sorted(world.uuid() for _ in range(2))
    for household in (one, two):
        key = f"{household}/{world.uuid()}"
        world.push(world.sealed(household, {"address": household}, {key: person(nik="1903014107900001")}, seq=1))
    world.staff("assignment", one, {"officer": "petugas1"})
    world.fold()
    link = world.staff("link", one, {"households": [one, two]}, also=[(two, "19.03")])
    world.fold()
    world.staff("unlink", one, {"links": [link["payload_hash"][:32]]}, also=[(two, "19.03")])
    world.push(b"garbage", world.sealed(one, {"address": "x"}, area="19.03.02.2001"))
    world.fold()
    assert len(plans.lines) > 50
    assert plans.growing() == []


@pytest.mark.parametrize(**only_sqlite)
def test_the_check_can_fail(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plans = Plans(world.db, monkeypatch)
    world.db.all("select * from log where kind = 'link'")
    world.db.all("select * from parts where home_region = :region", {"region": "19.03"})
    assert len(plans.growing()) == 2
