"""What may be delivered to the registry, under which key, and the states of an outbox row.

Pure rules: no clock, no SQL, no network. The worker reads rows and records, asks here, and does what it is told.
Sources: merge.md ("State is a pure function too") and protocol.md ("Registry delivery"). The state table below is
the only place where a move of an outbox row is defined; docs/registry.md is drawn from it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.canonical import canonical_bytes_unchecked, sha256_hex
from sync.delivery_payload import disputed_persons

RATIFIED_STATES = frozenset({"ratified", "delivered", "accepted", "rejected"})
"""States of a record that lie on or behind the ratification of its present delivered columns."""

KINDS_OUTSIDE_THE_KEY = frozenset({"receipt", "hold", "stamp"})
"""Events that delivery or intake itself makes: they never give a new idempotency key."""

DELIVER = "deliver"
WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class Standing:
    """What the last receipt of a household id says: `version` as applied by the registry (1, 2, 3, ...).

    `disputed`: keys of persons delivered with their NIK emptied by a verdict. A verdict edits no household's bytes,
    so the digest alone would not show that the next delivery differs.
    """

    version: int
    delivery_digest: str
    withdrawn: bool = False
    disputed: frozenset[str] = frozenset()

    def stands(self) -> bool:
        """Whether the registry holds a record under this household id now."""
        return not self.withdrawn


@dataclass(frozen=True, slots=True)
class Around:
    """What the record itself does not say, read by the worker in the same transaction.

    `identity_conflicts`: kinds of open NIK conflicts that hold delivery (`nik_two_households`, `nik_collision`;
    never those against an unvisited prelist row, which only warn). `standing`: last receipt of the canonical id.
    `standing_aliases`: other ids of this record under which the registry still holds a record.
    `frozen`: the epoch changed and reconciliation is not clean yet. `empty`: nothing live says anything of the family.
    """

    identity_conflicts: Collection[str] = ()
    standing: Standing | None = None
    standing_aliases: Collection[str] = ()
    frozen: bool = False
    empty: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a record is not delivered now: a stable `code` and what it is about (never a NIK or a name)."""

    code: str
    about: str = ""


REASONS: Mapping[str, str] = {
    "frozen": "the server was restored; delivery waits until reconciliation is clean",
    "empty": "nothing that counts says anything of this family any more",
    "not_ratified": "the present delivered columns are not ratified",
    "open_conflict": "a conflict in the record waits for a decision",
    "awaiting": "an event on which this record was made has not arrived",
    "identity_conflict": "one NIK stands on persons of several households and waits for a verdict",
    "nik_twice": "one NIK stands twice in this household",
    "alias_standing": "another id of this family stands in the registry and is withdrawn first",
    "unchanged": "the registry already holds these delivered columns",
}


def reasons_against(data: Mapping[str, Any], payload: Mapping[str, Any], around: Around) -> tuple[Reason, ...]:
    """Why a merged record is not deliverable now, in the order of `REASONS`; empty if it is.

    Reservations are not judged here: they are taken after this, NIK by NIK (`sync.reservation`).
    """
    found: list[Reason] = []
    if around.frozen:
        found.append(Reason("frozen"))
    if around.empty:
        found.append(Reason("empty"))
    if data["state"] not in RATIFIED_STATES:
        found.append(Reason("not_ratified", str(data["state"])))
    kinds = sorted({str(conflict["kind"]) for conflict in data.get("conflicts", ())})
    found += [Reason("open_conflict", kind) for kind in kinds]
    if data.get("awaiting"):
        found.append(Reason("awaiting", str(len(data["awaiting"]))))
    found += [Reason("identity_conflict", kind) for kind in sorted(set(around.identity_conflicts))]
    niks = [person["nik"] for person in payload["persons"] if person["nik"]]
    if len(niks) != len(set(niks)):
        found.append(Reason("nik_twice", str(len(niks) - len(set(niks)))))
    found += [Reason("alias_standing", alias) for alias in sorted(set(around.standing_aliases))]
    standing = around.standing
    if standing is not None and standing.stands():
        same_columns = standing.delivery_digest == data["delivery_digest"]
        if same_columns and standing.disputed == disputed_persons(payload):
            found.append(Reason("unchanged", str(standing.version)))
    return tuple(found)


