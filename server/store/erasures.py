"""What was erased and may not come back: subjects, parts, kept items, files; and the emptying of parts itself.

It judges nothing: which part goes, and what is left of it, is handed in (`server/flows/erasure.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from server.store.blobs import stored_path
from server.store.database import Connection, Row, chunks, marks

FileName = tuple[str, str, str]
"""`(sha256, ref, path)`: a file as an event names it."""
Pointers = tuple[str, ...] | None
"""What is taken out of a part (`sync/erasure.py`); None for all of it."""


@dataclass(frozen=True, slots=True)
class ErasedPart:
    """A part that may come back without what the pointers name only; `late`: it came after its erasure."""

    home_region: str
    ref: str
    part: str
    pointers: Pointers
    erasure: str
    late: bool = False


def anything(db: Connection) -> bool:
    """Whether anybody was ever erased here: where not, no event that comes needs to be looked at."""
    return db.value("select 1 from erased_subjects limit 1") is not None


def note_subjects(db: Connection, region: str, subjects: Iterable[str], ref: str) -> None:
    """Keep whom an erasure was about: person keys, and household ids that went whole."""
    db.many(
        """insert into erased_subjects (subject, ref, home_region) values (:subject, :ref, :region)
           on conflict (subject, ref) do nothing""",
        [{"subject": subject, "ref": ref, "region": region} for subject in sorted(set(subjects))],
    )


def subjects_among(db: Connection, subjects: Iterable[str]) -> dict[str, frozenset[str]]:
    """Those of the subjects that were erased -> refs of their erasures."""
    found: dict[str, set[str]] = {}
    for chunk in chunks(sorted(set(subjects))):
        listed, params = marks("s", chunk)
        for row in db.all(f"select subject, ref from erased_subjects where subject in ({listed})", params):
            found.setdefault(row["subject"], set()).add(row["ref"])
    return {subject: frozenset(refs) for subject, refs in found.items()}


def refs(db: Connection) -> frozenset[str]:
    """Every erasure that was carried out here, by the ref of its event."""
    return frozenset(row["ref"] for row in db.all("select distinct ref from erased_subjects"))


def note_parts(db: Connection, parts: Iterable[ErasedPart]) -> None:
    """Keep what may not come back. What went whole stays whole; a part that lost more loses both."""
    for part in parts:
        key = {"region": part.home_region, "ref": part.ref, "part": part.part}
        known = db.value(
            "select pointers from erased_parts where home_region = :region and ref = :ref and part = :part", key
        )
        pointers = part.pointers
        if known is not None:
            before = _pointers(known)
            pointers = None if before is None or pointers is None else tuple(sorted({*before, *pointers}))
        db.run(
            """insert into erased_parts (home_region, ref, part, pointers, erasure, late)
               values (:region, :ref, :part, :pointers, :erasure, :late)
               on conflict (home_region, ref, part)
               do update set pointers = excluded.pointers, erasure = excluded.erasure""",
            {
                **key,
                "pointers": "" if pointers is None else json.dumps(pointers),
                "erasure": part.erasure,
                "late": int(part.late),
            },
        )


def parts_of_refs(db: Connection, region: str, refs: Iterable[str]) -> dict[str, dict[str, ErasedPart]]:
    """ref -> part -> what is taken out of it, for those of the events that lost something."""
    found: dict[str, dict[str, ErasedPart]] = {}
    for chunk in chunks(sorted(set(refs))):
        listed, params = marks("r", chunk)
        sql = f"select * from erased_parts where home_region = :region and ref in ({listed})"
        for row in db.all(sql, {"region": region, **params}):
            part = _part(row)
            found.setdefault(part.ref, {})[part.part] = part
    return found


def parts_of_erasures(db: Connection, region: str, erasures: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
    """Erasure -> `(ref, part)` of everything it emptied, wholly or partly."""
    found: dict[str, list[tuple[str, str]]] = {}
    for chunk in chunks(sorted(set(erasures))):
        listed, params = marks("e", chunk)
        sql = f"""select erasure, ref, part from erased_parts where home_region = :region and erasure in ({listed})
                  order by ref, part"""
        for row in db.all(sql, {"region": region, **params}):
            found.setdefault(row["erasure"], []).append((row["ref"], row["part"]))
    return found


def late_parts(db: Connection, limit: int = 200) -> list[ErasedPart]:
    """What came in after its erasure; people look whether the household's answers still name the person."""
    rows = db.all(
        """select * from erased_parts where late = 1 order by home_region, erasure, ref, part limit :limit""",
        {"limit": limit},
    )
    return [_part(row) for row in rows]


