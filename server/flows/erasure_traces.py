"""What stands of an erased person outside log and records: deliveries, places, bytes that nobody could read, boxes.

Works by the person's marks, inside the transaction that empties the log. What can't be reached from here (the registry,
a mirror, files that were handed out) is named in the report of the command.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from schemas.canonical import canonical_bytes_unchecked
from schemas.json_text import JsonProblem, read_json
from schemas.sealing import BoxUnreadable, open_box
from server.auth.keys import ServerKeys
from server.flows.receipts import content_digest_of, content_of
from server.store import delivery_queue, deposits, outbox, reservations, standings, unreadable
from server.store.database import Connection
from server.store.outbox import OutboxRow
from sync import erasure
from sync.delivery import DELIVER, NOT_APPLIED
from sync.delivery_payload import emptied_payload, is_emptied, veiled_place
from sync.erasure import Marks

Pair = tuple[str, str]
EMPTIED = "erased"


@dataclass(frozen=True, slots=True)
class Kept:
    """Bytes (`items`) and sealed boxes that tell of the person, by SHA-256; boxes that no key of ours opens."""

    items: frozenset[str] = frozenset()
    boxes: frozenset[str] = frozenset()
    closed: int = 0
    looked_at: frozenset[str] = frozenset()


def find_kept(
    db: Connection,
    keys: ServerKeys,
    marks: Marks,
    whole: Collection[str],
    refs: Collection[str],
    *,
    but: Collection[str] = (),
    progress: Callable[[int], None] = lambda done: None,
) -> Kept:
    """Look through everything that was kept as it came. `but`: what was looked at before, and is left out."""
    items, boxes, looked = set(), set(), set()
    closed = 0
    for sha256, raw in unreadable.contents(db):
        if sha256 not in but and _tells(raw.decode("utf-8", "replace"), marks, whole, refs):
            items.add(sha256)
        looked.add(sha256)
        progress(len(looked))
    for sha256, raw in deposits.boxes(db):
        looked.add(sha256)
        if sha256 in but:
            continue
        try:
            content = read_json(open_box(json.loads(raw), keys.sealing_keys))
        except (BoxUnreadable, JsonProblem, ValueError):
            closed += 1
            continue
        if _tells(json.dumps(content, ensure_ascii=False), marks, whole, refs):
            boxes.add(sha256)
        progress(len(looked))
    return Kept(frozenset(items), frozenset(boxes), closed, frozenset(looked))


def empty_kept(db: Connection, kept: Kept) -> int:
    """Empty what was found; how many."""
    return sum(unreadable.empty(db, sha256, EMPTIED) for sha256 in kept.items) + sum(
        deposits.empty_box(db, sha256) for sha256 in kept.boxes
    )


def deliveries_with(db: Connection, pairs: Iterable[Pair], marks: Marks, whole: Collection[str]) -> list[OutboxRow]:
    """Outbox rows whose payload shows the person."""
    return [
        row
        for region, household in pairs
        for row in outbox.of_household(db, region, household)
        if row.action == DELIVER and not is_emptied(content_of(row)) and (household in whole or _shows(row, marks))
    ]


def empty_deliveries(
    db: Connection, keys: ServerKeys, pairs: Collection[Pair], marks: Marks, whole: Collection[str], now_ms: int
) -> int:
    """Empty payloads, and hold the person's place in the registry under a digest until the registry lets it go: else
    another family could be sent with the same person. What was not sent is superseded: the sweep writes it anew."""
    rows = deliveries_with(db, pairs, marks, whole)
    for row in rows:
        left = emptied_payload(content_of(row), content_digest_of(row))
        places = [place for place in row.places if not _own_place(place, marks)]
        outbox.empty(db, row, canonical_bytes_unchecked(left), places)
        if row.state in NOT_APPLIED:
            outbox.move(db, row, "superseded", now_ms)
    for region, household in pairs:
        stored = standings.of(db, region, [household]).get(household)
        stands = set(stored.places) if stored is not None and stored.standing.stands() else set()
        for place in reservations.held_by(db, region, household):
            if not _own_place(place, marks):
                continue
            if place in stands:
                reservations.rename(db, household, place, veiled_place(keys.nik_digest(place)))
            else:
                reservations.release(db, household, [place])
        if stored is not None and any(_own_place(place, marks) for place in stored.places):
            standings.put_places(db, region, household, [_veil(place, marks, keys) for place in stored.places])
    delivery_queue.forget_wishes(db, pairs)
    delivery_queue.put(db, pairs)
    return len(rows)


def _veil(place: str, marks: Marks, keys: ServerKeys) -> str:
    return veiled_place(keys.nik_digest(place)) if _own_place(place, marks) else place


def _own_place(place: str, marks: Marks) -> bool:
    return erasure.number_of(place) in marks.numbers


def _shows(row: OutboxRow, marks: Marks) -> bool:
    content = content_of(row)
    if any(marks.keys & {person["key"], *person["keys"]} for person in content["persons"]):
        return True
    return any(erasure.named_in(text, marks, sentence=False) for text in _strings(content))


def _tells(text: str, marks: Marks, whole: Collection[str], refs: Collection[str]) -> bool:
    """Whether bytes that are no event of ours tell of the person: by key, by the ref of an event that lost something,
    or by name and number."""
    if any(key in text for key in (*marks.keys, *whole, *refs)):
        return True
    try:
        texts = list(_strings(json.loads(text)))
    except (ValueError, RecursionError):
        texts = [text]
    return any(erasure.named_in(each, marks, sentence=True) for each in texts)


def _strings(value: Any) -> Iterable[str]:
    """Every text in a JSON value; a text that is JSON itself is looked into."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            inner = _object(item)
            stack += [inner] if inner is not None else []
            if inner is None:
                yield item
        elif isinstance(item, dict):
            stack += item.values()
        elif isinstance(item, list):
            stack += item


def _object(text: str) -> Any:
    if text[:1] not in "{[" or len(text) < 2:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