def ids_to_withdraw(
    canonical_id: str, record_exists: bool, standings: Mapping[str, Standing], cycle_breakers: Collection[str] = ()
) -> tuple[str, ...]:
    """Household ids that are withdrawn before anything else of this record is sent, ascending.

    `standings`: last receipt of each id of the component. An id that is no longer canonical goes (a linked family
    never stands twice); the canonical one goes when its record is gone (all its events void) or when it was chosen
    to break a cycle of reservations.
    """
    return tuple(
        household
        for household, standing in sorted(standings.items())
        if standing.stands() and (household != canonical_id or not record_exists or household in cycle_breakers)
    )


def idempotency_key(campaign: str, household_id: str, delivery_digest: str, events: Iterable[tuple[str, str]]) -> str:
    """The key of one delivery: 64 hex digits, the same on a restored server that holds the same events.

    `events`: `(ref, kind)` of every event of the household, dead and held ones too. Receipts, holds and stamps
    are left out here. So a value that goes A, B, A gets a third key (protocol.md).
    """
    return _key([DELIVER, campaign, household_id, delivery_digest, _refs(events)])


def withdrawal_key(campaign: str, household_id: str, withdraws_version: int, events: Iterable[tuple[str, str]]) -> str:
    """The key of one withdrawal: as `idempotency_key`, with the version that is taken back in place of the digest."""
    return _key([WITHDRAW, campaign, household_id, withdraws_version, _refs(events)])


