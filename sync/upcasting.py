"""Stratum 0 for answers: what was said to an older version of a question, read as an answer to the present one. Pure.

How is said by the sheets (schemas/lineage.py): former names and codes, wider types, named rules. Nothing is dropped:
an answer that no rule can read is `KEPT`, and stands where it stood.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from schemas.canonical import canonical_bytes_unchecked
from schemas.event import Assertion, Event
from schemas.form import Dictionary
from schemas.lineage import WrongType
from schemas.paths import EVENT_PART
from schemas.question import EVENT
from schemas.upcast import NotUpcast
from sync.causality import KEPT, cell
from sync.names import normal_name


def by_present_name(
    assertions: Mapping[str, Assertion], scope: str, dictionary: Dictionary
) -> Iterable[tuple[str, Assertion]]:
    """Assertions in order of name; those by a present name before those by a former one. A client that says the same
    thing under both has said it under the present one."""
    ordered = sorted(assertions.items())
    if dictionary.renamed:
        ordered.sort(key=lambda each: known(dictionary, scope, each[0])[0] != each[0])
    return ordered


def upcast(dictionary: Dictionary, scope: str, given: str, assertion: Assertion) -> Assertion | None:
    """An assertion of a value, made on whichever version, as one about the present question. What its rules cannot read
    is `KEPT` as it was said; None for what never was an answer of the type that was asked."""
    line = dictionary.line(scope, given)
    if line is None:
        return assertion
    try:
        value = line.read(assertion.value)
    except WrongType:
        return None
    except NotUpcast:
        return replace(assertion, value={"question": given, "value": assertion.value}, state=KEPT)
    return assertion if value == assertion.value else replace(assertion, value=value)


def as_asked_now(assertions: Mapping[str, Assertion], scope: str, dictionary: Dictionary) -> dict[str, Assertion]:
    """Assertions by the present names of their questions, for answers that are shown and not merged. Nothing is left
    out: what was no answer is shown as it was said, and what stands under two names under both."""
    found: dict[str, Assertion] = {}
    for given, assertion in by_present_name(assertions, scope, dictionary):
        name, _, _, changed = known(dictionary, scope, given)
        if changed and assertion.state is None:
            assertion = upcast(dictionary, scope, given, assertion) or assertion
        found[given if name in found else name] = assertion
    return found


@lru_cache(maxsize=16_384)
def known(dictionary: Dictionary, scope: str, name: str) -> tuple[str, str, str, bool]:
    """Present name, type and register of a question, and whether answers by this name may have to be read anew; no
    type for a name that no form knows."""
    line, question = dictionary.line(scope, name), dictionary.field(scope, name)
    if line is None or question is None:
        return (name, "", name, False)
    return (question.name, question.type, dictionary.register(scope, name), not line.passes)


def as_compared(assertion: Assertion, value: str | bytes | None) -> tuple[str | None, str | bytes | None]:
    """State and plain value as they are compared. Two who said the same, that cannot be read any more, still agree."""
    if assertion.state == KEPT:
        said = assertion.value["value"]
        return KEPT, normal_name(said) if isinstance(said, str) else canonical_bytes_unchecked(said)
    return assertion.state, value


def change_lines(counted: Iterable[Event], dictionary: Dictionary) -> list[dict[str, Any]]:
    """Change events with what they say beyond the record, ordered by ref; never merged."""
    lines = []
    for event in counted:
        if event.kind == "change":
            fields = {
                name: cell(item)
                for part in event.parts
                if part.name == EVENT_PART
                for name, item in as_asked_now(part.assertions, EVENT, dictionary).items()
            }
            line = {"ref": event.ref, "type": event.body["type"], "fields": fields}
            lines.append(line | ({"person": event.body["person"]} if "person" in event.body else {}))
    return lines


def return_lines(returns: Sequence[Event], dictionary: Dictionary) -> list[dict[str, Any]]:
    """Open returns as the officer is shown them: comments stand at the questions as they are called now."""
    lines = []
    for event in returns:
        text: dict[str, Any] = {}
        for part in event.parts:
            text |= part.text
        comments = text.get("comments", {})
        lines.append(
            {
                "ref": event.ref,
                "actor": event.actor,
                "due": event.body.get("due"),
                "comments": {dictionary.present_path(path): comments[path] for path in sorted(comments)},
                "note": text.get("note", ""),
            }
        )
    return lines
