"""What an officer fills in becomes an event that says what was seen in this visit, and nothing else."""

from __future__ import annotations

import pytest
from field_small_form import HOUSEHOLD, IBU, record, small_form
from field_stand_in import digest

from field_forms.client.draft import AnswerProblem
from field_forms.client.opening import OpeningProblem
from field_forms.client.sealing_draft import NotSealed
from schemas.envelope import check_envelope, hash_matches
from schemas.question import EvidenceRule


@pytest.fixture
def client(server, make_client):
    server.forms = [small_form().to_json()]
    server.feed = [record()]
    client = make_client()
    assert client.sync().complete
    return client


def visit(client, **answers):
    """A complete visit with the answers given by path (`_` for `/`)."""
    draft = client.open_draft(HOUSEHOLD)
    draft.answer("h/visit_outcome", "01")
    for path, value in answers.items():
        draft.answer(path, value)
    return draft


def sealed(client, draft) -> dict:
    envelope = client.store.sealed(client.seal(draft)).envelope
    check_envelope(envelope)
    assert hash_matches(envelope)
    return envelope


def said(envelope, part) -> dict:
    found = {each["name"]: each for each in envelope["parts"]}
    return found[part]["assertions"] if part in found else {}


def test_untouched_answers_assert_nothing(client):
    envelope = sealed(client, visit(client))
    assert set(said(envelope, "h")) == {"visit_date", "visit_outcome"}
    assert said(envelope, f"p/{IBU}") == {}


def test_a_changed_answer_is_asserted_with_its_whole_unit(client):
    envelope = sealed(client, visit(client, **{"h/rt": "005"}))
    address = {name: said(envelope, "h")[name]["value"] for name in ("address", "rt", "rw")}
    assert address == {"address": "Jl. Lama", "rt": "005", "rw": "001"}
    assert "phone" not in said(envelope, "h")


def test_the_same_answer_given_again_is_no_change(client):
    envelope = sealed(client, visit(client, **{"h/phone": "081234567", "h/rt": " 004 "}))
    assert "phone" not in said(envelope, "h")
    assert "rt" not in said(envelope, "h")


def test_prefilled_answers_are_confirmed_when_the_card_was_shown_in_this_visit(client):
    envelope = sealed(client, visit(client, **{f"p/{IBU}/nik_status": "1"}))
    person = said(envelope, f"p/{IBU}")
    assert {name: item["evidence"] for name, item in person.items()} == {
        "name": 3, "nik_status": 3, "nik": 3, "sex": 3,
    }  # fmt: skip
    assert person["nik"]["value"] == "1903014102900001"
    assert "birth_date" not in person


def test_the_evidence_question_answered_as_before_still_confirms(client):
    envelope = sealed(client, visit(client, **{f"p/{IBU}/nik_status": "2"}))
    person = said(envelope, f"p/{IBU}")
    assert set(person) == {"name", "nik_status", "nik", "sex"}
    assert {item["evidence"] for item in person.values()} == {1}


def test_what_is_no_longer_relevant_is_not_asserted_but_kept_in_the_draft(client):
    draft = visit(client, **{f"p/{IBU}/nik": "1903014102900002", f"p/{IBU}/nik_status": "3"})
    assert "nik" not in draft.filled.assertions()[f"p/{IBU}"]
    draft.answer(f"p/{IBU}/nik_status", "1")
    assert client.draft(draft.id).filled.assertions()[f"p/{IBU}"]["nik"].value == "1903014102900002"


def test_a_visit_begins_without_the_last_visits_outcome_and_remarks(client):
    draft = client.open_draft(HOUSEHOLD)
    assert not {"h/visit_outcome", "h/outcome_note", "h/remark", "h/visit_date"} & set(draft.prefill)
    # The tablet says the 18th, the server said the 21st: a date before what the server said cannot be today.
    assert draft.answers["h/visit_date"]["value"] == "2026-11-21"
    assert [each.path for each in draft.remarks() if each.blocks] == ["h/visit_outcome", "h/outcome_note"]


