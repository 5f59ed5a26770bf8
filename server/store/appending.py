"""The log, written: events are put at the end, in the hash chain of their region; nothing is changed or removed.

The only exceptions: a part that had come as its hash only is filled in, and a person's part is erased
(`events.erase_part`, `erasures.keep_remains`); the hash of each stays in the log, so that the chain verifies all the
same. What may not come back after an erasure has been taken out before it is handed in here (`flows/screening.py`).
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from schemas.receipt import Place
from server.store import blobs, erasures, fold_queue
from server.store.database import Connection
from server.store.identity import current_epoch
from sync.intake import Receipt, Sealed, SealedPart

NOT_ARRIVED = ""
"""In place of the salt of a part that came as its hash only; an erased part has neither salt nor content, for good."""


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
        self._names: list[blobs.Name] = []
        self.written: list[Place] = []
        """Every row that was given a position, in order."""

    def add(self, sealed: Sealed) -> Receipt:
        """Put one event at the end of the log of each of its regions; the receipt is that of its home region."""
        receipts = {}
        for region in dict.fromkeys(region for region, _ in sealed.filed):
            head = self._head(region)
            head[0] += 1
            head[1] = hashlib.sha256(head[1] + bytes.fromhex(sealed.payload_hash)).digest()
            receipts[region] = head[0]
            self.written.append((region, head[0], sealed.ref))
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
        self._names += blobs.names_in(sealed)
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
        gone = erasures.files_among(db, {(each.sha256, each.ref, each.path) for each in self._names})
        if names := [each for each in self._names if (each.sha256, each.ref, each.path) not in gone]:
            blobs.name(db, names, self._now_ms)
        if queue:
            fold_queue.put(db, {(row["region"], row["household"]) for row in self._filings}, self._now_ms)
        self._heads, self._log, self._parts, self._filings, self._names = {}, [], [], [], []

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
            "salt": NOT_ARRIVED if part.content is None and not part.erased else part.salt,
            "content": part.content,
            "remains": part.remains,
        }


def chain_start(epoch_id: str, region: str) -> bytes:
    """What the first row of a chain is chained to: another region's or epoch's log does not fit in its place."""
    return hashlib.sha256(f"padan {epoch_id} {region}".encode()).digest()


def complete(db: Connection, sealed: Sealed, now_ms: int) -> int:
    """Fill in parts of a known event that had come as their hash only; never one that was erased. How many."""
    filled = 0
    for region in dict.fromkeys(region for region, _ in sealed.filed):
        for part in sealed.parts:
            if part.content is not None or part.erased:
                filled += db.run(
                    """update parts set salt = :salt, content = :content, remains = :remains
                       where home_region = :region and name = :name and content is null and salt = :absent
                       and (epoch, position) in (
                         select epoch, position from log where home_region = :region and ref = :ref)""",
                    {
                        "salt": part.salt,
                        "content": part.content,
                        "remains": part.remains,
                        "region": region,
                        "name": part.name,
                        "absent": NOT_ARRIVED,
                        "ref": sealed.ref,
                    },
                )
    if filled:
        fold_queue.put_again(db, sealed.filed, now_ms)
    return filled


_INSERT_LOG = """insert into log (home_region, epoch, position, ref, id, kind, household_id, head, payload_hash,
  part_hashes, received_ms, install, seq, transport, signature, chain)
  values (:region, :epoch, :position, :ref, :id, :kind, :household, :head, :payload_hash, :part_hashes, :received_ms,
  :install, :seq, :transport, :signature, :chain)"""
_INSERT_PART = """insert into parts (home_region, epoch, position, name, salt, content, remains)
  values (:region, :epoch, :position, :name, :salt, :content, :remains)"""
_INSERT_FILING = """insert into filings (home_region, household_id, epoch, position, kind)
  values (:region, :household, :epoch, :position, :kind)"""
_INSERT_KNOWN = """insert into known_households (household_id, home_region) values (:household, :region)
  on conflict (household_id) do nothing"""
