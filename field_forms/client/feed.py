"""What an answer of the server means for the tablet: feed items, durable marks, results of a push. Pure functions.

The shapes are those of docs/protocol.md; an unknown kind of item is skipped, so that an older client goes on working.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from field_forms.client.store import RECEIVED, REFUSED, TOO_LARGE
from field_forms.client.store_feed import BRIEF, FULL, KnownHousehold
from schemas.event import envelope_hash, ref_of

STORED, DUPLICATE, HELD, EQUIVOCATION, TOO_LARGE_STATUS, RETRY = (
    "stored", "duplicate", "held", "equivocation", "too_large", "retry",
)  # fmt: skip
ARRIVED = frozenset({STORED, DUPLICATE, HELD, EQUIVOCATION})


@dataclass(slots=True)
class Page:
    """One feed page, read."""

    households: list[KnownHousehold] = field(default_factory=list)
    joined: list[tuple[str, str]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    events: list[tuple[str, str, str, Mapping[str, Any]]] = field(default_factory=list)
    erased_events: list[str] = field(default_factory=list)
    erased_persons: list[str] = field(default_factory=list)
    erased_parts: list[tuple[str, str]] = field(default_factory=list)
    """`(ref, part)`."""
    erasures: bool = False
    """Whether something was erased from a household of this page: what its record said before has to go too."""


def read_page(items: Iterable[Mapping[str, Any]]) -> Page:
    """Sort the items of a page by what is to be done with them."""
    page = Page()
    for item in items:
        kind = item.get("kind", "household")
        if kind == "household":
            page.households.append(_household(item))
            page.events += [_signed(envelope) for envelope in item.get("events", ()) if _whole(envelope)]
        elif kind == "alias":
            page.joined.append((item["household_id"], item["canonical_id"]))
        elif kind == "removed":
            page.removed.append(item["household_id"])
        elif kind == "erased":
            page.erasures = True
            page.erased_persons += item.get("persons", [])
            page.erased_events += item.get("refs", [])
            page.erased_parts += [(each["ref"], each["part"]) for each in item.get("parts", ())]
            if item.get("household"):
                page.removed.append(item["household_id"])
    return page


def is_durable(receipt: Mapping[str, Any], home_region: str, durable: Any) -> bool:
    """Whether a receipt lies under the durable watermark: `{"epoch", "positions": {home_region: position}}`, and under
    `earlier` the same for epochs before a restore."""
    if not isinstance(durable, Mapping):
        return False
    own = {str(durable.get("epoch")): durable.get("positions")}
    positions = {**(durable.get("earlier") or {}), **own}.get(str(receipt.get("epoch"))) or {}
    position = positions.get(home_region)
    return isinstance(position, int) and isinstance(receipt.get("position"), int) and receipt["position"] <= position


def settle(result: Mapping[str, Any]) -> tuple[str, str, str | None, Mapping[str, Any] | None] | None:
    """`(state, status, reasons, receipt)` that a push result leads to; None: it stays in the queue.

    A status this client does not know counts as arrived only with a receipt."""
    status, receipt = str(result.get("status")), result.get("receipt")
    if status == RETRY:
        return None
    reasons = " ".join(result.get("reasons") or ()) or result.get("detail") or None
    if status in ARRIVED or receipt:
        return RECEIVED, status, reasons, receipt
    return TOO_LARGE if status == TOO_LARGE_STATUS else REFUSED, status, reasons, None


def _household(item: Mapping[str, Any]) -> KnownHousehold:
    data = item.get("data") or {}
    level = item.get("level") or (FULL if "trail" in item else BRIEF)
    return KnownHousehold(
        household_id=item["household_id"],
        home_region=item["home_region"],
        area=item.get("area") or data.get("area") or item["home_region"],
        level=level,
        label=str(item.get("label") or item.get("name") or head_name(data) or ""),
        item=dict(item),
    )


def head_name(data: Mapping[str, Any]) -> str:
    """Name by which a family is found on the list: the head's as asked, else the first member's."""
    household = data.get("household", {})
    if "value" in household.get("head_name", {}):
        return str(household["head_name"]["value"])
    persons = data.get("persons", ())
    heads = [p for p in persons if p["fields"].get("relation", {}).get("value") == "1"] or list(persons)[:1]
    named = (heads[0]["fields"].get(name, {}).get("value") for name in ("name", "m_name")) if heads else ()
    return str(next((name for name in named if name), ""))


def _whole(envelope: Any) -> bool:
    """Damaged on the way or not an envelope: not kept, for it could not be handed back."""
    try:
        return bool(envelope_hash(envelope) == envelope["payload_hash"])
    except (KeyError, TypeError, ValueError):
        return False


def _signed(envelope: Mapping[str, Any]) -> tuple[str, str, str, Mapping[str, Any]]:
    return ref_of(envelope["payload_hash"]), envelope["head"]["id"], envelope["payload_hash"], envelope
