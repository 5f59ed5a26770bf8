"""A tablet whose PIN was forgotten: the operator's code brings its data key back, to that tablet and to nobody else."""

from __future__ import annotations

from api_world import INSTALL, INSTALL_KEY, NEIGHBOUR, Api

from schemas.problems import ProblemError
from schemas.sealing import open_box, sealing_public_key
from schemas.signing import key_id
from server.flows import people
from server.flows.unlock import issue_unlock_code

DATA_KEY, READER = b"k" * 32, b"q" * 32
OTHER_INSTALL, OTHER_KEY = "aaaaaaaa-0000-4000-8000-00000000000b", b"j" * 32
MINUTE_MS = 60_000


def opened(answer):
    """The data key in an answer, as the tablet reads it."""
    assert answer.status_code == 200, answer.text
    return open_box(answer.get_json()["box"], {key_id(sealing_public_key(READER)): READER})


def ask(api: Api, body, token: str = "deposit"):
    return api.call("POST", "/v1/unlocks", token, json=body)


def test_the_data_key_comes_back_sealed_to_the_tablet(api):
    body = api.unlocking(DATA_KEY, reader=READER)
    answer = ask(api, body)
    assert opened(answer) == DATA_KEY
    assert DATA_KEY.hex() not in answer.text


def test_a_code_can_be_asked_again_for_a_while_because_answers_are_lost(api, problem):
    body = api.unlocking(DATA_KEY, reader=READER)
    ask(api, body)
    api.clock.advance_ms(14 * MINUTE_MS)
    assert opened(ask(api, body)) == DATA_KEY
    api.clock.advance_ms(2 * MINUTE_MS)
    problem(ask(api, body), 403, "unlock_code_expired")


def test_an_unused_code_ends_after_a_day(api, problem):
    body = api.unlocking(DATA_KEY)
    api.clock.advance_ms(24 * 60 * MINUTE_MS)
    problem(ask(api, body), 403, "unlock_code_expired")


def test_the_code_of_one_tablet_opens_no_other(api, problem):
    other = api.enrol(OTHER_INSTALL, OTHER_KEY, api.code("budi")).get_json()["deposit_token"]
    body = api.unlocking(DATA_KEY, reader=READER)
    problem(ask(api, body, other), 403, "unlock_code_unknown")


def test_a_stolen_box_is_not_opened_on_the_tablet_of_another_officer(api, problem):
    stolen = api.unlocking(DATA_KEY)["box"]
    other = api.enrol(OTHER_INSTALL, OTHER_KEY, api.code("budi")).get_json()["deposit_token"]
    random = api.world.random.randbytes(32)
    code = issue_unlock_code(api.world.db, OTHER_INSTALL, random, by="operator", now_ms=api.clock.now_ms())
    body = api.unlocking(DATA_KEY) | {"box": stolen, "code": code}
    problem(ask(api, body, other), 409, "unlock_box_unreadable")


def test_a_tablet_enrolled_anew_still_opens_what_its_former_self_sealed(api):
    box = api.unlocking(DATA_KEY)["box"]
    again = api.enrol(OTHER_INSTALL, OTHER_KEY, api.code("siti")).get_json()["deposit_token"]
    body = api.unlocking(DATA_KEY, OTHER_INSTALL, READER) | {"box": box}
    assert opened(ask(api, body, again)) == DATA_KEY


def test_what_is_no_box_of_ours_is_told_and_spends_no_code(api, problem):
    body = api.unlocking(DATA_KEY, reader=READER)
    for box in ({}, {**body["box"], "sealed": "AAAA"}, {"v": 1.5}):
        problem(ask(api, body | {"box": box}), 409, "unlock_box_unreadable")
    assert opened(ask(api, body)) == DATA_KEY


def test_a_deposit_is_no_unlock_box(api, problem):
    from base64 import b64decode

    from schemas.sealing import deposit_content, seal_box
    from server.flows.hello import public_sealing_key

    sealing = b64decode(public_sealing_key(api.world.db)["key"])
    deposit = seal_box(deposit_content(INSTALL, '{"items":[]}', INSTALL_KEY), sealing, b"x" * 32)
    problem(ask(api, api.unlocking() | {"box": deposit}), 409, "unlock_box_unreadable")


def test_a_revoked_tablet_is_not_opened_and_gets_no_code(api, problem):
    body = api.unlocking(DATA_KEY)
    people.revoke(api.world.db, INSTALL, "hilang", api.clock.now_ms())
    problem(ask(api, body), 403, "revoked")
    for install, wanted in ((INSTALL, "revoked"), (NEIGHBOUR, "not_found")):
        try:
            issue_unlock_code(api.world.db, install, b"r" * 32, by="operator", now_ms=api.clock.now_ms())
        except ProblemError as error:
            assert error.code == wanted
        else:
            raise AssertionError(f"{install} got a code")
