"""Shapes of requests and answers for the OpenAPI file, and the checks of small bodies. marshmallow, strict."""

from __future__ import annotations

from marshmallow import Schema, ValidationError, fields, validate

from schemas import limits
from schemas.base import StrictSchema, Text
from schemas.ids import is_ref, is_sha256, is_uuid
from schemas.problems import ProblemError


def _uuid(value: str) -> None:
    if not is_uuid(value):
        raise ValidationError("Not a UUID in lower case.")


def _ref(value: str) -> None:
    if not is_ref(value):
        raise ValidationError("Not a ref of 32 hex digits.")


def _sha256(value: str) -> None:
    if not is_sha256(value):
        raise ValidationError("Not a SHA-256 of 64 hex digits.")


def _region(value: str) -> None:
    validate.Regexp(r"[0-9]{2}\.[0-9]{2}\Z", error="Not a kabupaten code such as 19.03.")(value)


class EnrolRequest(StrictSchema):
    """What a tablet sends with its one-time code."""

    code = Text(required=True, characters_max=60)
    install = Text(required=True, characters_max=100, validate=validate.Length(min=8))
    public_key = Text(required=True, characters_max=64)
    app = Text(characters_max=100)


class Filed(StrictSchema):
    """A household id with its home region."""

    household_id = Text(required=True, validate=_uuid)
    home_region = Text(required=True, validate=_region)


class NamedRef(StrictSchema):
    """A newly sealed ref and where its form is filed."""

    ref = Text(required=True, validate=_ref)
    household_id = Text(required=True, validate=_uuid)
    home_region = Text(required=True, validate=_region)
    also = fields.List(fields.Nested(Filed), validate=validate.Length(max=limits.ALSO_MAX))


class HelloRequest(StrictSchema):
    """Refs to stamp."""

    refs = fields.List(fields.Nested(NamedRef), validate=validate.Length(max=limits.STAMPS_PER_HELLO_MAX))


class HaveRequest(StrictSchema):
    """`[id, payload hash]` of events the tablet holds."""

    items = fields.List(
        fields.Tuple((Text(validate=_uuid), Text(validate=_sha256))),
        required=True,
        validate=validate.Length(max=limits.HAVE_PER_REQUEST_MAX),
    )


class DepositRequest(StrictSchema):
    """A sealed box."""

    box = fields.Dict(required=True, keys=Text())


class PushRequest(Schema):
    """Up to 50 event envelopes (docs/protocol.md, "Events"); judged one by one, so only the outer form is checked."""

    items = fields.List(fields.Dict(), required=True, validate=validate.Length(max=limits.EVENTS_PER_PUSH_MAX))


class ReceiptShape(Schema):
    """Where an event stands."""

    epoch = fields.String()
    position = fields.Integer()


class PushResult(Schema):
    """What became of one item."""

    status = fields.String(
        required=True,
        validate=validate.OneOf(["stored", "duplicate", "held", "equivocation", "too_large", "retry"]),
    )
    receipt = fields.Nested(ReceiptShape)
    id = fields.String()
    ref = fields.String()
    reasons = fields.List(fields.String())
    detail = fields.String()
    kept = fields.String()
    fork = fields.Boolean()


class PushResponse(Schema):
    """One result per item, in order."""

    results = fields.List(fields.Nested(PushResult), required=True)


class AnyObject(Schema):
    """An object whose members docs/protocol.md describes."""

    class Meta:
        unknown = "include"


class ProblemShape(Schema):
    """RFC 9457."""

    type = fields.String(required=True)
    code = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer()
    detail = fields.String()


def checked(schema: type[StrictSchema], value: object) -> dict[str, object]:
    """A small body checked by its schema. Raises `ProblemError` (invalid) that names the member."""
    if not isinstance(value, dict):
        raise ProblemError("invalid", "The body must be an object.")
    try:
        loaded: dict[str, object] = schema().load(value)
    except ValidationError as error:
        raise ProblemError("invalid", str(error.normalized_messages())[:500]) from error
    return loaded