def content_digest(payload: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical payload, 64 hex digits: how both sides name what stands."""
    return sha256_hex(canonical_bytes_unchecked(payload))


def region_digest(standing: Iterable[tuple[str, int, str]]) -> str:
    """Digest of a region for reconciliation: over `household id, version, content digest` of all that stands."""
    lines = sorted(f"{household} {version} {digest}\n" for household, version, digest in standing)
    return sha256_hex("".join(lines).encode())


def next_version(last: int | None) -> int:
    """The version to send: the last one the registry applied (by receipt, or as read from it) + 1, else 1."""
    return 1 if last is None else last + 1


# --- the states of an outbox row ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class State:
    """A state of an outbox row and what it means."""

    name: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Move:
    """`origin` --`event`--> `target`, made by `by` only. `origin` "" is the making of the row."""

    origin: str
    event: str
    target: str
    by: str
    when: str


class IllegalMove(ValueError):
    """The table knows no such move: a bug, or a worker whose lease was taken over."""


STATES: Sequence[State] = (
    State("pending", "to be sent when it is due; payload frozen, its NIKs reserved"),
    State("waiting_reservation", "stopped: a NIK is held elsewhere, or an identity conflict opened after the writing"),
    State("sending", "leased by one worker that may have sent it"),
    State("uncertain", "sent, outcome unknown; the registry is asked before anything is sent again"),
    State("asking", "leased by one worker that asks what became of it"),
    State("accepted", "applied by the registry; the receipt is an event"),
    State("rejected", "dead letter: the registry said no; a person reads the reason and retries or corrects"),
    State("superseded", "never applied; a newer version took its place, or the record is no longer ready"),
    State("replaced", "was applied; a newer version has been applied since"),
    State("withdrawn", "was applied; a withdrawal has been applied since"),
)

SWEEP, HOLDER, REAPER, OPERATOR = "sweep", "lease holder", "reaper", "operator"
_BACK = "lease holder gives the row back with a time"

MOVES: Sequence[Move] = (
    Move("", "written", "pending", SWEEP, "the record is deliverable and all its NIKs are reserved"),
    Move("pending", "claimed", "sending", HOLDER, "due, circuit lets it pass, no row of the household in flight"),
    Move("pending", "stopped", "waiting_reservation", SWEEP, "a reservation was lost or an identity conflict opened"),
    Move("pending", "superseded", "superseded", SWEEP, "a newer version was written, or the record is not ready"),
    Move("waiting_reservation", "reserved", "pending", SWEEP, "all NIKs are reserved and no identity conflict is open"),
    Move("waiting_reservation", "superseded", "superseded", SWEEP, "a newer version, or the record is not ready"),
    Move("sending", "accepted", "accepted", HOLDER, "answer `accepted` or `duplicate` with a receipt that fits"),
    Move("sending", "rejected", "rejected", HOLDER, "4xx other than 401, 403, 408, 409, 425, 429"),
    Move("sending", "retry_later", "pending", HOLDER, "408, 425, 429, 503 or not connected; " + _BACK),
    Move("sending", "stale", "pending", HOLDER, "409 `stale_version`: numbered anew from the registry's last version"),
    Move("sending", "taken", "waiting_reservation", HOLDER, "409 `taken`: the registry names another household"),
    Move("sending", "refused", "pending", HOLDER, "401 or 403: the circuit opens; nothing was applied"),
    Move(
        "sending",
        "no_answer",
        "uncertain",
        HOLDER,
        "time-out, cut-off answer, 500, 502, 504, receipt does not fit; written to a batch file",
    ),
    Move("sending", "lease_expired", "uncertain", REAPER, "the worker is gone; what it sent is unknown"),
    Move("uncertain", "claimed", "asking", HOLDER, "due and circuit lets it pass"),
    Move("asking", "accepted", "accepted", HOLDER, "the registry knows the key, or holds this version and content"),
    Move("asking", "rejected", "rejected", HOLDER, "the registry knows the key and its no (file adapter)"),
    Move("asking", "unknown", "pending", HOLDER, "neither key nor version is known there: send again, same key"),
    Move(
        "asking",
        "no_answer",
        "uncertain",
        HOLDER,
        "no answer to the question, or the agency still has the batch; " + _BACK,
    ),
    Move("asking", "retry_later", "uncertain", HOLDER, "busy; " + _BACK),
    Move("asking", "refused", "uncertain", HOLDER, "401 or 403: the circuit opens"),
    Move("asking", "lease_expired", "uncertain", REAPER, "the worker is gone"),
    Move("rejected", "retried", "pending", OPERATOR, "the retry button or `padan registry`; same key, same payload"),
    Move("rejected", "superseded", "superseded", SWEEP, "a correction gave a newer version"),
    Move("accepted", "lost_there", "pending", OPERATOR, "reconciliation: the registry lost it; sent again, same key"),
    Move("accepted", "replaced", "replaced", HOLDER, "a newer version of the household was accepted"),
    Move("accepted", "withdrawn", "withdrawn", HOLDER, "the withdrawal of the household was accepted"),
)

IN_FLIGHT = frozenset({"sending", "uncertain", "asking"})
"""At most one row of a household is in one of these."""
LEASED = frozenset({"sending", "asking"})
FINAL = frozenset({"superseded", "replaced", "withdrawn"})
DEAD_LETTERS = frozenset({"rejected"})
NOT_APPLIED = frozenset({"pending", "waiting_reservation", "rejected"})
"""Neither under way nor applied: such a row can give way at once."""

_TABLE: Mapping[tuple[str, str], Move] = {(move.origin, move.event): move for move in MOVES}


def move(state: str, event: str) -> Move:
    """The move an event makes from a state ("" before the row is written). Raises `IllegalMove`."""
    found = _TABLE.get((state, event))
    if found is None:
        allowed = ", ".join(sorted(name for origin, name in _TABLE if origin == state)) or "none"
        raise IllegalMove(f"outbox row in state {state or '(new)'!r}: no move {event!r} (allowed: {allowed})")
    return found


def states_as_markdown() -> str:
    """The two tables of docs/registry.md."""
    lines = ["| state | meaning |", "|---|---|"]
    lines += [f"| `{state.name}` | {state.meaning} |" for state in STATES]
    lines += ["", "| from | event | to | who | when |", "|---|---|---|---|---|"]
    for one in MOVES:
        origin = f"`{one.origin}`" if one.origin else "(new)"
        lines.append(f"| {origin} | `{one.event}` | `{one.target}` | {one.by} | {one.when} |")
    return "\n".join(lines) + "\n"


def _refs(events: Iterable[tuple[str, str]]) -> list[str]:
    return sorted({ref for ref, kind in events if kind not in KINDS_OUTSIDE_THE_KEY})


def _key(parts: list[Any]) -> str:
    return sha256_hex(canonical_bytes_unchecked(parts))