def test_the_context_is_fixed_at_opening_and_a_later_feed_does_not_enlarge_it(client, server):
    refs = {each["ref"] for each in record()["trail"]["refs"]}
    draft = visit(client)
    later = record()
    later["trail"]["refs"].append({"ref": digest("rapat")[:32], "household_id": HOUSEHOLD, "kind": "review"})
    later["data"]["household"]["phone"] = {"value": "089999999"}
    server.feed.append(later)
    assert client.sync().complete
    assert len(client.household(HOUSEHOLD).item["trail"]["refs"]) == 3
    again = client.draft(draft.id)
    assert set(again.context) == refs
    assert again.filled.answer("h/phone")["value"] == "081234567"
    envelope = sealed(client, again)
    assert {each["ref"] for each in envelope["head"]["context"]} == refs
    assert envelope["head"]["not_before"] is not None


def test_own_sealed_forms_are_seen_by_the_next_one_before_the_server_answers(client):
    first = client.seal(visit(client, **{"h/phone": "0877777777"}))
    draft = visit(client)
    assert first in draft.context
    assert draft.prefill["h/phone"]["value"] == "0877777777"
    assert "phone" not in said(sealed(client, draft), "h")


def test_a_correction_names_the_own_event_it_corrects(client):
    first = client.seal(visit(client, **{"h/phone": "0877777777", "h/rt": "005"}))
    draft = client.open_correction(first)
    draft.answer("h/visit_outcome", "01")
    draft.answer("h/phone", "0888888888")
    envelope = sealed(client, draft)
    assert said(envelope, "h")["phone"]["corrects"] == first
    assert first in {each["ref"] for each in envelope["head"]["context"]}
    assert "rt" not in said(envelope, "h")


def test_sealing_is_refused_with_each_question_and_reason(client):
    draft = visit(client, **{"h/rt": "RT 5", "h/address": ""})
    with pytest.raises(NotSealed) as caught:
        client.seal(draft)
    reasons = {each.path: each.reason for each in caught.value.remarks}
    assert reasons == {"h/rt": "1 sampai 3 angka", "h/address": "wajib diisi"}
    assert client.draft(draft.id).answers["h/rt"]["value"] == "RT 5"
    assert client.sealed_events() == []


@pytest.mark.parametrize(
    ("path", "value", "word"),
    [
        (f"p/{IBU}/birth_date", "31-02-1990", "tanggal"),
        (f"p/{IBU}/birth_date", "1990-02-31", "tanggal"),
        (f"p/{IBU}/sex", "9", "kode pilihan tidak dikenal"),
        (f"p/{IBU}/needs", ["none", "walker"], "berdiri sendiri"),
        ("h/phone", 812, "teks"),
    ],
)
def test_an_answer_of_the_wrong_kind_is_told_and_kept(client, path, value, word):
    draft = visit(client, **{path: value})
    (remark,) = [each for each in draft.remarks() if each.blocks]
    assert word in remark.reason
    assert client.draft(draft.id).answers[path]["value"] == value


def test_an_odd_nik_warns_and_lets_go_on(client):
    draft = visit(client, **{f"p/{IBU}/nik": "1903010102900001", f"p/{IBU}/nik_status": "1"})
    warnings = [each.reason for each in draft.remarks()]
    assert any("jenis kelamin" in each for each in warnings)
    assert said(sealed(client, draft), f"p/{IBU}")["nik"]["value"] == "1903010102900001"
    draft = visit(client, **{f"p/{IBU}/nik": "19030", f"p/{IBU}/nik_status": "1"})
    assert [each.blocks for each in draft.remarks()] == [False]
    client.seal(draft)


def test_a_state_stands_for_an_answer(client):
    draft = visit(client)
    draft.answer(f"p/{IBU}/nik", state="declined")
    assert said(sealed(client, draft), f"p/{IBU}")["nik"] == {"state": "declined", "evidence": 1}
    draft = visit(client)
    draft.answer("h/address", state="cleared")
    with pytest.raises(NotSealed):
        client.seal(draft)


def test_a_new_member_gets_a_person_of_its_own(client):
    draft = visit(client)
    key = client.add_member(draft)
    for name, value in {"name": "Budi", "nik_status": "3"}.items():
        draft.answer(f"p/{key}/{name}", value)
    assert key.startswith(HOUSEHOLD + "/")
    again = client.draft(draft.id)
    assert again.persons == [IBU, key]
    assert again.member_name(key) == "Budi"
    envelope = sealed(client, again)
    assert set(said(envelope, f"p/{key}")) == {"name", "nik_status"}
    assert said(envelope, f"p/{IBU}") == {}


