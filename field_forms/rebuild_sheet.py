"""The sheets of a form made again from its definition, for versions published before the sheets were kept.

What a definition does not hold (pictures' sizes, messages of required questions, hints of notes) is not in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from field_forms.diff import evidence_text
from field_forms.headings import ENGLISH, INDONESIAN
from field_forms.sheet import Sheet, SheetRow
from schemas.form import FormDefinition, Row
from schemas.question import EVENT, Field

_BILINGUAL = ("label", "hint", "constraint_message", "warning_message")
_ORDER = (
    "type", "name", *(f"{base}::{language}" for base in ("label", "hint") for language in (INDONESIAN, ENGLISH)),
    "required", "relevant", "constraint",
    *(f"constraint_message::{language}" for language in (INDONESIAN, ENGLISH)), "warning",
    *(f"warning_message::{language}" for language in (INDONESIAN, ENGLISH)), "calculation", "derive", "choice_filter",
    "appearance", "readonly", "default", "policy", "unit", "evidence", "sensitivity", "deliver", "exclusive", "sticky",
    "yields", "aliases", "upcast", "core",
)  # fmt: skip


def sheet_of(form: FormDefinition) -> Sheet:
    """A sheet that compiles to this very definition."""
    survey = _numbered(_survey(form.rows))
    choices = _numbered(
        {"list_name": name, "name": choice.name, f"label::{INDONESIAN}": choice.label_id,
         f"label::{ENGLISH}": choice.label_en, "aliases": " ".join(choice.aliases)}
        for name, offered in form.choices.items()
        for choice in offered
    )  # fmt: skip
    part = EVENT if any(question.scope == EVENT for question in form.fields) else "h"
    settings = _numbered(
        [{"form_title": form.title, "form_id": form.id, "version": form.version, "default_language": INDONESIAN,
          "part": part}]
    )  # fmt: skip
    columns = {"survey": _used(survey, _ORDER), "choices": _used(choices, ()), "settings": _used(settings, ())}
    return Sheet(f"{form.id} {form.version}", survey, choices, settings, columns)


def _survey(rows: Sequence[Row]) -> Iterable[dict[str, str]]:
    kinds = {row.name: row.kind for row in rows}
    opened: list[str] = []
    for row in rows:
        while opened != list(row.parents[: len(opened)]):
            yield {"type": f"end_{kinds[opened.pop()]}"}
        yield _row(row)
        if row.kind in ("group", "repeat"):
            opened.append(row.name)
    while opened:
        yield {"type": f"end_{kinds[opened.pop()]}"}


def _row(row: Row) -> dict[str, str]:
    if row.field is not None:
        return _question(row.field, row.relevant)
    type = f"begin_{row.kind}" if row.kind in ("group", "repeat") else row.type
    return {"type": type, "name": row.name, f"label::{INDONESIAN}": row.label_id, f"label::{ENGLISH}": row.label_en,
            "relevant": row.relevant}  # fmt: skip


def _question(question: Field, relevant: str) -> dict[str, str]:
    type = f"{question.type}_from_file {question.media}" if question.media else f"{question.type} {question.list_name}"
    cells = {
        "type": type.strip(),
        "name": question.name,
        "required": "yes" if question.required == "true()" else question.required,
        "relevant": relevant,
        "calculation" if question.type == "calculate" else "derive": question.calculation,
        "readonly": "yes" if question.readonly else "",
        "evidence": "" if evidence_text(question.evidence) == "1" else evidence_text(question.evidence),
        "upcast": "; ".join(f"{name}={rule}" for name, rule in question.upcast),
        "core": "yes" if question.core else "",
    }
    for base in _BILINGUAL:
        cells[f"{base}::{INDONESIAN}"] = getattr(question, f"{base}_id")
        cells[f"{base}::{ENGLISH}"] = getattr(question, f"{base}_en")
    for name in ("constraint", "warning", "choice_filter", "appearance", "default", "policy", "unit", "sensitivity",
                 "deliver"):  # fmt: skip
        cells[name] = getattr(question, name)
    for name in ("exclusive", "sticky", "yields", "aliases"):
        cells[name] = " ".join(getattr(question, name))
    return cells


def _numbered(rows: Iterable[Mapping[str, str]]) -> tuple[SheetRow, ...]:
    return tuple(
        SheetRow(number, {name: cell for name, cell in cells.items() if cell})
        for number, cells in enumerate(rows, start=2)
    )


def _used(rows: Iterable[SheetRow], order: Sequence[str]) -> tuple[str, ...]:
    names = dict.fromkeys(name for row in rows for name in row.cells)
    return tuple(sorted(names, key=order.index)) if order else tuple(names)
