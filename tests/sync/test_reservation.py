"""Places in the registry: wishes, plans, and cycles of wishes that are broken."""

from __future__ import annotations

from hypothesis import event, given
from hypothesis import strategies as st

from sync.reservation import (
    cycle_breakers,
    plan_reservations,
    release_after_receipt,
    release_after_taken,
    waits_for,
    wanted_places,
)


def test_places_are_wanted_in_ascending_order_and_a_person_without_nik_takes_its_key() -> None:
    payload = {"persons": [{"nik": "9", "key": "h/1"}, {"nik": "", "key": "h/2"}, {"nik": "1", "key": "h/3"}]}
    assert wanted_places(payload) == ("1", "9", "h/2")


def test_a_plan_reserves_what_is_new_and_releases_only_by_receipt() -> None:
    plan = plan_reservations(["3", "1", "2"], ["2", "7"])
    assert (plan.reserve, plan.keep, plan.release_on_receipt) == (("1", "3"), ("2",), ("7",))
    assert "7" not in repr(plan)


def test_one_taken_place_releases_what_was_reserved_but_never_what_stands() -> None:
    assert release_after_taken(["1", "2", "3"], standing=["2"]) == ("1", "3")


def test_a_receipt_releases_what_its_version_no_longer_has() -> None:
    assert release_after_receipt(["1", "2"], ["2"]) == ("1",)
    assert release_after_receipt(["1", "2"], []) == ("1", "2")


def test_two_who_swap_a_person_are_a_cycle_and_the_smaller_id_goes_first() -> None:
    edges = waits_for({"b": ["1"], "a": ["2"]}, {"1": "a", "2": "b"})
    assert edges == {"a": frozenset({"b"}), "b": frozenset({"a"})}
    assert cycle_breakers(edges) == ("a",)


def test_a_chain_is_no_cycle_and_one_who_keeps_the_place_is_not_waited_for() -> None:
    assert cycle_breakers(waits_for({"a": ["2"], "b": ["3"], "c": []}, {"2": "b", "3": "c"})) == ()
    both_want_it = waits_for({"a": ["1"], "b": ["1", "2"]}, {"1": "b", "2": "a"})
    assert both_want_it["a"] == frozenset()


def test_a_long_chain_does_not_exhaust_the_stack() -> None:
    edges = {f"{n:06d}": [f"{(n + 1) % 5000:06d}"] for n in range(5000)}
    assert cycle_breakers(edges) == ("000000",)


GRAPH = st.dictionaries(st.sampled_from("abcdefgh"), st.sets(st.sampled_from("abcdefgh"), max_size=4), max_size=8)


@given(GRAPH)
def test_exactly_the_groups_that_reach_themselves_are_broken_at_their_smallest(graph: dict[str, set[str]]) -> None:
    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        todo = list(graph.get(start, ()))
        while todo:
            node = todo.pop()
            if node not in seen:
                seen.add(node)
                todo += graph.get(node, ())
        return seen

    groups = set()
    for node in graph:
        group = frozenset(other for other in reached(node) if node in reached(other))
        if len(group | {node}) > 1:
            groups.add(group)
    event(f"cyclic groups: {len(groups)}")
    assert cycle_breakers(graph) == tuple(sorted(min(group) for group in groups))


@given(st.integers(2, 7), st.data())
def test_any_exchange_of_persons_ends_delivered_and_nobody_ever_stands_twice(count: int, data: st.DataObject) -> None:
    """Old homes and new homes of ten persons at random: sweep, deliver what can be, break what can't."""
    names = "abcdefg"[:count]
    home = st.lists(st.sampled_from(names), min_size=10, max_size=10)
    old, new = data.draw(home), data.draw(home)
    holders = {str(person): where for person, where in enumerate(old)}
    wanted = {name: {str(p) for p, where in enumerate(new) if where == name} for name in names}
    ready, withdrawn = dict(wanted), 0
    for _ in range(50):
        moved = False
        for name in sorted(ready):
            if all(holders.get(place, name) == name for place in ready[name]):
                holders = {place: who for place, who in holders.items() if who != name}
                holders |= dict.fromkeys(ready.pop(name), name)
                moved = True
        if not ready:
            break
        if not moved:
            chosen = cycle_breakers(waits_for(ready, holders))
            assert chosen, "stuck without a cycle"
            withdrawn += len(chosen)
            holders = {place: who for place, who in holders.items() if who not in chosen}
    event(f"withdrawn: {withdrawn}")
    assert not ready
    assert holders == {str(person): where for person, where in enumerate(new)}
    assert withdrawn < count
