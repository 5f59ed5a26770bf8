"""Nobody who was erased comes back: not by a backup, a tablet, a deposit, an old form, a kill. Whoever is listed or
visited anew does."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from erasure_world import LISTED, NAME, NIK, OTHER, Erasing
from server_world import REGION, World

from schemas.event import ref_of
from schemas.json_text import read_item
from schemas.sealing import deposit_content, seal_box
from schemas.signing import public_key
from server.auth.callers import Caller
from server.flows import erasure
from server.flows.deposits import deposit
from server.flows.erasure_ledger import LEDGER_FILE, LedgerUnreadable, read_ledger
from server.flows.have import have
from server.flows.push import push
from server.store import deposits, devices, erasures, events, unreadable
from server.store.copying import copy_all
from server.store.identity import begin_epoch
from server.store.migrations import open_store
from sync.intake import sealed_from

INSTALL, KEY = "bbbbbbbb-0000-4000-8000-000000000003", b"t" * 32


@pytest.fixture
def erasing(world: Any, tmp_path: Path) -> Erasing:
    """A family as listed and visited."""
    made = Erasing(world, tmp_path)
    made.family()
    return made


Copy = Callable[[], Erasing]


@pytest.fixture
def copied(erasing: Erasing, new_address: Callable[[], str], tmp_path: Path) -> Iterator[Copy]:
    """`copied()`: a server on a copy of the database as it is now, in a folder of its own; a new epoch."""
    stores = []

    def copy() -> Erasing:
        address = new_address()
        store = open_store(address)
        stores.append(store)
        copy_all(erasing.db, store.db)
        other = Erasing.__new__(Erasing)
        other.__dict__ |= erasing.__dict__
        other.home = tmp_path / "other"
        other.home.mkdir()
        other.ledger = other.home / LEDGER_FILE
        other.world = World(store, home=other.home)
        other.world.now_ms = erasing.world.now_ms + 1000
        begin_epoch(store.db, other.world.now_ms, "restore")
        return other

    yield copy
    for store in stores:
        store.close()


def replayed(old: Erasing, erasing: Erasing) -> erasure.Replayed:
    """The ledger of the one replayed on the other."""
    shutil.copy(erasing.ledger, old.ledger)
    return erasure.replay(old.db, old.world.keys, old.ledger, old.world.now_ms)


def test_a_backup_from_before_does_not_bring_the_person_back(erasing: Erasing, copied: Copy) -> None:
    old = copied()
    done = erasing.erase()
    assert old.traces()
    again = replayed(old, erasing)
    assert (again.applied, again.known, again.unreadable) == ((done.ref,), 0, ())
    assert old.traces() == []
    assert old.data()["persons"] == erasing.data()["persons"]
    assert old.data()["household"] == erasing.data()["household"]
    old.healthy()
    again = erasure.replay(old.db, old.world.keys, old.ledger, old.world.now_ms)
    assert (again.applied, again.known) == ((), 1)


def test_a_tablet_that_offers_the_event_to_a_restored_server_brings_the_others_back_alone(
    erasing: Erasing, copied: Copy
) -> None:
    old = copied()
    sent = erasing.visit({"address": "Jl. Melati 9", "head_name": NAME, "remark": "kebun luas sekali"})
    erasing.world.fold()
    erasing.erase()
    replayed(old, erasing)
    assert have(old.db, [sent["payload_hash"]]).missing == (sent["payload_hash"],)
    (answer,) = old.world.push(sent)
    assert (answer.status, "erased" in answer.detail) == ("stored", True)
    old.world.fold()
    data = old.data()
    assert data["household"]["address"] == {"value": "Jl. Melati 9"}
    assert data["household"]["remark"]["values"] == ["kebun luas sekali"]
    assert [person["key"] for person in data["persons"]] == [erasing.other]
    assert data["household"] == erasing.data()["household"]
    assert old.traces() == []
    old.healthy()


def test_a_tablet_that_keeps_the_hash_alone_can_still_give_back_the_rest(erasing: Erasing, copied: Copy) -> None:
    old = copied()
    sent = erasing.visit({"address": "Jl. Melati 9"})
    erasing.erase()
    replayed(old, erasing)
    kept = {**erasing.envelope(ref_of(sent["payload_hash"])), "transport": {"seq": 7}}
    assert sum("hash" in part for part in kept["parts"]) == 2
    (answer,) = old.world.push(kept)
    assert answer.status == "stored"
    old.world.fold()
    assert old.data()["household"]["address"] == {"value": "Jl. Melati 9"}
    # A part that nobody erased is not believed by its hash alone.
    bare = old.sealed({"address": "Jl. Baru"})
    bare["parts"] = [{"name": part.name, "hash": part.hash} for part in sealed_from(bare).parts]
    assert old.world.push(bare)[0].reasons == ("bad_envelope",)


def test_the_same_event_again_changes_nothing(erasing: Erasing) -> None:
    sent = erasing.visit({"address": "Jl. Melati 9"})
    erasing.world.fold()
    erasing.erase()
    signed = erasing.world.keys.signed({name: sent[name] for name in ("head", "parts", "payload_hash")})
    for again in (sent, signed):
        assert erasing.world.push(again)[0].status == "duplicate"
    erasing.world.fold()
    assert [person["key"] for person in erasing.data()["persons"]] == [erasing.other]
    assert erasing.traces() == []


def test_a_form_sealed_on_another_tablet_before_it_heard_of_the_erasure(erasing: Erasing) -> None:
    erasing.world.enrol("tablet-2", "petugas2", "19.03.01.1001")
    kept = erasing.sealed(
        {"address": "Jl. Kenanga 3", "resp_name": "Maryamah", "remark": "Zubaidah kerja di kebun"},
        install="tablet-2",
        actor="petugas2",
    )
    erasing.erase()
    (answer,) = erasing.world.push(kept, install="tablet-2")
    assert answer.status == "stored"
    assert "hash" in answer.detail
    erasing.world.fold()
    data = erasing.data()
    assert data["household"]["address"] == {"value": "Jl. Kenanga 3"}
    assert data["household"]["resp_name"] == {"state": "cleared"}
    assert [person["key"] for person in data["persons"]] == [erasing.other]
    assert erasing.traces() == []
    assert {part.ref for part in erasures.late_parts(erasing.db)} == {kept["payload_hash"][:32]}
    erasing.healthy()
    (again,) = erasing.world.push(kept, install="tablet-2")
    assert again.status == "duplicate"


def test_an_old_form_without_the_person_is_listed_for_people_to_read(erasing: Erasing) -> None:
    kept = erasing.sealed({"remark": "Zubaidah tidak di rumah"}, {})
    erasing.erase()
    erasing.world.push(kept)
    erasing.world.fold()
    assert [(part.ref, part.part) for part in erasures.late_parts(erasing.db)] == [(kept["payload_hash"][:32], "h")]
    assert erasures.count_late(erasing.db) == 1
    erasing.healthy()


def test_an_old_change_about_the_person_keeps_its_hash_alone(erasing: Erasing) -> None:
    from schemas.event import Assertion, Part, seal

    said = {"subject_name": Assertion(NAME), "subject_nik": Assertion(NIK)}
    late = seal(
        id=erasing.world.uuid(),
        kind="change",
        household_id=erasing.house,
        home_region=REGION,
        actor="petugas1",
        area="19.03.01.1001",
        parts=[Part("e", said)],
        salts={"e": "a" * 32},
        context=erasing.context(),
        body={"type": "death", "person": erasing.key},
    )
    erasing.erase()
    erasing.world.push({**late, "transport": {"install": "tablet-1"}})
    erasing.world.fold()
    assert erasing.data()["changes"][-1]["fields"] == {}
    assert erasing.traces() == []
    erasing.healthy()


def test_a_form_opened_on_the_record_with_the_erasure_says_something_new(erasing: Erasing) -> None:
    erasing.erase()
    fresh = erasing.visit({"address": "Jl. Mawar 5", "head_name": NAME})
    erasing.world.fold()
    assert {person["key"] for person in erasing.data()["persons"]} == {erasing.key, erasing.other}
    assert have(erasing.db, [fresh["payload_hash"]]).erased == ()
    erasing.healthy()
    erasing.erase()
    assert [person["key"] for person in erasing.data()["persons"]] == [erasing.other]
    assert erasing.traces() == []


def test_a_new_list_brings_the_person_anew_and_the_old_one_does_not(erasing: Erasing) -> None:
    listed = [e for e in events.filed_under(erasing.db, REGION, erasing.house) if e.kind == "prelist"]
    old = listed[0].envelope()
    erasing.erase()
    from server.flows.append import append_own

    again = append_own(erasing.db, [old], erasing.world.keys, erasing.world.now_ms)
    assert [one.fresh for one in again] == [False]
    erasing.world.fold()
    assert [person["key"] for person in erasing.data()["persons"]] == [erasing.other]
    erasing.server_event(
        "prelist",
        {"head_name": NAME},
        {erasing.key: {"m_name": NAME, "nik": NIK}},
        body=LISTED | {"vintage": "2027-1", "predecessor": "2026-1"},
        context={old["payload_hash"][:32]: erasing.house},
    )
    erasing.world.fold()
    assert {person["key"] for person in erasing.data()["persons"]} == {erasing.key, erasing.other}
    erasing.healthy()
    # An erasure is replayed on what it was about, not on what came on a new basis.
    assert erasure.replay(erasing.db, erasing.world.keys, erasing.ledger, erasing.world.now_ms).applied == ()
    assert len(erasing.data()["persons"]) == 2


def test_boxes_and_bytes_that_hold_the_person_are_emptied_and_stay_so(erasing: Erasing) -> None:
    world = erasing.world
    world.enrol(INSTALL, "petugas3", "19.03.01.1001", public_key=_base64(public_key(KEY)))
    boxed = erasing.sealed({"address": "Jl. Kotak"}, install=INSTALL, actor="petugas3")
    box, other = _box(world, [boxed]), _box(world, [world.sealed(world.uuid(), {"address": "Jl. Lain"})])
    caller = Caller("deposit", "petugas3", (), devices.install_of(world.db, INSTALL))
    for each in (box, other):
        assert deposit(world.db, world.keys, caller, each, world.now_ms).opened
    broken = {"head": {"id": "x"}, "parts": [{"name": f"p/{erasing.key}", "m_name": NAME}]}
    named = {"note": f"{NAME} lahir di sini"}
    harmless = {"note": "tidak ada apa-apa"}
    world.push(broken, named, harmless, b"{ bukan JSON " + NIK.encode())
    world.fold()
    done = erasing.erase()
    assert done.kept == 4
    assert erasing.traces() == []
    sizes = [row["n"] for row in world.db.all("select length(box) as n from deposits order by n")]
    assert (sizes[0], sizes[1] > 0) == (0, True)
    assert sorted(item.size > 0 for item in unreadable.open_items(world.db)) == [False, False, False, True]
    # The same again, and a new box with the same form.
    world.push(broken, named)
    for each in (box, _box(world, [boxed], b"2")):
        assert deposit(world.db, world.keys, caller, each, world.now_ms).answers[0].status in ("duplicate", "stored")
    world.fold()
    world.db.rewrite()
    assert [length for length in (len(raw) for _, raw in deposits.boxes(world.db)) if length] == [sizes[1]]
    assert erasing.traces() == []
    assert [person["key"] for person in erasing.data()["persons"]] == [erasing.other]


def test_bytes_that_were_emptied_are_known_on_a_restored_server_too(erasing: Erasing, copied: Copy) -> None:
    old = copied()
    named = json.dumps({"note": f"{NAME} lahir di sini"}).encode()
    erasing.world.push(named)
    erasing.erase()
    replayed(old, erasing)
    (answer,) = push(old.db, old.world.sender(), [read_item(named)], old.world.keys, old.world.now_ms)
    assert answer.status == "held"
    assert [item.size for item in unreadable.open_items(old.db)] == [0]


@pytest.mark.parametrize("step", ["ledger", "apply", "rewrite", "finished"])
def test_cut_off_at_any_step_it_is_finished_later(
    erasing: Erasing, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    class Cut(Exception):
        pass

    def cut(*_: Any, **__: Any) -> Any:
        raise Cut

    name = {"ledger": "write_entry", "apply": "fold_now", "rewrite": "_rewrite", "finished": "write_finished"}[step]
    with monkeypatch.context() as patched, pytest.raises(Cut):
        patched.setattr(erasure, name, cut)
        erasing.erase()
    begun = step != "ledger"
    assert len(read_ledger(erasing.ledger, erasing.world.keys.public_keys).unfinished) == int(begun)
    if not begun:
        assert len(erasing.data()["persons"]) == 2
        erasing.erase()
    late = erasing.sealed({"address": "Jl. Sela 2"}, context={}) if step == "apply" else None
    if late is not None:
        erasing.world.push(late)  # while the machine was off in between, a tablet was served by another process
        erasing.world.fold()
    erasure.finish(erasing.db, erasing.world.keys, erasing.ledger, erasing.world.now_ms)
    assert read_ledger(erasing.ledger, erasing.world.keys.public_keys).unfinished == ()
    assert [person["key"] for person in erasing.data()["persons"]] == [erasing.other]
    assert erasing.data()["persons"][0]["fields"]["m_name"] == {"value": OTHER}
    assert events.count(erasing.db, "erasure") == 1
    if late is None:
        assert erasing.traces() == []
    erasing.healthy()


def test_the_ledger_names_nobody_and_is_signed(erasing: Erasing) -> None:
    erasing.erase()
    raw = erasing.ledger.read_bytes()
    assert erasing.traces() == []
    assert erasing.ledger.stat().st_mode & 0o077 == 0
    lines = raw.splitlines()
    assert len(lines) == 2
    outer = json.loads(lines[0])
    body = json.loads(outer["body"])
    body["parts"].append([REGION, "0" * 32, "h", None])
    forged = json.dumps({**outer, "body": json.dumps(body)}).encode()
    erasing.ledger.write_bytes(forged + b"\n")
    with pytest.raises(LedgerUnreadable, match="baris 1"):
        erasure.replay(erasing.db, erasing.world.keys, erasing.ledger, erasing.world.now_ms)


def test_a_line_that_was_cut_off_is_told_and_the_next_one_stands_by_itself(erasing: Erasing) -> None:
    erasing.ledger.write_bytes(b'{"body": "{\\"v\\":1, \\"ref')
    erasing.erase()
    found = read_ledger(erasing.ledger, erasing.world.keys.public_keys)
    assert (len(found.entries), found.unreadable, found.unfinished) == (1, (1,), ())


def test_a_ledger_that_cannot_be_written_stops_before_anything_is_emptied(erasing: Erasing) -> None:
    erasing.ledger.mkdir()
    with pytest.raises(LedgerUnreadable, match="Tidak ada yang dihapus"):
        erasing.erase()
    assert len(erasing.data()["persons"]) == 2
    assert not erasures.anything(erasing.db)


def test_photos_of_the_person_are_forgotten_and_known(erasing: Erasing) -> None:
    def photo(mark: str) -> dict[str, Any]:
        return {"sha256": mark * 64, "bytes": 9, "mime": "image/jpeg"}

    attachments = {
        f"p/{erasing.key}/photo": photo("a"),
        f"p/{erasing.other}/photo": photo("b"),
        "h/photo_kk": photo("c"),
    }
    ref = erasing.visit({"photo_kk": "kk.jpg"}, attachments=attachments)["payload_hash"][:32]
    erasing.visit({"photo_kk": "rumah.jpg"}, {}, attachments={"h/photo_kk": photo("d")})
    erasing.erase(end=False)
    told: list[Any] = []

    def forget(names: Any) -> int:
        told.extend(names)
        return len(names)

    keys, ledger = erasing.world.keys, erasing.ledger
    assert erasure.finish(erasing.db, keys, ledger, erasing.world.now_ms, forget=forget).files == 2
    gone = [("a" * 64, ref, f"p/{erasing.key}/photo"), ("c" * 64, ref, "h/photo_kk")]
    assert told == gone
    asked = [*gone, ("b" * 64, ref, f"p/{erasing.other}/photo"), ("c" * 64, "0" * 32, "h/photo_kk")]
    assert erasures.files_among(erasing.db, asked) == set(gone)


def _base64(raw: bytes) -> str:
    import base64

    return base64.b64encode(raw).decode()


def _box(world: Any, items: list[Any], seed: bytes = b"1") -> Any:
    body = json.dumps({"items": items}, separators=(",", ":"))
    content = deposit_content(INSTALL, body, KEY)
    from server.store import keys as stored

    sealing = stored.present_key(world.db, stored.SEALING)
    return seal_box(content, sealing.public, seed * 32)
