"""`padan delivery`: an operator sees what is on its way, reads the registry's words, retries, pauses, compares."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from delivery_world import NIKS, SECRET, Delivering, delivering_in

from server.clock import FixedClock, SystemClock
from server.commands.delivery import command
from server.store import identity

Run = Callable[..., Result]


@pytest.fixture
def live(world: Any, tmp_path: Path) -> Any:
    """A scene whose registry lives in the present, as the command does."""
    with delivering_in(world, tmp_path, clock=FixedClock(SystemClock().now_ms())) as made:
        yield made


@pytest.fixture
def run(live: Delivering, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    for name, value in live.world.environ().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PADAN_REGISTRY_URL", live.url)
    monkeypatch.setenv("PADAN_REGISTRY_SECRET", SECRET.decode())
    monkeypatch.setenv("PADAN_CAMPAIGN", "uji")
    return lambda *words: CliRunner().invoke(command, list(words))


def test_list_counts_rows_and_names_those_of_a_state(run: Run, live: Delivering) -> None:
    household = live.ratified(NIKS[0])
    live.run()
    told = run("list", "--state", "accepted")
    assert told.exit_code == 0, told.output
    assert "Tercatat di registri: 1 keluarga" in told.output
    assert f"{household}  deliver v1  accepted" in told.output


def test_dead_letters_show_the_registrys_words_and_are_retried(run: Run, live: Delivering) -> None:
    household = live.ratified(NIKS[0])
    live.switch(reject={"total": 1, "code": "nik_unknown", "message": "NIK tidak ditemukan"})
    live.run()
    (letter,) = [json.loads(line) for line in run("dead-letters", "--json").output.splitlines()]
    assert (letter["household_id"], letter["code"]) == (household, "nik_unknown")
    assert "NIK tidak ditemukan" in run("dead-letters").output
    assert run("retry").exit_code == 2
    assert run("retry", household).output == "1 akan dikirim ulang.\n"
    assert run("retry", "--all").exit_code == 1
    live.run()
    assert live.state(household) == "accepted"
    assert run("dead-letters").output == "Tidak ada yang ditolak.\n"


def test_a_pause_is_shown_with_its_reason_and_ends_with_resume(run: Run, live: Delivering) -> None:
    household = live.ratified(NIKS[0])
    assert run("pause", "registri diperbaiki").exit_code == 0
    assert "DIHENTIKAN SEMENTARA: registri diperbaiki" in run("list").output
    live.run()
    assert live.applications() == []
    run("resume")
    live.run()
    assert live.state(household) == "accepted"


def test_a_dry_run_says_what_would_be_sent_and_why_not_and_writes_nothing(run: Run, live: Delivering) -> None:
    ready, waiting = live.ratified(NIKS[0]), live.household(NIKS[1])
    told = {name: json.loads(run("dry-run", name).output) for name in (ready, waiting)}
    assert (told[ready]["action"], told[ready]["version"], told[ready]["persons"]) == ("deliver", 1, 1)
    assert (told[waiting]["action"], told[waiting]["reasons"][0]["code"]) == ("none", "not_ratified")
    (line,) = run("dry-run").output.splitlines()
    assert json.loads(line)["household_id"] == ready
    assert NIKS[0] not in line
    assert live.rows(ready) == []
    assert run("dry-run", live.world.uuid()).exception is not None


def test_reconcile_says_what_differs_and_ends_with_one(run: Run, live: Delivering) -> None:
    household = live.ratified(NIKS[0])
    live.run()
    clean = run("reconcile")
    assert (clean.exit_code, clean.output.startswith("19.03: clean; di sini 1, di registri 1")) == (0, True)
    live.lose_in_registry(household)
    different = run("reconcile", "--resend")
    assert different.exit_code == 1
    assert f"missing_there: {household}" in different.output
    live.run()
    assert live.standing() == {household: 1}
    assert run("reconcile", "--rebuild").exit_code == 0


def test_a_freeze_after_a_restore_is_named_and_ends_with_reconcile(run: Run, live: Delivering) -> None:
    household = live.ratified(NIKS[0])
    identity.begin_epoch(live.db, live.clock.now_ms(), "restore")
    assert "DIBEKUKAN" in run("list").output
    assert "dibekukan" in run("resume").output
    live.run()
    assert live.applications() == []
    assert run("reconcile").exit_code == 0
    live.run()
    assert live.state(household) == "accepted"


def test_a_withdrawal_of_a_ratified_household_is_refused_in_words(run: Run, live: Delivering) -> None:
    household = live.ratified(NIKS[0])
    live.run()
    refused = run("withdraw", household)
    assert refused.exit_code == 1
    assert "batalkan (undo) pengesahannya" in str(refused.exception)


def test_without_a_registry_the_command_says_which_setting_is_missing(
    run: Run, live: Delivering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PADAN_REGISTRY_URL")
    assert "PADAN_REGISTRY_URL" in run("reconcile").output
    assert "Registri belum diatur" in run("list").output
