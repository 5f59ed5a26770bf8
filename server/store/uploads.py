"""How far each tablet has come with each file: what is synced to the disk, and whether it was whole and verified.

Uploads are kept for each tablet by itself, so that two who send the same file at once, or one who sends wrong bytes
under it, do each other no harm (docs/decisions/0025).
"""

from __future__ import annotations

from dataclasses import dataclass

from server.store.database import Connection


@dataclass(frozen=True, slots=True)
class Upload:
    """One tablet's upload of one file. `received`: bytes that are on the disk; `done_ms`: verified whole."""

    sha256: str
    install: str
    received: int
    changed_ms: int
    done_ms: int | None


def upload_of(db: Connection, sha256: str, install: str) -> Upload | None:
    """The upload, or None where nothing was begun."""
    row = db.one(f"{_UPLOADS} where sha256 = :sha256 and install = :install", {"sha256": sha256, "install": install})
    return None if row is None else Upload(*row)


def advance(db: Connection, sha256: str, install: str, before: int, after: int, now_ms: int) -> bool:
    """Note that the bytes up to `after` are on the disk; False where another request of the tablet was faster."""
    key = {"sha256": sha256, "install": install, "before": before, "after": after, "now": now_ms}
    if before == 0:
        db.run(
            """insert into blob_uploads (sha256, install, received, changed_ms) values (:sha256, :install, 0, :now)
               on conflict (sha256, install) do nothing""",
            {"sha256": sha256, "install": install, "now": now_ms},
        )
    return bool(
        db.run(
            """update blob_uploads set received = :after, changed_ms = :now
               where sha256 = :sha256 and install = :install and received = :before and done_ms is null""",
            key,
        )
    )


def begin_again(db: Connection, sha256: str, install: str, now_ms: int) -> None:
    """What had come was wrong and was thrown away; one that is done stays done."""
    db.run(
        """update blob_uploads set received = 0, changed_ms = :now
           where sha256 = :sha256 and install = :install and done_ms is null""",
        {"sha256": sha256, "install": install, "now": now_ms},
    )


def finish(db: Connection, sha256: str, install: str, size: int, now_ms: int) -> None:
    """The tablet's bytes were whole and gave the hash."""
    db.run(
        """insert into blob_uploads (sha256, install, received, changed_ms, done_ms)
           values (:sha256, :install, :size, :now, :now)
           on conflict (sha256, install) do update
           set received = excluded.received, changed_ms = excluded.changed_ms, done_ms = excluded.done_ms""",
        {"sha256": sha256, "install": install, "size": size, "now": now_ms},
    )


def unfinished_bytes(db: Connection, install: str | None = None) -> int:
    """Bytes that were begun and not finished: of one tablet, or of all."""
    where = "" if install is None else "and install = :install"
    params = {} if install is None else {"install": install}
    return int(
        db.value(f"select coalesce(sum(received), 0) from blob_uploads where done_ms is null {where}", params)
    )


def unchanged_since(db: Connection, before_ms: int, limit: int) -> list[Upload]:
    """Unfinished uploads without a byte since `before_ms`, oldest first."""
    rows = db.all(
        f"""{_UPLOADS} where done_ms is null and changed_ms < :before
            order by changed_ms, sha256, install limit :limit""",
        {"before": before_ms, "limit": limit},
    )
    return [Upload(*row) for row in rows]


def open_uploads(db: Connection) -> set[tuple[str, str]]:
    """`(SHA-256, install)` of every unfinished upload."""
    rows = db.all("select sha256, install from blob_uploads where done_ms is null")
    return {(row["sha256"], row["install"]) for row in rows}


def drop(db: Connection, sha256: str, install: str | None = None) -> None:
    """Forget the upload of one tablet, or of all: whoever sends the file begins anew, and proves it anew."""
    where = "" if install is None else "and install = :install"
    params = {"sha256": sha256} if install is None else {"sha256": sha256, "install": install}
    db.run(f"delete from blob_uploads where sha256 = :sha256 {where}", params)


def installs_of(db: Connection, sha256: str) -> list[str]:
    """Tablets that began or finished an upload of the file."""
    rows = db.all("select install from blob_uploads where sha256 = :sha256 order by install", {"sha256": sha256})
    return [row["install"] for row in rows]


_UPLOADS = "select sha256, install, received, changed_ms, done_ms from blob_uploads"
