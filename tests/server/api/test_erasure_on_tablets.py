"""Two tablets and a server that erases somebody: what each forgets, keeps, and can still give back."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from api_world import HOUSEHOLD, Api
from server_world import REGION, VILLAGE, World
from test_with_field_client import Line

from field_forms.client import FieldClient
from field_forms.client.pace import SystemClock
from schemas.envelope import hash_matches
from server.flows import erasure
from server.flows.erasure_plan import subject_of
from server.store import events, households
from server.store.copying import copy_all
from server.store.identity import begin_epoch
from server.store.migrations import open_store

NAME, NIK, OTHER = "Maryamah Zubaidah", "1903014107900001", "Sumardi"
GONE, STAYS = (f"{HOUSEHOLD}/{number}4444444-4444-4444-8444-444444444444" for number in "12")
ORDER = erasure.Order("admin", VILLAGE, "request", "Permintaan tertulis")


@pytest.fixture
def enrolled(api: Api, tmp_path: Path) -> Iterator[Callable[[str], FieldClient]]:
    """`enrolled("rini")`: the tablet of an officer who has the family."""
    made: list[FieldClient] = []

    def tablet(officer: str) -> FieldClient:
        line, home = Line(api), tmp_path / officer
        client = FieldClient(home, line, SystemClock(), random.Random(len(made)), attempts_max=2)
        client.enrol(api.code(officer))
        made.append(client)
        return client

    yield tablet
    for client in made:
        client.close()


@pytest.fixture
def tablets(api: Api, enrolled: Callable[[str], FieldClient]) -> tuple[FieldClient, FieldClient]:
    """Two tablets that have fetched the family, which stands on a list."""
    world, one, two = api.world, enrolled("rini"), enrolled("budi")
    persons = {GONE: {"m_name": NAME, "presence": "1"}, STAYS: {"m_name": OTHER, "presence": "1"}}
    listed = world.sealed(HOUSEHOLD, {"address": "Jl. Mawar"}, persons, kind="prelist", body=LISTED)
    del listed["transport"]
    from server.flows.append import append_own

    append_own(world.db, [listed], world.keys, world.now_ms)
    world.staff("assignment", HOUSEHOLD, {"officer": "rini", "with": ["budi"]}, area=VILLAGE)
    world.fold()
    for client in (one, two):
        assert client.fetch().complete
    return one, two


LISTED = {"source": "p3ke", "vintage": "1", "family_id": "F1"}


def erase(api: Api, ledger: Path) -> None:
    db, keys = api.world.db, api.world.keys
    subject, _ = subject_of(db, [(REGION, HOUSEHOLD)], [GONE])
    erasure.erase(db, keys, api.clock, subject, ORDER, ledger)
    erasure.finish(db, keys, ledger, api.clock.now_ms())


def filled(client: FieldClient, **answers: Any) -> str:
    draft = client.open_draft(HOUSEHOLD, "kecil")
    for path, value in answers.items():
        client.answer(draft, path, value)
    return client.seal(draft)


def visit(address: str) -> dict[str, Any]:
    return {"h/address": address, f"p/{GONE}/nik": NIK, f"p/{STAYS}/m_name": f"{OTHER} Hamdani"}


def files(client: FieldClient) -> bytes:
    """Everything in the tablet's folder, while it is open."""
    return b"".join(path.read_bytes() for path in Path(client.home).rglob("*") if path.is_file())


def test_a_tablet_forgets_the_person_in_forms_lists_and_drafts_and_keeps_the_rest(
    api: Api, tablets: tuple[FieldClient, FieldClient], tmp_path: Path
) -> None:
    one, two = tablets
    ref = filled(one, **visit("Jl. Melati 5"))
    assert one.sync().complete
    api.world.fold()
    assert two.sync().complete
    draft = two.open_draft(HOUSEHOLD, "kecil")
    two.answer_all(draft, {"h/assessment": f"menurut {NAME} layak", "h/address": "Jl. Kamboja", f"p/{GONE}/nik": NIK})
    assert all(NIK.encode() in files(client) for client in (one, two))
    erase(api, tmp_path / "erasures.jsonl")
    for client in (one, two):
        assert client.sync().complete
        for text in (b"Maryamah", NIK.encode()):
            raw = files(client)
            at = raw.find(text)
            assert at < 0, raw[max(0, at - 200) : at + 60]
    (kept,) = [each for each in one.sealed_events() if each.ref == ref]
    assert hash_matches(kept.envelope)
    held = {part["name"]: "assertions" in part for part in kept.envelope["parts"]}
    assert held == {"h": True, f"p/{GONE}": False, f"p/{STAYS}": True}
    again = two.draft(draft.id)
    assert again.persons == [STAYS]
    assert again.answers["h/address"] == {"value": "Jl. Kamboja"}
    assert "h/assessment" not in again.answers
    assert [person["key"] for person in two.household(HOUSEHOLD).data["persons"]] == [STAYS]


def test_a_form_from_before_arrives_without_the_person_and_the_tablet_forgets_too(
    api: Api, tablets: tuple[FieldClient, FieldClient], tmp_path: Path
) -> None:
    _, two = tablets
    ref = filled(two, **visit("Jl. Cempaka 7"))
    erase(api, tmp_path / "erasures.jsonl")
    result = two.sync()
    assert (result.complete, result.statuses) == (True, {"stored": 1})
    api.world.fold()
    assert two.sync().complete
    stored = households.load(api.world.db, HOUSEHOLD)
    assert b"Jl. Cempaka 7" in stored.data
    assert b"Maryamah" not in stored.data
    assert NIK.encode() not in files(two)
    (kept,) = [each for each in two.sealed_events() if each.ref == ref]
    assert hash_matches(kept.envelope)


def test_daily_the_server_is_asked_and_names_the_parts_to_forget(
    api: Api, tablets: tuple[FieldClient, FieldClient], tmp_path: Path
) -> None:
    one, _ = tablets
    ref = filled(one, **visit("Jl. Melati 5"))
    assert one.sync().complete
    erase(api, tmp_path / "erasures.jsonl")
    one.store.set(last_have_ms=0)
    one.store.save_tokens({"read": None})  # without the feed: the answer to `have` alone
    assert one.sync().complete
    (kept,) = [each for each in one.sealed_events() if each.ref == ref]
    assert kept.state == "received"
    assert {part["name"] for part in kept.envelope["parts"] if "assertions" in part} == {"h", f"p/{STAYS}"}


def test_after_a_restore_the_tablet_gives_back_the_others_answers(
    api: Api, tablets: tuple[FieldClient, FieldClient], tmp_path: Path, new_address: Callable[[], str]
) -> None:
    one, _ = tablets
    world = api.world
    backup = open_store(new_address())
    copy_all(world.db, backup.db)
    ref = filled(one, **visit("Jl. Melati 5"))
    assert one.sync().complete
    world.fold()
    ledger = tmp_path / "erasures.jsonl"
    erase(api, ledger)
    assert one.sync().complete
    begin_epoch(backup.db, world.now_ms, "restore")
    erasure.replay(backup.db, World.keys_of(backup), ledger, world.now_ms)
    restored = Api(World(backup, home=tmp_path))
    one.connect(Line(restored))  # the same address, another machine behind it
    result = one.sync()
    assert (result.complete, result.epoch_changed, result.statuses) == (True, True, {"stored": 1})
    assert events.by_ref(backup.db, REGION, ref) is not None
    restored.world.fold()
    data = households.load(backup.db, HOUSEHOLD).data
    assert b"Jl. Melati 5" in data and b"Maryamah" not in data and OTHER.encode() in data
    backup.close()
