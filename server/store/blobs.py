"""Photos and files as the database knows them: which events name each, and how far it is on its way to being seen.

    missing     named by an event, its bytes have not arrived whole
    given_up    the same, and the operator waits no longer; what comes is taken in
    waiting     arrived and verified, not yet looked at by the worker
    shown       decoded and written anew: what people see
    no_image    its bytes are kept and nobody is shown anything
    unnamed     bytes on the disk that no event here names; they expire
    forgotten   every event that named it was erased

The bytes lie elsewhere (`server/blobs/`). Nothing here decides who may see what. A tablet has *proved* a file when it
sent its bytes: a hash alone, learned somewhere, shows nobody anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from schemas.canonical import sha256_hex
from server.store.database import Connection, Row, marks
from sync.intake import Sealed

MISSING, GIVEN_UP, WAITING, SHOWN, NO_IMAGE = "missing", "given_up", "waiting", "shown", "no_image"
UNNAMED, FORGOTTEN = "unnamed", "forgotten"
STATES = (MISSING, GIVEN_UP, WAITING, SHOWN, NO_IMAGE, UNNAMED, FORGOTTEN)
WHOLE = (WAITING, SHOWN, NO_IMAGE)
"""States of a named file whose bytes are here."""

LACKING = (MISSING, GIVEN_UP)
"""States of a named file whose bytes are not."""

PATH_CHARACTERS_MAX = 200
MIME_CHARACTERS_MAX = 100


@dataclass(frozen=True, slots=True)
class Name:
    """One path of one event that names a file. `bytes` and `mime` are what the event says, not what is true."""

    sha256: str
    home_region: str
    ref: str
    path: str
    household_id: str
    area: str
    actor: str
    install: str | None
    bytes: int
    mime: str
    proved_ms: int | None = None
    struck_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Blob:
    """A file. `bytes`: as it arrived; before, as the first event says. `since_ms`: since when it is in its state."""

    sha256: str
    bytes: int
    state: str
    since_ms: int
    attempts: int
    problem: str


def names_in(sealed: Sealed) -> list[Name]:
    """What an event names, under the event's home region; not what belongs to a part that was erased."""
    head = sealed.head
    gone = {part.name for part in sealed.parts if part.content is None and part.salt is None}
    return [
        Name(
            sha256=item["sha256"],
            home_region=sealed.home_region,
            ref=sealed.ref,
            path=stored_path(path),
            household_id=sealed.household_id,
            area=head["area"],
            actor=head["actor"],
            install=sealed.install,
            bytes=item["bytes"],
            mime=item["mime"][:MIME_CHARACTERS_MAX],
        )
        for path, item in head["attachments"].items()
        if path.rpartition("/")[0] not in gone
    ]


def stored_path(path: str) -> str:
    """A path as it is kept here: one of a broken client can be as long as an event."""
    return path if len(path) <= PATH_CHARACTERS_MAX else sha256_hex(path.encode())


def name(db: Connection, names: Sequence[Name], now_ms: int) -> None:
    """Note what events name, inside the caller's transaction. What is known already stays as it is."""
    db.many(
        """insert into blobs (sha256, bytes, state, since_ms, attempts, problem)
           values (:sha256, :bytes, 'missing', :now, 0, '')
           on conflict (sha256) do update
           set state = case blobs.state when 'unnamed' then 'waiting' else 'missing' end, since_ms = excluded.since_ms
           where blobs.state in ('unnamed', 'forgotten')""",
        [{"sha256": each.sha256, "bytes": each.bytes, "now": now_ms} for each in names],
    )
    db.many(
        """insert into blob_names (sha256, home_region, ref, path, household_id, area, actor, install, bytes, mime,
             named_ms)
           values (:sha256, :region, :ref, :path, :household, :area, :actor, :install, :bytes, :mime, :now)
           on conflict (sha256, home_region, ref, path) do nothing""",
        [_name_row(each, now_ms) for each in names],
    )
    # A photo that stands in two forms is sent once: the second form's name is proved by what was sent for the first.
    db.many(
        """update blob_names set proved_ms = :now
           where sha256 = :sha256 and home_region = :region and ref = :ref and path = :path and proved_ms is null
           and exists (select 1 from blob_uploads u where u.sha256 = blob_names.sha256
             and u.install = blob_names.install and u.done_ms is not null)""",
        [_name_key(each) | {"now": now_ms} for each in names],
    )