def test_a_member_on_record_cannot_be_dropped_one_added_by_mistake_can(client):
    draft = visit(client)
    with pytest.raises(AnswerProblem, match="keberadaan"):
        draft.drop_member(IBU)
    key = client.add_member(draft)
    draft.answer(f"p/{key}/name", "Salah")
    draft.drop_member(key)
    assert client.draft(draft.id).persons == [IBU]
    client.seal(draft)


def test_a_family_not_on_the_list_gets_an_id_and_a_region(client):
    with pytest.raises(OpeningProblem, match="--area"):
        client.open_draft(None)
    draft = client.open_draft(None, area="19.03.01.1001")
    draft.answer("h/visit_outcome", "01")
    draft.answer("h/address", "Jl. Baru")
    key = client.add_member(draft)
    draft.answer(f"p/{key}/name", "Wayan")
    draft.answer(f"p/{key}/nik_status", "3")
    envelope = sealed(client, draft)
    head = envelope["head"]
    assert (head["home_region"], head["area"], head["context"]) == ("19.03", "19.03.01.1001", [])
    assert said(envelope, "h")["prelist_mode"]["value"] == "2"
    second = client.open_draft(head["household_id"])
    assert second.persons == [key]
    assert len(second.context) == 1


def test_questions_that_are_not_in_the_form_are_refused_by_name(client):
    draft = visit(client)
    for path in ("h/nik", "h/tidak_ada", "p/x/y/nik", "nik"):
        with pytest.raises(AnswerProblem):
            draft.answer(path, "1")


def test_a_photo_is_kept_by_its_hash_and_described_in_the_head(client, tmp_path):
    photo = tmp_path / "rumah.jpg"
    photo.write_bytes(b"JPEG")
    draft = visit(client)
    client.attach(draft, "h/photo", photo)
    envelope = sealed(client, draft)
    described = envelope["head"]["attachments"]["h/photo"]
    assert described["bytes"] == 4
    assert described["mime"] == "image/jpeg"
    assert (client.home / "photos" / described["sha256"]).read_bytes() == b"JPEG"


def test_sealing_twice_gives_one_event(client):
    draft = visit(client)
    assert client.seal(draft) == client.seal(draft)
    assert len(client.sealed_events()) == 1


@pytest.mark.parametrize("before", [True, False])
def test_a_crash_while_filling_or_sealing_loses_no_saved_answer(server, make_client, before):
    from test_field_sync import Crash, CrashingConnection

    server.forms = [small_form().to_json()]
    server.feed = [record()]
    make_client().sync()
    for at in range(1, 8):
        client = make_client(seed=at)
        client.store.conn = crashing = CrashingConnection(client.store.conn, at, before)
        answered, draft = [], None
        try:
            draft = client.open_draft(HOUSEHOLD)
            for path, value in (("h/visit_outcome", "01"), ("h/phone", "0811"), ("h/rt", "007")):
                draft.answer(path, value)
                answered.append(path)
            client.seal(draft)
        except Crash:
            pass
        crashing._conn.close()
        again = make_client(seed=at + 100)
        drafts, events = again.drafts.all(), again.sealed_events()
        if draft is None:
            assert len(drafts) == (0 if before else 1)
        else:
            assert len(drafts) + len([e for e in events if e.id == draft.id]) == 1
            if drafts:
                assert set(answered) <= set(drafts[0].answers)
        for row in drafts:
            again.drafts.discard(row.id)
        again.close()


def test_a_returned_record_shows_its_comments_until_it_was_answered(client, server):
    back = {"ref": digest("return")[:32], "actor": "pengawas", "due": "2026-12-01", "note": "cek lagi",
            "comments": {f"p/{IBU}/nik": "NIK buram di foto"}}  # fmt: skip
    item = record()
    item["trail"]["returns"] = [back]
    item["trail"]["refs"].append({"ref": back["ref"], "household_id": HOUSEHOLD, "kind": "review"})
    server.feed.append(item)
    client.sync()
    (returned,) = client.returned()
    assert returned.comments == {f"p/{IBU}/nik": "NIK buram di foto"}
    assert client.status().returned == 1
    client.seal(visit(client, **{f"p/{IBU}/nik": "1903014102900003", f"p/{IBU}/nik_status": "1"}))
    assert client.returned() == []


