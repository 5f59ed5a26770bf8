"""What a change event (birth, death, move, split, correction, work accident) says about household and persons. Pure.

The form `perubahan` asks; the app knows which household and which persons it is about, so nobody needs a NIK to be
reported dead and a family that is on no list can move. Every answer is kept with the event (part `e`, never merged);
what changes the record is asserted beside it, and moves stand in the head, without personal data:
`{"type", "person"?, "moves": [{"person", "to"}]}` where `to` is a household id or `outside`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.bodies import OUTSIDE
from schemas.event import EVIDENCE_VERIFIED, Assertion, Part
from schemas.expression import compile_expression
from schemas.form import Dictionary, Field, FormDefinition
from schemas.paths import EVENT_PART, HOUSEHOLD_PART, person_key, person_part
from schemas.question import HOUSEHOLD, PERSON

PRESENT, DEAD, MOVED, ABROAD, NEW_MEMBER = "1", "2", "3", "4", "5"
"""`presence`, REGSOSEK22-K R-404."""
_MOVE_ABROAD = "6"
_NOT_REGISTERED_YET = "1"

CORRECTED: Mapping[str, tuple[str, str]] = {
    "nik": (PERSON, "nik"),
    "name": (PERSON, "m_name"),
    "birth_date": (PERSON, "birth_date"),
    "sex": (PERSON, "sex"),
    "no_kk": (HOUSEHOLD, "no_kk"),
    "address": (HOUSEHOLD, "address"),
}
"""`corr_field` -> scope and question that is corrected."""


class ChangeProblem(ValueError):
    """The event lacks what its type needs from the app; the sentence is for the officer."""


@dataclass(frozen=True, slots=True)
class Known:
    """A value of the record as it was shown, with the event it came from."""

    value: Any
    ref: str | None = None
    evidence: int = 1


@dataclass(frozen=True, slots=True)
class ChangeContext:
    """What the app knows. `household_id`: whose record the event is filed under.

    `persons`: keys of the persons it is about, empty for somebody new. `new_person_id`: minted for a birth or an
    arrival. `to_household`: the listed household moved to, or the id minted for the new family of a split.
    `from_household`: where an arriving person is listed. `known`: values of the record by path.
    """

    household_id: str
    persons: tuple[str, ...] = ()
    new_person_id: str | None = None
    to_household: str | None = None
    from_household: str | None = None
    known: Mapping[str, Known] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """The event's content: parts, head body, and the other households it is to be filed under (`also`)."""

    parts: tuple[Part, ...]
    body: Mapping[str, Any]
    also: tuple[str, ...] = ()


def change_assertions(
    form: FormDefinition, answers: Mapping[str, Any], context: ChangeContext, dictionary: Dictionary, today: str
) -> Change:
    """The content of a change event. Raises `ChangeProblem` where the app's part of it is missing.

    `answers`: value (or `{"state": ...}`) by question of `form`; what is not relevant is left out. `dictionary` knows
    the units of the household form; `today` is the day of reporting.
    """
    told = _Told(form, answers, today)
    kind = told.text("event_type")
    make = _MAKERS.get(kind)
    if make is None:
        raise ChangeProblem(f"Jenis perubahan {kind!r} tidak dikenal")
    change = make(told, context, dictionary)
    body = {"type": kind, **change.body}
    parts = [part for part in change.parts if part.assertions]
    return Change((*parts, Part(EVENT_PART, told.assertions())), body, change.also)


