"""marshmallow fields for the domain's own values: NIK, No. KK, area, scope, ids, refs, dates, times, decimals.

All of them are text on the wire and stay text. `NikField` and `KkField` take malformed numbers, because nothing
typed in the field is refused (docs/domain.md, section 2); `key=True` asks for one that can find a person.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from marshmallow import ValidationError

from schemas.areas import VILLAGE, is_area, is_scope, level_of
from schemas.base import Text
from schemas.ids import is_ref, is_sha256, is_uuid
from schemas.nik import Kk, Nik, message, parse_kk, parse_nik
from schemas.paths import is_person_key

IDENTITY_CHARACTERS_MAX = 64
"""What somebody typed where 16 digits belong; longer is another answer in the wrong place."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z\Z")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,9})?\Z")
_PHONE = re.compile(r"(0|62|\+62)8[0-9]{7,11}\Z")


class _Checked(Text):
    """Text that one predicate must accept."""

    characters_max_default = 128

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("characters_max", self.characters_max_default)
        super().__init__(**kwargs)

    def accepts(self, text: str) -> bool:
        raise NotImplementedError

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not self.accepts(text):
            raise self.make_error("not_accepted", input=text)
        return text


class NikField(Text):
    """A NIK: its digits without spaces, dots and dashes, or what was typed. `key=True` refuses a malformed one."""

    def __init__(self, *, key: bool = False, **kwargs: Any) -> None:
        kwargs.setdefault("characters_max", IDENTITY_CHARACTERS_MAX)
        super().__init__(**kwargs)
        self.key = key

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        return _identity(parse_nik(super()._deserialize(value, attr, data, **kwargs)), self.key)


class KkField(Text):
    """A family-card number, likewise."""

    def __init__(self, *, key: bool = False, **kwargs: Any) -> None:
        kwargs.setdefault("characters_max", IDENTITY_CHARACTERS_MAX)
        super().__init__(**kwargs)
        self.key = key

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        return _identity(parse_kk(super()._deserialize(value, attr, data, **kwargs)), self.key)


class AreaField(_Checked):
    """A dotted area code of any level, or of one (`level=schemas.areas.REGENCY`)."""

    default_error_messages = {"not_accepted": "Not a dotted area code such as 19.03.01.1001, or of another level."}

    def __init__(self, *, level: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.level = level

    def accepts(self, text: str) -> bool:
        return is_area(text) and (self.level is None or level_of(text) == self.level)


class VillageField(AreaField):
    """The dotted code of a desa or kelurahan."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(level=VILLAGE, **kwargs)


class ScopeField(_Checked):
    """An area code of any level, or `ID` for the whole country."""

    default_error_messages = {"not_accepted": "Not a scope: a dotted area code such as 19.03, or ID for all."}

    def accepts(self, text: str) -> bool:
        return is_scope(text)


class UuidField(_Checked):
    """A UUID in lower-case canonical form (events, households, persons, installs)."""

    default_error_messages = {"not_accepted": "Not a UUID in lower-case form."}

    def accepts(self, text: str) -> bool:
        return is_uuid(text)


class HouseholdId(UuidField):
    """Id of a household."""


class EventId(UuidField):
    """Id of an event."""


class PersonKey(_Checked):
    """`<household id it came from>/<person id>`."""

    default_error_messages = {"not_accepted": "Not a person key: <household UUID>/<person UUID>."}

    def accepts(self, text: str) -> bool:
        return is_person_key(text)


class RefField(_Checked):
    """Ref of an event: 32 lower-case hex digits."""

    default_error_messages = {"not_accepted": "Not a ref: 32 lower-case hex digits."}

    def accepts(self, text: str) -> bool:
        return is_ref(text)


class Sha256Field(_Checked):
    """A SHA-256: 64 lower-case hex digits."""

    default_error_messages = {"not_accepted": "Not a SHA-256: 64 lower-case hex digits."}

    def accepts(self, text: str) -> bool:
        return is_sha256(text)


class DateField(_Checked):
    """A date that exists, as `YYYY-MM-DD`; stays text."""

    default_error_messages = {"not_accepted": "Not a date: YYYY-MM-DD, and a day that exists."}

    def accepts(self, text: str) -> bool:
        return parse_date(text) is not None


class InstantField(_Checked):
    """A point in time in UTC, as `2026-11-21T01:02:03Z`, fractions allowed; stays text."""

    default_error_messages = {"not_accepted": "Not a UTC time such as 2026-11-21T01:02:03Z."}

    def accepts(self, text: str) -> bool:
        if _INSTANT.match(text) is None:
            return False
        try:
            datetime.fromisoformat(text)
        except ValueError:
            return False
        return True


class DecimalField(_Checked):
    """A decimal number as text: point, no exponent, no plus, no leading zeros."""

    default_error_messages = {"not_accepted": "Not a decimal number such as 23.5, written as text."}

    def accepts(self, text: str) -> bool:
        return _DECIMAL.match(text) is not None


class PhoneField(_Checked):
    """An Indonesian mobile number: 08..., 628... or +628...; text, its zero kept."""

    default_error_messages = {"not_accepted": "Not an Indonesian mobile number such as 081234567890."}

    def accepts(self, text: str) -> bool:
        return _PHONE.match(text) is not None


def parse_date(text: str) -> date | None:
    """The date of `YYYY-MM-DD`, or None where it is another form or no day of the calendar."""
    if _DATE.match(text) is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _identity(number: Nik | Kk, key: bool) -> str:
    if key and not number.valid:
        raise ValidationError("; ".join(message(code, "en") for code in number.malformed))
    return number.text
