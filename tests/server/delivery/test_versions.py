"""Corrections, links, voids and conflicts after delivery: new versions, withdrawals, stops."""

from __future__ import annotations

from delivery_world import NIKS, REGION, Delivering

from server.flows import deliver
from server.store import households, niks, outbox, reservations


def test_a_death_after_ratification_is_delivered_only_after_it_was_ratified_again(scene: Delivering) -> None:
    household = scene.ratified(NIKS[0], NIKS[1])
    scene.run()
    _, second = sorted(scene.persons[household], key=lambda key: scene.persons[household][key]["nik"])
    scene.visit(household, None, {second: {"presence": "2"}})
    scene.run()
    assert scene.applications() == [(household, 1, "deliver")]
    assert scene.state(household) == "in_review"
    scene.ratify(household)
    scene.run()
    assert scene.applications() == [(household, 1, "deliver"), (household, 2, "deliver")]
    assert scene.rows(household) == [("deliver", 1, "replaced"), ("deliver", 2, "accepted")]
    assert reservations.held_by(scene.db, REGION, household) == (NIKS[0],)
    assert scene.state(household) == "accepted"


def test_a_place_is_kept_until_the_receipt_of_the_version_that_gives_it_up(scene: Delivering) -> None:
    household = scene.ratified(NIKS[0], NIKS[1])
    scene.run()
    (gone,) = [key for key, said in scene.persons[household].items() if said["nik"] == NIKS[1]]
    scene.visit(household, None, {gone: {"presence": "2"}})
    scene.ratify(household)
    scene.tick_without_sending()
    assert set(reservations.held_by(scene.db, REGION, household)) == {NIKS[0], NIKS[1]}
    scene.run()
    assert set(reservations.held_by(scene.db, REGION, household)) == {NIKS[0]}


def test_a_value_that_goes_there_and_back_gets_three_keys_and_three_versions(scene: Delivering) -> None:
    household = scene.ratified(NIKS[0])
    for address in ("Jl. Mawar", "Jl. Melati", "Jl. Mawar"):
        scene.visit(household, {"address": address})
        if scene.state(household) != "ratified":
            scene.ratify(household)
        scene.run()
    assert [version for _, version, _ in scene.applications()] == [1, 2, 3]
    keys = scene.registry("select distinct idempotency_key from applications")
    assert len(keys) == 3


def test_a_newer_version_replaces_an_unsent_older_one(scene: Delivering) -> None:
    household = scene.ratified(NIKS[0])
    deliver.pause(scene.db, "uji")
    scene.run()
    scene.visit(household, {"address": "Jl. Melati"})
    scene.ratify(household)
    scene.run()
    assert sorted(state for _, _, state in scene.rows(household)) == ["pending", "superseded"]
    deliver.resume(scene.db)
    scene.run()
    assert scene.applications() == [(household, 1, "deliver")]


def test_the_other_id_of_a_linked_family_is_withdrawn_before_the_canonical_one_is_sent(scene: Delivering) -> None:
    first, second, _ = scene.two_linked()
    scene.run()
    assert scene.applications()[2:] == [(second, 2, "withdraw")]
    assert scene.state(first) != "accepted", "the joined record was not judged by anybody yet"
    scene.ratify(first)
    scene.run()
    assert scene.applications()[3:] == [(first, 2, "deliver")]
    assert scene.standing() == {first: 2}
    assert (scene.state(first), scene.twice()) == ("accepted", 0)
    assert set(reservations.held_by(scene.db, REGION, first)) == {NIKS[0], NIKS[1]}


def test_a_link_that_is_undone_before_the_withdrawal_was_sent_withdraws_nothing(scene: Delivering) -> None:
    deliver_paused = scene.two_linked
    first, second, link = deliver_paused()
    deliver.pause(scene.db, "uji")
    scene.run()
    assert ("withdraw", 2, "pending") in scene.rows(second)
    scene.staff("unlink", first, {"links": [link["payload_hash"][:32]]}, also=[(second, REGION)])
    deliver.resume(scene.db)
    scene.run()
    assert scene.standing() == {first: 1, second: 1}
    assert len(scene.applications()) == 2
    assert ("withdraw", 2, "superseded") in scene.rows(second)


def test_a_family_parted_again_stands_under_both_ids_with_new_versions(scene: Delivering) -> None:
    first, second, link = scene.two_linked()
    scene.run()
    scene.ratify(first)
    scene.run()
    scene.staff("unlink", first, {"links": [link["payload_hash"][:32]]}, also=[(second, REGION)])
    scene.run()
    for household in (first, second):
        if scene.state(household) != "ratified":
            scene.ratify(household)
    scene.run()
    assert scene.standing() == {first: 3, second: 3}
    assert {scene.state(first), scene.state(second)} == {"accepted"}
    assert scene.twice() == 0


def test_a_delivered_household_whose_events_are_all_void_is_withdrawn(scene: Delivering) -> None:
    household = scene.world.uuid()
    form = scene.visit(household, {"address": "x"}, {f"{household}/{scene.world.uuid()}": {"presence": "1"}})
    scene.ratify(household)
    scene.run()
    scene.staff("void", household, {"target": form["payload_hash"][:32]})
    scene.run()
    assert scene.applications() == [(household, 1, "deliver"), (household, 2, "withdraw")]
    assert scene.standing() == {}
    assert reservations.count(scene.db) == 0


