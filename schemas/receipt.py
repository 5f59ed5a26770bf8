"""The receipt of an event as it travels: where it stands in the log of its region, and what was written beside it.

A tablet keeps it and sends it along when it hands the event back to a server that was restored: so the server learns
which places of the lost log came back. It is believed for that alone (docs/protocol.md, "After a restore").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from schemas.ids import is_ref

BESIDE_MAX = 32
"""A form filed in two regions with its stamp and a few holds is a dozen."""

_EPOCH = re.compile(r"[0-9a-zA-Z-]{1,40}\Z")
_REGION = re.compile(r"[0-9]{2}\.[0-9]{2}\Z")

Place = tuple[str, int, str]
"""`(home_region, position, ref)`."""


def receipt_json(epoch: str, position: int, beside: Iterable[Place] = ()) -> dict[str, Any]:
    """A receipt as it travels. `beside`: what was written together with the event: stamp, holds, its other regions."""
    also = [list(place) for place in beside]
    return {"epoch": epoch, "position": position} | ({"beside": also} if also else {})


def claimed_places(raw: Any, ref: str, home_region: str) -> tuple[str, list[Place]]:
    """`(epoch, places)` that a receipt handed back tells of; what makes no sense tells nothing.

    `home_region`: the event's own; the receipt names another where the event came from that region's log.
    """
    if not isinstance(raw, Mapping) or not _is_epoch(raw.get("epoch")):
        return "", []
    region = raw.get("home_region", home_region)
    beside = raw.get("beside", ())
    told: list[Any] = [(region, raw.get("position"), ref)]
    told += [tuple(each) for each in beside[:BESIDE_MAX] if isinstance(each, list)] if isinstance(beside, list) else []
    return raw["epoch"], [place for place in told if _is_place(place)]


def _is_epoch(value: Any) -> bool:
    return isinstance(value, str) and _EPOCH.match(value) is not None


def _is_place(place: Any) -> bool:
    if len(place) != 3:
        return False
    region, position, ref = place
    number = isinstance(position, int) and not isinstance(position, bool) and 0 < position < 2**53
    return number and isinstance(region, str) and _REGION.match(region) is not None and is_ref(ref)
