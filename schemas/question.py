"""One question of a form as the rest of Padan sees it: its type, its choices and how its answers are merged.

A `Field` is made by the compiler of the sheets (field_forms/compile.py) and never changes afterwards. Nothing
here reads a file or knows a particular question by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

HOUSEHOLD, PERSON, EVENT = "h", "p", "e"
SCOPES = (HOUSEHOLD, PERSON, EVENT)

POLICIES = ("evidence", "latest", "status", "set", "location", "keep_all", "derived", "ask")
"""Merge policies (docs/merge.md, "Policies")."""

SENSITIVITIES = ("public", "internal", "personal", "specific")
"""UU PDP 27/2022: `specific` is the law's own category (health, children, personal finance); `internal` is
about the visit and not about a person."""

TYPES = (
    "text", "integer", "decimal", "date", "time", "select_one", "select_multiple", "geopoint", "image", "calculate",
)  # fmt: skip

EVIDENCE_SPOKEN = 1
"""Evidence of an answer whose question names no other source: said by the respondent (docs/merge.md)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer of a choice list: code and labels. `retired`: offered by an older version only. `aliases`: former
    codes, whose answers count under this one."""

    name: str
    label_id: str
    label_en: str
    retired: bool = False
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EvidenceRule:
    """Where the evidence (0-5) of an answer comes from.

    `source` is the question of the same household or person whose answer tells it, with `levels` from its codes;
    without a source the evidence is `constant`. An answer of the source that is not in `levels` gives `constant`.
    """

    constant: int = EVIDENCE_SPOKEN
    source: str = ""
    levels: tuple[tuple[str, int], ...] = ()

    def level(self, answers: Mapping[str, Any]) -> int:
        """Evidence of an answer given beside `answers` (of the same household or person)."""
        if not self.source:
            return self.constant
        told = answers.get(self.source)
        return dict(self.levels).get(told, self.constant) if isinstance(told, str) else self.constant


@dataclass(frozen=True, slots=True)
class Field:
    """A question that has an answer. Expressions are XLSForm texts (schemas/expression.py compiles them)."""

    name: str
    scope: str
    type: str
    policy: str = "ask"
    unit: str = ""
    evidence: EvidenceRule = EvidenceRule()
    sensitivity: str = "personal"
    deliver: str = ""
    """Column in the registry's payload; empty = not delivered."""
    list_name: str = ""
    choices: tuple[Choice, ...] = ()
    """Empty for choices that come from a file (`media`)."""
    media: str = ""
    choice_filter: str = ""
    required: str = ""
    """Expression; empty = never required."""
    relevant: str = ""
    """Own relevance and that of every group around it, joined by `and`; empty = always."""
    constraint: str = ""
    """What blocks sealing. A value that comes in all the same is kept and flagged."""
    constraint_message_id: str = ""
    constraint_message_en: str = ""
    warning: str = ""
    """Written as a constraint, but it only warns: a blocked officer invents a NIK (docs/merge.md)."""
    warning_message_id: str = ""
    warning_message_en: str = ""
    calculation: str = ""
    default: str = ""
    readonly: bool = False
    appearance: str = ""
    exclusive: tuple[str, ...] = ()
    """Codes of a `set` that stand alone: none, 0."""
    sticky: tuple[str, ...] = ()
    """Codes of a `status` that may not be taken back without a supervisor: deceased, moved, duplicate."""
    yields: tuple[str, ...] = ()
    """Codes of a `status` that yield to any other: "no respondent"."""
    label_id: str = ""
    label_en: str = ""
    hint_id: str = ""
    hint_en: str = ""
    aliases: tuple[str, ...] = ()
    """Former names."""
    upcast: tuple[tuple[str, str], ...] = ()
    """Former name -> rule by which its answers are read as answers to this question (schemas/upcast.py)."""
    core: bool = False
    form: str = ""
    """Id of the form that asks it."""

    @property
    def codes(self) -> frozenset[str]:
        """Codes of the choice list, retired ones too."""
        return frozenset(choice.name for choice in self.choices)

    def label_of(self, code: str, language: str = "id") -> str:
        """Label of a code, or the code itself."""
        for choice in self.choices:
            if choice.name == code:
                return (choice.label_en if language == "en" else choice.label_id) or code
        return code


_APART = frozenset(("name", "scope", "type", "evidence", "choices", "form", "upcast"))
_PLAIN = tuple(f.name for f in fields(Field) if f.name not in _APART)
_TUPLES = frozenset(("exclusive", "sticky", "yields", "aliases"))
_DEFAULTS = {f.name: f.default for f in fields(Field)}


def field_to_json(question: Field) -> dict[str, Any]:
    """JSON of a field without what equals its default; choices stand once in the form, by list name."""
    row: dict[str, Any] = {"name": question.name, "scope": question.scope, "type": question.type}
    for name in _PLAIN:
        value = getattr(question, name)
        if value != _DEFAULTS[name]:
            row[name] = list(value) if name in _TUPLES else value
    if question.upcast:
        row["upcast"] = dict(question.upcast)
    rule = question.evidence
    if rule != EvidenceRule():
        row["evidence"] = {"constant": rule.constant}
        if rule.source:
            row["evidence"] |= {"source": rule.source, "levels": dict(rule.levels)}
    return row


def field_from_json(row: Mapping[str, Any], lists: Mapping[str, tuple[Choice, ...]], form: str) -> Field:
    """The field of `field_to_json`. Raises KeyError where a name is missing."""
    values: dict[str, Any] = {}
    for name in _PLAIN:
        if name in row:
            values[name] = tuple(row[name]) if name in _TUPLES else row[name]
    rule = row.get("evidence", {})
    return Field(
        name=row["name"],
        scope=row["scope"],
        type=row["type"],
        form=form,
        choices=lists.get(row.get("list_name", ""), ()),
        upcast=tuple(row.get("upcast", {}).items()),
        evidence=EvidenceRule(
            constant=rule.get("constant", EVIDENCE_SPOKEN),
            source=rule.get("source", ""),
            levels=tuple(sorted(rule.get("levels", {}).items())),
        ),
        **values,
    )
