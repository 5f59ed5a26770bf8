"""What a tablet asks: enrol, hello, events, deposits, have, feed."""

from __future__ import annotations

import json
import secrets
from typing import Any

from flask import Response, current_app, request
from flask_smorest import Blueprint

from schemas import limits
from schemas.problems import ProblemError
from server.api.body import item_list, json_body
from server.api.documented import endpoint, limit_query, text_query
from server.api.measured import count_items
from server.api.services import allowed, caller, one_of_few_writers, services
from server.api.shapes import (
    DepositRequest,
    DepositResponse,
    EnrolRequest,
    EnrolResponse,
    FeedResponse,
    HaveRequest,
    HaveResponse,
    HelloRequest,
    HelloResponse,
    PushRequest,
    PushResponse,
    UnlockRequest,
    UnlockResponse,
    checked,
)
from server.flows.deposits import deposit
from server.flows.enrol import enrol
from server.flows.feed import feed_page
from server.flows.have import have
from server.flows.hello import hello
from server.flows.push import push, sender_of
from server.flows.unlock import unlock
from server.store import devices
from server.store.feed import regions_in

blueprint = Blueprint("sync", __name__, url_prefix="/v1", description="What a tablet asks")


@endpoint(blueprint, "POST", "/enrol", answer=EnrolResponse, body=EnrolRequest, problems=(403, 409), open_to_all=True)
def post_enrol() -> Response:
    """A one-time code becomes a deposit token and a read token. Safe to repeat by the same install."""
    mine = services()
    asked = checked(EnrolRequest, json_body())
    answer = enrol(
        mine.db,
        mine.keys,
        code=asked["code"],
        install=asked["install"],
        public_key=asked["public_key"],
        now_ms=mine.clock.now_ms(),
    )
    return _json(answer)


@endpoint(blueprint, "GET", "/hello", answer=HelloResponse)
@allowed("hello")
def get_hello() -> Response:
    """Server, epoch, signed time, durable watermark, limits, forms, feed head, slot."""
    mine = services()
    return _json(hello(mine.db, mine.keys, caller(), [], mine.clock.now_ms()))


@endpoint(blueprint, "POST", "/hello", answer=HelloResponse, body=HelloRequest)
@allowed("hello")
def post_hello() -> Response:
    """As GET, and a signed stamp for each newly sealed ref that is named."""
    mine = services()
    asked = checked(HelloRequest, json_body())
    return _json(hello(mine.db, mine.keys, caller(), asked.get("refs", []), mine.clock.now_ms(), asked.get("forms")))


@endpoint(blueprint, "POST", "/events", answer=PushResponse, body=PushRequest)
@allowed("events")
@one_of_few_writers
def post_events() -> Response:
    """Up to 50 events; each is judged by itself and answered in order. Acknowledged means: on the disk."""
    mine = services()
    items = item_list("items", limits.EVENTS_PER_PUSH_MAX)
    install = caller().install
    sender = sender_of(mine.db, install.install) if install is not None else None
    if sender is None:
        raise ProblemError("wrong_token", "Only a tablet can push.")
    answers = push(mine.db, sender, items, mine.keys, mine.clock.now_ms())
    if install is not None and any(answer.fork for answer in answers):
        devices.note_fork(mine.db, install.install, mine.clock.now_ms())
    mine.wake_fold()
    count_items(current_app, [answer.status for answer in answers])
    return _json({"results": [answer.to_json() for answer in answers]})


@endpoint(blueprint, "POST", "/deposits", answer=DepositResponse, body=DepositRequest, problems=(429,))
@allowed("deposits")
@one_of_few_writers
def post_deposits() -> Response:
    """A sealed box with unsent work; kept first, opened then."""
    mine = services()
    asked = checked(DepositRequest, json_body(most=limits.DEPOSIT_BYTES_MAX, any_text=True))
    answer = deposit(mine.db, mine.keys, caller(), asked["box"], mine.clock.now_ms())
    mine.wake_fold()
    count_items(current_app, [each.status for each in answer.answers])
    return _json(answer.to_json())


@endpoint(blueprint, "POST", "/unlocks", answer=UnlockResponse, body=UnlockRequest, problems=(403, 409))
@allowed("unlocks")
def post_unlocks() -> Response:
    """An operator's code opens a tablet whose PIN was forgotten: its data key comes back, sealed to its own key."""
    mine = services()
    asked = checked(UnlockRequest, json_body(any_text=True))
    answer = unlock(
        mine.db,
        mine.keys,
        caller(),
        code=asked["code"],
        box=asked["box"],
        public_key=asked["public_key"],
        one_time=secrets.token_bytes(32),
        now_ms=mine.clock.now_ms(),
    )
    return _json(answer)


@endpoint(blueprint, "POST", "/have", answer=HaveResponse, body=HaveRequest)
@allowed("have")
def post_have() -> Response:
    """Of the events a tablet holds: which are missing here, which were erased."""
    mine = services()
    asked = checked(HaveRequest, json_body())
    pairs: list[list[str]] = asked["items"]
    ids: dict[str, list[str]] = {}
    for event_id, digest in pairs:
        ids.setdefault(digest, []).append(event_id)
    found = have(mine.db, list(ids), regions_in(mine.db, caller().scopes))
    return _json(
        {
            "missing": [[event_id, digest] for digest in found.missing for event_id in ids[digest]],
            "erased": [[event_id, digest] for digest in found.erased for event_id in ids[digest]],
            "parts": {digest: list(names) for digest, names in found.parts.items()},
        }
    )


@endpoint(
    blueprint,
    "GET",
    "/feed",
    answer=FeedResponse,
    query=(
        text_query("cursor", "Where to go on; opaque."),
        limit_query(limits.FEED_PAGE_MAX, limits.FEED_PAGE_DEFAULT),
    ),
    problems=(400, 409, 422),
)
@allowed("feed")
def get_feed() -> Response:
    """Merged households of the tablet's areas that changed since the cursor."""
    mine = services()
    limit = query_limit(limits.FEED_PAGE_DEFAULT, limits.FEED_PAGE_MAX)
    return _json(feed_page(mine.db, mine.keys, caller(), request.args.get("cursor"), limit))


def query_limit(default: int, most: int) -> int:
    """The query parameter `limit`. Raises `ProblemError` (invalid)."""
    text = request.args.get("limit")
    if text is None:
        return default
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or not 1 <= int(text) <= most:
        raise ProblemError("invalid", f"limit must be a whole number from 1 to {most}.")
    return int(text)


def _json(value: Any) -> Response:
    return Response(json.dumps(value, ensure_ascii=False, separators=(",", ":")), mimetype="application/json")
