"""Who may call what: every kind of token at every endpoint, and what is left to a tablet that was cut off."""

from __future__ import annotations

import pytest
from api_world import HOUSEHOLD, INSTALL, Api
from blob_kit import NAME, names
from engine_kit import everything

from server.auth.callers import ENDPOINTS, KINDS, REVOKED_MAY
from server.flows import people

PIECE = {"Content-Type": "application/partial-upload", "Upload-Offset": "0"}
# name: method, path, the rest of the request
CALLS = {
    "hello": ("GET", "/v1/hello", {}),
    "hello with refs": ("POST", "/v1/hello", {"json": {"refs": []}}),
    "events": ("POST", "/v1/events", {"json": {"items": []}}),
    "deposits": ("POST", "/v1/deposits", {"json": {"box": {}}}),
    "have": ("POST", "/v1/have", {"json": {"items": []}}),
    "blob_upload, how far": ("HEAD", f"/v1/blobs/{NAME}", {}),
    "blob_upload, a piece": ("PATCH", f"/v1/blobs/{NAME}", {"data": b"", "headers": PIECE}),
    "an image": ("GET", f"/v1/blobs/{NAME}", {}),
    "unlocks": ("POST", "/v1/unlocks", {}),
    "feed": ("GET", "/v1/feed", {}),
    "forms": ("GET", "/v1/forms", {}),
    "one form": ("GET", "/v1/forms/kecil/2026110101", {}),
    "its xform": ("GET", "/v1/forms/kecil/2026110101/xform", {}),
    "areas": ("GET", "/v1/areas", {}),
    "prefixes": ("GET", "/v1/areas/prefixes", {}),
    "households": ("GET", "/v1/households", {}),
    "one household": ("GET", f"/v1/households/{HOUSEHOLD}", {}),
}
MAY = {
    "deposit": {
        "hello", "hello with refs", "events", "deposits", "have", "blob_upload, how far", "blob_upload, a piece",
        "unlocks",
    },
    "read": {
        "hello", "hello with refs", "have", "an image", "feed", "forms", "one form", "its xform", "areas", "prefixes",
    },
    "pull": {"forms", "one form", "its xform", "areas", "prefixes", "households", "one household"},
    "staff": {"an image", "forms", "one form", "its xform", "areas", "prefixes", "households", "one household"},
}
OPEN = {
    "/v1/enrol",
    "/v1/openapi.json",
    "/healthz",
    "/readyz",
    "/metrics",
    "/tablet",
    "/tablet/",
    "/tablet/<path:name>",
}


def call(api: Api, name: str, token: str | None):
    method, path, request = CALLS[name]
    if name == "unlocks":
        request = {"json": api.unlocking()}
    return api.call(method, path, token, **request)


def allowed(answer, name: str) -> None:
    # A photo that the tablet has named and not sent yet: nothing to show, and to be told so one must have the right.
    wanted = {"blob_upload, how far": 204, "blob_upload, a piece": 204, "an image": 404}.get(name, 200)
    assert answer.status_code == wanted, answer.text
    assert wanted != 404 or answer.get_json()["code"] == "blob_missing"


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_token_may_call_what_the_table_says(api, problem, kind, name):
    with_photo(api)
    answer = call(api, name, kind)
    if name in MAY[kind]:
        allowed(answer, name)
    else:
        refused(problem, answer, 403, "wrong_token")


def with_photo(api: Api) -> None:
    api.push(api.sealed(answers={"photo": NAME}, attachments=names()))
    api.assigned()


def refused(problem, answer, status: int, code: str) -> None:
    if answer.request.method == "HEAD":
        assert answer.status_code == status
    else:
        problem(answer, status, code)


def test_the_matrix_of_this_test_covers_every_endpoint_and_kind(api):
    paths = {path for _, path, _ in CALLS.values()}
    rules = {rule.rule for rule in api.app.url_map.iter_rules()}
    parts = {"kecil/2026110101": "<form_id>/<version>", HOUSEHOLD: "<household_id>", NAME: "<sha256>"}
    for part, pattern in parts.items():
        paths = {path.replace(part, pattern) for path in paths}
    assert rules - paths == OPEN
    assert set(MAY) == set(KINDS)
    assert {kind for kinds in ENDPOINTS.values() for kind in kinds} == set(KINDS)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic dTpw", "Bearer \u00e9", "Bearer " + "x" * 9000],
)
def test_without_a_token_of_this_server_nothing_is_answered(api, problem, name, authorization):
    method, path, request = CALLS[name]
    headers = request.get("headers", {}) | ({} if authorization is None else {"Authorization": authorization})
    answer = api.call(method, path, **request | {"headers": headers})
    refused(problem, answer, 401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("kind", ["deposit", "read"])
def test_a_revoked_tablet_keeps_what_it_needs_to_hand_in_its_work_and_reads_nothing(api, problem, kind, name):
    with_photo(api)
    people.revoke(api.world.db, INSTALL, "hilang", api.clock.now_ms())
    answer = call(api, name, kind)
    if name not in MAY[kind]:
        refused(problem, answer, 403, "wrong_token")
    elif name.split()[0].strip(",") in REVOKED_MAY:
        allowed(answer, name)
    else:
        refused(problem, answer, 403, "revoked")


def test_the_hello_of_a_revoked_tablet_is_bare(api):
    api.assigned()
    assert {"forms", "areas", "officer", "feed_head", "scope"} <= api.call(
        "GET", "/v1/hello", "deposit"
    ).get_json().keys()
    people.revoke(api.world.db, INSTALL, "hilang", api.clock.now_ms())
    bare = api.call("GET", "/v1/hello", "deposit").get_json()
    assert bare["revoked"] is True
    assert bare.keys() == {"server_id", "epoch", "time", "durable", "stamps", "revoked"}


def test_a_token_of_the_central_office_ends_with_its_term_or_by_revocation(api, problem):
    assert call(api, "households", "pull").status_code == 200
    api.clock.advance_ms(31 * 24 * 3_600_000)
    problem(call(api, "households", "pull"), 401, "unauthenticated")


def test_tokens_are_not_kept_as_they_are(api):
    dump = everything(api.world.db)
    assert all(token not in dump for token in api.tokens.values())


def test_an_officer_who_left_sees_nothing_more(api):
    api.push(api.sealed())
    api.world.fold()
    assert api.call("GET", "/v1/feed", "read").get_json()["items"]
    api.world.db.run("update officers set active = 0")
    assert api.call("GET", "/v1/feed", "read").get_json()["items"] == []
