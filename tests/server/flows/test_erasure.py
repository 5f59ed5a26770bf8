"""Erasing a person: what goes, what stays, and that the log still proves itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from erasure_world import LISTED, NAME, NIK, ORDER, OTHER, SENTENCE, Erasing
from server_world import REGION

from schemas.event import envelope_hash
from schemas.problems import ProblemError
from server.flows.erasure_plan import Wish
from server.flows.have import have
from server.store import cases, events, niks


@pytest.fixture
def erasing(world: Any, tmp_path: Path) -> Erasing:
    """A family as listed and visited."""
    made = Erasing(world, tmp_path)
    made.family()
    return made


def test_the_person_is_in_no_record_and_the_others_keep_every_answer(erasing: Erasing) -> None:
    before = erasing.data()
    assert {person["key"] for person in before["persons"]} == {erasing.key, erasing.other}
    erasing.erase()
    after = erasing.data()
    (left,) = after["persons"]
    (was,) = [person for person in before["persons"] if person["key"] == erasing.other]
    assert left["key"] == erasing.other
    assert left["fields"] == was["fields"] | {"mother_name": {"state": "cleared"}}
    assert after["household"]["address"] == before["household"]["address"] == {"value": "Jl. Mawar 5"}
    assert after["household"]["head_name"] == {"state": "cleared"}
    assert after["household"]["resp_name"] == {"state": "cleared"}
    assert after["household"]["remark"] == {"values": []}
    erasing.healthy()


def test_no_byte_of_the_name_or_the_nik_is_left_in_any_file_or_row(erasing: Erasing, tmp_path: Path) -> None:
    assert {"parts: Maryamah", "households: Zubaidah", f"nik_claims: {NAME.split()[0]}"} <= set(erasing.traces())
    erasing.erase()
    assert erasing.traces() == []
    assert [path.name for path in tmp_path.iterdir() if "padan.db" not in path.name] == ["erasures.jsonl"]


def test_have_feed_and_envelopes_say_what_was_erased(erasing: Erasing) -> None:
    sent = erasing.visit({"address": "Jl. Mawar 6"}, {erasing.other: {"m_name": OTHER}})
    full = erasing.visit({"head_name": NAME})
    erasing.world.fold()
    erasing.erase()
    answer = have(erasing.db, [each["payload_hash"] for each in (sent, full)])
    assert (answer.missing, answer.erased) == ((), (full["payload_hash"],))
    assert answer.parts == {full["payload_hash"]: ("h", f"p/{erasing.key}", f"p/{erasing.other}")}
    travels = erasing.envelope(full["payload_hash"][:32])
    assert envelope_hash(travels) == full["payload_hash"]
    assert {part["name"] for part in travels["parts"] if "hash" in part} == {
        "h", f"p/{erasing.key}", f"p/{erasing.other}",
    }  # fmt: skip


def test_free_text_of_supervisors_about_the_person_goes(erasing: Erasing) -> None:
    digest = erasing.data()["data_digest"]
    comments = {"h/address": "alamat kurang", f"p/{erasing.key}/nik": "foto kabur"}
    text = {"comments": comments, "note": "Tanyakan Maryamah lagi"}
    made = erasing.staff_text("review", {"verdict": "return", "data_digest": digest}, text)
    erasing.world.fold()
    erasing.erase()
    (kept,) = [
        json.loads(raw) for _, raw in events.by_ref(erasing.db, REGION, made["payload_hash"][:32]).parts.values()
    ]
    assert kept == {"assertions": {}, "text": {"comments": {"h/address": "alamat kurang"}}}
    erasing.healthy()


def test_a_change_about_the_person_goes_whole(erasing: Erasing) -> None:
    sealed = erasing.world.sealed(
        erasing.house, None, {}, kind="change", body={"type": "death", "person": erasing.key}, context=erasing.context()
    )
    other = erasing.world.sealed(erasing.house, {"remark": "dekat sungai"}, {}, context=erasing.context())
    erasing.world.push(sealed, other)
    made = erasing.server_event(
        "change", None, {}, body={"type": "correction", "person": erasing.other}, context=erasing.context()
    )
    assert made
    erasing.erase()
    assert erasing.data()["household"]["remark"] == {"values": ["dekat sungai"]}
    erasing.healthy()


def test_a_person_who_moved_is_erased_in_both_families(erasing: Erasing) -> None:
    world, there = erasing.world, erasing.world.uuid()
    world.push(world.sealed(there, {"address": "Jl. Lain"}, {f"{there}/{world.uuid()}": {"m_name": "Rusli"}}))
    body = {"type": "move_in", "person": erasing.key, "moves": [{"person": erasing.key, "to": there}]}
    carried = {erasing.key: {"m_name": NAME, "nik": NIK, "presence": "1"}}
    moved = world.sealed(
        erasing.house, None, carried, kind="change", body=body, also=[(there, REGION)], context=erasing.context()
    )
    world.push(moved)
    world.fold()
    later = world.sealed(there, {"head_name": NAME}, {erasing.key: {"phone": "081298765432", "job_title": "tani"}})
    world.push(later)
    world.fold()
    assert len(erasing.data(there)["persons"]) == 2
    subject = erasing.subject()
    assert {household for _, household in subject.households} == {erasing.house, there}
    erasing.erase()
    assert [person["fields"]["m_name"]["value"] for person in erasing.data(there)["persons"]] == ["Rusli"]
    assert erasing.data(there)["household"]["head_name"] == {"state": "cleared"}
    assert [person["key"] for person in erasing.data()["persons"]] == [erasing.other]
    assert erasing.traces() == []
    erasing.healthy()


def test_other_keys_of_the_same_person_go_too(erasing: Erasing) -> None:
    again = f"{erasing.house}/{erasing.world.uuid()}"
    erasing.visit({"address": "Jl. Mawar 5"}, {again: {"m_name": NAME, "nik": NIK, "presence": "1"}})
    erasing.world.fold()
    assert erasing.subject().keys == {erasing.key, again}
    erasing.erase()
    assert [person["key"] for person in erasing.data()["persons"]] == [erasing.other]


def test_somebody_with_the_same_nik_elsewhere_is_named_and_left_alone(erasing: Erasing) -> None:
    world, there = erasing.world, erasing.world.uuid()
    twin = f"{there}/{world.uuid()}"
    world.push(world.sealed(there, {"address": "Jl. Lain"}, {twin: {"m_name": "Rohani", "nik": NIK, "presence": "1"}}))
    world.fold()
    assert cases.counts(erasing.db)["nik_collision"] == 2
    assert erasing.plan().elsewhere == ((there, twin),)
    erasing.erase()
    assert erasing.data(there)["persons"][0]["fields"]["nik"] == {"value": NIK}
    assert cases.counts(erasing.db) == {}
    assert niks.row_of(erasing.db, world.keys.nik_digest(NIK)) is None
    erasing.healthy()


def test_a_whole_household_goes(erasing: Erasing) -> None:
    world, there = erasing.world, erasing.world.uuid()
    stays = f"{there}/{world.uuid()}"
    world.push(world.sealed(there, {"address": "Jl. Lain"}, {stays: {"m_name": "Rusli", "presence": "1"}}))
    world.fold()
    erasing.erase(erasing.key, erasing.other, whole=(erasing.house,))
    data = erasing.data()
    assert (data["persons"], data["household"]) == ([], {})
    assert erasing.traces((b"Mawar", b"Maryamah", b"Sumardi", NIK.encode())) == []
    assert erasing.data(there)["persons"][0]["fields"]["m_name"] == {"value": "Rusli"}
    erasing.healthy()


def test_one_who_moved_away_before_stays_in_the_new_family_when_the_old_one_goes_whole(erasing: Erasing) -> None:
    world, there = erasing.world, erasing.world.uuid()
    world.push(world.sealed(there, {"address": "Jl. Lain"}))
    body = {"type": "move_in", "person": erasing.other, "moves": [{"person": erasing.other, "to": there}]}
    carried = {erasing.other: {"m_name": OTHER, "presence": "1"}}
    world.push(
        world.sealed(
            erasing.house, None, carried, kind="change", body=body, also=[(there, REGION)], context=erasing.context()
        )
    )
    world.fold()
    erasing.erase(erasing.key, whole=(erasing.house,))
    assert [person["fields"]["m_name"] for person in erasing.data(there)["persons"]] == [{"value": OTHER}]
    erasing.healthy()


def test_erasing_twice_finds_nothing_left(erasing: Erasing) -> None:
    erasing.erase()
    count = events.count(erasing.db)
    with pytest.raises(ProblemError, match="Tidak ada lagi"):
        erasing.erase()
    assert events.count(erasing.db) == count


def test_a_second_member_of_the_same_forms_can_be_erased_after_the_first(erasing: Erasing) -> None:
    erasing.erase()
    erasing.erase(erasing.other)
    assert erasing.data()["persons"] == []
    assert erasing.data()["household"]["address"] == {"value": "Jl. Mawar 5"}
    erasing.healthy()


def test_the_order_may_not_name_whom_it_is_about(erasing: Erasing) -> None:
    for words in ("atas permintaan bu Maryamah", f"NIK {NIK}"):
        with pytest.raises(ProblemError, match="memuat nama"):
            erasing_with(erasing, words)
    assert not erasing.ledger.exists()
    assert events.count(erasing.db, "erasure") == 0


def erasing_with(erasing: Erasing, reason: str) -> None:
    from dataclasses import replace

    from server.flows.erasure import erase

    order = replace(ORDER, reason=reason)
    erase(erasing.db, erasing.world.keys, erasing.clock, erasing.subject(), order, erasing.ledger)


def test_what_people_say_shall_go_or_stay_goes_or_stays(erasing: Erasing) -> None:
    erasing.visit({"remark": "Ibunya sudah lama di Malaysia", "address": "Jl. Mawar 5"})
    erasing.world.fold()
    plan = erasing.plan()
    assert [left.text for left in plan.left] == ["Ibunya sudah lama di Malaysia"]
    assert "Malaysia" not in repr(plan)
    wish = Wish(words=("Ibunya",), keep=frozenset({f"p/{erasing.other}/mother_name"}))
    erasing.erase(wish=wish)
    assert erasing.data()["household"]["remark"] == {"values": []}
    assert erasing.data()["persons"][0]["fields"]["mother_name"] == {"value": NAME}


def test_everything_of_one_question_can_be_named(erasing: Erasing) -> None:
    erasing.visit({"remark": "Ibunya sudah lama di Malaysia"})
    erasing.world.fold()
    erasing.erase(wish=Wish(also=frozenset({"h/remark"})))
    assert erasing.data()["household"]["remark"] == {"values": []}
    erasing.healthy()


def test_a_word_that_another_member_shares_names_nobody(world: Any, tmp_path: Path) -> None:
    made = Erasing(world, tmp_path)
    made.listed()
    made.world.fold()
    brother = f"{made.house}/{world.uuid()}"
    said = {made.key: {"m_name": "Siti Rombe"}, brother: {"m_name": "Daud Rombe", "presence": "1"}}
    made.visit({"remark": "keluarga Rombe rukun", "resp_name": "Daud Rombe", "head_name": "Siti Rombe"}, said)
    world.fold()
    made.erase()
    household = made.data()["household"]
    assert household["remark"] == {"values": ["keluarga Rombe rukun"]}
    assert household["resp_name"] == {"value": "Daud Rombe"}
    assert household["head_name"] == {"state": "cleared"}


def test_a_form_that_arrives_while_the_plan_is_made_is_part_of_it(
    erasing: Erasing, monkeypatch: pytest.MonkeyPatch
) -> None:
    from server.flows import erasure as flow

    real, late = flow.make_plan, [erasing.sealed({"head_name": NAME, "address": "Jl. Baru"})]

    def slow(*args: Any) -> Any:
        plan = real(*args)
        if late:
            erasing.world.push(late.pop())
        return plan

    monkeypatch.setattr(flow, "make_plan", slow)
    erasing.erase()
    erasing.world.fold()
    assert [person["key"] for person in erasing.data()["persons"]] == [erasing.other]
    assert erasing.data()["household"]["address"] == {"value": "Jl. Baru"}
    assert erasing.traces() == []
    erasing.healthy()


def test_an_emptied_part_without_an_erasure_is_noticed(erasing: Erasing) -> None:
    from server.flows.audit import verify

    erasing.erase()
    row = erasing.db.one("select home_region, epoch, position, name from parts where remains is not null")
    erasing.db.run(
        "update parts set content = :bad where position = :position and name = :name",
        {"bad": b'{"assertions":{},"text":{}}', "position": row["position"], "name": row["name"]},
    )
    assert [each.what for each in verify(erasing.db).broken] == [
        f"part {row['name']}: what an erasure left of it was changed"
    ]
    sent = erasing.visit({"address": "Jl. Hilang"}, {})
    events.erase_part(erasing.db, REGION, sent["payload_hash"][:32], "h")
    assert [each.what for each in verify(erasing.db).unexplained] == [
        "part h is empty, and no erasure in the log says so"
    ]


def test_the_family_is_who_it_was(erasing: Erasing) -> None:
    assert (NAME in SENTENCE, LISTED["source"]) == (False, "p3ke")
