"""The log, read: events as they were stored (`server/store/appending.py` writes them). The truth of all the rest.

An event stands once in the log of each home region under whose households it is filed, at the next position of that
region, in the hash chain of the region and epoch. Positions have no gaps and never start again within a region.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.event import Event, event_from_parts
from server.store.appending import NOT_ARRIVED
from server.store.database import Connection, Row, chunks, marks
from server.store.identity import epoch_ids
from sync.intake import Receipt


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A row of the log with its parts; `parts` maps a name to `(salt, content bytes)`, content None when erased."""

    home_region: str
    receipt: Receipt
    received_ms: int
    ref: str
    kind: str
    head: Mapping[str, Any]
    payload_hash: str
    part_hashes: Mapping[str, str]
    parts: Mapping[str, tuple[str | None, bytes | None]]
    signature: Mapping[str, str] | None
    transport: Mapping[str, Any] | None
    install: str | None
    partial: frozenset[str] = frozenset()
    """Parts of which an erasure left some answers: what is left is folded, and travels to nobody as the event's."""

    def event(self) -> Event:
        """The event as the fold sees it."""
        contents = {name: None if raw is None else json.loads(raw) for name, (_, raw) in self.parts.items()}
        return event_from_parts(self.ref, self.head, contents)

    def envelope(self, keep_parts: Iterable[str] | None = None) -> dict[str, Any]:
        """The envelope that travels. Parts that are erased, or not in `keep_parts`, travel as their hash only."""
        wanted = None if keep_parts is None else set(keep_parts)
        parts: list[dict[str, Any]] = []
        for name, (salt, raw) in sorted(self.parts.items()):
            if raw is None or name in self.partial or (wanted is not None and name not in wanted):
                parts.append({"name": name, "hash": self.part_hashes[name]})
            else:
                parts.append({"name": name, "salt": salt, **json.loads(raw)})
        out: dict[str, Any] = {"head": self.head, "parts": parts, "payload_hash": self.payload_hash}
        if self.signature is not None:
            out["signature"] = self.signature
        return out


def hashes_by_id(db: Connection, region: str, ids: Sequence[str]) -> dict[str, dict[str, Receipt]]:
    """For each of the ids known in a region: payload hash -> receipt."""
    found: dict[str, dict[str, Receipt]] = {}
    names = epoch_ids(db)
    for chunk in chunks(ids):
        listed, params = marks("id", chunk)
        sql = f"select id, payload_hash, epoch, position from log where home_region = :region and id in ({listed})"
        for row in db.all(sql, {"region": region, **params}):
            found.setdefault(row["id"], {})[row["payload_hash"]] = Receipt(names[row["epoch"]], row["position"])
    return found


def sequences_used(db: Connection, region: str, install: str, numbers: Sequence[int]) -> dict[int, set[str]]:
    """Sequence number -> payload hashes of the events of an install that bear it."""
    used: dict[int, set[str]] = {}
    for chunk in chunks(numbers):
        listed, params = marks("n", chunk)
        sql = f"""select seq, payload_hash from log
                  where home_region = :region and install = :install and seq in ({listed}) and seq is not null"""
        for row in db.all(sql, {"region": region, "install": install, **params}):
            used.setdefault(row["seq"], set()).add(row["payload_hash"])
    return used


def regions_of(db: Connection, households: Sequence[str]) -> dict[str, str]:
    """Home region of each household id that any event was ever filed under."""
    found: dict[str, str] = {}
    for chunk in chunks(households):
        listed, params = marks("h", chunk)
        rows = db.all(
            f"select household_id, home_region from known_households where household_id in ({listed})", params
        )
        found.update({row["household_id"]: row["home_region"] for row in rows})
    return found


def by_ref(db: Connection, region: str, ref: str) -> StoredEvent | None:
    """One event of a region."""
    row = db.one("select * from log where home_region = :region and ref = :ref", {"region": region, "ref": ref})
    return None if row is None else _loaded(db, [row])[0]


def of_kind(db: Connection, region: str, kind: str, size: int = 500) -> Iterator[StoredEvent]:
    """Every event of one kind in a region, in order of arrival. Reads the whole log: for repairs, not for a tick."""
    after = (0, 0)
    while True:
        rows = db.all(
            """select * from log where home_region = :region and kind = :kind
               and (epoch > :epoch or (epoch = :epoch and position > :position))
               order by epoch, position limit :size""",
            {"region": region, "kind": kind, "epoch": after[0], "position": after[1], "size": size},
        )
        yield from _loaded(db, rows)
        if len(rows) < size:
            return
        after = (rows[-1]["epoch"], rows[-1]["position"])


