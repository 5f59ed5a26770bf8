"""Asking a form in the terminal, question by question. Every answer is saved before the next question is put.

Typed instead of an answer: Enter leaves it as it is, `?` helps, `<` goes back, `!tolak` (or another state) says why
there is none, `!batal` takes an answer back, `!simpan` saves and stops.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from field_forms.client.draft import AnswerProblem, Draft
from field_forms.client.filling import Filled
from field_forms.client.typed import STATE_WORDS, offered, read_typed, shown
from field_forms.client.wording import Wording
from schemas.paths import person_part
from schemas.question import PERSON, Field

if TYPE_CHECKING:
    from field_forms.client.client import FieldClient

Step = tuple[str, Field | None]
"""A part and a question; None: the question whether there is another member."""

HELP = (
    "Enter = biarkan; ? = bantuan; < = kembali; !simpan = simpan dan berhenti; !batal = batalkan jawaban; "
    + "; ".join(f"!{word}" for word in STATE_WORDS)
)


class _Stop(Exception):
    """The officer wants to go on later."""


def ask_form(client: FieldClient, draft: Draft) -> bool:
    """Ask everything that is relevant. True when the end was reached, False when the officer stopped before."""
    click.echo(f"{draft.form.title}. {HELP}")
    asker = _Asker(client, draft)
    try:
        asker.run()
    except (_Stop, EOFError, click.Abort):
        click.echo("Tersimpan.")
        return False
    return True


class _Asker:
    def __init__(self, client: FieldClient, draft: Draft) -> None:
        self._client = client
        self._draft = draft
        self._heading = ""
        self._next: Step | None = None
        self._villages = client.feed.areas()
        here = [each for each in client.returned() if each.household_id == draft.household_id]
        words = Wording(draft.form, client.feed.dictionary())  # comments speak the server's version, a draft its own
        self._comments = {words.path(path): text for each in here for path, text in each.comments.items()}

    def run(self) -> None:
        """Walk the sheet. The list of steps is made anew after each answer: an answer can add questions."""
        history: list[Step] = []
        step = self._after(None)
        while step is not None:
            if self._ask(step):
                history.append(step)
                step, self._next = self._next or self._after(step), None
            elif history:
                step = history.pop()

    def _steps(self) -> list[Step]:
        filled = self._draft.filled
        steps: list[Step] = []
        for part, question in filled.cells():
            if steps and steps[-1][0].startswith("p/") and question.scope != PERSON:
                steps.append(("member", None))
            steps.append((part, question))
        if PERSON in {each.scope for each in self._draft.form.fields} and ("member", None) not in steps:
            last = self._place_of_roster(filled)
            steps.insert(last, ("member", None))
        return steps

    def _place_of_roster(self, filled: Filled) -> int:
        """Where the roster stands while nobody is in it: after the household questions before it in the sheet."""
        before = 0
        for question in self._draft.form.fields:
            if question.scope == PERSON:
                break
            before += 1
        return min(before, len(list(filled.cells())))

    def _after(self, step: Step | None) -> Step | None:
        steps = self._steps()
        keys = [(part, question.name if question else "") for part, question in steps]
        at = -1 if step is None else keys.index((step[0], step[1].name if step[1] else ""))
        return next((each for each in steps[at + 1 :] if self._is_asked(each)), None)

    def _is_asked(self, step: Step) -> bool:
        part, question = step
        if question is None:
            return self._roster_is_relevant()
        unasked = question.type == "calculate" or question.policy == "derived" or question.readonly
        return not unasked and self._draft.filled.relevant(part, question)

    def _roster_is_relevant(self) -> bool:
        rows = [row for row in self._draft.form.rows if row.kind == "repeat"]
        return bool(rows) and self._draft.filled.row_relevant(rows[0])

    def _ask(self, step: Step) -> bool:
        """Put one question until it is settled. False: go back."""
        part, question = step
        if question is None:
            return self._ask_member()
        self._show_heading(part)
        path = f"{part}/{question.name}"
        while True:
            text = self._prompt(question, path)
            if text == "<":
                return False
            if text == "?":
                self._help(question)
                continue
            if not text:
                return True
            if not self._take(question, path, text):
                continue
            remarks = self._draft.filled.remarks_on(part, question)
            for remark in remarks:
                click.echo(f"  {'SALAH' if remark.blocks else 'PERIKSA'}: {remark.reason}")
            if not any(remark.blocks for remark in remarks):
                self._show_notes(part, question)
                return True

    def _ask_member(self) -> bool:
        names = ", ".join(self._draft.member_name(key) for key in self._draft.persons) or "belum ada"
        text = self._read(f"Anggota keluarga: {names}. Tambah anggota lain? (y/Enter)")
        if text == "<":
            return False
        if text.lower() in ("y", "ya"):
            part = person_part(self._client.add_member(self._draft))
            self._next = next(each for each in self._steps() if each[0] == part and self._is_asked(each))
        return True

    def _take(self, question: Field, path: str, text: str) -> bool:
        try:
            if text == "!batal":
                self._draft.leave(path)
            elif text.startswith("!"):
                word = text[1:].strip().lower()
                if word not in STATE_WORDS:
                    raise AnswerProblem(HELP)
                self._draft.answer(path, state=STATE_WORDS[word])
            elif question.type == "image":
                self._client.attach(self._draft, path, Path(text).expanduser())
            else:
                self._draft.answer(path, read_typed(question, text, self._choices(question)))
        except (AnswerProblem, OSError) as error:
            click.echo(f"  {error}")
            return False
        return True

    def _prompt(self, question: Field, path: str) -> str:
        filled = self._draft.filled
        answer = filled.answer(path)
        now = ""
        if answer is not None:
            origin = "" if path in filled.answers else ", dari daftar"
            now = f" [{shown(question, answer)}{origin}]"
        part = path.rpartition("/")[0]
        star = " *" if filled.required(part, question) else ""
        comment = self._comments.get(path)
        if comment:
            click.echo(f"  CATATAN PENGAWAS: {comment}")
        choices = self._choices(question) or {each.name: each.label_id for each in offered(question)}
        if 0 < len(choices) <= 12:
            for code, label in choices.items():
                click.echo(f"    {code:>4}  {label}")
        return self._read(f"{question.label_id or question.name}{star}{now}")

    def _help(self, question: Field) -> None:
        for text in (question.hint_id, question.constraint_message_id, question.warning_message_id):
            if text:
                click.echo(f"  {text}")
        for code, label in (self._choices(question) or {c.name: c.label_id for c in offered(question)}).items():
            click.echo(f"    {code:>4}  {label}")
        click.echo(f"  {HELP}")

    def _choices(self, question: Field) -> dict[str, str] | None:
        return self._villages if question.media.startswith("villages") else None

    def _show_heading(self, part: str) -> None:
        heading = f"--- {self._draft.member_name(part.removeprefix('p/'))} ---" if part.startswith("p/") else ""
        if heading and heading != self._heading:
            click.echo(heading)
        self._heading = heading

    def _show_notes(self, part: str, question: Field) -> None:
        """Notes of the sheet that stand right behind the question."""
        rows = list(self._draft.form.rows)
        at = next(index for index, row in enumerate(rows) if row.field is question)
        relevant = {row.name for row in self._draft.filled.notes(part)}
        for row in rows[at + 1 :]:
            if row.kind in ("question", "group", "repeat"):
                break
            if row.kind == "note" and row.name in relevant:
                click.echo(f"  {row.label_id}")

    def _read(self, label: str) -> str:
        text: str = click.prompt(label, default="", show_default=False, prompt_suffix=": ")
        if text.strip() == "!simpan":
            raise _Stop
        return text.strip()
