"""`padan campaign`: closing holds what is sealed later, a new epoch is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from server.commands.campaign import command
from server.store.identity import campaign_closes_ms, current_epoch
from server.store.migrations import open_store


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "padan.db"
    open_store(path).close()
    monkeypatch.setenv("PADAN_DATABASE", str(path))
    monkeypatch.chdir(tmp_path)
    return path


def padan(*words: str) -> Result:
    return CliRunner().invoke(command, list(words), catch_exceptions=False)


def test_a_campaign_is_closed_at_a_moment_with_its_zone_and_opened_again(database: Path) -> None:
    assert "terbuka" in padan("show").output
    assert padan("close", "2026-12-31T17:00:00+07:00").exit_code == 0
    assert campaign_closes_ms(open_store(database).db) == 1_798_711_200_000
    assert "ditutup 2026-12-31T10:00:00Z" in padan("show").output
    padan("reopen")
    assert campaign_closes_ms(open_store(database).db) is None


@pytest.mark.parametrize("moment", ["2026-12-31T17:00:00", "besok", "31/12/2026"])
def test_a_moment_without_a_zone_or_in_another_writing_is_refused_and_changes_nothing(
    database: Path, moment: str
) -> None:
    result = padan("close", moment)
    assert result.exit_code == 2
    assert moment in result.output
    assert campaign_closes_ms(open_store(database).db) is None


def test_a_new_epoch_needs_a_yes_and_gets_a_new_name(database: Path) -> None:
    before = current_epoch(open_store(database).db)
    refused = CliRunner().invoke(command, ["new-epoch", "--reason", "restore"], input="n\n")
    assert refused.exit_code == 1
    assert current_epoch(open_store(database).db) == before
    assert padan("new-epoch", "--reason", "restore", "--yes").exit_code == 0
    assert current_epoch(open_store(database).db)[0] == before[0] + 1
