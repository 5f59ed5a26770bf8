"""The marshmallow schemas of a compiled form: a whole set of answers, checked strictly.

For whoever takes answers as one document (a file for `padan field fill`, a foreign client's draft). The fold checks
value by value with `schemas.answers.value_error`, the same fields underneath.
"""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from schemas.answers import answers_schema
from schemas.base import StrictSchema
from schemas.form import FormDefinition
from schemas.limits import PERSONS_PER_EVENT_MAX
from schemas.question import EVENT, HOUSEHOLD, PERSON


def submission_schema(form: FormDefinition) -> type[StrictSchema]:
    """Schema class of `{"household": {...}, "members": [{...}], "event": {...}}`, as far as the form asks for each.

    Unknown questions, values of another type and codes that are in no list are errors, each with its path. What is
    required and relevant depends on the other answers and is the business of whoever fills the form in.
    """
    parts: dict[str, Any] = {}
    by_scope = {scope: tuple(f for f in form.fields if f.scope == scope) for scope in (HOUSEHOLD, PERSON, EVENT)}
    schemas = {s: answers_schema(f"{form.id}_{s}", questions) for s, questions in by_scope.items() if questions}
    if HOUSEHOLD in schemas:
        parts["household"] = fields.Nested(schemas[HOUSEHOLD])
    if PERSON in schemas:
        limit = validate.Length(max=PERSONS_PER_EVENT_MAX)
        parts["members"] = fields.List(fields.Nested(schemas[PERSON]), validate=limit)
    if EVENT in schemas:
        parts["event"] = fields.Nested(schemas[EVENT])
    return StrictSchema.from_dict(parts, name=f"{form.id}_{form.version}")  # type: ignore[return-value]
