"""What the tests of photos over HTTP share: naming a file in an event, and the two requests of an upload."""

from __future__ import annotations

import hashlib
from typing import Any

from api_world import HOUSEHOLD, NEIGHBOUR, Api
from server_world import VILLAGE

PIECE = "application/partial-upload"
DATA = bytes(range(256)) * 40
OTHER = "aaaaaaaa-0000-4000-8000-000000000002"


def sha(data: bytes) -> str:
    """SHA-256 as it is written everywhere."""
    return hashlib.sha256(data).hexdigest()


NAME = sha(DATA)


def names(data: bytes = DATA, size: int | None = None) -> dict[str, Any]:
    """`attachments` of an event with one photo; `size`: what it says where that is not true."""
    return {"h/photo": {"sha256": sha(data), "bytes": len(data) if size is None else size, "mime": "image/jpeg"}}


def pushed(api: Api, data: bytes = DATA, household: str = HOUSEHOLD, **more: Any) -> None:
    """An event that names the file, taken in."""
    (answer,) = api.push(api.sealed(household, attachments=more.pop("attachments", names(data)), **more))
    assert answer["status"] in ("stored", "held"), answer


def head(api: Api, name: str = NAME, token: str = "deposit") -> Any:
    """How far is it?"""
    return api.call("HEAD", f"/v1/blobs/{name}", token)


def patch(api: Api, offset: Any, data: bytes, name: str = NAME, token: str = "deposit", **headers: str) -> Any:
    """The next piece."""
    wanted = {"Content-Type": PIECE} | ({} if offset is None else {"Upload-Offset": str(offset)})
    return api.call("PATCH", f"/v1/blobs/{name}", token, data=data, headers=wanted | headers)


def at(answer: Any) -> tuple[int, int, str]:
    """Offset, length and completeness of an answer."""
    assert answer.status_code == 204, answer.text
    assert not answer.data
    told = answer.headers
    return int(told["Upload-Offset"]), int(told["Upload-Length"]), told["Upload-Complete"]


def second_tablet(api: Api) -> dict[str, str]:
    """Another officer's tablet in the same village; its tokens."""
    answer: dict[str, str] = api.enrol(OTHER, b"o" * 32, api.code("rini", VILLAGE)).get_json()
    return answer


def push_as_other(api: Api, data: bytes = DATA, **answers: Any) -> list[str]:
    """The second tablet names the same file in a form of another family."""
    envelope = api.world.sealed(
        NEIGHBOUR, {"address": "Jl. Lain"} | answers, attachments=names(data), actor="rini", install=OTHER, area=VILLAGE
    )
    return [answer.status for answer in api.world.push(envelope, install=OTHER)]