class _Told:
    """The answers that are relevant, with the evidence of each."""

    def __init__(self, form: FormDefinition, answers: Mapping[str, Any], today: str) -> None:
        self._asked: dict[str, Field] = {}
        self._answers: dict[str, Any] = {}
        for question in form.fields:
            given = answers.get(question.name)
            if given in (None, "", []) or question.type == "calculate":
                continue
            if not question.relevant or compile_expression(question.relevant).truth(self._answers, today):
                self._asked[question.name] = question
                self._answers[question.name] = given

    def text(self, name: str) -> str:
        """A text answer; empty where there is none or only a state."""
        value = self._answers.get(name)
        return value if isinstance(value, str) else ""

    def evidence(self, name: str) -> int:
        """Evidence of an answer by its question's rule; said, where it was not given."""
        question = self._asked.get(name)
        return 1 if question is None else question.evidence.level(self._answers)

    def assertions(self) -> dict[str, Assertion]:
        """Every answer, for part `e`."""
        return {
            name: Assertion(state=given["state"], evidence=self.evidence(name))
            if isinstance(given, dict) and "state" in given
            else Assertion(given, evidence=self.evidence(name))
            for name, given in self._answers.items()
        }

    def asserts(self, source: str, value: Any = None) -> Assertion:
        """An assertion on the evidence of `source`: its own answer, or `value`."""
        return Assertion(self.text(source) if value is None else value, evidence=self.evidence(source))


def _birth(told: _Told, context: ChangeContext, dictionary: Dictionary) -> Change:
    key = _new_key(context)
    fields = _newcomer(told, "event_date")
    nik = told.text("child_nik")
    if nik:
        fields["nik"] = told.asserts("child_nik")
        fields["nik_status"] = Assertion(_nik_status(told), evidence=told.evidence("child_nik"))
    else:
        fields["nik_status"] = Assertion("3")
        fields["no_nik_reason"] = Assertion(_NOT_REGISTERED_YET)
    return Change((Part(person_part(key), fields),), {"person": key})


def _death(told: _Told, context: ChangeContext, dictionary: Dictionary) -> Change:
    key = _one_person(context, "yang meninggal")
    fields = {"presence": told.asserts("event_date", DEAD), "death_date": told.asserts("event_date")}
    return Change((Part(person_part(key), fields),), {"person": key})


def _move_out(told: _Told, context: ChangeContext, dictionary: Dictionary) -> Change:
    if not context.persons:  # a family on no list: whoever moved is recorded as having been here
        key = _new_key(context)
        fields = _newcomer(told, "subject_birth_date") | {"presence": told.asserts("event_date", _gone(told))}
        return Change((Part(person_part(key), fields),), {"person": key, **_moves((key,), OUTSIDE)})
    if context.to_household is not None:
        return _moved(told, context, context.to_household, NEW_MEMBER, (context.to_household,))
    gone = told.asserts("event_date", _gone(told))
    parts = tuple(Part(person_part(key), {"presence": gone}) for key in context.persons)
    return Change(parts, _moves(context.persons, OUTSIDE))


def _move_in(told: _Told, context: ChangeContext, dictionary: Dictionary) -> Change:
    card = told.text("new_no_kk")
    household = Part(HOUSEHOLD_PART, {"no_kk": told.asserts("new_no_kk")} if card else {})
    if context.persons:
        also = () if context.from_household in (None, context.household_id) else (context.from_household,)
        change = _moved(told, context, context.household_id, NEW_MEMBER, tuple(hid for hid in also if hid))
        return Change((household, *change.parts), change.body, change.also)
    key = _new_key(context)
    fields = _newcomer(told, "subject_birth_date")
    if told.text("subject_nik"):
        fields["nik"] = told.asserts("subject_nik")
        fields["nik_status"] = Assertion(_nik_status(told), evidence=told.evidence("subject_nik"))
    return Change((household, Part(person_part(key), fields)), {"person": key})


def _split(told: _Told, context: ChangeContext, dictionary: Dictionary) -> Change:
    _some_persons(context, "yang membentuk keluarga baru")
    if context.to_household is None or context.to_household == context.household_id:
        raise ChangeProblem("Keluarga baru belum dibuat: pemecahan KK perlu ID keluarga baru dari aplikasi")
    return _moved(told, context, context.to_household, PRESENT, (context.to_household,))


