"""With the forms that come with Padan: visits of every outcome, and change events, can be sealed offline."""

from __future__ import annotations

from typing import Any

import pytest
from field_stand_in import digest, uuid_of

from field_forms.built import built_definitions
from field_forms.client.opening import OpeningProblem
from field_forms.client.sealing_draft import NotSealed
from schemas.changes import ChangeProblem
from schemas.envelope import check_envelope, hash_matches

FAMILY = uuid_of("keluarga asli")
OTHER = uuid_of("keluarga lain")
AYAH, IBU = (f"{FAMILY}/{uuid_of(name)}" for name in ("ayah", "ibu asli"))


def item(household_id: str, members: dict[str, dict[str, Any]], ref: str) -> dict[str, Any]:
    """A feed item of a listed family."""
    household = {"village_code": "19.03.01.1001", "family_id": "P3KE-1", "prelist_mode": "1", "prelist_source": "p3ke",
                 "address": "Dusun I", "rt": "003", "rw": "001", "head_name": "Rusli"}  # fmt: skip
    return {
        "kind": "household", "household_id": household_id, "home_region": "19.03", "area": "19.03.01.1001",
        "level": "full", "events": [],
        "data": {
            "household": {name: {"value": value} for name, value in household.items()},
            "persons": [
                {"key": key, "keys": [key], "fields": {n: {"value": v} for n, v in fields.items()}}
                for key, fields in members.items()
            ],
        },
        "trail": {
            "refs": [{"ref": ref, "household_id": household_id, "kind": "prelist", "status": "live"}],
            "values": {f"p/{key}/nik": {"ref": ref, "actor": "import", "evidence": 0} for key in members},
        },
    }  # fmt: skip


MEMBERS = {
    AYAH: {"m_name": "Rusli", "sex": "1", "birth_date": "1980-05-04", "relation": "1", "nik": "1903010405800001"},
    IBU: {"m_name": "Rohani", "sex": "2", "birth_date": "1985-01-01", "relation": "2"},
}


@pytest.fixture
def client(server, make_client):
    server.forms = [form.to_json() for form in built_definitions()]
    server.feed = [item(FAMILY, MEMBERS, digest("list")[:32]), item(OTHER, {}, digest("list lain")[:32])]
    client = make_client()
    assert client.sync().complete
    return client


def put_down(draft, part: str, **answers: Any) -> None:
    for name, value in answers.items():
        draft.answer(f"{part}/{name}", value)


def sealed(client, draft) -> dict[str, Any]:
    envelope = client.store.sealed(client.seal(draft)).envelope
    check_envelope(envelope)
    assert hash_matches(envelope)
    return envelope


def parts(envelope) -> dict[str, dict[str, Any]]:
    return {
        part["name"]: {name: each.get("value", each.get("state")) for name, each in part["assertions"].items()}
        for part in envelope["parts"]
    }


@pytest.mark.parametrize(
    ("outcome", "rest"),
    [
        ("03", {"outcome_note": "tiga kali tidak ada", "revisit_date": "2026-12-24"}),
        ("04", {"outcome_note": "menolak didata"}),
        ("05", {"outcome_note": "pindah ke Jawa", "informant": "Ketua RT", "moved_scope": "5"}),
        ("09", {"outcome_note": "rumah sudah roboh"}),
    ],
)
def test_a_visit_that_met_nobody_can_be_sealed(client, outcome, rest):
    draft = client.open_draft(FAMILY)
    put_down(draft, "h", visit_outcome=outcome, **rest)
    said = parts(sealed(client, draft))
    assert said["h"]["visit_outcome"] == outcome
    assert set(said) == {"h"}
    assert said["h"]["visit_no"] == 1


def test_a_complete_visit_needs_what_the_form_requires_and_names_it(client):
    draft = client.open_draft(FAMILY)
    put_down(draft, "h", visit_outcome="01")
    with pytest.raises(NotSealed) as caught:
        client.seal(draft)
    missing = {each.path for each in caught.value.remarks}
    assert {"h/notice_ack", "h/house_tenure", f"p/{AYAH}/nik_status", f"p/{IBU}/presence"} <= missing
    assert "h/address" not in missing
    assert f"p/{AYAH}/m_name" not in missing


def test_an_incomplete_visit_takes_what_there_is(client):
    draft = client.open_draft(FAMILY)
    put_down(draft, "h", visit_outcome="02", outcome_note="ibu tidak di rumah", notice_ack="1")
    put_down(draft, "h", resp_name="Rusli", resp_relation="1")
    put_down(draft, f"p/{AYAH}", presence="1", nik_status="1")
    put_down(draft, f"p/{IBU}", presence="1", nik_status="3")
    said = parts(sealed(client, draft))
    assert said[f"p/{AYAH}"]["nik"] == "1903010405800001"
    assert said[f"p/{AYAH}"]["m_name"] == "Rusli"
    assert "nik" not in said[f"p/{IBU}"]
    assert "address" not in said["h"]


