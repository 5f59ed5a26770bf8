"""A stand-in server that takes photos, and a tablet that takes them; what the tests of photos share."""

from __future__ import annotations

import hashlib
import json

from field_small_form import HOUSEHOLD, record, small_form
from field_stand_in import StandIn, problem

from field_forms.client import Response
from field_forms.client.transport import Request


class PhotoServer(StandIn):
    """The stand-in, with photos: the two requests of docs/protocol.md, "Photos and files"."""

    def __init__(self) -> None:
        super().__init__()
        self.forms = [small_form().to_json()]
        self.feed = [record()]
        self.files: dict[str, bytes] = {}
        self.begun: dict[str, bytes] = {}
        self.safe: set[str] = set()
        self.said: list[tuple[str, str, int]] = []
        self.refuse: dict[str, Response] = {}
        self.spoil = 0

    def send(self, request: Request, on_bytes=None) -> Response:
        if not request.path.startswith("/v1/blobs/"):
            return super().send(request, on_bytes)
        assert request.headers["authorization"] == "Bearer dep"
        name = request.path.rpartition("/")[2]
        length = self.named().get(name)
        if length is None:
            return problem(404, "blob_unknown")
        if request.method == "PATCH":
            if on_bytes and request.body:
                on_bytes(len(request.body), len(request.body))
            answer = self.take(name, int(request.headers["upload-offset"]), request.body, length)
            if answer is not None:
                return answer
        at = length if name in self.files else len(self.begun.get(name, b""))
        self.said.append((request.method, name, at))
        return Response(
            204,
            {
                "upload-offset": str(at), "upload-length": str(length),
                "upload-complete": "?1" if name in self.files else "?0",
                "padan-durable": "?1" if name in self.safe else "?0",
            },
            b"",
        )  # fmt: skip

    def named(self) -> dict[str, int]:
        heads = (row["item"]["head"] for row in self.log)
        return {file["sha256"]: file["bytes"] for head in heads for file in head["attachments"].values()}

    def take(self, name, *rest):
        if not rest:
            return super().take(name)
        offset, piece, length = rest
        if name in self.refuse:
            return self.refuse[name]
        have = self.begun.get(name, b"")
        if offset != len(have):
            return Response(409, {}, json.dumps({"code": "offset_mismatch", "offset": len(have)}).encode())
        have += piece
        self.begun[name] = have
        if len(have) == length:
            del self.begun[name]
            if self.spoil or sha(have) != name:
                self.spoil = max(0, self.spoil - 1)
                return problem(422, "blob_mismatch")
            self.files[name] = have
        return None


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def taken(client, *contents: bytes) -> list[str]:
    """A sealed visit for each photo; their hashes."""
    found = []
    for number, data in enumerate(contents):
        source = client.home / f"kamera-{number}.jpg"
        source.write_bytes(data)
        draft = client.open_draft(HOUSEHOLD)
        draft.answer("h/visit_outcome", "01")
        draft.answer("h/address", f"Jl. {number}")
        client.attach(draft, "h/photo", source)
        client.seal(draft)
        source.unlink()
        found.append(sha(data))
    return found


def states(client) -> list[str]:
    return sorted(row[0] for row in client.store.conn.execute("select state from files"))


def all_durable(server) -> None:
    server.durable = len(server.log)


BIG = bytes(range(256)) * 3_000
MIDDLE, SMALL = BIG[:200_000], BIG[:900]