def test_a_reset_feed_starts_over_and_loses_no_draft_and_no_event(client, server):
    draft = visit(client, **{"h/phone": "0811"})
    client.seal(visit(client))
    server.scope = "s2"
    other = record(household_id=digest("x")[:8] + HOUSEHOLD[8:])
    server.feed = [other]
    result = client.sync()
    assert result.feed_reset and result.complete
    assert [each.household_id for each in client.households()] == [other["household_id"]]
    assert client.draft(draft.id).answers["h/phone"]["value"] == "0811"
    assert client.status().received == 1


def test_a_reset_that_is_cut_off_leaves_the_old_list_readable(client, server):
    server.scope = "s2"
    server.feed = [record(household_id=f"{n}" * 8 + HOUSEHOLD[8:]) for n in range(1, 6)]
    client._transport.plan = ["ok", "ok", "ok", "cut", "cut", "cut", "cut"]
    assert not client.sync().complete
    assert HOUSEHOLD in {each.household_id for each in client.households()}
    client._transport.plan = []
    assert client.sync().complete
    assert {each.household_id for each in client.households()} == {item["household_id"] for item in server.feed}


def test_a_household_that_left_the_area_leaves_the_list(client, server):
    server.feed.append({"kind": "removed", "household_id": HOUSEHOLD})
    client.sync()
    assert client.households() == []


def test_a_joined_family_is_found_under_each_of_its_ids(client, server):
    other = "00000000" + HOUSEHOLD[8:]
    joined = record(household_id=other)
    joined["data"]["aliases"] = [HOUSEHOLD]
    server.feed += [{"kind": "alias", "household_id": HOUSEHOLD, "canonical_id": other}, joined]
    client.sync()
    assert len(client.households()) == 1
    assert client.household(HOUSEHOLD).household_id == other
    assert client.open_draft(HOUSEHOLD).household_id == other


def test_a_household_that_is_not_the_officers_cannot_be_opened(client, server):
    server.feed.append(record(level="brief"))
    client.sync()
    with pytest.raises(OpeningProblem, match="pengawas"):
        client.open_draft(HOUSEHOLD)


def test_a_unit_has_one_evidence_its_lowest(server, make_client):
    from dataclasses import replace

    form = small_form()
    rows = tuple(
        replace(row, field=replace(row.field, evidence=EvidenceRule(3))) if row.name == "rw" else row
        for row in form.rows
    )
    server.forms = [replace(form, rows=rows).to_json()]
    server.feed = [record()]
    client = make_client()
    client.sync()
    household = said(sealed(client, visit(client, **{"h/rw": "002"})), "h")
    assert {name: household[name]["evidence"] for name in ("address", "rt", "rw")} == {"address": 1, "rt": 1, "rw": 1}


def test_many_answers_at_once_are_all_saved_or_none(client):
    draft = visit(client)
    client.answer_all(draft, {"h/rt": "008", f"p/{IBU}/nik": {"state": "unknown"}})
    with pytest.raises(AnswerProblem):
        client.answer_all(draft, {"h/rw": "009", "h/tidak_ada": "1"})
    assert "h/rw" not in draft.answers
    again = client.draft(draft.id)
    assert again.answers["h/rt"]["value"] == "008"
    assert again.answers[f"p/{IBU}/nik"] == {"state": "unknown"}
    assert "h/rw" not in again.answers


def test_an_erased_person_leaves_the_tablet_and_the_hashes_still_hold(client, server):
    client.seal(visit(client, **{f"p/{IBU}/nik_status": "1"}))
    client.sync()
    draft = visit(client, **{f"p/{IBU}/nik": "1903014102900004"})
    server.feed += [record(data={"household": {}, "persons": []}), {"kind": "erased", "persons": [IBU], "refs": []}]
    client.sync()
    (event,) = client.sealed_events()
    assert hash_matches(event.envelope)
    assert {part["name"]: "assertions" in part for part in event.envelope["parts"]} == {"h": True, f"p/{IBU}": False}
    assert client.draft(draft.id).persons == []
    client.close()
    files = b"".join(path.read_bytes() for path in client.home.glob("tablet.db*"))
    assert b"1903014102900001" not in files
    assert b"1903014102900004" not in files