def test_a_person_without_nik_can_die(client):
    draft = client.open_change(FAMILY, "death", persons=[IBU])
    put_down(draft, "e", event_date="2026-11-10", death_cause="1", reporter="RT 003")
    envelope = sealed(client, draft)
    said = parts(envelope)
    assert envelope["head"]["kind"] == "change"
    assert envelope["head"]["body"] == {"type": "death", "person": IBU}
    assert said[f"p/{IBU}"] == {"presence": "2", "death_date": "2026-11-10"}
    assert said["e"]["death_cause"] == "1"
    assert client.open_draft(FAMILY).prefill[f"p/{IBU}/presence"]["value"] == "2"


def test_a_birth_brings_a_new_person_and_the_next_visit_shows_it(client):
    draft = client.open_change(FAMILY, "birth")
    put_down(draft, "e", event_date="2026-11-10", subject_name="Putri", subject_sex="2", subject_relation="3")
    put_down(draft, "e", reporter="bidan")
    envelope = sealed(client, draft)
    key = envelope["head"]["body"]["person"]
    assert key.startswith(FAMILY + "/")
    assert parts(envelope)[f"p/{key}"]["m_name"] == "Putri"
    assert client.open_draft(FAMILY).persons == [AYAH, IBU, key]


def test_a_split_makes_a_family_that_this_tablet_can_visit_at_once(client):
    draft = client.open_change(FAMILY, "split", persons=[IBU])
    put_down(draft, "e", event_date="2026-11-10", reporter="RT")
    envelope = sealed(client, draft)
    (new,) = [each["household_id"] for each in envelope["head"]["also"]]
    assert envelope["head"]["body"]["moves"] == [{"person": IBU, "to": new}]
    assert parts(envelope)[f"p/{IBU}"]["m_name"] == "Rohani"
    assert client.open_draft(FAMILY).persons == [AYAH]
    visit = client.open_draft(new)
    assert visit.persons == [IBU]
    assert visit.prefill[f"p/{IBU}/m_name"]["value"] == "Rohani"
    assert "h/address" not in visit.prefill


def test_somebody_listed_elsewhere_can_arrive(client):
    draft = client.open_change(OTHER, "move_in", persons=[AYAH], from_household=FAMILY)
    put_down(draft, "e", event_date="2026-11-10", reporter="RT")
    envelope = sealed(client, draft)
    head = envelope["head"]
    assert head["also"] == [{"household_id": FAMILY, "home_region": "19.03"}]
    assert {each["ref"] for each in head["context"]} == {digest("list")[:32], digest("list lain")[:32]}
    assert client.open_draft(OTHER).persons == [AYAH]
    assert client.open_draft(FAMILY).persons == [IBU]


def test_a_correction_names_the_event_it_corrects(client):
    draft = client.open_change(FAMILY, "correction", persons=[AYAH])
    put_down(draft, "e", event_date="2026-11-10", corr_field="nik", corr_value="1903010405800009", reporter="Rusli")
    (part,) = [each for each in sealed(client, draft)["parts"] if each["name"].startswith("p/")]
    assert part["assertions"]["nik"]["corrects"] == digest("list")[:32]
    assert part["assertions"]["nik"]["value"] == "1903010405800009"


def test_a_family_on_no_list_can_move_in(client):
    draft = client.open_change(None, "move_in", area="19.03.01.1001")
    put_down(draft, "e", event_date="2026-11-10", subject_name="Wayan", subject_sex="1", reporter="RT")
    put_down(draft, "e", subject_birth_date="1990-01-01", subject_relation="1")
    envelope = sealed(client, draft)
    assert envelope["head"]["home_region"] == "19.03"
    assert envelope["head"]["body"]["person"].startswith(envelope["head"]["household_id"])


def test_a_change_says_what_is_missing(client):
    with pytest.raises(OpeningProblem, match="bukan anggota"):
        client.open_change(OTHER, "death", persons=[AYAH])
    with pytest.raises(OpeningProblem, match="kawin"):
        client.open_change(OTHER, "kawin")
    draft = client.open_change(FAMILY, "death")
    put_down(draft, "e", event_date="2026-11-10", death_cause="1", reporter="RT")
    with pytest.raises(ChangeProblem):
        client.seal(draft)
    assert client.draft(draft.id).answers["e/death_cause"]["value"] == "1"
