"""Forms are handed out as published, areas by the token's scope; health, metrics and errors say what they should."""

from __future__ import annotations

import io
import json
import logging
import time

import pytest
import structlog
from api_world import HOUSEHOLD

from field_forms.areas import AreasMissing
from field_forms.built import built_forms, source_folder
from field_forms.publish import prepare_file
from schemas.canonical import canonical_bytes
from server.app import openapi_document
from server.blobs.folder import FolderBlobs
from server.flows.publish_form import publish_form
from server.log import configure_logging
from server.store import forms
from server.store.database import StoreFull

NIK = "1903014107900001"


@pytest.fixture
def log_stream():
    """What is logged; afterwards logging is as it was."""
    handlers, level = logging.root.handlers[:], logging.root.level
    stream = io.StringIO()
    configure_logging("info", stream)
    yield stream
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def test_a_form_comes_as_it_was_published_and_is_cached_by_its_hash(api, problem):
    (entry,) = api.call("GET", "/v1/forms", "read").get_json()["forms"]
    answer = api.call("GET", f"/v1/forms/{entry['id']}/{entry['version']}", "read")
    assert answer.get_json()["hash"] == entry["hash"] == api.world.form.hash
    assert answer.headers["ETag"] == f'"{entry["hash"]}"'
    assert "immutable" in answer.headers["Cache-Control"] and "private" in answer.headers["Cache-Control"]
    again = api.call(
        "GET", f"/v1/forms/{entry['id']}/{entry['version']}", "read", headers={"If-None-Match": f'"{entry["hash"]}"'}
    )
    assert again.status_code == 304 and not again.data
    problem(api.call("GET", "/v1/forms/kecil/1", "read"), 404, "form_unknown")
    problem(api.call("GET", "/v1/forms/none/2026110101", "read"), 404, "form_unknown")


