"""Fixtures of the tests of the API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from api_world import PROBLEM, Api
from server_world import World
from werkzeug.test import TestResponse


@pytest.fixture
def api(world: World) -> Iterator[Api]:
    """The app, with a token of each kind."""
    made = Api(world)
    made.enrolled()
    yield made


@pytest.fixture
def problem() -> Callable[[TestResponse, int, str], dict[str, Any]]:
    """Check an answer to be that problem; its JSON."""

    def check(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
        assert answer.status_code == status, answer.text
        assert answer.mimetype == PROBLEM
        body: dict[str, Any] = answer.get_json()
        assert body["code"] == code
        assert body["status"] == status
        assert body["title"] and body["title_id"] and body["action"] and body["type"].endswith(code)
        return body

    return check
