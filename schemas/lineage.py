"""One question through all versions of its form: its names, its types, its codes, and what becomes of old answers.

A `Line` is a question however often it was renamed. Names and codes are never given to something else
(field_forms/succession.py sees to it), so that what an old answer means hangs on its name alone, whoever sent it and
whichever version he had. Where a rule of the column `upcast` stands between two names they are two lines, and the
older one leads `into` the newer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from schemas.answers import value_error
from schemas.question import Choice, Field
from schemas.upcast import SAME, NotUpcast, Rule, narrowed, rule_of, widened

if TYPE_CHECKING:
    from schemas.form import FormDefinition

Key = tuple[str, str]
"""`(scope, name)`."""


class WrongType(ValueError):
    """The value was no answer to the question when it was asked either."""


@dataclass(frozen=True, slots=True)
class Line:
    """A question through all its versions. `question`: its present definition, with codes only older ones offered."""

    question: Field
    first: str
    """The name it was first published under: what digests call it, so that a renaming changes none."""
    names: tuple[str, ...]
    asked: bool = True
    """Whether the version that tablets open asks it."""
    types: frozenset[str] = frozenset()
    """Every type it had before."""
    codes: Mapping[str, str] = field(default_factory=dict)
    """Former code -> present code."""
    oldest: Mapping[str, str] = field(default_factory=dict)
    """Present code -> the first code it had, where no version offered two of its codes side by side."""
    steps: tuple[tuple[Rule, Line], ...] = ()
    """Rules to be applied, each with the line it leads to; empty where answers stay here."""

    @property
    def target(self) -> Line:
        """The line under which its answers count at present."""
        return self.steps[-1][1] if self.steps else self

    @property
    def passes(self) -> bool:
        """Whether every answer ever given is one to the present question as it stands."""
        return not (self.types or self.codes or self.steps)

    def read(self, value: Any) -> Any:
        """An answer given under one of the names, as an answer to the present question (`target`).

        Raises `WrongType` for what never was an answer, `NotUpcast` for what the rules cannot read."""
        found = self._own(value)
        before = self.question
        for rule, line in self.steps:
            try:
                found = line._own(rule.convert(found, before, line.question))
            except WrongType as error:
                raise NotUpcast(str(error)) from error
            before = line.question
        return found

    def judged(self, value: Any) -> Any:
        """A present answer as digests see it: as the oldest version would have said it, where that is the same."""
        if self.oldest and isinstance(value, str | list):
            value = _each(value, self.oldest)
        return narrowed(value, self.types) if self.types else value

    def _own(self, value: Any) -> Any:
        found = widened(value, self.question.type) if self.types else value
        if self.question.type != "calculate" and value_error(self.question, found) is not None:
            raise WrongType(f"no answer of type {self.question.type}")
        return _each(found, self.codes) if self.codes else found


def lines_of(forms: Sequence[FormDefinition], retired: Collection[tuple[str, str]] = ()) -> list[Line]:
    """Every question of these versions: those of the first form in its order, then what only others ask.

    `forms`: the one whose word counts most first (`by_rank`). `retired`: `(id, version)` that tablets open no more.
    """
    current = current_versions(forms, retired)
    known: dict[Key, list[tuple[FormDefinition, Field]]] = {}
    for form in forms:
        for question in form.fields:
            known.setdefault((question.scope, question.name), []).append((form, question))
    joins, rules = _statements(forms, retired)
    groups = _groups(known, joins)
    rank = {form.hash: place for place, form in enumerate(forms)}
    bare = []
    for group in groups:
        said = [pair for key in group for pair in known.get(key, ())]
        bare.append(_line(group, sorted(said, key=lambda pair: rank[pair[0].hash]), current))
    return _with_steps(bare, groups, rules)


def by_rank(forms: Iterable[FormDefinition], retired: Collection[tuple[str, str]] = ()) -> list[FormDefinition]:
    """Each version once; of a form those in use before those retired, and newer ones first."""
    once = {form.hash: form for form in forms}.values()
    return sorted(
        once,
        key=lambda form: (form.id, (form.id, form.version) not in retired, form.order, form.hash),
        reverse=True,
    )


def current_versions(
    forms: Iterable[FormDefinition], retired: Collection[tuple[str, str]] = ()
) -> dict[str, FormDefinition]:
    """Form id -> the version that tablets open: the newest that is not retired, or the newest where all are."""
    found: dict[str, FormDefinition] = {}
    for form in by_rank(forms, retired):
        found.setdefault(form.id, form)
    return found


def _statements(
    forms: Sequence[FormDefinition], retired: Collection[tuple[str, str]]
) -> tuple[list[tuple[Key, Key]], dict[Key, tuple[Key, str]]]:
    """Pairs of names that are one question, and former name -> (question, rule).

    Of what the versions say about a former name a rule counts before a mere renaming, for later sheets repeat old names
    without their rules; but what a version in use says counts before anything a retired one said."""
    pure: dict[Key, list[Key]] = {}
    rules: dict[Key, tuple[Key, str]] = {}
    for use in (True, False):
        settled = pure.keys() | rules.keys()
        for former, target, rule in _said(form for form in forms if ((form.id, form.version) not in retired) is use):
            if rule == SAME or not rule:
                pure.setdefault(former, []).append(target)
            if rule and former not in settled:
                rules.setdefault(former, (target, rule))
    joins = [
        (former, target)
        for former, targets in pure.items()
        if former not in rules or rules[former][1] == SAME
        for target in targets
    ]
    return joins, {former: said for former, said in rules.items() if said[1] != SAME}


def _said(forms: Iterable[FormDefinition]) -> Iterable[tuple[Key, Key, str]]:
    for form in forms:
        for question in form.fields:
            rules = dict(question.upcast)
            for former in question.aliases:
                yield (question.scope, former), (question.scope, question.name), rules.get(former, "")


def _groups(known: Mapping[Key, Any], joins: Iterable[tuple[Key, Key]]) -> list[list[Key]]:
    """Names that are one question, in the order in which the versions name them."""
    groups = [[key] for key in known]
    at = {key: place for place, (key,) in enumerate(groups)}
    for former, target in joins:
        if former not in at:
            at[former] = len(groups)
            groups.append([former])
        one, other = sorted((at[former], at[target]))
        if one != other:
            groups[one] += groups[other]
            at.update(dict.fromkeys(groups[other], one))
            groups[other] = []
    return [group for group in groups if group]


def _line(
    group: Collection[Key], said: Sequence[tuple[FormDefinition, Field]], current: Mapping[str, FormDefinition]
) -> Line:
    form, newest = said[0]
    fields = [question for _, question in said]
    aged = [question for _, question in sorted(said, key=lambda pair: pair[0].order)]
    codes = _codes(fields)
    named = [name for each in fields for name in (*each.aliases, each.name) if (each.scope, name) in group]
    names = tuple(dict.fromkeys((newest.name, *named)))
    present = replace(newest, choices=_choices(fields, codes), aliases=names[1:])
    asked = current[form.id] is form
    return Line(
        question=present if asked else _unasked(present),
        first=aged[0].name,
        names=names,
        asked=asked,
        types=frozenset(each.type for each in fields) - {newest.type},
        codes=codes,
        oldest=_oldest(codes, aged),
    )


def _unasked(question: Field) -> Field:
    """A question that is put no more: what was answered stays, as it was answered. Its expressions name questions and
    codes of another day and are not computed any more."""
    return replace(question, relevant="", constraint="", warning="", required="", calculation="", choice_filter="")


def _with_steps(lines: list[Line], groups: list[list[Key]], rules: Mapping[Key, tuple[Key, str]]) -> list[Line]:
    """The lines with the rules that lead out of them, to the end of the chain."""
    at = {key: place for place, group in enumerate(groups) for key in group}

    def leads(place: int) -> tuple[str, int] | None:
        if lines[place].asked:
            return None
        for key in groups[place]:
            if key in rules and at.get(rules[key][0]) not in (None, place):
                return rules[key][1], at[rules[key][0]]
        return None

    done = []
    for place, line in enumerate(lines):
        steps: list[tuple[Rule, Line]] = []
        seen, here = {place}, leads(place)
        while here is not None and here[1] not in seen:
            steps.append((rule_of(here[0]), lines[here[1]]))
            seen.add(here[1])
            here = leads(here[1])
        done.append(replace(line, steps=tuple(steps)) if steps else line)
    return done


def _codes(fields: Sequence[Field]) -> dict[str, str]:
    """Former code -> present code, by what the lists of all versions say; also back to an older version's codes."""
    active = {choice.name for choice in fields[0].choices}
    said: dict[str, str] = {}
    for question in fields:
        for choice in question.choices:
            for former in choice.aliases:
                said.setdefault(former, choice.name)
    ends = {code: _end(code, said, active) for code in [*said, *(c.name for f in fields for c in f.choices)]}
    found = {code: end for code, end in ends.items() if code not in active and end in active}
    for code in ends.keys() - active - found.keys():
        back = [each for each in active if _end(each, said, {code}) == code]
        if len(back) == 1:
            found[code] = back[0]
    return dict(sorted(found.items()))


