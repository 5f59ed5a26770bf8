"""Databases of earlier releases: each is opened by this version, brought up to date, and says what it said.

`tests/fixtures/releases/VERSION.db.xz` is a database file as that release left it, made from invented families;
`VERSION.json` says what was in it. When a release is cut, its file is added (CONTRIBUTING.md, "Releases").
"""

from __future__ import annotations

import hashlib
import json
import lzma
from pathlib import Path
from typing import Any

import pytest

from server.auth.keys import load_keys
from server.flows.audit import verify
from server.flows.fold import fold_all
from server.flows.rebuild import rebuild
from server.store import schema_0001
from server.store.database import Connection, Store
from server.store.identity import server_id
from server.store.migrations import known_names, migrate, open_store, pending

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "releases"
RELEASES = sorted(path.name.removesuffix(".db.xz") for path in FOLDER.glob("*.db.xz"))
NOW_MS = 1_800_000_000_000

PUBLISHED = {schema_0001: "c3f864f4e9de6e1d"}
"""Tables of a release, and the beginning of their digest: they are never edited again."""


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """A file of an earlier release, and what was in it."""
    path = tmp_path / "padan.db"
    path.write_bytes(lzma.decompress((FOLDER / f"{request.param}.db.xz").read_bytes()))
    return path, json.loads((FOLDER / f"{request.param}.json").read_text())


def test_a_file_of_an_earlier_release_is_brought_up_to_date_and_says_what_it_said(
    release: tuple[Path, dict[str, Any]],
) -> None:
    path, was = release
    waiting = Store(path)
    names = pending(waiting)
    waiting.close()
    store = open_store(path)
    assert migrate(store) == []
    assert names == known_names()[1:]
    db = store.db
    assert (server_id(db), db.value("select count(*) from log")) == (was["server_id"], was["log_rows"])
    assert verify(db).broken == ()
    log = "select home_region || ' ' || position || ' ' || ref from log order by home_region, position"
    assert _digest(db, log) == was["log_refs_sha256"]


def test_its_records_are_those_that_the_present_fold_gives(release: tuple[Path, dict[str, Any]]) -> None:
    """A newer engine may say more; after folding anew what is stored is what it says, of as many families."""
    path, was = release
    store = open_store(path)
    keys = load_keys(store.db, NOW_MS)
    rebuild(store.db, keys, check=False, shuffle_seed=1, now_ms=NOW_MS)
    fold_all(store.db, keys, NOW_MS)
    again = rebuild(store.db, keys, check=True, shuffle_seed=2, now_ms=NOW_MS)
    assert (again.identical, again.waiting) == (True, 0)
    assert store.db.value("select count(*) from households") == was["households"]
    digest = _digest(store.db, "select household_id || ' ' || data_digest from households order by household_id")
    assert digest == was["data_digests_sha256"]


@pytest.mark.parametrize("module", PUBLISHED, ids=lambda module: module.__name__.rpartition(".")[2])
def test_tables_of_a_release_are_never_edited(module: Any) -> None:
    found = hashlib.sha256("\n".join(module.STATEMENTS).encode()).hexdigest()
    assert found.startswith(PUBLISHED[module]), f"{module.__name__} was edited: write a new migration instead"


def _digest(db: Connection, sql: str) -> str:
    found = hashlib.sha256()
    for row in db.stream(sql):
        found.update(f"{row[0]}\n".encode())
    return found.hexdigest()
