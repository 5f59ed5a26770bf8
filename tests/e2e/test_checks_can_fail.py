"""The checks of a campaign see what they are there for: each is made to fail by spoiling one thing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import e2e_checks as checks
import pytest
from e2e_campaign import Campaign
from e2e_world import World, a_world

pytestmark = pytest.mark.xdist_group("e2e-days")


@pytest.fixture
def settled(tmp_path: Path) -> Iterator[World]:
    with a_world(tmp_path, 3, 5) as world:
        campaign = Campaign(world)
        for act in (campaign.full_visit, campaign.full_visit, campaign.sync, campaign.fold):
            act()
        campaign.settle()
        yield world


def spoilt(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as db, db:
        assert db.execute(statement).rowcount > 0


def test_each_check_fails_where_its_thing_is_spoilt(settled: World) -> None:
    checks.check_everything(settled)
    home = settled.folder
    tablet = next(
        home / "tablets" / name / "tablet.db" for name, client in settled.tablets.items() if client.sealed_events()
    )
    person = next(p for hid in settled.ids() for p in settled.record(hid)["persons"] if "value" in p["fields"]["nik"])

    def named_in_the_log() -> None:
        settled.log.write(person["fields"]["nik"]["value"])

    def sealed_and_lost() -> None:
        spoilt(home / "padan.db", "delete from log where kind = 'submission'")

    cases: list[tuple[Callable[[], None], Callable[[World], None], str | None]] = [
        (named_in_the_log, checks.check_written_lines, None),
        (lambda: spoilt(home / "registry.db", "update records set withdrawn = 1"), checks.check_registry, None),
        (lambda: spoilt(home / "pusat.db", "update households set data = '{}'"), checks.check_files, "mirror_diff"),
        (lambda: spoilt(tablet, "delete from households where level = 'full'"), checks.check_tablets, None),
        (lambda: spoilt(tablet, "update events set state = 'sealed'"), checks.check_queues, None),
        (
            lambda: spoilt(home / "padan.db", "update households set state = 'listed'"),
            checks.check_log_and_records,
            None,
        ),
        (sealed_and_lost, checks.check_files, "lost_refs"),
    ]
    for spoil, check, told in cases:
        spoil()
        with pytest.raises(AssertionError, match=told):
            check(settled)
