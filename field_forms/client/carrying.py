"""Carrying a draft over to the version of its form that is current now, on the officer's request. Pure.

A draft stays on the version it was opened on; nobody is made to change. Whoever asks is shown first what has no place
in the new version. Household, context and id of the event to be stay as they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from field_forms.client.draft import Draft
from field_forms.client.filling import Answer
from field_forms.client.typed import shown
from field_forms.client.wording import NotHere, Wording
from schemas.paths import split_path


@dataclass(frozen=True, slots=True)
class Lost:
    """An answer that the new version has no place for."""

    path: str
    question: str
    answer: str
    reason: str


@dataclass(frozen=True, slots=True)
class Carried:
    """What a carrying over does, or did. `answers`, `prefill`, `corrects`: in the new version's words."""

    draft_id: str
    old_version: str
    new_version: str
    answers: Mapping[str, dict[str, Any]]
    prefill: Mapping[str, Answer]
    corrects: Mapping[str, str]
    lost: tuple[Lost, ...]


def carried(draft: Draft, wording: Wording) -> Carried:
    """The draft in the words of another version of its form."""
    answers: dict[str, dict[str, Any]] = {}
    lost = []
    for path, answer in sorted(draft.answers.items()):
        try:
            to, found = _moved(path, answer, wording)
            if to in answers:  # two questions have become one: the officer says which answer holds
                raise NotHere("pertanyaannya digabung dengan pertanyaan lain yang juga sudah dijawab")
            answers[to] = found
        except NotHere as error:
            lost.append(_lost(draft, path, answer, str(error)))
    prefill: dict[str, Answer] = {}
    for path, shown_answer in draft.prefill.items():
        try:
            to, found = _moved(path, shown_answer, wording, shown_before=True)
        except NotHere:
            continue  # of the record, not of the officer: it is there still
        prefill[to] = found
    corrects = {wording.path(path): ref for path, ref in draft.fixed.get("corrects", {}).items()}
    return Carried(draft.id, draft.form.version, wording.form.version, answers, prefill, corrects, tuple(lost))


def _moved(path: str, answer: Answer, wording: Wording, *, shown_before: bool = False) -> tuple[str, dict[str, Any]]:
    part, name = split_path(path)
    if "value" in answer:
        to, value = wording.answer(part, name, answer["value"], offered_only=not shown_before)
        return to, {**answer, "value": value}
    to = wording.path(path)
    if wording.question("p" if part.startswith("p/") else part, name) is None:
        raise NotHere("tidak ditanyakan lagi")
    return to, dict(answer)


def _lost(draft: Draft, path: str, answer: Answer, reason: str) -> Lost:
    question = draft.form.by_name.get(split_path(path)[1])
    label = question.label_id or question.name if question is not None else path
    return Lost(path, label, shown(question, answer) if question is not None else str(answer), reason)