def _end(code: str, said: Mapping[str, str], wanted: Collection[str]) -> str:
    seen: set[str] = set()
    while code not in wanted and code in said and code not in seen:
        seen.add(code)
        code = said[code]
    return code


def _choices(fields: Sequence[Field], codes: Mapping[str, str]) -> tuple[Choice, ...]:
    """The present list, then codes only older versions offered. None for a list that comes from a file."""
    present = fields[0].choices
    if not present:
        return present
    known = {choice.name for choice in present}
    older: dict[str, Choice] = {}
    for question in fields[1:]:
        for choice in question.choices:
            if choice.name not in known and choice.name not in codes:
                older.setdefault(choice.name, replace(choice, retired=True))
    return (*present, *older.values())


def _oldest(codes: Mapping[str, str], aged: Sequence[Field]) -> dict[str, str]:
    found = {}
    for present in set(codes.values()):
        line = {present, *(former for former, new in codes.items() if new == present)}
        offered = [line & {choice.name for choice in question.choices} for question in aged]
        if all(len(codes) < 2 for codes in offered):
            first = next((min(codes) for codes in offered if codes), present)
            if first != present:
                found[present] = first
    return found


def _each(value: Any, codes: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return sorted({codes.get(each, each) for each in value})
    return codes.get(value, value) if isinstance(value, str) else value
