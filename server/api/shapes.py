"""Shapes of requests and answers: the OpenAPI file is drawn from them, and small bodies are checked by them.

Requests are strict and say with patterns what they take. Answers list their members; a client has to leave alone what
it does not know, so that an older one goes on working.
"""

from __future__ import annotations

from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError, fields
from marshmallow.validate import Length, OneOf, Range, Regexp

from schemas import limits
from schemas.base import StrictSchema, Text, first_message
from schemas.problems import ProblemError

UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z"
REF = r"^[0-9a-f]{32}\Z"
REGION = r"^[0-9]{2}\.[0-9]{2}\Z"
ERRORS_MAX = 20


def _matching(pattern: str, what: str, **kwargs: Any) -> Text:
    # `\Z` ends a pattern of Python and `$` one of JSON Schema: the same here, where no newline can match.
    metadata = {"pattern": pattern.replace(r"\Z", "$")}
    return Text(validate=Regexp(pattern, error=f"Not {what}."), metadata=metadata, **kwargs)


class EnrolRequest(StrictSchema):
    """What a tablet sends with its one-time code."""

    code = _matching(r"^[A-Za-z0-9 -]{4,60}\Z", "a code of letters, digits and dashes", required=True)
    install = _matching(UUID, "a UUID in lower case", required=True)
    public_key = _matching(r"^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=\Z", "32 bytes in base64", required=True)
    app = _matching(r"^[ -~]{0,100}\Z", "a short plain text")


class Filed(StrictSchema):
    """A household id with its home region."""

    household_id = _matching(UUID, "a UUID in lower case", required=True)
    home_region = _matching(REGION, "a kabupaten code such as 19.03", required=True)


class NamedRef(Filed):
    """A newly sealed ref and where its form is filed."""

    ref = _matching(REF, "a ref of 32 hex digits", required=True)
    also = fields.List(fields.Nested(Filed), validate=Length(max=limits.ALSO_MAX))


class FormOnTablet(StrictSchema):
    """A version that the tablet has, and how many drafts stand on it."""

    id = _matching(r"^[A-Za-z_][A-Za-z0-9_]{0,63}\Z", "an id of a form", required=True)
    version = _matching(r"^[0-9]{1,20}\Z", "a version of digits", required=True)
    drafts = fields.Integer(strict=True, required=True, validate=Range(min=0, max=limits.DRAFTS_MAX))


class HelloRequest(StrictSchema):
    """Refs to stamp; and, from apps that tell it, what the tablet works with."""

    refs = fields.List(fields.Nested(NamedRef), validate=Length(max=limits.STAMPS_PER_HELLO_MAX))
    forms = fields.List(fields.Nested(FormOnTablet), validate=Length(max=limits.FORMS_ON_TABLET_MAX))


class HaveRequest(StrictSchema):
    """`[id, payload hash]` of events the tablet holds."""

    items = fields.List(
        fields.List(_matching(r"^[0-9a-f-]{36,64}\Z", "an id or a hash"), validate=Length(equal=2)),
        required=True,
        validate=Length(max=limits.HAVE_PER_REQUEST_MAX),
    )


class DepositRequest(StrictSchema):
    """A sealed box (docs/protocol.md, "Deposits"); a malformed one is kept as it came."""

    box = fields.Dict(required=True)


class UnlockRequest(StrictSchema):
    """What a locked tablet brings to be opened: the operator's code, its data key sealed to the server, a key to seal
    the answer to."""

    code = _matching(r"^[A-Za-z0-9 -]{4,60}\Z", "a code of letters, digits and dashes", required=True)
    box = fields.Dict(required=True)
    public_key = _matching(r"^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=\Z", "32 bytes in base64", required=True)


class PushRequest(StrictSchema):
    """Up to 50 event envelopes; each is judged by itself, so only the outer form is checked."""

    items = fields.List(fields.Raw(allow_none=True), required=True, validate=Length(max=limits.EVENTS_PER_PUSH_MAX))


class Answer(Schema):
    """What goes out: members that are listed, and others that come with later versions."""

    class Meta:
        unknown = INCLUDE


class PublicKey(Answer):
    """A public key of the server, by its id."""

    id = fields.String(required=True)
    key = fields.String(required=True)


class OfficerShape(Answer):
    """Whose tablet it is."""

    id = fields.String(required=True)
    name = fields.String(required=True)


class CodeShape(Answer):
    """An area."""

    code = fields.String(required=True)


class EnrolResponse(Answer):
    """Two tokens, shown once."""

    server_id = fields.String(required=True)
    epoch = fields.String(required=True)
    install = fields.String(required=True)
    officer = fields.Nested(OfficerShape, required=True)
    areas = fields.List(fields.Nested(CodeShape), required=True)
    deposit_token = fields.String(required=True)
    read_token = fields.String(required=True)
    sealing_key = fields.Nested(PublicKey, required=True)
    signing_keys = fields.List(fields.Nested(PublicKey), required=True)


class SignedTime(Answer):
    """The server's time with its signature."""

    time = fields.String(required=True)
    key = fields.String(required=True)
    signature = fields.String(required=True)


class FormEntry(Answer):
    """A published version. `retired`: no new form is opened with it; drafts and what was filled in on it are taken."""

    id = fields.String(required=True)
    version = fields.String(required=True)
    hash = fields.String(required=True)
    retired = fields.Boolean()


class CampaignShape(Answer):
    """When the campaign closes; null for an open end."""

    closes = fields.String(required=True, allow_none=True)


