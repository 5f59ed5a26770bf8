"""One version's words for what another version said: names, codes and values of answers, across the versions here.

The record of the feed speaks the server's present version, an own sealed form the one it was filled on, a draft its
own. Pure: what becomes of an answer is said by the sheets (schemas/lineage.py).
"""

from __future__ import annotations

from typing import Any

from schemas.answers import unknown_choice, value_error
from schemas.form import Dictionary, FormDefinition
from schemas.lineage import WrongType
from schemas.question import PERSON, Field
from schemas.upcast import NotUpcast


class NotHere(ValueError):
    """The form has no place for the answer; the sentence (Indonesian) says why."""


class Wording:
    """The words of one form. `dictionary`: of all versions known here."""

    def __init__(self, form: FormDefinition, dictionary: Dictionary) -> None:
        self.form = form
        self._dictionary = dictionary
        self._asked = {
            (question.scope, dictionary.present_name(question.scope, question.name)): question
            for question in form.fields
        }

    def question(self, scope: str, name: str) -> Field | None:
        """The form's question that a name of any version means, or None."""
        return self._asked.get((scope, self._dictionary.present_name(scope, name)))

    def path(self, path: str) -> str:
        """A path `part/question` in the form's words; one that it does not ask comes back as it is."""
        part, slash, name = path.rpartition("/")
        question = self.question(_scope(part), name)
        return path if question is None else f"{part}{slash}{question.name}"

    def answer(self, part: str, name: str, value: Any, *, offered_only: bool = False) -> tuple[str, Any]:
        """Path and value in the form's words. `offered_only`: a choice must be one that the form offers; else one of an
        older version is shown as it is. Raises `NotHere`."""
        scope = _scope(part)
        question = self.question(scope, name)
        if question is None:
            raise NotHere("tidak ditanyakan lagi")
        line = self._dictionary.line(scope, name)
        found = value
        if line is not None and not line.passes:
            try:
                found = line.read(value)
            except (NotUpcast, WrongType):
                raise NotHere("tidak terbaca sebagai jawaban pertanyaan yang baru") from None
            if value_error(question, found) is not None:
                raise NotHere("tidak terbaca sebagai jawaban pertanyaan yang baru")
        if offered_only and value_error(question, found) is None and unknown_choice(question, found) is not None:
            raise NotHere("pilihan ini tidak ditawarkan lagi")
        return f"{part}/{question.name}", found


def _scope(part: str) -> str:
    return PERSON if part.startswith("p/") else part