def named_length(db: Connection, sha256: str, install: str, officers: Iterable[str]) -> int | None:
    """Bytes of a file as the tablet's own events say (made on it, or by one of its officers); None: they name none."""
    listed, params = marks("o", sorted(officers))
    found = db.value(
        f"""select max(bytes) from blob_names where sha256 = :sha256 and struck_ms is null
            and (install = :install or actor in ({listed or "''"}))""",
        {"sha256": sha256, "install": install, **params},
    )
    return None if found is None else int(found)


def living_names(db: Connection, sha256: str) -> list[Name]:
    """Every name of a file that was not erased."""
    rows = db.all(f"{_NAMES} where sha256 = :sha256 and struck_ms is null order by ref, path", {"sha256": sha256})
    return [_name(row) for row in rows]


def blob_of(db: Connection, sha256: str) -> Blob | None:
    """A file, or None for one that nobody ever named."""
    row = db.one(f"{_BLOBS} where sha256 = :sha256", {"sha256": sha256})
    return None if row is None else _blob(row)


def in_state(db: Connection, state: str, limit: int, after: tuple[int, str] = (-1, "")) -> list[Blob]:
    """Files in a state, longest in it first, from behind `after` (`since_ms`, hash) on."""
    rows = db.all(
        f"""{_BLOBS} where state = :state and (since_ms > :since or (since_ms = :since and sha256 > :after))
            order by since_ms, sha256 limit :limit""",
        {"state": state, "since": after[0], "after": after[1], "limit": limit},
    )
    return [_blob(row) for row in rows]


def names_of(db: Connection, hashes: Sequence[str]) -> dict[str, list[Name]]:
    """Hash -> its names that were not erased, for lists."""
    listed, params = marks("s", hashes)
    found: dict[str, list[Name]] = {}
    if hashes:
        sql = f"{_NAMES} where sha256 in ({listed}) and struck_ms is null order by sha256, ref, path"
        for row in db.all(sql, params):
            found.setdefault(row["sha256"], []).append(_name(row))
    return found


def whole(db: Connection, page: int = 1_000) -> Iterator[str]:
    """SHA-256 of every named file whose bytes are here, in order: what a backup has to hold. Read page by page, so that
    the connection can be used meanwhile."""
    after = ""
    while True:
        rows = db.all(
            """select sha256 from blobs where sha256 > :after and state in ('waiting', 'shown', 'no_image')
               order by sha256 limit :page""",
            {"after": after, "page": page},
        )
        for row in rows:
            yield row["sha256"]
        if len(rows) < page:
            return
        after = rows[-1]["sha256"]


def arrived(db: Connection, sha256: str, size: int, now_ms: int) -> bool:
    """The bytes are on the disk and verified. False where that was known, or where no event names the file."""
    return bool(
        db.run(
            """update blobs set state = 'waiting', bytes = :bytes, since_ms = :now, attempts = 0, problem = ''
               where sha256 = :sha256 and state in ('missing', 'given_up')""",
            {"sha256": sha256, "bytes": size, "now": now_ms},
        )
    )


def give_up(db: Connection, install: str, now_ms: int) -> int:
    """Wait no longer for files that only this tablet could send; how many."""
    return db.run(
        """update blobs set state = 'given_up', since_ms = :now where state = 'missing'
           and exists (select 1 from blob_names n where n.sha256 = blobs.sha256 and n.install = :install)
           and not exists (select 1 from blob_names n where n.sha256 = blobs.sha256 and n.install <> :install)""",
        {"install": install, "now": now_ms},
    )


def prove(db: Connection, sha256: str, install: str, officers: Iterable[str], now_ms: int) -> None:
    """The tablet has sent the bytes: through its own events the file may be seen."""
    listed, params = marks("o", sorted(officers))
    db.run(
        f"""update blob_names set proved_ms = :now where sha256 = :sha256 and proved_ms is null
            and struck_ms is null and (install = :install or actor in ({listed or "''"}))""",
        {"sha256": sha256, "install": install, "now": now_ms, **params},
    )


def move(db: Connection, sha256: str, states: Sequence[str], state: str, now_ms: int, problem: str = "") -> bool:
    """Bring a file from one of `states` into another; False where it is in none of them any more."""
    listed, params = marks("f", states)
    return bool(
        db.run(
            f"""update blobs set state = :state, since_ms = :now, problem = :problem
                where sha256 = :sha256 and state in ({listed})""",
            {"sha256": sha256, "state": state, "now": now_ms, "problem": problem, **params},
        )
    )


