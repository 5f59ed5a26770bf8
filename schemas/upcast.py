"""Upcasting: how an answer given to an older version of a question is read as one to the present version. Pure.

Two ways. `widened` needs no word from anybody: the value itself tells that it is older (a whole number where a decimal
is asked now). The others are named in the sheet's column `upcast`, each for one former name, because the same number
means another thing in square metres and in ares: so whatever changes meaning takes a new name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from schemas.upcast_rules import RULES, SAME, WITH_ARGUMENTS, WITH_ELSE, Convert, NotUpcast, UpcastUnreadable

__all__ = [
    "SAME",
    "NotUpcast",
    "Rule",
    "UpcastUnreadable",
    "may_widen",
    "narrowed",
    "read_upcasts",
    "rule_of",
    "widened",
]

_CELL = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.+?)\s*\Z", re.DOTALL)
_RULE = re.compile(r"([a-z_]+)\s*(?:\{([^{}]*)\})?\s*(?:else\s+([A-Za-z0-9_.-]{1,100}))?\Z")
_WHOLE = re.compile(r"-?[0-9]{1,15}\Z")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the column `upcast`: from which types to which, the codes it can give, and the conversion."""

    text: str
    takes: frozenset[str]
    gives: frozenset[str]
    codes: frozenset[str]
    convert: Convert


def read_upcasts(cell: str) -> tuple[tuple[str, str], ...]:
    """`old=rule; older=rule` as pairs of former name and rule. Raises `UpcastUnreadable`, also for a bad rule."""
    found: dict[str, str] = {}
    for piece in cell.replace("\n", ";").split(";"):
        if not piece.strip():
            continue
        match = _CELL.match(piece)
        if match is None:
            raise UpcastUnreadable(f"{piece.strip()!r}: tulis nama_lama=aturan, mis. luas_m2=scale{{0.01}}")
        if match[1] in found:
            raise UpcastUnreadable(f"nama lama {match[1]!r} ada dua kali")
        found[match[1]] = rule_of(match[2]).text
    return tuple(found.items())


@lru_cache(maxsize=512)
def rule_of(text: str) -> Rule:
    """The rule of a text such as `bands{0..7:1,8..:2}`. Raises `UpcastUnreadable`."""
    plain = " ".join(text.split())
    match = _RULE.match(plain)
    if match is None or match[1] not in RULES:
        raise UpcastUnreadable(f"aturan {plain!r} tidak dikenal; yang ada: {', '.join(sorted(RULES))}")
    takes, gives, make = RULES[match[1]]
    if match[3] is not None and match[1] not in WITH_ELSE:
        raise UpcastUnreadable(f"{match[1]} tidak mengenal else; else hanya untuk {', '.join(sorted(WITH_ELSE))}")
    if (match[2] is not None) is not (match[1] in WITH_ARGUMENTS):
        wanted = "perlu isi di antara kurung kurawal" if match[1] in WITH_ARGUMENTS else "tidak memakai kurung kurawal"
        raise UpcastUnreadable(f"{match[1]} {wanted}")
    convert, codes = make(match[2] or "", match[3])
    return Rule(plain, frozenset(takes), frozenset(gives), codes, convert)


WIDENS: Mapping[str, frozenset[str]] = {
    "integer": frozenset({"decimal", "text"}),
    "decimal": frozenset({"text"}),
    "date": frozenset({"text"}),
    "time": frozenset({"text"}),
    "select_one": frozenset({"select_multiple"}),
    "calculate": frozenset({"text", "integer", "decimal", "date", "select_one"}),
}
"""Type -> types it may become under the same name: whatever was answered before is still told apart, or the same."""


def may_widen(old: str, new: str) -> bool:
    """Whether a question of one type may become one of the other without a rule."""
    return old == new or new in WIDENS.get(old, frozenset())


def widened(value: Any, type: str) -> Any:
    """A value of an older type as one of the present type; anything else comes back as it is."""
    if isinstance(value, int) and not isinstance(value, bool) and type in ("decimal", "text"):
        return str(value)
    if isinstance(value, str) and type == "select_multiple":
        return [value]
    return value


def narrowed(value: Any, types: frozenset[str]) -> Any:
    """The other way round, as far as one of the older types could have said the same. Two different values never give
    one: so a digest over narrowed values knows no difference between before and after a widening."""
    if isinstance(value, str) and "integer" in types and _WHOLE.match(value) and str(int(value)) == value:
        return int(value)
    if isinstance(value, list) and len(value) == 1 and "select_one" in types:
        return value[0]
    return value
