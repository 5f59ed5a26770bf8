"""The central pull: merged households in cursor pages, JSON or NDJSON, and one household with its provenance."""

from __future__ import annotations

import json

from flask import Response, request, stream_with_context
from flask_smorest import Blueprint

from schemas import limits
from schemas.areas import is_area
from schemas.ids import is_uuid
from schemas.problems import ProblemError
from server.api.documented import (
    AREA_PATTERN,
    JSON,
    NDJSON,
    choice_query,
    code_query,
    endpoint,
    limit_query,
    text_query,
)
from server.api.services import allowed, caller, services
from server.api.shapes import HouseholdResponse, HouseholdsResponse
from server.api.sync import query_limit
from server.flows.pull import Page, as_json, ndjson_page, one_household, pull_page
from sync.case import ORDER

blueprint = Blueprint("central", __name__, url_prefix="/v1", description="The central office")


@endpoint(
    blueprint,
    "GET",
    "/households",
    answer=HouseholdsResponse,
    or_lines=True,
    query=(
        text_query("cursor", "Where to go on; opaque. Without one, from the beginning."),
        limit_query(limits.PULL_PAGE_MAX, limits.PULL_PAGE_DEFAULT),
        code_query("area", "An area code; all beneath it.", AREA_PATTERN),
        choice_query("state", "A state of docs/merge.md.", tuple(ORDER)),
    ),
    problems=(400, 406, 409, 422),
)
@allowed("households")
def get_households() -> Response:
    """Households that changed since the cursor, aliases and removals included."""
    area, state = request.args.get("area"), request.args.get("state")
    if area is not None and not is_area(area):
        raise ProblemError("invalid", "area must be a dotted Kemendagri code such as 19.03.01.")
    if state is not None and state not in ORDER:
        raise ProblemError("invalid", f"state must be one of {', '.join(ORDER)}.")
    lines = _wants_lines()
    mine = services()
    limit = query_limit(limits.PULL_PAGE_DEFAULT, limits.PULL_PAGE_MAX)
    db, who, cursor = mine.db, caller(), request.args.get("cursor")

    def pull(after: str | None, most: int) -> Page:
        return pull_page(db, mine.keys, who, after, most, area=area, state=state)

    if lines:
        # With the context: this thread's connection is given back when the last line is written.
        return Response(stream_with_context(ndjson_page(pull, cursor, limit)), mimetype=NDJSON)
    return Response(as_json(pull(cursor, limit)), mimetype="application/json")


@endpoint(blueprint, "GET", "/households/<household_id>", answer=HouseholdResponse, problems=(404,))
@allowed("households")
def get_household(household_id: str) -> Response:
    """One household with who said each value, when, on which evidence, and by which rule it stands."""
    if not is_uuid(household_id):
        raise ProblemError("household_unknown", "No household has this id.")
    found = one_household(services().db, caller(), household_id)
    return Response(json.dumps(found, ensure_ascii=False, separators=(",", ":")), mimetype="application/json")


def _wants_lines() -> bool:
    """Whether NDJSON is wanted rather than JSON. Raises `ProblemError` (not_acceptable) where neither is."""
    wanted = request.accept_mimetypes
    if not wanted.provided:
        return False
    if not wanted[JSON] and not wanted[NDJSON]:
        raise ProblemError("not_acceptable", f"This can be had as {JSON} or {NDJSON}.")
    return wanted[NDJSON] > wanted[JSON]
