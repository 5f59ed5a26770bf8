"""Published forms and the areas they choose from: immutable, cacheable by hash."""

from __future__ import annotations

import json
from typing import Any

from flask import Response, request
from flask_smorest import Blueprint

from field_forms.areas import AreasMissing, load_areas
from schemas.areas import AreaTable, covered_by_any, is_area
from schemas.canonical import sha256_hex
from schemas.problems import ProblemError
from server.api.documented import AREA_PATTERN, XML, Bytes, code_query, endpoint
from server.api.services import allowed, caller, services
from server.api.shapes import AreasResponse, FormResponse, FormsResponse, PrefixesResponse
from server.flows.hello import listed_forms
from server.store import forms

blueprint = Blueprint("forms", __name__, url_prefix="/v1", description="Forms and areas")

FOR_EVER_S = 31_536_000


@endpoint(blueprint, "GET", "/forms", answer=FormsResponse)
@allowed("forms")
def get_forms() -> Response:
    """Every published version with its hash."""
    return _answer({"forms": listed_forms(services().db)})


@endpoint(blueprint, "GET", "/forms/<form_id>/<version>", answer=FormResponse, problems=(404,))
@allowed("forms")
def get_form(form_id: str, version: str) -> Response:
    """One version, as it was published and for ever."""
    db = services().db
    found, raw = forms.form_hash(db, form_id, version), forms.definition_bytes(db, form_id, version)
    if found is None or raw is None:
        raise ProblemError("form_unknown", "No form of this id and version was published.")
    return _for_ever(Response(raw, mimetype="application/json"), found)


@endpoint(blueprint, "GET", "/forms/<form_id>/<version>/xform", answer=Bytes(XML), problems=(404,))
@allowed("forms")
def get_xform(form_id: str, version: str) -> Response:
    """The XForm of a version, made when it was published: what the tablet app draws and ODK Collect can read."""
    db = services().db
    found, raw = forms.form_hash(db, form_id, version), forms.xform_bytes(db, form_id, version)
    if found is None:
        raise ProblemError("form_unknown", "No form of this id and version was published.")
    if raw is None:
        raise ProblemError("media_unknown", "This version was published without an XForm; publish a newer one.")
    return _for_ever(Response(raw, mimetype=XML), sha256_hex(raw))


@endpoint(blueprint, "GET", "/areas/prefixes", answer=PrefixesResponse, problems=(404,))
@allowed("forms")
def get_prefixes() -> Response:
    """The first six digits of a NIK: codes of all districts (kecamatan) of the country, without dots."""
    response = _answer({"prefixes": sorted(_areas().districts)})
    response.add_etag()
    response.make_conditional(request)
    return response


@endpoint(
    blueprint,
    "GET",
    "/areas",
    answer=AreasResponse,
    query=(code_query("within", "An area code; all beneath it.", AREA_PATTERN),),
    problems=(404, 422),
)
@allowed("forms")
def get_areas() -> Response:
    """Codes and names of the areas within a code, or within the own areas; with those that lie above them."""
    within = request.args.get("within")
    scopes = caller().scopes
    if within is not None and not is_area(within):
        raise ProblemError("invalid", "within must be a dotted area code such as 19.03.01.")
    if within is not None and not covered_by_any(scopes, within):
        raise ProblemError("out_of_scope", "The area lies outside the token's areas.", areas=list(scopes))
    table = _areas()
    wanted = [within] if within else scopes
    codes = {code for scope in wanted for code in table.within(scope)}
    for scope in wanted:
        pieces = scope.split(".") if is_area(scope) else []
        codes.update(".".join(pieces[: end + 1]) for end in range(len(pieces)))
    response = _answer({"areas": [{"code": code, "name": table.name(code) or code} for code in sorted(codes)]})
    response.add_etag()
    response.make_conditional(request)
    return response


def _areas() -> AreaTable:
    try:
        return load_areas()
    except AreasMissing as error:
        raise ProblemError("media_unknown", str(error)) from error


def _for_ever(response: Response, tag: str) -> Response:
    response.set_etag(tag)
    response.cache_control.private = True
    response.cache_control.max_age = FOR_EVER_S
    response.cache_control.immutable = True
    response.make_conditional(request)
    return response


def _answer(value: Any) -> Response:
    return Response(json.dumps(value, ensure_ascii=False, separators=(",", ":")), mimetype="application/json")