def test_a_nik_conflict_that_opens_after_the_reservation_stops_the_row_until_a_verdict(scene: Delivering) -> None:
    household = scene.ratified(NIKS[0])
    scene.tick_without_sending()
    assert scene.rows(household) == [("deliver", 1, "pending")]
    other = scene.household(NIKS[0])
    (case,) = niks.rows_of_household(scene.db, REGION, household)
    assert case["stops"]
    scene.run()
    assert scene.applications() == []
    assert scene.rows(household) == [("deliver", 1, "waiting_reservation")]
    assert reservations.held_by(scene.db, REGION, household) == (NIKS[0],)
    scene.staff("verdict", household, {"type": "two_people", "covers": case["heads"]}, also=[(other, REGION)])
    scene.ratify(other)
    if scene.state(household) != "ratified":
        scene.ratify(household)
    scene.run()
    assert sorted(scene.applications()) == sorted([(household, 1, "deliver"), (other, 1, "deliver")])
    assert scene.registry("select nik from persons") == [("",), ("",)]
    assert reservations.count(scene.db) == 2


def test_a_conflict_that_opens_between_sweep_and_claim_is_seen_at_the_claim(scene: Delivering) -> None:
    household = scene.ratified(NIKS[0])
    scene.tick_without_sending()
    scene.household(NIKS[0])
    assert scene.send_only() == 0
    assert scene.applications() == []
    assert scene.rows(household)[0][2] == "pending"


def test_a_conflict_after_delivery_changes_nothing_in_the_registry_until_the_verdict(scene: Delivering) -> None:
    household = scene.ratified(NIKS[0])
    scene.run()
    other = scene.household(NIKS[0])
    scene.ratify(other)
    scene.run()
    assert scene.applications() == [(household, 1, "deliver")]
    (case,) = niks.rows_of_household(scene.db, REGION, household)
    scene.staff("verdict", household, {"type": "two_people", "covers": case["heads"]}, also=[(other, REGION)])
    for each in (household, other):
        if scene.state(each) not in ("ratified", "accepted"):
            scene.ratify(each)
    scene.run()
    assert scene.standing() == {household: 2, other: 1}
    assert scene.registry("select nik from persons") == [("",), ("",)]


def test_two_families_that_exchange_a_member_do_not_wait_for_each_other_for_ever(scene: Delivering) -> None:
    """Each wants the place that the other holds: the smaller id is withdrawn, then delivered anew."""
    first, second = sorted((scene.ratified(NIKS[0]), scene.ratified(NIKS[1])))
    scene.run()
    niks_of = {each: next(iter(scene.persons[each].values()))["nik"] for each in (first, second)}
    key_of = {each: next(iter(scene.persons[each])) for each in (first, second)}
    deliver.pause(scene.db, "uji")
    for each, other in ((first, second), (second, first)):
        newcomer = f"{each}/{scene.world.uuid()}"
        said = {"m_name": scene.persons[other][key_of[other]]["m_name"], "presence": "1", "nik": niks_of[other]}
        scene.visit(each, None, {newcomer: said, key_of[each]: {"presence": "2"}})
    for each in (first, second):
        scene.ratify(each)
    deliver.resume(scene.db)
    scene.run()
    assert scene.applications()[2:] == [(first, 2, "withdraw"), (second, 2, "deliver"), (first, 3, "deliver")]
    assert scene.standing() == {first: 3, second: 2}
    assert scene.twice() == 0
    assert {scene.state(first), scene.state(second)} == {"accepted"}
    held = {each: reservations.held_by(scene.db, REGION, each) for each in (first, second)}
    assert held == {first: (niks_of[second],), second: (niks_of[first],)}


def test_a_household_waits_for_the_place_until_the_other_gives_it_up(scene: Delivering) -> None:
    old = scene.ratified(NIKS[0], NIKS[1])
    scene.run()
    (leaver,) = [key for key, said in scene.persons[old].items() if said["nik"] == NIKS[1]]
    scene.visit(old, None, {leaver: {"presence": "2"}})
    new = scene.ratified(NIKS[1])
    scene.run()
    assert (scene.rows(new), len(scene.applications())) == ([], 1)
    told = deliver.dry_run(scene.db, scene.dispatch, new)
    assert (told["action"], told["waits_for"]) == ("wait", [old])
    assert deliver.dry_run(scene.db, scene.dispatch, old)["waits_for"] == []
    scene.ratify(old)
    scene.run()
    assert scene.standing() == {old: 2, new: 1}
    assert scene.twice() == 0


def test_a_withdrawal_on_order_needs_the_ratification_undone_and_stays(scene: Delivering) -> None:
    household = scene.household(NIKS[0])
    record = households.load(scene.db, household)
    scene.staff("review", household, {"verdict": "approve", "data_digest": record.data_digest})
    body = {"delivery_digest": record.delivery_digest, "minutes": {"number": "BA-1", "date": "2026-11-21"}}
    ratification = scene.staff("ratification", household, body)
    scene.run()
    assert scene.refused(deliver.withdraw, household) == "wrong_state"
    scene.staff("undo", household, {"target": ratification["payload_hash"][:32]})
    deliver.withdraw(scene.db, scene.dispatch, household)
    scene.run()
    scene.run()
    assert scene.applications() == [(household, 1, "deliver"), (household, 2, "withdraw")]
    assert outbox.counts(scene.db) == {"accepted": 1, "withdrawn": 1}
    assert scene.refused(deliver.withdraw, household) == "wrong_state"


def test_a_household_that_waits_for_two_places_does_not_wake_itself(scene: Delivering) -> None:
    first, second = scene.ratified(NIKS[0]), scene.ratified(NIKS[1])
    scene.run()
    for each in (first, second):
        scene.visit(each, None, {next(iter(scene.persons[each])): {"presence": "2"}})
    both = scene.ratified(NIKS[0], NIKS[1])
    scene.run()
    scene.ratify(first)
    scene.run()
    assert not scene.tick(), "it waits for the second place and rests"
    assert reservations.held_by(scene.db, REGION, both) == ()
    scene.ratify(second)
    scene.run()
    assert scene.standing() == {first: 2, second: 2, both: 1}