def test_the_xform_comes_as_it_was_made_at_publication_under_the_rights_of_the_definition(api, problem):
    compiled = built_forms()[1]
    form = compiled.definition
    assert publish_form(api.world.db, prepare_file(source_folder(form.id)), now_ms=api.clock.now_ms(), by="operator")
    path = f"/v1/forms/{form.id}/{form.version}/xform"
    answer = api.call("GET", path, "read")
    assert answer.mimetype == "application/xml" and answer.text == compiled.xform
    assert "immutable" in answer.headers["Cache-Control"] and "private" in answer.headers["Cache-Control"]
    again = api.call("GET", path, "staff", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304 and not again.data
    problem(api.call("GET", path, "deposit"), 403, "wrong_token")
    problem(api.call("GET", path), 401, "unauthenticated")
    problem(api.call("GET", f"/v1/forms/{form.id}/1/xform", "read"), 404, "form_unknown")
    raw = canonical_bytes(form.to_json())
    forms.add_form(api.world.db, form.id, "1", "0" * 64, raw, xform=None, now_ms=0, published_by="an older server")
    problem(api.call("GET", f"/v1/forms/{form.id}/1/xform", "read"), 404, "media_unknown")


def test_a_tablet_gets_the_prefixes_of_all_districts_to_judge_a_nik_by(api, problem):
    answer = api.call("GET", "/v1/areas/prefixes", "read")
    prefixes = answer.get_json()["prefixes"]
    assert len(prefixes) > 7_000 and prefixes == sorted(prefixes) and "190301" in prefixes
    again = api.call("GET", "/v1/areas/prefixes", "read", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    problem(api.call("GET", "/v1/areas/prefixes", "deposit"), 403, "wrong_token")


def test_a_tablet_gets_its_villages_with_what_lies_above_them(api, problem):
    areas = api.call("GET", "/v1/areas", "read").get_json()["areas"]
    assert [area["code"] for area in areas] == ["19", "19.03", "19.03.01", "19.03.01.1001"]
    assert areas[-1]["name"] == "Toboali"
    problem(api.call("GET", "/v1/areas?within=19.03", "read"), 403, "out_of_scope")
    problem(api.call("GET", "/v1/areas?within=1903", "read"), 422, "invalid")
    assert len(api.call("GET", "/v1/areas?within=19.03.01", "pull").get_json()["areas"]) > 5


def test_areas_that_were_not_built_are_said_to_be_missing(api, problem, monkeypatch):
    def missing():
        raise AreasMissing("build them")

    monkeypatch.setattr("server.api.forms.load_areas", missing)
    problem(api.call("GET", "/v1/areas", "read"), 404, "media_unknown")


SUBSYSTEMS = ("database", "storage", "photos", "forms", "disk", "clock")


def test_alive_and_ready_need_no_token_and_ready_names_what_is_not(api, problem, monkeypatch):
    assert api.call("GET", "/healthz").get_json() == {"status": "ok"}
    assert api.call("GET", "/readyz").get_json()["checks"] == dict.fromkeys(SUBSYSTEMS, True)
    monkeypatch.setattr("server.api.readiness.FREE_BYTES_MIN", 2**62)
    answer = api.call("GET", "/readyz")
    assert problem(answer, 503, "not_ready")["checks"] == {name: name != "disk" for name in SUBSYSTEMS}
    assert answer.headers["Retry-After"]
    monkeypatch.undo()
    monkeypatch.setattr(FolderBlobs, "writable", lambda _: False)
    answer = api.call("GET", "/readyz")
    assert problem(answer, 503, "not_ready")["checks"] == {name: name != "photos" for name in SUBSYSTEMS}


def test_ready_tells_of_a_clock_that_was_set_back_and_everything_goes_on_meanwhile(api, problem):
    api.push(api.sealed())
    api.clock.set_ms(api.clock.now_ms() - 3_600_000)
    assert problem(api.call("GET", "/readyz"), 503, "not_ready")["checks"]["clock"] is False
    assert api.push(api.sealed())[0]["status"] == "stored"
    api.world.now_ms = api.clock.now_ms()
    api.world.fold()
    assert api.call("GET", "/v1/feed", "read").get_json()["items"]
    api.clock.advance_ms(3_600_000)
    assert api.call("GET", "/readyz").status_code == 200


def test_ready_tells_of_a_subsystem_that_hangs_and_is_not_held_up_by_it(api, problem, monkeypatch):
    api.app.extensions["padan"].readiness._limit_s = 0.2
    monkeypatch.setattr("server.api.readiness.forms.published_forms", lambda _db: time.sleep(1))
    began = time.monotonic()
    checks = problem(api.call("GET", "/readyz"), 503, "not_ready")["checks"]
    assert (checks["forms"], checks["database"]) == (False, True)
    assert time.monotonic() - began < 0.9


def test_ready_tells_of_a_disk_that_is_full(api, problem, monkeypatch):
    def full(*_args):
        raise StoreFull("full")

    monkeypatch.setattr("server.api.readiness.identity.set_setting", full)
    assert problem(api.call("GET", "/readyz"), 503, "not_ready")["checks"]["storage"] is False


def test_metrics_count_requests_items_and_problems_and_name_nobody(api):
    api.push(
        api.sealed(persons={f"{HOUSEHOLD}/{HOUSEHOLD}": {"m_name": "SITI AMINAH", "presence": "1", "nik": NIK}}), "{}"
    )
    api.world.fold()
    api.call("GET", "/v1/feed", "deposit")
    api.client.open("/v1/hello", method="BREW")
    text = api.call("GET", "/metrics").text
    assert 'padan_push_items_total{status="stored"} 1.0' in text
    assert 'padan_push_items_total{status="held"} 1.0' in text
    assert 'padan_requests_total{method="POST",route="/v1/events",status="200"} 1.0' in text
    assert 'padan_problems_total{code="wrong_token"} 1.0' in text
    assert "padan_log_events 1.0" in text and "padan_households 1.0" in text and "padan_fold_queue 0.0" in text
    assert 'method="other"' in text
    assert NIK not in text and "SITI" not in text and HOUSEHOLD not in text


def test_the_log_has_a_line_for_each_request_and_nothing_of_its_content(api, log_stream):
    api.push(api.sealed(persons={f"{HOUSEHOLD}/{HOUSEHOLD}": {"m_name": "SITI AMINAH", "presence": "1", "nik": NIK}}))
    api.call("GET", f"/v1/households/{NIK}", "pull")
    api.call("GET", f"/v1/households?nik={NIK}", "pull")
    lines = [json.loads(line) for line in log_stream.getvalue().splitlines()]
    assert [(line["route"], line["status"], line.get("code")) for line in lines] == [
        ("/v1/events", 200, None),
        ("/v1/households/<household_id>", 404, "household_unknown"),
        ("/v1/households", 422, "invalid"),
    ]
    text = json.dumps(lines)
    assert NIK not in text and "SITI" not in text
    assert all(token not in text for token in api.tokens.values())


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/nothing", "/v1/households/a/b", "/%00", "/v1/../etc"])
def test_an_address_that_does_not_exist_is_a_problem(api, problem, path):
    problem(api.call("GET", path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [("PUT", "/v1/events", {"POST", "OPTIONS"}), ("DELETE", "/v1/hello", {"GET", "HEAD", "OPTIONS", "POST"})],
)
def test_a_wrong_method_names_the_right_ones(api, problem, method, path, allow):
    answer = api.call(method, path)
    problem(answer, 405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == allow


def test_answers_are_not_stored_by_caches_on_the_way(api):
    assert api.call("GET", "/v1/feed", "read").headers["Cache-Control"] == "no-store"


def test_the_openapi_file_describes_every_endpoint_under_v1(api):
    document = openapi_document(api.app)
    rules = {
        (method, rule.rule.replace("<", "{").replace(">", "}"))
        for rule in api.app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/v1") and rule.rule != "/v1/openapi.json"
    }
    described = {
        (method.upper(), path)
        for path, item in document["paths"].items()
        for method in item
        if method in {"get", "post", "put", "patch", "delete"}
    }
    assert rules == described
    content = document["paths"]["/v1/households"]["get"]["responses"]["200"]["content"]
    assert content.keys() == {"application/json", "application/x-ndjson"}
