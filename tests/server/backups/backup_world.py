"""A server with a folder of backups: making, spoiling and looking at them."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any, BinaryIO

from server_world import World

from server.backups.age_files import BackupKey, lock_keys, new_key
from server.backups.folder import BackupFolder
from server.backups.plan import Plan
from server.backups.problem import WrongPassphrase
from server.backups.retention import Keep
from server.clock import FixedClock
from server.flows import backup_watch
from server.flows.backup import Done, make_backup
from server.flows.restore import Replay, Restored, choose, restore
from server.store import backups, identity
from server.store.database import Connection

PASSPHRASE = "rama-duku-siti-kelo-bana-turi"
DAY_MS = 24 * 3_600_000


class Photos:
    """Where a server's photos are: here a dictionary. `lost`: listed, and not there."""

    def __init__(self, *contents: bytes) -> None:
        self.kept = {hashlib.sha256(each).hexdigest(): each for each in contents}
        self.lost: set[str] = set()
        self.read: list[str] = []

    def whole(self, _db: Connection) -> list[str]:
        return sorted({*self.kept, *self.lost})

    def open(self, sha256: str) -> BinaryIO:
        self.read.append(sha256)
        if sha256 not in self.kept:
            raise FileNotFoundError(sha256)
        return io.BytesIO(self.kept[sha256])


class Vault:
    """What a test does with backups. `key_file`: made only where a test opens it, for that takes a second."""

    def __init__(self, world: World, folder: Path, *, key_file: bool = False) -> None:
        self.world = world
        self.clock = FixedClock(world.now_ms)
        self.plan = Plan(folder, world.home, Keep(3, 2, 2), (2,))
        self.key: BackupKey = new_key()
        self.photos: Photos | None = None
        backups.add_key(world.db, self.key.recipient, self.key.identity, world.now_ms)
        self.place.make(identity.server_id(world.db))
        self.place.put_keys(lock_keys([self.key], PASSPHRASE) if key_file else b"locked")

    @property
    def db(self) -> Connection:
        return self.world.db

    @property
    def place(self) -> BackupFolder:
        return self.plan.place

    def filled(self, households: int = 12) -> Vault:
        """Some families, each visited once or twice."""
        for number in range(households):
            household = self.world.uuid()
            person = f"{household}/{self.world.uuid()}"
            answers = {person: {"m_name": f"WARGA {number}", "presence": "1", "nik": f"19030155078200{number:02d}"}}
            self.world.push(self.world.sealed(household, {"address": f"Jl. Mawar {number}"}, answers))
            if number % 3 == 0:
                self.world.push(self.world.sealed(household, {"assessment": "layak"}))
        self.world.fold()
        return self

    def make(self, *, full: bool = False) -> Done:
        """One backup now; a minute passes, so that no two begin in the same second."""
        self.clock.advance_ms(60_000)
        done = make_backup(self.world.store, self.plan, self.clock, "uji", source=self.photos, full=full)
        self.world.now_ms = self.clock.now_ms()
        return done

    def look(self, **how: Any) -> backup_watch.Looked:
        """What the hourly job does."""
        return backup_watch.look(self.db, self.plan, self.clock.now_ms(), **how)

    def durable(self) -> dict[str, Any] | None:
        """What tablets are told."""
        return backup_watch.durable(self.db)

    def states(self) -> dict[str, str]:
        """Set -> state, of all that were ever verified."""
        every = (backups.GOOD, backups.MISSING, backups.DAMAGED, backups.PRUNED)
        return {row.set_name: row.state for row in backups.all_backups(self.db, states=every)}

    def file(self, name: str, what: str = "snapshot.db.gz.age") -> Path:
        """A file of a set."""
        return self.place.set_path(name) / what

    def manifest(self, name: str) -> dict[str, Any]:
        """The manifest of a set as it lies there."""
        found: dict[str, Any] = json.loads(self.file(name, "manifest.json").read_bytes())
        return found

    def leftovers(self) -> list[str]:
        """What lies where nothing may be left: unfinished sets, decrypted copies."""
        left = [each.name for each in self.place.sets.iterdir() if each.name.startswith(".")]
        return left + [each.name for each in self.world.home.iterdir() if each.name in ("backup-work", ".restore")]


def brought_back(vault: Vault, target: Path, wanted: str = "terbaru", replay: Replay | None = None) -> Restored:
    name = choose(vault.place, wanted)
    return restore(vault.place, name, [vault.key], str(target), target.parent, vault.clock, replay=replay)


def quick_lock(keys: list[BackupKey], passphrase: str) -> bytes:
    """In place of `lock_keys` where a test is about something else: the real one takes a second or two each time."""
    return json.dumps([passphrase, [[key.recipient, key.identity] for key in keys]]).encode()


def quick_unlock(locked: bytes, passphrase: str) -> list[BackupKey]:
    """In place of `unlock_keys`."""
    right, keys = json.loads(locked)
    if passphrase != right:
        raise WrongPassphrase("Frasa sandi tidak cocok dengan berkas kunci, atau berkas kunci rusak.")
    return [BackupKey(*key) for key in keys]


def flip(path: Path, at: int = -100) -> None:
    """Change one bit of a file and nothing else about it."""
    raw = bytearray(path.read_bytes())
    raw[at] ^= 1
    path.write_bytes(raw)
