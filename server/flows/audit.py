"""`padan audit verify`: does the log still say what it said? Every hash and every chain, computed again.

It reads rows as they stand and trusts no column but by its hash. What it finds is named by region, epoch, position.
What an erasure emptied must be named by an erasure in the log; what one left of a part bears the server's signature.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from schemas.event import payload_hash_of_bytes, ref_of
from schemas.signing import REMAINS
from schemas.signing import verify as verify_signature
from server.flows.screening import remains_message
from server.store import erasures, events, keys
from server.store.appending import chain_start
from server.store.database import Connection, Row
from server.store.identity import epoch_ids

PROGRESS_EVERY = 1000


@dataclass(frozen=True, slots=True)
class Broken:
    """Something in the log that is not what was appended."""

    home_region: str
    epoch: str
    position: int
    ref: str
    what: str

    def __str__(self) -> str:
        return f"{self.home_region} epoch {self.epoch} position {self.position} ref {self.ref or '-'}: {self.what}"


@dataclass(frozen=True, slots=True)
class Verified:
    """The outcome: rows and parts read, what is broken, and the chain heads `{region: hex}` to note down elsewhere.
    `erased` counts the parts without content: erased, or come as their hash only; `partial` those of which an erasure
    left something; `unexplained` those that were emptied though no erasure in the log says so."""

    rows: int
    parts: int
    erased: int
    broken: tuple[Broken, ...]
    heads: dict[str, str]
    partial: int = 0
    unexplained: tuple[Broken, ...] = ()


def verify(db: Connection, progress: Callable[[int], None] = lambda _: None, most: int = 100) -> Verified:
    """Verify the whole log, in one snapshot and constant memory; stops after `most` broken places."""
    found: list[Broken] = []
    counts = {"rows": 0, "parts": 0, "erased": 0, "partial": 0}
    with db.snapshot():
        names = epoch_ids(db)
        heads = events.heads(db)
        knows = _Erasures(db)
        for head in heads:
            for broken in _verify_region(db, head, names, counts, knows, progress):
                found.append(broken)
                if len(found) >= most:
                    heads = []
                    break
    ends = {head["home_region"]: bytes(head["chain"]).hex() for head in heads}
    unexplained = tuple(knows.unexplained[:most])
    return Verified(
        counts["rows"], counts["parts"], counts["erased"], tuple(found), ends, counts["partial"], unexplained
    )


class _Erasures:
    """What the erasures of the log empty, and the keys that may sign what they left."""

    def __init__(self, db: Connection) -> None:
        self._persons: set[str] = set()
        self._covers: set[tuple[str, str]] = set()
        self._late: set[tuple[str, str]] = {(part.ref, part.part) for part in erasures.late_parts(db, 1_000_000)}
        self.unexplained: list[Broken] = []
        self._public = [key.public for key in keys.all_keys(db, keys.SIGNING).values() if key.public]
        for region in events.regions(db):
            for event in events.of_kind(db, region, "erasure"):
                body = event.head["body"]
                self._persons.update(f"p/{key}" for key in body["persons"])
                self._covers.update((pair["ref"], pair["path"].rpartition("/")[0]) for pair in body.get("covers", ()))

    def emptied(self, ref: str, part: str) -> bool:
        """Whether an erasure says that it emptied this part, wholly or partly."""
        return part in self._persons or (ref, part) in self._covers or (ref, part) in self._late

    def left(self, ref: str, part: Row) -> bool:
        """Whether what is left of a part is what this server left."""
        message = remains_message(ref, part["name"], bytes(part["content"]))
        return any(verify_signature(public, REMAINS, message, part["remains"]) for public in self._public)


def _verify_region(
    db: Connection,
    head: Row,
    names: Mapping[int, str],
    counts: dict[str, int],
    knows: _Erasures,
    progress: Callable[[int], None],
) -> Iterator[Broken]:
    region, expected = head["home_region"], 1
    chain = b""
    for epoch in sorted(names):
        chain = chain_start(names[epoch], region)
        for row in events.log_rows(db, region, epoch):
            counts["rows"] += 1
            if counts["rows"] % PROGRESS_EVERY == 0:
                progress(counts["rows"])
            place = (region, names[epoch], row["position"], row["ref"])
            if row["position"] != expected:
                yield Broken(*place, f"positions {expected} to {row['position'] - 1} are missing")
            expected = row["position"] + 1
            for what in _row_problems(db, row, counts, knows, place):
                yield Broken(*place, what)
            chain = hashlib.sha256(chain + _hash_bytes(row["payload_hash"])).digest()
            if chain != row["chain"]:
                yield Broken(*place, "the chain does not follow from the row before")
                chain = bytes(row["chain"])  # each break is named once, at its first row
    if expected != head["position"] + 1:
        yield Broken(region, names[head["epoch"]], head["position"], "", f"the log ends at position {expected - 1}")
    elif chain != head["chain"] and names and head["epoch"] == max(names):
        yield Broken(region, names[head["epoch"]], head["position"], "", "the end of the chain was changed")


def _row_problems(
    db: Connection, row: Row, counts: dict[str, int], knows: _Erasures, place: tuple[str, str, int, str]
) -> Iterator[str]:
    try:
        head, part_hashes = json.loads(row["head"]), json.loads(row["part_hashes"])
        hashed = payload_hash_of_bytes(bytes(row["head"]), part_hashes)
    except ValueError:
        yield "head: the bytes are no JSON any more"
        return
    if hashed != row["payload_hash"]:
        yield "head: the bytes do not give the payload hash"
    columns = {"id": head.get("id"), "kind": head.get("kind"), "household_id": head.get("household_id")}
    for name, said in {**columns, "ref": ref_of(row["payload_hash"])}.items():
        if row[name] != said:
            yield f"{name}: the column says {row[name]!r}, the event {said!r}"
    parts = events.part_rows(db, row["home_region"], row["epoch"], row["position"])
    if {part["name"] for part in parts} != part_hashes.keys():
        yield "parts: not the parts that the event names"
    for part in parts:
        counts["parts"] += 1
        if part["salt"] is None and not knows.emptied(row["ref"], part["name"]):
            knows.unexplained.append(Broken(*place, f"part {part['name']} is empty, and no erasure in the log says so"))
        if part["content"] is None:
            counts["erased"] += 1
            continue
        if part["remains"] is not None:
            counts["partial"] += 1
            if not knows.left(row["ref"], part):
                yield f"part {part['name']}: what an erasure left of it was changed"
            continue
        if _part_hash(part) != part_hashes.get(part["name"]):
            yield f"part {part['name']}: the bytes do not give its hash"
    wanted = {
        row["household_id"],
        *(item["household_id"] for item in head.get("also", ()) if item["home_region"] == row["home_region"]),
    }
    if head.get("home_region") != row["home_region"]:
        wanted.discard(row["household_id"])
    if events.filed_at(db, row["home_region"], row["epoch"], row["position"], sorted(wanted)) != len(wanted):
        yield "filings: the event is not filed under all its households"


def _part_hash(part: Row) -> str:
    return hashlib.sha256(_hash_bytes(part["salt"] or "") + bytes(part["content"])).hexdigest()


def _hash_bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return text.encode()
