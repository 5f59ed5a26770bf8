"""Which sets are kept: the newest of each of the last so many days, weeks and months that have one. A pure rule.

Days are those of WIB. The newest three sets are kept whatever the numbers say: one made by hand before an upgrade does
not push out that of the night.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

RECENT = 3
WIB = timezone(timedelta(hours=7), "WIB")


@dataclass(frozen=True, slots=True)
class Keep:
    """How many days, weeks and months to keep one set of."""

    daily: int
    weekly: int
    monthly: int


def kept(created_ms: Mapping[str, int], keep: Keep) -> frozenset[str]:
    """Names of the sets that stay, of `name -> when it was made`."""
    newest_first = sorted(created_ms, key=lambda name: (created_ms[name], name), reverse=True)
    names = set(newest_first[:RECENT])
    for count, period in ((keep.daily, _day), (keep.weekly, _week), (keep.monthly, _month)):
        names.update(_newest_of_each(newest_first, created_ms, period)[:count])
    return frozenset(names)


def _newest_of_each(
    newest_first: list[str], created_ms: Mapping[str, int], period: Callable[[datetime], str]
) -> list[str]:
    first: dict[str, str] = {}
    for name in newest_first:
        first.setdefault(period(wib(created_ms[name])), name)
    return list(first.values())


def wib(moment_ms: int) -> datetime:
    """The moment as a clock in WIB shows it."""
    return datetime.fromtimestamp(moment_ms // 1000, UTC).astimezone(WIB)


def _day(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d")


def _week(moment: datetime) -> str:
    return moment.strftime("%G-%V")


def _month(moment: datetime) -> str:
    return moment.strftime("%Y-%m")
