"""Who may call what: every kind of token at every endpoint, and what is left to a tablet that was cut off."""

from __future__ import annotations

import pytest
from api_world import HOUSEHOLD, INSTALL, Api
from engine_kit import everything

from server.auth.callers import ENDPOINTS, KINDS, REVOKED_MAY
from server.flows import people

CALLS = {
    "hello": ("GET", "/v1/hello", None),
    "hello with refs": ("POST", "/v1/hello", {"refs": []}),
    "events": ("POST", "/v1/events", {"items": []}),
    "deposits": ("POST", "/v1/deposits", {"box": {}}),
    "have": ("POST", "/v1/have", {"items": []}),
    "unlocks": ("POST", "/v1/unlocks", {}),
    "feed": ("GET", "/v1/feed", None),
    "forms": ("GET", "/v1/forms", None),
    "one form": ("GET", "/v1/forms/kecil/2026110101", None),
    "its xform": ("GET", "/v1/forms/kecil/2026110101/xform", None),
    "areas": ("GET", "/v1/areas", None),
    "prefixes": ("GET", "/v1/areas/prefixes", None),
    "households": ("GET", "/v1/households", None),
    "one household": ("GET", f"/v1/households/{HOUSEHOLD}", None),
}
MAY = {
    "deposit": {"hello", "hello with refs", "events", "deposits", "have", "unlocks"},
    "read": {"hello", "hello with refs", "have", "feed", "forms", "one form", "its xform", "areas", "prefixes"},
    "pull": {"forms", "one form", "its xform", "areas", "prefixes", "households", "one household"},
    "staff": {"forms", "one form", "its xform", "areas", "prefixes", "households", "one household"},
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
    method, path, body = CALLS[name]
    if name == "unlocks":
        body = api.unlocking()
    return api.call(method, path, token, **({} if body is None else {"json": body}))


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_token_may_call_what_the_table_says(api, problem, kind, name):
    api.push(api.sealed())
    api.world.fold()
    answer = call(api, name, kind)
    if name in MAY[kind]:
        assert answer.status_code == 200, answer.text
    else:
        problem(answer, 403, "wrong_token")


def test_the_matrix_of_this_test_covers_every_endpoint_and_kind(api):
    paths = {path for _, path, _ in CALLS.values()}
    rules = {rule.rule for rule in api.app.url_map.iter_rules()}
    patterns = {
        path.replace("kecil/2026110101", "<form_id>/<version>").replace(HOUSEHOLD, "<household_id>") for path in paths
    }
    assert rules - patterns == OPEN
    assert set(MAY) == set(KINDS)
    assert {kind for kinds in ENDPOINTS.values() for kind in kinds} == set(KINDS)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic dTpw", "Bearer \u00e9", "Bearer " + "x" * 9000],
)
def test_without_a_token_of_this_server_nothing_is_answered(api, problem, name, authorization):
    method, path, body = CALLS[name]
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = api.call(method, path, headers=headers, **({} if body is None else {"json": body}))
    problem(answer, 401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("kind", ["deposit", "read"])
def test_a_revoked_tablet_keeps_what_it_needs_to_hand_in_its_work_and_reads_nothing(api, problem, kind, name):
    people.revoke(api.world.db, INSTALL, "hilang", api.clock.now_ms())
    answer = call(api, name, kind)
    if name not in MAY[kind]:
        problem(answer, 403, "wrong_token")
    elif name.split()[0] in REVOKED_MAY:
        assert answer.status_code == 200, answer.text
    else:
        problem(answer, 403, "revoked")


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
