"""What each kind of event says in `head.body`: one table. Bodies name refs, ids, codes and digests, never a person's
data: that stands in the parts, which can be erased."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from schemas.ids import is_ref, is_sha256, is_uuid
from schemas.paths import is_person_key, split_path

Check = Callable[[Any], bool]

REVIEW_VERDICTS = frozenset({"approve", "return"})
VERDICTS = frozenset(
    {
        "moved",
        "wrong_nik",
        "two_people",
        "same_household",
        "same_person",
        "different_persons",
        "replacement_confirmed",
        "keep_filled",
    }
)
CHANGE_TYPES = frozenset({"birth", "death", "move_out", "move_in", "split", "correction", "work_accident"})
RECEIPT_OUTCOMES = frozenset({"delivered", "accepted", "rejected", "withdrawn"})
ERASURE_BASES = frozenset({"request", "consent_withdrawn", "no_longer_needed", "unlawful", "retention_over"})
"""Why the law has a person erased (UU 27/2022, articles 8, 9, 43, 44); words stand in `sync/erasure.py`."""
OUTSIDE = "outside"
"""Where a person moved who left every listed household."""

_CODE = re.compile(r"[a-z0-9_]{1,40}\Z")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z\Z")


def _text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 200


def _code(value: Any) -> bool:
    return isinstance(value, str) and _CODE.match(value) is not None


def _date(value: Any) -> bool:
    return isinstance(value, str) and _DATE.match(value) is not None


def _time(value: Any) -> bool:
    return isinstance(value, str) and _TIME.match(value) is not None


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _one_of(allowed: frozenset[str]) -> Check:
    return lambda value: isinstance(value, str) and value in allowed


def _some(check: Check) -> Check:
    return lambda value: isinstance(value, list) and len(value) > 0 and all(check(item) for item in value)


def _any(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(check(item) for item in value)


def _pair(value: Any) -> bool:
    if not isinstance(value, dict) or value.keys() != {"ref", "path"}:
        return False
    try:
        split_path(value["path"])
    except (ValueError, AttributeError):
        return False
    return is_ref(value["ref"])


def _move(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"person", "to"}
        and is_person_key(value["person"])
        and (value["to"] == OUTSIDE or is_uuid(value["to"]))
    )


def _paper(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"number", "date"}
        and _text(value["number"])
        and _date(value["date"])
    )


# kind -> (members that must be there, members that may be there)
BODIES: Mapping[str, tuple[Mapping[str, Check], Mapping[str, Check]]] = {
    "prelist": (
        {"source": _text, "vintage": _text, "family_id": _text},
        {"predecessor": _text, "import": _text},
    ),
    "submission": ({}, {"purpose": _code}),
    "change": (
        {"type": _one_of(CHANGE_TYPES)},
        {"person": is_person_key, "moves": _some(_move), "purpose": _code},
    ),
    "assignment": ({"officer": _text}, {"until": _date, "with": _some(_text)}),
    "review": ({"verdict": _one_of(REVIEW_VERDICTS), "data_digest": is_sha256}, {"due": _date}),
    "decision": ({"covers": _some(_pair)}, {"reason": _code}),
    "verdict": (
        {"type": _one_of(VERDICTS), "covers": _any(_pair)},
        {"persons": _some(is_person_key), "moves": _some(_move), "nik_digest": is_sha256, "target": is_ref},
    ),
    "link": ({"households": _some(is_uuid)}, {}),
    "unlink": ({"links": _some(is_ref)}, {}),
    "void": ({"target": is_ref}, {"reason": _code}),
    "undo": ({"target": is_ref}, {"reason": _code}),
    "reattach": ({"target": is_ref, "to": is_uuid}, {"reason": _code}),
    "hold": ({"target": is_ref, "reason": _code}, {}),
    "admit": ({"target": is_ref}, {}),
    "waive": ({"target": is_ref}, {}),
    "stamp": ({"target": is_ref, "time": _time}, {}),
    "ratification": (
        {"delivery_digest": is_sha256, "minutes": _paper},
        {"decree": _paper, "batch": _text},
    ),
    "receipt": (
        {"outcome": _one_of(RECEIPT_OUTCOMES), "version": _count, "idempotency_key": _text},
        {"delivery_digest": is_sha256, "registry": _text, "code": _code, "time": _time, "number": _text},
    ),
    "verification": ({"source": _text}, {"number": _text}),
    "erasure": (
        {"persons": _any(is_person_key)},
        {"household": lambda value: isinstance(value, bool), "basis": _one_of(ERASURE_BASES), "covers": _any(_pair)},
    ),
}


def body_problem(kind: str, body: Mapping[str, Any]) -> str | None:
    """Why the body is not one of its kind, or None."""
    needed, optional = BODIES[kind]
    for name, check in needed.items():
        if name not in body:
            return f"member {name!r} is missing in the body of {kind}"
        if not check(body[name]):
            return f"member {name!r} is malformed in the body of {kind}"
    for name in body.keys() - needed.keys():
        if name not in optional:
            return f"unknown member {name!r} in the body of {kind}"
        if not optional[name](body[name]):
            return f"member {name!r} is malformed in the body of {kind}"
    return None
