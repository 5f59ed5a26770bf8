"""Enrolling: a code is good once, for one tablet, for three days; a lost answer costs nothing."""

from __future__ import annotations

import pytest
from api_world import INSTALL, INSTALL_KEY

from schemas.limits import ENROL_CODE_VALID_HOURS
from server.flows import people

OTHER = "bbbbbbbb-0000-4000-8000-000000000002"
HOUR_MS = 3_600_000


def test_a_code_becomes_two_tokens_with_all_that_a_tablet_needs(api):
    answer = api.enrol(OTHER).get_json()
    assert answer["officer"] == {"id": "siti", "name": "Siti"}
    assert answer["areas"] == [{"code": "19.03.01.1001"}]
    assert len({answer["deposit_token"], answer["read_token"]}) == 2
    assert min(len(answer["deposit_token"]), len(answer["read_token"])) >= 43
    assert api.call("GET", "/v1/hello", answer["read_token"]).get_json()["server_id"] == answer["server_id"]


def test_the_same_tablet_may_ask_again_when_the_answer_was_lost(api, problem):
    code = api.code()
    first = api.enrol(OTHER, code=code).get_json()
    second = api.enrol(OTHER, code=code).get_json()
    assert api.call("GET", "/v1/hello", second["deposit_token"]).status_code == 200
    problem(api.call("GET", "/v1/hello", first["deposit_token"]), 401, "unauthenticated")
    assert {key: first[key] for key in ("server_id", "install", "officer", "areas", "sealing_key")} == {
        key: second[key] for key in ("server_id", "install", "officer", "areas", "sealing_key")
    }


def test_a_code_is_read_as_people_type_it(api):
    code = api.code()
    assert api.enrol(OTHER, code=code.lower().replace("-", " ")).status_code == 200


def test_another_tablet_cannot_use_the_code(api, problem):
    code = api.code()
    api.enrol(OTHER, code=code)
    problem(api.enrol("cccccccc-0000-4000-8000-000000000003", code=code), 409, "enrol_code_used")


def test_an_install_id_cannot_be_taken_over_with_another_key(api, problem):
    problem(api.enrol(INSTALL, key=b"z" * 32), 409, "install_taken")


def test_a_code_expires(api, problem):
    code = api.code()
    api.clock.advance_ms(ENROL_CODE_VALID_HOURS * HOUR_MS)
    problem(api.enrol(OTHER, code=code), 403, "enrol_code_expired")


def test_an_unknown_code_is_refused(api, problem):
    problem(api.enrol(OTHER, code="AAAA-BBBB-CCCC-DDDD"), 403, "enrol_code_unknown")


def test_a_revoked_tablet_does_not_come_back_with_its_old_code_but_with_a_new_one(api, problem):
    code = api.code()
    api.enrol(OTHER, code=code)
    people.revoke(api.world.db, OTHER, "hilang", api.clock.now_ms())
    problem(api.enrol(OTHER, code=code), 409, "enrol_code_used")
    tokens = api.enrol(OTHER).get_json()
    assert api.call("GET", "/v1/feed", tokens["read_token"]).status_code == 200


def test_a_code_of_an_officer_who_left_is_worth_nothing(api, problem):
    code = api.code()
    api.world.db.run("update officers set active = 0")
    problem(api.enrol(OTHER, code=code), 403, "enrol_code_unknown")


@pytest.mark.parametrize(
    "wrong",
    [
        {"install": "not-a-uuid"},
        {"install": INSTALL.upper()},
        {"public_key": "AAAA"},
        {"public_key": "=" * 44},
        {"code": ""},
        {"code": 7},
        {"app": "\u0007"},
        {"extra": 1},
    ],
)
def test_a_malformed_request_uses_no_code_up(api, problem, wrong):
    code = api.code()
    answer = api.enrol(OTHER, INSTALL_KEY, code, wrong)
    body = problem(answer, 422, "invalid")
    assert body["errors"][0]["where"] == "$." + next(iter(wrong))
    assert api.enrol(OTHER, code=code).status_code == 200
