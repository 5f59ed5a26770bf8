"""A form with answers in it: what is relevant, what is missing, what is wrong, what will be asserted. Pure.

Values are looked up lazily, for a question may depend on one that stands later in the sheet. An answer that is not
relevant counts as empty, as in ODK, but is kept in the draft: one wrong tap must not empty a household.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from schemas.answers import FLAG_CHOICE, FLAG_CONSTRAINT, FLAG_EXCLUSIVE, FLAG_WARNING, constraint_flag, value_error
from schemas.event import Assertion
from schemas.expression import compile_expression
from schemas.form import FormDefinition, Row
from schemas.nik import message, nik_warnings, parse_nik
from schemas.paths import EVENT_PART, HOUSEHOLD_PART, person_part
from schemas.question import EVENT, HOUSEHOLD, PERSON, Field

Answer = Mapping[str, Any]
"""`{"value": ...}` or `{"state": ...}`; an answer with a photo has `file` beside it."""

EMPTY: tuple[Any, ...] = (None, "", [])
REASONS = {
    FLAG_CHOICE: "kode pilihan tidak dikenal",
    FLAG_EXCLUSIVE: "pilihan ini berdiri sendiri, tidak bersama pilihan lain",
    FLAG_CONSTRAINT: "jawaban tidak memenuhi aturan",
}


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to be told about an answer. `blocks`: the form cannot be sealed with it."""

    path: str
    question: str
    reason: str
    blocks: bool


