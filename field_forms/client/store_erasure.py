"""Forgetting on the server's word: an erased person leaves sealed events, signed events, households and drafts.

The hash of a part stays, so that the event still verifies and can be offered again to a restored server. What was never
sent goes to the server first, which keeps no more than the hash of it. Like `store.py`: each public function is one
transaction, and knows neither network nor forms.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from field_forms.client.store import ERASED, Store
from schemas.event import part_hash

ARRIVED = "state in ('received', 'durable')"
IDENTITY_FIELDS = ("m_name", "name", "nik")
"""By what an erased person is found in what an officer typed elsewhere in a draft."""
_NOTHING = json.dumps({"head": None, "parts": [], "payload_hash": ""})


def erase_person(store: Store, key: str) -> None:
    """Empty a person's parts wherever they stand here, and take the person out of drafts."""
    part = f"p/{key}"
    with store.transaction() as conn:
        words = _words(conn, key)
        for table, where in (("events", ARRIVED), ("staff_events", "true")):
            for row in conn.execute(f"select ref, envelope from {table} where {where}").fetchall():
                _empty_in(conn, table, row, [part])
        conn.execute("delete from draft_persons where key = ?", (key,))
        conn.execute("delete from draft_answers where substr(path, 1, ?) = ?", (len(part) + 1, f"{part}/"))
        for row in conn.execute(_DRAFTS).fetchall():
            _forget_in_draft(conn, row, part, words)


def erase_parts(store: Store, pairs: Iterable[tuple[str, str]]) -> None:
    """Empty parts, named by `(ref, part)`, of events that the server has."""
    with store.transaction() as conn:
        for ref, part in pairs:
            _empty(conn, ref, [part])


def forget_events(store: Store, refs: Iterable[str], parts: Mapping[str, Sequence[str]]) -> None:
    """The answer to `have`: of these events the named parts (ref -> names) were erased, or, where a server names none,
    something: then all of the event is forgotten."""
    with store.transaction() as conn:
        for ref in refs:
            if parts.get(ref):
                _empty(conn, ref, parts[ref])
                continue
            conn.execute(
                "update events set offer = null, state = ?, envelope = ? where ref = ?", (ERASED, _NOTHING, ref)
            )
            conn.execute("delete from staff_events where ref = ?", (ref,))


def compact(store: Store) -> None:
    """Write the file anew: deleting alone leaves copies behind in pages that were put together."""
    store.conn.execute("vacuum")
    store.conn.execute("pragma wal_checkpoint(truncate)").fetchall()


_DRAFTS = "select id, fixed from drafts"


def _empty(conn: sqlite3.Connection, ref: str, parts: Sequence[str]) -> None:
    """Keep the hash alone of these parts of one event, own or handed down."""
    for table, where in (("events", ARRIVED), ("staff_events", "true")):
        row = conn.execute(f"select ref, envelope from {table} where ref = ? and {where}", (ref,)).fetchone()
        if row is not None:
            _empty_in(conn, table, row, parts)


def _empty_in(conn: sqlite3.Connection, table: str, row: Any, parts: Sequence[str]) -> None:
    if table == "events":  # `StoreFiles.sweep` removes the photos that nothing names any more
        for part in parts:
            path = f"{part}/"
            conn.execute(
                "delete from event_files where ref = ? and substr(path, 1, ?) = ?", (row["ref"], len(path), path)
            )
    left = _without(json.loads(row["envelope"]), parts)
    if left is not None:
        conn.execute(f"update {table} set envelope = ? where ref = ?", (json.dumps(left), row["ref"]))


def _without(envelope: dict[str, Any], names: Sequence[str]) -> dict[str, Any] | None:
    parts = [
        {"name": part["name"], "hash": part_hash(part["salt"], {name: part[name] for name in ("assertions", "text")})}
        if part["name"] in names and "salt" in part
        else part
        for part in envelope["parts"]
    ]
    return {**envelope, "parts": parts} if parts != envelope["parts"] else None


def _words(conn: sqlite3.Connection, key: str) -> frozenset[str]:
    """Names and numbers of a person as this tablet knows them, in lower case."""
    found: list[Any] = []
    for row in conn.execute("select item from households").fetchall():
        for person in (json.loads(row["item"]).get("data") or {}).get("persons", ()):
            if key in person.get("keys", ()):
                found += [person["fields"].get(name, {}).get("value") for name in IDENTITY_FIELDS]
    for table in ("events", "staff_events"):
        for row in conn.execute(f"select envelope from {table}").fetchall():
            for part in json.loads(row["envelope"])["parts"]:
                if part["name"] == f"p/{key}":
                    found += [part.get("assertions", {}).get(name, {}).get("value") for name in IDENTITY_FIELDS]
    sql = "select answer from draft_answers where path in (?, ?, ?)"
    for row in conn.execute(sql, [f"p/{key}/{name}" for name in IDENTITY_FIELDS]).fetchall():
        found.append(json.loads(row["answer"]).get("value"))
    for row in conn.execute(_DRAFTS).fetchall():
        prefill = json.loads(row["fixed"])["prefill"]
        found += [prefill.get(f"p/{key}/{name}", {}).get("value") for name in IDENTITY_FIELDS]
    return frozenset(" ".join(word.casefold().split()) for word in found if isinstance(word, str) and word.strip())


def _forget_in_draft(conn: sqlite3.Connection, row: Any, part: str, words: frozenset[str]) -> None:
    """Take a person out of what a draft was opened with and of what was left behind when it was carried over to another
    version, and out of answers elsewhere that name the person."""
    fixed = json.loads(row["fixed"])
    kept = {
        path: answer
        for path, answer in fixed["prefill"].items()
        if not path.startswith(f"{part}/") and not _names(answer, words)
    }
    behind = fixed.get("left_behind", [])
    left = [each for each in behind if not each["path"].startswith(f"{part}/") and not _names(each["answer"], words)]
    if len(kept) < len(fixed["prefill"]) or len(left) < len(behind):
        fixed["prefill"] = kept
        if behind:
            fixed["left_behind"] = left
        conn.execute("update drafts set fixed = ? where id = ?", (json.dumps(fixed), row["id"]))
    for answer in conn.execute("select path, answer from draft_answers where draft_id = ?", (row["id"],)).fetchall():
        if _names(json.loads(answer["answer"]), words):
            conn.execute("delete from draft_answers where draft_id = ? and path = ?", (row["id"], answer["path"]))


def _names(answer: Mapping[str, Any], words: frozenset[str]) -> bool:
    said = answer.get("value")
    text = " ".join(said.casefold().split()) if isinstance(said, str) else ""
    return any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) for word in words)