def count_late(db: Connection) -> int:
    """How many events came in after the erasure of somebody in them."""
    return int(db.value("select count(*) from (select distinct ref from erased_parts where late = 1) as l"))


def refs_with_part(db: Connection, region: str, names: Sequence[str], after: tuple[int, int] = (0, 0)) -> list[str]:
    """Every event of a region that has a part of one of these names, in the order of arrival; `after`: only those
    behind an `(epoch, position)`.

    Reads the key of every part, never a content: seconds at a million households, for a rare act.
    """
    # `cross join` fixes the order for SQLite: the other way round it would read every row of the log.
    listed, params = marks("n", names)
    rows = db.all(
        f"""select distinct l.epoch, l.position, l.ref from parts p cross join log l
            where p.home_region = :region and (p.epoch > :epoch or (p.epoch = :epoch and p.position > :position))
            and p.name in ({listed})
            and l.home_region = p.home_region and l.epoch = p.epoch and l.position = p.position
            order by l.epoch, l.position""",
        {"region": region, "epoch": after[0], "position": after[1], **params},
    )
    return [row["ref"] for row in rows]


def keep_remains(db: Connection, region: str, ref: str, part: str, content: bytes, remains: str) -> int:
    """Put what is left of a part in the place of the whole. `remains`: the server's signature over it."""
    return db.run(
        """update parts set content = :content, salt = null, remains = :remains
           where home_region = :region and name = :part and (epoch, position) in (
             select epoch, position from log where home_region = :region and ref = :ref)""",
        {"region": region, "ref": ref, "part": part, "content": content, "remains": remains},
    )


def forget_transport(db: Connection, region: str, ref: str) -> int:
    """Drop what a tablet said about the way of an event; nothing is computed from it."""
    return db.run(
        "update log set transport = null where home_region = :region and ref = :ref", {"region": region, "ref": ref}
    )


def note_items(db: Connection, digests: Iterable[str], erasure: str) -> None:
    """Keep by salted digest which kept bytes and boxes were emptied."""
    db.many(
        """insert into erased_items (digest, erasure) values (:digest, :erasure)
           on conflict (digest) do nothing""",
        [{"digest": digest, "erasure": erasure} for digest in sorted(set(digests))],
    )


def item_known(db: Connection, digest: str) -> bool:
    """Whether bytes with this salted digest were emptied."""
    return db.value("select 1 from erased_items where digest = :digest", {"digest": digest}) is not None


def note_files(db: Connection, names: Iterable[FileName], erasure: str) -> None:
    """Keep which names of photos and signatures are gone."""
    db.many(
        """insert into erased_files (sha256, ref, path, erasure) values (:sha, :ref, :path, :erasure)
           on conflict (sha256, ref, path) do nothing""",
        [
            {"sha": sha, "ref": ref, "path": stored_path(path), "erasure": erasure}
            for sha, ref, path in sorted(set(names))
        ],
    )


def files_among(db: Connection, names: Iterable[FileName]) -> frozenset[FileName]:
    """Those of the names that were erased: through them no bytes are taken in and none handed out."""
    wanted = {(sha, ref, stored_path(path)): (sha, ref, path) for sha, ref, path in names}
    found: set[FileName] = set()
    for chunk in chunks(sorted({sha for sha, _, _ in wanted})):
        listed, params = marks("f", chunk)
        rows = db.all(f"select sha256, ref, path from erased_files where sha256 in ({listed})", params)
        found |= {(row["sha256"], row["ref"], row["path"]) for row in rows}
    return frozenset(asked for kept, asked in wanted.items() if kept in found)


def counts(db: Connection) -> Mapping[str, int]:
    """How many subjects, parts, items and files were erased."""
    return {
        name: int(db.value(f"select count(*) from {table}"))
        for name, table in (
            ("subjects", "erased_subjects"),
            ("parts", "erased_parts"),
            ("items", "erased_items"),
            ("files", "erased_files"),
        )
    }


def _part(row: Row) -> ErasedPart:
    pointers = _pointers(row["pointers"])
    return ErasedPart(row["home_region"], row["ref"], row["part"], pointers, row["erasure"], bool(row["late"]))


def _pointers(text: str) -> Pointers:
    return None if text == "" else tuple(json.loads(text))
