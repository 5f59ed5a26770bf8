"""Published forms and the areas they choose from: immutable, cacheable by hash."""

from __future__ import annotations

import json
from typing import Any

from flask import Response, request
from flask_smorest import Blueprint

from field_forms.areas import AreasMissing, load_areas
from schemas.areas import covered_by_any
from schemas.problems import ProblemError
from server.api.documented import described, text_query
from server.api.services import allowed, caller, services
from server.api.shapes import AnyObject
from server.store import forms

blueprint = Blueprint("forms", __name__, url_prefix="/v1", description="Forms and areas")

FOR_EVER_S = 31_536_000


@blueprint.route("/forms", methods=["GET"])
@described(blueprint, answer=AnyObject)
@allowed("forms")
def get_forms() -> Response:
    """Every published version with its hash."""
    published = [
        {"id": form.id, "version": form.version, "hash": form.hash} for form in forms.published_forms(services().db)
    ]
    return _answer({"forms": published})


@blueprint.route("/forms/<form_id>/<version>", methods=["GET"])
@described(blueprint, answer=AnyObject, problems=(404,))
@allowed("forms")
def get_form(form_id: str, version: str) -> Response:
    """One version, as it was published and for ever."""
    db = services().db
    found, raw = forms.form_hash(db, form_id, version), forms.definition_bytes(db, form_id, version)
    if found is None or raw is None:
        raise ProblemError("not_found", "No form of this id and version was published.")
    response = Response(raw, mimetype="application/json")
    response.set_etag(found)
    response.cache_control.private = True
    response.cache_control.max_age = FOR_EVER_S
    response.cache_control.immutable = True
    return response.make_conditional(request)


@blueprint.route("/areas", methods=["GET"])
@described(
    blueprint, answer=AnyObject, query=(text_query("within", "An area code; all beneath it.", 20),), problems=(404,)
)
@allowed("forms")
def get_areas() -> Response:
    """Codes and names of the areas within a code that the caller may see; without one, within the own areas."""
    within = request.args.get("within")
    scopes = caller().scopes
    if within is not None and not covered_by_any(scopes, within):
        raise ProblemError("out_of_scope", "The area lies outside the token's areas.")
    try:
        table = load_areas()
    except AreasMissing as error:
        raise ProblemError("media_unknown", str(error)) from error
    found = [
        {"code": code, "name": table.name(code)}
        for scope in ([within] if within else scopes)
        for code in table.within(scope)
    ]
    return _answer({"areas": found})


def _answer(value: Any) -> Response:
    return Response(json.dumps(value, ensure_ascii=False, separators=(",", ":")), mimetype="application/json")
