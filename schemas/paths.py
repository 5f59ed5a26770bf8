"""Paths of assertions: which part of a record a value belongs to.

    h/<field>                       the household
    p/<household id>/<person id>/<field>   a person, with the household id it came from
    e/<field>                       an answer kept with its change event, never merged

What stands before the last slash is the *part*; `<household id>/<person id>` is the *person key*.
"""

from __future__ import annotations

import re

from schemas.ids import is_uuid

HOUSEHOLD_PART = "h"
EVENT_PART = "e"
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}\Z")


def person_part(person_key: str) -> str:
    """Part name of a person key."""
    return "p/" + person_key


def person_key_of(part: str) -> str | None:
    """Person key of a part name, or None for the household's and the event's parts."""
    return part[2:] if part.startswith("p/") else None


def person_key(household: str, person: str) -> str:
    """Key of a person: the household id it came from and its own id."""
    return f"{household}/{person}"


def split_path(path: str) -> tuple[str, str]:
    """`(part, field)` of a path. Raises ValueError where there is no part."""
    part, slash, field = path.rpartition("/")
    if not slash:
        raise ValueError(f"{path!r} is not a path")
    return part, field


def part_problem(part: object) -> str | None:
    """Why a part name is not one, or None."""
    if part in (HOUSEHOLD_PART, EVENT_PART):
        return None
    if isinstance(part, str):
        pieces = part.split("/")
        if len(pieces) == 3 and pieces[0] == "p" and is_uuid(pieces[1]) and is_uuid(pieces[2]):
            return None
    return f"{part!r} is not a part name (h, e or p/<household id>/<person id>)"


def is_person_key(key: object) -> bool:
    """Whether the text is `<household uuid>/<person uuid>`."""
    return isinstance(key, str) and part_problem("p/" + key) is None


def field_problem(field: object) -> str | None:
    """Why a field name is not one, or None."""
    if isinstance(field, str) and _FIELD.match(field):
        return None
    return f"{field!r} is not a field name"