def have(db: Connection, region: str, hashes: Sequence[str]) -> dict[str, bool]:
    """Payload hash -> whether a part of it was erased, wholly or partly, for those stored in a region with all their
    parts."""
    found: dict[str, bool] = {}
    for chunk in chunks(hashes):
        listed, params = marks("r", [each[:32] for each in chunk])
        sql = f"""select l.payload_hash, exists (
                    select 1 from parts p where p.home_region = l.home_region and p.epoch = l.epoch
                    and p.position = l.position and p.salt is null) as erased, exists (
                    select 1 from parts p where p.home_region = l.home_region and p.epoch = l.epoch
                    and p.position = l.position and p.salt = :absent) as absent
                  from log l where l.home_region = :region and l.ref in ({listed})"""
        for row in db.all(sql, {"region": region, "absent": NOT_ARRIVED, **params}):
            if not row["absent"]:
                found[row["payload_hash"]] = bool(row["erased"])
    return found


def emptied_parts(db: Connection, region: str, refs: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """ref -> names of its parts that an erasure emptied, wholly or partly."""
    found: dict[str, list[str]] = {}
    for chunk in chunks(refs):
        listed, params = marks("r", chunk)
        sql = f"""select l.ref, p.name from log l join parts p on p.home_region = l.home_region and p.epoch = l.epoch
                  and p.position = l.position where l.home_region = :region and l.ref in ({listed})
                  and p.salt is null order by l.ref, p.name"""
        for row in db.all(sql, {"region": region, **params}):
            found.setdefault(row["ref"], []).append(row["name"])
    return {ref: tuple(names) for ref, names in found.items()}


def filed_under(db: Connection, region: str, household: str, kinds: Iterable[str] | None = None) -> list[StoredEvent]:
    """Every event filed under one household id, of some kinds or of all, in the order of arrival."""
    # `cross join` fixes the order for SQLite: from the few filings of a household to their rows, never the other way.
    wanted = "" if kinds is None else "and f.kind in ({})"
    params: dict[str, Any] = {"region": region, "household": household}
    if kinds is not None:
        listed, more = marks("k", sorted(kinds))
        wanted = wanted.format(listed)
        params.update(more)
    rows = db.all(
        f"""select l.* from filings f cross join log l
            where f.home_region = :region and f.household_id = :household {wanted}
            and l.home_region = f.home_region and l.epoch = f.epoch and l.position = f.position
            order by f.epoch, f.position""",
        params,
    )
    parts = db.all(
        f"""select p.epoch, p.position, p.name, p.salt, p.content, p.remains from filings f cross join parts p
            where f.home_region = :region and f.household_id = :household {wanted}
            and p.home_region = f.home_region and p.epoch = f.epoch and p.position = f.position""",
        params,
    )
    return _joined(rows, parts, epoch_ids(db))


def erasures_under(db: Connection, pairs: Iterable[tuple[str, str]]) -> dict[str, dict[str, Mapping[str, Any]]]:
    """Household id -> ref -> body of every erasure filed under it, for `(home_region, household id)` pairs."""
    by_region: dict[str, list[str]] = {}
    for region, household in sorted(set(pairs)):
        by_region.setdefault(region, []).append(household)
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for region, households in by_region.items():
        for chunk in chunks(households):
            listed, params = marks("h", chunk)
            for row in db.all(
                f"""select f.household_id, l.ref, l.head from filings f join log l
                    on l.home_region = f.home_region and l.epoch = f.epoch and l.position = f.position
                    where f.home_region = :region and f.household_id in ({listed}) and f.kind = 'erasure'""",
                {"region": region, **params},
            ):
                found.setdefault(row["household_id"], {})[row["ref"]] = json.loads(row["head"])["body"]
    return found


def count_filed(db: Connection, region: str, household: str) -> int:
    """How many events are filed under a household id; it only grows."""
    return int(
        db.value(
            "select count(*) from filings where home_region = :region and household_id = :household",
            {"region": region, "household": household},
        )
    )


def log_rows(db: Connection, region: str, epoch: int, after: int = 0) -> Iterator[Row]:
    """The bare rows of a region and epoch in order, streamed."""
    return db.stream(
        "select * from log where home_region = :region and epoch = :epoch and position > :after order by position",
        {"region": region, "epoch": epoch, "after": after},
    )


def part_rows(db: Connection, region: str, epoch: int, position: int) -> list[Row]:
    """The parts of one row of the log."""
    return db.all(
        """select name, salt, content, remains from parts
           where home_region = :region and epoch = :epoch and position = :position order by name""",
        {"region": region, "epoch": epoch, "position": position},
    )


def filed_at(db: Connection, region: str, epoch: int, position: int, households: Sequence[str]) -> int:
    """Under how many of the household ids a row of the log is filed."""
    listed, params = marks("h", households)
    return int(
        db.value(
            f"""select count(*) from filings where home_region = :region and household_id in ({listed})
                and epoch = :epoch and position = :position""",
            {"region": region, "epoch": epoch, "position": position, **params},
        )
    )


def regions(db: Connection) -> list[str]:
    """Every region that has a log."""
    return [row["home_region"] for row in db.all("select home_region from log_heads order by home_region")]


def heads(db: Connection) -> list[Row]:
    """Region, epoch, position, chain and generation at the end of each log."""
    return db.all("select home_region, epoch, position, chain, generation from log_heads order by home_region")


def newest_received_ms(db: Connection) -> int | None:
    """When the newest row of any log came in, by the clock of then; None before anything."""
    found = db.value(
        """select max(l.received_ms) from log_heads h join log l
           on l.home_region = h.home_region and l.epoch = h.epoch and l.position = h.position"""
    )
    return None if found is None else int(found)


def count(db: Connection, kind: str | None = None) -> int:
    """Rows of all logs; of one kind, each event once per region."""
    if kind is None:
        return int(db.value("select coalesce(sum(position), 0) from log_heads"))
    return int(db.value("select count(*) from log where kind = :kind", {"kind": kind}))


def known_households(db: Connection) -> Iterator[tuple[str, str]]:
    """Every `(home_region, household id)` that an event was ever filed under, streamed in order of id."""
    for row in db.stream("select home_region, household_id from known_households order by household_id", size=5000):
        yield row["home_region"], row["household_id"]


def erase_part(db: Connection, region: str, ref: str, part: str) -> int:
    """Remove the content and salt of one part; its hash stays in the log, so that the chain still verifies."""
    return db.run(
        """update parts set content = null, salt = null, remains = null
           where home_region = :region and name = :part and
           (epoch, position) in (select epoch, position from log where home_region = :region and ref = :ref)""",
        {"region": region, "ref": ref, "part": part},
    )


def _loaded(db: Connection, rows: Sequence[Row]) -> list[StoredEvent]:
    parts = []
    for row in rows:
        key = {"region": row["home_region"], "epoch": row["epoch"], "position": row["position"]}
        parts += db.all(
            """select epoch, position, name, salt, content, remains from parts
               where home_region = :region and epoch = :epoch and position = :position""",
            key,
        )
    return _joined(rows, parts, epoch_ids(db))


def _joined(rows: Sequence[Row], parts: Sequence[Row], names: Mapping[int, str]) -> list[StoredEvent]:
    by_position: dict[tuple[int, int], list[Row]] = {}
    for part in parts:
        by_position.setdefault((part["epoch"], part["position"]), []).append(part)
    return [_stored(row, by_position.get((row["epoch"], row["position"]), []), names) for row in rows]


def _stored(row: Row, parts: Sequence[Row], names: Mapping[int, str]) -> StoredEvent:
    return StoredEvent(
        home_region=row["home_region"],
        receipt=Receipt(names[row["epoch"]], row["position"]),
        received_ms=row["received_ms"],
        ref=row["ref"],
        kind=row["kind"],
        head=json.loads(row["head"]),
        payload_hash=row["payload_hash"],
        part_hashes=json.loads(row["part_hashes"]),
        parts={part["name"]: (part["salt"], part["content"]) for part in parts},
        partial=frozenset(part["name"] for part in parts if part["remains"] is not None),
        signature=None if row["signature"] is None else json.loads(row["signature"]),
        transport=None if row["transport"] is None else json.loads(row["transport"]),
        install=row["install"],
    )
