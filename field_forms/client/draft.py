"""A form being filled in: opened once, saved at every change, sealed or thrown away.

What is fixed at opening stays fixed: the id of the event to be, the household, and the context, which is all that the
officer could see then. A feed page that comes later does not enlarge it (docs/merge.md, `context`).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import cached_property
from typing import Any

from field_forms.client.filling import Answer, Filled, Remark
from field_forms.client.store_drafts import DraftRow, DraftStore
from schemas.event import STATES
from schemas.form import FormDefinition
from schemas.paths import person_key, person_part, split_path
from schemas.question import PERSON, Field

WIB = timezone(timedelta(hours=7))
"""The calendar of forms. A tablet further east that opens a form at night is asked for the day anyway."""
NAMES = ("name", "m_name")


class AnswerProblem(ValueError):
    """An answer to a question that is not there; the message says which there are."""


class Draft:
    """One draft over its file. Every change is on the disk when the method returns."""

    def __init__(self, store: DraftStore, form: FormDefinition, row: DraftRow, now_ms: Any) -> None:
        self._store = store
        self._now_ms = now_ms
        self.form = form
        self.id = row.id
        self.household_id = row.household_id
        self.fixed = row.fixed
        self.answers = dict(row.answers)
        self.persons = list(row.persons)
        self.opened_ms = row.opened_ms

    @property
    def prefill(self) -> dict[str, Answer]:
        """Answers of the merged record as they stood at opening, by path."""
        return dict(self.fixed["prefill"])

    @property
    def context(self) -> dict[str, str]:
        """ref -> household id of all that was seen at opening."""
        return dict(self.fixed["context"])

    @property
    def is_change(self) -> bool:
        """Whether this is a change event (birth, death, move ...) and not a visit."""
        return "change" in self.fixed

    @property
    def filled(self) -> Filled:
        """The form as it stands now."""
        return self._filled

    def answer(
        self, path: str, value: Any = None, *, state: str | None = None, file: Mapping[str, Any] | None = None
    ) -> None:
        """Save an answer, or a state instead of one (`declined`, `unknown`, `not_applicable`, `cleared`).

        Giving the prefilled answer again is not a change, but says that the question was put in this visit. Raises
        `AnswerProblem` for a path that is no question of the form. A wrong value is kept and told by `remarks`."""
        self._question(path)
        if state is not None and state not in STATES:
            raise AnswerProblem(f"{state!r} bukan keadaan; pilihan: {', '.join(sorted(STATES))}")
        answer: dict[str, Any] = {"state": state} if state is not None else {"value": _tidy(value)}
        if file is not None:
            answer["file"] = dict(file)
        self._save(path, answer)

    def reload(self) -> None:
        """Back to what is on the disk."""
        row = self._store.get(self.id)
        if row is not None:
            self.answers, self.persons = dict(row.answers), list(row.persons)
            self._changed()

    def leave(self, path: str) -> None:
        """Take an answer back: the prefilled one shows again and counts as untouched."""
        self._save(path, None)

    def add_member(self, person: str) -> str:
        """A member who is not on record, with a new person id. Returns the person key."""
        key = person_key(self.household_id, person)
        self._store.add_person(self.id, key)
        self.persons.append(key)
        self._changed()
        return key

    def drop_member(self, key: str) -> None:
        """Take back a member added in this draft. One who is on record cannot be dropped: say where he is
        (`presence`) instead."""
        if any(path.startswith(person_part(key) + "/") for path in self.prefill):
            raise AnswerProblem("Anggota yang sudah tercatat tidak dapat dihapus; isi pertanyaan keberadaannya.")
        self._store.drop_person(self.id, key)
        self.persons.remove(key)
        self.answers = {p: a for p, a in self.answers.items() if not p.startswith(person_part(key) + "/")}
        self._changed()

    def member_name(self, key: str) -> str:
        """What a member is called on the screen."""
        for name in NAMES:
            answer = self.filled.answer(f"{person_part(key)}/{name}") or {}
            if answer.get("value"):
                return str(answer["value"])
        return f"anggota {self.persons.index(key) + 1}"

    def remarks(self) -> list[Remark]:
        """What is missing, wrong or odd, in the sheet's order."""
        return self.filled.remarks()

    @cached_property
    def _filled(self) -> Filled:
        today = datetime.fromtimestamp(self.opened_ms / 1000, WIB).date().isoformat()
        return Filled(self.form, self.answers, self.prefill, self.persons, today)

    def _question(self, path: str) -> Field:
        try:
            part, name = split_path(path)
        except ValueError as error:
            raise AnswerProblem(str(error)) from None
        question = self.form.by_name.get(name)
        scope = PERSON if part.startswith("p/") else part
        if question is None or question.scope != scope:
            raise AnswerProblem(f"{path!r}: formulir {self.form.id} tidak menanyakan {name!r} di sini")
        if scope == PERSON and part.removeprefix("p/") not in self.persons:
            raise AnswerProblem(f"{path!r}: anggota ini tidak ada dalam formulir")
        return question

    def _save(self, path: str, answer: dict[str, Any] | None) -> None:
        self._store.save_answer(self.id, path, answer, self._now_ms())
        if answer is None:
            self.answers.pop(path, None)
        else:
            self.answers[path] = answer
        self._changed()

    def _changed(self) -> None:
        self.__dict__.pop("_filled", None)


def new_uuid(random_bytes: bytes) -> str:
    """A random UUID (version 4) from 16 random bytes."""
    return str(uuid.UUID(bytes=random_bytes, version=4))


def utc_text(ms: int) -> str:
    """`2026-11-21T01:02:03Z`."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _tidy(value: Any) -> Any:
    """A list of choices is a set: sorted, each once. Text loses the blanks at its ends."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, Iterable) and not isinstance(value, Mapping | bytes):
        return sorted(set(value))
    return value
