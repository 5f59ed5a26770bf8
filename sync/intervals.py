"""When an event was made, as far as the server's own signed times can tell: between `not_before` and `not_after`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schemas.event import Event


@dataclass(frozen=True, slots=True)
class Interval:
    """Signed server times as text (RFC 3339, UTC), or None where an end is open."""

    start: str | None
    end: str | None

    @property
    def closed(self) -> bool:
        """Whether both ends are known and in order: only then can it be disjoint from anything."""
        return self.start is not None and self.end is not None and comparable(self.start) <= comparable(self.end)


UNKNOWN = Interval(None, None)


def wholly_before(a: Interval, b: Interval) -> bool:
    """Whether `a` ended before `b` began. An open end, or an end before its start, is disjoint from nothing."""
    return a.closed and b.closed and comparable(a.end or "") < comparable(b.start or "")


def comparable(time: str) -> str:
    """The time with six digits of fraction, so that text order is time order."""
    whole, _, fraction = time.rstrip("Z").partition(".")
    return f"{whole}.{fraction:0<6}"


def intervals(live: Iterable[Event]) -> Mapping[str, Interval]:
    """ref -> interval. `not_after` is the smallest live stamp of the ref."""
    events = list(live)
    ends: dict[str, str] = {}
    for event in events:
        if event.kind == "stamp":
            target, time = str(event.body["target"]), str(event.body["time"])
            ends[target] = min(ends.get(target, time), time, key=comparable)
    return {event.ref: Interval(event.not_before, ends.get(event.ref)) for event in events}
