"""Who was erased after a backup was made does not come back with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from backup_world import Vault, brought_back

from server.auth.keys import ServerKeys
from server.backups import ledger
from server.backups.problem import BackupProblem
from server.flows.audit import verify
from server.flows.fold import fold_all
from server.store import events, fold_queue
from server.store.database import Connection, StoreFull
from server.store.migrations import open_store


class Erasing:
    """Stands in for the flow that replays a ledger: each line names a ref and a part to empty."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []

    def __call__(self, db: Connection, keys: ServerKeys, path: Path, now_ms: int) -> int:
        self.seen = path.read_bytes().splitlines() if path.exists() else []
        done = 0
        for line in self.seen:
            ref, part = json.loads(json.loads(line)["body"])["erase"]
            with db.transaction():
                done += events.erase_part(db, "19.03", ref, part)
        if done:
            for household in [row["household_id"] for row in db.all("select household_id from known_households")]:
                fold_queue.put(db, {("19.03", household)}, now_ms)
            fold_all(db, keys, now_ms)
        return done


def _line(ref: str, part: str) -> bytes:
    return json.dumps({"body": json.dumps({"erase": [ref, part]}), "signature": "x"}).encode() + b"\n"


FINISHED = json.dumps({"body": json.dumps({"finished": "abc"}), "signature": "x"}).encode() + b"\n"


def _person_of(vault: Vault) -> tuple[str, str, str]:
    """A ref, the part of its person, and the name in it."""
    row = vault.db.one(
        """select l.ref, p.name, p.content from log l join parts p
           on p.home_region = l.home_region and p.epoch = l.epoch and p.position = l.position
           where p.name like 'p/%' order by l.position limit 1"""
    )
    assert row is not None
    return row["ref"], row["name"], json.loads(row["content"])["assertions"]["m_name"]["value"]


def test_who_was_erased_after_the_backup_does_not_come_back(vault: Vault, target: Path) -> None:
    """The ledger lies beside the lost database no more: its copy in the folder of backups is enough."""
    vault.make()
    ref, part, name = _person_of(vault)
    (vault.world.home / "erasures.jsonl").write_bytes(_line(ref, part) + FINISHED)
    vault.look()
    erasing = Erasing()
    done = brought_back(vault, target, replay=erasing)
    assert (done.erased, erasing.seen) == (1, [_line(ref, part).strip()])
    store = open_store(target)
    found = events.by_ref(store.db, "19.03", ref)
    assert found is not None and found.parts[part] == (None, None)
    assert verify(store.db).broken == ()
    assert not any(name in str(row["data"]) for row in store.db.all("select data from households"))
    store.close()


def test_the_ledger_in_the_folder_only_grows(vault: Vault) -> None:
    home = vault.world.home
    path = home / "erasures.jsonl"
    assert not ledger.copy_out(vault.place, [vault.key], home)
    path.write_bytes(_line("a", "p/1") + FINISHED + b'{"body": "cut of')
    assert ledger.copy_out(vault.place, [vault.key], home)
    assert not ledger.copy_out(vault.place, [vault.key], home), "nothing new"
    path.write_bytes(_line("b", "p/2"))
    assert ledger.copy_out(vault.place, [vault.key], home)
    assert ledger.kept_lines(vault.place, [vault.key]) == [_line("a", "p/1").strip(), _line("b", "p/2").strip()]
    assert _line("a", "p/1").strip() not in (vault.place.path / "erasures.jsonl.gz.age").read_bytes()


def test_what_the_ledger_here_knows_and_the_folder_does_not_is_kept(vault: Vault, tmp_path: Path) -> None:
    (vault.world.home / "erasures.jsonl").write_bytes(_line("a", "p/1"))
    vault.look()
    vault.make()
    home = tmp_path / "lain"
    home.mkdir()
    (home / "erasures.jsonl").write_bytes(_line("b", "p/2") + FINISHED + b'{"body": "cut of')
    assert ledger.bring_back(vault.place, [vault.key], home) == 1
    lines = (home / "erasures.jsonl").read_bytes().split(b"\n")
    assert lines == [_line("b", "p/2").strip(), FINISHED.strip(), b'{"body": "cut of', _line("a", "p/1").strip(), b""]
    assert ledger.bring_back(vault.place, [vault.key], home) == 0


def test_a_ledger_that_cannot_be_read_stops_a_restore(vault: Vault, target: Path) -> None:
    (vault.world.home / "erasures.jsonl").write_bytes(_line("a", "p/1"))
    vault.make()
    copy = vault.place.path / "erasures.jsonl.gz.age"
    copy.write_bytes(copy.read_bytes()[:-1])
    with pytest.raises(BackupProblem, match="orang yang sudah dihapus dapat kembali"):
        brought_back(vault, target)
    assert not target.exists()
    copy.rename(copy.with_name("aside"))
    brought_back(vault, target)
    assert target.exists()


def test_a_replay_that_fails_brings_nothing(vault: Vault, target: Path) -> None:
    vault.make()

    def broken(*_: Any) -> int:
        raise StoreFull("no room")

    with pytest.raises(StoreFull):
        brought_back(vault, target, replay=broken)
    assert not target.exists()