def try_once(db: Connection, sha256: str) -> int:
    """Count an attempt to decode before it is made, so that one that kills the worker counts too; how many by now."""
    db.run("update blobs set attempts = attempts + 1 where sha256 = :sha256", {"sha256": sha256})
    return int(db.value("select attempts from blobs where sha256 = :sha256", {"sha256": sha256}))


def find_unnamed(db: Connection, sha256: str, size: int, now_ms: int) -> None:
    """Bytes were found on the disk of which no event here knows; the first time it is noted since when."""
    db.run(
        """insert into blobs (sha256, bytes, state, since_ms, attempts, problem)
           values (:sha256, :bytes, 'unnamed', :now, 0, '') on conflict (sha256) do nothing""",
        {"sha256": sha256, "bytes": size, "now": now_ms},
    )


def drop_unnamed(db: Connection, sha256: str) -> bool:
    """Forget a file that no event names; False where one does by now."""
    return bool(db.run("delete from blobs where sha256 = :sha256 and state = 'unnamed'", {"sha256": sha256}))


def strike(db: Connection, sha256: str, pairs: Iterable[tuple[str, str]], now_ms: int) -> int:
    """Take names out: `(ref, path)` of events that were erased there. How many stood."""
    return sum(
        db.run(
            """update blob_names set struck_ms = :now
               where sha256 = :sha256 and ref = :ref and path = :path and struck_ms is null""",
            {"sha256": sha256, "ref": ref, "path": stored_path(path), "now": now_ms},
        )
        for ref, path in pairs
    )


def erased_names(db: Connection, sha256: str) -> list[tuple[str, str]]:
    """`(ref, path)` of names that were erased: the file itself, or, as the log says, the part of the event."""
    rows = db.all("select ref, path from erased_files where sha256 = :sha256 order by ref, path", {"sha256": sha256})
    found = [(row["ref"], row["path"]) for row in rows]
    for each in living_names(db, sha256):
        part = each.path.rpartition("/")[0]
        gone = db.value(
            """select count(*) from log l join parts p
               on p.home_region = l.home_region and p.epoch = l.epoch and p.position = l.position
               where l.home_region = :region and l.ref = :ref and p.name = :part
               and p.content is null and p.salt is null""",
            {"region": each.home_region, "ref": each.ref, "part": part},
        )
        if gone:
            found.append((each.ref, each.path))
    return found


def count_names(db: Connection) -> int:
    """How many names stand in the table, struck ones too."""
    return int(db.value("select count(*) from blob_names"))


def counts(db: Connection) -> Mapping[str, int]:
    """State -> number of files; every state is there."""
    rows = db.all("select state, count(*) as n from blobs group by state")
    return dict.fromkeys(STATES, 0) | {row["state"]: row["n"] for row in rows}


def sizes(db: Connection) -> Mapping[str, int]:
    """State -> bytes. Reads every row."""
    rows = db.all("select state, sum(bytes) as n from blobs group by state")
    return dict.fromkeys(STATES, 0) | {row["state"]: int(row["n"]) for row in rows}


def oldest_ms(db: Connection, state: str) -> int | None:
    """Since when the file that is longest in a state is in it."""
    found = db.value("select min(since_ms) from blobs where state = :state", {"state": state})
    return None if found is None else int(found)


def _name_key(each: Name) -> dict[str, object]:
    return {"sha256": each.sha256, "region": each.home_region, "ref": each.ref, "path": each.path}


def _name_row(each: Name, now_ms: int) -> dict[str, object]:
    return _name_key(each) | {
        "household": each.household_id,
        "area": each.area,
        "actor": each.actor,
        "install": each.install,
        "bytes": each.bytes,
        "mime": each.mime,
        "now": now_ms,
    }


_NAMES = (
    "select sha256, home_region, ref, path, household_id, area, actor, install, bytes, mime, proved_ms, struck_ms"
    " from blob_names"
)
_BLOBS = "select sha256, bytes, state, since_ms, attempts, problem from blobs"


def _name(row: Row) -> Name:
    return Name(*row)


def _blob(row: Row) -> Blob:
    return Blob(*row)
