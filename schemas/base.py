"""The strict base of every marshmallow schema: unknown keys are errors, `"7"` is no integer, text is storable text.

marshmallow's own defaults are lax: `Integer()` takes `"7"` and cuts 1.9, `String()` takes a NUL, which PostgreSQL
refuses, and a lone surrogate, which has no UTF-8. Schemas of Padan use these fields and no others.
"""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields

from schemas.canonical import INTEGER_MAX, NotCanonical, check_text
from schemas.limits import TEXT_CHARACTERS_MAX


class StrictSchema(Schema):
    """A schema that refuses keys it does not know, by name."""

    class Meta:
        unknown = RAISE


class Text(fields.String):
    """Text without NUL or lone surrogates, at most `characters_max` long (default `TEXT_CHARACTERS_MAX`)."""

    default_error_messages = {
        "nul": "Text holds a NUL character.",
        "surrogate": "Text holds half a character (a lone surrogate).",
        "too_long": "Text is longer than {max} characters.",
        "empty": "Text is empty.",
    }

    def __init__(self, *, characters_max: int = TEXT_CHARACTERS_MAX, empty: bool = True, **kwargs: Any) -> None:
        """`empty=False` refuses text of nothing but white space."""
        super().__init__(**kwargs)
        self.characters_max = characters_max
        self.may_be_empty = empty

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if "\x00" in value:
            raise self.make_error("nul")
        try:
            check_text(value)
        except NotCanonical:
            raise self.make_error("surrogate") from None
        if len(value) > self.characters_max:
            raise self.make_error("too_long", max=self.characters_max)
        if not self.may_be_empty and not value.strip():
            raise self.make_error("empty")
        return value


class Whole(fields.Integer):
    """A whole number that is one in JSON already (no text, no 1.0, no true), of at most 53 bits."""

    default_error_messages = {"too_large": "Integer beyond 53 bits; write it as text."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strict=True, **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if type(value) is not int:
            raise self.make_error("invalid", input=value)
        if abs(value) > INTEGER_MAX:
            raise self.make_error("too_large", input=value)
        return value


class Flag(fields.Boolean):
    """`true` or `false`; not 1, not `"yes"`."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


def first_message(error: ValidationError) -> str:
    """One sentence out of marshmallow's nested messages, with the place it speaks of: `events.3.id: Not a ...`."""
    place: list[str] = []
    messages: Any = error.messages
    while isinstance(messages, dict) and messages:
        key = next(iter(messages))
        if key != "_schema":
            place.append(str(key))
        messages = messages[key]
    sentence = str(messages[0]) if isinstance(messages, list) and messages else str(messages)
    return f"{'.'.join(place)}: {sentence}" if place else sentence
