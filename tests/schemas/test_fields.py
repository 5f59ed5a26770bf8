"""The strict base: what JSON almost says is not taken for what it says."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import ValidationError

from schemas.base import Flag, StrictSchema, Text, Whole, first_message
from schemas.fields import (
    AreaField,
    DateField,
    DecimalField,
    InstantField,
    KkField,
    NikField,
    PersonKey,
    PhoneField,
    RefField,
    ScopeField,
    Sha256Field,
    UuidField,
    VillageField,
)

HID = "6fa459ea-ee8a-5ca4-894e-db77e160355e"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (Text(), "a\x00b"),
        (Text(), "\ud800"),
        (Text(), 7),
        (Text(characters_max=3), "abcd"),
        (Text(empty=False), "  "),
        (Whole(), "7"),
        (Whole(), 1.0),
        (Whole(), True),
        (Whole(), 2**53),
        (Flag(), 1),
        (Flag(), "true"),
        (NikField(), 1903015708900001),
        (NikField(), "1" * 65),
        (NikField(key=True), "190301570890000"),
        (KkField(key=True), "0000000000000000"),
        (AreaField(), "1903"),
        (AreaField(level=2), "19.03.01"),
        (VillageField(), "19.03"),
        (ScopeField(), ""),
        (UuidField(), HID.upper()),
        (PersonKey(), HID),
        (RefField(), "A" * 32),
        (Sha256Field(), "a" * 63),
        (DateField(), "2025-02-31"),
        (DateField(), "21-11-2026"),
        (DateField(), "20261121"),
        (InstantField(), "2026-11-21T25:00:00Z"),
        (InstantField(), "2026-11-21T01:02:03+07:00"),
        (DecimalField(), "1e5"),
        (DecimalField(), "007"),
        (PhoneField(), "81234567890"),
    ],
)
def test_a_value_of_nearly_the_right_kind_is_refused(field: Any, value: object) -> None:
    with pytest.raises(ValidationError):
        field.deserialize(value)


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        (NikField(), "19.03.01.570890.0001", "1903015708900001"),
        (NikField(), "19030157089000011", "19030157089000011"),
        (NikField(), "1.90301E+15", "1.90301E+15"),
        (NikField(key=True), "1903015708900001", "1903015708900001"),
        (Whole(), -5, -5),
        (Text(), "Nurhayati 村", "Nurhayati 村"),
        (ScopeField(), "ID", "ID"),
        (PersonKey(), f"{HID}/{HID}", f"{HID}/{HID}"),
        (InstantField(), "2026-11-21T01:02:03.25Z", "2026-11-21T01:02:03.25Z"),
        (DecimalField(), "-23.50", "-23.50"),
        (PhoneField(), "+6281234567890", "+6281234567890"),
    ],
)
def test_a_right_value_comes_through_as_text(field: Any, value: object, kept: object) -> None:
    assert field.deserialize(value) == kept


def test_a_key_nobody_knows_is_named() -> None:
    class Inner(StrictSchema):
        area = AreaField(required=True)

    with pytest.raises(ValidationError) as caught:
        Inner().load({"area": "19.03", "aera": "19.03"})
    assert first_message(caught.value) == "aera: Unknown field."
