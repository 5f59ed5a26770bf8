"""A person's place in the registry: which ones a delivery wants, in which order, and how a cycle of wishes is broken.

One row per place, on our side; the row's SQL is in the store. A place is a NIK; a person without one takes the place
of the person key (`<household>/<person>`), so that such a person stands once too. Pure: sets in, plans out. NIKs are
personal data: what comes out of here goes into rows, never into a log.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ReservationPlan:
    """`reserve`: one idempotent transaction each, in this (ascending) order; stop at the first that is taken.

    `keep`: places held already. `release_on_receipt`: held places the new version no longer has; they are released by
    the receipt of that version, not before (until then the registry still shows the person here).
    """

    reserve: tuple[str, ...] = field(repr=False)
    keep: tuple[str, ...] = field(repr=False)
    release_on_receipt: tuple[str, ...] = field(repr=False)


def wanted_places(payload: Mapping[str, Any]) -> tuple[str, ...]:
    """Places that a payload takes, ascending, each once. A disputed or malformed NIK is empty in it: the key then."""
    return tuple(sorted({person["nik"] or person["key"] for person in payload["persons"]}))


def plan_reservations(wanted: Collection[str], held: Collection[str]) -> ReservationPlan:
    """What to do for a version that wants `wanted` when the household holds `held`."""
    wants, has = set(wanted), set(held)
    return ReservationPlan(tuple(sorted(wants - has)), tuple(sorted(wants & has)), tuple(sorted(has - wants)))


def release_after_taken(reserved_now: Collection[str], standing: Collection[str]) -> tuple[str, ...]:
    """What is released when one place was taken: all that this attempt reserved, never what stands in the registry."""
    return tuple(sorted(set(reserved_now) - set(standing)))


def release_after_receipt(held: Collection[str], accepted: Collection[str]) -> tuple[str, ...]:
    """What the receipt of a version releases (`accepted` = its places; empty for a withdrawal)."""
    return tuple(sorted(set(held) - set(accepted)))


def waits_for(wanted: Mapping[str, Collection[str]], holders: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Who waits for whom among ready records.

    `wanted`: ready household -> places of its next version; `holders`: place -> household that holds it. An edge goes
    only to a holder that is ready itself and whose next version gives the place up: waiting for one that keeps it is a
    conflict of identity, which withdrawing does not solve.
    """
    edges: dict[str, frozenset[str]] = {}
    wants = {household: set(places) for household, places in wanted.items()}
    for household, places in wants.items():
        holding = {holders[place] for place in places if place in holders and holders[place] != household}
        edges[household] = frozenset(
            other
            for other in holding
            if other in wants and any(holders.get(place) == other and place not in wants[other] for place in places)
        )
    return edges


def cycle_breakers(edges: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """The smallest id of each strongly connected group of two or more: these are withdrawn first, ascending.

    Withdrawing one may leave a smaller cycle in a tangled group; the next sweep breaks that.
    """
    return tuple(sorted(min(group) for group in _connected_groups(edges) if len(group) > 1))


def _connected_groups(edges: Mapping[str, Collection[str]]) -> Iterable[list[str]]:
    """Strongly connected components (Tarjan 1972), without recursion."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    for root in sorted(edges):
        if root in index:
            continue
        work: list[tuple[str, list[str]]] = [(root, sorted(edges.get(root, ())))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, todo = work[-1]
            if todo:
                child = todo.pop()
                if child not in index:
                    index[child] = low[child] = len(index)
                    stack.append(child)
                    on_stack.add(child)
                    work.append((child, sorted(edges.get(child, ()))))
                elif child in on_stack:
                    low[node] = min(low[node], index[child])
                continue
            work.pop()
            if work:
                low[work[-1][0]] = min(low[work[-1][0]], low[node])
            if low[node] == index[node]:
                cut = stack.index(node)
                group, stack[cut:] = stack[cut:], []
                on_stack.difference_update(group)
                yield group
