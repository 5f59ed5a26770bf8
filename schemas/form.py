"""A compiled form, and the dictionary of all questions that every published version together define.

`FormDefinition` is what the compiler of the sheets writes and the server hands out; `Dictionary` is what the fold,
the validation and the exports look questions up in. Both are values: made once, never changed, and looked up in
dicts, because the fold asks for every assertion.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from schemas.answers import constraint_flag, unknown_choice, value_error
from schemas.canonical import canonical_bytes, sha256_hex
from schemas.lineage import Line, by_rank, lines_of
from schemas.question import SCOPES, Choice, EvidenceRule, Field, field_from_json, field_to_json

__all__ = [
    "Choice", "Dictionary", "EvidenceRule", "Field", "FormDefinition", "FormUnreadable", "Row",
    "constraint_flag", "unknown_choice", "value_error",
]  # fmt: skip

FORMAT = 1


class FormUnreadable(ValueError):
    """The JSON is not a compiled form of a format this version knows; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the sheet, in the sheet's order.

    `kind`: `question`, `calculate`, `note`, `group`, `repeat` or `meta` (start, deviceid ...: transport, no answer).
    `parents`: names of the groups and repeats around it, outermost first. `relevant`: its own only.
    `field`: for questions and calculations.
    """

    kind: str
    name: str
    type: str
    parents: tuple[str, ...] = ()
    label_id: str = ""
    label_en: str = ""
    relevant: str = ""
    field: Field | None = None


@dataclass(frozen=True)
class FormDefinition:
    """One version of one form. `hash` is the SHA-256 (hex) over the canonical JSON without the hash."""

    id: str
    version: str
    title: str
    rows: tuple[Row, ...]
    choices: Mapping[str, tuple[Choice, ...]]
    media: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Files of choices that the app supplies, with the columns the form needs of each."""

    def to_json(self) -> dict[str, Any]:
        """JSON object; the same form gives the same bytes."""
        return self._body | {"hash": self.hash}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FormDefinition:
        """The form of `to_json`. Raises `FormUnreadable`, also when a stated hash is not the form's own."""
        if data.get("format") != FORMAT:
            raise FormUnreadable(f"form format {data.get('format')!r}; this version reads {FORMAT}")
        try:
            lists = {
                name: tuple(_choice_from_json(choice) for choice in choices)
                for name, choices in data["choices"].items()
            }
            form = cls(
                id=data["id"],
                version=data["version"],
                title=data["title"],
                rows=tuple(_row_from_json(row, lists, data["id"]) for row in data["rows"]),
                choices=lists,
                media={name: tuple(columns) for name, columns in data["media"].items()},
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise FormUnreadable(f"not a compiled form: {error!r}") from error
        if "hash" in data and data["hash"] != form.hash:
            raise FormUnreadable(f"form {form.id} {form.version}: the stated hash is not that of its content")
        return form

    @cached_property
    def hash(self) -> str:
        """SHA-256, 64 hex digits, over the definition."""
        return sha256_hex(canonical_bytes(self._body))

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """Every question and calculation, in the sheet's order."""
        return tuple(row.field for row in self.rows if row.field is not None)

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """Fields by name; names are unique in a form."""
        return {f.name: f for f in self.fields}

    @cached_property
    def repeat(self) -> str:
        """Name of the roster's repeat, or empty."""
        return next((row.name for row in self.rows if row.kind == "repeat"), "")

    @property
    def order(self) -> tuple[int, str]:
        """Sorts versions of a form, oldest first. Versions are digits: 2026112101."""
        return (int(self.version) if self.version.isdecimal() else 0, self.version)

    @cached_property
    def _body(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "id": self.id,
            "version": self.version,
            "title": self.title,
            "rows": [_row_to_json(row) for row in self.rows],
            "choices": {
                name: [_choice_to_json(choice) for choice in choices] for name, choices in self.choices.items()
            },
            "media": {name: list(columns) for name, columns in self.media.items()},
        }


class Dictionary:
    """Every question of all published versions of all forms: the version in use wins, then newer ones.

    A former name leads to the present one. Codes that only an older version offered stay known, as retired, so that
    an old answer never becomes unreadable; so do questions that are asked no more. Scopes: `h` household, `p` person,
    `e` answers kept with a change event.
    """

    __slots__ = ("_delivered", "_derived", "_lines", "_ordered", "_registers", "_units", "digest", "renamed")

    renamed: bool
    """Whether any question was ever called otherwise."""
    digest: str
    """SHA-256 (hex) over the hashes of the forms it was made of: same digest, same dictionary."""

    def __init__(self, fields: Iterable[Field], digest: str, lines: Iterable[Line] | None = None) -> None:
        """Of questions as they stand, or (`lines`) of questions with all that came before."""
        found = list(lines) if lines is not None else [Line(f, f.name, (f.name, *f.aliases)) for f in fields]
        self._lines = {(line.question.scope, name): line for line in found for name in line.names}
        current = [line.question for line in found if not line.steps and (line.asked or _holds_answers(line.question))]
        self._registers = {
            key: line.target.question.unit or line.target.question.name for key, line in self._lines.items()
        }
        self._ordered = {s: _once_delivered([f for f in current if f.scope == s]) for s in SCOPES}
        units: dict[tuple[str, str], tuple[str, ...]] = {}
        for f in current:
            if f.unit:
                units[f.scope, f.unit] = (*units.get((f.scope, f.unit), ()), f.name)
        self._units = units
        self._derived = {s: tuple(f for f in fs if f.policy == "derived") for s, fs in self._ordered.items()}
        self._delivered = {s: tuple(f for f in fs if f.deliver) for s, fs in self._ordered.items()}
        self.renamed = any(len(line.names) > 1 or line.steps for line in found)
        self.digest = digest

    @classmethod
    def of(cls, forms: Iterable[FormDefinition], retired: Collection[tuple[str, str]] = ()) -> Dictionary:
        """The dictionary of these versions; their order does not matter. `retired`: `(id, version)` that tablets open
        no more: what was filled in on them counts, but of two versions the other one's word does."""
        ranked = by_rank(forms, retired)
        hashes = sorted(form.hash for form in ranked)
        marks = sorted(form.hash for form in ranked if (form.id, form.version) in retired)
        digest = sha256_hex(canonical_bytes([*hashes, {"retired": marks}] if marks else hashes))
        return cls((), digest, lines_of(ranked, retired))

    def line(self, scope: str, name: str) -> Line | None:
        """The question of that name or former name with all that came before, or None."""
        return self._lines.get((scope, name))

    def field(self, scope: str, name: str) -> Field | None:
        """The question under which answers to that name or former name count, or None."""
        line = self._lines.get((scope, name))
        return None if line is None else line.target.question

    def register(self, scope: str, name: str) -> str:
        """What is merged as one: the unit's name if the question is in a unit, else the question's present name."""
        return self._registers.get((scope, name), name)

    def present_name(self, scope: str, name: str) -> str:
        """The present name of a question given by a former one; unknown names are returned as they are."""
        line = self._lines.get((scope, name))
        return name if line is None else line.target.question.name

    def present_path(self, path: str) -> str:
        """A path `part/question` with the question's present name."""
        part, slash, name = path.rpartition("/")
        return f"{part}{slash}{self.present_name(part[:1] or 'h', name)}"

    def unit_fields(self, scope: str, unit: str) -> tuple[str, ...]:
        """Names of the unit's questions in the sheet's order; empty for a name that is no unit."""
        return self._units.get((scope, unit), ())

    def units(self, scope: str) -> tuple[str, ...]:
        """Names of the units of a scope."""
        return tuple(unit for s, unit in self._units if s == scope)

    def fields(self, scope: str) -> tuple[Field, ...]:
        """Every question of a scope: in the order of the version in use, then those asked no more."""
        return self._ordered.get(scope, ())

    def derived(self, scope: str) -> tuple[Field, ...]:
        """Questions that are computed, in the sheet's order."""
        return self._derived.get(scope, ())

    def delivered(self, scope: str) -> tuple[Field, ...]:
        """Questions that go to the registry."""
        return self._delivered.get(scope, ())


def _holds_answers(question: Field) -> bool:
    """Whether a question that is asked no more has left anything: what was only computed has not."""
    return question.type != "calculate"


def _once_delivered(fields: Sequence[Field]) -> tuple[Field, ...]:
    """The questions of a scope. A delivered column is the first one's: one that is asked no more gives it up."""
    taken: set[str] = set()
    found = []
    for question in fields:
        if question.deliver in taken:
            question = replace(question, deliver="")
        taken |= {question.deliver} - {""}
        found.append(question)
    return tuple(found)


def _choice_to_json(choice: Choice) -> dict[str, Any]:
    data: dict[str, Any] = {"name": choice.name, "id": choice.label_id, "en": choice.label_en}
    if choice.retired:
        data["retired"] = True
    if choice.aliases:
        data["aliases"] = list(choice.aliases)
    return data


def _choice_from_json(data: Mapping[str, Any]) -> Choice:
    return Choice(data["name"], data["id"], data["en"], data.get("retired", False), tuple(data.get("aliases", ())))


def _row_to_json(row: Row) -> dict[str, Any]:
    data: dict[str, Any] = {"kind": row.kind, "name": row.name, "type": row.type}
    for name in ("label_id", "label_en", "relevant"):
        if getattr(row, name):
            data[name] = getattr(row, name)
    if row.parents:
        data["parents"] = list(row.parents)
    if row.field is not None:
        data["field"] = field_to_json(row.field)
    return data


def _row_from_json(data: Mapping[str, Any], lists: Mapping[str, tuple[Choice, ...]], form: str) -> Row:
    return Row(
        kind=data["kind"],
        name=data["name"],
        type=data["type"],
        parents=tuple(data.get("parents", ())),
        label_id=data.get("label_id", ""),
        label_en=data.get("label_en", ""),
        relevant=data.get("relevant", ""),
        field=field_from_json(data["field"], lists, form) if "field" in data else None,
    )
