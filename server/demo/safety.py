"""The end of the demo: a backup that is made, read back and proved, and what the tablets then call safe."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from server.backups.age_files import lock_keys, new_key
from server.backups.plan import plan_of
from server.blobs.folder import FolderBlobs
from server.demo.field_work import Team
from server.demo.stage import Stage
from server.flows.backup import Done, make_backup
from server.flows.backup_blobs import StoredPhotos
from server.store import backups, identity


def back_up(stage: Stage, progress: Callable[[int, int], None]) -> Done:
    """As `padan backup init` and `padan backup run` do."""
    plan = plan_of(stage.settings)
    if plan is None:
        raise RuntimeError("the demo's settings name no folder of backups")
    db, key = stage.store.db, new_key()
    plan.place.make(identity.server_id(db))
    plan.place.put_keys(lock_keys([key], stage.settings.backup_passphrase))
    backups.add_key(db, key.recipient, key.identity, stage.clock.now_ms())
    return make_backup(
        stage.store,
        plan,
        stage.clock,
        secrets.token_hex(8),
        source=StoredPhotos(FolderBlobs(stage.settings.blobs)),
        told=lambda _step, done, of: progress(done, of),
    )


def sync_all(team: Team, progress: Callable[[int, int], None]) -> None:
    """Every tablet hears of the backup."""
    for number, client in enumerate(team.clients.values(), 1):
        client.sync()
        progress(number, len(team.clients))
