"""What waits is folded, whatever happens in between; the derived tables are what the log says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from server.flows import fold as fold_flow
from server.flows.cluster import load_cluster
from server.flows.fold import drain, fold_all, fold_some, settle_niks
from server.store import cases, feed, fold_queue, households, niks, records

REGION, VILLAGE, ELSEWHERE = "19.03", "19.03.01.1001", "19.03.02.2001"
NIK = "1903014107900001"


def entries(world: Any, after: int = 0, scopes: tuple[str, ...] = (REGION,), officer: str | None = None) -> list[Any]:
    return feed.page(world.db, REGION, after, 1_000, scopes, officer)[0]


def test_the_stored_bytes_are_the_folds_own(world: Any) -> None:
    household = world.uuid()
    world.push(world.sealed(household, {"address": "Jl. Mawar"}))
    world.fold()
    record = households.load(world.db, household)
    data = json.loads(record.data)
    assert data["household"]["address"]["value"] == "Jl. Mawar"
    assert (record.state, record.data_digest) == (data["state"], data["data_digest"])
    assert json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() == record.data


def test_folding_again_changes_no_byte_and_no_feed_position(world: Any) -> None:
    household = world.uuid()
    world.push(world.sealed(household, {"address": "x"}))
    world.fold()
    before = households.load(world.db, household)
    with world.db.transaction():
        assert fold_queue.put_all(world.db, world.now_ms) == 1
    world.fold()
    assert households.load(world.db, household) == before


def test_an_event_that_arrives_during_a_fold_is_not_lost(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    household = world.uuid()
    world.push(world.sealed(household, {"address": "dulu"}))
    real = fold_flow.fold_cluster

    def while_folding(*args: Any) -> Any:
        monkeypatch.undo()
        world.push(world.sealed(household, {"assessment": "layak"}))
        return real(*args)

    monkeypatch.setattr(fold_flow, "fold_cluster", while_folding)
    assert fold_some(world.db, world.keys, world.now_ms).households == 0
    assert households.load(world.db, household) is None
    world.fold()
    assert b"layak" in households.load(world.db, household).data


def test_a_slow_folder_does_not_overwrite_a_newer_record(world: Any) -> None:
    household = world.uuid()
    world.push(world.sealed(household, {"address": "dulu"}))
    slow, targets = fold_flow._fold(world.db, (REGION, household), fold_flow.dictionaries.current(world.db), world.keys)
    world.push(world.sealed(household, {"assessment": "layak"}))
    world.fold()
    with world.db.transaction():
        assert fold_flow._write(world.db, slow, targets, world.now_ms) == 0
    assert b"layak" in households.load(world.db, household).data


def test_a_crash_before_the_commit_leaves_the_household_queued(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    household = world.uuid()
    world.push(world.sealed(household, {"address": "x"}))

    def dies(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fold_queue, "done", dies)
    with pytest.raises(KeyboardInterrupt):
        fold_some(world.db, world.keys, world.now_ms)
    monkeypatch.undo()
    assert (fold_queue.length(world.db), households.count(world.db)) == (1, 0)
    world.fold()
    assert households.count(world.db) == 1


def test_one_household_that_cannot_be_folded_does_not_stop_the_others(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = sorted(world.uuid() for _ in range(2))
    world.push(world.sealed(bad, {"address": "x"}), world.sealed(good, {"address": "y"}))
    real = fold_flow.fold_cluster
    monkeypatch.setattr(
        fold_flow, "fold_cluster", lambda cluster, *more: 1 / 0 if bad in cluster.ids else real(cluster, *more)
    )
    done = fold_all(world.db, world.keys, world.now_ms)
    assert (done.households, done.failed, done.waiting) == (1, 1, 1)
    (failure,) = fold_queue.failures(world.db)
    assert (failure["household_id"], failure["failures"]) == (bad, 1)
    monkeypatch.undo()
    assert fold_all(world.db, world.keys, world.now_ms).households == 0
    assert fold_all(world.db, world.keys, world.now_ms + fold_flow.RETRY_MS).households == 1


def test_linked_families_are_one_record_and_the_other_id_resolves(world: Any) -> None:
    first, second = sorted(world.uuid() for _ in range(2))
    world.push(world.sealed(first, {"address": "x"}), world.sealed(second, {"assessment": "layak"}))
    world.fold()
    before = {each: households.load(world.db, each).data for each in (first, second)}
    link = world.staff("link", first, {"households": [first, second]}, also=[(second, REGION)])
    position = feed.head(world.db, REGION)
    world.fold()
    assert households.load(world.db, second).household_id == first
    assert households.count(world.db) == 1
    assert [(e.what, e.household_id) for e in entries(world, position)] == [("record", first), ("alias", second)]
    assert load_cluster(world.db, (REGION, second)).ids == (first, second)
    ref = link["payload_hash"][:32]
    world.staff("unlink", first, {"links": [ref]}, also=[(second, REGION)])
    world.fold()
    after = {each: households.load(world.db, each).data for each in (first, second)}
    assert after == before
    assert "alias" not in {entry.what for entry in entries(world)}


def test_a_nik_in_two_households_is_a_case_of_both_and_moves_both_in_the_feed(world: Any, person: Any) -> None:
    one, two = world.uuid(), world.uuid()
    world.push(world.sealed(one, {"address": "x"}, {f"{one}/{world.uuid()}": person("SITI AMINAH", NIK)}))
    world.fold()
    assert niks.rows_of_household(world.db, REGION, one) == []
    bytes_before, position = households.load(world.db, one).data, feed.head(world.db, REGION)
    second = world.sealed(two, {"address": "y"}, {f"{two}/{world.uuid()}": person("SITI AMINAH", NIK)})
    world.push(second)
    world.fold()
    assert households.load(world.db, one).data == bytes_before
    assert {entry.household_id for entry in entries(world, position)} == {one, two}
    for household in (one, two):
        (row,) = niks.rows_of_household(world.db, REGION, household)
        assert (row["kind"], sorted(row["households"])) == ("nik_two_households", sorted([one, two]))
        (case,) = cases.open_cases(world.db, REGION, household_id=household)
        assert (case.source, case.kind) == (cases.NIK, "nik_two_households")
    assert NIK not in str([tuple(row) for row in world.db.all("select * from nik_claims")])
    world.staff("void", two, {"target": second["payload_hash"][:32]})
    world.fold()
    assert niks.rows_of_household(world.db, REGION, one) == []
    assert cases.open_cases(world.db, REGION) == []


def test_nik_rows_wait_in_a_queue_of_their_own_and_delivery_can_see_it(
    world: Any, person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    household = world.uuid()
    world.push(world.sealed(household, {"address": "x"}, {f"{household}/{world.uuid()}": person(nik=NIK)}))
    monkeypatch.setattr(fold_flow, "settle_niks", lambda *_: 0)
    fold_some(world.db, world.keys, world.now_ms)
    assert niks.pending(world.db, REGION, household)
    monkeypatch.undo()
    assert settle_niks(world.db, world.now_ms) == 1
    assert not niks.pending(world.db, REGION, household)


def test_a_very_common_nik_does_not_move_everybody_at_each_newcomer(world: Any, person: Any) -> None:
    ids = [world.uuid() for _ in range(53)]
    for household in ids[:52]:
        world.push(world.sealed(household, {"address": "x"}, {f"{household}/{world.uuid()}": person(household, NIK)}))
    world.fold()
    assert niks.rows_of_household(world.db, REGION, ids[0])[0]["kind"] == "nik_hot"
    position = feed.head(world.db, REGION)
    last = ids[52]
    world.push(world.sealed(last, {"address": "x"}, {f"{last}/{world.uuid()}": person(last, NIK)}))
    world.fold()
    assert {entry.household_id for entry in entries(world, position)} == {last}
    assert niks.rows_of_household(world.db, REGION, ids[0])[0]["count"] == 53


def test_two_answers_open_a_case_and_a_decision_closes_it(world: Any) -> None:
    household = world.uuid()
    refs = [
        answer.ref
        for answer in world.push(*[world.sealed(household, {"assessment": text}) for text in ("layak", "tidak")])
    ]
    world.fold()
    (case,) = cases.open_cases(world.db, REGION, kind="field")
    assert (case.household_id, case.detail["path"]) == (household, "h/assessment")
    assert households.load(world.db, household).conflicts == 1
    covers = [{"ref": ref, "path": "h/assessment"} for ref in refs]
    world.staff(
        "decision",
        household,
        {"covers": covers},
        answers={"assessment": "layak"},
        context=dict.fromkeys(refs, household),
    )
    world.fold()
    assert cases.open_cases(world.db, REGION) == []


def test_an_assignment_puts_a_household_on_a_list_and_its_end_takes_it_off(world: Any) -> None:
    household = world.uuid()
    world.push(world.sealed(household, {"address": "x"}))
    world.staff("assignment", household, {"officer": "petugas9"})
    world.fold()
    assert [e.what for e in entries(world, 0, (ELSEWHERE,), "petugas9")] == ["record"]
    assert entries(world, 0, (ELSEWHERE,), "petugas8") == []
    position = feed.head(world.db, REGION)
    assigned = json.loads(households.load(world.db, household).trail)["refs"]
    ref = next(line["ref"] for line in assigned if line["kind"] == "assignment")
    world.staff("undo", household, {"target": ref})
    world.fold()
    assert ("removed", household) in [
        (e.what, e.household_id) for e in entries(world, position, (ELSEWHERE,), "petugas9")
    ]


def test_the_feed_can_be_read_in_pages_of_one_without_gap_or_double(world: Any) -> None:
    ids = [world.uuid() for _ in range(7)]
    for household in ids:
        world.push(world.sealed(household, {"address": "x"}))
    world.fold()
    seen, position, more = [], 0, True
    while more:
        page, position, more = feed.page(world.db, REGION, position, 1, (VILLAGE,))
        seen += [entry.household_id for entry in page]
    assert sorted(seen) == sorted(ids)
    assert position == feed.head(world.db, REGION)


@pytest.mark.parametrize(
    ("scopes", "sees"),
    [
        ((VILLAGE,), {0}),
        (("19.03.01",), {0}),
        (("19.03",), {0, 1}),
        (("19",), {0, 1}),
        (("ID",), {0, 1}),
        ((ELSEWHERE, VILLAGE), {0, 1}),
        (("19.03.0",), set()),
        ((), set()),
    ],
)
def test_a_scope_sees_what_lies_beneath_it(world: Any, scopes: tuple[str, ...], sees: set[int]) -> None:
    world.enrol("tablet-2", "petugas2", ELSEWHERE)
    ids = [world.uuid(), world.uuid()]
    world.push(world.sealed(ids[0], {"address": "x"}))
    world.push(
        world.sealed(ids[1], {"address": "x"}, area=ELSEWHERE, actor="petugas2", install="tablet-2"), install="tablet-2"
    )
    world.fold()
    assert {entry.household_id for entry in entries(world, 0, scopes)} == {ids[index] for index in sees}


def test_a_household_that_changes_its_village_is_taken_from_the_old_ones_feed(world: Any) -> None:
    household = world.uuid()
    world.push(world.sealed(household, {"address": "x"}))
    world.fold()
    old = households.load_exact(world.db, REGION, [household])[0]
    position = feed.head(world.db, REGION)
    moved = type(old)(**{name: getattr(old, name) for name in old.__slots__} | {"area": ELSEWHERE})
    with world.db.transaction():
        records.replace(world.db, REGION, [moved], [household])
    assert [(e.what, e.area) for e in entries(world, position, (VILLAGE,))] == [("removed", VILLAGE)]
    assert [(e.what, e.area) for e in entries(world, position, (ELSEWHERE,))] == [("record", ELSEWHERE)]
    with world.db.transaction():
        records.replace(world.db, REGION, [old], [household])
    assert [(e.what, e.area) for e in entries(world, position, (VILLAGE,))] == [("record", VILLAGE)]


def test_a_command_can_have_its_own_household_folded_at_once(world: Any) -> None:
    first, second = world.uuid(), world.uuid()
    world.push(world.sealed(first, {"address": "x"}), world.sealed(second, {"address": "y"}))
    drain(world.db, world.keys, world.now_ms, [(REGION, second)])
    assert households.load(world.db, first) is None
    assert households.load(world.db, second) is not None
