"""The state of a household: a table of rules, read from the top; the first that fits names the state.

State is part of the fold (docs/merge.md): it sees reviews, ratifications and receipts as registers of whole events of
which only heads count. docs/merge.md, "States" is drawn from `STATES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from schemas.event import Event
from sync.causality import register_heads

FIELD_KINDS = frozenset({"submission", "change"})


@dataclass(frozen=True, slots=True)
class Facts:
    """What the state is decided on."""

    filled: bool
    assigned: bool
    conflicts: int
    reviewed: bool
    returned: bool
    approved: bool
    ratified: bool
    answer: str
    """The registry's last word on the present delivery digest: delivered, accepted, rejected, withdrawn or empty."""


@dataclass(frozen=True, slots=True)
class State:
    """A state, when it holds, and who brings a household there with which event."""

    name: str
    holds: Callable[[Facts], bool]
    moved_by: str
    needs: str


STATES: Sequence[State] = (
    State(
        "returned",
        lambda f: f.returned,
        "supervisor: review (return)",
        "a head return that no live submission or change has seen",
    ),
    State(
        "listed",
        lambda f: not f.filled and not f.assigned,
        "operator: prelist import",
        "no live submission or change, nobody assigned",
    ),
    State("assigned", lambda f: not f.filled, "supervisor: assignment", "a head assignment, nothing filled yet"),
    State(
        "conflict",
        lambda f: f.conflicts > 0,
        "tablets: submission, change; supervisor: void, unlink",
        "an open conflict of strata 1 to 3",
    ),
    State(
        "accepted",
        lambda f: f.ratified and f.answer == "accepted",
        "registry: receipt",
        "ratified, and the registry accepted the present delivery digest",
    ),
    State(
        "rejected",
        lambda f: f.ratified and f.answer == "rejected",
        "registry: receipt",
        "ratified, and the registry refused the present delivery digest",
    ),
    State(
        "delivered",
        lambda f: f.ratified and f.answer == "delivered",
        "worker: receipt",
        "ratified, and the registry took the present delivery digest without a last word",
    ),
    State(
        "ratified",
        lambda f: f.ratified,
        "supervisor: ratification (minutes, decree)",
        "approved, and a head ratification names the present delivery digest",
    ),
    State(
        "approved",
        lambda f: f.approved,
        "supervisor: review (approve)",
        "every head review approves, at least one names the present data digest, no conflict",
    ),
    State(
        "in_review",
        lambda f: f.reviewed,
        "tablets: submission, change after a review",
        "reviewed before, and changed or answered since",
    ),
    State("submitted", lambda f: True, "tablets: submission, change", "filled, not yet reviewed"),
)

ORDER: Mapping[str, int] = {
    "listed": 0,
    "assigned": 1,
    "submitted": 2,
    "conflict": 3,
    "in_review": 4,
    "returned": 5,
    "approved": 6,
    "ratified": 7,
    "delivered": 8,
    "accepted": 9,
    "rejected": 10,
}
"""The way a household takes, for lists and charts."""


def state_of(facts: Facts) -> str:
    """The first state of the table that holds."""
    return next(state.name for state in STATES if state.holds(facts))


def gather(
    household_id: str,
    counted: Sequence[Event],
    filed: Sequence[Event],
    conflicts: int,
    data_digest: str,
    delivery_digest: str,
) -> Facts:
    """Facts of one household. `counted`: live field events counted here; `filed`: all live events filed here.

    Receipts count under the canonical id only: those of a linked id say what stood, and was withdrawn, under that one.
    """
    forms = [event for event in counted if event.kind in FIELD_KINDS]
    reviews = register_heads(event for event in filed if event.kind == "review")
    approved = (
        bool(reviews)
        and conflicts == 0
        and all(event.body["verdict"] == "approve" for event in reviews)
        and any(event.body["data_digest"] == data_digest for event in reviews)
    )
    ratifications = register_heads(event for event in filed if event.kind == "ratification")
    return Facts(
        filled=bool(forms),
        assigned=bool(assigned_officers(filed)),
        conflicts=conflicts,
        reviewed=bool(reviews),
        returned=bool(open_returns(counted, filed)),
        approved=approved,
        ratified=approved and any(e.body["delivery_digest"] == delivery_digest for e in ratifications),
        answer=_registry_answer((e for e in filed if e.household_id == household_id), delivery_digest),
    )


def assigned_officers(filed: Iterable[Event]) -> list[str]:
    """Officers of the head assignments, sorted."""
    heads = register_heads(event for event in filed if event.kind == "assignment")
    return sorted({str(name) for event in heads for name in (event.body["officer"], *event.body.get("with", ()))})


def open_returns(counted: Iterable[Event], filed: Iterable[Event]) -> list[Event]:
    """Head returns that no live submission or change has seen."""
    forms = [event for event in counted if event.kind in FIELD_KINDS]
    heads = register_heads(event for event in filed if event.kind == "review")
    return [
        event for event in heads if event.body["verdict"] == "return" and not any(form.saw(event.ref) for form in forms)
    ]


def _registry_answer(filed: Iterable[Event], delivery_digest: str) -> str:
    receipts = [e for e in filed if e.kind == "receipt"]
    applied = [e for e in receipts if e.body["outcome"] in ("accepted", "withdrawn")]
    newest = max((e.body["version"] for e in applied), default=0)
    same = [e for e in receipts if e.body.get("delivery_digest") == delivery_digest]
    # What was refused or handed over counts while nothing newer was applied.
    later = {e.body["outcome"] for e in same if e.body["version"] > newest}
    if later:
        return "rejected" if "rejected" in later else "delivered"
    # A value that went there and back has an older receipt with the present digest: it is not what stands.
    stands = [e for e in applied if e.body["version"] == newest]
    if any(e.body["outcome"] == "withdrawn" for e in stands):
        return "withdrawn"
    return "accepted" if any(e in same for e in stands) else ""