def _correction(told: _Told, context: ChangeContext, dictionary: Dictionary) -> Change:
    what = told.text("corr_field")
    if what not in CORRECTED:
        raise ChangeProblem(f"Data yang diperbaiki {what!r} tidak dikenal")
    scope, called = CORRECTED[what]
    name = dictionary.present_name(scope, called)
    part = HOUSEHOLD_PART
    body: dict[str, Any] = {}
    if scope == PERSON:
        key = _one_person(context, "yang datanya diperbaiki")
        part, body = person_part(key), {"person": key}
    # What was shown may be called by a former name: the form can have changed since the event was opened.
    shown = {dictionary.present_path(path): known for path, known in context.known.items()}
    fields = {name: _corrected(told.asserts("corr_value"), shown.get(f"{part}/{name}"))}
    unit = dictionary.register(scope, name)
    for other in dictionary.unit_fields(scope, unit):
        known = shown.get(f"{part}/{other}")
        if other != name and known is not None:  # a unit is asserted whole: no merge states what nobody said
            fields[other] = _corrected(Assertion(known.value, evidence=told.evidence("corr_value")), known)
    return Change((Part(part, fields),), body)


def _work_accident(told: _Told, context: ChangeContext, dictionary: Dictionary) -> Change:
    key = _one_person(context, "yang mengalami kecelakaan") if context.persons else None
    return Change((), {} if key is None else {"person": key})


_MAKERS = {
    "birth": _birth,
    "death": _death,
    "move_out": _move_out,
    "move_in": _move_in,
    "split": _split,
    "correction": _correction,
    "work_accident": _work_accident,
}


def _newcomer(told: _Told, born: str) -> dict[str, Assertion]:
    """A person nobody has on record. The birth date's source question goes along, so that it is not asked again."""
    fields = {
        "m_name": told.asserts("subject_name"),
        "sex": told.asserts("subject_sex"),
        "birth_date": told.asserts(born),
        "relation": told.asserts("subject_relation"),
        "presence": Assertion(NEW_MEMBER),
    }
    return {name: assertion for name, assertion in fields.items() if assertion.value}


def _moved(told: _Told, context: ChangeContext, to: str, presence: str, also: tuple[str, ...]) -> Change:
    """A move carries the person's values: they are assertions in the household moved to (docs/merge.md, stratum 2)."""
    parts = []
    for key in context.persons:
        prefix = person_part(key) + "/"
        fields = {
            path.removeprefix(prefix): Assertion(known.value, evidence=min(known.evidence, EVIDENCE_VERIFIED - 1))
            for path, known in sorted(context.known.items())
            if path.startswith(prefix) and known.value not in (None, "", [])
        }
        fields["presence"] = told.asserts("event_date", presence)
        relation = told.text("subject_relation")
        if relation:
            fields["relation"] = told.asserts("subject_relation")
        parts.append(Part(person_part(key), fields))
    return Change(tuple(parts), _moves(context.persons, to), also)


def _gone(told: _Told) -> str:
    return ABROAD if told.text("move_scope") == _MOVE_ABROAD else MOVED


def _moves(persons: tuple[str, ...], to: str) -> dict[str, Any]:
    return {"moves": [{"person": key, "to": to} for key in sorted(persons)]}


def _corrected(assertion: Assertion, known: Known | None) -> Assertion:
    if known is None or known.ref is None:
        return assertion
    return Assertion(assertion.value, evidence=assertion.evidence, corrects=known.ref)


def _nik_status(told: _Told) -> str:
    return "1" if told.text("doc_seen") == "1" else "2"


def _new_key(context: ChangeContext) -> str:
    if context.new_person_id is None:
        raise ChangeProblem("Orang baru belum mendapat ID dari aplikasi")
    return person_key(context.household_id, context.new_person_id)


def _one_person(context: ChangeContext, who: str) -> str:
    if len(context.persons) != 1:
        raise ChangeProblem(f"Pilih satu orang {who}")
    return context.persons[0]


def _some_persons(context: ChangeContext, who: str) -> None:
    if not context.persons:
        raise ChangeProblem(f"Pilih dahulu orang {who}")