class HelloResponse(Answer):
    """Members after `revoked` are left out for a revoked tablet."""

    server_id = fields.String(required=True)
    epoch = fields.String(required=True)
    time = fields.Nested(SignedTime, required=True)
    durable = fields.Dict(required=True, allow_none=True)
    stamps = fields.Dict(required=True)
    revoked = fields.Boolean(required=True)
    limits = fields.Dict(keys=fields.String(), values=fields.Integer())
    forms = fields.List(fields.Nested(FormEntry))
    officer = fields.String()
    areas = fields.List(fields.String())
    scope = fields.String()
    feed_head = fields.Dict(keys=fields.String(), values=fields.Integer())
    slot_s = fields.Integer()
    campaign = fields.Nested(CampaignShape)
    sealing_key = fields.Nested(PublicKey)
    signing_keys = fields.List(fields.Nested(PublicKey))


class ReceiptShape(Answer):
    """Where an event stands."""

    epoch = fields.String(required=True)
    position = fields.Integer(required=True)


class PushResult(Answer):
    """What became of one item."""

    status = fields.String(
        required=True, validate=OneOf(["stored", "duplicate", "held", "equivocation", "too_large", "retry"])
    )
    receipt = fields.Nested(ReceiptShape)
    id = fields.String()
    ref = fields.String()
    reasons = fields.List(fields.String())
    detail = fields.String()
    kept = fields.String()
    fork = fields.Boolean()


class PushResponse(Answer):
    """One result per item, in order."""

    results = fields.List(fields.Nested(PushResult), required=True)


class DepositResponse(Answer):
    """A box is kept in any case; `results` where it could be opened."""

    kept = fields.String(required=True)
    opened = fields.Boolean(required=True)
    problem = fields.String()
    results = fields.List(fields.Nested(PushResult), required=True)


class BoxShape(Answer):
    """A sealed box."""

    v = fields.Integer(required=True)
    key = fields.String(required=True)
    ephemeral = fields.String(required=True)
    sealed = fields.String(required=True)


class UnlockResponse(Answer):
    """The data key, sealed to the key that was named."""

    box = fields.Nested(BoxShape, required=True)


class HaveResponse(Answer):
    """`[id, payload hash]` of what is missing here and of what was erased; `parts`: payload hash -> which parts."""

    missing = fields.List(fields.List(fields.String()), required=True)
    erased = fields.List(fields.List(fields.String()), required=True)
    parts = fields.Dict(required=True)


class FeedItem(Answer):
    """One change; `kind` says which members it has (docs/protocol.md, "Feed")."""

    kind = fields.String(required=True, validate=OneOf(["household", "alias", "removed", "erased"]))
    household_id = fields.String(required=True)
    home_region = fields.String(required=True)


class FeedResponse(Answer):
    """One page of the feed."""

    items = fields.List(fields.Nested(FeedItem), required=True)
    cursor = fields.String(required=True)
    more = fields.Boolean(required=True)


class HouseholdsResponse(FeedResponse):
    """One page of the pull."""

    server_id = fields.String(required=True)
    epoch = fields.String(required=True)


class HouseholdResponse(Answer):
    """A record with its provenance (docs/merge.md, "The record")."""

    household_id = fields.String(required=True)
    asked_for = fields.String(required=True)
    position = fields.Integer(required=True)
    data = fields.Dict(required=True)
    trail = fields.Dict(required=True)
    identity = fields.List(fields.Dict(), required=True)


class FormsResponse(Answer):
    """Every published version."""

    forms = fields.List(fields.Nested(FormEntry), required=True)


class FormResponse(Answer):
    """A compiled form (docs/forms.md)."""

    id = fields.String(required=True)
    version = fields.String(required=True)
    hash = fields.String(required=True)


class AreaShape(Answer):
    """An area and its name."""

    code = fields.String(required=True)
    name = fields.String(required=True)


class AreasResponse(Answer):
    """Areas, those above first."""

    areas = fields.List(fields.Nested(AreaShape), required=True)


class PrefixesResponse(Answer):
    """Six-digit NIK prefixes, sorted."""

    prefixes = fields.List(fields.String(), required=True)


class ProblemShape(Answer):
    """RFC 9457, with the code of docs/problems.md and what to do about it."""

    type = fields.String(required=True)
    code = fields.String(required=True)
    title = fields.String(required=True)
    title_id = fields.String(required=True)
    status = fields.Integer(required=True)
    action = fields.String(required=True)
    detail = fields.String()


def checked(schema: type[StrictSchema], value: object) -> dict[str, Any]:
    """A small body checked by its schema. Raises `ProblemError` (invalid) that names each place."""
    if not isinstance(value, dict):
        raise ProblemError("invalid", "The body must be an object.", errors=_places(["Not an object."]))
    try:
        loaded: dict[str, Any] = schema().load(value)
    except ValidationError as error:
        # marshmallow's messages name places and rules and repeat no value: a value may be a person's.
        raise ProblemError("invalid", first_message(error)[:300], errors=_places(error.messages)) from error
    return loaded


def _places(messages: Any, where: str = "$") -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    if isinstance(messages, dict):
        for key, inner in messages.items():
            found += _places(inner, where if key == "_schema" else f"{where}.{str(key)[:60]}")
    else:
        found = [{"where": where, "message": str(message)[:200]} for message in messages]
    return found[:ERRORS_MAX]
