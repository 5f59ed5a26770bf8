"""What a new version of a form changes, question by question and choice by choice, against the version in use. Pure.

Questions are compared along their lines (schemas/lineage.py): one that was renamed is not one gone and one new. What it
means for the records is counted elsewhere (server/flows/form_preview.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from schemas.form import FormDefinition, Row
from schemas.lineage import Line, by_rank, current_versions, lines_of
from schemas.question import EvidenceRule, Field

ADDED, REMOVED, RENAMED, CHANGED = "added", "removed", "renamed", "changed"
QUESTION, CHOICE, TEXT, FORM = "question", "choice", "text", "form"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `what`: question, choice, text (a note or a group) or form. `column` for `changed`, with `old`
    and `new` as they stand in the sheet; a renaming has the two names there. `code` for a choice, `name` its list."""

    how: str
    what: str
    scope: str = ""
    name: str = ""
    label: str = ""
    column: str = ""
    old: str = ""
    new: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class FormDiff:
    """All differences. `old_version`: empty where nothing of this form was published."""

    form_id: str
    old_version: str
    new_version: str
    changes: tuple[Change, ...]

    def of(self, what: str, *how: str) -> tuple[Change, ...]:
        """The differences of one kind."""
        return tuple(each for each in self.changes if each.what == what and (not how or each.how in how))


def _type(question: Field) -> str:
    return f"{question.type} {question.list_name or question.media}".strip()


COLUMNS: Mapping[str, Callable[[Field], str]] = {
    "label": lambda q: q.label_id,
    "label::English (en)": lambda q: q.label_en,
    "hint": lambda q: q.hint_id,
    "type": _type,
    "policy": lambda q: q.policy,
    "unit": lambda q: q.unit,
    "evidence": lambda q: evidence_text(q.evidence),
    "sensitivity": lambda q: q.sensitivity,
    "deliver": lambda q: q.deliver,
    "relevant": lambda q: q.relevant,
    "required": lambda q: q.required,
    "constraint": lambda q: q.constraint,
    "constraint_message": lambda q: q.constraint_message_id,
    "warning": lambda q: q.warning,
    "warning_message": lambda q: q.warning_message_id,
    "calculation": lambda q: q.calculation,
    "choice_filter": lambda q: q.choice_filter,
    "default": lambda q: q.default,
    "readonly": lambda q: "yes" if q.readonly else "",
    "appearance": lambda q: q.appearance,
    "exclusive": lambda q: " ".join(q.exclusive),
    "sticky": lambda q: " ".join(q.sticky),
    "yields": lambda q: " ".join(q.yields),
    "upcast": lambda q: "; ".join(f"{name}={rule}" for name, rule in q.upcast),
}
"""Column -> what a question says there. `relevant` is with that of the groups around it."""


def evidence_text(rule: EvidenceRule) -> str:
    """The rule as it is written in the sheet."""
    if not rule.source:
        return str(rule.constant)
    pairs = ",".join(f"{code}:{level}" for code, level in rule.levels)
    return f"{rule.source}{{{pairs}}}" + (f" else {rule.constant}" if rule.constant != 1 else "")


def form_diff(
    new: FormDefinition,
    published: Iterable[FormDefinition],
    retired: Collection[tuple[str, str]] = (),
    then_retired: Collection[tuple[str, str]] | None = None,
) -> FormDiff:
    """What `new` changes against the version of this form that tablets open now. `retired`: `(id, version)` of those
    retired; `then_retired`: of those that will be, where that changes."""
    own = [form for form in published if form.id == new.id and form.hash != new.hash]
    old = current_versions(own, retired).get(new.id)
    if old is None:
        return FormDiff(new.id, "", new.version, tuple(_all_new(new)))
    after = retired if then_retired is None else then_retired
    lines = lines_of(by_rank([*own, new], after), after)
    pairs = _pairs(lines, old, new)
    changes = [
        *_form(old, new),
        *_questions(pairs, old, new),
        *_choices(pairs),
        *_texts(old, new),
    ]
    return FormDiff(new.id, old.version, new.version, tuple(changes))


def _all_new(new: FormDefinition) -> Iterator[Change]:
    for question in new.fields:
        yield _question(ADDED, question)


