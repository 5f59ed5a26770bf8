"""Who was erased after the backup does not come back: not with the older backup, not with a tablet afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest
from backup_world import Vault, brought_back
from erasure_world import FIND, Erasing
from server_world import World

from server.flows.audit import verify
from server.flows.erasure import erased_again
from server.flows.erasure_ledger import LedgerUnreadable
from server.flows.fold import fold_all
from server.flows.rebuild import rebuild
from server.store.migrations import open_store


def test_neither_the_older_backup_nor_a_tablet_brings_an_erased_person_back(
    world: World, tmp_path: Path, target: Path
) -> None:
    vault, erasing = Vault(world, tmp_path / "cadangan"), Erasing(world, world.home)
    erasing.family()
    form = erasing.visit({"address": "Jl. Mawar 6"})
    world.fold()
    vault.make()
    erasing.erase()
    vault.look()
    done = brought_back(vault, target, replay=erased_again)
    assert done.erased == 1
    again = World(open_store(target), seed=8, home=target.parent)
    again.now_ms = world.now_ms
    again.push(form)
    fold_all(again.db, again.keys, again.now_ms)
    assert verify(again.db).broken == ()
    assert rebuild(again.db, again.keys, check=True, shuffle_seed=3, now_ms=again.now_ms).identical
    again.db.checkpoint(restart=True)
    again.store.close()
    left = [path.name for path in target.parent.iterdir() for word in FIND if word in path.read_bytes()]
    assert left == []


def test_a_line_of_the_ledger_that_cannot_be_read_stops_the_restore(world: World, tmp_path: Path, target: Path) -> None:
    vault, erasing = Vault(world, tmp_path / "cadangan"), Erasing(world, world.home)
    erasing.family()
    vault.make()
    erasing.erase()
    ledger = world.home / "erasures.jsonl"
    ledger.write_bytes(ledger.read_bytes().replace(b'"signature"', b'"signatura"', 1))
    vault.look()
    with pytest.raises(LedgerUnreadable, match="baris 1"):
        brought_back(vault, target, replay=erased_again)
    assert not target.exists()
