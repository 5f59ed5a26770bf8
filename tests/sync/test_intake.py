"""Intake judges with values, and in a fixed order: a duplicate first, then what is kept apart, then the holds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.event import Assertion, Part, seal
from schemas.json_text import read_item
from sync.intake import (
    HOLD_REASONS,
    KEPT_REASONS,
    Duplicate,
    Equivocation,
    Held,
    Known,
    Receipt,
    Sealed,
    Sender,
    Stored,
    judge,
    read,
    with_origin,
)

HOUSEHOLD = "00000000-0000-4000-8000-000000000001"
SENDER = Sender("tablet", frozenset({"petugas"}), ("19.03.01.1001",))
RECEIPT = Receipt("epoch", 1)


def envelope(**head: Any) -> dict[str, Any]:
    return seal(
        id="00000000-0000-4000-8000-00000000000a",
        household_id=HOUSEHOLD,
        home_region="19.03",
        **{"kind": "submission", "actor": "petugas", "area": "19.03.01.1001"} | head,
        parts=[Part("h", {"address": Assertion("Jl. Mawar")})],
        salts={"h": "ab" * 16},
    )


def sealed(**head: Any) -> Sealed:
    found = read(read_item(json.dumps(envelope(**head)).encode()))
    assert isinstance(found, Sealed)
    return with_origin(found, "tablet")


def test_a_new_event_from_its_own_tablet_is_stored() -> None:
    assert judge(sealed(), SENDER, Known()) == Stored()


def test_a_duplicate_is_a_duplicate_whatever_else_would_be_said_of_it() -> None:
    event = sealed(area="51.71")
    known = Known(hashes={event.payload_hash: RECEIPT}, regions={HOUSEHOLD: "51.71"}, closed=True, sequence_used=True)
    assert judge(event, SENDER, known) == Duplicate(RECEIPT)


def test_another_content_under_the_id_is_an_equivocation() -> None:
    assert judge(sealed(), SENDER, Known(hashes={"0" * 64: RECEIPT})) == Equivocation()


def test_all_reasons_to_hold_are_told_at_once() -> None:
    event = sealed(
        area="51.71",
        actor="orang lain",
        form={"id": "f", "version": "1", "hash": "x"},
        context={f"{n:032x}": HOUSEHOLD for n in range(1_025)},
    )
    judgement = judge(event, Sender("other", frozenset(), (), revoked=True), Known(closed=True, forms=frozenset()))
    assert isinstance(judgement, Stored)
    assert set(judgement.holds) == set(HOLD_REASONS)


def test_what_the_server_signed_is_taken_back_without_a_hold() -> None:
    event = sealed(area="51.71", actor="orang lain")
    assert (
        judge(event, Sender("other", frozenset(), (), revoked=True), Known(closed=True, signed_by="server")) == Stored()
    )


def test_an_install_s_signature_answers_for_its_origin_only() -> None:
    stranger = Sender("other", frozenset({"petugas"}), ("19.03",))
    assert judge(sealed(), stranger, Known()) == Stored(("other_install",))
    assert judge(sealed(), stranger, Known(signed_by="tablet")) == Stored()
    body = {"officer": "petugas"}
    assert isinstance(judge(sealed(kind="assignment", body=body), stranger, Known(signed_by="tablet")), Held)


@pytest.mark.parametrize("regions", [{HOUSEHOLD: "51.71"}, {"00000000-0000-4000-8000-000000000002": "51.71"}])
def test_no_household_it_is_filed_under_may_change_its_region(regions: dict[str, str]) -> None:
    event = sealed(also=[("00000000-0000-4000-8000-000000000002", "19.03")])
    judgement = judge(event, SENDER, Known(regions=regions))
    assert isinstance(judgement, Held)
    assert judgement.reason == "region_contradicts"
    assert judgement.reason in KEPT_REASONS


def test_an_assigned_household_is_in_area_wherever_it_lies() -> None:
    event = sealed(area="19.03.02.2001")
    assert judge(event, SENDER, Known(assigned=frozenset({HOUSEHOLD}))) == Stored()
    assert judge(event, SENDER, Known()) == Stored(("out_of_area",))


def test_reading_is_the_same_for_any_order_of_members_and_any_white_space() -> None:
    raw = envelope()
    turned = dict(reversed(raw.items())) | {"head": dict(reversed(raw["head"].items()))}
    found = [
        read(read_item(json.dumps(each, indent=indent).encode())) for each in (raw, turned) for indent in (None, 3)
    ]
    assert {each.payload_hash for each in found if isinstance(each, Sealed)} == {raw["payload_hash"]}
    assert {each.head_bytes for each in found if isinstance(each, Sealed)} == {sealed().head_bytes}
