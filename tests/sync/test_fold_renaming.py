"""Renaming questions and codes changes no merged value, whichever version each officer had, in whatever order it came.

Random histories are told a second time, each event in the words of one of three versions, and folded under the
dictionary of all three; what comes out must be the record of the first telling, word for word but for the names.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from random import Random
from typing import Any

from fold_histories import grow
from fold_world import World, house, key, records, said
from hypothesis import given, settings
from hypothesis import strategies as st
from renamed_world import CODES, NAMES, definitions, dictionary, events_in_versions, in_first_words

from schemas.event import Event
from schemas.form import Dictionary
from sync.fold import Record, fold_everything

STEPS = st.lists(st.integers(0, 2**16 - 1), min_size=6, max_size=16)
SEED = st.integers(0, 2**32)
PROOF = settings.get_profile("proof") if os.environ.get("PADAN_PROOF") == "1" else settings()
BEFORE = dictionary(1)
AFTER = {codes: dictionary(3, codes=codes) for codes in (False, True)}
BACK = Dictionary.of(definitions(codes=True), {("f", "3")})
SECOND = dictionary(2, codes=True)


def plain(record: Record, *, codes: bool = False) -> Any:
    """A record in the first version's words; without the digests, which are compared by themselves. What is delivered
    under a new code is to be ratified anew, so there the state may differ."""
    data = json.loads(record.data_bytes)
    trail = {name: part for name, part in json.loads(record.trail_bytes).items() if name != "values"}
    for name in ("data_digest", "delivery_digest"):
        del data[name]
    if codes and data["state"] in ("approved", "ratified"):
        data["state"] = "approved"
    return in_first_words({"data": data, "trail": trail}, codes=codes)


def check(events: Sequence[Event], random: Random, *, codes: bool) -> None:
    told = events_in_versions(events, lambda: random.randrange(3), codes=codes)
    random.shuffle(told)
    before, after = fold_everything(events, BEFORE), fold_everything(told, AFTER[codes])
    assert len(before) == len(after)
    for old, new in zip(before, after, strict=True):
        first = plain(old)
        if codes and first["data"]["state"] == "ratified":
            first["data"]["state"] = "approved"
        assert plain(new, codes=codes) == first
        assert new.data_digest == old.data_digest, "a new name takes an approval back"
        assert codes or new.delivery_digest == old.delivery_digest, "a new name asks for ratification again"


@PROOF
@given(STEPS, SEED)
def test_new_names_of_questions_change_no_merged_value(steps: list[int], seed: int) -> None:
    check(grow(steps).events, Random(seed), codes=False)


@PROOF
@given(STEPS, SEED)
def test_new_names_of_choices_change_no_merged_value(steps: list[int], seed: int) -> None:
    check(grow(steps).events, Random(seed), codes=True)


@PROOF
@given(STEPS, SEED)
def test_going_back_to_the_version_before_gives_the_record_of_that_version(steps: list[int], seed: int) -> None:
    """The third version is retired: what was filled in on it counts under the names and codes of the second."""
    random = Random(seed)
    events = grow(steps).events
    on_three = events_in_versions(events, lambda: random.randrange(3), codes=True)
    on_two = events_in_versions(events, lambda: random.randrange(2), codes=True)
    found = [record.data_bytes for record in fold_everything(on_three, BACK)]
    assert found == [record.data_bytes for record in fold_everything(on_two, SECOND)]


def everything(world: World) -> list[Event]:
    """A family of which every renamed question was answered, corrected, disputed and decided."""
    home: dict[str, Any] = {
        "income": 1, "assets": 2, "address": "A", "rt": "1", "programmes": ["1"], "remark": "x", "rooms": 3,
        "assessment": "2", "assessment_why": "atap", "gps_home": {"lat": 1, "lon": 2, "acc_dm": 3},
        "visit_outcome": "02", "outcome_note": "y",
    }  # fmt: skip
    person = {"m_name": "Budi", "phone": "0811", "disabilities": ["a", "b"], "school": "1", "grade": 2}
    one = world.submit(1, h=home, p={key(1): person})
    other = world.submit(1, h={"assessment": "1", "address": "B", "rt": "2"}, p={key(1): {"school": "3"}}, by="edo")
    seen = {"saw": [one, other]}
    settled = world.decide([(one, "h/address"), (other, "h/address"), (one, "h/rt"), (other, "h/rt")],
                           h={"address": "B", "rt": "2"}, **seen)  # fmt: skip
    settled_too = world.decide([(one, "h/assessment"), (other, "h/assessment")], h={"assessment": "1"}, **seen)
    person_settled = world.decide([(one, f"p/{key(1)}/school"), (other, f"p/{key(1)}/school")],
                                  p={key(1): {"school": "2"}}, **seen)  # fmt: skip
    return [one, other, settled, settled_too, person_settled]


def test_every_renamed_question_is_decided_and_corrected_across_the_versions() -> None:
    """What random histories seldom do: each name, and decisions that cover a question under another name than the one
    it was answered by."""
    events = everything(World())
    asked = {name for event in events for part in event.parts for name in part.assertions}
    assert set(NAMES) <= asked
    assert set(CODES) <= asked
    for seed in range(60):
        for codes in (False, True):
            check(events, Random(seed), codes=codes)
    (record,) = fold_everything(events_in_versions(events, lambda: 2, codes=True), AFTER[True])
    assert record.data["conflicts"] == []
    assert record.data["household"]["hasil_penilaian"] == {"value": "ya"}
    assert record.data["household"]["alamat"] == {"value": "B"}
    assert record.data["persons"][0]["fields"]["sekolah"] == {"value": "smp"}


def test_a_correction_made_on_a_new_version_carries_the_evidence_of_what_it_corrects() -> None:
    world = World()
    first = world.submit(1, h={"no_kk": "1903010101010001"}, evidence=3)
    address = world.submit(1, h={"address": "Dusun I", "rt": "1"}, evidence=3, saw=[first])
    mended = world.submit(1, h={"alamat": said("Dusun II", corrects=address), "rt_kk": said("1", corrects=address)},
                          saw=[first, address])  # fmt: skip
    (record,) = fold_everything([first, address, mended], AFTER[False])
    assert record.data["household"]["alamat"] == {"value": "Dusun II"}
    assert record.trail["values"]["h/address"]["evidence"] == 3


def test_a_comment_and_a_change_event_are_shown_under_the_present_name() -> None:
    world = World()
    seen = world.submit(1, h={"rooms": 2})
    change = world.change("work_accident", 1, e={"assets": 4, "event_type": "x"}, saw=[seen])
    before = records(seen, change)[1]
    back = world.review("return", before, text={"comments": {"h/rooms": "Hitung lagi"}, "note": ""})
    (record,) = fold_everything([seen, change, back], AFTER[False])
    assert record.trail["returns"][0]["comments"] == {"h/kamar": "Hitung lagi"}
    assert record.household_id == house(1)


def test_who_says_the_same_question_under_two_names_has_said_it_under_the_present_one() -> None:
    world = World()
    both = world.submit(1, h={"income": 1, "penghasilan": 2, "pendapatan": 3})
    (record,) = fold_everything([both], AFTER[False])
    assert record.data["household"]["penghasilan"] == {"value": 2}
    assert [flag for flag in record.data["flags"] if flag["code"] == "asked_twice"] == [
        {"code": "asked_twice", "path": "h/income"}, {"code": "asked_twice", "path": "h/pendapatan"},
    ]  # fmt: skip


def test_a_new_code_in_a_delivered_column_is_ratified_anew_and_stays_approved() -> None:
    world = World()
    visit = world.submit(1, h={"assessment": "1"})
    before = records(visit)[1]
    approved = world.review("approve", before)
    ratified = world.ratify(records(visit, approved)[1])
    events = [visit, approved, ratified]
    assert [record.state for record in fold_everything(events, BEFORE)] == ["ratified"]
    assert [record.state for record in fold_everything(events, AFTER[False])] == ["ratified"]
    assert [record.state for record in fold_everything(events, AFTER[True])] == ["approved"]