class Filled:
    """One state of a form. Make a new one after each change: it remembers what it worked out."""

    def __init__(
        self, form: FormDefinition, answers: Mapping[str, Answer], prefill: Mapping[str, Answer],
        persons: Sequence[str], today: str,
    ) -> None:  # fmt: skip
        self.form = form
        self.answers = answers
        self.prefill = prefill
        self.persons = tuple(persons)
        self._today = today
        self._relevant: dict[tuple[str, str], bool] = {}
        self._values: dict[tuple[str, str], Any] = {}
        self._groups = {row.name: row for row in form.rows if row.kind in ("group", "repeat")}

    @property
    def today(self) -> str:
        """The day of the visit, on which ages and `today()` are reckoned."""
        visit = self._raw(HOUSEHOLD_PART, "visit_date")
        return visit if isinstance(visit, str) and visit else self._today

    def parts(self, scope: str) -> tuple[str, ...]:
        """Part names of a scope: one for the household, one for each member."""
        if scope == PERSON:
            return tuple(person_part(key) for key in self.persons)
        return (HOUSEHOLD_PART if scope == HOUSEHOLD else EVENT_PART,)

    def cells(self) -> Iterator[tuple[str, Field]]:
        """Every `(part, question)` in the sheet's order; the members' one member after another."""
        done = False
        for question in self.form.fields:
            if question.scope != PERSON:
                yield self.parts(question.scope)[0], question
            elif not done:
                done = True
                for part in self.parts(PERSON):
                    for each in self.form.fields:
                        if each.scope == PERSON:
                            yield part, each

    def answer(self, path: str) -> Answer | None:
        """What stands at a path: the answer of this visit, else the prefilled one."""
        return self.answers.get(path, self.prefill.get(path))

    def relevant(self, part: str, question: Field) -> bool:
        """Whether the question is asked, given the other answers."""
        key = (part, question.name)
        if key not in self._relevant:
            self._relevant[key] = True  # while it is being worked out: a circle counts as relevant
            self._relevant[key] = not question.relevant or self._truth(question.relevant, part)
        return self._relevant[key]

    def value(self, part: str, question: Field) -> Any:
        """The value that expressions see: None where not relevant, unanswered, or a state."""
        key = (part, question.name)
        if key not in self._values:
            self._values[key] = None
            if self.relevant(part, question):
                if question.calculation:
                    expression = compile_expression(question.calculation)
                    self._values[key] = expression.evaluate(self._scope(part), self.today)
                else:
                    self._values[key] = self._raw(part, question.name)
        return self._values[key]

    def required(self, part: str, question: Field) -> bool:
        """Whether the question must have an answer, given the others."""
        text = question.required
        return bool(text) and self._truth({"yes": "true()", "true": "true()"}.get(text.lower(), text), part)

    def notes(self, part: str) -> list[Row]:
        """Notes of the sheet to be shown for a part."""
        inside = {name for name, row in self._groups.items() if row.kind == "repeat"}
        return [
            row
            for row in self.form.rows
            if row.kind == "note"
            and bool(inside & set(row.parents)) == part.startswith("p/")
            and all(self._truth(self._groups[name].relevant, part) for name in row.parents if name in self._groups)
            and self._truth(row.relevant, part)
        ]

    def row_relevant(self, row: Row) -> bool:
        """Whether a group, repeat or note of the household is shown."""
        groups = [self._groups[name] for name in row.parents if name in self._groups]
        return all(self._truth(each.relevant, HOUSEHOLD_PART) for each in (*groups, row))

    def remarks(self) -> list[Remark]:
        """All that is missing, wrong or odd. A prefilled answer nobody touched asserts nothing, so only its absence
        can block."""
        return [remark for part, question in self.cells() for remark in self.remarks_on(part, question)]

    def remarks_on(self, part: str, question: Field) -> list[Remark]:
        """Remarks on one question."""
        if question.type == "calculate" or question.policy == "derived" or not self.relevant(part, question):
            return []
        path, label = f"{part}/{question.name}", question.label_id or question.name
        answer = self.answer(path)
        if answer is None or (answer.get("state") == "cleared") or ("state" not in answer and answer["value"] in EMPTY):
            return [Remark(path, label, "wajib diisi", True)] if self.required(part, question) else []
        if path not in self.answers or "state" in answer:
            return []
        return self._remarks_on_value(part, question, path, label, answer["value"])

    def _remarks_on_value(self, part: str, question: Field, path: str, label: str, value: Any) -> list[Remark]:
        if value_error(question, value) is not None:
            return [Remark(path, label, f"jawaban harus berupa {TYPE_WORDS.get(question.type, question.type)}", True)]
        flag = constraint_flag(question, value, _Answers(self._scope(part)), self.today)
        if flag == FLAG_WARNING:
            text = question.warning_message_id or "tidak lazim; lanjutkan bila memang begitu"
            return [Remark(path, label, text, False)]
        if flag is not None:
            text = question.constraint_message_id if flag == FLAG_CONSTRAINT else ""
            return [Remark(path, label, text or REASONS[flag], True)]
        return self._nik_remarks(part, path, label, value) if question.name == "nik" else []

    def _nik_remarks(self, part: str, path: str, label: str, value: str) -> list[Remark]:
        birth, sex = self._raw(part, "birth_date"), self._raw(part, "sex")
        try:
            birth_date = date.fromisoformat(birth) if isinstance(birth, str) else None
        except ValueError:
            birth_date = None
        codes = nik_warnings(parse_nik(value), birth_date=birth_date, sex=sex, no_kk=self._raw(HOUSEHOLD_PART, "no_kk"))
        return [Remark(path, label, message(code) + "; lanjutkan bila memang begitu", False) for code in codes]

    # What is asserted

    def assertions(self, corrects: Mapping[str, str] | None = None) -> dict[str, dict[str, Assertion]]:
        """Part -> question -> assertion (docs/field-client.md, "What is asserted").

        `corrects`: path -> ref of the own event whose answer there is being corrected.
        """
        chosen: dict[str, dict[str, Assertion]] = {}
        for part, question in self.cells():
            if self._asserted(part, question):
                self._assert(chosen.setdefault(part, {}), part, question, corrects or {})
        for part, fields in chosen.items():
            self._complete_units(part, fields, corrects or {})
        return chosen

    def touched(self, path: str) -> bool:
        """Whether the answer was changed in this visit."""
        return path in self.answers and _said(self.answers[path]) != _said(self.prefill.get(path))

    def _asserted(self, part: str, question: Field) -> bool:
        if question.type == "calculate" or question.policy == "derived" or not self.relevant(part, question):
            return False
        path = f"{part}/{question.name}"
        answer = self.answer(path)
        if answer is None or ("state" not in answer and answer["value"] in EMPTY):
            return False
        source = question.evidence.source
        return self.touched(path) or (bool(source) and self._answered(part, source))

    def _answered(self, part: str, name: str) -> bool:
        """Whether an evidence question was answered in this visit, be it with the same answer as before."""
        question = self.form.by_name.get(name)
        return question is not None and f"{part}/{name}" in self.answers and self.relevant(part, question)

    def _assert(self, fields: dict[str, Assertion], part: str, question: Field, corrects: Mapping[str, str]) -> None:
        path = f"{part}/{question.name}"
        answer = self.answer(path) or {}
        evidence = question.evidence.level(_Answers(self._scope(part)))
        ref = corrects.get(path) if self.touched(path) else None
        fields[question.name] = Assertion(answer.get("value"), answer.get("state"), evidence, ref)

    def _complete_units(self, part: str, fields: dict[str, Assertion], corrects: Mapping[str, str]) -> None:
        units = {self.form.by_name[name].unit for name in fields} - {""}
        scope = PERSON if part.startswith("p/") else (HOUSEHOLD if part == HOUSEHOLD_PART else EVENT)
        for unit in units:
            members = [each for each in self.form.fields if each.unit == unit and each.scope == scope]
            for question in members:
                answer = self.answer(f"{part}/{question.name}")
                said = answer is not None and ("state" in answer or answer["value"] not in EMPTY)
                if question.name not in fields and said and self.relevant(part, question):
                    self._assert(fields, part, question, corrects)
            inside = [each.name for each in members if each.name in fields]
            lowest = min(fields[name].evidence for name in inside)
            for name in inside:
                old = fields[name]
                fields[name] = Assertion(old.value, old.state, lowest, old.corrects)

    # Expressions

    def _truth(self, text: str, part: str) -> bool:
        return not text or compile_expression(text).truth(self._scope(part), self.today)

    def _scope(self, part: str) -> Any:
        def look_up(name: str) -> Any:
            question = self.form.by_name.get(name)
            if question is None:
                return None
            if question.scope != PERSON:
                return self.value(self.parts(question.scope)[0], question)
            if part.startswith("p/"):
                return self.value(part, question)
            return tuple(self.value(each, question) for each in self.parts(PERSON))

        return look_up

    def _raw(self, part: str, name: str) -> Any:
        answer = self.answer(f"{part}/{name}")
        return None if answer is None else answer.get("value")


class _Answers(Mapping[str, Any]):
    """A scope function where a mapping is asked for. Iterates over nothing: it is only looked up in."""

    def __init__(self, look_up: Any) -> None:
        self._look_up = look_up

    def __getitem__(self, name: str) -> Any:
        return self._look_up(name)

    def get(self, name: str, default: Any = None) -> Any:
        found = self._look_up(name)
        return default if found is None else found

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


TYPE_WORDS = {
    "integer": "bilangan bulat", "decimal": "bilangan desimal dengan titik, mis. 23.5", "date": "tanggal TTTT-BB-HH",
    "time": "jam seperti 07:30", "select_one": "satu kode pilihan", "select_multiple": "kode-kode pilihan",
    "geopoint": "titik koordinat", "image": "berkas foto", "text": "teks",
}  # fmt: skip


def _said(answer: Answer | None) -> tuple[Any, Any]:
    return (None, None) if answer is None else (answer.get("value"), answer.get("state"))
