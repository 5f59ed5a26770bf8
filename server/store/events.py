"""The log: appending events and reading them back. The truth; nothing here ever changes or removes a row.

An event stands once in the log of each home region under whose households it is filed, at the next position of that
region, in the hash chain of the region and epoch. Positions have no gaps and never start again within a region.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.event import Event, event_from_parts
from server.store import fold_queue
from server.store.database import Connection, Row, chunks, marks
from server.store.identity import current_epoch, epoch_ids
from sync.intake import Receipt, Sealed, SealedPart


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

    def event(self) -> Event:
        """The event as the fold sees it."""
        contents = {name: None if raw is None else json.loads(raw) for name, (_, raw) in self.parts.items()}
        return event_from_parts(self.ref, self.head, contents)

    def envelope(self, keep_parts: Iterable[str] | None = None) -> dict[str, Any]:
        """The envelope that travels. Parts that are erased, or not in `keep_parts`, travel as their hash only."""
        wanted = None if keep_parts is None else set(keep_parts)
        parts: list[dict[str, Any]] = []
        for name, (salt, raw) in sorted(self.parts.items()):
            if raw is None or (wanted is not None and name not in wanted):
                parts.append({"name": name, "hash": self.part_hashes[name]})
            else:
                parts.append({"name": name, "salt": salt, **json.loads(raw)})
        out: dict[str, Any] = {"head": self.head, "parts": parts, "payload_hash": self.payload_hash}
        if self.signature is not None:
            out["signature"] = self.signature
        return out


class Appender:
    """Collects the events of one transaction and writes them in a few statements.

    `add` allots the position at once, so that an answer can be made before `flush`; both in the same transaction,
    which holds the write lock, so that positions have no gap and no double. The caller has sorted out duplicates.
    """

    def __init__(self, db: Connection, now_ms: int) -> None:
        self._db = db
        self._now_ms = now_ms
        self._epoch, self._epoch_id = current_epoch(db)
        self._heads: dict[str, list[Any]] = {}
        self._log: list[dict[str, Any]] = []
        self._parts: list[dict[str, Any]] = []
        self._filings: list[dict[str, Any]] = []

    def add(self, sealed: Sealed) -> Receipt:
        """Put one event at the end of the log of each of its regions; the receipt is that of its home region."""
        receipts = {}
        for region in dict.fromkeys(region for region, _ in sealed.filed):
            head = self._head(region)
            head[0] += 1
            head[1] = hashlib.sha256(head[1] + bytes.fromhex(sealed.payload_hash)).digest()
            receipts[region] = head[0]
            self._log.append(self._log_row(sealed, region, head[0], head[1]))
            self._parts += [self._part_row(part, region, head[0]) for part in sealed.parts]
        for region, household in sealed.filed:
            self._filings.append(
                {
                    "region": region,
                    "household": household,
                    "epoch": self._epoch,
                    "position": receipts[region],
                    "kind": sealed.kind,
                }
            )
        return Receipt(self._epoch_id, receipts[sealed.home_region])

    def flush(self, *, queue: bool = True) -> None:
        """Write everything collected; `queue` the households touched for folding."""
        db = self._db
        if not self._log:
            return
        db.many(_INSERT_LOG, self._log)
        db.many(_INSERT_PART, self._parts)
        db.many(_INSERT_FILING, self._filings)
        db.many(_INSERT_KNOWN, self._filings)
        db.many(
            """update log_heads set epoch = :epoch, position = :position, chain = :chain, generation = generation + 1
               where home_region = :region""",
            [
                {"region": region, "epoch": self._epoch, "position": head[0], "chain": head[1]}
                for region, head in self._heads.items()
            ],
        )
        if queue:
            fold_queue.put(db, {(row["region"], row["household"]) for row in self._filings}, self._now_ms)
        self._heads, self._log, self._parts, self._filings = {}, [], [], []

    def _head(self, region: str) -> list[Any]:
        head = self._heads.get(region)
        if head is None:
            row = self._db.one(
                "select epoch, position, chain from log_heads where home_region = :region", {"region": region}
            )
            if row is None:
                head = [0, chain_start(self._epoch_id, region)]
                self._db.run(
                    """insert into log_heads (home_region, epoch, position, chain, generation)
                       values (:region, :epoch, 0, :chain, 0)""",
                    {"region": region, "epoch": self._epoch, "chain": head[1]},
                )
            else:
                fresh = row["epoch"] != self._epoch
                head = [row["position"], chain_start(self._epoch_id, region) if fresh else row["chain"]]
            self._heads[region] = head
        return head

    def _log_row(self, sealed: Sealed, region: str, position: int, chain: bytes) -> dict[str, Any]:
        return {
            "region": region,
            "epoch": self._epoch,
            "position": position,
            "ref": sealed.ref,
            "id": sealed.id,
            "kind": sealed.kind,
            "household": sealed.household_id,
            "head": sealed.head_bytes,
            "payload_hash": sealed.payload_hash,
            "part_hashes": json.dumps({part.name: part.hash for part in sealed.parts}, separators=(",", ":")),
            "received_ms": self._now_ms,
            "install": sealed.install,
            "seq": sealed.seq,
            "transport": None if sealed.transport is None else json.dumps(sealed.transport, separators=(",", ":")),
            "signature": None if sealed.signature is None else json.dumps(dict(sealed.signature)),
            "chain": chain,
        }

    def _part_row(self, part: SealedPart, region: str, position: int) -> dict[str, Any]:
        return {
            "region": region,
            "epoch": self._epoch,
            "position": position,
            "name": part.name,
            "salt": part.salt,
            "content": part.content,
        }


def chain_start(epoch_id: str, region: str) -> bytes:
    """What the first row of a chain is chained to: another region's or epoch's log does not fit in its place."""
    return hashlib.sha256(f"padan {epoch_id} {region}".encode()).digest()


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
    """Payload hash -> whether a part of it was erased, for those stored in a region."""
    found: dict[str, bool] = {}
    for chunk in chunks(hashes):
        listed, params = marks("r", [each[:32] for each in chunk])
        sql = f"""select l.payload_hash, exists (
                    select 1 from parts p where p.home_region = l.home_region and p.epoch = l.epoch
                    and p.position = l.position and p.content is null) as erased
                  from log l where l.home_region = :region and l.ref in ({listed})"""
        for row in db.all(sql, {"region": region, **params}):
            found[row["payload_hash"]] = bool(row["erased"])
    return found


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
        f"""select p.epoch, p.position, p.name, p.salt, p.content from filings f cross join parts p
            where f.home_region = :region and f.household_id = :household {wanted}
            and p.home_region = f.home_region and p.epoch = f.epoch and p.position = f.position""",
        params,
    )
    return _joined(rows, parts, epoch_ids(db))


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
        """select name, salt, content from parts
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
        """update parts set content = null, salt = null where home_region = :region and name = :part and
           (epoch, position) in (select epoch, position from log where home_region = :region and ref = :ref)""",
        {"region": region, "ref": ref, "part": part},
    )


