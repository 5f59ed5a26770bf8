"""The drill: a server is lost, an older backup is restored in a new place, everything comes back from the tablets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from backup_world import Vault
from delivery_world import Delivering, delivering_in
from drill_world import TABLETS, Drill
from server_world import REGION, World

from server.blobs.folder import FolderBlobs
from server.flows import audit, reconcile
from server.flows.deliver_judge import frozen
from server.flows.rebuild import rebuild
from server.flows.returned import account
from server.store import events, identity
from server.worker import Office, thaw_job


@pytest.fixture
def drill(world: World, tmp_path: Path) -> Iterator[Drill]:
    with delivering_in(world, tmp_path) as scene:
        made = Drill(Vault(world, tmp_path / "cadangan"), scene, tmp_path / "tablets")
        yield made
        made.close()


def test_everything_comes_back_after_an_older_backup_was_restored(
    drill: Drill, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    scene: Delivering = drill.scene
    engine = drill.world.store.engine
    first = _before_the_backup(drill)
    watermark, older = len(drill.refs()), drill.vault.place.names()[-1]
    _after_the_backup(drill)
    lost_refs, unseen = _what_no_tablet_saw(drill)
    old_refs, old_records = drill.refs(), drill.records()
    on_paper = [drill.visit(client, 1, "Jl. Di Jalan") for client in drill.tablets[:3]]
    before = dict(scene.standing())

    drill.lose_and_restore(tmp_path / "baru", older)
    assert drill.world.store.engine == engine
    assert len(drill.refs()) == watermark < len(old_refs)
    assert frozen(drill.world.db)
    drill.sync()
    drill.sync()

    # Lost: nothing that a tablet sealed, nothing that staff decided and a tablet had been sent.
    present = set(drill.refs().values())
    assert len(present) == len(drill.refs()), "nothing stands twice"
    assert drill.sealed() - present == set()
    assert {ref for ref in old_refs.values() if ref not in present} == lost_refs
    same = {each: data for each, data in drill.records().items() if each not in unseen}
    visited_since = {drill.families[client.officer][1] for client in drill.tablets[:3]}
    assert {each for each, data in same.items() if data != old_records[each]} == visited_since
    assert set(on_paper) <= present
    assert {first[place]["state"] for place in first} == {"accepted"}
    assert drill.tablets[4].returned()[0].comments == {"h/address": "RT?"}, "the return came back with its comments"

    _check_positions(drill, old_refs, watermark)
    _check_delivery_thaws(drill, before)
    assert audit.verify(drill.world.db).broken == ()
    again = rebuild(drill.world.db, drill.world.keys, check=True, shuffle_seed=4, now_ms=drill.clock.now_ms())
    assert (again.identical, again.waiting) == (True, 0)
    _check_safe_again(drill)
    returned = len(present & set(old_refs.values())) - watermark
    figure(
        f"restore drill on {engine}: {TABLETS} tablets, {len(old_refs)} events, backup of the "
        f"first {watermark} restored; {returned} came back, {len(lost_refs)} decisions that no tablet had seen were "
        "named, 0 lost"
    )


def test_a_tablet_enrolled_after_the_backup_brings_everything_back_under_a_new_code(
    drill: Drill, tmp_path: Path
) -> None:
    """The restored server knows neither the officer nor the tablet nor the families it was given."""
    drill.sync()
    drill.vault.make()
    name = drill.vault.place.names()[-1]
    drill.enrol("petugas-baru")
    late = drill.tablets[-1]
    drill.sync()
    sent = drill.visit(late, 0, "Jl. Baru")
    drill.sync()
    drill.sync()
    unsent = drill.visit(late, 1, "Jl. Belum Terkirim")
    drill.lose_and_restore(tmp_path / "baru", name)
    result = late.sync()
    assert not result.complete and "menolak" in result.stopped
    assert late.status().tablet_only + late.status().received == 2, "refused, and everything is kept"
    late.enrol(drill.code("petugas-baru"))
    drill.sync()
    drill.sync()
    present = set(drill.refs().values())
    assert {sent, unsent} <= present and drill.sealed() <= present
    kinds = [drill.kind(ref) for ref in present]
    assert kinds.count("submission") == 2
    record = drill.records()[drill.families["petugas-baru"][0]]
    assert record["assigned"] == ["petugas-baru"], "the assignment, signed by the server, came back as well"
    assert late.status().tablet_only == 0


def _before_the_backup(drill: Drill) -> dict[str, dict[str, str]]:
    """Visits, approvals, deliveries; then a backup, after which all of it is safe."""
    drill.sync()
    for client in drill.tablets:
        drill.visit(client, 0, f"Jl. Mawar {client.officer}")
    drill.sync()
    families = [drill.families[client.officer][0] for client in drill.tablets]
    drill.scene.ratify(*families[:4])
    drill.scene.run()
    drill.sync()
    assert drill.numbers() == (0, TABLETS, 0), "no backup, nothing safe"
    drill.vault.make()
    drill.sync()
    assert drill.numbers() == (0, 0, TABLETS)
    records = drill.records()
    return {family: {"state": records[family]["state"]} for family in families[:4]}


def _after_the_backup(drill: Drill) -> None:
    """Corrections, the other families, returns, ratifications, deliveries: none of it is in the backup."""
    for number, client in enumerate(drill.tablets):
        drill.visit(client, 1, f"Jl. Kenanga {number}")
        if number % 2:
            drill.visit(client, 0, f"Jl. Diperbaiki {number}")
    drill.sync()
    drill.sync()
    assert drill.numbers() == (0, TABLETS + TABLETS // 2, TABLETS)
    second = [drill.families[client.officer][1] for client in drill.tablets]
    drill.scene.ratify(*second[:3])
    drill.send_back(second[4])
    drill.scene.run()
    drill.sync()
    assert drill.tablets[4].returned()[0].comments == {"h/address": "RT?"}
    # A newer backup, which will not be at hand: what it made safe is not safe any more then.
    drill.vault.make()
    drill.sync()
    assert drill.numbers() == (0, 0, 2 * TABLETS + TABLETS // 2)


def _what_no_tablet_saw(drill: Drill) -> tuple[set[str], set[str]]:
    """Decisions made after the last sync, with something that came to the tablets after them: `(refs, households)`."""
    hidden = [drill.families[drill.tablets[place].officer][1] for place in (5, 6)]
    before = set(drill.refs().values())
    for household in hidden:
        drill.scene.approve(household)
    lost = set(drill.refs().values()) - before
    assert len(lost) == 4
    # The last word that any tablet has lies beyond them, so that the places in between are missed.
    drill.send_back(drill.families[drill.tablets[7].officer][1])
    assert drill.tablets[7].sync().complete
    return lost, set(hidden)


def _check_positions(drill: Drill, old_refs: dict[int, str], watermark: int) -> None:
    """The list names just the places whose events did not come back, and no other."""
    found = account(drill.world.db)
    assert found is not None and found.silent == ("tablet-1",), "the world's own tablet never worked"
    (stretch,) = found.stretches
    assert (stretch.home_region, stretch.restored_to, stretch.told_to) == (REGION, watermark, max(old_refs))
    present = set(drill.refs().values())
    not_back = {place for place, ref in old_refs.items() if ref not in present}
    listed = {place for gap in stretch.gaps for place in range(gap.first, gap.last + 1)}
    assert listed == not_back and stretch.missing == len(not_back) == 4
    assert stretch.returned == max(old_refs) - watermark - 4
    assert all(gap.since for gap in stretch.gaps), "about when it was is told"


def _check_delivery_thaws(drill: Drill, before: dict[str, int]) -> None:
    """Nothing is sent while it is frozen; reconciliation learns what the registry has; then nothing is sent twice."""
    scene: Delivering = drill.scene
    drill.serve(drill.world)
    scene.dispatch = type(scene.dispatch)(drill.world.keys, "uji", drill.clock, lambda: 0)
    assert scene.standing() == before
    office = Office(drill.world.store, scene.dispatch, scene.adapter, "w1", FolderBlobs(drill.world.home / "blobs"))
    scene.run()
    assert scene.standing() == before, "frozen: nothing is sent"
    said = thaw_job(office)
    assert not frozen(drill.world.db), said
    assert all(
        each.outcome == reconcile.CLEAN for each in reconcile.reconcile(drill.world.db, scene.dispatch, scene.adapter())
    )
    scene.run()
    applied = scene.applications()
    assert len(applied) == len({(household, version) for household, version, _ in applied})
    assert scene.standing() == before, "what stood there stands there, once"
    drill.world.now_ms = drill.clock.now_ms()
    drill.world.fold()


def _check_safe_again(drill: Drill) -> None:
    """What came back is received; it is safe once the restored server has a backup of its own."""
    vault = drill.vault
    drill.sync()
    only, received, safe = drill.numbers()
    assert only == 0 and safe == TABLETS and received == TABLETS + TABLETS // 2 + 3
    vault.world = drill.world
    vault.plan = type(vault.plan)(vault.plan.folder, drill.world.home, vault.plan.keep, vault.plan.hours)
    vault.make()
    told = vault.durable()
    _, epoch = identity.current_epoch(drill.world.db)
    assert told is not None and told["epoch"] == epoch and len(told["earlier"]) == 1
    drill.sync()
    assert drill.numbers() == (0, 0, len(drill.sealed()))
    assert events.count(drill.world.db) == len(drill.refs())
