"""The central pull: merged households in cursor pages, JSON or NDJSON, and one household with its provenance."""

from __future__ import annotations

import json

from flask import Response, request
from flask_smorest import Blueprint

from schemas import limits
from schemas.areas import is_area
from schemas.ids import is_uuid
from schemas.problems import ProblemError
from server.api.documented import described, limit_query, text_query
from server.api.services import allowed, caller, services
from server.api.shapes import AnyObject
from server.api.sync import query_limit
from server.flows.pull import as_json, ndjson, one_household, pull_page
from sync.case import ORDER

blueprint = Blueprint("central", __name__, url_prefix="/v1", description="The central office")

NDJSON = "application/x-ndjson"


@blueprint.route("/households", methods=["GET"])
@described(
    blueprint,
    answer=AnyObject,
    query=(
        text_query("cursor", "Where to go on; opaque. Without one, from the beginning."),
        limit_query(limits.PULL_PAGE_MAX, limits.PULL_PAGE_DEFAULT),
        text_query("area", "An area code; all beneath it.", 13),
        text_query("state", "A state of docs/merge.md.", 20),
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
    best = request.accept_mimetypes.best_match([NDJSON, "application/json"], default=None)
    if best is None:
        raise ProblemError("not_acceptable", f"This can be had as application/json or {NDJSON}.")
    mine = services()
    limit = query_limit(limits.PULL_PAGE_DEFAULT, limits.PULL_PAGE_MAX)
    page = pull_page(mine.db, mine.keys, caller(), request.args.get("cursor"), limit, area=area, state=state)
    wants_lines = best == NDJSON and NDJSON in request.headers.get("Accept", "")
    if wants_lines:
        return Response(ndjson(page), mimetype=NDJSON)
    return Response(as_json(page), mimetype="application/json")


@blueprint.route("/households/<household_id>", methods=["GET"])
@described(blueprint, answer=AnyObject, problems=(404,))
@allowed("households")
def get_household(household_id: str) -> Response:
    """One household with who said each value, when, on which evidence, and by which rule it stands."""
    if not is_uuid(household_id):
        raise ProblemError("household_unknown", "No household has this id.")
    found = one_household(services().db, caller(), household_id)
    return Response(json.dumps(found, ensure_ascii=False, separators=(",", ":")), mimetype="application/json")