def _loaded(db: Connection, rows: Sequence[Row]) -> list[StoredEvent]:
    parts = []
    for row in rows:
        key = {"region": row["home_region"], "epoch": row["epoch"], "position": row["position"]}
        parts += db.all(
            """select epoch, position, name, salt, content from parts
               where home_region = :region and epoch = :epoch and position = :position""",
            key,
        )
    return _joined(rows, parts, epoch_ids(db))


def _joined(rows: Sequence[Row], parts: Sequence[Row], names: Mapping[int, str]) -> list[StoredEvent]:
    by_position: dict[tuple[int, int], dict[str, tuple[str | None, bytes | None]]] = {}
    for part in parts:
        key = (part["epoch"], part["position"])
        by_position.setdefault(key, {})[part["name"]] = (part["salt"], part["content"])
    return [_stored(row, by_position.get((row["epoch"], row["position"]), {}), names) for row in rows]


def _stored(row: Row, parts: Mapping[str, tuple[str | None, bytes | None]], names: Mapping[int, str]) -> StoredEvent:
    return StoredEvent(
        home_region=row["home_region"],
        receipt=Receipt(names[row["epoch"]], row["position"]),
        received_ms=row["received_ms"],
        ref=row["ref"],
        kind=row["kind"],
        head=json.loads(row["head"]),
        payload_hash=row["payload_hash"],
        part_hashes=json.loads(row["part_hashes"]),
        parts=parts,
        signature=None if row["signature"] is None else json.loads(row["signature"]),
        transport=None if row["transport"] is None else json.loads(row["transport"]),
        install=row["install"],
    )


_INSERT_LOG = """insert into log (home_region, epoch, position, ref, id, kind, household_id, head, payload_hash,
  part_hashes, received_ms, install, seq, transport, signature, chain)
  values (:region, :epoch, :position, :ref, :id, :kind, :household, :head, :payload_hash, :part_hashes, :received_ms,
  :install, :seq, :transport, :signature, :chain)"""
_INSERT_PART = """insert into parts (home_region, epoch, position, name, salt, content)
  values (:region, :epoch, :position, :name, :salt, :content)"""
_INSERT_FILING = """insert into filings (home_region, household_id, epoch, position, kind)
  values (:region, :household, :epoch, :position, :kind)"""
_INSERT_KNOWN = """insert into known_households (household_id, home_region) values (:household, :region)
  on conflict (household_id) do nothing"""
