"""Drafts as tables: a form being filled in. A part of the officer's file.

One row per answer, so that saving a change costs one small write however large the family is. A draft is never
sent; it ends by sealing (`Store.add_sealed`) or by being thrown away by the officer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from field_forms.client.store import Store


@dataclass(frozen=True, slots=True)
class DraftRow:
    """What is stored of a draft. `fixed` never changes after opening."""

    id: str
    household_id: str
    form_id: str
    form_version: str
    fixed: dict[str, Any]
    answers: dict[str, dict[str, Any]]
    persons: tuple[str, ...]
    opened_ms: int
    saved_ms: int


class DraftStore:
    """Drafts of one officer."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, row: DraftRow) -> None:
        """Save a draft as it is opened, before its first answer."""
        with self._store.transaction() as conn:
            conn.execute(
                "insert into drafts values (?, ?, ?, ?, ?, ?, ?)",
                (
                    row.id,
                    row.household_id,
                    row.form_id,
                    row.form_version,
                    json.dumps(row.fixed),
                    row.opened_ms,
                    row.saved_ms,
                ),
            )
            for key in row.persons:
                self.add_person(row.id, key)
            for path, answer in row.answers.items():
                self.save_answer(row.id, path, answer, row.saved_ms)

    def save_answer(self, draft_id: str, path: str, answer: Mapping[str, Any] | None, now_ms: int) -> None:
        """Save one answer; None takes it back (the prefilled value shows again)."""
        with self._store.transaction() as conn:
            if answer is None:
                conn.execute("delete from draft_answers where draft_id = ? and path = ?", (draft_id, path))
            else:
                conn.execute(
                    "insert or replace into draft_answers values (?, ?, ?)", (draft_id, path, json.dumps(answer))
                )
            conn.execute("update drafts set saved_ms = ? where id = ?", (now_ms, draft_id))

    def carry_over(
        self, draft_id: str, version: str, fixed: Mapping[str, Any], answers: Mapping[str, Any], now_ms: int
    ) -> None:
        """Put a draft on another version of its form: all its answers in that one's words, or nothing is changed."""
        with self._store.transaction() as conn:
            conn.execute(
                "update drafts set form_version = ?, fixed = ?, saved_ms = ? where id = ?",
                (version, json.dumps(fixed), now_ms, draft_id),
            )
            conn.execute("delete from draft_answers where draft_id = ?", (draft_id,))
            conn.executemany(
                "insert into draft_answers values (?, ?, ?)",
                [(draft_id, path, json.dumps(answer)) for path, answer in answers.items()],
            )

    def add_person(self, draft_id: str, key: str) -> None:
        """Add a member to the form."""
        with self._store.transaction() as conn:
            conn.execute(
                "insert into draft_persons select ?, coalesce(max(position), 0) + 1, ?"
                " from draft_persons where draft_id = ?",
                (draft_id, key, draft_id),
            )

    def drop_person(self, draft_id: str, key: str) -> None:
        """Take back a member that was added in this draft, with its answers."""
        with self._store.transaction() as conn:
            conn.execute("delete from draft_persons where draft_id = ? and key = ?", (draft_id, key))
            prefix = f"p/{key}/"
            conn.execute(
                "delete from draft_answers where draft_id = ? and substr(path, 1, ?) = ?",
                (draft_id, len(prefix), prefix),
            )

    def get(self, draft_id: str) -> DraftRow | None:
        """One draft, or None."""
        row = self._store.conn.execute("select * from drafts where id = ?", (draft_id,)).fetchone()
        return None if row is None else self._read(row)

    def all(self) -> list[DraftRow]:
        """Every draft, last saved first."""
        rows = self._store.conn.execute("select * from drafts order by saved_ms desc, id").fetchall()
        return [self._read(row) for row in rows]

    def discard(self, draft_id: str) -> None:
        """Throw a draft away; only on the officer's word."""
        with self._store.transaction() as conn:
            conn.execute("delete from drafts where id = ?", (draft_id,))

    def _read(self, row: Any) -> DraftRow:
        conn = self._store.conn
        answers = conn.execute("select path, answer from draft_answers where draft_id = ? order by path", (row["id"],))
        persons = conn.execute("select key from draft_persons where draft_id = ? order by position", (row["id"],))
        return DraftRow(
            row["id"], row["household_id"], row["form_id"], row["form_version"], json.loads(row["fixed"]),
            {each["path"]: json.loads(each["answer"]) for each in answers},
            tuple(each["key"] for each in persons), row["opened_ms"], row["saved_ms"],
        )  # fmt: skip
