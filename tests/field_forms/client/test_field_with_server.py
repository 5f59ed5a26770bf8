"""The client against the real server, in one process: what one writes the other reads."""

from __future__ import annotations

import json
import random
import shutil

import pytest
from field_stand_in import Faults, TestClock

from field_forms.built import built_forms
from field_forms.client import FieldClient, Response
from field_forms.client.opening import OpeningProblem
from server.app import create_app
from server.auth.keys import load_keys
from server.flows.desk import Desk
from server.flows.fold import fold_all
from server.flows.people import add_officer, add_staff, issue_code, revoke
from server.flows.review import assign, return_to_officer
from server.settings import load_settings
from server.store import forms, staff
from server.store.migrations import open_store

VILLAGE = "19.03.01.1001"


class InProcess:
    """A transport into a Flask app."""

    def __init__(self, app) -> None:
        self._client = app.test_client()

    def send(self, request, on_bytes=None):
        answer = self._client.open(
            request.path, method=request.method, headers=dict(request.headers), data=request.body or None
        )
        return Response(answer.status_code, {k.lower(): v for k, v in answer.headers}, answer.data)


class Campaign:
    """A server with the two forms, one officer and one supervisor, and the officer's tablet."""

    def __init__(self, tmp_path) -> None:
        self.clock = TestClock()
        self.store = open_store(tmp_path / "padan.db")
        self.settings = load_settings({}, tmp_path)
        self.keys = load_keys(self.store.db, self.clock.now_ms())
        self.app = create_app(self.store, self.settings, clock=self.clock)
        for form in built_forms():
            content = json.dumps(form.definition.to_json()).encode()
            version = (form.definition.id, form.definition.version, form.definition.hash)
            forms.add_form(self.store.db, *version, content, xform=form.xform.encode(), now_ms=1, published_by="t")
        add_officer(self.store.db, "psm-siti", "Siti", [VILLAGE], 1)
        add_staff(self.store.db, "pengawas", "Pengawas", "supervisor", ["19.03"], 1)
        self.home = tmp_path
        self.line = Faults(InProcess(self.app))

    def tablet(self, name: str, seed: int) -> FieldClient:
        client = FieldClient(self.home / name, self.line, self.clock, random.Random(seed), attempts_max=3)
        code = issue_code(self.store.db, "psm-siti", bytes([seed] * 32), by="t", now_ms=self.clock.now_ms())
        client.enrol(code)
        assert client.sync().complete
        return client

    def fold(self) -> None:
        assert fold_all(self.store.db, self.keys, self.clock.now_ms()).failed == 0

    def desk(self) -> Desk:
        person = staff.staff_of(self.store.db, "pengawas")
        return Desk(self.store, self.keys, self.clock, random.Random(5).randbytes, person)


@pytest.fixture
def campaign(tmp_path):
    found = Campaign(tmp_path)
    yield found
    found.store.close()


def fill_in(client, draft, member: str | None = None) -> str:
    """An incomplete visit with one member; the member's key."""
    key = member or client.add_member(draft)
    answers = {
        "visit_outcome": "02", "outcome_note": "kartu belum lengkap", "notice_ack": "1", "resp_name": "Rusli",
        "resp_relation": "1", "address": "Dusun I", "rt": "003", "rw": "001",
    }  # fmt: skip
    client.answer_all(draft, {f"h/{name}": value for name, value in answers.items()})
    person = {"m_name": "Rusli", "presence": "1", "nik_status": "1", "nik": "1903010405800001"}
    client.answer_all(draft, {f"p/{key}/{name}": value for name, value in person.items()})
    return key


def test_a_form_goes_up_comes_back_returned_and_is_corrected(campaign):
    client = campaign.tablet("siti", 1)
    assert {form.id for form in client.forms()} == {"verifikasi_keluarga", "perubahan"}
    draft = client.open_draft(None, area=VILLAGE)
    key = fill_in(client, draft)
    ref = client.seal(draft)
    result = client.sync()
    assert result.complete, result.stopped
    assert result.statuses == {"stored": 1}
    campaign.fold()
    desk = campaign.desk()
    assign(desk, draft.household_id, ["psm-siti"])
    campaign.fold()
    return_to_officer(desk, draft.household_id, {f"p/{key}/nik": "buram"}, note="cek KTP", due="2026-12-01")
    campaign.fold()
    assert client.sync().complete
    (returned,) = client.returned()
    assert returned.comments == {f"p/{key}/nik": "buram"}
    assert (returned.note, returned.due) == ("cek KTP", "2026-12-01")
    again = client.open_correction(ref)
    assert len(again.context) == 3
    assert again.prefill[f"p/{key}/m_name"]["value"] == "Rusli"
    fill_in(client, again, key)
    again.answer(f"p/{key}/nik", "1903010405800002")
    client.seal(again)
    assert client.returned() == []
    assert client.sync().statuses == {"stored": 1}
    campaign.fold()
    assert client.sync().complete
    known = client.household(draft.household_id)
    assert known.data["persons"][0]["fields"]["nik"]["value"] == "1903010405800002"
    assert known.data["conflicts"] == []
    assert client.held() == []