def _pairs(lines: Sequence[Line], old: FormDefinition, new: FormDefinition) -> list[tuple[Field, Field]]:
    """Old and new definition of each question that both ask, in the new one's order."""
    targets = {(line.question.scope, name): line.target for line in lines for name in line.names}
    before: dict[tuple[str, str], Field] = {}
    for question in old.fields:
        target = targets[question.scope, question.name].question
        before.setdefault((target.scope, target.name), question)
    return [(before[key], each) for each in new.fields if (key := (each.scope, each.name)) in before]


def _form(old: FormDefinition, new: FormDefinition) -> Iterator[Change]:
    if old.title != new.title:
        yield Change(CHANGED, FORM, column="form_title", old=old.title, new=new.title)
    common = {row.name for row in old.rows} & {row.name for row in new.rows}
    if [row.name for row in old.rows if row.name in common] != [row.name for row in new.rows if row.name in common]:
        yield Change(CHANGED, FORM, column="order")


def _questions(pairs: Sequence[tuple[Field, Field]], old: FormDefinition, new: FormDefinition) -> Iterator[Change]:
    kept = {(was.scope, was.name) for was, _ in pairs}
    known = {(now.scope, now.name) for _, now in pairs}
    for question in new.fields:
        if (question.scope, question.name) not in known:
            yield _question(ADDED, question)
    for question in old.fields:
        if (question.scope, question.name) not in kept:
            yield _question(REMOVED, question)
    for was, now in pairs:
        if was.name != now.name:
            yield Change(RENAMED, QUESTION, now.scope, now.name, _label(now), old=was.name, new=now.name)
    for was, now in pairs:
        for column, told in COLUMNS.items():
            if told(was) != told(now):
                yield Change(CHANGED, QUESTION, now.scope, now.name, _label(now), column, told(was), told(now))


def _choices(pairs: Sequence[tuple[Field, Field]]) -> Iterator[Change]:
    told: set[tuple[str, str]] = set()
    for was, now in pairs:
        lists = (was.list_name, now.list_name)
        if was.choices == now.choices or lists in told or not now.choices:
            continue
        told.add(lists)
        before = {choice.name: choice for choice in was.choices}
        after = {choice.name: choice for choice in now.choices}
        former = {code: choice.name for choice in now.choices for code in choice.aliases if code in before}
        for code, choice in after.items():
            if code not in before and code not in former.values():
                yield _choice(ADDED, now, code, choice.label_id)
        for code, choice in before.items():
            if code not in after and code in former:
                yield _choice(RENAMED, now, former[code], after[former[code]].label_id, code, former[code])
            elif code not in after:
                yield _choice(REMOVED, now, code, choice.label_id)
            elif choice.label_id != after[code].label_id:
                yield _choice(CHANGED, now, code, after[code].label_id, choice.label_id, after[code].label_id)


def _choice(how: str, question: Field, code: str, label: str, old: str = "", new: str = "") -> Change:
    column = "label" if how == CHANGED else ""
    return Change(how, CHOICE, question.scope, question.list_name, label, column, old, new, code)


def _texts(old: FormDefinition, new: FormDefinition) -> Iterator[Change]:
    """Notes and groups: what is shown, and never answered."""
    before, after = _shown(old.rows), _shown(new.rows)
    for name, row in after.items():
        if name not in before:
            yield Change(ADDED, TEXT, name=name, label=row.label_id)
        elif before[name].label_id != row.label_id:
            yield Change(CHANGED, TEXT, name=name, label=row.label_id, column="label", old=before[name].label_id,
                         new=row.label_id)  # fmt: skip
    for name, row in before.items():
        if name not in after:
            yield Change(REMOVED, TEXT, name=name, label=row.label_id)


def _shown(rows: Iterable[Row]) -> dict[str, Row]:
    return {row.name: row for row in rows if row.kind in ("note", "group", "repeat")}


def _question(how: str, question: Field) -> Change:
    column = "calculation" if question.calculation else ""
    return Change(how, QUESTION, question.scope, question.name, _label(question), column)


def _label(question: Field) -> str:
    return question.label_id or question.name
