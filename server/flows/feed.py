"""The device feed: what a tablet may know of each household of its areas, newest version of each, page by page.

Assigned households in full, with the signed events behind them; the rest of the village as a name and an RT, NIK
masked. Of a NIK that stands in two places a tablet learns the kind and its own person, never the other family.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from schemas import limits
from schemas.nik import mask_nik
from schemas.paths import person_key_of
from schemas.receipt import receipt_json
from server.auth.callers import Caller
from server.auth.keys import ServerKeys
from server.flows import dictionary as dictionaries
from server.flows.cursors import Cursor, read_cursor, write_cursor
from server.flows.hello import scope_digest
from server.store import events, feed, keys, niks
from server.store.database import Connection
from server.store.feed import FeedEntry
from server.store.households import assigned_to

STAFF_SIGNED = frozenset(
    {"prelist", "assignment", "review", "decision", "verdict", "link", "unlink", "void", "undo", "reattach", "hold"}
    | {"admit", "waive", "ratification", "receipt", "verification", "stamp"}
)
"""Kinds of signed events that travel, so that a restored server gets them back from tablets."""
HEAD_OF_FAMILY = "1"
HEAD_NAME, RT = "head_name", "rt"
"""Code of `relation` (REGSOSEK 409)."""


def feed_page(
    db: Connection, server_keys: ServerKeys, caller: Caller, cursor_text: str | None, limit: int
) -> dict[str, Any]:
    """One page: items, the cursor to go on from, whether there is more. Raises `ProblemError` (reset, bad_cursor)."""
    limit = max(1, min(limit, limits.FEED_PAGE_MAX))
    epoch, scope = keys.identity(db).epoch, scope_digest(caller)
    cursor = read_cursor(cursor_text, server_keys.cursor_key, epoch, scope)
    positions = dict(cursor.positions)
    items: list[dict[str, Any]] = []
    more = False
    with db.snapshot():
        for region in feed.regions_in(db, caller.scopes):
            left = limit - len(items)
            if left <= 0:
                more = True
                break
            entries, position, region_more = feed.page(
                db, region, positions.get(region, 0), left, caller.scopes, caller.subject
            )
            positions[region] = position
            items += _items(db, region, entries, caller)
            more = more or region_more
    return {
        "items": items,
        "cursor": write_cursor(Cursor(epoch, scope, positions), server_keys.cursor_key),
        "more": more,
    }


def _items(db: Connection, region: str, entries: Iterable[FeedEntry], caller: Caller) -> list[dict[str, Any]]:
    entries = list(entries)
    records = [entry.household_id for entry in entries if entry.what == "record"]
    mine = assigned_to(db, region, [caller.subject], records)
    cases = niks.rows_of_households(db, region, records)
    erased = feed.erasures(db, region, records)
    dictionary = dictionaries.current(db)
    names = (dictionary.present_name("h", HEAD_NAME), dictionary.present_name("h", RT))
    items = []
    for entry in entries:
        if entry.what == "removed":
            items.append({"kind": "removed", "household_id": entry.household_id, "home_region": region})
        elif entry.what == "alias":
            items.append(
                {
                    "kind": "alias",
                    "household_id": entry.household_id,
                    "home_region": region,
                    "canonical_id": str(entry.canonical_id),
                }
            )
        elif entry.household_id in mine:
            items.append(_full(db, region, entry, cases.get(entry.household_id, ())))
        else:
            items.append(_brief(region, entry, *names))
        if entry.household_id in erased and entry.what == "record":
            gone = still_gone(erased[entry.household_id], entry)
            items.append({"kind": "erased", "household_id": entry.household_id, "home_region": region, **gone})
    return items


def still_gone(gone: Mapping[str, Any], entry: FeedEntry) -> dict[str, Any]:
    """What was erased from a household, without those who stand in its record again though all that was said of them
    is gone: a new list or a new form tells of them, and is not to be forgotten (docs/decisions/0032)."""
    data = json.loads(entry.data or b'{"persons":[],"household":{}}')
    emptied = {each["part"] for each in gone["parts"]}
    here = {key for person in data["persons"] for key in person["keys"]}
    back = here & {key for key in gone["persons"] if f"p/{key}" in emptied}
    whole = gone["household"] and not (emptied and (data["persons"] or data["household"]))
    return {**gone, "persons": [key for key in gone["persons"] if key not in back], "household": whole}


def _full(db: Connection, region: str, entry: FeedEntry, cases: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    data = json.loads(entry.data or b"{}")
    trail = json.loads(entry.trail or b"{}")
    own = {data["household_id"], *data["aliases"]}
    return {
        "kind": "household",
        "level": "full",
        "household_id": entry.household_id,
        "home_region": region,
        "area": entry.area,
        "data": data,
        "trail": trail,
        "identity": [_own_case(case, own) for case in cases],
        "events": _signed_events(db, region, own),
    }


def _brief(region: str, entry: FeedEntry, head_name: str, rt: str) -> dict[str, Any]:
    """Name and RT, and whether a NIK is known; enough to say "this family is on the list". `head_name`, `rt`: what
    these questions are called at present."""
    data = json.loads(entry.data or b"{}")
    return {
        "kind": "household",
        "level": "brief",
        "household_id": entry.household_id,
        "home_region": region,
        "area": entry.area,
        "state": entry.state,
        "name": _name(data, head_name),
        "rt": _value(data["household"], rt),
        "niks": sorted(
            mask_nik(str(person["fields"]["nik"]["value"]))
            for person in data["persons"]
            if "value" in person["fields"].get("nik", {})
        ),
    }


def _signed_events(db: Connection, region: str, ids: Iterable[str]) -> list[dict[str, Any]]:
    """Signed events filed under a family's ids; parts about another family's persons as their hash only."""
    ids = set(ids)
    found: dict[str, dict[str, Any]] = {}
    for household in sorted(ids):
        for event in events.filed_under(db, region, household, STAFF_SIGNED):
            if event.signature is None or event.ref in found:
                continue
            home = event.head["household_id"] in ids
            keep = [name for name in event.parts if _about(name, home, ids)]
            found[event.ref] = event.envelope(keep) | {"receipt": _receipt(event)}
    return [found[ref] for ref in sorted(found)]


def _receipt(event: events.StoredEvent) -> dict[str, Any]:
    """Where it stands: who hands it back to a restored server can say so."""
    found = receipt_json(event.receipt.epoch, event.receipt.position)
    own = event.head["home_region"] == event.home_region
    return found if own else found | {"home_region": event.home_region}


def _about(part: str, home: bool, ids: set[str]) -> bool:
    key = person_key_of(part)
    return home if key is None else key.split("/")[0] in ids


def _own_case(case: Mapping[str, Any], own: set[str]) -> dict[str, Any]:
    """A NIK's case as a tablet may see it: the kind and the own persons."""
    return {
        "kind": case["kind"],
        "settled": case["settled"],
        "persons": sorted(person for household, person in case["persons"] if household in own),
    }


def _name(data: Mapping[str, Any], head_name: str) -> str:
    """By what a family is found on the list: the head's name as asked, else the head's own, else the first member's."""
    name = _value(data["household"], head_name)
    if name:
        return name
    persons = data["persons"]
    heads = [person for person in persons if _value(person["fields"], "relation") == HEAD_OF_FAMILY] or persons[:1]
    return _value(heads[0]["fields"], "m_name") if heads else ""


def _value(fields: Mapping[str, Mapping[str, Any]], name: str) -> str:
    value = fields.get(name, {}).get("value")
    return value if isinstance(value, str) else ""
