"""Whatever is asked, whatever goes wrong meanwhile: no NIK, no name, no secret reaches the log.

Every endpoint there is gets known people and tokens in each place where a caller can put something: path, query,
headers, body, files. Then the same with a fault inside whose message quotes them. A new endpoint is met without being
listed."""

from __future__ import annotations

import base64
import io
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from api_world import HOUSEHOLD, Api
from silence_kit import KK, MOTHER, NAME, NIK, PEOPLE, PHONE, STREET, found_in, logged

from server.log import get_logger

SECRETS = {"code": "JATI-DUKU-9X4K", "password": "kata-sandi-rahasia-7"}
ANSWERS = {"m_name": NAME, "nik": NIK, "presence": "1", "mother_name": MOTHER, "phone": PHONE}


def routes(api: Api) -> list[tuple[str, str]]:
    """Every method of every path of the app."""
    return sorted(
        (method, rule.rule)
        for rule in api.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"OPTIONS"}
    )


def bodies() -> Iterator[dict[str, Any]]:
    """What a caller can send: right in form, wrong in form, no JSON, packed."""
    person = {"nik": NIK, "name": NAME, "kk": KK, "code": SECRETS["code"], NIK: NAME, "password": SECRETS["password"]}
    yield {"json": person}
    items = [person, NIK, [NAME]]
    yield {"json": {"items": items, "refs": [NIK], "box": {NAME: NIK}, "public_key": NAME, "install": NIK}}
    yield {"data": f'{{"items": ["{NIK}", {NAME}'.encode(), "content_type": "application/json"}
    yield {"data": f"nik={NIK}&name={NAME}".encode(), "content_type": f"text/plain; {NIK}"}
    yield {"data": NAME.encode(), "headers": {"Content-Encoding": "gzip", "Content-Type": "application/json"}}
    yield {"data": NIK.encode(), "headers": {"Upload-Offset": NIK, "Content-Type": "application/partial-upload"}}
    yield {"data": {"file": (io.BytesIO(NIK.encode()), f"{NAME}.jpg")}, "content_type": "multipart/form-data"}


def ask_everything(api: Api) -> set[tuple[str, str, int]]:
    """Call each route in each way; `(method, route, status)` of all answers."""
    seen = set()
    headers = {
        "User-Agent": f"Padan {NAME} {NIK}", "Referer": f"https://padan.example/?nik={NIK}", "X-Request-Id": NIK,
        "If-None-Match": f'"{NIK}"', "Cookie": f"nama={NAME}", "X-Forwarded-For": NIK,
    }  # fmt: skip
    for (method, rule), token in itertools.product(routes(api), (*api.tokens, None)):
        for value in (HOUSEHOLD, NIK):
            path = "/".join(value if part.startswith("<") else part for part in rule.split("/"))
            asked = {"query_string": {"nik": NIK, "area": NAME}}
            for body in bodies() if method in ("POST", "PATCH", "PUT") else ({}, asked):
                request = {**body, "headers": {**headers, **body.get("headers", {})}}
                seen.add((method, rule, api.call(method, path, token, **request).status_code))
        if token is None:
            for wrong in (SECRETS["password"], base64.b64encode(NIK.encode()).decode(), f"{NAME} {NIK}"):
                answer = api.client.open(path, method=method, headers={"Authorization": f"Bearer {wrong}"})
                seen.add((method, rule, answer.status_code))
    return seen


def real_work(api: Api) -> None:
    """A family comes in, is folded, read and pulled; one form is broken, one is not meant for this tablet."""
    persons = {f"{HOUSEHOLD}/{HOUSEHOLD}": ANSWERS}
    api.push(
        api.sealed(HOUSEHOLD, {"address": STREET, "head_name": NAME, "no_kk": KK}, persons=persons),
        api.sealed(HOUSEHOLD, {"address": 7, NAME: NIK}),
        {**api.sealed(), "payload_hash": "0" * 64},
        f'["{NIK}", "{NAME}"]',
    )
    api.world.fold()
    for path in ("/v1/feed", "/v1/households", f"/v1/households/{HOUSEHOLD}", "/v1/forms", "/v1/areas"):
        for token in api.tokens:
            api.call("GET", path, token)


@pytest.fixture
def secrets(api: Api) -> dict[str, str]:
    return {**PEOPLE, **SECRETS, **{f"token {name}": token for name, token in api.tokens.items()}}


def test_no_request_whatever_it_holds_leaves_a_person_or_a_secret_in_the_log(api: Api, secrets: dict[str, str]) -> None:
    with logged() as stream:
        real_work(api)
        seen = ask_everything(api)
    assert {(method, rule) for method, rule, _ in seen} == set(routes(api)), "every endpoint was asked"
    statuses = {status for _, _, status in seen}
    assert {200, 401, 403, 404, 422} <= statuses, statuses
    text = stream.getvalue()
    assert len(text.splitlines()) > 300
    assert found_in(text, secrets) == []


def test_a_fault_whose_message_quotes_a_person_leaves_the_person_out(
    api: Api, secrets: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every view fails, with what it was given in the message, as a database or a library would quote it."""
    api.app.config["PROPAGATE_EXCEPTIONS"] = False
    words = f"{NIK} {NAME} {json.dumps(ANSWERS)} {STREET} {SECRETS['code']} " + " ".join(api.tokens.values())

    def fail(*_args: Any, **_kwargs: Any) -> Any:
        try:
            raise KeyError(words)
        except KeyError as error:
            raise RuntimeError(f"duplicate key value ({words})") from error

    for endpoint in api.app.view_functions:
        monkeypatch.setitem(api.app.view_functions, endpoint, fail)
    with logged() as stream:
        answers = [api.call(method, rule, next(iter(api.tokens))) for method, rule in routes(api) if "<" not in rule]
    assert {answer.status_code for answer in answers} == {500}
    text = stream.getvalue()
    assert text.count("RuntimeError") >= len(answers), "the kind of error is told"
    assert found_in(text + "".join(answer.text for answer in answers), secrets) == []


@pytest.mark.parametrize(
    "line", [{"reason": NAME}, {"reason": f"tabel {NAME.split()[0].title()}"}, {"route": f"/v1/{STREET}"}]
)
def test_the_search_finds_what_is_there(line: dict[str, str]) -> None:
    """What a careless line would leave is found, so the other tests can fail."""
    with logged() as stream:
        get_logger().info("careless", **line)
    assert found_in(stream.getvalue(), PEOPLE)


@pytest.mark.parametrize("line", [NIK, f"{NIK[:6]} {NIK[6:]}", PHONE])
def test_the_search_finds_numbers_too(line: str) -> None:
    assert found_in(f'{{"event": "x", "reason": "{line}"}}', PEOPLE)
