"""A form changes while tablets are out: drafts stay as they were begun, or are carried over with what is lost told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from field_small_form import HOUSEHOLD, IBU, record, small_form

from field_forms.client.opening import OpeningProblem
from field_forms.client.transport import Unreachable
from schemas.envelope import hash_matches
from schemas.form import Choice, FormDefinition

FIRST = small_form()
NEEDS = (Choice("none", "", ""), Choice("crutch", "", "", aliases=("walker",)))


def second_form(version: str = "2", gone: tuple[str, ...] = ("phone",)) -> FormDefinition:
    """`address` is called `alamat`; `phone` is asked no more; of the aids one has another code, one is gone; `rt` is a
    number."""
    changes = {
        "address": {"name": "alamat", "aliases": ("address",)},
        "needs": {"choices": NEEDS},
        "rt": {"name": "rt_no", "type": "integer", "aliases": ("rt",), "upcast": (("rt", "number"),), "constraint": ""},
    }
    rows = []
    for row in FIRST.rows:
        if row.name in gone:
            continue
        if row.name in changes and row.field is not None:
            field = replace(row.field, **changes[row.name])
            row = replace(row, name=field.name, type=field.type, field=field)
        rows.append(row)
    return replace(FIRST, version=version, rows=tuple(rows), choices=dict(FIRST.choices) | {"aid": NEEDS})


@pytest.fixture
def client(server, make_client):
    server.forms = [FIRST.to_json()]
    server.feed = [record()]
    client = make_client()
    assert client.sync().complete
    return client


def begun(client):
    draft = client.open_draft(HOUSEHOLD)
    said = {"h/visit_outcome": "01", "h/address": "Jl. Baru", "h/rt": "005", "h/phone": "0811",
            f"p/{IBU}/needs": ["walker"], f"p/{IBU}/name": "Siti Aminah"}  # fmt: skip
    client.answer_all(draft, said)
    return draft


def published(client, server, form: FormDefinition) -> None:
    server.forms.append(form.to_json())
    assert client.sync().complete


def test_a_draft_stays_on_its_version_and_new_ones_open_with_the_new(client, server):
    draft = begun(client)
    published(client, server, second_form())
    assert client.draft(draft.id).form.version == "1"
    new = client.open_draft(HOUSEHOLD)
    assert new.form.version == "2"
    assert new.prefill["h/alamat"] == {"value": "Jl. Lama"}
    assert new.prefill["h/rt_no"] == {"value": 4}
    assert "h/phone" not in new.prefill
    event = client.store.sealed(client.seal(client.draft(draft.id)))
    assert event.envelope["head"]["form"] == {"id": FIRST.id, "version": "1", "hash": FIRST.hash}
    assert client.sync().statuses == {"stored": 1}


def test_carrying_over_says_first_what_is_lost_and_changes_nothing_by_looking(client, server):
    draft = begun(client)
    draft.answer(f"p/{IBU}/needs", ["stick"])
    draft.answer("h/rt", "belum tahu")
    published(client, server, second_form())
    before = client.drafts.all()
    look = client.carrying_over(draft)
    assert client.drafts.all() == before
    assert (look.old_version, look.new_version) == ("1", "2")
    assert {each.path: (each.answer, each.reason) for each in look.lost} == {
        "h/phone": ("0811", "tidak ditanyakan lagi"),
        "h/rt": ("belum tahu", "tidak terbaca sebagai jawaban pertanyaan yang baru"),
        f"p/{IBU}/needs": ("stick", "pilihan ini tidak ditawarkan lagi"),
    }


def test_what_is_carried_over_is_in_the_new_words_and_what_is_lost_is_kept_beside(client, server):
    draft = begun(client)
    published(client, server, second_form())
    carried, done = client.carry_over(draft)
    again = client.draft(draft.id)
    assert (again.form.version, again.id, again.context) == ("2", draft.id, draft.context)
    assert again.answers == carried.answers == done.answers
    del carried.answers["h/visit_date"]  # the app's own
    assert {path: each["value"] for path, each in carried.answers.items()} == {
        "h/visit_outcome": "01", "h/alamat": "Jl. Baru", "h/rt_no": 5, f"p/{IBU}/needs": ["crutch"],
        f"p/{IBU}/name": "Siti Aminah",
    }  # fmt: skip
    assert again.fixed["left_behind"] == [{"path": "h/phone", "answer": {"value": "0811"}, "version": "1"}]
    event = client.store.sealed(client.seal(again))
    assert event.envelope["head"]["form"]["version"] == "2"
    assert hash_matches(event.envelope)
    with pytest.raises(OpeningProblem):
        client.draft(draft.id)


def test_two_questions_that_became_one_leave_the_choice_to_the_officer(client, server):
    draft = client.open_draft(HOUSEHOLD)
    client.answer_all(draft, {"h/visit_outcome": "01", "h/address": "Jl. Baru", "h/phone": "0811"})
    form = second_form()
    rows = [
        replace(row, field=replace(row.field, aliases=("address", "phone"))) if row.name == "alamat" else row
        for row in form.rows
    ]
    published(client, server, replace(form, rows=tuple(rows)))
    look = client.carrying_over(draft)
    assert look.answers["h/alamat"]["value"] == "Jl. Baru"
    assert [(each.path, each.answer) for each in look.lost] == [("h/phone", "0811")]


def test_a_draft_on_the_version_in_use_has_nowhere_to_be_carried(client):
    with pytest.raises(OpeningProblem, match="sudah pada versi"):
        client.carrying_over(begun(client))


def test_a_retired_version_opens_nothing_new_and_its_drafts_go_on_or_go_back(client, server):
    published(client, server, second_form())
    draft = client.open_draft(HOUSEHOLD)
    draft.answer("h/visit_outcome", "01")
    draft.answer("h/alamat", "Jl. Baru")
    server.forms[-1]["retired"] = True
    assert client.sync().complete
    assert client.open_draft(HOUSEHOLD).form.version == "1"
    assert client.draft(draft.id).form.version == "2"
    back, done = client.carry_over(client.draft(draft.id))
    assert (back.form.version, done.lost, back.answers["h/address"]["value"]) == ("1", (), "Jl. Baru")
    server.forms[-1].pop("retired")
    assert client.sync().complete
    assert client.open_draft(HOUSEHOLD).form.version == "2"


def test_the_office_is_told_which_versions_are_here_and_how_many_drafts_stand_on_each(client, server):
    begun(client)
    published(client, server, second_form())
    here = {(each["version"], each["drafts"]) for each in server.forms_told}
    assert here == {("1", 1), ("2", 0)}


def test_a_line_that_breaks_after_all_is_done_does_not_make_the_sync_fail(client, server, monkeypatch):
    hellos = []

    def only_once(*said):
        hellos.append(said)
        if len(hellos) > 1:
            raise Unreachable("cut")
        return answered(*said)

    answered = server.on_hello
    monkeypatch.setattr(server, "on_hello", only_once)
    server.forms.append(second_form().to_json())
    result = client.sync()
    assert (result.new_forms, result.complete, result.stopped) == (1, True, "")
    assert len(hellos) > 1


@pytest.mark.parametrize(("phone", "stays"), [("0811", ["h/phone"]), ("0811 punya Siti Aminah", [])])
def test_an_erased_person_leaves_what_was_left_behind_too(client, server, phone, stays):
    draft = begun(client)
    draft.answer("h/phone", phone)
    draft.answer(f"p/{IBU}/needs", ["stick"])
    published(client, server, second_form())
    client.carry_over(draft)
    assert any(each["path"].startswith(f"p/{IBU}") for each in client.draft(draft.id).fixed["left_behind"])
    server.feed += [record(data={"household": {}, "persons": []}), {"kind": "erased", "persons": [IBU], "refs": []}]
    client.sync()
    left = client.draft(draft.id).fixed["left_behind"]
    assert [each["path"] for each in left] == stays


def test_a_photo_that_was_left_behind_stays_on_the_tablet_until_its_draft_is_gone(client, server, tmp_path):
    draft = begun(client)
    (tmp_path / "rumah.jpg").write_bytes(b"\xff\xd8 rumah")
    client.attach(draft, "h/photo", tmp_path / "rumah.jpg")
    file = client.files.path(draft.answers["h/photo"]["file"]["sha256"])
    published(client, server, second_form(gone=("phone", "photo")))
    _, carried = client.carry_over(draft)
    assert "h/photo" in [each.path for each in carried.lost]
    assert client.sync().complete
    assert file.read_bytes() == b"\xff\xd8 rumah"
    client.discard(client.draft(draft.id))
    assert not file.exists()


@pytest.mark.parametrize("before", [True, False])
def test_a_crash_while_carrying_over_leaves_the_draft_whole_on_one_of_the_versions(server, make_client, before):
    from test_field_sync import Crash, CrashingConnection

    server.forms = [FIRST.to_json()]
    server.feed = [record()]
    client = make_client()
    client.sync()
    draft = begun(client)
    old = dict(draft.answers)
    published(client, server, second_form())
    new = dict(client.carrying_over(draft).answers)
    client.store.conn = crashing = CrashingConnection(client.store.conn, 1, before)
    with pytest.raises(Crash):
        client.carry_over(draft)
    crashing._conn.close()
    again = make_client(seed=9).draft(draft.id)
    assert (again.form.version, again.answers) == (("1", old) if before else ("2", new))