@pytest.mark.parametrize("seed", range(6))
def test_a_bad_line_to_the_real_server_loses_and_doubles_nothing(campaign, seed):
    client = campaign.tablet("siti", 1)
    refs = set()
    for _ in range(12):
        draft = client.open_draft(None, area=VILLAGE)
        fill_in(client, draft)
        refs.add(client.seal(draft))
    chance = random.Random(seed)
    for _ in range(4):
        campaign.line.plan = [chance.choice(["ok", "cut", "lost", "twice"]) for _ in range(6)]
        client.sync()
    campaign.line.plan = []
    assert client.sync().complete
    rows = campaign.store.db.all("select ref, kind from log where kind = 'submission'")
    assert sorted(row["ref"] for row in rows) == sorted(refs)
    assert client.status().received == 12


def test_changes_are_taken_and_folded(campaign):
    client = campaign.tablet("siti", 1)
    draft = client.open_draft(None, area=VILLAGE)
    key = fill_in(client, draft)
    client.seal(draft)
    client.sync()
    campaign.fold()
    assign(campaign.desk(), draft.household_id, ["psm-siti"])
    campaign.fold()
    client.sync()
    death = client.open_change(draft.household_id, "death", persons=[key])
    answers = {"event_date": "2026-11-10", "death_cause": "1", "reporter": "RT 003"}
    client.answer_all(death, {f"e/{name}": value for name, value in answers.items()})
    client.seal(death)
    assert client.sync().statuses == {"stored": 1}
    campaign.fold()
    client.sync()
    fields = client.household(draft.household_id).data["persons"][0]["fields"]
    assert fields["presence"]["value"] == "2"
    assert fields["death_date"]["value"] == "2026-11-10"


def test_a_form_outside_the_area_is_held_and_told_in_words(campaign):
    client = campaign.tablet("siti", 1)
    draft = client.open_draft(None, area="19.03.02.2001")
    fill_in(client, draft)
    client.seal(draft)
    assert client.sync().statuses == {"held": 1}
    (held,) = client.held()
    assert held.reasons == ("out_of_area",)
    assert "Di luar wilayah" in held.words


def test_a_revoked_tablet_deposits_and_an_unassigned_family_stays_closed(campaign):
    client = campaign.tablet("siti", 1)
    other = campaign.tablet("siti-2", 2)
    draft = other.open_draft(None, area=VILLAGE)
    fill_in(other, draft)
    other.seal(draft)
    other.sync()
    campaign.fold()
    client.sync()
    with pytest.raises(OpeningProblem, match="pengawas"):
        client.open_draft(draft.household_id)
    assert other.open_draft(draft.household_id).persons == draft.persons
    mine = client.open_draft(None, area=VILLAGE)
    fill_in(client, mine)
    ref = client.seal(mine)
    revoke(campaign.store.db, client.store.setting("install"), "hilang", campaign.clock.now_ms())
    result = client.sync()
    assert result.deposited == 1, result.stopped
    rows = campaign.store.db.all("select ref from log where kind = 'submission'")
    assert ref in {row["ref"] for row in rows}
    assert client.held()[0].reasons == ("revoked",)
    assert client.sync().deposited == 0


def test_two_copies_of_a_tablet_come_apart_when_they_enrol_again(campaign):
    first = campaign.tablet("siti", 1)
    first.close()
    shutil.copytree(campaign.home / "siti", campaign.home / "salinan")
    both = [
        FieldClient(campaign.home / name, campaign.line, campaign.clock, random.Random(at), attempts_max=3)
        for at, name in enumerate(("siti", "salinan"))
    ]
    for client in both:
        draft = client.open_draft(None, area=VILLAGE)
        fill_in(client, draft)
        client.seal(draft)
    assert [client.sync().fork for client in both] == [False, True]
    both[1].enrol(issue_code(campaign.store.db, "psm-siti", bytes([7] * 32), by="t", now_ms=campaign.clock.now_ms()))
    assert all(client.sync().complete for client in both)
    assert len({client.store.setting("install") for client in both}) == 2
    assert len(campaign.store.db.all("select ref from log where kind = 'submission'")) == 2


def test_two_copies_with_nothing_to_send_do_not_lock_each_other_out_for_ever(campaign):
    campaign.tablet("siti", 1).close()
    shutil.copytree(campaign.home / "siti", campaign.home / "salinan")
    both = [
        FieldClient(campaign.home / name, campaign.line, campaign.clock, random.Random(at), attempts_max=3)
        for at, name in enumerate(("siti", "salinan"))
    ]
    for seed in range(20, 23):
        for at, client in enumerate(both):
            if not client.sync().complete or seed == 20:
                code = bytes([seed * 2 + at] * 32)
                client.enrol(issue_code(campaign.store.db, "psm-siti", code, by="t", now_ms=campaign.clock.now_ms()))
    assert all(client.sync().complete for client in both)
    assert all(client.sync().complete for client in both)
