"""Signatures and sealed boxes: only the right key opens or signs, and damage is noticed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import sealing, signing
from schemas.event import seal

SERVER, OTHER, INSTALL = b"s" * 32, b"o" * 32, b"i" * 32
INSTALL_ID = "0199aaaa-0000-7000-8000-000000000001"


def stamp_envelope():
    return seal(
        id="0199aaaa-0000-7000-8000-0000000000ff", kind="stamp", household_id="0199aaaa-0000-7000-8000-00000000000a",
        home_region="19.03", actor="server", area="", parts=(), salts={},
        body={"target": "0" * 32, "time": "2026-11-21T01:02:03Z"},
    )  # fmt: skip


def test_an_event_signed_by_the_server_is_known_by_its_key_and_no_other():
    public = signing.public_key(SERVER)
    signed = signing.sign_event(SERVER, stamp_envelope())
    keys = {signing.key_id(public): public}
    assert signing.event_signature_holds(keys, signed)
    assert not signing.event_signature_holds({signing.key_id(public): signing.public_key(OTHER)}, signed)
    assert not signing.event_signature_holds({}, signed)
    assert not signing.event_signature_holds(keys, {**signed, "payload_hash": "0" * 64})
    assert not signing.event_signature_holds(keys, stamp_envelope())


def test_a_signature_over_a_time_is_not_good_for_an_event():
    value = signing.sign(SERVER, signing.TIME, b"\x00" * 32)
    assert signing.verify(signing.public_key(SERVER), signing.TIME, b"\x00" * 32, value)
    assert not signing.verify(signing.public_key(SERVER), signing.EVENT, b"\x00" * 32, value)


@pytest.mark.parametrize("value", [None, 7, "", "no base64!", "AAAA", ["x"]])
def test_a_malformed_signature_is_false_and_not_an_exception(value):
    assert not signing.verify(signing.public_key(SERVER), signing.EVENT, b"m", value)


@given(st.binary(max_size=500), st.binary(min_size=32, max_size=32))
def test_only_the_key_a_box_was_sealed_to_opens_it(content, one_time):
    recipient = sealing.sealing_public_key(SERVER)
    box = sealing.seal_box(content, recipient, one_time)
    assert sealing.open_box(json.loads(json.dumps(box)), {signing.key_id(recipient): SERVER}) == content
    with pytest.raises(sealing.BoxUnreadable):
        sealing.open_box(box, {signing.key_id(recipient): OTHER})
    with pytest.raises(sealing.BoxUnreadable):
        sealing.open_box(box, {})


@pytest.mark.parametrize("member", ["key", "ephemeral", "sealed"])
def test_a_damaged_box_is_unreadable(member):
    recipient = sealing.sealing_public_key(SERVER)
    box = sealing.seal_box(b"content", recipient, b"r" * 32)
    other = sealing.seal_box(b"content", sealing.sealing_public_key(OTHER), b"q" * 32)
    with pytest.raises(sealing.BoxUnreadable):
        sealing.open_box({**box, member: other[member]}, {signing.key_id(recipient): SERVER})


@pytest.mark.parametrize("box", [None, [], {}, "x", {"v": 1, "key": 1, "ephemeral": "!", "sealed": ""}])
def test_what_is_no_box_is_unreadable(box):
    with pytest.raises(sealing.BoxUnreadable):
        sealing.open_box(box, {})


def test_a_deposit_bears_the_signature_of_the_install_that_made_it():
    content = json.loads(sealing.deposit_content(INSTALL_ID, '{"items":[]}', INSTALL))
    assert sealing.is_deposit_content(content)
    public = signing.public_key(INSTALL)
    assert sealing.deposit_signature_holds(content["install"], content["body"], content["signature"], public)
    assert not sealing.deposit_signature_holds(content["install"], '{"items":[1]}', content["signature"], public)
    other = "0199aaaa-0000-7000-8000-000000000002"
    assert not sealing.deposit_signature_holds(other, content["body"], content["signature"], public)
