"""Nothing a tablet sends is refused, overwritten or lost; each item gets its own answer."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from schemas import limits
from schemas.event import Part, seal
from schemas.ids import hold_id
from schemas.json_text import read_item
from schemas.signing import public_key, sign_event
from server.flows import push as push_flow
from server.flows.audit import verify
from server.flows.have import have
from server.flows.push import commit, prepare
from server.store import devices, events, fold_queue, households, unreadable
from server.store.identity import begin_epoch, set_setting

VILLAGE, ELSEWHERE = "19.03.01.1001", "19.03.02.2001"


def statuses(answers: Any) -> list[str]:
    return [answer.status for answer in answers]


def holds_in_log(world: Any, household: str) -> list[tuple[str, str]]:
    found = events.filed_under(world.db, "19.03", household, {"hold"})
    return [(each.head["body"]["target"], each.head["body"]["reason"]) for each in found]


def test_a_finished_form_is_stored_and_its_household_waits_to_be_folded(world: Any) -> None:
    household = world.uuid()
    sent = world.sealed(household, {"address": "Jl. Mawar 1"}, seq=1)
    (answer,) = world.push(sent)
    assert (answer.status, answer.receipt.position) == ("stored", 1)
    (stored,) = events.filed_under(world.db, "19.03", household)
    assert stored.envelope() == {key: sent[key] for key in ("head", "parts", "payload_hash")}
    assert stored.transport == sent["transport"]
    assert fold_queue.oldest(world.db, 10, world.now_ms) == [("19.03", household)]


def test_resending_answers_the_first_receipt_again_and_writes_nothing(world: Any) -> None:
    sent = [world.sealed(world.uuid(), {"address": str(n)}, seq=n) for n in range(5)]
    first = world.push(*sent)
    again = world.push(*reversed(sent), sent[0])
    assert set(statuses(again)) == {"duplicate"}
    assert [answer.receipt for answer in again] == [*reversed([a.receipt for a in first]), first[0].receipt]
    assert events.count(world.db) == 5


def test_one_event_twice_in_one_push_is_stored_once(world: Any) -> None:
    sent = world.sealed(world.uuid(), {"address": "x"}, seq=1)
    first, second = world.push(sent, sent)
    assert (first.status, second.status) == ("stored", "duplicate")
    assert first.receipt == second.receipt
    assert not second.fork


def test_one_id_with_two_contents_is_two_events(world: Any) -> None:
    household, shared = world.uuid(), world.uuid()
    one = world.sealed(household, {"address": "A"}, id=shared, seq=1)
    two = world.sealed(household, {"address": "B"}, id=shared, seq=2)
    assert statuses(world.push(one)) == ["stored"]
    assert statuses(world.push(two)) == ["equivocation"]
    assert statuses(world.push(one, two)) == ["duplicate", "duplicate"]
    assert len(events.filed_under(world.db, "19.03", household)) == 2


def test_one_id_with_two_contents_in_one_push_is_two_events(world: Any) -> None:
    household, shared = world.uuid(), world.uuid()
    pair = [world.sealed(household, {"address": text}, id=shared) for text in "AB"]
    assert statuses(world.push(*pair)) == ["stored", "equivocation"]


def test_a_cloned_tablet_is_noticed_and_its_work_is_kept(world: Any) -> None:
    one = world.sealed(world.uuid(), {"address": "A"}, seq=7)
    two = world.sealed(world.uuid(), {"address": "B"}, seq=7)
    three = world.sealed(world.uuid(), {"address": "C"}, seq=8)
    assert [(a.status, a.fork) for a in world.push(one)] == [("stored", False)]
    assert [(a.status, a.fork) for a in world.push(two, three)] == [("stored", True), ("stored", False)]
    assert devices.install_of(world.db, "tablet-1").forked_ms == world.now_ms


def test_positions_have_no_gap_and_regions_count_apart(world: Any) -> None:
    world.enrol("tablet-2", "petugas2", "19.04")
    world.push(*[world.sealed(world.uuid(), {"address": str(n)}) for n in range(3)])
    elsewhere = world.sealed(
        world.uuid(), {"address": "x"}, home_region="19.04", area="19.04.01.1001", actor="petugas2", install="tablet-2"
    )
    (answer,) = world.push(elsewhere, install="tablet-2")
    assert (answer.status, answer.receipt.position) == ("stored", 1)
    rows = world.db.all("select position from log where home_region = '19.03' order by position")
    assert [row["position"] for row in rows] == [1, 2, 3]


def test_an_event_about_two_kabupaten_stands_in_both_logs(world: Any) -> None:
    here, there = world.uuid(), world.uuid()
    (answer,) = world.push(world.sealed(here, {"address": "x"}, also=[(there, "19.04")]))
    assert answer.status == "stored"
    assert [each.ref for each in events.filed_under(world.db, "19.04", there)] == [answer.ref]
    assert events.regions(world.db) == ["19.03", "19.04"]
    assert fold_queue.length(world.db) == 2
    assert verify(world.db).broken == ()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"area": ELSEWHERE}, "out_of_area"),
        ({"actor": "orang lain"}, "other_actor"),
        ({"install": "tablet-9"}, "other_install"),
        ({"form": {"id": "kecil", "version": "1999010101", "hash": "0"}}, "unknown_form"),
        (
            {"context": {f"{n:032x}": "00000000-0000-4000-8000-000000000000" for n in range(10_000)}},
            "context_too_large",
        ),
    ],
)
def test_what_must_wait_for_a_supervisor_is_stored_with_a_hold(world: Any, change: Any, reason: str) -> None:
    household = world.uuid()
    (answer,) = world.push(world.sealed(household, {"address": "x"}, **change))
    assert (answer.status, answer.reasons) == ("held", (reason,))
    assert answer.receipt.position == 1
    assert holds_in_log(world, household) == [(answer.ref, reason)]
    (hold,) = events.filed_under(world.db, "19.03", household, {"hold"})
    assert hold.head["id"] == hold_id(answer.ref, reason)
    assert world.keys.made_here(hold.envelope())


def test_a_held_event_stays_out_of_the_record_until_it_is_admitted(world: Any) -> None:
    household = world.uuid()
    world.push(world.sealed(household, {"address": "dalam"}))
    (held,) = world.push(world.sealed(household, {"address": "luar"}, area=ELSEWHERE))
    world.fold()
    record = households.load(world.db, household)
    assert b"dalam" in record.data and b"luar" not in record.data
    assert held.ref.encode() in record.trail
    world.staff("admit", household, {"target": held.ref})
    world.fold()
    assert b"luar" in households.load(world.db, household).data


def test_a_household_outside_the_area_is_held_even_when_the_form_claims_the_area(world: Any) -> None:
    household = world.uuid()
    world.enrol("tablet-2", "petugas2", ELSEWHERE)
    world.push(
        world.sealed(household, {"address": "x"}, area=ELSEWHERE, actor="petugas2", install="tablet-2"),
        install="tablet-2",
    )
    world.fold()
    (answer,) = world.push(world.sealed(household, {"address": "y"}))
    assert answer.reasons == ("out_of_area",)
    world.staff("assignment", household, {"officer": "petugas1"}, area=ELSEWHERE)
    world.fold()
    assert statuses(world.push(world.sealed(household, {"address": "z"}))) == ["stored"]


def test_after_revocation_work_is_taken_in_and_held(world: Any) -> None:
    devices.revoke_install(world.db, "tablet-1", "hilang", world.now_ms)
    (answer,) = world.push(world.sealed(world.uuid(), {"address": "x"}))
    assert (answer.status, answer.reasons) == ("held", ("revoked",))


def test_after_the_campaign_only_what_was_stamped_in_time_counts(world: Any) -> None:
    set_setting(world.db, "campaign_closes_ms", str(world.now_ms - 1))
    late = world.sealed(world.uuid(), {"address": "x"})
    in_time = world.stamped(world.sealed(world.uuid(), {"address": "y"}), "2026-01-01T00:00:00Z")
    answers = world.push(late, in_time)
    assert [answer.reasons for answer in answers] == [("late",), ()]


def test_a_stamp_is_kept_beside_its_event_once(world: Any) -> None:
    household = world.uuid()
    sent = world.stamped(world.sealed(household, {"address": "x"}), "2026-11-01T00:00:00Z")
    world.push(sent)
    world.push(sent)
    (stamp,) = events.filed_under(world.db, "19.03", household, {"stamp"})
    assert stamp.head["body"]["target"] == sent["payload_hash"][:32]


def test_a_forged_stamp_is_kept_apart_and_the_event_is_stored(world: Any) -> None:
    household = world.uuid()
    sent = world.stamped(world.sealed(household, {"address": "x"}), "2026-11-01T00:00:00Z")
    sent["stamp"]["signature"]["value"] = "AAAA" * 22
    assert statuses(world.push(sent)) == ["stored"]
    assert events.filed_under(world.db, "19.03", household, {"stamp"}) == []
    assert [item.reason for item in unreadable.open_items(world.db)] == ["bad_stamp"]


def test_a_decision_from_a_tablet_is_held_outside_the_log(world: Any) -> None:
    forged = world.sealed(
        world.uuid(), {"address": "x"}, kind="decision", body={"covers": [{"ref": "0" * 32, "path": "h/address"}]}
    )
    (answer,) = world.push(forged)
    assert (answer.status, answer.reasons, answer.receipt) == ("held", ("not_a_device_kind",), None)
    assert json.loads(unreadable.content(world.db, answer.kept)) == forged
    assert events.count(world.db) == 0


def test_a_signed_staff_event_is_taken_back_from_a_tablet(world: Any) -> None:
    household = world.uuid()
    returned = world.keys.signed(
        seal(
            id=world.uuid(), kind="review", household_id=household, home_region="19.03", actor="pengawas", area=VILLAGE,
            parts=[Part("e", {}, {"note": "perbaiki"})], salts={"e": "ab" * 16},
            body={"verdict": "return", "data_digest": "0" * 64},
        )
    )  # fmt: skip
    assert statuses(world.push(returned, returned)) == ["stored", "duplicate"]
    (stored,) = events.filed_under(world.db, "19.03", household)
    assert world.keys.made_here(stored.envelope())


def test_another_tablets_work_is_folded_with_its_signature_and_held_without(world: Any) -> None:
    private = b"k" * 32
    world.enrol("tablet-2", "petugas2", VILLAGE, public_key=base64.b64encode(public_key(private)).decode())
    household = world.uuid()
    plain, good, bad = (
        world.sealed(household, {"address": text}, actor="petugas2", install="tablet-2") for text in "ABC"
    )
    good = sign_event(private, good)
    bad = sign_event(b"x" * 32, bad)
    answers = world.push(plain, good, bad)
    assert [answer.status for answer in answers] == ["held", "stored", "held"]
    assert answers[0].reasons == answers[2].reasons == ("other_install", "other_actor")
    stored = {each.ref: each.signature for each in events.filed_under(world.db, "19.03", household, {"submission"})}
    assert [stored[answer.ref] for answer in answers] == [None, good["signature"], None]


def test_a_part_that_is_only_a_hash_needs_the_servers_signature(world: Any) -> None:
    sent = world.sealed(world.uuid(), {"address": "x"})
    hashes = push_flow.intake.sealed_from(sent).parts
    sent["parts"] = [{"name": part.name, "hash": part.hash} for part in hashes]
    (answer,) = world.push(sent)
    assert (answer.status, answer.reasons) == ("held", ("bad_envelope",))
    assert statuses(world.push(world.keys.signed(sent))) == ["stored"]


def test_a_part_that_came_as_a_hash_is_filled_in_later_unless_it_was_erased(world: Any) -> None:
    whole = world.keys.signed(world.sealed(world.uuid(), {"address": "x"}))
    hashes = [{"name": part.name, "hash": part.hash} for part in push_flow.intake.sealed_from(whole).parts]
    shortened = whole | {"parts": hashes}
    household, ref = whole["head"]["household_id"], whole["payload_hash"][:32]

    def content() -> list[bytes | None]:
        (stored,) = events.filed_under(world.db, "19.03", household)
        return [raw for _, raw in stored.parts.values()]

    assert statuses(world.push(shortened, shortened)) == ["stored", "duplicate"]
    assert content() == [None]
    assert have(world.db, [whole["payload_hash"]]).missing == (whole["payload_hash"],)
    world.fold()
    assert statuses(world.push(whole)) == ["duplicate"]
    assert content() != [None]
    assert have(world.db, [whole["payload_hash"]]).missing == ()
    world.fold()
    assert b'"address"' in households.load(world.db, household).data
    events.erase_part(world.db, "19.03", ref, "h")
    assert statuses(world.push(whole)) == ["duplicate"]
    assert content() == [None]
    assert have(world.db, [whole["payload_hash"]]).erased == (whole["payload_hash"],)
    assert verify(world.db).broken == ()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"head": nonsense', "unreadable_json"),
        (b"[" * 5_000 + b"]" * 5_000, "unreadable_json"),
        (b"17", "bad_envelope"),
        (b'{"head": {}, "parts": [], "payload_hash": 1.5}', "not_canonical"),
        (b'{"a": "\\u0000"}', "not_canonical"),
        (b'{"a": "\\ud800"}', "not_canonical"),
        (b"\xff\xfe", "unreadable_json"),
    ],
)
def test_garbage_is_kept_byte_for_byte_and_blocks_nobody(world: Any, raw: bytes, reason: str) -> None:
    good = world.sealed(world.uuid(), {"address": "x"})
    held, stored = world.push(raw, good)
    assert (held.status, held.reasons) == ("held", (reason,))
    assert unreadable.content(world.db, held.kept) == raw
    assert stored.status == "stored"
    assert world.push(raw)[0] == held
    assert unreadable.count(world.db) == 1


def test_a_hash_that_does_not_match_is_kept_and_held(world: Any) -> None:
    sent = world.sealed(world.uuid(), {"address": "x"})
    sent["head"]["actor"] = "petugas2"
    (answer,) = world.push(sent)
    assert (answer.status, answer.reasons, answer.id) == ("held", ("hash_mismatch",), sent["head"]["id"])
    assert unreadable.content(world.db, answer.kept) == json.dumps(sent).encode()


def test_a_household_cannot_change_its_kabupaten(world: Any) -> None:
    household = world.uuid()
    world.push(world.sealed(household, {"address": "x"}))
    (answer,) = world.push(world.sealed(household, {"address": "x"}, home_region="19.04"))
    assert (answer.status, answer.reasons) == ("held", ("region_contradicts",))


def test_an_event_over_the_limit_is_too_large_and_stays_with_the_tablet(world: Any) -> None:
    big = world.sealed(world.uuid(), {"address": "x" * limits.EVENT_BYTES_MAX})
    huge_garbage = b'"' + b"x" * limits.EVENT_BYTES_MAX + b'"'
    good = world.sealed(world.uuid(), {"address": "x"})
    answers = world.push(big, huge_garbage, good)
    assert statuses(answers) == ["too_large", "too_large", "stored"]
    assert str(limits.EVENT_BYTES_MAX) in answers[0].detail
    assert unreadable.count(world.db) == 0


def test_a_push_is_committed_whole_or_not_at_all(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = [world.sealed(world.uuid(), {"address": str(n)}) for n in range(3)] + [b"garbage"]
    monkeypatch.setattr(fold_queue, "put", _dies)
    with pytest.raises(KeyboardInterrupt):
        world.push(*sent)
    monkeypatch.undo()
    assert (events.count(world.db), unreadable.count(world.db), fold_queue.length(world.db)) == (0, 0, 0)
    answers = world.push(*sent)
    assert [answer.receipt.position for answer in answers[:3]] == [1, 2, 3]
    assert verify(world.db).broken == ()


def _dies(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def test_several_pushes_can_share_one_commit(world: Any) -> None:
    world.enrol("tablet-2", "petugas2", VILLAGE)
    shared = world.sealed(world.uuid(), {"address": "x"})
    second = world.sealed(world.uuid(), {"address": "y"}, actor="petugas2", install="tablet-2")

    prepared = prepare(world.db, world.sender(), [read_item(json.dumps(shared).encode())], world.keys)
    prepared += prepare(
        world.db,
        world.sender("tablet-2"),
        [read_item(json.dumps(each).encode()) for each in (second, shared)],
        world.keys,
    )
    with world.db.transaction():
        answers = commit(world.db, prepared, world.keys, world.now_ms)
    assert statuses(answers) == ["stored", "stored", "duplicate"]


def test_after_a_restore_the_same_events_come_back_in_a_new_epoch(world: Any) -> None:
    sent = world.sealed(world.uuid(), {"address": "x"})
    (first,) = world.push(sent)
    epoch = begin_epoch(world.db, world.now_ms, "restore")
    assert world.push(sent)[0].receipt == first.receipt
    (later,) = world.push(world.sealed(world.uuid(), {"address": "y"}))
    assert later.receipt.epoch == epoch != first.receipt.epoch
    assert later.receipt.position == 2
    assert verify(world.db).broken == ()


def test_have_names_what_is_missing_and_what_was_erased(world: Any, person: Any) -> None:
    household = world.uuid()
    key = f"{household}/{world.uuid()}"
    kept, erased, never = (
        world.sealed(household, {"address": "x"}),
        world.sealed(household, None, {key: person()}),
        world.sealed(household, {"address": "z"}),
    )
    world.push(kept, erased)
    events.erase_part(world.db, "19.03", erased["payload_hash"][:32], f"p/{key}")
    answer = have(world.db, [each["payload_hash"] for each in (kept, erased, never)], ["19.71", "19.03"])
    assert answer.missing == (never["payload_hash"],)
    assert answer.erased == (erased["payload_hash"],)
    assert verify(world.db).broken == ()
