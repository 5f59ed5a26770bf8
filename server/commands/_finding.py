"""What a check of `padan doctor` finds."""

from __future__ import annotations

from dataclasses import dataclass

OK, WARNING, WRONG = "ok", "warning", "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found and what to do about it."""

    check: str
    status: str
    found: str
    do: str = ""
