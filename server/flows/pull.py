"""The central pull: merged households in the order in which they changed, as the very bytes that are stored.

A page is a list of lines; each line is one JSON object put together from stored bytes without parsing them. The
cursor has no gap: positions are given out in order, inside the transaction that writes the record.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from schemas import limits
from schemas.areas import covered_by_any, covers
from schemas.problems import ProblemError
from server.auth.callers import Caller
from server.auth.keys import ServerKeys
from server.flows.cursors import Cursor, read_cursor, write_cursor
from server.flows.feed import still_gone
from server.flows.hello import scope_digest
from server.store import feed, households, keys, niks
from server.store.database import Connection
from server.store.feed import FeedEntry

LINES_PER_PIECE = 100
"""Of 2.5 to 10 KB each."""
LINES_PER_STEP = 500
"""A page that is written as it is read is never held whole: each thread that ever held one would keep its memory."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the pull: one line per change, the cursor to go on from, whether there is more."""

    lines: tuple[bytes, ...]
    cursor: str
    more: bool
    server_id: str
    epoch: str


def pull_page(
    db: Connection,
    server_keys: ServerKeys,
    caller: Caller,
    cursor_text: str | None,
    limit: int,
    *,
    area: str | None = None,
    state: str | None = None,
) -> Page:
    """Changes after a cursor inside the token's areas; `area` and `state` narrow them further.

    A cursor is bound to the filters it was given out under. Raises `ProblemError` (reset, bad_cursor, out_of_scope).
    """
    scopes = _scopes(caller, area)
    limit = max(1, min(limit, limits.PULL_PAGE_MAX))
    identity = keys.identity(db)
    scope = f"{scope_digest(caller)}/{area or ''}/{state or ''}"
    cursor = read_cursor(cursor_text, server_keys.cursor_key, identity.epoch, scope)
    positions = dict(cursor.positions)
    lines: list[bytes] = []
    more = False
    with db.snapshot():
        for region in feed.regions_in(db, scopes):
            if len(lines) >= limit:
                more = True
                break
            entries, position, region_more = feed.page(db, region, positions.get(region, 0), limit - len(lines), scopes)
            positions[region] = position
            lines += _lines(db, region, entries, state)
            more = more or region_more
    text = write_cursor(Cursor(identity.epoch, scope, positions), server_keys.cursor_key)
    return Page(tuple(lines), text, more, identity.server_id, identity.epoch)


def one_household(db: Connection, caller: Caller, household_id: str) -> dict[str, Any]:
    """A household with the provenance of each value; an alias answers with the record it resolves to."""
    record = households.load(db, household_id)
    if record is None:
        raise ProblemError("household_unknown", "No household has this id.")
    if not covered_by_any(caller.scopes, record.area):
        # Not told apart from one that does not exist: ids are no way to find out who is listed elsewhere.
        raise ProblemError("household_unknown", "No household has this id.")
    return {
        "household_id": record.household_id,
        "asked_for": household_id,
        "position": record.feed_position,
        "data": json.loads(record.data),
        "trail": json.loads(record.trail),
        "identity": niks.rows_of_household(db, record.home_region, record.household_id),
    }


def ndjson_page(pull: Callable[[str | None, int], Page], cursor: str | None, limit: int) -> Iterator[bytes]:
    """A page as NDJSON, the last line saying how to go on; read in steps and written in pieces of many lines.

    `pull(cursor, limit)` reads one step, which is a page of its own: steps one after the other are what a caller gets
    who asks for small pages. What is wrong with the request is raised here, before anything is sent.
    """
    return _written(pull(cursor, min(limit, LINES_PER_STEP)), pull, limit)


def _written(page: Page, pull: Callable[[str | None, int], Page], left: int) -> Iterator[bytes]:
    while True:
        # A web server sends each piece by itself: line by line costs 10 to 20 % more, the reader three times as much.
        for start in range(0, len(page.lines), LINES_PER_PIECE):
            yield b"\n".join((*page.lines[start : start + LINES_PER_PIECE], b""))
        left -= max(1, len(page.lines))
        if left <= 0 or not page.more:
            break
        page = pull(page.cursor, min(left, LINES_PER_STEP))
    yield json.dumps({"kind": "page", **page_facts(page)}, separators=(",", ":")).encode() + b"\n"


def as_json(page: Page) -> bytes:
    """The page as one JSON object with `items`."""
    facts = json.dumps(page_facts(page), separators=(",", ":")).encode()
    return b'{"items":[' + b",".join(page.lines) + b"]," + facts[1:]


def page_facts(page: Page) -> dict[str, Any]:
    """What stands beside the items of a page."""
    return {"cursor": page.cursor, "more": page.more, "server_id": page.server_id, "epoch": page.epoch}


def _scopes(caller: Caller, area: str | None) -> Sequence[str]:
    if area is None:
        return caller.scopes
    inside = [scope for scope in caller.scopes if covers(area, scope)]
    if not inside and not covered_by_any(caller.scopes, area):
        raise ProblemError(
            "out_of_scope", f"The area {area} lies outside the token's areas.", areas=list(caller.scopes)
        )
    return [area] if covered_by_any(caller.scopes, area) else inside


def _lines(db: Connection, region: str, entries: Sequence[FeedEntry], state: str | None) -> list[bytes]:
    records = [entry.household_id for entry in entries if entry.what == "record"]
    cases = niks.rows_of_households(db, region, records)
    erased = feed.erasures(db, region, records)
    lines = []
    for entry in entries:
        if entry.what != "record":
            lines.append(_plain_line(region, entry))
        elif state is None or entry.state == state:
            lines.append(_record_line(region, entry, cases.get(entry.household_id, [])))
        else:
            # It may have been sent in another state before: whoever filters by state is told that it left.
            lines.append(_left_line(region, entry))
        if entry.what == "record" and entry.household_id in erased:
            lines.append(_erased_line(region, entry, still_gone(erased[entry.household_id], entry)))
    return lines


def _record_line(region: str, entry: FeedEntry, cases: Sequence[Any]) -> bytes:
    head = {
        "kind": "household",
        "household_id": entry.household_id,
        "home_region": region,
        "area": entry.area,
        "state": entry.state,
        "position": entry.position,
        "identity": [
            {"kind": case["kind"], "settled": case["settled"], "households": case["households"]} for case in cases
        ],
    }
    return orjson.dumps(head)[:-1] + b',"data":' + (entry.data or b"null") + b"}"


def _plain_line(region: str, entry: FeedEntry) -> bytes:
    line: dict[str, Any] = {
        "kind": entry.what,
        "household_id": entry.household_id,
        "home_region": region,
        "area": entry.area,
        "position": entry.position,
    }
    if entry.what == "alias":
        line["canonical_id"] = entry.canonical_id
    return json.dumps(line, separators=(",", ":")).encode()


def _erased_line(region: str, entry: FeedEntry, gone: dict[str, Any]) -> bytes:
    """What is to be taken out of every copy; the record itself, on the line before, lacks it already."""
    line = {
        "kind": "erased",
        "household_id": entry.household_id,
        "home_region": region,
        "area": entry.area,
        "position": entry.position,
        "persons": gone["persons"],
        "household": gone["household"],
    }
    return json.dumps(line, separators=(",", ":")).encode()


def _left_line(region: str, entry: FeedEntry) -> bytes:
    line = {
        "kind": "removed",
        "household_id": entry.household_id,
        "home_region": region,
        "area": entry.area,
        "position": entry.position,
    }
    return json.dumps(line, separators=(",", ":")).encode()
